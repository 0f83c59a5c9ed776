//! Formats deliveries, verdicts and responses for people, as rows and lines.
//!
//! Everything from outside is shortened, escaped and masked here.

use super::paint::Paint;
use super::payload;
use super::row::{Cell, CellKind, Row};
use crate::answer;
use crate::diagnose::{CauseGroup, Confidence, Finding, compare};
use crate::model::content_encoding::decoded_body;
use crate::model::delivery::{AnalyzedDelivery, RejectedRequest};
use crate::model::duplicate::FactChange;
use crate::model::event::{Event, Warning};
use crate::model::exchange::Answer;
use crate::model::expectation::{ExpectationResult, ExpectationState, ValueDifference};
use crate::model::mask::{Audience, mask_secrets, mask_sentence};
use crate::model::refusal::Refusal;
use crate::model::sanitize::{escape_unsafe, first_line, truncate};
use crate::model::stored::{AnswerState, AppState, DeliverySummary, QueueState, QueuedForward};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::{Malformed, Verdict, VerdictCode};
use std::time::Duration;

/// Columns that a cell of untrusted text may take.
const MAX_CELL_WIDTH: usize = 40;

/// Columns that a sentence with untrusted text may take.
const MAX_SENTENCE_WIDTH: usize = 300;

/// Masks, escapes and shortens untrusted text.
fn safe(text: &str) -> String {
    truncate(&mask_secrets(text), MAX_CELL_WIDTH)
}

/// Builds the cells of an event: provider, type, id, money, status. Skips what is absent.
fn event_cells(provider: Option<&str>, event: &Event) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new(CellKind::Provider, provider.unwrap_or("unknown"), Paint::name).with_min_width(8),
        Cell::new(CellKind::EventType, safe(event.kind.as_deref().unwrap_or("-")), Paint::strong).with_min_width(21),
    ];
    cells.extend(event.id.as_deref().map(|id| Cell::new(CellKind::Id, safe(id), Paint::plain)));
    let money = event.money.as_ref().map(|money| escape_unsafe(&money.to_string()).into_owned());
    cells.extend(money.map(|money| Cell::new(CellKind::Money, money, Paint::number)));
    cells.extend(event.status.as_deref().map(|status| Cell::new(CellKind::Status, safe(status), Paint::plain)));
    cells
}

/// Builds the row of a stored delivery, with the response unless it was 2xx, and the app's last
/// response.
pub fn stored_row(summary: &DeliverySummary, label: impl Into<String>) -> Row {
    let DeliverySummary { kind, event_id: id, subject, status, money, .. } = summary.clone();
    let event = Event { kind, id, subject, status, money, ..Event::default() };
    let mut cells = event_cells(summary.provider.as_deref(), &event);
    let verdict = if summary.verdict.is_verified() { Paint::good } else { Paint::bad };
    cells.push(Cell::new(CellKind::Verdict, verdict_code_words(summary.verdict), verdict));
    cells.extend(
        summary.secret.as_deref().map(|secret| Cell::new(CellKind::Secret, escape_unsafe(secret), Paint::faint)),
    );
    let app = match summary.app {
        AppState::NotAsked => None,
        AppState::NoAnswer => Some(Cell::new(CellKind::Answer, "→ no answer", Paint::bad)),
        AppState::Answered(status) => {
            let paint = if status.is_success() { Paint::good } else { Paint::bad };
            Some(Cell::new(CellKind::Answer, format!("→ {status}"), paint))
        }
    };
    let omitted = summary.omitted_body.map(|_| Cell::new(CellKind::Size, "body not kept", Paint::faint));
    Row::new(label, cells)
        .with_cell(answer_cell(summary.answer))
        .with_cell(app.map(|app| app.with_prefix("app ")))
        .with_cell(omitted)
}

