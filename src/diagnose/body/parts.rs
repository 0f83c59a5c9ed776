//! Parts of an event that code signs instead of the whole body: `data`, an id, values in a row.

use super::change::BodySource;
use super::printers::ordered;
use crate::diagnose::cause::Cause;
use crate::diagnose::kinds::body as kinds;
use crate::json::{Document, TokenKind, Tokens};
use serde_json::Value;

/// A part of a body.
pub(super) struct BodyPart {
    pub bytes: Vec<u8>,
    what: String,
}

impl BodyPart {
    pub(super) fn cause(&self) -> Cause {
        Cause::new(&kinds::PART).with("what", self.what.clone())
    }
}

/// The largest number of parts that are tried.
pub(super) const MAX_PARTS: usize = 160;
/// Parts of longer bodies are not tried.
const MAX_LENGTH: usize = 256 << 10;
/// The largest number of values of which pairs are tried.
const MAX_PAIRED: usize = 12;
/// The largest number of pairs of values.
pub(super) const MAX_VALUE_PAIRS: usize = MAX_PAIRED * (MAX_PAIRED - 1) * 6;
/// The largest number of values that are combined.
const MAX_VALUES: usize = 40;

const SEPARATORS: [(&str, &str); 9] = [
    ("nothing", ""),
    ("`|`", "|"),
    ("`,`", ","),
    ("`&`", "&"),
    ("`:`", ":"),
    ("`.`", "."),
    ("`-`", "-"),
    ("a blank", " "),
    ("a newline", "\n"),
];

/// Lists the parts of a body: its members as they are written, then its values in a row.
pub(super) fn parts(body: &[u8]) -> Vec<BodyPart> {
    let mut found: Vec<BodyPart> = Vec::new();
    if body.len() > MAX_LENGTH || Document::parse(body).is_err() {
        return found;
    }
    let source = BodySource::new(body);
    let Some(value) = source.container() else { return found };
    let mut add = |bytes: Vec<u8>, what: String| {
        let is_new = !bytes.is_empty() && bytes != body && !found.iter().any(|known| known.bytes == bytes);
        if is_new && found.len() < MAX_PARTS {
            found.push(BodyPart { bytes, what });
        }
    };
    for (path, raw) in members(body) {
        match serde_json::from_slice::<String>(raw) {
            Ok(text) => add(text.into_bytes(), format!("the text of `{path}`")),
            Err(_) => add(raw.to_vec(), format!("`{path}`")),
        }
    }
    let levels = [("", Some(value)), (" of `data`", value.get("data"))];
    for (place, level) in levels {
        let Some(level) = level.filter(|level| level.is_object()) else { continue };
        for (is_sorted, order) in [(false, ""), (true, ", sorted by name,")] {
            let leaves = leaves(level, is_sorted);
            let values: Vec<_> = leaves.iter().map(|(_, value)| value.as_str()).collect();
            for (name, separator) in SEPARATORS {
                add(values.join(separator).into(), format!("the values{place}{order} with {name} between them"));
            }
            let pairs =
                |glue: &str| leaves.iter().map(|(name, value)| format!("{name}{glue}{value}")).collect::<Vec<_>>();
            add(pairs("=").join("&").into(), format!("name=value pairs{place}{order} with `&` between them"));
            add(pairs("=").concat().into(), format!("name=value pairs{place}{order} with nothing between them"));
            add(pairs("").concat().into(), format!("names and values{place}{order} with nothing between them"));
            add(pairs("=").join("|").into(), format!("name=value pairs{place}{order} with `|` between them"));
            add(pairs("=").join("\n").into(), format!("name=value pairs{place}{order} with newlines between them"));
        }
    }
    found
}

/// Lists the pairs of two values, in either order.
pub(super) fn value_pairs(body: &[u8]) -> Vec<BodyPart> {
    let mut found = Vec::new();
    let source = BodySource::new(body);
    let Some(value) = source.value().filter(|value| value.is_object() && body.len() <= MAX_LENGTH) else {
        return found;
    };
    let mut leaves = leaves(value, false);
    leaves.retain(|(_, value)| !value.is_empty());
    leaves.truncate(MAX_PAIRED);
    for (name, value) in &leaves {
        for (other_name, other) in leaves.iter().filter(|(other_name, _)| other_name != name) {
            for (separator_name, separator) in &SEPARATORS[..6] {
                let bytes = [value.as_str(), separator, other].concat().into_bytes();
                let what = format!("the values of `{name}` and `{other_name}` with {separator_name} between them");
                found.push(BodyPart { bytes, what });
            }
        }
    }
    found
}

