//! `whtool events show`: shows captures as text, as bytes, or in a format that other tools read.

use super::bundle::{self, ConfirmMode};
use super::{format_local, open_existing};
use crate::command::Session;
use crate::command::shared::captures;
use crate::command::shared::secrets::{self, SecretArgs, TestSecret};
use crate::command::shared::store_args::StoreArgs;
use crate::command::shared::stored_capture::{raw_http, target_url, verify_and_diagnose};
use crate::command::shared::target;
use crate::model::content_encoding::decoded_body;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::{CommandOutcome, Result};
use crate::model::exchange::Answer;
use crate::model::mask::mask_secrets;
use crate::model::message::Request;
use crate::model::sanitize::{escape_unsafe, first_line};
use crate::model::stored::{Attempt, QueuedForward, StoredCapture, StoredDelivery, StoredHead};
use crate::model::width::Width;
use crate::render::row::Overflow;
use crate::render::{self, payload, text};
use crate::webhook::receive::readable_body;
use crate::world::Stream;
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::PathBuf;
use url::Url;

/// Show a capture: request, payload, verdict with its causes, and what the app answered
#[derive(Args)]
pub(super) struct ShowEvent {
    /// Capture: number, last, last~2, range (40..45), event id or reference
    #[arg(value_name = "CAPTURE", default_value = "last")]
    id: String,
    /// Print the request as raw HTTP: headers and body byte for byte, chunks decoded
    #[arg(long, group = "what")]
    raw: bool,
    /// Print only the body, byte for byte
    #[arg(long, group = "what")]
    body: bool,
    /// Print the capture in this format
    #[arg(long = "as", value_name = "FORMAT", group = "what")]
    format: Option<ShowFormat>,
    /// Write a file for the provider's support, without secrets, tokens, phone numbers, e-mail addresses and names
    #[arg(long, value_name = "FILE", group = "what")]
    bundle: Option<PathBuf>,
    /// Skip the confirmation before writing the bundle
    #[arg(long, requires = "bundle")]
    yes: bool,
    /// Target URL of the curl command; without a path, the capture's path and query are added
    #[arg(long, value_name = "URL", default_value = target::DEFAULT_TARGET, value_parser = target::parse)]
    to: Url,
    #[command(flatten)]
    secrets: SecretArgs,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShowFormat {
    /// A curl command for bash that sends the same headers and bytes
    Curl,
    /// Raw HTTP/1.1, like --raw
    Http,
    /// An HTTP archive (HAR 1.2)
    Har,
    /// One JSON object with request, verdict and attempts
    Json,
}

pub(super) fn run(args: &ShowEvent, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut store = open_existing(&args.store, session)?;
    if let Some(path) = &args.bundle {
        let stored = captures::load_one(store.as_mut(), &args.id, session)?;
        let secrets = secrets::load(&args.secrets, TestSecret::IfPresent, session)?;
        let (received, findings) = verify_and_diagnose(&stored, &secrets);
        let confirm_mode = if args.yes { ConfirmMode::Never } else { ConfirmMode::AtTerminal };
        bundle::write(&stored, (&received, &findings), &secrets, (path, confirm_mode), session)?;
        return Ok(CommandOutcome::Success);
    }
    let mut output = session.world.stdout();
    if args.body {
        let stored = captures::load_one(store.as_mut(), &args.id, session)?;
        output.write_all(&session.check_terminal(stored.request.body)?)?;
        output.flush()?;
        return Ok(CommandOutcome::Success);
    }
    let format = if args.raw { Some(ShowFormat::Http) } else { args.format };
    let (start, separator, end) = match format {
        None => (Vec::new(), &b"\n"[..], &b""[..]),
        Some(ShowFormat::Har) => (render::har::start(), &b",\n"[..], render::har::end()),
        Some(_) => (Vec::new(), &b""[..], &b""[..]),
    };
    let ids = captures::find_all(store.as_mut(), &args.id, session)?;
    if format.is_some_and(|format| format != ShowFormat::Json) {
        // Refused before anything is written.
        for id in &ids {
            store.load(*id)?.map(StoredCapture::require_body).transpose()?;
        }
    }
    output.write_all(&start)?;
    for (index, id) in ids.into_iter().enumerate() {
        // It may have been pruned since it was found.
        let Some(stored) = store.load(id)? else { continue };
        if index > 0 {
            output.write_all(separator)?;
        }
        let text = match (stored, format) {
            (StoredCapture::Whole(stored), _) => format_capture(stored, format, args, session)?,
            (StoredCapture::WithoutBody(head), None) => format_head(&head, session).into_bytes(),
            (StoredCapture::WithoutBody(head), Some(ShowFormat::Json)) => render::stored::head(&head),
            (without_body, Some(_)) => {
                without_body.require_body()?;
                continue;
            }
        };
        output.write_all(&text)?;
    }
    output.write_all(end)?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

fn format_capture(
    stored: StoredDelivery,
    format: Option<ShowFormat>,
    args: &ShowEvent,
    session: &Session<'_>,
) -> Result<Vec<u8>> {
    Ok(match format {
        None => format_text(&stored, args, session)?.into_bytes(),
        Some(ShowFormat::Http) => session.check_terminal(to_raw_http(stored.request, session)?)?,
        Some(ShowFormat::Curl) => {
            render::request::curl(&stored.request, &target_url(&args.to, &stored.request)).into_bytes()
        }
        Some(ShowFormat::Har) => render::har::entry(&stored),
        Some(ShowFormat::Json) => render::stored::capture(&stored),
    })
}

/// Serializes a request, and says so if it is not as it arrived.
fn to_raw_http(request: Request, session: &Session<'_>) -> Result<Vec<u8>> {
    let (wire, is_unchunked) = raw_http(request)?;
    if is_unchunked {
        session.info("the body arrived in chunks: Content-Length replaces Transfer-Encoding");
    }
    Ok(wire)
}

fn format_text(stored: &StoredDelivery, args: &ShowEvent, session: &Session<'_>) -> Result<String> {
    let paint = session.out;
    let StoredDelivery { summary, request, attempts, queue } = stored;
    let lead = format!("{}  {}", format_local(summary.arrived, session), summary.id);
    let width = Width::from_columns(session.world.columns(Stream::Output));
    let mut shown = text::stored_row(summary, lead).render(width, Overflow::Wrap(INDENT.len()), paint);
    shown.push_str(&width.wrap(&format_causes(stored, args, session)?, text::FINDING_INDENT));
    if let Some(peer) = &summary.peer {
        shown.push_str(&format!("{INDENT}{} {}\n", paint.faint("from   "), escape_unsafe(peer)));
    }
    let line = payload::text_line(&format!("{} {}", request.method, request.target), session.reveal);
    shown.push_str(&format!("\n{}\n", paint.strong(&line)));
    for (name, value) in request.headers.iter() {
        shown.push_str(&(payload::header(name, value, paint, session.reveal) + "\n"));
    }
    shown.push('\n');
    shown.push_str(&width.wrap(&payload::lines(&readable_body(request), "", paint, session.reveal), INDENT.len()));
    shown.push_str(&format!("{}\n", paint.faint(&format!("({})", text::count(summary.size, "byte")))));
    if !attempts.is_empty() {
        shown.push_str(&format!("\n{}\n", paint.strong("forwarded to the app")));
    }
    for (attempt, next) in attempts.iter().zip(attempts.iter().skip(1).map(Some).chain([None])) {
        shown.push_str(&format_attempt(attempt, session));
        let answer = attempt.outcome.as_ref().ok();
        // Retries mostly get the same page, which is printed below the last of them.
        let is_repeated = next.is_some_and(|next| next.outcome.as_ref().ok() == answer);
        if let Some(answer) = answer.filter(|_| !is_repeated) {
            shown.push_str(&format_answer_body(answer, session));
        }
    }
    let open: String = queue.iter().filter_map(|entry| format_queued(entry, session)).collect();
    if !open.is_empty() {
        shown.push_str(&format!("\n{}\n{}", paint.strong("queue to the app"), width.wrap(&open, ANSWER_INDENT.len())));
    }
    Ok(shown)
}

/// Formats a capture whose body was not kept. Its verdict is the one at arrival: without the body it
/// can't be verified again.
fn format_head(stored: &StoredHead, session: &Session<'_>) -> String {
    let paint = session.out;
    let StoredHead { summary, method, target, headers, body_hash } = stored;
    let lead = format!("{}  {}", format_local(summary.arrived, session), summary.id);
    let width = session.width(Stream::Output);
    let mut shown = text::stored_row(summary, lead).render(width, Overflow::Wrap(INDENT.len()), paint);
    if let Some(peer) = &summary.peer {
        shown.push_str(&format!("{INDENT}{} {}\n", paint.faint("from   "), escape_unsafe(peer)));
    }
    shown.push_str(&format!("\n{}\n", paint.strong(&escape_unsafe(&format!("{method} {target}")))));
    for (name, value) in headers.iter() {
        shown.push_str(&(payload::header(name, value, paint, session.reveal) + "\n"));
    }
    let size = text::count(summary.size, "byte");
    shown.push_str(&format!("\n{}\n", paint.warn(&format!("(the body of {size} was not kept: SHA-256 {body_hash})"))));
    shown
}

/// Formats warnings and, for a refused delivery, the causes and the verdict with the current
/// secrets.
fn format_causes(stored: &StoredDelivery, args: &ShowEvent, session: &Session<'_>) -> Result<String> {
    let secrets = secrets::load(&args.secrets, TestSecret::IfPresent, session)?;
    let (received, findings) = verify_and_diagnose(stored, &secrets);
    let paint = session.out;
    let warnings = text::warnings(&received.event, INDENT, paint);
    if stored.summary.verdict.is_verified() {
        return Ok(warnings);
    }
    let current = if received.verdict.code() == stored.summary.verdict {
        String::new()
    } else {
        format_current_verdict(&received, session)
    };
    Ok(current + &warnings + &text::findings(&findings, INDENT, paint))
}

fn format_current_verdict(received: &AnalyzedDelivery, session: &Session<'_>) -> String {
    let verdict = text::verdict(&received.verdict, session.out);
    format!("{INDENT}{} with the secrets of today: {verdict}\n", session.out.warn("today  "))
}

fn format_attempt(attempt: &Attempt, session: &Session<'_>) -> String {
    let outcome = match &attempt.outcome {
        Ok(answer) => text::answer_line(answer, &attempt.url, attempt.took, session.out),
        Err(failure) => {
            let failure = first_line(mask_secrets(failure).as_bytes(), 100);
            format!("{}  {:>8}", session.out.bad(&failure), text::duration(attempt.took))
        }
    };
    let (time, url) = (format_local(attempt.at, session), first_line(mask_secrets(&attempt.url).as_bytes(), 100));
    format!("{INDENT}{}  {url}  → {outcome}\n", session.out.faint(&time))
}

/// Formats a queue entry with what happens next. `None`: it was delivered.
fn format_queued(entry: &QueuedForward, session: &Session<'_>) -> Option<String> {
    let url = first_line(mask_secrets(&entry.url).as_bytes(), 100);
    let words = text::queue_words(entry, session.world.now(), |due| format_local(due, session))?;
    Some(format!("{INDENT}{url}  {words}\n"))
}

/// Formats the whole body of an answer unless it is a single short line, which is shown already.
fn format_answer_body(answer: &Answer, session: &Session<'_>) -> String {
    let body = decoded_body(answer);
    let is_shown =
        body.len() <= MAX_SHORT_ANSWER && !body.trim_ascii().contains(&b'\n') && !answer.status.is_redirect();
    if is_shown {
        return String::new();
    }
    let lines = payload::lines(&body, ANSWER_INDENT, session.out, session.reveal);
    let width = Width::from_columns(session.world.columns(Stream::Output));
    width.wrap(&lines, ANSWER_INDENT.len())
}

/// Longest body that the line of an attempt contains whole.
const MAX_SHORT_ANSWER: usize = 80;

const ANSWER_INDENT: &str = "      ";

const INDENT: &str = "    ";
