//! Removes the frames around a body: chunks, multipart, event streams, JSONP, strings, CSV fields.

use super::containers::{Found, MAX_FOUND};
use super::{escapes, text};

/// Joins the chunks of a body whose chunk framing was kept.
pub(super) fn dechunk(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        let line_end = memchr::memchr(b'\n', rest)?;
        let size = std::str::from_utf8(rest[..line_end].trim_ascii()).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        rest = &rest[line_end + 1..];
        if size == 0 {
            return (!out.is_empty()).then_some(out);
        }
        let (chunk, tail) = rest.split_at_checked(size)?;
        out.extend(chunk);
        rest = tail.strip_prefix(b"\r\n").or_else(|| tail.strip_prefix(b"\n"))?;
    }
}

/// Lists the contents of the parts of a multipart body.
pub(super) fn multipart_parts(text: &[u8]) -> Vec<Found> {
    let Some(boundary) = text.split(|byte| *byte == b'\n').next().map(<[u8]>::trim_ascii_end) else {
        return Vec::new();
    };
    if !boundary.starts_with(b"--") || boundary.len() < 6 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, boundary) {
        let part = &rest[at + boundary.len()..];
        let end = memchr::memmem::find(part, boundary).unwrap_or(part.len());
        let content = &part[..end];
        let head = [&b"\r\n\r\n"[..], b"\n\n"]
            .into_iter()
            .find_map(|blank| memchr::memmem::find(content, blank).map(|at| (at, &content[at + blank.len()..])));
        if let Some((head_end, body)) = head {
            let body = body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n")).unwrap_or(body);
            let head = String::from_utf8_lossy(&content[..head_end]).into_owned();
            let name = head.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            found.push(Found::new(body.to_vec(), name));
        }
        rest = part;
    }
    found.truncate(MAX_FOUND);
    found
}

/// Joins the data lines of a server-sent event.
pub(super) fn event_stream(text: &[u8]) -> Option<Vec<u8>> {
    let mut data: Vec<&[u8]> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.strip_prefix(b"data:") {
            Some(value) => data.push(value.strip_prefix(b" ").unwrap_or(value)),
            None if line.is_empty() || line.starts_with(b":") => {}
            None if [&b"event:"[..], b"id:", b"retry:"].iter().any(|field| line.starts_with(field)) => {}
            None => return None,
        }
    }
    (!data.is_empty()).then(|| data.join(&b'\n'))
}

/// Reads the argument of `callback(…);`.
pub(super) fn jsonp(text: &[u8]) -> Option<Found> {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"/**/").unwrap_or(text).trim_ascii_start();
    let open = memchr::memchr(b'(', text)?;
    let name = std::str::from_utf8(&text[..open]).ok()?;
    let is_name = !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "_$.".contains(char));
    let end = text.strip_suffix(b";").unwrap_or(text).strip_suffix(b")")?;
    is_name.then(|| Found::new(end[open + 1..].to_vec(), name))
}

/// Reads the text inside a JSON string, also one whose quotes were lost.
pub(super) fn json_string(text: &[u8]) -> Option<Vec<u8>> {
    let quoted = text.trim_ascii();
    if quoted.starts_with(b"\"") {
        return serde_json::from_slice::<String>(quoted).ok().map(String::into_bytes);
    }
    None
}

/// Reads a quoted CSV field, which doubles the quotes inside.
pub(super) fn csv_field(field: &[u8]) -> Option<Vec<u8>> {
    let inner = field.trim_ascii().strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    text::replace(inner, b"\"\"", b"\"")
}

/// Undoes backslashes before quotes, if the text is no JSON as it is.
pub(super) fn escaped_quotes(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(text, b"\\\"").or_else(|| memchr::memmem::find(text, b"\\u0022"))?;
    if crate::json::is_valid(text) {
        return None;
    }
    let quoted = [b"\"", text, b"\""].concat();
    let exact = serde_json::from_slice::<String>(&quoted).ok().map(String::into_bytes);
    exact.or_else(|| escapes::unescape(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_removed() {
        assert_eq!(dechunk(b"4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n").unwrap(), b"{\"a\":1}");
        assert_eq!(dechunk(b"7\n{\"a\":1}\n0\n\n").unwrap(), b"{\"a\":1}");
        assert_eq!(dechunk(b"{\"a\":1}"), None);
        assert_eq!(event_stream(b"event: x\ndata: {\"a\":1}\n\n").unwrap(), b"{\"a\":1}");
        assert_eq!(event_stream(b"{\"a\":1}"), None);
        assert_eq!(jsonp(b"/**/cb({\"a\":1});").unwrap(), Found::new(b"{\"a\":1}".to_vec(), "cb"));
        assert_eq!(jsonp(b"{\"a\":\"(b)\"}"), None);
        let part = "--x12345\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{\"a\":1}\r\n--x12345--\r\n";
        assert_eq!(multipart_parts(part.as_bytes()), [Found::new(b"{\"a\":1}".to_vec(), "payload")]);
    }

    #[test]
    fn strings_and_escapes_are_undone() {
        assert_eq!(json_string(br#""{\"a\":\"\u00e9\"}""#).unwrap(), "{\"a\":\"é\"}".as_bytes());
        assert_eq!(escaped_quotes(br#"{\"a\":\"b\\\"c\"}"#).unwrap(), br#"{"a":"b\"c"}"#);
        assert_eq!(escaped_quotes(br#"{"a":1}"#), None);
    }
}
