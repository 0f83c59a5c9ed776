//! The flags for reports in files and for the exit status.

use super::Reconcile;
use crate::command::Session;
use crate::command::shared::output_file;
use crate::command::shared::reconciling::{FinishedRun, ResultSink, RunEnd};
use crate::command::shared::values::{ListParser, ParsedList};
use crate::model::error::{Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::timestamp::Timestamp;
use crate::reconcile::period::ReportPeriod;
use crate::reconcile::report::{KnownSummary, ReconcileReport, ReportRows, RunFacts};
use crate::reconcile::{Class, ReconciledReference, Totals};
use crate::render::reconcile::{html, is_html_report, is_junit_report, junit};
use crate::world::FileVisibility;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::{Path, PathBuf};

#[derive(Args)]
#[command(next_help_heading = "Reports")]
pub(super) struct ReportArgs {
    /// Write a page for people who check the books
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a JUnit report for CI: differences are failures, inconclusive references are errors
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print five lines for a chat or a mail instead of the rows
    #[arg(long, conflicts_with = "json")]
    pub summary: bool,
    /// Exit with status 1 only for these classes (default: every difference). May be repeated
    #[arg(long, value_name = "CLASS", value_parser = ListParser(failing_class()))]
    fail_on: Vec<ParsedList<Class>>,
}

fn failing_class() -> impl TypedValueParser<Value = Class> {
    let can_fail = |class: &&Class| class.is_difference() || **class == Class::StillOpen;
    let words = Class::ALL.iter().rev().filter(can_fail).map(|class| class.code());
    PossibleValuesParser::new(words).map(|word| Class::from_code(&word).expect("clap accepts only these codes"))
}

/// A report that is written to a file.
struct ReportFile {
    format: fn(&ReconcileReport) -> String,
    is_own: fn(&[u8]) -> bool,
}

impl ReportArgs {
    fn files(&self) -> impl Iterator<Item = (&Path, ReportFile)> {
        let html = self.html.as_deref().map(|path| (path, ReportFile { format: html, is_own: is_html_report }));
        let junit = self.junit.as_deref().map(|path| (path, ReportFile { format: junit, is_own: is_junit_report }));
        html.into_iter().chain(junit)
    }

    /// Returns true if a report needs rows or totals at the end of the run.
    pub(super) fn is_needed(&self) -> bool {
        self.summary || self.files().next().is_some()
    }

    /// Checks that the files may be written, before anything is asked.
    pub(super) fn check_files(&self, csv: Option<&Path>, session: &Session<'_>) -> Result<()> {
        let mut seen: Vec<&Path> = csv.into_iter().collect();
        for (path, file) in self.files() {
            if seen.contains(&path) {
                return Err(Error::usage(format!("two reports would be written to {}", path.display())));
            }
            seen.push(path);
            output_file::check(path, &file.is_own, session)?;
        }
        Ok(())
    }

    pub(super) fn write_files(&self, report: &ReconcileReport, session: &Session<'_>) -> Result<()> {
        for (path, ReportFile { format, is_own }) in self.files() {
            output_file::write(path, format(report).as_bytes(), FileVisibility::Shared, &is_own, session)?;
            session.info(&format!("wrote {}", escape_unsafe(&path.display().to_string())));
        }
        Ok(())
    }

    /// Returns the classes of `--fail-on`. `None`: every difference.
    pub(super) fn failing_classes(&self) -> Option<Vec<Class>> {
        let classes: Vec<_> = self.fail_on.iter().flat_map(|list| list.0.iter().copied()).collect();
        (!classes.is_empty()).then_some(classes)
    }
}

/// Collects what the reports show, and looks for the classes of `--fail-on`.
pub(super) struct ReportCollector {
    rows: Option<ReportRows>,
    failing: Option<Vec<Class>>,
    /// True if a reference that is not accepted has a finding of one of these classes.
    has_failing_class: bool,
}

impl ReportCollector {
    pub(super) fn new(args: &ReportArgs) -> Self {
        Self {
            rows: args.is_needed().then(ReportRows::default),
            failing: args.failing_classes(),
            has_failing_class: false,
        }
    }

    /// Keeps the rows for a report, whatever the flags say.
    pub(super) fn with_rows(args: &ReportArgs) -> Self {
        Self { rows: Some(ReportRows::default()), ..Self::new(args) }
    }

    /// Returns true if the exit status is 1, unless something could not be compared.
    pub(super) fn has_failure(&self, totals: &Totals) -> bool {
        if self.failing.is_some() { self.has_failing_class } else { totals.has_difference() }
    }

    /// Builds the report of a finished run.
    pub(super) fn report(
        self,
        facts: RunFacts,
        finished: &FinishedRun,
        known: KnownSummary,
    ) -> Option<ReconcileReport> {
        self.rows.map(|rows| ReconcileReport::new(facts, finished.totals.clone(), known, rows))
    }
}

impl ResultSink for ReportCollector {
    fn add(&mut self, reconciled: &ReconciledReference) -> Result<()> {
        if let Some(rows) = &mut self.rows {
            rows.add(reconciled);
        }
        if let Some(failing) = &self.failing
            && !reconciled.acceptance.is_accepted()
        {
            self.has_failing_class |= failing.iter().any(|class| reconciled.assessment.has(*class));
        }
        Ok(())
    }
}

/// Describes a run for its reports.
pub(super) fn run_facts(
    source: String,
    started: Timestamp,
    (args, period): (&Reconcile, Option<ReportPeriod>),
    finished: &FinishedRun,
    session: &Session<'_>,
) -> RunFacts {
    let stopped = match &finished.end {
        RunEnd::Complete => None,
        RunEnd::Interrupted => Some("it was interrupted".to_owned()),
        RunEnd::Stopped(error) => {
            let cause = error.cause().map(|cause| format!(": {cause}")).unwrap_or_default();
            Some(format!("{}{cause}", error.message))
        }
    };
    RunFacts {
        started,
        finished: session.world.now(),
        zone: args.period.zone(session),
        source,
        apis: finished.apis.clone(),
        period,
        stopped,
        csv: args.csv_file().map(|path| path.display().to_string()),
    }
}
