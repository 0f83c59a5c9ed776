//! `whtool reconcile`: what the provider has on record, beside what was captured and what was ordered.
//!
//! `source` says what is asked about, `asking` drives the schedule, `reading` makes something of answers, `captured` fetches webhooks from the store,
//! `journal` lets an interrupted run go on, and `report` writes what came of it. Nothing but GETs is sent.

mod answer;
mod captured;
mod journal;
mod report;
mod runner;
mod source;

use super::rate;
use super::{Session, provider_values, span};
use crate::command::shared::api::ApiArgs;
use crate::command::shared::captures::{StoreArgs, When, when};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::timestamp::SignedDuration;
use crate::provider::Provider;
use crate::reconcile::Class;
use crate::reconcile::columns::ColumnArg;
use crate::world::{SendOptions, SendStatus};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use runner::ReconcileRun;
use std::cell::RefCell;
use std::path::PathBuf;

/// Compare webhooks and orders with the provider's own record
///
/// Each reference is looked up: PLS-… and any other text at Plustive, pi_…, re_… and cs_… at Plexos Pay. Nothing is changed
/// there. What was captured by `whtool listen`, and what the list of orders says, is held against the record.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool reconcile PLS-7XKQR4N
  whtool reconcile pi_def456 --wait 2m
  whtool reconcile --from orders.csv --column reference=payment_id --decimal
  whtool reconcile --since 24h --only differences --csv > differences.csv
  whtool reconcile --open --resume run.journal
  whtool reconcile --from orders.csv --replay-list missed

Exit status: 0 nothing differs, 1 a difference was found (or, with --wait, something is still open), 3 some could not be told.")]
pub(super) struct Reconcile {
    /// Payments, refunds, checkout sessions, transactions, or your own references at Plustive
    #[arg(value_name = "REF")]
    references: Vec<String>,
    /// Take references from a file: one a line, CSV with a header, or NDJSON; `-` is standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Which column of it is what: reference=NAME, status=NAME, amount=NAME, currency=NAME
    #[arg(long, value_name = "WHAT=NAME", requires = "from")]
    column: Vec<ColumnArg>,
    /// The amounts in it are decimal, such as 100.00, and not minor units
    #[arg(long, requires = "from")]
    decimal: bool,
    /// Only what has not reached an end: of the list, or else of everything that was captured
    #[arg(long)]
    open: bool,
    /// What was captured since: 24h, or a time
    #[arg(long, value_name = "WHEN", value_parser = when, conflicts_with_all = ["references", "from"])]
    since: Option<When>,
    /// Whose references they are, whatever they look like
    #[arg(long, value_name = "NAME", value_parser = provider_values())]
    provider: Option<&'static dyn Provider>,
    /// Ask about what is still open until it ends, for so long
    #[arg(long, value_name = "SPAN", value_parser = span)]
    wait: Option<SignedDuration>,
    /// How many may be asked about at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// At most so many requests a second
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// How often to ask again when there was no answer, or a 5xx
    #[arg(long, value_name = "N", default_value_t = 4)]
    retry: u32,
    /// Keep a journal here; when it is there already, go on where that run ended
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Write what the app has missed, for `whtool replay --from`
    #[arg(long, value_name = "FILE")]
    replay_list: Option<PathBuf>,
    /// Only rows of this class, or `differences`; everything counts all the same
    #[arg(long, value_name = "CLASS", value_parser = row_filter())]
    only: Vec<RowFilter>,
    /// One JSON record a line, and one of the totals
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// A table for spreadsheets
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Which rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowFilter {
    Class(Class),
    Differences,
}

impl RowFilter {
    fn matches(self, class: Class) -> bool {
        match self {
            Self::Class(only) => only == class,
            Self::Differences => class.is_difference() || class == Class::CouldNotTell,
        }
    }
}

fn row_filter() -> impl TypedValueParser<Value = RowFilter> {
    let words = Class::ALL.iter().rev().map(|class| class.code()).chain(["differences"]);
    PossibleValuesParser::new(words)
        .map(|word| Class::from_code(&word).map_or(RowFilter::Differences, RowFilter::Class))
}

/// The longest answer that is read: a record is some kilobytes.
const LONGEST_ANSWER: usize = 1024 * 1024;

impl Reconcile {
    fn sending(&self) -> SendOptions {
        let sending = self.api.send_options(usize::from(self.concurrency));
        SendOptions { per_second: self.rate, max_body: LONGEST_ANSWER, ..sending }
    }
}

/// Asks about everything, and tells what came of it.
pub(super) fn run(args: &Reconcile, session: &Session<'_>) -> Result<CommandOutcome> {
    if args.references.is_empty() && args.from.is_none() && args.since.is_none() && !args.open {
        return Err(Error::usage("reconcile what? no reference was given")
            .because(
                "it takes references, --from FILE, --since 24h for what was captured, or --open for what has not ended",
            )
            .hint("whtool reconcile pi_def456, or whtool reconcile --since 24h"));
    }
    let mut asking = ReconcileRun::new(args, session)?;
    asking.load_journal()?;
    let shared = RefCell::new(asking);
    let mut next = || shared.borrow_mut().next_request();
    let mut done = |sent| shared.borrow_mut().handle_answer(sent);
    let end = session.world.send(&args.sending(), &mut next, &mut done)?;
    let finished = shared.into_inner().finish(end)?;
    if end == SendStatus::Interrupted {
        return Err(Error::interrupted());
    }
    finished.outcome(args.wait)
}
