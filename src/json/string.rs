//! Decodes JSON strings and escapes them again as a serializer would.
//!
//! Decoded strings are WTF-8: UTF-8 that may also contain lone surrogates, because JSON can escape
//! one and JavaScript and Python pass it on.

use std::borrow::Cow;

/// The characters that a serializer escapes.
#[derive(Debug)]
pub(super) struct Escapes {
    /// ASCII characters escaped with a backslash.
    pub backslash_escapes: &'static [u8],
    /// Control characters escaped as a backslash and a letter.
    pub letter_escapes: &'static [u8],
    /// Other ASCII characters escaped as `\u00xx`. The remaining control characters always are.
    pub unicode_escapes: &'static [u8],
    pub non_ascii: NonAscii,
    pub hex_case: HexCase,
    pub lone_surrogate: LoneSurrogate,
}

/// The characters beyond ASCII that are escaped as `\uxxxx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NonAscii {
    Unescaped,
    /// U+2028 and U+2029, which end a line in old JavaScript.
    LineSeparators,
    /// U+2028, U+2029 and U+0085.
    AllLineEnds,
    /// U+2028, U+2029, other unusual spaces, and everything that needs a surrogate pair.
    OddSpacesAndPairs,
    Escaped,
}

/// The case of the digits in `\uxxxx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HexCase {
    Lower,
    Upper,
}

/// The treatment of a lone surrogate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoneSurrogate {
    Escaped,
    /// Replaced by U+FFFD.
    Replaced,
}

/// The characters that every serializer writes unescaped inside a string.
const VERBATIM: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b' ';
    while byte < 0x7f {
        table[byte as usize] = !matches!(byte, b'"' | b'\\' | b'/' | b'<' | b'>' | b'&' | b'\'' | b'=' | b'`' | b'+');
        byte += 1;
    }
    table
};

/// Returns true if every serializer writes this string, given with its quotes, as it stands here.
pub(super) fn is_verbatim(string: &str) -> bool {
    let inner = string.get(1..string.len().saturating_sub(1)).unwrap_or_default();
    inner.bytes().all(|byte| VERBATIM[usize::from(byte)])
}

/// Decodes a string with its quotes, which must have passed the tokenizer.
pub(super) fn decode(string: &str) -> Cow<'_, [u8]> {
    let inner = string.get(1..string.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner.as_bytes());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (code, used) = decode_escape(escape);
        push_code(&mut bytes, code);
        rest = escape.get(used..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    Cow::Owned(bytes)
}

/// Decodes the escape after a backslash. Returns its code point and length.
fn decode_escape(escape: &str) -> (u32, usize) {
    let letter = escape.bytes().next().unwrap_or_default();
    let code = match letter {
        b'b' => 0x08,
        b't' => 0x09,
        b'n' => 0x0a,
        b'f' => 0x0c,
        b'r' => 0x0d,
        b'u' => return decode_unicode_escape(escape),
        other => u32::from(other),
    };
    (code, 1)
}

