//! Sample payloads, as published or with fresh ids and times, with fields changed by path.
//!
//! The payloads are in `samples.json` in each provider's folder.

use crate::model::timestamp::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::fmt;

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The event type, with one more part if a type has several samples.
    pub name: String,
    pub kind: String,
    /// A sentence about the event.
    pub meaning: String,
    pub source: SampleSource,
    /// With the ids and times of its source.
    pub body: Value,
}

impl Sample {
    /// True if the provider publishes this exact payload.
    pub fn is_published(&self) -> bool {
        matches!(self.source, SampleSource::Published(_))
    }
}

/// Origin of a sample, with the pages that it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleSource {
    /// The provider publishes this payload.
    Published(String),
    /// The payload was derived from the provider's documentation.
    Assumed(String),
}

impl SampleSource {
    fn parse(text: &str) -> Self {
        match text.split_once(": ") {
            Some(("published", pages)) => Self::Published(pages.to_owned()),
            Some(("assumed", pages)) => Self::Assumed(pages.to_owned()),
            _ => panic!("a built-in sample is published or assumed, not `{text}`"),
        }
    }
}

impl fmt::Display for SampleSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published(pages) => write!(out, "published: {pages}"),
            Self::Assumed(pages) => write!(out, "assumed: {pages}"),
        }
    }
}

/// Parses a built-in list of objects with `name`, `meaning`, `source` and `body`.
pub fn read(list: &str) -> Vec<Sample> {
    let list: Vec<Map<String, Value>> = serde_json::from_str(list).expect("the built-in list is JSON");
    list.into_iter().map(read_one).collect()
}

fn read_one(mut entry: Map<String, Value>) -> Sample {
    let body = entry.remove("body").expect("a built-in sample has a body");
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    Sample {
        name: text(entry.get("name")),
        kind: text(body.get("type").filter(|_| body.get("data").is_some()).or_else(|| body.get("event"))),
        meaning: text(entry.get("meaning")),
        source: SampleSource::parse(&text(entry.get("source"))),
        body,
    }
}

/// Serializes a payload as it is sent: compact, without a newline.
pub fn to_bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

/// Replaces ids and times. Each id (a string with one of `prefixes`) gets the same new value
/// wherever it occurs; all times move so that the event's own time is now. `random` returns numbers
/// below its argument.
pub fn refresh(body: &mut Value, prefixes: &[&str], now: Timestamp, random: &mut dyn FnMut(usize) -> usize) {
    let mut ids = Vec::new();
    for_each_string(body, &mut |text| {
        let prefix = prefixes.iter().find(|prefix| text.len() > prefix.len() && text.starts_with(*prefix));
        if let Some(prefix) = prefix
            && !ids.iter().any(|(old, _)| old == text)
        {
            ids.push((text.clone(), fresh_id(prefix, &text[prefix.len()..], random)));
        }
    });
    let own_time = body.as_object().and_then(|fields| fields.values().find_map(|value| value.as_str()?.parse().ok()));
    let shift = own_time.map(|own: Timestamp| now.duration_since(own));
    for_each_string(body, &mut |text| {
        if let (Some(shift), Ok(time)) = (shift, text.parse::<Timestamp>()) {
            *text = time.checked_add(shift).map_or_else(|_| text.clone(), |moved| format_like(text, moved));
        }
        for (old, new) in &ids {
            if text.contains(old.as_str()) {
                *text = text.replace(old.as_str(), new);
            }
        }
    });
}

/// Calls `change` with every string value.
fn for_each_string(value: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| for_each_string(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|field| for_each_string(field, change)),
        _ => {}
    }
}

/// A new id with the alphabet of the old one, long enough that 100,000 of them do not collide.
fn fresh_id(prefix: &str, old: &str, random: &mut dyn FnMut(usize) -> usize) -> String {
    let alphabet = if [prefix, old].iter().any(|part| part.bytes().any(|byte| byte.is_ascii_lowercase())) {
        b"0123456789abcdefghijklmnopqrstuvwxyz"
    } else {
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    };
    let length = old.len().max(12);
    let tail = (0..length).map(|_| char::from(alphabet[random(alphabet.len())]));
    prefix.chars().chain(tail).collect()
}

