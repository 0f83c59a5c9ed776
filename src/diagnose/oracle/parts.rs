//! The candidates for every part of a signature, and which of them are combined.

use super::WrongSigning;
use super::notation::{NOTATIONS, Notation};
use super::secrets::HandlerSecrets;
use super::stamp::{Stamp, stamps};
use crate::diagnose::body::BodyVariants;
use crate::diagnose::budget::HashAllowance;
use crate::diagnose::cause::Cause;
use crate::diagnose::hash::HashFunction;
use crate::diagnose::search::Class;
use crate::model::message::Request;
use crate::model::timestamp::Timestamp;
use crate::provider::Provider;

/// Numbers of the likeliest mistakes of each list that are combined with others.
const PAIRED_STAMPS: usize = 6;
const PAIRED_KEYS: usize = 10;
const PAIRED_BODIES: usize = 6;
const PAIRED_FUNCTIONS: usize = 4;

/// Bytes that a handler may hash or use as its key.
pub(super) struct Part {
    pub bytes: Vec<u8>,
    /// Empty: these bytes are correct.
    pub causes: Vec<Cause>,
    pub is_rare: bool,
}

/// The candidates for one event. The first of each list is correct.
pub(super) struct Parts<'a> {
    keys: &'a [Part],
    stamps: Vec<Stamp>,
    bodies: Vec<Part>,
    functions: Vec<HashFunction>,
    /// Those that the provider documents come first.
    notations: Vec<(&'static Notation, Option<Cause>)>,
}

/// Indices into the lists of candidates.
#[derive(Clone, Copy, Default)]
struct Choice {
    key: usize,
    stamp: usize,
    body: usize,
    function: usize,
    notation: usize,
}

impl<'a> Parts<'a> {
    pub(super) fn new(
        provider: &dyn Provider,
        secrets: &'a HandlerSecrets,
        request: &'a Request,
        now: Timestamp,
    ) -> Self {
        let cause = |notation: &Notation| (!notation.is_documented(provider)).then(|| notation.cause());
        let mut notations: Vec<_> = NOTATIONS.iter().map(|notation| (notation, cause(notation))).collect();
        notations.sort_by_key(|(_, cause)| cause.is_some());
        Self {
            keys: secrets.keys(),
            stamps: stamps(provider, request, now),
            bodies: bodies(&request.body),
            functions: functions(),
            notations,
        }
    }

    pub(super) fn correct(&self) -> WrongSigning {
        self.sign(Choice::default())
    }

    /// Returns the correct signatures in every documented notation.
    pub(super) fn correct_forms(&self) -> Vec<WrongSigning> {
        self.documented().map(|notation| self.sign(Choice { notation, ..Choice::default() })).collect()
    }

    /// Lists the signatures with one mistake: the usual ones, or the rare ones.
    pub(super) fn singles(&self, is_rare: bool) -> Vec<WrongSigning> {
        let mut choices = Vec::new();
        if !is_rare {
            choices.extend((0..self.notations.len()).map(|notation| Choice { notation, ..Choice::default() }));
        }
        for notation in self.documented() {
            let base = Choice { notation, ..Choice::default() };
            let stamps = self.stamps(is_rare, usize::MAX).map(|stamp| Choice { stamp, ..base });
            let keys = select(self.keys, is_rare, usize::MAX).map(|key| Choice { key, ..base });
            let bodies = select(&self.bodies, is_rare, usize::MAX).map(|body| Choice { body, ..base });
            if is_rare {
                choices.extend(bodies.chain(keys).chain(stamps));
            } else {
                let functions = (1..self.functions.len()).map(|function| Choice { function, ..base });
                choices.extend(stamps.chain(keys).chain(functions).chain(bodies));
            }
        }
        self.sign_all(choices)
    }

