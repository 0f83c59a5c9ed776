//! Formats the differences of two requests, with untrusted text escaped and secrets masked.

use super::paint::Paint;
use super::payload;
use crate::diagnose::diff::{DiffLine, HeaderChange, PathChange};
use crate::model::mask::Reveal;
use crate::model::sanitize::escape_unsafe_bytes;
use std::ops::Range;

/// The number of bytes shown before and after the first difference.
const BYTES_BEFORE: usize = 24;
const BYTES_AFTER: usize = 40;
/// The longest value that is shown whole, in characters.
const MAX_VALUE: usize = 120;
/// The number of equal lines shown before and after a change.
const CONTEXT_LINES: usize = 2;

/// Formats the bytes around an offset in a body as one line.
pub fn fragment(body: &[u8], at: usize, reveal: Reveal) -> String {
    let shown = at.saturating_sub(BYTES_BEFORE)..at.saturating_add(BYTES_AFTER).min(body.len());
    let shown = extend_to_chars(body, shown);
    let hidden = match reveal {
        Reveal::Masked => payload::sensitive_ranges(body),
        Reveal::Everything => Vec::new(),
    };
    let mut text = String::from(if shown.start > 0 { "…" } else { "" });
    let mut from = shown.start;
    for secret in hidden.into_iter().filter(|secret| secret.end > shown.start && secret.start < shown.end) {
        text.push_str(&escape_unsafe_bytes(body.get(from..secret.start).unwrap_or_default()));
        text.push_str("***");
        from = secret.end.min(shown.end);
    }
    text.push_str(&escape_unsafe_bytes(body.get(from..shown.end).unwrap_or_default()));
    text.push_str(if shown.end < body.len() { "…" } else { "" });
    if body.len() <= at { text + "⏎end" } else { text }
}

/// Extends the range so that it cuts no UTF-8 character.
fn extend_to_chars(body: &[u8], mut range: Range<usize>) -> Range<usize> {
    let is_inside = |at: usize| body.get(at).is_some_and(|byte| (0x80..0xc0).contains(byte));
    for _ in 0..3 {
        range.start -= usize::from(range.start > 0 && is_inside(range.start));
        range.end += usize::from(is_inside(range.end));
    }
    range
}

/// Formats changed, added and removed values, one per line.
pub fn paths(changes: &[PathChange], indent: &str, paint: Paint, reveal: Reveal) -> String {
    let line = |change: &PathChange| {
        let value =
            |text: &Option<String>| text.as_ref().map(|text| short(&payload::value(&change.path, text, reveal)));
        let path =
            if change.path.is_empty() { "(the whole)".to_owned() } else { payload::text_line(&change.path, reveal) };
        let path = paint.name(&short(&path));
        match (value(&change.old), value(&change.new)) {
            (Some(old), Some(new)) => format!("{indent}~ {path}  {} → {}\n", paint.bad(&old), paint.good(&new)),
            (Some(old), None) => format!("{indent}- {path}  {}\n", paint.bad(&old)),
            (None, new) => format!("{indent}+ {path}  {}\n", paint.good(&new.unwrap_or_default())),
        }
    };
    changes.iter().map(line).collect()
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Formats changed headers: removed values, then added ones.
pub fn headers(changes: &[HeaderChange], indent: &str, paint: Paint, reveal: Reveal) -> String {
    let mut text = String::new();
    for change in changes {
        let line = |value: &Vec<u8>| short(&payload::header(&change.name, value, Paint::Plain, reveal));
        let removed = change.old.iter().filter(|value| !change.new.contains(value));
        let added = change.new.iter().filter(|value| !change.old.contains(value));
        let (removed, added): (Vec<_>, Vec<_>) = (removed.map(line).collect(), added.map(line).collect());
        if removed.is_empty() && added.is_empty() {
            text.push_str(&format!(
                "{indent}~ {}  its values are in another order or number\n",
                paint.name(&change.name)
            ));
        }
        removed.iter().for_each(|line| text.push_str(&format!("{indent}{}\n", paint.bad(&format!("- {line}")))));
        added.iter().for_each(|line| text.push_str(&format!("{indent}{}\n", paint.good(&format!("+ {line}")))));
    }
    text
}

/// Formats the lines that changed, with a few around them.
pub fn lines(lines: &[DiffLine<'_>], indent: &str, paint: Paint, reveal: Reveal) -> String {
    let is_change = |line: &DiffLine<'_>| !matches!(line, DiffLine::Both(_));
    let near = |at: usize| {
        let around = lines.get(at.saturating_sub(CONTEXT_LINES)..(at + CONTEXT_LINES + 1).min(lines.len()));
        around.is_some_and(|around| around.iter().any(is_change))
    };
    let shown = |line: &str| short(&payload::text_line(line, reveal));
    let mut text = String::new();
    for (_, line) in lines.iter().enumerate().filter(|(at, _)| near(*at)) {
        text.push_str(indent);
        text.push_str(&match line {
            DiffLine::Both(line) => format!("  {}", shown(line)),
            DiffLine::Old(line) => paint.bad(&format!("- {}", shown(line))),
            DiffLine::New(line) => paint.good(&format!("+ {}", shown(line))),
        });
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_cuts_no_character_and_shows_no_secret() {
        let body = format!("{{\"token\":\"1234-5678\",\"note\":\"{}x\"}}", "é".repeat(40));
        let text = fragment(body.as_bytes(), 60, Reveal::Masked);
        assert!(text.starts_with("…é") && !text.contains("\\x"), "{text}");
        let text = fragment(body.as_bytes(), 12, Reveal::Masked);
        assert!(text.starts_with("{\"token\":***,") && !text.contains("1234"), "{text}");
        assert!(fragment(body.as_bytes(), 12, Reveal::Everything).contains("1234-5678"));
    }

    #[test]
    fn the_end_of_the_shorter_body_is_marked() {
        assert_eq!(fragment(b"abc", 3, Reveal::Masked), "abc⏎end");
        assert_eq!(fragment(b"", 0, Reveal::Masked), "⏎end");
    }

    #[test]
    fn untrusted_values_are_escaped_and_secrets_are_masked() {
        let change = |key: &str, old: &str, new: &str| PathChange {
            path: key.to_owned(),
            key: key.to_owned(),
            old: Some(old.to_owned()),
            new: Some(new.to_owned()),
        };
        let text =
            paths(&[change("pin", "1", "2"), change("a", "\"\u{202e}\"", "1")], "", Paint::Plain, Reveal::Masked);
        assert_eq!(text, "~ pin  *** → ***\n~ a  \"\\u{202e}\" → 1\n");
    }
}
