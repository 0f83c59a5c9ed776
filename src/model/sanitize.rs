//! Escapes characters in untrusted text that could move the cursor, hide text or change its
//! direction.

use crate::model::width::fitting_prefix;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Writes control, bidi, zero-width and other invisible characters as `\u{…}`, newlines and tabs
/// included. Joiners stay between letters of scripts that need them.
pub fn escape_unsafe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut letters = text.chars().peekable();
    let mut before = None;
    while let Some(character) = letters.next() {
        let joins = matches!(character, ZERO_WIDTH_NON_JOINER | ZERO_WIDTH_JOINER)
            && before.is_some_and(uses_joiners)
            && letters.peek().is_some_and(|&next| uses_joiners(next));
        if needs_escape(character) && !joins {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
        before = Some(character);
    }
    Cow::Owned(escaped)
}

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// Checks for letters and marks of Arabic, the scripts of India, Myanmar and Khmer, whose spelling
/// needs joiners and non-joiners.
fn uses_joiners(character: char) -> bool {
    matches!(character,
        '\u{620}'..='\u{6d3}' | '\u{6fa}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8c9}'
        | '\u{900}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{17d3}')
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

/// Checks for characters that act on a terminal or cannot be seen: controls (C0, DEL, C1); line and
/// paragraph separators; bidi marks, embeddings and isolates; and everything that Unicode draws with
/// no ink: Default_Ignorable_Code_Point of Unicode 16 (zero-width characters, variation selectors,
/// fillers, tags), annotation and hieroglyph controls, the braille blank, the null notehead; and
/// noncharacters, which have no meaning between programs.
///
/// Visible format characters such as Arabic number signs are none of them, and neither are spaces.
pub fn needs_escape(character: char) -> bool {
    character.is_control()
        || u32::from(character) & 0xfffe == 0xfffe
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{13440}'
            | '\u{16fe4}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_bidi_and_invisible_characters_are_escaped() {
        assert_eq!(escape_unsafe("\x1b[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(escape_unsafe("a\u{202e}b\u{200b}c\u{9b}d\u{feff}"), "a\\u{202e}b\\u{200b}c\\u{9b}d\\u{feff}");
        assert_eq!(escape_unsafe("a\r\n\tb"), "a\\u{d}\\u{a}\\u{9}b");
        // Joiners without letters that need them, variation selectors, an empty braille pattern.
        assert_eq!(escape_unsafe("a\u{200d}b م\u{200c}"), "a\\u{200d}b م\\u{200c}");
        assert_eq!(escape_unsafe("❤\u{fe0f}\u{2800}\u{e0100}"), "❤\\u{fe0f}\\u{2800}\\u{e0100}");
    }

    #[test]
    fn every_range_of_unsafe_characters_is_escaped_up_to_its_ends() {
        let ranges = [
            ('\0', '\x1f'),
            ('\x7f', '\u{9f}'),
            ('\u{200b}', '\u{200f}'),
            ('\u{2028}', '\u{202e}'),
            ('\u{2060}', '\u{206f}'),
            ('\u{180b}', '\u{180f}'),
            ('\u{2800}', '\u{2800}'),
            ('\u{fe00}', '\u{fe0f}'),
            ('\u{fdd0}', '\u{fdef}'),
            ('\u{fff0}', '\u{fffb}'),
            ('\u{fffe}', '\u{ffff}'),
            ('\u{10fffe}', '\u{10ffff}'),
            ('\u{13430}', '\u{13440}'),
            ('\u{1bca0}', '\u{1bca3}'),
            ('\u{1d173}', '\u{1d17a}'),
            ('\u{e0000}', '\u{e0fff}'),
        ];
        for (first, last) in ranges {
            assert!((first..=last).all(needs_escape), "{first:?}..={last:?}");
        }
    }

    #[test]
    fn text_of_any_language_is_unchanged() {
        // Persian and Hindi spell with joiners, Arabic with a number sign; French has no-break spaces.
        for text in [
            "José… 1,00 €",
            "日本語",
            "🙂",
            "a-b_c",
            "مي\u{200c}خواهم",
            "क्\u{200d}ष",
            "\u{600}١٢",
            "1\u{202f}000\u{a0}€",
        ] {
            assert_eq!(escape_unsafe(text), text);
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
