//! Deliveries, verdicts and answers as rows and lines for people.

use super::paint::Paint;
use super::row::{Cell, CellKind, Row};
use crate::diagnose::{Confidence, Finding, compare};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::event::Event;
use crate::model::exchange::Answer;
use crate::model::mask::mask_secrets;
use crate::model::sanitize::{escape_unsafe, first_line, truncate};
use crate::model::stored::DeliverySummary;
use crate::model::stored::{AnswerState, AppState};
use crate::model::verdict::{Malformed, Verdict, VerdictCode};
use std::time::Duration;

/// The widest that a field of strangers' text is shown in a line.
const MAX_CELL_WIDTH: usize = 40;

/// The longest that a sentence is, whatever strangers put into it.
const MAX_SENTENCE_WIDTH: usize = 300;

/// A text of a stranger, short, harmless, and without secrets.
fn safe(text: &str) -> String {
    truncate(&mask_secrets(text), MAX_CELL_WIDTH)
}

/// Provider, event, id, money, status; what is absent is left out.
fn event_cells(provider: Option<&str>, event: &Event) -> Vec<Cell> {
    let mut fields = vec![
        Cell::new(CellKind::Provider, provider.unwrap_or("unknown"), Paint::name).with_min_width(8),
        Cell::new(CellKind::EventType, safe(event.kind.as_deref().unwrap_or("-")), Paint::strong).with_min_width(21),
    ];
    fields.extend(event.id.as_deref().map(|id| Cell::new(CellKind::Id, safe(id), Paint::plain)));
    let money = event.money.as_ref().map(|money| escape_unsafe(&money.to_string()).into_owned());
    fields.extend(money.map(|money| Cell::new(CellKind::Money, money, Paint::number)));
    fields.extend(event.status.as_deref().map(|status| Cell::new(CellKind::Status, safe(status), Paint::plain)));
    fields
}

/// What a kept delivery is, with `lead` before it: what `delivery` says, what was answered unless it was taken, and what the app answered
/// last.
pub fn stored_row(entry: &DeliverySummary, lead: impl Into<String>) -> Row {
    let DeliverySummary { kind, event_id: id, subject, status, money, .. } = entry.clone();
    let event = Event { kind, id, subject, status, money, ..Event::default() };
    let mut fields = event_cells(entry.provider.as_deref(), &event);
    let verdict = if entry.verdict.is_verified() { Paint::good } else { Paint::bad };
    fields.push(Cell::new(CellKind::Verdict, verdict_code_words(entry.verdict), verdict));
    fields
        .extend(entry.secret.as_deref().map(|secret| Cell::new(CellKind::Secret, escape_unsafe(secret), Paint::faint)));
    let app = match entry.app {
        AppState::NotAsked => None,
        AppState::NoAnswer => Some(Cell::new(CellKind::Answer, "→ no answer", Paint::bad)),
        AppState::Answered(status) => {
            let paint = if status.is_success() { Paint::good } else { Paint::bad };
            Some(Cell::new(CellKind::Answer, format!("→ {status}"), paint))
        }
    };
    Row::new(lead, fields).with_cell(answer_cell(entry.answer)).with_cell(app.map(|app| app.with_prefix("app ")))
}

/// Shows how whtool answered, unless with 2xx.
pub fn answer_cell(answer: AnswerState) -> Option<Cell> {
    match answer {
        AnswerState::Answered(status) if status.is_success() => None,
        AnswerState::Pending => Some(Cell::new(CellKind::Answer, "not answered", Paint::bad)),
        AnswerState::Answered(status) => Some(Cell::new(CellKind::Answer, format!("→ {status}"), Paint::bad)),
    }
}

/// A verdict by its code, as the store has it.
pub fn verdict_code(code: VerdictCode, paint: Paint) -> String {
    let words = verdict_code_words(code);
    if code.is_verified() { paint.good(words) } else { paint.bad(words) }
}

fn verdict_code_words(code: VerdictCode) -> &'static str {
    match code {
        VerdictCode::Verified => "verified",
        VerdictCode::Unsigned => "not signed",
        VerdictCode::Malformed => "signature malformed",
        VerdictCode::Mismatch => "signature does not match",
        VerdictCode::TooOld => "too old",
        VerdictCode::InFuture => "from the future",
        VerdictCode::NoSecret => "matches no secret known here",
    }
}

/// A number of bytes: `213 bytes`, `4.2 KB`, `1.3 GB`.
pub fn byte_size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => count(bytes, "byte"),
    }
}

