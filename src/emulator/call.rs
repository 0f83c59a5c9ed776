//! An API call as the emulator reads it, and what may be wrong with it.

use crate::model::message::Request;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A call: path and query decoded, the body read.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// `GET` and the like.
    pub method: String,
    /// The parts of the path, decoded, without the part that names the provider.
    pub path: Vec<String>,
    query: Vec<(String, String)>,
    /// The body: an object; empty where there is none.
    pub body: Map<String, Value>,
    /// The key given as `Authorization: Bearer …`.
    pub key: Option<String>,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
}

/// Why a call is not carried out. Each provider writes it in its own shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// A word for programs.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
    /// The field it is about.
    pub field: Option<String>,
}

impl Refusal {
    /// A refusal that is about no field.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None }
    }

    /// A field is missing or wrong.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(400, "VALIDATION_ERROR", message) }
    }

    /// There is no such thing.
    pub fn not_found(what: &str) -> Self {
        Self::new(404, "NOT_FOUND", format!("{what} not found"))
    }

    /// It is in the wrong state for that.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "CONFLICT", message)
    }

    /// The path knows other methods.
    pub fn method() -> Self {
        Self::new(405, "METHOD_NOT_ALLOWED", "Method not allowed")
    }
}

/// The parts of a path, decoded; `None`: what is encoded is not text.
pub(super) fn parts(path: &str) -> Option<Vec<String>> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(|part| Some(decoded(part)?.into_owned())).collect()
}

/// A part of a path with its `%41` read.
fn decoded(part: &str) -> Option<Cow<'_, str>> {
    if !part.contains('%') {
        return Some(Cow::Borrowed(part));
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let [byte] = <[u8; 1]>::try_from(hex::decode(digits).ok()?).ok()?;
            bytes.push(byte);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

impl Call {
    /// Reads a request whose path, from the provider's own on, is `path`.
    pub fn read(request: &Request, path: Vec<String>) -> Result<Self, Refusal> {
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let header = |name| request.headers.get(name).and_then(|value| std::str::from_utf8(value).ok());
        let key = header("Authorization").and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
        });
        let body = match serde_json::from_slice(&request.body) {
            Ok(Value::Object(body)) => body,
            _ if request.body.trim_ascii().is_empty() => Map::new(),
            Ok(_) => return Err(Refusal::new(400, "VALIDATION_ERROR", "The body must be a JSON object")),
            Err(_) => return Err(Refusal::new(400, "VALIDATION_ERROR", "The body is not valid JSON")),
        };
        let idempotency_key = header("Idempotency-Key").map(str::to_owned);
        Ok(Self { method: request.method.clone(), path, query, body, key, idempotency_key })
    }

    /// A value of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A field of the body that is not null.
    fn field(&self, name: &str) -> Option<&Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    /// A text that may be absent.
    pub fn optional(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Refusal::invalid(name, format!("{name} must be a string"))),
        }
    }

    /// A text that must be there.
    pub fn text(&self, name: &str) -> Result<String, Refusal> {
        let text = self.optional(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| Refusal::invalid(name, format!("{name} is required")))
    }

    /// A text that must be one of these.
    pub fn one_of(&self, name: &str, words: &[&str]) -> Result<String, Refusal> {
        let text = self.text(name)?;
        if words.contains(&text.as_str()) {
            return Ok(text);
        }
        Err(Refusal::invalid(name, format!("{name} must be one of {}", words.join(", "))))
    }

    /// A whole number within bounds that must be there; a string is not one.
    pub fn number(&self, name: &str, least: i64, most: i64) -> Result<i64, Refusal> {
        let value = self.field(name).ok_or_else(|| Refusal::invalid(name, format!("{name} is required")))?;
        let number = value.as_i64().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| Refusal::invalid(name, format!("{name} must be an integer from {least} to {most}")))
    }

    /// A free object of at most 50 keys. <https://docs.pay.plexos.io/pages/api/payments/create>
    pub fn metadata(&self) -> Result<Map<String, Value>, Refusal> {
        match self.field("metadata") {
            None => Ok(Map::new()),
            Some(Value::Object(map)) if map.len() <= 50 => Ok(map.clone()),
            Some(_) => Err(Refusal::invalid("metadata", "metadata must be an object of at most 50 keys")),
        }
    }

    /// Whether the body has this field.
    pub fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_part_by_part() {
        assert_eq!(
            parts("/v1/transactions/a%2Fb%20c%C3%A9/"),
            Some(vec!["v1".into(), "transactions".into(), "a/b cé".into()])
        );
        assert_eq!(parts("/%ff"), None);
        assert_eq!(parts("/%4"), None);
    }
}
