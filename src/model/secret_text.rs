//! Text that holds a secret or an API key: its encoding, and invisible or replaced characters.
//!
//! Editors, shells and web pages put such characters into secrets. This module finds and names
//! them; `diagnose::keys` undoes them, and the commands refuse to store or to send them.

use crate::model::sanitize::needs_escape;
use std::fmt;

/// A character that hardly belongs to a secret, with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OddCharacter {
    pub character: OddKind,
    /// Counted in characters, from 1.
    pub position: usize,
}

/// A character, or a byte that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddKind {
    Character(char),
    /// A byte that is not UTF-8.
    Byte(u8),
}

impl fmt::Display for OddCharacter {
    /// Writes such as `U+200B (zero-width space) at position 9`. The character itself is not shown.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.position;
        match self.character {
            OddKind::Byte(byte) => write!(out, "byte 0x{byte:02X}, which is not UTF-8, at position {position}"),
            OddKind::Character(character) => match name(character) {
                "" if plain_form(character).is_some() => {
                    write!(out, "U+{:04X} (full-width character) at position {position}", u32::from(character))
                }
                "" => write!(out, "U+{:04X} at position {position}", u32::from(character)),
                name => write!(out, "U+{:04X} ({name}) at position {position}", u32::from(character)),
            },
        }
    }
}

const NAMES: &[(char, &str)] = &[
    ('\0', "NUL"),
    ('\t', "tab"),
    ('\n', "newline"),
    ('\r', "carriage return"),
    ('\u{1b}', "escape"),
    ('\u{a0}', "no-break space"),
    ('\u{ab}', "left guillemet"),
    ('\u{ad}', "soft hyphen"),
    ('\u{bb}', "right guillemet"),
    ('\u{200b}', "zero-width space"),
    ('\u{200c}', "zero-width non-joiner"),
    ('\u{200d}', "zero-width joiner"),
    ('\u{200e}', "left-to-right mark"),
    ('\u{200f}', "right-to-left mark"),
    ('\u{2010}', "hyphen"),
    ('\u{2011}', "no-break hyphen"),
    ('\u{2012}', "figure dash"),
    ('\u{2013}', "en dash"),
    ('\u{2014}', "em dash"),
    ('\u{2018}', "left single quotation mark"),
    ('\u{2019}', "right single quotation mark"),
    ('\u{201a}', "low single quotation mark"),
    ('\u{201c}', "left double quotation mark"),
    ('\u{201d}', "right double quotation mark"),
    ('\u{201e}', "low double quotation mark"),
    ('\u{2026}', "ellipsis"),
    ('\u{2028}', "line separator"),
    ('\u{2029}', "paragraph separator"),
    ('\u{202f}', "narrow no-break space"),
    ('\u{2060}', "word joiner"),
    ('\u{2212}', "minus sign"),
    ('\u{3000}', "ideographic space"),
    ('\u{feff}', "byte order mark"),
    ('\u{fffd}', "replacement character"),
];

fn name(character: char) -> &'static str {
    NAMES.iter().find(|(known, _)| *known == character).map_or("", |(_, name)| name)
}

/// Checks for controls, invisible characters, blanks other than the space, and characters that
/// replaced others.
fn is_odd(character: char) -> bool {
    is_invisible(character) || plain_form(character).is_some() || character == '\u{fffd}'
}

/// Checks for controls, and for characters without ink. The space is none of them.
pub(crate) fn is_invisible(character: char) -> bool {
    needs_escape(character) || (character.is_whitespace() && character != ' ')
}

/// Returns what was typed before a word processor, an input method or a web page replaced it.
/// `None`: the character is no replacement.
pub(crate) fn plain_form(character: char) -> Option<String> {
    let form = match character {
        '\u{2018}'..='\u{201b}' | '\u{2039}' | '\u{203a}' | '\u{b4}' => "'",
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => "\"",
        '\u{2010}'..='\u{2013}' | '\u{2212}' => "-",
        '\u{2014}' => "--",
        '\u{2026}' => "...",
        // Full-width forms are in the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => {
            return char::from_u32(u32::from(character) - 0xff01 + u32::from('!')).map(String::from);
        }
        _ => return None,
    };
    Some(form.to_owned())
}

/// Finds the first character that hardly belongs to a secret.
pub fn find_odd_character(text: &[u8]) -> Option<OddCharacter> {
    find_character(text, is_odd)
}

/// Finds the first character that is not printable ASCII. HTTP headers carry nothing else safely.
pub fn find_unprintable(text: &[u8]) -> Option<OddCharacter> {
    find_character(text, |character| !(' '..='~').contains(&character))
}

