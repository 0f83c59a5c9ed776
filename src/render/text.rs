//! Deliveries, verdicts and answers as lines for people.

use super::escape::{cut, harmless, one_line};
use super::paint::Paint;
use super::payload::masked;
use crate::delivery::Received;
use crate::diagnose::{Finding, Proof, hop};
use crate::event::Event;
use crate::exchange::Answer;
use crate::kept::Entry;
use crate::verdict::{Malformed, Verdict};
use std::time::Duration;

/// The widest that a field of strangers' text is shown in a line.
const FIELD: usize = 40;

/// The longest that a sentence is, whatever strangers put into it.
const SENTENCE: usize = 300;

/// A text of a stranger, short, harmless, and without secrets.
fn field(text: &str) -> String {
    cut(&masked(text), FIELD)
}

/// The line's middle: provider, event, id, money, status; what is absent is left out.
fn summary(provider: Option<&str>, event: &Event, paint: Paint) -> String {
    let provider = format!("{:<8}", provider.unwrap_or("unknown"));
    let kind = format!("{:<21}", field(event.kind.as_deref().unwrap_or("-")));
    let mut parts = vec![paint.name(&provider), paint.strong(&kind)];
    parts.extend(event.id.as_deref().map(field));
    parts.extend(event.money.as_ref().map(|money| paint.number(&harmless(&money.to_string()))));
    parts.extend(event.status.as_deref().map(field));
    parts.join("  ")
}

/// What a kept delivery is, in one line, with `lead` before it: what `delivery` says, what was answered unless it was taken, and
/// what the app answered last.
pub fn entry(entry: &Entry, lead: &str, paint: Paint) -> String {
    let Entry { kind, event_id: id, subject, status, money, .. } = entry.clone();
    let event = Event { kind, id, subject, status, money, ..Event::default() };
    let middle = summary(entry.provider.as_deref(), &event, paint);
    let verdict = verdict_of(&entry.verdict, entry.secret.as_deref(), paint);
    let mut line = format!("{}  {middle}  {verdict}", paint.faint(lead));
    if !(200..300).contains(&entry.answered) {
        let answered = if entry.answered == 0 { "not answered".to_owned() } else { format!("→ {}", entry.answered) };
        line.push_str(&format!("  {}", paint.bad(&answered)));
    }
    match entry.app {
        Some(0) => line.push_str(&format!("  app {}", paint.bad("→ no answer"))),
        Some(status) if (200..300).contains(&status) => {
            line.push_str(&format!("  app {}", paint.good(&format!("→ {status}"))));
        }
        Some(status) => line.push_str(&format!("  app {}", paint.bad(&format!("→ {status}")))),
        None => {}
    }
    line
}

/// A verdict by its code, as the store has it.
pub fn verdict_of(code: &str, secret: Option<&str>, paint: Paint) -> String {
    let words = match code {
        "verified" => "verified",
        "unsigned" => "not signed",
        "malformed" => "signature malformed",
        "mismatch" => "signature does not match",
        "too_old" => "too old",
        "in_future" => "from the future",
        "no_secret" => "no secret known to check it",
        other => other,
    };
    let words = if code == "verified" { paint.good(words) } else { paint.bad(&harmless(words)) };
    match secret {
        Some(secret) => format!("{words} · {}", paint.faint(&harmless(secret))),
        None => words,
    }
}

/// A number of bytes: `213 bytes`, `4.2 KB`, `1.3 GB`.
pub fn size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => count(bytes, "byte"),
    }
}

/// A verdict in a few words: `verified · PLEXOS_WEBHOOK_SECRET`.
pub fn verdict(verdict: &Verdict, paint: Paint) -> String {
    let words = match verdict {
        Verdict::Verified { .. } => "verified",
        Verdict::Unsigned => "not signed",
        Verdict::Malformed(Malformed::TimestampMissing) => "timestamp missing",
        Verdict::Malformed(malformed) if is_about_time(malformed) => "timestamp malformed",
        Verdict::Malformed(_) => "signature malformed",
        Verdict::Mismatch => "signature does not match",
        Verdict::TooOld { .. } => "too old",
        Verdict::InFuture { .. } => "from the future",
        Verdict::NoSecret => "matches no secret known here",
    };
    let words = if verdict.is_verified() { paint.good(words) } else { paint.bad(words) };
    match verdict.secret() {
        Some(secret) => format!("{words} · {}", paint.faint(&harmless(&secret.to_string()))),
        None => words,
    }
}

fn is_about_time(malformed: &Malformed) -> bool {
    matches!(
        malformed,
        Malformed::TimestampNotANumber | Malformed::TimestampMilliseconds | Malformed::TimestampRepeated
    )
}

/// The findings, two lines each: how sure and what, then what to do. Of a joint explanation the fixes follow one another.
pub fn findings(findings: &[Finding], indent: &str, paint: Paint) -> String {
    let mut text = String::new();
    for Finding { cause, proof } in findings {
        let word = match proof {
            Proof::Proved => paint.bad(&format!("{:<7}", proof.word())),
            Proof::Likely if *cause == crate::diagnose::Cause::Unexplained => paint.warn("unknown"),
            Proof::Likely => paint.warn(&format!("{:<7}", proof.word())),
        };
        let fix = paint.faint("fix    ");
        text.push_str(&format!("{indent}{word} {}\n", cut(&cause.sentence(), SENTENCE)));
        text.push_str(&format!("{indent}{fix} {}\n", cut(&cause.fix(), SENTENCE)));
    }
    text
}

/// The warnings about a payload, a line each.
pub fn warnings(event: &Event, indent: &str, paint: Paint) -> String {
    let line = |warning: &crate::event::Warning| {
        format!("{indent}{} {}\n", paint.warn("warning"), cut(&masked(&warning.sentence()), SENTENCE))
    };
    event.warnings.iter().map(line).collect()
}

/// What a delivery is, in one line, with `lead` before it: a time of day, a number, a place.
pub fn delivery(received: &Received, lead: &str, paint: Paint) -> String {
    let middle = summary(received.provider, &received.event, paint);
    format!("{}  {middle}  {}", paint.faint(lead), verdict(&received.verdict, paint))
}

/// A body's SHA-256 and length, to be compared with what a handler logs: `body sha256 9f86d081884c…  4 bytes`.
pub fn body_hash(body: &[u8]) -> String {
    let hash = hop::body_hash(body);
    format!("body sha256 {}…  {}", &hash[..SHORT_HASH], count(body.len() as u64, "byte"))
}

/// How many digits of a hash are shown: enough to tell two bodies apart.
const SHORT_HASH: usize = 12;

/// What a target answered: status, time taken, first line of the body.
pub fn answer(answer: &Answer, took: Duration, paint: Paint) -> String {
    let status = answer.status.to_string();
    let status = if (200..300).contains(&answer.status) { paint.good(&status) } else { paint.bad(&status) };
    let said = masked(&one_line(&answer.body, 100));
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
