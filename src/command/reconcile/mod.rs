//! `whtool reconcile`: compares orders and captured webhooks with the provider's records. Sends
//! nothing but GET requests.
//!
//! `period_args`, `known_args` and `report_args` have the flags of these subjects. `source` provides
//! the references, `report` writes the results, `replay_list` the events that the app missed, and
//! `journal_input` describes the input of a run in its journal. `captured_run` is for the page of
//! `ui`. The engine in between is in `shared::reconciling`.

mod all_source;
mod captured_run;
mod csv_file;
mod journal_input;
mod known_args;
mod outcome;
mod period_args;
mod replay_list;
mod report;
mod report_args;
mod source;
mod spooled_list;

use super::parse_rate;
use super::{Session, parse_duration, provider_parser};
use crate::command::shared::api::{ApiArgs, ApiClient};
use crate::command::shared::captures::When;
use crate::command::shared::list_source::{ListSource, ListSourceArgs};
use crate::command::shared::order_list::ListArgs;
use crate::command::shared::output_file;
use crate::command::shared::reconciling::{CapturedWebhooks, LookupOptions, OrderSource, ResultSink, run_lookups};
use crate::command::shared::store_args::StoreArgs;
use crate::command::shared::values::{ListParser, ParsedList};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::timestamp::SignedDuration;
use crate::provider::Provider;
use crate::reconcile::{Class, CompareRules, KnownDifferences, ReconciledReference, StatusWordArg, StatusWords};
use crate::render::reconcile::CsvTable;
use crate::render::text::count;
use all_source::AllRecords;
pub(in crate::command) use captured_run::{CapturedRun, RunProgress, reconcile_captured};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use csv_file::CsvFile;
use known_args::KnownArgs;
use period_args::{PeriodArgs, PeriodSource};
use replay_list::ReplayList;
use report::ReportWriter;
use report_args::{ReportArgs, ReportCollector};
use source::InputSource;
use spooled_list::SpooledList;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

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
  whtool reconcile --all --day yesterday --from orders.csv

Exit status:
  0  everything matches
  1  there are differences, or payments still open after --wait
  3  a lookup failed, so the list of differences is incomplete")]
pub(super) struct Reconcile {
    /// Payments, refunds, checkout sessions or transactions to look up, or your own references at
    /// Plustive
    #[arg(value_name = "REFERENCE")]
    references: Vec<String>,
    /// Read orders from a file: CSV, JSON, a workbook, the output of a database's client, or one
    /// reference per line; `-` reads standard input. With --query, an SQLite database or
    /// postgres://…; `env:NAME` reads the URL from a variable
    #[arg(long, value_name = "FILE", group = "list")]
    from: Option<PathBuf>,
    #[command(flatten)]
    source: ListSourceArgs,
    #[command(flatten)]
    list: ListArgs,
    /// Meaning of a status word in the list: open, paid, failed, expired, canceled, refunded,
    /// partly_refunded or ignore. May be repeated
    #[arg(long, value_name = "WORD=MEANING", requires = "list")]
    status: Vec<StatusWordArg>,
    /// Read the provider's own list since --since or --day, and find payments that no order knows.
    /// Orders match by the provider's id or by their own number (externalId). Plexos Pay only
    #[arg(long, conflicts_with_all = ["references", "open"])]
    all: bool,
    /// Look up only open payments and purchases, from the list or from captures
    #[arg(long)]
    open: bool,
    /// Provider to query (default: detected from each reference)
    #[arg(long, value_name = "PROVIDER", value_parser = provider_parser())]
    provider: Option<&'static dyn Provider>,
    /// Poll open payments until they end or this time has passed
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    wait: Option<SignedDuration>,
    /// Report payments that are still open after this time
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    stale: Option<SignedDuration>,
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
    /// Show only rows of this class, `differences` or `accepted`; totals still include every row. May be
    /// repeated
    #[arg(long, value_name = "CLASS", value_parser = ListParser(row_filter()))]
    only: Vec<ParsedList<RowFilter>>,
    /// Print one JSON record per line; the last one has the totals
    #[arg(long)]
    json: bool,
    /// Print CSV for spreadsheets, or write the complete table to a file
    #[arg(long, value_name = "FILE", num_args = 0..=1, value_parser = csv_file::parse_file_name)]
    csv: Option<Option<PathBuf>>,
    #[command(flatten)]
    period: PeriodArgs,
    #[command(flatten)]
    known: KnownArgs,
    #[command(flatten)]
    reports: ReportArgs,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The value of an `--only` flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowFilter {
    Class(Class),
    /// Everything that needs attention.
    Differences,
    Accepted,
}

impl RowFilter {
    fn matches(self, reconciled: &ReconciledReference) -> bool {
        let class = reconciled.assessment.class();
        let is_accepted = reconciled.acceptance.is_accepted();
        match self {
            Self::Class(only) => only == class,
            Self::Differences => !is_accepted && (class.is_difference() || class == Class::CouldNotTell),
            Self::Accepted => is_accepted,
        }
    }
}

fn row_filter() -> impl TypedValueParser<Value = RowFilter> {
    let words = Class::ALL.iter().rev().map(|class| class.code()).chain(["differences", "accepted"]);
    PossibleValuesParser::new(words).map(|word| match Class::from_code(&word) {
        Some(class) => RowFilter::Class(class),
        None if word == "accepted" => RowFilter::Accepted,
        None => RowFilter::Differences,
    })
}

impl Reconcile {
    /// Returns the file of `--csv`. `None`: there is none, or it is standard output.
    fn csv_file(&self) -> Option<&Path> {
        self.csv.as_ref()?.as_deref().filter(|path| !output_file::is_stdout(path))
    }

