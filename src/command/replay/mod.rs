//! `whtool replay`: sends signed requests to a URL, one or a hundred thousand.
//!
//! `source` finds what to send, `plan` decides the order and signs each request when it is sent,
//! `summary` counts the answers. `single` sends one request for
//! the page of `ui`.

mod plan;
mod single;
mod source;
mod summary;

use super::samples::PayloadArgs;
use super::{Session, parse_duration, parse_rate, parse_time, provider_parser};
use crate::command::shared::captures::Filters;
use crate::command::shared::group_args::GroupArgs;
use crate::command::shared::secrets::SecretArgs;
use crate::command::shared::store_args::StoreArgs;
use crate::command::shared::target;
use crate::model::address::Reach;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::exchange::{NextRequest, OutgoingRequest, SendFailure, SentRequest};
use crate::model::mask::mask_secrets;
use crate::model::sanitize;
use crate::model::stored::Attempt;
use crate::model::target_fault::SendFlags;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::{Provider, SignatureForm};
use crate::render::{self, text};
use crate::world::{CertificateCheck, MAX_ANSWER_BODY, SendOptions, SendStatus, Stream};
use clap::Args;
use plan::ReplayPlan;
pub(in crate::command) use single::{SingleReplay, SingleSource, can_resign, send_single};
use std::io::Write;
use std::path::PathBuf;
use summary::ReplaySummary;
use url::Url;

/// Send samples, payload files or captures to a URL, re-signed or unchanged
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool replay payment.debited
  whtool replay plustive:transaction.failed --to http://localhost:3000/hooks
  whtool replay payload.json --tamper
  whtool replay payment.debited --set data.amount=5000 --dry-run
  whtool replay payment.debited --repeat 5000 --concurrency 16
  whtool replay last --exact --to http://localhost:3000
  whtool replay --failed --since 2h --to http://localhost:3000
  whtool replay --from missed --to http://localhost:3000")]
pub(super) struct Replay {
    /// Samples, captures, or files with a payload or captured requests (`-` reads standard input);
    /// sent in this order
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// Target URL
    #[arg(long, value_name = "URL", default_value = target::DEFAULT_TARGET, value_parser = target::parse)]
    to: Url,
    /// Provider of payload files (default: detected from the payload)
    #[arg(long, value_name = "PROVIDER", value_parser = provider_parser())]
    provider: Option<&'static dyn Provider>,
    #[command(flatten)]
    changes: PayloadArgs,
    /// Signing time, as Unix seconds or RFC 3339 (default: now)
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    timestamp: Option<Timestamp>,
    /// Write Plustive's signature without the `sha256=` prefix, as in its guide
    #[arg(long)]
    bare: bool,
    /// Flip one bit of the body after signing
    #[arg(long)]
    tamper: bool,
    /// Send everything N times; samples get new ids each time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
    /// Maximum number of concurrent requests
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// Maximum number of requests per second
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    rate: Option<f64>,
    /// Timeout of one request
    #[arg(long, alias = "timeout", value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    request_timeout: SignedDuration,
    /// Do not verify TLS certificates
    #[arg(long)]
    insecure: bool,
    /// Send captures unchanged: same headers, body and signature
    #[arg(long, conflicts_with_all = ["timestamp", "set", "edit", "bare"])]
    exact: bool,
    /// Sign captures that no configured secret verifies: anyone may have written them
    #[arg(long, conflicts_with = "exact")]
    sign_unverified: bool,
    /// Open each body in an editor before signing
    #[arg(long, conflicts_with_all = ["repeat", "tamper"])]
    edit: bool,
    /// Send in random order
    #[arg(long)]
    shuffle: bool,
    /// Read capture names, records of `events --json`, exported captures or the output of `reconcile
    /// --replay-list` from a file, one per line; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Print the requests instead of sending them
    #[arg(long)]
    dry_run: bool,
    /// Skip the confirmation before sending to another machine
    #[arg(long)]
    yes: bool,
    /// Print one JSON record per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    group: GroupArgs,
    #[command(flatten)]
    secrets: SecretArgs,
}

/// The answer to a capture compared with its previous answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnswerChange {
    Fixed,
    StillFailing,
    NowFailing,
    StillPassing,
}

impl AnswerChange {
    fn between(before: &Attempt, now: &Attempt) -> Self {
        match (before.is_success(), now.is_success()) {
            (false, true) => Self::Fixed,
            (false, false) => Self::StillFailing,
            (true, false) => Self::NowFailing,
            (true, true) => Self::StillPassing,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::StillFailing => "still failing",
            Self::NowFailing => "broken now",
            Self::StillPassing => "still good",
        }
    }
}

impl Replay {
    fn header_form(&self) -> SignatureForm {
        if self.bare { SignatureForm::BareHex } else { SignatureForm::Reference }
    }

    fn send_options(&self) -> SendOptions {
        SendOptions {
            concurrency: usize::from(self.concurrency),
            per_second: self.rate,
            timeout: self.request_timeout.unsigned_abs(),
            certificates: if self.insecure { CertificateCheck::Skip } else { CertificateCheck::Verify },
            max_body: MAX_ANSWER_BODY,
        }
    }
}

