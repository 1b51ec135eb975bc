//! A build without the feature `sqlite` says how to get a database.

use crate::harness::{Folder, Process, error_line};

const REASON: &str =
    "runs.db: this build has no SQLite; build the program with the feature sqlite\n";

#[tokio::test]
async fn a_database_is_refused_and_no_file_is_made() {
    for (arguments, error) in [
        (&[][..], "cannot use the database"),
        (&["backup", "copy.db"], "cannot back up:"),
    ] {
        let folder = Folder::new();
        let mut command = Process::command(arguments);
        command
            .current_dir(&folder)
            .env("DATABASE_URL", "sqlite:runs.db");
        let line = error_line(command, 1).await;
        assert_eq!(line, format!("error: {error} {REASON}"));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
}
