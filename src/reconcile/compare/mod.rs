//! Decides what an order, the captured webhooks and the provider's record say together. The record is the authority.
//!
//! Outcomes are compared, not words: `DEBITED` and `SETTLED` are both a success, and a webhook that is merely late is no
//! difference. Only webhooks that verified are believed; of the others it is only said that they came.

use super::{Class, Order};
use crate::model::money::Money;
use crate::model::stored::{AppState, DeliverySummary, ReferenceMatch};
use crate::provider::Provider;
use crate::provider::record::{AmountKind, ExpectedEvent, Record, RecordState, RecordStatus};

/// What the provider said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It has this record.
    Found(Box<Record>),
    /// It has none.
    NotFound,
    /// Nothing that can be used, and why.
    Failed(String),
}

/// The captured webhooks about a reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhooks {
    /// The oldest first.
    pub deliveries: Vec<ReferenceMatch>,
    /// The event id under which two verified ones say different things.
    pub conflicting_key: Option<String>,
}

/// One thing that is to be said, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceFinding {
    /// What.
    pub class: Class,
    /// Why, in a sentence that may hold strangers' text; empty where the class says it all.
    pub why: String,
}

/// All that is to be said of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The worst first; there is at least one, and at most one of each class.
    pub findings: Vec<ReferenceFinding>,
    /// The order's status, when it is no word that is known here, and so was not compared.
    pub unrecognized_status: Option<String>,
}

impl Assessment {
    /// The worst of what was found.
    pub fn class(&self) -> Class {
        self.findings.first().map_or(Class::CouldNotTell, |finding| finding.class)
    }
}

/// Judges. `webhooks` is `None` where none of this provider were ever captured: then only record and order are compared.
pub fn compare(provider: &dyn Provider, order: &Order, asked: &Lookup, webhooks: Option<&Webhooks>) -> Assessment {
    let mut bench = Comparer { provider, findings: Vec::new(), unknown_word: None };
    match asked {
        Lookup::Failed(why) => bench.find(Class::CouldNotTell, why.clone()),
        Lookup::NotFound => bench.find(Class::UnknownToProvider, format!("{} has no such record", provider.title())),
        Lookup::Found(record) => {
            if record.parsed_status.state == RecordState::Unknown {
                bench.find(Class::CouldNotTell, format!("the status `{}` is not a documented one", record.status));
            }
            bench.webhooks(record, webhooks);
            bench.order(record, order);
            if bench.findings.is_empty() {
                let is_end = record.parsed_status.state.is_final();
                bench.find(if is_end { Class::SettledAgreed } else { Class::StillOpen }, String::new());
            }
        }
    }
    if let Some(key) = webhooks.and_then(|webhooks| webhooks.conflicting_key.as_ref()) {
        bench.find(Class::TwoBodies, format!("two verified webhooks under `{key}` say different things"));
    }
    bench.findings.sort_by_key(|finding| finding.class);
    Assessment { findings: bench.findings, unrecognized_status: bench.unknown_word }
}

struct Comparer<'p> {
    provider: &'p dyn Provider,
    findings: Vec<ReferenceFinding>,
    unknown_word: Option<String>,
}

/// Whether the one that it was for took it: whtool where nobody else is asked, or else the app.
fn was_accepted(entry: &DeliverySummary) -> bool {
    entry.answer.is_success() && !entry.app.is_failure()
}

