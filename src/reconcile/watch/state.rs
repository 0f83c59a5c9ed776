//! The state machine: open differences, deliveries, troubles, and what changed.

use super::super::Class;
use super::observation::Standing;
use super::saved::RowName;
use super::{
    Change, ChangeKind, ChangeSubject, ComparedParts, Delivery, DeliveryKey, DeliveryOutcome, MissedEvent, Observation,
    PlannedDelivery, RepairCause, RepeatPolicy, Round, Trouble, WatchedReference,
};
use crate::model::money::Money;
use crate::model::timestamp::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The settings of a watch.
#[derive(Clone, Copy, Debug)]
pub struct WatchPolicy {
    /// A record that changed more recently is left alone.
    pub older_than: SignedDuration,
    /// Age of a difference from which nothing is delivered for it.
    pub give_up_after: SignedDuration,
    pub repeat: RepeatPolicy,
    /// True if changes are kept until they were sent as alerts.
    pub has_alerts: bool,
}

/// A reference whose order and record differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub own_id: Option<String>,
    #[serde(with = "super::change::class_code")]
    pub class: Class,
    /// Status of the record.
    pub status: Option<String>,
    #[serde(with = "super::change::money_text")]
    pub money: Option<Money>,
    pub first_seen: Timestamp,
    /// Time from which giving up is counted: a new status is a new event to deliver.
    pub since: Timestamp,
    /// The parts of the order that were compared when it differed. Less than that proves no repair.
    pub compared: ComparedParts,
    pub is_given_up: bool,
    /// The last delivery that was started for it.
    pub delivery: Option<DeliveryKey>,
    /// Time of the first round whose list did not have the order. `None`: the last one has it.
    #[serde(default)]
    pub missing_since: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TroubleState {
    pub began: Timestamp,
    pub why: String,
}

/// Everything that a watch remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchState {
    pub(super) differences: BTreeMap<WatchedReference, Difference>,
    /// Never removed: each may be made only once.
    pub(super) deliveries: BTreeMap<DeliveryKey, Delivery>,
    pub(super) troubles: BTreeMap<Trouble, TroubleState>,
    /// Changes that were not sent as alerts yet.
    pub(super) unsent_alerts: BTreeMap<u64, Change>,
    pub(super) next_number: u64,
    /// Changes that were not reported to the caller yet.
    changes: Vec<Change>,
    pub(super) unsaved: BTreeSet<RowName>,
    pub(super) unsaved_bodies: BTreeMap<DeliveryKey, Vec<u8>>,
}

impl WatchState {
    pub fn differences(&self) -> impl Iterator<Item = (&WatchedReference, &Difference)> {
        self.differences.iter()
    }

    /// Returns true if a reference differed in the last round that concluded anything about it.
    pub fn is_open(&self, subject: &WatchedReference) -> bool {
        self.differences.contains_key(subject)
    }

    pub fn delivery(&self, key: &DeliveryKey) -> Option<&Delivery> {
        self.deliveries.get(key)
    }

    /// Lists the current troubles with their reasons, and since when they last.
    pub fn troubles(&self) -> impl Iterator<Item = (Trouble, &str, Timestamp)> {
        self.troubles.iter().map(|(trouble, state)| (*trouble, state.why.as_str(), state.began))
    }

    /// Returns the changes since the last call.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Lists the changes that were not sent as alerts yet, oldest first.
    pub fn unsent_alerts(&self) -> impl Iterator<Item = &Change> {
        self.unsent_alerts.values()
    }

    /// Forgets alerts that were sent.
    pub fn remove_alerts(&mut self, numbers: &[u64]) {
        for number in numbers {
            if self.unsent_alerts.remove(number).is_some() {
                self.unsaved.insert(RowName::Alert(*number));
            }
        }
    }

    /// Takes over from a process that was killed: its open deliveries may have reached the app.
    pub fn recover(&mut self, policy: &WatchPolicy, now: Timestamp) {
        let is_open = |delivery: &&Delivery| delivery.outcome == DeliveryOutcome::Sending;
        let open: Vec<_> = self.deliveries.values().filter(is_open).map(|delivery| delivery.key.clone()).collect();
        for key in open {
            let reason = "whtool was stopped while it was sending".to_owned();
            self.finish_delivery(&key, DeliveryOutcome::Unsure { reason }, policy, now);
        }
    }

