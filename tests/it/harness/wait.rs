//! Waiting for events and conditions, but not for ever.

use std::{net::SocketAddr, time::Duration};

use reqwest::Client;
use tokio::time::{MissedTickBehavior, interval, timeout};

const TIMEOUT: Duration = Duration::from_mins(1);

/// How often a condition is checked that no event announces.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Waits for an event that has to happen; fails if it does not.
pub(crate) async fn with_timeout<T>(event: impl Future<Output = T>) -> T {
    let waited = timeout(TIMEOUT, event).await;
    waited.expect("it has not happened after a minute")
}

/// Waits until a condition holds; fails if it does not.
pub(crate) async fn until(condition: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut polls = interval(POLL_INTERVAL);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let held = timeout(TIMEOUT, async {
        while !holds().await {
            polls.tick().await;
        }
    });
    assert!(held.await.is_ok(), "not true after a minute: {condition}");
}

/// Waits until a line is among the metrics of the service at `address`.
pub(super) async fn until_metric(client: &Client, address: SocketAddr, line: &str) {
    until(line, async || {
        let request = client.get(format!("http://{address}/metrics"));
        let metrics = request.send().await.unwrap().text().await.unwrap();
        metrics.lines().any(|found| found == line)
    })
    .await;
}
