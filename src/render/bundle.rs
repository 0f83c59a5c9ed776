//! What a provider's support gets of one delivery: a single JSON text, indented, so that a person can read it before it is sent and
//! a program after. Keys, tokens, credentials and phone numbers are masked in it, and known secrets wherever they stand.
//!
//! The body's length and SHA-256 are those of the bytes as they came; the body that is shown is masked, so it is not those bytes.

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

/// What goes into a bundle.
pub struct Contents<'a> {
    /// The delivery with its attempts.
    pub kept: &'a StoredDelivery,
    /// What is said of it with the secrets of today.
    pub judged: &'a AnalyzedDelivery,
    /// Why it did not verify.
    pub findings: &'a [Finding],
    /// The tool's version.
    pub version: &'a str,
    /// When the bundle is made.
    pub made: String,
    /// Every secret that is known; none of them may stand in it.
    pub secrets: Vec<&'a [u8]>,
}

/// A bundle and the list of what is in it.
pub struct Bundle {
    /// The file.
    pub text: Vec<u8>,
    /// A line for each part.
    pub list: Vec<String>,
}

/// Puts a bundle together.
pub fn bundle(contents: &Contents<'_>) -> Bundle {
    let Contents { kept, judged, findings, version, made, secrets } = contents;
    let request = &kept.request;
    let mut masked = 0;
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| {
            let line = payload::header(name, value, Paint::Plain, Reveal::Masked);
            let value = line.split_once(": ").map_or("", |(_, value)| value);
            masked += usize::from(value.contains("***"));
            json!([name, phones_masked(value)])
        })
        .collect();
    let (body, in_body) = masked_body(&request.body);
    let cause = |finding: &Finding| json!({"code": finding.cause.code(), "proof": finding.confidence.code(), "what": finding.cause.sentence()});
    let mut value = json!({
        "schema": "whtool.bundle/1",
        "tool": {"name": "whtool", "version": version},
        "made": made,
        "delivery": {
            "id": kept.summary.id, "arrived": kept.summary.arrived.to_string(), "provider": kept.summary.provider,
            "type": kept.summary.kind, "eventId": kept.summary.event_id, "subject": kept.summary.subject,
            "status": kept.summary.status, "answered": kept.summary.answer.code(), "from": kept.summary.peer,
        },
        "verdict": {
            "whenItArrived": kept.summary.verdict, "today": judged.verdict.code(), "secret": kept.summary.secret,
            "causes": findings.iter().map(cause).collect::<Vec<_>>(),
        },
        "request": {
            "method": request.method, "target": phones_masked(&mask_secrets(&request.target)), "headers": headers,
            "bodyBytes": request.body.len(), "bodySha256": body_hash(&request.body), "bodyMasked": body,
        },
        "attempts": kept.attempts.iter().map(attempt).collect::<Vec<_>>(),
    });
    let known = hide(&mut value, secrets);
    let text = serde_json::to_string_pretty(&value).expect("keys are text and there are no floats");
    let text =
        text.lines().flat_map(|line| [escape_unsafe_json(line.as_bytes().to_vec()), b"\n".to_vec()].concat()).collect();
    let list = list(contents, (masked, in_body, known), body.as_deref());
    Bundle { text, list }
}

/// A line for each part.
fn list(contents: &Contents<'_>, (headers, values, known): (usize, usize, usize), body: Option<&str>) -> Vec<String> {
    let Contents { kept, findings, version, .. } = contents;
    let counted = |number: usize, noun: &str| super::text::count(number as u64, noun);
    let size = counted(kept.request.body.len(), "byte");
    let body = match body {
        Some(_) => format!("the body ({size}), with {} masked, and its SHA-256", counted(values, "value")),
        None => format!("length and SHA-256 of the body ({size}), which is no text and stays here"),
    };
    let attempts = match kept.attempts.len() {
        0 => "that nothing was sent to an app".to_owned(),
        number => format!("how {} to bring it to the app went", counted(number, "attempt")),
    };
    vec![
        format!("whtool {version}, the delivery's id, times, sender's address, and what it was answered"),
        format!("the verdict, then and today, with {}", counted(findings.len(), "cause")),
        format!("method, path and {}, {headers} of them masked", counted(kept.request.headers.len(), "header")),
        body,
        attempts,
        format!(
            "never in it: signing secrets, API keys, tokens, PINs, phone numbers ({} masked)",
            counted(known, "more place")
        ),
    ]
}

