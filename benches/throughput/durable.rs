//! What it costs that an update is on disk before its response: the service with a database beside one without.

use std::time::Duration;

use crate::{
    Plan,
    commits::Commits,
    disk::{Folder, Syncs},
    load::{Connections, Load, Order, drive},
    machine::Cores,
    report::{Table, both, latency, shown, title},
    requests::{self, Template},
    servers::Server,
    turns::{Outcome, Ratio, Side, alternate_with},
};

/// A turn has to be much longer than a commit takes.
const TURN: Duration = Duration::from_millis(250);

/// So much that no run is evicted: then both services do the same.
const FLAGS: [&str; 2] = ["--max-bytes", "4GiB"];

pub(crate) fn measure(plan: Plan, cores: &Cores) {
    title("Durable updates: the service with a database beside one without");
    let mut updates = Table::new(Row::UPDATES);
    let mut commits = Table::new(Row::COMMITS);
    let mut notes = Vec::new();
    for (name, body, runs) in [
        ("progress", requests::progress(), 1_000),
        // Many runs, so that none gets more than a few outputs.
        (
            "closing, a new output",
            requests::closing_with_new_output(),
            20_000,
        ),
    ] {
        for open in [1, 8, 64, 256] {
            let runs = plan.of(runs, runs / 10);
            let row = Row::measure(plan, cores, open, &Template::update(&body), runs);
            let name = format!("{open}: {name}");
            updates.row(row.updates(&name));
            commits.row(row.commits(&name));
            if open == 1 {
                notes.push(format!("{name}: {}", row.above_a_sync()));
            }
        }
    }
    updates.print();
    println!();
    commits.print();
    println!("\nOne connection:\n{}", notes.join("\n"));
}

/// One kind of update, on a number of connections.
struct Row {
    open: usize,
    outcomes: [Outcome; 2],
    commits: Commits,
    /// Of 4 and of 32 KiB.
    syncs: [Syncs; 2],
}

impl Row {
    const UPDATES: [&str; 9] = [
        "connections that stay open",
        "with",
        "without",
        "ratio",
        "quartiles",
        "µs p50 / p99",
        "without",
        "CPU µs each",
        "bytes written each",
    ];

    const COMMITS: [&str; 9] = [
        "commits",
        "updates in each",
        "µs each",
        "CPU µs an update",
        "sync of 4 KiB, µs p50 / p99",
        "of 32 KiB",
        "the syncs allow",
        "with / that",
        "busy: disk, core",
    ];

    fn measure(plan: Plan, cores: &Cores, open: usize, update: &Template, runs: u64) -> Self {
        let folder = Folder::new();
        let mut syncs = [4, 32].map(|kib| Syncs::new(&folder, kib));
        let database = ["--database-url", &folder.database_url()];
        let servers = [
            Server::service(cores, &[FLAGS, database].concat()),
            Server::service(cores, &FLAGS),
        ];
        let mut sides = servers.each_ref().map(|server| {
            queue(server, runs);
            let connections = Connections::KeepAlive(open);
            let load = Load::on(connections, server.address, update, runs, Order::InTurn);
            Side { server, load }
        });
        let before = Commits::of(&servers[0]);
        let turn = |side: usize, load: &mut Load| {
            let [done] = drive([load], plan.of(TURN, TURN / 5));
            if side == 0 {
                for syncs in &mut syncs {
                    syncs.measure(cores, 10);
                }
            }
            done
        };
        let outcomes = alternate_with(&mut sides, plan.of(12, 2), turn, |_| ());
        let commits = Commits::of(&servers[0]).since(&before);
        Self {
            open,
            outcomes,
            commits,
            syncs,
        }
    }

    fn updates(&self, name: &str) -> [String; 9] {
        let [with, without] = &self.outcomes;
        let ratio = Ratio::of(&self.outcomes);
        let [least, most] = ratio.quartiles;
        [
            name.to_owned(),
            format!("{:.0}/s", with.per_second()),
            format!("{:.0}/s", without.per_second()),
            format!("{:.3}", ratio.median),
            format!("{least:.3} to {most:.3}"),
            latency(with),
            latency(without),
            both(with.cpu_per_request(), without.cpu_per_request(), |cpu| {
                format!("{cpu:.2}")
            }),
            self.commits.bytes_per_update(),
        ]
    }

    fn commits(&self, name: &str) -> [String; 9] {
        let [with, _] = &self.outcomes;
        let Self { commits, syncs, .. } = self;
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let [small, large] = syncs
            .each_ref()
            .map(|syncs| format!("{:.0} / {:.0}", syncs.quantile(0.5), syncs.quantile(0.99)));
        [
            name.to_owned(),
            format!("{:.1}", commits.updates_each()),
            format!("{:.0}", commits.micros()),
            shown(commits.cpu_per_update(), |cpu| format!("{cpu:.2}")),
            small,
            large,
            shown(self.allowed(), |rate| format!("{rate:.0}/s")),
            shown(self.allowed(), |rate| percent(with.per_second() / rate)),
            both(Some(self.syncing()), with.busy(), percent),
        ]
    }

    /// Microseconds that a sync takes on average, of about as many bytes as a commit writes.
    fn sync(&self) -> f64 {
        let [small, large] = &self.syncs;
        if self.open == 1 {
            small.mean()
        } else {
            large.mean()
        }
    }

    /// The share of the time that its syncs take, if they take as long as those beside it.
    fn syncing(&self) -> f64 {
        self.commits.count * self.sync() / 1e6 / self.outcomes[0].took().as_secs_f64()
    }

    /// The rate if every commit had an update of every connection, and began when the one before ended.
    fn allowed(&self) -> Option<f64> {
        let open = self.open as f64;
        Some(open * 1e6 / (self.sync() + open * self.commits.cpu_per_update()?))
    }

    /// Microseconds that an update takes longer than a sync, at one connection.
    fn above_a_sync(&self) -> String {
        let [with, _] = &self.outcomes;
        let median = with.latency(0.5) - self.syncs[0].quantile(0.5);
        let nanos: u64 = with.turns.iter().flat_map(|turn| &turn.latencies).sum();
        let mean = nanos as f64 / 1e3 / with.responses() as f64;
        let cpu = self.commits.cpu_per_update();
        let besides = cpu.map(|cpu| mean - (self.commits.micros() - cpu));
        format!(
            "{median:.0} µs more than a sync of 4 KiB at the median; {} µs on average besides waiting in its commit",
            shown(besides, |besides| format!("{besides:.0}"))
        )
    }
}

/// Makes every run known.
fn queue(server: &Server, runs: u64) {
    let update = Template::update(&requests::queued());
    let connections = Connections::KeepAlive(256);
    let mut load = Load::on(connections, server.address, &update, runs, Order::InTurn);
    let mut sent = 0;
    while sent < runs {
        let [done] = drive([&mut load], Duration::from_millis(50));
        sent += done.responses;
    }
}
