//! Compares an order and the captured webhooks with the provider's record. The record is the
//! authority.
//!
//! Outcomes are compared, not words: `DEBITED` and `SETTLED` are both successes, and a webhook that
//! is merely late is not a difference. If an order has a status, it says which events the app has
//! taken; captures only explain it. Without one, captures decide (`webhooks`).

mod webhooks;

use super::status_words::{OrderStatus, StatusWords};
use super::{Class, Order};
use crate::model::money::Money;
use crate::model::stored::{CaptureId, ReferenceMatch};
use crate::model::timestamp::Timestamp;
use crate::provider::Provider;
use crate::provider::record::{AmountKind, Record, RecordState, RecordStatus};
use webhooks::Delivered;

/// The provider's answer to a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    Found(Box<Record>),
    NotFound,
    /// No usable answer, with the reason.
    Failed(String),
}

/// The captured webhooks about a reference. Those signed with the local test secret are not among
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhooks {
    /// Oldest first.
    pub deliveries: Vec<ReferenceMatch>,
    /// An event id with two verified webhooks whose contents differ.
    pub conflicting_key: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct CompareRules {
    pub words: StatusWords,
    /// Payments that were created before this time and are still open are stale. `None`: none are.
    pub stale_before: Option<Timestamp>,
}

/// A class with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceFinding {
    pub class: Class,
    /// A sentence that may contain untrusted text; empty if the class says it all.
    pub reason: String,
}

/// The event that an app missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissedOutcome {
    /// This verified capture reports it.
    Captured(CaptureId),
    /// No capture can be trusted to report it.
    Uncaptured,
}

/// The result of comparing everything known about a reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Worst first: at least one, and at most one of each class.
    pub findings: Vec<ReferenceFinding>,
    /// Sentences about what is no difference. They may contain untrusted text.
    pub notes: Vec<String>,
    /// The order's status if it is not a known word. It was not compared.
    pub unrecognized_status: Option<String>,
    /// True if everything that the order says was compared.
    pub is_complete: bool,
    /// Set if the outcome is in no capture, but the order has it.
    pub is_uncaptured: bool,
    pub missed: Option<MissedOutcome>,
}

impl Assessment {
    /// Returns the worst class found.
    pub fn class(&self) -> Class {
        self.findings.first().map_or(Class::CouldNotTell, |finding| finding.class)
    }

    pub fn has(&self, class: Class) -> bool {
        self.findings.iter().any(|finding| finding.class == class)
    }

    /// Adds a finding, unless there is one of its class. With it, not everything agrees any more.
    pub fn add(&mut self, class: Class, reason: String) {
        if !self.has(class) {
            self.findings.retain(|finding| finding.class != Class::SettledAgreed);
            self.findings.push(ReferenceFinding { class, reason });
            self.findings.sort_by_key(|finding| finding.class);
        }
    }
}

/// Compares everything known about a reference. `webhooks` is `None` if none of this provider were
/// ever captured; then only the record and the order are compared.
pub fn compare(
    provider: &dyn Provider,
    order: &Order,
    lookup: &Lookup,
    webhooks: Option<&Webhooks>,
    rules: &CompareRules,
) -> Assessment {
    let mut assessment = Assessment { is_complete: true, ..Assessment::default() };
    match lookup {
        Lookup::Failed(reason) => assessment.add(Class::CouldNotTell, reason.clone()),
        Lookup::NotFound => {
            assessment.add(Class::UnknownToProvider, format!("{} has no such record", provider.title()));
        }
        Lookup::Found(record) => {
            let mut comparer = Comparer { provider, record, rules, assessment, uncompared: Vec::new() };
            comparer.compare(order, webhooks);
            assessment = comparer.finish();
        }
    }
    if let Some(key) = webhooks.and_then(|webhooks| webhooks.conflicting_key.as_ref()) {
        assessment.add(Class::TwoBodies, format!("two verified webhooks with id `{key}` have different contents"));
    }
    assessment
}

/// The note about an outcome that the order has, but no capture. It is not a difference.
pub const UNCAPTURED_NOTE: &str = "no webhook of this outcome was captured; the order has it";

/// The position of an order relative to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrderProgress {
    /// The order has no status.
    Unordered,
    /// The order has a status that can't be compared.
    Incomparable,
    Agrees,
    /// The record has reached an outcome that the order may still get.
    Behind,
    Contradicts,
}

struct Comparer<'p> {
    provider: &'p dyn Provider,
    record: &'p Record,
    rules: &'p CompareRules,
    assessment: Assessment,
    /// Sentences about what could not be compared.
    uncompared: Vec<String>,
}

