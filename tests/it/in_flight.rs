//! The memory for request bodies and responses in flight, and for how long a client may stall.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::{
    harness::{
        Process, Server, WEBHOOK, assert_status, connect_not_reading, get, problem, read_status,
        read_to_end, run_id, send, update, update_head,
    },
    sse::Stream,
};

/// Updates that make a run of 12 MB, more than the operating system buffers for a client that does not read.
fn large_run() -> impl Iterator<Item = String> {
    (0..4).map(|n| {
        let data = "x".repeat(3_000_000);
        let run_id = run_id(1);
        format!(r#"{{"run_id":"{run_id}","outputs":[{{"id":{n},"data":"{data}"}}]}}"#)
    })
}

fn large_run_path() -> String {
    format!("/api/runs/{}", run_id(1))
}

/// A server that holds the large run.
async fn server_with_large_run(flags: &[&str]) -> Server {
    let server = Server::with_flags(flags).await;
    for update in large_run() {
        server.accept(update).await;
    }
    server
}

/// A client that requests the large run and reads nothing of the response.
async fn stalled_reader(address: SocketAddr) -> TcpStream {
    let mut connection = connect_not_reading(address).await;
    send(&mut connection, get(&large_run_path())).await;
    connection
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_is_disconnected() {
    let server = server_with_large_run(&["--send-timeout", "100ms"]).await;
    let _stalled = stalled_reader(server.address).await;
    let closed = r#"comfydeploy_webhook_connections_timed_out_total{stage="send"} 1"#;
    server.until_metric(closed).await;
}

#[tokio::test]
async fn unread_responses_share_one_memory_limit() {
    let server = server_with_large_run(&["--max-in-flight", "1MiB"]).await;
    let stalled = stalled_reader(server.address).await;
    server
        .until_metric("comfydeploy_webhook_answer_bytes_in_flight 1048576")
        .await;
    let rejected = server.get(&large_run_path()).await;
    assert_eq!(rejected.headers()["retry-after"], "1");
    problem(rejected, 503).await;
    assert_eq!(
        server.get("/api/runs?limit=1&status=queued").await.status(),
        200
    );
    for unlimited in ["/", "/openapi.json", "/metrics"] {
        let response = server.get(unlimited).await;
        assert_eq!(response.status(), 200, "{unlimited}");
    }
    drop(stalled);
    server
        .until_metric("comfydeploy_webhook_answer_bytes_in_flight 0")
        .await;
    assert_eq!(server.get(&large_run_path()).await.status(), 200);
}

#[tokio::test]
async fn a_stalled_stream_blocks_no_other_reader() {
    let server = server_with_large_run(&["--max-in-flight", "1MiB"]).await;
    let mut stalled = connect_not_reading(server.address).await;
    send(&mut stalled, get("/api/events")).await;
    server
        .until_metric("comfydeploy_webhook_answer_bytes_in_flight 524288")
        .await;
    assert_eq!(server.get("/api/runs").await.status(), 200);
    let mut stream = Stream::open(&server, "/api/events").await;
    assert_eq!(stream.next().await.unwrap().name, "counts");
    assert_eq!(stream.next().await.unwrap().name, "snapshot");
    // The run is sent as it is when there is memory for it again.
    server.accept(update(1, "success")).await;
    drop(stalled);
    assert_eq!(stream.next_run().await.0["status"], "completed");
}

#[tokio::test]
async fn a_response_over_the_memory_limit_is_not_logged() {
    let mut process = Process::serve(&["--max-in-flight", "1MiB"]);
    for update in large_run() {
        assert_eq!(process.post(WEBHOOK, update).await.status(), 200);
    }
    let stalled = stalled_reader(process.address).await;
    process
        .until_metric("comfydeploy_webhook_answer_bytes_in_flight 1048576")
        .await;
    let rejected = reqwest::get(process.url(&large_run_path())).await;
    assert_eq!(rejected.unwrap().status(), 503);
    drop(stalled);
    let (_, log) = process.stop();
    assert_eq!(log.lines().count(), 1, "only that it is stopping: {log}");
}

#[tokio::test]
async fn bodies_in_flight_share_one_memory_limit_that_small_updates_do_not_need() {
    let flags = ["--max-in-flight", "1MiB", "--max-body", "1MiB"];
    let server = Server::with_flags(&[&flags[..], &["--body-timeout", "1h"]].concat()).await;
    let whole = format!("{{{}}}", " ".repeat(1_000_000));
    let length = format!("content-length: {}", whole.len());
    let mut half_sent = server.connect().await;
    send(&mut half_sent, update_head(&length) + &whole[..600_000]).await;
    server
        .until_metric("comfydeploy_webhook_body_bytes_in_flight 1048576")
        .await;
    let rejected = server.post(whole.clone()).await;
    assert_eq!(rejected.headers()["retry-after"], "1");
    problem(rejected, 503).await;
    server
        .until_metric(r#"comfydeploy_webhook_updates_refused_total{reason="busy"} 1"#)
        .await;
    // Small updates are accepted all the same, even in chunks that do not announce the length.
    server.accept("{}").await;
    let mut in_pieces = server.connect().await;
    let chunked = update_head("transfer-encoding: chunked\r\nconnection: close");
    send(&mut in_pieces, chunked + "1\r\n{\r\n").await;
    server.accept("{}").await;
    send(&mut in_pieces, "1\r\n}\r\n0\r\n\r\n").await;
    assert_status(&read_to_end(&mut in_pieces).await, 200);

    send(&mut half_sent, &whole[600_000..]).await;
    assert_eq!(read_status(&mut half_sent).await, "200");
    server
        .until_metric("comfydeploy_webhook_body_bytes_in_flight 0")
        .await;
    server.accept(whole).await;
}

#[tokio::test]
async fn an_announced_body_reserves_no_memory_before_it_arrives() {
    let flags = ["--max-in-flight", "1MiB", "--max-body", "1MiB"];
    let server = Server::with_flags(&[&flags[..], &["--body-timeout", "1h"]].concat()).await;
    let mut announced = Vec::new();
    for framing in ["content-length: 1000000", "transfer-encoding: chunked"] {
        for _ in 0..20 {
            let mut connection = server.connect().await;
            send(&mut connection, update_head(framing) + "1\r\n").await;
            announced.push(connection);
        }
    }
    server
        .until_metric("comfydeploy_webhook_connections_open 41")
        .await;
    server
        .accept(format!("{{{}}}", " ".repeat(1_000_000)))
        .await;
}
