//! `whtool replay`: signed requests to a URL, one or a hundred thousand.
//!
//! What there is to send is found in `source`, how it is sent planned in `plan`, what came of it counted in `tally`; every request is signed at the moment it is sent.

mod plan;
mod source;
mod tally;

use super::samples::Changes;
use super::{Session, confirm, moment, provider_values, rate, span};
use crate::command::shared::captures::{Filters, StoreArgs};
use crate::command::shared::secrets::SecretArgs;
use crate::command::shared::target;
use crate::model::address::is_loopback;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::exchange::{NextRequest, OutgoingRequest, SentRequest};
use crate::model::sanitize;
use crate::model::stored::Attempt;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::model::width::pad_right;
use crate::provider::{Provider, SignatureForm};
use crate::render::{self, text};
use crate::world::{CertificateCheck, MAX_ANSWER_BODY, SendOptions, SendStatus, Stream};
use clap::Args;
use plan::Plan;
use std::io::Write;
use std::path::PathBuf;
use tally::Tally;
use url::Url;

/// Send samples, payload files or captures to a URL, signed now or exactly as they came
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
    /// Samples by name, files of a payload or of captured requests, `-` for standard input, ids of captures, or `last`; sent in this order
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// Where to send
    #[arg(long, value_name = "URL", default_value = target::DEFAULT_TARGET, value_parser = target::parse)]
    to: Url,
    /// Whose signature, for payload files; recognised from the payload when not given
    #[arg(long, value_name = "NAME", value_parser = provider_values())]
    provider: Option<&'static dyn Provider>,
    #[command(flatten)]
    changes: Changes,
    /// The time of signing: Unix seconds or RFC 3339; now when not given
    #[arg(long, value_name = "TIME", value_parser = moment)]
    timestamp: Option<Timestamp>,
    /// Write Plustive's signature as bare hex
    #[arg(long)]
    bare: bool,
    /// Flip one bit of the body after signing
    #[arg(long)]
    tamper: bool,
    /// Send everything so many times; samples are fresh each time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
    /// How many requests may be under way at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// At most so many requests a second
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// How long one request may take
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = span)]
    timeout: SignedDuration,
    /// Accept any certificate of the target, such as a self-signed one
    #[arg(long)]
    insecure: bool,
    /// Send captures as they came: same head, same body, same signature
    #[arg(long, conflicts_with_all = ["timestamp", "set", "edit", "bare"])]
    exact: bool,
    /// Open each body in your editor before it is signed
    #[arg(long, conflicts_with_all = ["repeat", "tamper"])]
    edit: bool,
    /// Send in another order
    #[arg(long)]
    shuffle: bool,
    /// Take ids or records of captures, or what `reconcile --replay-list` wrote, from a file, one a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Print the requests instead of sending them
    #[arg(long)]
    dry_run: bool,
    /// Send to an address that is not this machine without asking
    #[arg(long)]
    yes: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    secrets: SecretArgs,
}

/// How an answer compares with the last one to the same capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    Fixed,
    StillFailing,
    BrokenNow,
    StillGood,
}

impl Compared {
    fn of(before: &Attempt, now: &Attempt) -> Self {
        match (before.is_success(), now.is_success()) {
            (false, true) => Self::Fixed,
            (false, false) => Self::StillFailing,
            (true, false) => Self::BrokenNow,
            (true, true) => Self::StillGood,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::StillFailing => "still failing",
            Self::BrokenNow => "broken now",
            Self::StillGood => "still good",
        }
    }
}

impl Replay {
    /// The form of Plustive's header.
    fn header_form(&self) -> SignatureForm {
        if self.bare { SignatureForm::BareHex } else { SignatureForm::Reference }
    }
}

/// Sends, and tells of each request.
pub(super) fn run(args: &Replay, session: &Session<'_>) -> Result<CommandOutcome> {
    let plan = Plan::new(args, session)?;
    if plan.total() == 0 {
        session.say("nothing to send: the list is empty");
        return Ok(CommandOutcome::Success);
    }
    if args.dry_run {
        return plan.print();
    }
    if !is_loopback(&args.to) {
        let host = args.to.host_str().unwrap_or_default().to_owned();
        if !args.yes {
            confirm(session, &format!("{host} is not this machine, and what is sent there is really signed"), &host)?;
        }
    }
    send(&plan)
}