/// A verdict in a few words: `verified · PLEXOS_WEBHOOK_SECRET`.
pub fn verdict(verdict: &Verdict, paint: Paint) -> String {
    let words =
        if verdict.is_verified() { paint.good(verdict_words(verdict)) } else { paint.bad(verdict_words(verdict)) };
    match verdict.secret() {
        Some(secret) => format!("{words} · {}", paint.faint(&escape_unsafe(&secret.to_string()))),
        None => words,
    }
}

fn verdict_words(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Malformed(Malformed::TimestampMissing) => "timestamp missing",
        Verdict::Malformed(malformed) if is_about_time(malformed) => "timestamp malformed",
        other => verdict_code_words(other.code()),
    }
}

fn is_about_time(malformed: &Malformed) -> bool {
    matches!(
        malformed,
        Malformed::TimestampNotANumber | Malformed::TimestampMilliseconds | Malformed::TimestampRepeated
    )
}

/// How far the sentence of a finding or a warning is set in beyond its line: that is as wide as the word before it.
pub const FINDING_INDENT: usize = 8;

/// The findings, two lines each: how sure and what, then what to do. Of a joint explanation the fixes follow one another.
pub fn findings(findings: &[Finding], indent: &str, paint: Paint) -> String {
    let mut text = String::new();
    for Finding { cause, confidence } in findings {
        let word = match confidence {
            Confidence::Proved => paint.bad(&format!("{:<7}", confidence.code())),
            Confidence::Likely if *cause == crate::diagnose::Cause::Unexplained => paint.warn("unknown"),
            Confidence::Likely => paint.warn(&format!("{:<7}", confidence.code())),
        };
        let fix = paint.faint("fix    ");
        text.push_str(&format!("{indent}{word} {}\n", truncate(&cause.sentence(), MAX_SENTENCE_WIDTH)));
        text.push_str(&format!("{indent}{fix} {}\n", truncate(&cause.fix(), MAX_SENTENCE_WIDTH)));
    }
    text
}

/// The warnings about a payload, a line each.
pub fn warnings(event: &Event, indent: &str, paint: Paint) -> String {
    let line = |warning: &crate::model::event::Warning| {
        format!(
            "{indent}{} {}\n",
            paint.warn("warning"),
            truncate(&mask_secrets(&warning.sentence()), MAX_SENTENCE_WIDTH)
        )
    };
    event.warnings.iter().map(line).collect()
}

/// What a delivery is, with `lead` before it: a time of day, a number, a place.
pub fn delivery_row(received: &AnalyzedDelivery, lead: impl Into<String>) -> Row {
    let mut fields = event_cells(received.provider, &received.event);
    let verdict = &received.verdict;
    let colour = if verdict.is_verified() { Paint::good } else { Paint::bad };
    fields.push(Cell::new(CellKind::Verdict, verdict_words(verdict), colour));
    let secret = verdict.secret().map(|secret| escape_unsafe(&secret.to_string()).into_owned());
    fields.extend(secret.map(|secret| Cell::new(CellKind::Secret, secret, Paint::faint)));
    Row::new(lead, fields)
}

/// A body's SHA-256 and length, to be compared with what a handler logs: `body sha256 9f86d081884c…  4 bytes`.
pub fn body_digest(body: &[u8]) -> String {
    let hash = compare::body_hash(body);
    format!("body sha256 {}…  {}", &hash[..SHORT_HASH], count(body.len() as u64, "byte"))
}

/// How many digits of a hash are shown: enough to tell two bodies apart.
const SHORT_HASH: usize = 12;

/// What a target answered: status, time taken, first line of the body.
pub fn answer_line(answer: &Answer, took: Duration, paint: Paint) -> String {
    let status = answer.status.to_string();
    let status = if answer.status.is_success() { paint.good(&status) } else { paint.bad(&status) };
    let said = mask_secrets(&first_line(&answer.body, 100));
    format!("{status}  {:>8}  {said}", duration(took)).trim_end().to_owned()
}

/// A duration with three digits or so: `312 µs`, `4.20 ms`, `1.31 s`.
pub fn duration(took: Duration) -> String {
    let micros = took.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.2} ms", took.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", took.as_secs_f64()),
    }
}

/// `1 request`, `2 requests`; `1 delivery`, `2 deliveries`.
pub fn count(number: u64, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("{number} {noun}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {noun}s"),
    }
}
