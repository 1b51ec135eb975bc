//! Lets libFuzzer search for lives that break the rules; `.ci/fuzz` builds and runs it.

#![no_main]

#[path = "../it/fuzz/life/mod.rs"]
mod life;

libfuzzer_sys::fuzz_target!(|life: &[u8]| {
    life::live(life);
});
