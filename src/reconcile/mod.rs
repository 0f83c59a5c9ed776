//! Reconciling: what an order, the captured webhooks and the provider's own record say together.
//!
//! `order` reads the lists that people have, `class` names what can come out, `judge` decides it, `totals` counts and adds up,
//! and `schedule` says what is asked when. Nothing here sends, reads a clock or opens a file.

pub mod class;
pub mod columns;
pub mod compare;
pub mod order;
pub mod schedule;
pub mod totals;

use crate::model::stored::ReferenceMatch;
use crate::provider::Provider;
use crate::provider::record::Record;

pub use class::Class;
pub use compare::{Assessment, Lookup, Webhooks, compare};
pub use order::{BadLine, Order, OrderReader};
pub use totals::Totals;

/// A reference with all that is known of it, judged.
pub struct ReconciledReference {
    /// What was asked about.
    pub order: Order,
    /// Who was asked.
    pub provider: &'static dyn Provider,
    /// The provider's record, when it has one.
    pub record: Option<Record>,
    /// The captured webhooks, the oldest first. `None`: that side is not there.
    pub webhooks: Option<Vec<ReferenceMatch>>,
    /// What is to be said.
    pub assessment: Assessment,
}

impl ReconciledReference {
    /// The money it is about: the record's, or else the order's.
    pub fn money(&self) -> Option<crate::model::money::Money> {
        let ordered = || {
            let currency = self.order.currency.clone().unwrap_or_default();
            Some(crate::model::money::Money { minor: self.order.minor?, currency })
        };
        self.record.as_ref().and_then(|record| record.money.clone()).or_else(ordered)
    }
}