fn find_character(text: &[u8], is_wanted: impl Fn(char) -> bool) -> Option<OddCharacter> {
    let mut position = 0;
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            position += 1;
            if is_wanted(character) {
                return Some(OddCharacter { character: OddKind::Character(character), position });
            }
        }
        if let Some(&byte) = chunk.invalid().first() {
            return Some(OddCharacter { character: OddKind::Byte(byte), position: position + 1 });
        }
    }
    None
}

/// Removes blanks and invisible characters from both ends.
pub fn trim_invisible(text: &[u8]) -> &[u8] {
    match std::str::from_utf8(text) {
        Ok(text) => text.trim_matches(|character| character == ' ' || is_invisible(character)).as_bytes(),
        Err(_) => text.trim_ascii(),
    }
}

/// Encoding of a text file other than plain UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8 with a byte order mark.
    Utf8WithMark,
    Utf16,
}

impl TextEncoding {
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8WithMark => "UTF-8 with a byte order mark",
            Self::Utf16 => "UTF-16",
        }
    }
}

/// Decodes what Windows editors and PowerShell write. `None`: the bytes are no such text.
pub fn decode_text(bytes: &[u8]) -> Option<(Vec<u8>, TextEncoding)> {
    if let Some(rest) = bytes.strip_prefix("\u{feff}".as_bytes()) {
        return Some((rest.to_vec(), TextEncoding::Utf8WithMark));
    }
    let decode = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let (pairs, []) = bytes.as_chunks::<2>() else { return None };
        let text: Option<String> = char::decode_utf16(pairs.iter().map(|&pair| read(pair))).map(Result::ok).collect();
        Some((text?.into_bytes(), TextEncoding::Utf16))
    };
    let is_zero = |offset: usize| bytes.len() >= 4 && bytes.iter().skip(offset).step_by(2).all(|&byte| byte == 0);
    match bytes {
        [0xff, 0xfe, rest @ ..] => decode(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => decode(rest, u16::from_be_bytes),
        _ if is_zero(1) && !is_zero(0) => decode(bytes, u16::from_le_bytes),
        _ if is_zero(0) && !is_zero(1) => decode(bytes, u16::from_be_bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(text: &[u8]) -> String {
        find_odd_character(text).map(|odd| odd.to_string()).unwrap_or_default()
    }

    #[test]
    fn an_odd_character_is_named_with_its_position() {
        assert_eq!(describe("whsec_ab\u{200b}cd".as_bytes()), "U+200B (zero-width space) at position 9");
        assert_eq!(describe("é\u{a0}".as_bytes()), "U+00A0 (no-break space) at position 2");
        assert_eq!(describe("“x”".as_bytes()), "U+201C (left double quotation mark) at position 1");
        assert_eq!(describe(b"ab\x07"), "U+0007 at position 3");
        assert_eq!(describe(b"caf\xe9"), "byte 0xE9, which is not UTF-8, at position 4");
        for fine in ["whsec_ab cd", "é日", "", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"] {
            assert_eq!(describe(fine.as_bytes()), "", "{fine}");
        }
    }

    #[test]
    fn an_api_key_has_only_printable_ascii() {
        assert_eq!(find_unprintable(b"sk_test_1"), None);
        let odd = find_unprintable("sk_tést".as_bytes()).unwrap();
        assert_eq!(odd, OddCharacter { character: OddKind::Character('é'), position: 5 });
        assert_eq!(find_unprintable(b"a\x7f").unwrap().position, 2);
    }

    #[test]
    fn blanks_and_invisible_characters_are_trimmed_from_the_ends_only() {
        let trimmed = trim_invisible("\u{feff}\u{a0} a\u{200b}b \r\n\u{200d}".as_bytes());
        assert_eq!(trimmed, "a\u{200b}b".as_bytes());
        assert_eq!(trim_invisible(b" \xff "), b"\xff");
    }

    /// `printf whsec_é | iconv -t UTF-16LE | xxd -p`, and so on.
    #[test]
    fn utf_16_and_byte_order_marks_are_decoded() {
        let decode = |hex: &str| decode_text(&hex::decode(hex).unwrap());
        let utf16 = Some(("whsec_é".as_bytes().to_vec(), TextEncoding::Utf16));
        assert_eq!(decode("fffe770068007300650063005f00e900"), utf16);
        assert_eq!(decode("feff00770068007300650063005f00e9"), utf16);
        assert_eq!(decode("7700680073006500"), Some((b"whse".to_vec(), TextEncoding::Utf16)));
        assert_eq!(decode("0077006800730065"), Some((b"whse".to_vec(), TextEncoding::Utf16)));
        assert_eq!(decode("efbbbf6162"), Some((b"ab".to_vec(), TextEncoding::Utf8WithMark)));
        for other in ["", "6162", "0000", "61620000", "fffe61"] {
            assert_eq!(decode(other), None, "{other}");
        }
    }
}