    /// Notes that something fails, or works again.
    pub fn set_trouble(&mut self, trouble: Trouble, why: Option<String>, policy: &WatchPolicy, now: Timestamp) {
        match (why, self.troubles.get_mut(&trouble)) {
            (Some(why), None) => {
                self.troubles.insert(trouble, TroubleState { began: now, why: why.clone() });
                self.report(ChangeKind::TroubleBegan { trouble, why }, policy, now);
            }
            (Some(why), Some(state)) if state.why != why => state.why = why,
            (None, Some(state)) => {
                let began = state.began;
                self.troubles.remove(&trouble);
                self.report(ChangeKind::TroubleEnded { trouble, began }, policy, now);
            }
            _ => return,
        }
        self.unsaved.insert(RowName::Trouble(trouble));
    }

    /// Concludes from a complete round.
    pub fn apply_round(&mut self, round: &Round, policy: &WatchPolicy, now: Timestamp) {
        let settled_before = now.checked_sub(policy.older_than).unwrap_or(Timestamp::MIN);
        let decisive = round.decisive(settled_before);
        for (subject, (standing, observation)) in &decisive {
            match standing {
                Standing::Agrees => self.conclude_agreement(subject, observation, policy, now),
                Standing::Accepted => self.note_acceptance(subject, policy, now),
                Standing::Differs => self.note_difference(subject, observation, policy, now),
                Standing::Inconclusive | Standing::Fresh => {}
            }
        }
        let is_listed =
            |subject: &WatchedReference| decisive.contains_key(subject) || round.left_alone.contains(subject);
        let (listed, missing): (Vec<_>, Vec<_>) = self.differences.keys().cloned().partition(is_listed);
        listed.iter().for_each(|subject| self.set_missing_since(subject, None));
        if round.unread_rows == 0 {
            missing.iter().for_each(|subject| self.note_missing(subject, policy, now));
        }
    }

    /// Notes that an order is not in the list. It has vanished if it was not in an earlier one either:
    /// a list may be cut off without a sign of it.
    fn note_missing(&mut self, subject: &WatchedReference, policy: &WatchPolicy, now: Timestamp) {
        let since = self.differences.get(subject).and_then(|difference| difference.missing_since);
        let Some(since) = since else { return self.set_missing_since(subject, Some(now)) };
        if now.duration_since(since) < policy.older_than {
            return;
        }
        if let Some(difference) = self.remove_difference(subject) {
            self.report(ChangeKind::Vanished { subject: describe(subject, &difference) }, policy, now);
        }
    }

    fn set_missing_since(&mut self, subject: &WatchedReference, since: Option<Timestamp>) {
        let Some(difference) = self.differences.get_mut(subject) else { return };
        if difference.missing_since != since {
            difference.missing_since = since;
            self.unsaved.insert(RowName::Difference(subject.clone()));
        }
    }

    /// Concludes from orders that were read again for a few references: only that some agree now.
    pub fn apply_proof(&mut self, round: &Round, policy: &WatchPolicy, now: Timestamp) {
        let settled_before = now.checked_sub(policy.older_than).unwrap_or(Timestamp::MIN);
        for (subject, (standing, observation)) in round.decisive(settled_before) {
            if standing == Standing::Agrees {
                self.conclude_agreement(subject, observation, policy, now);
            }
        }
    }

    fn conclude_agreement(
        &mut self,
        subject: &WatchedReference,
        observation: &Observation,
        policy: &WatchPolicy,
        now: Timestamp,
    ) {
        let is_proof = |difference: &Difference| observation.compared.include(difference.compared);
        if !self.differences.get(subject).is_some_and(is_proof) {
            return;
        }
        let Some(mut difference) = self.remove_difference(subject) else { return };
        let outcome = difference.delivery.as_ref().and_then(|key| self.deliveries.get(key));
        let by = match outcome.map(|delivery| &delivery.outcome) {
            Some(DeliveryOutcome::Accepted { .. }) => RepairCause::Delivery,
            Some(DeliveryOutcome::Unsure { .. } | DeliveryOutcome::Refused { .. } | DeliveryOutcome::Sending) => {
                RepairCause::Unknown
            }
            Some(DeliveryOutcome::Unsent { .. }) | None => RepairCause::Itself,
        };
        difference.status.clone_from(&observation.status);
        self.report(ChangeKind::Repaired { subject: describe(subject, &difference), by }, policy, now);
    }

