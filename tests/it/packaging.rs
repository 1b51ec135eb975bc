//! Facts that more than one file states have to agree.

use comfydeploy_webhook::config::Config;

use crate::harness::read;

/// What follows `prefix` on the one line that starts with it.
fn value_of(text: &str, prefix: &str) -> String {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
    let value = lines.next().expect(prefix);
    assert!(lines.next().is_none(), "{prefix} is there twice");
    value.to_owned()
}

#[test]
fn the_image_listens_on_the_default_port_unless_the_platform_assigns_one() {
    let dockerfile = read("Dockerfile");
    let default = Config::from_flags(&[]).unwrap().address();
    assert_eq!(value_of(&dockerfile, "EXPOSE "), default.port().to_string());
    // A platform sets PORT, and would not be heard if the image set LISTEN.
    assert!(!dockerfile.contains("LISTEN"));
    let mut config = Config::from_flags(&[]).unwrap();
    let of_image = |name: &str| (name == "PORT").then(|| value_of(&dockerfile, "ENV PORT=").into());
    config.load_variables(of_image).unwrap();
    assert_eq!(
        config.address().to_string(),
        format!("0.0.0.0:{}", default.port())
    );
}

#[test]
fn the_image_has_a_folder_for_the_database_that_its_user_may_write() {
    let dockerfile = read("Dockerfile");
    // The user `nonroot` of the image that the last stage begins with.
    let copied = value_of(&dockerfile, "COPY --from=build --chown=65532:65532 ");
    let (from, folder) = copied.split_once(' ').unwrap();
    assert_eq!(from, folder);
    assert!(dockerfile.contains(&format!("mkdir {folder}\n")));
    // Railway rejects images that declare volumes.
    assert!(!dockerfile.contains("VOLUME"));
    let readme = read("README.md");
    let volume = format!("--volume comfydeploy-webhook:{folder} ");
    assert!(readme.contains(&volume), "{volume}");
    let url = format!("--env DATABASE_URL=sqlite://{folder}/runs.db ");
    assert!(readme.contains(&url), "{url}");
}

#[test]
fn the_readme_says_how_long_docker_stop_waits_for_requests_in_flight() {
    let drain = Config::from_flags(&[]).unwrap().drain_timeout.as_secs();
    // Unless told otherwise, Docker kills a container 10 s after it asked it to stop.
    assert!(drain < 10, "{drain} s");
    let readme = read("README.md");
    let words = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    let statement = format!("`--drain-timeout` ({drain} s)");
    assert!(
        words.contains(&statement),
        "the README should say {statement}"
    );
}

#[test]
fn the_image_is_built_with_the_rust_version_of_the_package() {
    let rust = value_of(&read("Cargo.toml"), "rust-version = ");
    let image = value_of(&read("Dockerfile"), "FROM rust:");
    assert!(
        image.starts_with(&format!("{}-", rust.trim_matches('"'))),
        "{image}"
    );
}

#[test]
fn the_version_is_stated_once() {
    let version = env!("CARGO_PKG_VERSION");
    for file in [
        "Dockerfile",
        "README.md",
        ".github/workflows/ci.yml",
        ".ci/run",
    ] {
        assert!(
            !read(file).contains(version),
            "{file} states the version too"
        );
    }
}

#[test]
fn every_action_is_pinned_to_a_commit() {
    let workflow = read(".github/workflows/ci.yml");
    let mut actions = 0;
    for (_, action) in workflow
        .lines()
        .filter_map(|line| line.split_once("uses: "))
    {
        let (_, commit) = action.split_once('@').expect(action);
        let commit = commit.split(' ').next().unwrap();
        assert!(
            commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()),
            "{action}"
        );
        actions += 1;
    }
    assert!(actions > 0);
}