/// Formats a time with as many fractional digits as the text it replaces.
fn format_like(old: &str, time: Timestamp) -> String {
    let digits = old.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    let precision = u8::try_from(digits.min(9)).expect("at most nine");
    DateTimePrinter::new().precision(Some(precision)).timestamp_to_string(&time)
}

/// Finds a field with the last name of `path` at a deeper level, such as `data.amount` for
/// `amount`.
pub fn find_nested(body: &Value, path: &[String]) -> Option<String> {
    let (name, depth) = (path.last()?, path.len());
    let mut queue = VecDeque::from([(Vec::new(), body)]);
    while let Some((here, value)) = queue.pop_front() {
        if here.len() > depth && here.last() == Some(name) {
            return Some(here.join("."));
        }
        let below = |name: String, value| ([&here[..], &[name]].concat(), value);
        match value {
            Value::Object(fields) => queue.extend(fields.iter().map(|(name, value)| below(name.clone(), value))),
            Value::Array(items) => {
                queue.extend(items.iter().enumerate().map(|(place, value)| below(place.to_string(), value)));
            }
            _ => {}
        }
    }
    None
}

/// A change of one field, from `--set`.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Field names and array positions from the top, as in `data.items.0.quantity`.
    pub path: Vec<String>,
    pub value: NewValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum NewValue {
    /// `path=text`: converted to the type of the field.
    Text(String),
    /// `path:=json`: used as it is.
    Json(Value),
}

/// A change that cannot be parsed or applied.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FieldChangeError {
    #[error("`{0}` is not a field change; use path=value or path:=json")]
    Form(String),
    #[error("`{0}` is not JSON")]
    NotJson(String),
    #[error("the payload has no `{missing}` (found: {present})")]
    NoField {
        /// The path up to the missing part.
        missing: String,
        /// The fields or items at that level.
        present: String,
    },
    /// The text does not fit the type of the field.
    #[error("`{path}` is {kind}, but `{text}` is not; use {path}:=JSON to change the type")]
    Type {
        path: String,
        /// Type of the field, as `a number`.
        kind: &'static str,
        text: String,
    },
}

impl std::str::FromStr for FieldChange {
    type Err = FieldChangeError;

    fn from_str(text: &str) -> Result<Self, FieldChangeError> {
        let (path, value) = text.split_once('=').ok_or_else(|| FieldChangeError::Form(text.to_owned()))?;
        let (path, value) = match path.strip_suffix(':') {
            Some(path) => {
                let json = serde_json::from_str(value).map_err(|_| FieldChangeError::NotJson(value.to_owned()))?;
                (path, NewValue::Json(json))
            }
            None => (path, NewValue::Text(value.to_owned())),
        };
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(FieldChangeError::Form(text.to_owned()));
        }
        Ok(Self { path: path.split('.').map(str::to_owned).collect(), value })
    }
}

impl FieldChange {
    /// Applies the change. A missing last field is added, as a string unless given as JSON; any
    /// other missing part is an error. `true`: the field was added.
    pub fn apply(&self, body: &mut Value) -> Result<bool, FieldChangeError> {
        let (last, parents) = self.path.split_last().expect("a path has at least one part");
        let mut parent = body;
        for (depth, name) in parents.iter().enumerate() {
            let present = present(parent);
            parent = child(parent, name).ok_or_else(|| self.no_field(depth, present))?;
        }
        if let Value::Object(fields) = parent {
            let value = self.value_for(fields.get(last))?;
            return Ok(fields.insert(last.clone(), value).is_none());
        }
        let present = present(parent);
        let old = child(parent, last).ok_or_else(|| self.no_field(parents.len(), present))?;
        *old = self.value_for(Some(old))?;
        Ok(false)
    }

    fn no_field(&self, depth: usize, present: String) -> FieldChangeError {
        FieldChangeError::NoField { missing: self.path[..=depth].join("."), present }
    }

    fn value_for(&self, old: Option<&Value>) -> Result<Value, FieldChangeError> {
        let text = match &self.value {
            NewValue::Json(value) => return Ok(value.clone()),
            NewValue::Text(text) => text,
        };
        let mismatch = |kind| FieldChangeError::Type { path: self.path.join("."), kind, text: text.clone() };
        match old {
            None | Some(Value::String(_) | Value::Null) => Ok(Value::String(text.clone())),
            Some(Value::Number(_)) => text.parse().map(Value::Number).map_err(|_| mismatch("a number")),
            Some(Value::Bool(_)) => text.parse().map(Value::Bool).map_err(|_| mismatch("true or false")),
            Some(Value::Array(_)) => Err(mismatch("an array")),
            Some(Value::Object(_)) => Err(mismatch("an object")),
        }
    }
}

