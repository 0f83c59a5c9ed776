//! Fuzzes every parser of bytes from outside with random input and with mutated valid input.
//!
//! Seeded, so that a failure is reproducible, and limited in time: `WHTOOL_FUZZ_SECONDS` per
//! target, by default half a second.

mod targets;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::time::{Duration, Instant};
use targets::{FuzzTarget, TARGETS};

/// A mutation of a valid input.
#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Truncate(Index),
}

/// Bytes that often break parsers.
const TROUBLESOME: [&[u8]; 16] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\"",
    b"\\u",
    b"\\ud800",
    b"{",
    b"[",
    b"}",
    b"]",
    b":",
    b"-0",
    b"1e999",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<Index>;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (place(), select(&TROUBLESOME[..])).prop_map(|(at, bytes)| Mutation::Insert(at, bytes.to_vec())),
        (place(), vec(any::<u8>(), 1..4)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (place(), 1..40_usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (place(), 1..40_usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
        place().prop_map(Mutation::Truncate),
    ]
}

fn mutated(mut bytes: Vec<u8>, mutations: Vec<Mutation>) -> Vec<u8> {
    for mutation in mutations {
        let place = |index: Index| index.index(bytes.len() + 1);
        match mutation {
            Mutation::Set(at, byte) => {
                let at = place(at);
                bytes.splice(at..(at + 1).min(bytes.len()), [byte]);
            }
            Mutation::Insert(at, new) => {
                let at = place(at);
                bytes.splice(at..at, new);
            }
            Mutation::Remove(at, length) => {
                let at = place(at);
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Mutation::Repeat(at, length) => {
                let at = place(at);
                let repeated = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, repeated);
            }
            Mutation::Truncate(at) => bytes.truncate(place(at)),
        }
    }
    bytes
}

fn inputs(target: &FuzzTarget) -> impl Strategy<Value = Vec<u8>> {
    let valid = select(target.seeds).prop_map(<[u8]>::to_vec);
    prop_oneof![
        1 => vec(any::<u8>(), 0..200),
        6 => (valid, vec(mutation(), 0..6)).prop_map(|(bytes, mutations)| mutated(bytes, mutations)),
    ]
}

fn budget() -> Duration {
    let seconds = std::env::var("WHTOOL_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    seconds.map_or(Duration::from_millis(500), Duration::from_secs_f64)
}

fn fuzz(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a known target");
    target.seeds.iter().for_each(|seed| (target.run)(seed));
    let started = Instant::now();
    for round in 0_u64.. {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&round.to_le_bytes());
        let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let outcome = runner.run(&inputs(target), |bytes| {
            targets::run(name, &bytes);
            Ok(())
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(reason, bytes)) => panic!("{name}: {reason}\n  with b\"{}\"", bytes.escape_ascii()),
            Err(error) => panic!("{name}: {error}"),
        }
        if started.elapsed() > budget() {
            return;
        }
    }
}

macro_rules! fuzzed {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            fuzz(stringify!($name));
        })*

        #[test]
        fn every_target_is_fuzzed_here_and_by_cargo_fuzz() {
            assert_eq!([$(stringify!($name)),*], TARGETS.map(|target| target.name));
            for target in TARGETS {
                let path = format!("{}/fuzz/fuzz_targets/{}.rs", env!("CARGO_MANIFEST_DIR"), target.name);
                let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
                assert!(text.contains(&format!("\"{}\"", target.name)), "{path}");
            }
        }
    };
}

fuzzed!(raw_http, captures, json_lines, signature_headers, payload, json, settings, registry, api_answer, text_values);
