//! The table of probes.

mod accept;
mod behave;
mod open;
mod raw;
mod refuse;
mod survive;

use super::probe::{Probe, ProbeFactory};
use crate::provider::Provider;

/// Returns all probes for a provider, in the order in which they are run.
pub fn probes(provider: &dyn Provider) -> Vec<Probe> {
    let groups: [fn(&ProbeFactory<'_>) -> Vec<Probe>; 6] =
        [accept::probes, refuse::probes, raw::probes, survive::probes, behave::probes, open::probes];
    let factory = ProbeFactory { provider };
    groups.into_iter().flat_map(|group| group(&factory)).collect()
}
