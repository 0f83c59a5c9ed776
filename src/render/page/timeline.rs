//! The story of one capture: arrival, attempts to forward it, replays, and what comes next.

use super::parts::{Tone, dot, outcome, prose, refusal};
use super::view::{PageFrame, Replay, ReplayMode};
use crate::model::sanitize::first_line;
use crate::model::stored::{Attempt, DeliverySummary, QueueState, QueuedForward};
use crate::model::timestamp::Timestamp;
use crate::render::text::{answer_text, duration, queue_words};
use maud::{Markup, html};

struct TimelineEntry {
    time: Timestamp,
    tone: Tone,
    what: Markup,
}

/// Formats the time line, oldest first.
pub(super) fn timeline(
    frame: &PageFrame<'_>,
    summary: &DeliverySummary,
    attempts: &[Attempt],
    replays: &[Replay],
    queue: &[QueuedForward],
) -> Markup {
    let mut entries = vec![arrival(frame, summary)];
    // The store has the attempts of replays, too.
    let is_replay = |attempt: &Attempt| {
        replays.iter().filter_map(|replay| replay.attempt.as_ref()).any(|sent| is_same(sent, attempt))
    };
    let forwarded = attempts.iter().filter(|attempt| !is_replay(attempt));
    entries.extend(forwarded.map(|attempt| self::attempt(frame, attempt, "Forwarded to")));
    entries.extend(replays.iter().map(|replay| self::replay(frame, replay)));
    let words = |entry: &QueuedForward| {
        let words = queue_words(entry, frame.now, |due| frame.full_time(due))?;
        Some(html! { code { (frame.text(&entry.url)) } " " (prose(&words)) })
    };
    // What has ended belongs after the last attempt; what waits comes last.
    let (ended, open): (Vec<_>, Vec<_>) =
        queue.iter().partition(|entry| matches!(entry.state, QueueState::GivenUp | QueueState::Refused));
    entries.extend(ended.into_iter().filter_map(|entry| {
        let last = attempts.iter().rfind(|attempt| attempt.url == entry.url && !is_replay(attempt));
        let time = last.map_or(summary.arrived, |attempt| attempt.at);
        Some(TimelineEntry { time, tone: Tone::Warn, what: words(entry)? })
    }));
    entries.sort_by_key(|entry| entry.time);
    let open = open.into_iter().filter_map(words);
    html! {
        ol.timeline aria-label="History" {
            @for entry in &entries {
                li { (frame.time(entry.time)) (dot(entry.tone)) div { (entry.what) } }
            }
            @for entry in open { li.next { span {} (dot(Tone::Quiet)) div { (entry) } } }
        }
    }
}

/// Compares as exactly as the store keeps durations.
fn is_same(one: &Attempt, other: &Attempt) -> bool {
    one.url == other.url && one.took.as_micros() == other.took.as_micros() && one.status() == other.status()
}

fn arrival(frame: &PageFrame<'_>, summary: &DeliverySummary) -> TimelineEntry {
    let (tone, words) = outcome(summary);
    let refusal = refusal(summary);
    let is_verified = summary.verdict.is_verified();
    let what = html! {
        "Received"
        @if let Some(peer) = &summary.peer { " from " code { (frame.text(peer)) } }
        ", "
        @if is_verified { "verified, answered " (summary.answer.code()) } @else { (words) ", " (refusal) }
    };
    TimelineEntry {
        time: summary.arrived,
        tone: if is_verified && tone == Tone::Warn { Tone::Good } else { tone },
        what,
    }
}

fn attempt(frame: &PageFrame<'_>, attempt: &Attempt, verb: &str) -> TimelineEntry {
    let tone = if attempt.is_success() { Tone::Good } else { Tone::Warn };
    let what = html! {
        (verb) " " code { (frame.text(&attempt.url)) } ": "
        @match &attempt.outcome {
            Ok(answer) => {
                b class=(tone.class()) { (answer.status) }
                span.faint { " in " (duration(attempt.took)) }
                @let said = answer_text(answer, &attempt.url);
                @if !said.is_empty() { div.said { code { (said) } } }
            }
            Err(failure) => b class=(tone.class()) { (first_line(frame.text(failure).as_bytes(), 200)) },
        }
    };
    TimelineEntry { time: attempt.at, tone, what }
}

fn replay(frame: &PageFrame<'_>, replay: &Replay) -> TimelineEntry {
    let verb = match replay.mode {
        ReplayMode::Resigned => "Re-signed and sent to",
        ReplayMode::Exact => "Sent unchanged to",
        ReplayMode::Edited => "Edited, re-signed and sent to",
    };
    match &replay.attempt {
        Some(attempt) => self::attempt(frame, attempt, verb),
        None => TimelineEntry {
            time: replay.started,
            tone: Tone::Quiet,
            what: html! { (verb) " " code { (frame.text(&replay.url)) } ": waiting for the answer" },
        },
    }
}
