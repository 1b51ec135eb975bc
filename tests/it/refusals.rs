//! What is refused, and how clearly.

use reqwest::{Method, header};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::harness::{Server, WEBHOOK, problem, read_to_end};

const RUN: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

#[tokio::test]
async fn a_wrong_field_is_named_by_its_pointer_and_nothing_of_the_update_is_stored() {
    let server = Server::start().await;
    let number = "expected a number of at most 100";
    for (fields, pointer, detail) in [
        (
            r#""status":"done""#,
            "/status",
            r#"string "done", expected one of queued, processing, completed"#,
        ),
        (
            r#""status":7"#,
            "/status",
            "expected one of queued, processing, completed",
        ),
        (
            r#""status":"queued","status":"failed""#,
            "/status",
            "given twice",
        ),
        (r#""progress":100.1"#, "/progress", number),
        (r#""progress":1e400"#, "/progress", number),
        (r#""progress":"50""#, "/progress", number),
        (r#""progress":true"#, "/progress", number),
        (r#""progress":[]"#, "/progress", number),
        (r#""live_status":{}"#, "/live_status", "expected a string"),
        (r#""event_type":1"#, "/event_type", "expected a string"),
        (
            r#""outputs":{}"#,
            "/outputs",
            "expected an array of at most 1000 objects",
        ),
        (
            r#""outputs":"x""#,
            "/outputs",
            "expected an array of at most 1000 objects",
        ),
        (r#""outputs":[{},[]]"#, "/outputs/1", "expected an object"),
        (r#""outputs":[null]"#, "/outputs/0", "expected an object"),
        (
            r#""outputs":[{"id":1,"id":2}]"#,
            "/outputs/0",
            "duplicate field `id`",
        ),
    ] {
        let body = format!(r#"{{"run_id":"{RUN}","outputs":null,"live_status":null,{fields}}}"#);
        let problem = problem(server.post(body).await, 422).await;
        assert_eq!(problem["pointer"], pointer, "{problem}");
        let text = problem["detail"].as_str().unwrap();
        assert!(text.starts_with(&format!("{pointer}: ")), "{text}");
        assert!(text.contains(detail), "{text}");
        assert_nothing_stored(&server).await;
    }
}

async fn assert_nothing_stored(server: &Server) {
    problem(server.get(&format!("/api/runs/{RUN}")).await, 404).await;
}

#[tokio::test]
async fn a_run_id_that_is_not_a_uuid_is_refused() {
    let server = Server::start().await;
    for run_id in [
        r#""run-1""#,
        r#""""#,
        "5",
        "{}",
        r#""7c9e6679742540de944be07fc1f90ae7""#,
    ] {
        let problem = problem(server.post(format!(r#"{{"run_id":{run_id}}}"#)).await, 422).await;
        assert_eq!(problem["pointer"], "/run_id");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("expected a UUID such as")
        );
    }
}

#[tokio::test]
async fn json_that_is_no_object_is_the_wrong_shape() {
    let server = Server::start().await;
    for body in [
        "[]",
        "null",
        "1",
        r#""x""#,
        &format!(r#"["{RUN}",null,"queued"]"#),
    ] {
        let problem = problem(server.post(body.to_owned()).await, 422).await;
        assert_eq!(problem["pointer"], "");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("expected an object")
        );
    }
}

#[tokio::test]
async fn what_is_not_json_is_a_bad_request() {
    let server = Server::start().await;
    let bodies: [(&[u8], &str); 8] = [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"run_id=1", "not JSON"),
        (b"{", "not JSON"),
        (b"{} {}", "trailing characters"),
        (b"{\"progress\":.5}", "not JSON"),
        (b"{\"live_status\":\"\xff\"}", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
    ];
    for (body, detail) in bodies {
        let problem = problem(server.post(body).await, 400).await;
        assert!(
            problem["detail"].as_str().unwrap().contains(detail),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn a_content_type_other_than_json_is_refused() {
    let server = Server::start().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/problem+json",
        "",
    ] {
        let request = server.request(Method::POST, WEBHOOK).body("{}");
        let response = request
            .header("content-type", content_type)
            .send()
            .await
            .unwrap();
        let problem = problem(response, 415).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains(&format!("{content_type:?}, expected application/json")),
            "{detail}"
        );
    }
    let compressed = server
        .request(Method::POST, WEBHOOK)
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body("{}");
    let compressed = problem(compressed.send().await.unwrap(), 415).await;
    assert!(
        compressed["detail"]
            .as_str()
            .unwrap()
            .contains("content encoding \"gzip\"")
    );
    let response = server
        .request(Method::POST, WEBHOOK)
        .body("{}")
        .send()
        .await
        .unwrap();
    let problem = problem(response, 415).await;
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("no content type")
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_the_limit_is_taken() {
    let server = Server::with_flags(&["--max-body", "1KiB"]).await;
    let body_of = |size: usize| format!("{{{}}}", " ".repeat(size - 2));
    server.accept(body_of(1024)).await;
    for size in [1025, 100_000, 5_000_000] {
        let problem = problem(server.post(body_of(size)).await, 413).await;
        assert!(
            problem["detail"].as_str().unwrap().contains("1.0 KiB"),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn the_limit_of_a_body_is_4_mib_unless_set() {
    let server = Server::start().await;
    let padding = 4 * 1024 * 1024 - 2;
    server.accept(format!("{{{}}}", " ".repeat(padding))).await;
    let response = server
        .post(format!("{{{}}}", " ".repeat(padding + 1)))
        .await;
    problem(response, 413).await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_when_its_length_is_not_announced() {
    let server = Server::with_flags(&["--max-body", "1KiB"]).await;
    let mut request = format!(
        "POST {WEBHOOK} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    );
    request.push_str(&format!("400\r\n{}\r\n", " ".repeat(1024)).repeat(100));
    request.push_str("0\r\n\r\n");
    let answer = server.raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_body_announced_far_over_the_limit_is_refused_before_it_is_sent() {
    let server = Server::start().await;
    let answer = server
        .raw(format!(
            "POST {WEBHOOK} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: 10000000000\r\nexpect: 100-continue\r\n\r\n"
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_first_is_not_told_to_send_what_will_be_refused() {
    let server = Server::start().await;
    for (method, path, content_type, status) in [
        ("POST", WEBHOOK, "application/json", "413"),
        ("POST", WEBHOOK, "text/plain", "415"),
        ("PUT", WEBHOOK, "application/json", "405"),
        ("POST", "/elsewhere", "application/json", "404"),
    ] {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n\
             content-length: 5000000\r\nexpect: 100-continue\r\n\r\n"
        );
        let answer = server.raw(head).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_client_that_is_still_sending_hears_why_it_is_refused() {
    let server = Server::start().await;
    let body = " ".repeat(19_000_000);
    for (method, path, content_type, status) in [
        ("POST", WEBHOOK, "application/json", "413"),
        ("POST", WEBHOOK, "text/plain", "415"),
        ("PUT", WEBHOOK, "application/json", "405"),
        ("POST", "/api/runs", "application/json", "405"),
        ("POST", "/elsewhere", "application/json", "404"),
    ] {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n\
             content-length: 19000000\r\nconnection: close\r\n\r\n{body}"
        );
        let answer = server.raw(request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_refused() {
    let server = Server::with_flags(&["--body-timeout", "50ms"]).await;
    let answer = server
        .raw(format!(
            "POST {WEBHOOK} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: 100\r\n\r\n{{\"run_id\":\"{RUN}\""
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert_nothing_stored(&server).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_changes_nothing() {
    let server = Server::start().await;
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "POST {WEBHOOK} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{{\"run_id\":\"{RUN}\"}}"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
    let answer = read_to_end(&mut connection).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
        "{answer}"
    );
    assert_nothing_stored(&server).await;
}

#[tokio::test]
async fn a_hundred_thousand_nested_brackets_crash_nothing() {
    let server = Server::start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    server
        .accept(format!(
            r#"{{"run_id":"{RUN}","outputs":[{{"id":"x","data":{deep}}}]}}"#
        ))
        .await;
    server
        .accept(format!(r#"{{"run_id":"{RUN}","future":{deep}}}"#))
        .await;
    for field in ["run_id", "status", "progress", "live_status", "event_type"] {
        let problem = problem(server.post(format!(r#"{{"{field}":{deep}}}"#)).await, 422).await;
        assert_eq!(problem["pointer"], format!("/{field}"));
    }
    problem(server.post("[".repeat(100_000)).await, 400).await;
    let shown = server
        .get(&format!("/api/runs/{RUN}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(shown.contains(&deep));
}

#[tokio::test]
async fn more_outputs_than_a_run_may_hold_are_refused() {
    let server = Server::start().await;
    let with = |outputs: usize| format!(r#"{{"outputs":[{}{{}}]}}"#, "{},".repeat(outputs - 1));
    server.accept(with(1_000)).await;
    let problem = problem(server.post(with(400_000)).await, 422).await;
    assert_eq!(problem["pointer"], "/outputs");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .ends_with("an array of at most 1000 objects")
    );
}

#[tokio::test]
async fn a_huge_wrong_value_is_not_echoed_whole() {
    let server = Server::start().await;
    let body = json!({"status": "x".repeat(1_000_000)}).to_string();
    let problem = problem(server.post(body).await, 422).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.len() < 500, "{}", detail.len());
    assert!(
        detail.starts_with("/status: ") && detail.ends_with("success, timeout"),
        "{detail}"
    );
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let server = Server::start().await;
    for path in [
        "/",
        "/api",
        "/api/webhooks",
        "/api/webhooks/run-update/x",
        "/api/runs/",
        "//",
    ] {
        problem(server.get(path).await, 404).await;
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_a_problem_that_says_which_it_takes() {
    let server = Server::start().await;
    let run = format!("/api/runs/{RUN}");
    for path in ["/api/runs", &run, "/healthz", "/readyz"] {
        let response = server.request(Method::POST, path).send().await.unwrap();
        assert_eq!(response.headers()[header::ALLOW], "GET,HEAD", "{path}");
        problem(response, 405).await;
    }
}
