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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
