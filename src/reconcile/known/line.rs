//! A line of a file of accepted differences: `CLASS REFERENCE FACT=VALUE  # note`.

use super::super::Class;
use super::{FACT_NAMES, Facts, can_be_accepted};
use crate::model::sanitize::{escape_unsafe, needs_escape};
use std::fmt;

/// The first lines of a new file.
pub(super) const HEADER: &str = "\
# Accepted differences of `whtool reconcile --known FILE`, sorted: CLASS REFERENCE FACT=VALUE  # note
# Edit and commit this file. A difference whose facts change is reported again.
";

/// An accepted difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLine {
    pub class: Class,
    pub reference: String,
    pub(super) facts: Facts,
    /// Free text; empty if there is none.
    pub note: String,
}

pub(super) enum FileLine {
    /// An empty line or a comment.
    Blank,
    Entry(KnownLine),
}

impl KnownLine {
    /// Returns the position in a sorted file.
    pub(super) fn key(&self) -> (String, String) {
        (self.class.code().to_owned(), self.reference.clone())
    }

    /// Returns true if each fact of the line is a fact of the difference. A line without facts
    /// matches any.
    pub(super) fn matches(&self, facts: &Facts) -> bool {
        self.facts.iter().all(|(name, value)| facts.get(name) == Some(value))
    }
}

impl fmt::Display for KnownLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.class.code(), quote(&self.reference))?;
        for (name, value) in &self.facts {
            write!(out, " {name}={}", quote(value))?;
        }
        // A note is one line, whatever it was made from.
        let note = escape_unsafe(&self.note);
        if note.trim().is_empty() { Ok(()) } else { write!(out, "  # {}", note.trim()) }
    }
}

/// Describes facts in a sentence.
pub(super) fn show_facts(facts: &Facts) -> String {
    let shown: Vec<_> = facts.iter().map(|(name, value)| format!("{name}={}", quote(value))).collect();
    if shown.is_empty() { "other facts".to_owned() } else { shown.join(" ") }
}

/// Returns the text as it is if it is one word, or else as a JSON string.
fn quote(text: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:+@#".contains(letter);
    let is_word = !text.is_empty() && !text.starts_with('#') && text.chars().all(is_plain);
    if is_word {
        return text.to_owned();
    }
    let (quoted, mut units) = (serde_json::Value::from(text).to_string(), [0; 2]);
    let show = |letter: char| {
        if !needs_escape(letter) {
            return letter.to_string();
        }
        letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    };
    quoted.chars().map(show).collect()
}

/// Reads a class that can be accepted.
pub(super) fn parse_class(code: &str) -> Result<Class, String> {
    match Class::from_code(code) {
        Some(class) if can_be_accepted(class) => Ok(class),
        Some(Class::CouldNotTell) => {
            Err("could_not_tell can't be accepted: nothing is known about such a reference".to_owned())
        }
        Some(class) => Err(format!("{} is not a difference", class.code())),
        None => {
            let codes = Class::ALL.into_iter().filter(|class| can_be_accepted(*class)).map(Class::code);
            let near = codes
                .map(|known| (strsim::jaro_winkler(known, code), known))
                .max_by(|one, other| one.0.total_cmp(&other.0));
            let near = near.filter(|(score, _)| *score > 0.8).map(|(_, near)| format!("; did you mean {near}?"));
            Err(format!("`{code}` is not a class{}", near.unwrap_or_default()))
        }
    }
}

/// Reads a line. The error is a sentence.
pub(super) fn parse_line(text: &str) -> Result<FileLine, String> {
    let mut rest = text.trim_start_matches('\u{feff}').trim();
    if rest.is_empty() || rest.starts_with('#') {
        return Ok(FileLine::Blank);
    }
    let class = parse_class(&take_word(&mut rest)?)?;
    let reference = take_word(&mut rest)?;
    if reference.is_empty() {
        return Err("the reference is missing: expected CLASS REFERENCE".to_owned());
    }
    let mut facts = Facts::new();
    while !rest.is_empty() && !rest.starts_with('#') {
        let name = rest.split('=').next().unwrap_or_default();
        let known = FACT_NAMES.into_iter().find(|known| *known == name && rest.len() > name.len());
        let Some(known) = known else {
            return Err(format!("expected by=, order=, record= or webhook=, or a note after #, and not `{rest}`"));
        };
        rest = &rest[name.len() + 1..];
        facts.insert(known, take_word(&mut rest)?);
    }
    let note = rest.trim_start_matches('#').trim().to_owned();
    Ok(FileLine::Entry(KnownLine { class, reference, facts, note }))
}

/// Takes a word or a JSON string from the start of a line, and the space after it.
fn take_word(rest: &mut &str) -> Result<String, String> {
    let (word, after) = if rest.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let unclosed = || "a quote is not closed".to_owned();
        let word = values.next().and_then(Result::ok).ok_or_else(unclosed)?;
        (word, &rest[values.byte_offset()..])
    } else {
        let (word, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        (word.to_owned(), after)
    };
    *rest = after.trim_start();
    Ok(word)
}

/// Recognizes a file of accepted differences by its first bytes.
pub fn is_known_file(start: &[u8]) -> bool {
    let end = start.iter().rposition(|byte| *byte == b'\n').unwrap_or(start.len());
    std::str::from_utf8(&start[..end]).is_ok_and(|lines| lines.lines().all(|line| parse_line(line).is_ok()))
}
