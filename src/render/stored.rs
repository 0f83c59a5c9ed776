//! JSON records of captures and of the store's statistics.

use super::json::line;
use super::record_writer::RecordWriter;
use super::text::masked_location;
use crate::capture::request_json::HeadJson;
use crate::diagnose::diff::{HeaderChange, PathChange};
use crate::model::mask::mask_secrets;
use crate::model::stored::{
    AmountTotal, Attempt, CaptureId, DeliverySummary, HourlyCount, PrunePlan, StoredCapture, StoredDelivery, StoredHead,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Starts a record with the fields of a capture in a list.
fn entry_record(schema: &str, entry: &DeliverySummary) -> RecordWriter {
    let mut record = RecordWriter::new(schema);
    record.value("id", &entry.id);
    record.text("arrived", Some(&entry.arrived.to_string()));
    record.text("peer", entry.peer.as_deref());
    record.text("provider", entry.provider.as_deref());
    record.text("verdict", Some(entry.verdict.as_str()));
    record.text("secret", entry.secret.as_deref());
    record.object("event", |event| {
        event.text("type", entry.kind.as_deref());
        event.text("id", entry.event_id.as_deref());
        event.text("subject", entry.subject.as_deref());
        event.text("status", entry.status.as_deref());
        match &entry.money {
            None => event.text("money", None),
            Some(amount) => event.object("money", |money| {
                // As text, because minor units may exceed the precision of a float.
                money.text("minor", Some(&amount.minor.to_string()));
                money.text("currency", Some(&amount.currency));
            }),
        }
    });
    record.value("answered", &entry.answer.code());
    record.value("app", &entry.app.code());
    record.value("size", &entry.size);
    if let Some(hash) = entry.omitted_body {
        // SHA-256 of a body that was not kept.
        record.text("omittedBodySha256", Some(&hash.to_string()));
    }
    record
}

fn event_record(entry: &DeliverySummary) -> RecordWriter {
    entry_record("whtool.event/1", entry)
}

/// Writes `whtool.event/1`: a capture in a list.
pub fn entry(entry: &DeliverySummary) -> Vec<u8> {
    event_record(entry).into_line()
}

/// Writes `whtool.capture/1`: a capture with its request and attempts.
pub fn capture(stored: &StoredDelivery) -> Vec<u8> {
    let mut record = entry_record("whtool.capture/1", &stored.summary);
    record.value("attempts", &stored.attempts.iter().map(attempt).collect::<Vec<_>>());
    record.request("request", &stored.request);
    record.into_line()
}

/// Writes `whtool.capture/1` for a capture whose body was not kept: its request has none.
pub fn head(stored: &StoredHead) -> Vec<u8> {
    let mut record = entry_record("whtool.capture/1", &stored.summary);
    record.value("attempts", &[(); 0]);
    record.value("request", &HeadJson { method: &stored.method, target: &stored.target, headers: &stored.headers });
    record.into_line()
}

/// Writes `whtool.capture/1` for whatever part the store has.
pub fn stored_capture(stored: &StoredCapture) -> Vec<u8> {
    match stored {
        StoredCapture::Whole(stored) => capture(stored),
        StoredCapture::WithoutBody(stored) => head(stored),
    }
}

/// Writes `whtool.events/1`: a page of captures, and the address of the next one.
pub fn entries(entries: &[DeliverySummary], next: Option<&str>) -> Vec<u8> {
    let mut record = RecordWriter::new("whtool.events/1");
    record.records("events", entries.iter().map(event_record));
    record.text("next", next);
    record.into_line()
}

fn attempt(attempt: &Attempt) -> Value {
    let micros = u64::try_from(attempt.took.as_micros()).unwrap_or(u64::MAX);
    let mut record = json!({"at": attempt.at.to_string(), "url": mask_secrets(&attempt.url), "tookMicros": micros});
    match &attempt.outcome {
        Ok(answer) => {
            record["status"] = json!(answer.status);
            match std::str::from_utf8(&answer.body) {
                Ok(text) => record["said"] = json!(text),
                Err(_) => record["saidBase64"] = json!(STANDARD.encode(&answer.body)),
            }
            if let Some(location) = masked_location(answer, &attempt.url) {
                record["location"] = json!(location);
            }
        }
        Err(failure) => record["error"] = json!(mask_secrets(failure)),
    }
    record
}

/// Adds up deliveries by a key.
pub fn count_by<K: Ord>(counts: &[HourlyCount], key: impl Fn(&HourlyCount) -> K) -> BTreeMap<K, u64> {
    counts.iter().fold(BTreeMap::new(), |mut sums, count| {
        *sums.entry(key(count)).or_default() += count.deliveries;
        sums
    })
}

/// Adds up totals by currency: the number of events and the amount.
pub fn sum_by_currency(sums: &[AmountTotal]) -> BTreeMap<&str, (u64, i128)> {
    sums.iter().fold(BTreeMap::new(), |mut totals, sum| {
        let (events, minor) = totals.entry(sum.money.currency.as_str()).or_insert((0, 0_i128));
        (*events, *minor) = (*events + sum.events, minor.saturating_add(sum.money.minor));
        totals
    })
}

/// Writes `whtool.stats/1`: counts and totals.
pub fn stats(counts: &[HourlyCount], sums: &[AmountTotal]) -> Vec<u8> {
    let providers = count_by(counts, |count| count.provider.clone()).into_iter();
    let types = count_by(counts, |count| (count.provider.clone(), count.kind.clone())).into_iter();
    let verdicts = count_by(counts, |count| count.verdict.as_str()).into_iter();
    let hours = count_by(counts, |count| count.hour).into_iter();
    let sum_of_type = |sum: &AmountTotal| {
        json!({
            "provider": sum.provider, "type": sum.kind, "events": sum.events, "minor": sum.money.minor.to_string(),
            "currency": sum.money.currency,
        })
    };
    let total = |(currency, (events, minor)): (&str, (u64, i128))| json!({"currency": currency, "events": events, "minor": minor.to_string()});
    line(&json!({
        "schema": "whtool.stats/1",
        "total": counts.iter().map(|count| count.deliveries).sum::<u64>(),
        "providers": providers.map(|(name, count)| json!({"provider": name, "count": count})).collect::<Vec<_>>(),
        "types": types.map(|((provider, kind), count)| json!({"provider": provider, "type": kind, "count": count}))
            .collect::<Vec<_>>(),
        "verdicts": verdicts.collect::<BTreeMap<_, _>>(),
        "hours": hours.map(|(hour, count)| json!({"hour": hour.to_string(), "count": count})).collect::<Vec<_>>(),
        "money": sum_by_currency(sums).into_iter().map(total).collect::<Vec<_>>(),
        "moneyByType": sums.iter().map(sum_of_type).collect::<Vec<_>>(),
    }))
}

/// The result of `events prune`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pruning {
    Planned,
    /// The number of removed deliveries.
    Done(u64),
}

