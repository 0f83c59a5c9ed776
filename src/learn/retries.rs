//! Measures how a provider repeats deliveries that were not answered with 2xx.

use crate::model::timestamp::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Pauses before the Nth repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPause {
    /// 1 for the first repeat.
    pub repeat: u32,
    pub count: u64,
    pub shortest: SignedDuration,
    pub median: SignedDuration,
    pub longest: SignedDuration,
}

/// The arrivals of events that were answered with an error at first.
#[derive(Clone, Debug, Default)]
pub struct RetrySchedule {
    events: BTreeMap<String, Arrivals>,
    /// Number of deliveries of events that had been accepted before.
    duplicates: u64,
}

#[derive(Clone, Debug, Default)]
struct Arrivals {
    times: Vec<Timestamp>,
    /// Set once it was answered with 2xx: a later arrival is no retry.
    is_accepted: bool,
}

/// Most events that are followed at once.
const MAX_EVENTS: usize = 100_000;

impl RetrySchedule {
    /// Adds a delivery, oldest first. `key` identifies its event.
    pub fn add(&mut self, key: &str, at: Timestamp, was_accepted: bool) {
        if self.events.len() >= MAX_EVENTS && !self.events.contains_key(key) {
            return;
        }
        let arrivals = self.events.entry(key.to_owned()).or_default();
        if arrivals.is_accepted {
            self.duplicates += 1;
            return;
        }
        arrivals.times.push(at);
        arrivals.is_accepted = was_accepted;
    }

    /// Returns the pauses by repeat. Empty: nothing was repeated.
    pub fn pauses(&self) -> Vec<RetryPause> {
        let mut by_repeat: BTreeMap<u32, Vec<SignedDuration>> = BTreeMap::new();
        for arrivals in self.events.values() {
            for (repeat, pair) in (1..).zip(arrivals.times.windows(2)) {
                by_repeat.entry(repeat).or_default().push(pair[1].duration_since(pair[0]));
            }
        }
        let pauses = by_repeat.into_iter().map(|(repeat, mut pauses)| {
            pauses.sort_unstable();
            let (shortest, longest) = (pauses[0], pauses[pauses.len() - 1]);
            RetryPause { repeat, count: pauses.len() as u64, shortest, median: pauses[pauses.len() / 2], longest }
        });
        pauses.collect()
    }

    /// Counts the deliveries of events that had been accepted before.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Counts the events that were refused and never accepted, by their number of deliveries.
    pub fn abandoned(&self) -> BTreeMap<usize, u64> {
        let mut counts = BTreeMap::new();
        for arrivals in self.events.values().filter(|arrivals| !arrivals.is_accepted) {
            *counts.entry(arrivals.times.len()).or_default() += 1;
        }
        counts
    }
}
