//! Accepted differences: a text file with one per line, so that only new differences count.
//!
//! `line` reads and writes the lines. A difference is accepted with its facts, such as the sum by
//! which the amounts differ; if they change, it is news again.

mod line;

use super::{Class, ReconciledReference};
use crate::provider::record::AmountKind;
use line::{FileLine, parse_line};
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

pub use line::{KnownLine, is_known_file};

/// A fact about a difference, such as `by` and `-100`.
type Facts = BTreeMap<&'static str, String>;

/// The names of all facts.
const FACT_NAMES: [&str; 4] = ["by", "order", "record", "webhook"];

/// Returns the facts with which a difference is accepted.
fn facts(reconciled: &ReconciledReference, class: Class) -> Facts {
    let (order, record) = (&reconciled.order, reconciled.record.as_ref());
    let state = || record.map(|record| ("record", record.parsed_status.state.code().to_owned()));
    let currency = || Some(("record", record?.money.as_ref()?.currency.to_uppercase()));
    let found: [Option<(&str, String)>; 2] = match class {
        Class::StatusDiffers | Class::OrderBehind => {
            [order.status.as_ref().map(|word| ("order", word.trim().to_lowercase())), state()]
        }
        Class::AmountDiffers => [difference(reconciled).map(|minor| ("by", minor.to_string())), None],
        Class::CurrencyDiffers => match order.currency.as_ref().filter(|currency| !currency.is_empty()) {
            Some(ordered) => [Some(("order", ordered.to_uppercase())), currency()],
            None => [webhook_currency(reconciled).map(|currency| ("webhook", currency)), currency()],
        },
        Class::NotInOrders
        | Class::DuplicateOrder
        | Class::NeverDelivered
        | Class::DeliveredRefused
        | Class::AppDidNotTake
        | Class::Stale => [state(), None],
        Class::CouldNotTell | Class::UnknownToProvider | Class::TwoBodies | Class::StillOpen | Class::SettledAgreed => {
            [None, None]
        }
    };
    found.into_iter().flatten().collect()
}

/// Returns the order's amount less the record's, in minor units; without an order's amount, or if
/// that agrees, the amount of the first webhook that differs.
pub fn difference(reconciled: &ReconciledReference) -> Option<i128> {
    let record = reconciled.record.as_ref().filter(|record| record.amount == AmountKind::Same)?;
    let recorded = record.money.as_ref()?.minor;
    let webhooks = reconciled.webhooks.iter().flatten().map(|found| &found.summary);
    let webhooks = webhooks.filter(|webhook| webhook.verdict.is_verified());
    let claimed =
        reconciled.order.minor.into_iter().chain(webhooks.filter_map(|webhook| Some(webhook.money.as_ref()?.minor)));
    claimed.map(|minor| minor.saturating_sub(recorded)).find(|minor| *minor != 0)
}

fn webhook_currency(reconciled: &ReconciledReference) -> Option<String> {
    let webhooks = reconciled.webhooks.iter().flatten().filter(|found| found.summary.verdict.is_verified());
    let mut currencies = webhooks.filter_map(|found| Some(found.summary.money.as_ref()?.currency.to_uppercase()));
    currencies.find(|currency| !currency.is_empty())
}

/// The value of `--accept`: `CLASS:REFERENCE` or `CLASS:REFERENCE=NOTE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptArg {
    pub class: Class,
    /// The reference, and perhaps a note. Which `=` separates them is known once a reference is
    /// found, since references may contain one.
    rest: String,
}

impl FromStr for AcceptArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected CLASS:REFERENCE or CLASS:REFERENCE=NOTE, such as amount_differs:pi_def456=rounding";
        let (code, rest) = text.split_once(':').ok_or(expected)?;
        if rest.is_empty() || rest.starts_with('=') {
            return Err(expected.to_owned());
        }
        Ok(Self { class: line::parse_class(code)?, rest: rest.to_owned() })
    }
}

