//! Reads a body from JSON: text, base64, a list of bytes, or, if that is all that is left, the
//! parsed value.

use super::fields::{BodyMember, normalized};
use crate::capture::note::Note;
use crate::json::{TokenKind, ValueView, compact};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

pub(super) struct JsonBody {
    pub bytes: Vec<u8>,
    /// A tool parsed the body, so its bytes are gone.
    pub is_parsed: bool,
    /// There was a body, but only its form parameters are left.
    pub is_missing: bool,
    /// The name of the file with the body, as in the HAR archives of Playwright.
    pub file: Option<String>,
    pub note: Option<Note>,
}

impl JsonBody {
    fn exact(bytes: Vec<u8>) -> Self {
        let is_replaced = memchr::memmem::find(&bytes, "\u{fffd}".as_bytes()).is_some();
        Self {
            bytes,
            is_parsed: false,
            is_missing: false,
            file: None,
            note: is_replaced.then_some(Note::ReplacementCharacter),
        }
    }

    fn parsed(value: ValueView<'_>) -> Self {
        Self {
            bytes: compact(value.spelling()),
            is_parsed: true,
            is_missing: false,
            file: None,
            note: Some(Note::ParsedBody),
        }
    }
}

/// Members of an object around a body, as Postman, HAR, Charles, MockServer and Envoy write it.
const WRAPPERS: &[&str] = &[
    "text",
    "encoded",
    "content",
    "data",
    "raw",
    "base64",
    "base64bytes",
    "rawbytes",
    "asbytes",
    "asstring",
    "string",
    "body",
    "encoding",
    "mimetype",
    "contenttype",
    "mode",
    "charset",
    "size",
    "params",
    "options",
    "type",
    "comment",
    "file",
    "sha1",
    "action",
    "truncated",
    "inputtruncated",
    "formdata",
    "form",
    "files",
    "urlencoded",
    "graphql",
    "disabled",
];
/// Those of them that are the body.
const WRAPPED: &[&str] = &[
    "rawbytes",
    "base64bytes",
    "asbytes",
    "text",
    "encoded",
    "base64",
    "asstring",
    "string",
    "raw",
    "body",
    "content",
    "data",
];
/// Those of them that are base64.
const ENCODED: &[&str] = &["encoded", "base64", "base64bytes", "rawbytes", "asbytes"];
/// Members that only an object around a body has.
const MARKS: &[&str] =
    &["mode", "mimetype", "contenttype", "encoding", "params", "charset", "truncated", "asbytes", "asstring"];

