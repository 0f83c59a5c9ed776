//! Prints bytes as text, and reads such prints back: base64, hex, numbers.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
/// The shortest text that is read as base64 or hex: shorter words are ordinary text.
const MIN_LENGTH: usize = 8;

/// Decodes base64 of either alphabet, padded or not, with line breaks or after `base64,`.
pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = match memchr::memmem::find(text, b";base64,") {
        Some(at) if text.starts_with(b"data:") => &text[at + b";base64,".len()..],
        _ => text,
    };
    let text = strip_quotes(text.trim_ascii());
    let plain: Vec<_> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    if plain.len() < MIN_LENGTH || !plain.iter().all(is_base64) {
        return None;
    }
    LENIENT_BASE64.decode(plain).ok()
}

/// Decodes hex, also with `0x` or `\x` before it, or with separators between the bytes.
pub(super) fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let text = strip_quotes(text.trim_ascii());
    let text = [&b"0x"[..], b"\\x", b"X'", b"x'"].iter().find_map(|mark| text.strip_prefix(*mark)).unwrap_or(text);
    let text = text.strip_suffix(b"'").unwrap_or(text);
    let literals = super::text::replace(text, b"0x", b"").map(|text| {
        let is_digit = |byte: &u8| !b"{}[](),".contains(byte);
        text.into_iter().filter(is_digit).collect::<Vec<_>>()
    });
    let text = literals.as_deref().unwrap_or(text);
    let digits: Vec<_> = text.iter().copied().filter(|byte| !b" :-\r\n".contains(byte)).collect();
    (digits.len() >= MIN_LENGTH).then(|| hex::decode(digits).ok())?
}

/// Removes one pair of quotes around the text.
fn strip_quotes(text: &[u8]) -> &[u8] {
    let strip = |quote: &u8| text.strip_prefix(&[*quote])?.strip_suffix(&[*quote]);
    b"\"'".iter().find_map(strip).unwrap_or(text)
}

/// Reads bytes printed as decimal numbers: a JSON array, a Node Buffer as JSON, Go's `[1 2]`,
/// JavaScript's `1,2` or a JSON object of a typed array. Negative numbers are Java's bytes.
pub(super) fn decode_numbers(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let text = match text.strip_prefix(b"{") {
        Some(object) if object.starts_with(b"\"0\":") => return decode_typed_array(object.strip_suffix(b"}")?),
        Some(_) => {
            let data = memchr::memmem::find(text, b"\"data\"")?;
            memchr::memmem::find(text, b"\"Buffer\"")?;
            let list = &text[data..];
            let start = memchr::memchr(b'[', list)?;
            &list[start..=memchr::memchr(b']', list)?]
        }
        None => text,
    };
    let inner = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")).unwrap_or(text);
    let separators = |byte: &u8| *byte == b',' || byte.is_ascii_whitespace();
    let numbers: Vec<_> = inner.split(separators).filter(|number| !number.is_empty()).collect();
    (numbers.len() >= MIN_LENGTH).then(|| numbers.into_iter().map(parse_byte).collect())?
}

fn decode_typed_array(members: &[u8]) -> Option<Vec<u8>> {
    let member = |(index, member): (usize, &[u8])| {
        let (key, value) = member.split_at_checked(memchr::memchr(b':', member)?)?;
        (key == format!("\"{index}\"").as_bytes()).then(|| parse_byte(value.get(1..)?))?
    };
    members.split(|byte| *byte == b',').enumerate().map(member).collect()
}

fn parse_byte(number: &[u8]) -> Option<u8> {
    let number: i16 = std::str::from_utf8(number).ok()?.trim().parse().ok()?;
    u8::try_from(number).ok().or_else(|| i8::try_from(number).ok().map(i8::cast_unsigned))
}

/// Reads Node's `<Buffer 7b 22>`, if it is whole.
pub(super) fn decode_inspected_buffer(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.trim_ascii().strip_prefix(b"<Buffer ")?.strip_suffix(b">")?;
    hex::decode(digits.iter().copied().filter(|byte| *byte != b' ').collect::<Vec<_>>()).ok()
}

/// Decodes the payload of a compact JWS, the second of three parts.
pub(super) fn decode_jws(text: &[u8]) -> Option<Vec<u8>> {
    let parts: Vec<_> = text.trim_ascii().split(|byte| *byte == b'.').collect();
    let [header, payload, _] = parts.as_slice() else { return None };
    header.starts_with(b"eyJ").then(|| decode_base64(payload))?
}

/// Writes the bytes as decimal numbers.
pub(super) fn decimal_bytes(body: &[u8], separator: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len() * 4);
    for (index, byte) in body.iter().enumerate() {
        if index > 0 {
            text.extend(separator.as_bytes());
        }
        push_decimal(&mut text, usize::from(*byte));
    }
    text
}

fn push_decimal(text: &mut Vec<u8>, number: usize) {
    if number >= 10 {
        push_decimal(text, number / 10);
    }
    text.push(b'0' + (number % 10) as u8);
}

/// Writes the bytes as Java prints a `byte[]` with `Arrays.toString`.
pub(super) fn signed_bytes(body: &[u8]) -> Vec<u8> {
    let mut text = b"[".to_vec();
    for (index, byte) in body.iter().map(|byte| byte.cast_signed()).enumerate() {
        if index > 0 {
            text.extend(b", ");
        }
        if byte < 0 {
            text.push(b'-');
        }
        push_decimal(&mut text, usize::from(byte.unsigned_abs()));
    }
    text.push(b']');
    text
}

