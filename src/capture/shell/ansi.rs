//! Undoes the escapes of `$'…'` in bash.

use crate::capture::literal::unescape_bytes;

/// Undoes the escapes of `$'…'`, which also knows octal numbers and `\e`.
pub(super) fn unescape_ansi(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at(at);
        plain.extend_from_slice(before);
        let octal =
            escape.get(1..).unwrap_or_default().iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        let hex = |limit: usize| {
            escape.get(2..).unwrap_or_default().iter().take(limit).take_while(|byte| byte.is_ascii_hexdigit()).count()
        };
        let used = match escape.get(1) {
            Some(b'0'..=b'7') => {
                let value =
                    escape.iter().skip(1).take(octal).fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                plain.push((value & 0xff) as u8);
                1 + octal
            }
            Some(b'x') if hex(2) == 1 => {
                plain.extend(escape.get(2).and_then(|digit| char::from(*digit).to_digit(16)).map(|digit| digit as u8));
                3
            }
            Some(b'u')
                if escape.get(6..8) == Some(b"\\u")
                    && unescape_bytes(escape.get(..12).unwrap_or_default()).is_some() =>
            {
                plain.extend(unescape_bytes(escape.get(..12).unwrap_or_default()).unwrap_or_default());
                12
            }
            Some(b'e' | b'E') => {
                plain.push(0x1b);
                2
            }
            Some(letter) => {
                let used = match letter {
                    b'x' => 4,
                    b'u' => 6,
                    _ => 2,
                };
                let part = escape.get(..used.min(escape.len())).unwrap_or_default();
                plain.extend(unescape_bytes(part).unwrap_or_else(|| part.to_vec()));
                part.len()
            }
            None => 1,
        };
        rest = escape.get(used..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    plain
}
