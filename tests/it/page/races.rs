//! The stream, requests for lists and changes of the filter come in any order. Here a stand-in for the service
//! decides in which.

use serde_json::{Value, json};

use super::{open_empty, page_url};
use crate::{
    browser::{Browser, with_browser},
    harness::{Server, run_id},
};

/// Makes a feed of the page's own, whose stream and requests the test answers.
const STAND_IN: &str = "
    window.streams = [];
    window.EventSource = class extends EventTarget {
      static CLOSED = 2;
      static OPEN = 1;
      readyState = 1;
      constructor(url) {
        super();
        this.url = url;
        streams.push(this);
      }
      close() { this.readyState = 2; }
      tell(name, data) {
        this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }));
      }
    };
    window.requests = [];
    window.fetch = (url) => new Promise((resolve) => {
      requests.push({ url, answer: (body) => resolve(new Response(JSON.stringify(body))) });
    });
    window.passed = 0;
    const realNow = performance.now.bind(performance);
    performance.now = () => realNow() + window.passed;
    window.service = { time: new Date().toISOString(), counts: {} };
    window.answer = (part, body) => {
      const index = requests.findIndex(({ url }) => url.includes(part));
      requests.splice(index, 1)[0].answer(body);
    };
    window.run = (n, status = 'processing') => {
      const id = `7c9e6679-7425-40de-944b-${String(n).padStart(12, '0')}`;
      return { run_id: id, status, first_seen_at: `2026-03-01T00:00:00.${String(n).padStart(3, '0')}Z` };
    };
    window.ended = [];
    window.makeFeed = () => {
      window.store = new RunStore({ status: '', search: '' }, (run) => ended.push(run.run_id));
      window.feed = new Feed(store, () => {});
      feed.start({});
    };
    window.shown = () => store.newestFirst().map((id) => Number(id.slice(-3))).join();
    makeFeed();
    // At first the page asks for the time.
    answer('api/service', service);";

async fn open_stand_in(browser: &Browser) -> Server {
    let server = Server::start().await;
    open_empty(browser, &page_url(&server)).await;
    browser.run(STAND_IN).await;
    server
}

/// Tells the page's stream these events: their names and data, as JavaScript.
async fn tell(browser: &Browser, events: &[(&str, &str)]) {
    for (name, data) in events {
        let script = format!("streams.at(-1).tell('{name}', {data})");
        browser.run(&script).await;
    }
}

async fn wait_for_shown(browser: &Browser, runs: &str) {
    browser.wait_until(&format!("shown() === '{runs}'")).await;
}

#[tokio::test]
async fn what_changes_right_after_a_snapshot_is_kept() {
    with_browser(async |browser| {
        let _server = open_stand_in(browser).await;
        // All before the next frame.
        let script = "
            const stream = streams.at(-1);
            stream.tell('snapshot', {});
            for (const n of [3, 2, 1]) stream.tell('message', run(n));
            stream.tell('live', { next_cursor: null });
            stream.tell('message', run(2, 'failed'));
            stream.tell('message', run(4));";
        browser.run(script).await;
        wait_for_shown(browser, "4,3,2,1").await;
        // Not only until a frame has passed.
        browser
            .run("requestAnimationFrame(() => requestAnimationFrame(() => window.isLater = true))")
            .await;
        browser.wait_until("window.isLater").await;
        assert_eq!(browser.evaluate("shown()").await, "4,3,2,1");
        assert_eq!(
            browser.evaluate("store.get(run(2).run_id).status").await,
            "failed"
        );
        assert_eq!(browser.evaluate("ended").await, json!([run_id(2)]));
    })
    .await;
}

#[tokio::test]
async fn a_list_that_comes_during_a_snapshot_takes_nothing_away() {
    with_browser(async |browser| {
        let _server = open_stand_in(browser).await;
        // There is no connection at first.
        let wait = "streams.at(-1).readyState = 0; passed += 5000; feed.check()";
        browser.run(wait).await;
        browser.wait_until("requests.length === 2").await;
        tell(
            browser,
            &[("snapshot", "{}"), ("message", "run(3, 'failed')"), ("message", "run(2)")],
        )
        .await;
        wait_for_shown(browser, "3,2").await;
        browser
            .run("answer('api/service', service); answer('api/runs', { runs: [run(3), run(2), run(1)], next_cursor: null })")
            .await;
        tell(browser, &[("message", "run(1)"), ("live", "{ next_cursor: null }")]).await;
        wait_for_shown(browser, "3,2,1").await;
        // The stream is newer than the list.
        assert_eq!(browser.evaluate("store.get(run(3).run_id).status").await, "failed");
    })
    .await;
}

