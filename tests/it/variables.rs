//! Environment variables.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

use comfydeploy_webhook::cli::Cli;

use crate::harness::{Process, error_line, flags};

#[test]
fn the_variable_of_a_flag_is_its_name_in_capitals() {
    for flag in flags() {
        let long = flag.get_long().unwrap();
        let expected = match long {
            "log" => "RUST_LOG".to_owned(),
            long => long.to_uppercase().replace('-', "_"),
        };
        assert_eq!(flag.get_env().unwrap(), expected.as_str());
    }
}

#[tokio::test]
async fn an_error_about_a_variable_names_the_variable() {
    for (name, value, line) in [
        (
            "MAX_RUNS",
            "many",
            "MAX_RUNS=many: expected a whole number from 1 to 10000000",
        ),
        (
            "MAX_BODY",
            "1\r\n2",
            "MAX_BODY=1\\r\\n2: expected a number of bytes, or a size such as 4MiB",
        ),
        ("LOG_FORMAT", "xml", "LOG_FORMAT=xml: expected text or json"),
        ("PORT", "http", "PORT=http: expected a port from 0 to 65535"),
        (
            "LISTEN",
            "example.com:80",
            "LISTEN=example.com:80: expected an IP address or localhost: other host names are not looked up",
        ),
        (
            "RUST_LOG",
            "warning",
            "RUST_LOG=warning: did you mean warn? expected off, error, warn, info, debug or trace, and levels of \
             modules such as hyper=debug, separated by commas",
        ),
    ] {
        let mut command = Process::command(&[]);
        command.env(name, value);
        assert_eq!(error_line(command, 2).await, format!("error: {line}\n"));
    }
}

#[test]
fn a_variable_has_to_be_text_in_utf_8() {
    let not_utf8 = |name: &str| (name == "MAX_RUNS").then(|| OsString::from_vec(vec![b'1', 0xff]));
    let error = Cli::read([], not_utf8).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error: MAX_RUNS=1\u{fffd}: expected text in UTF-8"
    );
}

/// The flags with these variables set.
fn with_variables(arguments: &[&str], variables: &[(&str, &str)]) -> Cli {
    let variable = |name: &str| {
        let mut variables = variables.iter().filter(|(set, _)| *set == name);
        variables.next().map(|(_, value)| value.into())
    };
    Cli::read(arguments.iter().map(Into::into), variable).unwrap()
}

#[test]
fn an_empty_variable_means_the_default() {
    let default = format!("{:?}", with_variables(&[], &[]));
    let flags = flags();
    let names = flags
        .iter()
        .map(|flag| flag.get_env().unwrap().to_str().unwrap());
    for name in names
        .filter(|name| !name.ends_with("_FILE"))
        .chain(["PORT"])
    {
        for empty in ["", " ", "\r"] {
            let read = format!("{:?}", with_variables(&[], &[(name, empty)]));
            assert_eq!(read, default, "{name}");
        }
    }
}

#[test]
fn an_empty_variable_for_tokens_opens_nothing() {
    for name in [
        "WEBHOOK_TOKEN",
        "READ_TOKEN",
        "WEBHOOK_TOKEN_FILE",
        "READ_TOKEN_FILE",
    ] {
        for empty in ["", " "] {
            let variable = |set: &str| (set == name).then(|| empty.into());
            let error = Cli::read([], variable).unwrap_err().to_string();
            assert!(error.starts_with(&format!("error: {name}: ")), "{error}");
        }
    }
    // The other one gives the tokens: then an empty one means nothing.
    let given = [("WEBHOOK_TOKEN", "s3cret"), ("WEBHOOK_TOKEN_FILE", "")];
    assert!(with_variables(&[], &given).config.webhook_tokens.is_some());
}

#[test]
fn an_error_about_a_file_of_tokens_names_what_named_the_file() {
    let read = |arguments: &[&str], variables: &[(&str, &str)]| {
        let arguments: Vec<_> = arguments.iter().map(Into::into).collect();
        let variable = |name: &str| {
            let set = variables.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| value.into())
        };
        Cli::read(arguments, variable).unwrap_err().to_string()
    };
    let flag = ["--read-token-file", "/nowhere"];
    let error = read(&flag, &[]);
    assert!(error.starts_with("error: --read-token-file: "), "{error}");
    let error = read(&[], &[("READ_TOKEN_FILE", "/nowhere")]);
    assert!(error.starts_with("error: READ_TOKEN_FILE: "), "{error}");
    let error = read(&flag, &[("READ_TOKEN", "t0ken")]);
    assert!(
        error.contains("both READ_TOKEN and --read-token-file"),
        "{error}"
    );
}

#[test]
fn completions_do_not_depend_on_the_variables_of_the_service() {
    let nonsense = |name: &str| (name != "HOME").then(|| "\u{1}".into());
    let arguments = ["completions", "bash"].map(Into::into);
    assert!(Cli::read(arguments, nonsense).is_ok());
}

#[test]
fn a_flag_wins_over_its_variable_whatever_that_is() {
    let variables = [
        ("MAX_RUNS", "nonsense"),
        ("LISTEN", "nonsense"),
        ("PORT", "nonsense"),
    ];
    let arguments = ["--max-runs", "5", "healthcheck", "--listen", "[::]:1"];
    let config = with_variables(&arguments, &variables).config;
    assert_eq!(config.max_runs, 5);
    assert_eq!(config.address().to_string(), "[::]:1");
    let config = with_variables(&[], &[("MAX_RUNS", " 6\r"), ("PORT", " 7 ")]).config;
    assert_eq!(config.max_runs, 6);
    assert_eq!(config.address().to_string(), "0.0.0.0:7");
}

#[test]
fn port_means_all_interfaces_and_listen_wins() {
    for (listen, port, address) in [
        ("", "", "127.0.0.1:8080"),
        ("", "1234", "0.0.0.0:1234"),
        ("127.0.0.1:1", "1234", "127.0.0.1:1"),
        ("localhost:1", "1234", "127.0.0.1:1"),
        (":1", "", "0.0.0.0:1"),
        ("1", "", "127.0.0.1:1"),
        ("1", "1234", "0.0.0.0:1"),
    ] {
        let variables = [("LISTEN", listen), ("PORT", port)];
        let config = with_variables(&[], &variables).config;
        assert_eq!(config.address().to_string(), address, "{variables:?}");
        if !listen.is_empty() {
            let config = with_variables(&["--listen", listen], &[("PORT", port)]).config;
            assert_eq!(config.address().to_string(), address, "{variables:?}");
        }
    }
}
