//! Updates from many connections, and what has to be shown of them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::SocketAddr,
};

use fastrand::Rng;
use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::harness::{WEBHOOK, run_id};

const CONNECTIONS: usize = 16;

/// The updates of one run, the parts of each of which have names of their own.
const STEPS: usize = 8;
const OUTPUTS: usize = 3;
const LABELS: usize = 2;

/// In the order in which they win.
const STATUSES: [&str; 5] = ["queued", "processing", "cancelled", "failed", "completed"];

/// Updates that are numbered in the order in which they are made: each `STEPS` of them are of one run. They are sent at
/// a time on many connections, so those of one run overtake each other.
pub(super) struct Load {
    client: Client,
    random: RefCell<Rng>,
    made: Cell<usize>,
    /// The updates that were answered with 200, and what `now` was then.
    acknowledged: RefCell<BTreeMap<usize, u64>>,
    refused: Cell<usize>,
}

impl Load {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            client: Client::new(),
            random: RefCell::new(Rng::with_seed(seed)),
            made: Cell::new(0),
            acknowledged: RefCell::default(),
            refused: Cell::new(0),
        }
    }

    pub(super) fn made(&self) -> usize {
        self.made.get()
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.borrow().len()
    }

    /// How many times an update was answered with 503.
    pub(super) fn refused(&self) -> usize {
        self.refused.get()
    }

    /// Sends updates on many connections until the service is gone. `now` says when one is acknowledged.
    pub(super) async fn send(&self, address: SocketAddr, now: impl Fn() -> u64) {
        let connections = (0..CONNECTIONS).map(|_| self.send_on_one(address, &now));
        join_all(connections).await;
    }

    async fn send_on_one(&self, address: SocketAddr, now: &impl Fn() -> u64) {
        loop {
            let number = self.next();
            let (path, body) = update(number);
            // As from a sender, an update that was refused comes again.
            let status = loop {
                let request = self.client.post(format!("http://{address}{path}"));
                let request = request.header("content-type", "application/json");
                match request.body(body.clone()).send().await {
                    Err(_) => return,
                    Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE => {
                        self.refused.update(|refused| refused + 1);
                    }
                    Ok(response) => break response.status(),
                }
            };
            assert_eq!(status, 200);
            let mut acknowledged = self.acknowledged.borrow_mut();
            acknowledged.entry(number).or_insert_with(now);
        }
    }

    /// Mostly a new update, and sometimes one of those before again.
    fn next(&self) -> usize {
        let mut random = self.random.borrow_mut();
        let made = self.made.get();
        if made > 0 && random.u8(..8) == 0 {
            return random.usize(..made);
        }
        self.made.set(made + 1);
        made
    }

    /// Reads all runs, and says what is missing of the updates that were acknowledged up to a time, and of which
    /// updates there is a part only.
    pub(super) async fn missing(&self, address: SocketAddr, time: u64) -> Vec<String> {
        let mut missing = Vec::new();
        for run in 0..self.made().div_ceil(STEPS) {
            // Before the run is read, as more may be acknowledged meanwhile.
            let acknowledged = self.acknowledged_of(run, time);
            let shown = self.shown(address, run).await;
            for (step, is_acknowledged) in acknowledged.into_iter().enumerate() {
                if !is_kept(run, step, is_acknowledged, &shown) {
                    missing.push(format!(
                        "run {run}, update {step}, acknowledged {is_acknowledged}: {shown}"
                    ));
                }
            }
        }
        missing
    }

    /// Which updates of a run were acknowledged up to a time.
    fn acknowledged_of(&self, run: usize, time: u64) -> [bool; STEPS] {
        let acknowledged = self.acknowledged.borrow();
        std::array::from_fn(|step| {
            let then = acknowledged.get(&(run * STEPS + step));
            then.is_some_and(|then| *then <= time)
        })
    }

    /// A run as it is shown, or null.
    async fn shown(&self, address: SocketAddr, run: usize) -> Value {
        let url = format!("http://{address}/api/runs/{}", run_id(run));
        let response = self.client.get(url).send().await.unwrap();
        if response.status() == StatusCode::NOT_FOUND {
            return Value::Null;
        }
        let status = response.status();
        let body = response.text().await.unwrap();
        assert_eq!(status, 200, "run {run}: {body}");
        serde_json::from_str(&body).unwrap()
    }
}

/// The body of an update with as many outputs as one may have, and almost as many bytes: 4 MiB.
pub(super) fn large(run: usize) -> String {
    let output = |id| json!({"id": id, "data": "x".repeat(4_000)});
    let outputs: Vec<_> = (0..1_000).map(output).collect();
    json!({"run_id": run_id(run), "outputs": outputs}).to_string()
}

/// The path and the body of an update.
fn update(number: usize) -> (String, String) {
    let (run, step) = (number / STEPS, number % STEPS);
    // Some outputs fill several pages of the database.
    let size = if number % 16 == 5 { 30_000 } else { 100 };
    let outputs: Vec<_> = (0..OUTPUTS)
        .map(|part| json!({"id": format!("{step}-{part}"), "data": "x".repeat(size)}))
        .collect();
    let body = json!({
        "run_id": run_id(run),
        "status": STATUSES[rank(run, step)],
        "progress": progress(step),
        "outputs": outputs,
    });
    (format!("{WEBHOOK}?{step}-0=x&{step}-1=x"), body.to_string())
}

/// The index of the status of an update.
fn rank(run: usize, step: usize) -> usize {
    match step {
        0 => 0,
        7 => 2 + run % 3,
        _ => 1,
    }
}

fn progress(step: usize) -> f64 {
    [0., 10., 20., 30.5, 40., 50., 99.9, 100.][step]
}

/// Whether a run shows all of an update, or nothing of it where that is allowed.
fn is_kept(run: usize, step: usize, is_acknowledged: bool, shown: &Value) -> bool {
    let start = format!("{step}-");
    let outputs = shown["outputs"].as_array().into_iter().flatten();
    let outputs = outputs.filter(|output| output["id"].as_str().unwrap().starts_with(&start));
    let labels = shown["labels"].as_object().into_iter().flatten();
    let labels = labels.filter(|(name, _)| name.starts_with(&start));
    match (outputs.count(), labels.count()) {
        (0, 0) => !is_acknowledged,
        (OUTPUTS, LABELS) => {
            let status = STATUSES
                .iter()
                .position(|status| shown["status"] == *status);
            status >= Some(rank(run, step)) && shown["progress"].as_f64() >= Some(progress(step))
        }
        _ => false,
    }
}