impl Comparer<'_> {
    fn add(&mut self, class: Class, reason: String) {
        self.assessment.add(class, reason);
    }

    fn compare(&mut self, order: &Order, webhooks: Option<&Webhooks>) {
        if self.record.parsed_status.state == RecordState::Unknown {
            self.add(Class::CouldNotTell, format!("the status `{}` is not documented", self.record.status));
        }
        let delivered = webhooks.map(|webhooks| self.read_webhooks(webhooks));
        let progress = self.compare_status(order);
        if self.record.parsed_status.state.is_final() {
            self.judge_delivery(progress, delivered.as_ref());
        }
        let currency = order.currency.clone().unwrap_or_default();
        match order.minor {
            Some(minor) => self.compare_amount("order", Some(&Money { minor, currency })),
            None => self.compare_currency("order", &currency),
        }
        self.check_fees();
        self.uncompared.extend(order.problems.iter().cloned());
        self.check_age(order);
    }

    /// Compares the order's status with the record's.
    fn compare_status(&mut self, order: &Order) -> OrderProgress {
        let word = order.status.as_deref().unwrap_or_default();
        let current = self.record.parsed_status;
        let expected = match self.rules.words.parse(self.provider, order.status.as_deref()) {
            OrderStatus::Missing => return OrderProgress::Unordered,
            OrderStatus::Unrecognized => {
                self.assessment.unrecognized_status = Some(word.to_owned());
                self.uncompared.push(format!("the order status `{word}` is unknown and was not compared"));
                return OrderProgress::Incomparable;
            }
            OrderStatus::Known(_) if current.state == RecordState::Unknown => return OrderProgress::Incomparable,
            OrderStatus::Known(expected) => expected,
        };
        let progress = progress_of(expected, current);
        let reason = format!("the order says {word}, the record says {}", self.record.status);
        match progress {
            OrderProgress::Behind if expected.state == RecordState::Open => self.add(Class::OrderBehind, reason),
            OrderProgress::Behind | OrderProgress::Contradicts => self.add(Class::StatusDiffers, reason),
            _ => {}
        }
        progress
    }

    /// Decides from order and captures whether the app missed the recorded outcome.
    fn judge_delivery(&mut self, progress: OrderProgress, delivered: Option<&Delivered>) {
        match (progress, delivered) {
            (OrderProgress::Unordered, Some(delivered)) => self.judge_by_captures(delivered),
            (OrderProgress::Agrees, _) => {
                self.assessment.is_uncaptured = delivered.is_none_or(|delivered| delivered.reporting.is_empty());
                if self.assessment.is_uncaptured {
                    self.assessment.notes.push(UNCAPTURED_NOTE.to_owned());
                } else if let Some(fault) = delivered.and_then(Delivered::app_fault) {
                    self.assessment.notes.push(format!("{fault}, but the order has the outcome"));
                }
            }
            (OrderProgress::Behind, _) => {
                self.assessment.missed = Some(delivered.map_or(MissedOutcome::Uncaptured, Delivered::missed));
                if let Some(delivered) = delivered {
                    self.explain(delivered);
                }
            }
            (OrderProgress::Contradicts, Some(delivered)) => self.explain(delivered),
            _ => {}
        }
    }

    /// Reports a record whose fee and net amount do not add up to its amount.
    fn check_fees(&mut self) {
        let (Some(fees), Some(money)) = (self.record.fees, &self.record.money) else { return };
        if fees.fee.checked_add(fees.net) != Some(money.minor) {
            let [fee, net] = [fees.fee, fees.net].map(|minor| Money { minor, currency: money.currency.clone() });
            let reason = format!("the record's fee {fee} and net amount {net} do not add up to {money}");
            self.add(Class::AmountDiffers, reason);
        }
    }

    /// Reports a payment that has been open for too long.
    fn check_age(&mut self, order: &Order) {
        let Some(limit) = self.rules.stale_before else { return };
        if self.record.parsed_status.state != RecordState::Open {
            return;
        }
        match self.record.created.or(order.created) {
            Some(created) if created < limit => self.add(Class::Stale, format!("open since {created}")),
            Some(_) => {}
            None => self.uncompared.push("its age is unknown, so it may have been open for too long".to_owned()),
        }
    }

    /// Compares an amount and its currency with the record; `side` names where they come from.
    fn compare_amount(&mut self, side: &str, money: Option<&Money>) {
        let (Some(money), Some(recorded)) = (money, &self.record.money) else { return };
        self.compare_currency(side, &money.currency);
        if self.record.amount == AmountKind::Same && money.minor != recorded.minor {
            let currency = if money.currency.is_empty() { &recorded.currency } else { &money.currency };
            let money = Money { minor: money.minor, currency: currency.clone() };
            self.add(Class::AmountDiffers, format!("the {side} says {money}, the record says {recorded}"));
        }
    }

    fn compare_currency(&mut self, side: &str, currency: &str) {
        let recorded = self.record.money.as_ref().map(|money| money.currency.as_str()).unwrap_or_default();
        let is_known = !currency.is_empty() && !recorded.is_empty();
        if is_known && !currency.eq_ignore_ascii_case(recorded) {
            self.add(Class::CurrencyDiffers, format!("the {side} says {currency}, the record says {recorded}"));
        }
    }

    /// Adds the class of a reference without a difference. It does not agree if a part of the order
    /// was not compared.
    fn finish(mut self) -> Assessment {
        self.assessment.is_complete = self.uncompared.is_empty();
        if !self.assessment.findings.is_empty() {
            self.assessment.notes.append(&mut self.uncompared);
        } else if !self.uncompared.is_empty() {
            self.add(Class::CouldNotTell, self.uncompared.join("; "));
        } else {
            let is_end = self.record.parsed_status.state.is_final();
            self.add(if is_end { Class::SettledAgreed } else { Class::StillOpen }, String::new());
        }
        self.assessment
    }
}

fn progress_of(expected: RecordStatus, current: RecordStatus) -> OrderProgress {
    if expected.state == current.state {
        let is_ahead = expected.state.is_final() && expected.rank > current.rank;
        if is_ahead { OrderProgress::Contradicts } else { OrderProgress::Agrees }
    } else if expected.state.can_become(current.state) {
        OrderProgress::Behind
    } else {
        OrderProgress::Contradicts
    }
}

#[cfg(test)]
mod tests;
