//! Finds bodies inside other formats: JSON fields, logs, multipart, chunks, event streams, JSONP.

use super::bytes;
use crate::json::{TokenKind, Tokens, top_level_keys};
use crate::provider;

/// A body that was found inside another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub bytes: Vec<u8>,
    /// The place, such as the name of a field.
    pub place: String,
}

impl Found {
    pub(super) fn new(bytes: Vec<u8>, place: impl Into<String>) -> Self {
        Self { bytes, place: place.into() }
    }
}

/// The number of bytes that are read to recognize a provider's event.
const OWNER_SAMPLE: usize = 4 * 1024;
/// The largest number of bodies that are found in one container.
const MAX_FOUND: usize = 10;
/// A string without brackets is a body only from this length on: it may be base64.
const MIN_ENCODED: usize = 16;
/// Names of fields that hold bodies, the likeliest first.
const BODY_NAMES: [&str; 15] = [
    "rawbody", "raw_body", "body", "payload", "message", "content", "data", "text", "detail", "value", "event",
    "request", "record", "params", "raw",
];

/// Returns true if the text begins like a provider's event.
pub(super) fn is_event(text: &[u8]) -> bool {
    let sample = &text[..text.len().min(OWNER_SAMPLE)];
    sample.trim_ascii_start().starts_with(b"{") && provider::by_payload_keys(&top_level_keys(sample)).is_some()
}

/// A string, object or array inside a JSON text.
struct InnerValue {
    path: String,
    /// The innermost name on the path, in lower case.
    name: String,
    start: usize,
    end: usize,
    is_string: bool,
}

/// A step of a path: a name, or the index of an element.
enum PathStep {
    Name(String),
    Index(usize),
}

/// Lists the strings, objects and arrays inside a JSON text, the outermost first.
fn inner_values(text: &[u8]) -> Option<Vec<InnerValue>> {
    let mut steps: Vec<PathStep> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut values: Vec<InnerValue> = Vec::new();
    let add = |steps: &[PathStep], start: usize, end: usize, values: &mut Vec<InnerValue>| {
        let part = |step: &PathStep| match step {
            PathStep::Name(name) => name.clone(),
            PathStep::Index(index) => index.to_string(),
        };
        let name = steps.iter().rev().find_map(|step| match step {
            PathStep::Name(name) => Some(name.to_ascii_lowercase()),
            PathStep::Index(_) => None,
        });
        let path = steps.iter().map(part).collect::<Vec<_>>().join(".");
        values.push(InnerValue { path, name: name.unwrap_or_default(), start, end, is_string: text[start] == b'"' });
    };
    for token in Tokens::new(text) {
        let token = token.ok()?;
        match token.kind {
            TokenKind::OpenObject | TokenKind::OpenArray => {
                open.push(values.len());
                add(&steps, token.start, token.end, &mut values);
                let is_object = token.kind == TokenKind::OpenObject;
                steps.push(if is_object { PathStep::Name(String::new()) } else { PathStep::Index(0) });
                if steps.len() > 64 || values.len() > 4_096 {
                    return None;
                }
            }
            TokenKind::CloseObject | TokenKind::CloseArray => {
                steps.pop();
                if let Some(value) = open.pop().and_then(|index| values.get_mut(index)) {
                    value.end = token.end;
                }
            }
            TokenKind::Key => {
                let name = std::str::from_utf8(&text[token.start..token.end]).ok()?.trim_matches('"').to_owned();
                if let Some(step) = steps.last_mut() {
                    *step = PathStep::Name(name);
                }
            }
            TokenKind::Comma => {
                if let Some(PathStep::Index(index)) = steps.last_mut() {
                    *index += 1;
                }
            }
            TokenKind::String => add(&steps, token.start, token.end, &mut values),
            _ => {}
        }
    }
    Some(values)
}

/// Finds bodies in the fields of a JSON text that is no event itself, and events in any.
pub(super) fn json_fields(text: &[u8]) -> Vec<Found> {
    if !text.trim_ascii_start().starts_with(b"{") && !text.trim_ascii_start().starts_with(b"[") {
        return Vec::new();
    }
    let is_whole_event = is_event(text);
    let mut values = inner_values(text).unwrap_or_default();
    let rank = |value: &InnerValue| BODY_NAMES.iter().position(|name| *name == value.name).unwrap_or(BODY_NAMES.len());
    values.sort_by_key(|value| (rank(value), std::cmp::Reverse(value.end - value.start)));
    let decode = |value: InnerValue| {
        let raw = &text[value.start..value.end];
        let bytes =
            if value.is_string { serde_json::from_slice::<String>(raw).ok()?.into_bytes() } else { raw.to_vec() };
        let may_be_body = match value.is_string {
            true => bytes.len() >= MIN_ENCODED || bytes.iter().any(|byte| b"{[".contains(byte)),
            false => value.start > 0 && !value.path.is_empty() && bytes.len() > 2,
        };
        let is_wanted = may_be_body && (!is_whole_event || is_event(&bytes));
        is_wanted.then(|| Found::new(bytes, value.path))
    };
    values.into_iter().filter_map(decode).take(MAX_FOUND).collect()
}

