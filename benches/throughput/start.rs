//! How long the service takes to start, and how large it is when idle.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Instant,
};

use crate::{
    Plan,
    disk::Folder,
    fill::{fill, fill_with},
    machine::Cores,
    report::{median, quantile, title},
    requests::{self, Template},
    servers::{PROGRAM, Server},
};

pub(crate) fn measure(plan: Plan, cores: &Cores) {
    title("Start and size");
    let mut starts = Vec::new();
    let mut resident = None;
    for _ in 0..plan.of(10, 3) {
        let begun = Instant::now();
        let service = Server::service(cores, &[]);
        get(service.address, "/healthz");
        starts.push(begun.elapsed().as_secs_f64() * 1e3);
        resident = service.resident();
    }
    let starts = || starts.iter().copied();
    println!(
        "From start to first response: {:.1} ms (minimum {:.1}, maximum {:.1})",
        median(starts()),
        quantile(starts(), 0.0),
        quantile(starts(), 1.0)
    );
    if let Some(resident) = resident {
        println!(
            "Resident memory after the first response: {:.1} MiB",
            resident as f64 / 1_048_576.0
        );
    }
    let size = fs::metadata(PROGRAM).unwrap().len();
    println!("Size of the stripped program: {:.2} MB", size as f64 / 1e6);
    measure_reading(plan, cores);
}

/// How long it takes until the runs of a database are read, half of which have an output.
fn measure_reading(plan: Plan, cores: &Cores) {
    let folder = Folder::new();
    let url = folder.database_url();
    let flags = ["--database-url", &url, "--max-runs", "100000"];
    let runs = plan.of(100_000, 1_000);
    let service = Server::service(cores, &flags);
    fill(service.address, runs);
    fill_with(service.address, &requests::closing(), runs / 2);
    drop(service);
    let starts = || {
        let begun = Instant::now();
        // It logs that it is ready once all runs are read.
        drop(Server::service(cores, &flags));
        begun.elapsed().as_secs_f64()
    };
    let starts: Vec<_> = (0..plan.of(5, 1)).map(|_| starts()).collect();
    let starts = || starts.iter().copied();
    println!(
        "From start until {runs} runs of a database are read: {:.2} s (minimum {:.2}, maximum {:.2}; {:.0} MB)",
        median(starts()),
        quantile(starts(), 0.0),
        quantile(starts(), 1.0),
        fs::metadata(folder.database()).unwrap().len() as f64 / 1e6
    );
}

/// Sends one request on a connection of its own.
fn get(server: SocketAddr, path: &str) {
    let mut connection = TcpStream::connect(server).unwrap();
    connection.write_all(Template::get(path).bytes()).unwrap();
    let mut status = [0; 12];
    connection.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
}
