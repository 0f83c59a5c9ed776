//! Finds what is masked in a text of any form: a log line, a URL, a form, an error, broken or nested
//! JSON, XML.

use super::names::{is_sensitive_name, is_sensitive_parameter};
use super::{Audience, numbers, words};
use std::ops::Range;

/// The treatment of words without quotes after a sensitive name and a colon.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Prose {
    Masked,
    /// Only one word with a digit is masked.
    Kept,
}

/// Layers of base64 that are looked into.
const MAX_DEPTH: usize = 2;

/// Finds what is masked, in order and without overlaps.
pub(super) fn ranges(text: &str, audience: Audience, prose: Prose) -> Vec<Range<usize>> {
    ranges_at(text, audience, prose, MAX_DEPTH)
}

pub(super) fn ranges_at(text: &str, audience: Audience, prose: Prose, depth: usize) -> Vec<Range<usize>> {
    let mut found = named_values(text, audience, prose);
    found.extend(words::ranges(text, audience, prose, depth));
    if let Some((decoded, places)) = percent_decoded(text) {
        let ranges = words::ranges(&decoded, audience, prose, depth);
        found.extend(ranges.into_iter().map(|range| places[range.start]..places[range.end]));
    }
    found.extend(words::url_credentials(text));
    found.extend(numbers::ranges(text));
    if audience == Audience::Support {
        found.extend(words::mail_addresses(text));
    }
    // `…` stands for a value, and `***` for one that was masked before.
    found.retain(|range| text[range.clone()].contains(char::is_alphanumeric));
    found.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut().filter(|last| last.end >= range.start) {
            Some(last) => last.end = last.end.max(range.end),
            None => merged.push(range),
        }
    }
    merged
}

/// Decodes `%5F` and the like, and returns the place of each byte in the original text, and of its
/// end. `None`: nothing is encoded.
fn percent_decoded(text: &str) -> Option<(String, Vec<usize>)> {
    let code = |at: usize| {
        let digits = text.get(at + 1..at + 3).filter(|_| text.as_bytes()[at] == b'%')?;
        let byte = u8::from_str_radix(digits, 16).ok().filter(u8::is_ascii_graphic)?;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(char::from(byte))
    };
    if !text.contains('%') {
        return None;
    }
    let (mut decoded, mut places, mut is_encoded, mut at) = (String::new(), Vec::new(), false, 0);
    while let Some(letter) = text[at..].chars().next() {
        let (letter, length) = code(at).map_or((letter, letter.len_utf8()), |letter| (letter, 3));
        is_encoded |= length == 3 && letter.is_ascii();
        places.extend((0..letter.len_utf8()).map(|offset| at + offset));
        decoded.push(letter);
        at += length;
    }
    places.push(text.len());
    is_encoded.then_some((decoded, places))
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '_')
}

/// Finds the values after a sensitive name: `token=1`, `"pin": "1"`, `password: a`, `<otp>1</otp>`.
fn named_values(text: &str, audience: Audience, prose: Prose) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(gap) = text[at..].find(is_word) {
        let start = at + gap;
        let end = text[start..].find(|letter| !is_word(letter)).map_or(text.len(), |length| start + length);
        at = end;
        let (before, rest) = (text[..start].chars().next_back(), &text[end..]);
        let Some(separator) = separator(rest, before == Some('<')) else { continue };
        let is_parameter = matches!(before, Some('?' | '&')) && rest.starts_with('=');
        let name = &text[start..end];
        let is_sensitive =
            if is_parameter { is_sensitive_parameter(name, audience) } else { is_sensitive_name(name, audience) };
        if is_sensitive {
            let from = end + separator.length;
            let value = value(&text[from..], separator.kind, prose);
            at = (from + value.end).max(end);
            found.push(from + value.start..from + value.end);
        }
    }
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SeparatorKind {
    Equals,
    Colon,
    Tag,
}

#[derive(Clone, Copy)]
struct Separator {
    kind: SeparatorKind,
    /// Length of everything between the name and its value, quotes of the value excluded.
    length: usize,
}

