//! Compares an order and the captured webhooks with the provider's record. The record is the
//! authority.
//!
//! Outcomes are compared, not words: `DEBITED` and `SETTLED` are both successes, and a webhook that
//! is merely late is not a difference. Only verified webhooks count as evidence; anyone may have
//! sent the others.

use super::{Class, Order};
use crate::model::money::Money;
use crate::model::stored::{AppState, DeliverySummary, ReferenceMatch};
use crate::provider::Provider;
use crate::provider::record::{AmountKind, ExpectedEvent, Record, RecordState, RecordStatus};

/// The provider's answer to a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    Found(Box<Record>),
    NotFound,
    /// No usable answer, with the reason.
    Failed(String),
}

/// The captured webhooks about a reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhooks {
    /// Oldest first.
    pub deliveries: Vec<ReferenceMatch>,
    /// An event id with two verified webhooks whose contents differ.
    pub conflicting_key: Option<String>,
}

/// A class with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceFinding {
    pub class: Class,
    /// A sentence that may contain untrusted text; empty if the class says it all.
    pub reason: String,
}

/// The result of comparing everything known about a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// Worst first: at least one, and at most one of each class.
    pub findings: Vec<ReferenceFinding>,
    /// The order's status if it is not a known word. It was not compared.
    pub unrecognized_status: Option<String>,
}

impl Assessment {
    /// Returns the worst class found.
    pub fn class(&self) -> Class {
        self.findings.first().map_or(Class::CouldNotTell, |finding| finding.class)
    }

    pub fn has(&self, class: Class) -> bool {
        self.findings.iter().any(|finding| finding.class == class)
    }
}

/// Compares everything known about a reference. `webhooks` is `None` if none of this provider were
/// ever captured; then only the record and the order are compared.
pub fn compare(provider: &dyn Provider, order: &Order, lookup: &Lookup, webhooks: Option<&Webhooks>) -> Assessment {
    let mut comparer = Comparer { provider, findings: Vec::new(), unrecognized_status: None };
    match lookup {
        Lookup::Failed(reason) => comparer.add(Class::CouldNotTell, reason.clone()),
        Lookup::NotFound => comparer.add(Class::UnknownToProvider, format!("{} has no such record", provider.title())),
        Lookup::Found(record) => {
            if record.parsed_status.state == RecordState::Unknown {
                comparer.add(Class::CouldNotTell, format!("the status `{}` is not documented", record.status));
            }
            if let Some(webhooks) = webhooks {
                comparer.compare_webhooks(record, webhooks);
            }
            comparer.compare_order(record, order);
            if comparer.findings.is_empty() {
                let is_end = record.parsed_status.state.is_final();
                comparer.add(if is_end { Class::SettledAgreed } else { Class::StillOpen }, String::new());
            }
        }
    }
    if let Some(key) = webhooks.and_then(|webhooks| webhooks.conflicting_key.as_ref()) {
        comparer.add(Class::TwoBodies, format!("two verified webhooks with id `{key}` have different contents"));
    }
    comparer.findings.sort_by_key(|finding| finding.class);
    Assessment { findings: comparer.findings, unrecognized_status: comparer.unrecognized_status }
}

struct Comparer<'p> {
    provider: &'p dyn Provider,
    findings: Vec<ReferenceFinding>,
    unrecognized_status: Option<String>,
}

/// Returns true if the receiver answered 2xx: the app, or whtool itself if nothing was forwarded.
fn was_accepted(delivery: &DeliverySummary) -> bool {
    delivery.answer.is_success() && !delivery.app.is_failure()
}

