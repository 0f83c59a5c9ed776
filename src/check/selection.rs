//! Which probes are run: patterns over their ids.

use super::probe::Probe;
use wildmatch::WildMatch;

/// Patterns over ids: globs such as `*.timestamp.*`, or what an id begins with, up to a full stop (`refuse`, `raw.number`).
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only these; empty: all.
    pub only: Vec<String>,
    /// None of these.
    pub skip: Vec<String>,
}

impl Selection {
    /// Whether a probe is run. What all others stand on always is.
    pub fn takes(&self, probe: &Probe) -> bool {
        let among = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, &probe.id));
        probe.is_needed() || ((self.only.is_empty() || among(&self.only)) && !among(&self.skip))
    }

    /// The first pattern that fits no probe.
    pub fn stray<'s>(&'s self, probes: &[Probe]) -> Option<&'s str> {
        let is_stray = |pattern: &&String| !probes.iter().any(|probe| fits(pattern, &probe.id));
        self.only.iter().chain(&self.skip).find(is_stray).map(String::as_str)
    }
}

fn fits(pattern: &str, id: &str) -> bool {
    let begins =
        id.strip_prefix(pattern.trim_end_matches('.')).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    begins || WildMatch::new(pattern).matches(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_glob_or_a_beginning_up_to_a_stop() {
        let id = "refuse.timestamp.old";
        assert!(["refuse", "refuse.", "refuse.timestamp", "*.timestamp.*", id].iter().all(|pattern| fits(pattern, id)));
        assert!(!["ref", "refuse.time", "timestamp", "raw.*"].iter().any(|pattern| fits(pattern, id)));
    }
}
