//! The table of probes.

mod accept;
mod behave;
mod open;
mod raw;
mod refuse;
mod survive;

use super::draft::{Draft, Maker};
use super::probe::{Grade, Group, Make, Probe, Topic, Trial};
use crate::provider::Provider;

/// All probes for a provider, in the order in which they are run.
pub fn probes(provider: &dyn Provider) -> Vec<Probe> {
    let groups: [fn(&Table<'_>) -> Vec<Probe>; 6] =
        [accept::probes, refuse::probes, raw::probes, survive::probes, behave::probes, open::probes];
    let table = Table { provider, page: provider.webhook_pages()[0] };
    groups.into_iter().flat_map(|group| group(&table)).collect()
}

/// What a part of the table is made for.
struct Table<'p> {
    provider: &'p dyn Provider,
    /// The provider's page on webhooks.
    page: &'static str,
}

impl Table<'_> {
    fn probe(&self, group: Group, rest: &str, why: &'static str, topic: Topic, trial: Trial) -> Probe {
        let id = format!("{}.{rest}", group.word());
        Probe { id, group, why, page: self.page, weight: Grade::Fail, topic, trial }
    }

    /// Whether the provider signs the time.
    fn signs_time(&self) -> bool {
        self.provider.timestamp_header().is_some()
    }
}

/// A single request.
fn one(make: impl Fn(&mut Maker<'_>) -> Draft + 'static) -> Make {
    Box::new(move |maker| vec![make(maker)])
}

/// Several requests, one after the other.
fn several(make: impl Fn(&mut Maker<'_>) -> Vec<Draft> + 'static) -> Make {
    Box::new(make)
}
