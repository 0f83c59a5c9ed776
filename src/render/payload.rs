//! Shows a payload to people: JSON indented and colored, other text line by line, binary data as a
//! dump.
//!
//! Strings and numbers keep their spelling. Secrets are masked unless `--reveal` is given.

use super::paint::Paint;
use crate::json::{self, Document, TokenKind, Tokens};
use crate::model::content_encoding::unread_compression;
use crate::model::mask::{
    self, Audience, MASK, Reveal, is_credential_header, is_sensitive_name, mask_secrets, mask_text,
};
use crate::model::sanitize::{escape_unsafe, escape_unsafe_bytes};
use std::borrow::Cow;
use std::ops::Range;

const MAX_LINES: usize = 120;
const MAX_VALUE_CHARS: usize = 1_000;
const MAX_DUMP_BYTES: usize = 64;

/// Formats a payload. Each line starts with `indent` and ends with a newline.
pub fn lines(body: &[u8], indent: &str, paint: Paint, reveal: Reveal) -> String {
    let text = match (Document::parse(body), std::str::from_utf8(body)) {
        _ if body.is_empty() => paint.faint("(empty)"),
        (Ok(document), _) => show_json(&document, paint, reveal),
        (Err(_), Ok(text)) if !text.contains('\0') => show_text(text, reveal),
        _ => show_binary(body, reveal),
    };
    let total = text.lines().count();
    let mut shown: String = text.lines().take(MAX_LINES).flat_map(|line| [indent, line, "\n"]).collect();
    if total > MAX_LINES {
        shown.push_str(&format!("{indent}{}\n", paint.faint(&format!("… {} more lines", total - MAX_LINES))));
    }
    shown
}

fn show_json(document: &Document<'_>, paint: Paint, reveal: Reveal) -> String {
    let mut text = String::new();
    for JsonPiece { kind, text: piece, is_masked } in json_pieces(document, reveal) {
        match kind {
            TokenKind::Key => text.push_str(&paint.name(&piece)),
            TokenKind::String | TokenKind::Number if is_masked => text.push_str(&paint.warn(&piece)),
            TokenKind::String => text.push_str(&paint.good(&piece)),
            TokenKind::Number => text.push_str(&paint.number(&piece)),
            TokenKind::True | TokenKind::False | TokenKind::Null => text.push_str(&paint.warn(&piece)),
            _ => text.push_str(&piece),
        }
    }
    text
}

/// A token of an indented JSON document, as people see it: masked, escaped and shortened.
pub struct JsonPiece<'a> {
    pub kind: TokenKind,
    pub text: Cow<'a, str>,
    pub is_masked: bool,
}

/// Lays out a JSON document for people. Each newline with its indentation is a `TokenKind::Space`.
pub fn json_pieces<'a>(document: &Document<'a>, reveal: Reveal) -> impl Iterator<Item = JsonPiece<'a>> {
    let mut masker = JsonMasker::new(Audience::Team);
    json::indented(document).map(move |(kind, text)| {
        let masked = masker.mask(kind, text).filter(|_| reveal == Reveal::Masked);
        let is_masked = masked.is_some();
        let text = match kind {
            TokenKind::Key | TokenKind::String | TokenKind::Number => {
                Cow::Owned(shortened(masked.as_deref().unwrap_or(text)))
            }
            _ => Cow::Borrowed(text),
        };
        JsonPiece { kind, text, is_masked }
    })
}

/// Layers of JSON inside strings that are read; deeper ones are masked whole.
const MAX_NESTING: usize = 8;

/// Follows the tokens of a JSON document and masks the sensitive ones.
pub(super) struct JsonMasker {
    audience: Audience,
    /// The last key is sensitive. `false` after a bracket.
    is_key_sensitive: bool,
    depth: usize,
    /// The depth of the object whose member has a sensitive name: everything below that member is
    /// sensitive too.
    hidden_from: Option<usize>,
    /// Strings around this document.
    nesting: usize,
}

