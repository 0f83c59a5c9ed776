//! Builds the file for a provider's support: one indented JSON text about one delivery.
//!
//! It goes to strangers: everything that `model::mask` knows for them is masked, and so is every
//! known secret and every value of a sensitive field of the body, wherever it appears. Length and SHA-256 are
//! those of the body as received; the body shown is masked.

use super::json::escape_unsafe_json;
use super::payload;
use crate::diagnose::Finding;
use crate::diagnose::compare::body_hash;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::mask::{Audience, MASK, mask_sentence, mask_text};
use crate::model::stored::{Attempt, StoredDelivery};
use serde_json::{Value, json};

pub struct Contents<'a> {
    pub stored: &'a StoredDelivery,
    /// The delivery, verified with the current secrets.
    pub analyzed: &'a AnalyzedDelivery,
    /// Causes of a failed verification.
    pub findings: &'a [Finding],
    pub version: &'a str,
    pub created: String,
    /// Known secrets, which must not appear in the bundle.
    pub secrets: Vec<&'a [u8]>,
}

/// A bundle and a description of its contents.
pub struct Bundle {
    pub text: Vec<u8>,
    /// One line for each kind of content.
    pub list: Vec<String>,
}

pub fn build(contents: &Contents<'_>) -> Bundle {
    let Contents { stored, analyzed, findings, version, created, secrets } = contents;
    let request = &stored.request;
    let mut masked = 0;
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| {
            let value = payload::masked_header(name, value, Audience::Support);
            masked += usize::from(value.contains(MASK));
            json!([name, value])
        })
        .collect();
    let body = payload::mask_body(&request.body, Audience::Support);
    let hidden = payload::sensitive_values(&request.body, Audience::Support);
    let cause = |finding: &Finding| {
        let (code, proof) = (finding.cause.code(), finding.confidence.code());
        json!({"code": code, "proof": proof, "what": mask_sentence(&finding.cause.sentence(), Audience::Support)})
    };
    let mut value = json!({
        "schema": "whtool.bundle/1",
        "tool": {"name": "whtool", "version": version},
        "made": created,
        "delivery": {
            "id": stored.summary.id, "arrived": stored.summary.arrived.to_string(), "provider": stored.summary.provider,
            "type": text(stored.summary.kind.as_ref()), "eventId": text(stored.summary.event_id.as_ref()),
            "subject": text(stored.summary.subject.as_ref()), "status": text(stored.summary.status.as_ref()),
            "answered": stored.summary.answer.code(), "from": stored.summary.peer,
        },
        "verdict": {
            "whenItArrived": stored.summary.verdict, "today": analyzed.verdict.code(),
            "secret": text(stored.summary.secret.as_ref()), "causes": findings.iter().map(cause).collect::<Vec<_>>(),
        },
        "request": {
            "method": request.method, "target": mask_text(&request.target, Audience::Support), "headers": headers,
            "bodyBytes": request.body.len(), "bodySha256": body_hash(&request.body), "bodyMasked": body,
        },
        "attempts": stored.attempts.iter().map(attempt).collect::<Vec<_>>(),
    });
    let known: Vec<&str> = secrets.iter().filter_map(|secret| std::str::from_utf8(secret).ok()).collect();
    let known: Vec<&str> = known.into_iter().chain(hidden.iter().map(String::as_str)).collect();
    let known = mask_known(&mut value, &known);
    let text = serde_json::to_string_pretty(&value).expect("keys are text and there are no floats");
    let text =
        text.lines().flat_map(|line| [escape_unsafe_json(line.as_bytes().to_vec()), b"\n".to_vec()].concat()).collect();
    let list = describe(contents, (masked, hidden.len(), known), body.as_deref());
    Bundle { text, list }
}

/// Masks a field of the event.
fn text(field: Option<&String>) -> Option<String> {
    field.map(|text| mask_text(text, Audience::Support))
}

/// Describes the contents, one line for each kind.
fn describe(
    contents: &Contents<'_>,
    (headers, values, known): (usize, usize, usize),
    body: Option<&str>,
) -> Vec<String> {
    let Contents { stored, findings, version, .. } = contents;
    let counted = |number: usize, noun: &str| super::text::count(number as u64, noun);
    let size = counted(stored.request.body.len(), "byte");
    let body = match body {
        Some(_) => format!("the body ({size}), with {} masked, and its SHA-256", counted(values, "value")),
        None => format!("length and SHA-256 of the body ({size}), which is not text and is left out"),
    };
    let attempts = match stored.attempts.len() {
        0 => "the fact that it was not forwarded".to_owned(),
        number => format!("the results of {} to forward it", counted(number, "attempt")),
    };
    vec![
        format!("whtool {version}, and the delivery's id, times, sender address and response"),
        format!("the verdict at arrival and today, with {}", counted(findings.len(), "cause")),
        format!("method, path and {}, {headers} of them masked", counted(stored.request.headers.len(), "header")),
        body,
        attempts,
        format!(
            "left out: secrets, API keys, tokens, PINs, phone numbers, e-mail addresses and names ({} masked)",
            counted(known, "more place")
        ),
    ]
}

/// Summarizes an attempt without the app's response, which may be confidential.
fn attempt(attempt: &Attempt) -> Value {
    let host = attempt.url.parse::<url::Url>().map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
    let micros = u64::try_from(attempt.took.as_micros()).unwrap_or(u64::MAX);
    let status = attempt.outcome.as_ref().ok().map(|answer| answer.status);
    let error = attempt.outcome.as_ref().err().map(|failure| mask_sentence(failure, Audience::Support));
    json!({"at": attempt.at.to_string(), "to": host, "tookMicros": micros, "status": status, "error": error})
}

/// Masks known values in every string, and counts the replacements.
fn mask_known(value: &mut Value, known: &[&str]) -> usize {
    match value {
        Value::String(text) => {
            let mut count = 0;
            for secret in known {
                // Replacing a shorter one would mask much unrelated text.
                if secret.len() >= MIN_KNOWN && text.contains(secret) {
                    (*text, count) = (text.replace(secret, MASK), count + 1);
                }
            }
            count
        }
        Value::Array(parts) => parts.iter_mut().map(|part| mask_known(part, known)).sum(),
        Value::Object(members) => members.values_mut().map(|part| mask_known(part, known)).sum(),
        _ => 0,
    }
}

/// The shortest value that is masked wherever it appears.
const MIN_KNOWN: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_body_is_otherwise_unchanged() {
        let body = br#"{ "operatorPhone" : "+2389001234", "mobileNumber":8012345678, "token":"1234-5678","n":1.0, "x":"\u00e9 +2389001234"}"#;
        let text = payload::mask_body(body, Audience::Support);
        let expected = r#"{ "operatorPhone" : "***", "mobileNumber":***, "token":"***","n":1.0, "x":"é ***"}"#;
        assert_eq!(text.as_deref(), Some(expected));
        assert_eq!(payload::mask_body(b"\xff", Audience::Support), None);
    }

    #[test]
    fn known_secrets_are_masked_in_every_string() {
        let mut value = json!({"a": ["x whsec_1234567 y"], "b": "short ab"});
        assert_eq!(mask_known(&mut value, &["whsec_1234567", "ab"]), 1);
        assert_eq!(value, json!({"a": ["x *** y"], "b": "short ab"}));
    }
}
