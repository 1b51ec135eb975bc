//! Lets libFuzzer search for inputs on which the service and its model disagree; `.ci/fuzz` builds and
//! runs it.

#![no_main]

#[path = "../it/fuzz/model/mod.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    model::check(input);
});
