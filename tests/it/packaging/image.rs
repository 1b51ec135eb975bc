//! The image: its Dockerfile, and what the README says about it.

use comfydeploy_webhook::config::Config;

use super::value_of;
use crate::harness::read;

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
