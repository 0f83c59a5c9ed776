//! Every webhook delivery that is waiting, in flight or finished.

use super::delivery::{DeliveryStatus, WebhookDelivery};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Number of deliveries that are kept; the oldest finished ones go first.
const MAX_DELIVERIES: usize = 10_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Outbox {
    deliveries: BTreeMap<u64, WebhookDelivery>,
    count: u64,
    /// Deliveries that finished without an attempt and were not reported yet.
    #[serde(skip)]
    unsent: Vec<u64>,
}

impl Outbox {
    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &WebhookDelivery> {
        self.deliveries.values()
    }

    /// Oldest first.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut WebhookDelivery> {
        self.deliveries.values_mut()
    }

    pub fn get(&self, number: u64) -> Option<&WebhookDelivery> {
        self.deliveries.get(&number)
    }

    pub fn get_mut(&mut self, number: u64) -> Option<&mut WebhookDelivery> {
        self.deliveries.get_mut(&number)
    }

    /// Adds a delivery and returns its number.
    pub fn add(&mut self, delivery: WebhookDelivery) -> u64 {
        self.count += 1;
        self.deliveries.insert(self.count, WebhookDelivery { number: self.count, ..delivery });
        let oldest_final = || self.iter().find(|delivery| delivery.is_final()).map(|delivery| delivery.number);
        if let Some(number) = (self.deliveries.len() > MAX_DELIVERIES).then(oldest_final).flatten() {
            self.deliveries.remove(&number);
        }
        self.count
    }

    /// Marks a delivery to be reported by [`Outbox::take_unsent`].
    pub fn mark_unsent(&mut self, number: u64) {
        self.unsent.push(number);
    }

    /// Takes the deliveries that finished without an attempt since the last call.
    pub fn take_unsent(&mut self) -> Vec<WebhookDelivery> {
        let numbers = std::mem::take(&mut self.unsent);
        numbers.iter().filter_map(|number| self.deliveries.get(number).cloned()).collect()
    }

    /// Marks the deliveries that were in flight when the emulator stopped as waiting, and returns
    /// their numbers.
    pub fn requeue_in_flight(&mut self) -> Vec<u64> {
        let in_flight = self.iter_mut().filter(|delivery| delivery.status == DeliveryStatus::InFlight);
        let requeue = |delivery: &mut WebhookDelivery| {
            delivery.status = DeliveryStatus::Waiting;
            delivery.number
        };
        in_flight.map(requeue).collect()
    }
}
