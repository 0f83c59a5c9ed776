//! A provider's API: its base URL, calls as values, and the parsing of responses.
//!
//! Nothing is sent here; `World` sends requests. Each provider defines its own calls.

use super::Provider;
use crate::model::address::Reach;
use crate::model::error::Error;
use crate::model::exchange::{Answer, OutgoingRequest};
use crate::model::mask::mask_secrets;
use crate::model::message::{HeaderError, Headers, Request};
use crate::model::sanitize::truncate;
use crate::model::secret::Secret;
use crate::model::status::Status;
use crate::model::timestamp::Timestamp;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// Base URL and keys of a provider's API.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// Default base URL: scheme and host.
    pub base: &'static str,
    /// Common prefix of all paths.
    pub prefix: &'static str,
    /// Environment variable that overrides the base URL.
    pub base_variable: &'static str,
    /// Prefix of keys that move real money.
    pub live_key_prefix: &'static str,
    /// Prefix of test keys, if the provider has a test mode.
    pub test_key_prefix: Option<&'static str>,
    /// Path of a GET that every key may send, used to check a key.
    pub probe_path: &'static str,
    /// Name or address of the dashboard.
    pub dashboard: &'static str,
}

/// Call to a provider's API.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    pub method: &'static str,
    /// Percent-encoded path below the prefix, with the query.
    pub path: String,
    pub body: Option<Value>,
    /// Lets the provider recognize a repeated call.
    pub idempotency_key: Option<String>,
}

impl ApiCall {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None, idempotency_key: None }
    }

    pub fn with_body(method: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), body: Some(body), idempotency_key: None }
    }

    /// Checks whether the call may change something at the provider.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// Builds the request, with the key as bearer token
    /// (<https://docs.pay.plexos.io/pages/authentication>,
    /// <https://docs.plustiveimpact.com/authentication>). Fails if the key is not a valid header
    /// value.
    pub fn request(&self, key: &Secret) -> Result<Request, HeaderError> {
        let mut headers = Headers::new();
        headers.push("Authorization", &[b"Bearer ", key.expose()].concat())?;
        headers.push("Accept", b"application/json")?;
        headers.push("User-Agent", concat!("whtool/", env!("CARGO_PKG_VERSION")).as_bytes())?;
        if let Some(key) = &self.idempotency_key {
            headers.push("Idempotency-Key", key.as_bytes())?;
        }
        if self.body.is_some() {
            headers.push("Content-Type", b"application/json")?;
        }
        let body = self.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
        Ok(Request { method: self.method.to_owned(), target: self.path.clone(), headers, body })
    }

    /// Builds the request to the API at this base URL.
    pub fn outgoing(
        &self,
        number: u64,
        api: &Api,
        (base, reach): (&Url, Reach),
        key: &Secret,
    ) -> Result<OutgoingRequest, HeaderError> {
        Ok(OutgoingRequest::to_url(number, api.url(base, &self.path), reach, self.request(key)?))
    }
}

impl Api {
    /// Builds the URL of a path. A base URL that ends in a version, such as
    /// `https://api.example/v1`, replaces the prefix (contradiction U9: Plustive's pages say both
    /// `/api/v1` and `/v1`).
    pub fn url(&self, base: &Url, path: &str) -> Url {
        let text = base.as_str().trim_end_matches('/');
        let last = base.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let is_version = |text: &str| {
            text.strip_prefix('v')
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let prefix = if is_version(last) { "" } else { self.prefix };
        let whole = Url::parse(&format!("{text}{prefix}{path}"));
        whole.unwrap_or_else(|_| base.clone())
    }

    pub fn is_live(&self, key: &Secret) -> bool {
        key.expose().starts_with(self.live_key_prefix.as_bytes())
    }
}

/// Details in the body of an error response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorDetails {
    pub message: Option<String>,
    pub code: Option<String>,
}

/// Response that does not contain the requested JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// A status of 400 or more.
    Rejected { status: u16, complaint: ErrorDetails, retry_after: Option<Duration> },
    /// Redirect, which is not followed because it would send the key to another URL.
    Redirected { status: u16, location: Option<String> },
    /// Status 2xx without a body.
    Empty,
    /// Status 2xx with a body that is not JSON.
    NotJson {
        /// First characters of the body, masked.
        start: String,
    },
    /// Status 2xx with a body above the size limit.
    TooLong,
    /// JSON in which this field is missing or has an undocumented type.
    Unexpected(&'static str),
}

/// Number of bytes of a body that is not JSON from which an excerpt is taken.
const EXCERPT_BYTES: usize = 1_000;

