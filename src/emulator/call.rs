//! API calls and their errors.

use crate::model::message::Request;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// A parsed call, with path and query decoded.
#[derive(Clone, Debug)]
pub(super) struct IncomingCall {
    pub method: String,
    /// Decoded parts of the path, without the provider's prefix.
    pub path: Vec<String>,
    query: Vec<(String, String)>,
    /// Empty if there is no body.
    pub body: Map<String, Value>,
    /// The key given as `Authorization: Bearer …`.
    pub key: Option<String>,
    pub idempotency_key: Option<String>,
}

/// A refused call. Each provider formats it in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallError {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    /// The field that is missing or wrong.
    pub field: Option<String>,
}

impl CallError {
    /// An error that is not about one field.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None }
    }

    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(400, "VALIDATION_ERROR", message) }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(404, "NOT_FOUND", format!("{what} not found"))
    }

    /// 409: the object's status does not allow the call.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "CONFLICT", message)
    }

    pub fn method_not_allowed() -> Self {
        Self::new(405, "METHOD_NOT_ALLOWED", "Method not allowed")
    }

    /// The error as Plexos documents it. <https://docs.pay.plexos.io/api-reference/introduction>
    pub fn to_json(&self) -> Value {
        json!({"error": {"message": self.message, "code": self.code}})
    }
}

/// Splits a path into decoded parts. `None`: a part has an incomplete escape or is not UTF-8.
pub(super) fn split_path(path: &str) -> Option<Vec<String>> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    let is_valid = |part: &str| {
        let is_hex = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        part.split('%').skip(1).all(|rest| rest.get(..2).is_some_and(is_hex))
    };
    let decode = |part| Some(percent_decode_str(part).decode_utf8().ok()?.into_owned());
    parts.map(|part| if is_valid(part) { decode(part) } else { None }).collect()
}

