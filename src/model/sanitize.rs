//! Strangers' text made harmless: what could move the cursor, hide letters or turn their order is shown, not sent.

use crate::model::width::beginning;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with control, escape, bidi and zero-width characters written as `\u{…}`. Line breaks and tabs count as controls.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_harmful(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// A text made harmless from bytes: what is not UTF-8 is shown as `\xff`.
pub fn harmless_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&harmless(chunk.valid()));
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("writing to a String does not fail");
        }
    }
    shown
}

/// A text as one line of at most `width` columns, made harmless; an ellipsis stands for what is cut off, and its line breaks are shown, not taken for its end.
pub fn cut(text: &str, width: usize) -> String {
    let shown = harmless(text);
    match beginning(&shown, width) {
        Some(beginning) => format!("{beginning}…"),
        None => shown.into_owned(),
    }
}

/// One line of at most `width` columns, made harmless; an ellipsis stands for what is cut off.
pub fn one_line(bytes: &[u8], width: usize) -> String {
    let line = bytes.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let shown = harmless_bytes(line.trim_ascii());
    match beginning(&shown, width) {
        Some(beginning) => format!("{beginning}…"),
        None => shown,
    }
}

/// Controls (C0, DEL, C1), line and paragraph separators, bidi marks and embeddings, zero-width and invisible characters, tags.
pub fn is_harmful(letter: char) -> bool {
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
        assert_eq!(harmless("\x1b[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(harmless("a\u{202e}b\u{200b}c\u{9b}d\u{feff}"), "a\\u{202e}b\\u{200b}c\\u{9b}d\\u{feff}");
        assert_eq!(harmless("a\r\n\tb"), "a\\u{d}\\u{a}\\u{9}b");
    }

    #[test]
    fn plain_text_of_any_language_is_left_alone() {
        for text in ["José… 1,00 €", "日本語", "🙂", "a-b_c"] {
            assert!(matches!(harmless(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_shown_as_numbers() {
        assert_eq!(harmless_bytes(b"caf\xe9 \xe2\x80\xa6"), "caf\\xe9 …");
    }

    #[test]
    fn a_line_is_cut_at_its_width() {
        assert_eq!(one_line(b"\n\n  hello world\nmore", 5), "hello…");
        assert_eq!(one_line(b"", 5), "");
        assert_eq!(cut("王小明", 5), "王小…", "a wide letter takes two columns");
    }
}
