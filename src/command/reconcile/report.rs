//! Writes what came of each reference, in the order in which they were asked about as far as memory allows, and the totals.

use super::super::Session;
use super::super::Volume;
use super::journal::refuse_if_others_can_read;
use super::{Reconcile, source};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::reconcile::{BadLine, Class, ReconciledReference, Totals};
use crate::render::reconcile::{self, Completeness};
use crate::render::text::count;
use crate::world::{AppendFile, Progress, Stream};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// How many rows wait at most for one that was asked about before them.
const MAX_WAITING_ROWS: usize = 4_096;
/// How many bad lines are named.
const MAX_NAMED_LINES: u64 = 20;
/// How often a person sees something new.
const FLUSH_INTERVAL: SignedDuration = SignedDuration::from_millis(100);
/// How much is gathered before it is written.
const FLUSH_SIZE: usize = 64 * 1024;

/// Rows, totals, and the list of what is to be replayed.
pub(super) struct ReportWriter<'a> {
    args: &'a Reconcile,
    session: &'a Session<'a>,
    progress: Option<Box<dyn Progress + 'a>>,
    replay_list: Option<Box<dyn AppendFile + 'a>>,
    totals: Totals,
    /// Rows that wait for those before them.
    waiting: BTreeMap<u64, (Class, Vec<u8>)>,
    /// The number whose row comes next.
    next: u64,
    /// Rows to be written.
    rows: Vec<u8>,
    written: Timestamp,
    /// How many are on the list.
    listed: u64,
    has_said_unknown_word: bool,
    /// The classes of which it was said what to do.
    advised: BTreeSet<Class>,
}

impl<'a> ReportWriter<'a> {
    /// An empty one; the header of a table is written.
    pub(super) fn new(args: &'a Reconcile, session: &'a Session<'a>) -> Result<Self> {
        let is_seen = session.world.is_terminal(Stream::Error) && session.volume != Volume::Quiet;
        let total = if is_seen { source::count_references(args, session)? } else { None };
        let progress = total.filter(|total| *total > 1).map(|total| session.world.progress(total));
        let open = |path: &std::path::PathBuf| {
            refuse_if_others_can_read(path, session)?;
            let opened = session.world.append(path).and_then(|mut list| list.truncate(0).map(|()| list));
            opened.map_err(|error| Error::failed(format!("can't write {}", path.display())).because(error))
        };
        let rows = if args.csv { csv_line(&reconcile::CSV_HEADER)? } else { Vec::new() };
        Ok(Self {
            progress,
            replay_list: args.replay_list.as_ref().map(open).transpose()?,
            totals: Totals::default(),
            waiting: BTreeMap::new(),
            next: 0,
            rows,
            written: session.world.now(),
            listed: 0,
            has_said_unknown_word: false,
            advised: BTreeSet::new(),
            args,
            session,
        })
    }

    /// What is to be said of the reference of this number.
    pub(super) fn add(&mut self, number: u64, reconciled: &ReconciledReference, body: Option<&Value>) -> Result<()> {
        let row = self.count(reconciled, body)?;
        self.waiting.insert(number, (reconciled.assessment.class(), row));
        while let Some((class, row)) = self.waiting.remove(&self.next) {
            self.show(class, row);
            self.next += 1;
        }
        if self.waiting.len() > MAX_WAITING_ROWS {
            self.show_waiting();
        }
        let now = self.session.world.now();
        if self.rows.len() > FLUSH_SIZE || now.duration_since(self.written) > FLUSH_INTERVAL {
            self.write()
        } else {
            Ok(())
        }
    }

    /// One that is known from an earlier run.
    pub(super) fn add_known(&mut self, reconciled: &ReconciledReference, body: Option<&Value>) -> Result<()> {
        let row = self.count(reconciled, body)?;
        self.show(reconciled.assessment.class(), row);
        if self.rows.len() > FLUSH_SIZE { self.write() } else { Ok(()) }
    }

    /// Counts it, lists it, and gives back its row.
    fn count(&mut self, reconciled: &ReconciledReference, body: Option<&Value>) -> Result<Vec<u8>> {
        let class = reconciled.assessment.class();
        self.totals.add(class, reconciled.money().as_ref());
        if let Some(progress) = &mut self.progress {
            progress.step();
        }
        self.add_to_replay_list(reconciled, body)?;
        if let Some(word) = &reconciled.assessment.unrecognized_status
            && !std::mem::replace(&mut self.has_said_unknown_word, true)
        {
            self.say(&format!(
                "orders say `{}`, which is no status that is known here: it is not compared",
                escape_unsafe(word)
            ));
        }
        if !self.args.only.is_empty() && !self.args.only.iter().any(|only| only.matches(class)) {
            return Ok(Vec::new());
        }
        Ok(if self.args.json {
            reconcile::record(reconciled)
        } else if self.args.csv {
            csv_line(&reconcile::csv_row(reconciled))?
        } else {
            self.session.fitted(&reconcile::row(reconciled, self.session.out)).into_bytes()
        })
    }

