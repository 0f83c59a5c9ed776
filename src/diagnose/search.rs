//! Searches for the combination of candidates that gives a digest of the request.
//!
//! A digest that matches is a proof: nothing is guessed here. An allowance limits the work.

use super::body::BodyVariants;
use super::budget::{Exhausted, HashAllowance};
use super::candidate::Candidate;
use super::cause::Cause;
use super::frame::{Frame, Frames};
use super::hash::HashFunction;
use super::signature::Target;

/// The digests to explain, and the bodies, keys, frames and functions that may have given one.
pub(super) struct SearchSpace<'a> {
    pub targets: Vec<Target>,
    pub bodies: BodyVariants<'a>,
    /// Describes a variant of the body: what happened to the request, or what code did with it.
    pub body_causes: fn(&BodyVariants<'a>, usize) -> Vec<Cause>,
    pub keys: &'a [Candidate],
    pub frames: Frames<'a>,
    pub functions: Vec<HashFunction>,
}

/// The causes that together explain a digest. All empty: it is correct.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Explanation {
    /// Faults of the digest's notation, or of the header it is in.
    pub target: Vec<Cause>,
    pub function: Vec<Cause>,
    pub key: Vec<Cause>,
    pub frame: Vec<Cause>,
    pub body: Vec<Cause>,
}

/// The outcome of a search.
pub(super) enum SearchOutcome {
    Explained(Explanation),
    /// No single change and no usual pair of changes explains it.
    NotExplained,
    /// The allowance ended before these were tried.
    Exhausted,
}

/// A class of the candidates of one list, by what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// What should have been used, or what the request shows.
    Base,
    /// A likely change.
    Usual,
    /// A change that is combined with others last.
    Rare,
    /// Two changes.
    Pair,
}

/// The lists, in the order in which single changes of them are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Body,
    Frame,
    Key,
    Function,
}

/// The class of each list's candidates that are tried together.
type Choice = [Class; 4];

const BASE: Choice = [Class::Base; 4];
const SINGLES: [List; 4] = [List::Body, List::Frame, List::Key, List::Function];
/// Pairs of lists, the likeliest first.
const PAIRS: [[List; 2]; 6] = [
    [List::Key, List::Body],
    [List::Frame, List::Body],
    [List::Frame, List::Key],
    [List::Frame, List::Function],
    [List::Key, List::Function],
    [List::Body, List::Function],
];

/// Lists the choices in the order in which they are tried. The second value is the number of those
/// that have to be tried before a search counts as complete.
fn choices() -> (Vec<Choice>, usize) {
    let with = |lists: &[(List, Class)]| {
        let mut choice = BASE;
        lists.iter().for_each(|(list, class)| choice[*list as usize] = *class);
        choice
    };
    let mut found = vec![BASE];
    for class in [Class::Usual, Class::Rare] {
        found.extend(SINGLES.map(|list| with(&[(list, class)])));
    }
    found.extend(PAIRS.map(|[one, other]| with(&[(one, Class::Usual), (other, Class::Usual)])));
    let required = found.len();
    found.extend([List::Body, List::Frame].map(|list| with(&[(list, Class::Pair)])));
    for [one, other] in PAIRS {
        found.push(with(&[(one, Class::Usual), (other, Class::Rare)]));
        found.push(with(&[(one, Class::Rare), (other, Class::Usual)]));
    }
    found.extend(PAIRS.map(|[one, other]| with(&[(one, Class::Rare), (other, Class::Rare)])));
    (found, required)
}

