//! Candidates for the key, each with its causes. `keys` lists them, `body` and `frame` have their own.

use super::cause::Cause;
use super::search::Class;
use crate::model::signature::Key;
use std::borrow::Cow;

/// The secrets and API keys with which a signature may have been made.
pub struct Credentials<'a> {
    /// The signing secrets of all providers.
    pub keys: &'a [Key],
    /// API keys under the names of their variables; people confuse them with signing secrets.
    pub api_keys: &'a [(String, String)],
}

/// Bytes that may have been used in signing.
pub(super) struct Candidate<'a> {
    pub bytes: Cow<'a, [u8]>,
    /// Empty: these bytes should have been used. Several are one change: a chain of faults.
    pub causes: Vec<Cause>,
    /// Tried after all others, and combined with other changes only if the allowance is left.
    pub is_rare: bool,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(bytes: impl Into<Cow<'a, [u8]>>, cause: Cause) -> Self {
        Self { bytes: bytes.into(), causes: vec![cause], is_rare: false }
    }

    pub(super) fn class(&self) -> Class {
        match (self.causes.is_empty(), self.is_rare) {
            (true, _) => Class::Base,
            (false, true) => Class::Rare,
            (false, false) => Class::Usual,
        }
    }

    pub(super) fn correct(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { bytes: bytes.into(), causes: Vec::new(), is_rare: false }
    }
}
