//! The settings of a check: handler, key, time limit and selected probes.

use super::probe::Probe;
use crate::diagnose::oracle::HandlerSecrets;
use crate::model::signature::Key;
use crate::provider::Provider;
use std::time::Duration;
use url::Url;
use wildmatch::WildMatch;

pub struct CheckPlan {
    pub provider: &'static dyn Provider,
    /// Signs the events.
    pub key: Key,
    /// The secrets that the handler may use by mistake.
    pub handler_secrets: HandlerSecrets,
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

    fn probe(id: &str, kind: crate::check::probe::ProbeKind) -> Probe {
        use crate::check::types::{ProbeGrade, ProbeGroup, ProbeTopic};
        let (severity, topic) = (ProbeGrade::Fail, ProbeTopic::Event);
        Probe { id: id.to_owned(), group: ProbeGroup::Accept, why: "", page: "", severity, topic, kind }
    }

    fn selection(only: &[&str], skip: &[&str]) -> ProbeSelection {
        let texts = |patterns: &[&str]| patterns.iter().map(ToString::to_string).collect();
        ProbeSelection { only: texts(only), skip: texts(skip) }
    }

    #[test]
    fn what_is_skipped_is_skipped_even_if_it_is_selected_but_not_what_others_depend_on() {
        use crate::check::probe::ProbeKind::{Baseline, RejectsAnything, ResponseTime};
        let timely = probe("behave.time", ResponseTime);
        for (only, skip, included) in [
            (&[][..], &[][..], true),
            (&["behave"], &[], true),
            (&["refuse"], &[], false),
            (&[], &["behave.*"], false),
            (&["behave.time"], &["behave"], false),
            (&["refuse", "behave"], &["accept"], true),
        ] {
            assert_eq!(selection(only, skip).includes(&timely), included, "{only:?} {skip:?}");
        }
        for kind in [Baseline, RejectsAnything] {
            assert!(selection(&["refuse"], &["accept"]).includes(&probe("accept.event", kind)));
        }
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_reported() {
        let probes = [probe("raw.number.exponent", crate::check::probe::ProbeKind::ResponseTime)];
        assert_eq!(selection(&["raw", "rwa"], &["x"]).unmatched_pattern(&probes), Some("rwa"));
        assert_eq!(selection(&["raw"], &["raw.num"]).unmatched_pattern(&probes), Some("raw.num"));
        assert_eq!(selection(&["raw.number"], &["*.exponent"]).unmatched_pattern(&probes), None);
    }
}
