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

#[cfg(test)]
mod tests {
    use super::*;
    fn at(microseconds: i64) -> Timestamp {
        Timestamp::from_microsecond(microseconds).unwrap()
    }

    fn pop_all(timers: &mut Timers, now: i64) -> Vec<TimedTask> {
        std::iter::from_fn(|| timers.pop_due(at(now))).collect()
    }

    #[test]
    fn tasks_run_by_due_time_and_then_in_the_order_in_which_they_were_added() {
        let mut timers = Timers::default();
        for (due, number) in [(30, 1), (10, 2), (20, 3), (10, 4)] {
            timers.add(at(due), TimedTask::Deliver(number));
        }
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(timers.time_until_next(at(9)), Some(SignedDuration::from_micros(1)));
        assert_eq!(pop_all(&mut timers, 20), [2, 4, 3].map(TimedTask::Deliver));
        // An overdue task is due now, and not in the past.
        assert_eq!(timers.time_until_next(at(99)), Some(SignedDuration::ZERO));
        assert_eq!(pop_all(&mut timers, 30), [TimedTask::Deliver(1)]);
        assert_eq!(timers.time_until_next(at(99)), None);
    }

    #[test]
    fn only_a_scheduled_delivery_is_brought_forward_and_runs_once() {
        let mut timers = Timers::default();
        timers.add(at(50), TimedTask::Deliver(1));
        timers.add(at(5), TimedTask::Payment("1".to_owned()));
        timers.bring_forward(1, at(10));
        timers.bring_forward(2, at(10));
        assert_eq!(pop_all(&mut timers, 10), [TimedTask::Payment("1".to_owned()), TimedTask::Deliver(1)]);
        assert_eq!(pop_all(&mut timers, 99), []);
    }

    #[test]
    fn saved_tasks_keep_their_order_and_new_ones_come_after_them() {
        let mut timers = Timers::default();
        timers.add(at(7), TimedTask::SessionExpiry("cs_1".to_owned()));
        timers.add(at(7), TimedTask::Reversal("PLS-1".to_owned()));
        let saved = serde_json::to_string(&timers).unwrap();
        assert_eq!(saved, r#"[[7,{"sessionExpiry":"cs_1"}],[7,{"reversal":"PLS-1"}]]"#);
        let mut restored: Timers = serde_json::from_str(&saved).unwrap();
        restored.add(at(7), TimedTask::Deliver(1));
        let expected = [
            TimedTask::SessionExpiry("cs_1".to_owned()),
            TimedTask::Reversal("PLS-1".to_owned()),
            TimedTask::Deliver(1),
        ];
        assert_eq!(pop_all(&mut restored, 7), expected);
    }
}
