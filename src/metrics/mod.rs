//! The metrics, as Prometheus text. Every label has one of a few fixed values, whatever clients send.

mod database;
mod levels;

use std::sync::Arc;

use axum::http::StatusCode;
pub use prometheus::{Histogram, IntCounter as Counter, IntGauge as Gauge};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::Collector,
};

use self::levels::LevelGauges;
pub use self::{database::DatabaseMetrics, levels::Levels};

/// In seconds: from an update that arrives at once to the slowest client that the timeouts allow.
const BUCKETS: [f64; 12] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0,
];

/// All metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    updates: IntCounterVec,
    rejected: IntCounterVec,
    misdirected: Counter,
    retries: Counter,
    outputs_left_out: Counter,
    labels_left_out: Counter,
    requests: HistogramVec,
    levels: LevelGauges,
    evictions: IntCounterVec,
    connections: Counter,
    open_connections: IntGauge,
    timed_out: IntCounterVec,
    displaced: Counter,
    revoked: IntCounterVec,
    snapshots: IntCounterVec,
}

impl Metrics {
    /// All metrics. Those with labels exist from their first use.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let registry = Registry::new();
        let counters = |name, help, labels: &[&str]| {
            register(&registry, IntCounterVec::new(options(name, help), labels))
        };
        let counter = |name, help| counter(&registry, name, help);
        register_build_info(&registry);
        Arc::new(Self {
            updates: counters(
                "updates_total",
                "Accepted updates, by outcome and dialect",
                &["outcome", "dialect"],
            ),
            rejected: counters(
                "updates_refused_total",
                "Rejected updates, by reason",
                &["reason"],
            ),
            misdirected: counter(
                "updates_misdirected_total",
                "Requests that look like updates, at paths that take none",
            ),
            retries: counter(
                "update_retries_total",
                "Updates that arrived with GET, as a retry",
            ),
            outputs_left_out: counter(
                "outputs_left_out_total",
                "Outputs of accepted updates for which their runs had no room",
            ),
            labels_left_out: counter(
                "labels_left_out_total",
                "Labels of updates that were over a limit",
            ),
            requests: register(
                &registry,
                HistogramVec::new(durations(), &["route", "status"]),
            ),
            levels: LevelGauges::new(&registry),
            evictions: counters(
                "run_evictions_total",
                "Runs removed from the store, by the limit that was reached",
                &["cause"],
            ),
            connections: counter("connections_total", "Connections accepted"),
            open_connections: gauge(&registry, "connections_open", "Open connections"),
            timed_out: counters(
                "connections_timed_out_total",
                "Connections closed because the client was too slow, by stage",
                &["stage"],
            ),
            displaced: counter(
                "connections_displaced_total",
                "Connections closed for new ones, since as many as --max-connections were open",
            ),
            revoked: counters(
                "memory_revoked_total",
                "Bodies, responses and events that lost their memory to newer ones, by kind",
                &["kind"],
            ),
            snapshots: counters(
                "stream_snapshots_total",
                "Snapshots that streams began to send, by reason",
                &["reason"],
            ),
            registry,
        })
    }

    /// Accepted updates with this `outcome`, in this `dialect`.
    #[must_use]
    pub fn updates(&self, outcome: &'static str, dialect: &'static str) -> Counter {
        self.updates.with_label_values(&[outcome, dialect])
    }

    /// Updates rejected for this `reason`.
    #[must_use]
    pub fn rejected(&self, reason: &'static str) -> Counter {
        self.rejected.with_label_values(&[reason])
    }

    /// Requests that look like updates, at paths that take none.
    #[must_use]
    pub fn misdirected(&self) -> &Counter {
        &self.misdirected
    }

    /// Updates that arrived as a retry.
    #[must_use]
    pub fn retries(&self) -> &Counter {
        &self.retries
    }

    /// Outputs of accepted updates for which their runs had no room.
    #[must_use]
    pub fn outputs_left_out(&self) -> &Counter {
        &self.outputs_left_out
    }

    /// Labels of updates that were over a limit.
    #[must_use]
    pub fn labels_left_out(&self) -> &Counter {
        &self.labels_left_out
    }

    /// Durations of requests to `route` with this `status`. The route is a pattern, not the path that was
    /// requested.
    #[must_use]
    pub fn requests(&self, route: &str, status: StatusCode) -> Histogram {
        self.requests.with_label_values(&[route, status.as_str()])
    }

    /// Runs removed for this `cause`.
    #[must_use]
    pub fn evictions(&self, cause: &'static str) -> Counter {
        self.evictions.with_label_values(&[cause])
    }

    /// Counts a connection. It counts as open until the returned value is dropped.
    #[must_use]
    pub fn connection(&self) -> OpenConnection {
        self.connections.inc();
        self.open_connections.inc();
        OpenConnection(self.open_connections.clone())
    }

    /// Connections closed because the client was too slow at this `stage`.
    #[must_use]
    pub fn timed_out(&self, stage: &'static str) -> Counter {
        self.timed_out.with_label_values(&[stage])
    }

    /// Connections closed for new ones.
    #[must_use]
    pub fn displaced(&self) -> &Counter {
        &self.displaced
    }

    /// What lost its memory to newer of its `kind`.
    #[must_use]
    pub fn revoked(&self, kind: &'static str) -> Counter {
        self.revoked.with_label_values(&[kind])
    }

    /// Snapshots that streams sent for this `reason`.
    #[must_use]
    pub fn snapshots(&self, reason: &'static str) -> Counter {
        self.snapshots.with_label_values(&[reason])
    }

    /// Metrics of the database. They exist from the only call of this.
    #[must_use]
    pub fn database(&self) -> DatabaseMetrics {
        DatabaseMetrics::new(&self.registry)
    }

    /// All metrics, with these levels, in the Prometheus text format 0.0.4.
    #[must_use]
    pub fn render(&self, levels: Levels) -> String {
        self.levels.set(levels);
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("writing to a String does not fail")
    }
}

fn durations() -> HistogramOpts {
    let options = options(
        "http_request_duration_seconds",
        "Time from the headers of a request to the start of its response, by route and status",
    );
    HistogramOpts::from(options).buckets(BUCKETS.to_vec())
}

fn register_build_info(registry: &Registry) {
    let options = options("build_info", "Always 1; the label is the version");
    register(registry, IntGaugeVec::new(options, &["version"]))
        .with_label_values(&[env!("CARGO_PKG_VERSION")])
        .set(1);
}

/// An open connection.
#[derive(Debug)]
pub struct OpenConnection(IntGauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn counter(registry: &Registry, name: &str, help: &str) -> Counter {
    register(registry, Counter::with_opts(options(name, help)))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    register(registry, IntGauge::with_opts(options(name, help)))
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("comfydeploy_webhook")
}

fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: prometheus::Result<C>,
) -> C {
    let collector =
        collector.expect("its name and labels are valid: they are constants of this file");
    registry
        .register(Box::new(collector.clone()))
        .expect("each name is registered once");
    collector
}
