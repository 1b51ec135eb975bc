//! The image: its Dockerfile, and what the documents say about it.

use comfydeploy_webhook::config::Config;

use super::value_of;
use crate::harness::{OPERATIONS, README, one_line, read};

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
    // Any user may: also one that Docker or Kubernetes is told to use instead.
    let folder = value_of(&dockerfile, "RUN mkdir --mode=1777 --parents root");
    assert!(dockerfile.contains("\nCOPY --from=build /build/root/ /\n"));
    // Railway rejects images that declare volumes.
    assert!(!dockerfile.contains("VOLUME"));
    let readme = read(README);
    let volume = format!("--volume comfydeploy-webhook:{folder} ");
    assert!(readme.contains(&volume), "{volume}");
    let url = format!("--env DATABASE_URL=sqlite://{folder}/runs.db ");
    assert!(readme.contains(&url), "{url}");
}

#[test]
fn the_image_can_be_used_where_root_is_forbidden() {
    // Kubernetes checks that only if the user is a number.
    let dockerfile = read("Dockerfile");
    let user = value_of(&dockerfile, "USER ");
    let (user, group) = user.split_once(':').unwrap();
    assert_ne!(user.parse::<u32>().unwrap(), 0);
    assert_ne!(group.parse::<u32>().unwrap(), 0);
}

#[test]
fn the_image_is_described_as_the_package_is() {
    let dockerfile = read("Dockerfile");
    for (label, value) in [
        ("title", env!("CARGO_PKG_NAME")),
        ("description", env!("CARGO_PKG_DESCRIPTION")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
    ] {
        let label = format!("org.opencontainers.image.{label}=\"{value}\"");
        assert!(dockerfile.contains(&label), "{label}");
    }
}

#[test]
fn the_documents_say_how_long_docker_stop_waits_for_requests_in_flight() {
    let drain = Config::from_flags(&[]).unwrap().drain_timeout.as_secs();
    // Unless told otherwise, Docker kills a container 10 s after it asked it to stop.
    assert!(drain < 10, "{drain} s");
    for (document, statement) in [
        (README, format!("for at most {drain} s")),
        (OPERATIONS, format!("`--drain-timeout` ({drain} s)")),
    ] {
        let text = one_line(&read(document));
        assert!(text.contains(&statement), "{document}: {statement}");
    }
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
fn the_image_is_built_with_the_c_library_that_it_runs_with() {
    let dockerfile = read("Dockerfile");
    let built_on = value_of(&dockerfile, "FROM rust:");
    let runs_on = value_of(&dockerfile, "FROM gcr.io/distroless/cc-");
    let releases = [("-trixie", "debian13:"), ("-forky", "debian14:")];
    let is_on =
        |(name, number): &(&str, &str)| built_on.contains(name) && runs_on.starts_with(number);
    assert!(releases.iter().any(is_on), "{built_on}, {runs_on}");
}

#[test]
fn the_package_can_be_built_without_its_benches_as_in_the_image() {
    let manifest = read("Cargo.toml");
    let benches: Vec<_> = manifest.split("[[bench]]\n").skip(1).collect();
    assert!(!benches.is_empty());
    for bench in benches {
        // Cargo looks for the file of one that has none.
        let section = bench.split("\n\n").next().unwrap();
        assert!(section.contains("\npath = "), "{section}");
    }
}
