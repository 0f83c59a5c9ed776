//! Sample payloads: documents to send, made fresh or kept as published, with fields changed by path.
//!
//! The documents themselves belong to their provider (`provider/*/samples.json`).

use crate::model::timestamp::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde_json::{Map, Value};
use std::collections::VecDeque;

/// A sample payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What it is called by: the event type, with a word more where a type has several samples.
    pub name: String,
    /// Its event type.
    pub kind: String,
    /// When such an event is sent.
    pub meaning: String,
    /// Whether it is published by the provider or assumed, and after which page.
    pub source: String,
    /// The payload, with the ids and times of its source.
    pub body: Value,
}

/// Reads a provider's built-in list: objects with `name`, `meaning`, `source` and `body`, and nothing else.
pub fn read(list: &str) -> Vec<Sample> {
    let list: Vec<Map<String, Value>> = serde_json::from_str(list).expect("the built-in list is JSON");
    list.into_iter().map(read_one).collect()
}

fn read_one(mut entry: Map<String, Value>) -> Sample {
    let body = entry.remove("body").expect("a built-in sample has a body");
    let word = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    Sample {
        name: word(entry.get("name")),
        kind: word(body.get("type").filter(|_| body.get("data").is_some()).or_else(|| body.get("event"))),
        meaning: word(entry.get("meaning")),
        source: word(entry.get("source")),
        body,
    }
}

/// The payload as it is sent: compact JSON, without a newline.
pub fn to_bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

/// Gives a payload identifiers and times of its own: each id (a text with one of `prefixes`) becomes a new one, the same
/// everywhere it stands, and all times move so that the event's own time is now. `random` hands out numbers below its
/// argument.
pub fn freshen(body: &mut Value, prefixes: &[&str], now: Timestamp, random: &mut dyn FnMut(usize) -> usize) {
    let mut ids = Vec::new();
    walk(body, &mut |text| {
        let prefix = prefixes.iter().find(|prefix| text.len() > prefix.len() && text.starts_with(*prefix));
        if let Some(prefix) = prefix
            && !ids.iter().any(|(old, _)| old == text)
        {
            ids.push((text.clone(), fresh_id(prefix, &text[prefix.len()..], random)));
        }
    });
    let own_time = body.as_object().and_then(|fields| fields.values().find_map(|value| value.as_str()?.parse().ok()));
    let shift = own_time.map(|own: Timestamp| now.duration_since(own));
    walk(body, &mut |text| {
        if let (Some(shift), Ok(time)) = (shift, text.parse::<Timestamp>()) {
            *text = time.checked_add(shift).map_or_else(|_| text.clone(), |moved| written_like(text, moved));
        }
        for (old, new) in &ids {
            if text.contains(old.as_str()) {
                *text = text.replace(old.as_str(), new);
            }
        }
    });
}

/// Calls `change` with every string value.
fn walk(value: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|field| walk(field, change)),
        _ => {}
    }
}

/// An id of the same look, and long enough that a hundred thousand of them do not meet.
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

/// A time with as many digits after the second as the text it replaces.
fn written_like(old: &str, time: Timestamp) -> String {
    let digits = old.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    let precision = u8::try_from(digits.min(9)).expect("at most nine");
    DateTimePrinter::new().precision(Some(precision)).timestamp_to_string(&time)
}

/// Where a field of the last name of `path` stands further down, as `data.amount` for `amount`.
pub fn deeper(body: &Value, path: &[String]) -> Option<String> {
    let (name, depth) = (path.last()?, path.len());
    let mut waiting = VecDeque::from([(Vec::new(), body)]);
    while let Some((here, value)) = waiting.pop_front() {
        if here.len() > depth && here.last() == Some(name) {
            return Some(here.join("."));
        }
        let below = |name: String, value| ([&here[..], &[name]].concat(), value);
        match value {
            Value::Object(fields) => waiting.extend(fields.iter().map(|(name, value)| below(name.clone(), value))),
            Value::Array(items) => {
                waiting.extend(items.iter().enumerate().map(|(place, value)| below(place.to_string(), value)));
            }
            _ => {}
        }
    }
    None
}

/// A change asked for with `--set`.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Field names and array places from the top, as in `data.items.0.quantity`.
    pub path: Vec<String>,
    /// What the field gets.
    pub to: Replacement,
}

/// The new value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Replacement {
    /// `path=text`: becomes of the type that the field has.
    Text(String),
    /// `path:=json`: taken as it is.
    Json(Value),
}

/// A change that can't be understood or made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChangeError {
    /// No `=`.
    #[error("`{0}` is not a change: write path=value, or path:=json")]
    Form(String),
    /// What follows `:=` is not JSON.
    #[error("`{0}` is not JSON")]
    NotJson(String),
    /// Nothing of that name where the path leads.
    #[error("there is no `{missing}` in the payload: it has {present}")]
    NoField {
        /// The path up to the missing part.
        missing: String,
        /// What is there instead.
        present: String,
    },
    /// The field's type can't hold the text.
    #[error("`{path}` is {kind}, and `{text}` is not: use {path}:=json to change the type")]
    Type {
        /// The field.
        path: String,
        /// The field's type in words.
        kind: &'static str,
        /// What was asked for.
        text: String,
    },
}

