//! Compares the deliveries of one event: what a provider sends again should say the same.

use crate::model::event::Event;
use crate::model::money::Money;
use crate::model::stored::RecentEvent;
use sha2::{Digest, Sha256};

/// The facts of an event that a repeated delivery must not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFacts {
    money: Option<Money>,
    status: Option<String>,
    reference: Option<String>,
    /// SHA-256 of the body. `None`: unknown.
    body: Option<[u8; 32]>,
}

/// A fact that differs between two deliveries of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactChange {
    /// `amount`, `status`, `reference` or `body`.
    pub field: &'static str,
    pub before: String,
    pub now: String,
}

impl From<&RecentEvent> for EventFacts {
    fn from(event: &RecentEvent) -> Self {
        let RecentEvent { money, status, subject, .. } = event.clone();
        Self { money, status, reference: subject, body: None }
    }
}

impl EventFacts {
    pub fn new(event: &Event, body: &[u8]) -> Self {
        Self {
            money: event.money.clone(),
            status: event.status.clone(),
            reference: event.subject.clone(),
            body: Some(Sha256::digest(body).into()),
        }
    }

    /// Returns what a later delivery of the same event says differently. Another body alone counts
    /// if nothing else explains it.
    pub fn changes(&self, later: &Self) -> Vec<FactChange> {
        if self == later {
            return Vec::new();
        }
        let amount = |facts: &Self| facts.money.as_ref().map(ToString::to_string);
        let facts = [
            ("amount", amount(self), amount(later)),
            ("status", self.status.clone(), later.status.clone()),
            ("reference", self.reference.clone(), later.reference.clone()),
        ];
        let shown = |fact: Option<String>| fact.unwrap_or_else(|| "none".to_owned());
        let mut changes: Vec<_> = facts
            .into_iter()
            .filter(|(_, before, now)| before != now)
            .map(|(field, before, now)| FactChange { field, before: shown(before), now: shown(now) })
            .collect();
        if let (true, Some(before), Some(now)) = (changes.is_empty(), self.body, later.body)
            && before != now
        {
            let [before, now] = [before, now].map(|hash| format!("SHA-256 {}", &hex::encode(hash)[..16]));
            changes.push(FactChange { field: "body", before, now });
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_amount_status_or_reference_is_a_change_and_another_body_only_without_them() {
        let facts = |minor, status: &str, body| EventFacts {
            money: Some(Money { minor, currency: "CVE".to_owned() }),
            status: Some(status.to_owned()),
            reference: None,
            body,
        };
        let first = facts(10_000, "DEBITED", Some([0; 32]));
        let fields = |later: &EventFacts| {
            first.changes(later).into_iter().map(|change| (change.field, change.now)).collect::<Vec<_>>()
        };
        assert_eq!(fields(&first.clone()), []);
        assert_eq!(fields(&facts(99_900, "DEBITED", Some([1; 32]))), [("amount", "999.00 CVE (99900)".to_owned())]);
        assert_eq!(fields(&facts(10_000, "FAILED", None)), [("status", "FAILED".to_owned())]);
        assert_eq!(fields(&EventFacts { money: None, ..first.clone() }), [("amount", "none".to_owned())]);
        let body = [("body", "SHA-256 0101010101010101".to_owned())];
        assert_eq!(fields(&facts(10_000, "DEBITED", Some([1; 32]))), body);
        assert_eq!(fields(&facts(10_000, "DEBITED", None)), [], "an unknown body is no other one");
    }
}
