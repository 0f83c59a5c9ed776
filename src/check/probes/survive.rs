//! What must not break it: headers that make comparisons throw, signed bodies that are no events.

use super::{Table, one};
use crate::check::probe::{Grade, Group, Make, Probe, Topic, Trial};

/// Deeper than any parser that recurses likes, and shallow for those that don't.
const DEPTH: usize = 20_000;

pub(super) fn probes(table: &Table<'_>) -> Vec<Probe> {
    let survive = |rest, topic, why, make| table.probe(Group::Survive, rest, why, topic, Trial::Survive(make));
    let lengths = "constant-time comparisons throw when the lengths differ";
    let signed = "signed and no event: it may be refused, and must not break anything";
    let body = |rest, text: fn() -> String| {
        let make = one(move |maker| maker.signed(text().into_bytes()));
        survive(rest, Topic::Nonsense, signed, make).weighing(Grade::Warn)
    };
    vec![
        survive("signature.tiny", Topic::Shape, lengths, signature(|_| b"0".to_vec())),
        survive("signature.giant", Topic::Shape, lengths, signature(|_| vec![b'a'; 4_000])),
        survive("signature.wide", Topic::Shape, "as many letters as a signature has, and more bytes", signature(wide)),
        survive(
            "signature.repeated",
            Topic::Shape,
            "two signature headers are one line with a comma, or a list",
            repeated(),
        ),
        body("body.empty", String::new),
        body("body.not_json", || "event=payment&amount=100".to_owned()),
        body("body.cut_off", || r#"{"id":"evt_1","type":"#.to_owned()),
        body("body.null", || "null".to_owned()),
        body("body.text", || r#""event""#.to_owned()),
        body("body.array", || "[]".to_owned()),
        body("body.fields_missing", || "{}".to_owned()),
        body("body.deep", || format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH))),
    ]
}

fn signature(change: fn(&str) -> Vec<u8>) -> Make {
    one(move |maker| {
        let (name, draft) = (maker.signature(), maker.event());
        let value = change(&draft.value(name));
        draft.with(name, value)
    })
}

fn wide(text: &str) -> Vec<u8> {
    "é".repeat(text.len()).into_bytes()
}

fn repeated() -> Make {
    one(|maker| {
        let (name, draft) = (maker.signature(), maker.event());
        draft.and(name, "0".repeat(64))
    })
}
