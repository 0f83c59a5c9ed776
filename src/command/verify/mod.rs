//! `whtool verify`: verifies captured requests and names the cause of every failure.
//!
//! `report` verifies one request after the other, `bulk` a large file on all cores. Small files are
//! also compared with copies in the store (`reference`) and a computed digest (`computed`).

mod bulk;
mod computed;
mod frameworks;
mod reference;
mod report;

use super::{Session, parse_duration};
use crate::capture::{self, Capture, CaptureError, CaptureFormat, Location};
use crate::command::shared::captures::{self, StoreArgs};
use crate::command::shared::secrets::{self, SecretArgs, TestSecret};
use crate::diagnose::computed::{Digest, DigestDiagnosis};
use crate::diagnose::frameworks::Framework;
use crate::diagnose::{HashAllowance, HashBudget};
use crate::model::capture_name::CaptureName;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::signature::Tolerance;
use crate::model::stored::CaptureId;
use crate::model::timestamp::{self, SignedDuration, Timestamp};
use crate::render;
use clap::Args;
use computed::ComputedDigest;
use frameworks::FrameworkHint;
use reference::{Comparison, ReferenceCopies};
use report::{Report, VerdictCounts, Verifier};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Verify captured requests and name the cause of every failure
///
/// Reads raw HTTP requests, HAR archives and the JSON lines of `whtool listen --json`; the format
/// is detected.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool verify request.http
  whtool verify deliveries.ndjson --at arrived
  whtool verify --body payload.json -H 'X-Plustive-Signature: sha256=…'
  whtool verify handler-saw.http --against last
  whtool verify 40..45
  whtool verify request.http --computed \\
    5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843
  whtool verify request.http --framework express
  curl -s https://example.com/archive.har | whtool verify - --any-age")]
pub(super) struct Verify {
    /// File with captured requests (`-` reads standard input), or a stored capture: 42, last, 40..45,
    /// evt_…
    #[arg(required_unless_present_any = ["body", "header"], conflicts_with = "body")]
    file: Option<PathBuf>,
    /// File with the body of one request; pass its headers with --header
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Header of the request with that body. May be repeated
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Check timestamps as of this time instead of now: Unix seconds, RFC 3339, or `arrived`
    /// (the time in each record)
    #[arg(long, value_name = "TIME", value_parser = parse_at, conflicts_with = "any_age")]
    at: Option<At>,
    /// Accept signed timestamps of any age
    #[arg(long)]
    any_age: bool,
    /// Maximum age of a signed timestamp, past or future
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "5m")]
    tolerance: SignedDuration,
    /// Compare with a capture of the same request: number, last, event id or reference
    #[arg(long, value_name = "CAPTURE", help_heading = "Diagnosis")]
    against: Option<String>,
    /// Explain a digest that your own code computed, in hex or base64
    #[arg(long, value_name = "DIGEST", value_parser = parse_digest, help_heading = "Diagnosis")]
    computed: Option<Digest>,
    /// Print handler code for this framework that verifies the raw body
    #[arg(long, value_name = "FRAMEWORK", value_parser = frameworks::value_parser(), help_heading = "Diagnosis")]
    framework: Option<&'static Framework>,
    /// Print one JSON record per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    secrets: SecretArgs,
    #[command(flatten)]
    store: StoreArgs,
}

fn parse_digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text).map_err(|error| error.to_string())
}

/// The time by which ages are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Time(Timestamp),
    /// The time at which each request arrived.
    Arrived,
}

fn parse_at(text: &str) -> Result<At, String> {
    match text {
        "arrived" => Ok(At::Arrived),
        _ => timestamp::parse(text).map(At::Time).map_err(|error| format!("{error}, or `arrived`")),
    }
}

impl Verify {
    fn tolerance(&self) -> Tolerance {
        (!self.any_age).then_some(self.tolerance)
    }
}

/// The number of bytes that are read to recognize the format of a file.
const SAMPLE: u64 = 64 * 1024;

