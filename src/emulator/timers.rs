//! Tasks that are scheduled on the emulator's clock.

use crate::model::timestamp::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum TimedTask {
    /// Send the delivery with this number.
    Deliver(u64),
    /// Advance a payment by one status.
    Payment(String),
    /// Expire a payment that is still open.
    PaymentExpiry(String),
    /// Advance a refund by one status.
    Refund(String),
    /// Expire a checkout session that is still open.
    SessionExpiry(String),
    Settlement(String),
    Purchase(String),
    /// Refund a purchase that succeeded.
    Reversal(String),
}

/// Tasks ordered by due time, then by the order in which they were added.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    tasks: BTreeMap<(i64, u64), TimedTask>,
    count: u64,
}

impl Timers {
    pub fn add(&mut self, due: Timestamp, task: TimedTask) {
        self.count += 1;
        self.tasks.insert((due.as_microsecond(), self.count), task);
    }

    /// Removes the first task if it is due.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<TimedTask> {
        let entry = self.tasks.first_entry()?;
        (entry.key().0 <= now.as_microsecond()).then(|| entry.remove())
    }

    /// Time until the first task is due. `None`: there are no tasks.
    pub fn time_until_next(&self, now: Timestamp) -> Option<SignedDuration> {
        let ((due, _), _) = self.tasks.first_key_value()?;
        Some(SignedDuration::from_micros(due.saturating_sub(now.as_microsecond()).max(0)))
    }

    /// Makes a scheduled delivery due now.
    pub fn bring_forward(&mut self, number: u64, now: Timestamp) {
        let before = self.tasks.len();
        self.tasks.retain(|_, task| *task != TimedTask::Deliver(number));
        if self.tasks.len() < before {
            self.add(now, TimedTask::Deliver(number));
        }
    }
}

impl Serialize for Timers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.tasks.iter().map(|((due, _), task)| (due, task)))
    }
}

impl<'de> Deserialize<'de> for Timers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut timers = Self::default();
        for (due, task) in Vec::<(i64, TimedTask)>::deserialize(deserializer)? {
            timers.count += 1;
            timers.tasks.insert((due, timers.count), task);
        }
        Ok(timers)
    }
}
