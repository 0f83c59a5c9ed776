//! Finds JSON in the lines of a log: after a prefix, inside quotes, with the escapes of nginx, or as
//! Node.js and Python print objects.

use super::literal;
use crate::json::first_value_end;
use crate::model::message::Headers;
use memchr::memmem;
use std::collections::BTreeMap;

/// Bytes that may be read per byte of a text. A hostile text can make every bracket a start.
const READS_PER_BYTE: usize = 16;

/// JSON inside a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EmbeddedText {
    /// Offset in the text around it.
    pub offset: usize,
    /// The JSON, without escapes of the text around it.
    pub json: Vec<u8>,
    /// The length of the JSON with its escapes.
    pub length: usize,
    /// A program printed an object that it had parsed; the JSON was written from that.
    pub is_printed: bool,
}

/// Finds every JSON object or list of objects in a text, in its order.
pub(super) fn find_embedded(text: &[u8]) -> Vec<EmbeddedText> {
    let mut found = Vec::new();
    let mut allowance = text.len().saturating_mul(READS_PER_BYTE).saturating_add(1 << 16);
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| memchr::memchr3(b'{', b'[', b'"', rest)) {
        at += next;
        let Some(rest) = text.get(at..) else { break };
        let starts = is_start(rest);
        if starts && allowance == 0 {
            break;
        }
        match starts.then(|| read_at(text, at)).flatten() {
            Some(embedded) => {
                at = embedded.offset + embedded.length.max(1);
                allowance = allowance.saturating_sub(embedded.length);
                found.push(embedded);
            }
            None => {
                at += 1;
                if starts {
                    // An attempt reads up to the end of the text.
                    allowance = allowance.saturating_sub(rest.len().min(1 << 20));
                }
            }
        }
    }
    found
}

/// Checks whether an object, a list of objects, or a string with one may start here.
fn is_start(rest: &[u8]) -> bool {
    let second = |rest: &[u8]| rest.get(1..).and_then(|rest| rest.trim_ascii_start().first().copied());
    match rest.first() {
        Some(b'"') => matches!(rest.get(1..4), Some([b'{', b'\\', _] | [b'[', b'{', b'\\'])),
        Some(b'{') => second(rest)
            .is_some_and(|byte| matches!(byte, b'"' | b'\\' | b'\'') || byte.is_ascii_alphabetic() || byte == b'_'),
        Some(b'[') => second(rest) == Some(b'{'),
        _ => false,
    }
}

fn read_at(text: &[u8], at: usize) -> Option<EmbeddedText> {
    let rest = text.get(at..)?;
    // Python's `b'…'` escapes every byte that is not printable.
    if let [.., b'b', quote @ (b'\'' | b'"')] = text.get(..at)? {
        let end = literal::quoted_end(rest, *quote)?;
        let json = literal::unescape_bytes(rest.get(..end)?)?;
        return first_value_end(&json).ok().map(|_| EmbeddedText { offset: at, json, length: end, is_printed: false });
    }
    if rest.first() == Some(&b'"') {
        let end = literal::quoted_end(rest.get(1..)?, b'"')? + 1;
        let json = unescape(rest.get(1..end)?)?;
        return first_value_end(&json).ok().map(|_| EmbeddedText {
            offset: at,
            json,
            length: end + 1,
            is_printed: false,
        });
    }
    if let Ok(length) = first_value_end(rest) {
        return Some(EmbeddedText { offset: at, json: rest.get(..length)?.to_vec(), length, is_printed: false });
    }
    if rest.get(1) == Some(&b'\\') {
        let end = literal::quoted_end(rest, b'"').unwrap_or(rest.len());
        let json = unescape(rest.get(..end)?)?;
        let length = first_value_end(&json).ok()?;
        return Some(EmbeddedText { offset: at, json: json.get(..length)?.to_vec(), length: end, is_printed: false });
    }
    let (json, length) = literal::to_json(rest)?;
    Some(EmbeddedText { offset: at, json, length, is_printed: true })
}

/// Undoes the escapes of nginx (`\x22`) or of a JSON string.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    if memmem::find(text, b"\\x22").is_some() || memmem::find(text, b"\\x5C").is_some() {
        return literal::unescape_bytes(text);
    }
    let quoted = [b"\"", text, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).ok().map(String::into_bytes)
}

/// Returns a raw request that a program logged after a prefix, or as a quoted text, as Python's
/// `http.client` and Go's `%q` do. `None`: there is none.
pub(super) fn printed_request(text: &[u8]) -> Option<Vec<u8>> {
    for (at, _) in memmem::find_iter(text, b" HTTP/1.").zip(0..1_000) {
        let line_start = memchr::memrchr(b'\n', text.get(..at)?).map_or(0, |end| end + 1);
        let before = text.get(line_start..at)?;
        let methods: [&[u8]; 4] = [b"POST ", b"PUT ", b"PATCH ", b"DELETE "];
        let Some(found) = methods.iter().filter_map(|method| memmem::rfind(before, method)).max() else { continue };
        let start = line_start + found;
        match text.get(at + b" HTTP/1.1".len()..)? {
            [b'\r' | b'\n', ..] => return text.get(start..).map(<[u8]>::to_vec),
            [b'\\', b'r' | b'n', ..] => {
                let quote = *text.get(..start)?.last()?;
                return Some(joined_literals(text.get(start..)?, quote));
            }
            _ => {}
        }
    }
    None
}

