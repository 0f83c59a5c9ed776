//! `whtool events show`: one capture whole, for a person, as its bytes, or in a form that another tool takes.

use super::bundle::{self, Asking};
use super::{local, whole};
use crate::command::Session;
use crate::command::shared::captures::StoreArgs;
use crate::command::shared::secrets::{self, SecretArgs, Secrets, TestSecret};
use crate::command::shared::target;
use crate::diagnose::{self, Finding, HashAllowance, HashBudget};
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::message::{Headers, Request};
use crate::model::sanitize::{escape_unsafe, first_line};
use crate::model::signature::DEFAULT_TOLERANCE;
use crate::model::stored::{Attempt, StoredDelivery};
use crate::model::width::Width;
use crate::render::row::Overflow;
use crate::render::{self, payload, text};
use crate::webhook::receive::{Rules, receive};
use crate::world::Stream;
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::PathBuf;
use url::Url;

/// Show one capture: request line, headers, payload, verdict with its causes, and what the app answered
#[derive(Args)]
pub(super) struct Show {
    /// Its id, the first letters of it, or `last`
    #[arg(value_name = "CAPTURE")]
    id: String,
    /// Write the request: headers and body byte for byte, chunks decoded
    #[arg(long, group = "what")]
    raw: bool,
    /// Write the body byte for byte
    #[arg(long, group = "what")]
    body: bool,
    /// Write it in a form that another tool takes
    #[arg(long = "as", value_name = "FORM", group = "what")]
    form: Option<Form>,
    /// Write a file for the provider's support: request, verdict, timing and version, without keys, tokens and phone numbers
    #[arg(long, value_name = "FILE", group = "what")]
    bundle: Option<PathBuf>,
    /// Write it without asking
    #[arg(long, requires = "bundle")]
    yes: bool,
    /// Where the curl command sends it; path and query of the capture are added when this has none
    #[arg(long, value_name = "URL", default_value = target::DEFAULT_TARGET, value_parser = target::parse)]
    to: Url,
    #[command(flatten)]
    secrets: SecretArgs,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A command that pastes into bash and sends the same headers and bytes
    Curl,
    /// A raw HTTP/1.1 request, as --raw writes it
    Http,
    /// An HTTP archive (HAR 1.2) of one entry
    Har,
    /// One JSON object with the request, the verdict and the attempts
    Json,
}

