//! What must be refused: events without a right signature, and those signed too long ago.

use super::{Table, one};
use crate::check::draft::Draft;
use crate::check::probe::{Grade, Group, Make, Probe, Topic, Trial};

pub(super) fn probes(table: &Table<'_>) -> Vec<Probe> {
    let refuse = |rest, topic, why, make| table.probe(Group::Refuse, rest, why, topic, Trial::Refuse(make));
    let shape = "its length or letters are not those of a signature, and anybody may send it";
    let why = "where signatures are not checked, anybody can send events in the provider's name";
    let mut probes = vec![
        table.probe(Group::Refuse, "any", why, Topic::Forged, Trial::Screen),
        refuse("signature.missing", Topic::Missing, "without a signature anybody may have sent it", missing()),
        refuse("signature.empty", Topic::Shape, shape, signature(|_| String::new())),
        refuse("signature.short", Topic::Shape, shape, signature(|text| cut(text, 2))),
        refuse("signature.long", Topic::Shape, shape, signature(|text| format!("{text}00"))),
        refuse("signature.odd", Topic::Shape, shape, signature(|text| cut(text, 1))),
        refuse("signature.not_hex", Topic::Shape, shape, signature(not_hex)),
        refuse("signature.wrong", Topic::Forged, "right in form, and no signature of this body", signature(mirrored)),
        refuse("secret.wrong", Topic::Forged, "signed by somebody who does not know the secret", wrong_secret()),
        refuse("body.changed", Topic::Forged, "one byte of the body was changed after signing", changed()),
        refuse("body.other", Topic::Forged, "the signature is that of another event", other_body()),
        refuse("rule.other", Topic::Forged, "signed with the right secret by the other provider's rule", other_rule()),
    ];
    if table.signs_time() {
        probes.extend(timestamps(table));
    }
    probes
}

fn timestamps(table: &Table<'_>) -> Vec<Probe> {
    let refuse = |rest, topic, why, make| table.probe(Group::Refuse, rest, why, topic, Trial::Refuse(make));
    let text = "signed with a timestamp that is no time: such an event never grows old";
    vec![
        refuse(
            "timestamp.missing",
            Topic::TimestampMissing,
            "without its time an event never grows old",
            no_timestamp(),
        ),
        refuse("timestamp.not_a_number", Topic::TimestampText, text, timestamp("soon")),
        refuse("timestamp.negative", Topic::Stale, "a second before 1970, which is long ago", timestamp("-1")),
        refuse(
            "timestamp.huge",
            Topic::Ahead,
            "a time that no calendar knows, far ahead",
            timestamp("99999999999999999999"),
        ),
        refuse(
            "timestamp.old",
            Topic::Stale,
            "signed 6 minutes ago; the provider's own SDKs refuse after 5",
            away(-360),
        ),
        refuse(
            "timestamp.ahead",
            Topic::Ahead,
            "signed for 6 minutes from now; no page says what to do with it",
            away(360),
        )
        .weighing(Grade::Warn),
        refuse("timestamp.changed", Topic::TimestampChanged, "the timestamp is not the one that was signed", moved()),
    ]
}

fn missing() -> Make {
    one(|maker| {
        let name = maker.signature();
        maker.event().without(name)
    })
}

/// The signature changed as text.
fn signature(change: fn(&str) -> String) -> Make {
    one(move |maker| {
        let (name, draft) = (maker.signature(), maker.event());
        let text = change(&draft.value(name));
        draft.with(name, text)
    })
}

fn cut(text: &str, letters: usize) -> String {
    text.chars().take(text.len().saturating_sub(letters)).collect()
}

fn not_hex(text: &str) -> String {
    let (scheme, hex) = text.split_at(text.find('=').map_or(0, |at| at + 1));
    format!("{scheme}{}", "z".repeat(hex.len()))
}

/// Every digit of hex becomes another one.
fn mirrored(text: &str) -> String {
    let (scheme, hex) = text.split_at(text.find('=').map_or(0, |at| at + 1));
    let other = |digit: char| digit.to_digit(16).and_then(|value| char::from_digit(15 - value, 16)).unwrap_or(digit);
    format!("{scheme}{}", hex.chars().map(other).collect::<String>())
}

fn wrong_secret() -> Make {
    one(|maker| {
        let Draft { body, .. } = maker.event();
        maker.signed_with(b"whsec_not_the_secret".to_vec(), body)
    })
}

/// A digit of the body's becomes another one: it stays JSON.
fn changed() -> Make {
    one(|maker| {
        let mut draft = maker.event();
        if let Some(digit) = draft.body.iter_mut().rev().find(|byte| byte.is_ascii_digit()) {
            *digit ^= 1;
        }
        draft
    })
}

fn other_body() -> Make {
    one(|maker| {
        let Draft { body, .. } = maker.event();
        Draft { body, ..maker.event() }
    })
}

fn other_rule() -> Make {
    one(|maker| {
        let prefix = maker.other_prefix();
        maker.event_signed_after(&prefix)
    })
}

fn no_timestamp() -> Make {
    one(|maker| {
        let name = maker.timestamp();
        maker.event().without(name)
    })
}

fn timestamp(text: &'static str) -> Make {
    one(move |maker| {
        let Draft { body, .. } = maker.event();
        maker.signed_at(text, body)
    })
}

fn away(seconds: i64) -> Make {
    one(move |maker| {
        let Draft { body, .. } = maker.event();
        maker.signed_at(&maker.text_of(seconds), body)
    })
}

fn moved() -> Make {
    one(|maker| {
        let (name, time) = (maker.timestamp(), maker.text_of(-60));
        maker.event().with(name, time)
    })
}
