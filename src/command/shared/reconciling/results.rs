//! Counts results and passes them to the sinks in the order of the input, as far as memory allows.

use super::ResultSink;
use crate::model::error::Result;
use crate::reconcile::{BadLine, ReconciledReference, Totals};
use std::collections::BTreeMap;

/// Maximum number of results that wait for an earlier one.
const MAX_WAITING: usize = 4_096;

pub(super) struct Results<'r> {
    sinks: Vec<&'r mut dyn ResultSink>,
    pub(super) totals: Totals,
    /// Results that wait for an earlier one, by number.
    waiting: BTreeMap<u64, ReconciledReference>,
    /// The number of the next result.
    next: u64,
}

impl<'r> Results<'r> {
    pub(super) fn new(sinks: Vec<&'r mut dyn ResultSink>) -> Self {
        Self { sinks, totals: Totals::default(), waiting: BTreeMap::new(), next: 0 }
    }

    /// Adds the result for the reference with this number.
    pub(super) fn add(&mut self, number: u64, reconciled: ReconciledReference) -> Result<()> {
        self.sinks.iter_mut().for_each(|sink| sink.step());
        self.waiting.insert(number, reconciled);
        while let Some(reconciled) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.pass_on(&reconciled)?;
        }
        if self.waiting.len() > MAX_WAITING { self.add_waiting() } else { Ok(()) }
    }

    /// Passes on the results that wait, although an earlier one is missing.
    pub(super) fn add_waiting(&mut self) -> Result<()> {
        for (number, reconciled) in std::mem::take(&mut self.waiting) {
            self.next = number + 1;
            self.pass_on(&reconciled)?;
        }
        Ok(())
    }

    fn pass_on(&mut self, reconciled: &ReconciledReference) -> Result<()> {
        self.totals.add(reconciled.assessment.class(), reconciled.money().as_ref());
        self.each(|sink| sink.add(reconciled))
    }

    pub(super) fn bad_line(&mut self, bad: &BadLine) -> Result<()> {
        self.totals.bad_lines += 1;
        self.each(|sink| sink.bad_line(bad))
    }

    pub(super) fn say(&mut self, text: &str) {
        self.sinks.iter_mut().for_each(|sink| sink.say(text));
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.each(|sink| sink.flush())
    }

    fn each(&mut self, mut work: impl FnMut(&mut dyn ResultSink) -> Result<()>) -> Result<()> {
        self.sinks.iter_mut().try_for_each(|sink| work(&mut **sink))
    }
}
