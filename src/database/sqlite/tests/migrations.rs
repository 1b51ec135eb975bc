//! Databases of older versions become those of the present one.

use std::fs;

use rusqlite::Connection;

use super::{Folder, other_program};
use crate::database::sqlite::schema::{migrate_by, version};

const FIRST: &str = "CREATE TABLE a (x); INSERT INTO a VALUES (1)";
const SECOND: &str = "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1";
const THIRD: &str = "CREATE TABLE b AS SELECT x + y AS z FROM a";

fn z(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT z FROM b", [], |row| row.get(0))
}

#[test]
fn each_version_becomes_the_last_one_by_the_steps_that_it_lacks() {
    let folder = Folder::new();
    for known in 0..=3 {
        let path = folder.join(&format!("{known}.db"));
        let mut connection = Connection::open(&path).unwrap();
        let all = [FIRST, SECOND, THIRD];
        migrate_by(&mut connection, &all[..known]).unwrap();
        assert_eq!(version(&connection), Ok(i32::try_from(known).unwrap()));
        migrate_by(&mut connection, &all).unwrap();
        assert_eq!((version(&connection), z(&connection)), (Ok(3), Ok(3)));
        migrate_by(&mut connection, &all).unwrap();
        assert_eq!((version(&connection), z(&connection)), (Ok(3), Ok(3)));
    }
}

#[test]
fn the_header_says_the_new_version_at_once_even_in_write_ahead_mode() {
    let folder = Folder::new();
    let path = folder.join("runs.db");
    let mut connection = other_program(&path);
    migrate_by(&mut connection, &[FIRST]).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    migrate_by(&mut connection, &[FIRST, SECOND]).unwrap();
    let header = fs::read(&path).unwrap();
    assert_eq!(
        (&header[60..64], &header[68..72]),
        (&[0, 0, 0, 2][..], &b"cdwh"[..])
    );
}

#[test]
fn a_migration_that_fails_leaves_the_version_before() {
    let folder = Folder::new();
    let mut connection = Connection::open(folder.join("runs.db")).unwrap();
    migrate_by(&mut connection, &[FIRST]).unwrap();
    migrate_by(&mut connection, &[FIRST, SECOND, "nonsense"]).unwrap_err();
    assert_eq!(version(&connection), Ok(1));
    migrate_by(&mut connection, &[FIRST, SECOND, THIRD]).unwrap();
    assert_eq!(z(&connection), Ok(3));
}