pub(super) fn run(args: &Verify, session: &Session<'_>) -> Result<CommandOutcome> {
    if args.body.is_none() && !args.header.is_empty() {
        return Err(headers_without_body());
    }
    let secrets = secrets::load(&args.secrets, TestSecret::IfPresent, session)?;
    let mut copies = ReferenceCopies::open(args.against.as_deref(), &args.store, session)?;
    let stored = stored_records(args, session)?;
    let at = args.at.or(stored.is_some().then_some(At::Arrived));
    let verifier = Verifier::new(args, at, &secrets, copies.time(), session);
    let mut output = session.world.stdout();
    let mut hint = FrameworkHint::default();
    let counts = match (&args.file, &args.body, &stored) {
        (_, Some(body), _) => {
            let bytes = session.read(body)?;
            let capture = capture::from_parts(bytes.clone(), &args.header).map_err(Error::usage)?;
            let mut file = SingleFile::new(args, body, &bytes, &mut copies, &mut hint)?;
            file.verify([Ok(capture)], &verifier, &mut output)?
        }
        (Some(name), None, Some(StoredRecords { ids, records })) => {
            let captures = capture::read_json_lines(records, 1).zip(ids).map(|(capture, id)| {
                let location = Location::Stored(id.0.unsigned_abs());
                Ok(Capture { location, ..capture? })
            });
            let mut file = SingleFile::new(args, name, records, &mut copies, &mut hint)?;
            file.budget = bulk::chunk_budget(0);
            file.verify(captures, &verifier, &mut output)?
        }
        (Some(file), None, None) => {
            let mut source = session.open(file)?;
            let mut start = Vec::new();
            let unreadable = |error| super::cannot_read(file, error);
            source.by_ref().take(SAMPLE).read_to_end(&mut start).map_err(unreadable)?;
            let format =
                captures::form_of(&start).ok_or_else(|| unknown_format(&file.display().to_string(), &start))?;
            let is_whole = (start.len() as u64) < SAMPLE;
            if format == CaptureFormat::Lines && !is_whole && args.computed.is_none() && args.against.is_none() {
                bulk::verify_lines(start, source, &verifier, &mut output).map_err(|error| error.into_error(file))?
            } else {
                source.read_to_end(&mut start).map_err(unreadable)?;
                SingleFile::new(args, file, &start, &mut copies, &mut hint)?.verify_file(
                    format,
                    &start,
                    &verifier,
                    &mut output,
                )?
            }
        }
        (None, None, _) => return Err(Error::usage("nothing to verify").hint("pass a FILE, or --body and --header")),
    };
    output.write_all(&verifier.summary(&counts))?;
    if let Some(framework) = args.framework {
        output.write_all(&frameworks::format(framework, &verifier))?;
    }
    output.flush()?;
    if counts.total() == 0 {
        return Err(Error::failed("no requests found in the input"));
    }
    if args.framework.is_none()
        && let Some(hint) = hint.text()
    {
        session.info(&hint);
    }
    Ok(if counts.all_verified() { CommandOutcome::Success } else { CommandOutcome::Negative })
}

/// Captures from the store as JSON lines, with their numbers.
struct StoredRecords {
    ids: Vec<CaptureId>,
    records: Vec<u8>,
}

/// Reads the captures that the argument names, unless it is a file.
fn stored_records(args: &Verify, session: &Session<'_>) -> Result<Option<StoredRecords>> {
    let Some(name) = args.file.as_deref().filter(|file| *file != Path::new("-") && !session.world.file_exists(file))
    else {
        return Ok(None);
    };
    let path = args.store.path(session)?;
    let (Some(name), true) = (name.to_str(), session.world.file_exists(&path)) else { return Ok(None) };
    let mut store = args.store.open(session)?;
    match captures::find_all(store.as_mut(), name, session) {
        // What looks like a path was meant as a file; its absence is reported when it is opened.
        Err(_) if CaptureName::parse(name).is_reference() && name.contains(['.', '/', '\\']) => Ok(None),
        Err(error) => Err(error),
        Ok(ids) => {
            let mut found = StoredRecords { ids: Vec::new(), records: Vec::new() };
            for id in ids {
                if let Some(stored) = store.load(id)? {
                    found.ids.push(id);
                    found.records.extend(render::stored::capture(&stored));
                }
            }
            Ok(Some(found))
        }
    }
}

