//! What a disk may hold of the files of a database when the power is cut.
//!
//! What was written before the last sync of a file is there. Of what was written later, each write may be there, may be
//! missing, or may be there in some of its sectors. A file that was made or removed may still be missing or there until
//! its folder is synced.

use std::{collections::BTreeMap, fs, path::Path};

use fastrand::Rng;

const SECTOR: usize = 512;

/// Shared memory: what the file holds after a power cut means nothing.
const SHARED_MEMORY: &str = "-shm";

/// One line of the trace.
pub(super) struct Record<'a> {
    /// Where it ends in the trace.
    pub(super) end: usize,
    /// What follows the name of the database in that of the file.
    name: &'a str,
    call: Call<'a>,
}

impl Record<'_> {
    /// Whether it ends a checkpoint: the log has been moved to the database.
    pub(super) fn is_checkpoint(&self) -> bool {
        self.name.is_empty() && matches!(self.call, Call::Sync)
    }
}

#[derive(Clone, Copy)]
enum Call<'a> {
    Write { offset: usize, data: &'a [u8] },
    Truncate { length: usize },
    Sync,
    FailedSync,
    Unlink,
}

/// Reads a trace, whose form `tests/faults/faults.c` tells. A line that is not complete yet is left out.
pub(super) fn records(trace: &[u8]) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    let mut start = 0;
    while let Some(record) = record(trace, start) {
        start = record.end;
        records.push(record);
    }
    records
}

fn record(trace: &[u8], start: usize) -> Option<Record<'_>> {
    let line_length = memchr::memchr(b'\n', &trace[start..])?;
    let line = str::from_utf8(&trace[start..start + line_length]).unwrap();
    let [call, offset, length, name] = line.splitn(4, ' ').collect::<Vec<_>>()[..] else {
        panic!("{line}");
    };
    let (offset, length): (usize, usize) = (offset.parse().unwrap(), length.parse().unwrap());
    let data_start = start + line_length + 1;
    let data = trace.get(data_start..data_start + length)?;
    let call = match call {
        "write" => Call::Write { offset, data },
        "truncate" => Call::Truncate { length: offset },
        "sync" => Call::Sync,
        "failed-sync" => Call::FailedSync,
        "unlink" => Call::Unlink,
        _ => panic!("{line}"),
    };
    let end = data_start + length;
    Some(Record { end, name, call })
}

/// The files by name. Of each there are several versions: the first is the one that the synced folder holds, if any, and
/// the last is the present one.
#[derive(Default)]
pub(super) struct Disk<'a>(BTreeMap<&'a str, Vec<Option<File<'a>>>>);

impl<'a> Disk<'a> {
    /// Does what was done. `random` says what is lost by a sync that fails.
    pub(super) fn apply(&mut self, record: &Record<'a>, random: &mut Rng) {
        if record.name == "/" {
            // A folder whose sync fails is not known to be synced.
            if matches!(record.call, Call::Sync) {
                for versions in self.0.values_mut() {
                    versions.drain(..versions.len() - 1);
                }
            }
            return;
        }
        let versions = self.0.entry(record.name).or_insert_with(|| vec![None]);
        if let Call::Unlink = record.call {
            versions.push(None);
        } else if let Some(Some(file)) = versions.last_mut() {
            file.apply(record.call, random);
        } else {
            let mut file = File::default();
            file.apply(record.call, random);
            versions.push(Some(file));
        }
    }

    /// Makes the files as they may be if the power is cut now.
    pub(super) fn cut(&self, database: &Path, random: &mut Rng) {
        for (name, versions) in &self.0 {
            let file = &versions[random.usize(..versions.len())];
            let Some(file) = file else { continue };
            let content = match *name {
                SHARED_MEMORY => std::iter::repeat_with(|| random.u8(..))
                    .take(32 * 1024)
                    .collect(),
                _ => file.cut(random),
            };
            fs::write(format!("{}{name}", database.display()), content).unwrap();
        }
    }

    /// The files as they are for those who read them now.
    pub(super) fn files(&self) -> BTreeMap<&'a str, Vec<u8>> {
        let present = self.0.iter().filter_map(|(name, versions)| {
            let file = versions.last()?.as_ref()?;
            Some((*name, file.read()))
        });
        present.collect()
    }
}

#[derive(Default)]
struct File<'a> {
    synced: Vec<u8>,
    unsynced: Vec<Call<'a>>,
}

impl<'a> File<'a> {
    fn apply(&mut self, call: Call<'a>, random: &mut Rng) {
        match call {
            Call::Sync => {
                for call in self.unsynced.drain(..) {
                    apply(call, &mut self.synced);
                }
            }
            // The system takes what it could not write for written. The next sync does not try again.
            Call::FailedSync => {
                self.synced = self.cut(random);
                self.unsynced.clear();
            }
            call => self.unsynced.push(call),
        }
    }

    fn read(&self) -> Vec<u8> {
        let mut content = self.synced.clone();
        for call in &self.unsynced {
            apply(*call, &mut content);
        }
        content
    }

    /// What the disk may hold.
    fn cut(&self, random: &mut Rng) -> Vec<u8> {
        let mut content = self.synced.clone();
        for call in &self.unsynced {
            match (random.u8(..4), *call) {
                (0, _) => {}
                (1, Call::Write { offset, data }) => tear(offset, data, &mut content, random),
                (_, call) => apply(call, &mut content),
            }
        }
        content
    }
}

fn apply(call: Call, content: &mut Vec<u8>) {
    match call {
        Call::Write { offset, data } => write(offset, data, content),
        Call::Truncate { length } => content.resize(length, 0),
        Call::Sync | Call::FailedSync | Call::Unlink => {}
    }
}

fn write(offset: usize, data: &[u8], content: &mut Vec<u8>) {
    let end = offset + data.len();
    content.resize(content.len().max(end), 0);
    content[offset..end].copy_from_slice(data);
}

/// Writes some of the sectors.
fn tear(offset: usize, data: &[u8], content: &mut Vec<u8>, random: &mut Rng) {
    let mut start = 0;
    while start < data.len() {
        let sector_end = (offset + start) / SECTOR * SECTOR + SECTOR;
        let end = data.len().min(sector_end - offset);
        if random.bool() {
            write(offset + start, &data[start..end], content);
        }
        start = end;
    }
}