    /// Notes that the user has accepted a difference that was reported.
    fn note_acceptance(&mut self, subject: &WatchedReference, policy: &WatchPolicy, now: Timestamp) {
        if !self.is_open(subject) {
            return;
        }
        if let Some(difference) = self.remove_difference(subject) {
            self.report(ChangeKind::Accepted { subject: describe(subject, &difference) }, policy, now);
        }
    }

    fn note_difference(
        &mut self,
        subject: &WatchedReference,
        observation: &Observation,
        policy: &WatchPolicy,
        now: Timestamp,
    ) {
        let why = observation.reason.clone();
        let known = self.differences.get(subject).cloned();
        let mut difference = known.clone().unwrap_or_else(|| Difference {
            own_id: None,
            class: observation.class,
            status: observation.status.clone(),
            money: None,
            first_seen: now,
            since: now,
            compared: ComparedParts::default(),
            is_given_up: false,
            delivery: None,
            missing_since: None,
        });
        difference.own_id.clone_from(&observation.own_id);
        difference.money.clone_from(&observation.money);
        difference.compared = observation.compared;
        let was = std::mem::replace(&mut difference.class, observation.class);
        let has_new_status = difference.status != observation.status;
        let was_given_up = difference.is_given_up;
        if has_new_status {
            difference.status.clone_from(&observation.status);
            (difference.since, difference.is_given_up) = (now, false);
        }
        let is_too_old = now.duration_since(difference.since) >= policy.give_up_after;
        let gives_up = is_too_old && !difference.is_given_up;
        difference.is_given_up |= gives_up;
        let described = describe(subject, &difference);
        if known.as_ref() != Some(&difference) {
            self.differences.insert(subject.clone(), difference);
            self.unsaved.insert(RowName::Difference(subject.clone()));
        }
        if known.is_none() || (has_new_status && was_given_up) {
            self.report(ChangeKind::NewDifference { subject: described.clone(), why: why.clone() }, policy, now);
        } else if was != observation.class {
            self.report(ChangeKind::ClassChanged { subject: described.clone(), why: why.clone(), was }, policy, now);
        }
        self.report_unproven(observation, &described, why, policy, now);
        if gives_up {
            self.report(ChangeKind::GivenUp { subject: described }, policy, now);
        }
    }

    /// Reports once that the app has accepted the event some time ago, and the order differs
    /// nevertheless.
    fn report_unproven(
        &mut self,
        observation: &Observation,
        subject: &ChangeSubject,
        why: String,
        policy: &WatchPolicy,
        now: Timestamp,
    ) {
        let key = observation.event.as_ref().map(|event| &event.key);
        let Some(delivery) = key.and_then(|key| self.deliveries.get_mut(key)) else { return };
        let had_time = now.duration_since(delivery.at) >= policy.older_than;
        if matches!(delivery.outcome, DeliveryOutcome::Accepted { .. }) && had_time && !delivery.is_reported {
            delivery.is_reported = true;
            let key = delivery.key.clone();
            self.unsaved.insert(RowName::Delivery(key));
            self.report(ChangeKind::NotRepaired { subject: subject.clone(), why }, policy, now);
        }
    }