impl IncomingCall {
    /// Parses a request; `path` starts after the provider's prefix.
    pub fn parse(request: &Request, path: Vec<String>) -> Result<Self, CallError> {
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
            Ok(_) => return Err(CallError::new(400, "VALIDATION_ERROR", "The body must be a JSON object")),
            Err(_) => return Err(CallError::new(400, "VALIDATION_ERROR", "The body is not valid JSON")),
        };
        let idempotency_key = header("Idempotency-Key").map(str::to_owned);
        Ok(Self { method: request.method.clone(), path, query, body, key, idempotency_key })
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A field that is present and not null.
    fn field(&self, name: &str) -> Option<&Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    /// A string that may be absent.
    pub fn optional_text(&self, name: &str) -> Result<Option<String>, CallError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(CallError::invalid(name, format!("{name} must be a string"))),
        }
    }

    /// A string that must be present and not empty.
    pub fn required_text(&self, name: &str) -> Result<String, CallError> {
        let text = self.optional_text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| CallError::invalid(name, format!("{name} is required")))
    }

    /// A string that must be one of `words`.
    pub fn one_of(&self, name: &str, words: &[&str]) -> Result<String, CallError> {
        let text = self.required_text(name)?;
        if words.contains(&text.as_str()) {
            return Ok(text);
        }
        Err(CallError::invalid(name, format!("{name} must be one of {}", words.join(", "))))
    }

    /// An integer from `least` to `most`; a string is an error.
    pub fn integer(&self, name: &str, least: i64, most: i64) -> Result<i64, CallError> {
        let value = self.field(name).ok_or_else(|| CallError::invalid(name, format!("{name} is required")))?;
        let number = value.as_i64().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| CallError::invalid(name, format!("{name} must be an integer from {least} to {most}")))
    }

    /// An object of at most 50 keys. <https://docs.pay.plexos.io/pages/api/payments/create>
    pub fn metadata(&self) -> Result<Map<String, Value>, CallError> {
        match self.field("metadata") {
            None => Ok(Map::new()),
            Some(Value::Object(map)) if map.len() <= 50 => Ok(map.clone()),
            Some(_) => Err(CallError::invalid("metadata", "metadata must be an object of at most 50 keys")),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_parts_are_decoded_after_splitting() {
        assert_eq!(
            split_path("/v1/transactions/a%2Fb%20c%C3%A9/"),
            Some(vec!["v1".into(), "transactions".into(), "a/b cé".into()])
        );
        assert_eq!(split_path("/%ff"), None);
        assert_eq!(split_path("/%4"), None);
    }

    fn call(target: &str, headers: &[(&str, &str)], body: &str) -> Result<IncomingCall, CallError> {
        let mut request = Request::post(target, body.as_bytes().to_vec());
        for (name, value) in headers {
            request.headers.push(name, value.as_bytes()).unwrap();
        }
        IncomingCall::parse(&request, Vec::new())
    }

    /// Status, field and message of an error.
    fn refusal<T: std::fmt::Debug>(result: Result<T, CallError>) -> (u16, Option<String>, String) {
        let error = result.unwrap_err();
        (error.status, error.field, error.message)
    }

    #[test]
    fn the_key_follows_the_word_bearer_in_any_case() {
        let key = |value| call("/", &[("Authorization", value)], "").unwrap().key;
        assert_eq!(key("Bearer sk_test_1"), Some("sk_test_1".to_owned()));
        assert_eq!(key("bearer  sk_test_1 "), Some("sk_test_1".to_owned()));
        assert_eq!(["Basic sk_test_1", "sk_test_1", "Bearersk_test_1"].map(key), [None, None, None]);
        let both = call("/?a=1&b=x+y%26&a=2", &[("idempotency-key", "k")], "").unwrap();
        assert_eq!((both.key, both.idempotency_key.as_deref()), (None, Some("k")));
        let both = call("/?a=1&b=x+y%26&a=2", &[], "").unwrap();
        assert_eq!((both.query("a"), both.query("b"), both.query("c")), (Some("1"), Some("x y&"), None));
    }

    #[test]
    fn a_body_is_an_object_or_nothing() {
        for body in ["", " \n", "{}"] {
            assert_eq!(call("/", &[], body).unwrap().body.len(), 0, "{body}");
        }
        for (body, message) in [
            ("[]", "The body must be a JSON object"),
            ("1", "The body must be a JSON object"),
            ("{", "The body is not valid JSON"),
            ("a=b", "The body is not valid JSON"),
        ] {
            assert_eq!(refusal(call("/", &[], body)), (400, None, message.to_owned()), "{body}");
        }
    }

    #[test]
    fn an_amount_is_a_json_integer_within_its_limits() {
        let integer =
            |value: &str| call("/", &[], &format!("{{\"amount\":{value}}}")).unwrap().integer("amount", 100, 5_000);
        assert_eq!([integer("100"), integer("5000")], [Ok(100), Ok(5_000)]);
        let out_of_range = (400, Some("amount".to_owned()), "amount must be an integer from 100 to 5000".to_owned());
        for value in ["99", "5001", "\"100\"", "100.5", "1e2", "-100", "true", "99999999999999999999"] {
            assert_eq!(refusal(integer(value)), out_of_range, "{value}");
        }
        assert_eq!(refusal(integer("null")).2, "amount is required");
    }

    #[test]
    fn a_text_must_be_a_string_and_a_required_one_not_empty() {
        let body = call("/", &[], r#"{"text":"x","empty":"","number":1,"null":null}"#).unwrap();
        assert_eq!(body.required_text("text"), Ok("x".to_owned()));
        for field in ["empty", "null", "missing"] {
            assert_eq!(
                refusal(body.required_text(field)),
                (400, Some(field.to_owned()), format!("{field} is required"))
            );
        }
        assert_eq!(refusal(body.required_text("number")).2, "number must be a string");
        assert_eq!(refusal(body.optional_text("number")).2, "number must be a string");
        assert_eq!((body.optional_text("empty"), body.optional_text("null")), (Ok(Some(String::new())), Ok(None)));
        assert_eq!(
            ["text", "empty", "number", "null", "missing"].map(|field| body.has(field)),
            [true, true, true, false, false]
        );
        assert_eq!(body.one_of("text", &["y", "x"]), Ok("x".to_owned()));
        assert_eq!(refusal(body.one_of("text", &["y", "z"])).2, "text must be one of y, z");
    }

    #[test]
    fn metadata_is_an_object_of_at_most_fifty_keys() {
        let metadata = |count: usize| {
            let members: Map<String, Value> = (0..count).map(|number| (number.to_string(), json!(1))).collect();
            call("/", &[], &json!({"metadata": members}).to_string()).unwrap().metadata().map(|map| map.len())
        };
        assert_eq!((metadata(0), metadata(50)), (Ok(0), Ok(50)));
        assert_eq!(refusal(metadata(51)).2, "metadata must be an object of at most 50 keys");
        assert_eq!(call("/", &[], "{}").unwrap().metadata(), Ok(Map::new()));
        assert_eq!(refusal(call("/", &[], r#"{"metadata":[]}"#).unwrap().metadata()).0, 400);
    }

    #[test]
    fn each_refusal_has_its_status_and_code() {
        for (error, status, code, message) in [
            (CallError::not_found("Payment"), 404, "NOT_FOUND", "Payment not found"),
            (CallError::conflict("it was refunded"), 409, "CONFLICT", "it was refunded"),
            (CallError::method_not_allowed(), 405, "METHOD_NOT_ALLOWED", "Method not allowed"),
            (CallError::invalid("amount", "too small"), 400, "VALIDATION_ERROR", "too small"),
        ] {
            assert_eq!(error.to_json(), json!({"error": {"message": message, "code": code}}));
            assert_eq!(error.status, status);
        }
    }
}
