//! Summary of a replay: counts by answer, and response times.

use crate::model::exchange::{SendFailure, SentRequest};
use crate::render::text;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Default)]
pub(super) struct ReplaySummary {
    counts: BTreeMap<String, u64>,
    times: Vec<Duration>,
    /// Answers other than 2xx.
    pub rejected: u64,
    pub unanswered: u64,
    /// The first failure without an answer.
    pub first_failure: Option<SendFailure>,
}

impl ReplaySummary {
    pub(super) fn add(&mut self, sent: &SentRequest) {
        let label = match &sent.answer {
            Ok(answer) => {
                self.rejected += u64::from(!answer.status.is_success());
                self.times.push(sent.took);
                answer.status.to_string()
            }
            Err(failure) => {
                self.unanswered += 1;
                self.first_failure.get_or_insert_with(|| failure.clone());
                "no answer".to_owned()
            }
        };
        *self.counts.entry(label).or_default() += 1;
    }

    /// True if an answer is typical of a signature made with another secret.
    pub(super) fn suggests_wrong_secret(&self) -> bool {
        ["400", "401", "403"].iter().any(|status| self.counts.contains_key(*status))
    }

    pub(super) fn to_text(&self, total: u64, took: Duration) -> String {
        let mut times = self.times.clone();
        times.sort_unstable();
        let done: u64 = self.counts.values().sum();
        let counts: Vec<_> = self.counts.iter().map(|(label, count)| format!("{count} × {label}")).collect();
        let per_second = done as f64 / took.as_secs_f64().max(1e-6);
        let mut line =
            format!("sent {done} of {total} in {} ({per_second:.0}/s): {}", text::duration(took), counts.join(", "));
        if let (Some(p50), Some(p99)) = (percentile(&times, 50), percentile(&times, 99)) {
            line.push_str(&format!("; p50 {}, p99 {}", text::duration(p50), text::duration(p99)));
        }
        line
    }
}

/// Response time at a percentile of sorted times.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_times() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Some(Duration::from_millis(100)));
        assert_eq!(percentile(&times, 99), Some(Duration::from_millis(198)));
        assert_eq!(percentile(&[], 50), None);
    }
}
