//! What a release consists of: its notes and its archives.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use crate::harness::{Folder, output, root, text};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PROGRAM: &str = env!("CARGO_BIN_EXE_comfydeploy-webhook");

async fn notes(script: impl AsRef<Path>, tag: &str) -> Output {
    let mut command = Command::new("bash");
    command.arg(script.as_ref()).arg(tag);
    output(command).await
}

/// What `.ci/pack` does, if `.ci/dist` had built into `target` a program that runs this script, and else is ours.
async fn pack(target: &Folder, script: &str) -> Output {
    let files = target.path("dist-files");
    fs::create_dir(&files).unwrap();
    let program = files.join("comfydeploy-webhook");
    // Smaller than the program, which is not optimised here.
    fs::write(
        &program,
        format!("#!/bin/sh\n{script}\nexec {PROGRAM} \"$@\"\n"),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(root("LICENSE"), files.join("LICENSE")).unwrap();
    let mut command = Command::new(root(".ci/pack"));
    command.env("CARGO_TARGET_DIR", target.as_ref());
    output(command).await
}

#[tokio::test]
async fn the_changelog_describes_the_version() {
    let notes = notes(root(".ci/notes"), &format!("v{VERSION}")).await;
    assert!(notes.status.success(), "{notes:?}");
}

#[tokio::test]
async fn a_tag_that_is_not_the_version_is_refused() {
    for tag in ["v0.0.0", VERSION, &format!("v{VERSION}-rc.1")] {
        let notes = notes(root(".ci/notes"), tag).await;
        assert!(!notes.status.success(), "{tag}");
        let problem = text(&notes.stderr);
        assert!(
            problem.contains(tag) && problem.contains(VERSION),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn the_notes_are_the_section_of_the_version_alone() {
    let project = Folder::new();
    fs::create_dir(project.path(".ci")).unwrap();
    fs::create_dir(project.path(".github")).unwrap();
    let script = project.path(".ci/notes");
    fs::copy(root(".ci/notes"), &script).unwrap();
    let changelog = "# Changelog\n\n## Unreleased\n\n- D\n\n## 1.2.0 - 2026-12-31\n\n### Added\n\n- C\n- B\n\n\
                     ## 1.2.0-rc.1 - 2026-12-30\n\n- A\n\n## 1.1.0 - 2026-12-29\n";
    fs::write(project.path(".github/CHANGELOG.md"), changelog).unwrap();
    for (version, expected) in [
        ("1.2.0", "### Added\n\n- C\n- B\n"),
        ("1.2.0-rc.1", "- A\n"),
        // These have no section, or nothing in it.
        ("1.2", ""),
        ("1.1.0", ""),
    ] {
        let manifest = format!("[package]\nversion = \"{version}\"\n");
        fs::write(project.path("Cargo.toml"), manifest).unwrap();
        let notes = notes(&script, &format!("v{version}")).await;
        assert_eq!(text(&notes.stdout), expected, "{version}");
        assert_eq!(notes.status.success(), !expected.is_empty(), "{version}");
    }
}

#[tokio::test]
async fn an_archive_has_the_program_and_its_licences_in_one_folder() {
    let target = Folder::new();
    let packed = pack(&target, "").await;
    assert!(packed.status.success(), "{packed:?}");
    let archive = text(&packed.stdout).trim();
    let name = Path::new(archive).file_name().unwrap().to_str().unwrap();
    let name = name.strip_suffix(".tar.gz").unwrap();
    assert!(
        name.starts_with(&format!("comfydeploy-webhook-{VERSION}-")),
        "{name}"
    );

    let mut list = Command::new("tar");
    list.args(["-tzf", archive]);
    let list = output(list).await;
    let list = text(&list.stdout).lines();
    let mut files: Vec<_> = list.filter(|file| !file.ends_with('/')).collect();
    files.sort_unstable();
    assert_eq!(
        files,
        [
            format!("{name}/LICENSE"),
            format!("{name}/comfydeploy-webhook")
        ]
    );
}

#[tokio::test]
async fn a_program_that_does_not_do_its_work_is_not_packed() {
    for script in [
        "[ $1 != --version ] || exec echo comfydeploy-webhook 9.9.9",
        "[ $1 != --listen ] || exit 1",
        "[ $1 != healthcheck ] || exit 1",
    ] {
        let packed = pack(&Folder::new(), script).await;
        assert!(!packed.status.success(), "{script}: {packed:?}");
    }
}
