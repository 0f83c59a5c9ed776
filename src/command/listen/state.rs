//! State of a running listener: what it has counted, and its budget for explaining refusals.

use crate::diagnose::{HashAllowance, HashBudget};
use crate::model::timestamp::Timestamp;
use crate::render::text;
use std::collections::BTreeMap;

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
    use crate::model::timestamp::SignedDuration;

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
