//! Verifies, explains, prints and counts one captured request after the other.

use super::{At, Verify};
use crate::capture::{Capture, CaptureError, Location, Note};
use crate::command::shared::secrets::Secrets;
use crate::command::{Session, Verbosity};
use crate::diagnose::{self, CauseGroup, Confidence, Credentials, Finding, HashBudget};
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::Error;
use crate::model::mask::{Audience, Reveal, mask_sentence};
use crate::model::sanitize;
use crate::model::timestamp::Timestamp;
use crate::model::verdict::{Verdict, VerdictCode};
use crate::model::width::Width;
use crate::render::paint::Paint;
use crate::render::row::Overflow;
use crate::render::{self, text};
use crate::webhook::receive::{Rules, receive};
use crate::world::Stream;
use std::collections::BTreeMap;

/// The keys, the clock and the output format, the same for all requests and threads.
pub(super) struct Verifier<'a> {
    pub rules: Rules,
    pub credentials: Credentials<'a>,
    now: Timestamp,
    at: Option<At>,
    format: ReportFormat,
    width: Width,
    pub paint: Paint,
    pub reveal: Reveal,
}

/// A verified request and the causes of its failure.
pub(super) struct CheckedRequest {
    /// The position in the file.
    pub place: Location,
    pub received: AnalyzedDelivery,
    pub findings: Vec<Finding>,
    notes: Vec<Note>,
}

