//! Whether an update costs the same however many runs there are, whether its cost is linear in its size, and
//! whether reading slows down writing.

use std::time::Duration;

use crate::{
    Plan,
    fill::fill,
    load::{Load, Order, Pace, drive},
    machine::Cores,
    report::{Table, latency, title, turns_head, turns_row},
    requests::{self, Template},
    servers::Server,
    turns::{Outcome, Ratio, Side, Turns, alternate, alternate_with},
    updates::MODERATE,
};

const FLAGS: [&str; 4] = ["--max-runs", "1000000", "--max-bytes", "8GiB"];
const FEW: u64 = 1_000;
const PAGE: &str = "/api/runs?limit=50";

pub(crate) fn measure(plan: Plan, cores: &Cores) {
    title("Flat cost: a store of many runs beside a store of few");
    sizes(plan, cores);
    title("Linear cost: outputs of different sizes");
    bytes(plan, cores);
    title("Reading and writing at once");
    bursts(plan, cores);
}

fn turns(plan: Plan) -> Turns {
    Turns {
        pairs: plan.of(250, 5),
        length: Duration::from_millis(10),
    }
}

fn sizes(plan: Plan, cores: &Cores) {
    let many = plan.of(1_000_000, 20_000);
    let stores = [many, FEW].map(|runs| {
        let server = Server::service(cores, &FLAGS);
        let before = server.resident();
        fill(server.address, runs);
        let growth = server
            .resident()
            .zip(before)
            .map(|(now, before)| now - before);
        (server, runs, growth)
    });
    let mut table = Table::new(turns_head("full load", "many runs", "few runs"));
    let update = Template::update(&requests::progress());
    for (name, template, updated) in [
        // The usual case: most runs are over and are not updated any more.
        ("progress of 1,000 of them", &update, FEW),
        // The worst case: nothing of a run is in the CPU cache when its update arrives.
        ("progress of any of them", &update, many),
        ("list page of 50", &Template::get(PAGE), many),
    ] {
        let mut sides = stores.each_ref().map(|(server, runs, _)| {
            let mut load = Load::new(server.address, template, updated.min(*runs), Order::Random);
            drive([&mut load], Duration::from_millis(200));
            Side { server, load }
        });
        table.row(turns_row(name, &alternate(&mut sides, turns(plan))));
    }
    table.print();
    let [(_, runs, growth), _] = &stores;
    if let Some(growth) = growth {
        println!("\n{runs} runs take {} bytes each.", growth / runs);
    }
}

fn bytes(plan: Plan, cores: &Cores) {
    let service = Server::service(cores, &FLAGS);
    let bare = Server::bare(cores);
    let mut table = Table::new(turns_head("outputs", "service", "bare"));
    let mut per_kb = Vec::new();
    for kb in [1, 10, 100, 1000] {
        let body = requests::with_one_output(kb);
        let runs = (20_000 / kb as u64).clamp(20, FEW);
        let mut sides = [&service, &bare].map(|server| {
            let template = Template::update(&body);
            let mut load = Load::new(server.address, &template, runs, Order::InTurn);
            drive([&mut load], Duration::from_millis(100));
            Side { server, load }
        });
        let longer = Turns {
            // A turn has to be longer than its last requests take.
            length: Duration::from_millis(if kb < 1000 { 10 } else { 50 }),
            pairs: turns(plan).pairs / if kb < 1000 { 1 } else { 5 },
        };
        let outcomes = alternate(&mut sides, longer);
        table.row(turns_row(&format!("{kb} KB"), &outcomes));
        let costs = outcomes.each_ref().map(Outcome::cpu_per_request);
        if let [Some(service), Some(bare)] = costs {
            let [service, bare] = [service, bare].map(|cpu| cpu * 1e3 / kb as f64);
            per_kb.push(format!("{kb} KB: {service:.0} ({bare:.0})"));
        }
    }
    table.print();
    if !per_kb.is_empty() {
        println!(
            "\nCPU ns for each KB (and of the bare server): {}",
            per_kb.join(", ")
        );
    }
}

/// A burst takes CPU time from everything on the core. So a burst to the same server is compared with the same
/// burst to another server. Each server has two threads, so that writing could wait for a lock
/// that reading holds.
fn bursts(plan: Plan, cores: &Cores) {
    let [busy, idle] = [(); 2].map(|()| {
        let server = Server::service_on(2, cores, &FLAGS);
        fill(server.address, FEW);
        server
    });
    let writes = Template::update(&requests::progress());
    let reads = Template::get(PAGE);
    let mut table = Table::new([
        "load",
        "burst to the same server",
        "burst to another",
        "ratio",
        "quartiles",
        "latency µs at 2,000/s: p50 / p99",
        "burst to another",
    ]);
    for (name, foreground, background, rate) in [
        ("updates beside 1,000 pages/s", &writes, &reads, 1_000),
        ("pages beside 5,000 updates/s", &reads, &writes, 5_000),
    ] {
        let mut bursts = [&busy, &idle].map(|server| {
            let mut load = Load::new(server.address, background, FEW, Order::Random);
            load.pace = Pace::PerSecond(rate);
            load
        });
        let mut sides = [(); 2].map(|()| Side {
            server: &busy,
            load: Load::new(busy.address, foreground, FEW, Order::Random),
        });
        let mut measure = |sides: &mut [Side<'_>; 2], length, pairs| {
            let turn = |side: usize, load: &mut Load| {
                let [done, _] = drive([load, &mut bursts[side]], length);
                done
            };
            alternate_with(sides, pairs, turn, |_| ())
        };
        let full = measure(&mut sides, Duration::from_millis(50), plan.of(60, 3));
        for side in &mut sides {
            side.load.pace = Pace::PerSecond(MODERATE);
        }
        let slow = measure(&mut sides, Duration::from_millis(100), plan.of(30, 2));
        let ratio = Ratio::of(&full);
        table.row([
            name.to_owned(),
            format!("{:.0}/s", full[0].per_second()),
            format!("{:.0}/s", full[1].per_second()),
            format!("{:.3}", ratio.median),
            format!("{:.3} to {:.3}", ratio.quartiles[0], ratio.quartiles[1]),
            latency(&slow[0]),
            latency(&slow[1]),
        ]);
    }
    table.print();
}