/// Shows how whtool answered. `None`: with 2xx.
pub fn answer_cell(answer: AnswerState) -> Option<Cell> {
    match answer {
        AnswerState::Answered(status) if status.is_success() => None,
        AnswerState::Pending => Some(Cell::new(CellKind::Answer, "not answered", Paint::bad)),
        AnswerState::Answered(status) => Some(Cell::new(CellKind::Answer, format!("→ {status}"), Paint::bad)),
    }
}

/// Shows the code of a stored verdict in words.
pub fn verdict_code(code: VerdictCode, paint: Paint) -> String {
    let words = verdict_code_words(code);
    if code.is_verified() { paint.good(words) } else { paint.bad(words) }
}

pub(super) fn verdict_code_words(code: VerdictCode) -> &'static str {
    match code {
        VerdictCode::Verified => "verified",
        VerdictCode::Unsigned => "unsigned",
        VerdictCode::Malformed => "malformed signature",
        VerdictCode::Mismatch => "signature mismatch",
        VerdictCode::TooOld => "timestamp too old",
        VerdictCode::InFuture => "timestamp in the future",
        VerdictCode::NoSecret => "no configured secret matches",
    }
}

/// Formats a size: `213 bytes`, `4.2 KB`, `1.3 GB`.
pub fn byte_size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => count(bytes, "byte"),
    }
}

/// Formats a verdict and its secret: `verified · PLEXOS_WEBHOOK_SECRET`.
pub fn verdict(verdict: &Verdict, paint: Paint) -> String {
    let words =
        if verdict.is_verified() { paint.good(verdict_words(verdict)) } else { paint.bad(verdict_words(verdict)) };
    match verdict.secret() {
        Some(secret) => format!("{words} · {}", paint.faint(&escape_unsafe(&secret.to_string()))),
        None => words,
    }
}

pub(super) fn verdict_words(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Malformed(Malformed::TimestampMissing) => "missing timestamp",
        Verdict::Malformed(
            Malformed::TimestampNotANumber | Malformed::TimestampMilliseconds | Malformed::TimestampRepeated,
        ) => "malformed timestamp",
        other => verdict_code_words(other.code()),
    }
}

/// Columns by which the sentence of a finding or warning is indented, after its first word.
pub const FINDING_INDENT: usize = 8;

/// Formats findings, two lines each: confidence and cause, then the fix.
pub fn findings(findings: &[Finding], indent: &str, paint: Paint) -> String {
    let mut text = String::new();
    for Finding { cause, confidence } in findings {
        let word = match confidence {
            Confidence::Proved => paint.bad(&format!("{:<7}", confidence.code())),
            Confidence::Likely if cause.group() == CauseGroup::Unknown => paint.warn("unknown"),
            Confidence::Visible => paint.bad(confidence.code()),
            Confidence::Likely => paint.warn(&format!("{:<7}", confidence.code())),
        };
        let fix = paint.faint("fix    ");
        let sentence = |text: &str| truncate(&mask_sentence(text, Audience::Team), MAX_SENTENCE_WIDTH);
        text.push_str(&format!("{indent}{word} {}\n", sentence(&cause.sentence())));
        text.push_str(&format!("{indent}{fix} {}\n", sentence(&cause.fix())));
    }
    text
}

/// Names the first delivery of the same event.
pub fn duplicate_cell(first: &str) -> Cell {
    Cell::new(CellKind::Duplicate, format!("duplicate of {first}"), Paint::warn)
}

/// Formats the warnings about a payload, one per line.
pub fn warnings(event: &Event, indent: &str, paint: Paint) -> String {
    let line = |warning: &Warning| {
        format!(
            "{indent}{} {}\n",
            paint.warn("warning"),
            truncate(&mask_sentence(&warning.sentence(), Audience::Team), MAX_SENTENCE_WIDTH)
        )
    };
    event.warnings.iter().map(line).collect()
}

