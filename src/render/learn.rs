//! Shows what `whtool learn` found: facts, retries, and differences.

use super::json::line;
use super::paint::Paint;
use crate::learn::drift::Drift;
use crate::learn::retries::RetryPause;
use crate::learn::{LearnedFacts, ProviderFacts, Tally};
use crate::model::sanitize::{escape_unsafe, truncate};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::Provider;
use crate::provider::question::OpenQuestion;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Longest answer shown, in columns.
const MAX_ANSWER: usize = 60;

/// Retries of one provider.
pub struct MeasuredRetries {
    pub provider: &'static dyn Provider,
    pub pauses: Vec<RetryPause>,
    /// Events that were never accepted, by their number of deliveries.
    pub abandoned: BTreeMap<usize, u64>,
    /// Deliveries of events that had been accepted before.
    pub duplicates: u64,
}

fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

fn span(tally: &Tally) -> String {
    let (first, last) = (day(tally.first), day(tally.last));
    if first == last { first } else { format!("{first} to {last}") }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Formats the facts about one provider.
pub fn facts(provider: &dyn Provider, facts: &ProviderFacts, paint: Paint) -> String {
    let deliveries = super::text::count(facts.deliveries.count, "verified event");
    let mut text = format!("{}  {deliveries}, {}\n", paint.strong(provider.title()), span(&facts.deliveries));
    for question in provider.open_questions() {
        text.push_str(&answers(question, facts.answers.get(question.code), paint));
    }
    text.push_str(&format!("\n  {}\n", paint.strong("events")));
    for (kind, event) in &facts.events {
        let kind = truncate(&escape_unsafe(kind), 40);
        let statuses: Vec<_> = event.statuses.keys().map(|status| escape_unsafe(status)).collect();
        let statuses = truncate(&statuses.join(", "), MAX_ANSWER);
        text.push_str(&format!(
            "    {}  {}  {statuses}\n",
            paint.name(&format!("{kind:<28}")),
            times(event.seen.count)
        ));
    }
    let missing: Vec<_> =
        provider.event_types().iter().map(|kind| kind.name).filter(|kind| !facts.events.contains_key(*kind)).collect();
    if !missing.is_empty() {
        text.push_str(&format!("    {}\n", paint.faint(&format!("no verified capture: {}", missing.join(", ")))));
    }
    text
}

fn answers(question: &OpenQuestion, seen: Option<&BTreeMap<String, Tally>>, paint: Paint) -> String {
    let mut text = format!("\n  {}\n", paint.strong(question.subject));
    for documented in question.documented {
        text.push_str(&format!(
            "    {}\n",
            paint.faint(&format!("documented: {} ({})", documented.reading, documented.page))
        ));
    }
    if question.documented.is_empty() {
        text.push_str(&format!("    {}\n", paint.faint("not documented")));
    }
    match seen {
        None => text.push_str("    not seen\n"),
        Some(seen) => {
            for (answer, tally) in seen {
                let answer = truncate(&escape_unsafe(answer), MAX_ANSWER);
                text.push_str(&format!("    {}  {}, {}\n", paint.name(&answer), times(tally.count), span(tally)));
            }
        }
    }
    text
}

/// Formats a pause in the unit that fits.
fn pause(span: SignedDuration) -> String {
    if span < SignedDuration::from_secs(1) {
        return format!("{} ms", span.as_millis());
    }
    if span < SignedDuration::from_secs(10) {
        return format!("{:.1} s", span.as_millis() as f64 / 1_000.0);
    }
    let seconds = span.as_secs();
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Formats the measured retries and duplicates of a provider; empty if nothing was repeated.
pub fn retries(retries: &MeasuredRetries, paint: Paint) -> String {
    let mut text = String::new();
    for each in &retries.pauses {
        let range = format!("{} to {}", pause(each.shortest), pause(each.longest));
        let row = format!("repeat {:<3} after {:<9} ({range}, {})", each.repeat, pause(each.median), times(each.count));
        text.push_str(&format!("    {row}\n"));
    }
    for (deliveries, events) in &retries.abandoned {
        let events = super::text::count(*events, "event");
        let deliveries = super::text::count(*deliveries as u64, "delivery");
        text.push_str(&format!("    {}\n", paint.faint(&format!("{events} never accepted, {deliveries} each so far"))));
    }
    if !text.is_empty() {
        text = format!("\n  {}\n{text}", paint.strong("retries after an error"));
    }
    if retries.duplicates > 0 {
        let heading = paint.strong("deliveries of events that had been accepted before");
        text.push_str(&format!("\n  {heading}\n    {}\n", times(retries.duplicates)));
    }
    text
}

/// Formats a difference as one row.
pub fn drift(drift: &Drift, paint: Paint) -> String {
    let kind = serde_json::to_value(drift.kind).expect("a kind is a text");
    let kind = kind.as_str().unwrap_or_default().replace('_', " ");
    let place: Vec<_> = [&drift.event, &drift.subject].into_iter().filter(|part| !part.is_empty()).collect();
    let place: Vec<_> = place.iter().map(|part| escape_unsafe(part)).collect();
    format!(
        "{}  {}  {}  {}\n",
        paint.bad(&format!("{kind:<15}")),
        drift.provider,
        paint.name(&truncate(&place.join(" "), 80)),
        truncate(&escape_unsafe(&drift.detail), 200)
    )
}

/// Writes the `whtool.drift/1` record of a difference.
pub fn drift_record(drift: &Drift) -> Vec<u8> {
    line(&json!({
        "schema": "whtool.drift/1", "provider": drift.provider, "kind": drift.kind, "event": drift.event,
        "subject": drift.subject, "detail": drift.detail,
    }))
}

/// Writes the `whtool.learned/1` record: all facts without values of customers.
pub fn learned(learned: &LearnedFacts, retries: &[MeasuredRetries]) -> Vec<u8> {
    let retries: serde_json::Map<_, _> = retries
        .iter()
        .map(|retries| {
            let pauses: Vec<Value> = retries.pauses.iter().map(pause_json).collect();
            let abandoned: Vec<Value> = retries
                .abandoned
                .iter()
                .map(|(deliveries, events)| json!({"deliveries": deliveries, "events": events}))
                .collect();
            (
                retries.provider.name().to_owned(),
                json!({"pauses": pauses, "abandoned": abandoned, "duplicates": retries.duplicates}),
            )
        })
        .collect();
    line(&json!({"schema": SCHEMA, "providers": learned, "retries": retries}))
}

const SCHEMA: &str = "whtool.learned/1";

fn pause_json(pause: &RetryPause) -> Value {
    let millis = |span: SignedDuration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    json!({
        "repeat": pause.repeat, "count": pause.count, "shortestMillis": millis(pause.shortest),
        "medianMillis": millis(pause.median), "longestMillis": millis(pause.longest),
    })
}

/// Recognizes a file written by `learned` by its start.
pub fn is_learned(start: &[u8]) -> bool {
    start.starts_with(format!("{{\"schema\":\"{SCHEMA}\"").as_bytes())
}

/// Reads a file written by `learned`. The error is a sentence.
pub fn read_learned(bytes: &[u8]) -> Result<LearnedFacts, String> {
    let mut record: Value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    match record.get("schema").and_then(Value::as_str) {
        Some(SCHEMA) => {}
        Some(other) => return Err(format!("its schema is {}, not {SCHEMA}", escape_unsafe(&truncate(other, 40)))),
        None => return Err(format!("it is no {SCHEMA} record")),
    }
    serde_json::from_value(record["providers"].take()).map_err(|error| format!("damaged: {error}"))
}