    /// Lists the signatures with two likely mistakes.
    pub(super) fn pairs(&self) -> Vec<WrongSigning> {
        let functions = || 1..self.functions.len().min(PAIRED_FUNCTIONS + 1);
        let mut choices = Vec::new();
        let documented: Vec<_> = self.documented().collect();
        let is_common = |notation: &usize| self.notations[*notation].0.is_common && !documented.contains(notation);
        for notation in (0..self.notations.len()).filter(is_common) {
            let base = Choice { notation, ..Choice::default() };
            choices.extend(self.stamps(false, PAIRED_STAMPS).map(|stamp| Choice { stamp, ..base }));
            choices.extend(select(self.keys, false, PAIRED_KEYS).map(|key| Choice { key, ..base }));
            choices.extend(functions().map(|function| Choice { function, ..base }));
            choices.extend(select(&self.bodies, false, PAIRED_BODIES).map(|body| Choice { body, ..base }));
        }
        for &notation in &documented {
            let base = Choice { notation, ..Choice::default() };
            for stamp in self.stamps(false, PAIRED_STAMPS) {
                choices.extend(select(self.keys, false, PAIRED_KEYS).map(|key| Choice { stamp, key, ..base }));
                choices.extend(functions().map(|function| Choice { stamp, function, ..base }));
                choices.extend(select(&self.bodies, false, PAIRED_BODIES).map(|body| Choice { stamp, body, ..base }));
            }
            for body in select(&self.bodies, false, PAIRED_BODIES) {
                choices.extend(select(self.keys, false, PAIRED_KEYS).map(|key| Choice { body, key, ..base }));
            }
        }
        self.sign_all(choices)
    }

    /// Lists the first stamps of this kind, without the correct one.
    fn stamps(&self, is_rare: bool, most: usize) -> impl Iterator<Item = usize> {
        (1..self.stamps.len()).filter(move |&at| self.stamps[at].is_rare == is_rare).take(most)
    }

    fn documented(&self) -> impl Iterator<Item = usize> {
        (0..self.notations.len()).take_while(|&at| self.notations[at].1.is_none())
    }

    /// Signs each, without those that need no mistake.
    fn sign_all(&self, choices: Vec<Choice>) -> Vec<WrongSigning> {
        choices.into_iter().map(|choice| self.sign(choice)).filter(|signing| !signing.causes.is_empty()).collect()
    }

    fn sign(&self, choice: Choice) -> WrongSigning {
        let Choice { key, stamp, body, function, notation } = choice;
        let (key, stamp, body) = (&self.keys[key], &self.stamps[stamp], &self.bodies[body]);
        let function = &self.functions[function];
        let (notation, notation_cause) = &self.notations[notation];
        let causes = notation_cause.iter().chain(&key.causes).chain(&stamp.causes).chain(&body.causes).cloned();
        WrongSigning {
            causes: function.causes.iter().cloned().chain(causes).collect(),
            timestamp: stamp.header.clone(),
            digest: function.digest(&key.bytes, &[&stamp.before, &body.bytes, &stamp.after]),
            notation,
            rule: None,
        }
    }
}

/// Lists the first candidates of this kind, without the correct one.
fn select(list: &[Part], is_rare: bool, most: usize) -> impl Iterator<Item = usize> {
    (1..list.len()).filter(move |&at| list[at].is_rare == is_rare).take(most)
}

/// Lists the received body, and the bodies that one change makes of it.
fn bodies(body: &[u8]) -> Vec<Part> {
    let variants = BodyVariants::new(body);
    let mut allowance = HashAllowance::THOROUGH;
    let mut parts = vec![Part { bytes: body.to_vec(), causes: Vec::new(), is_rare: false }];
    for (class, is_rare) in [(Class::Usual, false), (Class::Rare, true)] {
        for index in variants.group(class) {
            if let Ok(Some(bytes)) = variants.build(index, &mut allowance) {
                let (bytes, causes) = (bytes.into_owned(), variants.digest_causes(index));
                parts.push(Part { bytes, causes, is_rare });
            }
        }
    }
    parts
}

/// Lists the functions of all algorithms; the first one is HMAC-SHA256.
fn functions() -> Vec<HashFunction> {
    let digits = [64, 128, 40, 32, 96, 56];
    HashFunction::list(&digits).into_iter().filter(|function| !function.is_rare).collect()
}
