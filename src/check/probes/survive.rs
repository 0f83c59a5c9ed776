//! Requests that must not crash the handler: headers that make comparisons throw, and signed bodies
//! that are not events.

use crate::check::probe::{BuildRequests, Probe, ProbeFactory, ProbeKind, single};
use crate::check::types::ProbeTopic::{InvalidPayload, MalformedSignature};
use crate::check::types::{ProbeGrade, ProbeGroup};

/// Too deep for recursive parsers, but not for others.
const NESTING_DEPTH: usize = 20_000;

pub(super) fn probes(factory: &ProbeFactory<'_>) -> Vec<Probe> {
    let survive =
        |name, topic, why, build| factory.probe(ProbeGroup::Survive, name, why, topic, ProbeKind::Survive(build));
    let signature = |name, why, build| survive(name, MalformedSignature, why, build);
    let body = |name, text: fn() -> String| {
        let why = "signed, but not an event: it may be rejected, but must not crash the handler";
        let build = single(move |builder| builder.sign_body(text().into_bytes()));
        survive(name, InvalidPayload, why, build).with_severity(ProbeGrade::Warn)
    };
    let lengths = "constant-time comparisons throw if the lengths differ";
    vec![
        signature("signature.tiny", lengths, changed_signature(|_| b"0".to_vec())),
        signature("signature.giant", lengths, changed_signature(|_| vec![b'a'; 4_000])),
        signature("signature.wide", "as many characters as a signature, but more bytes", changed_signature(two_byte)),
        signature(
            "signature.repeated",
            "two signature headers arrive as one value with a comma, or as a list",
            repeated_header(),
        ),
        body("body.empty", String::new),
        body("body.not_json", || "event=payment&amount=100".to_owned()),
        body("body.cut_off", || r#"{"id":"evt_1","type":"#.to_owned()),
        body("body.null", || "null".to_owned()),
        body("body.text", || r#""event""#.to_owned()),
        body("body.array", || "[]".to_owned()),
        body("body.fields_missing", || "{}".to_owned()),
        body("body.deep", || format!("{}{}", "[".repeat(NESTING_DEPTH), "]".repeat(NESTING_DEPTH))),
    ]
}

fn changed_signature(change: fn(&str) -> Vec<u8>) -> BuildRequests {
    single(move |builder| {
        let (name, draft) = (builder.signature_header(), builder.signed_event());
        let value = change(&draft.header_text(name));
        draft.with_header(name, value)
    })
}

/// Replaces every character by one of two bytes.
fn two_byte(text: &str) -> Vec<u8> {
    "é".repeat(text.len()).into_bytes()
}

fn repeated_header() -> BuildRequests {
    single(|builder| {
        let (name, draft) = (builder.signature_header(), builder.signed_event());
        draft.with_repeated_header(name, "0".repeat(64))
    })
}
