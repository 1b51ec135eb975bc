//! A file that is no longer where it was while the service runs.

use std::{fs, path::Path};

use super::runs_in;
use crate::harness::{Folder, Server, detail, problem, until, update};

const NAMED: &str = "its file or its log was moved, removed or replaced";

/// Checks that updates are rejected, and that the probes say so.
async fn assert_rejects(server: &Server) {
    for n in [1, 2] {
        let response = server.post(update(n, "success")).await;
        assert!(response.headers().contains_key("retry-after"));
        let rejection = problem(response, 503).await;
        assert!(detail(&rejection).contains(NAMED), "{rejection}");
    }
    let readiness = problem(server.get("/readyz").await, 503).await;
    assert!(detail(&readiness).contains(NAMED), "{readiness}");
    assert_eq!(server.get("/healthz").await.status(), 200);
}

fn move_away(file: &Path, kept: &Path) {
    fs::rename(file, kept).unwrap();
}

fn remove(file: &Path, kept: &Path) {
    fs::hard_link(file, kept).unwrap();
    fs::remove_file(file).unwrap();
}

fn replace(file: &Path, kept: &Path) {
    fs::rename(file, kept).unwrap();
    fs::write(file, "").unwrap();
}

#[tokio::test]
async fn while_the_file_is_not_there_updates_are_rejected_and_nothing_that_is_shown_changes() {
    for change in [move_away, remove, replace] {
        let folder = Folder::new();
        let (file, kept) = (folder.path("runs.db"), folder.path("kept.db"));
        let server = Server::with_database(&file, &[]).await;
        server.accept(update(1, "running")).await;
        let before = server.json("/api/runs").await;
        change(&file, &kept);
        assert_rejects(&server).await;
        assert_eq!(server.json("/api/runs").await, before);

        fs::rename(&kept, &file).unwrap();
        server.until_ready().await;
        assert_eq!(server.json("/api/runs").await, before);
        server.accept(update(2, "running")).await;
        assert_eq!(runs_in(&file), 2);
    }
}

/// How often the database could not be used.
async fn failures(server: &Server) -> usize {
    let metrics = server.get("/metrics").await.text().await.unwrap();
    let name = "comfydeploy_webhook_database_failures_total ";
    let value = metrics.lines().find_map(|line| line.strip_prefix(name));
    value.unwrap().parse().unwrap()
}

#[tokio::test]
async fn no_run_expires_while_the_file_is_not_there_and_that_makes_the_service_not_ready_again() {
    let folder = Folder::new();
    let (file, kept) = (folder.path("runs.db"), folder.path("kept.db"));
    let server = Server::with_database(&file, &["--retention", "1s"]).await;
    server.accept(update(1, "running")).await;
    move_away(&file, &kept);
    assert_rejects(&server).await;
    let before = server.json("/api/runs").await;
    // At least one each second, and at most one more for each removal of expired runs.
    until("the run would have expired", async || {
        problem(server.get("/readyz").await, 503).await;
        failures(&server).await >= 8
    })
    .await;
    assert_eq!(server.json("/api/runs").await, before);

    fs::rename(&kept, &file).unwrap();
    server.until_ready().await;
    until("it has expired", async || runs_in(&file) == 0).await;
}
