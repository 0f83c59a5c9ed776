//! The result of one round for one reference, reduced to what the state machine needs.

use super::super::{Class, ReconciledReference};
use super::MissedEvent;
use crate::model::money::Money;
use crate::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A reference as the orders write it, and its provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WatchedReference {
    pub provider: String,
    pub reference: String,
}

/// The parts of an order that were compared with the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedParts {
    pub status: bool,
    pub amount: bool,
    pub currency: bool,
}

impl ComparedParts {
    /// Returns true if everything that `other` compared was compared here, too.
    pub fn include(self, other: Self) -> bool {
        (self.status || !other.status) && (self.amount || !other.amount) && (self.currency || !other.currency)
    }
}

/// Result of a round for one reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    pub subject: WatchedReference,
    /// The shop's own number of the order.
    pub own_id: Option<String>,
    pub class: Class,
    /// Untrusted text.
    pub reason: String,
    /// Status of the record.
    pub status: Option<String>,
    pub money: Option<Money>,
    /// Time of the record's last change.
    pub changed: Option<Timestamp>,
    pub compared: ComparedParts,
    /// True if a part of the order could not be compared, such as an unknown status.
    pub is_order_unclear: bool,
    /// True if the difference is one of `--known`.
    pub is_accepted: bool,
    /// The event that the app seems to have missed.
    pub event: Option<MissedEvent>,
}

/// Meaning of an observation for its reference. The worst of several counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Agrees,
    /// It differs, and the user has accepted that.
    Accepted,
    /// Nothing can be concluded.
    Inconclusive,
    /// It differs, but changed so recently that its webhook may be under way.
    Fresh,
    Differs,
}

impl Observation {
    /// Reduces a result. `event` is the event to deliver if the app has missed one.
    pub fn new(reconciled: &ReconciledReference, event: Option<MissedEvent>) -> Self {
        let (order, record) = (&reconciled.order, reconciled.record.as_ref());
        // `NeverDelivered` means that the order says nothing about the payment.
        let assessment = &reconciled.assessment;
        let has_status = assessment.unrecognized_status.is_none() && !assessment.has(Class::NeverDelivered);
        Self {
            subject: WatchedReference {
                provider: reconciled.provider.name().to_owned(),
                reference: order.reference.clone(),
            },
            own_id: order.own_id.clone(),
            class: reconciled.assessment.class(),
            reason: reconciled.assessment.findings.first().map(|finding| finding.reason.clone()).unwrap_or_default(),
            status: record.map(|record| record.status.clone()),
            money: reconciled.money(),
            changed: record.and_then(|record| record.changed),
            compared: ComparedParts {
                status: order.status.is_some() && has_status,
                amount: order.minor.is_some(),
                currency: order.currency.is_some(),
            },
            is_order_unclear: !reconciled.assessment.is_complete,
            is_accepted: reconciled.acceptance.is_accepted(),
            event,
        }
    }

    /// Compares the result with the time before which a change is old enough.
    pub(super) fn standing(&self, settled_before: Timestamp) -> Standing {
        match self.class {
            Class::CouldNotTell => Standing::Inconclusive,
            class if class.is_difference() && self.is_accepted => Standing::Accepted,
            class if !class.is_difference() && self.is_order_unclear => Standing::Inconclusive,
            class if !class.is_difference() => Standing::Agrees,
            _ if self.changed.is_some_and(|changed| changed > settled_before) => Standing::Fresh,
            _ => Standing::Differs,
        }
    }
}

/// A complete round: every order was read, and every lookup has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub observations: Vec<Observation>,
    /// References of orders that were listed, but are too young to be looked up.
    pub left_alone: BTreeSet<WatchedReference>,
    /// Rows of the list that could not be read: a missing reference may be in one of them.
    pub unread_rows: u64,
}

impl Round {
    /// Groups the observations by reference, and returns the decisive one of each: two orders with
    /// the same reference agree only if both do.
    pub(super) fn decisive(&self, settled_before: Timestamp) -> BTreeMap<&WatchedReference, (Standing, &Observation)> {
        let mut decisive: BTreeMap<&WatchedReference, (Standing, &Observation)> = BTreeMap::new();
        for observation in &self.observations {
            let standing = observation.standing(settled_before);
            let entry = decisive.entry(&observation.subject).or_insert((standing, observation));
            let is_worse =
                (standing, std::cmp::Reverse(observation.class)) > (entry.0, std::cmp::Reverse(entry.1.class));
            if is_worse {
                *entry = (standing, observation);
            }
        }
        decisive
    }
}
