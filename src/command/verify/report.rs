//! One captured request: judged, explained, told, counted.

use super::{At, Verify};
use crate::capture::{Capture, CaptureError, Note, Place};
use crate::command::shared::secrets::Secrets;
use crate::command::{Session, Volume};
use crate::diagnose::{self, Cause, Effort, Finding, Known, Proof, Purse};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::Error;
use crate::model::mask::Reveal;
use crate::model::sanitize;
use crate::model::signature::Key;
use crate::model::timestamp::Timestamp;
use crate::model::verdict::Verdict;
use crate::model::width::Width;
use crate::render::paint::Paint;
use crate::render::row::Overflow;
use crate::render::{self, text};
use crate::webhook::receive::{Rules, receive};
use crate::world::Stream;
use std::collections::BTreeMap;

/// What every request is judged by and told with; the same for all threads.
pub(super) struct Bench<'a> {
    rules: Rules,
    known: Known<'a>,
    now: Timestamp,
    at: Option<At>,
    telling: Telling,
    width: Width,
    paint: Paint,
    reveal: Reveal,
}

/// A request that was judged, and why it failed.
pub(super) struct Judged {
    /// Where in the file it stands.
    pub place: Place,
    /// The request and its verdict.
    pub received: AnalyzedDelivery,
    /// Why it failed.
    pub findings: Vec<Finding>,
    notes: Vec<Note>,
}

impl Judged {
    /// Takes in what a good copy proves about the body, unless the search has proved a change of it already.
    pub(super) fn learn(&mut self, cause: Cause) {
        let is_about_body = |finding: &Finding| finding.cause.code().starts_with("body_");
        self.findings.retain(|finding| !matches!(finding.cause, Cause::Unexplained | Cause::NotSearched));
        if !self.findings.iter().any(|finding| is_about_body(finding) && finding.proof == Proof::Proved) {
            self.findings.retain(|finding| finding.proof == Proof::Proved);
            self.findings.push(Finding { cause, proof: Proof::Proved });
        }
    }
}

/// What is told of each request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telling {
    Lines,
    Json,
    /// `--quiet`: only the summary.
    Nothing,
}

/// Requests counted by verdict and by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    verdicts: BTreeMap<&'static str, u64>,
    causes: BTreeMap<(&'static str, &'static str), u64>,
}

/// Requests that are told of together.
pub(super) struct Batch {
    /// What is told of them.
    pub text: Vec<u8>,
    /// Their counts.
    pub tally: Tally,
    /// How much each failure may take out of the purse.
    most: Effort,
    purse: Purse,
}

/// The code under which what could not be read is counted.
const UNREADABLE: &str = "unreadable";

impl<'a> Bench<'a> {
    /// `now` is the moment by which ages are judged where nothing else is asked for; `None`: the world's.
    pub(super) fn new(args: &Verify, secrets: &'a Secrets, now: Option<Timestamp>, session: &Session<'_>) -> Self {
        let telling = match (args.json, session.volume) {
            (true, _) => Telling::Json,
            (false, Volume::Quiet) => Telling::Nothing,
            (false, _) => Telling::Lines,
        };
        Self {
            rules: Rules { keys: secrets.keys.clone(), tolerance: args.tolerance() },
            known: secrets.known(),
            now: now.unwrap_or_else(|| session.world.now()),
            at: args.at,
            telling,
            width: Width::from_columns(session.world.columns(Stream::Output)),
            paint: session.out,
            reveal: session.reveal,
        }
    }

    /// By what requests are judged.
    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The keys that are known.
    pub(super) fn keys(&self) -> &[Key] {
        &self.rules.keys
    }

    /// All that is known here.
    pub(super) fn known(&self) -> &Known<'a> {
        &self.known
    }

    /// How to colour.
    pub(super) fn paint(&self) -> Paint {
        self.paint
    }

    /// What to mask.
    pub(super) fn reveal(&self) -> Reveal {
        self.reveal
    }

    /// Lines below a request, broken where the terminal has no room for them.
    pub(super) fn fitted(&self, lines: &str) -> Vec<u8> {
        self.width.wrap(lines, text::FINDING).into_bytes()
    }

    /// Whether records are asked for.
    pub(super) fn is_json(&self) -> bool {
        self.telling == Telling::Json
    }

    /// Whether only the summary is asked for.
    pub(super) fn is_quiet(&self) -> bool {
        self.telling == Telling::Nothing
    }

    fn judged_at(&self, arrived: Option<Timestamp>) -> Timestamp {
        match self.at {
            Some(At::Moment(moment)) => moment,
            Some(At::Arrived) => arrived.unwrap_or(self.now),
            None => self.now,
        }
    }

    /// The last words: a count by verdict and by cause when there were several requests, nothing for a single one.
    pub(super) fn summary(&self, tally: &Tally) -> Vec<u8> {
        let codes = |counts: &BTreeMap<&'static str, u64>| {
            counts.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect::<Vec<_>>()
        };
        if self.telling == Telling::Json {
            let causes: Vec<_> = tally.causes.iter().map(|((code, _), count)| ((*code).to_owned(), *count)).collect();
            return render::json::summary(tally.total(), &codes(&tally.verdicts), &causes);
        }
        if tally.total() < 2 && self.telling == Telling::Lines {
            return Vec::new();
        }
        let verdicts: Vec<_> =
            codes(&tally.verdicts).into_iter().map(|(code, count)| format!("{count} {code}")).collect();
        let mut text =
            format!("{}: {}\n", self.paint.strong(&text::count(tally.total(), "request")), verdicts.join(", "));
        for ((code, proof), count) in &tally.causes {
            text.push_str(&format!("{count:>9}  {code} ({proof})\n"));
        }
        text.into_bytes()
    }
}

