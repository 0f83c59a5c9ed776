//! A text as a JSON string, spelled as `serde_json` does it, for records of which many are written a second.

/// How many bytes are looked at, and copied, at a time.
const WORD: usize = 8;

/// Adds the text with its quotes.
pub fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let (plain, rest) = text.as_bytes().split_at(plain(text.as_bytes()));
    out.extend_from_slice(plain);
    if !rest.is_empty() {
        escaped(rest, out);
    }
    out.push(b'"');
}

/// How many of the first bytes stand for themselves.
fn plain(bytes: &[u8]) -> usize {
    let (words, last) = bytes.as_chunks::<WORD>();
    let before = |index: usize| index * WORD;
    match words.iter().position(|word| first_special(*word) < WORD) {
        Some(index) => before(index) + first_special(words[index]),
        None => before(words.len()) + last.iter().position(|byte| is_special(*byte)).unwrap_or(last.len()),
    }
}

/// Adds bytes of which many may need an escape, as a payload's quotes do: through a small buffer, so that few of them cost a call.
fn escaped(mut bytes: &[u8], out: &mut Vec<u8>) {
    let mut buffer = [0; 256];
    let mut used = 0;
    while let Some((&first, tail)) = bytes.split_first() {
        // Room for a word, or for the longest escape.
        if used + WORD > buffer.len() {
            out.extend_from_slice(&buffer[..used]);
            used = 0;
        }
        if let Some(word) = bytes.first_chunk::<WORD>() {
            let plain = first_special(*word);
            if plain > 0 {
                // What is not plain is overwritten.
                buffer[used..used + WORD].copy_from_slice(word);
                used += plain;
                bytes = &bytes[plain..];
                continue;
            }
        } else if !is_special(first) {
            buffer[used] = first;
            used += 1;
            bytes = tail;
            continue;
        }
        let mut put = |text: &[u8]| {
            buffer[used..used + text.len()].copy_from_slice(text);
            used += text.len();
        };
        match first {
            b'\n' => put(b"\\n"),
            b'\r' => put(b"\\r"),
            b'\t' => put(b"\\t"),
            0x08 => put(b"\\b"),
            0x0c => put(b"\\f"),
            b'"' | b'\\' => put(&[b'\\', first]),
            _ => put(&[b'\\', b'u', b'0', b'0', hex(first >> 4), hex(first & 15)]),
        }
        bytes = tail;
    }
    out.extend_from_slice(&buffer[..used]);
}

fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
}

/// Whether it can't stand in a string as it is.
fn is_special(byte: u8) -> bool {
    byte < b' ' || matches!(byte, b'"' | b'\\')
}

/// Where the first special byte of a word is, found for all bytes at once; `WORD`: there is none. A byte above the first may be taken
/// for special because of a borrow, never the first itself.
fn first_special(word: [u8; WORD]) -> usize {
    const EACH: u64 = u64::MAX / 0xff;
    const TOP: u64 = EACH * 0x80;
    let word = u64::from_le_bytes(word);
    let below = |word: u64, least: u8| word.wrapping_sub(EACH * u64::from(least)) & !word;
    let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    let special = (below(word, b' ') | is(b'"') | is(b'\\')) & TOP;
    special.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quoted(text: &str) -> String {
        let mut out = b"x".to_vec();
        quote(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_byte_is_spelled_as_serde_json_spells_it_wherever_it_stands() {
        for letter in (0..=0x100_u32).filter_map(char::from_u32) {
            for before in 0..=17 {
                for after in [0, 1, 7, 8, 300] {
                    let text = format!("{}{letter}{}", "a".repeat(before), "é".repeat(after));
                    assert_eq!(quoted(&text), format!("x{}", serde_json::to_string(&text).unwrap()));
                }
            }
        }
    }

    #[test]
    fn long_texts_full_of_escapes_pass_the_buffer() {
        for unit in ["\"", "\u{1}", "a\"", "{\"key\":\"value\"},", "\\\\\n\u{7f}"] {
            let text = unit.repeat(1000);
            assert_eq!(quoted(&text), format!("x{}", serde_json::to_string(&text).unwrap()));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_spelled_as_serde_json_spells_it(text in "([ -~]|[\u{0}-\u{1f}\"\\\\]|\\PC){0,300}") {
            prop_assert_eq!(quoted(&text), format!("x{}", serde_json::to_string(&text).unwrap()));
        }
    }
}
