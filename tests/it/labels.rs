//! Labels: the user's own query parameters of the webhook's URL.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Process, Server, WEBHOOK, detail, ids, problem, run_id, update, with_timeout},
    sse::Stream,
};

/// Reports an update of the nth run to the webhook's URL with this query.
async fn report(server: &Server, n: usize, status: &str, query: &str) {
    let request = server.request(Method::POST, &format!("{WEBHOOK}?{query}"));
    let request = request.header("content-type", "application/json");
    let response = request.body(update(n, status)).send().await.unwrap();
    assert_eq!(response.status(), 200, "{query}");
}

async fn labels(server: &Server, n: usize) -> Value {
    server.run(&run_id(n)).await["labels"].take()
}

async fn listed(server: &Server, query: &str) -> Vec<String> {
    let list = server.json(&format!("/api/runs?{query}")).await;
    let runs = list["runs"].as_array().unwrap();
    ids(runs).into_iter().map(str::to_owned).collect()
}

fn events_of(n: usize, query: &str) -> String {
    format!("/api/runs/{}/events?{query}", run_id(n))
}

#[tokio::test]
async fn the_query_of_the_webhook_is_kept_as_labels_but_for_what_it_tells_the_sender_and_the_service()
 {
    let server = Server::with_tokens("secret", "", &[]).await;
    let query = "user=42&target_events=run.output,run.updated&plan=pro%20plus&token=secret&flag";
    report(&server, 1, "queued", query).await;
    let expected = json!({"user": "42", "plan": "pro plus", "flag": ""});
    assert_eq!(labels(&server, 1).await, expected);
    // The sender's retry.
    let retry = server.request(Method::GET, &format!("{WEBHOOK}?user=43&token=secret"));
    let retry = retry.header("content-type", "application/json");
    let retried = retry.body(update(1, "running")).send().await.unwrap();
    assert_eq!(retried.status(), 200);
    assert_eq!(labels(&server, 1).await["user"], "43");
    report(&server, 1, "success", "user=42&token=secret").await;
    let run = server.run(&run_id(1)).await;
    assert_eq!(run["labels"]["user"], "43", "the greater value stays");
    assert_eq!(run["status"], "completed");
    report(&server, 2, "queued", "token=secret").await;
    assert_eq!(labels(&server, 2).await, json!({}));
}

#[tokio::test]
async fn hostile_labels_are_text() {
    let server = Server::start().await;
    let hostile = [
        ("<script>alert(1)</script>", "\"}],\n\r\u{0}\u{1f600}"),
        ("__proto__", "polluted"),
        ("a:b", "event: end\n\ndata: {}"),
    ];
    let mut stream = Stream::open(&server, "/api/events").await;
    stream.snapshot("start").await;
    let url = format!("http://{}{WEBHOOK}", server.address);
    let url = reqwest::Url::parse_with_params(&url, hostile).unwrap();
    report(&server, 1, "queued", url.query().unwrap()).await;
    let shown = labels(&server, 1).await;
    assert_eq!(stream.next_run().await.0["labels"], shown);
    for (name, value) in hostile {
        assert_eq!(shown[name], value, "{name}");
    }
}

#[tokio::test]
async fn labels_over_a_bound_are_left_out_logged_and_counted_and_the_update_is_accepted() {
    let mut process = Process::serve(&[]);
    let (name, value) = ("n".repeat(64), "v".repeat(256));
    let many: Vec<_> = (0..20).map(|n| format!("z{n:02}=1")).collect();
    let many = many.join("&");
    let query = format!("{name}={value}&{name}n=1&a={value}v&=x&{many}");
    let response = process
        .post(&format!("{WEBHOOK}?{query}"), update(1, "queued"))
        .await;
    assert_eq!(response.status(), 200);
    let server = format!("http://{}", process.address);
    let run = reqwest::get(format!("{server}/api/runs/{}", run_id(1))).await;
    let run: Value = run.unwrap().json().await.unwrap();
    let labels = run["labels"].as_object().unwrap();
    assert_eq!(labels.len(), 16);
    assert_eq!(labels[&name], value);
    assert!(labels.contains_key("z14") && !labels.contains_key("z15"));
    let metrics = reqwest::get(format!("{server}/metrics")).await.unwrap();
    let left_out = "comfydeploy_webhook_labels_left_out_total 8\n";
    assert!(metrics.text().await.unwrap().contains(left_out));
    let more = format!("{WEBHOOK}?a1=1&a2=2");
    process.post(&more, update(1, "queued")).await;
    let (_, log) = process.stop();
    assert!(
        log.contains("labels left out: a run has at most 16"),
        "{log}"
    );
    assert!(log.contains("left_out=8 count=1"), "{log}");
    assert!(
        log.contains("left_out=2 count=2"),
        "those before are kept out: {log}"
    );
    assert!(!log.contains("nnn"), "the names are not logged: {log}");
}

