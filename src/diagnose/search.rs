//! Searches for the combination of candidates that gives a signature of the request.
//!
//! A signature that matches is a proof: nothing is guessed here. An allowance limits the work.

use super::body::BodyVariants;
use super::budget::{Exhausted, HashAllowance};
use super::candidate::Candidate;
use super::cause::Cause;
use super::header_signatures::HeaderSignature;
use super::kinds;
use crate::model::signature::{Mac, Signer};
use sha2::{Digest, Sha256};

/// The signatures of a request, and the keys, prefixes and bodies that may have given one of them.
pub(super) struct SearchSpace<'a> {
    pub signatures: Vec<HeaderSignature>,
    pub keys: Vec<Candidate<'a>>,
    pub prefixes: Vec<Candidate<'a>>,
    pub bodies: BodyVariants<'a>,
}

/// The keys that are tried with other changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    All,
    Usual,
    Rare,
}

impl Keys {
    /// Chooses the keys for this number of changes: rare ones are first tried alone.
    pub(super) fn of(changes: usize) -> Self {
        if changes < MAX_CHANGES { Self::All } else { Self::Usual }
    }

    pub(super) fn includes(self, key: &Candidate<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Usual => !key.is_rare,
            Self::Rare => key.is_rare,
        }
    }
}

/// The largest number of changes that are combined, apart from how the signature is written.
const MAX_CHANGES: usize = 2;

impl SearchSpace<'_> {
    /// Finds the smallest set of causes that explains a signature, the likeliest first. An empty
    /// set means that the signature is right. `None`: nothing explains it within the allowance.
    pub(super) fn find_causes(&self, allowance: &mut HashAllowance) -> Option<Vec<Cause>> {
        // One signer per key, so that a key's block is hashed once for all messages.
        let signers: Vec<_> = self.keys.iter().map(|key| Signer::with_key(&key.bytes)).collect();
        let find = |changes, keys, allowance: &mut _| self.find_with_changes(changes, keys, &signers, allowance);
        let found = (0..=MAX_CHANGES).find_map(|changes| find(changes, Keys::of(changes), allowance));
        found.or_else(|| allowance.spend_on_rare(|allowance| find(MAX_CHANGES, Keys::Rare, allowance)))
    }

    fn find_with_changes(
        &self,
        changes: usize,
        keys: Keys,
        signers: &[Signer],
        allowance: &mut HashAllowance,
    ) -> Option<Vec<Cause>> {
        for index in self.bodies.indices() {
            let found = match index {
                None => self.find_with_body(self.bodies.received(), changes, keys, signers, allowance),
                Some(index) => match changes.checked_sub(self.bodies.changes(index)) {
                    None => None,
                    Some(rest) if rest > 0 && !self.bodies.is_usual(index) => None,
                    Some(rest) => match self.bodies.build(index, allowance) {
                        Err(Exhausted) => return None,
                        Ok(None) => None,
                        Ok(Some(body)) => {
                            self.find_with_body(&body, rest, keys, signers, allowance).map(|mut causes| {
                                causes.extend(self.bodies.causes(index));
                                causes
                            })
                        }
                    },
                },
            };
            if found.is_some() || allowance.is_spent() {
                return found;
            }
        }
        None
    }

    /// Tries the pairs of key and prefix that need exactly `changes` changes.
    fn find_with_body(
        &self,
        body: &[u8],
        changes: usize,
        keys: Keys,
        signers: &[Signer],
        allowance: &mut HashAllowance,
    ) -> Option<Vec<Cause>> {
        let count = |candidate: &Candidate<'_>| usize::from(!candidate.causes.is_empty());
        for (key, signer) in
            self.keys.iter().zip(signers).filter(|(key, _)| count(key) <= changes && keys.includes(key))
        {
            for prefix in self.prefixes.iter().filter(|prefix| count(key) + count(prefix) == changes) {
                if !allowance.spend(prefix.bytes.len() + body.len()) {
                    return None;
                }
                let mut signer = signer.clone();
                signer.update(&prefix.bytes);
                signer.update(body);
                if let Some(signature) = self.find_signature(&signer.finish()) {
                    let causes = [key, prefix].into_iter().flat_map(|part| part.causes.clone());
                    return Some(signature.faults.iter().cloned().chain(causes).collect());
                }
            }
        }
        None
    }

    /// Finds a signature that is a plain hash instead of an HMAC.
    pub(super) fn find_plain_hash(&self, allowance: &mut HashAllowance) -> Option<Vec<Cause>> {
        let key = &self.keys.first().filter(|key| key.causes.is_empty())?.bytes;
        let body = self.bodies.received();
        let attempts: [(&str, [&[u8]; 2]); 3] = [
            ("the SHA-256 of the body", [b"", body]),
            ("the SHA-256 of the secret followed by the body", [key, body]),
            ("the SHA-256 of the body followed by the secret", [body, key]),
        ];
        for (what, parts) in attempts {
            if !allowance.spend(body.len()) {
                return None;
            }
            let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
            if let Some(signature) = self.find_signature(&hash.into()) {
                let cause = Cause::new(&kinds::digest::NOT_HMAC).with("what", what);
                return Some(signature.faults.iter().cloned().chain([cause]).collect());
            }
        }
        None
    }

    pub(super) fn find_signature(&self, mac: &Mac) -> Option<&HeaderSignature> {
        self.signatures.iter().find(|signature| signature.mac == *mac)
    }
}
