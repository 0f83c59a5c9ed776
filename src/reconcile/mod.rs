//! Compares orders and captured webhooks with the provider's own records.
//!
//! `order` reads lists of orders, `compare` puts each reference into a class, `replay_event` chooses
//! what the app gets again, `totals` adds everything up, and `schedule` decides when to send which
//! lookup. Nothing here does I/O or reads a clock; `command::shared::reconciling` does.

pub mod class;
pub mod columns;
pub mod compare;
pub mod known;
pub mod order;
pub mod period;
pub mod replay_event;
pub mod report;
pub mod schedule;
pub mod totals;
pub mod watch;

use crate::model::money::Money;
use crate::model::stored::ReferenceMatch;
use crate::provider::Provider;
use crate::provider::record::Record;

pub use class::Class;
pub use compare::{Assessment, Lookup, ReferenceFinding, Webhooks, compare};
pub use known::{Acceptance, KnownDifferences};
pub use order::{BadLine, Order, OrderReader};
pub use replay_event::ReplayEvent;
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
    /// What the app missed, if anything.
    pub replay: Option<ReplayEvent>,
}

impl ReconciledReference {
    /// Returns the record's amount, or else the order's.
    pub fn money(&self) -> Option<Money> {
        let ordered = || {
            let currency = self.order.currency.clone().unwrap_or_default();
            Some(Money { minor: self.order.minor?, currency })
        };
        self.record.as_ref().and_then(|record| record.money.clone()).or_else(ordered)
    }
}
