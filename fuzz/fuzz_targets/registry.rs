//! See `tests/fuzz/subjects.rs`.
#![no_main]

#[allow(dead_code, reason = "the seeds are for the tests")]
#[path = "../../tests/fuzz/subjects.rs"]
mod subjects;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| subjects::hold("registry", bytes));
