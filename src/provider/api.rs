//! A provider's API as values: where it is, what is asked of it, and what an answer that is no answer means.
//!
//! Nothing is sent here: `World::send` does that. What the single calls are is each provider's.

use super::Provider;
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

/// Where a provider's API is, and how its keys look.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// Scheme and host.
    pub base: &'static str,
    /// What every path begins with.
    pub prefix: &'static str,
    /// The environment variable of another base URL.
    pub base_variable: &'static str,
    /// What keys begin with that move real money.
    pub live_key_prefix: &'static str,
    /// What keys begin with that do not, when there are such.
    pub test_key_prefix: Option<&'static str>,
    /// The path of a GET that any key may make.
    pub probe_path: &'static str,
    /// Where keys and webhooks are found by hand.
    pub dashboard: &'static str,
}

/// A call to a provider's API.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    /// `GET` and the like.
    pub method: &'static str,
    /// The path below the prefix, and the query, both percent-encoded.
    pub path: String,
    /// What is sent along, as JSON.
    pub body: Option<Value>,
    /// Makes a repeat harmless, where the provider honours it.
    pub idempotency_key: Option<String>,
}

impl ApiCall {
    /// A call that changes nothing.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None, idempotency_key: None }
    }

    /// A call that sends something.
    pub fn with_body(method: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), body: Some(body), idempotency_key: None }
    }

    /// Whether it can change something at the provider.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// The request, with the key as the bearer's token (both providers: <https://docs.pay.plexos.io/pages/authentication>,
    /// <https://docs.plustiveimpact.com/authentication>). `Err`: the key, or another value, can't stand in a header.
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

    /// What is sent to the API at this base.
    pub fn outgoing(&self, number: u64, api: &Api, base: &Url, key: &Secret) -> Result<OutgoingRequest, HeaderError> {
        Ok(OutgoingRequest { number, url: api.url(base, &self.path), request: self.request(key)? })
    }
}

impl Api {
    /// The whole URL of a path below the prefix. A base that ends in a version, as in `https://api.example/v1`, has its own
    /// prefix (contradiction U9: Plustive's pages write both `/api/v1` and `/v1`).
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

    /// Whether this key moves real money.
    pub fn is_live(&self, key: &Secret) -> bool {
        key.expose().starts_with(self.live_key_prefix.as_bytes())
    }
}

/// What a provider says about a call that it refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorDetails {
    /// In words.
    pub message: Option<String>,
    /// In a word for machines.
    pub code: Option<String>,
}

/// Why an answer is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// The provider refused.
    Rejected {
        /// The HTTP status.
        status: u16,
        /// What it said.
        complaint: ErrorDetails,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// A redirect, which is not followed: the key would go along.
    Redirected {
        /// The HTTP status.
        status: u16,
        /// Where to, when it said so.
        location: Option<String>,
    },
    /// A good status, and nothing else.
    Empty,
    /// A good status, and something that is not JSON.
    NotJson {
        /// How it begins.
        start: String,
    },
    /// A good status, and more than whtool reads.
    TooLong,
    /// JSON, but not what the provider documents.
    Unexpected(&'static str),
}

/// How many bytes of what is no JSON are looked at, to show how it begins.
const START: usize = 1_000;

/// The JSON of an answer with a good status. 204 and an empty body are `Empty`.
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
        start: truncate(&mask_secrets(&String::from_utf8_lossy(answer.body.get(..START).unwrap_or(&answer.body))), 60),
    })
}

/// How long `Retry-After` asks to wait: seconds, or a date (RFC 9110 section 10.2.3).
pub fn retry_after(headers: &Headers, now: Timestamp) -> Option<Duration> {
    let text = std::str::from_utf8(headers.get("retry-after")?).ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

impl ResponseError {
    /// Whether the same call may fare better later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Rejected { status, .. } if Status(*status).is_retryable())
    }

    /// The error that the user sees when `what` could not be done.
    pub fn to_error(&self, provider: &dyn Provider, what: &str) -> Error {
        let title = provider.title();
        let Self::Rejected { status, complaint, retry_after } = self else {
            let error = Error::failed(what).because(self.reason(title));
            return error.hint(format!("is {} right? It should be {title}'s API", provider.api().base_variable));
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
            401 | 403 => Error::credentials(what),
            _ => Error::failed(what),
        };
        let error = error.because(why);
        match (provider.status_hint(*status), retry_after) {
            (_, Some(span)) => error.hint(format!("it asks to wait {} s", span.as_secs())),
            ("", None) => error,
            (advice, None) => error.hint(advice),
        }
    }

    /// In words, for what is not a refusal.
    fn reason(&self, title: &str) -> String {
        match self {
            Self::Rejected { status, .. } => format!("{title} answered {status}"),
            Self::Redirected { status, location } => {
                let place = location.as_ref().map(|place| format!(" to {place}")).unwrap_or_default();
                format!("a redirect ({status}{place}), which is not followed: the key would go along")
            }
            Self::Empty => "the answer is empty".to_owned(),
            Self::NotJson { start } if start.trim_start().starts_with('<') => {
                format!("the answer is HTML, not JSON: `{start}`")
            }
            Self::NotJson { start } => format!("the answer is not JSON: `{start}`"),
            Self::TooLong => "the answer is longer than whtool reads".to_owned(),
            Self::Unexpected(field) => format!("the answer has no usable `{field}`"),
        }
    }
}

/// What a status means where the provider says nothing of its own.
pub(super) fn common_hint(status: u16) -> &'static str {
    match status {
        400 | 422 => "see what the provider says about the request",
        401 => "the key is wrong or revoked",
        404 => "check the id: it may belong to the other environment, test or live",
        429 => "wait a little, and ask less at a time",
        500.. => "the provider has a fault: try again later",
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
    fn a_base_may_bring_its_own_version_or_a_path() {
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
    fn a_request_carries_the_key_and_says_what_it_wants() {
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
    fn a_good_answer_is_its_json_whatever_the_good_status() {
        for status in [200, 201, 299] {
            assert_eq!(parse_response(plexos(), &answer(status, b"", "{\"a\":1}"), now()).unwrap()["a"], 1);
        }
    }

    #[test]
    fn each_way_of_not_answering_is_told_apart_and_none_is_silent() {
        let unfit = |status, headers: &[u8], body: &str| {
            parse_response(plexos(), &answer(status, headers, body), now()).unwrap_err()
        };
        assert_eq!(unfit(204, b"", ""), ResponseError::Empty);
        assert_eq!(unfit(200, b"", " \n"), ResponseError::Empty);
        assert!(unfit(200, b"", "<html>").to_error(plexos(), "x").cause().unwrap().contains("HTML"));
        assert!(matches!(unfit(200, b"", "{\"a\""), ResponseError::NotJson { .. }));
        let moved = unfit(302, b"Location: https://evil.example/\r\n", "").to_error(plexos(), "x");
        assert!(moved.cause().unwrap().contains("https://evil.example/"));
        let cut = Answer { is_whole: false, ..Answer::new(200, "{}") };
        assert_eq!(parse_response(plexos(), &cut, now()), Err(ResponseError::TooLong));
    }

    #[test]
    fn a_refusal_says_what_the_provider_said_and_decides_the_exit_status() {
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
    fn a_key_or_secret_that_comes_back_is_masked() {
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