/// Shows.
pub(super) fn run(args: &Show, session: &Session<'_>) -> Result<CommandOutcome> {
    let [kept] = whole(&args.store, [&args.id], session)?;
    if let Some(path) = &args.bundle {
        let secrets = secrets::load(&args.secrets, TestSecret::IfPresent, session)?;
        let (judged, findings) = explained(&kept, &secrets);
        let asking = if args.yes { Asking::Never } else { Asking::AtTerminal };
        bundle::write(&kept, (&judged, &findings), &secrets, (path, asking), session)?;
        return Ok(CommandOutcome::Success);
    }
    let bytes = match args.form {
        _ if args.body => for_stream(kept.request.body, session)?,
        _ if args.raw => for_stream(raw(kept.request, session)?, session)?,
        Some(Form::Http) => for_stream(raw(kept.request, session)?, session)?,
        Some(Form::Curl) => render::request::curl(&kept.request, &target(&args.to, &kept.request)).into_bytes(),
        Some(Form::Har) => [&render::har::start()[..], &render::har::entry(&kept), render::har::end()].concat(),
        Some(Form::Json) => render::stored::capture(&kept),
        None => told(&kept, args, session)?.into_bytes(),
    };
    let mut output = session.world.stdout();
    output.write_all(&bytes)?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

/// Serializes a request. A body that arrived in chunks is stored decoded, so a `Content-Length` takes the place of the
/// `Transfer-Encoding`.
fn raw(mut request: Request, session: &Session<'_>) -> Result<Vec<u8>> {
    if request.headers.get("transfer-encoding").is_some() {
        session.say("the body arrived in chunks: Content-Length replaces Transfer-Encoding");
        request.headers = with_length(&request.headers, request.body.len())?;
    }
    Ok(request.to_wire())
}

fn with_length(headers: &Headers, length: usize) -> Result<Headers> {
    let mut length = Some(format!("Content-Length: {length}\r\n"));
    let mut copy = Vec::with_capacity(headers.as_bytes().len());
    let lines = headers.as_bytes().split_inclusive(|&byte| byte == b'\n');
    for (line, (name, _)) in lines.zip(headers.iter()) {
        match name.to_ascii_lowercase().as_str() {
            "transfer-encoding" => copy.extend(length.take().unwrap_or_default().into_bytes()),
            "content-length" | "trailer" => {}
            _ => copy.extend_from_slice(line),
        }
    }
    Headers::read(copy).map_err(|error| Error::failed("can't write the request").because(error))
}

/// Bytes of strangers go to files and pipes as they are; to a terminal only when it would do nothing with them but show them.
fn for_stream(bytes: Vec<u8>, session: &Session<'_>) -> Result<Vec<u8>> {
    let is_plain = |text: &str| {
        text.split(['\r', '\n', '\t']).all(|part| matches!(escape_unsafe(part), std::borrow::Cow::Borrowed(_)))
    };
    if session.world.is_terminal(Stream::Output) && !std::str::from_utf8(&bytes).is_ok_and(is_plain) {
        return Err(Error::usage("these bytes could do things to the terminal")
            .hint("send them to a file or a pipe: > request.bin"));
    }
    Ok(bytes)
}

/// The URL, with path and query of the request when it has none of its own.
fn target(to: &Url, request: &Request) -> Url {
    if to.path() != "/" || to.query().is_some() || !request.target.starts_with('/') {
        return to.clone();
    }
    let (path, query) =
        request.target.split_once('?').map_or((request.target.as_str(), None), |(path, query)| (path, Some(query)));
    let mut url = to.clone();
    url.set_path(path);
    url.set_query(query);
    url
}

/// All of it, for a person.
fn told(kept: &StoredDelivery, args: &Show, session: &Session<'_>) -> Result<String> {
    let paint = session.out;
    let StoredDelivery { summary: entry, request, attempts, .. } = kept;
    let lead = format!("{}  {}", local(entry.arrived, session), entry.id);
    let width = Width::from_columns(session.world.columns(Stream::Output));
    let mut told = text::stored_row(entry, lead).render(width, Overflow::Wrap(INDENT.len()), paint);
    told.push_str(&width.wrap(&judged_again(kept, args, session)?, text::FINDING_INDENT));
    if let Some(peer) = &entry.peer {
        told.push_str(&format!("{INDENT}{} {}\n", paint.faint("from   "), escape_unsafe(peer)));
    }
    let line = format!("{} {}", request.method, request.target);
    told.push_str(&format!("\n{}\n", paint.strong(&escape_unsafe(&line))));
    for (name, value) in request.headers.iter() {
        told.push_str(&(payload::header(name, value, paint, session.reveal) + "\n"));
    }
    told.push('\n');
    told.push_str(&width.wrap(&payload::lines(&request.body, "", paint, session.reveal), INDENT.len()));
    told.push_str(&format!("{}\n", paint.faint(&format!("({})", text::count(entry.size, "byte")))));
    if !attempts.is_empty() {
        told.push_str(&format!("\n{}\n", paint.strong("brought to the app")));
    }
    attempts.iter().for_each(|each| told.push_str(&attempt(each, session)));
    Ok(told)
}

/// What is odd about the event, and for a refused one why, found with the secrets of today as of the moment it arrived.
fn judged_again(kept: &StoredDelivery, args: &Show, session: &Session<'_>) -> Result<String> {
    let secrets = secrets::load(&args.secrets, TestSecret::IfPresent, session)?;
    let (received, findings) = explained(kept, &secrets);
    let paint = session.out;
    let warnings = text::warnings(&received.event, INDENT, paint);
    if kept.summary.verdict.is_verified() {
        return Ok(warnings);
    }
    let today =
        if received.verdict.code() == kept.summary.verdict { String::new() } else { other_verdict(&received, session) };
    Ok(today + &warnings + &text::findings(&findings, INDENT, paint))
}

/// What is said of it with the secrets of today, as of the moment it arrived, and why.
fn explained(kept: &StoredDelivery, secrets: &Secrets) -> (AnalyzedDelivery, Vec<Finding>) {
    let rules = Rules { keys: secrets.keys.clone(), tolerance: Some(DEFAULT_TOLERANCE) };
    let arrived = kept.summary.arrived;
    let delivery = Delivery { request: kept.request.clone(), peer: None, arrived: Some(arrived) };
    let received = receive(delivery, &rules, arrived);
    if kept.summary.verdict.is_verified() {
        return (received, Vec::new());
    }
    let (total, per_request) = (HashAllowance::INTERACTIVE.times(2), HashAllowance::INTERACTIVE);
    let mut budget = HashBudget::new(total, per_request, 1);
    let findings = diagnose::explain(&received, &secrets.credentials(), &mut budget);
    (received, findings)
}

fn other_verdict(received: &AnalyzedDelivery, session: &Session<'_>) -> String {
    let verdict = text::verdict(&received.verdict, session.out);
    format!("{INDENT}{} with the secrets of today: {verdict}\n", session.out.warn("today  "))
}

fn attempt(attempt: &Attempt, session: &Session<'_>) -> String {
    let outcome = match &attempt.outcome {
        Ok(answer) => text::answer_line(answer, attempt.took, session.out),
        Err(failure) => {
            let failure = first_line(failure.as_bytes(), 100);
            format!("{}  {:>8}", session.out.bad(&failure), text::duration(attempt.took))
        }
    };
    let (time, url) = (local(attempt.at, session), first_line(attempt.url.as_bytes(), 100));
    format!("{INDENT}{}  {url}  → {outcome}\n", session.out.faint(&time))
}

/// What stands under the first line is set in.
const INDENT: &str = "    ";
