//! What to take out of a variable that holds more than its secret, or the secret in another form.
//!
//! Each row is one step. `find_parts` repeats the steps, so that a quoted value of a line of a file
//! is found as well. Nothing here depends on a request.

use super::cleaning::{
    decoded, decoded_base64, decoded_utf16, first_half, trimmed, unprinted, unquoted, with_plain_characters,
    with_whole_prefix, without_invisible, without_second_prefix, without_stray,
};
use super::containers::{
    after_label, before_comment, json_values, lines, list_items, texts_in_quotes, values, without_armour, words,
};
use crate::diagnose::cause::CauseKind;
use crate::diagnose::kinds::secret as kinds;
use std::collections::HashSet;

/// Bytes taken out of a variable, and in words the way to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub bytes: Vec<u8>,
    pub steps: Vec<Step>,
}

/// One step from a variable to its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub kind: &'static CauseKind,
    /// Stands for `{part}` in the words of the kind.
    pub detail: String,
    /// A phrase that follows "the signing key is …", for a step after the first.
    pub phrase: String,
}

/// The bytes that one step gives, and the detail for its words.
pub(super) type Found = (Vec<u8>, String);

struct Row {
    kind: &'static CauseKind,
    /// Adds up over the steps; parts with a lower sum are tried first.
    cost: usize,
    /// The phrase of a later step, where `{part}` stands for the detail.
    phrase: &'static str,
    find: fn(&[u8], &str) -> Vec<Found>,
}

const fn row(kind: &'static CauseKind, phrase: &'static str, find: fn(&[u8], &str) -> Vec<Found>) -> Row {
    Row { kind, cost: 1, phrase, find }
}

/// A step that explains less than the others.
const fn vague(kind: &'static CauseKind, find: fn(&[u8], &str) -> Vec<Found>) -> Row {
    Row { kind, cost: 4, phrase: "{part}", find }
}

/// The steps. The text and the prefix of secrets are given to each.
static ROWS: &[Row] = &[
    row(&kinds::WHITESPACE_ADDED, "without the whitespace around it", trimmed),
    row(&kinds::ODD_CHARACTER, "without the invisible characters", without_invisible),
    row(&kinds::TYPOGRAPHIC, "with plain characters", with_plain_characters),
    row(&kinds::ENCODED, "decoded from {part}", decoded_utf16),
    row(&kinds::QUOTED, "without the {part} around it", unquoted),
    row(&kinds::PRINTED, "as the bytes of {part}", unprinted),
    row(&kinds::PREFIX_TWICE, "with `{part}` once", without_second_prefix),
    row(&kinds::PREFIX_DAMAGED, "with `{part}` at the start", with_whole_prefix),
    row(&kinds::TWICE, "once", first_half),
    row(&kinds::IN_JSON, "{part}", json_values),
    row(&kinds::ARMOUR, "without the lines of dashes", without_armour),
    row(&kinds::IN_FILE, "{part}", lines),
    row(&kinds::COMMENT, "without the comment", before_comment),
    row(&kinds::LINE, "{part}", values),
    row(&kinds::LABEL, "the text after `{part}`", after_label),
    row(&kinds::STRAY, "without {part}", without_stray),
    row(&kinds::IN_BASE64, "decoded from {part}", decoded_base64),
    row(&kinds::ENCODED, "decoded from {part}", decoded),
    vague(&kinds::LIST, list_items),
    vague(&kinds::IN_TEXT, texts_in_quotes),
    Row { cost: 5, ..vague(&kinds::IN_TEXT, words) },
];

/// The highest sum of costs: a list, then a line of it, its value, quotes, an encoding.
const MAX_COST: usize = 7;
/// The most parts of one variable.
const MAX_PARTS: usize = 96;
/// The longest variable that is searched, in bytes.
const MAX_LENGTH: usize = 16 * 1024;
/// The shortest part that can be a secret, in bytes.
pub(super) const MIN_LENGTH: usize = 4;

/// Lists what a variable may hold besides the secret alone, the simplest first. A clean secret has
/// no parts.
pub(crate) fn find_parts(variable: &[u8], prefix: &str) -> Vec<Part> {
    if variable.len() > MAX_LENGTH {
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut by_cost: [Vec<Part>; MAX_COST + 1] = Default::default();
    by_cost[0].push(Part { bytes: variable.to_vec(), steps: Vec::new() });
    let mut parts = Vec::new();
    for cost in 0..=MAX_COST {
        for part in std::mem::take(&mut by_cost[cost]) {
            if parts.len() > MAX_PARTS || !seen.insert(part.bytes.clone()) {
                continue;
            }
            for row in ROWS.iter().filter(|row| cost + row.cost <= MAX_COST) {
                let found = (row.find)(&part.bytes, prefix).into_iter().filter(|(bytes, _)| bytes.len() >= MIN_LENGTH);
                by_cost[cost + row.cost].extend(found.map(|(bytes, detail)| {
                    let step = Step { kind: row.kind, phrase: row.phrase.replace("{part}", &detail), detail };
                    Part { bytes, steps: part.steps.iter().cloned().chain([step]).collect() }
                }));
            }
            parts.push(part);
        }
    }
    // The first is the variable itself.
    parts.split_off(1)
}

/// Returns bytes that are shorter than the text, or nothing.
pub(super) fn one(text: &[u8], bytes: &[u8], detail: impl Into<String>) -> Vec<Found> {
    if bytes == text { Vec::new() } else { vec![(bytes.to_vec(), detail.into())] }
}
