//! Writes records for programs: one JSON object per line, with a `schema` that names its shape and
//! version.
//!
//! Deliveries and captures are data and are not masked: their requests are complete. Everything that
//! explains them is masked: causes, warnings, notes, errors, URLs of the app and its answers. Codes
//! come from `verdict`, `diagnose` and `event`.

use super::record_writer::{RecordWriter, TYPICAL_RECORD_SIZE};
use super::text;
use crate::capture::request_json::RequestJson;
use crate::diagnose::Finding;
use crate::diagnose::frameworks::Framework;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::duplicate::FactChange;
use crate::model::event::Warning;
use crate::model::exchange::SentRequest;
use crate::model::expectation::{ExpectationResult, ExpectationState, ValueDifference};
use crate::model::mask::{Audience, mask_secrets, mask_sentence};
use crate::model::message::Request;
use crate::model::money::Money;
use crate::model::sanitize::needs_escape;
use crate::model::stored::{CaptureId, ForwardOutcome, Forwarded};
use crate::model::timestamp::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Serializes a record as one line.
pub fn line(record: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(TYPICAL_RECORD_SIZE);
    serde_json::to_writer(&mut line, record).expect("keys are strings and a vector takes every write");
    let mut line = escape_unsafe_json(line);
    line.push(b'\n');
    line
}

/// Escapes every character that a terminal might act on. Such characters are in strings only.
pub(super) fn escape_unsafe_json(json: Vec<u8>) -> Vec<u8> {
    // Nearly all records are ASCII, which is checked much faster than each character. The only
    // control character that JSON leaves unescaped in ASCII is the last one.
    if json.is_ascii() && memchr::memchr(0x7f, &json).is_none() {
        return json;
    }
    let text = String::from_utf8(json).expect("JSON is UTF-8");
    let mut safe = String::with_capacity(text.len() + 64);
    for character in text.chars() {
        if needs_escape(character) {
            let mut units = [0; 2];
            safe.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            safe.push(character);
        }
    }
    safe.into_bytes()
}

/// `whtool.ready/1`: the listener accepts connections.
pub fn ready(url: &str) -> Vec<u8> {
    line(&json!({"schema": "whtool.ready/1", "url": url}))
}

/// Returns a record of a tunnel's state: `starting`, `up`, `lost` or `ended`.
pub fn tunnel(state: &str, program: &str, url: Option<&str>, why: Option<&str>, since: Timestamp) -> Vec<u8> {
    line(&json!({
        "schema": "whtool.tunnel/1", "state": state, "program": program, "url": url, "why": why,
        "since": since.to_string(),
    }))
}

/// The fields of an event in a record.
#[derive(Clone, Copy)]
enum EventFields {
    /// As received: the record has the whole request.
    Complete,
    Masked,
}

/// Adds the results of verifying a delivery.
fn add_verification(record: &mut RecordWriter, received: &AnalyzedDelivery, findings: &[Finding], fields: EventFields) {
    let AnalyzedDelivery { provider, verdict, event, .. } = received;
    let shown = |text: &Option<String>| match fields {
        EventFields::Complete => text.clone(),
        EventFields::Masked => text.as_deref().map(mask_secrets),
    };
    record.text("provider", *provider);
    record.text("verdict", Some(verdict.code().as_str()));
    record.text("secret", verdict.secret().map(ToString::to_string).as_deref());
    record.value("causes", &findings.iter().map(cause).collect::<Vec<_>>());
    record.object("event", |fields| {
        fields.text("type", shown(&event.kind).as_deref());
        fields.text("id", shown(&event.id).as_deref());
        fields.text("subject", shown(&event.subject).as_deref());
        fields.text("status", shown(&event.status).as_deref());
        match &event.money {
            // Minor units as text, because programs that read numbers as floats would round them.
            Some(Money { minor, currency }) => fields.object("money", |money| {
                money.text("minor", Some(&minor.to_string()));
                money.text("currency", Some(currency));
            }),
            None => fields.text("money", None),
        }
    });
    record.value("warnings", &event.warnings.iter().map(warning).collect::<Vec<_>>());
}

fn cause(finding: &Finding) -> Value {
    let Finding { cause, confidence } = finding;
    let [what, fix] = [cause.sentence(), cause.fix()].map(|text| mask_sentence(&text, Audience::Team));
    json!({"code": cause.code(), "proof": confidence.code(), "what": what, "fix": fix})
}

fn warning(warning: &Warning) -> Value {
    json!({"code": warning.code(), "what": mask_sentence(&warning.sentence(), Audience::Team)})
}

