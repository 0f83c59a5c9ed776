//! `whtool verify`: verifies captured requests and names the cause of every failure.
//!
//! `input` reads what is verified, `report` verifies one request after the other, `bulk` a large file
//! on all cores. Small files are also compared with copies in the store (`reference`) and a computed
//! digest (`computed`).

mod bulk;
mod computed;
mod frameworks;
mod input;
mod reference;
mod report;

use super::{Session, parse_duration};
use crate::capture::{Capture, CaptureError};
use crate::command::shared::capture_files;
use crate::command::shared::secrets::{self, SecretArgs, TestSecret};
use crate::command::shared::store_args::StoreArgs;
use crate::diagnose::HashBudget;
use crate::diagnose::computed::{Digest, DigestDiagnosis};
use crate::diagnose::frameworks::Framework;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::signature::Tolerance;
use crate::model::timestamp::{self, SignedDuration, Timestamp};
use crate::world::Stream;
use clap::Args;
use computed::ComputedDigest;
use frameworks::FrameworkHint;
use input::InputVerifier;
use reference::{Comparison, ReferenceCopies};
use report::{Report, VerdictCounts, Verifier};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Verify captured requests and name the cause of every failure
///
/// Reads raw HTTP, JSON of any tool (HAR, AWS Lambda, ngrok, Postman), curl commands, packet
/// captures, proxies' files and logs; the format is detected. `whtool help formats` lists them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool verify request.http
  whtool verify deliveries.ndjson --at arrived
  whtool verify capture.pcap --at arrived
  whtool verify --body payload.json -H 'X-Plustive-Signature: sha256=…'
  whtool verify handler-saw.http --against last
  whtool verify 40..45
  whtool verify request.http --computed \\
    5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843
  whtool verify request.http --framework express
  curl -s https://example.com/archive.har | whtool verify --any-age")]
pub(super) struct Verify {
    /// File with captured requests, or a stored capture: 42, last, 40..45, evt_…; without it, or with
    /// `-`, standard input
    #[arg(conflicts_with = "body")]
    file: Option<PathBuf>,
    /// File with the body of one request; pass its headers with --header
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Header of the request with that body, or with the payload in FILE. May be repeated
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
    #[arg(long, value_name = "DIGEST", value_parser = parse_digest, allow_hyphen_values = true, help_heading = "Diagnosis")]
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
    // A pipe without a name is standard input.
    let piped = (args.body.is_none() && !session.world.is_terminal(Stream::Input)).then(|| PathBuf::from("-"));
    let file = args.file.as_ref().or(piped.as_ref());
    let secrets = secrets::load(&args.secrets, TestSecret::IfPresent, session)?;
    let mut copies = ReferenceCopies::open(args.against.as_deref(), &args.store, session)?;
    let stored = file.map_or(Ok(None), |file| input::stored_records(args, file, session))?;
    let at = args.at.or(stored.is_some().then_some(At::Arrived));
    let verifier = Verifier::new(args, at, &secrets, copies.time(), session);
    let mut output = session.world.stdout();
    let mut hint = FrameworkHint::default();
    let input = InputVerifier { args, session, verifier: &verifier };
    let counts = match (file, &args.body, &stored) {
        (_, Some(body), _) => {
            let bytes = session.read(body)?;
            let mut file = SingleFile::new(args, body, &bytes, &mut copies, &mut hint)?;
            input.verify_parts(bytes, &mut file, &mut output)?
        }
        (Some(_), None, Some(_)) if !args.header.is_empty() => return Err(headers_without_body()),
        (Some(name), None, Some(stored)) => {
            let mut file = SingleFile::new(args, name, &stored.records, &mut copies, &mut hint)?;
            file.budget = bulk::chunk_budget(0);
            input.verify_stored(stored, &mut file, &mut output)?
        }
        (Some(name), None, None) => {
            let (copies, hint) = (&mut copies, &mut hint);
            input.verify_file(
                name,
                |bytes| match bytes.is_empty() && args.file.is_none() {
                    true if !args.header.is_empty() => Err(headers_without_body()),
                    true => Err(nothing_to_verify()),
                    false => SingleFile::new(args, name, bytes, copies, hint),
                },
                &mut output,
            )?
        }
        (None, None, _) => return Err(nothing_to_verify()),
    };
    if let (0, 1.., Some(name)) = (counts.total(), counts.skipped, file) {
        return Err(capture_files::no_webhook(name, counts.skipped));
    }
    output.write_all(&verifier.summary(&counts))?;
    if let Some(framework) = args.framework {
        output.write_all(&frameworks::format(framework, &verifier))?;
    }
    output.flush()?;
    if counts.skipped > 0 {
        session.info(&capture_files::skipped(counts.skipped));
    }
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

fn nothing_to_verify() -> Error {
    Error::usage("nothing to verify").hint("pass a FILE, or --body and --header")
}

fn headers_without_body() -> Error {
    Error::usage("--header requires --body")
        .because("captured requests have their own headers")
        .hint("whtool verify --body payload.json --header 'Name: value'")
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
        let budget = HashBudget::interactive(2, u32::MAX);
        Ok(Self { copies, hint, computed, budget })
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
            if let Some(finding) = comparison.as_ref().and_then(Comparison::body_finding) {
                request.add_comparison(finding);
            }
            report.print(&request, verifier);
            output.write_all(&std::mem::take(&mut report.output))?;
            if let Some(comparison) = comparison {
                output.write_all(&comparison.format(&request, verifier))?;
            }
            let mut mistakes = None;
            if let Some(computed) = &mut self.computed {
                let (diagnosis, text) = computed.explain(&request, verifier);
                output.write_all(&text)?;
                if let DigestDiagnosis::Explained(found) = diagnosis {
                    mistakes = Some(found);
                }
                // The code may have hashed this body for a later request.
                computed.add_body(&request.place.to_string(), &request.received.delivery.request.body);
            }
            match mistakes {
                Some(mistakes) => self.hint.add_digest(&mistakes),
                None => self.hint.add_request(request.findings.iter().map(|finding| &finding.cause)),
            }
        }
        output.write_all(&report.output)?;
        Ok(report.counts)
    }
}

/// The number of stored bodies that may have been hashed instead.
const MAX_STORED: u64 = 50;
