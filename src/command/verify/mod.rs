//! `whtool verify`: the verdict on captured requests, one or a million, and the cause of each failure.
//!
//! One request is judged in `report`; a large file is read piece by piece and judged on all cores in `bulk`. Of a small one more
//! is said: what differs from the good copy in the store (`hops`), and what a digest of the user's own code is (`computed`).

mod bulk;
mod computed;
mod frameworks;
mod hops;
mod report;

use super::{Session, span};
use crate::capture::{self, Capture, CaptureError, Form};
use crate::command::shared::captures::{self, StoreArgs};
use crate::command::shared::secrets::{self, Local, SecretArgs};
use crate::diagnose::Effort;
use crate::diagnose::computed::{Answer, Digest};
use crate::diagnose::frameworks::Framework;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::signature::Tolerance;
use crate::model::timestamp::{self, SignedDuration, Timestamp};
use clap::Args;
use computed::Asked;
use frameworks::Hint;
use hops::{Beside, Hops};
use report::{Batch, Bench, Tally};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Check captured requests, one or a million, and name the cause of every failure
///
/// The form of the file is recognised: raw HTTP requests, the lines of `listen --json`, or a HAR archive.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool verify request.http
  whtool verify deliveries.ndjson --at arrived
  whtool verify --body payload.json -H 'X-Plustive-Signature: sha256=…'
  whtool verify handler-saw.http --against last
  whtool verify request.http --computed \\
    5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843
  whtool verify request.http --framework express
  curl -s https://example.com/archive.har | whtool verify - --any-age")]
pub(super) struct Verify {
    /// The captured requests; `-` is standard input
    #[arg(required_unless_present_any = ["body", "header"], conflicts_with = "body")]
    file: Option<PathBuf>,
    /// The body of one request, byte for byte; its headers come from --header
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// A header of that request, repeatable
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
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
    /// Compare with what `listen` received: an id, the first letters of it, or `last`
    #[arg(long, value_name = "CAPTURE", help_heading = "Why")]
    against: Option<String>,
    /// Say what this digest is that your own code came up with: hex or base64
    #[arg(long, value_name = "DIGEST", value_parser = digest, help_heading = "Why")]
    computed: Option<Digest>,
    /// Print the lines that verify the raw body in this framework
    #[arg(long, value_name = "NAME", value_parser = frameworks::values(), help_heading = "Why")]
    framework: Option<&'static Framework>,
    /// One JSON record a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    secrets: SecretArgs,
    #[command(flatten)]
    store: StoreArgs,
}

