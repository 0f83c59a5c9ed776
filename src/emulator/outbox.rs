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

#[cfg(test)]
mod tests {
    use super::*;
    fn delivery(status: DeliveryStatus) -> WebhookDelivery {
        let text = str::to_owned;
        WebhookDelivery {
            number: 0,
            provider: text("plexos"),
            event: text("payment.debited"),
            id: text("evt_1"),
            url: text("http://localhost:3000/"),
            endpoint: None,
            body: text("{}"),
            status,
            faults: Vec::new(),
            age: 0,
            follows: None,
            created_at: text("2025-01-15T10:30:00.000Z"),
            next_at: None,
            attempts: Vec::new(),
        }
    }

    #[test]
    fn the_oldest_finished_delivery_goes_once_there_are_too_many_and_waiting_ones_stay() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.add(delivery(DeliveryStatus::Waiting)), 1);
        assert_eq!(outbox.add(delivery(DeliveryStatus::InFlight)), 2);
        assert_eq!(outbox.add(delivery(DeliveryStatus::GivenUp)), 3);
        for _ in 3..MAX_DELIVERIES {
            outbox.add(delivery(DeliveryStatus::Waiting));
        }
        assert!(outbox.get(3).is_some());
        let number = outbox.add(delivery(DeliveryStatus::Waiting));
        assert_eq!(outbox.get(number).unwrap().number, 10_001);
        let kept = [1, 2, 3, 4].map(|number| outbox.get(number).is_some());
        assert_eq!((kept, outbox.iter().count()), ([true, true, false, true], 10_000));
        // Nothing is finished: nothing goes.
        outbox.add(delivery(DeliveryStatus::Waiting));
        assert_eq!(outbox.iter().count(), 10_001);
    }

    #[test]
    fn deliveries_that_were_in_flight_are_sent_again_after_a_restart() {
        let mut outbox = Outbox::default();
        let all = [
            DeliveryStatus::InFlight,
            DeliveryStatus::Waiting,
            DeliveryStatus::Delivered,
            DeliveryStatus::Dropped,
            DeliveryStatus::GivenUp,
            DeliveryStatus::InFlight,
        ];
        for status in all {
            outbox.add(delivery(status));
        }
        assert_eq!(
            outbox.iter().map(WebhookDelivery::is_final).collect::<Vec<_>>(),
            [false, false, true, true, true, false]
        );
        assert_eq!(outbox.requeue_in_flight(), [1, 6]);
        let waiting = outbox.iter().filter(|delivery| delivery.status == DeliveryStatus::Waiting).count();
        assert_eq!((waiting, outbox.requeue_in_flight().len()), (3, 0));
    }

    #[test]
    fn a_delivery_without_an_attempt_is_reported_once() {
        let mut outbox = Outbox::default();
        let number = outbox.add(delivery(DeliveryStatus::Dropped));
        outbox.mark_unsent(number);
        outbox.mark_unsent(99);
        let unsent: Vec<_> = outbox.take_unsent().into_iter().map(|delivery| delivery.number).collect();
        assert_eq!((unsent, outbox.take_unsent().len()), (vec![1], 0));
    }
}