/// The fields that the listener adds to a verified delivery.
#[derive(Clone, Debug)]
pub struct ListenerFields {
    /// Counted from 1 since the listener started.
    pub number: u64,
    /// The id in the store. `None`: not stored.
    pub id: Option<CaptureId>,
    /// The first delivery of this event: its id, or `#` and its number if it is not stored.
    pub duplicate_of: Option<String>,
    /// What this delivery says differently.
    pub duplicate_changes: Vec<FactChange>,
    /// The status of the response.
    pub answered: u16,
    /// The status comes from `--answer`.
    pub is_scripted: bool,
    /// The number of routes to which it is forwarded. `None`: nothing is forwarded.
    pub routes: Option<usize>,
}

/// `whtool.delivery/1`: a delivery that a listener received.
pub fn delivery(received: &AnalyzedDelivery, findings: &[Finding], listener: &ListenerFields) -> Vec<u8> {
    let delivery = &received.delivery;
    let mut record = RecordWriter::new("whtool.delivery/1");
    record.value("number", &listener.number);
    record.value("id", &listener.id);
    record.text("arrived", delivery.arrived.map(|time| time.to_string()).as_deref());
    record.text("peer", delivery.peer.map(|peer| peer.to_string()).as_deref());
    add_verification(&mut record, received, findings, EventFields::Complete);
    record.text("duplicateOf", listener.duplicate_of.as_deref());
    if !listener.duplicate_changes.is_empty() {
        let change = |change: &FactChange| json!({"field": change.field, "before": change.before, "now": change.now});
        record.value("duplicateChanges", &listener.duplicate_changes.iter().map(change).collect::<Vec<_>>());
    }
    record.value("answered", &listener.answered);
    if listener.is_scripted {
        record.value("scripted", &true);
    }
    if let Some(routes) = listener.routes {
        record.value("routes", &routes);
    }
    record.request("request", &delivery.request);
    record.into_line()
}

/// `whtool.forwarded/1`: a delivery was forwarded to the app.
pub fn forwarded(forwarded: &Forwarded) -> Vec<u8> {
    let Forwarded { id, attempt, tries, outcome } = forwarded;
    let (sequel, pause) = match outcome {
        ForwardOutcome::Delivered => ("taken", None),
        ForwardOutcome::Retry(pause) => ("again", Some(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))),
        ForwardOutcome::Refused | ForwardOutcome::GivenUp | ForwardOutcome::TooOld => ("given_up", None),
    };
    let micros = u64::try_from(attempt.took.as_micros()).unwrap_or(u64::MAX);
    let (status, body, error) = match &attempt.outcome {
        Ok(answer) => (Some(answer.status), Some(text::masked_body(answer)), None),
        Err(failure) => (None, None, Some(mask_secrets(failure))),
    };
    let location = attempt.outcome.as_ref().ok().and_then(|answer| text::masked_location(answer, &attempt.url));
    line(&json!({
        "schema": "whtool.forwarded/1", "id": id, "url": mask_secrets(&attempt.url), "at": attempt.at.to_string(), "tries": tries,
        "status": status, "tookMicros": micros, "said": body, "location": location, "error": error, "sequel": sequel,
        "pauseMillis": pause,
    }))
}

/// `whtool.missed/1`: records that were dropped because the reader was too slow; the store has
/// their deliveries.
pub fn missed(deliveries: u64, answers: u64) -> Vec<u8> {
    line(&json!({"schema": "whtool.missed/1", "deliveries": deliveries, "answers": answers}))
}

/// `whtool.executed/1`: the end of a command of `--exec`, with the last lines of its output.
pub fn executed(delivery: &str, took: Duration, failure: Option<&str>, lines: &[String]) -> Vec<u8> {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    line(&json!({
        "schema": "whtool.executed/1", "delivery": delivery, "failed": failure.is_some(), "why": failure,
        "tookMicros": micros, "output": lines,
    }))
}

/// `whtool.expected/1`: what came of each event of `--expect`.
pub fn expected(results: &[ExpectationResult]) -> Vec<u8> {
    let difference = |ValueDifference { path, expected, found }: &ValueDifference| {
        let found = found.as_deref().map(mask_secrets);
        json!({"path": path, "expected": expected, "found": found})
    };
    let result = |ExpectationResult { expected, state }: &ExpectationResult| {
        let differences: Vec<_> = state.differences().iter().map(difference).collect();
        json!({"expected": expected, "state": state.code(), "delivery": state.delivery(), "differences": differences})
    };
    let is_met = results.iter().all(|result| matches!(result.state, ExpectationState::Received(_)));
    let events: Vec<_> = results.iter().map(result).collect();
    line(&json!({"schema": "whtool.expected/1", "met": is_met, "events": events}))
}

