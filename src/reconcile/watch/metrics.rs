//! Numbers for monitoring.

use super::super::{Class, Totals};
use super::{DeliveryOutcome, WatchState};
use crate::model::timestamp::Timestamp;

/// Deliveries of this process by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    pub accepted: u64,
    pub refused: u64,
    pub unsent: u64,
    pub unsure: u64,
}

impl DeliveryCounts {
    pub fn add(&mut self, outcome: &DeliveryOutcome) {
        match outcome {
            DeliveryOutcome::Sending => {}
            DeliveryOutcome::Accepted { .. } => self.accepted += 1,
            DeliveryOutcome::Refused { .. } => self.refused += 1,
            DeliveryOutcome::Unsent { .. } => self.unsent += 1,
            DeliveryOutcome::Unsure { .. } => self.unsure += 1,
        }
    }
}

/// Counts since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchCounts {
    pub complete_rounds: u64,
    pub failed_rounds: u64,
    pub lookups: u64,
    pub deliveries: DeliveryCounts,
    pub repaired: u64,
    pub failed_alerts: u64,
}

/// The state after the last complete round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchGauges {
    /// References of the last complete round by class.
    pub classes: Vec<(Class, u64)>,
    pub open_differences: u64,
    pub given_up: u64,
    /// Time at which the oldest open difference was first seen.
    pub oldest: Option<Timestamp>,
    pub unsent_alerts: u64,
    pub troubles: Vec<super::Trouble>,
}

impl WatchGauges {
    pub fn new(totals: &Totals, state: &WatchState) -> Self {
        let differences = || state.differences().map(|(_, difference)| difference);
        Self {
            classes: Class::ALL.into_iter().map(|class| (class, totals.count(class))).collect(),
            open_differences: differences().count() as u64,
            given_up: differences().filter(|difference| difference.is_given_up).count() as u64,
            oldest: differences().map(|difference| difference.first_seen).min(),
            unsent_alerts: state.unsent_alerts().count() as u64,
            troubles: state.troubles().map(|(trouble, ..)| trouble).collect(),
        }
    }
}
