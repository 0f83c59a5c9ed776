//! Properties of every document: only JSON is accepted, nothing is lost, nothing overflows.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{Document, SERIALIZERS, TokenKind, Tokens, indented, top_level_keys};

/// Serializers that change no token.
const KEPT: [&str; 10] = [
    "minified",
    "spaced",
    "pretty_2",
    "pretty_4",
    "pretty_tab",
    "minified_newline",
    "spaced_newline",
    "pretty_2_newline",
    "pretty_4_newline",
    "pretty_tab_newline",
];

/// Serializers that change values: PHP's empty objects, Gson's null members and integers.
fn changes_values(code: &str) -> bool {
    code.starts_with("php") && !code.starts_with("php_object") || (code.starts_with("gson") && code != "gson_nulls")
}

/// Python, which writes numbers beyond the largest double as `Infinity`.
fn writes_infinity(code: &str) -> bool {
    code.starts_with("python") || code == "flask_jsonify"
}

fn space() -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(vec!["", "", "", " ", "\n", "\t\r\n "])
}

fn string() -> impl Strategy<Value = String> {
    let pieces = vec![
        "a",
        "b",
        "0",
        "1",
        "/",
        "\\/",
        "<",
        "&",
        "'",
        "\\\"",
        "\\\\",
        "\\b",
        "\\n",
        "\\u0001",
        "\\u00e9",
        "\\u00E9",
        "é",
        "…",
        "😀",
        "\\ud83d\\ude00",
        "\u{2028}",
        "\u{7f}",
        "\u{85}",
        "+",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// JSON texts with numbers from this list.
fn json(numbers: Vec<&'static str>) -> impl Strategy<Value = String> {
    let literal = prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned);
    let number = prop::sample::select(numbers).prop_map(str::to_owned);
    prop_oneof![string(), number, literal].prop_recursive(5, 48, 6, |inner| {
        let element =
            (space(), inner.clone(), space()).prop_map(|(before, value, after)| format!("{before}{value}{after}"));
        let member = (space(), string(), space(), element.clone())
            .prop_map(|(before, key, after, value)| format!("{before}{key}{after}:{value}"));
        prop_oneof![
            prop::collection::vec(element, 0..6).prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn any_json() -> impl Strategy<Value = String> {
    json(vec!["0", "-0", "1.0", "1e0", "1E400", "1e21", "1.5e-7", "12345678901234567890", "100.50", "-1E+2"])
}

fn tokens(text: &[u8]) -> Vec<(TokenKind, Vec<u8>)> {
    Tokens::new(text)
        .map(|token| token.expect("valid JSON"))
        .filter(|token| token.kind != TokenKind::Space)
        .map(|token| (token.kind, text[token.start..token.end].to_vec()))
        .collect()
}

fn accepted(text: &[u8]) -> bool {
    Tokens::new(text).all(|token| token.is_ok())
}

/// Checks the grammar alone with serde_json: a raw value checks no ranges and joins no surrogates.
fn accepted_by_serde(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn structural_serializers_keep_every_token(text in any_json()) {
        let document = Document::parse(text.as_bytes()).unwrap();
        for serializer in SERIALIZERS.iter().filter(|serializer| KEPT.contains(&serializer.code)) {
            prop_assert_eq!(tokens(&serializer.write(&document)), tokens(text.as_bytes()), "{}", serializer.code);
        }
    }

    #[test]
    fn the_layout_for_people_keeps_every_token(text in any_json()) {
        let document = Document::parse(text.as_bytes()).unwrap();
        let shown: String = indented(&document).map(|(_, piece)| piece).collect();
        let pretty = SERIALIZERS.iter().find(|serializer| serializer.code == "pretty_2").unwrap();
        prop_assert_eq!(shown.as_bytes(), pretty.write(&document));
    }

    #[test]
    fn every_serializer_keeps_the_meaning(text in json(vec!["0", "7", "-12", "100000", "9007199254740991", "0.5", "-2.25"])) {
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let document = Document::parse(text.as_bytes()).unwrap();
        for serializer in SERIALIZERS.iter().filter(|serializer| !changes_values(serializer.code)) {
            let written: serde_json::Value = serde_json::from_slice(&serializer.write(&document)).unwrap();
            prop_assert_eq!(&written, &value, "{}", serializer.code);
        }
    }

    #[test]
    fn every_output_is_json(text in any_json()) {
        let document = Document::parse(text.as_bytes()).unwrap();
        for serializer in SERIALIZERS.iter().filter(|serializer| !writes_infinity(serializer.code)) {
            prop_assert!(accepted(&serializer.write(&document)), "{}", serializer.code);
        }
    }

    #[test]
    fn arbitrary_bytes_are_accepted_if_serde_json_accepts_them(text in prop::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(accepted(&text), accepted_by_serde(&text));
    }

    #[test]
    fn arbitrary_punctuation_is_accepted_if_serde_json_accepts_it(text in "[\\[\\]{}:,\"\\\\u0-9aetrufalsn.+\\-eE \t]{0,12}") {
        prop_assert_eq!(accepted(text.as_bytes()), accepted_by_serde(text.as_bytes()));
    }

    #[test]
    fn damaged_json_is_accepted_if_serde_json_accepts_it(
        text in any_json(), place in any::<prop::sample::Index>(), byte in any::<u8>(), damage in 0..4,
    ) {
        let mut text = text.into_bytes();
        let place = place.index(text.len());
        match damage {
            0 => text[place] = byte,
            1 => text.insert(place, byte),
            2 => text.truncate(place),
            _ => _ = text.remove(place),
        }
        prop_assert_eq!(accepted(&text), accepted_by_serde(&text), "{}", String::from_utf8_lossy(&text));
        prop_assert_eq!(accepted(&text), Document::parse(&text).is_ok());
    }

    #[test]
    fn keys_of_a_truncated_text_are_the_first_of_the_whole_text(text in any_json(), place in any::<prop::sample::Index>()) {
        let cut = &text.as_bytes()[..place.index(text.len())];
        prop_assert!(top_level_keys(text.as_bytes()).starts_with(&top_level_keys(cut)));
    }
}

#[test]
fn deep_nesting_costs_no_stack_and_bounded_memory() {
    let depth = 100_000;
    for (open, middle, close) in [("[", "", "]"), ("{\"a\":", "1", "}"), ("[{\"a\":", "1", "}]")] {
        let text = open.repeat(depth) + middle + &close.repeat(depth);
        let document = Document::parse(text.as_bytes()).unwrap();
        for code in ["json_stringify", "pretty_4", "jackson_pretty", "ruby_pretty_before_2_8", "php_pretty_print"] {
            let serializer = SERIALIZERS.iter().find(|serializer| serializer.code == code).unwrap();
            assert!(serializer.write(&document).len() <= text.len() * 40, "{code}");
        }
        assert!(indented(&document).map(|(_, piece)| piece.len()).sum::<usize>() < text.len() * 100);
        assert!(top_level_keys(&text.as_bytes()[..text.len() / 2]).len() <= 1);
    }
}

#[test]
fn codes_and_names_are_distinct() {
    let codes: HashSet<&str> = SERIALIZERS.iter().map(|serializer| serializer.code).collect();
    let names: HashSet<&str> = SERIALIZERS.iter().map(|serializer| serializer.name).collect();
    assert_eq!((codes.len(), names.len()), (SERIALIZERS.len(), SERIALIZERS.len()));
}

#[test]
fn the_layout_yields_every_token_with_its_kind() {
    let document = Document::parse(b"{\"a\":[1,null]}").unwrap();
    let pieces: Vec<(TokenKind, &str)> = indented(&document).collect();
    let expected = [
        (TokenKind::OpenObject, "{"),
        (TokenKind::Space, "\n  "),
        (TokenKind::Key, "\"a\""),
        (TokenKind::Colon, ":"),
        (TokenKind::Space, " "),
        (TokenKind::OpenArray, "["),
        (TokenKind::Space, "\n    "),
        (TokenKind::Number, "1"),
        (TokenKind::Comma, ","),
        (TokenKind::Space, "\n    "),
        (TokenKind::Null, "null"),
        (TokenKind::Space, "\n  "),
        (TokenKind::CloseArray, "]"),
        (TokenKind::Space, "\n"),
        (TokenKind::CloseObject, "}"),
    ];
    assert_eq!(pieces, expected);
}
