//! Strangers' text made harmless: what could move the cursor, hide letters or turn their order is shown, not sent.

use crate::model::width::fitting_prefix;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with control, escape, bidi and zero-width characters written as `\u{…}`. Line breaks and tabs count as controls.
pub fn escape_unsafe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if needs_escape(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// A text made harmless from bytes: what is not UTF-8 is shown as `\xff`.
pub fn escape_unsafe_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&escape_unsafe(chunk.valid()));
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("writing to a String does not fail");
        }
    }
    shown
}

/// A text as one line of at most `width` columns, made harmless; an ellipsis stands for what is cut off, and its line breaks are shown, not taken for its end.
pub fn truncate(text: &str, width: usize) -> String {
    let shown = escape_unsafe(text);
    match fitting_prefix(&shown, width) {
        Some(prefix) => format!("{prefix}…"),
        None => shown.into_owned(),
    }
}

/// One line of at most `width` columns, made harmless; an ellipsis stands for what is cut off.
pub fn first_line(bytes: &[u8], width: usize) -> String {
    let line = bytes.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let shown = escape_unsafe_bytes(line.trim_ascii());
    match fitting_prefix(&shown, width) {
        Some(prefix) => format!("{prefix}…"),
        None => shown,
    }
}

/// Controls (C0, DEL, C1), line and paragraph separators, bidi marks and embeddings, zero-width and invisible characters, tags.
pub fn needs_escape(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_hides_or_turns_is_shown() {
        assert_eq!(escape_unsafe("\x1b[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(escape_unsafe("a\u{202e}b\u{200b}c\u{9b}d\u{feff}"), "a\\u{202e}b\\u{200b}c\\u{9b}d\\u{feff}");
        assert_eq!(escape_unsafe("a\r\n\tb"), "a\\u{d}\\u{a}\\u{9}b");
    }

    #[test]
    fn plain_text_of_any_language_is_left_alone() {
        for text in ["José… 1,00 €", "日本語", "🙂", "a-b_c"] {
            assert!(matches!(escape_unsafe(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_shown_as_numbers() {
        assert_eq!(escape_unsafe_bytes(b"caf\xe9 \xe2\x80\xa6"), "caf\\xe9 …");
    }

    #[test]
    fn a_line_is_cut_at_its_width() {
        assert_eq!(first_line(b"\n\n  hello world\nmore", 5), "hello…");
        assert_eq!(first_line(b"", 5), "");
        assert_eq!(truncate("王小明", 5), "王小…", "a wide letter takes two columns");
    }
}
