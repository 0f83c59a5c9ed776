//! Decides what `whtool watch` delivers and reports: a state machine without clock, store or network.
//!
//! Each round the command passes in what it has found out about every reference (`observation`) and
//! the time. `WatchState` remembers open differences and every delivery that was ever started. It
//! reports each change once (`change`), and plans the deliveries of the round (`delivery`). `saved`
//! turns it into rows of the store and back, `metrics` into numbers.
//!
//! Three rules hold whatever happens: an event is never delivered twice for the same record and
//! status, unless the user asks for it; nothing is repaired before the orders agree; a round that was
//! not complete concludes nothing.

mod change;
mod delivery;
mod metrics;
mod observation;
mod saved;
mod state;
#[cfg(test)]
mod tests;

pub use change::{Change, ChangeKind, ChangeSubject, RepairCause, Trouble};
pub use delivery::{Delivery, DeliveryKey, DeliveryOutcome, MissedEvent, PlannedDelivery, RepeatPolicy};
pub use metrics::{DeliveryCounts, WatchCounts, WatchGauges};
pub use observation::{ComparedParts, Observation, Round, WatchedReference};
pub use state::{Difference, WatchPolicy, WatchState};