    fn prints_csv(&self) -> bool {
        self.csv.is_some() && self.csv_file().is_none()
    }

    /// Checks that standard output gets one thing, and that the files may be written.
    fn check_output(&self, session: &Session<'_>) -> Result<()> {
        if self.prints_csv() && (self.json || self.reports.summary) {
            return Err(
                Error::usage("standard output can't be CSV and something else").hint("name a file: --csv table.csv")
            );
        }
        if let Some(path) = self.csv_file() {
            CsvFile::check(path, session)?;
        }
        self.reports.check_files(self.csv_file(), session)
    }

    /// Returns the thing whose time `--since` and `--until` are about.
    fn period_source(&self, list: Option<&ListSource>) -> PeriodSource {
        let is_from_store = self.references.is_empty() && list.is_none() && !self.all;
        if is_from_store { PeriodSource::Captures } else { PeriodSource::Records }
    }

    /// Describes the source of the references for reports.
    fn source_name(&self, list: Option<&ListSource>, session: &Session<'_>) -> Result<String> {
        let named = Some(self.references.len()).filter(|number| *number > 0);
        let named = named.map(|number| format!("{} on the command line", count(number as u64, "reference")));
        let list = list.map(ListSource::to_string);
        if let Some(source) = named.into_iter().chain(list).reduce(|one, other| format!("{one}, {other}")) {
            return Ok(source);
        }
        if self.all {
            return Ok("the provider's list".to_owned());
        }
        let arrived = self.period.capture_period(session)?;
        let open = if self.open { ", without those that have ended" } else { "" };
        Ok(format!("webhooks captured at {}{open}", arrived.describe()))
    }

    fn lookup_options<'a>(
        &'a self,
        list: Option<&SpooledList>,
        client: Option<ApiClient>,
        known: &'a RefCell<KnownDifferences>,
        session: &Session<'_>,
    ) -> Result<LookupOptions<'a>> {
        let period_source = self.period_source(list.map(|list| &list.source));
        Ok(LookupOptions {
            period: self.period.record_period(period_source, session)?,
            known,
            provider: self.provider,
            wait: self.wait,
            concurrency: self.concurrency,
            rate: self.rate,
            retry: self.retry,
            api: &self.api,
            client,
            journal: journal_input::journal_options(self, list),
            rules: CompareRules {
                words: StatusWords::from_args(&self.status),
                stale_before: self.stale.map(|span| When::Ago(span).resolve(&session.now())),
            },
        })
    }
}

/// Looks up every reference and reports the results.
pub(super) fn run(args: &Reconcile, session: &Session<'_>) -> Result<CommandOutcome> {
    let list = args.source.source(args.from.as_deref(), session)?;
    if args.period_source(list.as_ref()) == PeriodSource::Captures && !args.period.is_given() && !args.open {
        return Err(Error::usage("no references to reconcile")
            .because("give references, --from FILE, --since 24h (captured webhooks) or --open (what has not ended)")
            .hint("whtool reconcile pi_def456, or whtool reconcile --since 24h"));
    }
    args.check_output(session)?;
    let started = session.world.now();
    let known = RefCell::new(args.known.load(&started.to_zoned(args.period.zone(session)), session)?);
    let mut captured = CapturedWebhooks::open(&args.store, session)?;
    // A missing key is reported before the list is read.
    let client = args.all.then(|| all_source::open(args, session)).transpose()?;
    let list = list.map(|list| SpooledList::read(list, args, session)).transpose()?;
    let options = args.lookup_options(list.as_ref(), client.clone(), &known, session)?;
    let list_source = list.as_ref().map(|list| list.source.clone());
    let orders = (!args.all || list.is_some()).then(|| InputSource::new(args, list, &mut captured, session));
    let orders = orders.transpose()?;
    let total = orders.as_ref().and_then(InputSource::count).filter(|_| !args.all);
    let mut source: Box<dyn OrderSource> = match (client, orders) {
        (Some(client), orders) => Box::new(AllRecords::read(&client, orders, &options, session)?),
        (None, Some(orders)) => Box::new(orders),
        (None, None) => return Err(Error::usage("no references to reconcile")),
    };
    let mut replay_list = ReplayList::new(args, session)?;
    let mut report = ReportWriter::new(args, &*source, total, session)?;
    let mut collector = ReportCollector::new(&args.reports);
    let table = || CsvTable::new(source.extra_columns());
    let mut csv_file = args.csv_file().map(|path| CsvFile::new(path, table(), session)).transpose()?;
    let mut sinks: Vec<&mut dyn ResultSink> = vec![&mut report, &mut collector];
    sinks.extend(csv_file.as_mut().map(|file| file as &mut dyn ResultSink));
    sinks.extend(replay_list.as_mut().map(|list| list as &mut dyn ResultSink));
    let finished = run_lookups(session, &options, captured, &mut *source, sinks)?;
    let has_failure = collector.has_failure(&finished.totals);
    let facts = report_args::run_facts(
        args.source_name(list_source.as_ref(), session)?,
        started,
        (args, options.period.clone()),
        &finished,
        session,
    );
    let stopped = facts.stopped.clone();
    let file_report = collector.report(facts, &finished, known_args::summarize(&known.borrow()));
    report.finish(&finished, file_report.as_ref(), options.period.as_ref(), &known.borrow())?;
    if let Some(list) = replay_list {
        list.finish(&finished)?;
    }
    if let Some(file) = csv_file {
        file.finish(stopped.as_deref(), session)?;
    }
    if let Some(file_report) = &file_report {
        args.reports.write_files(file_report, session)?;
    }
    args.known.save(&known.borrow(), session)?;
    let outcome = outcome::outcome(finished, args, has_failure)?;
    args.known.check_requests(&known.borrow())?;
    Ok(outcome)
}
