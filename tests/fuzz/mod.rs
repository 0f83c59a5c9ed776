//! Every reader of outside bytes against bytes that nobody meant: random ones, and well-meant ones with some changed, cut out, doubled or
//! put together. Seeded, so that a failure comes again; bounded in time (`WHTOOL_FUZZ_SECONDS` for each, half a second when not set).

mod subjects;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::time::{Duration, Instant};
use subjects::{ALL, Subject};

/// A change of well-meant bytes.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Cut(Index, usize),
    Double(Index, usize),
    End(Index),
}

/// What readers stumble over.
const TELLING: [&[u8]; 16] = [
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

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (place(), select(&TELLING[..])).prop_map(|(at, bytes)| Change::Insert(at, bytes.to_vec())),
        (place(), vec(any::<u8>(), 1..4)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (place(), 1..40_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        (place(), 1..40_usize).prop_map(|(at, length)| Change::Double(at, length)),
        place().prop_map(Change::End),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: Vec<Change>) -> Vec<u8> {
    for change in changes {
        let place = |index: Index| index.index(bytes.len() + 1);
        match change {
            Change::Set(at, byte) => {
                let at = place(at);
                bytes.splice(at..(at + 1).min(bytes.len()), [byte]);
            }
            Change::Insert(at, new) => {
                let at = place(at);
                bytes.splice(at..at, new);
            }
            Change::Cut(at, length) => {
                let at = place(at);
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Change::Double(at, length) => {
                let at = place(at);
                let again = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
            Change::End(at) => bytes.truncate(place(at)),
        }
    }
    bytes
}

fn inputs(subject: &Subject) -> impl Strategy<Value = Vec<u8>> {
    let well_meant = select(subject.seeds).prop_map(<[u8]>::to_vec);
    prop_oneof![
        1 => vec(any::<u8>(), 0..200),
        6 => (well_meant, vec(change(), 0..6)).prop_map(|(bytes, changes)| changed(bytes, changes)),
    ]
}

fn budget() -> Duration {
    let seconds = std::env::var("WHTOOL_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    seconds.map_or(Duration::from_millis(500), Duration::from_secs_f64)
}

fn drive(name: &str) {
    let subject = ALL.iter().find(|subject| subject.name == name).expect("it is one of the subjects");
    subject.seeds.iter().for_each(|seed| (subject.hold)(seed));
    let started = Instant::now();
    for round in 0_u64.. {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&round.to_le_bytes());
        let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let outcome = runner.run(&inputs(subject), |bytes| {
            subjects::hold(name, &bytes);
            Ok(())
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(why, bytes)) => panic!("{name}: {why}\n  with b\"{}\"", bytes.escape_ascii()),
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
            drive(stringify!($name));
        })*

        #[test]
        fn every_subject_is_driven_here_and_by_cargo_fuzz() {
            assert_eq!([$(stringify!($name)),*], ALL.map(|subject| subject.name));
            for subject in ALL {
                let target = format!("{}/fuzz/fuzz_targets/{}.rs", env!("CARGO_MANIFEST_DIR"), subject.name);
                let text = std::fs::read_to_string(&target).unwrap_or_else(|error| panic!("{target}: {error}"));
                assert!(text.contains(&format!("\"{}\"", subject.name)), "{target}");
            }
        }
    };
}

fuzzed!(raw_http, har, json_lines, signature_headers, payload, json, settings, registry, api_answer, words);
