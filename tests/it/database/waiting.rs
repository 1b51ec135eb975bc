//! Updates that wait because another program has locked the database. It waits 5 seconds for that.

use std::path::Path;

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use rusqlite::Connection;
use serde_json::json;
use tokio::net::TcpStream;

use super::{runs_in, url};
use crate::harness::{
    Folder, Process, Server, allow_open_files, assert_status, read_to_end, run_id, send, update,
    update_head,
};

/// Another program that has locked the database.
fn locked(file: &Path) -> Connection {
    let other = Connection::open(file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// Updates that are sent at a time: more than may wait, which are 1,024 and those that are being committed, 512 at most.
const MANY: usize = 1_900;

/// Sends an update on a connection of its own.
async fn sent(process: &Process, n: usize) -> TcpStream {
    let mut connection = TcpStream::connect(process.address).await.unwrap();
    let body = update(n, "running");
    let head = update_head(&format!(
        "content-length: {}\r\nconnection: close",
        body.len()
    ));
    send(&mut connection, head + &body).await;
    connection
}

async fn read_all(mut connection: TcpStream) -> String {
    read_to_end(&mut connection).await
}

#[tokio::test]
async fn when_too_many_updates_wait_for_the_database_others_are_told_to_try_again() {
    if !allow_open_files(4_096) {
        return;
    }
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let process = Process::serve(&["--max-connections", "2000", "--database-url", &url(&file)]);
    let mut other = Some(locked(&file));
    let connections = join_all((0..MANY).map(|n| sent(&process, n))).await;
    let mut responses: FuturesUnordered<_> = connections.into_iter().map(read_all).collect();
    let (mut accepted, mut too_many) = (0, 0);
    while let Some(response) = responses.next().await {
        if response.starts_with("HTTP/1.1 200 ") {
            accepted += 1;
            continue;
        }
        assert_status(&response, 503);
        assert!(response.contains("\r\nretry-after: 1\r\n"), "{response}");
        if response.contains("too many updates wait for the database; try again") {
            too_many += 1;
            drop(other.take());
        }
    }
    assert!(too_many > 0);
    assert_eq!(runs_in(&file), accepted);
    let busy = r#"comfydeploy_webhook_updates_refused_total{reason="busy"}"#;
    process.until_metric(&format!("{busy} {too_many}")).await;
}

#[tokio::test]
async fn an_update_whose_client_is_gone_counts_towards_the_memory_until_it_is_committed() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &[]).await;
    let other = locked(&file);
    let output = json!({"id": "a", "data": "x".repeat(50_000)});
    let update = json!({"run_id": run_id(1), "outputs": [output]}).to_string();
    let (most, rest) = update.split_at(40_000);
    let mut connection = server.connect().await;
    let head = update_head(&format!("content-length: {}", update.len()));
    send(&mut connection, head + most).await;
    let counted = format!("comfydeploy_webhook_body_bytes_in_flight {}", update.len());
    server.until_metric(&counted).await;
    send(&mut connection, rest).await;
    // The server has read the rest when it has answered another request.
    server.get("/healthz").await;
    drop(connection);
    server
        .until_metric("comfydeploy_webhook_connections_open 1")
        .await;
    server.until_metric(&counted).await;
    other.execute_batch("COMMIT").unwrap();
    server
        .until_metric("comfydeploy_webhook_body_bytes_in_flight 0")
        .await;
    assert_eq!(server.run(&run_id(1)).await["outputs"], json!([output]));
}
