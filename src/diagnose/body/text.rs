//! Reads and writes text in other encodings, and filters it as web code does.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The characters of Windows-1252 at 0x80 to 0x9f. Bytes without one stay control characters.
const CP1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];
static TO_CP1252: LazyLock<HashMap<char, u8>> =
    LazyLock::new(|| CP1252.iter().zip(0x80..=0x9f).map(|(&char, byte)| (char, byte)).collect());

/// Reads each byte as a character of Latin-1, and writes UTF-8.
pub(super) fn latin1_to_utf8(body: &[u8]) -> Vec<u8> {
    body.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes()
}

/// Reads each byte as a character of Windows-1252, and writes UTF-8.
pub(super) fn cp1252_to_utf8(body: &[u8]) -> Vec<u8> {
    let char = |&byte: &u8| match byte {
        0x80..=0x9f => CP1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    };
    body.iter().map(char).collect::<String>().into_bytes()
}

/// Writes the text in Latin-1 or, with `is_windows`, Windows-1252. `missing` stands for characters
/// that it lacks; without one they are an error.
pub(super) fn to_latin1(text: &str, is_windows: bool, missing: Option<u8>) -> Option<Vec<u8>> {
    let byte = |char: char| match u8::try_from(u32::from(char)).ok() {
        Some(byte) if !is_windows || !(0x80..=0x9f).contains(&byte) => Some(byte),
        Some(byte) => TO_CP1252.get(&char).copied().or(Some(byte)),
        None => TO_CP1252.get(&char).copied().filter(|_| is_windows).or(missing),
    };
    text.chars().map(byte).collect()
}

/// Writes the low byte of every UTF-16 unit, as Node's `latin1` and `binary` do.
pub(super) fn low_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect()
}

/// Writes `?` for every character beyond ASCII: one per character, per UTF-16 unit, or per byte.
pub(super) fn question_marks(text: &str, per: fn(char) -> usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for char in text.chars() {
        match u8::try_from(char).ok().filter(u8::is_ascii) {
            Some(byte) => out.push(byte),
            None => out.extend(std::iter::repeat_n(b'?', per(char))),
        }
    }
    out
}

/// Replaces every byte beyond ASCII.
pub(super) fn replace_bytes(body: &[u8], replacement: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for &byte in body {
        match byte.is_ascii() {
            true => out.push(byte),
            false => out.extend(replacement.as_bytes()),
        }
    }
    out
}

/// Reads UTF-16 with or without a byte order mark. `None`: it is not UTF-16 of mostly ASCII text.
pub(super) fn decode_utf16(body: &[u8]) -> Option<String> {
    let (is_big, units) = match body {
        [0xff, 0xfe, rest @ ..] => (false, rest),
        [0xfe, 0xff, rest @ ..] => (true, rest),
        [0, high, ..] if *high != 0 => (true, body),
        [low, 0, ..] if *low != 0 => (false, body),
        _ => return None,
    };
    let (pairs, rest) = units.as_chunks::<2>();
    let unit = |pair: &[u8; 2]| if is_big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    rest.is_empty().then(|| String::from_utf16(&pairs.iter().map(unit).collect::<Vec<_>>()).ok())?
}

pub(super) fn utf16_le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(super) fn utf16_be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Escapes the characters that are special in HTML. `quotes` are the entities of `"` and `'`.
pub(super) fn escape_html(text: &str, quotes: [&str; 2]) -> Vec<u8> {
    let mut out = String::with_capacity(text.len() * 2);
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str(quotes[0]),
            '\'' => out.push_str(quotes[1]),
            other => out.push(other),
        }
    }
    out.into_bytes()
}

/// Decodes the entities that HTML escaping writes. `None`: there are none.
pub(super) fn unescape_html(text: &str) -> Option<Vec<u8>> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some((plain, entity)) = rest.split_once('&') {
        out.push_str(plain);
        let decoded = entity.split_once(';').and_then(|(name, tail)| Some((decode_entity(name)?, tail)));
        match decoded {
            Some((char, tail)) => {
                found = true;
                out.push(char);
                rest = tail;
            }
            None => {
                out.push('&');
                rest = entity;
            }
        }
    }
    out.push_str(rest);
    found.then(|| out.into_bytes())
}

fn decode_entity(name: &str) -> Option<char> {
    let number = |digits: &str| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    };
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => char::from_u32(number(name.strip_prefix('#')?)?)?,
    })
}

/// Puts a backslash before quotes, backslashes and NULs, as PHP's `addslashes` does.
pub(super) fn add_slashes(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() * 2);
    for &byte in body {
        match byte {
            0 => out.extend(b"\\0"),
            b'\'' | b'"' | b'\\' => out.extend([b'\\', byte]),
            _ => out.push(byte),
        }
    }
    out
}

/// Removes everything between `<` and `>`, as PHP's `strip_tags` does with simple tags.
pub(super) fn strip_tags(text: &str) -> Option<Vec<u8>> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some((plain, tag)) = rest.split_once('<') {
        out.push_str(plain);
        let is_tag = tag.starts_with(|char: char| !char.is_whitespace());
        match tag.split_once('>').filter(|_| is_tag) {
            Some((_, tail)) => {
                found = true;
                rest = tail;
            }
            None => {
                out.push('<');
                rest = tag;
            }
        }
    }
    out.push_str(rest);
    found.then(|| out.into_bytes())
}