/// Says what a duplicate says differently from the first delivery of its event.
pub fn duplicate_changes(first: &str, changes: &[FactChange], indent: &str, paint: Paint) -> String {
    let line = |change: &FactChange| {
        let FactChange { field, before, now } = change;
        let sentence = mask_sentence(&format!("{field} {before} in {first}, now {now}"), Audience::Team);
        format!("{indent}{} {}\n", paint.warn("differs"), truncate(&sentence, MAX_SENTENCE_WIDTH))
    };
    changes.iter().map(line).collect()
}

/// Builds the row of a delivery. The label comes first: a time of day, a number, a location in a
/// file.
pub fn delivery_row(received: &AnalyzedDelivery, label: impl Into<String>) -> Row {
    let mut cells = event_cells(received.provider, &received.event);
    let verdict = &received.verdict;
    let color = if verdict.is_verified() { Paint::good } else { Paint::bad };
    cells.push(Cell::new(CellKind::Verdict, verdict_words(verdict), color));
    let secret = verdict.secret().map(|secret| escape_unsafe(&secret.to_string()).into_owned());
    cells.extend(secret.map(|secret| Cell::new(CellKind::Secret, secret, Paint::faint)));
    Row::new(label, cells)
}

/// Formats a body's SHA-256 and length, to compare with the log of a handler: `body sha256
/// 9f86d081884c…  4 bytes`.
pub fn body_digest(body: &[u8]) -> String {
    let hash = compare::body_hash(body);
    format!("body sha256 {}…  {}", &hash[..SHORT_HASH], count(body.len() as u64, "byte"))
}

/// Digits of a hash that are shown, enough to tell two bodies apart.
const SHORT_HASH: usize = 12;

/// Formats a request that was refused before it was read, with the reason.
pub fn rejected_request(rejected: &RejectedRequest) -> String {
    let RejectedRequest { peer, request, refusal } = rejected;
    let request = match refusal {
        // Not text.
        Refusal::Tls => String::new(),
        _ => first_line(mask_secrets(request).as_bytes(), 60),
    };
    let reason = truncate(&refusal.to_string(), MAX_SENTENCE_WIDTH);
    let request = if request.is_empty() { request } else { format!("{request} ") };
    format!("rejected: {request}→ {}, {reason} ({peer})", refusal.status())
}

/// Formats a response to a request for the URL `asked`: status, duration, and what it says.
pub fn answer_line(answer: &Answer, asked: &str, took: Duration, paint: Paint) -> String {
    let status = answer.status.to_string();
    let status = if answer.status.is_success() { paint.good(&status) } else { paint.bad(&status) };
    format!("{status}  {:>8}  {}", duration(took), answer_text(answer, asked)).trim_end().to_owned()
}

/// Returns what a response says, escaped and masked: where a redirect leads and what to do about it,
/// or the telling line of the body.
pub fn answer_text(answer: &Answer, asked: &str) -> String {
    match answer::redirect(answer, asked) {
        Some(redirect) => {
            let place = truncate(&mask_secrets(&redirect.describe()), MAX_LOCATION);
            format!("{place} · {}", redirect.fix())
        }
        None => {
            let said = truncate(&mask_answer(answer::telling_line(answer).as_bytes()), MAX_SAID);
            answer::https_fix(answer).map_or(said.clone(), |fix| format!("{said} · {fix}"))
        }
    }
}

/// Columns of a response's text and of a redirect's URL.
const MAX_SAID: usize = 100;
const MAX_LOCATION: usize = 160;

/// Returns the whole body of a response as it is masked for people: decoded, and with bytes that are
/// not UTF-8 replaced.
pub fn masked_body(answer: &Answer) -> String {
    mask_answer(&decoded_body(answer))
}

/// Returns the URL that a response redirects to, masked.
pub fn masked_location(answer: &Answer, asked: &str) -> Option<String> {
    let location = answer::redirect(answer, asked)?.location?;
    Some(mask_secrets(location.as_str()))
}

fn mask_answer(body: &[u8]) -> String {
    payload::mask_body(body, Audience::Team).unwrap_or_else(|| mask_secrets(&String::from_utf8_lossy(body)))
}