/// Lists the paths and raw texts of the members on the two upper levels.
fn members(body: &[u8]) -> Vec<(String, &[u8])> {
    let mut found = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut starts: Vec<Option<(String, usize)>> = Vec::new();
    let mut tokens = Tokens::new(body);
    while let Some(Ok(token)) = tokens.next() {
        let raw = &body[token.start..token.end];
        let depth = tokens.depth();
        match token.kind {
            TokenKind::Key => {
                names.truncate(depth - 1);
                names.resize(depth, String::new());
                names[depth - 1] = String::from_utf8_lossy(raw).trim_matches('"').to_owned();
            }
            TokenKind::OpenObject | TokenKind::OpenArray => {
                let path = (depth == 2 || depth == 3).then(|| names.get(..depth - 1).unwrap_or_default().join("."));
                starts.push(path.filter(|path| !path.is_empty()).map(|path| (path, token.start)));
            }
            TokenKind::CloseObject | TokenKind::CloseArray => {
                if let Some(Some((path, start))) = starts.pop() {
                    found.push((path, &body[start..token.end]));
                }
            }
            TokenKind::String | TokenKind::Number if (1..=2).contains(&depth) && names.len() >= depth => {
                found.push((names[..depth].join("."), raw));
            }
            _ => {}
        }
        if found.len() >= MAX_VALUES {
            break;
        }
    }
    found.sort_by_key(|(_, raw)| !raw.starts_with(b"{"));
    found
}

/// Lists the scalars with their names, those of nested objects in place.
fn leaves(value: &Value, is_sorted: bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut stack: Vec<(String, &Value)> = vec![(String::new(), value)];
    while let Some((name, value)) = stack.pop() {
        match value {
            Value::Object(members) => {
                stack.extend(ordered(members, is_sorted).into_iter().rev().map(|(key, value)| (key.clone(), value)));
            }
            Value::Array(values) => stack.extend(values.iter().rev().map(|value| (name.clone(), value))),
            Value::Null => found.push((name, String::new())),
            Value::String(text) => found.push((name, text.clone())),
            other => found.push((name, other.to_string())),
        }
        if found.len() > MAX_VALUES {
            return Vec::new();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"id":"evt_1","type":"a.b","data":{"id":"pi_1","amount":"10","n":null},"t":5}"#;

    fn part(signed: &str) -> Option<String> {
        parts(BODY.as_bytes()).into_iter().find(|part| part.bytes == signed.as_bytes()).map(|part| part.what)
    }

    #[test]
    fn members_and_rows_of_values_are_parts() {
        for (signed, expected) in [
            (r#"{"id":"pi_1","amount":"10","n":null}"#, "`data`"),
            ("evt_1", "the text of `id`"),
            ("pi_1", "the text of `data.id`"),
            ("5", "`t`"),
            ("evt_1a.bpi_1105", "the values with nothing between them"),
            ("pi_1|10|", "the values of `data` with `|` between them"),
            ("10pi_1", "the values of `data`, sorted by name, with nothing between them"),
            ("id=evt_1&type=a.b&id=pi_1&amount=10&n=&t=5", "name=value pairs with `&` between them"),
        ] {
            assert_eq!(part(signed).as_deref(), Some(expected), "{signed}");
        }
        let pairs = value_pairs(BODY.as_bytes());
        let pair = pairs.iter().find(|pair| pair.bytes == b"10|evt_1");
        assert_eq!(pair.unwrap().what, "the values of `amount` and `id` with `|` between them");
    }

    #[test]
    fn text_that_is_no_object_has_no_parts() {
        for text in ["", "x", "[1,2", "\"x\""] {
            assert!(parts(text.as_bytes()).is_empty(), "{text}");
        }
    }
}
