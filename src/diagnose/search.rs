//! The search: which candidates, put together, give the signature that is there.
//!
//! A signature that matches is a proof, so nothing is ever guessed here. Work is counted in bytes hashed and bounded.

use super::Cause;
use super::candidate::Candidate;
use super::given::Given;
use crate::signature::{Mac, Signer};
use sha2::{Digest, Sha256};

/// How many bytes may still be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort(pub u64);

impl Effort {
    /// Enough for two changes at once on a body of 10 kB and for one change on one of 1 MB: some 60 ms.
    pub const THOROUGH: Self = Self(64 << 20);
    /// For a person who waits for one answer: a second or two.
    pub const PATIENT: Self = Self(2 << 30);
    /// Enough for one change on a body of a kilobyte, and for the likeliest pairs: a tenth of a millisecond or so.
    pub const BRIEF: Self = Self(256 << 10);

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
}

/// What may have been signed.
pub(super) struct Space<'a> {
    pub given: Vec<Given>,
    pub keys: Vec<Candidate<'a>>,
    pub prefixes: Vec<Candidate<'a>>,
    pub bodies: Vec<Candidate<'a>>,
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
        let count = |candidate: &Candidate<'_>| usize::from(candidate.cause.is_some());
        for body in self.bodies.iter().filter(|body| count(body) <= changes) {
            let keys = self.keys.iter().zip(signers).filter(|(key, _)| count(body) + count(key) <= changes);
            for (key, start) in keys {
                let others = self.prefixes.iter().filter(|prefix| count(body) + count(key) + count(prefix) == changes);
                for prefix in others {
                    if !effort.spend(prefix.bytes.len() + body.bytes.len()) {
                        return None;
                    }
                    let mut signer = start.clone();
                    signer.update(&prefix.bytes);
                    signer.update(&body.bytes);
                    if let Some(given) = self.matching(&signer.finish()) {
                        let parts = [key, prefix, body].into_iter().filter_map(|part| part.cause.clone());
                        return Some(given.faults.iter().cloned().chain(parts).collect());
                    }
                }
            }
        }
        None
    }

    /// Whether somebody took a plain hash for an HMAC.
    pub(super) fn plain_hash(&self, effort: &mut Effort) -> Option<Vec<Cause>> {
        let (key, body) = (&self.keys.first()?.bytes, &self.bodies.first()?.bytes);
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