impl CheckedRequest {
    /// Adds what the comparison with a good copy shows, unless the search has proved a change of the
    /// body.
    pub(super) fn add_comparison(&mut self, finding: Finding) {
        self.findings.retain(|finding| finding.cause.group() != CauseGroup::Unknown);
        if !self.findings.iter().any(Finding::proves_body_change) {
            if finding.confidence == Confidence::Proved {
                self.findings.retain(|finding| finding.confidence == Confidence::Proved);
            }
            self.findings.push(finding);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReportFormat {
    Text,
    Json,
    SummaryOnly,
}

/// The numbers of requests by verdict and by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct VerdictCounts {
    verdicts: BTreeMap<VerdictCode, u64>,
    unreadable: u64,
    /// Requests and lines that are no webhooks; they are not part of the total.
    pub skipped: u64,
    causes: BTreeMap<(&'static str, &'static str), u64>,
}

/// The output and the counts of several requests.
pub(super) struct Report {
    pub output: Vec<u8>,
    pub counts: VerdictCounts,
    budget: HashBudget,
}

impl<'a> Verifier<'a> {
    /// `now` replaces the clock's time, unless `--at` is given.
    pub(super) fn new(
        args: &Verify,
        at: Option<At>,
        secrets: &'a Secrets,
        now: Option<Timestamp>,
        session: &Session<'_>,
    ) -> Self {
        let format = match (args.json, session.verbosity) {
            (true, _) => ReportFormat::Json,
            (false, Verbosity::Quiet) => ReportFormat::SummaryOnly,
            (false, _) => ReportFormat::Text,
        };
        Self {
            rules: Rules { keys: secrets.keys.clone(), tolerance: args.tolerance() },
            credentials: secrets.credentials(),
            now: now.unwrap_or_else(|| session.world.now()),
            at,
            format,
            width: Width::from_columns(session.world.columns(Stream::Output)),
            paint: session.out,
            reveal: session.reveal,
        }
    }

    /// Wraps the lines below a request to the width of the terminal.
    pub(super) fn wrap(&self, lines: &str) -> Vec<u8> {
        self.width.wrap(lines, text::FINDING_INDENT).into_bytes()
    }

    pub(super) fn is_json(&self) -> bool {
        self.format == ReportFormat::Json
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.format == ReportFormat::SummaryOnly
    }

    fn time_for(&self, arrived: Option<Timestamp>) -> Timestamp {
        match self.at {
            Some(At::Time(time)) => time,
            Some(At::Arrived) => arrived.unwrap_or(self.now),
            None => self.now,
        }
    }

    /// Formats the counts of several requests. A single request has no summary.
    pub(super) fn summary(&self, counts: &VerdictCounts) -> Vec<u8> {
        let verdicts = counts.by_code();
        if self.format == ReportFormat::Json {
            let causes: Vec<_> = counts.causes.iter().map(|((code, _), count)| ((*code).to_owned(), *count)).collect();
            return render::json::summary(counts.total(), &verdicts, &causes);
        }
        if counts.total() < 2 && self.format == ReportFormat::Text {
            return Vec::new();
        }
        let verdicts: Vec<_> = verdicts.iter().map(|(code, count)| format!("{count} {code}")).collect();
        let total = self.paint.strong(&text::count(counts.total(), "request"));
        let mut text = format!("{total}: {}\n", verdicts.join(", "));
        for ((code, confidence), count) in &counts.causes {
            text.push_str(&format!("{count:>9}  {code} ({confidence})\n"));
        }
        text.into_bytes()
    }
}

impl VerdictCounts {
    pub(super) fn total(&self) -> u64 {
        self.verdicts.values().sum::<u64>() + self.unreadable
    }

    /// Lists the counts by the code of the verdict, or `unreadable`, in alphabetical order.
    fn by_code(&self) -> Vec<(String, u64)> {
        let verdicts = self.verdicts.iter().map(|(code, count)| (code.to_string(), *count));
        let unreadable = (self.unreadable > 0).then(|| ("unreadable".to_owned(), self.unreadable));
        let mut counts: Vec<_> = verdicts.chain(unreadable).collect();
        counts.sort();
        counts
    }

    pub(super) fn all_verified(&self) -> bool {
        self.verdicts.keys().all(|code| code.is_verified()) && self.unreadable == 0
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.unreadable += other.unreadable;
        self.skipped += other.skipped;
        other.verdicts.iter().for_each(|(code, count)| *self.verdicts.entry(*code).or_default() += count);
        other.causes.iter().for_each(|(cause, count)| *self.causes.entry(*cause).or_default() += count);
    }

    fn count(&mut self, verdict: &Verdict, findings: &[Finding]) {
        *self.verdicts.entry(verdict.code()).or_default() += 1;
        for finding in findings {
            *self.causes.entry((finding.cause.code(), finding.confidence.code())).or_default() += 1;
        }
    }
}

impl Report {
    pub(super) fn new(budget: HashBudget) -> Self {
        Self { output: Vec::new(), counts: VerdictCounts::default(), budget }
    }

    /// Verifies and prints one request.
    pub(super) fn add(&mut self, capture: Result<Capture, CaptureError>, verifier: &Verifier<'_>) {
        if let Some(request) = self.check(capture, verifier) {
            self.print(&request, verifier);
        }
    }

    /// Verifies one request and explains a failure. `None`: unreadable, which is printed here.
    pub(super) fn check(
        &mut self,
        capture: Result<Capture, CaptureError>,
        verifier: &Verifier<'_>,
    ) -> Option<CheckedRequest> {
        match capture {
            Ok(Capture { delivery, location: place, notes }) => {
                let now = verifier.time_for(delivery.arrived);
                let mut received = receive(delivery, &verifier.rules, now);
                let mut findings = diagnose::explain(&received, &verifier.credentials, &mut self.budget);
                explain_by_notes(&mut findings, &notes);
                if let Some(verdict) = diagnose::refine_verdict(&received.verdict, &findings) {
                    received.verdict = verdict;
                }
                Some(CheckedRequest { place, received, findings, notes })
            }
            Err(error) => {
                self.counts.unreadable += 1;
                if self.counts.unreadable <= MAX_UNREADABLE || verifier.is_json() {
                    self.print_unreadable(&unreadable(&error), verifier);
                }
                None
            }
        }
    }

    /// Counts and prints a request.
    pub(super) fn print(&mut self, request: &CheckedRequest, verifier: &Verifier<'_>) {
        let CheckedRequest { place, received, findings, notes } = request;
        self.counts.count(&received.verdict, findings);
        match verifier.format {
            ReportFormat::SummaryOnly => {}
            ReportFormat::Json => {
                let notes: Vec<_> = notes.iter().map(|note| (note.code(), note.sentence())).collect();
                self.output.extend(render::json::verdict(&place.to_string(), received, findings, &notes));
            }
            ReportFormat::Text => self.print_text(request, verifier),
        }
    }

    fn print_text(&mut self, request: &CheckedRequest, verifier: &Verifier<'_>) {
        let paint = verifier.paint;
        let CheckedRequest { place, received, findings, notes } = request;
        let row = text::delivery_row(received, format!("{:<10}", place.to_string()));
        let mut text = String::new();
        for note in notes {
            let sentence = sanitize::first_line(mask_sentence(&note.sentence(), Audience::Team).as_bytes(), 200);
            text.push_str(&format!("{INDENT}{} {sentence}\n", paint.warn("note   ")));
        }
        text.push_str(&text::warnings(&received.event, INDENT, paint));
        text.push_str(&text::findings(findings, INDENT, paint));
        self.output.extend(row.render(verifier.width, Overflow::Wrap(INDENT.len()), verifier.paint).into_bytes());
        self.output.extend(verifier.wrap(&text));
    }

    fn print_unreadable(&mut self, error: &Error, verifier: &Verifier<'_>) {
        match verifier.format {
            ReportFormat::SummaryOnly => {}
            ReportFormat::Json => self.output.extend(render::json::unreadable(&error.to_string())),
            ReportFormat::Text => {
                let line = format!(
                    "{}  {}\n",
                    verifier.paint.bad("unreadable"),
                    sanitize::escape_unsafe(&mask_sentence(&error.to_string(), Audience::Team))
                );
                self.output.extend(verifier.wrap(&line));
            }
        }
    }
}

/// Replaces an unknown cause if a note says that the file does not have the bytes of the body.
fn explain_by_notes(findings: &mut Vec<Finding>, notes: &[Note]) {
    let is_unknown = findings.iter().all(|finding| finding.cause.group() == CauseGroup::Unknown);
    if let (true, false, Some(reason)) = (is_unknown, findings.is_empty(), notes.iter().find_map(Note::lost_bytes)) {
        *findings = vec![diagnose::not_in_capture(reason)];
    }
}

/// Turns a capture error into a failure that names its source.
pub(super) fn unreadable(error: &CaptureError) -> Error {
    let what = Error::failed(error);
    match std::error::Error::source(error) {
        Some(source) => what.because(source.to_string()),
        None => what,
    }
}

/// The number of unreadable requests in one part of a file that are shown; the summary counts all.
const MAX_UNREADABLE: u64 = 3;

/// The indent of the lines below a request.
pub(super) const INDENT: &str = "            ";