impl SearchSpace<'_> {
    /// Finds the smallest and likeliest set of causes that explains a digest.
    pub(super) fn explain(&self, allowance: &mut HashAllowance) -> SearchOutcome {
        let (choices, required) = choices();
        for (index, choice) in choices.into_iter().enumerate() {
            if let Some(explanation) = self.try_choice(choice, allowance) {
                return SearchOutcome::Explained(explanation);
            }
            if allowance.is_spent() {
                return if index < required { SearchOutcome::Exhausted } else { SearchOutcome::NotExplained };
            }
        }
        SearchOutcome::NotExplained
    }

    fn try_choice(
        &self,
        [body_class, frame_class, key_class, function_class]: Choice,
        allowance: &mut HashAllowance,
    ) -> Option<Explanation> {
        let frames: Vec<_> = self.frames.group(frame_class).collect();
        let keys: Vec<_> = self.keys.iter().filter(|key| key.class() == key_class).collect();
        let functions: Vec<_> = self.functions.iter().filter(|each| each.class() == function_class).collect();
        if frames.is_empty() || keys.is_empty() || functions.is_empty() {
            return None;
        }
        // A hash without a key is one mistake, with or without the timestamp.
        let unsigned_time = self.frames.group(Class::Usual).filter(|frame| frame.is_without_time());
        let for_hash: Vec<_> = frames.iter().copied().chain(unsigned_time).collect();
        let try_body = |body: &[u8], allowance: &mut HashAllowance| {
            functions.iter().find_map(|function| {
                let is_plain = frame_class == Class::Base && function.ignores_time;
                let frames = if is_plain { &for_hash } else { &frames };
                let frames = frames.iter().copied().filter(|frame| !frame.is_whole || body_class == Class::Base);
                try_keys(&self.targets, body, function, &keys, frames, allowance)
            })
        };
        if body_class == Class::Base {
            return try_body(self.bodies.received(), allowance);
        }
        for index in self.bodies.group(body_class) {
            match self.bodies.build(index, allowance) {
                Err(Exhausted) => return None,
                Ok(None) => {}
                Ok(Some(body)) => {
                    if let Some(explanation) = try_body(&body, allowance) {
                        return Some(Explanation { body: (self.body_causes)(&self.bodies, index), ..explanation });
                    }
                }
            }
            if allowance.is_spent() {
                return None;
            }
        }
        None
    }

    pub(super) fn find_target(&self, digest: &[u8]) -> Option<Vec<Cause>> {
        find_target(&self.targets, digest)
    }
}

fn find_target(targets: &[Target], digest: &[u8]) -> Option<Vec<Cause>> {
    targets.iter().find_map(|target| target.compare(digest))
}

/// Computes the digests of one body with each pair of key and frame.
fn try_keys<'f>(
    targets: &[Target],
    body: &[u8],
    function: &HashFunction,
    keys: &[&Candidate],
    frames: impl Iterator<Item = &'f Frame> + Clone,
    allowance: &mut HashAllowance,
) -> Option<Explanation> {
    let count = if function.ignores_key { 1 } else { keys.len() };
    for key in &keys[..count] {
        if function.ignores_key && key.class() != Class::Base {
            return None;
        }
        for frame in frames.clone() {
            let body = if frame.is_whole { b"" } else { body };
            if !allowance.spend(frame.before.len() + body.len() + frame.after.len()) {
                return None;
            }
            let found = if function.is_correct() {
                let mut signer = key.signer.clone();
                signer.update(&frame.before);
                signer.update(body);
                signer.update(&frame.after);
                find_target(targets, &signer.finish())
            } else {
                find_target(targets, &function.digest(&key.bytes, &[&frame.before, body, &frame.after]))
            };
            let Some(target) = found else { continue };
            let is_ignored = function.ignores_time && frame.is_without_time();
            return Some(Explanation {
                target,
                function: function.causes.clone(),
                key: key.causes.clone(),
                frame: if is_ignored { Vec::new() } else { frame.causes() },
                body: Vec::new(),
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_changes_come_before_pairs_and_likely_ones_before_rare_ones() {
        let (choices, required) = choices();
        let changes = |choice: &Choice| -> usize {
            let count = |class: &Class| match class {
                Class::Base => 0,
                Class::Usual | Class::Rare => 1,
                Class::Pair => 2,
            };
            choice.iter().map(count).sum()
        };
        assert!(choices.is_sorted_by_key(changes));
        assert_eq!(choices.iter().map(changes).max(), Some(2));
        assert!(
            choices[..required]
                .iter()
                .filter(|choice| changes(choice) == 2)
                .all(|choice| !choice.contains(&Class::Rare))
        );
    }
}
