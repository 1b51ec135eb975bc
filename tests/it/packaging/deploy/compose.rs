//! `.github/compose.yaml`.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

use super::{assert_ends_before, assert_is_enough_memory, config, python_tool};
use crate::{
    harness::{files, output, read, text},
    packaging::{documents, value_of},
};

const FILE: &str = ".github/compose.yaml";
const SERVICE: &str = "comfydeploy-webhook";

/// The file as `podman-compose` reads it, with these variables and profiles; or what is wrong with it.
async fn compose(
    mut podman_compose: Command,
    variables: &[(&str, &str)],
    profiles: &[&str],
) -> Result<Value, String> {
    // It asks Podman for its version and nothing else, so the service can play it. A developer may have a .env file.
    let podman = env!("CARGO_BIN_EXE_comfydeploy-webhook");
    podman_compose.args([
        "--podman-path",
        podman,
        "--env-file",
        "/dev/null",
        "--file",
        FILE,
    ]);
    for profile in profiles {
        podman_compose.args(["--profile", profile]);
    }
    podman_compose
        .arg("config")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .envs(variables.iter().copied());
    let output = output(podman_compose).await;
    if output.status.success() {
        Ok(serde_saphyr::from_str(text(&output.stdout)).unwrap())
    } else {
        Err(text(&output.stderr).to_owned())
    }
}

const TOKENS: [(&str, &str); 2] = [("WEBHOOK_TOKEN", "hook"), ("READ_TOKEN", "reader")];

#[tokio::test]
async fn compose_does_not_start_without_both_tokens_and_says_which_is_missing() {
    let is_empty = [("WEBHOOK_TOKEN", ""), TOKENS[1]];
    for (given, missing) in [
        (&[][..], "WEBHOOK_TOKEN"),
        (&TOKENS[..1], "READ_TOKEN"),
        (&TOKENS[1..], "WEBHOOK_TOKEN"),
        (&is_empty, "WEBHOOK_TOKEN"),
    ] {
        let Some(podman_compose) = python_tool("podman-compose") else {
            return;
        };
        let error = compose(podman_compose, given, &[]).await.unwrap_err();
        assert!(
            error.contains(&format!("{missing} is missing a value: set it to")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn compose_starts_the_service_alone_unless_profiles_ask_for_more() {
    for (profiles, services) in [
        (&[][..], &[SERVICE][..]),
        (&["tls"], &["caddy", SERVICE]),
        (&["replica"], &[SERVICE, "litestream"]),
    ] {
        let Some(podman_compose) = python_tool("podman-compose") else {
            return;
        };
        // Without DOMAIN and REPLICA_URL.
        let read = compose(podman_compose, &TOKENS, profiles).await.unwrap();
        let started: Vec<_> = read["services"].as_object().unwrap().keys().collect();
        assert_eq!(started, services);
    }
}

#[tokio::test]
async fn the_schema_of_compose_files_allows_all_of_it() {
    let Some(mut check) = python_tool("check-jsonschema") else {
        return;
    };
    check.args(["--builtin-schema", "vendor.compose-spec", FILE]);
    check.current_dir(env!("CARGO_MANIFEST_DIR"));
    let checked = output(check).await;
    assert!(checked.status.success(), "{checked:?}");
}

/// The services as the file describes them, each with what it shares with the others.
fn services() -> BTreeMap<String, Value> {
    let [file] = <[Value; 1]>::try_from(documents(FILE)).unwrap();
    serde_json::from_value(file["services"].clone()).unwrap()
}

#[test]
fn every_container_is_confined_and_bounded() {
    for (name, service) in services() {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(
            service["security_opt"],
            serde_json::json!(["no-new-privileges:true"]),
            "{name}"
        );
        assert!(service["mem_limit"].is_string(), "{name}");
        assert!(service["pids_limit"].is_number(), "{name}");
        assert!(
            service["logging"]["options"]["max-size"].is_string(),
            "{name}"
        );
        assert_eq!(service["restart"], "unless-stopped", "{name}");
    }
}

#[test]
fn the_container_fits_the_service() {
    let service = &services()[SERVICE];
    let set = service["environment"].as_object().unwrap();
    let value = |(name, value): (&String, &Value)| {
        let value = value.as_str().unwrap();
        // As with `export WEBHOOK_TOKEN=a READ_TOKEN=b`.
        let value = match value.split_once(":?") {
            Some(_) => "a-token",
            None if value == format!("${{{name}:-}}") => "",
            None => value,
        };
        (name.clone(), value.to_owned())
    };
    let mut variables: BTreeMap<_, _> = set.iter().map(value).collect();
    variables.insert(
        "PORT".to_owned(),
        value_of(&read("Dockerfile"), "ENV PORT="),
    );
    let config = config(&variables);
    assert!(config.webhook_tokens.is_some() && config.read_tokens.is_some());
    let port = config.address().port();
    assert_eq!(
        service["ports"],
        serde_json::json!([format!("127.0.0.1:{port}:{port}")])
    );
    let caddy = &services()["caddy"];
    assert_eq!(caddy["environment"]["SERVICE"], format!("{SERVICE}:{port}"));
    let memory = service["mem_limit"].as_str().unwrap();
    // Compose means 1024 x 1024 bytes by `m`.
    assert_is_enough_memory(&config, memory.replace('m', "MiB").parse().unwrap());
    let grace = service["stop_grace_period"].as_str().unwrap();
    assert_ends_before(
        &config,
        grace
            .parse::<jiff::SignedDuration>()
            .unwrap()
            .unsigned_abs(),
    );
    assert!(
        service["volumes"]
            .as_array()
            .unwrap()
            .contains(&"runs:/data".into())
    );
}

#[test]
fn every_file_that_a_container_mounts_is_there() {
    let present = files(".github");
    for (name, service) in services() {
        for volume in service["volumes"].as_array().unwrap() {
            let (from, _) = volume.as_str().unwrap().split_once(':').unwrap();
            if let Some(file) = from.strip_prefix("./") {
                assert!(
                    present.contains(&format!(".github/{file}")),
                    "{name}: {file}"
                );
            }
        }
    }
}

#[test]
fn caddy_asks_for_its_domain_when_it_starts() {
    let caddy = &services()["caddy"];
    let command: Vec<String> = serde_json::from_value(caddy["command"].clone()).unwrap();
    let [shell, flag, script] = <[String; 3]>::try_from(command).unwrap();
    // As Compose passes it on. A function stands in for Caddy.
    let script = format!(
        "caddy() {{ :; }}; {}",
        script.replace("$$", "$").replace("exec ", "")
    );
    for domain in ["", "runs.example.com"] {
        let mut command = Command::new(&shell);
        let started = command
            .args([&flag, &script])
            .env("DOMAIN", domain)
            .output()
            .unwrap();
        let said = text(&started.stderr);
        assert_eq!(started.status.success(), !domain.is_empty(), "{said}");
        assert_eq!(
            said.contains("DOMAIN: set it to"),
            domain.is_empty(),
            "{said}"
        );
    }
}