/// Joins a quoted text with the ones that follow it: `http.client` prints head and body apart.
fn joined_literals(text: &[u8], quote: u8) -> Vec<u8> {
    let (mut joined, mut rest) = (Vec::new(), text);
    while let Some(end) = literal::quoted_end(rest, quote) {
        joined.extend(rest.get(..end).and_then(literal::unescape_bytes).unwrap_or_default());
        rest = rest.get(end..).unwrap_or_default();
        let Some(next) = memmem::find(rest, b"send: b") else { break };
        rest = rest.get(next + b"send: b'".len()..).unwrap_or_default();
    }
    joined
}

/// Returns the end of the line at this offset.
pub(super) fn line_end(text: &[u8], offset: usize) -> usize {
    let rest = text.get(offset..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |at| offset + at)
}

/// Finds headers of a signature that are written anywhere in a text, as `name: value`, `name=value`
/// or in quotes. `None`: there are none, or two values for one name.
pub(super) fn loose_headers(text: &[u8]) -> Option<Headers> {
    let text = String::from_utf8_lossy(text);
    let lower = text.to_ascii_lowercase();
    let mut found: BTreeMap<String, (String, String)> = BTreeMap::new();
    for word in ["signature", "timestamp", "hmac"] {
        for (at, _) in lower.match_indices(word).take(1_000) {
            let Some((name, value)) = header_around(&text, at) else { continue };
            // nginx and CGI write `http_x_name` for `X-Name`.
            let key = name.to_ascii_lowercase().replace('_', "-");
            let (key, written) = match key.strip_prefix("http-") {
                Some(rest) => (rest.to_owned(), rest.to_owned()),
                None if name.contains('_') => (key.clone(), key),
                None => (key, name.to_owned()),
            };
            let known = found.entry(key).or_insert_with(|| (written, value.to_owned()));
            if known.1 != value {
                return None;
            }
        }
    }
    let mut headers = Headers::new();
    for (name, value) in found.into_values() {
        headers.push(&name, value.as_bytes()).ok()?;
    }
    (!headers.is_empty()).then_some(headers)
}

/// Reads the name that a word at this offset is part of, and the value after it.
fn header_around(text: &str, at: usize) -> Option<(&str, &str)> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let start = text.get(..at)?.rfind(|letter| !is_name(letter)).map_or(0, |found| found + 1);
    let rest = text.get(start..)?;
    let end = rest.find(|letter| !is_name(letter))?;
    let (name, rest) = rest.split_at_checked(end)?;
    if !name.contains(['-', '_']) {
        return None;
    }
    let rest = rest.trim_start_matches(['"', '\'', '\\', ']']).trim_start();
    let rest = rest.strip_prefix("=>").or_else(|| rest.strip_prefix([':', '=']))?;
    let rest = rest.trim_start_matches([' ', '\t', '"', '\'', '\\', '[']);
    let value = rest.split(|letter: char| letter.is_whitespace() || "\"'\\,;}])".contains(letter)).next()?;
    (!value.is_empty() && value.len() <= 512).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded(text: &str) -> Vec<String> {
        find_embedded(text.as_bytes()).into_iter().map(|found| String::from_utf8(found.json).unwrap()).collect()
    }

    #[test]
    fn json_is_found_after_a_prefix_and_in_every_kind_of_quotes() {
        let json = r#"{"id":"evt_1","n":[1,{}]}"#;
        for line in [
            format!("2025-01-15T10:30:00Z INFO body={json} took=3ms"),
            format!("[2025-01-15 10:30:00] local.INFO: webhook {json}  []"),
            format!("body={}", serde_json::to_string(json).unwrap()),
            format!(r#"POST "{}" 200"#, json.replace('"', "\\x22")),
            format!("request.data b'{json}'"),
            format!("msg={{\"level\":1}} {json}").replacen("{\"level\":1}", "", 1),
        ] {
            assert_eq!(embedded(&line), [json], "{line}");
        }
    }

    #[test]
    fn escapes_of_nginx_and_python_give_the_bytes_that_were_sent() {
        let expected = r#"{"name":"Évora \"x\"","tab":"\t"}"#;
        let nginx = r#""{\x22name\x22:\x22\xC3\x89vora \x5C\x22x\x5C\x22\x22,\x22tab\x22:\x22\x5Ct\x22}" "-""#;
        // `python3 -c "print('{\"name\":\"Évora \\\\\"x\\\\\"\",\"tab\":\"\\\\t\"}'.encode())"`
        let python = r#"b'{"name":"\xc3\x89vora \\"x\\"","tab":"\\t"}'"#;
        assert_eq!(embedded(nginx), [expected]);
        assert_eq!(embedded(python), [expected]);
    }

    #[test]
    fn headers_are_found_wherever_a_log_writes_them() {
        for text in [
            "X-Plexos-Signature: ab12\nX-Plexos-Timestamp: 1736937000",
            r#"headers={'x-plexos-signature': 'ab12', "x-plexos-timestamp": "1736937000"}"#,
            "HTTP_X_PLEXOS_SIGNATURE=ab12; HTTP_X_PLEXOS_TIMESTAMP=>1736937000",
            r#"{\"X-Plexos-Signature\":[\"ab12\"],\"X-Plexos-Timestamp\":[\"1736937000\"]}"#,
        ] {
            let headers = loose_headers(text.as_bytes()).expect(text);
            let values: Vec<_> = headers.iter().map(|(_, value)| value).collect();
            assert_eq!(values, [&b"ab12"[..], b"1736937000"], "{text}");
        }
        assert!(loose_headers(b"x-a-signature: 1\nx-a-signature: 2").is_none(), "two requests");
        assert!(loose_headers(b"invalid signature: abc, timestamp=1").is_none());
    }

    #[test]
    fn a_text_full_of_brackets_is_read_in_bounded_time() {
        assert!(embedded(&"{\"a\":".repeat(50_000)).is_empty());
        assert!(embedded(&"[{ ".repeat(50_000)).is_empty());
    }
}
