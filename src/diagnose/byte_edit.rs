//! Names an edit of one byte by what it means: form decoding, whitespace, a NUL, a number that was
//! formatted again, or a letter or digit that somebody changed.

use super::cause::{Cause, CauseKind};
use super::kinds::body as kinds;
use crate::json::{TokenKind, Tokens};

/// One byte that differs between the signed body and the received one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteEdit {
    pub offset: usize,
    /// `None`: the byte was added after signing.
    pub signed: Option<u8>,
    /// `None`: the byte was lost.
    pub here: Option<u8>,
}

/// The part of a JSON text that an offset is in.
struct JsonPlace {
    /// The innermost name before it.
    name: String,
    kind: TokenKind,
    text: String,
}

impl ByteEdit {
    /// Names the edit that made `body` of the signed body.
    pub(super) fn cause(&self, body: &[u8]) -> Cause {
        let signed = self.undo(body);
        let place = find_place(&signed, self.offset);
        let is_value = |place: &JsonPlace| matches!(place.kind, TokenKind::String | TokenKind::Number);
        let value = place.as_ref().filter(|place| is_value(place));
        let name = value.map(|place| format!(", in `{}`", place.name)).unwrap_or_default();
        let byte = |byte: Option<u8>| byte.map(format_byte).unwrap_or_default();
        let cause = |kind: &'static CauseKind| {
            let cause = Cause::new(kind).with("offset", self.offset.to_string()).with("place", name.clone());
            cause.with("signed", byte(self.signed)).with("here", byte(self.here))
        };
        let is_space = |byte: u8| byte.is_ascii_whitespace();
        match (self.signed, self.here) {
            (Some(b'+'), Some(b' ')) => {
                let what = format!("the body with a `+` for the blank at offset {}{name}", self.offset);
                Cause::new(&kinds::FORM_DECODED).with("what", what)
            }
            (None, Some(0)) => Cause::new(&kinds::NUL_ADDED),
            (Some(b'0'), None) if place.as_ref().is_some_and(JsonPlace::is_decimal) => cause(&kinds::ZERO_LOST),
            (Some(_), None) if self.offset == body.len() => cause(&kinds::LAST_BYTE_LOST),
            (signed, here) if signed.or(here).is_some_and(is_space) && here.or(signed).is_some_and(is_space) => {
                cause(&kinds::SPACE_CHANGED).with("what", self.describe_spaces())
            }
            (Some(signed), Some(here)) if signed.eq_ignore_ascii_case(&here) => cause(&kinds::CASE_CHANGED),
            (signed, here) => {
                let is_word = |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
                let is_tampering = value.is_some() && signed.into_iter().chain(here).any(is_word);
                cause(match (signed, here, is_tampering) {
                    (Some(_), Some(_), true) => &kinds::BYTE_CHANGED,
                    (Some(_), None, true) => &kinds::BYTE_LOST,
                    (None, _, true) => &kinds::BYTE_ADDED,
                    (Some(_), Some(_), false) => &kinds::MARK_CHANGED,
                    (Some(_), None, false) => &kinds::MARK_LOST,
                    (None, _, false) => &kinds::MARK_ADDED,
                })
            }
        }
    }

    fn describe_spaces(&self) -> String {
        let name = |byte: u8| match byte {
            b' ' => "a blank",
            b'\t' => "a tab",
            b'\n' => "a newline",
            b'\r' => "a carriage return",
            _ => "a form feed",
        };
        match (self.signed.map(name), self.here.map(name)) {
            (Some(signed), Some(here)) => format!("{signed} became {here}"),
            (Some(signed), None) => format!("{signed} was lost"),
            (None, here) => format!("{} was added", here.unwrap_or_default()),
        }
    }

    fn undo(&self, body: &[u8]) -> Vec<u8> {
        let (before, after) = body.split_at_checked(self.offset).unwrap_or((body, &[]));
        let after = if self.here.is_some() { after.get(1..).unwrap_or_default() } else { after };
        [before, self.signed.as_slice(), after].concat()
    }
}