impl AcceptArg {
    /// Returns the note if this is about the reference. An empty note: none.
    fn note_for(&self, reference: &str) -> Option<&str> {
        let rest = self.rest.strip_prefix(reference)?;
        if rest.is_empty() { Some("") } else { rest.strip_prefix('=') }
    }

    /// Returns the reference, taken to end at the first `=`.
    pub fn reference(&self) -> &str {
        self.rest.split('=').next().unwrap_or_default()
    }
}

/// The result of comparing a difference with the accepted ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Acceptance {
    /// No difference, or one that counts.
    #[default]
    Counted,
    /// Each of its findings is accepted; with the notes.
    Accepted(String),
    /// It was accepted with other facts. A sentence that may contain untrusted text.
    Changed(String),
}

impl Acceptance {
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

/// The state of an accepted difference in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KnownState {
    /// The run has not compared its reference.
    NotCompared,
    Occurred,
    /// The reference was compared, and has no such difference.
    Gone,
}

struct KnownEntry {
    line: KnownLine,
    state: KnownState,
}

/// The accepted differences, and the ones that this run accepts.
#[derive(Default)]
pub struct KnownDifferences {
    entries: HashMap<String, Vec<KnownEntry>>,
    /// With the reference for which each request was accepted.
    requested: Vec<(AcceptArg, Option<String>)>,
    accepted_now: Vec<KnownLine>,
    /// The date of new entries.
    today: String,
}

/// A line of the file that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLineError {
    /// The line, from 1.
    pub line: usize,
    /// A sentence that may contain untrusted text.
    pub reason: String,
}

impl KnownDifferences {
    /// Reads a file. `requested` are the differences that this run should accept, `today` is the date
    /// of their entries.
    pub fn parse(text: &str, requested: &[AcceptArg], today: &str) -> Result<Self, KnownLineError> {
        let mut entries: HashMap<String, Vec<KnownEntry>> = HashMap::new();
        for (index, text) in text.lines().enumerate() {
            match parse_line(text).map_err(|reason| KnownLineError { line: index + 1, reason })? {
                FileLine::Blank => {}
                FileLine::Entry(line) => {
                    let entry = KnownEntry { line, state: KnownState::NotCompared };
                    entries.entry(entry.line.reference.clone()).or_default().push(entry);
                }
            }
        }
        let requested = requested.iter().map(|request| (request.clone(), None)).collect();
        Ok(Self { entries, requested, accepted_now: Vec::new(), today: today.to_owned() })
    }

    /// Decides whether a reference's differences are accepted.
    pub fn check(&mut self, reconciled: &ReconciledReference) -> Acceptance {
        let findings = &reconciled.assessment.findings;
        if findings.iter().any(|finding| finding.class == Class::CouldNotTell) {
            return Acceptance::Counted;
        }
        let has_difference = findings.iter().any(|finding| finding.class.is_difference());
        let reference = reconciled.order.reference.as_str();
        let (mut notes, mut changed, mut is_news) = (Vec::new(), None, false);
        for class in findings.iter().map(|finding| finding.class).filter(|class| class.is_difference()) {
            let facts = facts(reconciled, class);
            self.accept_if_requested(reference, class, &facts);
            let known = self.entries.get_mut(reference).into_iter().flatten();
            let mut known: Vec<_> = known.filter(|entry| entry.line.class == class).collect();
            let matching = known.iter_mut().find(|entry| entry.line.matches(&facts));
            if let Some(entry) = matching {
                notes.extend((!entry.line.note.is_empty()).then(|| entry.line.note.clone()));
            } else {
                is_news = true;
                let before = known.first().map(|entry| line::show_facts(&entry.line.facts));
                changed = changed.or(before.map(|before| (before, line::show_facts(&facts))));
            }
            known.iter_mut().for_each(|entry| entry.state = KnownState::Occurred);
        }
        for entry in self.entries.get_mut(reference).into_iter().flatten() {
            if entry.state == KnownState::NotCompared {
                entry.state = KnownState::Gone;
            }
        }
        match changed {
            Some((before, now)) => Acceptance::Changed(format!("accepted with {before}, and now {now}")),
            None if is_news || !has_difference => Acceptance::Counted,
            None => Acceptance::Accepted(notes.join("; ")),
        }
    }

