//! Chooses the events that bring the app up to date: captured ones, or ones rebuilt from the record.

use super::compare::MissedOutcome;
use super::{Assessment, Class, PaymentKey, ReconciledReference};
use crate::model::stored::CaptureId;
use crate::provider::Provider;
use serde_json::Value;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// An event to send to the app again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayEvent {
    /// A verified webhook in the store, with the id that the provider gave to it.
    Captured(CaptureId),
    /// An event made from the provider's record. Its id is another one than the provider's own.
    Rebuilt(Value),
}

impl ReplayEvent {
    /// Returns what the app missed; `body` is the provider's answer. A verified capture comes first:
    /// an app that knows its id does not book it twice.
    pub fn choose(provider: &dyn Provider, assessment: &mut Assessment, body: Option<&Value>) -> Option<Self> {
        match assessment.missed? {
            MissedOutcome::Captured(id) => Some(Self::Captured(id)),
            MissedOutcome::Uncaptured => {
                let event = body.and_then(|body| provider.rebuild_event(body));
                if event.is_none() {
                    assessment.notes.push("no event can be rebuilt for this status".to_owned());
                }
                event.map(Self::Rebuilt)
            }
        }
    }
}

/// Decides which events are sent again once all orders are known: none whose payment another order
/// has taken already, and none twice.
#[derive(Default)]
pub struct ReplayPlan {
    hashes: RandomState,
    /// The hashed payment of each event, in the order of the input.
    events: Vec<u64>,
    /// Hashed payments that an order has taken.
    taken: HashSet<u64>,
}

impl ReplayPlan {
    /// Adds a result. Returns its event if it may have to be sent.
    pub fn add<'r>(&mut self, reconciled: &'r ReconciledReference) -> Option<&'r ReplayEvent> {
        let key = self.hashes.hash_one(PaymentKey::new(reconciled)?);
        if reconciled.assessment.has(Class::DuplicateOrder) && reconciled.assessment.missed.is_none() {
            self.taken.insert(key);
        }
        let event = reconciled.replay.as_ref()?;
        self.events.push(key);
        Some(event)
    }

    /// Returns for each event that `add` returned whether it is to be sent.
    pub fn decide(&self) -> impl Iterator<Item = bool> {
        self.events.iter().map(|key| !self.taken.contains(key))
    }
}
