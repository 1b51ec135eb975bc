//! The disk that the database is on: a folder, and how long a sync takes.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process,
    time::Instant,
};

use crate::report::quantile;

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

    /// The URL of a database in it.
    pub(crate) fn database_url(&self) -> String {
        format!("sqlite:{}", self.0.join("runs.db").display())
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
    file: File,
    bytes: Vec<u8>,
    micros: Vec<f64>,
}

impl Syncs {
    /// Of `kib` KiB each, to a new file in `folder`.
    pub(crate) fn new(folder: &Folder, kib: usize) -> Self {
        let path = folder.0.join(format!("syncs-of-{kib}-kib"));
        Self {
            file: File::create(path).unwrap(),
            bytes: vec![b'x'; kib * 1024],
            micros: Vec::new(),
        }
    }

    /// Measures a few more. It is called between the turns, because the speed of a disk changes.
    pub(crate) fn measure(&mut self, count: usize) {
        for _ in 0..count {
            let begun = Instant::now();
            self.file.write_all(&self.bytes).unwrap();
            self.file.sync_data().unwrap();
            self.micros.push(begun.elapsed().as_secs_f64() * 1e6);
        }
    }

    pub(crate) fn quantile(&self, q: f64) -> f64 {
        quantile(self.micros.iter().copied(), q)
    }

    /// What a rate depends on.
    pub(crate) fn mean(&self) -> f64 {
        self.micros.iter().sum::<f64>() / self.micros.len() as f64
    }
}