impl JsonMasker {
    pub(super) fn new(audience: Audience) -> Self {
        Self { audience, is_key_sensitive: false, depth: 0, hidden_from: None, nesting: 0 }
    }

    /// Takes the next token. Returns its masked form, as JSON except for `***` in place of a number.
    /// `None`: it is not sensitive.
    pub(super) fn mask(&mut self, kind: TokenKind, text: &str) -> Option<String> {
        let is_hidden = self.hidden_from.is_some() || self.is_key_sensitive;
        match kind {
            TokenKind::Key => {
                let key = decode(text);
                self.is_key_sensitive = is_sensitive_name(&key, self.audience);
                let masked = mask_text(&key, self.audience);
                return (masked != key).then(|| encode(&masked));
            }
            TokenKind::OpenObject | TokenKind::OpenArray => {
                self.hidden_from = self.hidden_from.or(is_hidden.then_some(self.depth));
                self.depth += 1;
                self.is_key_sensitive = false;
            }
            TokenKind::CloseObject | TokenKind::CloseArray => {
                self.depth = self.depth.saturating_sub(1);
                self.hidden_from = self.hidden_from.filter(|from| *from < self.depth);
                self.is_key_sensitive = false;
            }
            TokenKind::String if is_hidden => return (text != "\"\"").then(|| encode(MASK)),
            TokenKind::String => {
                let decoded = decode(text);
                return self.mask_string(&decoded).map(|masked| encode(&masked));
            }
            TokenKind::Number => return (is_hidden || mask::is_phone_number(text)).then(|| MASK.to_owned()),
            _ => {}
        }
        None
    }

    /// Masks a decoded string, which may be JSON again. `None`: nothing in it is sensitive.
    fn mask_string(&self, text: &str) -> Option<String> {
        let is_json = text.trim_start().starts_with(['{', '[', '"']) && Document::parse(text.as_bytes()).is_ok();
        match is_json {
            true if self.nesting >= MAX_NESTING => Some(MASK.to_owned()),
            true => mask_document(text, Self { nesting: self.nesting + 1, ..Self::new(self.audience) }),
            false => Some(mask_text(text, self.audience)).filter(|masked| masked != text),
        }
    }
}

fn decode(string: &str) -> String {
    // A lone surrogate has no text: the escapes stay.
    serde_json::from_str(string).unwrap_or_else(|_| string.trim_matches('"').to_owned())
}

fn encode(text: &str) -> String {
    let mut json = Vec::with_capacity(text.len() + 2);
    json::text::write_string(text, &mut json);
    String::from_utf8(json).unwrap_or_default()
}

/// Masks a JSON text and keeps the spelling of the rest. `None`: nothing in it is sensitive.
fn mask_document(json: &str, mut masker: JsonMasker) -> Option<String> {
    let (mut masked, mut from) = (String::with_capacity(json.len()), 0);
    for token in Tokens::new(json.as_bytes()).map_while(Result::ok) {
        let text = json.get(token.start..token.end).unwrap_or_default();
        if let Some(replacement) = masker.mask(token.kind, text) {
            masked.push_str(json.get(from..token.start).unwrap_or_default());
            masked.push_str(&replacement);
            from = token.end;
        }
    }
    masked.push_str(json.get(from..).unwrap_or_default());
    (masked != json).then_some(masked)
}

/// Masks a body of text for these readers: JSON by its names, other text by its words. `None`: the
/// body is not UTF-8.
pub fn mask_body(body: &[u8], audience: Audience) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    Some(match Document::parse(body) {
        Ok(_) => mask_document(text, JsonMasker::new(audience)).unwrap_or_else(|| text.to_owned()),
        Err(_) => mask_text(text, audience),
    })
}

