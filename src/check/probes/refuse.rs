//! Requests that must be rejected: events without a valid signature, and stale ones.

use crate::check::probe::{BuildRequests, Probe, ProbeFactory, ProbeKind, single};
use crate::check::types::ProbeTopic::{
    ChangedTimestamp, ForgedSignature, FutureTimestamp, InvalidTimestamp, MalformedSignature, MissingSignature,
    MissingTimestamp, StaleTimestamp,
};
use crate::check::types::{ProbeGrade, ProbeGroup};

pub(super) fn probes(factory: &ProbeFactory<'_>) -> Vec<Probe> {
    let refuse =
        |name, topic, why, build| factory.probe(ProbeGroup::Refuse, name, why, topic, ProbeKind::Refuse(build));
    let malformed = |name, change| {
        let why = "anyone can send a signature of the wrong length or with other characters than hex";
        refuse(name, MalformedSignature, why, changed_signature(change))
    };
    let forged = |name, why, build| refuse(name, ForgedSignature, why, build);
    let why = "if signatures are not verified, anyone can send events in the provider's name";
    let mut probes = vec![
        factory.probe(ProbeGroup::Refuse, "any", why, ForgedSignature, ProbeKind::RejectsAnything),
        refuse(
            "signature.missing",
            MissingSignature,
            "without a signature, anyone may have sent the request",
            without_signature(),
        ),
        malformed("signature.empty", |_| String::new()),
        malformed("signature.short", |text| shortened(text, 2)),
        malformed("signature.long", |text| format!("{text}00")),
        malformed("signature.odd", |text| shortened(text, 1)),
        malformed("signature.not_hex", not_hex),
        forged("signature.wrong", "well-formed, but not the signature of this body", changed_signature(invert_hex)),
        forged("secret.wrong", "signed with a different secret", wrong_secret()),
        forged("body.changed", "one byte of the body was changed after signing", changed_body()),
        forged("body.other", "the signature belongs to another event", other_body()),
        forged("rule.other", "signed with the right secret, but by the other provider's rule", other_rule()),
    ];
    if factory.signs_timestamp() {
        probes.extend(timestamp_probes(factory));
    }
    probes
}

fn timestamp_probes(factory: &ProbeFactory<'_>) -> [Probe; 7] {
    let refuse =
        |name, topic, why, build| factory.probe(ProbeGroup::Refuse, name, why, topic, ProbeKind::Refuse(build));
    [
        refuse(
            "timestamp.missing",
            MissingTimestamp,
            "an event without a timestamp never expires",
            without_timestamp(),
        ),
        refuse(
            "timestamp.not_a_number",
            InvalidTimestamp,
            "signed with a timestamp that is not a number, so the event never expires",
            with_timestamp("soon"),
        ),
        refuse("timestamp.negative", StaleTimestamp, "signed one second before 1970", with_timestamp("-1")),
        refuse(
            "timestamp.huge",
            FutureTimestamp,
            "signed in a future too far away for any calendar",
            with_timestamp("99999999999999999999"),
        ),
        refuse(
            "timestamp.old",
            StaleTimestamp,
            "signed 6 minutes ago; the provider's SDKs reject events after 5",
            with_timestamp_in(-360),
        ),
        refuse(
            "timestamp.ahead",
            FutureTimestamp,
            "signed 6 minutes in the future; no page says how to handle this",
            with_timestamp_in(360),
        )
        .with_severity(ProbeGrade::Warn),
        refuse(
            "timestamp.changed",
            ChangedTimestamp,
            "the timestamp is not the one that was signed",
            with_changed_timestamp(),
        ),
    ]
}

fn without_signature() -> BuildRequests {
    single(|builder| {
        let name = builder.signature_header();
        builder.signed_event().without_header(name)
    })
}

fn changed_signature(change: fn(&str) -> String) -> BuildRequests {
    single(move |builder| {
        let (name, draft) = (builder.signature_header(), builder.signed_event());
        let text = change(&draft.header_text(name));
        draft.with_header(name, text)
    })
}

fn shortened(text: &str, by: usize) -> String {
    text.chars().take(text.len().saturating_sub(by)).collect()
}

fn not_hex(text: &str) -> String {
    let (scheme, hex) = split_scheme(text);
    format!("{scheme}{}", "z".repeat(hex.len()))
}

/// Replaces every hex digit by another one.
fn invert_hex(text: &str) -> String {
    let (scheme, hex) = split_scheme(text);
    let other = |digit: char| digit.to_digit(16).and_then(|value| char::from_digit(15 - value, 16)).unwrap_or(digit);
    format!("{scheme}{}", hex.chars().map(other).collect::<String>())
}

/// Splits `sha256=HEX` after the equals sign.
fn split_scheme(text: &str) -> (&str, &str) {
    text.split_at(text.find('=').map_or(0, |at| at + 1))
}

fn wrong_secret() -> BuildRequests {
    single(|builder| {
        let body = builder.signed_event().body;
        builder.sign_body_with_secret(b"whsec_not_the_secret".to_vec(), body)
    })
}

/// Changes the last digit in the body, which stays valid JSON.
fn changed_body() -> BuildRequests {
    single(|builder| {
        let mut draft = builder.signed_event();
        if let Some(digit) = draft.body.iter_mut().rev().find(|byte| byte.is_ascii_digit()) {
            *digit ^= 1;
        }
        draft
    })
}

fn other_body() -> BuildRequests {
    single(|builder| {
        let mut draft = builder.signed_event();
        draft.body = builder.signed_event().body;
        draft
    })
}

fn other_rule() -> BuildRequests {
    single(|builder| {
        let prefix = builder.other_provider_prefix();
        builder.event_signed_with_prefix(&prefix)
    })
}

fn without_timestamp() -> BuildRequests {
    single(|builder| {
        let name = builder.timestamp_header();
        builder.signed_event().without_header(name)
    })
}

fn with_timestamp(text: &'static str) -> BuildRequests {
    single(move |builder| {
        let body = builder.signed_event().body;
        builder.sign_body_at(text, body)
    })
}

/// Signs with a timestamp this many seconds from now.
fn with_timestamp_in(seconds: i64) -> BuildRequests {
    single(move |builder| {
        let body = builder.signed_event().body;
        builder.sign_body_at(&builder.timestamp_in(seconds), body)
    })
}

fn with_changed_timestamp() -> BuildRequests {
    single(|builder| {
        let (name, timestamp) = (builder.timestamp_header(), builder.timestamp_in(-60));
        builder.signed_event().with_header(name, timestamp)
    })
}
