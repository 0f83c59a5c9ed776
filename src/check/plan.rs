//! The settings of a check: handler, key, time limit and selected probes.

use super::probe::Probe;
use crate::model::signature::Key;
use crate::provider::Provider;
use std::time::Duration;
use url::Url;
use wildmatch::WildMatch;

pub struct CheckPlan {
    pub provider: &'static dyn Provider,
    /// Signs the events.
    pub key: Key,
    pub url: Url,
    /// Maximum response time.
    pub budget: Duration,
    pub selection: ProbeSelection,
}

/// Patterns for probe ids: globs (`*.timestamp.*`), or the first parts of an id (`refuse`,
/// `raw.number`).
#[derive(Clone, Debug, Default)]
pub struct ProbeSelection {
    /// Probes to run. Empty: all.
    pub only: Vec<String>,
    pub skip: Vec<String>,
}

impl ProbeSelection {
    pub fn includes(&self, probe: &Probe) -> bool {
        let matches_any = |patterns: &[String]| patterns.iter().any(|pattern| matches_pattern(pattern, &probe.id));
        probe.always_runs() || ((self.only.is_empty() || matches_any(&self.only)) && !matches_any(&self.skip))
    }

    /// Returns the first pattern that matches no probe.
    pub fn unmatched_pattern<'s>(&'s self, probes: &[Probe]) -> Option<&'s str> {
        let is_unmatched = |pattern: &&String| !probes.iter().any(|probe| matches_pattern(pattern, &probe.id));
        self.only.iter().chain(&self.skip).find(is_unmatched).map(String::as_str)
    }
}

fn matches_pattern(pattern: &str, id: &str) -> bool {
    let rest = id.strip_prefix(pattern.trim_end_matches('.'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) || WildMatch::new(pattern).matches(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_glob_or_the_first_parts_of_an_id() {
        let id = "refuse.timestamp.old";
        let matching = ["refuse", "refuse.", "refuse.timestamp", "*.timestamp.*", id];
        assert!(matching.iter().all(|pattern| matches_pattern(pattern, id)));
        let others = ["ref", "refuse.time", "timestamp", "raw.*"];
        assert!(!others.iter().any(|pattern| matches_pattern(pattern, id)));
    }
}
