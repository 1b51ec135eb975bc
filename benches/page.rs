//! How long the live page takes, in a headless Chromium beside the service on the same machine.
//!
//! ```sh
//! cargo bench --bench page             # needs chromium and chromedriver
//! cargo bench --bench page -- --quick  # only checks that it works; the figures mean nothing
//! ```

#![expect(
    clippy::cast_precision_loss,
    reason = "figures are rounded when they are shown"
)]
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its results, and fails by panicking"
)]

#[expect(dead_code, unused_imports, reason = "the tests need more of it")]
#[path = "../tests/it/browser/mod.rs"]
mod browser;
#[expect(dead_code, unused_imports, reason = "the tests need more of it")]
#[path = "../tests/it/harness/mod.rs"]
mod harness;

use std::{env, ops::RangeInclusive, time::Duration};

use browser::{Browser, with_browser};
use futures_util::{StreamExt as _, stream};
use harness::{Server, run_id};
use serde_json::{Value, json};
use tokio::time::sleep;

/// The list of the page has this many runs. It draws those near the window.
fn has_runs(runs: usize) -> String {
    format!("document.querySelector('.run')?.ariaSetSize === '{runs}'")
}

/// The page has drawn this progress of the newest run.
fn has_progress(percent: usize) -> String {
    format!("document.querySelector('.run .percent').textContent === '{percent}%'")
}

/// The page has drawn the outputs of the open run.
const HAS_OUTPUTS: &str = "document.querySelector('.panel figure') !== null";

/// How much is measured.
struct Plan {
    runs: usize,
    updates: usize,
    /// Each with a picture and a text of 2.8 kB.
    outputs: usize,
    idle: Duration,
}

impl Plan {
    const FULL: Self = Self {
        runs: 3_000,
        updates: 2_000,
        outputs: 1_000,
        idle: Duration::from_secs(5),
    };
    const QUICK: Self = Self {
        runs: 100,
        updates: 50,
        outputs: 10,
        idle: Duration::from_millis(200),
    };
}

#[tokio::main]
async fn main() {
    let is_quick = env::args().any(|argument| argument == "--quick");
    let plan = if is_quick { Plan::QUICK } else { Plan::FULL };
    with_browser(async |browser| {
        let server = Server::start().await;
        report(&server, 1..=plan.runs, 10).await;
        println!("\n## The page\n");
        measure_start(browser, &server, &plan).await;
        measure_frames(browser, &server, &plan).await;
        measure_large_run(browser, &server, &plan).await;
    })
    .await;
}

/// Reports the progress of runs over a few connections, and that of the last one after all others.
async fn report(server: &Server, runs: RangeInclusive<usize>, percent: usize) {
    let update = |n: usize| {
        let update = json!({ "run_id": run_id(n), "status": "processing", "progress": percent });
        server.accept(update.to_string())
    };
    let newest = *runs.end();
    let others = stream::iter(*runs.start()..newest);
    others.for_each_concurrent(8, update).await;
    update(newest).await;
}

/// From the navigation until the page shows its runs.
async fn measure_start(browser: &Browser, server: &Server, plan: &Plan) {
    browser.open(&format!("http://{}/", server.address)).await;
    let millis = once(browser, &has_runs(plan.runs), "performance.now()").await;
    let millis = millis.as_f64().unwrap();
    println!("{} runs are shown after {millis:.0} ms", plan.runs);
}

/// The frames while nothing changes, and while many runs change at once.
async fn measure_frames(browser: &Browser, server: &Server, plan: &Plan) {
    let count = "
        window.restart = () => {
            window.started = window.last = performance.now();
            window.frames_drawn = window.longest_gap = 0;
        };
        const draw = () => {
            const now = performance.now();
            frames_drawn += 1;
            longest_gap = Math.max(longest_gap, now - last);
            last = now;
            requestAnimationFrame(draw);
        };
        restart();
        requestAnimationFrame(draw);";
    browser.run(count).await;
    let frames = "`${Math.round(1000 * frames_drawn / (performance.now() - started))} frames per second, \
        at most ${Math.round(longest_gap)} ms apart`";
    sleep(plan.idle).await;
    let idle = browser.evaluate(frames).await;
    println!("while nothing changes: {}", idle.as_str().unwrap());

    browser.run("restart()").await;
    report(server, plan.runs - plan.updates + 1..=plan.runs, 90).await;
    let busy = once(browser, &has_progress(90), frames).await;
    let busy = busy.as_str().unwrap();
    println!("while {} runs change: {busy}", plan.updates);
}

/// The longest time for which the page reacts to nothing while it opens a run with many outputs.
async fn measure_large_run(browser: &Browser, server: &Server, plan: &Plan) {
    let n = plan.runs + 1;
    let output = |n: usize| {
        // An empty picture, which the browser does not have to fetch.
        let picture = json!({ "url": "data:image/gif;base64,R0lGODlhAQABAAAAACw=", "filename": format!("{n}.gif") });
        json!({ "id": n.to_string(), "data": { "images": [picture], "text": ["words ".repeat(460)] } })
    };
    let outputs: Vec<_> = (0..plan.outputs).map(output).collect();
    let update =
        json!({ "run_id": run_id(n), "status": "completed", "outputs": outputs }).to_string();
    let megabytes = update.len() as f64 / 1e6;
    server.accept(update).await;
    let observe = "
        window.tasks = [];
        window.observer = new PerformanceObserver((list) => tasks.push(...list.getEntries()));
        observer.observe({ type: 'longtask' });";
    let row = format!("[data-run='{}']", run_id(n));
    browser.find(&row).await;
    browser.until_drawn().await;
    browser.run(observe).await;
    browser.click(&format!("{row} .summary a")).await;
    browser.wait_until(HAS_OUTPUTS).await;
    browser.until_drawn().await;
    // Chromium reports no shorter task than of 50 ms.
    let longest = "
        Math.max(50, ...[...tasks, ...observer.takeRecords()].map(({ duration }) => duration))";
    let longest = browser.evaluate(longest).await;
    println!("while a run of {megabytes:.1} MB is opened: no task of more than {longest} ms");
}

/// The value of an expression once a condition holds, which is checked with every frame.
async fn once(browser: &Browser, condition: &str, expression: &str) -> Value {
    let script = format!(
        "const done = arguments[0];
         const look = () => ({condition}) ? done({expression}) : requestAnimationFrame(look);
         look();"
    );
    browser.client.execute_async(&script, vec![]).await.unwrap()
}