#[tokio::test]
async fn lists_are_filtered_by_labels_that_must_all_hold() {
    let server = Server::start().await;
    for n in 0..600 {
        let query = match n {
            0 => "user=42&plan=pro",
            300 => "user=42",
            599 => "user=42&plan=free",
            _ => "user=1",
        };
        report(&server, n, if n == 0 { "success" } else { "queued" }, query).await;
    }
    let runs = |numbers: &[usize]| numbers.iter().map(|&n| run_id(n)).collect::<Vec<_>>();
    assert_eq!(listed(&server, "label=user:42").await, runs(&[599, 300, 0]));
    assert_eq!(
        listed(&server, "label=user:42&label=plan:pro").await,
        runs(&[0])
    );
    assert_eq!(
        listed(&server, "label=user%3A42&status=queued").await,
        runs(&[599, 300])
    );
    assert!(listed(&server, "label=user:4").await.is_empty());
    assert!(
        listed(&server, "label=user:42&label=user:1")
            .await
            .is_empty()
    );
    let first = server.json("/api/runs?label=user:42&limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = server
        .json(&format!("/api/runs?label=user:42&limit=2&cursor={cursor}"))
        .await;
    assert_eq!(ids(rest["runs"].as_array().unwrap()), runs(&[0]));
    assert_eq!(rest["next_cursor"], Value::Null);
    let exact = server.json("/api/runs?label=user:42&limit=3").await;
    assert_eq!(
        exact["next_cursor"],
        Value::Null,
        "no other run has the label"
    );
}

#[tokio::test]
async fn a_run_is_read_and_waited_for_only_with_the_labels_that_are_asked_for() {
    let server = Server::start().await;
    report(&server, 1, "success", "user=42").await;
    let path = |user| format!("/api/runs/{}?label=user:{user}", run_id(1));
    assert_eq!(server.json(&path(42)).await, server.run(&run_id(1)).await);
    problem(server.get(&path(7)).await, 404).await;
    let waiting = format!("/api/runs/{}?wait=60&label=user:7", run_id(2));
    let wait = async { with_timeout(server.json(&waiting)).await };
    let reported = async {
        server
            .until_metric("comfydeploy_webhook_subscribers 1")
            .await;
        report(&server, 2, "success", "user=42").await;
        report(&server, 2, "success", "user=7").await;
    };
    let (run, ()) = tokio::join!(wait, reported);
    assert_eq!(run["labels"], json!({"user": "7"}));
}

#[tokio::test]
async fn a_stream_of_a_label_never_sends_the_run_of_another() {
    let server = Server::start().await;
    report(&server, 1, "queued", "user=42").await;
    report(&server, 2, "queued", "user=7").await;
    let mut stream = Stream::open(&server, "/api/events?label=user:42").await;
    let (runs, live) = stream.snapshot("start").await;
    assert_eq!(ids(&runs), [run_id(1)]);
    report(&server, 2, "running", "user=7").await;
    report(&server, 3, "queued", "user=42").await;
    assert_eq!(stream.next_run().await.0["run_id"], run_id(3));
    // The greater value counts: the run is another user's now.
    report(&server, 3, "running", "user=9").await;
    report(&server, 3, "running", "user=9").await;
    let removed = stream.next_but_counts().await;
    assert_eq!(
        (&*removed.name, &removed.data),
        ("removed", &json!({"run_id": run_id(3)}))
    );
    let mut back = Stream::after(&live, &server, "/api/events?label=user:42").await;
    assert_eq!(back.next_but_counts().await, removed);
    report(&server, 1, "success", "user=42").await;
    for stream in [&mut stream, &mut back] {
        assert_eq!(stream.next_run().await.0["status"], "completed");
    }
}

#[tokio::test]
async fn the_stream_of_a_run_is_silent_for_another_label() {
    let server = Server::start().await;
    report(&server, 1, "queued", "user=42").await;
    let mut mine = Stream::open(&server, &events_of(1, "label=user:42")).await;
    let mut other = Stream::open(&server, &events_of(1, "label=user:7")).await;
    assert_eq!(mine.next_run().await.0["status"], "queued");
    report(&server, 1, "running", "user=42").await;
    assert_eq!(mine.next_run().await.0["status"], "processing");
    report(&server, 1, "running", "user=7").await;
    assert_eq!(mine.next().await.unwrap().name, "removed");
    assert_eq!(other.next_run().await.0["status"], "processing");
}

#[tokio::test]
async fn a_wrong_label_is_named_in_the_problem() {
    let server = Server::start().await;
    let run = format!("/api/runs/{}", run_id(1));
    let many = "&label=a:1".repeat(17);
    for path in ["/api/runs", "/api/events", &run, &format!("{run}/events")] {
        for (query, expected) in [
            ("label=user", "expected name:value"),
            ("label=", "expected name:value"),
            ("label=:42", "expected name:value"),
            ("label=user:42&label=user", "expected name:value"),
            (&*many, "expected at most 16 values"),
            ("label[]=user:42", "expected the name without brackets"),
            ("label%5B0%5D=user:42", "expected the name without brackets"),
        ] {
            let problem = problem(server.get(&format!("{path}?{query}")).await, 400).await;
            let parameter = problem["parameter"].as_str().unwrap();
            assert!(parameter.starts_with("label"), "{path} {query}");
            assert!(detail(&problem).contains(expected), "{problem}");
        }
    }
}
