//! Finds bodies inside other formats: in the fields of JSON, and between other text.

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
pub(super) const MAX_FOUND: usize = 10;
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
    /// The place of the innermost name in `BODY_NAMES`, or their number.
    rank: usize,
    start: usize,
    end: usize,
    is_string: bool,
    has_path: bool,
}

/// A step of a path: a name, or the index of an element.
#[derive(Clone, Copy)]
enum PathStep<'t> {
    Name(&'t str),
    Index(usize),
}

/// Lists the strings, objects and arrays inside a JSON text, the outermost first. `see` gets the
/// offset of each with the path to it.
fn inner_values(text: &[u8], mut see: impl FnMut(usize, &[PathStep<'_>])) -> Option<Vec<InnerValue>> {
    let mut steps: Vec<PathStep<'_>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut values: Vec<InnerValue> = Vec::new();
    let mut add = |steps: &[PathStep<'_>], start: usize, end: usize, values: &mut Vec<InnerValue>| {
        let name = steps.iter().rev().find_map(|step| match step {
            PathStep::Name(name) => Some(*name),
            PathStep::Index(_) => None,
        });
        let rank = BODY_NAMES.iter().position(|known| known.eq_ignore_ascii_case(name.unwrap_or_default()));
        see(start, steps);
        let rank = rank.unwrap_or(BODY_NAMES.len());
        let has_path = !matches!(steps, [] | [PathStep::Name("")]);
        values.push(InnerValue { rank, start, end, is_string: text[start] == b'"', has_path });
    };
    for token in Tokens::new(text) {
        let token = token.ok()?;
        match token.kind {
            TokenKind::OpenObject | TokenKind::OpenArray => {
                open.push(values.len());
                add(&steps, token.start, token.end, &mut values);
                let is_object = token.kind == TokenKind::OpenObject;
                steps.push(if is_object { PathStep::Name("") } else { PathStep::Index(0) });
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
                let name = std::str::from_utf8(&text[token.start..token.end]).ok()?.trim_matches('"');
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

/// Returns the path to the value at an offset, such as `Records.0.body`.
fn path_to(text: &[u8], offset: usize) -> String {
    let mut path = String::new();
    inner_values(text, |start, steps| {
        if start == offset {
            let part = |step: &PathStep<'_>| match step {
                PathStep::Name(name) => (*name).to_owned(),
                PathStep::Index(index) => index.to_string(),
            };
            path = steps.iter().map(part).collect::<Vec<_>>().join(".");
        }
    });
    path
}

/// Finds bodies in the fields of a JSON text that is no event itself, and events in any.
pub(super) fn json_fields(text: &[u8]) -> Vec<Found> {
    if !text.trim_ascii_start().starts_with(b"{") && !text.trim_ascii_start().starts_with(b"[") {
        return Vec::new();
    }
    let is_whole_event = is_event(text);
    let mut values = inner_values(text, |_, _| ()).unwrap_or_default();
    values.sort_by_key(|value| (value.rank, std::cmp::Reverse(value.end - value.start)));
    let decode = |value: InnerValue| {
        let raw = &text[value.start..value.end];
        // Inside an event only another event is wanted, which starts with a bracket.
        if is_whole_event && !raw.iter().any(|byte| *byte == b'{' || *byte == b'\\') {
            return None;
        }
        let bytes =
            if value.is_string { serde_json::from_slice::<String>(raw).ok()?.into_bytes() } else { raw.to_vec() };
        let may_be_body = match value.is_string {
            true => bytes.len() >= MIN_ENCODED || bytes.iter().any(|byte| b"{[".contains(byte)),
            false => value.start > 0 && value.has_path && bytes.len() > 2,
        };
        let is_wanted = may_be_body && (!is_whole_event || is_event(&bytes));
        is_wanted.then(|| Found::new(bytes, path_to(text, value.start)))
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
}
