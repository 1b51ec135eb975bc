//! Updates that are committed together.

use hashlink::LinkedHashMap;

use crate::{
    database::{Database, DatabaseError, Transaction},
    run::{Merged, Run, RunId},
    store::{Origin, Store},
};

/// Bytes of runs after which a batch is complete: those that are read from the database are held in memory, and a
/// transaction that writes many takes long.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The runs of a batch, as they become.
#[derive(Debug)]
pub(super) struct Batch<'b> {
    store: &'b Store,
    transaction: Transaction<'b>,
    /// In the order of their first updates.
    runs: LinkedHashMap<RunId, Joined>,
    bytes: usize,
}

/// A run and what it becomes.
#[derive(Debug)]
struct Joined {
    /// As the database has it, if it does.
    before: Option<Run>,
    after: Run,
    /// Whether it has to be written.
    is_changed: bool,
    /// Bytes of updates that were joined.
    new_bytes: usize,
}

impl<'b> Batch<'b> {
    pub(super) fn new(store: &'b Store, database: &'b mut Database) -> Self {
        Self {
            store,
            transaction: database.begin(),
            runs: LinkedHashMap::new(),
            bytes: 0,
        }
    }

    /// Whether it should be committed before more is added.
    pub(super) const fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES
    }

    /// Joins what an update said.
    pub(super) fn join(&mut self, said: &Run) -> Result<Merged, DatabaseError> {
        let new_bytes = said.heap_bytes();
        self.bytes += new_bytes;
        if let Some(run) = self.runs.get_mut(&said.id()) {
            let merged = run.after.join(said, self.store.max_output_bytes());
            run.is_changed |= merged.changed;
            run.new_bytes += new_bytes;
            return Ok(merged);
        }
        let (before, merged, after) = match self.known(said.id())? {
            Some(before) => {
                let mut after = before.clone();
                let merged = after.join(said, self.store.max_output_bytes());
                (Some(before), merged, after)
            }
            None => (None, NEW, said.clone()),
        };
        let is_changed = merged.changed;
        let joined = Joined {
            before,
            after,
            is_changed,
            new_bytes,
        };
        self.runs.insert(said.id(), joined);
        Ok(merged)
    }

    /// A run as the database has it. The store has the same, if it has the run.
    fn known(&mut self, run_id: RunId) -> Result<Option<Run>, DatabaseError> {
        if let Some(run) = self.store.get(run_id) {
            return Ok(Some(run));
        }
        let run = self.transaction.get(run_id)?;
        self.bytes += run.as_ref().map_or(0, Run::heap_bytes);
        Ok(run)
    }

    /// Writes the runs that changed, and then puts them into the store. Returns how many there were.
    ///
    /// The others are not put there: the store has what the database has, and it is no more than that which is durable.
    pub(super) fn commit(mut self) -> Result<usize, DatabaseError> {
        let changed = || self.runs.values().filter(|run| run.is_changed);
        for run in changed() {
            self.transaction.put(run.before.as_ref(), &run.after)?;
        }
        self.transaction.commit()?;
        for run in changed() {
            let origin = match run.before {
                Some(_) => Origin::Known,
                None => Origin::New,
            };
            self.store.put(&run.after, origin, run.new_bytes);
        }
        Ok(changed().count())
    }
}

/// What an update does to a run of which nothing was known.
const NEW: Merged = Merged {
    changed: true,
    outputs_left_out: 0,
    labels_left_out: 0,
};