/// `whtool.verdict/1`: `verify`'s result for one request.
pub fn verdict(place: &str, received: &AnalyzedDelivery, findings: &[Finding], notes: &[(&str, String)]) -> Vec<u8> {
    let mut record = RecordWriter::new("whtool.verdict/1");
    record.text("place", Some(place));
    add_verification(&mut record, received, findings, EventFields::Masked);
    let notes: Vec<_> =
        notes.iter().map(|(code, what)| json!({"code": code, "what": mask_sentence(what, Audience::Team)})).collect();
    record.value("notes", &notes);
    record.into_line()
}

/// `whtool.unreadable/1`: a request that `verify` cannot read.
pub fn unreadable(error: &str) -> Vec<u8> {
    line(&json!({"schema": "whtool.unreadable/1", "what": mask_secrets(error)}))
}

/// `whtool.framework/1`: code that verifies in a framework.
pub fn framework(framework: &Framework) -> Vec<u8> {
    let Framework { name, title, language, text, .. } = framework;
    line(
        &json!({"schema": "whtool.framework/1", "name": name, "title": title, "language": language.name(), "text": text}),
    )
}

/// `whtool.summary/1`: requests counted by verdict and by cause.
pub fn summary(total: u64, verdicts: &[(String, u64)], causes: &[(String, u64)]) -> Vec<u8> {
    let object = |counts: &[(String, u64)]| {
        let mut sums = serde_json::Map::new();
        for (code, count) in counts {
            let sum = sums.get(code).and_then(Value::as_u64).unwrap_or(0) + count;
            sums.insert(code.clone(), json!(sum));
        }
        sums
    };
    let (verdicts, causes): (Value, Value) = (Value::Object(object(verdicts)), Value::Object(object(causes)));
    line(&json!({"schema": "whtool.summary/1", "total": total, "verdicts": verdicts, "causes": causes}))
}

/// `whtool.signed/1`: a signed request that was not sent.
pub fn signed(provider: &str, url: &str, request: &Request) -> Vec<u8> {
    line(&json!({"schema": "whtool.signed/1", "provider": provider, "url": url, "request": RequestJson(request)}))
}

/// `whtool.sent/1`: a request that was sent, and its result.
pub fn sent(source: &str, provider: &str, asked: &str, sent: &SentRequest, compared: Option<&str>) -> Vec<u8> {
    let micros = u64::try_from(sent.took.as_micros()).unwrap_or(u64::MAX);
    let (status, body, error) = match &sent.answer {
        Ok(answer) => (Some(answer.status), Some(text::masked_body(answer)), None),
        Err(failure) => (None, None, Some(mask_secrets(&failure.to_string()))),
    };
    let location = sent.answer.as_ref().ok().and_then(|answer| text::masked_location(answer, asked));
    line(&json!({
        "schema": "whtool.sent/1", "number": sent.number + 1, "source": source, "provider": provider, "status": status,
        "tookMicros": micros, "said": body, "location": location, "error": error, "compared": compared,
    }))
}

impl ListenerFields {
    /// Creates the fields of a first delivery that was answered 200.
    #[cfg(test)]
    fn first() -> Self {
        Self {
            number: 1,
            id: None,
            duplicate_of: None,
            duplicate_changes: Vec::new(),
            answered: 200,
            is_scripted: false,
            routes: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::read_json_lines;
    use crate::model::delivery::Delivery;
    use crate::model::event::Event;
    use crate::model::verdict::Verdict;

    #[test]
    fn characters_that_a_terminal_acts_on_are_escaped_and_keep_their_meaning() {
        let text = "\u{9b}31m \u{202e}\u{200b}\u{7f}\u{e0041} é";
        let written = String::from_utf8(line(&json!({"text": text}))).unwrap();
        assert!(!written.trim_end().chars().any(needs_escape), "{written:?}");
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), json!({"text": text}));
    }

    #[test]
    fn a_delivery_record_is_read_back_byte_for_byte() {
        let mut request = Request::post("/hooks?x=1", b"\x00\xff{}\n".to_vec());
        request.headers.push("X-Name", b"caf\xe9").unwrap();
        let arrived = Some("2026-01-02T03:04:05.678Z".parse().unwrap());
        let delivery_ = Delivery { request, peer: None, arrived };
        let received = AnalyzedDelivery {
            delivery: delivery_.clone(),
            provider: None,
            verdict: Verdict::Unsigned,
            event: Event::default(),
        };
        let line = delivery(&received, &[], &ListenerFields::first());
        let read: Vec<_> = read_json_lines(&line, 1).map(|capture| capture.unwrap().delivery).collect();
        assert_eq!(read, [delivery_]);
    }
}
