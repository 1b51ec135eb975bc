//! Bodies on their way in and answers on their way out: bounded, each and all together.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::{
    harness::{
        Process, Server, WEBHOOK, connect_deaf, head, patiently, problem, read_status, read_to_end,
        run_id, send, update_head,
    },
    sse::Stream,
};

/// Updates that make a run of 12 MB, more than the operating system takes for a client that does not
/// read.
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

/// A server that has it.
async fn server_with_large_run(flags: &[&str]) -> Server {
    let server = Server::with_flags(flags).await;
    for update in large_run() {
        server.accept(update).await;
    }
    server
}

/// A client that asks for the run and reads nothing of it.
async fn deaf_reader(address: SocketAddr) -> TcpStream {
    let mut connection = connect_deaf(address).await;
    let request = head("GET", &large_run_path(), "text/plain", "x: y");
    send(&mut connection, request).await;
    connection
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_not_waited_for() {
    let server = server_with_large_run(&["--send-timeout", "100ms"]).await;
    let _deaf = deaf_reader(server.address).await;
    let closed = r#"comfydeploy_webhook_connections_timed_out_total{stage="send"} 1"#;
    server.until_metric(closed).await;
}

#[tokio::test]
async fn answers_that_nobody_takes_are_bounded_together() {
    let server = server_with_large_run(&["--max-in-flight", "1MiB"]).await;
    let deaf = deaf_reader(server.address).await;
    server
        .until_metric("comfydeploy_webhook_answer_bytes_in_flight 1048576")
        .await;
    let refused = server.get(&large_run_path()).await;
    assert_eq!(refused.headers()["retry-after"], "1");
    problem(refused, 503).await;
    assert_eq!(
        server.get("/api/runs?limit=1&status=queued").await.status(),
        200
    );
    for needs_no_room in ["/", "/openapi.json", "/metrics"] {
        let response = server.get(needs_no_room).await;
        assert_eq!(response.status(), 200, "{needs_no_room}");
    }
    drop(deaf);
    server
        .until_metric("comfydeploy_webhook_answer_bytes_in_flight 0")
        .await;
    assert_eq!(server.get(&large_run_path()).await.status(), 200);
}

#[tokio::test]
async fn who_reads_no_stream_keeps_nobody_from_reading_and_others_are_told_the_run_as_it_is_then() {
    let server = server_with_large_run(&["--max-in-flight", "1MiB"]).await;
    let mut deaf = connect_deaf(server.address).await;
    send(&mut deaf, head("GET", "/api/events", "text/plain", "x: y")).await;
    server
        .until_metric("comfydeploy_webhook_answer_bytes_in_flight 524288")
        .await;
    assert_eq!(server.get("/api/runs").await.status(), 200);
    let mut stream = Stream::open(&server, "/api/events").await;
    assert_eq!(stream.next().await.unwrap().name, "counts");
    assert_eq!(stream.next().await.unwrap().name, "snapshot");
    let over = format!(r#"{{"run_id":"{}","status":"success"}}"#, run_id(1));
    server.accept(over).await;
    drop(deaf);
    assert_eq!(stream.next_run().await.0["status"], "completed");
}

#[tokio::test]
async fn an_answer_there_is_no_room_for_leaves_no_log_line() {
    let mut process = Process::serve(&["--max-in-flight", "1MiB"]);
    for update in large_run() {
        assert_eq!(process.post(WEBHOOK, update).await.status(), 200);
    }
    let deaf = deaf_reader(process.address).await;
    patiently(async {
        let run = process.url(&large_run_path());
        while reqwest::get(&run).await.unwrap().status() != 503 {}
    })
    .await;
    drop(deaf);
    let (_, log) = process.stop();
    assert_eq!(log.lines().count(), 1, "only that it is stopping: {log}");
}

#[tokio::test]
async fn bodies_in_flight_are_bounded_together_and_small_updates_pass_by() {
    let flags = ["--max-in-flight", "1MiB", "--max-body", "1MiB"];
    let server = Server::with_flags(&[&flags[..], &["--body-timeout", "1h"]].concat()).await;
    let whole = format!("{{{}}}", " ".repeat(1_000_000));
    let length = format!("content-length: {}", whole.len());
    let mut half_sent = server.connect().await;
    send(&mut half_sent, update_head(&length) + &whole[..600_000]).await;
    server
        .until_metric("comfydeploy_webhook_body_bytes_in_flight 1048576")
        .await;
    let refused = server.post(whole.clone()).await;
    assert_eq!(refused.headers()["retry-after"], "1");
    problem(refused, 503).await;
    // A small update needs no room of its own, even in pieces of which none says how many will come.
    server.accept("{}").await;
    let mut in_pieces = server.connect().await;
    let chunked = update_head("transfer-encoding: chunked\r\nconnection: close");
    send(&mut in_pieces, chunked + "1\r\n{\r\n").await;
    server.accept("{}").await;
    send(&mut in_pieces, "1\r\n}\r\n0\r\n\r\n").await;
    assert!(
        read_to_end(&mut in_pieces)
            .await
            .starts_with("HTTP/1.1 200 ")
    );

    send(&mut half_sent, &whole[600_000..]).await;
    assert_eq!(read_status(&mut half_sent).await, "200");
    server
        .until_metric("comfydeploy_webhook_body_bytes_in_flight 0")
        .await;
    server.accept(whole).await;
}

#[tokio::test]
async fn a_body_that_is_only_announced_takes_no_room_from_others() {
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