fn decode_unicode_escape(escape: &str) -> (u32, usize) {
    let unit = |from: usize| escape.get(from..from + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let high = unit(1).unwrap_or(0xfffd);
    let low = (escape.get(5..7) == Some("\\u")).then(|| unit(7)).flatten();
    match (high, low) {
        (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => (0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 11),
        _ => (high, 5),
    }
}

fn push_code(bytes: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None => bytes.extend([0xed, (0x80 | ((code >> 6) & 0x3f)) as u8, (0x80 | (code & 0x3f)) as u8]),
    }
}

/// Converts a decoded string to text; a lone surrogate becomes U+FFFD.
pub(super) fn to_text_lossy(decoded: &[u8]) -> String {
    let mut text = String::with_capacity(decoded.len());
    let mut rest = decoded;
    while let Some((code, tail)) = first_code(rest) {
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = tail;
    }
    text
}

/// Returns the UTF-16 units of a decoded string, which JavaScript compares.
pub(super) fn utf16(decoded: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(decoded.len());
    let mut rest = decoded;
    while let Some((code, tail)) = first_code(rest) {
        match char::from_u32(code) {
            Some(char) => units.extend_from_slice(char.encode_utf16(&mut [0; 2])),
            None => units.push(code as u16),
        }
        rest = tail;
    }
    units
}

/// Splits off the first code point of WTF-8 bytes.
fn first_code(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    let (mut code, more) = match first {
        0..=0x7f => (u32::from(first), 0),
        0x80..=0xdf => (u32::from(first & 0x1f), 1),
        0xe0..=0xef => (u32::from(first & 0x0f), 2),
        _ => (u32::from(first & 0x07), 3),
    };
    for _ in 0..more {
        let (&byte, tail) = rest.split_first()?;
        code = (code << 6) | u32::from(byte & 0x3f);
        rest = tail;
    }
    Some((code, rest))
}

impl Escapes {
    /// Writes a decoded string with quotes.
    pub fn write(&self, decoded: &[u8], out: &mut Vec<u8>) {
        out.push(b'"');
        let mut rest = decoded;
        let escaped = self.ascii_escapes();
        loop {
            let plain = rest.iter().position(|byte| self.may_escape(*byte, escaped)).unwrap_or(rest.len());
            let (copied, tail) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
            out.extend_from_slice(copied);
            let Some((code, after)) = first_code(tail) else { break };
            match u8::try_from(code) {
                Ok(byte) if byte.is_ascii() => self.write_ascii(byte, out),
                _ => self.write_wide(code, tail, after, out),
            }
            rest = after;
        }
        out.push(b'"');
    }

    /// Returns the set of ASCII characters that are escaped, a bit for each.
    fn ascii_escapes(&self) -> u128 {
        let control_characters = (1 << b' ') - 1;
        let escaped = self.backslash_escapes.iter().chain(self.unicode_escapes);
        escaped.fold(control_characters, |set, byte| set | 1 << byte)
    }

    /// Checks whether a byte may need an escape. `escaped` is the set of `ascii_escapes`.
    fn may_escape(&self, byte: u8, escaped: u128) -> bool {
        match byte {
            0..=0x7f => escaped >> byte & 1 == 1,
            // The first bytes of surrogates, of U+2028 and of U+0085.
            _ => byte == 0xed || self.non_ascii != NonAscii::Unescaped,
        }
    }

    fn write_ascii(&self, byte: u8, out: &mut Vec<u8>) {
        if self.backslash_escapes.contains(&byte) {
            return out.extend([b'\\', byte]);
        }
        let letter = match byte {
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            _ => return self.write_unit(u16::from(byte), out),
        };
        match self.letter_escapes.contains(&byte) {
            true => out.extend([b'\\', letter]),
            false => self.write_unit(u16::from(byte), out),
        }
    }

    fn write_wide(&self, code: u32, tail: &[u8], after: &[u8], out: &mut Vec<u8>) {
        match char::from_u32(code) {
            None if self.lone_surrogate == LoneSurrogate::Escaped => self.write_unit(code as u16, out),
            None => self.write_wide(0xfffd, "\u{fffd}".as_bytes(), &[], out),
            Some(char) if self.non_ascii.escapes(char) => {
                char.encode_utf16(&mut [0; 2]).iter().for_each(|unit| self.write_unit(*unit, out));
            }
            Some(_) => out.extend_from_slice(tail.get(..tail.len() - after.len()).unwrap_or_default()),
        }
    }

    fn write_unit(&self, unit: u16, out: &mut Vec<u8>) {
        let digits: &[u8; 16] = match self.hex_case {
            HexCase::Lower => b"0123456789abcdef",
            HexCase::Upper => b"0123456789ABCDEF",
        };
        out.extend_from_slice(b"\\u");
        out.extend([12, 8, 4, 0].map(|shift| digits[usize::from((unit >> shift) & 0xf)]));
    }
}

impl NonAscii {
    fn escapes(self, char: char) -> bool {
        let separator = matches!(char, '\u{2028}' | '\u{2029}');
        match self {
            NonAscii::Unescaped => false,
            NonAscii::LineSeparators => separator,
            NonAscii::AllLineEnds => separator || char == '\u{85}',
            NonAscii::OddSpacesAndPairs => {
                separator
                    || char > '\u{ffff}'
                    || char.is_whitespace()
                    || matches!(char, '\u{80}'..='\u{a0}' | '\u{e000}'..='\u{f8ff}')
            }
            NonAscii::Escaped => true,
        }
    }
}

/// Writes a string unchanged, except that `<`, `>`, `&`, U+2028 and U+2029 are escaped.
pub(super) fn write_html_safe(string: &str, out: &mut Vec<u8>) {
    let is_risky = |char: char| matches!(char, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    for piece in string.split_inclusive(is_risky) {
        let last = piece.chars().next_back().filter(|char| is_risky(*char));
        let plain = piece.len() - last.map_or(0, char::len_utf8);
        out.extend_from_slice(piece.get(..plain).unwrap_or_default().as_bytes());
        out.extend(last.map(|char| format!("\\u{:04x}", u32::from(char))).unwrap_or_default().bytes());
    }
}
