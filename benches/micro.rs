//! What the parts of taking an update and of showing a run cost by themselves, without a socket.
//!
//! `cargo bench --bench micro -- apply` runs those whose name has that in it.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::{env, fs, hint::black_box, sync::Arc, time::Duration};

use axum::{body::Body, extract::Request};
use comfydeploy_webhook::{
    config::Config,
    http::{self, App, Runs},
    metrics::Metrics,
    run::{RunId, Timestamp, Update},
    store::{Filter, Limits, PageSearch, Store},
};
use criterion::{BenchmarkId, Criterion, Throughput};
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use tokio_util::sync::CancellationToken;

fn main() {
    // No figure of one run is held against one of another, so what the last one left is thrown away.
    let results = concat!(env!("CARGO_TARGET_TMPDIR"), "/micro");
    let _ = fs::remove_dir_all(results);
    let mut criterion = Criterion::default()
        .output_directory(results.as_ref())
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .without_plots()
        .configure_from_args();
    parse(&mut criterion);
    let is_quick = env::args().any(|argument| argument == "--quick");
    for runs in [1_000, if is_quick { 10_000 } else { 1_000_000 }] {
        apply(&mut criterion, runs);
    }
    search(&mut criterion, if is_quick { 10_000 } else { 100_000 });
    show(&mut criterion);
    criterion.final_summary();
}

/// The body of an update with `outputs` outputs of one image each.
fn body(run_id: &str, progress: &str, outputs: usize) -> String {
    let status = if outputs == 0 { "running" } else { "success" };
    let output = |n: usize| {
        format!(
            r#"{{"id":"3b241101-e2bb-4255-8caf-{n:012}","run_id":"{run_id}","data":{{"images":[{{"url":"https://storage.example.com/outputs/runs/{run_id}/ComfyUI_00001_.png","type":"output","filename":"ComfyUI_00001_.png","subfolder":"","is_public":true,"upload_duration":0.412}}]}},"node_meta":{{"node_id":"9","node_class":"SaveImage"}},"created_at":"2026-03-01T12:00:41.207Z","updated_at":"2026-03-01T12:00:41.207Z","type":null,"node_id":"9"}}"#
        )
    };
    let outputs: Vec<_> = (0..outputs).map(output).collect();
    format!(
        r#"{{"event_type":"run.updated","status":"{status}","live_status":"Executing KSampler","progress":{progress},"run_id":"{run_id}","outputs":[{}]}}"#,
        outputs.join(",")
    )
}

fn run_id(n: usize) -> String {
    format!("7c9e6679-7425-40de-944b-{n:012}")
}

const KINDS: [(&str, usize); 3] = [("progress", 0), ("closing", 1), ("50 KB", 100)];

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for (name, outputs) in KINDS {
        let body = body(&run_id(0), "0.45", outputs);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| Update::parse(black_box(body.as_bytes())).is_ok());
        });
    }
}

fn store(runs: usize) -> Store {
    let limits = Limits {
        runs,
        bytes: usize::MAX,
        retention: Duration::MAX,
        backlog: 65_536,
    };
    Store::new(limits, &Metrics::new())
}

/// Progress of any of `runs` runs, further each time.
fn apply(criterion: &mut Criterion, runs: usize) {
    let store = store(runs);
    // In an order that has nothing to do with that of the store: the factor is a prime.
    let ids: Vec<RunId> = (0..runs)
        .map(|n| run_id(n * 7_368_787 % runs).parse().unwrap())
        .collect();
    let bodies: Vec<_> = (1..100_000)
        .map(|n| body(&run_id(0), &format!("0.{n:06}"), 0))
        .collect();
    let updates: Vec<_> = bodies
        .iter()
        .map(|body| Update::parse(body.as_bytes()).unwrap())
        .collect();
    let now = Timestamp::from_millis(1_772_366_400_000).unwrap();
    let mut all = updates
        .iter()
        .cycle()
        .flat_map(|update| ids.iter().map(move |&id| (id, update)));
    for (id, update) in all.by_ref().take(runs) {
        store.apply(id, update, now);
    }
    let mut group = criterion.benchmark_group("apply progress");
    group.bench_function(
        BenchmarkId::from_parameter(format!("{runs} runs")),
        |bencher| {
            bencher.iter(|| {
                let (id, update) = all.next().unwrap();
                store.apply(id, update, now)
            });
        },
    );
}

/// A search for a label that none of `runs` runs has: one step, which holds the lock, and all of it.
fn search(criterion: &mut Criterion, runs: usize) {
    let store = store(runs);
    let body = body(&run_id(0), "0.45", 0);
    let update = Update::parse(body.as_bytes()).unwrap();
    let update = update.with_labels([("user", "42"), ("plan", "pro")].into_iter());
    let now = Timestamp::from_millis(1_772_366_400_000).unwrap();
    for n in 0..runs {
        // Not in the order of the list.
        let id = run_id(n * 7_368_787 % runs).parse().unwrap();
        store.apply(id, &update, now);
    }
    let filter = Filter::default().with_labels(["user:7".parse().unwrap()]);
    let new_search = || PageSearch::new(filter.clone(), None, 50);
    let mut group = criterion.benchmark_group(format!("search a label among {runs} runs"));
    let mut going = new_search();
    group.bench_function("a step", |bencher| {
        bencher.iter(|| {
            if store.search(&mut going).is_some() {
                going = new_search();
            }
        });
    });
    group.bench_function("all", |bencher| {
        bencher.iter(|| {
            let mut search = new_search();
            while store.search(&mut search).is_none() {}
        });
    });
}

/// A run as `GET /api/runs/{run_id}` shows it: all of the response but the socket.
fn show(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("show");
    for (name, outputs) in KINDS {
        let config = Config::from_flags(&[]).unwrap();
        let metrics = Metrics::new();
        let store = Arc::new(store(1));
        let body = body(&run_id(0), "0.45", outputs);
        let update = Update::parse(body.as_bytes()).unwrap();
        let now = Timestamp::from_millis(1_772_366_400_000).unwrap();
        store.apply(update.run_id.unwrap(), &update, now);
        let [shutdown, drain] = [(); 2].map(|()| CancellationToken::new());
        let app = App::new(
            &config,
            Runs::in_memory(store, &metrics),
            &metrics,
            shutdown,
            drain,
        );
        let routes = http::routes(&Arc::new(app), &[]);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let request = Request::get(format!("/api/runs/{}", run_id(0)));
                let request = request.body(Body::empty()).unwrap();
                let response = routes.respond(request, Ok(())).now_or_never().unwrap();
                response
                    .into_body()
                    .collect()
                    .now_or_never()
                    .unwrap()
                    .unwrap()
            });
        });
    }
}
