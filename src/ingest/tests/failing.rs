//! A database that cannot be written, and then can.

use super::{Kept, LIMITS, NotDurable, Readiness, Service, of_run};
use crate::{
    database::Cause,
    store::Limits,
    testing::{run_id, until},
};

const WITH_OUTPUT: &str = r#"{"progress":20,"outputs":[{"id":1}]}"#;

/// Outputs cannot be written, but the rows of runs, which come first.
const BREAK: &str =
    "CREATE TRIGGER broken BEFORE INSERT ON outputs BEGIN SELECT RAISE(FAIL, 'broken'); END";
const MEND: &str = "DROP TRIGGER broken";

fn failing() -> Service {
    let service = Service::new(Kept::InSqlite, LIMITS);
    service.send(1, r#"{"progress":10}"#);
    service.other_program().execute_batch(BREAK).unwrap();
    service
}

#[test]
fn a_failing_database_rejects_updates_and_nothing_of_them_is_kept() {
    let service = failing();
    let before = service.run(1);
    for n in [1, 2] {
        let rejected = service.accept(&of_run(n, WITH_OUTPUT));
        assert_eq!(rejected, Err(NotDurable::Failing(Cause::Other)));
    }
    until("it is counted, and the cause is known", || {
        let readiness = service.ingest.readiness();
        service.metric("database_failures_total") >= 2
            && readiness == Readiness::Failing(Cause::Other)
    });
    assert_eq!((service.run(1), service.run(2)), (before.clone(), None));
    let service = service.restarted();
    assert_eq!((service.run(1), service.run(2)), (before, None));
}

#[test]
fn a_repeat_is_accepted_while_the_database_fails() {
    let service = failing();
    let rejected = service.accept(&of_run(1, WITH_OUTPUT));
    assert!(rejected.is_err());
    service.send(1, r#"{"progress":10}"#);
}

#[test]
fn a_database_heals_without_an_update() {
    let service = failing();
    assert!(service.accept(&of_run(1, WITH_OUTPUT)).is_err());
    service.other_program().execute_batch(MEND).unwrap();
    until("it is ready again", || {
        service.ingest.readiness() == Readiness::Ready
    });
    service.send(1, WITH_OUTPUT);
    assert_eq!(service.run(1).unwrap().outputs().len(), 1);
}

#[test]
fn a_database_that_fails_once_takes_the_next_update() {
    let service = failing();
    assert!(service.accept(&of_run(1, WITH_OUTPUT)).is_err());
    service.other_program().execute_batch(MEND).unwrap();
    service.send(1, WITH_OUTPUT);
    let run = service.run(1);
    assert_eq!(service.restarted().run(1), run);
}

#[test]
fn a_run_that_cannot_be_read_is_the_only_one_that_is_rejected() {
    let service = Service::new(Kept::InSqlite, Limits { runs: 1, ..LIMITS });
    service.send(1, "{}");
    service.send(2, "{}");
    let damage = format!(
        "UPDATE runs SET labels = 'x' WHERE run_id = '{}'",
        run_id(1)
    );
    service.other_program().execute_batch(&damage).unwrap();
    let other = service.other_program();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let commits = [2, 1, 3].map(|n| service.queue(n, r#"{"progress":1}"#).unwrap());
    other.execute_batch("COMMIT").unwrap();
    let answers = commits.map(|commit| service.answer(commit));
    assert_eq!(
        answers,
        [Ok(()), Err(NotDurable::Failing(Cause::Damaged)), Ok(())]
    );
    assert!(service.run(3).is_some());
}