impl std::str::FromStr for Change {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let (path, value) = text.split_once('=').ok_or_else(|| ChangeError::Form(text.to_owned()))?;
        let (path, to) = match path.strip_suffix(':') {
            Some(path) => {
                let json = serde_json::from_str(value).map_err(|_| ChangeError::NotJson(value.to_owned()))?;
                (path, Replacement::Json(json))
            }
            None => (path, Replacement::Text(value.to_owned())),
        };
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(ChangeError::Form(text.to_owned()));
        }
        Ok(Self { path: path.split('.').map(str::to_owned).collect(), to })
    }
}

impl Change {
    /// Makes the change. A last field that is not there yet is added, as text unless given as JSON; anything else that is
    /// missing is an error. `true`: the field was added.
    pub fn apply(&self, body: &mut Value) -> Result<bool, ChangeError> {
        let (last, way) = self.path.split_last().expect("a path has at least one part");
        let mut place = body;
        for (depth, name) in way.iter().enumerate() {
            let present = present(place);
            place = child(place, name).ok_or_else(|| self.no_field(depth, present))?;
        }
        if let Value::Object(fields) = place {
            let value = self.value_for(fields.get(last))?;
            return Ok(fields.insert(last.clone(), value).is_none());
        }
        let present = present(place);
        let old = child(place, last).ok_or_else(|| self.no_field(way.len(), present))?;
        *old = self.value_for(Some(old))?;
        Ok(false)
    }

    fn no_field(&self, depth: usize, present: String) -> ChangeError {
        ChangeError::NoField { missing: self.path[..=depth].join("."), present }
    }

    fn value_for(&self, old: Option<&Value>) -> Result<Value, ChangeError> {
        let text = match &self.to {
            Replacement::Json(value) => return Ok(value.clone()),
            Replacement::Text(text) => text,
        };
        let wrong = |kind| ChangeError::Type { path: self.path.join("."), kind, text: text.clone() };
        match old {
            None | Some(Value::String(_) | Value::Null) => Ok(Value::String(text.clone())),
            Some(Value::Number(_)) => text.parse().map(Value::Number).map_err(|_| wrong("a number")),
            Some(Value::Bool(_)) => text.parse().map(Value::Bool).map_err(|_| wrong("true or false")),
            Some(Value::Array(_)) => Err(wrong("an array")),
            Some(Value::Object(_)) => Err(wrong("an object")),
        }
    }
}

/// The field or item of this name.
fn child<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(fields) => fields.get_mut(name),
        Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    }
}

/// What can be stepped into, in words.
fn present(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        Value::Array(items) => format!("{} items there", items.len()),
        _ => "no fields there".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(body: &Value, change: &str) -> Result<(Value, bool), ChangeError> {
        let mut body = body.clone();
        let added = change.parse::<Change>()?.apply(&mut body)?;
        Ok((body, added))
    }

    #[test]
    fn a_field_keeps_the_type_it_has() {
        let body = json!({"data": {"amount": "10000", "count": 3, "live": true, "note": null}});
        let data = |change: &str| changed(&body, change).map(|(body, _)| body["data"].clone());
        assert_eq!(data("data.amount=5000").unwrap()["amount"], json!("5000"));
        assert_eq!(data("data.count=5000").unwrap()["count"], json!(5000));
        assert_eq!(data("data.live=false").unwrap()["live"], json!(false));
        assert_eq!(data("data.note=x=y").unwrap()["note"], json!("x=y"));
        assert_eq!(data("data.amount:=5").unwrap()["amount"], json!(5));
        assert!(matches!(data("data.count=many"), Err(ChangeError::Type { kind: "a number", .. })));
        assert!(matches!(data("data=1"), Err(ChangeError::Type { kind: "an object", .. })));
    }

    #[test]
    fn paths_lead_into_arrays_and_a_new_last_field_is_added() {
        let body = json!({"items": [{"quantity": 1}], "metadata": {}});
        assert_eq!(changed(&body, "items.0.quantity=7").unwrap().0["items"][0]["quantity"], json!(7));
        assert_eq!(
            changed(&body, "metadata.order=77").unwrap(),
            (json!({"items": [{"quantity": 1}], "metadata": {"order": "77"}}), true)
        );
    }

    #[test]
    fn a_path_that_leads_nowhere_says_what_is_there() {
        let body = json!({"data": {"amount": "1", "currency": "CVE"}});
        let message = changed(&body, "dat.amount=1").unwrap_err().to_string();
        assert_eq!(message, "there is no `dat` in the payload: it has data");
        let message = changed(&body, "data.amount.x=1").unwrap_err().to_string();
        assert_eq!(message, "there is no `data.amount.x` in the payload: it has no fields there");
        assert!(matches!("amount".parse::<Change>(), Err(ChangeError::Form(_))));
        assert!(matches!("a..b=1".parse::<Change>(), Err(ChangeError::Form(_))));
    }

    #[test]
    fn fresh_ids_are_the_same_everywhere_and_times_move_together() {
        let mut body = json!({
            "id": "evt_abc123",
            "data": {"id": "cs_abc123", "url": "https://x/cs_abc123", "amount": "10", "expiresAt": "2025-01-15T11:00:00.000Z"},
            "createdAt": "2025-01-15T10:30:00Z",
        });
        let now: Timestamp = "2026-03-01T00:00:00.5Z".parse().unwrap();
        let mut next = 0;
        freshen(&mut body, &["evt_", "cs_"], now, &mut |below| {
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
}
