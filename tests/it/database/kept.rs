//! What is on disk, and when.

use std::process::Stdio;

use super::{runs_in, serve, url};
use crate::harness::{Folder, Process, Server, WEBHOOK, run_id, update};

#[tokio::test]
async fn an_update_survives_a_kill_right_after_its_200() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    for n in 0..5 {
        let mut process = serve(&file);
        let response = process.post(WEBHOOK, update(n, "running")).await;
        process.child.kill().unwrap();
        assert_eq!(response.status(), 200);
        process.child.wait().unwrap();
    }
    let server = Server::with_database(&file, &[]).await;
    for n in 0..5 {
        assert_eq!(server.run(&run_id(n)).await["status"], "processing");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_a_database_no_file_is_opened() {
    let folder = Folder::new();
    let mut command = Process::command(&["--listen", "127.0.0.1:0"]);
    command
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let process = Process::start(command);
    for n in 0..3 {
        process.post(WEBHOOK, update(n, "running")).await;
    }
    let open = std::fs::read_dir(format!("/proc/{}/fd", process.child.id())).unwrap();
    let files: Vec<_> = open
        .filter_map(|descriptor| descriptor.unwrap().path().metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .collect();
    assert!(files.is_empty(), "{files:?}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test]
async fn the_database_is_set_by_a_flag_a_variable_or_a_file() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    std::fs::write(folder.path("url"), format!("{}\n", url(&file))).unwrap();
    let flag = ["--database-url", "sqlite:runs.db"];
    for (n, (arguments, variables)) in [
        (&flag[..], &[][..]),
        (&[], &[("DATABASE_URL", "sqlite:runs.db")]),
        (&[], &[("DATABASE_URL_FILE", "url")]),
        (&["--database-url-file", "url"], &[]),
    ]
    .into_iter()
    .enumerate()
    {
        let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
        let mut command = Process::command(&arguments);
        command.current_dir(&folder).envs(variables.iter().copied());
        let mut process = Process::start(command);
        let response = process.post(WEBHOOK, update(n, "running")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(process.stop().0, Some(0));
        assert_eq!(runs_in(&file), n + 1, "{arguments:?} {variables:?}");
    }
}
