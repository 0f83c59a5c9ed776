//! The small parts of pages: safe text, times, amounts, tones, and bars.

use super::view::PageFrame;
use crate::model::mask::{Reveal, mask_secrets};
use crate::model::money::Money;
use crate::model::sanitize::escape_unsafe;
use crate::model::stored::{AnswerState, AppState, DeliverySummary};
use crate::model::timestamp::{Timestamp, format_duration};
use crate::render::reconcile::words;
use crate::render::text::verdict_code_words;
use maud::{Markup, PreEscaped, html};

/// The longest text of one value, in characters.
const MAX_CHARS: usize = 400;

/// The meaning of a color. Each has one class in the style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Verified and accepted.
    Good,
    /// Refused.
    Bad,
    /// Verified, but the app did not accept it; or a warning.
    Warn,
    Quiet,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "pass",
            Self::Bad => "fail",
            Self::Warn => "warn",
            Self::Quiet => "not_run",
        }
    }
}

/// Draws a mark. Words next to it say the same.
pub(super) fn dot(tone: Tone) -> Markup {
    html! { i class={ "dot " (tone.class()) } aria-hidden="true" {} }
}

/// Returns the outcome of a delivery in a few words: the verdict, or else the answer of the app.
pub(super) fn outcome(summary: &DeliverySummary) -> (Tone, String) {
    if !summary.verdict.is_verified() {
        return (Tone::Bad, verdict_code_words(summary.verdict).to_owned());
    }
    match (summary.answer, summary.app) {
        (AnswerState::Pending, _) => (Tone::Bad, "not answered".to_owned()),
        (AnswerState::Answered(status), _) if !status.is_success() => (Tone::Bad, format!("answered {status}")),
        (_, AppState::NoAnswer) => (Tone::Warn, "app: no answer".to_owned()),
        (_, AppState::Answered(status)) if !status.is_success() => (Tone::Warn, format!("app {status}")),
        (_, AppState::Answered(status)) => (Tone::Good, format!("app {status}")),
        (_, AppState::NotAsked) => (Tone::Good, "verified".to_owned()),
    }
}

/// Returns whtool's answer to a delivery that it did not verify. Empty: `outcome` says it.
pub(super) fn refusal(summary: &DeliverySummary) -> String {
    match summary.answer {
        _ if summary.verdict.is_verified() => String::new(),
        AnswerState::Pending => "not answered".to_owned(),
        AnswerState::Answered(status) => format!("answered {status}"),
    }
}

impl PageFrame<'_> {
    /// Masks, escapes and cuts untrusted text.
    pub(super) fn text(&self, text: &str) -> String {
        match self.reveal {
            Reveal::Masked => cut(&mask_secrets(text)),
            Reveal::Everything => cut(text),
        }
    }

    /// Formats a time of day; on other days, the date, too.
    pub(super) fn time(&self, time: Timestamp) -> Markup {
        let local = time.to_zoned(self.zone.clone());
        let today = self.now.to_zoned(self.zone.clone()).date();
        let (format, rest) = match local.date() {
            date if date == today => ("%H:%M:%S", ""),
            date if date.year() == today.year() => ("%m-%d", " %H:%M"),
            _ => ("%Y-%m-%d", ""),
        };
        html! {
            time datetime=(time) title=(self.full_time(time)) {
                (local.strftime(format)) @if !rest.is_empty() { span.clock { (local.strftime(rest)) } }
            }
        }
    }

    pub(super) fn full_time(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// Formats the age of a time: `2 min`. The script keeps it current.
    pub(super) fn age(&self, time: Timestamp) -> Markup {
        let age = format_duration(self.now.duration_since(time));
        let ago = if time > self.now { format!("in {age}") } else { format!("{age} ago") };
        html! { time.age datetime=(time) title=(self.full_time(time)) { (ago) } }
    }

    /// Formats an amount with its currency: `1,250.00 CVE`.
    pub(super) fn money(&self, money: &Money) -> String {
        self.text(&words::amount(money)).replace(' ', "\u{a0}")
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", escape_unsafe(&text[..end])),
        None => escape_unsafe(text).into_owned(),
    }
}

/// Formats a sentence, and marks text in backticks as code. It must be safe text.
pub(super) fn prose(text: &str) -> Markup {
    let parts = text.split('`').enumerate();
    html! {
        @for (at, part) in parts {
            @if at % 2 == 1 { code { (part) } } @else { (with_code(part)) }
        }
    }
}

/// Marks names of functions as code: `JSON.stringify`, `express.raw()`.
fn with_code(text: &str) -> Markup {
    html! {
        @for word in text.split_inclusive(' ') {
            @let start = word.len() - word.trim_start_matches('(').len();
            @let name = word.trim_end().trim_end_matches([',', ';', ':', '.']);
            // A call keeps its parentheses.
            @let closed = name.ends_with("))") || (name.ends_with(')') && !name.ends_with("()"));
            @let end = if closed { name.len() - 1 } else { name.len() };
            @let name = word.get(start..end).unwrap_or_default();
            @if is_function(name) {
                (word.get(..start).unwrap_or_default()) code { (name) } (word.get(end..).unwrap_or_default())
            } @else { (word) }
        }
    }
}

fn is_function(word: &str) -> bool {
    let name = word.strip_suffix("()").unwrap_or(word);
    let is_path = name.split_once('.').is_some_and(|(object, method)| !object.is_empty() && method.len() > 2);
    (name.len() < word.len() || is_path) && name.chars().all(|char| char.is_ascii_alphabetic() || "._".contains(char))
}

/// Draws shares of a whole as one bar. Sizes are attributes: the pages allow no style attributes.
pub(in crate::render) fn bar<'c>(shares: impl IntoIterator<Item = (&'c str, u64)>) -> Markup {
    let shares: Vec<_> = shares.into_iter().filter(|(_, number)| *number > 0).collect();
    let total = shares.iter().map(|(_, number)| number).sum::<u64>().max(1) as f64;
    let mut start = 0.0;
    html! {
        svg.bar viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" {
            @for (class, number) in shares {
                @let width = number as f64 * 100.0 / total;
                rect class=(class) x=(format!("{start:.2}")) width=(format!("{width:.2}")) height="1" {}
                ({ start += width; PreEscaped("") })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_functions_are_code_and_other_words_are_not() {
        let text = "the signature matches JSON.stringify output (express.raw() in Express, request.get_data() in Flask); a Next.js app. e.g. https://x.example `a b`.";
        let expected = "the signature matches <code>JSON.stringify</code> output (<code>express.raw()</code> in Express, <code>request.get_data()</code> in Flask); a Next.js app. e.g. https://x.example <code>a b</code>.";
        assert_eq!(prose(text).into_string(), expected);
    }

    #[test]
    fn a_bar_has_the_share_of_each_part() {
        let bar = bar([("pass", 3), ("warn", 0), ("fail", 1)]).into_string();
        assert!(bar.contains(r#"class="pass" x="0.00" width="75.00""#), "{bar}");
        assert!(bar.contains(r#"class="fail" x="75.00" width="25.00""#) && !bar.contains("warn"), "{bar}");
    }
}