/// Only where it went, when, for how long and with which status: what an app answers is its owner's business.
fn attempt(attempt: &Attempt) -> Value {
    let host = attempt.url.parse::<url::Url>().map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
    let micros = u64::try_from(attempt.took.as_micros()).unwrap_or(u64::MAX);
    let status = attempt.outcome.as_ref().ok().map(|answer| answer.status);
    let error = attempt.outcome.as_ref().err().map(|failure| phones_masked(&mask_secrets(failure)));
    json!({"at": attempt.at.to_string(), "to": host, "tookMicros": micros, "status": status, "error": error})
}

/// The body as text with secrets, goods and phone numbers masked and all else spelled as it was, and how many those are.
/// `None`: it is no text.
fn masked_body(body: &[u8]) -> (Option<String>, usize) {
    let Ok(text) = std::str::from_utf8(body) else { return (None, 0) };
    let mut places = payload::secret_ranges(body);
    places.extend(phone_values(body));
    places.sort_by_key(|place| place.start);
    let (mut shown, mut from, mut count) = (String::with_capacity(text.len()), 0, 0);
    for place in places.into_iter().filter(|place| !place.is_empty()) {
        if place.start < from {
            continue;
        }
        let quote = if text.get(place.clone()).is_some_and(|value| value.starts_with('"')) { "\"" } else { "" };
        shown.push_str(&phones_masked(text.get(from..place.start).unwrap_or_default()));
        shown.extend([quote, "***", quote]);
        (from, count) = (place.end, count + 1);
    }
    shown.push_str(&phones_masked(text.get(from..).unwrap_or_default()));
    (Some(shown), count)
}

/// What stands in the names of phone numbers: `operatorPhone`, `mobileNumber`, `msisdn`.
const PHONES: [&str; 4] = ["phone", "mobile", "msisdn", "recipient"];

/// Where the values of such names stand in JSON.
fn phone_values(json: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut key) = (Vec::new(), String::new());
    for token in Tokens::new(json).map_while(Result::ok) {
        let place = token.start..token.end;
        let text = json.get(place.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        match token.kind {
            TokenKind::Key => key = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()).to_lowercase(),
            TokenKind::String | TokenKind::Number if PHONES.iter().any(|name| key.contains(name)) => found.push(place),
            _ => {}
        }
    }
    found
}

/// The fewest digits of a phone number behind a `+`.
const FEWEST_DIGITS: usize = 7;

/// A text in which every `+` or `%2B` with a number behind it, in one piece or set apart by blanks and hyphens, is masked, and so is
/// every Nigerian number as it is dialled at home: 11 digits from 070 to 091.
fn phones_masked(text: &str) -> String {
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
        let at_home =
            sign.is_empty() && digits == 11 && ["07", "08", "09"].iter().any(|start| number.starts_with(start));
        let length = (sign.len() + number.len()).max(from.chars().next().map_or(1, char::len_utf8));
        let is_phone = at_home || (!sign.is_empty() && digits >= FEWEST_DIGITS);
        shown.push_str(if is_phone { "***" } else { &from[..length] });
        rest = &from[length..];
    }
    shown + rest
}

/// Replaces known secrets in every text, and says how many places those were.
fn hide(value: &mut Value, secrets: &[&[u8]]) -> usize {
    match value {
        Value::String(text) => {
            let mut count = 0;
            for secret in secrets.iter().filter_map(|secret| std::str::from_utf8(secret).ok()) {
                // A secret of a letter or two would hide half of the text and protect nothing.
                if secret.len() >= 6 && text.contains(secret) {
                    (*text, count) = (text.replace(secret, "***"), count + 1);
                }
            }
            count
        }
        Value::Array(parts) => parts.iter_mut().map(|part| hide(part, secrets)).sum(),
        Value::Object(members) => members.values_mut().map(|part| hide(part, secrets)).sum(),
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
            assert_eq!(phones_masked(text), expected, "{text}");
        }
    }

    #[test]
    fn a_body_keeps_its_spelling_but_for_what_is_masked() {
        let body = br#"{ "operatorPhone" : "+2389001234", "mobileNumber":8012345678, "token":"1234-5678","n":1.0, "x":"\u00e9 +2389001234"}"#;
        let (text, count) = masked_body(body);
        let expected = r#"{ "operatorPhone" : "***", "mobileNumber":***, "token":"***","n":1.0, "x":"\u00e9 ***"}"#;
        assert_eq!((text.as_deref(), count), (Some(expected), 3));
        assert_eq!(masked_body(b"\xff"), (None, 0));
    }

    #[test]
    fn a_known_secret_stands_nowhere() {
        let mut value = json!({"a": ["x whsec_1234567 y"], "b": "short ab"});
        assert_eq!(hide(&mut value, &[b"whsec_1234567", b"ab"]), 1);
        assert_eq!(value, json!({"a": ["x *** y"], "b": "short ab"}));
    }
}
