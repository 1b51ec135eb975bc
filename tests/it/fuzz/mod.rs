//! Replays what fuzzing keeps in `lives`: seeds with names, what it has found to be interesting, and what
//! once broke the rules. `.ci/fuzz` does the fuzzing.

mod life;

use std::fs;

use self::life::{SEPARATOR, live};
use crate::harness::{fixtures, root};

#[test]
fn every_life_that_is_kept_goes_by_the_rules() {
    let mut lives = 0;
    for life in fs::read_dir(root("tests/it/fuzz/lives")).unwrap() {
        let path = life.unwrap().path();
        // Shown where the test fails.
        println!("{}", path.display());
        live(&fs::read(path).unwrap());
        lives += 1;
    }
    assert!(lives > 0);
}

#[test]
fn the_fixtures_are_a_life_by_the_rules_in_which_every_update_counts() {
    let bodies: Vec<_> = fixtures("").into_iter().map(|(_, body)| body).collect();
    let life = bodies.join(&SEPARATOR.to_string());
    assert_eq!(live(life.as_bytes()), bodies.len());
}