impl Comparer<'_> {
    fn find(&mut self, class: Class, why: String) {
        if self.findings.iter().all(|finding| finding.class != class) {
            self.findings.push(ReferenceFinding { class, why });
        }
    }

    fn status_of(&self, entry: &DeliverySummary) -> RecordStatus {
        entry.status.as_deref().map_or(RecordStatus::UNKNOWN, |status| self.provider.parse_status(status))
    }

    fn webhooks(&mut self, record: &Record, webhooks: Option<&Webhooks>) {
        let Some(webhooks) = webhooks else { return };
        let entries = || webhooks.deliveries.iter().map(|told| &told.summary);
        let (accepted, refused): (Vec<&DeliverySummary>, Vec<&DeliverySummary>) =
            entries().partition(|entry| entry.verdict.is_verified());
        for entry in &accepted {
            self.contradiction(record, entry);
            self.amount("webhook", record, entry.money.as_ref());
        }
        if record.parsed_status.state.is_final() {
            self.delivery(record, &accepted, &refused);
        }
    }

    /// A webhook that tells an end which the record can't have come from.
    fn contradiction(&mut self, record: &Record, entry: &DeliverySummary) {
        let (told, now) = (self.status_of(entry), record.parsed_status);
        if !told.state.is_final() || now.state == RecordState::Unknown {
            return;
        }
        let is_ahead = told.state == now.state && told.rank > now.rank;
        if is_ahead || (told.state != now.state && !told.state.can_become(now.state)) {
            let said = entry.status.as_deref().unwrap_or_default();
            let why = format!("a webhook said {said}, the record says {}", record.status);
            self.find(Class::StatusDiffers, why);
        }
    }

    /// Whether the record's end was told, and taken.
    fn delivery(&mut self, record: &Record, accepted: &[&DeliverySummary], refused: &[&DeliverySummary]) {
        let tells = |entry: &&&DeliverySummary| self.tells(record, entry);
        let telling: Vec<_> = accepted.iter().filter(tells).collect();
        if let Some(last) = telling.last() {
            if !telling.iter().any(|entry| was_accepted(entry)) {
                let why = match last.app {
                    AppState::NoAnswer => "the app gave no answer".to_owned(),
                    AppState::Answered(status) => format!("the app answered {status}"),
                    AppState::NotAsked => format!("it was answered {}", last.answer.code()),
                };
                self.find(Class::AppDidNotTake, why);
            }
            return;
        }
        if self.findings.iter().any(|finding| finding.class == Class::StatusDiffers) {
            return;
        }
        if let Some(last) = refused.iter().rfind(tells) {
            let words = format!("{} came, and was refused: {}", last.kind.as_deref().unwrap_or("it"), last.verdict);
            return self.find(Class::DeliveredRefused, words);
        }
        let before = accepted.iter().rev().find_map(|entry| entry.status.as_deref());
        let before = before.map(|status| format!("; the last webhook said {status}")).unwrap_or_default();
        match record.expected_event {
            ExpectedEvent::Sent(kind) => self.find(Class::NeverDelivered, format!("no {kind} was captured{before}")),
            ExpectedEvent::MaybeSent(_) => {}
            ExpectedEvent::OtherObject => self.find(Class::NeverDelivered, format!("no webhook told an end{before}")),
        }
    }

    /// Whether a webhook tells the outcome on record. One that has no webhook of its own is told by the success before it.
    fn tells(&self, record: &Record, entry: &DeliverySummary) -> bool {
        let (told, now) = (self.status_of(entry).state, record.parsed_status.state);
        told == now || (record.expected_event == ExpectedEvent::OtherObject && told.is_final() && told.can_become(now))
    }

    fn order(&mut self, record: &Record, order: &Order) {
        let expected =
            Money { minor: order.minor.unwrap_or_default(), currency: order.currency.clone().unwrap_or_default() };
        if order.minor.is_some() {
            self.amount("order", record, Some(&expected));
        } else {
            self.currency("order", record, &expected);
        }
        let Some(word) = &order.status else { return };
        let expected = parse_order_status(self.provider, word);
        let (state, now) = (expected.state, record.parsed_status);
        let is_explained =
            || self.findings.iter().any(|one| (Class::NeverDelivered..=Class::AppDidNotTake).contains(&one.class));
        let differs = match state {
            RecordState::Unknown => return self.unknown_word = Some(word.clone()),
            _ if now.state == RecordState::Unknown => false,
            _ if state == now.state => expected.rank > now.rank && state.is_final(),
            // The order has yet to hear of it; where that is why, it is said already.
            _ if state.can_become(now.state) => !is_explained(),
            _ => true,
        };
        if differs {
            self.find(Class::StatusDiffers, format!("the order says {word}, the record says {}", record.status));
        }
    }

    fn amount(&mut self, who: &str, record: &Record, said: Option<&Money>) {
        let (Some(said), Some(recorded)) = (said, &record.money) else { return };
        self.currency(who, record, said);
        if record.amount == AmountKind::Same && said.minor != recorded.minor {
            let said = Money { currency: or(&said.currency, &recorded.currency), ..said.clone() };
            self.find(Class::AmountDiffers, format!("the {who} says {said}, the record says {recorded}"));
        }
    }

    fn currency(&mut self, who: &str, record: &Record, said: &Money) {
        let recorded = record.money.as_ref().map(|money| money.currency.as_str()).unwrap_or_default();
        let is_known = !said.currency.is_empty() && !recorded.is_empty();
        if is_known && !said.currency.eq_ignore_ascii_case(recorded) {
            let why = format!("the {who} says {}, the record says {recorded}", said.currency);
            self.find(Class::CurrencyDiffers, why);
        }
    }
}

/// What an order's status means: a word of the provider's, or one that people use.
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

fn or(text: &str, other: &str) -> String {
    if text.is_empty() { other.to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests;
