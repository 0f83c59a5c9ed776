//! `whtool events`: shows and manages captures. Each subcommand has its own file.

mod bundle;
mod diff;
mod export;
mod follow;
mod list;
mod prune;
mod show;
mod stats;

use super::Session;
use crate::command::shared::store_args::StoreArgs;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::timestamp::Timestamp;
use crate::world::Store;
use clap::{Args, Subcommand};

/// List, follow, show, compare, export and prune captures
///
/// `whtool listen` stores every delivery that it receives, accepted or refused. Name a capture by
/// its number (42), as last or last~2, by its event id (evt_…), or by its payment or reference
/// (pi_…, PLS-…). 40..45 names a range.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(mut_arg("from_provider", crate::command::shared::captures::rename_provider_flag))]
#[command(after_help = "\
Examples:
  whtool events --type 'payment.*' --since 2h
  whtool events --failed --json
  whtool events --follow --limit 10 --compact
  whtool events list --limit 100
  whtool events show last
  whtool events show last --body > payload.json
  whtool events show last --bundle for-support.json
  whtool events diff last~1 last
  whtool events export 40..45 > deliveries.ndjson
  whtool events export --since 1d --as har > deliveries.har
  whtool events stats --provider plexos
  whtool events prune --older-than 30d --yes")]
pub(super) struct Events {
    #[command(subcommand)]
    command: Option<Subcommands>,
    #[command(flatten)]
    list: list::ListEvents,
}

#[derive(Subcommand)]
enum Subcommands {
    List(list::ListEvents),
    Show(show::ShowEvent),
    Diff(diff::DiffEvents),
    Export(export::ExportEvents),
    Stats(stats::EventStats),
    Prune(prune::PruneEvents),
}

pub(super) fn run(args: &Events, session: &Session<'_>) -> Result<CommandOutcome> {
    match &args.command {
        None => list::run(&args.list, session),
        Some(Subcommands::List(args)) => list::run(args, session),
        Some(Subcommands::Show(args)) => show::run(args, session),
        Some(Subcommands::Diff(args)) => diff::run(args, session),
        Some(Subcommands::Export(args)) => export::run(args, session),
        Some(Subcommands::Stats(args)) => stats::run(args, session),
        Some(Subcommands::Prune(args)) => prune::run(args, session),
    }
}

const STORE_HINT: &str = "`whtool listen` stores what it receives";

/// Opens the store without creating one. `None`: there is none, and stderr says so.
fn open_if_exists(args: &StoreArgs, session: &Session<'_>) -> Result<Option<Box<dyn Store>>> {
    if let Some(store) = args.open_if_exists(session)? {
        return Ok(Some(store));
    }
    if args.store.is_some() {
        return Err(no_store(args, session));
    }
    session.info(&format!("no captures yet; {STORE_HINT}"));
    Ok(None)
}

/// Opens a store that must exist.
fn open_existing(args: &StoreArgs, session: &Session<'_>) -> Result<Box<dyn Store>> {
    args.open_if_exists(session)?.ok_or_else(|| no_store(args, session))
}

fn no_store(args: &StoreArgs, session: &Session<'_>) -> Error {
    let location = args.location(session);
    location.map_or_else(|error| error, |location| Error::failed(format!("no store at {location}")).hint(STORE_HINT))
}

/// Formats a time in the local zone.
fn format_local(time: Timestamp, session: &Session<'_>) -> String {
    time.to_zoned(session.world.time_zone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
