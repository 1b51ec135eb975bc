//! The disk that the database is on: a folder, and how long a sync takes.

use std::{
    env,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{self, ExitCode, Stdio},
    time::Instant,
};

use crate::{machine::Cores, report::quantile};

/// The argument that makes the bench append to a file and sync it: of its path, a number of bytes and how often.
pub(crate) const SYNC: &str = "--sync";

/// A folder for a database. It is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Beside what Cargo builds, because the usual folder for temporary files is in memory on many systems.
    pub(crate) fn new() -> Self {
        let name = format!("throughput-{}", process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The file of a database in it.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("runs.db")
    }

    /// The URL of that database.
    pub(crate) fn database_url(&self) -> String {
        format!("sqlite:{}", self.database().display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It may have been removed already.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How long it takes to append some bytes to a file and to sync it.
#[derive(Debug)]
pub(crate) struct Syncs {
    path: PathBuf,
    bytes: usize,
    micros: Vec<f64>,
}

impl Syncs {
    /// Of `kib` KiB each, to a new file in `folder`.
    pub(crate) fn new(folder: &Folder, kib: usize) -> Self {
        Self {
            path: folder.0.join(format!("syncs-of-{kib}-kib")),
            bytes: kib * 1024,
            micros: Vec::new(),
        }
    }

    /// Measures some. It is called between the turns, because the speed of a disk changes. As in a turn, another process
    /// waits for the disk on the core for servers, and this one keeps its own core awake: with idle cores, a sync takes
    /// longer by what it takes to wake them.
    pub(crate) fn measure(&mut self, cores: &Cores, count: usize) {
        let bench = env::current_exe().unwrap();
        let mut command = cores.server(bench.to_str().unwrap());
        command.arg(SYNC).arg(&self.path);
        command.args([self.bytes, count].map(|number| number.to_string()));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() {}
        let micros = io::read_to_string(child.stdout.unwrap()).unwrap();
        self.micros
            .extend(micros.lines().map(|micros| micros.parse::<f64>().unwrap()));
    }

    pub(crate) fn quantile(&self, q: f64) -> f64 {
        quantile(self.micros.iter().copied(), q)
    }

    /// What a rate depends on.
    pub(crate) fn mean(&self) -> f64 {
        self.micros.iter().sum::<f64>() / self.micros.len() as f64
    }
}

/// Appends and syncs as the arguments say, and prints the microseconds of each.
pub(crate) fn sync(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let mut next = || arguments.next().unwrap();
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(next())
        .unwrap();
    let bytes = vec![b'x'; next().parse().unwrap()];
    let count = next().parse().unwrap();
    let micros: Vec<_> = (0..count)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&bytes).unwrap();
            file.sync_data().unwrap();
            begun.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    for micros in micros {
        println!("{micros:.1}");
    }
    ExitCode::SUCCESS
}
