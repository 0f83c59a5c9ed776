//! Shared state and settings that a provider uses while it answers a call or runs a task.

use super::faults::{FaultRule, FaultRules, FaultStage};
use super::outbox::Outbox;
use super::rng::SeededRng;
use super::settings::Settings;
use super::timers::{TimedTask, Timers};
use crate::model::timestamp::{SignedDuration, Timestamp};
use jiff::fmt::temporal::DateTimePrinter;

pub(super) struct Context<'a> {
    pub now: Timestamp,
    pub settings: &'a Settings,
    pub rng: &'a mut SeededRng,
    pub timers: &'a mut Timers,
    pub outbox: &'a mut Outbox,
    pub faults: &'a mut FaultRules,
}

impl Context<'_> {
    /// Adds seconds of the emulator's clock to the current time.
    pub fn time_after(&self, seconds: f64) -> Timestamp {
        let span = SignedDuration::try_from_secs_f64(seconds / self.settings.speed).unwrap_or_default();
        self.now.checked_add(span).unwrap_or(self.now)
    }

    /// Runs a task after seconds of the emulator's clock.
    pub fn schedule(&mut self, seconds: f64, task: TimedTask) {
        let due = self.time_after(seconds);
        self.timers.add(due, task);
    }

    /// The current time as objects contain it.
    pub fn timestamp(&self) -> String {
        format_time(self.now)
    }

    /// Takes the faults that apply to a call or delivery.
    pub fn trigger_faults(&mut self, stage: FaultStage, provider: &str, method: &str, subject: &str) -> Vec<FaultRule> {
        self.faults.trigger(stage, provider, method, subject, self.rng)
    }
}

/// Formats a time as both providers' webhooks do: RFC 3339, UTC, milliseconds.
pub(super) fn format_time(time: Timestamp) -> String {
    DateTimePrinter::new().precision(Some(3)).timestamp_to_string(&time)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        for (millisecond, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_736_937_000_000, "2025-01-15T10:30:00.000Z"),
            (1_736_937_000_007, "2025-01-15T10:30:00.007Z"),
        ] {
            assert_eq!(format_time(Timestamp::from_millisecond(millisecond).unwrap()), text);
        }
    }
}
