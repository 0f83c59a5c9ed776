//! Candidates for the key, each with its causes, and the credentials that they are made of.
//!
//! `keys` lists them; `body` and `frame` have candidates of their own.

use super::cause::Cause;
use super::keys;
use super::search::Class;
use crate::model::signature::{Key, Signer};
use crate::provider::{self, Provider};
use std::sync::OnceLock;

/// The secrets and API keys with which a signature may have been made.
pub struct Credentials<'a> {
    /// The signing secrets of all providers.
    pub keys: &'a [Key],
    /// API keys under the names of their variables; people confuse them with signing secrets.
    pub api_keys: &'a [(String, String)],
    /// The candidates for each provider, made once for all requests.
    candidates: OnceLock<Vec<(&'static str, Vec<Candidate>)>>,
}

impl<'a> Credentials<'a> {
    pub fn new(keys: &'a [Key], api_keys: &'a [(String, String)]) -> Self {
        Self { keys, api_keys, candidates: OnceLock::new() }
    }

    /// Returns the keys that may have signed a request of this provider.
    pub(super) fn candidates(&self, provider: &dyn Provider) -> &[Candidate] {
        let make = || provider::ALL.iter().map(|each| (each.name(), keys::keys(*each, self))).collect();
        let all = self.candidates.get_or_init(make);
        all.iter().find(|(name, _)| *name == provider.name()).map_or(&[], |(_, candidates)| candidates)
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
