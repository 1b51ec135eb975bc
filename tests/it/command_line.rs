//! The command line: the help, and errors that say what to do.

use std::net::TcpListener;

use crate::harness::{Process, error_line, flags, is_installed, one_line, output, text};

#[tokio::test]
async fn help_fits_a_terminal_and_explains_every_flag_in_its_group() {
    let mut command = Process::command(&["--help"]);
    command.env("COLUMNS", "80");
    let help = output(command).await;
    assert!(help.status.success());
    let help = text(&help.stdout);
    assert!(help.lines().count() <= 75, "{help}");
    assert!(
        help.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );

    let mut groups = help.split("\n\n");
    let flags = flags();
    for group in flags.chunk_by(|a, b| a.get_help_heading() == b.get_help_heading()) {
        let heading = format!("{}:\n", group[0].get_help_heading().unwrap());
        let lines = groups
            .find(|lines| lines.starts_with(&heading))
            .expect(&heading);
        let mut lines = one_line(lines);
        for flag in group {
            let default = match flag.get_default_values() {
                [default] => format!(" [default: {}]", default.to_str().unwrap()),
                _ => String::new(),
            };
            let help = format!("{}{default}", flag.get_help().unwrap());
            let explained = format!(
                "--{} <{}> {}",
                flag.get_long().unwrap(),
                value_name(flag),
                one_line(&help)
            );
            assert!(lines.contains(&explained), "{explained}");
            lines = lines.replacen(&explained, "", 1);
        }
        assert!(!lines.contains("--"), "{lines}");
    }
}

fn value_name(flag: &clap::Arg) -> &str {
    flag.get_value_names().unwrap()[0].as_str()
}

#[tokio::test]
async fn version_prints_the_version_of_the_package() {
    let version = output(Process::command(&["--version"])).await;
    assert!(version.status.success());
    assert_eq!(
        text(&version.stdout),
        concat!("comfydeploy-webhook ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[tokio::test]
async fn a_bad_flag_prints_one_line_and_exits_with_2() {
    for arguments in [
        ["--max-body", "4 apples"],
        ["--max-body", "1"],
        ["--max-runs", "0"],
        ["--max-runs", ""],
        ["--max-bytes", "1"],
        ["--retention", "7"],
        ["--body-timeout", "2h"],
        ["--drain-timeout", "1s ago"],
        ["--listen", "localhost"],
        ["--listen", ""],
        ["--cors-origin", ""],
        ["--read-token-file", ""],
        ["--log-format", "xml"],
        ["--log", "=="],
        ["--log", ""],
    ] {
        let line = error_line(Process::command(&arguments), 2).await;
        assert!(line.contains(arguments[0]), "{line}");
    }
}

#[tokio::test]
async fn a_flag_that_does_not_exist_points_to_what_there_is() {
    for (arguments, hint) in [
        (
            &["--lisen", "x"][..],
            "found; a similar argument exists: '--listen'\n",
        ),
        (
            &["healtcheck"],
            "; a similar subcommand exists: 'healthcheck'\n",
        ),
        (&["--port", "1"], "found; use --listen, such as"),
        (&["--host=0.0.0.0"], "found; use --listen, such as"),
        (&["-p", "80"], "found; use --listen, such as"),
        (
            &["simulate", "--port", "80"],
            "found; use --listen, such as",
        ),
        (&["3000"], "; use --listen before an address or a port\n"),
        (&["serve"], "; without a command the service starts\n"),
        (&["--verbose"], "found; use --log, such as --log debug"),
        (
            &["--webhook-token", "s3cret"],
            "found; use the variable WEBHOOK_TOKEN or --webhook-token-file: ",
        ),
        (
            &["--webhook-token=s3cret"],
            "found; use the variable WEBHOOK_TOKEN or --webhook-token-file: ",
        ),
        (
            &["--token", "s3cret"],
            "found; use the variable WEBHOOK_TOKEN or --webhook-token-file: ",
        ),
        (
            &["--read-token=s3cret"],
            "found; use the variable READ_TOKEN or --read-token-file: ",
        ),
    ] {
        let line = error_line(Process::command(arguments), 2).await;
        assert!(line.contains(hint), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_used_prints_one_line_with_another_and_exits_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let next = address.port().checked_add(1).unwrap_or(8080);
    let line = error_line(Process::command(&["--listen", &address.to_string()]), 1).await;
    let start = format!("error: cannot listen on {address}: Address already in use");
    assert!(line.starts_with(&start), "{line}");
    let hint = format!("; try another port: --listen 127.0.0.1:{next}\n");
    assert!(line.ends_with(&hint), "{line}");

    // An address that is reserved for documentation.
    let line = error_line(Process::command(&["--listen", "192.0.2.1:8080"]), 1).await;
    let hint = "; this machine does not have this address, try --listen 127.0.0.1:8080, or --listen :8080 for all \
                interfaces\n";
    assert!(line.ends_with(hint), "{line}");
}

#[tokio::test]
async fn a_shell_completes_flags_with_the_script_for_it() {
    for (shell, begin) in [
        ("bash", "_comfydeploy"),
        ("zsh", "#compdef comfydeploy-webhook"),
        ("fish", "# "),
    ] {
        let output = output(Process::command(&["completions", shell])).await;
        assert!(output.status.success());
        assert!(
            text(&output.stdout).starts_with(begin),
            "{}",
            text(&output.stdout)
        );
    }
    if !is_installed("bash") {
        return;
    }
    let script = r#"
        source <("$0" completions bash)
        registered=$(complete -p comfydeploy-webhook) && function=${registered#* -F }
        complete_last() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            "${function%% *}" "$1" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
            echo "${COMPREPLY[@]}"
        }
        complete_last comfydeploy-webhook --lis
        complete_last comfydeploy-webhook simulate --ru
        complete_last comfydeploy-webhook completions z"#;
    let mut command = std::process::Command::new("bash");
    command
        .args(["-c", script])
        .arg(Process::command(&[]).get_program());
    assert_eq!(
        text(&output(command).await.stdout),
        "--listen\n--runs\nzsh\n"
    );
}
