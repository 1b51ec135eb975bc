//! What is rejected, and how clearly.

use reqwest::{Method, header};
use serde_json::json;

use crate::harness::{
    Server, WEBHOOK, assert_nothing_stored, assert_status, detail, head, problem, run_id, update,
    update_head,
};

#[tokio::test]
async fn a_wrong_field_is_named_by_its_pointer_and_nothing_of_the_update_is_stored() {
    let server = Server::start().await;
    let number = "expected a number of at most 100";
    let word = "expected one of queued, processing, completed";
    let unknown = r#"string "done", expected one of queued, processing, completed"#;
    let twice = r#""status":"queued","status":"failed""#;
    let outputs = "expected an array of objects";
    let same_name = r#""outputs":[{"id":1,"id":2}]"#;
    for (fields, pointer, expected) in [
        (r#""status":"done""#, "/status", unknown),
        (r#""status":7"#, "/status", word),
        (twice, "/status", "given twice"),
        (r#""progress":100.1"#, "/progress", number),
        (r#""progress":1e400"#, "/progress", number),
        (r#""progress":"50""#, "/progress", number),
        (r#""progress":true"#, "/progress", number),
        (r#""progress":[]"#, "/progress", number),
        (r#""live_status":{}"#, "/live_status", "expected a string"),
        (r#""event_type":1"#, "/event_type", "expected a string"),
        (r#""outputs":{}"#, "/outputs", outputs),
        (r#""outputs":"x""#, "/outputs", outputs),
        (r#""outputs":[{},[]]"#, "/outputs/1", "expected an object"),
        (r#""outputs":[null]"#, "/outputs/0", "expected an object"),
        (same_name, "/outputs/0", "given twice, expected once"),
    ] {
        let run_id = run_id(1);
        let body = format!(r#"{{"run_id":"{run_id}","outputs":null,"live_status":null,{fields}}}"#);
        let problem = problem(server.post(body).await, 422).await;
        assert_eq!(problem["pointer"], pointer, "{problem}");
        let detail = detail(&problem);
        assert!(detail.starts_with(&format!("{pointer}: ")), "{detail}");
        assert!(detail.contains(expected), "{detail}");
        assert_nothing_stored(&server).await;
    }
}

#[tokio::test]
async fn a_run_id_that_is_not_a_uuid_is_rejected() {
    let server = Server::start().await;
    for run_id in [
        r#""run-1""#,
        r#""""#,
        "5",
        "{}",
        r#""7c9e6679742540de944be07fc1f90ae7""#,
    ] {
        let response = server.post(format!(r#"{{"run_id":{run_id}}}"#)).await;
        let problem = problem(response, 422).await;
        assert_eq!(problem["pointer"], "/run_id");
        assert!(
            detail(&problem).contains("expected a UUID such as"),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn json_that_is_not_an_object_is_rejected_with_422() {
    let server = Server::start().await;
    for body in [
        "[]",
        "null",
        "1",
        r#""x""#,
        &format!(r#"["{}",null,"queued"]"#, run_id(1)),
    ] {
        let problem = problem(server.post(body.to_owned()).await, 422).await;
        assert_eq!(problem["pointer"], "");
        assert!(detail(&problem).contains("expected an object"), "{problem}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_rejected_with_400() {
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
    for (body, expected) in bodies {
        let problem = problem(server.post(body).await, 400).await;
        assert!(detail(&problem).contains(expected), "{problem}");
    }
}

#[tokio::test]
async fn an_update_that_is_encoded_twice_is_recognised() {
    let server = Server::start().await;
    let body = json!(update(1, "queued")).to_string();
    let problem = problem(server.post(body).await, 422).await;
    assert_eq!(problem["pointer"], "");
    assert_eq!(
        detail(&problem),
        "the body: it is a string that looks like an object: was it encoded as JSON twice? Send the object itself"
    );
    assert_nothing_stored(&server).await;
}

#[tokio::test]
async fn a_hundred_thousand_nested_brackets_crash_nothing() {
    let server = Server::start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let run_id = run_id(1);
    server
        .accept(format!(r#"{{"run_id":"{run_id}","future":{deep}}}"#))
        .await;
    for field in ["run_id", "status", "progress", "live_status", "event_type"] {
        let problem = problem(server.post(format!(r#"{{"{field}":{deep}}}"#)).await, 422).await;
        assert_eq!(problem["pointer"], format!("/{field}"));
    }
    problem(server.post("[".repeat(100_000)).await, 400).await;
}

/// Python fails at 1,000 levels, jq at 256 or 10,000.
#[tokio::test]
async fn an_output_that_some_readers_cannot_read_is_rejected_and_named() {
    let server = Server::start().await;
    let nested = |levels: usize| {
        format!(
            r#"{{"data":{}{}}}"#,
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        )
    };
    let with = |output: &str| format!(r#"{{"run_id":"{}","outputs":[{{}},{output}]}}"#, run_id(1));
    for (output, expected) in [
        (nested(129).as_str(), "at most 128 levels"),
        (&nested(100_000), "at most 128 levels"),
        (r#"{"id":"\ud83d"}"#, r"\ud83d is half of a character"),
        (
            r#"{"data":{"\ude00\ud83d":1}}"#,
            r"\ude00 is half of a character",
        ),
    ] {
        let problem = problem(server.post(with(output)).await, 422).await;
        assert_eq!(problem["pointer"], "/outputs/1");
        assert!(detail(&problem).contains(expected), "{problem}");
        assert_nothing_stored(&server).await;
    }
    let readable = [
        &nested(128),
        r#"{"\ud83d\ude00":"[[[[ \ud83d\ude00 \\ud83d"}"#,
    ];
    server.accept(with(&readable.join(","))).await;
    // serde_json reads at most 127 levels, so the text has to do.
    let shown = server.get(&format!("/api/runs/{}", run_id(1))).await;
    let shown = shown.text().await.unwrap();
    assert!(
        readable.iter().all(|output| shown.contains(*output)),
        "{shown}"
    );
}

#[tokio::test]
async fn every_output_has_to_be_an_object_even_if_there_are_more_than_a_run_may_hold() {
    let server = Server::start().await;
    let with = |last: &str| format!(r#"{{"outputs":[{}{last}]}}"#, "{},".repeat(400_000));
    server.accept(with("{}")).await;
    let problem = problem(server.post(with("7")).await, 422).await;
    assert_eq!(problem["pointer"], "/outputs/400000");
    assert!(detail(&problem).ends_with("an object"), "{problem}");
}

#[tokio::test]
async fn a_huge_wrong_value_is_shortened_in_the_problem() {
    let server = Server::start().await;
    let body = json!({"status": "x".repeat(1_000_000)}).to_string();
    let problem = problem(server.post(body).await, 422).await;
    let detail = detail(&problem);
    assert!(detail.len() < 500, "{}", detail.len());
    assert!(
        detail.starts_with("/status: ") && detail.ends_with("success, timeout"),
        "{detail}"
    );
}

#[tokio::test]
async fn an_unknown_path_is_a_404_problem() {
    let server = Server::start().await;
    for path in [
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
async fn a_wrong_method_is_a_405_problem_that_names_the_right_ones() {
    let server = Server::start().await;
    let run = format!("/api/runs/{}", run_id(1));
    for path in ["/api/runs", &run, "/healthz", "/readyz"] {
        let response = server.request(Method::POST, path).send().await.unwrap();
        assert_eq!(response.headers()[header::ALLOW], "GET,HEAD", "{path}");
        problem(response, 405).await;
    }
}

#[tokio::test]
async fn problems_of_the_webhook_are_neither_cached_nor_sniffed() {
    let open = Server::with_flags(&["--body-timeout", "50ms"]).await;
    let guarded = Server::with_tokens("writer", "", &[]).await;
    let closing = "connection: close";
    let sized = |length| update_head(&format!("content-length: {length}\r\n{closing}"));
    for (server, request, status) in [
        (&open, sized(1) + "{", 400),
        (&open, update_head("host: y"), 400),
        (&guarded, sized(2) + "{}", 401),
        (&open, head("PUT", WEBHOOK, "text/plain", closing), 405),
        (&open, sized(100), 408),
        (&open, sized(5_000_000), 413),
        (&open, head("POST", WEBHOOK, "text/plain", closing), 415),
        (&open, sized(2) + "[]", 422),
        (&open, update_head("transfer-encoding: gzip, chunked"), 501),
    ] {
        let response = server.raw(request).await;
        assert_status(&response, status);
        for header in ["cache-control: no-store", "x-content-type-options: nosniff"] {
            assert!(
                response.contains(&format!("\r\n{header}\r\n")),
                "{header}: {response}"
            );
        }
    }
}
