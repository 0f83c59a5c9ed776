//! Signs an event as faulty handlers would: with a wrong key, text, hash, notation or clock.
//!
//! A handler that rejects every correct event accepts one that is signed with its own mistake. So
//! `check` sends these one after the other; the one that is accepted proves the mistake. The
//! candidates are those of the search for causes, and what only a handler can get wrong: the
//! notation that it expects, its clock, and the headers that it reads.

mod clock;
mod headers;
pub(super) mod kinds;
mod notation;
mod parts;
mod rule;
mod secrets;
mod stamp;

pub use clock::{TimeForm, clock_cause, clock_offsets, time_forms};
pub use headers::HeaderNames;
pub use secrets::HandlerSecrets;

use super::cause::Cause;
use crate::model::message::Request;
use crate::model::timestamp::Timestamp;
use crate::provider::Provider;
use notation::Notation;
use parts::Parts;
use rule::Rule;
use std::collections::HashSet;

/// An event's signature, made with a mistake or two.
#[derive(Clone)]
pub struct WrongSigning {
    /// The mistakes of a handler that accepts it.
    pub causes: Vec<Cause>,
    /// The text of the timestamp header.
    timestamp: String,
    digest: Vec<u8>,
    notation: &'static Notation,
    /// The rule of another service, whose headers are sent, too.
    rule: Option<&'static Rule>,
}

impl WrongSigning {
    /// Returns the headers of the signature under these names.
    pub fn headers(&self, names: HeaderNames) -> Vec<(&'static str, String)> {
        let signature = self.notation.write(&self.digest, &self.timestamp);
        let timestamp = names.timestamp.map(|name| (name, self.timestamp.clone()));
        let of_rule = self.rule.map(|rule| rule.headers(&signature, &self.timestamp)).unwrap_or_default();
        timestamp.into_iter().chain([(names.signature, signature)]).chain(of_rule).collect()
    }

    /// Returns the same with a wrong digest. A handler that accepts this, too, verifies nothing.
    #[must_use]
    pub fn forged(&self) -> Self {
        Self { digest: self.digest.iter().map(|byte| !byte).collect(), ..self.clone() }
    }

    /// Finds the signing with the same mistakes among those of another event or time. Its place may
    /// differ, since some mistakes make no difference to some bodies.
    pub fn find_in(&self, signings: &[Self], at: usize) -> Option<usize> {
        let texts = |signing: &Self| signing.causes.iter().map(Cause::digest_sentence).collect::<Vec<_>>();
        let codes = |signing: &Self| signing.causes.iter().map(Cause::code).collect::<Vec<_>>();
        let (own_texts, own_codes) = (texts(self), codes(self));
        let is_same = |signing: &Self| signing.notation.form == self.notation.form && texts(signing) == own_texts;
        // Some texts contain the time of signing.
        let is_alike = |signing: &Self| signing.notation.form == self.notation.form && codes(signing) == own_codes;
        // Two keys may have the same text, such as two ways to decode base64.
        let at_same_place = || signings.get(at).is_some_and(is_same).then_some(at);
        let same = at_same_place().or_else(|| signings.iter().position(is_same));
        same.or_else(|| signings.get(at).is_some_and(is_alike).then_some(at))
    }

    /// Returns true if it follows the rules of another service, which have headers of their own.
    pub fn is_bound_to_headers(&self) -> bool {
        self.rule.is_some()
    }

    /// Returns a value that is equal for signings that do the same. The texts of the signatures may
    /// be equal by chance, which would make the order of the list depend on it.
    fn identity(&self) -> (&'static str, Vec<u8>, String, Option<&'static str>) {
        let service = self.rule.map(|rule| rule.service);
        (self.notation.form, self.digest.clone(), self.timestamp.clone(), service)
    }

    /// Returns a value that is equal for signatures that look alike.
    pub fn shape(&self) -> (&'static str, usize) {
        (self.notation.form, self.digest.len())
    }
}

/// Signs the body of a request correctly, to send it under other header names.
pub fn correct_signing(
    provider: &dyn Provider,
    secrets: &HandlerSecrets,
    request: &Request,
    now: Timestamp,
) -> WrongSigning {
    Parts::new(provider, secrets, request, now).correct()
}

/// Lists the wrong ways to sign a correct request, the likeliest first. The order does not depend on
/// the time.
pub fn wrong_signings(
    provider: &dyn Provider,
    secrets: &HandlerSecrets,
    request: &Request,
    now: Timestamp,
) -> Vec<WrongSigning> {
    let parts = Parts::new(provider, secrets, request, now);
    let by_rules = rule::signings(provider, secrets, now, &request.body);
    let mut seen: HashSet<_> = parts.correct_forms().iter().map(WrongSigning::identity).collect();
    let lists = [parts.singles(false), by_rules, parts.pairs(), parts.singles(true)];
    lists.into_iter().flatten().filter(|signing| seen.insert(signing.identity())).collect()
}

#[cfg(test)]
mod tests;
