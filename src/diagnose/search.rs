//! The search: which candidates, put together, give the signature that is there.
//!
//! A signature that matches is a proof, so nothing is ever guessed here. Work is counted in bytes hashed and bounded.

use super::Cause;
use super::body::{Bodies, Spent};
use super::candidate::Candidate;
use super::given::Given;
use crate::model::signature::{Mac, Signer};
use sha2::{Digest, Sha256};

/// How many bytes may still be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort(pub u64);

impl Effort {
    /// The likeliest changes of a body of a kilobyte, one at a time: a tenth of a millisecond or two.
    pub const BRIEF: Self = Self(256 << 10);
    /// Another digit, or a flipped bit, in a body of 200 bytes: half a millisecond.
    const BRIEF_BYTES: Self = Self(512 << 10);
    /// Two changes at once on a body of some kilobytes, the likeliest ones on a body of a megabyte: up to 30 ms.
    pub const USUAL: Self = Self(32 << 20);
    /// Two changes at once on a body of 10 kB: some 60 ms.
    pub const THOROUGH: Self = Self(64 << 20);
    /// For a person who waits for one answer, however large the body: some seconds.
    pub const PATIENT: Self = Self(1 << 30);
    /// What looking for one changed byte in one request may cost: half a tenth of a second. It grows with the square of the body.
    const MOST_FOR_BYTES: Self = Self(96 << 20);

    /// Whether nothing is left.
    pub fn is_spent(self) -> bool {
        self.0 == 0
    }

    /// Takes what hashing so many bytes costs; `false` when that much is not left.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        // The inner and outer key blocks and the final blocks of an HMAC are about four blocks more.
        let cost = bytes as u64 + 256;
        self.0 = self.0.saturating_sub(cost);
        self.0 > 0
    }

    /// Takes up to `most` out.
    fn draw(&mut self, most: Self) -> Self {
        let drawn = Self(self.0.min(most.0));
        self.0 -= drawn.0;
        drawn
    }
}

/// What may be spent on many requests together. What one leaves is there for the next; a number of them have a brief look in any
/// case; and looking for a single changed byte, which costs most, has a share of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse {
    changes: Effort,
    bytes: Effort,
    brief_looks: u32,
}

impl Purse {
    /// So much for both kinds of search together, and so many brief looks.
    pub const fn of(effort: Effort, brief_looks: u32) -> Self {
        let half = Effort(effort.0 / 2);
        Self { changes: half, bytes: half, brief_looks }
    }

    /// Takes shares out for one request: for finding what changed, and for finding a changed byte.
    pub(super) fn draw(&mut self, most: Effort) -> (Effort, Effort) {
        let (changes, bytes) = (self.changes.draw(most), self.bytes.draw(Effort::MOST_FOR_BYTES));
        if changes.0 >= Effort::BRIEF.0 && bytes.0 >= Effort::BRIEF_BYTES.0 {
            return (changes, bytes);
        }
        if self.brief_looks == 0 {
            return (changes, bytes);
        }
        self.brief_looks -= 1;
        (Effort(changes.0.max(Effort::BRIEF.0)), Effort(bytes.0.max(Effort::BRIEF_BYTES.0)))
    }

    /// Puts back what is left of them.
    pub(super) fn put_back(&mut self, changes: Effort, bytes: Effort) {
        self.changes.0 = self.changes.0.saturating_add(changes.0);
        self.bytes.0 = self.bytes.0.saturating_add(bytes.0);
    }
}

/// What may have been signed.
pub(super) struct Space<'a> {
    pub given: Vec<Given>,
    pub keys: Vec<Candidate<'a>>,
    pub prefixes: Vec<Candidate<'a>>,
    pub bodies: Bodies<'a>,
}

/// At most so many things are taken to have gone wrong at once, apart from how the signature is written.
const MOST_CHANGES: usize = 2;

impl Space<'_> {
    /// The smallest set of causes that explains a signature, the likeliest first; an empty one means it is right as it is.
    /// `None`: nothing does, as far as the effort goes.
    pub(super) fn explanation(&self, effort: &mut Effort) -> Option<Vec<Cause>> {
        let signers: Vec<_> = self.keys.iter().map(|key| Signer::with_key(&key.bytes)).collect();
        (0..=MOST_CHANGES).find_map(|changes| self.with_changes(changes, &signers, effort))
    }

    /// `signers` are those of the keys, in their order: a key is made ready once for all that it may have signed.
    fn with_changes(&self, changes: usize, signers: &[Signer], effort: &mut Effort) -> Option<Vec<Cause>> {
        for place in self.bodies.order() {
            let found = match place {
                None => self.with_body(self.bodies.here(), changes, signers, effort),
                Some(_) if changes == 0 => None,
                Some(place) => match self.bodies.make(place, effort) {
                    Err(Spent) => return None,
                    Ok(None) => None,
                    Ok(Some(body)) => self.with_body(&body, changes - 1, signers, effort).map(|mut causes| {
                        causes.push(self.bodies.cause(place));
                        causes
                    }),
                },
            };
            if found.is_some() || effort.is_spent() {
                return found;
            }
        }
        None
    }

    /// Tries the keys and prefixes that need just so many changes together.
    fn with_body(&self, body: &[u8], changes: usize, signers: &[Signer], effort: &mut Effort) -> Option<Vec<Cause>> {
        let count = |candidate: &Candidate<'_>| usize::from(candidate.cause.is_some());
        for (key, start) in self.keys.iter().zip(signers).filter(|(key, _)| count(key) <= changes) {
            for prefix in self.prefixes.iter().filter(|prefix| count(key) + count(prefix) == changes) {
                if !effort.spend(prefix.bytes.len() + body.len()) {
                    return None;
                }
                let mut signer = start.clone();
                signer.update(&prefix.bytes);
                signer.update(body);
                if let Some(given) = self.matching(&signer.finish()) {
                    let parts = [key, prefix].into_iter().filter_map(|part| part.cause.clone());
                    return Some(given.faults.iter().cloned().chain(parts).collect());
                }
            }
        }
        None
    }

    /// Whether somebody took a plain hash for an HMAC.
    pub(super) fn plain_hash(&self, effort: &mut Effort) -> Option<Vec<Cause>> {
        let key = &self.keys.first().filter(|key| key.cause.is_none())?.bytes;
        let body = self.bodies.here();
        let attempts: [(&str, [&[u8]; 2]); 3] = [
            ("the SHA-256 of the body", [b"", body]),
            ("the SHA-256 of secret and body in a row", [key, body]),
            ("the SHA-256 of body and secret in a row", [body, key]),
        ];
        for (what, parts) in attempts {
            if !effort.spend(body.len()) {
                return None;
            }
            let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
            if let Some(given) = self.matching(&hash.into()) {
                return Some(given.faults.iter().cloned().chain([Cause::NotHmac { what }]).collect());
            }
        }
        None
    }

    pub(super) fn matching(&self, mac: &Mac) -> Option<&Given> {
        self.given.iter().find(|given| given.mac == *mac)
    }
}
