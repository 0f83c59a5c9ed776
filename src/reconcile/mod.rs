//! Compares orders and captured webhooks with the provider's own records.
//!
//! `order` reads lists of orders, `status_words` knows what their words mean, `compare` puts each
//! reference into a class, `duplicates` finds orders with the same payment, `replay_event` chooses
//! what the app gets again, `totals` adds everything up, and `schedule` decides when to send which
//! lookup. `file_map` keeps what grows with the number of orders out of memory. Nothing here does
//! I/O or reads a clock; `command::shared::reconciling` does.

pub mod class;
pub mod compare;
pub mod duplicates;
mod entry_file;
pub mod file_map;
pub mod known;
pub mod order;
pub mod page_walk;
pub mod period;
pub mod record_index;
pub mod replay_event;
pub mod report;
pub mod schedule;
pub mod status_words;
pub mod totals;
pub mod watch;

use crate::model::money::Money;
use crate::model::stored::ReferenceMatch;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::Provider;
use crate::provider::record::Record;

pub use class::Class;
pub use compare::{Assessment, CompareRules, Lookup, ReferenceFinding, Webhooks, compare};
pub use duplicates::{PaymentKey, SeenPayments};
pub use known::{Acceptance, KnownDifferences};
pub use order::{BadLine, Order, OrderReader, columns};
pub use replay_event::{ReplayEvent, ReplayPlan};
pub use status_words::{StatusWordArg, StatusWords};
pub use totals::Totals;

/// A reference with everything known about it.
pub struct ReconciledReference {
    pub order: Order,
    pub provider: &'static dyn Provider,
    /// The provider's record. `None` if it has none or could not be asked.
    pub record: Option<Record>,
    /// The captured webhooks, oldest first. `None` if none of this provider were ever captured.
    pub webhooks: Option<Vec<ReferenceMatch>>,
    pub assessment: Assessment,
    /// The result of comparing its differences with the accepted ones.
    pub acceptance: Acceptance,
    /// The event that the app missed, if any.
    pub replay: Option<ReplayEvent>,
    /// The time of the comparison.
    pub compared: Timestamp,
}

impl ReconciledReference {
    /// Returns the time at which the payment was created, or else the order.
    pub fn created(&self) -> Option<Timestamp> {
        self.record.as_ref().and_then(|record| record.created).or(self.order.created)
    }

    /// Returns the time since the creation; at least zero.
    pub fn age(&self) -> Option<SignedDuration> {
        Some(self.compared.duration_since(self.created()?).max(SignedDuration::ZERO))
    }

    /// Marks the order as a further one for the same payment. What the app missed is sent for the
    /// first one, if at all.
    fn set_duplicate(&mut self, reason: String) {
        self.assessment.add(Class::DuplicateOrder, reason);
        self.replay = None;
    }

    /// Returns the amount that counts in totals: none for a duplicate, whose money is that of the first
    /// order.
    pub fn counted_money(&self) -> Option<Money> {
        if self.assessment.has(Class::DuplicateOrder) { None } else { self.money() }
    }

    /// Returns the record's amount, or else the order's.
    pub fn money(&self) -> Option<Money> {
        let ordered = || {
            let currency = self.order.currency.clone().unwrap_or_default();
            Some(Money { minor: self.order.minor?, currency })
        };
        self.record.as_ref().and_then(|record| record.money.clone()).or_else(ordered)
    }
}
