//! Makes writes and syncs of the service fail, and records them, by `tests/faults/faults.c`.

use std::{fs, path::PathBuf, process::Command};

use crate::harness::{Folder, is_installed, root};

pub(super) struct Faults {
    folder: Folder,
}

/// What a disk does to the database.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    None,
    Full,
    WriteErrors,
    SyncErrors,
    CheckpointErrors,
}

impl Faults {
    /// No fault at first. Without what it needs there are none: the test is skipped and says so.
    pub(super) fn new() -> Option<Self> {
        if !cfg!(all(target_os = "linux", target_pointer_width = "64")) {
            println!("skipped: faults of the disk are made on Linux with 64 bits alone");
            return None;
        }
        if !is_installed("cc") {
            return None;
        }
        let folder = Folder::new();
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]);
        cc.arg(folder.path("faults.so"));
        let status = cc.arg(root("tests/faults/faults.c")).status();
        assert!(status.unwrap().success());
        let faults = Self { folder };
        faults.set(Fault::None);
        Some(faults)
    }

    /// The database that has them.
    pub(super) fn database(&self) -> PathBuf {
        self.folder.path("runs.db")
    }

    /// A command that serves from the database, with the faults.
    pub(super) fn service(&self) -> Command {
        let mut command = super::service(&self.database());
        command
            .env("LD_PRELOAD", self.folder.path("faults.so"))
            .env("FAULTS_FILES", self.database())
            .env("FAULTS_CONTROL", self.folder.path("control"))
            .env("FAULTS_TRACE", self.trace());
        command
    }

    pub(super) fn set(&self, fault: Fault) {
        let name = match fault {
            Fault::None => "none",
            Fault::Full => "full",
            Fault::WriteErrors => "write errors",
            Fault::SyncErrors => "sync errors",
            Fault::CheckpointErrors => "checkpoint errors",
        };
        // The service reads either the name before or this one.
        let new = self.folder.path("control-new");
        fs::write(&new, name).unwrap();
        fs::rename(new, self.folder.path("control")).unwrap();
    }

    /// The file with the calls so far.
    pub(super) fn trace(&self) -> PathBuf {
        self.folder.path("trace")
    }
}
