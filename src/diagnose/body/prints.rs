//! Changes that print the bytes of a body or its parsed value, as debug output does.

use super::change::{BodyChange, BodySource};
use super::{bytes, escapes, inspect, php, printers, query};
use crate::diagnose::kinds::body as kinds;
use crate::json::Language;
use serde_json::Value;

const fn printed(what: &'static str, language: Language, apply: fn(&BodySource<'_>) -> Option<Vec<u8>>) -> BodyChange {
    BodyChange::new(&kinds::PRINTED, what, apply).language(language).costly()
}

const fn value_printed(
    what: &'static str,
    language: Language,
    apply: fn(&BodySource<'_>) -> Option<Vec<u8>>,
) -> BodyChange {
    BodyChange::new(&kinds::VALUE_PRINTED, what, apply).language(language).costly()
}

/// Prints of the bytes.
pub(super) static PRINTED_BYTES: &[BodyChange] = &[
    printed("Python's b'…'", Language::Python, |body| Some(escapes::python_bytes(body.bytes))),
    printed("JSON.stringify of a Buffer", Language::JavaScript, |body| {
        Some([b"{\"type\":\"Buffer\",\"data\":[", &bytes::decimal_bytes(body.bytes, ",")[..], b"]}"].concat())
    })
    .rare(),
    printed("Go's %v of a byte slice", Language::Go, |body| {
        Some([b"[", &bytes::decimal_bytes(body.bytes, " ")[..], b"]"].concat())
    })
    .rare(),
    printed("JavaScript's text of a Uint8Array, `123,34,…`", Language::JavaScript, |body| {
        Some(bytes::decimal_bytes(body.bytes, ","))
    })
    .rare(),
    printed("JSON.stringify of a Uint8Array", Language::JavaScript, |body| Some(bytes::typed_array(body.bytes))).rare(),
    printed("Node's <Buffer …>", Language::JavaScript, |body| Some(bytes::inspected_buffer(body.bytes))).rare(),
    printed("Python's list of the bytes", Language::Python, |body| {
        Some([b"[", &bytes::decimal_bytes(body.bytes, ", ")[..], b"]"].concat())
    })
    .rare(),
    printed("JSON of a list of the bytes", Language::JavaScript, |body| {
        Some([b"[", &bytes::decimal_bytes(body.bytes, ",")[..], b"]"].concat())
    })
    .rare(),
    printed("Python's bytearray(b'…')", Language::Python, |body| {
        Some([b"bytearray(", &escapes::python_bytes(body.bytes)[..], b")"].concat())
    })
    .rare(),
    printed("Java's Arrays.toString of a byte array", Language::Java, |body| Some(bytes::signed_bytes(body.bytes)))
        .rare(),
    printed(".NET's BitConverter.ToString", Language::CSharp, |body| Some(bytes::separated_hex(body.bytes, "-")))
        .rare(),
    printed("Ruby's inspect of the text", Language::Ruby, |body| {
        Some(printers::RUBY.print(&Value::String(body.text()?.to_owned())))
    })
    .rare(),
    printed("Python's repr of the text", Language::Python, |body| {
        Some(printers::PYTHON.print(&Value::String(body.text()?.to_owned())))
    })
    .rare(),
    printed("PHP's serialize of the text", Language::Php, |body| {
        Some(php::serialize(&Value::String(body.text()?.to_owned()), php::PhpObjects::Arrays))
    })
    .rare(),
    printed("PHP's var_export of the text", Language::Php, |body| {
        Some(php::var_export(&Value::String(body.text()?.to_owned())))
    })
    .rare(),
];

/// Prints of the parsed body.
pub(super) static PRINTED_VALUES: &[BodyChange] = &[
    value_printed("Python's str() of a dict", Language::Python, |body| Some(printers::PYTHON.print(body.container()?))),
    value_printed("PHP's print_r of an array", Language::Php, |body| {
        Some(php::print_r(body.container()?, php::PhpObjects::Arrays))
    })
    .rare(),
    value_printed("PHP's http_build_query", Language::Php, |body| query::build(body.value()?, &query::PHP)).rare(),
    value_printed("PHP's serialize of an array", Language::Php, |body| {
        Some(php::serialize(body.container()?, php::PhpObjects::Arrays))
    })
    .rare(),
    value_printed("Ruby's inspect of a hash", Language::Ruby, |body| Some(printers::RUBY.print(body.container()?)))
        .rare(),
    value_printed("Ruby's inspect of a hash, since 3.4", Language::Ruby, |body| {
        Some(printers::NEW_RUBY.print(body.container()?))
    })
    .rare(),
    value_printed("Go's %v of a map", Language::Go, |body| Some(printers::GO.print(body.container()?))).rare(),
    value_printed("Node's util.inspect", Language::JavaScript, |body| Some(inspect::inspect(body.container()?))).rare(),
    value_printed("Java's toString of a Map", Language::Java, |body| Some(printers::JAVA.print(body.container()?)))
        .rare(),
];

/// Prints of the parsed body that are met less often.
pub(super) static RARE_PRINTED_VALUES: &[BodyChange] = &[
    value_printed("PHP's var_export of an array", Language::Php, |body| Some(php::var_export(body.container()?)))
        .rare(),
    value_printed("PHP's var_dump of an array", Language::Php, |body| Some(php::var_dump(body.container()?))).rare(),
    value_printed("PHP's print_r of an object", Language::Php, |body| {
        Some(php::print_r(body.container()?, php::PhpObjects::StdClass))
    })
    .rare(),
    value_printed("PHP's serialize of an object", Language::Php, |body| {
        Some(php::serialize(body.container()?, php::PhpObjects::StdClass))
    })
    .rare(),
    value_printed("PHP's http_build_query with PHP_QUERY_RFC3986", Language::Php, |body| {
        query::build(body.value()?, &query::PHP_RFC3986)
    })
    .rare(),
    value_printed("JavaScript's URLSearchParams", Language::JavaScript, |body| {
        query::build(body.value()?, &query::URL_SEARCH_PARAMS)
    })
    .rare(),
    value_printed("Node's querystring.stringify", Language::JavaScript, |body| {
        query::build(body.value()?, &query::QUERYSTRING)
    })
    .rare(),
    value_printed("qs.stringify", Language::JavaScript, |body| query::build(body.value()?, &query::QS)).rare(),
    value_printed("Python's urlencode", Language::Python, |body| query::build(body.value()?, &query::URLENCODE)).rare(),
    value_printed("Rails' to_query", Language::Ruby, |body| query::build(body.value()?, &query::TO_QUERY)).rare(),
    value_printed("Ruby's inspect of a hash with symbols", Language::Ruby, |body| {
        Some(printers::RUBY_SYMBOLS.print(body.container()?))
    })
    .rare(),
    value_printed("Ruby's inspect of a hash with symbols, since 3.4", Language::Ruby, |body| {
        Some(printers::NEW_RUBY_SYMBOLS.print(body.container()?))
    })
    .rare(),
    value_printed("Go's %#v of a map", Language::Go, |body| Some(printers::GO_SYNTAX.print(body.container()?))).rare(),
    value_printed("Go's %v of a struct", Language::Go, |body| Some(printers::GO_STRUCT.print(body.container()?)))
        .rare(),
    value_printed("Python's repr of an OrderedDict", Language::Python, |body| printers::ordered_dict(body.value()?))
        .rare(),
    value_printed("Python's str() of dict.items()", Language::Python, |body| printers::dict_items(body.value()?))
        .rare(),
    BodyChange::new(&kinds::VALUE_PRINTED, "Elixir's inspect of a map", |body| {
        Some(printers::ELIXIR.print(body.container()?))
    })
    .rare()
    .costly(),
    value_printed("Rust's {:?} of a serde_json::Value", Language::Rust, |body| {
        Some(printers::RUST.print(body.container()?))
    })
    .rare(),
    BodyChange::new(&kinds::VALUE_PRINTED, "PowerShell's text of an object", |body| {
        printers::powershell(body.value()?)
    })
    .rare()
    .costly(),
];
