//! Replays `corpus`: named seeds, inputs that fuzzing found interesting, and inputs that once failed.
//! `.ci/fuzz` does the fuzzing.

mod model;

use std::fs;

use self::model::{SEPARATOR, check};
use crate::harness::{fixtures, root};

#[test]
fn every_input_of_the_corpus_passes() {
    let mut inputs = 0;
    for input in fs::read_dir(root("tests/it/fuzz/corpus")).unwrap() {
        let path = input.unwrap().path();
        // Printed when the test fails.
        println!("{}", path.display());
        check(&fs::read(path).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0);
}

#[test]
fn the_fixtures_pass_and_each_of_them_is_accepted() {
    let bodies: Vec<_> = fixtures("").into_iter().map(|(_, body)| body).collect();
    let input = bodies.join(&SEPARATOR.to_string());
    assert_eq!(check(input.as_bytes()), bodies.len());
}
