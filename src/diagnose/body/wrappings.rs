//! Changes that encode, escape or filter a body: code hashes the result instead of the bytes.
//!
//! To add one, add a row: its words, its function, its fix.

use super::change::{BodyChange, BodySource};
use super::{escapes, query, text};
use crate::diagnose::kinds::body as kinds;
use crate::json::{Document, SERIALIZERS};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

const DECODE_BASE64: &str =
    "decode base64 first: Buffer.from(event.body, 'base64') where API Gateway sets isBase64Encoded";
const NO_ESCAPES: &str = "take the raw body, before a filter or template escapes it";
const NO_URL: &str = "take the raw body, before it is encoded for a URL or form";

/// Wrappings that code hashes by mistake: the encoded text instead of the bytes.
pub(super) static WRAPPINGS: &[BodyChange] = &[
    BodyChange::new(&kinds::TRANSFORMED, "the body in base64", |body| Some(STANDARD.encode(body.bytes).into()))
        .fix(DECODE_BASE64),
    BodyChange::new(&kinds::TRANSFORMED, "the body in hex", |body| Some(hex::encode(body.bytes).into()))
        .rare()
        .fix("take the bytes, not their hex"),
    BodyChange::new(&kinds::DOUBLE_ENCODED, "the body as a JSON string", |body| serde_json::to_vec(body.text()?).ok()),
    BodyChange::new(&kinds::TRANSFORMED, "the body as a form value (urlencode)", |body| {
        Some(query::encode_form(body.text()?).into())
    })
    .rare()
    .fix(NO_URL),
    BodyChange::new(&kinds::TRANSFORMED, "the body as a JSON string without its quotes", |body| {
        let string = serde_json::to_vec(body.text()?).ok()?;
        Some(string.get(1..string.len() - 1)?.to_vec())
    })
    .rare()
    .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body in a JSON array", |body| Some([b"[", body.bytes, b"]"].concat()))
        .rare()
        .fix("take the body itself, not a list of bodies"),
    BodyChange::new(&kinds::TRANSFORMED, "the body after form decoding: a blank for each `+`", |body| {
        query::decode(body.bytes, true)
    })
    .rare()
    .fix("take the raw body, before a form parser decodes it"),
    BodyChange::new(&kinds::TRANSFORMED, "the body with HTML entities (htmlspecialchars)", |body| {
        Some(text::escape_html(body.text()?, ["&quot;", "&#039;"]))
    })
    .rare()
    .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body with HTML entities, double quotes only", |body| {
        Some(text::escape_html(body.text()?, ["&quot;", "'"]))
    })
    .rare()
    .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body with backslashes (addslashes)", |body| {
        Some(text::add_slashes(body.bytes))
    })
    .rare()
    .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body without its tags (strip_tags)", |body| {
        text::strip_tags(body.text()?)
    })
    .rare()
    .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body without its backslashes (stripslashes)", |body| {
        text::replace(body.bytes, b"\\", b"")
    })
    .rare()
    .fix(NO_ESCAPES),
];

const fn json_string(what: &'static str, apply: fn(&BodySource<'_>) -> Option<Vec<u8>>) -> BodyChange {
    BodyChange::new(&kinds::DOUBLE_ENCODED, what, apply).rare().costly()
}

const fn object(what: &'static str, apply: fn(&BodySource<'_>) -> Option<Vec<u8>>) -> BodyChange {
    BodyChange::new(&kinds::TRANSFORMED, what, apply).rare().fix("take the body itself, not the object around it")
}

/// Puts the body into a JSON object, as JSON or as a string.
fn in_object(body: &BodySource<'_>, name: &str, is_text: bool) -> Option<Vec<u8>> {
    let value = if is_text { serde_json::to_vec(body.text()?).ok()? } else { body.bytes.to_vec() };
    Some([format!("{{\"{name}\":").as_bytes(), &value, b"}"].concat())
}

/// Writes the body as a JSON string, with the escapes of a serializer.
fn as_json_string(body: &BodySource<'_>, code: &str) -> Option<Vec<u8>> {
    let string = serde_json::to_vec(body.text()?).ok()?;
    let serializer = SERIALIZERS.iter().find(|serializer| serializer.code == code)?;
    Some(serializer.write(&Document::parse(&string).ok()?))
}

