//! Candidates for the key, each with its causes, and the credentials that they are made of.
//!
//! `keys` lists them; `body` and `frame` have candidates of their own.

use super::cause::Cause;
use super::keys::{self, fault::find_fault};
use super::search::Class;
use crate::model::secret::Secret;
use crate::model::signature::{Key, Signer};
use crate::provider::{self, Provider};
use std::sync::{Arc, OnceLock};

/// The secrets and API keys with which a signature may have been made.
pub struct Credentials<'a> {
    /// The signing secrets of all providers.
    pub keys: &'a [Key],
    /// API keys under the names of their variables; people confuse them with signing secrets.
    pub api_keys: &'a [(String, String)],
    candidates: KeyCandidates,
}

/// The candidates for each provider, made at first use. Clones share them.
#[derive(Clone, Default)]
pub struct KeyCandidates(Arc<OnceLock<Vec<ProviderKeys>>>);

impl KeyCandidates {
    /// Returns true if one is a clone of the other.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

struct ProviderKeys {
    /// The provider's `name()`.
    provider: &'static str,
    keys: Vec<Candidate>,
    /// Causes that the secrets show without any request.
    faults: Vec<Cause>,
}

impl<'a> Credentials<'a> {
    pub fn new(keys: &'a [Key], api_keys: &'a [(String, String)]) -> Self {
        Self::with_candidates(keys, api_keys, KeyCandidates::default())
    }

    /// Reuses the candidates that were made of the same secrets and API keys.
    pub(crate) fn with_candidates(
        keys: &'a [Key],
        api_keys: &'a [(String, String)],
        candidates: KeyCandidates,
    ) -> Self {
        Self { keys, api_keys, candidates }
    }

    /// Returns the keys that may have signed a request of this provider.
    pub(super) fn candidates(&self, provider: &dyn Provider) -> &[Candidate] {
        self.of_provider(provider).map_or(&[], |known| &known.keys)
    }

    /// Returns the causes that the secrets of this provider show without any request.
    pub(super) fn faults(&self, provider: &dyn Provider) -> &[Cause] {
        self.of_provider(provider).map_or(&[], |known| &known.faults)
    }

    fn of_provider(&self, provider: &dyn Provider) -> Option<&ProviderKeys> {
        let list = |each: &&dyn Provider| ProviderKeys {
            provider: each.name(),
            keys: keys::keys(*each, self),
            faults: self.find_faults(*each),
        };
        let all = self.candidates.0.get_or_init(|| provider::ALL.iter().map(list).collect());
        all.iter().find(|each| each.provider == provider.name())
    }

    fn find_faults(&self, provider: &dyn Provider) -> Vec<Cause> {
        let secrets = self.keys.iter().map(|key| &key.secret).filter(|secret| secret.provider == provider.name());
        let fault = |own: &Secret| find_fault(own.expose(), &own.origin.to_string(), provider);
        secrets.filter_map(|own| Some(fault(own)?.cause)).collect()
    }
}

/// A key that may have been used in signing.
pub(super) struct Candidate {
    pub bytes: Vec<u8>,
    /// A signer whose key block is already hashed.
    pub signer: Signer,
    /// Empty: this key should have been used. Several are one change: a chain of faults.
    pub causes: Vec<Cause>,
    /// Tried after all others, and combined with other changes only if the allowance is left.
    pub is_rare: bool,
}

impl Candidate {
    pub(super) fn new(bytes: impl Into<Vec<u8>>, causes: Vec<Cause>) -> Self {
        let bytes = bytes.into();
        Self { signer: Signer::with_key(&bytes), bytes, causes, is_rare: false }
    }

    /// Marks a key that is tried after all others.
    pub(super) fn rare(self) -> Self {
        Self { is_rare: true, ..self }
    }

    pub(super) fn class(&self) -> Class {
        match (self.causes.is_empty(), self.is_rare) {
            (true, _) => Class::Base,
            (false, true) => Class::Rare,
            (false, false) => Class::Usual,
        }
    }
}