fn show_text(text: &str, reveal: Reveal) -> String {
    let masked = if reveal == Reveal::Masked { mask_secrets(text) } else { text.to_owned() };
    masked.lines().map(|line| shortened(line) + "\n").collect()
}

/// Escapes a text and cuts it if it is long.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}… ({} bytes)", escape_unsafe(&text[..end]), text.len()),
        None => escape_unsafe(text).into_owned(),
    }
}

/// Formats a line of text that is not JSON: masked, cut and escaped.
pub fn text_line(line: &str, reveal: Reveal) -> String {
    match reveal {
        Reveal::Masked => shortened(&mask_secrets(line)),
        Reveal::Everything => shortened(line),
    }
}

/// Finds the byte ranges of what is masked in a body, in order. In JSON they are whole tokens.
pub fn sensitive_ranges(body: &[u8]) -> Vec<Range<usize>> {
    if Document::parse(body).is_ok() {
        return sensitive_tokens(body, Audience::Team);
    }
    let (mut found, mut at) = (Vec::new(), 0);
    for chunk in body.utf8_chunks() {
        let ranges = mask::sensitive_ranges(chunk.valid(), Audience::Team);
        found.extend(ranges.into_iter().map(|range| range.start + at..range.end + at));
        at += chunk.valid().len() + chunk.invalid().len();
    }
    found
}

fn sensitive_tokens(json: &[u8], audience: Audience) -> Vec<Range<usize>> {
    let mut masker = JsonMasker::new(audience);
    let tokens = Tokens::new(json).map_while(Result::ok).filter(|token| {
        let text = json.get(token.start..token.end).and_then(|bytes| std::str::from_utf8(bytes).ok());
        masker.mask(token.kind, text.unwrap_or_default()).is_some()
    });
    tokens.map(|token| token.start..token.end).collect()
}

/// Returns the values below sensitive names in a JSON body, decoded. They must not appear elsewhere
/// either, such as in a reference.
pub fn sensitive_values(body: &[u8], audience: Audience) -> Vec<String> {
    let value = |range: Range<usize>| body.get(range).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(decode);
    sensitive_tokens(body, audience).into_iter().filter_map(value).collect()
}

/// Formats a JSON value at `path`: masked and escaped.
pub fn value(path: &str, json: &str, reveal: Reveal) -> String {
    if reveal == Reveal::Everything {
        return escape_unsafe(json).into_owned();
    }
    // Everything below a sensitive name is sensitive.
    let is_hidden = path.split(['.', '[', ']']).any(|name| is_sensitive_name(name, Audience::Team));
    let masked = if is_hidden { Some(MASK.to_owned()) } else { mask_document(json, JsonMasker::new(Audience::Team)) };
    escape_unsafe(masked.as_deref().unwrap_or(json)).into_owned()
}

/// Formats a header line: credentials masked, unsafe characters escaped.
pub fn header(name: &str, value: &[u8], paint: Paint, reveal: Reveal) -> String {
    let value = match reveal {
        Reveal::Masked => escape_unsafe(&masked_header(name, value, Audience::Team)).into_owned(),
        Reveal::Everything => escape_unsafe_bytes(value),
    };
    format!("{}: {}", paint.name(name), shortened(&value))
}

/// Masks the value of a header; bytes that are not UTF-8 become `\xff`.
pub fn masked_header(name: &str, value: &[u8], audience: Audience) -> String {
    let text = std::str::from_utf8(value).map_or_else(|_| escape_unsafe_bytes(value), str::to_owned);
    if is_credential_header(name) || is_sensitive_name(name, audience) {
        return MASK.to_owned();
    }
    JsonMasker::new(audience).mask_string(&text).unwrap_or(text)
}

