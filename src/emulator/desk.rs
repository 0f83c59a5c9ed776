//! What every part of the emulator works with while it answers a call or lets time pass: the moment, the settings, chance,
//! the agenda, the post, the faults.

use super::Settings;
use super::agenda::{Agenda, Task};
use super::chance::Chance;
use super::faults::Faults;
use super::post::Post;
use crate::model::timestamp::{SignedDuration, Timestamp};
use jiff::fmt::temporal::DateTimePrinter;

/// See the head of this file.
pub(super) struct Desk<'a> {
    pub now: Timestamp,
    pub settings: &'a Settings,
    pub chance: &'a mut Chance,
    pub agenda: &'a mut Agenda,
    pub post: &'a mut Post,
    pub faults: &'a mut Faults,
}

impl Desk<'_> {
    /// The moment so many seconds of the emulator's clock from now.
    pub fn after(&self, seconds: f64) -> Timestamp {
        let span = SignedDuration::try_from_secs_f64(seconds / self.settings.speed).unwrap_or_default();
        self.now.checked_add(span).unwrap_or(self.now)
    }

    /// Lets a task happen so many seconds of the emulator's clock from now.
    pub fn later(&mut self, seconds: f64, task: Task) {
        let due = self.after(seconds);
        self.agenda.add(due, task);
    }

    /// The moment, as objects have it.
    pub fn time(&self) -> String {
        written(self.now)
    }
}

/// A moment as both providers' webhooks write it: RFC 3339, UTC, with milliseconds.
pub(super) fn written(time: Timestamp) -> String {
    DateTimePrinter::new().precision(Some(3)).timestamp_to_string(&time)
}