fn child<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(fields) => fields.get_mut(name),
        Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    }
}

/// The names or number of the children of a value.
fn present(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        Value::Array(items) => format!("{} items", items.len()),
        _ => "no fields".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(body: &Value, change: &str) -> Result<(Value, bool), FieldChangeError> {
        let mut body = body.clone();
        let added = change.parse::<FieldChange>()?.apply(&mut body)?;
        Ok((body, added))
    }

    #[test]
    fn a_change_keeps_the_type_of_the_field() {
        let body = json!({"data": {"amount": "10000", "count": 3, "live": true, "note": null}});
        let data = |change: &str| changed(&body, change).map(|(body, _)| body["data"].clone());
        assert_eq!(data("data.amount=5000").unwrap()["amount"], json!("5000"));
        assert_eq!(data("data.count=5000").unwrap()["count"], json!(5000));
        assert_eq!(data("data.live=false").unwrap()["live"], json!(false));
        assert_eq!(data("data.note=x=y").unwrap()["note"], json!("x=y"));
        assert_eq!(data("data.amount:=5").unwrap()["amount"], json!(5));
        assert!(matches!(data("data.count=many"), Err(FieldChangeError::Type { kind: "a number", .. })));
        assert!(matches!(data("data=1"), Err(FieldChangeError::Type { kind: "an object", .. })));
    }

    #[test]
    fn paths_reach_into_arrays_and_add_a_missing_last_field() {
        let body = json!({"items": [{"quantity": 1}], "metadata": {}});
        assert_eq!(changed(&body, "items.0.quantity=7").unwrap().0["items"][0]["quantity"], json!(7));
        assert_eq!(
            changed(&body, "metadata.order=77").unwrap(),
            (json!({"items": [{"quantity": 1}], "metadata": {"order": "77"}}), true)
        );
    }

    #[test]
    fn an_unknown_path_lists_the_existing_fields() {
        let body = json!({"data": {"amount": "1", "currency": "CVE"}});
        let message = changed(&body, "dat.amount=1").unwrap_err().to_string();
        assert_eq!(message, "the payload has no `dat` (found: data)");
        let message = changed(&body, "data.amount.x=1").unwrap_err().to_string();
        assert_eq!(message, "the payload has no `data.amount.x` (found: no fields)");
        assert!(matches!("amount".parse::<FieldChange>(), Err(FieldChangeError::Form(_))));
        assert!(matches!("a..b=1".parse::<FieldChange>(), Err(FieldChangeError::Form(_))));
    }

    #[test]
    fn refreshed_ids_stay_consistent_and_times_move_together() {
        let mut body = json!({
            "id": "evt_abc123",
            "data": {"id": "cs_abc123", "url": "https://x/cs_abc123", "amount": "10", "expiresAt": "2025-01-15T11:00:00.000Z"},
            "createdAt": "2025-01-15T10:30:00Z",
        });
        let now: Timestamp = "2026-03-01T00:00:00.5Z".parse().unwrap();
        let mut next = 0;
        refresh(&mut body, &["evt_", "cs_"], now, &mut |below| {
            next = (next + 7) % below;
            next
        });
        let id = body["data"]["id"].as_str().unwrap();
        assert!(id.starts_with("cs_") && id != "cs_abc123" && id.len() == 15, "{id}");
        assert_eq!(body["data"]["url"], json!(format!("https://x/{id}")));
        assert_eq!(body["createdAt"], json!("2026-03-01T00:00:00Z"));
        assert_eq!(body["data"]["expiresAt"], json!("2026-03-01T00:30:00.500Z"));
        assert_eq!(body["data"]["amount"], json!("10"));
    }

    #[test]
    fn samples_say_whether_they_are_published() {
        let published = crate::provider::samples().filter(|(_, sample)| sample.is_published());
        let names: Vec<_> = published.map(|(_, sample)| sample.name).collect();
        assert_eq!(names, ["payment.debited", "transaction.success", "transaction.completed"]);
        for text in ["published: https://a.example", "assumed: https://a.example; with a token"] {
            assert_eq!(SampleSource::parse(text).to_string(), text);
        }
    }
}
