//! What the response to a correctly signed event suggests about the reason for its rejection.
//!
//! Only further requests prove a reason (`runner::refusal`). The words of a response are a hint;
//! none of its text is repeated here, since it is untrusted.

use super::types::HandlerResponse;

/// A handler that accepts no event, and what was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: LikelyReason,
    /// Number of wrong ways to sign that were tried, in vain.
    pub tried: usize,
    pub is_incomplete: bool,
}

impl Refusal {
    /// Creates the refusal of a handler with this response, before anything is tried.
    pub(super) fn unexplained(response: &HandlerResponse) -> Self {
        Self { reason: LikelyReason::guess(response), tried: 0, is_incomplete: false }
    }
}

/// A guess why every event is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikelyReason {
    CsrfProtection,
    SecretUnset,
    /// The comparison throws, since both sides have different lengths.
    Lengths,
    ContentType,
    Time,
    BodyParser,
    Login,
    Payload,
    /// Nothing but a wrong signature: another secret, or a comparison that is never true.
    Signature,
}

use LikelyReason::{BodyParser, ContentType, CsrfProtection, Lengths, Login, Payload, SecretUnset, Signature, Time};

/// Words of a response, in lower case and with blanks around, and the reasons that they suggest; the
/// most specific come first.
const WORDS: [(LikelyReason, &[&str]); 8] = [
    (CsrfProtection, &["csrf", "xsrf", " page expired ", "forgery protection", "authenticity token"]),
    (SecretUnset, &["key argument must be", "secret is not", "secret not set", "missing secret", " no secret "]),
    (Lengths, &["same byte length", "same length", "equal length", "timing safe equal length"]),
    (ContentType, &[" content type ", " media type "]),
    (Time, &[" stale ", " expired ", " timestamp ", " too old ", "tolerance", " replay", " clock ", " in the future "]),
    (BodyParser, &[" json ", " unexpected token ", " parse error "]),
    (Login, &[" log in ", " login ", "unauthenticated", "authentication credentials", " api key ", " bearer "]),
    (Payload, &["validation", " field required ", " schema ", " missing field ", " is required "]),
];

/// Longest text of a response that is compared.
const MAX_TEXT: usize = 4_000;

/// Status and words of a response, without what differs from request to request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseWords {
    status: Option<u16>,
    text: String,
}

impl ResponseWords {
    pub fn of(response: &HandlerResponse) -> Self {
        let Ok(answer) = &response.answer else { return Self { status: None, text: response.describe() } };
        let start = String::from_utf8_lossy(&answer.body[..answer.body.len().min(MAX_TEXT)]).to_lowercase();
        // Ids, times and digests differ between requests, and contain digits.
        let words = start.split(|letter: char| !letter.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty() && !word.contains(|letter: char| letter.is_ascii_digit()));
        Self { status: Some(answer.status.0), text: format!(" {} ", words.collect::<Vec<_>>().join(" ")) }
    }
}

impl LikelyReason {
    /// Guesses from the response to a correct event.
    pub(super) fn guess(response: &HandlerResponse) -> Self {
        let Ok(answer) = &response.answer else { return Signature };
        if answer.headers.get("WWW-Authenticate").is_some() {
            return Login;
        }
        let words = ResponseWords::of(response);
        let mentioned = |words_of: &&(Self, &[&str])| words_of.1.iter().any(|word| words.text.contains(word));
        match (WORDS.iter().find(mentioned), answer.status.0) {
            (Some((reason, _)), _) => *reason,
            (None, 415) => ContentType,
            (None, 419) => CsrfProtection,
            (None, 422) => Payload,
            (None, _) => Signature,
        }
    }

    /// Returns a clause that follows the fault.
    pub(super) fn clause(self) -> &'static str {
        match self {
            CsrfProtection => "its response is about CSRF protection",
            SecretUnset => "its response is about a missing secret",
            Lengths => "its comparison throws, since it compares values of different lengths",
            ContentType => "its response is about the Content-Type",
            Time => "its response is about the timestamp",
            BodyParser => "its response is about JSON",
            Login => "its response asks for a login or an API key",
            Payload => "its response is about fields of the payload",
            Signature => "no known mistake explains why",
        }
    }

    pub(super) fn fix(self) -> &'static str {
        match self {
            CsrfProtection => "exempt this route from CSRF protection: the signature takes its place",
            SecretUnset => "set the secret in the environment in which the handler runs",
            Lengths => "compare 32 bytes with 32 bytes: decode the hex of the header, after an optional `sha256=`",
            ContentType => "accept any Content-Type on this route: no page says which one is sent",
            Time => "log the handler's own time and the timestamp as it reads it: both must be Unix seconds",
            BodyParser => "read the raw body on this route, before any JSON parser",
            Login => "exempt this route from the login: the signature takes its place",
            Payload => "treat every field except the id as optional, and verify the signature before the payload",
            Signature => {
                "check that the handler has the secret that check signs with, and that its comparison can be true (a \
                 Buffer is never === a string); if so, log the digest that it computes for the request below, save the \
                 command as request.sh, and run `whtool verify request.sh --computed DIGEST`"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::exchange::{Answer, SendFailure};
    use std::time::Duration;

    fn response(status: u16, text: &str) -> HandlerResponse {
        HandlerResponse { took: Duration::ZERO, answer: Ok(Answer::new(status, text)) }
    }

    #[test]
    fn the_words_of_a_response_suggest_a_reason() {
        for (status, text, reason) in [
            (403, "CSRF verification failed. Request aborted.", CsrfProtection),
            (419, "", CsrfProtection),
            (400, r#"{"error":"Timestamp too old"}"#, Time),
            (401, "event EXPIRED", Time),
            (
                500,
                "RangeError [ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH]: Input buffers must have the same byte length",
                Lengths,
            ),
            (500, r#"TypeError: The "key" argument must be of type string. Received undefined"#, SecretUnset),
            (415, "Unsupported Media Type", ContentType),
            (422, r#"{"detail":[{"type":"missing","msg":"Field required"}]}"#, Payload),
            (400, "SyntaxError: \"[object Object]\" is not valid JSON", BodyParser),
            (401, r#"{"message":"Unauthenticated."}"#, Login),
            (401, "invalid signature", Signature),
            (401, "", Signature),
        ] {
            assert_eq!(LikelyReason::guess(&response(status, text)), reason, "{status} {text}");
        }
        let mut answer = Answer::new(401, "");
        answer.headers.push("WWW-Authenticate", b"Basic realm=x").unwrap();
        let asking = HandlerResponse { took: Duration::ZERO, answer: Ok(answer) };
        assert_eq!(LikelyReason::guess(&asking), Login);
        let failed = HandlerResponse { took: Duration::ZERO, answer: Err(SendFailure::Timeout) };
        assert_eq!(LikelyReason::guess(&failed), Signature);
    }

    #[test]
    fn responses_are_equal_if_they_differ_in_ids_times_and_digests_only() {
        let words = |status, text| ResponseWords::of(&response(status, text));
        let first = words(401, "req_1a2b at 12:30: expected 5bdcc146bf60754e");
        assert_eq!(first, words(401, "req_9z8y at 12:31: expected 00dcc146bf60754e"));
        assert_ne!(first, words(400, "req_1a2b at 12:30: expected 5bdcc146bf60754e"));
        assert_ne!(first, words(401, "stale"));
    }
}