/// Parses the JSON of a response with a 2xx status.
pub fn parse_response(provider: &dyn Provider, answer: &Answer, now: Timestamp) -> Result<Value, ResponseError> {
    let parsed = serde_json::from_slice::<Value>(&answer.body);
    let status = answer.status.0;
    match status {
        200..300 => {}
        300..400 => {
            let location = answer
                .headers
                .get("location")
                .map(|value| truncate(&mask_secrets(&String::from_utf8_lossy(value)), 200));
            return Err(ResponseError::Redirected { status, location });
        }
        _ => {
            let complaint = parsed.ok().and_then(|body| provider.error_details(&body)).unwrap_or_default();
            return Err(ResponseError::Rejected { status, complaint, retry_after: retry_after(&answer.headers, now) });
        }
    }
    if !answer.is_whole {
        return Err(ResponseError::TooLong);
    }
    if answer.body.trim_ascii().is_empty() {
        return Err(ResponseError::Empty);
    }
    parsed.map_err(|_| ResponseError::NotJson {
        start: truncate(
            &mask_secrets(&String::from_utf8_lossy(answer.body.get(..EXCERPT_BYTES).unwrap_or(&answer.body))),
            60,
        ),
    })
}

/// Reads `Retry-After`: seconds or a date (RFC 9110 section 10.2.3).
pub fn retry_after(headers: &Headers, now: Timestamp) -> Option<Duration> {
    let text = std::str::from_utf8(headers.get("retry-after")?).ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

impl ResponseError {
    /// Checks whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Rejected { status, .. } if Status(*status).is_retryable())
    }

    /// Builds the error for the user; `message` says what failed.
    pub fn to_error(&self, provider: &dyn Provider, message: &str) -> Error {
        let title = provider.title();
        let Self::Rejected { status, complaint, retry_after } = self else {
            let error = Error::failed(message).because(self.reason(title));
            return error.hint(format!("check {}: it must be the URL of {title}'s API", provider.api().base_variable));
        };
        let said = complaint
            .message
            .as_ref()
            .map(|text| format!(": {}", truncate(&mask_secrets(text), 200)))
            .unwrap_or_default();
        let code =
            complaint.code.as_ref().map(|code| format!(" ({})", truncate(&mask_secrets(code), 40))).unwrap_or_default();
        let why = format!("{title} answered {status}{said}{code}");
        let error = match status {
            401 | 403 => Error::credentials(message),
            _ => Error::failed(message),
        };
        let error = error.because(why);
        match (provider.status_hint(*status), retry_after) {
            (_, Some(span)) => error.hint(format!("retry after {} s", span.as_secs())),
            ("", None) => error,
            (advice, None) => error.hint(advice),
        }
    }

    fn reason(&self, title: &str) -> String {
        match self {
            Self::Rejected { status, .. } => format!("{title} answered {status}"),
            Self::Redirected { status, location } => {
                let place = location.as_ref().map(|place| format!(" to {place}")).unwrap_or_default();
                format!("redirect ({status}{place}) not followed: it would send the API key to another URL")
            }
            Self::Empty => "the response is empty".to_owned(),
            Self::NotJson { start } if start.trim_start().starts_with('<') => {
                format!("the response is HTML, not JSON: `{start}`")
            }
            Self::NotJson { start } => format!("the response is not JSON: `{start}`"),
            Self::TooLong => "the response is larger than 8 MiB".to_owned(),
            Self::Unexpected(field) => format!("the response has no valid `{field}`"),
        }
    }
}

