//! How long the service takes to start, and how large it is when idle.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Instant,
};

use crate::{
    Plan,
    machine::Cores,
    report::{median, quantile, title},
    requests::Template,
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
}

/// Sends one request on a connection of its own.
fn get(server: SocketAddr, path: &str) {
    let mut connection = TcpStream::connect(server).unwrap();
    connection.write_all(Template::get(path).bytes()).unwrap();
    let mut status = [0; 12];
    connection.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
}
