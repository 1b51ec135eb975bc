//! Long lists: only the rows near the window are in the document.

use serde_json::{Value, json};

use super::{emulation::before_scripts, open_with, page_url, report_all, report_completed, row};
use crate::{
    browser::{Browser, with_browser},
    harness::{Server, ids, run_id},
    sse::Stream,
};

/// Scrolls over the whole list, and checks that the rows in the window have no gap between them.
const WALK: &str = "
    window.walk = async () => {
      const ids = new Map(), problems = [];
      let most = 0;
      scrollTo(0, 0);
      for (;;) {
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        const rows = [...document.querySelectorAll('#runs > .run')];
        most = Math.max(most, rows.length);
        const places = rows.map((row) => [Number(row.ariaPosInSet), row.dataset.run, row.getBoundingClientRect()]);
        for (const [position, id, { top }] of places) {
          const previous = places.find(([other]) => other === position - 1);
          if (previous && Math.abs(previous[2].bottom - top) > 0.1) problems.push(`${id}: ${previous[2].bottom} ${top}`);
          if (ids.has(position) && ids.get(position) !== id) problems.push(`${position}: ${id}`);
          ids.set(position, id);
        }
        const list = document.querySelector('#runs').getBoundingClientRect();
        for (const y of [0, innerHeight / 2, innerHeight - 1]) {
          const isCovered = places.some(([, , { top, bottom }]) => top <= y && y <= bottom);
          if (y > list.top && y < list.bottom && !isCovered) problems.push(`nothing at ${scrollY + y}`);
        }
        const isAtEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
        if (isAtEnd && document.querySelector('#older').hidden) break;
        scrollBy(0, 2 * innerHeight);
      }
      const sorted = [...ids].sort(([a], [b]) => a - b);
      window.walked = { ids: sorted.map(([, id]) => id), problems, most };
    };
    walk();";

async fn walk(browser: &Browser) -> Vec<String> {
    browser.run(WALK).await;
    browser.wait_until("window.walked").await;
    assert_eq!(browser.evaluate("walked.problems").await, json!([]));
    let most = browser.evaluate("walked.most").await;
    assert!(most.as_u64().unwrap() < 150, "{most}");
    serde_json::from_value(browser.evaluate("walked.ids").await).unwrap()
}

/// The ids of all runs, as the API lists them.
async fn listed(server: &Server) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.json(&format!("/api/runs?limit=500{cursor}")).await;
        let runs: &Vec<Value> = page["runs"].as_array().unwrap();
        all.extend(ids(runs).into_iter().map(str::to_owned));
        let Some(next) = page["next_cursor"].as_str() else {
            return all;
        };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn older_runs_come_as_the_viewer_scrolls_to_the_end() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_completed(&server, 0, json!([])).await;
        report_all(&server, 1..=4_200, "processing").await;
        browser.open(&page_url(&server)).await;
        browser
            .wait_until("document.querySelector('#runs .run')?.ariaSetSize === '3000'")
            .await;
        assert_eq!(walk(browser).await, listed(&server).await);

        // With a filter, the older ones are found at once.
        browser.click(".filters [data-status=completed]").await;
        browser.wait_until(&format!("{} !== null", row(0))).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn older_runs_come_where_no_stream_arrives() {
    with_browser(async |browser| {
        let server = Server::with_flags(&["--max-subscribers", "1"]).await;
        let _other = Stream::open(&server, "/api/events").await;
        report_all(&server, 1..=900, "processing").await;
        browser.open(&page_url(&server)).await;
        browser
            .wait_until("document.querySelector('#runs .run')?.ariaSetSize === '100'")
            .await;
        assert_eq!(walk(browser).await, listed(&server).await);
    })
    .await;
}

#[tokio::test]
async fn a_list_with_an_open_run_has_no_gaps() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=600, "processing").await;
        browser
            .open(&format!("{}#run={}", page_url(&server), run_id(300)))
            .await;
        browser
            .find(&format!("[data-run='{}'] .panel", run_id(300)))
            .await;
        // The run of the address is scrolled to.
        let top = format!("{}.getBoundingClientRect().top", row(300));
        browser
            .wait_until(&format!("{top} >= 0 && {top} < innerHeight"))
            .await;
        assert_eq!(walk(browser).await, listed(&server).await);
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn the_rows_are_near_the_window_after_their_height_has_changed() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=1_500, "processing").await;
        open_with(browser, &server, 1_500).await;
        browser.run("scrollTo(0, 100_000)").await;
        // As on a narrow screen, in one step.
        browser
            .run(
                "for (const rule of document.styleSheets[0].cssRules) {
                   if (rule.selectorText === '.summary') rule.style.height = '200px';
                 }
                 dispatchEvent(new Event('resize'));",
            )
            .await;
        let is_covered =
            "document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest('.run') !== null";
        browser.wait_until(is_covered).await;
        assert_eq!(walk(browser).await, listed(&server).await);
    })
    .await;
}

#[tokio::test]
async fn the_newest_runs_are_first_from_the_beginning() {
    with_browser(async |browser| {
        let script = "
            window.firstIds = new Set();
            window.heights = [];
            const look = () => {
              const row = document.querySelector('#runs .run');
              if (row) {
                firstIds.add(row.dataset.run);
                heights.push(document.documentElement.scrollHeight);
              }
              requestAnimationFrame(look);
            };
            look();";
        before_scripts(browser, script).await;
        let server = Server::start().await;
        report_all(&server, 1..=2_999, "processing").await;
        report_completed(&server, 3_000, json!([])).await;
        open_with(browser, &server, 3_000).await;
        assert_eq!(
            browser.evaluate("[...firstIds]").await,
            json!([run_id(3_000)])
        );
        // It only grows.
        let is_sorted = "heights.every((height, i) => i === 0 || height >= heights[i - 1])";
        assert_eq!(browser.evaluate(is_sorted).await, true);
    })
    .await;
}
