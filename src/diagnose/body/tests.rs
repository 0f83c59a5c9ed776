use super::*;

/// Returns the codes of the causes of the first variant that leads from the received to the signed
/// body.
fn codes(received: &[u8], signed: &[u8]) -> Vec<&'static str> {
    causes(received, signed).iter().map(Cause::code).collect()
}

fn causes(received: &[u8], signed: &[u8]) -> Vec<Cause> {
    let bodies = BodyVariants::new(received);
    let mut allowance = HashAllowance::INTERACTIVE;
    let index = bodies.indices().flatten().find(|&index| {
        bodies.build(index, &mut allowance).is_ok_and(|built| built.is_some_and(|built| *built == *signed))
    });
    index.map(|index| bodies.causes(index)).unwrap_or_default()
}

#[test]
fn each_change_is_undone() {
    for (received, signed, code) in [
        (&b"{}\n"[..], &b"{}"[..], "body_newline_added"),
        (b"{}\r\n", b"{}", "body_newline_added"),
        (b"{}", b"{}\n", "body_newline_lost"),
        (b"a\nb", b"a\r\nb", "body_line_ends"),
        (b"a\r\nb", b"a\nb", "body_line_ends"),
        (b"\xef\xbb\xbf{}", b"{}", "body_bom"),
        (b"{}", b"\xef\xbb\xbf{}", "body_bom"),
        (b"{\"a\":1}\0\0\0", b"{\"a\":1}", "body_nul_added"),
        (b"{\"a\": 1}", b"{\"a\":1}", "body_reserialized"),
        (b"{\"a\":1}", b"", "body_empty_signed"),
        (b"{\"a\":1}", b"[object Object]", "body_not_the_payload"),
        (b"", b"{}", "body_empty_here"),
        ("\"é\"".as_bytes(), b"\"\xe9\"", "body_encoding"),
        (br#""{\"a\":1}""#, br#"{"a":1}"#, "body_double_encoded"),
        (b"eyJhIjoxfQ==", b"{\"a\":1}", "body_wrapped"),
        (b"{\"a\":1}", b"eyJhIjoxfQ==", "body_transformed"),
        (b"{\"a\":null}", b"{'a': None}", "body_printed"),
        (b"{\"a\":null,\"b\":1}", b"{\"b\":1}", "body_model"),
        (b"{\"aB\":1}", b"{\"a_b\":1}", "body_model"),
        (b"{\"data\":{\"id\":1}}", b"{\"id\":1}", "body_wrapped"),
        (b"{\"a\":\"+1\"}", b"{\"a\":\" 1\"}", "body_transformed"),
    ] {
        assert_eq!(codes(received, signed), [code], "{}", String::from_utf8_lossy(received));
    }
    assert_eq!(codes(b"x", b"y"), [""; 0]);
}

#[test]
fn changes_are_composed() {
    // printf '{"body":{"a": 1}}', of which JSON.stringify writes {"a":1}
    assert_eq!(codes(b"{\"body\":{\"a\": 1}}", b"{\"a\":1}"), ["body_wrapped", "body_reserialized"]);
    // echo '{"a":1}' | base64
    assert_eq!(codes(b"eyJhIjoxfQo=", b"{\"a\":1}"), ["body_wrapped", "body_newline_added"]);
    // python3 -c 'import base64, json; print(base64.b64encode(json.dumps({"a": 1}).encode()).decode())'
    assert_eq!(codes(b"{\"a\":1}", b"eyJhIjogMX0="), ["body_reserialized", "body_transformed"]);
    // python3 -c 'import json; print(str(json.dumps({"a": 1}).encode()))'
    assert_eq!(codes(b"{\"a\":1}", b"b'{\"a\": 1}'"), ["body_reserialized", "body_printed"]);
}

#[test]
fn a_serializer_is_named_only_as_far_as_the_text_shows_it() {
    let sentence = |received: &str, signed: &str| causes(received.as_bytes(), signed.as_bytes())[0].sentence();
    let ambiguous = sentence("{\"b\": 1, \"a\": 2}", "{\"b\":1,\"a\":2}");
    assert!(ambiguous.contains("minified JSON (JavaScript's JSON.stringify and others)"), "{ambiguous}");
    assert!(ambiguous.ends_with("but this body looks like Python's json.dumps"), "{ambiguous}");
    let php = sentence("{\"a\":\"/\"}", "{\"a\":\"\\/\"}");
    assert!(php.contains("PHP's json_encode of an array (or Swift's"), "{php}");
}

#[test]
fn newlines_that_curl_strips_are_no_work_of_jq() {
    let pretty = "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}\n";
    let causes = causes(pretty.replace('\n', "").as_bytes(), pretty.as_bytes());
    assert_eq!(causes[0].code(), "body_newlines_lost");
    assert!(causes[0].fix().contains("curl --data-binary"), "{}", causes[0].fix());
}

#[test]
fn a_variant_that_the_allowance_does_not_cover_is_not_built() {
    let received = vec![b'['; 100_000];
    let bodies = BodyVariants::new(&received);
    let mut allowance = HashAllowance(1_000);
    let costly = bodies.indices().flatten().find(|index| bodies.cost(&variant::all()[*index]) >= JSON_COST).unwrap();
    assert!(bodies.build(costly, &mut allowance).is_err());
}

#[test]
fn the_same_bytes_are_built_once() {
    let bodies = BodyVariants::new(br#"{"id":"evt_1","amount":10}"#);
    let mut allowance = HashAllowance::INTERACTIVE;
    let mut seen = std::collections::HashSet::new();
    for index in bodies.indices().flatten() {
        if let Ok(Some(built)) = bodies.build(index, &mut allowance) {
            assert!(seen.insert(built.into_owned()));
        }
    }
    assert!(seen.len() > 200, "{}", seen.len());
}