/// Wrappings that are met less often.
pub(super) static RARE_WRAPPINGS: &[BodyChange] = &[
    object("the JSON object {\"body\":\"…\"} with the body as text", |body| in_object(body, "body", true)),
    object("the JSON object {\"payload\":\"…\"} with the body as text", |body| in_object(body, "payload", true)),
    object("the JSON object {\"payload\":…} around the body", |body| in_object(body, "payload", false)),
    object("the JSON object {\"data\":…} around the body", |body| in_object(body, "data", false)),
    object("the JSON object {\"event\":…} around the body", |body| in_object(body, "event", false)),
    BodyChange::new(&kinds::TRANSFORMED, "the body twice", |body| Some([body.bytes, body.bytes].concat()))
        .rare()
        .fix("pass the body to the hash once"),
    BodyChange::new(&kinds::TRANSFORMED, "the body with single quotes", |body| text::replace(body.bytes, b"\"", b"'"))
        .rare()
        .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body without its quotes", |body| text::replace(body.bytes, b"\"", b""))
        .rare()
        .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body in base64, encoded twice", |body| {
        Some(STANDARD.encode(STANDARD.encode(body.bytes)).into())
    })
    .rare()
    .fix(DECODE_BASE64),
    json_string("the body as a JSON string as PHP writes it", |body| as_json_string(body, "php_json_encode")),
    json_string("the body as a JSON string as Python writes it", |body| as_json_string(body, "python_json_dumps")),
    json_string("the body as a JSON string as Go writes it", |body| as_json_string(body, "go_map")),
    json_string("the body as a JSON string as .NET writes it", |body| as_json_string(body, "system_text_json")),
    BodyChange::new(&kinds::TRANSFORMED, "the body in base64url", |body| {
        Some(URL_SAFE_NO_PAD.encode(body.bytes).into())
    })
    .rare()
    .fix(DECODE_BASE64),
    BodyChange::new(&kinds::TRANSFORMED, "the body in base64url with padding", |body| {
        Some(URL_SAFE.encode(body.bytes).into())
    })
    .rare()
    .fix(DECODE_BASE64),
    BodyChange::new(&kinds::TRANSFORMED, "the body in base64 without padding", |body| {
        Some(STANDARD_NO_PAD.encode(body.bytes).into())
    })
    .rare()
    .fix(DECODE_BASE64),
    BodyChange::new(&kinds::TRANSFORMED, "the body in base64 with a newline after it", |body| {
        Some((STANDARD.encode(body.bytes) + "\n").into())
    })
    .rare()
    .fix(DECODE_BASE64),
    BodyChange::new(&kinds::TRANSFORMED, "the body in base64 with line breaks", |body| {
        let text = STANDARD.encode(body.bytes);
        let lines: Vec<_> = text.as_bytes().chunks(76).map(|line| [line, b"\n"].concat()).collect();
        Some(lines.concat())
    })
    .rare()
    .fix(DECODE_BASE64),
    BodyChange::new(&kinds::TRANSFORMED, "the body in base64 as a JSON string", |body| {
        Some(format!("\"{}\"", STANDARD.encode(body.bytes)).into())
    })
    .rare()
    .fix(DECODE_BASE64),
    BodyChange::new(&kinds::TRANSFORMED, "the body in upper-case hex", |body| {
        Some(hex::encode_upper(body.bytes).into())
    })
    .rare()
    .fix("take the bytes, not their hex"),
    BodyChange::new(&kinds::TRANSFORMED, "the body in percent-encoding (encodeURIComponent)", |body| {
        Some(query::encode_component(body.text()?).into())
    })
    .rare()
    .fix(NO_URL),
    BodyChange::new(&kinds::TRANSFORMED, "the body in percent-encoding (rawurlencode)", |body| {
        Some(query::encode_url(body.text()?).into())
    })
    .rare()
    .fix(NO_URL),
    BodyChange::new(&kinds::TRANSFORMED, "the body in percent-encoding (encodeURI)", |body| {
        Some(query::encode_uri(body.text()?).into())
    })
    .rare()
    .fix(NO_URL),
    BodyChange::new(&kinds::TRANSFORMED, "the body after percent-decoding", |body| query::decode(body.bytes, false))
        .rare()
        .fix(NO_URL),
    BodyChange::new(&kinds::TRANSFORMED, "the form field `payload` with the body", |body| {
        Some(format!("payload={}", query::encode_form(body.text()?)).into())
    })
    .rare()
    .fix(NO_URL),
    BodyChange::new(&kinds::TRANSFORMED, "the body as the name of a form field", |body| {
        Some(format!("{}=", query::encode_form(body.text()?)).into())
    })
    .rare()
    .fix(NO_URL),
    BodyChange::new(&kinds::TRANSFORMED, "the body with HTML entities (html.escape)", |body| {
        Some(text::escape_html(body.text()?, ["&quot;", "&#x27;"]))
    })
    .rare()
    .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body with HTML entities (lodash, Ruby's CGI)", |body| {
        Some(text::escape_html(body.text()?, ["&quot;", "&#39;"]))
    })
    .rare()
    .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body with HTML entities (Go, Jinja)", |body| {
        Some(text::escape_html(body.text()?, ["&#34;", "&#39;"]))
    })
    .rare()
    .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body as nginx logs it, with `\\x22`", |body| {
        Some(escapes::nginx_escaped(body.bytes))
    })
    .rare()
    .fix("take the raw body, not a log line"),
    BodyChange::new(&kinds::TRANSFORMED, "the JSON object {\"body\":…} around the body", |body| {
        Some([b"{\"body\":", body.bytes, b"}"].concat())
    })
    .rare()
    .fix("take the body itself, not the object around it"),
    BodyChange::new(&kinds::TRANSFORMED, "the body without escaped slashes", |body| {
        text::replace(body.bytes, b"\\/", b"/")
    })
    .rare()
    .fix(NO_ESCAPES),
    BodyChange::new(&kinds::TRANSFORMED, "the body in lower case", |body| Some(body.bytes.to_ascii_lowercase()))
        .rare()
        .fix("take the body as it was received"),
    BodyChange::new(&kinds::TRANSFORMED, "the body in upper case", |body| Some(body.bytes.to_ascii_uppercase()))
        .rare()
        .fix("take the body as it was received"),
    BodyChange::new(&kinds::TRANSFORMED, "the body with trimmed values", |body| text::trim_json_strings(body.text()?))
        .rare()
        .fix("take the raw body, before middleware trims its values"),
    BodyChange::new(&kinds::FORM_DECODED, "the body with `+` for each blank", |body| {
        text::replace(body.bytes, b" ", b"+")
    })
    .rare(),
    BodyChange::new(&kinds::FORM_DECODED, "the body with a `+` for each blank after a quote", |body| {
        text::replace(body.bytes, b"\" ", b"\"+")
    })
    .rare(),
];