/// Reads the first body that is not empty. `None`: there is none at all.
pub(super) fn read(bodies: &[BodyMember<'_>], is_base64: bool) -> Option<JsonBody> {
    let mut empty = None;
    for body in bodies {
        match read_value(body.value, is_base64 || body.is_base64) {
            Some(read) if read.bytes.is_empty() && !read.is_missing && read.file.is_none() => {
                empty = empty.or(Some(read))
            }
            Some(read) => return Some(read),
            None => {}
        }
    }
    empty
}

/// Checks whether the body of a message in a queue is base64 of JSON, as Pub/Sub sends it.
pub(super) fn is_encoded_message(bodies: &[BodyMember<'_>]) -> bool {
    let Some(text) = bodies.first().and_then(|body| body.value.bytes()) else { return false };
    decode_base64(&text).is_some_and(|decoded| decoded.trim_ascii_start().first() == Some(&b'{'))
}

fn read_value(value: ValueView<'_>, is_base64: bool) -> Option<JsonBody> {
    match value.kind() {
        TokenKind::String if is_base64 => Some(match decode_base64(&value.bytes()?) {
            Some(bytes) => JsonBody::exact(bytes),
            None => JsonBody { note: Some(Note::NotBase64), ..JsonBody::exact(text_bytes(&value.bytes()?)) },
        }),
        TokenKind::String => Some(JsonBody::exact(text_bytes(&value.bytes()?))),
        TokenKind::OpenObject => read_object(value, is_base64),
        TokenKind::OpenArray => Some(match byte_list(value.elements()) {
            Some(bytes) if !bytes.is_empty() => JsonBody::exact(bytes),
            _ => JsonBody::parsed(value),
        }),
        TokenKind::Number | TokenKind::True | TokenKind::False => Some(JsonBody::parsed(value)),
        _ => None,
    }
}

/// Reads a Node.js buffer, a typed array, an object around the body, or the parsed body itself.
fn read_object(object: ValueView<'_>, is_base64: bool) -> Option<JsonBody> {
    let kind = object.get("type").and_then(ValueView::text);
    if let (Some("Buffer"), Some(data)) = (kind.as_deref(), object.get("data")) {
        let bytes = byte_list(data.elements()).filter(|_| data.is_list());
        return bytes.or_else(|| decode_base64(&data.bytes()?)).map(JsonBody::exact);
    }
    let mut names = object.members().map(|(name, _)| name);
    if names.next().is_some_and(|name| name == "0") {
        let is_numbered = (1..).zip(names).all(|(number, name)| name == number.to_string());
        if let (true, Some(bytes)) = (is_numbered, byte_list(object.members().map(|(_, value)| value))) {
            return Some(JsonBody::exact(bytes));
        }
    }
    let members: Vec<_> = object.members().map(|(name, value)| (normalized(&name), value)).collect();
    let has = |names: &[&str]| members.iter().any(|(name, _)| names.contains(&name.as_str()));
    let is_wrapper = !members.is_empty() && members.iter().all(|(name, _)| WRAPPERS.contains(&name.as_str()));
    let is_text = |(name, value): &(String, ValueView<'_>)| {
        WRAPPED.contains(&name.as_str()) && (value.kind() == TokenKind::String || name == "text")
    };
    let is_marked = has(MARKS) || (has(&["type"]) && has(&["raw", "string", "rawbytes", "base64bytes"]));
    if !is_wrapper || !(is_marked || (members.len() == 1 && members.iter().any(is_text))) {
        return Some(JsonBody::parsed(object));
    }
    let says_base64 = |name: &str, value: ValueView<'_>| {
        name == "encoding" && value.text().is_some_and(|text| text.eq_ignore_ascii_case("base64"))
    };
    let is_base64 = is_base64 || members.iter().any(|(name, value)| says_base64(name, *value));
    let is_missing = members.iter().any(|(name, value)| name == "params" && value.elements().next().is_some());
    let file = members.iter().find(|(name, _)| name == "file").and_then(|(_, value)| value.text());
    let empty = JsonBody { bytes: Vec::new(), is_parsed: false, is_missing, file, note: None };
    let text = WRAPPED.iter().find_map(|wanted| {
        let (name, value) = members.iter().find(|(name, value)| name == wanted && value.kind() == TokenKind::String)?;
        read_value(*value, is_base64 || ENCODED.contains(&name.as_str()))
    });
    text.filter(|text| !text.bytes.is_empty()).or(Some(empty))
}

/// Reads numbers from 0 to 255. `None`: there is another value among them.
fn byte_list<'d>(values: impl Iterator<Item = ValueView<'d>>) -> Option<Vec<u8>> {
    values.map(|value| value.spelling().parse::<u8>().ok().filter(|_| value.kind() == TokenKind::Number)).collect()
}

/// Decodes base64 or base64url, with or without padding; line breaks are ignored.
pub(in crate::capture) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let alphabet = if text.iter().any(|byte| matches!(byte, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, CONFIG).decode(text).ok()
}

/// Returns the bytes of a decoded string. Python writes a byte that is not UTF-8 as `\udc80` to
/// `\udcff`; another lone surrogate becomes U+FFFD, as Node.js sends it.
pub(super) fn text_bytes(decoded: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(decoded.len());
    let mut rest = decoded;
    while let Some(at) = memchr::memchr(0xed, rest) {
        let (plain, tail) = rest.split_at(at);
        bytes.extend_from_slice(plain);
        rest = match tail {
            [0xed, 0xb2, low, after @ ..] => {
                bytes.push(*low);
                after
            }
            [0xed, 0xb3, low, after @ ..] => {
                bytes.push(low | 0x40);
                after
            }
            [0xed, 0xa0..=0xff, _, after @ ..] => {
                bytes.extend_from_slice("\u{fffd}".as_bytes());
                after
            }
            [first, after @ ..] => {
                bytes.push(*first);
                after
            }
            [] => tail,
        };
    }
    bytes.extend_from_slice(rest);
    bytes
}
