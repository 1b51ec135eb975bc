//! Updates that are accepted, and requests to the webhook that are not.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Server, WEBHOOK, WIRE_RUN, detail, fixtures, problem, run_id, update};

#[tokio::test]
async fn an_accepted_update_gets_200_and_an_empty_body() {
    let server = Server::start().await;
    let response = server.post(update(1, "queued")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], "0");
    assert!(!response.headers().contains_key("content-type"));
}

#[tokio::test]
async fn every_fixture_is_accepted() {
    let server = Server::start().await;
    for (name, body) in fixtures("") {
        let response = server.post(body).await;
        assert_eq!(response.status(), 200, "{name}");
    }
}

#[tokio::test]
async fn a_retry_that_arrives_as_get_is_accepted_like_the_post_it_was() {
    let server = Server::start().await;
    let retry = server.webhook(Method::GET, update(1, "running"));
    let response = retry.header("accept", "*/*").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(server.run(&run_id(1)).await["platform_status"], "running");
}

#[tokio::test]
async fn the_response_to_a_retry_is_not_cached() {
    let server = Server::start().await;
    for path in [WEBHOOK.to_owned(), format!("{WEBHOOK}/")] {
        for (body, status) in [("{}", 200), ("not json", 400), (r#"{"status":"odd"}"#, 422)] {
            let retry = server.request(Method::GET, &path).body(body);
            let retry = retry.header("content-type", "application/json");
            let response = retry.send().await.unwrap();
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
        }
    }
}

#[tokio::test]
async fn any_other_method_is_rejected_and_pointed_to_post() {
    let server = Server::start().await;
    let json = "application/json";
    for (method, content_type, body) in [
        (Method::GET, None, ""),
        (Method::GET, Some(json), ""),
        (Method::GET, Some("text/plain"), "{}"),
        (Method::PUT, Some(json), "{}"),
        (Method::PATCH, Some(json), "{}"),
        (Method::DELETE, None, ""),
        (Method::OPTIONS, None, ""),
        (Method::HEAD, None, ""),
    ] {
        let allow = if method == Method::GET {
            "POST"
        } else {
            "GET, POST"
        };
        // With and without a slash at the end, the response is the same.
        let mut responses = Vec::new();
        for path in [WEBHOOK.to_owned(), format!("{WEBHOOK}/")] {
            let mut request = server.request(method.clone(), &path).body(body);
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()["allow"], allow, "{method}");
            assert_eq!(response.headers()["accept-post"], "application/json");
            assert_eq!(response.headers()["cache-control"], "no-store", "{method}");
            let mut headers = response.headers().clone();
            headers.remove("date");
            responses.push(headers);
            if method == Method::HEAD {
                assert_eq!(response.status(), 405);
            } else {
                let problem = problem(response, 405).await;
                let is_empty_retry = method == Method::GET && content_type == Some(json);
                let expected = if is_empty_retry {
                    "this GET has no body: send updates with POST. ".to_owned()
                } else {
                    let allow = allow.replace(", ", " or ");
                    format!(
                        "this path takes {allow}; updates go to POST {WEBHOOK}, people see the runs at /, programs at \
                         /api/runs, and /openapi.json describes every path"
                    )
                };
                assert!(detail(&problem).starts_with(&expected), "{problem}");
            }
        }
        assert_eq!(responses[0], responses[1], "{method}");
    }
}

#[tokio::test]
async fn a_trailing_slash_or_a_query_reaches_the_webhook_without_a_redirect() {
    let server = Server::start().await;
    for (n, suffix) in [
        "/",
        "?target_events=run.output,run.updated",
        "/?a=%ff&&=",
        "?",
    ]
    .into_iter()
    .enumerate()
    {
        let response = server
            .request(Method::POST, &format!("{WEBHOOK}{suffix}"))
            .header("content-type", "application/json; charset=utf-8")
            .body(update(n, "queued"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{suffix}");
        server.run(&run_id(n)).await;
    }
}

#[tokio::test]
async fn an_update_without_a_run_id_is_acknowledged_and_changes_no_run() {
    let server = Server::start().await;
    for body in [
        "{}",
        r#"{"status":"queued"}"#,
        r#"{"run_id":null,"progress":3}"#,
    ] {
        server.accept(body).await;
    }
    assert_eq!(
        server.json("/api/runs").await,
        json!({"runs": [], "next_cursor": null})
    );
}

#[tokio::test]
async fn null_means_absent_and_unknown_fields_are_ignored() {
    let server = Server::start().await;
    server
        .accept(format!(
            r#"{{"run_id":"{WIRE_RUN}","status":null,"progress":null,"live_status":null,
                "outputs":null,"event_type":null,"future":{{"a":[1,2]}}}}"#
        ))
        .await;
    assert_eq!(server.run(WIRE_RUN).await["status"], json!(null));
}
