//! `whtool watch`: reconcile, for ever.
//!
//! `rounds` is the loop: it reads the orders (`reading`), passes what it has found to the state
//! machine of `reconcile::watch`, sends missed events (`delivering`), and reports changes (`alerts`,
//! `monitor`). `saved` keeps the state in the store, before anything is sent.

mod alerts;
mod delivering;
mod monitor;
mod reading;
mod rounds;
mod saved;

use super::parse_rate;
use super::{Session, parse_duration, provider_parser};
use crate::command::shared::api::ApiArgs;
use crate::command::shared::captures::When;
use crate::command::shared::list_source::{ListSource, ListSourceArgs};
use crate::command::shared::order_list::ListArgs;
use crate::command::shared::reconciling::LookupOptions;
use crate::command::shared::secrets::SecretArgs;
use crate::command::shared::store_args::StoreArgs;
use crate::command::shared::target;
use crate::command::shared::values::{ListParser, ParsedList};
use crate::model::bind::BindHost;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::timestamp::SignedDuration;
use crate::provider::Provider;
use crate::reconcile::known::KnownDifferences;
use crate::reconcile::watch::{RepeatPolicy, WatchPolicy};
use crate::reconcile::{CompareRules, StatusWordArg, StatusWords};
use clap::{Args, ValueEnum};
use jiff::Zoned;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use url::Url;

/// Reconcile continuously: find missed events, deliver them, and report changes
///
/// Reads the orders and looks them up again and again. A difference is reported once, and once more
/// when the orders agree again. With --deliver, an event that the app has missed is rebuilt, signed
/// and sent to it, once per payment and status; only orders that agree afterwards are repaired.
/// docs/watch.md describes how to run it on a server.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool watch --from orders.csv --once
  whtool watch --from orders.csv --alert 'mail -s whtool ops@example.com'
  whtool watch --from-command 'psql --csv --file orders.sql shop'
  whtool watch --from shop.db --query 'SELECT * FROM recent_orders' --every 5m
  whtool watch --from orders.csv --deliver --to http://localhost:3000/webhooks
  whtool watch --from orders.csv --metrics 127.0.0.1:9464

Exit status:
  0  stopped by SIGTERM; with --once: no open differences
  1  with --once: open differences
  3  the store is unusable; with --once: nothing could be concluded
  4  the first round had no valid API key")]
pub(super) struct Watch {
    /// Read orders from a file, anew in each round: CSV, JSON, a workbook, or one reference per
    /// line. With --query, an SQLite database or postgres://…; `env:NAME` reads the URL from a
    /// variable
    #[arg(long, value_name = "FILE", group = "list", required_unless_present = "from_command")]
    from: Option<PathBuf>,
    #[command(flatten)]
    list: ListSourceArgs,
    #[command(flatten)]
    reading: ListArgs,
    /// Meaning of a status word in the list: open, paid, failed, expired, canceled, refunded,
    /// partly_refunded or ignore. May be repeated
    #[arg(long, value_name = "WORD=MEANING")]
    status: Vec<StatusWordArg>,
    /// Time from the start of one round to the start of the next
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = parse_duration)]
    every: SignedDuration,
    /// Run one round and exit, for cron and systemd timers
    #[arg(long, conflicts_with = "metrics")]
    once: bool,
    /// Leave orders and records alone that are younger: their webhook may be under way
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = parse_duration)]
    older_than: SignedDuration,
    /// Deliver nothing more for a difference that is this old
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    give_up_after: SignedDuration,
    /// Do not report the differences in this file, which `reconcile --accept` writes; it is read
    /// anew in each round
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Report payments that are still open after this time
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    stale: Option<SignedDuration>,
    /// Provider to query (default: detected from each reference)
    #[arg(long, value_name = "PROVIDER", value_parser = provider_parser())]
    provider: Option<&'static dyn Provider>,
    /// Maximum number of concurrent lookups
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// Maximum number of lookups per second
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    rate: Option<f64>,
    /// Retry a lookup up to N times after a 5xx or without a response
    #[arg(long, value_name = "N", default_value_t = 4)]
    retry: u32,
    /// Print one JSON record per line: changes, deliveries and rounds
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    delivery: DeliveryArgs,
    #[command(flatten)]
    reports: WatchReportArgs,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    secrets: SecretArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Delivering what the app has missed
