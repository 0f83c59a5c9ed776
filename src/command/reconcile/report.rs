//! Writes a row per reference, then the totals.
//!
//! Also shows the progress bar.

use super::super::Session;
use super::super::Verbosity;
use super::Reconcile;
use crate::command::shared::reconciling::{FinishedRun, OrderSource, ResultSink};
use crate::model::error::{Error, Result};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::{escape_unsafe, truncate};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::reconcile::period::ReportPeriod;
use crate::reconcile::report::ReconcileReport;
use crate::reconcile::totals::AmountMistake;
use crate::reconcile::{BadLine, Class, KnownDifferences, ReconciledReference, Totals};
use crate::render::reconcile::{self, Completeness, CsvTable};
use crate::world::{Progress, Stream};
use std::collections::BTreeSet;
use std::io::Write as _;

/// Maximum number of unreadable lines that are named, except with -v.
const MAX_NAMED_LINES: u64 = 20;
const FLUSH_INTERVAL: SignedDuration = SignedDuration::from_millis(100);
/// Rows are written once this many bytes are waiting.
const FLUSH_SIZE: usize = 64 * 1024;

pub(super) struct ReportWriter<'a> {
    args: &'a Reconcile,
    session: &'a Session<'a>,
    progress: Option<Box<dyn Progress + 'a>>,
    table: CsvTable,
    /// Lines of the list that can't be read.
    bad_lines: u64,
    /// Rows that are not written yet.
    rows: Vec<u8>,
    written: Timestamp,
    /// Classes whose advice was shown.
    advised: BTreeSet<Class>,
}

impl<'a> ReportWriter<'a> {
    /// Starts with the CSV header. `total` is the number of references, if it is known.
    pub(super) fn new(
        args: &'a Reconcile,
        source: &dyn OrderSource,
        total: Option<u64>,
        session: &'a Session<'a>,
    ) -> Result<Self> {
        let is_visible = session.world.is_terminal(Stream::Error) && session.verbosity != Verbosity::Quiet;
        let progress = total.filter(|total| is_visible && *total > 1).map(|total| session.world.progress(total));
        let table = CsvTable::new(source.extra_columns());
        let rows = if args.prints_csv() { csv_line(&table.header())? } else { Vec::new() };
        Ok(Self {
            progress,
            table,
            bad_lines: 0,
            rows,
            written: session.world.now(),
            advised: BTreeSet::new(),
            args,
            session,
        })
    }

    /// Returns the row; empty if `--only` hides it.
    fn row(&mut self, reconciled: &ReconciledReference) -> Result<Vec<u8>> {
        if !self.args.only.is_empty()
            && !self.args.only.iter().flat_map(|list| &list.0).any(|only| only.matches(reconciled))
        {
            return Ok(Vec::new());
        }
        Ok(if self.args.reports.summary {
            Vec::new()
        } else if self.args.json {
            reconcile::record(reconciled)
        } else if self.args.prints_csv() {
            csv_line(&self.table.row(reconciled))?
        } else {
            self.session.wrap(&reconcile::row(reconciled, self.session.out)).into_bytes()
        })
    }

    /// Queues a row. The first row of a class is followed by its advice; `None`: needs no advice.
    fn show(&mut self, class: Option<Class>, row: Vec<u8>) {
        let is_text = !self.args.json && !self.args.prints_csv() && !row.is_empty();
        self.rows.extend(row);
        if let Some(class) = class.filter(|class| is_text && self.advised.insert(*class)) {
            let advice = if self.args.replay_list.is_some() { class.advice_with_replay_list() } else { class.advice() };
            let advice = self.session.wrap(&reconcile::advice(advice, self.session.out));
            self.rows.extend(advice.into_bytes());
        }
    }

