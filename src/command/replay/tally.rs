//! What came of all requests together: counts by answer, and the spread of times.

use crate::model::exchange::SentRequest;
use crate::render::text;
use std::collections::BTreeMap;
use std::time::Duration;

/// What came of all requests together.
#[derive(Default)]
pub(super) struct Tally {
    by_answer: BTreeMap<String, u64>,
    times: Vec<Duration>,
    /// Answers that were not 2xx.
    pub refused: u64,
    /// Requests without an answer.
    pub failed: u64,
}

impl Tally {
    pub(super) fn add(&mut self, sent: &SentRequest) {
        let label = match &sent.answer {
            Ok(answer) => {
                self.refused += u64::from(!answer.status.is_success());
                self.times.push(sent.took);
                answer.status.to_string()
            }
            Err(_) => {
                self.failed += 1;
                "no answer".to_owned()
            }
        };
        *self.by_answer.entry(label).or_default() += 1;
    }

    /// Whether targets answered as they do to a signature that is wrong to them.
    pub(super) fn looks_like_a_wrong_secret(&self) -> bool {
        ["400", "401", "403"].iter().any(|status| self.by_answer.contains_key(*status))
    }

    pub(super) fn summary(&mut self, total: u64, took: Duration) -> String {
        self.times.sort_unstable();
        let done: u64 = self.by_answer.values().sum();
        let counts: Vec<_> = self.by_answer.iter().map(|(label, count)| format!("{count} × {label}")).collect();
        let each_second = done as f64 / took.as_secs_f64().max(1e-6);
        let mut summary =
            format!("{done} of {total} tried in {} ({each_second:.0}/s): {}", text::duration(took), counts.join(", "));
        if let (Some(half), Some(most)) = (self.percentile(50), self.percentile(99)) {
            summary.push_str(&format!("; p50 {}, p99 {}", text::duration(half), text::duration(most)));
        }
        summary
    }

    /// The time within which so many of a hundred were answered; `times` must be sorted.
    fn percentile(&self, percent: usize) -> Option<Duration> {
        let place = (self.times.len() * percent).div_ceil(100).saturating_sub(1);
        self.times.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = (1..=200).map(Duration::from_millis).collect();
        let tally = Tally { times, ..Tally::default() };
        assert_eq!(tally.percentile(50), Some(Duration::from_millis(100)));
        assert_eq!(tally.percentile(99), Some(Duration::from_millis(198)));
        assert_eq!(Tally::default().percentile(50), None);
    }
}