/// Writes the bytes as JSON.stringify writes a typed array that is no Buffer.
pub(super) fn typed_array(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len() * 11);
    text.push(b'{');
    for (index, byte) in body.iter().enumerate() {
        text.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
        push_decimal(&mut text, index);
        text.extend_from_slice(b"\":");
        push_decimal(&mut text, usize::from(*byte));
    }
    text.push(b'}');
    text
}

/// Writes the bytes as Node inspects a Buffer: the first fifty, then the number of the others.
pub(super) fn inspected_buffer(body: &[u8]) -> Vec<u8> {
    let digits = hex::encode(&body[..body.len().min(50)]).into_bytes();
    let rest = match body.len().saturating_sub(50) {
        0 => String::new(),
        1 => " ... 1 more byte".to_owned(),
        more => format!(" ... {more} more bytes"),
    };
    let mut text = b"<Buffer".to_vec();
    for pair in digits.chunks(2) {
        text.push(b' ');
        text.extend_from_slice(pair);
    }
    text.extend_from_slice(rest.as_bytes());
    text.push(b'>');
    text
}

/// Writes hex with a separator between the bytes.
pub(super) fn separated_hex(body: &[u8], separator: &str) -> Vec<u8> {
    let digits = hex::encode_upper(body).into_bytes();
    let pairs: Vec<_> = digits.chunks(2).collect();
    pairs.join(separator.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::escapes;
    use super::*;

    const BODY: &[u8] = b"{\"a\":\"b'\xc3\xa9\"}";

    #[test]
    fn base64_is_read_in_every_spelling() {
        // printf '{"a":1,"b":"??>>"}' | base64
        let body = b"{\"a\":1,\"b\":\"??>>\"}".to_vec();
        for text in [
            "eyJhIjoxLCJiIjoiPz8+PiJ9",
            "eyJhIjoxLCJiIjoiPz8-PiJ9",
            "\"eyJhIjoxLCJi\r\nIjoiPz8+PiJ9\"\n",
            "data:application/json;base64,eyJhIjoxLCJiIjoiPz8+PiJ9",
        ] {
            assert_eq!(decode_base64(text.as_bytes()), Some(body.clone()), "{text}");
        }
        assert_eq!(decode_base64(b"ok"), None);
        assert_eq!(decode_base64(b"{\"a\":\"eyJhIjoxfQ==\"}"), None);
    }

    #[test]
    fn every_print_of_bytes_is_read_back() {
        for (print, text) in [
            ("hex", hex::encode(BODY).into_bytes()),
            ("\\x", format!("\\x{}", hex::encode(BODY)).into_bytes()),
            ("separated hex", separated_hex(BODY, "-")),
            ("literals", format!("{{ 0x{} }}", String::from_utf8(separated_hex(BODY, ", 0x")).unwrap()).into_bytes()),
        ] {
            assert_eq!(decode_hex(&text).as_deref(), Some(BODY), "{print}");
        }
        for (print, text) in [
            ("Python's list", [b"[", &decimal_bytes(BODY, ", ")[..], b"]"].concat()),
            ("Go's slice", [b"[", &decimal_bytes(BODY, " ")[..], b"]"].concat()),
            ("Uint8Array", decimal_bytes(BODY, ",")),
            ("Java's list", signed_bytes(BODY)),
            ("typed array", typed_array(BODY)),
            ("Buffer", [b"{\"type\":\"Buffer\",\"data\":[", &decimal_bytes(BODY, ",")[..], b"]}"].concat()),
        ] {
            assert_eq!(decode_numbers(&text).as_deref(), Some(BODY), "{print}");
        }
        assert_eq!(escapes::decode_python_literal(&escapes::python_bytes(BODY)).as_deref(), Some(BODY));
        assert_eq!(decode_inspected_buffer(&inspected_buffer(BODY)).as_deref(), Some(BODY));
        assert_eq!(escapes::decode_hex_escapes(&escapes::nginx_escaped(BODY)).as_deref(), Some(BODY));
    }

    #[test]
    fn prints_look_like_those_of_the_tools() {
        // node -e 'console.log(Buffer.from("x".repeat(52)))'
        let text = String::from_utf8(inspected_buffer(&[b'x'; 52])).unwrap();
        assert!(text.starts_with("<Buffer 78 78") && text.ends_with("78 78 ... 2 more bytes>"), "{text}");
        // jshell: Arrays.toString("é".getBytes())
        assert_eq!(signed_bytes("é".as_bytes()), b"[-61, -87]");
        // node -e 'console.log(JSON.stringify(new Uint8Array([1,2])))'
        assert_eq!(typed_array(&[1, 2]), br#"{"0":1,"1":2}"#);
    }

    #[test]
    fn mail_and_tokens_are_decoded() {
        // python3 -c 'import quopri; print(quopri.encodestring(b"{\"a\":\"\xc3\xa9=\"}").decode())'
        assert_eq!(escapes::decode_quoted_printable(b"{\"a\":\"=C3=A9=3D\"=\n}").unwrap(), "{\"a\":\"é=\"}".as_bytes());
        assert_eq!(escapes::decode_quoted_printable(b"{\"a\":1}"), None);
        assert_eq!(escapes::decode_quoted_printable(b"a=b"), None);
        // printf '{"a":1}' | base64
        assert_eq!(decode_jws(b"eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln").unwrap(), b"{\"a\":1}");
        assert_eq!(decode_jws(b"1.2.3"), None);
    }
}
