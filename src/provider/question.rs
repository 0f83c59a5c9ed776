//! Points on which a provider's documents contradict each other or say nothing, and how a delivery
//! answers them.

use crate::model::message::Request;
use serde_json::Value;

/// A point that the documents leave open.
pub struct OpenQuestion {
    /// Stable code, such as `signature_form`.
    pub code: &'static str,
    pub subject: &'static str,
    /// Documented readings, one entry each; empty if the documents say nothing.
    pub documented: &'static [DocumentedReading],
    /// Names what a delivery shows; `None` if it shows nothing about it. The answer is a fact about
    /// the provider, never a value that belongs to a customer.
    pub observe: fn(&Request, &Value) -> Option<String>,
}

/// One of several contradicting statements.
pub struct DocumentedReading {
    pub reading: &'static str,
    pub page: &'static str,
}

pub(super) const USER_AGENT: OpenQuestion = OpenQuestion {
    code: "user_agent",
    subject: "User-Agent",
    documented: &[],
    observe: |request, _| header_or_missing(request, "User-Agent"),
};

pub(super) const CONTENT_TYPE: OpenQuestion = OpenQuestion {
    code: "content_type",
    subject: "Content-Type",
    documented: &[],
    observe: |request, _| header_or_missing(request, "Content-Type"),
};

/// Reads a field at the top level or in `data`.
pub(super) fn field<'v>(body: &'v Value, name: &str) -> Option<&'v Value> {
    body.get(name).or_else(|| body.get("data")?.get(name))
}

pub(super) fn text_field<'v>(body: &'v Value, name: &str) -> Option<&'v str> {
    field(body, name)?.as_str()
}

/// Names which of these fields are there, such as `completedAt`, or `none of them`.
pub(super) fn present_fields(body: &Value, names: &[&str]) -> Option<String> {
    let found: Vec<_> = names.iter().copied().filter(|name| field(body, name).is_some()).collect();
    Some(if found.is_empty() { "none of them".to_owned() } else { found.join(" and ") })
}

/// Returns the value of a header that describes the sender, such as `User-Agent`.
pub(super) fn header_text(request: &Request, name: &str) -> Option<String> {
    let value = request.headers.get(name)?;
    Some(String::from_utf8_lossy(value).chars().take(80).collect())
}

/// Names a header as missing or by its value.
fn header_or_missing(request: &Request, name: &str) -> Option<String> {
    Some(header_text(request, name).unwrap_or_else(|| "no such header".to_owned()))
}

/// Names the JSON type of a field.
pub(super) fn type_name(value: &Value) -> String {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
    .to_owned()
}
