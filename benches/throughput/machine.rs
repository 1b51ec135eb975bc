//! Cores, CPU time and memory, from Linux. On other systems these figures are left out.

use std::{
    env, fmt, fs,
    process::{self, Command, Stdio},
    thread,
    time::Duration,
};

/// The core that the load runs on and the core that servers run on, so that neither takes time from the other.
#[derive(Debug)]
pub(crate) struct Cores {
    load: Option<usize>,
    server: Option<usize>,
    /// How many cores there are.
    all: usize,
}

impl Cores {
    /// Pins this process to the first core, and keeps the last one for servers.
    pub(crate) fn divide() -> Self {
        let all = thread::available_parallelism().map_or(1, usize::from);
        let allowed = allowed();
        let mut cores = Self {
            load: None,
            server: None,
            all,
        };
        if let (Some(&first), Some(&last)) = (allowed.first(), allowed.last())
            && first != last
        {
            let pinned = Command::new("taskset")
                .args(["-c", "-p", &first.to_string(), &process::id().to_string()])
                .stdout(Stdio::null())
                .status();
            if pinned.is_ok_and(|status| status.success()) {
                cores.load = Some(first);
                cores.server = Some(last);
            }
        }
        cores
    }

    /// A command that runs `program` on the core for servers. Its environment has only PATH, because other
    /// variables could set tokens and limits of the service.
    pub(crate) fn server(&self, program: &str) -> Command {
        let mut command = match self.server {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string(), program]);
                command
            }
            None => Command::new(program),
        };
        let path = env::var_os("PATH").map(|path| ("PATH", path));
        command.env_clear().envs(path);
        command
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cores; ", self.all)?;
        match (self.load, self.server) {
            (Some(load), Some(server)) => write!(
                f,
                "the load runs on core {load}, every server on core {server} with one thread \
                 (unless stated otherwise)"
            ),
            _ => write!(
                f,
                "nothing is pinned to a core; every server has one thread (unless stated otherwise)"
            ),
        }
    }
}

/// The cores that this process may run on.
fn allowed() -> Vec<usize> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .unwrap_or_default();
    let mut cores = Vec::new();
    for range in list.trim().split(',') {
        let (first, end) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(end)) = (first.parse(), end.parse::<usize>()) {
            cores.extend(first..=end);
        }
    }
    cores
}

/// The CPU time of a process.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    cpu_of(pid, |_| true)
}

/// The CPU time of the threads of a process whose names are as asked for.
pub(crate) fn cpu_of(pid: u32, is_asked_for: impl Fn(&str) -> bool) -> Option<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let task = task.ok()?.path();
        if is_asked_for(fs::read_to_string(task.join("comm")).ok()?.trim_end()) {
            let schedule = fs::read_to_string(task.join("schedstat")).ok()?;
            nanos += schedule.split(' ').next()?.parse::<u64>().ok()?;
        }
    }
    Some(Duration::from_nanos(nanos))
}

/// What a process has written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    /// Bytes of pages that it has changed and that go to a disk: `write_bytes`. 0 on some file systems.
    pub(crate) to_disk: u64,
    /// Bytes that it has passed to the system, also to sockets: `wchar`.
    pub(crate) passed: u64,
}

impl Written {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            to_disk: self.to_disk - before.to_disk,
            passed: self.passed - before.passed,
        }
    }
}

pub(crate) fn written(pid: u32) -> Option<Written> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let count = |name| {
        let line = io.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    Some(Written {
        to_disk: count("write_bytes:")?,
        passed: count("wchar:")?,
    })
}

/// The difference, if both are known.
pub(crate) fn since(before: Option<Duration>, now: Option<Duration>) -> Option<Duration> {
    Some(now?.saturating_sub(before?))
}

/// The resident memory of a process, in bytes.
pub(crate) fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}
