//! Builds the file for a provider's support: one indented JSON text about one delivery.
//!
//! Keys, tokens, credentials, phone numbers and known secrets are masked. Length and SHA-256 are
//! those of the body as received; the body shown is masked.

use super::json::escape_unsafe_json;
use super::paint::Paint;
use super::payload;
use crate::diagnose::Finding;
use crate::diagnose::compare::body_hash;
use crate::json::{TokenKind, Tokens};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::mask::{Reveal, mask_secrets};
use crate::model::stored::{Attempt, StoredDelivery};
use serde_json::{Value, json};
use std::ops::Range;

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
            let line = payload::header(name, value, Paint::Plain, Reveal::Masked);
            let value = line.split_once(": ").map_or("", |(_, value)| value);
            masked += usize::from(value.contains("***"));
            json!([name, mask_phones(value)])
        })
        .collect();
    let (body, in_body) = mask_body(&request.body);
    let cause = |finding: &Finding| {
        let (code, proof) = (finding.cause.code(), finding.confidence.code());
        json!({"code": code, "proof": proof, "what": finding.cause.sentence()})
    };
    let mut value = json!({
        "schema": "whtool.bundle/1",
        "tool": {"name": "whtool", "version": version},
        "made": created,
        "delivery": {
            "id": stored.summary.id, "arrived": stored.summary.arrived.to_string(), "provider": stored.summary.provider,
            "type": stored.summary.kind, "eventId": stored.summary.event_id, "subject": stored.summary.subject,
            "status": stored.summary.status, "answered": stored.summary.answer.code(), "from": stored.summary.peer,
        },
        "verdict": {
            "whenItArrived": stored.summary.verdict, "today": analyzed.verdict.code(), "secret": stored.summary.secret,
            "causes": findings.iter().map(cause).collect::<Vec<_>>(),
        },
        "request": {
            "method": request.method, "target": mask_phones(&mask_secrets(&request.target)), "headers": headers,
            "bodyBytes": request.body.len(), "bodySha256": body_hash(&request.body), "bodyMasked": body,
        },
        "attempts": stored.attempts.iter().map(attempt).collect::<Vec<_>>(),
    });
    let known = mask_known(&mut value, secrets);
    let text = serde_json::to_string_pretty(&value).expect("keys are text and there are no floats");
    let text =
        text.lines().flat_map(|line| [escape_unsafe_json(line.as_bytes().to_vec()), b"\n".to_vec()].concat()).collect();
    let list = describe(contents, (masked, in_body, known), body.as_deref());
    Bundle { text, list }
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
            "left out: signing secrets, API keys, tokens, PINs, phone numbers ({} masked)",
            counted(known, "more place")
        ),
    ]
}

/// Summarizes an attempt without the app's response, which may be confidential.
fn attempt(attempt: &Attempt) -> Value {
    let host = attempt.url.parse::<url::Url>().map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
    let micros = u64::try_from(attempt.took.as_micros()).unwrap_or(u64::MAX);
    let status = attempt.outcome.as_ref().ok().map(|answer| answer.status);
    let error = attempt.outcome.as_ref().err().map(|failure| mask_phones(&mask_secrets(failure)));
    json!({"at": attempt.at.to_string(), "to": host, "tookMicros": micros, "status": status, "error": error})
}

/// Masks secrets, goods and phone numbers in a body, and counts them. `None`: the body is not text.
fn mask_body(body: &[u8]) -> (Option<String>, usize) {
    let Ok(text) = std::str::from_utf8(body) else { return (None, 0) };
    let mut ranges = payload::secret_ranges(body);
    ranges.extend(phone_values(body));
    ranges.sort_by_key(|range| range.start);
    let (mut shown, mut from, mut count) = (String::with_capacity(text.len()), 0, 0);
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        if range.start < from {
            continue;
        }
        let quote = if text.get(range.clone()).is_some_and(|value| value.starts_with('"')) { "\"" } else { "" };
        shown.push_str(&mask_phones(text.get(from..range.start).unwrap_or_default()));
        shown.extend([quote, "***", quote]);
        (from, count) = (range.end, count + 1);
    }
    shown.push_str(&mask_phones(text.get(from..).unwrap_or_default()));
    (Some(shown), count)
}

