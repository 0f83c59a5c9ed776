//! The same events in odd spellings, rightly signed. A handler that hashes the bytes that came takes them all; one that
//! parses and writes them again refuses those that its serializer writes otherwise, and which those are names it.

use super::{Table, one};
use crate::check::footing::{Footing, Order, layout_of};
use crate::check::probe::{Group, Make, Probe, Topic, Trial};

/// Ids, and values of one more field in the event, spelled just so.
const NOTES: [(&str, &str, &str); 19] = [
    ("slash.plain", "a slash needs no escape; PHP writes one", r#""https://example.com/a""#),
    ("slash.escaped", "`\\/` is a slash, too", r#""https:\/\/example.com\/a""#),
    ("letters.plain", "UTF-8 needs no escapes; Python, PHP and .NET write them", "\"São Vicente\""),
    ("letters.escaped", "`\\u00e3` is a letter, too", r#""S\u00e3o Vicente""#),
    ("letters.escaped_upper", "hex in escapes has both cases", r#""S\u00E3o Vicente""#),
    ("letters.needless", "every letter may be an escape", r#""\u0053al""#),
    (
        "letters.control",
        "a control character is an escape in lower case; Jackson and .NET write upper case",
        r#""a\u001fb""#,
    ),
    ("letters.backspace", "`\\b` is the short escape; Go before 1.22 writes a long one", r#""a\bc""#),
    ("letters.line_separator", "U+2028 needs no escape; some write one for JavaScript's sake", "\"a\u{2028}b\""),
    ("signs.html", "`<`, `>` and `&` need no escapes; Go, Rails, Gson and .NET write them", r#""<a>&</a>""#),
    ("signs.html_escaped", "`\\u003c` is a `<`, too", r#""\u003ca\u003e\u0026\u003c/a\u003e""#),
    ("signs.others", "`'`, `=` and `+` need no escapes; Gson and .NET write them", r#""it's 1+1=2""#),
    ("number.fraction", "`1.0` is a number whose `.0` JavaScript and Go drop", "1.0"),
    ("number.exponent", "`1e0` is a number that most write otherwise", "1e0"),
    ("number.large", "`1e21` is written in a way of its own by almost everybody", "1e21"),
    ("number.long", "long integers are rounded by what reads them as doubles", "12345678901234567890"),
    ("keys.repeated", "repeated keys are dropped by what reads them into a map", r#"{"a":1,"a":2}"#),
    ("keys.numbers", "keys that look like numbers are moved to the front by JavaScript", r#"{"10":1,"9":2}"#),
    ("empty.object", "an empty object becomes a list in PHP", "{}"),
];

pub(super) fn probes(table: &Table<'_>) -> Vec<Probe> {
    let raw = |rest, why, make| table.probe(Group::Raw, rest, why, Topic::Event, Trial::Raw(make));
    let mut probes = vec![
        raw("spacing.compact", "no page promises blanks", laid_out("minified")),
        raw("spacing.spaced", "blanks after comma and colon mean nothing; Python writes them", laid_out("spaced")),
        raw("spacing.indented", "line breaks mean nothing; the pages show payloads so", laid_out("pretty_2")),
        raw("newline", "a line break at the end is part of the bytes", ended()),
        raw("order.shown", "fields in the order in which the pages show them", ordered(Order::Shown)),
        raw("order.sorted", "fields by name; Go writes maps so", ordered(Order::Sorted)),
    ];
    probes.extend(NOTES.map(|(rest, why, note)| raw(rest, why, one(move |maker| maker.noted(note)))));
    probes
}

fn laid_out(code: &'static str) -> Make {
    one(move |maker| {
        let payload = maker.payload();
        let footing = Footing { layout: layout_of(code), ..maker.footing.clone() };
        maker.signed(footing.write(payload))
    })
}

fn ordered(order: Order) -> Make {
    one(move |maker| {
        let payload = maker.payload();
        let footing = Footing { order, ..maker.footing.clone() };
        maker.signed(footing.write(payload))
    })
}

fn ended() -> Make {
    one(|maker| {
        let mut body = maker.event().body;
        body.push(b'\n');
        maker.signed(body)
    })
}
