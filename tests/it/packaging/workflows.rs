//! The workflows of `.github/workflows`.

use crate::harness::read;

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
