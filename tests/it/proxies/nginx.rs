//! nginx.

use std::{path::Path, process::Command};

use super::{Proxy, assert_keeps_the_name, assert_passes, configuration, free_port, server};
use crate::harness::{Folder, OPERATIONS, Server, file_with, is_found};

/// nginx, which Debian has where only root looks. If it is missing, the test is skipped and says so.
fn nginx() -> Option<Command> {
    let candidates = ["nginx", "/usr/sbin/nginx"];
    let program = candidates
        .iter()
        .find(|program| Command::new(program).arg("-v").output().is_ok());
    is_found("nginx", program.is_some());
    program.map(Command::new)
}

/// nginx with this `server`, but without TLS, on a port of its own.
async fn start(mut nginx: Command, folder: &Folder, server: &str) -> Proxy {
    let port = free_port().await;
    assert_eq!(server.matches("listen 443 ssl;").count(), 1, "{server}");
    let server = server.replace("443 ssl", &format!("127.0.0.1:{port}"));
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = folders.map(|of| format!("{of}_temp_path {of};")).join("\n");
    let config = format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{folders}\n{server}}}\n"
    );
    let config = file_with(&format!("nginx-{port}.conf"), &config);
    let folder: &Path = folder.as_ref();
    // It opens this log before it reads the configuration.
    nginx
        .args(["-c", &config, "-e", "stderr", "-p"])
        .arg(folder);
    Proxy::start(nginx, port).await
}

#[tokio::test]
async fn nginx_passes_all_that_senders_and_readers_send() {
    let Some(nginx) = nginx() else { return };
    let (folder, server) = (Folder::new(), server().await);
    let proxy = start(
        nginx,
        &folder,
        &configuration(OPERATIONS, "proxy_pass", &server),
    )
    .await;
    assert_passes(&proxy).await;
}

#[tokio::test]
async fn nginx_passes_all_of_it_under_a_path() {
    let Some(nginx) = nginx() else { return };
    let (folder, server) = (Folder::new(), server().await);
    let pass = format!("proxy_pass http://{}", server.address);
    let config = configuration(OPERATIONS, "proxy_pass", &server)
        .replace("location / {", "location /comfy/ {")
        .replace(&pass, &format!("{pass}/"));
    let mut proxy = start(nginx, &folder, &config).await;
    proxy.prefix = "/comfy";
    assert_passes(&proxy).await;
}

#[tokio::test]
async fn nginx_passes_the_name_on() {
    let Some(nginx) = nginx() else { return };
    let (folder, server) = (Folder::new(), Server::start().await);
    let proxy = start(
        nginx,
        &folder,
        &configuration(OPERATIONS, "proxy_pass", &server),
    )
    .await;
    assert_keeps_the_name(&proxy).await;
}