/// Formats a duration with about three digits: `312 µs`, `4.20 ms`, `1.31 s`.
pub fn duration(took: Duration) -> String {
    let micros = took.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.2} ms", took.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", took.as_secs_f64()),
    }
}

/// Formats a count: `1 request`, `2 requests`; `1 delivery`, `2 deliveries`.
pub fn count(number: u64, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("{number} {noun}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {noun}s"),
    }
}

/// Says what happens next to a queued delivery. `None`: it was delivered.
pub fn queue_words(entry: &QueuedForward, now: Timestamp, format_time: impl Fn(Timestamp) -> String) -> Option<String> {
    let tries = count(entry.tries.into(), "attempt");
    Some(match entry.state {
        QueueState::Delivered => return None,
        QueueState::Waiting(due) if due > now => format!("waiting after {tries}; next attempt {}", format_time(due)),
        QueueState::Waiting(_) => "waiting for a `whtool listen` with the same --forward-to".to_owned(),
        QueueState::Blocked => "waiting for an earlier event about the same payment or purchase".to_owned(),
        QueueState::GivenUp => format!(
            "gave up after {tries}; the next `whtool listen` with the same --forward-to resumes it, \
             unless it is older than --give-up-after"
        ),
        QueueState::Refused => "not retried: the app's answer was final; `whtool replay` sends it again".to_owned(),
    })
}

/// Lines of a program's output that are shown.
const OUTPUT_LINES: usize = 5;

/// Returns the last lines of a program's output, masked and escaped.
pub fn last_lines(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let lines = lines.iter().skip(lines.len().saturating_sub(OUTPUT_LINES));
    lines.map(|line| truncate(&mask_secrets(line), MAX_SENTENCE_WIDTH)).collect()
}

/// Returns a line for each event of `--expect`: what came of it.
pub fn expectations(results: &[ExpectationResult], paint: Paint) -> Vec<String> {
    let line = |ExpectationResult { expected, state }: &ExpectationResult| {
        let expected = escape_unsafe(expected);
        match state {
            ExpectationState::Received(delivery) => paint.good(&format!("✓ {expected}: delivery {delivery}")),
            ExpectationState::Missing => paint.bad(&format!("✗ {expected}: missing")),
            ExpectationState::Early(delivery) => {
                paint.bad(&format!("✗ {expected}: delivery {delivery} came before the event that is expected first"))
            }
            ExpectationState::Different { delivery, differences } => {
                let differences: Vec<_> = differences.iter().map(value_difference).collect();
                paint.bad(&format!("✗ {expected}: delivery {delivery} is different: {}", differences.join(", ")))
            }
        }
    };
    results.iter().map(line).collect()
}

