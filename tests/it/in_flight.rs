//! The memory for request bodies and responses in flight, and for how long a client may stall.

use std::{io, net::SocketAddr};

use serde_json::Value;
use tokio::{io::AsyncReadExt as _, net::TcpStream};

use crate::{
    harness::{
        Server, assert_status, connect_not_reading, get, read_status, read_to_end, run_id, send,
        update, update_head, with_timeout,
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
async fn clients_that_do_not_read_their_responses_keep_no_response_from_others() {
    let server = server_with_large_run(&["--max-in-flight", "1MiB", "--send-timeout", "1h"]).await;
    let mut stalled = Vec::new();
    for path in [&*large_run_path(), "/api/runs"].repeat(2) {
        let mut connection = connect_not_reading(server.address).await;
        send(&mut connection, get(path)).await;
        assert_eq!(read_status(&mut connection).await, "200");
        stalled.push(connection);
    }
    let full = "comfydeploy_webhook_answer_bytes_in_flight 1048576";
    server.until_metric(full).await;
    let revoked = r#"comfydeploy_webhook_memory_revoked_total{kind="response"} 3"#;
    server.until_metric(revoked).await;
    let waiting = format!("{}?wait=60", large_run_path());
    server.accept(update(1, "success")).await;
    for path in [&large_run_path(), "/api/runs", &waiting] {
        server.json(path).await;
    }
    for unlimited in ["/", "/openapi.json", "/metrics"] {
        let response = server.get(unlimited).await;
        assert_eq!(response.status(), 200, "{unlimited}");
    }
    drop(stalled);
    server
        .until_metric("comfydeploy_webhook_answer_bytes_in_flight 0")
        .await;
}

/// Two clients that begin to read the large run, when the memory is enough for one.
async fn half_read(server: &Server, request: &str) -> [TcpStream; 2] {
    let request = request.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    let mut begun = Vec::new();
    for _ in 0..2 {
        let mut connection = connect_not_reading(server.address).await;
        send(&mut connection, &request).await;
        assert_eq!(read_status(&mut connection).await, "200");
        begun.push(connection);
    }
    let revoked = r#"comfydeploy_webhook_memory_revoked_total{kind="response"} 1"#;
    server.until_metric(revoked).await;
    begun.try_into().unwrap()
}

#[tokio::test]
async fn a_slow_reader_whose_memory_others_needed_still_receives_a_run_that_stays_as_it_is() {
    let server = server_with_large_run(&["--max-in-flight", "1MiB"]).await;
    let begun = half_read(&server, &get(&large_run_path())).await;
    server.accept(update(1, "success")).await;
    for mut connection in begun {
        let response = read_to_end(&mut connection).await;
        let (_, json) = response.split_once("\r\n\r\n").unwrap();
        let run: Value = serde_json::from_str(json).unwrap();
        assert_eq!(run["outputs"].as_array().unwrap().len(), 4);
        assert_eq!(run["status"], Value::Null, "as it was at the beginning");
    }
}

#[tokio::test]
async fn a_slow_reader_whose_memory_others_needed_is_cut_off_when_the_outputs_change() {
    for request in [
        get(&large_run_path()),
        // Its end is that of the connection: only a reset tells that there is more.
        get("/api/runs").replace("HTTP/1.1", "HTTP/1.0"),
    ] {
        let server = server_with_large_run(&["--max-in-flight", "1MiB"]).await;
        let [mut older, newer] = half_read(&server, &request).await;
        drop(newer);
        server
            .until_metric("comfydeploy_webhook_answer_bytes_in_flight 0")
            .await;
        let output = format!(r#"{{"run_id":"{}","outputs":[{{"id":9}}]}}"#, run_id(1));
        server.accept(output).await;
        let read = with_timeout(older.read_to_end(&mut Vec::new())).await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn streams_that_are_not_read_delay_no_event_of_others() {
    let server = server_with_large_run(&["--max-in-flight", "1MiB", "--send-timeout", "1h"]).await;
    let mut healthy = Stream::open(&server, "/api/events").await;
    healthy.snapshot("start").await;
    let mut stalled = Vec::new();
    for n in 1..=4 {
        let mut connection = connect_not_reading(server.address).await;
        send(&mut connection, get("/api/events")).await;
        stalled.push(connection);
        let snapshots = r#"comfydeploy_webhook_stream_snapshots_total{reason="start"}"#;
        server.until_metric(&format!("{snapshots} {}", n + 1)).await;
    }
    // One update of a small run, one of the large run, and all there is for another subscriber.
    server.accept(update(2, "running")).await;
    assert_eq!(healthy.next_run().await.0["run_id"], run_id(2));
    server.accept(update(1, "success")).await;
    assert_eq!(healthy.next_run().await.0["status"], "completed");
    let mut another = Stream::open(&server, "/api/events").await;
    assert_eq!(another.snapshot("start").await.0.len(), 2);
    let revoked = r#"comfydeploy_webhook_memory_revoked_total{kind="event"}"#;
    let metrics = server.get("/metrics").await.text().await.unwrap();
    assert!(!metrics.contains(&format!("{revoked} 0")), "{metrics}");
}

#[tokio::test]
async fn half_sent_bodies_keep_no_large_update_out() {
    let flags = ["--max-in-flight", "1MiB", "--max-body", "1MiB"];
    let server = Server::with_flags(&[&flags[..], &["--body-timeout", "1h"]].concat()).await;
    let whole = format!("{{{}}}", " ".repeat(1_000_000));
    let length = format!("content-length: {}", whole.len());
    let mut half_sent = Vec::new();
    for _ in 0..3 {
        let mut connection = server.connect().await;
        send(&mut connection, update_head(&length) + &whole[..600_000]).await;
        half_sent.push(connection);
    }
    let revoked = "comfydeploy_webhook_memory_revoked_total{kind=\"body\"}";
    server.until_metric(&format!("{revoked} 2")).await;
    server.accept(format!("{{{}}}", " ".repeat(50_000))).await;
    server.until_metric(&format!("{revoked} 3")).await;
    server.accept(whole.clone()).await;
    // Those that were too slow are told, and may try again.
    let busy = r#"comfydeploy_webhook_updates_refused_total{reason="busy"}"#;
    for (n, connection) in (1..).zip(&mut half_sent) {
        send(connection, &whole[600_000..]).await;
        assert_eq!(read_status(connection).await, "503");
        server.until_metric(&format!("{busy} {n}")).await;
    }
    server.accept(whole).await;
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
        .until_metric("comfydeploy_webhook_body_bytes_in_flight 1000002")
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