/// Finds JSON with other text before or after it, as a log or a message frame has it.
pub(super) fn surrounded(text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |start: usize, end: usize| {
        let is_bare = text[..start].trim_ascii().is_empty() && text[end..].trim_ascii().is_empty();
        if !is_bare && end - start > 2 && found.len() < 3 {
            found.push(Found::new(text[start..end].to_vec(), surroundings(text, start, end)));
        }
    };
    let mut from = 0;
    for _ in 0..8 {
        let Some(start) = memchr::memchr2(b'{', b'[', &text[from..]).map(|at| from + at) else { break };
        match json_length(&text[start..]) {
            Some(length) => {
                add(start, start + length);
                from = start + length;
            }
            None => from = start + 1,
        }
    }
    if let (Some(start), Some(end)) = (memchr::memchr(b'{', text), memchr::memrchr(b'}', text)) {
        if start < end {
            add(start, end + 1);
        }
    } else if let Some(at) = text.trim_ascii_end().iter().rposition(|byte| b" \t:".contains(byte)) {
        let word = text[at + 1..].trim_ascii_end();
        if word.len() >= MIN_ENCODED {
            add(at + 1, at + 1 + word.len());
        }
    }
    found
}

/// Describes what stands before and after a part of a text.
pub(in crate::diagnose) fn surroundings(text: &[u8], start: usize, end: usize) -> String {
    let (before, after) = (&text[..start], &text[end..]);
    let before = (!before.is_empty()).then(|| format!("`{}` before it", shorten(before, true)));
    let after = (!after.is_empty()).then(|| format!("`{}` after it", shorten(after, false)));
    [before, after].into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

/// The longest piece of foreign text that a cause shows.
const MAX_SHOWN: usize = 32;

fn shorten(text: &[u8], is_end: bool) -> String {
    let text = String::from_utf8_lossy(text).into_owned();
    let count = text.chars().count();
    if count <= MAX_SHOWN {
        text
    } else if is_end {
        format!("…{}", text.chars().skip(count - MAX_SHOWN).collect::<String>())
    } else {
        format!("{}…", text.chars().take(MAX_SHOWN).collect::<String>())
    }
}

/// Returns the length of the JSON object or array at the start of a text.
fn json_length(text: &[u8]) -> Option<usize> {
    let mut tokens = Tokens::new(text);
    loop {
        let token = tokens.next()?.ok()?;
        if tokens.depth() == 0 {
            return Some(token.end);
        }
    }
}

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
pub(super) fn csv_field(text: &[u8]) -> Option<Vec<u8>> {
    let inner = text.trim_ascii().strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    super::text::replace(inner, b"\"\"", b"\"")
}

/// Undoes backslashes before quotes, if the text is no JSON as it is.
pub(super) fn escaped_quotes(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(text, b"\\\"").or_else(|| memchr::memmem::find(text, b"\\u0022"))?;
    if crate::json::is_valid(text) {
        return None;
    }
    let quoted = [b"\"", text, b"\""].concat();
    let exact = serde_json::from_slice::<String>(&quoted).ok().map(String::into_bytes);
    exact.or_else(|| bytes::unescape(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"id":"evt_1","type":"payment.debited","data":{"id":"pi_1"},"createdAt":"x"}"#;

    fn places(found: &[Found]) -> Vec<(&str, &str)> {
        found.iter().map(|found| (found.place.as_str(), std::str::from_utf8(&found.bytes).unwrap())).collect()
    }

    #[test]
    fn bodies_are_found_in_the_fields_of_queues_and_functions() {
        let string = serde_json::to_string(EVENT).unwrap();
        let sqs = format!(r#"{{"Records":[{{"messageId":"1","body":{string}}}]}}"#);
        assert_eq!(places(&json_fields(sqs.as_bytes()))[0], ("Records.0.body", EVENT));
        let n8n = format!(r#"[{{"headers":{{"a":"b"}},"body":{EVENT}}}]"#);
        assert_eq!(places(&json_fields(n8n.as_bytes()))[0], ("0.body", EVENT));
        let pubsub = r#"{"message":{"data":"eyJpZCI6ImV2dF8xIn0=","messageId":"1"},"subscription":"projects/x"}"#;
        assert!(places(&json_fields(pubsub.as_bytes())).contains(&("message.data", "eyJpZCI6ImV2dF8xIn0=")));
        assert_eq!(json_fields(EVENT.as_bytes()), []);
        let cloud = format!(r#"{{"type":"x","id":"1","createdAt":"y","data":{EVENT}}}"#);
        assert_eq!(places(&json_fields(cloud.as_bytes())), [("data", EVENT)]);
    }

    #[test]
    fn json_is_found_between_other_text() {
        let line = format!("[2025-01-15 10:30:00] local.INFO: webhook {EVENT} from 1.2.3.4");
        let found = surrounded(line.as_bytes());
        assert!(
            places(&found)
                .contains(&("`…5 10:30:00] local.INFO: webhook ` before it and ` from 1.2.3.4` after it", EVENT))
        );
        assert_eq!(surrounded(EVENT.as_bytes()), []);
        assert_eq!(places(&surrounded(b"got eyJpZCI6ImV2dF8xIiwiYSI6MX0="))[0].1, "eyJpZCI6ImV2dF8xIiwiYSI6MX0=");
    }

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