    fn accept_if_requested(&mut self, reference: &str, class: Class, facts: &Facts) {
        for (request, accepted_for) in self.requested.iter_mut().filter(|(request, _)| request.class == class) {
            let Some(note) = request.note_for(reference) else { continue };
            if accepted_for.get_or_insert_with(|| reference.to_owned()) != reference {
                continue;
            }
            let known = self.entries.entry(reference.to_owned()).or_default();
            let earlier = known.iter().position(|entry| entry.line.class == class).map(|at| known.remove(at));
            let note = match earlier {
                Some(earlier) if note.is_empty() && earlier.line.matches(facts) && earlier.line.facts == *facts => {
                    earlier.line.note
                }
                _ if note.is_empty() => self.today.clone(),
                _ => format!("{note}, {}", self.today),
            };
            let line = KnownLine { class, reference: reference.to_owned(), facts: facts.clone(), note };
            self.accepted_now.push(line.clone());
            known.push(KnownEntry { line, state: KnownState::Occurred });
        }
    }

    /// Counts the accepted differences.
    pub fn entries(&self) -> usize {
        self.entries.values().map(Vec::len).sum()
    }

    /// Returns the entries to write into the file.
    pub fn accepted_now(&self) -> &[KnownLine] {
        &self.accepted_now
    }

    /// Returns the requests that no difference of this run matched.
    pub fn unmatched_requests(&self) -> impl Iterator<Item = &AcceptArg> {
        self.requested.iter().filter(|(_, accepted_for)| accepted_for.is_none()).map(|(request, _)| request)
    }

    /// Lists the accepted differences whose reference was compared and has none any more, sorted.
    pub fn gone(&self) -> Vec<&KnownLine> {
        self.lines(KnownState::Gone)
    }

    /// Lists the accepted differences whose reference was not compared in this run, sorted.
    pub fn not_compared(&self) -> Vec<&KnownLine> {
        self.lines(KnownState::NotCompared)
    }

    fn lines(&self, state: KnownState) -> Vec<&KnownLine> {
        let entries = self.entries.values().flatten().filter(|entry| entry.state == state);
        let mut lines: Vec<_> = entries.map(|entry| &entry.line).collect();
        lines.sort_by_key(|line| line.key());
        lines
    }
}

/// Adds entries to the text of a file, each at its place in the order of classes and references. An
/// entry for the same class and reference is replaced; all other lines stay as they are.
pub fn update_file(text: &str, entries: &[KnownLine]) -> Result<String, KnownLineError> {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let start = if text.trim().is_empty() { line::HEADER } else { text };
    let mut lines: Vec<(Option<(String, String)>, String)> = Vec::new();
    for (index, text) in start.lines().enumerate() {
        let key = match parse_line(text).map_err(|reason| KnownLineError { line: index + 1, reason })? {
            FileLine::Blank => None,
            FileLine::Entry(entry) => Some(entry.key()),
        };
        lines.push((key, text.to_owned()));
    }
    for entry in entries {
        let key = entry.key();
        let new = (Some(key.clone()), entry.to_string());
        let same = lines.iter().position(|(known, _)| known.as_ref() == Some(&key));
        let next = lines.iter().position(|(known, _)| known.as_ref().is_some_and(|known| *known > key));
        match (same, next) {
            (Some(at), _) => lines[at] = new,
            (None, Some(at)) => lines.insert(at, new),
            (None, None) => lines.push(new),
        }
    }
    Ok(lines.into_iter().map(|(_, line)| line + end).collect())
}

/// Returns true if an accepted difference may be of this class.
fn can_be_accepted(class: Class) -> bool {
    class.is_difference()
}

#[cfg(test)]
mod tests;