/// Replaces runs of whitespace by `by`.
pub(super) fn collapse_whitespace(body: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut was_space = false;
    for &byte in body {
        let is_space = byte.is_ascii_whitespace() || byte == 0x0b;
        match (is_space, was_space) {
            (false, _) => out.push(byte),
            (true, false) => out.extend(by),
            (true, true) => {}
        }
        was_space = is_space;
    }
    out
}

/// Replaces each occurrence of `from`. `None`: there is none.
pub(super) fn replace(body: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    let mut found = false;
    while let Some(at) = memchr::memmem::find(rest, from) {
        found = true;
        out.extend(&rest[..at]);
        out.extend(to);
        rest = &rest[at + from.len()..];
    }
    out.extend(rest);
    found.then_some(out)
}

/// Undoes what word processors and chats make of quotes, hyphens and blanks. `None`: nothing.
pub(super) fn undo_typography(text: &str) -> Option<Vec<u8>> {
    if !text.contains(['“', '”', '„', '«', '»', '\u{a0}', '\u{202f}']) {
        return None;
    }
    let plain = |char: char| match char {
        '“' | '”' | '„' | '«' | '»' => '"',
        '‘' | '’' => '\'',
        '–' | '—' => '-',
        '\u{a0}' | '\u{202f}' => ' ',
        other => other,
    };
    Some(text.chars().map(plain).collect::<String>().into_bytes())
}

/// Removes the color codes that a terminal shows. `None`: there are none.
pub(super) fn strip_terminal_codes(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    memchr::memmem::find(body, b"\x1b[")?;
    while let Some(at) = memchr::memmem::find(rest, b"\x1b[") {
        out.extend(&rest[..at]);
        let code = &rest[at + 2..];
        let end = code.iter().position(u8::is_ascii_alphabetic).map_or(code.len(), |end| end + 1);
        rest = &code[end..];
    }
    out.extend(rest);
    Some(out)
}

/// Writes every control character and space around values away: `"a": " b "` becomes `"a": "b"`.
pub(super) fn trim_json_strings(text: &str) -> Option<Vec<u8>> {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('"').peekable();
    let mut is_inside = false;
    while let Some(part) = parts.next() {
        out.push_str(if is_inside { part.trim() } else { part });
        if parts.peek().is_some() {
            out.push('"');
        }
        is_inside = if part.ends_with('\\') { is_inside } else { !is_inside };
    }
    (out != text).then(|| out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_in_windows_1252() {
        // python3 -c 'print("€é–".encode("cp1252"))'
        assert_eq!(to_latin1("€é–", true, None).unwrap(), b"\x80\xe9\x96");
        assert_eq!(to_latin1("₦1", true, None), None);
        // python3 -c 'print("₦1".encode("cp1252", "replace"))'
        assert_eq!(to_latin1("₦1", true, Some(b'?')).unwrap(), b"?1");
        // python3 -c 'print("₦".encode().decode("cp1252"))'
        assert_eq!(cp1252_to_utf8("₦".as_bytes()), "â‚¦".as_bytes());
    }

    #[test]
    fn node_keeps_the_low_bytes() {
        // node -e 'process.stdout.write(Buffer.from("₦é", "latin1"))' | xxd
        assert_eq!(low_bytes("₦é"), b"\xa6\xe9");
    }

    #[test]
    fn entities_are_written_and_read() {
        // php -r 'echo htmlspecialchars("{\"a\":\"<b> & '"'"'c'"'"'\"}", ENT_QUOTES);'
        let escaped = "{&quot;a&quot;:&quot;&lt;b&gt; &amp; &#039;c&#039;&quot;}";
        assert_eq!(escape_html("{\"a\":\"<b> & 'c'\"}", ["&quot;", "&#039;"]), escaped.as_bytes());
        assert_eq!(unescape_html(escaped).unwrap(), b"{\"a\":\"<b> & 'c'\"}");
        assert_eq!(unescape_html("a & b; c"), None);
    }

    #[test]
    fn utf_16_is_read_with_and_without_a_mark() {
        for body in [utf16_le("{\"é\"}"), utf16_be("{\"é\"}"), [b"\xff\xfe", &utf16_le("{\"é\"}")[..]].concat()] {
            assert_eq!(decode_utf16(&body).as_deref(), Some("{\"é\"}"));
        }
        assert_eq!(decode_utf16(b"{}"), None);
    }

    #[test]
    fn typographic_quotes_and_color_codes_are_undone() {
        assert_eq!(undo_typography("{“a”:\u{a0}“it’s”}").unwrap(), b"{\"a\": \"it's\"}");
        assert_eq!(undo_typography("{\"a\":\"it’s\"}"), None);
        // printf '{"a":1}' | jq -c -C . | xxd
        let colored = b"\x1b[1;39m{\x1b[0m\x1b[34;1m\"a\"\x1b[0m:1}\x1b[0m";
        assert_eq!(strip_terminal_codes(colored).unwrap(), b"{\"a\":1}");
    }

    #[test]
    fn whitespace_and_tags_are_removed() {
        assert_eq!(collapse_whitespace(b"a \n\tb", b" "), b"a b");
        assert_eq!(strip_tags("a<b>c</b> < d").unwrap(), b"ac < d");
        assert_eq!(strip_tags("a < b > c"), None);
        assert_eq!(trim_json_strings(r#"{"a": " b\" ", "c":1}"#).unwrap(), br#"{"a": "b\"", "c":1}"#);
    }
}