/// Reads the closing quote of a name, the brackets of an index, and the separator. `None`: what
/// precedes is not the name of a value.
fn separator(rest: &str, in_tag: bool) -> Option<Separator> {
    let mut at = 0;
    let skip = |at: &mut usize, parts: &[&str]| {
        while let Some(part) = parts.iter().find(|part| rest[*at..].starts_with(**part)) {
            *at += part.len();
        }
    };
    if in_tag && let Some(end) = rest.find('>').filter(|end| !rest[..*end].contains(['<', '/'])) {
        return Some(Separator { kind: SeparatorKind::Tag, length: end + 1 });
    }
    let blank_line = ["\"\r\n\r\n", "\"\n\n"].into_iter().find(|line| rest.starts_with(line));
    if let Some(blank_line) = blank_line {
        // A part of a multipart body: `name="token"`, an empty line, and the value.
        return Some(Separator { kind: SeparatorKind::Tag, length: blank_line.len() });
    }
    for (open, close) in [("[", "]"), ("%5B", "%5D"), ("%5b", "%5d")] {
        while rest[at..].starts_with(open) {
            at += rest[at..].find(close)? + close.len();
        }
    }
    skip(&mut at, &["\"", "'", "\\", "]", " ", "%22", "%5D", "%5d", "&quot;", "`"]);
    let kind = if rest[at..].starts_with('=') || rest[at..].starts_with("%3D") || rest[at..].starts_with("%3d") {
        SeparatorKind::Equals
    } else if rest[at..].starts_with(':') || rest[at..].starts_with("%3A") || rest[at..].starts_with("%3a") {
        SeparatorKind::Colon
    } else {
        return None;
    };
    skip(&mut at, &[":", "=", ">", " ", "\t", "%3A", "%3a", "%3D", "%3d", "%20"]);
    Some(Separator { kind, length: at })
}

/// Finds a value at the start of a text.
fn value(text: &str, separator: SeparatorKind, prose: Prose) -> Range<usize> {
    let line = text.lines().next().unwrap_or_default();
    let quotes = ["\"", "'", "`", "%22", "&quot;"];
    let escapes = line.len() - line.trim_start_matches('\\').len();
    if let Some(quote) = quotes.iter().find(|quote| line[escapes..].starts_with(**quote)) {
        let from = escapes + quote.len();
        let length = closing_quote(&text[from..], &line[..from]).unwrap_or(line.len() - from);
        return from..from + length;
    }
    if line.starts_with(['[', '{']) {
        return 0..closing_bracket(text);
    }
    let end = |is_end: fn(char) -> bool| line.find(is_end).unwrap_or(line.len());
    match separator {
        SeparatorKind::Tag => 0..end(|letter| letter == '<'),
        SeparatorKind::Equals => {
            0..end(|letter| {
                letter.is_whitespace()
                    || letter.is_control()
                    || matches!(letter, '&' | '#' | '"' | '\'' | '<' | '>' | '`' | ',' | ';' | ')')
            })
        }
        SeparatorKind::Colon if prose == Prose::Masked => {
            let is_end = |letter| {
                matches!(
                    letter,
                    '&' | '"' | '\'' | '<' | '>' | '`' | ',' | ';' | '|' | '{' | '}' | '[' | ']' | '(' | ')'
                )
            };
            0..line[..end(is_end)].trim_end().len()
        }
        SeparatorKind::Colon => {
            let word = &line[..end(|letter| {
                letter.is_whitespace() || matches!(letter, '"' | '\'' | '`' | ',' | ';' | ')' | '}' | ']')
            })];
            0..if word.contains(|letter: char| letter.is_ascii_digit()) { word.len() } else { 0 }
        }
    }
}

/// Returns the length before the quote that closes `opening`, which has its backslashes.
fn closing_quote(text: &str, opening: &str) -> Option<usize> {
    let escapes = opening.len() - opening.trim_start_matches('\\').len();
    let quote = &opening[escapes..];
    for (at, _) in text.match_indices(quote) {
        let backslashes = text[..at].len() - text[..at].trim_end_matches('\\').len();
        if backslashes <= escapes {
            return Some(at - backslashes);
        }
    }
    None
}

/// Returns the length up to the bracket that closes the first one.
fn closing_bracket(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}
