//! Finds orders that belong to a payment of an earlier order, so that its money is counted once.

use super::ReconciledReference;
use super::class::Class;
use crate::provider::record::Record;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Identifies a payment by provider and reference, in 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PaymentKey(u64);

impl PaymentKey {
    /// Returns the payment of an order. `None`: the provider could not be asked.
    pub fn new(reconciled: &ReconciledReference) -> Option<Self> {
        let is_known = reconciled.record.is_some() || reconciled.assessment.has(Class::UnknownToProvider);
        let record = reconciled.record.as_ref();
        // The merchant's reference and the provider's own lead to the same record.
        let reference = record.map_or(&reconciled.order.reference, |Record { reference, .. }| reference);
        let mut hasher = DefaultHasher::new();
        (reconciled.provider.name(), record.is_some(), reference).hash(&mut hasher);
        is_known.then(|| Self(hasher.finish()))
    }
}

/// The first order of every payment. One takes about 40 bytes.
#[derive(Default)]
pub struct SeenPayments {
    first: HashMap<PaymentKey, u32>,
    /// Line and end of the label of each first order.
    orders: Vec<(u32, u32)>,
    /// The orders' own numbers, or else their references, in one piece.
    labels: String,
}

impl SeenPayments {
    /// Adds the payment of an order. If an earlier order belongs to it, this one becomes a duplicate.
    pub fn check(&mut self, reconciled: &mut ReconciledReference) {
        let Some(key) = PaymentKey::new(reconciled) else { return };
        if let Some(index) = self.first.get(&key) {
            let reason = format!("the same payment as {}", self.describe(*index));
            return reconciled.set_duplicate(reason);
        }
        let order = &reconciled.order;
        self.labels.push_str(order.own_id.as_deref().unwrap_or(&order.reference));
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let index = narrow(self.orders.len() as u64);
        self.orders.push((narrow(order.line), narrow(self.labels.len() as u64)));
        self.first.insert(key, index);
    }

    fn describe(&self, index: u32) -> String {
        let end_of = |index: usize| self.orders.get(index).map_or(0, |(_, end)| *end as usize);
        let index = index as usize;
        let start = index.checked_sub(1).map_or(0, end_of);
        let label = self.labels.get(start..end_of(index)).unwrap_or_default();
        match self.orders.get(index) {
            Some((line @ 1.., _)) => format!("{label} in line {line}"),
            _ => label.to_owned(),
        }
    }
}
