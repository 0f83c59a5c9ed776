//! Shows a payload to people: JSON indented and colored, other text line by line, binary data as a
//! dump.
//!
//! Strings and numbers keep their spelling. Secrets are masked unless `--reveal` is given.

use super::paint::Paint;
use crate::json::{self, Document, TokenKind, Tokens};
use crate::model::mask::{self, Reveal, contains_secret, is_credential_header, is_secret_name, mask_secrets};
use crate::model::sanitize::{escape_unsafe, escape_unsafe_bytes};
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
    let mut secrets = SecretTracker::default();
    for (kind, piece) in json::indented(document) {
        let hide = secrets.follow(kind, piece) && reveal == Reveal::Masked;
        match kind {
            TokenKind::Key => text.push_str(&paint.name(&shortened(piece))),
            TokenKind::String if hide => text.push_str(&paint.warn("\"***\"")),
            TokenKind::Number if hide => text.push_str(&paint.warn("***")),
            TokenKind::String => text.push_str(&paint.good(&shortened(piece))),
            TokenKind::Number => text.push_str(&paint.number(&shortened(piece))),
            TokenKind::True | TokenKind::False | TokenKind::Null => text.push_str(&paint.warn(piece)),
            _ => text.push_str(piece),
        }
    }
    text
}

/// Follows the tokens of a JSON document to find the values that are secret.
#[derive(Default)]
struct SecretTracker {
    /// The last key; empty after a bracket.
    key: String,
    depth: usize,
    /// The depth of the object whose member has a secret's name: everything below that member is
    /// secret too.
    hidden_from: Option<usize>,
}

impl SecretTracker {
    /// Takes the next token. Returns `true` if it is a string or number that is secret.
    fn follow(&mut self, kind: TokenKind, text: &str) -> bool {
        let is_below_name = self.hidden_from.is_some() || is_secret_name(&self.key);
        match kind {
            TokenKind::Key => self.key = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()),
            TokenKind::OpenObject | TokenKind::OpenArray => {
                self.hidden_from = self.hidden_from.or(is_below_name.then_some(self.depth));
                self.depth += 1;
                self.key.clear();
            }
            TokenKind::CloseObject | TokenKind::CloseArray => {
                self.depth = self.depth.saturating_sub(1);
                self.hidden_from = self.hidden_from.filter(|from| *from < self.depth);
                self.key.clear();
            }
            TokenKind::String => return is_below_name || contains_secret(text),
            TokenKind::Number => return is_below_name,
            _ => {}
        }
        false
    }
}

fn show_text(text: &str, reveal: Reveal) -> String {
    text.lines().map(|line| text_line(line, reveal) + "\n").collect()
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

/// Finds the byte ranges of the secrets in a body, in order.
pub fn secret_ranges(body: &[u8]) -> Vec<Range<usize>> {
    if Document::parse(body).is_ok() {
        return secret_values(body);
    }
    let (mut found, mut at) = (Vec::new(), 0);
    for chunk in body.utf8_chunks() {
        for line in chunk.valid().split_inclusive('\n') {
            found.extend(mask::secret_ranges(line).into_iter().map(|range| range.start + at..range.end + at));
            at += line.len();
        }
        at += chunk.invalid().len();
    }
    found
}

fn secret_values(json: &[u8]) -> Vec<Range<usize>> {
    let mut secrets = SecretTracker::default();
    let tokens = Tokens::new(json).filter_map(Result::ok).filter(|token| {
        let text = json.get(token.start..token.end).and_then(|bytes| std::str::from_utf8(bytes).ok());
        secrets.follow(token.kind, text.unwrap_or_default())
    });
    tokens.map(|token| token.start..token.end).collect()
}

/// Formats a JSON value below `key`: masked and escaped.
pub fn value(key: &str, json: &str, reveal: Reveal) -> String {
    if reveal == Reveal::Masked && (is_secret_name(key) || contains_secret(json)) {
        return "***".to_owned();
    }
    escape_unsafe(json).into_owned()
}

/// Formats a header line: credentials masked, unsafe characters escaped.
pub fn header(name: &str, value: &[u8], paint: Paint, reveal: Reveal) -> String {
    let value = match reveal {
        Reveal::Masked if is_credential_header(name) => "***".to_owned(),
        _ => std::str::from_utf8(value).map_or_else(|_| escape_unsafe_bytes(value), |text| text_line(text, reveal)),
    };
    format!("{}: {value}", paint.name(name))
}

fn show_binary(body: &[u8], reveal: Reveal) -> String {
    if reveal == Reveal::Masked {
        return format!("({} bytes of binary data; use --reveal to show the first {MAX_DUMP_BYTES})", body.len());
    }
    let start: Vec<_> = body.iter().take(MAX_DUMP_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let more = if body.len() > MAX_DUMP_BYTES { " …" } else { "" };
    let text = escape_unsafe_bytes(&body[..body.len().min(MAX_DUMP_BYTES)]);
    format!("({} bytes of binary data)\n{}{more}\n{text}{more}", body.len(), start.join(" "))
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
        let secrets: Vec<_> = secret_ranges(body).into_iter().map(|range| &body[range]).collect();
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