    fn without_progress_bar(&mut self, work: &mut dyn FnMut(&Session<'_>)) {
        let session = self.session;
        match &mut self.progress {
            Some(progress) => progress.suspend(&mut || work(session)),
            None => work(session),
        }
    }

    fn write(&mut self) -> Result<()> {
        self.written = self.session.world.now();
        let rows = std::mem::take(&mut self.rows);
        let mut outcome = Ok(());
        self.without_progress_bar(&mut |session| {
            let mut output = session.world.stdout();
            outcome = output.write_all(&rows).and_then(|()| output.flush());
        });
        outcome.map_err(Error::from)
    }

    /// Writes the remaining rows, the totals and the closing notes.
    pub(super) fn finish(
        mut self,
        finished: &FinishedRun,
        report: Option<&ReconcileReport>,
        period: Option<&ReportPeriod>,
        known: &KnownDifferences,
    ) -> Result<()> {
        let completeness = finished.completeness();
        if let Some(progress) = &mut self.progress {
            progress.finish();
        }
        let totals = &finished.totals;
        let notes = reconcile::RunNotes { completeness, period, known };
        let has_summary = totals.outside > 0
            || totals.references() > 1
            || totals.bad_lines > 0
            || completeness == Completeness::Partial;
        if let Some(report) = report.filter(|_| self.args.reports.summary) {
            self.rows.extend(reconcile::short_summary(report).into_bytes());
        } else if self.args.json {
            self.rows.extend(reconcile::totals(totals, &notes));
        } else if has_summary && !self.args.prints_csv() && totals.references() + totals.outside > 0 {
            let gap = if self.rows.is_empty() { "" } else { "\n" };
            let summary = self.session.wrap(&reconcile::summary(totals, &notes, self.session.out));
            self.rows.extend(format!("{gap}{summary}").into_bytes());
        } else if has_summary && self.args.prints_csv() {
            let summary = reconcile::summary(totals, &notes, self.session.err);
            self.session.info(summary.trim_end());
        }
        if totals.references() + totals.outside == 0 && totals.bad_lines == 0 && completeness == Completeness::Complete
        {
            self.session.warn("nothing to reconcile: the input has no references");
        }
        self.write()?;
        explain_unrecognized(totals, self.session);
        explain_amounts(totals, self.session);
        if completeness == Completeness::Partial && finished.totals.references() > 0 {
            self.session.info(&match &self.args.resume {
                Some(path) => format!("run the same command again to continue from {}", path.display()),
                None => "use --resume FILE to be able to continue an interrupted run".to_owned(),
            });
        }
        Ok(())
    }
}

impl ResultSink for ReportWriter<'_> {
    fn add(&mut self, reconciled: &ReconciledReference) -> Result<()> {
        let row = self.row(reconciled)?;
        // Advice about events or lookups would be wrong if there is no event, or a word is unknown.
        let assessment = &reconciled.assessment;
        let has_event = assessment.missed.is_none() || reconciled.replay.is_some();
        let is_mendable = has_event && (assessment.is_complete || assessment.class() != Class::CouldNotTell);
        let needs_advice = is_mendable && !reconciled.acceptance.is_accepted();
        self.show(needs_advice.then(|| reconciled.assessment.class()), row);
        let now = self.session.world.now();
        if self.rows.len() > FLUSH_SIZE || now.duration_since(self.written) > FLUSH_INTERVAL {
            self.write()
        } else {
            Ok(())
        }
    }

    fn bad_line(&mut self, bad: &BadLine) -> Result<()> {
        self.bad_lines += 1;
        if self.bad_lines <= MAX_NAMED_LINES || self.session.verbosity == Verbosity::Verbose {
            let text = format!("line {} of the list: {}", bad.line, escape_unsafe(&bad.reason));
            self.without_progress_bar(&mut |session| session.warn(&text));
        }
        Ok(())
    }

    fn step(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.step();
        }
    }

    fn say(&mut self, text: &str) {
        self.without_progress_bar(&mut |session| session.info(text));
    }

    fn flush(&mut self) -> Result<()> {
        if self.rows.is_empty() { Ok(()) } else { self.write() }
    }
}

fn csv_line<T: AsRef<[u8]>>(cells: &[T]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(std::io::Error::from)?;
    writer.into_inner().map_err(|error| Error::from(error.into_error()))
}

/// Names the status words that were not compared.
fn explain_unrecognized(totals: &Totals, session: &Session<'_>) {
    let words = totals.unrecognized.words();
    let Some((first, _)) = words.first() else { return };
    let named: Vec<_> = words.iter().map(|(word, count)| format!("`{}` ({count})", shorten(word))).collect();
    let others = totals.unrecognized.others;
    let others = if others > 0 { format!(" and others ({others})") } else { String::new() };
    session.warn(&format!("unknown order statuses were not compared: {}{others}", named.join(", ")));
    session.info(&format!("say what each means with --status '{}=MEANING': see docs/reconcile.md", shorten(first)));
}

/// Longest status word shown, in columns.
const MAX_WORD: usize = 40;

fn shorten(word: &str) -> String {
    truncate(&mask_secrets(word), MAX_WORD)
}

/// Says so if one mistake explains all differences between amounts.
fn explain_amounts(totals: &Totals, session: &Session<'_>) {
    match totals.factor.mistake() {
        Some(AmountMistake::Decimals) => session
            .info("all differing amounts are a hundredth of the recorded ones: the list has decimals; use --decimal"),
        Some(AmountMistake::MinorUnits) => session.info(
            "all differing amounts are a hundred times the recorded ones: the list has minor units; omit --decimal",
        ),
        None => {}
    }
}
