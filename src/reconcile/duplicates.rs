//! Finds orders that belong to a payment of an earlier order, so that its money is counted once.

use super::ReconciledReference;
use super::class::Class;
use super::file_map::FileMap;
use crate::model::temporary_file::TemporaryFile;
use crate::provider::record::Record;
use std::io;

/// Provider and reference of a payment, and whether the provider has it, as bytes.
#[derive(Debug, Hash)]
pub struct PaymentKey(Vec<u8>);

impl PaymentKey {
    /// Returns the payment of an order. `None`: the provider could not be asked.
    pub fn new(reconciled: &ReconciledReference) -> Option<Self> {
        let is_known = reconciled.record.is_some() || reconciled.assessment.has(Class::UnknownToProvider);
        let record = reconciled.record.as_ref();
        // The merchant's reference and the provider's own lead to the same record.
        let reference = record.map_or(&reconciled.order.reference, |Record { reference, .. }| reference);
        let provider = reconciled.provider.name().as_bytes();
        is_known.then(|| Self([provider, &[0, u8::from(record.is_some())], reference.as_bytes()].concat()))
    }
}

/// The first order of every payment, in a temporary file. One takes 9 bytes of memory.
pub struct SeenPayments<'a> {
    /// Line and label of the first order: its own number, or else its reference.
    first: FileMap<'a>,
}

impl<'a> SeenPayments<'a> {
    pub fn new(create: impl Fn() -> io::Result<Box<dyn TemporaryFile>> + 'a) -> Self {
        Self { first: FileMap::new(create) }
    }

    /// Adds the payment of an order. If an earlier order belongs to it, this one becomes a duplicate.
    pub fn check(&mut self, reconciled: &mut ReconciledReference) -> io::Result<()> {
        let Some(PaymentKey(key)) = PaymentKey::new(reconciled) else { return Ok(()) };
        if let Some(first) = self.first.get(&key)? {
            let reason = format!("the same payment as {}", describe(&first));
            reconciled.set_duplicate(reason);
            return Ok(());
        }
        let order = &reconciled.order;
        let label = order.own_id.as_deref().unwrap_or(&order.reference);
        self.first.insert(&key, &[&order.line.to_le_bytes(), label.as_bytes()].concat())
    }
}

/// Names an order by its label, and by its line if it is from a list.
fn describe(order: &[u8]) -> String {
    let (line, label) = order.split_first_chunk().unwrap_or((&[0; 8], order));
    let label = String::from_utf8_lossy(label);
    match u64::from_le_bytes(*line) {
        0 => label.into_owned(),
        line => format!("{label} in line {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timestamp::Timestamp;
    use crate::provider;
    use crate::reconcile::{Acceptance, CompareRules, Lookup, Order, ReplayEvent, ReplayPlan, compare};
    use serde_json::json;

    /// An order of a payment that was debited; `None`: one that the provider does not know.
    fn order(
        line: u64,
        own_id: Option<&str>,
        reference: &str,
        status: &str,
        payment: Option<&str>,
    ) -> ReconciledReference {
        let provider = provider::by_name("plexos").unwrap();
        let body = payment.map(|id| json!({"id": id, "amount": "10000", "currency": "CVE", "status": "DEBITED"}));
        let found = |body| Lookup::Found(Box::new(provider.parse_record(body).unwrap()));
        let lookup = body.as_ref().map_or(Lookup::NotFound, found);
        let order = Order {
            line,
            own_id: own_id.map(str::to_owned),
            status: Some(status.to_owned()),
            ..Order::for_reference(reference)
        };
        let mut assessment = compare(provider, &order, &lookup, None, &CompareRules::default());
        let replay = ReplayEvent::choose(provider, &mut assessment, body.as_ref());
        ReconciledReference {
            order,
            provider,
            record: if let Lookup::Found(record) = lookup { Some(*record) } else { None },
            webhooks: None,
            assessment,
            acceptance: Acceptance::Counted,
            replay,
            compared: Timestamp::UNIX_EPOCH,
        }
    }

    fn check(orders: &mut [ReconciledReference]) -> Vec<Option<String>> {
        let mut seen = SeenPayments::new(|| Ok(Box::new(io::Cursor::new(Vec::new()))));
        orders.iter_mut().for_each(|order| seen.check(order).unwrap());
        let reason = |order: &ReconciledReference| {
            let finding = order.assessment.findings.iter().find(|finding| finding.class == Class::DuplicateOrder);
            finding.map(|finding| finding.reason.clone())
        };
        orders.iter().map(reason).collect()
    }

    #[test]
    fn a_further_order_names_the_first_one_and_has_no_money_and_no_event() {
        let mut orders = [
            order(2, Some("#1001"), "pi_1", "pending", Some("pi_1")),
            order(3, None, "pi_2", "paid", Some("pi_2")),
            order(4, Some("#1003"), "shop-1", "pending", Some("pi_1")),
            order(5, None, "pi_2", "paid", Some("pi_2")),
            order(0, None, "pi_2", "paid", Some("pi_2")),
        ];
        let reasons = check(&mut orders);
        let first = |text: &str| Some(format!("the same payment as {text}"));
        assert_eq!(reasons, [None, None, first("#1001 in line 2"), first("pi_2 in line 3"), first("pi_2 in line 3")]);
        let money: Vec<_> = orders.iter().map(|order| order.counted_money().is_some()).collect();
        assert_eq!(money, [true, true, false, false, false]);
        assert!(orders[0].replay.is_some() && orders[2].replay.is_none());
    }

    #[test]
    fn a_reference_that_is_unknown_twice_is_a_duplicate_but_not_of_a_record() {
        let mut orders = [
            order(2, None, "pi_1", "paid", Some("pi_1")),
            order(3, None, "pi_2", "paid", None),
            order(4, None, "pi_2", "paid", None),
        ];
        assert_eq!(check(&mut orders), [None, None, Some("the same payment as pi_2 in line 3".to_owned())]);
        assert_eq!(orders[2].assessment.class(), Class::UnknownToProvider);
    }

    #[test]
    fn an_event_is_sent_once_and_not_if_another_order_has_the_outcome() {
        let planned = |statuses: &[&str]| -> Vec<bool> {
            let one = |(line, status): (u64, &&str)| order(line, None, "pi_1", status, Some("pi_1"));
            let mut orders: Vec<_> = (1..).zip(statuses).map(one).collect();
            check(&mut orders);
            let mut plan = ReplayPlan::default();
            for order in &orders {
                plan.add(order);
            }
            plan.decide().collect()
        };
        assert_eq!(planned(&["pending", "pending"]), [true]);
        assert_eq!(planned(&["pending", "pending", "paid"]), [false]);
        assert_eq!(planned(&["paid", "pending"]), [false; 0]);
    }
}