fn headers_without_body() -> Error {
    Error::usage("--header requires --body")
        .because("captured requests have their own headers")
        .hint("whtool verify --body payload.json --header 'Name: value'")
}

fn unknown_format(name: &str, start: &[u8]) -> Error {
    let error = Error::failed(format!("unknown format: {name}"));
    if start.is_empty() {
        return error.because("the file is empty");
    }
    error
        .because("it is not a raw HTTP request, a HAR archive, or the JSON lines of `whtool listen --json`")
        .hint(format!("to verify a bare payload: whtool verify --body {name} --header 'Name: value'"))
}

/// A file that is read whole, to compare its requests with copies and with a computed digest.
struct SingleFile<'a> {
    copies: &'a mut ReferenceCopies,
    hint: &'a mut FrameworkHint,
    computed: Option<ComputedDigest>,
    budget: HashBudget,
}

impl<'a> SingleFile<'a> {
    fn new(
        args: &Verify,
        name: &Path,
        bytes: &[u8],
        copies: &'a mut ReferenceCopies,
        hint: &'a mut FrameworkHint,
    ) -> Result<Self> {
        let mut computed = args.computed.clone().map(|digest| ComputedDigest::new(digest, name, bytes));
        if let Some(computed) = &mut computed {
            copies.visit_bodies(MAX_STORED, &mut |id, body| {
                computed.add_body(&format!("delivery {id} in the store"), body)
            })?;
        }
        let per_request = HashAllowance::INTERACTIVE;
        let budget = HashBudget::new(per_request.times(4), per_request, u32::MAX);
        Ok(Self { copies, hint, computed, budget })
    }

    fn verify_file(
        &mut self,
        format: CaptureFormat,
        file: &[u8],
        verifier: &Verifier<'_>,
        output: &mut dyn Write,
    ) -> Result<VerdictCounts> {
        match format {
            CaptureFormat::Har => {
                let entries = capture::read_har(file).map_err(|error| report::unreadable(&error))?;
                self.verify(entries, verifier, output)
            }
            CaptureFormat::Lines => {
                self.budget = bulk::chunk_budget(0);
                self.verify(capture::read_json_lines(file, 1), verifier, output)
            }
            CaptureFormat::Raw => self.verify(capture::read_raw(file), verifier, output),
        }
    }

    fn verify(
        &mut self,
        captures: impl IntoIterator<Item = Result<Capture, CaptureError>>,
        verifier: &Verifier<'_>,
        output: &mut dyn Write,
    ) -> Result<VerdictCounts> {
        let mut report = Report::new(self.budget);
        for capture in captures {
            let Some(mut request) = report.check(capture, verifier) else { continue };
            let comparison = self.copies.compare(&request, verifier)?;
            if let Some(cause) = comparison.as_ref().and_then(Comparison::proved_cause) {
                request.add_proved_cause(cause);
            }
            report.print(&request, verifier);
            output.write_all(&std::mem::take(&mut report.output))?;
            if let Some(comparison) = comparison {
                output.write_all(&comparison.format(&request, verifier))?;
            }
            let mut causes: Vec<_> = request.findings.iter().map(|finding| finding.cause.clone()).collect();
            if let Some(computed) = &mut self.computed {
                let (diagnosis, text) = computed.explain(&request, verifier);
                output.write_all(&text)?;
                if let DigestDiagnosis::Explained(found) = diagnosis {
                    causes = found;
                }
                // The code may have hashed this body for a later request.
                computed.add_body(&request.place.to_string(), &request.received.delivery.request.body);
            }
            self.hint.add(&causes);
        }
        output.write_all(&report.output)?;
        Ok(report.counts)
    }
}

/// The number of stored bodies that may have been hashed instead.
const MAX_STORED: u64 = 50;
