//! What operators see of the service: counts and durations, as Prometheus text. Whoever counts takes a
//! handle once; every label is one of a few words, whatever is sent.

use std::sync::Arc;

use axum::http::StatusCode;
pub use prometheus::{Histogram, IntCounter as Counter};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::Collector,
};

/// Seconds: from an update that is there at once to a client that is as slow as it may be.
const BUCKETS: [f64; 12] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0,
];

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    updates: IntCounterVec,
    refused: IntCounterVec,
    retries: Counter,
    requests: HistogramVec,
    runs: IntGauge,
    run_bytes: IntGauge,
    body_bytes: IntGauge,
    answer_bytes: IntGauge,
    evictions: IntCounterVec,
    connections: Counter,
    open_connections: IntGauge,
    timed_out: IntCounterVec,
    subscribers: IntGauge,
    snapshots: IntCounterVec,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let registry = Registry::new();
        let counters = |name, help, labels: &[&str]| {
            register(&registry, IntCounterVec::new(options(name, help), labels))
        };
        let counter = |name, help| register(&registry, Counter::with_opts(options(name, help)));
        let gauge = |name, help| register(&registry, IntGauge::with_opts(options(name, help)));
        let durations = HistogramOpts::from(options(
            "http_request_duration_seconds",
            "Time from the headers of a request to its answer, by route and status",
        ));
        let build = options("build_info", "1, labelled with the version");
        register(&registry, IntGaugeVec::new(build, &["version"]))
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        Arc::new(Self {
            updates: counters(
                "updates_total",
                "Updates taken, by what they did and by dialect",
                &["outcome", "dialect"],
            ),
            refused: counters(
                "updates_refused_total",
                "Updates refused, by reason",
                &["reason"],
            ),
            retries: counter(
                "update_retries_total",
                "Updates that came as the sender's retry, with GET",
            ),
            requests: register(
                &registry,
                HistogramVec::new(durations.buckets(BUCKETS.to_vec()), &["route", "status"]),
            ),
            runs: gauge("runs", "Runs in the store"),
            run_bytes: gauge(
                "run_bytes",
                "Bytes of memory that the runs take, as counted against --max-bytes",
            ),
            body_bytes: gauge(
                "body_bytes_in_flight",
                "Bytes of memory that bodies on their way in take, as counted against --max-in-flight",
            ),
            answer_bytes: gauge(
                "answer_bytes_in_flight",
                "Bytes of memory that answers on their way out take, as counted against --max-in-flight",
            ),
            evictions: counters(
                "run_evictions_total",
                "Runs dropped from the store, by the limit that was reached",
                &["cause"],
            ),
            connections: counter("connections_total", "Connections accepted"),
            open_connections: gauge("connections_open", "Connections open"),
            timed_out: counters(
                "connections_timed_out_total",
                "Connections closed because the client was too slow, by what it was to do",
                &["stage"],
            ),
            subscribers: gauge("subscribers", "Streams and waiting requests open"),
            snapshots: counters(
                "stream_snapshots_total",
                "Times that a stream told all there is, by why it did",
                &["reason"],
            ),
            registry,
        })
    }

    /// Updates taken that had this `outcome`, in this `dialect`.
    #[must_use]
    pub fn updates(&self, outcome: &'static str, dialect: &'static str) -> Counter {
        self.updates.with_label_values(&[outcome, dialect])
    }

    /// Updates refused for this `reason`.
    #[must_use]
    pub fn refused(&self, reason: &'static str) -> Counter {
        self.refused.with_label_values(&[reason])
    }

    /// Updates that came as a retry.
    #[must_use]
    pub fn retries(&self) -> &Counter {
        &self.retries
    }

    /// Seconds taken by requests to `route`, which is a route and not a path, answered with `status`.
    #[must_use]
    pub fn requests(&self, route: &str, status: StatusCode) -> Histogram {
        self.requests.with_label_values(&[route, status.as_str()])
    }

    /// Runs dropped for this `cause`.
    #[must_use]
    pub fn evictions(&self, cause: &'static str) -> Counter {
        self.evictions.with_label_values(&[cause])
    }

    /// Counts a connection, which is open until what this gives is dropped.
    #[must_use]
    pub fn connection(&self) -> OpenConnection {
        self.connections.inc();
        self.open_connections.inc();
        OpenConnection(self.open_connections.clone())
    }

    /// Connections that were closed because their clients were too slow at this `stage`.
    #[must_use]
    pub fn timed_out(&self, stage: &'static str) -> Counter {
        self.timed_out.with_label_values(&[stage])
    }

    /// Snapshots that streams told for this `reason`.
    #[must_use]
    pub fn snapshots(&self, reason: &'static str) -> Counter {
        self.snapshots.with_label_values(&[reason])
    }

    /// Everything, with the levels as they are now, in Prometheus' text format 0.0.4.
    #[must_use]
    pub fn render(&self, levels: Levels) -> String {
        for (gauge, level) in [
            (&self.runs, levels.runs),
            (&self.run_bytes, levels.run_bytes),
            (&self.body_bytes, levels.body_bytes),
            (&self.answer_bytes, levels.answer_bytes),
            (&self.subscribers, levels.subscribers),
        ] {
            gauge.set(i64::try_from(level).unwrap_or(i64::MAX));
        }
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("only writing to a string that cannot grow would fail")
    }
}

/// What goes up and down, and is asked for when it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Levels {
    /// Runs in the store.
    pub runs: usize,
    /// Bytes of memory that they take.
    pub run_bytes: usize,
    /// Bytes of memory that bodies on their way in take.
    pub body_bytes: usize,
    /// Bytes of memory that answers on their way out take.
    pub answer_bytes: usize,
    /// Streams and waiting requests open.
    pub subscribers: usize,
}

/// A connection that is open.
#[derive(Debug)]
pub struct OpenConnection(IntGauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("comfydeploy_webhook")
}

fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: prometheus::Result<C>,
) -> C {
    let collector = collector.expect("its name and labels are good ones, written here");
    registry
        .register(Box::new(collector.clone()))
        .expect("each name is registered once");
    collector
}