#[derive(Args)]
#[command(next_help_heading = "Delivery")]
struct DeliveryArgs {
    /// Send the events that the app has missed to --to, once per payment and status
    #[arg(long, requires = "to")]
    deliver: bool,
    /// URL of the app's webhook handler
    #[arg(long, value_name = "URL", value_parser = target::parse, requires = "deliver")]
    to: Option<Url>,
    /// Maximum number of deliveries per round
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    most: u32,
    /// Send again in later rounds: `refused`, what the app did not answer with 2xx; `unsure`, what it
    /// may have got. Safe if the app ignores an event id that it knows. May be repeated
    #[arg(long, value_name = "WHAT", value_parser = ListParser(clap::value_parser!(Redeliver)))]
    redeliver: Vec<ParsedList<Redeliver>>,
    /// Write Plustive's signature without the `sha256=` prefix, as in its guide
    #[arg(long)]
    bare: bool,
    /// Do not verify the TLS certificate of --to
    #[arg(long)]
    insecure: bool,
    /// Skip the confirmation before sending to another machine
    #[arg(long)]
    yes: bool,
}

/// Reporting
#[derive(Args)]
#[command(next_help_heading = "Reports")]
struct WatchReportArgs {
    /// Report changes to this command, as JSON on standard input, without API keys and signing
    /// secrets in its environment; or POST them to this URL
    #[arg(long, value_name = "COMMAND|URL")]
    alert: Option<String>,
    /// Serve metrics for Prometheus at /metrics, and /healthz, on this address; without a port, 9464
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<BindHost>,
    /// Accept requests for metrics under this host name, besides localhost and its own address. May
    /// be repeated
    #[arg(long, value_name = "NAME", requires = "metrics")]
    allow_host: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Redeliver {
    Refused,
    Unsure,
}

impl Watch {
    fn policy(&self) -> WatchPolicy {
        let repeats = |what| self.delivery.redeliver.iter().flat_map(|list| &list.0).any(|each| *each == what);
        WatchPolicy {
            older_than: self.older_than,
            give_up_after: self.give_up_after,
            repeat: RepeatPolicy { refused: repeats(Redeliver::Refused), unsure: repeats(Redeliver::Unsure) },
            has_alerts: self.reports.alert.is_some(),
        }
    }

    /// Finds out where the orders come from.
    fn source(&self, session: &Session<'_>) -> Result<ListSource> {
        let source = self.list.source(self.from.as_deref(), session)?;
        match source.ok_or_else(|| Error::usage("no list of orders"))? {
            ListSource::File(path) if path == Path::new("-") => {
                Err(Error::usage("standard input can't be read anew in each round")
                    .hint("name a file, or use --from-command"))
            }
            source => Ok(source),
        }
    }

    /// Returns the variables that commands do not inherit.
    fn hidden_variables(&self) -> Vec<&str> {
        self.secrets.variables().into_iter().chain(self.api.credential_variables()).collect()
    }

    fn lookup_options<'a>(&'a self, known: &'a RefCell<KnownDifferences>, now: &Zoned) -> LookupOptions<'a> {
        LookupOptions {
            provider: self.provider,
            wait: None,
            concurrency: self.concurrency,
            rate: self.rate,
            retry: self.retry,
            api: &self.api,
            client: None,
            journal: None,
            period: None,
            known,
            rules: CompareRules {
                words: StatusWords::from_args(&self.status),
                stale_before: self.stale.map(|span| When::Ago(span).resolve(now)),
            },
        }
    }
}

/// Runs rounds until it is stopped.
pub(super) fn run(args: &Watch, session: &Session<'_>) -> Result<CommandOutcome> {
    rounds::run(args, session)
}
