//! `whtool verify`: the verdict on captured requests, one or a million, and the cause of each failure.
//!
//! One request is judged in `report`; a large file is read piece by piece and judged on all cores in `bulk`.

mod bulk;
mod report;

use super::known::{self, Local, SecretArgs};
use super::{Session, answer, span};
use crate::capture::{self, Capture, CaptureError, Form};
use crate::diagnose::Effort;
use crate::error::{Error, Outcome, Result};
use crate::json;
use crate::signature::Tolerance;
use crate::timestamp::{self, SignedDuration, Timestamp};
use clap::Args;
use report::{Batch, Bench};
use std::io::{Read, Write};
use std::path::PathBuf;

/// Check captured requests, one or a million, and name the cause of every failure
///
/// The form of the file is recognised: raw HTTP requests, the lines of `listen --json`, or a HAR archive.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool verify request.http
  whtool verify deliveries.ndjson --at arrived
  whtool verify --body payload.json --header 'X-Plustive-Signature: sha256=…'
  curl -s https://example.com/archive.har | whtool verify - --any-age --json")]
pub(super) struct Verify {
    /// The captured requests; `-` is standard input
    #[arg(required_unless_present = "body", conflicts_with = "body")]
    file: Option<PathBuf>,
    /// The body of one request, byte for byte; its headers come from --header
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// A header of that request, repeatable
    #[arg(long, short = 'H', value_name = "NAME: VALUE", requires = "body")]
    header: Vec<String>,
    /// The time by which the age is judged: Unix seconds, RFC 3339, or `arrived` for each record's own; now when not given
    #[arg(long, value_name = "TIME", value_parser = moment_of_judging, conflicts_with = "any_age")]
    at: Option<At>,
    /// Accept any age
    #[arg(long)]
    any_age: bool,
    /// How old, or how far ahead, a signed time may be
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "5m")]
    tolerance: SignedDuration,
    /// One JSON record a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    secrets: SecretArgs,
}

/// By which time the age is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Moment(Timestamp),
    Arrived,
}

fn moment_of_judging(text: &str) -> Result<At, String> {
    match text {
        "arrived" => Ok(At::Arrived),
        _ => timestamp::read(text).map(At::Moment).map_err(|error| format!("{error}, or `arrived`")),
    }
}

impl Verify {
    fn tolerance(&self) -> Tolerance {
        (!self.any_age).then_some(self.tolerance)
    }
}

/// How much of a file is looked at to recognise its form.
const START: u64 = 64 * 1024;

/// Judges every request.
pub(super) fn run(args: &Verify, session: &Session<'_>) -> Result<Outcome> {
    let secrets = known::secrets(&args.secrets, Local::IfThere, session)?;
    let bench = Bench::new(args, &secrets, session);
    let mut output = session.world.output();
    let tally = match (&args.file, &args.body) {
        (_, Some(body)) => {
            let capture = capture::from_parts(session.read(body)?, &args.header).map_err(Error::usage)?;
            all([Ok(capture)], &bench, &mut output)?
        }
        (Some(file), None) => {
            let mut source = session.open(file)?;
            let mut start = Vec::new();
            let unreadable = |error| super::cannot_read(file, &error);
            source.by_ref().take(START).read_to_end(&mut start).map_err(unreadable)?;
            let form = capture::recognise(&start).filter(|form| *form != Form::Lines || begins_with_a_record(&start));
            let form = form.ok_or_else(|| unknown_form(&file.display().to_string(), &start))?;
            if form == Form::Lines {
                bulk::judge(start, source, &bench, &mut output).map_err(|error| error.or_reading(file))?
            } else {
                source.read_to_end(&mut start).map_err(unreadable)?;
                whole_file(form, &start, &bench, &mut output)?
            }
        }
        (None, None) => return Err(Error::usage("nothing to verify").hint("give a file, or --body and --header")),
    };
    output.write_all(&bench.summary(&tally))?;
    output.flush()?;
    if tally.total() == 0 {
        return Err(Error::failed("there is no request in the file"));
    }
    answer(tally.all_verified())
}

/// Whether the first object is a record and not, say, a payload.
fn begins_with_a_record(start: &[u8]) -> bool {
    let keys = json::top_level_keys(start);
    keys.iter().any(|key| key == "request" || key == "schema")
}

fn unknown_form(name: &str, start: &[u8]) -> Error {
    let error = Error::failed(format!("can't tell what {name} is"));
    if start.is_empty() {
        return error.because("it is empty");
    }
    error
        .because("it is neither a raw HTTP request, nor JSON lines of `listen --json`, nor a HAR file")
        .hint(format!("for a bare payload: whtool verify --body {name} --header 'Name: value'"))
}

/// A file that is read as a whole.
fn whole_file(form: Form, file: &[u8], bench: &Bench<'_>, output: &mut dyn Write) -> Result<report::Tally> {
    match form {
        Form::Har => {
            let entries = capture::read_har(file).map_err(|error| report::unreadable(&error))?;
            all(entries, bench, output)
        }
        Form::Raw | Form::Lines => all(capture::read_raw(file), bench, output),
    }
}

fn all(
    captures: impl IntoIterator<Item = Result<Capture, CaptureError>>,
    bench: &Bench<'_>,
    output: &mut dyn Write,
) -> Result<report::Tally> {
    let mut batch = Batch::new(Effort::PATIENT, Effort(Effort::PATIENT.0 * 4));
    for capture in captures {
        batch.add(capture, bench);
        output.write_all(&std::mem::take(&mut batch.text))?;
    }
    Ok(batch.tally)
}