impl Tally {
    /// How many there were.
    pub(super) fn total(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// Whether all of them verified.
    pub(super) fn all_verified(&self) -> bool {
        self.verdicts.keys().all(|code| *code == "verified")
    }

    /// Adds the counts of another.
    pub(super) fn add(&mut self, other: &Self) {
        other.verdicts.iter().for_each(|(code, count)| *self.verdicts.entry(code).or_default() += count);
        other.causes.iter().for_each(|(cause, count)| *self.causes.entry(*cause).or_default() += count);
    }

    fn count(&mut self, verdict: &Verdict, findings: &[Finding]) {
        *self.verdicts.entry(verdict.code()).or_default() += 1;
        for finding in findings {
            *self.causes.entry((finding.cause.code(), finding.proof.word())).or_default() += 1;
        }
    }
}

impl Batch {
    /// An empty one. Each failure may take `most` out of what there is for all of them.
    pub(super) fn new(most: Effort, all: Effort) -> Self {
        Self { text: Vec::new(), tally: Tally::default(), most, purse: Purse::of(all, u32::MAX) }
    }

    /// Judges one request, and tells of it.
    pub(super) fn add(&mut self, capture: Result<Capture, CaptureError>, bench: &Bench<'_>) {
        if let Some(judged) = self.judge(capture, bench) {
            self.tell(&judged, bench);
        }
    }

    /// Judges one request, and finds out why it failed. `None`: it could not be read, and that was told.
    pub(super) fn judge(&mut self, capture: Result<Capture, CaptureError>, bench: &Bench<'_>) -> Option<Judged> {
        match capture {
            Ok(Capture { delivery, place, notes }) => {
                let at = bench.judged_at(delivery.arrived);
                let received = receive(delivery, &bench.rules, at);
                let findings = self.explain(&received, bench);
                Some(Judged { place, received, findings, notes })
            }
            Err(error) => {
                *self.tally.verdicts.entry(UNREADABLE).or_default() += 1;
                self.tell_unreadable(&unreadable(&error), bench);
                None
            }
        }
    }

    /// Counts and tells.
    pub(super) fn tell(&mut self, judged: &Judged, bench: &Bench<'_>) {
        let Judged { place, received, findings, notes } = judged;
        self.tally.count(&received.verdict, findings);
        match bench.telling {
            Telling::Nothing => {}
            Telling::Json => {
                let notes: Vec<_> = notes.iter().map(|note| (note.code(), note.sentence())).collect();
                self.text.extend(render::json::verdict(&place.to_string(), received, findings, &notes));
            }
            Telling::Lines => self.tell_in_lines(judged, bench),
        }
    }

    fn explain(&mut self, received: &AnalyzedDelivery, bench: &Bench<'_>) -> Vec<Finding> {
        if received.verdict.is_verified() {
            return Vec::new();
        }
        diagnose::explain(received, &bench.known, self.most, &mut self.purse)
    }

    fn tell_in_lines(&mut self, judged: &Judged, bench: &Bench<'_>) {
        let paint = bench.paint;
        let Judged { place, received, findings, notes } = judged;
        let row = text::delivery(received, format!("{:<10}", place.to_string()));
        let mut text = String::new();
        for note in notes {
            let sentence = sanitize::first_line(note.sentence().as_bytes(), 200);
            text.push_str(&format!("{INDENT}{} {sentence}\n", paint.warn("note   ")));
        }
        text.push_str(&text::warnings(&received.event, INDENT, paint));
        text.push_str(&text::findings(findings, INDENT, paint));
        self.text.extend(row.text(bench.width, Overflow::SetIn(INDENT.len()), bench.paint).into_bytes());
        self.text.extend(bench.fitted(&text));
    }

    fn tell_unreadable(&mut self, error: &Error, bench: &Bench<'_>) {
        match bench.telling {
            Telling::Nothing => {}
            Telling::Json => self.text.extend(render::json::unreadable(&error.to_string())),
            Telling::Lines => {
                let line =
                    format!("{}  {}\n", bench.paint.bad("unreadable"), sanitize::escape_unsafe(&error.to_string()));
                self.text.extend(bench.fitted(&line));
            }
        }
    }
}

/// What could not be read, and why.
pub(super) fn unreadable(error: &CaptureError) -> Error {
    let what = Error::failed(error);
    match std::error::Error::source(error) {
        Some(source) => what.because(source),
        None => what,
    }
}

/// What stands under a request is set in.
pub(super) const INDENT: &str = "            ";
