//! A run that is read is the run that was written.

use proptest::{collection::vec, prelude::*, sample::select};
use rusqlite::Connection;

use super::{open, runs};
use crate::{
    database::{Database, sqlite::rows},
    run::{Run, RunId},
    testing::{Folder, Sent, any_update, at, proptest_config, run_id},
};

/// Some updates of one run that are committed together.
#[derive(Debug, Clone)]
struct Step {
    run: usize,
    updates: Vec<Sent>,
    /// Whether the run was dropped by the store before.
    was_evicted: bool,
}

fn any_step() -> impl Strategy<Value = Step> {
    let parts = (0..2_usize, vec(any_update(), 1..4), any::<bool>());
    parts.prop_map(|(run, updates, was_evicted)| Step {
        run,
        updates,
        was_evicted,
    })
}

impl Step {
    /// Takes the step. The store keeps the runs in `stored`.
    fn take(
        &self,
        database: &mut Database,
        stored: &mut [Option<Run>; 2],
        max_output_bytes: usize,
    ) {
        let run_id = run_id(self.run);
        let mut transaction = database.begin();
        let read = transaction.get(run_id).unwrap();
        assert_eq!(read, stored[self.run]);
        let before = if self.was_evicted {
            read
        } else {
            stored[self.run].clone()
        };
        let mut after = before
            .clone()
            .unwrap_or_else(|| Run::new(run_id, at(self.updates[0].millis)));
        for sent in &self.updates {
            sent.merge_into(&mut after, max_output_bytes);
        }
        transaction.put(before.as_ref(), &after).unwrap();
        transaction.commit().unwrap();
        stored[self.run] = Some(after);
    }
}

/// The rows of a run's outputs, by key.
fn rows(connection: &Connection, run_id: RunId) -> Vec<(String, usize, String)> {
    let mut statement = connection
        .prepare_cached(
            "SELECT key, largest, json FROM outputs JOIN runs USING (run) WHERE run_id = ?1
            ORDER BY key",
        )
        .unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let rows = statement.query_map([run_id.to_string()], row).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The rows that there should be.
fn expected_rows(run: &Run) -> Vec<(String, usize, String)> {
    let row = |output| {
        (
            rows::key(output),
            output.largest(),
            output.json().to_owned(),
        )
    };
    let mut rows: Vec<_> = run.outputs().iter().map(row).collect();
    rows.sort();
    rows
}

proptest! {
    // Each step of a case waits for the disk.
    #![proptest_config(ProptestConfig { cases: 100, ..proptest_config() })]
    #[test]
    fn a_run_is_read_as_it_was_written(
        steps in vec(any_step(), 1..6),
        max_output_bytes in select(vec![3 * 240, 6_000, usize::MAX]),
    ) {
        let folder = Folder::new();
        let path = folder.join("runs.db");
        let mut database = open(&path).unwrap();
        let other = Connection::open(&path).unwrap();
        let mut stored = [None, None];
        for step in &steps {
            step.take(&mut database, &mut stored, max_output_bytes);
            for run in stored.iter().flatten() {
                prop_assert_eq!(rows(&other, run.id()), expected_rows(run));
            }
        }
        drop(other);
        database.close();
        let mut database = open(&path).unwrap();
        for run in stored.iter().flatten() {
            let read = database.begin().get(run.id()).unwrap();
            prop_assert_eq!(read.as_ref(), Some(run));
        }
        let mut expected: Vec<_> = stored.into_iter().flatten().collect();
        let mut read = runs(&database).unwrap();
        expected.sort_by_key(Run::id);
        read.sort_by_key(Run::id);
        prop_assert_eq!(read, expected);
    }
}

#[test]
fn the_most_recent_runs_are_read_first_and_no_more_than_are_wanted() {
    let (_folder, path) = super::with_runs(5);
    let database = open(&path).unwrap();
    let mut read = Vec::new();
    let taken = database.most_recent(|run| {
        read.push(run);
        read.len() < 3
    });
    taken.unwrap();
    assert_eq!(read, [4, 3, 2].map(super::run));
}

#[test]
fn nothing_of_a_transaction_that_was_not_committed_is_there() {
    let (_folder, path) = super::with_runs(1);
    let mut database = open(&path).unwrap();
    database.begin().put(None, &super::run(1)).unwrap();
    assert_eq!(runs(&database).unwrap(), [super::run(0)]);
    super::put(&mut database, &super::run(2)).unwrap();
    assert_eq!(runs(&database).unwrap().len(), 2);
}

#[test]
fn runs_that_were_updated_last_before_a_time_are_removed_with_their_outputs_the_oldest_first() {
    let (_folder, path) = super::with_runs(5);
    let mut database = open(&path).unwrap();
    let mut remove = |most| database.remove_older(at(3), most).unwrap();
    assert_eq!(remove(2), [0, 1].map(run_id));
    assert_eq!(remove(2), [run_id(2)]);
    assert_eq!(remove(2), []);
    assert_eq!(runs(&database).unwrap(), [4, 3].map(super::run));
    let count = "SELECT count(*) FROM outputs";
    let other = Connection::open(&path).unwrap();
    let outputs: i64 = other.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(outputs, 4);
}
