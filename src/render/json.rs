//! Records for programs: one JSON object a line, each with a `schema` that names its shape and version.
//!
//! Records are data, so they carry what they carry unmasked: bodies byte for byte. Reason codes are those of `verdict`,
//! `diagnose` and `event`.

use super::escape;
use crate::delivery::Received;
use crate::diagnose::Finding;
use crate::event::{Event, Warning};
use crate::exchange::Sent;
use crate::message::Request;
use crate::money::Money;
use crate::record::RequestRecord;
use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::{Value, json};
use std::io;
use url::Url;

/// A line of JSON.
fn line(record: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Harmless);
    record.serialize(&mut serializer).expect("records have text keys and no floats");
    line.push(b'\n');
    line
}

/// Compact JSON in which what could act on a terminal is written as an escape: the same text to programs.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, harmful)) = escape::first_harmful(rest) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in harmful.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + harmful.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

/// `whtool.ready/1`: the listener accepts connections.
pub fn ready(url: &str) -> Vec<u8> {
    line(&json!({"schema": "whtool.ready/1", "url": url}))
}

/// What was made of a delivery, as records tell it.
#[derive(Serialize)]
struct Judged {
    provider: Option<&'static str>,
    verdict: &'static str,
    secret: Option<String>,
    causes: Vec<Value>,
    event: Value,
    warnings: Vec<Value>,
}

impl Judged {
    fn new(received: &Received, findings: &[Finding]) -> Self {
        Self {
            provider: received.provider,
            verdict: received.verdict.code(),
            secret: received.verdict.secret().map(ToString::to_string),
            causes: findings.iter().map(cause).collect(),
            event: event(&received.event),
            warnings: received.event.warnings.iter().map(warning).collect(),
        }
    }
}

fn cause(finding: &Finding) -> Value {
    let Finding { cause, proof } = finding;
    json!({"code": cause.code(), "proof": proof.word(), "what": cause.sentence(), "fix": cause.fix()})
}

fn warning(warning: &Warning) -> Value {
    json!({"code": warning.code(), "what": warning.sentence()})
}

fn event(event: &Event) -> Value {
    let money =
        event.money.as_ref().map(|Money { minor, currency }| json!({"minor": minor.to_string(), "currency": currency}));
    json!({"type": event.kind, "id": event.id, "subject": event.subject, "status": event.status, "money": money})
}

/// What a listener adds to a judged delivery.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Its number since the listener started, from 1.
    pub number: u64,
    /// The number of the delivery that brought this event before.
    pub duplicate_of: Option<u64>,
    /// The status it was answered with.
    pub answered: u16,
}

/// `whtool.delivery/1`: a delivery that a listener received.
pub fn delivery(received: &Received, findings: &[Finding], arrival: Arrival) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Record<'a> {
        schema: &'static str,
        number: u64,
        arrived: Option<String>,
        peer: Option<String>,
        #[serde(flatten)]
        judged: Judged,
        duplicate_of: Option<u64>,
        answered: u16,
        request: RequestRecord<'a>,
    }
    line(&Record {
        schema: "whtool.delivery/1",
        number: arrival.number,
        arrived: received.delivery.arrived.map(|time| time.to_string()),
        peer: received.delivery.peer.map(|peer| peer.to_string()),
        judged: Judged::new(received, findings),
        duplicate_of: arrival.duplicate_of,
        answered: arrival.answered,
        request: RequestRecord(&received.delivery.request),
    })
}

/// `whtool.verdict/1`: what `verify` says of one request.
pub fn verdict(place: &str, received: &Received, findings: &[Finding], notes: &[(&str, String)]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Record<'a> {
        schema: &'static str,
        place: &'a str,
        #[serde(flatten)]
        judged: Judged,
        notes: Vec<Value>,
    }
    let notes = notes.iter().map(|(code, what)| json!({"code": code, "what": what})).collect();
    line(&Record { schema: "whtool.verdict/1", place, judged: Judged::new(received, findings), notes })
}

/// `whtool.unreadable/1`: a request that `verify` could not read.
pub fn unreadable(error: &str) -> Vec<u8> {
    line(&json!({"schema": "whtool.unreadable/1", "what": error}))
}

/// `whtool.summary/1`: how many requests there were by verdict, and by cause.
pub fn summary(total: u64, verdicts: &[(String, u64)], causes: &[(String, u64)]) -> Vec<u8> {
    let object = |counts: &[(String, u64)]| counts.iter().map(|(code, count)| (code.clone(), json!(count))).collect();
    let (verdicts, causes): (Value, Value) = (Value::Object(object(verdicts)), Value::Object(object(causes)));
    line(&json!({"schema": "whtool.summary/1", "total": total, "verdicts": verdicts, "causes": causes}))
}

/// `whtool.signed/1`: a signed request that was not sent.
pub fn signed(provider: &str, url: &Url, request: &Request) -> Vec<u8> {
    line(
        &json!({"schema": "whtool.signed/1", "provider": provider, "url": url.as_str(), "request": RequestRecord(request)}),
    )
}

/// `whtool.sent/1`: a request that was sent, and how it fared.
pub fn sent(source: &str, provider: &str, sent: &Sent) -> Vec<u8> {
    let micros = u64::try_from(sent.took.as_micros()).unwrap_or(u64::MAX);
    let (status, said, error) = match &sent.answer {
        Ok(answer) => (Some(answer.status), Some(String::from_utf8_lossy(&answer.start_of_body)), None),
        Err(failure) => (None, None, Some(failure.to_string())),
    };
    line(&json!({
        "schema": "whtool.sent/1", "number": sent.number + 1, "source": source, "provider": provider, "status": status,
        "tookMicros": micros, "said": said, "error": error,
    }))
}

impl Arrival {
    /// A first delivery that was answered 200, for tests of what reads records.
    #[cfg(test)]
    fn first() -> Self {
        Self { number: 1, duplicate_of: None, answered: 200 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::read_lines;
    use crate::delivery::Delivery;
    use crate::verdict::Verdict;

    #[test]
    fn what_acts_on_a_terminal_is_escaped_and_means_the_same() {
        let text = "caf\u{e9} \u{1b}[2J\u{9b}2J\u{7f}\u{202e}\u{200b}\u{e0041}\"\\\n🙂";
        let line = line(&json!({ text: text }));
        let written = std::str::from_utf8(&line).unwrap().trim_end();
        assert_eq!(escape::harmless(written), written);
        assert!(written.contains("café ") && written.contains("🙂"), "{written}");
        assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), json!({ text: text }));
    }

    #[test]
    fn a_delivery_record_is_read_back_byte_for_byte() {
        let mut request = Request::post("/hooks?x=1", b"\x00\xff{}\n".to_vec());
        request.headers.push("X-Name", b"caf\xe9").unwrap();
        let arrived = Some("2026-01-02T03:04:05.678Z".parse().unwrap());
        let delivery_ = Delivery { request, peer: None, arrived };
        let received = Received {
            delivery: delivery_.clone(),
            provider: None,
            verdict: Verdict::Unsigned,
            event: Event::default(),
        };
        let line = delivery(&received, &[], Arrival::first());
        let read: Vec<_> = read_lines(&line, 1).map(|capture| capture.unwrap().delivery).collect();
        assert_eq!(read, [delivery_]);
    }
}