fn value_difference(difference: &ValueDifference) -> String {
    let path = escape_unsafe(&difference.path);
    match &difference.found {
        Some(found) => format!("{path} is {}", truncate(&mask_secrets(found), 60)),
        None => format!("there is no {path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delivery::Delivery;
    use crate::model::message::Request;
    use crate::model::money::Money;
    use crate::model::secret::SecretOrigin;
    use crate::model::status::Status;
    use crate::model::width::Width;
    use crate::render::row::Overflow;

    fn received(verdict: Verdict, event: Event) -> AnalyzedDelivery {
        let delivery = Delivery { request: Request::post("/", Vec::new()), peer: None, arrived: None };
        AnalyzedDelivery { delivery, provider: Some("plexos"), verdict, event }
    }

    /// An event with a type, an id, an amount and a status.
    fn event() -> Event {
        let text = |text: &str| Some(text.to_owned());
        let money = Some(Money { minor: 10_000, currency: "CVE".to_owned() });
        Event {
            kind: text("payment.debited"),
            id: text("evt_abc123"),
            status: text("DEBITED"),
            money,
            ..Event::default()
        }
    }

    /// A delivery of each verdict, a hostile one, and one of an unknown provider.
    fn deliveries() -> Vec<AnalyzedDelivery> {
        let secret = || SecretOrigin::Environment { variable: "PLEXOS_WEBHOOK_SECRET".to_owned(), position: 0 };
        let (age, ahead) = ("10m".parse().unwrap(), "1h".parse().unwrap());
        let hostile = Event {
            kind: Some(format!("pay\u{1b}[2J\u{202e}{}", "x".repeat(60))),
            id: Some("sk_live_abc".to_owned()),
            status: Some("王小明".to_owned()),
            ..Event::default()
        };
        let unknown = AnalyzedDelivery { provider: None, ..received(Verdict::Unsigned, Event::default()) };
        let mut deliveries: Vec<_> = [
            Verdict::Verified { secret: secret() },
            Verdict::Malformed(Malformed::TimestampMissing),
            Verdict::Malformed(Malformed::TimestampMilliseconds),
            Verdict::Malformed(Malformed::SignatureEmpty),
            Verdict::Mismatch,
            Verdict::TooOld { secret: secret(), age },
            Verdict::InFuture { secret: secret(), ahead },
            Verdict::NoSecret,
        ]
        .map(|verdict| received(verdict, event()))
        .into();
        deliveries.extend([received(Verdict::Mismatch, hostile), unknown]);
        deliveries
    }

    fn rows(width: u16, overflow: Overflow) -> String {
        let width = Width::from_columns(Some(width));
        let row =
            |delivery: &AnalyzedDelivery| delivery_row(delivery, "10:30:00  ").render(width, overflow, Paint::Plain);
        deliveries().iter().map(row).collect()
    }

    #[test]
    fn deliveries_at_80_columns() {
        insta::assert_snapshot!(rows(80, Overflow::Wrap(10)));
    }

    #[test]
    fn deliveries_at_80_columns_on_one_line_each() {
        insta::assert_snapshot!(rows(80, Overflow::Omit));
    }

    #[test]
    fn deliveries_at_160_columns() {
        insta::assert_snapshot!(rows(160, Overflow::Wrap(10)));
    }

    #[test]
    fn stored_deliveries_show_the_responses() {
        let summary = |answer, app| DeliverySummary {
            omitted_body: None,
            id: crate::model::stored::CaptureId(1),
            is_test: false,
            arrived: "2025-01-15T10:30:00Z".parse().unwrap(),
            peer: None,
            provider: Some("plexos".to_owned()),
            verdict: VerdictCode::Verified,
            secret: None,
            kind: Some("payment.debited".to_owned()),
            event_id: Some("evt_abc123".to_owned()),
            subject: None,
            status: None,
            money: None,
            answer,
            app,
            size: 2,
        };
        let answered = |code: u16| AnswerState::Answered(Status(code));
        let rows = [
            summary(answered(200), AppState::NotAsked),
            summary(answered(200), AppState::Answered(Status(204))),
            summary(answered(200), AppState::Answered(Status(500))),
            summary(answered(200), AppState::NoAnswer),
            summary(AnswerState::Pending, AppState::NotAsked),
            summary(answered(503), AppState::NotAsked),
        ]
        .map(|summary| stored_row(&summary, "").render(Width::Unlimited, Overflow::Omit, Paint::Plain));
        insta::assert_snapshot!(rows.concat());
    }

    #[test]
    fn sizes_durations_and_counts() {
        assert_eq!(
            [0, 1, 999, 4_250, 1_300_000_000].map(byte_size),
            ["0 bytes", "1 byte", "999 bytes", "4.2 KB", "1.3 GB"]
        );
        let micros = [312, 4_200, 1_310_000].map(Duration::from_micros);
        assert_eq!(micros.map(duration), ["312 µs", "4.20 ms", "1.31 s"]);
        assert_eq!(
            [count(1, "delivery"), count(2, "delivery"), count(0, "request")],
            ["1 delivery", "2 deliveries", "0 requests"]
        );
    }
}