    /// Lists the deliveries that may be made for these observations, the oldest difference first.
    /// Each record and status occurs once.
    pub fn plan_deliveries(&self, round: &Round, policy: &WatchPolicy, now: Timestamp) -> Vec<PlannedDelivery> {
        let settled_before = now.checked_sub(policy.older_than).unwrap_or(Timestamp::MIN);
        let mut planned: Vec<(Timestamp, PlannedDelivery)> = Vec::new();
        // All orders, not only the decisive one of each reference: of two orders of one payment, the
        // event may be that of either.
        for observation in &round.observations {
            let (subject, standing) = (&observation.subject, observation.standing(settled_before));
            // Without the order's status, nothing shows that the app has missed the event.
            let (Standing::Differs, Some(event), true) = (standing, &observation.event, observation.compared.status)
            else {
                continue;
            };
            let Some(difference) = self.differences.get(subject).filter(|difference| !difference.is_given_up) else {
                continue;
            };
            let earlier = self.deliveries.get(&event.key);
            if earlier.is_some_and(|delivery| !policy.repeat.allows(&delivery.outcome)) {
                continue;
            }
            let plan = PlannedDelivery { subject: subject.clone(), event: event.clone(), is_repeat: earlier.is_some() };
            planned.push((difference.first_seen, plan));
        }
        planned.sort_by(|(one, first), (other, second)| (one, &first.subject).cmp(&(other, &second.subject)));
        let mut keys = BTreeSet::new();
        planned.into_iter().map(|(_, plan)| plan).filter(|plan| keys.insert(plan.event.key.clone())).collect()
    }

    /// Notes that a delivery starts. It must be saved before anything is sent.
    pub fn start_delivery(&mut self, planned: &PlannedDelivery, now: Timestamp) {
        let MissedEvent { key, body, is_rebuilt } = &planned.event;
        if !planned.is_repeat {
            self.unsaved_bodies.insert(key.clone(), body.clone());
        }
        let earlier = self.deliveries.get(key);
        let delivery = Delivery {
            key: key.clone(),
            subject: planned.subject.clone(),
            at: now,
            attempts: earlier.map_or(1, |earlier| earlier.attempts.saturating_add(1)),
            outcome: DeliveryOutcome::Sending,
            is_rebuilt: *is_rebuilt,
            has_reported_failure: earlier.is_some_and(|earlier| earlier.has_reported_failure),
            is_reported: false,
        };
        self.deliveries.insert(key.clone(), delivery);
        self.unsaved.insert(RowName::Delivery(key.clone()));
        if let Some(difference) = self.differences.get_mut(&planned.subject) {
            difference.delivery = Some(key.clone());
            self.unsaved.insert(RowName::Difference(planned.subject.clone()));
        }
    }

    /// Notes how a delivery ended. Its first failure is reported; that the app can't be reached is a
    /// trouble of its own.
    pub fn finish_delivery(
        &mut self,
        key: &DeliveryKey,
        outcome: DeliveryOutcome,
        policy: &WatchPolicy,
        now: Timestamp,
    ) {
        let Some(delivery) = self.deliveries.get_mut(key) else { return };
        let is_failure = matches!(outcome, DeliveryOutcome::Refused { .. } | DeliveryOutcome::Unsure { .. });
        let is_news = is_failure && !delivery.has_reported_failure;
        delivery.has_reported_failure |= is_failure;
        delivery.outcome = outcome.clone();
        let subject = delivery.subject.clone();
        self.unsaved.insert(RowName::Delivery(key.clone()));
        let Some(difference) = self.differences.get(&subject).filter(|_| is_news) else { return };
        let subject = describe(&subject, difference);
        self.report(ChangeKind::DeliveryFailed { subject, outcome }, policy, now);
    }

    fn remove_difference(&mut self, subject: &WatchedReference) -> Option<Difference> {
        self.unsaved.insert(RowName::Difference(subject.clone()));
        self.differences.remove(subject)
    }

    fn report(&mut self, kind: ChangeKind, policy: &WatchPolicy, now: Timestamp) {
        let change = Change { number: self.next_number, at: now, kind };
        self.next_number += 1;
        self.unsaved.insert(RowName::NextNumber);
        if policy.has_alerts {
            self.unsaved.insert(RowName::Alert(change.number));
            self.unsent_alerts.insert(change.number, change.clone());
        }
        self.changes.push(change);
    }
}

fn describe(subject: &WatchedReference, difference: &Difference) -> ChangeSubject {
    ChangeSubject {
        reference: subject.clone(),
        own_id: difference.own_id.clone(),
        class: difference.class,
        status: difference.status.clone(),
        money: difference.money.clone(),
        first_seen: difference.first_seen,
    }
}
