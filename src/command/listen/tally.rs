//! How many deliveries came, and how they went.

use crate::render::text;
use std::collections::BTreeMap;

/// What was counted.
#[derive(Default)]
pub(super) struct Tally {
    /// All deliveries, shown or not.
    pub number: u64,
    /// Verified events that were shown.
    pub verified: u64,
    /// Verified events that had come before.
    pub duplicates: u64,
    /// Requests that were no deliveries.
    pub turned_away: u64,
    /// Deliveries by the code of their verdict.
    pub by_verdict: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// All of it in a sentence.
    pub(super) fn summary(&self) -> String {
        let verdicts: Vec<_> =
            self.by_verdict.iter().map(|(code, count)| format!("{count} {}", code.replace('_', " "))).collect();
        let mut summary = text::count(self.number, "delivery");
        if !verdicts.is_empty() {
            summary = format!("{summary}: {}", verdicts.join(", "));
        }
        if self.duplicates > 0 {
            summary.push_str(&format!("; {}", text::count(self.duplicates, "duplicate")));
        }
        if self.turned_away > 0 {
            summary.push_str(&format!("; {} turned away", text::count(self.turned_away, "request")));
        }
        summary
    }
}