/// Parts of the names of phone numbers: `operatorPhone`, `mobileNumber`, `msisdn`.
const PHONES: [&str; 4] = ["phone", "mobile", "msisdn", "recipient"];

/// Returns the ranges of values in JSON whose names contain one of `PHONES`.
fn phone_values(json: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut key) = (Vec::new(), String::new());
    for token in Tokens::new(json).map_while(Result::ok) {
        let range = token.start..token.end;
        let text = json.get(range.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        match token.kind {
            TokenKind::Key => key = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()).to_lowercase(),
            TokenKind::String | TokenKind::Number if PHONES.iter().any(|name| key.contains(name)) => found.push(range),
            _ => {}
        }
    }
    found
}

/// Fewest digits after a `+` that make a phone number.
const MIN_DIGITS: usize = 7;

/// Masks phone numbers in text: `+` or `%2B` with digits, spaces and hyphens, and Nigerian numbers
/// in national form (11 digits from 070 to 091).
fn mask_phones(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| letter == '+' || letter == '%' || letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        shown.push_str(before);
        let sign = ["+", "%2B", "%2b"].into_iter().find(|sign| from.starts_with(sign)).unwrap_or_default();
        let is_part = |letter: char| letter.is_ascii_digit() || (!sign.is_empty() && matches!(letter, ' ' | '-'));
        let number = &from[sign.len()..];
        let end = number.find(|letter| !is_part(letter)).unwrap_or(number.len());
        let number = number[..end].trim_end_matches([' ', '-']);
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        let is_national =
            sign.is_empty() && digits == 11 && ["07", "08", "09"].iter().any(|start| number.starts_with(start));
        let length = (sign.len() + number.len()).max(from.chars().next().map_or(1, char::len_utf8));
        let is_phone = is_national || (!sign.is_empty() && digits >= MIN_DIGITS);
        shown.push_str(if is_phone { "***" } else { &from[..length] });
        rest = &from[length..];
    }
    shown + rest
}

/// Masks known secrets in every string, and counts the replacements.
fn mask_known(value: &mut Value, secrets: &[&[u8]]) -> usize {
    match value {
        Value::String(text) => {
            let mut count = 0;
            for secret in secrets.iter().filter_map(|secret| std::str::from_utf8(secret).ok()) {
                // Replacing a shorter secret would mask much unrelated text.
                if secret.len() >= 6 && text.contains(secret) {
                    (*text, count) = (text.replace(secret, "***"), count + 1);
                }
            }
            count
        }
        Value::Array(parts) => parts.iter_mut().map(|part| mask_known(part, secrets)).sum(),
        Value::Object(members) => members.values_mut().map(|part| mask_known(part, secrets)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_masked_and_other_numbers_are_not() {
        let masked = [
            ("call +2389001234 now", "call *** now"),
            ("+238 900 12 34.", "***."),
            ("to=%2B2348012345678&a=1", "to=***&a=1"),
            ("08012345678", "***"),
            ("1736937000 and 10000 + 5", "1736937000 and 10000 + 5"),
            ("2025-01-15T10:30:00+01:00", "2025-01-15T10:30:00+01:00"),
            ("50% of +12", "50% of +12"),
        ];
        for (text, expected) in masked {
            assert_eq!(mask_phones(text), expected, "{text}");
        }
    }

    #[test]
    fn a_masked_body_is_otherwise_unchanged() {
        let body = br#"{ "operatorPhone" : "+2389001234", "mobileNumber":8012345678, "token":"1234-5678","n":1.0, "x":"\u00e9 +2389001234"}"#;
        let (text, count) = mask_body(body);
        let expected = r#"{ "operatorPhone" : "***", "mobileNumber":***, "token":"***","n":1.0, "x":"\u00e9 ***"}"#;
        assert_eq!((text.as_deref(), count), (Some(expected), 3));
        assert_eq!(mask_body(b"\xff"), (None, 0));
    }

    #[test]
    fn known_secrets_are_masked_in_every_string() {
        let mut value = json!({"a": ["x whsec_1234567 y"], "b": "short ab"});
        assert_eq!(mask_known(&mut value, &[b"whsec_1234567", b"ab"]), 1);
        assert_eq!(value, json!({"a": ["x *** y"], "b": "short ab"}));
    }
}
