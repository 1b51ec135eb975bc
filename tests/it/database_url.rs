//! The URL of the database: where it is set. What it may be is tested beside its parser.

use comfydeploy_webhook::{
    cli::{Cli, CliError},
    config::{Config, DatabaseUrl},
};

use crate::harness::file_with;

const FLAG: &str = "--database-url";
const FILE_FLAG: &str = "--database-url-file";
const VARIABLE: &str = "DATABASE_URL";
const FILE_VARIABLE: &str = "DATABASE_URL_FILE";

/// The URL that these arguments and variables set.
fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Option<DatabaseUrl>, CliError> {
    let variable = |name: &str| {
        let set = variables.iter().find(|(set, _)| *set == name);
        set.map(|(_, value)| value.into())
    };
    let cli = Cli::read(arguments.iter().map(Into::into), variable)?;
    Ok(cli.config.database_url)
}

fn sqlite(path: &str) -> DatabaseUrl {
    DatabaseUrl::Sqlite(path.into())
}

#[test]
fn the_url_comes_from_a_flag_a_variable_or_a_file() {
    let file = &file_with("good-database-url", "sqlite:of-file.db\r\n");
    let of_variable = (VARIABLE, " sqlite:of-variable.db\r");
    for (arguments, variables, path) in [
        (&[FLAG, "sqlite:of-flag.db"][..], &[][..], "of-flag.db"),
        (&[], &[of_variable], "of-variable.db"),
        (&[FILE_FLAG, file], &[], "of-file.db"),
        (&[], &[(FILE_VARIABLE, file)], "of-file.db"),
        // The flag wins over its variable.
        (&[FLAG, "sqlite:of-flag.db"], &[of_variable], "of-flag.db"),
        (
            &[FLAG, "sqlite:of-flag.db"],
            &[(VARIABLE, "nonsense")],
            "of-flag.db",
        ),
        (
            &[FILE_FLAG, file],
            &[(FILE_VARIABLE, "/nowhere")],
            "of-file.db",
        ),
        // An empty variable counts as not set, if something else gives the URL.
        (&[FILE_FLAG, file], &[(VARIABLE, "")], "of-file.db"),
        (&[], &[(VARIABLE, ""), (FILE_VARIABLE, file)], "of-file.db"),
        (&[], &[of_variable, (FILE_VARIABLE, "")], "of-variable.db"),
        (
            &[FLAG, "sqlite:of-flag.db"],
            &[(FILE_VARIABLE, "")],
            "of-flag.db",
        ),
    ] {
        let url = read(arguments, variables).unwrap();
        assert_eq!(url, Some(sqlite(path)), "{arguments:?} {variables:?}");
    }
    let config = Config::from_flags(&[FLAG, "sqlite:of-flag.db"]).unwrap();
    assert_eq!(config.database_url, Some(sqlite("of-flag.db")));
}

#[test]
fn there_is_no_database_unless_one_is_set() {
    for variables in [&[][..], &[(VARIABLE, "")], &[(VARIABLE, " ")]] {
        assert_eq!(read(&[], variables).unwrap(), None, "{variables:?}");
    }
}

#[test]
fn an_error_names_what_gave_the_url_and_what_is_expected() {
    let good = &file_with("another-database-url", "sqlite:runs.db");
    let bad = &file_with("bad-database-url", "sqlite:runs.db?mode=rwc\n");
    let empty = &file_with("empty-database-url", " \n");
    let url = "sqlite:runs.db";
    for (arguments, variables, start) in [
        (
            &[FLAG, "runs.db"][..],
            &[][..],
            "invalid value for '--database-url <URL>': expected sqlite: before the path",
        ),
        (
            &[FLAG, ""],
            &[],
            "invalid value for '--database-url <URL>': it names no file, expected sqlite:FILE",
        ),
        (
            &[],
            &[(VARIABLE, "postgres://host/db")],
            "DATABASE_URL: only sqlite:FILE is supported",
        ),
        (
            &[FILE_FLAG, bad],
            &[],
            "--database-url-file: parameters such as ?mode=rwc are not supported",
        ),
        (
            &[],
            &[(FILE_VARIABLE, bad)],
            "DATABASE_URL_FILE: parameters such as ?mode=rwc are not supported",
        ),
        (
            &[],
            &[(FILE_VARIABLE, empty)],
            "DATABASE_URL_FILE: it names no file, expected sqlite:FILE",
        ),
        (
            &[FILE_FLAG, "/nowhere"],
            &[],
            "--database-url-file: cannot read it: No such file",
        ),
        (
            &[],
            &[(FILE_VARIABLE, "")],
            "DATABASE_URL_FILE: it is empty, expected the name of a file",
        ),
        (
            &[],
            &[(VARIABLE, ""), (FILE_VARIABLE, "")],
            "DATABASE_URL_FILE: it is empty, expected the name of a file",
        ),
        (
            &[FLAG, url, FILE_FLAG, good],
            &[],
            "both --database-url and --database-url-file are set, expected one",
        ),
        (
            &[FLAG, url],
            &[(FILE_VARIABLE, good)],
            "both --database-url and DATABASE_URL_FILE are set, expected one",
        ),
        (
            &[FILE_FLAG, good],
            &[(VARIABLE, url)],
            "both DATABASE_URL and --database-url-file are set, expected one",
        ),
        (
            &[],
            &[(VARIABLE, url), (FILE_VARIABLE, good)],
            "both DATABASE_URL and DATABASE_URL_FILE are set, expected one",
        ),
    ] {
        let error = read(arguments, variables).unwrap_err().to_string();
        assert!(error.starts_with(&format!("error: {start}")), "{error}");
    }
}
