//! `whtool reconcile`: compares orders and captured webhooks with the provider's records. Sends
//! nothing but GET requests.
//!
//! `source` provides the references, `report` writes the results, and `journal_input` describes the
//! input of a run in its journal. The engine in between is in `shared::reconciling`.

mod journal_input;
mod report;
mod source;

use super::parse_rate;
use super::{Session, parse_duration, provider_parser};
use crate::command::shared::api::ApiArgs;
use crate::command::shared::captures::{StoreArgs, When, when};
use crate::command::shared::reconciling::{CapturedWebhooks, LookupOptions, run_lookups};
use crate::command::shared::values::{ListParser, ParsedList};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::timestamp::SignedDuration;
use crate::provider::Provider;
use crate::reconcile::Class;
use crate::reconcile::columns::ColumnArg;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use report::ReportWriter;
use source::InputSource;
use std::path::PathBuf;

/// Compare orders and captured webhooks with the provider's records
///
/// Looks up every reference: pi_…, re_… and cs_… at Plexos Pay, PLS-… and anything else at
/// Plustive. Each record is compared with the webhooks that `whtool listen` captured, and with
/// the orders in a list. Nothing is changed at the provider.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool reconcile PLS-7XKQR4N
  whtool reconcile pi_def456 --wait 2m
  whtool reconcile --from orders.csv --column reference=payment_id --decimal
  whtool reconcile --since 24h --only differences --csv > differences.csv
  whtool reconcile --open --resume run.journal
  whtool reconcile --from orders.csv --replay-list missed

Exit status:
  0  everything matches
  1  there are differences, or payments still open after --wait
  3  a lookup failed, so the list of differences is incomplete")]
pub(super) struct Reconcile {
    /// Payments, refunds, checkout sessions or transactions to look up, or your own references at
    /// Plustive
    #[arg(value_name = "REFERENCE")]
    references: Vec<String>,
    /// Read orders from a file: one reference per line, CSV with a header, or NDJSON; `-` reads
    /// standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Name of a column in the list: reference=NAME, status=NAME, amount=NAME or currency=NAME. May
    /// be repeated
    #[arg(long, value_name = "COLUMN=NAME", requires = "from")]
    column: Vec<ColumnArg>,
    /// Read amounts in the list as decimals such as 100.00 instead of minor units
    #[arg(long, requires = "from")]
    decimal: bool,
    /// Look up only open payments and purchases, from the list or from captures
    #[arg(long)]
    open: bool,
    /// Look up everything captured since this time: 2h (ago), today, a date, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = when, conflicts_with_all = ["references", "from"])]
    since: Option<When>,
    /// Provider to query (default: detected from each reference)
    #[arg(long, value_name = "PROVIDER", value_parser = provider_parser())]
    provider: Option<&'static dyn Provider>,
    /// Poll open payments until they end or this time has passed
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    wait: Option<SignedDuration>,
    /// Maximum number of concurrent requests
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// Maximum number of requests per second
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    rate: Option<f64>,
    /// Retry a lookup up to N times after a 5xx or without a response
    #[arg(long, value_name = "N", default_value_t = 4)]
    retry: u32,
    /// Save responses to this journal; if it exists, resume that run
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Write the events that the app missed to this file, for `whtool replay --from`
    #[arg(long, value_name = "FILE")]
    replay_list: Option<PathBuf>,
    /// Show only rows of this class, or `differences`; totals still include every row. May be
    /// repeated
    #[arg(long, value_name = "CLASS", value_parser = ListParser(row_filter()))]
    only: Vec<ParsedList<RowFilter>>,
    /// Print one JSON record per line; the last one has the totals
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV for spreadsheets
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The value of an `--only` flag.
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

impl Reconcile {
    fn lookup_options(&self, session: &Session<'_>) -> Result<LookupOptions<'_>> {
        Ok(LookupOptions {
            provider: self.provider,
            wait: self.wait,
            concurrency: self.concurrency,
            rate: self.rate,
            retry: self.retry,
            api: &self.api,
            journal: journal_input::journal_options(self, session)?,
        })
    }
}

/// Looks up every reference and reports the results.
pub(super) fn run(args: &Reconcile, session: &Session<'_>) -> Result<CommandOutcome> {
    if args.references.is_empty() && args.from.is_none() && args.since.is_none() && !args.open {
        return Err(Error::usage("no references to reconcile")
            .because("give references, --from FILE, --since 24h (captured webhooks) or --open (what has not ended)")
            .hint("whtool reconcile pi_def456, or whtool reconcile --since 24h"));
    }
    let mut captured = CapturedWebhooks::open(&args.store, session)?;
    let mut source = InputSource::new(args, &mut captured, session)?;
    let mut report = ReportWriter::new(args, session)?;
    let options = args.lookup_options(session)?;
    let finished = run_lookups(session, &options, captured, &mut source, vec![&mut report])?;
    report.finish(finished)
}
