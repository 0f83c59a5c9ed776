//! A run over captured webhooks that another command starts, with its progress: the same engine and
//! report as those of `reconcile`.

use super::report_args::{ReportCollector, run_facts};
use super::source::InputSource;
use super::{Reconcile, known_args};
use crate::command::Session;
use crate::command::shared::captures::When;
use crate::command::shared::reconciling::{CapturedWebhooks, ResultSink, RunEnd, run_lookups};
use crate::command::shared::store_args::StoreArgs;
use crate::model::error::{Error, Result};
use crate::model::timestamp::Timestamp;
use crate::reconcile::report::ReconcileReport;
use crate::reconcile::{KnownDifferences, ReconciledReference, Totals};
use clap::{Args, Command, FromArgMatches};
use std::cell::RefCell;

/// The captures whose payments and purchases are looked up.
pub(in crate::command) struct CapturedRun<'a> {
    pub since: Option<When>,
    pub until: Option<When>,
    pub store: &'a StoreArgs,
}

/// A run that is not finished.
#[derive(Clone)]
pub(in crate::command) struct RunProgress {
    pub looked_up: u64,
    /// `None`: unknown.
    pub total: Option<u64>,
    pub totals: Totals,
    pub started: Timestamp,
}

/// Runs the comparison. An error of `progress` ends it; the report then says so.
pub(in crate::command) fn reconcile_captured(
    wanted: &CapturedRun<'_>,
    progress: &dyn Fn(&RunProgress) -> Result<()>,
    session: &Session<'_>,
) -> Result<ReconcileReport> {
    let mut args = default_args()?;
    (args.period.since, args.period.until) = (wanted.since, wanted.until);
    args.open = !args.period.is_given();
    args.store = wanted.store.clone();
    let started = session.world.now();
    let known = RefCell::new(KnownDifferences::default());
    let mut captured = CapturedWebhooks::open(&args.store, session)?;
    let options = args.lookup_options(None, None, &known, session)?;
    let mut source = InputSource::new(&args, None, &mut captured, session)?;
    let total = source.count();
    let mut collector = ReportCollector::with_rows(&args.reports);
    let state = RunProgress { looked_up: 0, total, totals: Totals::default(), started };
    let mut reporter = ProgressSink { state, progress };
    (reporter.progress)(&reporter.state)?;
    let sinks: Vec<&mut dyn ResultSink> = vec![&mut reporter, &mut collector];
    let finished = run_lookups(session, &options, captured, &mut source, sinks)?;
    if let (RunEnd::Stopped(error), 0) = (&finished.end, finished.totals.references()) {
        // Nothing was compared, so the reason is the result.
        return Err(error.clone());
    }
    let facts =
        run_facts(args.source_name(None, session)?, started, (&args, options.period.clone()), &finished, session);
    let report = collector.report(facts, &finished, known_args::summarize(&known.borrow()));
    report.ok_or_else(|| Error::failed("internal error: the run kept no rows"))
}

/// Counts the results of a run.
struct ProgressSink<'p> {
    state: RunProgress,
    progress: &'p dyn Fn(&RunProgress) -> Result<()>,
}

impl ResultSink for ProgressSink<'_> {
    fn add(&mut self, reconciled: &ReconciledReference) -> Result<()> {
        self.state.totals.add(reconciled.assessment.class(), reconciled.counted_money().as_ref());
        (self.progress)(&self.state)
    }

    fn step(&mut self) {
        self.state.looked_up += 1;
    }

    fn flush(&mut self) -> Result<()> {
        (self.progress)(&self.state)
    }
}

/// Returns the arguments of `whtool reconcile` without any flag.
fn default_args() -> Result<Reconcile> {
    let matches = Reconcile::augment_args(Command::new("reconcile")).try_get_matches_from(["reconcile"]);
    matches.and_then(|matches| Reconcile::from_arg_matches(&matches)).map_err(|error| Error::usage(error.to_string()))
}