fn send(plan: &Plan<'_>) -> Result<CommandOutcome> {
    let (args, session) = (plan.args, plan.session);
    let sending = SendOptions {
        concurrency: usize::from(args.concurrency),
        per_second: args.rate,
        timeout: args.timeout.unsigned_abs(),
        certificates: if args.insecure { CertificateCheck::Skip } else { CertificateCheck::Verify },
        max_body: MAX_ANSWER_BODY,
    };
    let mut output = session.world.stdout();
    // Where the rows can be seen, they tell how far it is.
    let is_hidden = session.world.is_terminal(Stream::Output) || plan.total() == 1;
    let mut progress = session.world.progress(if is_hidden { 0 } else { plan.total() });
    // Few lines, or slow ones, are to be seen as they come; many are gathered.
    let is_slow = plan.total() <= 100 || args.rate.is_some();
    let (mut number, mut tally) = (0, Tally::default());
    let mut trouble: Option<Error> = None;
    let started = session.world.now();
    let end = {
        let trouble = std::cell::RefCell::new(&mut trouble);
        let mut next = || {
            if number == plan.total() || trouble.borrow().is_some() {
                return NextRequest::Nothing;
            }
            number += 1;
            match plan.request(number - 1) {
                Ok((url, request)) => NextRequest::Send(OutgoingRequest { number: number - 1, url, request }),
                Err(error) => {
                    **trouble.borrow_mut() = Some(error);
                    NextRequest::Nothing
                }
            }
        };
        let mut done = |sent: SentRequest| {
            progress.step();
            tally.add(&sent);
            let compared = plan.record(&sent).unwrap_or_else(|error| {
                trouble.borrow_mut().get_or_insert(error);
                None
            });
            let told =
                tell(plan, &sent, compared, &mut output).and_then(|()| if is_slow { output.flush() } else { Ok(()) });
            if let Err(error) = told {
                trouble.borrow_mut().get_or_insert(Error::from(error));
            }
        };
        session.world.send(&sending, &mut next, &mut done)?
    };
    progress.finish();
    drop(progress);
    output.flush()?;
    drop(output);
    if let Some(error) = trouble {
        return Err(error);
    }
    if plan.total() > 1 || end == SendStatus::Interrupted {
        let took = session.world.now().duration_since(started).unsigned_abs();
        session.say(&tally.summary(plan.total(), took));
    }
    match end {
        SendStatus::Interrupted => Err(Error::interrupted()),
        SendStatus::Complete if tally.failed > 0 => Err(unreachable(plan, &tally)),
        SendStatus::Complete => {
            if let Some(hint) = plan.about_its_secrets().filter(|_| tally.looks_like_a_wrong_secret()) {
                session.say(&hint);
            }
            Ok(if tally.refused == 0 { CommandOutcome::Success } else { CommandOutcome::Negative })
        }
    }
}

fn unreachable(plan: &Plan<'_>, tally: &Tally) -> Error {
    let error = Error::failed(format!("{} got no answer from {}", text::count(tally.failed, "request"), plan.args.to));
    if plan.args.to.as_str() == target::DEFAULT_TARGET {
        error.hint("start `whtool listen` in another terminal, or say --to URL")
    } else {
        error.hint("see whether the server runs, and at this address")
    }
}

/// One line for one request.
fn tell(
    plan: &Plan<'_>,
    sent: &SentRequest,
    compared: Option<Compared>,
    output: &mut dyn Write,
) -> std::io::Result<()> {
    let name = plan.name(sent.number);
    let compared = compared.map(Compared::word);
    if plan.args.json {
        return output.write_all(&render::json::sent(name, plan.provider(sent.number), sent, compared));
    }
    let paint = plan.session.out;
    let what = paint.strong(&pad_right(&sanitize::escape_unsafe(name), 20));
    let how = match &sent.answer {
        Ok(answer) => text::answer_line(answer, sent.took, paint),
        Err(failure) => paint.bad(&sanitize::escape_unsafe(&failure.to_string())),
    };
    let compared = compared.map(|word| format!("  · {}", paint.strong(word))).unwrap_or_default();
    writeln!(output, "{}", plan.session.fitted(&format!("{what}  {how}{compared}")))
}
