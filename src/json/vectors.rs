//! Compares the serializers with the output of the real tools for one difficult document.
//!
//! The commands below read `vectors/nasty.json` from stdin; their output is in the files next to
//! it. Versions: Node 20.20, Python 3.11, PHP 8.2, Ruby 3.1 with json 2.6, Go 1.19, jq 1.6; for
//! Java, Rails and Flask see `vectors/make.sh`.
//!
//! From documentation only: Go since 1.22 (`go_map`, `go_encoder`, `go_encoder_plain`,
//! `go_marshal_indent`), Ruby's `pretty_generate` since json 2.8, System.Text.Json and
//! Newtonsoft.Json.

use super::{Document, SERIALIZERS};

const NASTY: &[u8] = include_bytes!("vectors/nasty.json");

fn written(code: &str, text: &[u8]) -> String {
    let serializer = SERIALIZERS.iter().find(|serializer| serializer.code == code).expect("a known code");
    let document = Document::parse(text).expect("valid JSON");
    String::from_utf8(serializer.write(&document)).expect("UTF-8")
}

/// Defines tests that a serializer writes the same as the tool.
macro_rules! vectors {
    ($($code:ident)*) => {
        $(#[test]
        fn $code() {
            let expected = include_str!(concat!("vectors/", stringify!($code), ".json"));
            assert_eq!(written(stringify!($code), NASTY), expected);
        })*
    };
}

// node -e "process.stdout.write(JSON.stringify(JSON.parse(fs.readFileSync(0,'utf8')),null,INDENT))"
vectors! { json_stringify json_stringify_indent_2 json_stringify_indent_4 }

// node -e "const c=v=>Array.isArray(v)?'['+v.map(c)+']':v&&typeof
// v=='object'?'{'+Object.keys(v).sort().map(k=>
// JSON.stringify(k)+':'+c(v[k]))+'}':JSON.stringify(v);process.stdout.write(c(JSON.parse(fs.readFileSync(0,'utf8'))))"
vectors! { json_stringify_sorted }

// python3 -c "import json,sys;sys.stdout.write(json.dumps(json.load(sys.stdin), ARGUMENTS))"
// with the arguments that the name in the table lists.
vectors! {
    python_json_dumps python_compact python_unicode python_compact_unicode python_indent_2 python_indent_4
    python_unicode_indent_2 python_unicode_indent_4 python_sorted python_sorted_compact python_sorted_compact_unicode
}

// php -r "echo json_encode(json_decode(file_get_contents('php://stdin'), true), FLAGS);"
vectors! {
    php_json_encode php_unescaped_slashes php_unescaped_slashes_unicode php_unescaped_unicode php_pretty_print
    php_pretty_print_unescaped
}

// php -r "echo json_encode(json_decode(file_get_contents('php://stdin'), false), FLAGS);"
vectors! {
    php_object php_object_unescaped_slashes php_object_unescaped_slashes_unicode php_object_unescaped_unicode
    php_object_pretty_print
}

// ruby -rjson -e 'print JSON.generate(JSON.parse(STDIN.read))' and JSON.pretty_generate
vectors! { ruby_json ruby_pretty_before_2_8 }

// Go 1.19: json.Unmarshal into `var v any`, json.Marshal(v); json.Marshal(json.RawMessage(b)); an
// Encoder with SetEscapeHTML(false)
vectors! { go_map_before_1_22 go_raw_message go_encoder_plain_before_1_22 }

// jq . and -c, -S, -cS
vectors! { jq jq_compact jq_sorted jq_sorted_compact }

// vectors/make.sh
vectors! { jackson jackson_pretty gson gson_map gson_nulls gson_plain gson_pretty rails_to_json flask_jsonify }

/// Applies the change of Go 1.22 according to its release notes: `\b` and `\f` are written like
/// this.
fn go_since_1_22(text: &str) -> String {
    text.replace("\\u0008", "\\b").replace("\\u000c", "\\f")
}

#[test]
fn go_since_1_22_differs_in_two_escapes() {
    let map = include_str!("vectors/go_map_before_1_22.json");
    let plain = include_str!("vectors/go_encoder_plain_before_1_22.json");
    // json.MarshalIndent(v, "", "  ")
    let indented = include_str!("vectors/go_marshal_indent_before_1_22.json");
    assert_eq!(written("go_map", NASTY), go_since_1_22(map));
    assert_eq!(written("go_encoder", NASTY), go_since_1_22(map) + "\n");
    assert_eq!(written("go_encoder_plain", NASTY), go_since_1_22(plain));
    assert_eq!(written("go_marshal_indent", NASTY), go_since_1_22(indented));
}

#[test]
fn ruby_since_json_2_8_leaves_empty_brackets_closed() {
    // From the changelog of json 2.8.0.
    assert_eq!(written("ruby_pretty", b"{\"a\":{},\"b\":[[]]}"), "{\n  \"a\": {},\n  \"b\": [\n    []\n  ]\n}");
}