#[tokio::test]
async fn a_page_of_older_runs_that_comes_after_another_snapshot_leaves_no_gap() {
    with_browser(async |browser| {
        let _server = open_stand_in(browser).await;
        tell(
            browser,
            &[("snapshot", "{}"), ("message", "run(20)"), ("live", "{ next_cursor: 'a' }")],
        )
        .await;
        wait_for_shown(browser, "20").await;
        browser.run("feed.loadOlder()").await;
        browser
            .wait_until("requests.some(({ url }) => url.includes('cursor'))")
            .await;
        // Meanwhile so much has come that nothing of the earlier one is in it.
        tell(
            browser,
            &[("snapshot", "{}"), ("message", "run(40)"), ("live", "{ next_cursor: 'b' }")],
        )
        .await;
        wait_for_shown(browser, "40").await;
        browser
            .run("answer('cursor=a', { runs: [run(19), run(18)], next_cursor: null }); setTimeout(() => window.isLater = true)")
            .await;
        browser.wait_until("window.isLater").await;
        assert_eq!(browser.evaluate("shown()").await, "40");
        assert_eq!(browser.evaluate("store.nextCursor").await, "b");
    })
    .await;
}

#[tokio::test]
async fn a_list_for_an_earlier_filter_is_not_used() {
    with_browser(async |browser| {
        let _server = open_stand_in(browser).await;
        browser.run("passed += 5000; feed.check()").await;
        browser.wait_until("requests.length === 2").await;
        browser
            .run("store.restrictTo({ status: 'failed', search: '' }); feed.start({ status: 'failed' })")
            .await;
        let script = "
            answer('api/service', service);
            answer('api/runs', { runs: [run(1, 'failed')], next_cursor: null });
            setTimeout(() => { feed.check(); feed.check(); }, 10)";
        browser.run(script).await;
        browser.wait_until("requests.length === 2").await;
        assert_eq!(browser.evaluate("shown()").await, "");
        let asked = browser.evaluate("requests[1].url").await;
        assert!(asked.as_str().unwrap().contains("status=failed"), "{asked}");
    })
    .await;
}

#[tokio::test]
async fn a_feed_takes_thousands_of_updates_in_one_frame() {
    with_browser(async |browser| {
        let _server = open_stand_in(browser).await;
        let script = "
            const stream = streams.at(-1);
            stream.tell('snapshot', {});
            for (let n = 900; n > 0; n -= 1) stream.tell('message', run(n));
            stream.tell('live', { next_cursor: null });
            for (let i = 0; i < 20_000; i += 1) stream.tell('message', run(1 + i % 900, i < 19_100 ? 'processing' : 'failed'));
            window.received = true";
        browser.run(script).await;
        browser
            .wait_until("window.ended.length === 900 && store.size === 900")
            .await;
        let statuses = browser
            .evaluate("[...new Set(store.newestFirst().map((id) => store.get(id).status))]")
            .await;
        assert_eq!(statuses, Value::from(vec!["failed"]));
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_that_breaks_off_gives_way_to_a_list() {
    with_browser(async |browser| {
        let _server = open_stand_in(browser).await;
        tell(browser, &[("snapshot", "{}"), ("message", "run(3)")]).await;
        wait_for_shown(browser, "3").await;
        // The browser tries again by itself, but nothing comes.
        let script = "
            streams.at(-1).readyState = 0;
            streams.at(-1).onerror();
            passed += 5000;
            feed.check();";
        browser.run(script).await;
        browser.wait_until("requests.length === 2").await;
        let script = "
            answer('api/service', service);
            answer('api/runs', { runs: [run(4), run(2), run(1)], next_cursor: null });";
        browser.run(script).await;
        wait_for_shown(browser, "4,2,1").await;
        assert_eq!(browser.evaluate("feed.state").await, "poll");

        let script = "streams.at(-1).readyState = 1";
        browser.run(script).await;
        let live = ("live", "{ next_cursor: null }");
        tell(browser, &[("snapshot", "{}"), ("message", "run(5)"), live]).await;
        wait_for_shown(browser, "5").await;
        assert_eq!(browser.evaluate("feed.state").await, "live");
    })
    .await;
}

#[tokio::test]
async fn all_runs_of_a_snapshot_may_be_removed_before_its_end() {
    with_browser(async |browser| {
        let _server = open_stand_in(browser).await;
        let live = ("live", "{ next_cursor: 'a' }");
        tell(browser, &[("snapshot", "{}"), ("message", "run(2)"), live]).await;
        let removed = ("removed", "{ run_id: run(2).run_id }");
        tell(
            browser,
            &[("snapshot", "{}"), ("message", "run(2)"), removed, live],
        )
        .await;
        wait_for_shown(browser, "").await;
        assert_eq!(browser.evaluate("feed.state").await, "live");
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_hidden_page_that_begins_anew_opens_no_stream() {
    with_browser(async |browser| {
        let _server = open_stand_in(browser).await;
        let live = ("live", "{ next_cursor: null }");
        tell(browser, &[("snapshot", "{}"), ("message", "run(2)"), live]).await;
        let script = "
            Object.defineProperty(document, 'hidden', { value: true });
            document.dispatchEvent(new Event('visibilitychange'));
            passed += 60_000;
            feed.check();";
        browser.run(script).await;
        assert_eq!(browser.evaluate("feed.state").await, "paused");
        browser.run("feed.start({}); feed.check()").await;
        assert_eq!(
            browser
                .evaluate("streams.map((stream) => stream.readyState)")
                .await,
            json!([2])
        );
    })
    .await;
}