/// Writes `whtool.pruned/1`: what was removed, or would be.
pub fn pruned(prunable: &PrunePlan, pruning: Pruning) -> Vec<u8> {
    let removed = match pruning {
        Pruning::Planned => 0,
        Pruning::Done(removed) => removed,
    };
    line(&json!({
        "schema": "whtool.pruned/1", "old": prunable.deliveries, "bytes": prunable.bytes,
        "oldest": prunable.oldest.map(|time| time.to_string()), "newest": prunable.newest.map(|time| time.to_string()),
        "undelivered": prunable.undelivered, "removed": removed,
    }))
}

/// Writes `whtool.diff/1`: the differences of two captures. Values at paths are JSON as received.
pub fn diff<'a>(
    (old, new): (&DeliverySummary, &DeliverySummary),
    first: Option<usize>,
    paths: Option<&'a [PathChange]>,
    headers: &[HeaderChange],
) -> Vec<u8> {
    #[derive(Serialize)]
    struct Side {
        id: CaptureId,
        size: u64,
    }
    #[derive(Serialize)]
    struct PathRecord<'a> {
        path: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        old: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        new: Option<&'a RawValue>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct DiffRecord<'a> {
        schema: &'static str,
        old: Side,
        new: Side,
        same: bool,
        first_difference: Option<usize>,
        paths: Option<Vec<PathRecord<'a>>>,
        headers: Vec<Value>,
    }
    fn raw(text: Option<&String>) -> Option<&RawValue> {
        text.and_then(|text| serde_json::from_str(text).ok())
    }
    let record = |change: &'a PathChange| {
        let PathChange { path, old, new, .. } = change;
        PathRecord { path, old: raw(old.as_ref()), new: raw(new.as_ref()) }
    };
    let paths = paths.map(|paths| paths.iter().map(record).collect());
    let texts = |values: &[Vec<u8>]| values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    let header = |change: &HeaderChange| {
        let (old, new): (Vec<String>, Vec<String>) = (texts(&change.old), texts(&change.new));
        json!({"name": change.name, "old": old, "new": new})
    };
    line(&DiffRecord {
        schema: "whtool.diff/1",
        old: Side { id: old.id, size: old.size },
        new: Side { id: new.id, size: new.size },
        same: first.is_none(),
        first_difference: first,
        paths,
        headers: headers.iter().map(header).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Request;
    use crate::model::money::Money;
    use crate::model::status::Status;
    use crate::model::stored::{AnswerState, AppState};
    use crate::model::timestamp::Timestamp;
    use crate::model::verdict::VerdictCode;
    use std::time::Duration;

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    /// 2025-01-15T10:30:00Z
    fn arrived() -> Timestamp {
        Timestamp::from_second(1_736_937_000).unwrap()
    }

    fn summary() -> DeliverySummary {
        DeliverySummary {
            id: CaptureId(7),
            arrived: arrived(),
            peer: text("127.0.0.1:50000"),
            provider: text("plexos"),
            verdict: VerdictCode::Verified,
            secret: text("PLEXOS_WEBHOOK_SECRET"),
            is_test: false,
            kind: text("payment.debited"),
            event_id: text("evt_1"),
            subject: text("pi_1"),
            status: text("DEBITED"),
            // More than a float holds exactly.
            money: Some(Money { minor: 9_007_199_254_740_993, currency: "CVE".to_owned() }),
            answer: AnswerState::Answered(Status(200)),
            app: AppState::NoAnswer,
            size: 3,
            omitted_body: None,
        }
    }

    const ENTRY: &str = concat!(
        r#""id":"7","arrived":"2025-01-15T10:30:00Z","peer":"127.0.0.1:50000","provider":"plexos","verdict":"verified","#,
        r#""secret":"PLEXOS_WEBHOOK_SECRET","event":{"type":"payment.debited","id":"evt_1","subject":"pi_1","#,
        r#""status":"DEBITED","money":{"minor":"9007199254740993","currency":"CVE"}},"answered":200,"app":0,"size":3"#
    );

    fn as_text(line: Vec<u8>) -> String {
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn an_entry_has_every_field_and_amounts_are_text() {
        assert_eq!(as_text(entry(&summary())), format!("{{\"schema\":\"whtool.event/1\",{ENTRY}}}\n"));
        let pending =
            DeliverySummary { answer: AnswerState::Pending, app: AppState::NotAsked, money: None, ..summary() };
        let record: Value = serde_json::from_slice(&entry(&pending)).unwrap();
        assert_eq!(
            (&record["answered"], &record["app"], &record["event"]["money"]),
            (&json!(0), &Value::Null, &Value::Null)
        );
    }

    #[test]
    fn a_capture_has_its_attempts_with_answers_as_text_or_base64() {
        let attempt = |outcome| {
            let (url, took) = ("http://localhost:3000/".to_owned(), Duration::from_micros(1_500));
            Attempt { at: arrived(), url, took, outcome }
        };
        let answer = |body: &[u8]| Ok(crate::model::exchange::Answer::new(500, body));
        let attempts = vec![attempt(answer(b"oops")), attempt(answer(b"\xff")), attempt(Err("timed out".to_owned()))];
        let request = Request::post("/", b"{}".to_vec());
        let stored = StoredDelivery { summary: summary(), request, attempts, queue: Vec::new() };
        let record: Value = serde_json::from_slice(&capture(&stored)).unwrap();
        assert_eq!((&record["schema"], &record["id"]), (&json!("whtool.capture/1"), &json!("7")));
        let common = |extra: Value| {
            let mut record = json!({"at": "2025-01-15T10:30:00Z", "url": "http://localhost:3000/", "tookMicros": 1500});
            record.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            record
        };
        let expected = [
            common(json!({"status": 500, "said": "oops"})),
            // `printf '\xff' | base64`
            common(json!({"status": 500, "saidBase64": "/w=="})),
            common(json!({"error": "timed out"})),
        ];
        assert_eq!(record["attempts"], json!(expected));
    }

    #[test]
    fn counts_and_totals_are_added_up_by_provider_type_verdict_hour_and_currency() {
        let count = |provider: &str, kind: Option<&str>, verdict, hour: i64, deliveries| HourlyCount {
            provider: text(provider),
            kind: kind.map(str::to_owned),
            verdict,
            hour: Timestamp::from_second(hour * 3_600).unwrap(),
            deliveries,
        };
        let counts = [
            count("plexos", Some("payment.debited"), VerdictCode::Verified, 0, 3),
            count("plexos", Some("payment.debited"), VerdictCode::Mismatch, 1, 2),
            count("plustive", None, VerdictCode::Verified, 1, 1),
        ];
        let total = |kind: &str, events, minor, currency: &str| AmountTotal {
            provider: text("plexos"),
            kind: text(kind),
            events,
            money: Money { minor, currency: currency.to_owned() },
        };
        let totals = [
            total("payment.debited", 2, 10_000, "CVE"),
            total("refund.succeeded", 1, -3_000, "CVE"),
            total("payment.debited", 1, 9_007_199_254_740_993, "AOA"),
        ];
        let record: Value = serde_json::from_slice(&stats(&counts, &totals)).unwrap();
        let expected = json!({
            "schema": "whtool.stats/1",
            "total": 6,
            "providers": [{"provider": "plexos", "count": 5}, {"provider": "plustive", "count": 1}],
            "types": [
                {"provider": "plexos", "type": "payment.debited", "count": 5},
                {"provider": "plustive", "type": null, "count": 1},
            ],
            "verdicts": {"verified": 4, "mismatch": 2},
            "hours": [{"hour": "1970-01-01T00:00:00Z", "count": 3}, {"hour": "1970-01-01T01:00:00Z", "count": 3}],
            "money": [
                {"currency": "AOA", "events": 1, "minor": "9007199254740993"},
                {"currency": "CVE", "events": 3, "minor": "7000"},
            ],
            "moneyByType": [
                {"provider": "plexos", "type": "payment.debited", "events": 2, "minor": "10000", "currency": "CVE"},
                {"provider": "plexos", "type": "refund.succeeded", "events": 1, "minor": "-3000", "currency": "CVE"},
                {"provider": "plexos", "type": "payment.debited", "events": 1, "minor": "9007199254740993", "currency": "AOA"},
            ],
        });
        assert_eq!(record, expected);
    }

    #[test]
    fn a_planned_pruning_has_removed_nothing() {
        let plan = PrunePlan { deliveries: 5, oldest: Some(arrived()), newest: None, bytes: 9, undelivered: 2 };
        let record = |pruning, removed: u64| {
            let expected = json!({"schema": "whtool.pruned/1", "old": 5, "bytes": 9, "oldest": "2025-01-15T10:30:00Z",
                "newest": null, "undelivered": 2, "removed": removed});
            assert_eq!(serde_json::from_slice::<Value>(&pruned(&plan, pruning)).unwrap(), expected);
        };
        record(Pruning::Planned, 0);
        record(Pruning::Done(4), 4);
    }

    #[test]
    fn values_of_a_difference_are_json_as_it_was_received() {
        let change = |old: Option<&str>, new: Option<&str>| PathChange {
            path: "data.amount".to_owned(),
            key: "amount".to_owned(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        };
        let changes = [change(Some("1.0"), Some("1e0")), change(None, Some("\"a\""))];
        let headers = [HeaderChange {
            name: "X-A".to_owned(),
            old: vec![b"1".to_vec()],
            new: vec![b"\xff".to_vec(), b"2".to_vec()],
        }];
        let new = DeliverySummary { id: CaptureId(8), size: 4, ..summary() };
        let record = as_text(diff((&summary(), &new), Some(12), Some(&changes), &headers));
        let expected = concat!(
            r#"{"schema":"whtool.diff/1","old":{"id":"7","size":3},"new":{"id":"8","size":4},"same":false,"#,
            r#""firstDifference":12,"paths":[{"path":"data.amount","old":1.0,"new":1e0},{"path":"data.amount","new":"a"}],"#,
            r#""headers":[{"name":"X-A","old":["1"],"new":["�","2"]}]}"#,
            "\n"
        );
        assert_eq!(record, expected);
        let same = as_text(diff((&summary(), &new), None, None, &[]));
        assert!(same.contains(r#""same":true,"firstDifference":null,"paths":null,"headers":[]"#), "{same}");
    }
}