pub(super) fn run(args: &Replay, session: &Session<'_>) -> Result<CommandOutcome> {
    let plan = ReplayPlan::new(args, session)?;
    if plan.total() == 0 {
        session.info(if args.from.is_some() {
            "nothing to send: the list is empty"
        } else {
            "nothing to send: no capture failed"
        });
        return Ok(CommandOutcome::Success);
    }
    if args.dry_run {
        return plan.print_requests();
    }
    let question = |host: &str| format!("{host} is not this machine; it will receive requests with valid signatures");
    let reach = target::confirm_reach(&args.to, args.yes, question, session)?;
    send(&plan, reach)
}

fn send(plan: &ReplayPlan<'_>, reach: Reach) -> Result<CommandOutcome> {
    let (args, session) = (plan.args, plan.session);
    let options = args.send_options();
    let mut output = session.world.stdout();
    // Rows on a terminal show the progress already.
    let is_hidden = session.world.is_terminal(Stream::Output) || plan.total() == 1;
    let mut progress = session.world.progress(if is_hidden { 0 } else { plan.total() });
    // A few rows, or slow ones, are flushed at once; many are buffered.
    let flushes_rows = plan.total() <= 100 || args.rate.is_some();
    let (mut number, mut summary) = (0, ReplaySummary::default());
    let mut first_error: Option<Error> = None;
    let started = session.world.now();
    let end = {
        let first_error = std::cell::RefCell::new(&mut first_error);
        let mut next = || {
            if number == plan.total() || first_error.borrow().is_some() {
                return NextRequest::Nothing;
            }
            number += 1;
            match plan.request(number - 1) {
                Ok(request) => {
                    NextRequest::send(OutgoingRequest { number: number - 1, url: args.to.clone(), reach, request })
                }
                Err(error) => {
                    **first_error.borrow_mut() = Some(error);
                    NextRequest::Nothing
                }
            }
        };
        let mut done = |sent: SentRequest| {
            progress.step();
            summary.add(&sent);
            let change = plan.record_attempt(&sent).unwrap_or_else(|error| {
                first_error.borrow_mut().get_or_insert(error);
                None
            });
            let written = write_row(plan, &sent, change, &mut output)
                .and_then(|()| if flushes_rows { output.flush() } else { Ok(()) });
            if let Err(error) = written {
                first_error.borrow_mut().get_or_insert(Error::from(error));
            }
        };
        session.world.send(&options, &mut next, &mut done)?
    };
    progress.finish();
    drop(progress);
    output.flush()?;
    drop(output);
    if let Some(error) = first_error {
        return Err(error);
    }
    if plan.total() > 1 || end == SendStatus::Interrupted {
        let took = session.world.now().duration_since(started).unsigned_abs();
        session.info(&summary.to_text(plan.total(), took));
    }
    match end {
        SendStatus::Interrupted => Err(Error::interrupted()),
        SendStatus::Complete if summary.unanswered > 0 => Err(unanswered_error(plan, &summary)),
        SendStatus::Complete => {
            if let Some(hint) = plan.secret_hint().filter(|_| summary.suggests_wrong_secret()) {
                session.info(&hint);
            }
            Ok(if summary.rejected == 0 { CommandOutcome::Success } else { CommandOutcome::Negative })
        }
    }
}

/// Flags of `replay` that advice about a failure may name.
const FLAGS: SendFlags = SendFlags { insecure: Some("--insecure"), timeout: Some("--request-timeout") };

fn unanswered_error(plan: &ReplayPlan<'_>, summary: &ReplaySummary) -> Error {
    let unanswered = summary.unanswered;
    let fix = summary.first_failure.as_ref().and_then(|failure| failure.fix(&FLAGS));
    let error = Error::failed(format!("{} got no answer from {}", text::count(unanswered, "request"), plan.args.to));
    let is_refused = matches!(&summary.first_failure, Some(SendFailure::Connect(_)));
    if plan.args.to.as_str() == target::DEFAULT_TARGET && is_refused {
        error.hint("start `whtool listen` in another terminal, or set --to URL")
    } else {
        error.hint(fix.unwrap_or_else(|| "check that the server is running at this address".to_owned()))
    }
}

fn write_row(
    plan: &ReplayPlan<'_>,
    sent: &SentRequest,
    change: Option<AnswerChange>,
    output: &mut dyn Write,
) -> std::io::Result<()> {
    let name = plan.name(sent.number);
    let change = change.map(AnswerChange::name);
    // Relative redirects lead from the URL of the target, whatever path a capture has.
    let asked = plan.args.to.as_str();
    if plan.args.json {
        return output.write_all(&render::json::sent(name, plan.provider(sent.number), asked, sent, change));
    }
    let paint = plan.session.out;
    let source = plan.label(sent.number);
    let answer = match &sent.answer {
        Ok(answer) => text::answer_line(answer, asked, sent.took, paint),
        Err(failure) => paint.bad(&sanitize::escape_unsafe(&mask_secrets(&failure.to_string()))),
    };
    let change = change.map(|word| format!("  · {}", paint.strong(word))).unwrap_or_default();
    writeln!(output, "{}", plan.session.wrap(&format!("{source}  {answer}{change}")))
}
