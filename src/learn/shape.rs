//! The shape of JSON values: fields, types, and formats of text, without the values themselves.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Greatest integer that JavaScript reads exactly. Greater ones are numbers.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// JSON type of a value; integers apart from other numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonType {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// Values of one field, or of one event, taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Number of times that it was present.
    pub count: u64,
    pub types: BTreeMap<JsonType, u64>,
    /// Formats of its texts: see `text_format`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub formats: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Self>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Self>>,
}

/// Most fields of one object, and most formats of one text, that are told apart.
const MAX_FIELDS: usize = 500;
const MAX_FORMATS: usize = 8;

impl Shape {
    pub fn add(&mut self, value: &Value) {
        self.count += 1;
        *self.types.entry(json_type(value)).or_default() += 1;
        match value {
            Value::String(text) => self.add_format(text_format(text)),
            Value::Array(items) => {
                let shape = self.items.get_or_insert_with(Box::default);
                items.iter().for_each(|item| shape.add(item));
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    if self.fields.len() < MAX_FIELDS || self.fields.contains_key(name) {
                        self.fields.entry(name.clone()).or_default().add(field);
                    }
                }
            }
            _ => {}
        }
    }

    fn add_format(&mut self, format: String) {
        if self.formats.len() < MAX_FORMATS {
            self.formats.insert(format);
        }
    }

    /// Adds everything that another shape was made of.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for (kind, count) in &other.types {
            *self.types.entry(*kind).or_default() += count;
        }
        other.formats.iter().cloned().for_each(|format| self.add_format(format));
        for (name, field) in &other.fields {
            self.fields.entry(name.clone()).or_default().merge(field);
        }
        if let Some(items) = &other.items {
            self.items.get_or_insert_with(Box::default).merge(items);
        }
    }

    /// Returns how many of its values were objects: a field with this count is always there.
    pub fn objects(&self) -> u64 {
        self.types.get(&JsonType::Object).copied().unwrap_or_default()
    }
}

fn json_type(value: &Value) -> JsonType {
    match value {
        Value::Null => JsonType::Null,
        Value::Bool(_) => JsonType::Boolean,
        Value::Number(number) if number.as_i64().is_some_and(|number| number.unsigned_abs() <= MAX_SAFE_INTEGER) => {
            JsonType::Integer
        }
        Value::Number(_) => JsonType::Number,
        Value::String(_) => JsonType::String,
        Value::Array(_) => JsonType::Array,
        Value::Object(_) => JsonType::Object,
    }
}

/// Names the format of a text without revealing it: `digits`, `decimal`, `time`, `uuid`, `hex`, an
/// identifier by its prefix such as `pi_…`, or `text`.
pub fn text_format(text: &str) -> String {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.is_empty() {
        return "empty".to_owned();
    }
    if is_digits(text) {
        return "digits".to_owned();
    }
    if text.split_once('.').is_some_and(|(whole, part)| is_digits(whole) && is_digits(part)) {
        return "decimal".to_owned();
    }
    if text.len() >= 19 && text.parse::<jiff::Timestamp>().is_ok() {
        let has_fraction = text.contains('.');
        return if has_fraction { "time with fraction" } else { "time" }.to_owned();
    }
    let parts: Vec<_> = text.split('-').collect();
    if parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| is_hex(part)) {
        return "uuid".to_owned();
    }
    if text.len() >= 32 && is_hex(text) {
        return format!("hex, {} characters", text.len());
    }
    match id_prefix(text) {
        Some(prefix) => format!("{prefix}…"),
        None => "text".to_owned(),
    }
}

/// Returns the prefix of an identifier: `pi_` of `pi_def456`, `PLS-` of `PLS-7XKQR4N`.
fn id_prefix(text: &str) -> Option<&str> {
    let end = text.find(['_', '-'])? + 1;
    let (prefix, rest) = text.split_at(end);
    let is_prefix = (2..=9).contains(&prefix.len()) && prefix[..end - 1].bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_rest = rest.len() >= 6 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let has_digit = rest.bytes().any(|byte| byte.is_ascii_digit());
    (is_prefix && is_rest && has_digit).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formats_of_text_are_named_without_the_text() {
        for (text, format) in [
            ("10000", "digits"),
            ("100.00", "decimal"),
            ("2026-06-12T10:14:00Z", "time"),
            ("2026-06-12T10:14:00.123Z", "time with fraction"),
            ("5f0c5f5e-8f3c-4b0e-9a51-111111111111", "uuid"),
            ("pi_def456", "pi_…"),
            ("PLS-7XKQR4N", "PLS-…"),
            ("Ana Silva", "text"),
            ("user_name", "text"),
            ("", "empty"),
        ] {
            assert_eq!(text_format(text), format, "{text}");
        }
    }

    #[test]
    fn a_field_that_is_sometimes_missing_or_null_shows_in_the_counts() {
        let (mut shape, mut other) = (Shape::default(), Shape::default());
        shape.add(&json!({"id": "pi_abc123", "token": null, "lines": [1, "a"]}));
        other.add(&json!({"id": 5}));
        shape.merge(&other);
        assert_eq!((shape.objects(), shape.fields["id"].count, shape.fields["token"].count), (2, 2, 1));
        let id: Vec<_> = shape.fields["id"].types.keys().copied().collect();
        assert_eq!(id, [JsonType::Integer, JsonType::String]);
        let items: Vec<_> = shape.fields["lines"].items.as_ref().unwrap().types.keys().copied().collect();
        assert_eq!(items, [JsonType::Integer, JsonType::String]);
    }
}