    /// Puts on the list what the app has missed. A refused delivery may be anybody's: its event is made of the record instead.
    fn add_to_replay_list(&mut self, reconciled: &ReconciledReference, body: Option<&Value>) -> Result<()> {
        let Some(list) = &mut self.replay_list else { return Ok(()) };
        let has = |class| reconciled.assessment.findings.iter().any(|finding| finding.class == class);
        let line = if has(Class::NeverDelivered) || has(Class::DeliveredRefused) {
            body.and_then(|body| reconciled.provider.rebuild_event(body))
                .map(|event| reconcile::rebuilt(reconciled, &event))
        } else if has(Class::AppDidNotTake) {
            let told = reconciled.webhooks.iter().flatten().rfind(|told| told.summary.verdict.is_verified());
            told.map(|told| format!("{}\n", told.summary.id).into_bytes())
        } else {
            None
        };
        if let Some(line) = line {
            list.write_all(&line)?;
            self.listed += 1;
        }
        Ok(())
    }

    fn show_waiting(&mut self) {
        for (number, (class, row)) in std::mem::take(&mut self.waiting) {
            self.show(class, row);
            self.next = number + 1;
        }
    }

    /// A row in its turn; the first of its class is followed by what to do.
    fn show(&mut self, class: Class, row: Vec<u8>) {
        let is_for_people = !self.args.json && !self.args.csv;
        let is_first = is_for_people && !row.is_empty() && self.advised.insert(class);
        self.rows.extend(row);
        if is_first {
            let advice = if self.replay_list.is_some() { class.advice_with_replay_list() } else { class.advice() };
            let advice = self.session.fitted(&reconcile::advice(advice, self.session.out));
            self.rows.extend(advice.into_bytes());
        }
    }

    /// A line of the list that can't be read.
    pub(super) fn bad_line(&mut self, bad: &BadLine) {
        self.totals.bad_lines += 1;
        if self.totals.bad_lines <= MAX_NAMED_LINES || self.session.volume == Volume::Verbose {
            let text = format!("line {} of the list: {}", bad.line, escape_unsafe(&bad.reason));
            self.without_progress_bar(&mut |session| session.warn(&text));
        }
    }

    /// Says something while the bar stands aside.
    pub(super) fn say(&mut self, text: &str) {
        self.without_progress_bar(&mut |session| session.say(text));
    }

    fn without_progress_bar(&mut self, work: &mut dyn FnMut(&Session<'_>)) {
        let session = self.session;
        match &mut self.progress {
            Some(progress) => progress.suspend(&mut || work(session)),
            None => work(session),
        }
    }

    /// Nothing happens for a while: what is there is shown.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.rows.is_empty() { Ok(()) } else { self.write() }
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

    /// Writes the rest and the totals.
    pub(super) fn finish(mut self, completeness: Completeness, stop: Option<Error>) -> Result<FinishedRun> {
        self.show_waiting();
        if let Some(progress) = &mut self.progress {
            progress.finish();
        }
        let totals = &self.totals;
        let is_much = totals.references() > 1 || totals.bad_lines > 0 || completeness == Completeness::Partial;
        if self.args.json {
            self.rows.extend(reconcile::totals(totals, completeness));
        } else if is_much && !self.args.csv && totals.references() > 0 {
            let gap = if self.rows.is_empty() { "" } else { "\n" };
            let summary = self.session.fitted(&reconcile::summary(totals, completeness, self.session.out));
            self.rows.extend(format!("{gap}{summary}").into_bytes());
        } else if is_much && self.args.csv {
            let summary = reconcile::summary(totals, completeness, self.session.err);
            self.session.say(summary.trim_end());
        }
        if totals.references() == 0 && totals.bad_lines == 0 && completeness == Completeness::Complete {
            self.session.warn("there was nothing to reconcile: no reference was found in what was given");
        }
        self.write()?;
        if let (Some(list), Some(path)) = (&mut self.replay_list, &self.args.replay_list) {
            list.sync()?;
            let path = path.display();
            self.session
                .say(&format!("{} in {path}; to send: whtool replay --from {path}", count(self.listed, "event")));
        }
        if completeness == Completeness::Partial && self.totals.references() > 0 {
            self.session.say(&match &self.args.resume {
                Some(path) => format!("to go on: the same command, with --resume {}", path.display()),
                None => "with --resume FILE, the same command could have gone on from here".to_owned(),
            });
        }
        Ok(FinishedRun { totals: self.totals, stop })
    }
}

fn csv_line<T: AsRef<[u8]>>(cells: &[T]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(std::io::Error::from)?;
    writer.into_inner().map_err(|error| Error::from(error.into_error()))
}

/// A run that is over.
pub(super) struct FinishedRun {
    totals: Totals,
    stop: Option<Error>,
}

impl FinishedRun {
    /// The answer. What could not be told weighs more than a difference: the answer is not whole.
    pub(super) fn outcome(self, wait: Option<SignedDuration>) -> Result<CommandOutcome> {
        if let Some(error) = self.stop {
            return Err(error);
        }
        let (untold, bad) = (self.totals.count(Class::CouldNotTell), self.totals.bad_lines);
        if untold > 0 {
            return Err(Error::failed(format!("{} could not be told", count(untold, "reference")))
                .because("their rows say why"));
        }
        if bad > 0 {
            return Err(Error::failed(format!("{} of the list could not be read", count(bad, "line"))));
        }
        let is_open = wait.is_some() && self.totals.count(Class::StillOpen) > 0;
        Ok(if self.totals.has_difference() || is_open { CommandOutcome::Negative } else { CommandOutcome::Success })
    }
}