/// Finds the token at an offset, or the value that ends there.
fn find_place(text: &[u8], offset: usize) -> Option<JsonPlace> {
    let mut name = String::new();
    let mut tokens = Tokens::new(text);
    while let Some(Ok(token)) = tokens.next() {
        let raw = String::from_utf8_lossy(&text[token.start..token.end]).into_owned();
        let is_number_before = token.kind == TokenKind::Number && token.end == offset;
        if token.end > offset || is_number_before {
            return (!name.is_empty()).then_some(JsonPlace { name, kind: token.kind, text: raw });
        }
        if token.kind == TokenKind::Key {
            name = raw.trim_matches('"').to_owned();
        }
    }
    None
}

impl JsonPlace {
    /// Returns true for a number with a fraction, in quotes or not.
    fn is_decimal(&self) -> bool {
        let text = self.text.trim_matches('"');
        text.contains('.') && text.parse::<f64>().is_ok()
    }
}

/// Formats a byte as its character, if it has one, and its number.
fn format_byte(byte: u8) -> String {
    if byte.is_ascii_graphic() { format!("`{}` (0x{byte:02x})", char::from(byte)) } else { format!("0x{byte:02x}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns code, sentence and fix for the edit that made `here` of `signed`.
    fn words(signed: &str, here: &str) -> (&'static str, String, String) {
        let edit = super::super::compare::single_byte(signed.as_bytes(), here.as_bytes()).unwrap();
        let cause = edit.cause(here.as_bytes());
        (cause.code(), cause.sentence(), cause.fix())
    }

    const BODY: &str = r#"{"id":"evt_1","amount":2.50,"phone":"+238","note":"a b"}"#;

    #[test]
    fn a_byte_is_shown_as_character_and_number() {
        assert_eq!((format_byte(b'7'), format_byte(b'\n')), ("`7` (0x37)".to_owned(), "0x0a".to_owned()));
    }

    #[test]
    fn letters_and_digits_in_values_are_not_to_be_trusted() {
        for (from, to, code, sentence) in [
            (
                "evt_1",
                "evt_2",
                "body_byte_changed",
                "at offset 11 the signed body has `1` (0x31), this one `2` (0x32), in `id`",
            ),
            (
                "2.50",
                "2.550",
                "body_byte_added",
                "one byte was added: `5` (0x35) at offset 26 was not signed, in `amount`",
            ),
            (
                "238",
                "23",
                "body_byte_lost",
                "one byte is missing: the signed body has `8` (0x38) at offset 40, in `phone`",
            ),
        ] {
            let (found, words, fix) = words(BODY, &BODY.replacen(from, to, 1));
            assert!(found == code && words.contains(sentence), "{found}: {words}");
            assert!(fix.contains("do not trust it"), "{fix}");
        }
    }

    #[test]
    fn other_edits_are_named_by_what_they_mean() {
        for (from, to, code, sentence) in [
            (
                "+238",
                " 238",
                "body_form_decoded",
                "form decoding changed the body: the signature is for the body with a `+` for the blank at offset 37, in `phone`",
            ),
            (
                "2.50",
                "2.5",
                "body_number",
                "a number was formatted again: the signed one has another `0` (0x30) at its end, in `amount`",
            ),
            ("a b", "a\tb", "body_spaces", "a blank became a tab at offset 52, in `note`"),
            ("a b", "ab", "body_spaces", "a blank was lost at offset 52, in `note`"),
            (
                "evt",
                "Evt",
                "body_case",
                "the case of a letter was changed: the signed body has `e` (0x65) at offset 7, this one `E` (0x45), in `id`",
            ),
            ("\"a b\"}", "\"a b\"", "body_cut", "the last byte of the signed body, `}` (0x7d), is missing here"),
            (
                "\"id\":",
                "\"id\";",
                "body_byte_changed",
                "a byte that is no letter or digit of a value was changed: at offset 5 the signed body has `:` (0x3a), this one `;` (0x3b)",
            ),
        ] {
            let (found, words, fix) = words(BODY, &BODY.replacen(from, to, 1));
            assert_eq!((found, words.as_str()), (code, sentence));
            assert!(code == "body_case" || !fix.contains("do not trust"), "{fix}");
        }
        assert_eq!(words("{}", "{}\0").0, "body_nul_added");
    }
}