impl Comparer<'_> {
    fn add(&mut self, class: Class, reason: String) {
        if !self.has(class) {
            self.findings.push(ReferenceFinding { class, reason });
        }
    }

    fn has(&self, class: Class) -> bool {
        self.findings.iter().any(|finding| finding.class == class)
    }

    fn status_of(&self, delivery: &DeliverySummary) -> RecordStatus {
        delivery.status.as_deref().map_or(RecordStatus::UNKNOWN, |status| self.provider.parse_status(status))
    }

    fn compare_webhooks(&mut self, record: &Record, webhooks: &Webhooks) {
        let deliveries = webhooks.deliveries.iter().map(|found| &found.summary);
        let (verified, refused): (Vec<_>, Vec<_>) = deliveries.partition(|delivery| delivery.verdict.is_verified());
        for delivery in &verified {
            self.compare_status(record, delivery);
            self.compare_amount("webhook", record, delivery.money.as_ref());
        }
        if record.parsed_status.state.is_final() {
            self.check_delivery(record, &verified, &refused);
        }
    }

    /// Reports a webhook whose outcome can't lead to the recorded one.
    fn compare_status(&mut self, record: &Record, delivery: &DeliverySummary) {
        let (webhook, current) = (self.status_of(delivery), record.parsed_status);
        if !webhook.state.is_final() || current.state == RecordState::Unknown {
            return;
        }
        let is_ahead = webhook.state == current.state && webhook.rank > current.rank;
        if is_ahead || (webhook.state != current.state && !webhook.state.can_become(current.state)) {
            let status = delivery.status.as_deref().unwrap_or_default();
            let reason = format!("a webhook says {status}, the record says {}", record.status);
            self.add(Class::StatusDiffers, reason);
        }
    }

    /// Reports a recorded outcome that no webhook reported, or that the app did not accept.
    fn check_delivery(&mut self, record: &Record, verified: &[&DeliverySummary], refused: &[&DeliverySummary]) {
        let reports = |delivery: &&&DeliverySummary| self.reports_outcome(record, delivery);
        let reporting: Vec<_> = verified.iter().filter(reports).collect();
        if let Some(last) = reporting.last() {
            if !reporting.iter().any(|delivery| was_accepted(delivery)) {
                let reason = match last.app {
                    AppState::NoAnswer => "the app did not answer".to_owned(),
                    AppState::Answered(status) => format!("the app answered {status}"),
                    AppState::NotAsked => format!("whtool answered {}", last.answer.code()),
                };
                self.add(Class::AppDidNotTake, reason);
            }
            return;
        }
        if self.has(Class::StatusDiffers) {
            return;
        }
        if let Some(last) = refused.iter().rfind(reports) {
            let kind = last.kind.as_deref().unwrap_or("a webhook");
            return self.add(Class::DeliveredRefused, format!("{kind} arrived but was refused: {}", last.verdict));
        }
        let last_status = verified.iter().rev().find_map(|delivery| delivery.status.as_deref());
        let last_status = last_status.map(|status| format!("; the last webhook says {status}")).unwrap_or_default();
        let reason = match record.expected_event {
            ExpectedEvent::MaybeSent(_) => return,
            ExpectedEvent::Sent(kind) => format!("no {kind} was captured{last_status}"),
            ExpectedEvent::OtherObject => format!("no webhook reports the outcome{last_status}"),
        };
        self.add(Class::NeverDelivered, reason);
    }

    /// Returns true if a webhook reports the recorded outcome. If that outcome has no event of its
    /// own, the success before it counts.
    fn reports_outcome(&self, record: &Record, delivery: &DeliverySummary) -> bool {
        let (webhook, current) = (self.status_of(delivery).state, record.parsed_status.state);
        let is_indirect = record.expected_event == ExpectedEvent::OtherObject;
        webhook == current || (is_indirect && webhook.is_final() && webhook.can_become(current))
    }

    fn compare_order(&mut self, record: &Record, order: &Order) {
        let currency = order.currency.clone().unwrap_or_default();
        match order.minor {
            Some(minor) => self.compare_amount("order", record, Some(&Money { minor, currency })),
            None => self.compare_currency("order", record, &currency),
        }
        let Some(word) = &order.status else { return };
        let (expected, current) = (parse_order_status(self.provider, word), record.parsed_status);
        let failed_deliveries = Class::NeverDelivered..=Class::AppDidNotTake;
        let is_explained = || self.findings.iter().any(|finding| failed_deliveries.contains(&finding.class));
        let differs = match expected.state {
            RecordState::Unknown => {
                self.unrecognized_status = Some(word.clone());
                false
            }
            _ if current.state == RecordState::Unknown => false,
            state if state == current.state => expected.rank > current.rank && state.is_final(),
            // An order that is still open because its webhook never arrived is one finding, not
            // two.
            state if state.can_become(current.state) => !is_explained(),
            _ => true,
        };
        if differs {
            self.add(Class::StatusDiffers, format!("the order says {word}, the record says {}", record.status));
        }
    }

    /// Compares an amount and its currency with the record; `side` names where they come from.
    fn compare_amount(&mut self, side: &str, record: &Record, money: Option<&Money>) {
        let (Some(money), Some(recorded)) = (money, &record.money) else { return };
        self.compare_currency(side, record, &money.currency);
        if record.amount == AmountKind::Same && money.minor != recorded.minor {
            let currency = if money.currency.is_empty() { &recorded.currency } else { &money.currency };
            let money = Money { minor: money.minor, currency: currency.clone() };
            self.add(Class::AmountDiffers, format!("the {side} says {money}, the record says {recorded}"));
        }
    }

    fn compare_currency(&mut self, side: &str, record: &Record, currency: &str) {
        let recorded = record.money.as_ref().map(|money| money.currency.as_str()).unwrap_or_default();
        let is_known = !currency.is_empty() && !recorded.is_empty();
        if is_known && !currency.eq_ignore_ascii_case(recorded) {
            self.add(Class::CurrencyDiffers, format!("the {side} says {currency}, the record says {recorded}"));
        }
    }
}

/// Parses an order's status: one of the provider's, or a common word such as `paid`.
pub fn parse_order_status(provider: &dyn Provider, word: &str) -> RecordStatus {
    let parsed_status = provider.parse_status(word.trim());
    if parsed_status.state != RecordState::Unknown {
        return parsed_status;
    }
    let state = match word.trim().to_lowercase().replace([' ', '-'], "_").as_str() {
        "open" | "new" | "created" | "pending" | "processing" | "unpaid" | "awaiting_payment" => RecordState::Open,
        "success" | "successful" | "succeeded" | "paid" | "settled" | "complete" | "completed" | "delivered" => {
            RecordState::Succeeded
        }
        "failed" | "failure" | "declined" => RecordState::Failed,
        "expired" => RecordState::Expired,
        "cancelled" | "canceled" => RecordState::Cancelled,
        "refunded" => RecordState::Refunded,
        "partially_refunded" | "partly_refunded" => RecordState::PartlyRefunded,
        _ => RecordState::Unknown,
    };
    RecordStatus::new(state, 0)
}

#[cfg(test)]
mod tests;
