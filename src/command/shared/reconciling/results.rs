//! Counts results and passes them to the sinks in the order of the input, as far as memory allows.
//! Results outside of the period are only counted.

use super::{LookupOptions, ResultSink};
use crate::command::Session;
use crate::model::error::{Error, Result};
use crate::reconcile::period::{PeriodPlacement, reference_time};
use crate::reconcile::{BadLine, ReconciledReference, SeenPayments, Totals};
use std::collections::BTreeMap;

/// Maximum number of results that wait for an earlier one.
const MAX_WAITING: usize = 4_096;

pub(super) struct Results<'r> {
    options: &'r LookupOptions<'r>,
    sinks: Vec<&'r mut dyn ResultSink>,
    pub(super) totals: Totals,
    /// Results that wait for an earlier one, by number.
    waiting: BTreeMap<u64, ReconciledReference>,
    /// The number of the next result.
    next: u64,
    seen: SeenPayments<'r>,
}

impl<'r> Results<'r> {
    pub(super) fn new(
        options: &'r LookupOptions<'r>,
        sinks: Vec<&'r mut dyn ResultSink>,
        session: &'r Session<'r>,
    ) -> Self {
        let seen = SeenPayments::new(|| session.world.temporary_file());
        Self { options, sinks, totals: Totals::default(), waiting: BTreeMap::new(), next: 0, seen }
    }

    /// Adds the result for the reference with this number.
    pub(super) fn add(&mut self, number: u64, reconciled: ReconciledReference) -> Result<()> {
        self.sinks.iter_mut().for_each(|sink| sink.step());
        self.waiting.insert(number, reconciled);
        while let Some(reconciled) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.pass_on(reconciled)?;
        }
        if self.waiting.len() > MAX_WAITING { self.add_waiting() } else { Ok(()) }
    }

    /// Passes on the results that wait, although an earlier one is missing.
    pub(super) fn add_waiting(&mut self) -> Result<()> {
        for (number, reconciled) in std::mem::take(&mut self.waiting) {
            self.next = number + 1;
            self.pass_on(reconciled)?;
        }
        Ok(())
    }

    fn pass_on(&mut self, mut reconciled: ReconciledReference) -> Result<()> {
        self.seen
            .check(&mut reconciled)
            .map_err(|error| Error::failed("can't save the payments that were compared").because(error))?;
        let time = reference_time(&reconciled);
        match self.options.period.as_ref().map(|period| period.placement(time)) {
            Some(PeriodPlacement::Outside) => {
                self.totals.outside += 1;
                return Ok(());
            }
            Some(PeriodPlacement::Undated) => self.totals.undated += 1,
            Some(PeriodPlacement::Inside) | None => {}
        }
        reconciled.acceptance = self.options.known.borrow_mut().check(&reconciled);
        let (class, money) = (reconciled.assessment.class(), reconciled.counted_money());
        if reconciled.acceptance.is_accepted() {
            // It is as it should be, so the app gets nothing.
            reconciled.replay = None;
            self.totals.add_accepted(class, money.as_ref());
        } else {
            self.totals.add(class, money.as_ref());
        }
        self.totals.add_details(&reconciled);
        self.each(|sink| sink.add(&reconciled))
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
