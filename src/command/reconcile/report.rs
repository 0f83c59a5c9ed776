//! Writes what came of each reference, in the order in which they were asked about as far as memory allows, and the totals.

use super::super::Session;
use super::super::Volume;
use super::journal::refuse_if_others_can_read;
use super::{Reconcile, source};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::reconcile::{BadLine, Case, Class, Totals};
use crate::render::reconciled::{self, Extent};
use crate::render::text::count;
use crate::world::{AppendFile, Progress, Stream};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// How many rows wait at most for one that was asked about before them.
const WAITING: usize = 4_096;
/// How many bad lines are named.
const NAMED: u64 = 20;
/// How often a person sees something new.
const SOON: SignedDuration = SignedDuration::from_millis(100);
/// How much is gathered before it is written.
const GATHERED: usize = 64 * 1024;

/// Rows, totals, and the list of what is to be replayed.
pub(super) struct Report<'a> {
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

impl<'a> Report<'a> {
    /// An empty one; the header of a table is written.
    pub(super) fn new(args: &'a Reconcile, session: &'a Session<'a>) -> Result<Self> {
        let is_seen = session.world.is_terminal(Stream::Error) && session.volume != Volume::Quiet;
        let total = if is_seen { source::total(args, session)? } else { None };
        let progress = total.filter(|total| *total > 1).map(|total| session.world.progress(total));
        let open = |path: &std::path::PathBuf| {
            refuse_if_others_can_read(path, session)?;
            let opened = session.world.append(path).and_then(|mut list| list.truncate(0).map(|()| list));
            opened.map_err(|error| Error::failed(format!("can't write {}", path.display())).because(error))
        };
        let rows = if args.csv { csv_line(&reconciled::CSV_HEADER)? } else { Vec::new() };
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
    pub(super) fn settle(&mut self, number: u64, case: &Case, body: Option<&Value>) -> Result<()> {
        let row = self.count(case, body)?;
        self.waiting.insert(number, (case.judgement.class(), row));
        while let Some((class, row)) = self.waiting.remove(&self.next) {
            self.show(class, row);
            self.next += 1;
        }
        if self.waiting.len() > WAITING {
            self.let_all_go();
        }
        let now = self.session.world.now();
        if self.rows.len() > GATHERED || now.duration_since(self.written) > SOON { self.write() } else { Ok(()) }
    }

    /// One that is known from an earlier run.
    pub(super) fn take_up(&mut self, case: &Case, body: Option<&Value>) -> Result<()> {
        let row = self.count(case, body)?;
        self.show(case.judgement.class(), row);
        if self.rows.len() > GATHERED { self.write() } else { Ok(()) }
    }

    /// Counts it, lists it, and gives back its row.
    fn count(&mut self, case: &Case, body: Option<&Value>) -> Result<Vec<u8>> {
        let class = case.judgement.class();
        self.totals.add(class, case.money().as_ref());
        if let Some(progress) = &mut self.progress {
            progress.step();
        }
        self.list(case, body)?;
        if let Some(word) = &case.judgement.unknown_word
            && !std::mem::replace(&mut self.has_said_unknown_word, true)
        {
            self.say(&format!(
                "orders say `{}`, which is no status that is known here: it is not compared",
                escape_unsafe(word)
            ));
        }
        if !self.args.only.is_empty() && !self.args.only.iter().any(|only| only.shows(class)) {
            return Ok(Vec::new());
        }
        Ok(if self.args.json {
            reconciled::record(case)
        } else if self.args.csv {
            csv_line(&reconciled::csv_row(case))?
        } else {
            self.session.fitted(&reconciled::row(case, self.session.out)).into_bytes()
        })
    }

    /// Puts on the list what the app has missed. A refused delivery may be anybody's: its event is made of the record instead.
    fn list(&mut self, case: &Case, body: Option<&Value>) -> Result<()> {
        let Some(list) = &mut self.replay_list else { return Ok(()) };
        let has = |class| case.judgement.findings.iter().any(|finding| finding.class == class);
        let line = if has(Class::NeverDelivered) || has(Class::DeliveredRefused) {
            body.and_then(|body| case.provider.rebuilt(body)).map(|event| reconciled::rebuilt(case, &event))
        } else if has(Class::AppDidNotTake) {
            let told = case.webhooks.iter().flatten().rfind(|told| told.summary.verdict == "verified");
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

    fn let_all_go(&mut self) {
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
            let advice = if self.replay_list.is_some() { class.advice_when_listed() } else { class.advice() };
            let advice = self.session.fitted(&reconciled::advice(advice, self.session.out));
            self.rows.extend(advice.into_bytes());
        }
    }

    /// A line of the list that can't be read.
    pub(super) fn bad_line(&mut self, bad: &BadLine) {
        self.totals.bad_lines += 1;
        if self.totals.bad_lines <= NAMED || self.session.volume == Volume::Verbose {
            let text = format!("line {} of the list: {}", bad.line, escape_unsafe(&bad.why));
            self.aside(&mut |session| session.warn(&text));
        }
    }

    /// Says something while the bar stands aside.
    pub(super) fn say(&mut self, text: &str) {
        self.aside(&mut |session| session.say(text));
    }

    fn aside(&mut self, work: &mut dyn FnMut(&Session<'_>)) {
        let session = self.session;
        match &mut self.progress {
            Some(progress) => progress.suspend(&mut || work(session)),
            None => work(session),
        }
    }

    /// Nothing happens for a while: what is there is shown.
    pub(super) fn pause(&mut self) -> Result<()> {
        if self.rows.is_empty() { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<()> {
        self.written = self.session.world.now();
        let rows = std::mem::take(&mut self.rows);
        let mut outcome = Ok(());
        self.aside(&mut |session| {
            let mut output = session.world.stdout();
            outcome = output.write_all(&rows).and_then(|()| output.flush());
        });
        outcome.map_err(Error::from)
    }

    /// Writes the rest and the totals.
    pub(super) fn finish(mut self, extent: Extent, stop: Option<Error>) -> Result<Finished> {
        self.let_all_go();
        if let Some(progress) = &mut self.progress {
            progress.finish();
        }
        let totals = &self.totals;
        let is_much = totals.references() > 1 || totals.bad_lines > 0 || extent == Extent::Partial;
        if self.args.json {
            self.rows.extend(reconciled::totals(totals, extent));
        } else if is_much && !self.args.csv && totals.references() > 0 {
            let gap = if self.rows.is_empty() { "" } else { "\n" };
            let summary = self.session.fitted(&reconciled::summary(totals, extent, self.session.out));
            self.rows.extend(format!("{gap}{summary}").into_bytes());
        } else if is_much && self.args.csv {
            let summary = reconciled::summary(totals, extent, self.session.err);
            self.session.say(summary.trim_end());
        }
        if totals.references() == 0 && totals.bad_lines == 0 && extent == Extent::Whole {
            self.session.warn("there was nothing to reconcile: no reference was found in what was given");
        }
        self.write()?;
        if let (Some(list), Some(path)) = (&mut self.replay_list, &self.args.replay_list) {
            list.sync()?;
            let path = path.display();
            self.session
                .say(&format!("{} in {path}; to send: whtool replay --from {path}", count(self.listed, "event")));
        }
        if extent == Extent::Partial && self.totals.references() > 0 {
            self.session.say(&match &self.args.resume {
                Some(path) => format!("to go on: the same command, with --resume {}", path.display()),
                None => "with --resume FILE, the same command could have gone on from here".to_owned(),
            });
        }
        Ok(Finished { totals: self.totals, stop })
    }
}

fn csv_line<T: AsRef<[u8]>>(cells: &[T]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(std::io::Error::from)?;
    writer.into_inner().map_err(|error| Error::from(error.into_error()))
}

/// A run that is over.
pub(super) struct Finished {
    totals: Totals,
    stop: Option<Error>,
}

impl Finished {
    /// The answer. What could not be told weighs more than a difference: the answer is not whole.
    pub(super) fn outcome(self, wait: Option<SignedDuration>) -> Result<CommandOutcome> {
        if let Some(error) = self.stop {
            return Err(error);
        }
        let (untold, bad) = (self.totals.of(Class::CouldNotTell), self.totals.bad_lines);
        if untold > 0 {
            return Err(Error::failed(format!("{} could not be told", count(untold, "reference")))
                .because("their rows say why"));
        }
        if bad > 0 {
            return Err(Error::failed(format!("{} of the list could not be read", count(bad, "line"))));
        }
        let is_open = wait.is_some() && self.totals.of(Class::StillOpen) > 0;
        Ok(if self.totals.has_difference() || is_open { CommandOutcome::Negative } else { CommandOutcome::Success })
    }
}
