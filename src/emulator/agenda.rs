//! What is still to happen, by the time it is due.

use crate::model::timestamp::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Something that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Task {
    /// A delivery, by its number, is sent.
    Deliver(u64),
    /// A payment goes one step further.
    Payment(String),
    /// A payment was not confirmed in time.
    PaymentExpiry(String),
    /// A refund goes one step further.
    Refund(String),
    /// A checkout session runs out.
    SessionExpiry(String),
    /// A settlement is done.
    Settlement(String),
    /// A purchase ends.
    Purchase(String),
    /// A purchase is taken back.
    Reversal(String),
}

/// Tasks in the order they are due; those of one moment in the order they were put down.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    tasks: BTreeMap<(i64, u64), Task>,
    count: u64,
}

impl Agenda {
    /// Puts a task down.
    pub fn add(&mut self, due: Timestamp, task: Task) {
        self.count += 1;
        self.tasks.insert((due.as_microsecond(), self.count), task);
    }

    /// Takes the first task that is due.
    pub fn take(&mut self, now: Timestamp) -> Option<Task> {
        let entry = self.tasks.first_entry()?;
        (entry.key().0 <= now.as_microsecond()).then(|| entry.remove())
    }

    /// How long until the first task is due. `None`: there is none.
    pub fn wait(&self, now: Timestamp) -> Option<SignedDuration> {
        let ((due, _), _) = self.tasks.first_key_value()?;
        Some(SignedDuration::from_micros(due.saturating_sub(now.as_microsecond()).max(0)))
    }

    /// Makes a delivery due now that was to come later.
    pub fn hasten(&mut self, number: u64, now: Timestamp) {
        let before = self.tasks.len();
        self.tasks.retain(|_, task| *task != Task::Deliver(number));
        if self.tasks.len() < before {
            self.add(now, Task::Deliver(number));
        }
    }
}

impl Serialize for Agenda {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.tasks.iter().map(|((due, _), task)| (due, task)))
    }
}

impl<'de> Deserialize<'de> for Agenda {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut agenda = Self::default();
        for (due, task) in Vec::<(i64, Task)>::deserialize(deserializer)? {
            agenda.count += 1;
            agenda.tasks.insert((due, agenda.count), task);
        }
        Ok(agenda)
    }
}
