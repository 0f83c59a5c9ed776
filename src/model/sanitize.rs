//! Escapes characters in untrusted text that could move the cursor, hide text or change its
//! direction.

use crate::model::width::fitting_prefix;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Writes control, bidi, zero-width and other invisible characters as `\u{…}`, newlines and tabs
/// included.
pub fn escape_unsafe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if needs_escape(character) {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Escapes bytes like [`escape_unsafe`]; invalid UTF-8 becomes `\xff`.
pub fn escape_unsafe_bytes(bytes: &[u8]) -> String {
    let mut escaped = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        escaped.push_str(&escape_unsafe(chunk.valid()));
        for byte in chunk.invalid() {
            write!(escaped, "\\x{byte:02x}").expect("writing to a String does not fail");
        }
    }
    escaped
}

/// Escapes a text and truncates it after `width` columns with an ellipsis. Newlines are escaped.
pub fn truncate(text: &str, width: usize) -> String {
    let escaped = escape_unsafe(text);
    match fitting_prefix(&escaped, width) {
        Some(prefix) => format!("{prefix}…"),
        None => escaped.into_owned(),
    }
}

/// Escapes the first line that is not blank and truncates it after `width` columns with an
/// ellipsis.
pub fn first_line(bytes: &[u8], width: usize) -> String {
    let line = bytes.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let escaped = escape_unsafe_bytes(line.trim_ascii());
    match fitting_prefix(&escaped, width) {
        Some(prefix) => format!("{prefix}…"),
        None => escaped,
    }
}

/// Checks for controls (C0, DEL, C1), line and paragraph separators, bidi marks, embeddings and
/// isolates, zero-width and invisible characters, and tags.
pub fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_bidi_and_invisible_characters_are_escaped() {
        assert_eq!(escape_unsafe("\x1b[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(escape_unsafe("a\u{202e}b\u{200b}c\u{9b}d\u{feff}"), "a\\u{202e}b\\u{200b}c\\u{9b}d\\u{feff}");
        assert_eq!(escape_unsafe("a\r\n\tb"), "a\\u{d}\\u{a}\\u{9}b");
    }

    #[test]
    fn every_range_of_unsafe_characters_is_escaped_up_to_its_ends() {
        let ranges = [
            ('\0', '\x1f'),
            ('\x7f', '\u{9f}'),
            ('\u{200b}', '\u{200f}'),
            ('\u{2028}', '\u{202e}'),
            ('\u{2060}', '\u{206f}'),
            ('\u{fff9}', '\u{fffb}'),
            ('\u{e0000}', '\u{e0fff}'),
        ];
        for (first, last) in ranges {
            assert!((first..=last).all(needs_escape), "{first:?}..={last:?}");
        }
    }

    #[test]
    fn text_of_any_language_is_unchanged() {
        for text in ["José… 1,00 €", "日本語", "🙂", "a-b_c"] {
            assert!(matches!(escape_unsafe(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn invalid_utf_8_is_shown_in_hex() {
        assert_eq!(escape_unsafe_bytes(b"caf\xe9 \xe2\x80\xa6"), "caf\\xe9 …");
    }

    #[test]
    fn a_line_is_truncated_at_its_width() {
        assert_eq!(first_line(b"\n\n  hello world\nmore", 5), "hello…");
        assert_eq!(first_line(b"", 5), "");
        assert_eq!(truncate("王小明", 5), "王小…", "a wide character takes two columns");
    }
}
