//! See `tests/fuzz/targets.rs`.
#![no_main]

#[allow(dead_code, reason = "the seeds are for the tests")]
#[path = "../../tests/fuzz/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::run("captures", bytes));