fn show_binary(body: &[u8], reveal: Reveal) -> String {
    let content = unread_compression(body)
        .map_or_else(|| "of binary data".to_owned(), |compression| format!("compressed with {compression}"));
    if reveal == Reveal::Masked {
        return format!("({} bytes {content}; use --reveal to show the first {MAX_DUMP_BYTES})", body.len());
    }
    let start: Vec<_> = body.iter().take(MAX_DUMP_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let more = if body.len() > MAX_DUMP_BYTES { " …" } else { "" };
    let text = escape_unsafe_bytes(&body[..body.len().min(MAX_DUMP_BYTES)]);
    format!("({} bytes {content})\n{}{more}\n{text}{more}", body.len(), start.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &[u8], reveal: Reveal) -> String {
        lines(body, "  ", Paint::Plain, reveal)
    }

    #[test]
    fn json_is_indented_and_keeps_its_spelling() {
        let body = br#"{"a":1.0,"b":[],"a":"\u00e9"}"#;
        assert_eq!(shown(body, Reveal::Masked), "  {\n    \"a\": 1.0,\n    \"b\": [],\n    \"a\": \"\\u00e9\"\n  }\n");
    }

    #[test]
    fn tokens_and_keys_are_masked_unless_revealed() {
        let body = br#"{"token":"1234-5678","note":"key sk_live_abc","pin":1234}"#;
        let masked = shown(body, Reveal::Masked);
        let nested = shown(br#"{"to\u006ben":{"value":["1234"]},"meterToken":1234,"after":"seen"}"#, Reveal::Masked);
        assert!(!nested.contains("1234") && nested.contains("seen"), "{nested}");
        assert!(!masked.contains("1234") && !masked.contains("sk_live"), "{masked}");
        let all = shown(body, Reveal::Everything);
        assert!(all.contains("1234-5678") && all.contains("sk_live_abc"), "{all}");
    }

    #[test]
    fn everything_below_the_name_of_a_secret_is_masked_and_nothing_after_it() {
        let masked = shown(br#"{"token":{"a":[1],"b":"1234-5678"}}"#, Reveal::Masked);
        assert!(!masked.contains("1234"), "{masked}");
        let next = shown(br#"[{"token":"1234"},{"a":"seen"},"too"]"#, Reveal::Masked);
        assert!(!next.contains("1234") && next.contains("seen") && next.contains("too"), "{next}");
    }

    #[test]
    fn the_ranges_of_secrets_are_those_that_are_masked() {
        let body = br#"{"to\u006ben":{"value":["1234",5]},"meterToken":6,"note":"key sk_live_abc","after":"seen"}"#;
        let secrets: Vec<_> = sensitive_ranges(body).into_iter().map(|range| &body[range]).collect();
        assert_eq!(secrets, [&b"\"1234\""[..], b"5", b"6", b"\"key sk_live_abc\""]);
    }

    #[test]
    fn text_that_is_not_json_is_masked_too() {
        let masked = shown(b"{\"token\": \"1234-5678\", broken&token=99&a=whsec_abc", Reveal::Masked);
        assert_eq!(masked, "  {\"token\": \"***\", broken&token=***&a=***\n");
        assert_eq!(shown(b"token: 1234 5678 9012", Reveal::Masked), "  token: ***\n");
        assert!(!shown(b"\xff\"token\":\"1234\"", Reveal::Masked).contains("1234"));
    }

    #[test]
    fn control_characters_in_a_payload_are_escaped() {
        for body in [&b"\"\x1b[2J\""[..], b"\x1b[2J\n\x1b]0;x\x07", b"\x00\x1b[2J", "\"\u{202e}\"".as_bytes()] {
            let text = shown(body, Reveal::Everything);
            assert!(!text.contains('\x1b') && !text.contains('\u{202e}') && !text.contains('\x07'), "{text:?}");
        }
    }

    #[test]
    fn long_payloads_are_cut_and_the_remaining_lines_counted() {
        let body = vec![b'\n'; 500];
        let text = shown(&body, Reveal::Masked);
        assert_eq!(text.lines().count(), MAX_LINES + 1);
        assert!(text.ends_with("… 380 more lines\n"), "{text}");
    }
}
