//! Writes text with escapes, and undoes them: backslashes, `\x22`, Python literals, quoted-printable.

/// Reads a Python literal of bytes or text, such as `b'…'` or `bytearray(b'…')`.
pub(super) fn decode_python_literal(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"bytearray(").and_then(|text| text.strip_suffix(b")")).unwrap_or(text);
    let text = text.strip_prefix(b"b").unwrap_or(text);
    let quote = *text.first().filter(|quote| b"'\"".contains(quote))?;
    let inner = text.get(1..)?.strip_suffix(&[quote])?;
    let is_escaped = inner.contains(&b'\\');
    if is_escaped { unescape(inner) } else { Some(inner.to_vec()) }
}

/// Undoes backslash escapes: `\"`, `\\`, `\/`, `\n`, `\x22` and `\u0022`. `None`: there are none.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    memchr::memchr(b'\\', text)?;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let (&escape, tail) = rest.split_first()?;
        rest = tail;
        match escape {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'0' => out.push(0),
            b'x' | b'X' => {
                let (digits, tail) = rest.split_at_checked(2)?;
                out.extend(hex::decode(digits).ok()?);
                rest = tail;
            }
            b'u' => {
                let (digits, tail) = rest.split_at_checked(4)?;
                let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
                out.extend(char::from_u32(code)?.to_string().into_bytes());
                rest = tail;
            }
            other => out.push(other),
        }
    }
    Some(out)
}

/// Undoes quoted-printable encoding. `None`: there is none.
pub(super) fn decode_quoted_printable(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some(at) = memchr::memchr(b'=', rest) {
        out.extend(&rest[..at]);
        let after = &rest[at + 1..];
        let line_end = [&b"\r\n"[..], b"\n"].iter().find_map(|end| after.strip_prefix(*end));
        let byte = after.split_at_checked(2).and_then(|(digits, tail)| Some((hex::decode(digits).ok()?, tail)));
        rest = match (line_end, byte) {
            (Some(tail), _) => tail,
            (None, Some((bytes, tail))) => {
                out.extend(bytes);
                tail
            }
            (None, None) => return None,
        };
        found = true;
    }
    out.extend(rest);
    found.then_some(out)
}

/// Undoes only `\xHH`, as nginx writes `$request_body` into its log.
pub(super) fn decode_hex_escapes(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(text, b"\\x")?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = tail.strip_prefix(b"x").filter(|_| byte == b'\\').and_then(|tail| tail.split_at_checked(2));
        match escaped.and_then(|(digits, tail)| Some((hex::decode(digits).ok()?, tail))) {
            Some((bytes, tail)) => {
                out.extend(bytes);
                rest = tail;
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    Some(out)
}

/// Writes bytes as Python does: in double quotes if only single quotes are inside.
pub(super) fn python_bytes(body: &[u8]) -> Vec<u8> {
    let quote = if body.contains(&b'\'') && !body.contains(&b'"') { b'"' } else { b'\'' };
    let mut text = vec![b'b', quote];
    for &byte in body {
        match byte {
            b'\\' => text.extend(b"\\\\"),
            b'\n' => text.extend(b"\\n"),
            b'\r' => text.extend(b"\\r"),
            b'\t' => text.extend(b"\\t"),
            _ if byte == quote => text.extend([b'\\', byte]),
            0x20..0x7f => text.push(byte),
            _ => text.extend(format!("\\x{byte:02x}").into_bytes()),
        }
    }
    text.push(quote);
    text
}

/// Writes bytes as nginx does in its log: `\x22` for quotes, backslashes and what is not ASCII.
pub(super) fn nginx_escaped(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len() * 2);
    for &byte in body {
        match byte {
            b'"' | b'\\' => text.extend(format!("\\x{byte:02X}").into_bytes()),
            0x20..0x7f => text.push(byte),
            _ => text.extend(format!("\\x{byte:02X}").into_bytes()),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescape(br#"{\"a\":\"\\n\/\x41\u00e9\"}"#).unwrap(), "{\"a\":\"\\n/Aé\"}".as_bytes());
        assert_eq!(unescape(b"{}"), None);
        assert_eq!(unescape(b"\\"), None);
        assert_eq!(decode_hex_escapes(br#"{\x22a\x22:\x22\x5Cn\x22}"#).unwrap(), br#"{"a":"\n"}"#);
    }
}