#[test]
fn rails_is_safe_for_html_and_writes_null_for_infinity() {
    // ruby -e 'require "active_support/all"; print JSON.parse(TEXT).to_json'
    let text = "{\"a\":\"<&>\u{2028}é\",\"b\":1e400}";
    assert_eq!(written("rails_to_json", text.as_bytes()), r#"{"a":"\u003c\u0026\u003e\u2028é","b":null}"#);
}

#[test]
fn jackson_writes_doubles_as_java_does() {
    // new ObjectMapper().writeValueAsString(new ObjectMapper().readTree(TEXT)), Java 17
    let text =
        br#"[1.0,1e7,9999999.0,1e-3,9.99e-4,1e21,1.5e-7,123456.789,12345678.5,-0.0,12345678901234567890,-0,"\u001f/"]"#;
    let expected = r#"[1.0,1.0E7,9999999.0,0.001,9.99E-4,1.0E21,1.5E-7,123456.789,1.23456785E7,-0.0,12345678901234567890,0,"\u001F/"]"#;
    assert_eq!(written("jackson", text), expected);
}

#[test]
fn gson_escapes_for_html_and_keeps_numbers() {
    // The calls in vectors/make.sh, on these texts.
    let text = "{\"a\":\"<&>='é\u{2028}\",\"n\":1.00}";
    assert_eq!(written("gson", text.as_bytes()), r#"{"a":"\u003c\u0026\u003e\u003d\u0027é\u2028","n":1.00}"#);
    assert_eq!(written("gson_plain", text.as_bytes()), r#"{"a":"<&>='é\u2028","n":1.00}"#);
    assert_eq!(written("gson_map", b"[5,50000000,null,{\"a\":null,\"b\":1}]"), r#"[5.0,5.0E7,null,{"b":1.0}]"#);
    let nulls = br#"{"z":null,"y":[null],"x":{"q":null},"d":1,"d":null}"#;
    assert_eq!(written("gson", nulls), r#"{"y":[null],"x":{}}"#);
    assert_eq!(written("gson_pretty", br#"{"z":null,"x":{"q":null}}"#), "{\n  \"x\": {}\n}");
}

#[test]
fn system_text_json_escapes_all_but_plain_ascii() {
    // From the documentation.
    let text = "[\"é<&>'+`\\\"\\\\/😀\\u007f\",1.00,{\"a\":1,\"a\":2}]";
    assert_eq!(
        written("system_text_json", text.as_bytes()),
        r#"["\u00E9\u003C\u0026\u003E\u0027\u002B\u0060\u0022\\/\uD83D\uDE00\u007F",1.00,{"a":1,"a":2}]"#
    );
    assert_eq!(
        written("system_text_json_relaxed", text.as_bytes()),
        r#"["é<&>'+`\"\\/\uD83D\uDE00\u007F",1.00,{"a":1,"a":2}]"#
    );
}

#[test]
fn newtonsoft_writes_doubles_with_a_fraction() {
    // From the documentation.
    let text = b"{\"a\":[1.0,1e0,1e21,100.50,12345678901234567890],\"b\":\"\\u0085\\u001f/\"}";
    let expected = r#"{"a":[1.0,1.0,1E+21,100.5,12345678901234567890],"b":"\u0085\u001f/"}"#;
    assert_eq!(written("newtonsoft", text), expected);
}

#[test]
fn numbers_beyond_the_largest_double_are_written_as_each_tool_does() {
    // node, python3 and jq as above, on this text; Go, PHP and Ruby refuse it.
    let text = b"[1e400,-1e400]";
    assert_eq!(written("json_stringify", text), "[null,null]");
    assert_eq!(written("python_json_dumps", text), "[Infinity, -Infinity]");
    assert_eq!(written("jq_compact", text), "[1.7976931348623157e+308,-1.7976931348623157e+308]\n");
    assert_eq!(written("go_map", text), "[1e400,-1e400]");
}

#[test]
fn a_lone_surrogate_is_passed_on_or_replaced() {
    // node, python3 and Go as above, on this text.
    let text = br#"["\uD800x","\udc00\ud800"]"#;
    assert_eq!(written("json_stringify", text), r#"["\ud800x","\udc00\ud800"]"#);
    assert_eq!(written("python_json_dumps", text), r#"["\ud800x", "\udc00\ud800"]"#);
    assert_eq!(written("go_map", text), "[\"\u{fffd}x\",\"\u{fffd}\u{fffd}\"]");
}

#[test]
fn php_makes_lists_of_objects_that_look_like_lists() {
    // php as above, on this text.
    let text = br#"{"b":{},"a":[],"b":[{}],"o":{"0":1,"1":2},"p":{"1":1},"k":{"0":1,"1":1,"0":3},"n":{"1":0,"0":2}}"#;
    let expected = r#"{"b":[[]],"a":[],"o":[1,2],"p":{"1":1},"k":[3,1],"n":{"1":0,"0":2}}"#;
    assert_eq!(written("php_json_encode", text), expected);
}

#[test]
fn sorted_keys_compare_utf_16_units_as_in_rfc_8785() {
    // The keys of RFC 8785, section 3.2.3, in the order that it gives. By bytes U+1F600 would be
    // the last.
    let text = br#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
    let by_utf16 = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}";
    assert_eq!(written("json_stringify_sorted", text), by_utf16);
    // python3, as above
    let by_bytes = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"\u{fb33}\":3,\"😀\":5}";
    assert_eq!(written("python_sorted_compact_unicode", text), by_bytes);
}

#[test]
fn javascript_puts_array_indexes_first() {
    // node as above, on this text.
    let text = br#"{"b":1,"4294967295":1,"4294967294":2,"10":3,"01":1,"-1":2,"9":1,"b":5}"#;
    let expected = r#"{"9":1,"10":3,"4294967294":2,"b":5,"4294967295":1,"01":1,"-1":2}"#;
    assert_eq!(written("json_stringify", text), expected);
}
