//! The same events in unusual JSON formats, correctly signed. A handler that hashes the raw body
//! accepts them all. One that re-serializes rejects those that its serializer would have written
//! differently, and these name the serializer.

use crate::check::baseline::{Baseline, FieldOrder, find_layout};
use crate::check::probe::{BuildRequests, Probe, ProbeFactory, ProbeKind, single};
use crate::check::types::{ProbeGroup, ProbeTopic};

/// Names and reasons of probes, and the JSON text of the additional field that each sends.
const NOTES: [(&str, &str, &str); 19] = [
    ("slash.plain", "a slash needs no escape, but PHP escapes it", r#""https://example.com/a""#),
    ("slash.escaped", "`\\/` is a slash, too", r#""https:\/\/example.com\/a""#),
    ("letters.plain", "UTF-8 needs no escapes, but Python, PHP and .NET escape it", "\"São Vicente\""),
    ("letters.escaped", "`\\u00e3` is a letter, too", r#""S\u00e3o Vicente""#),
    ("letters.escaped_upper", "hex digits in escapes may be in either case", r#""S\u00E3o Vicente""#),
    ("letters.needless", "every letter may be escaped", r#""\u0053al""#),
    (
        "letters.control",
        "control characters are escaped in lower-case hex, but Jackson and .NET use upper case",
        r#""a\u001fb""#,
    ),
    ("letters.backspace", "`\\b` is the short escape; Go before 1.22 writes the long one", r#""a\bc""#),
    (
        "letters.line_separator",
        "U+2028 needs no escape, but some serializers escape it for JavaScript",
        "\"a\u{2028}b\"",
    ),
    ("signs.html", "`<`, `>` and `&` need no escapes, but Go, Rails, Gson and .NET escape them", r#""<a>&</a>""#),
    ("signs.html_escaped", "`\\u003c` is a `<`, too", r#""\u003ca\u003e\u0026\u003c/a\u003e""#),
    ("signs.others", "`'`, `=` and `+` need no escapes, but Gson and .NET escape them", r#""it's 1+1=2""#),
    ("number.fraction", "`1.0` is a number, but JavaScript and Go drop its `.0`", "1.0"),
    ("number.exponent", "`1e0` is a number that most serializers write differently", "1e0"),
    ("number.large", "almost every serializer writes `1e21` in its own way", "1e21"),
    ("number.long", "parsers that use doubles round long integers", "12345678901234567890"),
    ("keys.repeated", "parsers that read an object into a map drop repeated keys", r#"{"a":1,"a":2}"#),
    ("keys.numbers", "JavaScript moves keys that look like numbers to the front", r#"{"10":1,"9":2}"#),
    ("empty.object", "PHP turns an empty object into a list", "{}"),
];

pub(super) fn probes(factory: &ProbeFactory<'_>) -> Vec<Probe> {
    let raw =
        |name, why, build| factory.probe(ProbeGroup::Raw, name, why, ProbeTopic::Event, ProbeKind::RawBody(build));
    let mut probes = vec![
        raw("spacing.compact", "no page promises whitespace", with_layout("minified")),
        raw(
            "spacing.spaced",
            "spaces after commas and colons are insignificant; Python writes them",
            with_layout("spaced"),
        ),
        raw(
            "spacing.indented",
            "line breaks are insignificant; the provider's pages show them",
            with_layout("pretty_2"),
        ),
        raw("newline", "a newline at the end is part of the signed bytes", with_final_newline()),
        raw("order.shown", "fields in the order of the provider's pages", with_order(FieldOrder::Published)),
        raw("order.sorted", "fields sorted by name, as Go writes maps", with_order(FieldOrder::Sorted)),
    ];
    probes.extend(NOTES.map(|(name, why, note)| raw(name, why, single(move |builder| builder.event_with_note(note)))));
    probes
}

fn with_layout(code: &'static str) -> BuildRequests {
    single(move |builder| {
        let payload = builder.baseline_payload();
        let baseline = Baseline { layout: find_layout(code), ..builder.baseline.clone() };
        builder.sign_body(baseline.serialize(payload))
    })
}

fn with_order(order: FieldOrder) -> BuildRequests {
    single(move |builder| {
        let payload = builder.baseline_payload();
        let baseline = Baseline { order, ..builder.baseline.clone() };
        builder.sign_body(baseline.serialize(payload))
    })
}

fn with_final_newline() -> BuildRequests {
    single(|builder| {
        let mut body = builder.signed_event().body;
        body.push(b'\n');
        builder.sign_body(body)
    })
}
