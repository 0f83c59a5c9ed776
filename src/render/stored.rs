//! JSON records of captures and of the store's statistics.

use super::json::line;
use crate::capture::request_json::RequestJson;
use crate::diagnose::diff::{HeaderChange, PathChange};
use crate::model::money::Money;
use crate::model::stored::{AmountTotal, Attempt, CaptureId, DeliverySummary, HourlyCount, PrunePlan, StoredDelivery};
use crate::model::verdict::VerdictCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The fields of a capture in a list.
#[derive(Serialize)]
struct EntryRecord<'a> {
    id: CaptureId,
    arrived: String,
    peer: Option<&'a str>,
    provider: Option<&'a str>,
    verdict: VerdictCode,
    secret: Option<&'a str>,
    event: Value,
    answered: u16,
    app: Option<u16>,
    size: u64,
}

impl<'a> EntryRecord<'a> {
    fn new(entry: &'a DeliverySummary) -> Self {
        let event = json!({
            "type": entry.kind, "id": entry.event_id, "subject": entry.subject, "status": entry.status,
            "money": entry.money.as_ref().map(money),
        });
        Self {
            id: entry.id,
            arrived: entry.arrived.to_string(),
            peer: entry.peer.as_deref(),
            provider: entry.provider.as_deref(),
            verdict: entry.verdict,
            secret: entry.secret.as_deref(),
            event,
            answered: entry.answer.code(),
            app: entry.app.code(),
            size: entry.size,
        }
    }
}

/// Writes minor units as text, because they may exceed the precision of a float.
fn money(money: &Money) -> Value {
    json!({"minor": money.minor.to_string(), "currency": money.currency})
}

/// Writes `whtool.event/1`: a capture in a list.
pub fn entry(entry: &DeliverySummary) -> Vec<u8> {
    #[derive(Serialize)]
    struct Record<'a> {
        schema: &'static str,
        #[serde(flatten)]
        entry: EntryRecord<'a>,
    }
    line(&Record { schema: "whtool.event/1", entry: EntryRecord::new(entry) })
}

/// Writes `whtool.capture/1`: a capture with its request and attempts.
pub fn capture(kept: &StoredDelivery) -> Vec<u8> {
    #[derive(Serialize)]
    struct Record<'a> {
        schema: &'static str,
        #[serde(flatten)]
        entry: EntryRecord<'a>,
        attempts: Vec<Value>,
        request: RequestJson<'a>,
    }
    line(&Record {
        schema: "whtool.capture/1",
        entry: EntryRecord::new(&kept.summary),
        attempts: kept.attempts.iter().map(attempt).collect(),
        request: RequestJson(&kept.request),
    })
}

fn attempt(attempt: &Attempt) -> Value {
    let micros = u64::try_from(attempt.took.as_micros()).unwrap_or(u64::MAX);
    let mut record = json!({"at": attempt.at.to_string(), "url": attempt.url, "tookMicros": micros});
    match &attempt.outcome {
        Ok(answer) => {
            record["status"] = json!(answer.status);
            match std::str::from_utf8(&answer.body) {
                Ok(text) => record["said"] = json!(text),
                Err(_) => record["saidBase64"] = json!(STANDARD.encode(&answer.body)),
            }
        }
        Err(failure) => record["error"] = json!(failure),
    }
    record
}

/// Sums counts by a key.
pub fn by<K: Ord>(counts: &[HourlyCount], side: impl Fn(&HourlyCount) -> K) -> BTreeMap<K, u64> {
    counts.iter().fold(BTreeMap::new(), |mut sums, count| {
        *sums.entry(side(count)).or_default() += count.deliveries;
        sums
    })
}

/// Adds up totals by currency: the number of events and the amount.
pub fn by_currency(sums: &[AmountTotal]) -> BTreeMap<&str, (u64, i128)> {
    sums.iter().fold(BTreeMap::new(), |mut totals, sum| {
        let (events, minor) = totals.entry(sum.money.currency.as_str()).or_insert((0, 0_i128));
        (*events, *minor) = (*events + sum.events, minor.saturating_add(sum.money.minor));
        totals
    })
}

/// Writes `whtool.stats/1`: counts and totals.
pub fn stats(counts: &[HourlyCount], sums: &[AmountTotal]) -> Vec<u8> {
    let providers = by(counts, |count| count.provider.clone()).into_iter();
    let types = by(counts, |count| (count.provider.clone(), count.kind.clone())).into_iter();
    let verdicts = by(counts, |count| count.verdict.as_str()).into_iter();
    let hours = by(counts, |count| count.hour).into_iter();
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
        "money": by_currency(sums).into_iter().map(total).collect::<Vec<_>>(),
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
    struct Record<'a> {
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
    line(&Record {
        schema: "whtool.diff/1",
        old: Side { id: old.id, size: old.size },
        new: Side { id: new.id, size: new.size },
        same: first.is_none(),
        first_difference: first,
        paths,
        headers: headers.iter().map(header).collect(),
    })
}
