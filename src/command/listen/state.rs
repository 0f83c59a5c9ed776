//! State of a running listener: which events it has seen, what it has counted, and its budget for
//! explaining refusals.

use crate::diagnose::{HashAllowance, HashBudget};
use crate::model::duplicate::EventFacts;
use crate::model::timestamp::Timestamp;
use crate::render::text;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The most recent events, to recognize duplicates.
pub(super) struct SeenEvents<T> {
    /// The first delivery of each event, by provider and key.
    first_deliveries: HashMap<(String, String), T>,
    /// The keys, oldest first.
    order: VecDeque<(String, String)>,
    capacity: usize,
}

/// The first delivery of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FirstDelivery {
    pub name: String,
    pub facts: EventFacts,
}

impl<T: Clone> SeenEvents<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { first_deliveries: HashMap::new(), order: VecDeque::new(), capacity }
    }

    /// Adds an event. If it was seen before, returns its first delivery.
    pub(super) fn add(&mut self, provider: &str, key: &str, delivery: T) -> Option<T> {
        let key = (provider.to_owned(), key.to_owned());
        if let Some(first) = self.first_deliveries.get(&key) {
            return Some(first.clone());
        }
        if self.order.len() == self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.first_deliveries.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.first_deliveries.insert(key, delivery);
        None
    }
}

/// Counts for the summary.
#[derive(Default)]
pub(super) struct Summary {
    /// All deliveries, shown or not.
    pub deliveries: u64,
    /// Deliveries that arrived too fast to be shown.
    pub not_shown: u64,
    pub duplicates: u64,
    pub rejected: u64,
    /// Deliveries of other types than those of `--type`.
    pub hidden: u64,
    /// Verified events that no route took.
    pub unrouted: u64,
    /// Deliveries by the code of their verdict.
    pub by_verdict: BTreeMap<&'static str, u64>,
}

impl Summary {
    pub(super) fn text(&self) -> String {
        let mut verdicts: Vec<_> =
            self.by_verdict.iter().map(|(code, count)| format!("{count} {}", code.replace('_', " "))).collect();
        if self.not_shown > 0 {
            verdicts.push(format!("{} not shown", self.not_shown));
        }
        let mut summary = text::count(self.deliveries, "delivery");
        if !verdicts.is_empty() {
            summary = format!("{summary}: {}", verdicts.join(", "));
        }
        if self.duplicates > 0 {
            summary.push_str(&format!("; {}", text::count(self.duplicates, "duplicate")));
        }
        if self.hidden > 0 {
            summary.push_str(&format!("; {} not shown (--type)", self.hidden));
        }
        if self.unrouted > 0 {
            summary.push_str(&format!("; {} not forwarded: no --forward-to takes their type", self.unrouted));
        }
        if self.rejected > 0 {
            summary.push_str(&format!("; {} rejected", text::count(self.rejected, "request")));
        }
        summary
    }
}

/// Budget for explaining refusals in one second: about a fifth of a second of hashing. Honest
/// senders must not wait under a flood of refusals.
const HASHING_PER_SECOND: HashBudget = HashBudget::new(HashAllowance::THOROUGH.times(3), HashAllowance::USUAL, 100);

/// Most rejected requests that are printed in one second.
const REJECTIONS_PER_SECOND: u32 = 5;

/// Work that anybody can cause by sending requests, limited per second.
pub(super) struct RefusalBudget {
    hashing: HashBudget,
    rejections: u32,
    second: Timestamp,
}

impl RefusalBudget {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { hashing: HASHING_PER_SECOND, rejections: REJECTIONS_PER_SECOND, second: now }
    }

    /// Returns the budget that remains for explanations in this second.
    pub(super) fn hashing(&mut self, now: Timestamp) -> &mut HashBudget {
        self.refill(now);
        &mut self.hashing
    }

    /// Takes one rejected request out of the budget. Returns false if it is used up.
    pub(super) fn take_rejection(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let is_left = self.rejections > 0;
        self.rejections = self.rejections.saturating_sub(1);
        is_left
    }

    fn refill(&mut self, now: Timestamp) {
        if now.duration_since(self.second).as_secs() >= 1 {
            *self = Self::new(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stored::{CaptureId, RecentEvent};
    use crate::model::timestamp::SignedDuration;

    #[test]
    fn a_duplicate_names_its_first_delivery_and_the_oldest_event_is_forgotten() {
        let mut seen = SeenEvents::new(2);
        let mut add = |provider: &str, key: &str, name: &str| {
            let event = RecentEvent {
                id: CaptureId(1),
                provider: provider.to_owned(),
                key: key.to_owned(),
                subject: None,
                status: None,
                money: None,
            };
            let first = FirstDelivery { name: name.to_owned(), facts: EventFacts::from(&event) };
            seen.add(provider, key, first).map(|first| first.name)
        };
        assert_eq!(add("plexos", "a", "#1"), None);
        assert_eq!(add("plexos", "a", "#2"), Some("#1".to_owned()));
        assert_eq!(add("plustive", "a", "#3"), None);
        assert_eq!(add("plexos", "a", "#4"), Some("#1".to_owned()));
        assert_eq!(add("plexos", "b", "#5"), None);
        assert_eq!(add("plexos", "a", "#6"), None);
    }

    #[test]
    fn the_summary_adds_up_to_all_deliveries() {
        let by_verdict = [("verified", 2), ("too_old", 1)].into_iter().collect();
        let summary =
            Summary { deliveries: 10, not_shown: 7, duplicates: 1, rejected: 4, by_verdict, ..Summary::default() };
        let expected = "10 deliveries: 1 too old, 2 verified, 7 not shown; 1 duplicate; 4 requests rejected";
        assert_eq!(summary.text(), expected);
    }

    #[test]
    fn five_rejected_requests_are_printed_per_second() {
        let start = Timestamp::from_second(1_000).unwrap();
        let mut budget = RefusalBudget::new(start);
        let printed = |budget: &mut RefusalBudget, millis| {
            let now = start + SignedDuration::from_millis(millis);
            (0..100).filter(|_| budget.take_rejection(now)).count()
        };
        assert_eq!([0, 999, 1000, 1500, 2000].map(|millis| printed(&mut budget, millis)), [5, 0, 5, 0, 5]);
    }
}