fn digest(text: &str) -> Result<Digest, String> {
    Digest::read(text).map_err(|error| error.to_string())
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
        _ => timestamp::parse(text).map(At::Moment).map_err(|error| format!("{error}, or `arrived`")),
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
pub(super) fn run(args: &Verify, session: &Session<'_>) -> Result<CommandOutcome> {
    if args.body.is_none() && !args.header.is_empty() {
        return Err(headers_without_body());
    }
    let secrets = secrets::secrets(&args.secrets, Local::IfThere, session)?;
    let mut hops = Hops::open(args.against.as_deref(), &args.store, session)?;
    let bench = Bench::new(args, &secrets, hops.moment(), session);
    let mut output = session.world.stdout();
    let mut hint = Hint::default();
    let tally = match (&args.file, &args.body) {
        (_, Some(body)) => {
            let bytes = session.read(body)?;
            let capture = capture::from_parts(bytes.clone(), &args.header).map_err(Error::usage)?;
            let mut more = More::new(args, body, &bytes, &mut hops, &mut hint)?;
            more.all([Ok(capture)], &bench, &mut output)?
        }
        (Some(file), None) => {
            let mut source = session.open(file)?;
            let mut start = Vec::new();
            let unreadable = |error| super::cannot_read(file, &error);
            source.by_ref().take(START).read_to_end(&mut start).map_err(unreadable)?;
            let form = captures::form_of(&start).ok_or_else(|| unknown_form(&file.display().to_string(), &start))?;
            let is_whole = (start.len() as u64) < START;
            if form == Form::Lines && !is_whole && args.computed.is_none() && args.against.is_none() {
                bulk::judge(start, source, &bench, &mut output).map_err(|error| error.or_reading(file))?
            } else {
                source.read_to_end(&mut start).map_err(unreadable)?;
                let mut more = More::new(args, file, &start, &mut hops, &mut hint)?;
                more.whole_file(form, &start, &bench, &mut output)?
            }
        }
        (None, None) => return Err(Error::usage("nothing to verify").hint("give a file, or --body and --header")),
    };
    output.write_all(&bench.summary(&tally))?;
    if let Some(framework) = args.framework {
        output.write_all(&frameworks::told(framework, &bench))?;
    }
    output.flush()?;
    if tally.total() == 0 {
        return Err(Error::failed("there is no request in the file"));
    }
    if args.framework.is_none()
        && let Some(hint) = hint.text()
    {
        session.say(&hint);
    }
    Ok(if tally.all_verified() { CommandOutcome::Success } else { CommandOutcome::Negative })
}

fn headers_without_body() -> Error {
    Error::usage("--header goes with --body FILE")
        .because("a FILE of captured requests brings its own headers")
        .hint("whtool verify --body payload.json --header 'Name: value'")
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

/// What is said of a request beyond its verdict and the causes.
struct More<'a> {
    hops: &'a mut Hops,
    hint: &'a mut Hint,
    asked: Option<Asked>,
    /// How much looking into one failure may cost, and into all of them together.
    most: Effort,
    together: Effort,
}

impl<'a> More<'a> {
    /// `file` is the file of the requests, `bytes` are what it holds.
    fn new(args: &Verify, file: &Path, bytes: &[u8], hops: &'a mut Hops, hint: &'a mut Hint) -> Result<Self> {
        let mut asked = args.computed.clone().map(|digest| Asked::new(digest, file, bytes));
        if let Some(asked) = &mut asked {
            hops.bodies(STORED, &mut |id, body| asked.or_body_of(&format!("delivery {id} in the store"), body))?;
        }
        Ok(Self { hops, hint, asked, most: Effort::PATIENT, together: Effort(Effort::PATIENT.0 * 4) })
    }

    /// A file that is read as a whole.
    fn whole_file(&mut self, form: Form, file: &[u8], bench: &Bench<'_>, output: &mut dyn Write) -> Result<Tally> {
        match form {
            Form::Har => {
                let entries = capture::read_har(file).map_err(|error| report::unreadable(&error))?;
                self.all(entries, bench, output)
            }
            Form::Lines => {
                (self.most, self.together) = (Effort::USUAL, bulk::effort_for(0));
                self.all(capture::read_lines(file, 1), bench, output)
            }
            Form::Raw => self.all(capture::read_raw(file), bench, output),
        }
    }

    fn all(
        &mut self,
        captures: impl IntoIterator<Item = Result<Capture, CaptureError>>,
        bench: &Bench<'_>,
        output: &mut dyn Write,
    ) -> Result<Tally> {
        let mut batch = Batch::new(self.most, self.together);
        for capture in captures {
            let Some(mut judged) = batch.judge(capture, bench) else { continue };
            let beside = self.hops.beside(&judged, bench)?;
            if let Some(cause) = beside.as_ref().and_then(Beside::proves) {
                judged.learn(cause);
            }
            batch.tell(&judged, bench);
            output.write_all(&std::mem::take(&mut batch.text))?;
            if let Some(beside) = beside {
                output.write_all(&beside.told(&judged, bench))?;
            }
            let mut causes: Vec<_> = judged.findings.iter().map(|finding| finding.cause.clone()).collect();
            if let Some(asked) = &mut self.asked {
                let (answer, told) = asked.tell(&judged, bench);
                output.write_all(&told)?;
                if let Answer::Explained(found) = answer {
                    causes = found;
                }
                // The next one's digest may be of this one.
                asked.or_body_of(&judged.place.to_string(), &judged.received.delivery.request.body);
            }
            self.hint.add(&causes);
        }
        output.write_all(&batch.text)?;
        Ok(batch.tally)
    }
}

/// How many bodies of the store may have been taken for another.
const STORED: u64 = 50;
