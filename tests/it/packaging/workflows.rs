//! The workflows, and how they check, build and publish. That they are well formed is for the linters of `.ci/lint`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::documents;
use crate::harness::{files, read};

const RELEASE: &str = ".github/workflows/release.yml";

fn workflows() -> Vec<String> {
    let workflows = files(".github/workflows");
    assert!(workflows.iter().any(|file| file == RELEASE));
    workflows
}

fn workflow(file: &str) -> Value {
    let [workflow] = <[Value; 1]>::try_from(documents(file)).unwrap();
    workflow
}

fn jobs(workflow: &Value) -> &Map<String, Value> {
    workflow["jobs"].as_object().unwrap()
}

fn steps(job: &Value) -> &[Value] {
    job["steps"].as_array().map_or(&[], Vec::as_slice)
}

/// What the steps of a job run in a shell, one after the other.
fn commands(job: &Value) -> String {
    let commands = steps(job).iter().filter_map(|step| step["run"].as_str());
    commands.collect::<Vec<_>>().join("\n")
}

/// The jobs of the release that have to succeed before this one starts.
fn needed(jobs: &Map<String, Value>, job: &str) -> BTreeSet<String> {
    let direct = match &jobs[job]["needs"] {
        Value::String(name) => vec![name.clone()],
        Value::Array(names) => names
            .iter()
            .map(|name| name.as_str().unwrap().into())
            .collect(),
        _ => Vec::new(),
    };
    let mut all = BTreeSet::new();
    for name in direct {
        all.extend(needed(jobs, &name));
        all.insert(name);
    }
    all
}

#[test]
fn every_action_is_pinned_to_a_commit_and_says_its_version() {
    let mut actions = 0;
    for file in workflows() {
        let (workflow, text) = (workflow(&file), read(&file));
        let jobs = jobs(&workflow).values();
        let used = jobs.flat_map(|job| steps(job).iter().chain([job]));
        for action in used.filter_map(|by| by["uses"].as_str()) {
            // A workflow of this repository.
            if action.starts_with("$/") {
                continue;
            }
            let (_, commit) = action.split_once('@').expect(action);
            let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(is_commit, "{file}: {action}");
            assert!(text.contains(&format!("{action} # v")), "{file}: {action}");
            actions += 1;
        }
    }
    assert!(actions > 0);
}

#[test]
fn every_job_has_a_time_limit_and_permissions_of_its_own() {
    for file in workflows() {
        let workflow = workflow(&file);
        assert_eq!(workflow["permissions"], json!({}), "{file}");
        for (name, job) in jobs(&workflow) {
            assert!(job["permissions"].is_object(), "{file}: {name}");
            // The jobs of a workflow that is called have limits of their own.
            let has_limit = job["timeout-minutes"].is_u64() || job["uses"].is_string();
            assert!(has_limit, "{file}: {name}");
        }
    }
}

#[test]
fn only_the_last_jobs_of_a_release_publish_under_a_name() {
    let release = workflow(RELEASE);
    let jobs = jobs(&release);
    let publishes = |job: &Value| commands(job).contains("imagetools create --tag");
    let releases = |job: &Value| commands(job).contains("gh release create");
    let of_kind = |is_kind: &dyn Fn(&Value) -> bool| -> Vec<_> {
        let found = jobs.iter().filter(|(_, job)| is_kind(job));
        found.map(|(name, _)| name.as_str()).collect()
    };
    assert_eq!(of_kind(&publishes), ["publish"]);
    assert_eq!(of_kind(&releases), ["release"]);
    let all_but = |names: &[&str]| -> BTreeSet<String> {
        let kept = jobs.keys().filter(|name| !names.contains(&name.as_str()));
        kept.cloned().collect()
    };
    assert_eq!(needed(jobs, "publish"), all_but(&["publish", "release"]));
    assert_eq!(needed(jobs, "release"), all_but(&["release"]));
    for step in jobs.values().flat_map(steps) {
        if step["uses"]
            .as_str()
            .is_some_and(|action| action.starts_with("docker/build-push-action@"))
        {
            assert!(step["with"]["tags"].is_null(), "{step}");
            assert!(
                step["with"]["outputs"]
                    .as_str()
                    .unwrap()
                    .contains("push-by-digest=true")
            );
        }
    }
    assert!(!read(RELEASE).contains("docker push"));
    // A step that may fail would let a job succeed that did not do its work.
    assert!(!read(RELEASE).contains("continue-on-error"));
    for job in jobs.values() {
        assert!(job["if"].is_null(), "{job}");
    }
}

#[test]
fn a_release_passes_what_every_change_passes() {
    let release = workflow(RELEASE);
    assert_eq!(jobs(&release)["ci"]["uses"], "$/.github/workflows/ci.yml");
    let ci = workflow(".github/workflows/ci.yml");
    assert!(ci["on"].as_object().unwrap().contains_key("workflow_call"));
    assert!(commands(&jobs(&ci)["check"]).contains(".ci/run"));
}

#[test]
fn the_image_is_tried_in_the_same_way_when_it_is_built_and_when_it_was_pushed() {
    let ci = workflow(".github/workflows/ci.yml");
    let release = workflow(RELEASE);
    assert!(commands(&jobs(&ci)["image"]).contains(".ci/smoke comfydeploy-webhook"));
    let image = &jobs(&release)["image"];
    assert!(commands(image).contains(".ci/smoke \"$IMAGE@$DIGEST\""));
    // On the architecture that it is for.
    let runners = image["strategy"]["matrix"]["include"].as_array().unwrap();
    let runners: Value = runners
        .iter()
        .map(|entry| entry["runner"].clone())
        .collect();
    assert_eq!(runners, json!(["ubuntu-24.04", "ubuntu-24.04-arm"]));
    assert_eq!(jobs(&ci)["image"]["strategy"]["matrix"]["runner"], runners);
}

#[test]
fn every_script_that_a_workflow_runs_is_there() {
    for file in workflows() {
        for job in jobs(&workflow(&file)).values() {
            let commands = commands(job);
            let words = commands.split_whitespace();
            for script in words.filter(|word| word.starts_with(".ci/")) {
                assert!(
                    read(script).starts_with("#!/usr/bin/env bash\n"),
                    "{script}"
                );
            }
        }
    }
}
