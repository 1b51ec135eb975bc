//! Lists of runs, page by page.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::harness::{Server, detail, ids, problem, run_id, update};

fn runs(page: &Value) -> &[Value] {
    page["runs"].as_array().unwrap()
}

#[tokio::test]
async fn runs_are_listed_newest_first_by_status_and_in_pages() {
    let server = Server::start().await;
    for n in 0..120 {
        let status = if n % 2 == 0 { "success" } else { "failed" };
        server.accept(update(n, status)).await;
    }
    let page = server.json("/api/runs").await;
    assert_eq!(runs(&page).len(), 50, "the default limit");
    let times: Vec<&str> = runs(&page)
        .iter()
        .map(|run| run["first_seen_at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");

    let failed = server.json("/api/runs?status=failed&limit=500").await;
    assert_eq!(runs(&failed).len(), 60);
    assert!(runs(&failed).iter().all(|run| run["status"] == "failed"));
    assert_eq!(failed["next_cursor"], Value::Null);
    let queued = server.json("/api/runs?status=queued").await;
    assert!(runs(&queued).is_empty());
    let one = server.json("/api/runs?limit=1&unknown=x").await;
    assert_eq!(runs(&one).len(), 1);
}

#[tokio::test]
async fn runs_are_found_by_the_beginning_of_their_ids_in_upper_and_lower_case() {
    let server = Server::start().await;
    let other = "7c9e6679-7425-41de-944b-e07fc1f90ae7";
    for n in [1, 11, 12] {
        server.accept(update(n, "queued")).await;
    }
    server.accept(update(12, "failed")).await;
    server.accept(json!({"run_id": other}).to_string()).await;
    let all = [other, &run_id(12), &run_id(11), &run_id(1)];
    for (query, expected) in [
        ("7", &all[..]),
        ("7c9e6679", &all),
        ("7C9E6679-7425-4", &all),
        ("7c9e667974254", &all),
        ("7c9e6679-7425-40", &all[1..]),
        ("7c9e6679-7425-40DE-944B-00000000001", &all[1..3]),
        (
            "7c9e6679-7425-40de-944b-00000000001&status=queued",
            &all[2..3],
        ),
        (other, &all[..1]),
        (&other.replace('-', ""), &all[..1]),
        ("8", &[]),
        ("c9e6679", &[]),
    ] {
        let page = server
            .json(&format!("/api/runs?run_id_prefix={query}"))
            .await;
        assert_eq!(ids(runs(&page)), expected, "{query}");
    }
    let first = server
        .json("/api/runs?run_id_prefix=7c9e6679-7425-40&limit=2")
        .await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/runs?run_id_prefix=7c9e6679-7425-40&limit=2&cursor={cursor}");
    assert_eq!(ids(runs(&server.json(&path).await)), all[3..]);
}

#[tokio::test]
async fn a_listed_run_is_the_same_as_the_run_read_by_id() {
    let server = Server::start().await;
    server
        .accept(json!({"run_id": run_id(1), "outputs": [{"id": "a"}]}).to_string())
        .await;
    let listed = server.json("/api/runs").await["runs"][0].take();
    assert_eq!(listed, server.run(&run_id(1)).await);
}

#[tokio::test]
async fn paging_while_updates_arrive_shows_every_run_once() {
    let server = Server::start().await;
    for n in 0..40 {
        server.accept(update(n, "queued")).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/runs?limit=7".to_owned();
    for turn in 0.. {
        let page = server.json(&path).await;
        seen.extend(ids(runs(&page)).into_iter().map(str::to_owned));
        // Runs that were shown and runs that were not change, and new ones arrive.
        for n in [turn, 39 - turn, 20] {
            server.accept(update(n, "running")).await;
        }
        server.accept(update(100 + turn, "queued")).await;
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/runs?limit=7&cursor={cursor}"),
            None => break,
        }
    }
    let distinct: HashSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "a run was shown twice");
    assert!(
        (0..40).all(|n| distinct.contains(&run_id(n))),
        "a run was lost"
    );
}

#[tokio::test]
async fn a_page_of_large_runs_is_cut_short_and_the_next_one_goes_on() {
    let server = Server::start().await;
    for n in 0..5 {
        let output = json!({"id": "x", "data": "x".repeat(2_000_000)});
        let update = json!({"run_id": run_id(n), "outputs": [output]});
        server.accept(update.to_string()).await;
    }
    let mut seen = 0;
    let mut path = "/api/runs".to_owned();
    loop {
        let page = server.json(&path).await;
        let shown = runs(&page).len();
        assert!((1..=3).contains(&shown), "{shown} runs of 2 MB on one page");
        seen += shown;
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/runs?cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, 5);
}

#[tokio::test]
async fn a_page_shows_each_run_as_it_is_shown_alone_whatever_its_size() {
    let server = Server::start().await;
    let sizes = [0, 100, 3_000, 7_000, 8_191, 8_192, 20_000, 100, 300_000];
    for (n, size) in sizes.into_iter().enumerate() {
        let outputs = [
            json!({"id": "a", "data": "x".repeat(size)}),
            json!({"id": "b"}),
        ];
        let update = json!({"run_id": run_id(n), "outputs": outputs});
        server.accept(update.to_string()).await;
    }
    let page = server.get("/api/runs").await.text().await.unwrap();
    let mut alone = Vec::new();
    for n in (0..sizes.len()).rev() {
        let run = server.get(&format!("/api/runs/{}", run_id(n))).await;
        let declared = run.content_length().unwrap();
        let run = run.text().await.unwrap();
        assert_eq!(run.len() as u64, declared);
        alone.push(run.trim_end().to_owned());
    }
    let expected = format!("{{\"runs\":[{}],\"next_cursor\":null}}\n", alone.join(","));
    assert!(
        page == expected,
        "{} bytes of {}",
        page.len(),
        expected.len()
    );
}

#[tokio::test]
async fn a_bad_parameter_is_named_in_the_problem() {
    let server = Server::start().await;
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("status=done", "status"),
        ("status=success", "status"),
        ("cursor=x", "cursor"),
        (
            "cursor=99999999999999999999.7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "cursor",
        ),
        ("status=queued&cursor=%ff", "cursor"),
        ("run_id_prefix=", "run_id_prefix"),
        ("run_id_prefix=-", "run_id_prefix"),
        ("run_id_prefix=7g", "run_id_prefix"),
        ("run_id_prefix=7c9e%20", "run_id_prefix"),
        ("run_id_prefix=7c9e-6679", "run_id_prefix"),
        ("run_id_prefix=7&run_id_prefix=8", "run_id_prefix"),
        (
            "run_id_prefix=7c9e6679-7425-40de-944b-e07fc1f90ae70",
            "run_id_prefix",
        ),
    ] {
        let problem = problem(server.get(&format!("/api/runs?{query}")).await, 400).await;
        assert_eq!(problem["parameter"], parameter, "{query}");
        let detail = detail(&problem);
        assert!(
            detail.starts_with(&format!("{parameter}: ")) && detail.contains("expected"),
            "{detail}"
        );
    }
    for run_id in ["x", "7c9e6679742540de944be07fc1f90ae7", "%ff", "..%2f"] {
        let problem = problem(server.get(&format!("/api/runs/{run_id}")).await, 400).await;
        assert_eq!(problem["parameter"], "run_id");
    }
}

#[tokio::test]
async fn an_unknown_run_is_not_found() {
    let server = Server::start().await;
    let problem = problem(server.get(&format!("/api/runs/{}", run_id(1))).await, 404).await;
    assert!(detail(&problem).contains(&run_id(1)), "{problem}");
}