/// Returns advice that applies to every provider.
pub(super) fn common_hint(status: u16) -> &'static str {
    match status {
        400 | 422 => "fix the request as the provider says",
        401 => "check the API key: it is wrong or revoked",
        404 => "check the id, and whether it belongs to test or live mode",
        429 => "wait, then send fewer requests at once",
        500.. => "try again later",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::SecretOrigin;
    use crate::provider;

    fn plexos() -> &'static dyn Provider {
        provider::by_name("plexos").unwrap()
    }

    fn answer(status: u16, headers: &[u8], body: &str) -> Answer {
        Answer { headers: Headers::read(headers.to_vec()).unwrap(), ..Answer::new(status, body) }
    }

    fn now() -> Timestamp {
        "1994-11-06T08:49:00Z".parse().unwrap()
    }

    #[test]
    fn a_base_url_may_contain_a_version_or_a_path() {
        let url = |name: &str, base: &str| {
            provider::by_name(name).unwrap().api().url(&Url::parse(base).unwrap(), "/x?y=z").to_string()
        };
        assert_eq!(url("plexos", "https://api.plexospay.com"), "https://api.plexospay.com/v1/x?y=z");
        assert_eq!(url("plustive", "https://api.plustiveimpact.com/"), "https://api.plustiveimpact.com/api/v1/x?y=z");
        assert_eq!(url("plustive", "https://api.plustiveimpact.com/v1"), "https://api.plustiveimpact.com/v1/x?y=z");
        assert_eq!(url("plustive", "http://127.0.0.1:1/plustive"), "http://127.0.0.1:1/plustive/api/v1/x?y=z");
        assert_eq!(url("plexos", "http://127.0.0.1:1/vault/"), "http://127.0.0.1:1/vault/v1/x?y=z");
    }

    #[test]
    fn a_request_has_the_key_and_content_headers() {
        let key = Secret::new("plexos", SecretOrigin::Flag, "sk_test_1");
        let call = ApiCall::with_body("POST", "/webhooks", serde_json::json!({"url": "https://x"}));
        let request = call.request(&key).unwrap();
        assert_eq!(request.headers.get("authorization"), Some(&b"Bearer sk_test_1"[..]));
        assert_eq!(request.headers.get("content-type"), Some(&b"application/json"[..]));
        assert_eq!(request.body, br#"{"url":"https://x"}"#);
        assert_eq!(ApiCall::get("/a").request(&key).unwrap().headers.get("content-type"), None);
        let broken = Secret::new("plexos", SecretOrigin::Flag, "sk\n1");
        assert!(call.request(&broken).is_err());
    }

    #[test]
    fn every_2xx_status_returns_the_json() {
        for status in [200, 201, 299] {
            assert_eq!(parse_response(plexos(), &answer(status, b"", "{\"a\":1}"), now()).unwrap()["a"], 1);
        }
    }

    #[test]
    fn each_unusable_response_has_its_own_error() {
        let parse_error = |status, headers: &[u8], body: &str| {
            parse_response(plexos(), &answer(status, headers, body), now()).unwrap_err()
        };
        assert_eq!(parse_error(204, b"", ""), ResponseError::Empty);
        assert_eq!(parse_error(200, b"", " \n"), ResponseError::Empty);
        assert!(parse_error(200, b"", "<html>").to_error(plexos(), "x").cause().unwrap().contains("HTML"));
        assert!(matches!(parse_error(200, b"", "{\"a\""), ResponseError::NotJson { .. }));
        let moved = parse_error(302, b"Location: https://evil.example/\r\n", "").to_error(plexos(), "x");
        assert!(moved.cause().unwrap().contains("https://evil.example/"));
        let cut = Answer { is_whole: false, ..Answer::new(200, "{}") };
        assert_eq!(parse_response(plexos(), &cut, now()), Err(ResponseError::TooLong));
    }

    #[test]
    fn a_refusal_quotes_the_provider_and_decides_the_exit_status() {
        let body = r#"{"error":{"message":"Payment not found","code":"NOT_FOUND"}}"#;
        let error =
            |status| parse_response(plexos(), &answer(status, b"", body), now()).unwrap_err().to_error(plexos(), "x");
        assert_eq!(error(404).cause().unwrap(), "Plexos Pay answered 404: Payment not found (NOT_FOUND)");
        assert_eq!([error(401).status(), error(403).status(), error(404).status(), error(500).status()], [4, 4, 3, 3]);
        let plustive = provider::by_name("plustive").unwrap();
        let body = r#"{"title":"Unauthorized","status":401,"detail":"Invalid API key.","errors":[]}"#;
        let error = parse_response(plustive, &answer(401, b"", body), now()).unwrap_err().to_error(plustive, "x");
        assert_eq!(error.cause().unwrap(), "Plustive answered 401: Invalid API key.");
    }

    #[test]
    fn keys_and_secrets_in_responses_are_masked() {
        let body = r#"{"error":{"message":"Invalid API key sk_test_abc123","code":"sk_test_abc123"}}"#;
        let long = format!("{}{{\"secret\":\"whsec_abc123", " ".repeat(40));
        let answers = [
            answer(401, b"", body),
            answer(302, b"Location: https://x.example/?key=sk_test_abc123\r\n", ""),
            answer(200, b"", "you are sk_test_abc123"),
            answer(200, b"", "{\"secret\":\"whsec_abc123"),
            answer(200, b"", &long),
        ];
        for answer in answers {
            let why = parse_response(plexos(), &answer, now()).unwrap_err().to_error(plexos(), "x").cause().unwrap();
            assert!(!why.contains("abc"), "{why}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let wait = |text: &str| retry_after(&Headers::read(text.as_bytes().to_vec()).unwrap(), now());
        assert_eq!(wait("Retry-After: 7\r\n"), Some(Duration::from_secs(7)));
        assert_eq!(wait("retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), Some(Duration::from_secs(37)));
        assert_eq!(wait("retry-after: Sun, 06 Nov 1994 08:00:00 GMT\r\n"), Some(Duration::ZERO));
        assert_eq!(wait("Retry-After: soon\r\n"), None);
        assert_eq!(wait(""), None);
    }
}
