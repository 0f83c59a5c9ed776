//! `whtool events`: what was received, from the store. A file for each of its commands; what they share stands here.

mod bundle;
mod diff;
mod export;
mod list;
mod prune;
mod show;
mod stats;

use super::Session;
use crate::command::shared::captures::{self, StoreArgs};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::stored::StoredDelivery;
use crate::model::timestamp::Timestamp;
use crate::world::Store;
use clap::{Args, Subcommand};

/// List, show, compare, export and prune what was received
///
/// Whatever `whtool listen` receives is kept, accepted or refused, byte for byte. A capture is named by its id, by the first
/// letters of it, or as `last`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(mut_arg("from_provider", list::called_provider))]
#[command(after_help = "\
Examples:
  whtool events --type 'payment.*' --since 2h
  whtool events --failed --json
  whtool events list --limit 100
  whtool events show last
  whtool events show last --body > payload.json
  whtool events show last --bundle for-support.json
  whtool events diff 3kq last
  whtool events export --since 1d --as har > deliveries.har
  whtool events stats --provider plexos
  whtool events prune --older-than 30d --yes")]
pub(super) struct Events {
    #[command(subcommand)]
    command: Option<What>,
    #[command(flatten)]
    list: list::List,
}

#[derive(Subcommand)]
enum What {
    List(list::List),
    Show(show::Show),
    Diff(diff::Diff),
    Export(export::Export),
    Stats(stats::Stats),
    Prune(prune::Prune),
}

/// Does what was asked for; without a word, lists.
pub(super) fn run(args: &Events, session: &Session<'_>) -> Result<CommandOutcome> {
    match &args.command {
        None => list::run(&args.list, session),
        Some(What::List(args)) => list::run(args, session),
        Some(What::Show(args)) => show::run(args, session),
        Some(What::Diff(args)) => diff::run(args, session),
        Some(What::Export(args)) => export::run(args, session),
        Some(What::Stats(args)) => stats::run(args, session),
        Some(What::Prune(args)) => prune::run(args, session),
    }
}

/// What to try when the store has nothing.
const NOTHING_YET: &str = "`whtool listen` keeps what it receives";

/// Opens the store when there is one; none is made by looking into it. `None`: nothing was kept yet, and that was said.
fn opened(args: &StoreArgs, session: &Session<'_>) -> Result<Option<Box<dyn Store>>> {
    let path = args.path(session)?;
    if session.world.file_exists(&path) {
        return args.open(session).map(Some);
    }
    if args.store.is_some() {
        return Err(Error::failed(format!("there is no store {}", path.display())).hint(NOTHING_YET));
    }
    session.say(&format!("nothing was received yet; {NOTHING_YET}"));
    Ok(None)
}

/// The captures of these names, whole.
fn whole<const N: usize>(args: &StoreArgs, names: [&str; N], session: &Session<'_>) -> Result<[StoredDelivery; N]> {
    let missing = |name: &str| {
        Error::failed(format!("there is no delivery `{name}` in the store")).hint("`whtool events` lists them")
    };
    let path = args.path(session)?;
    if !session.world.file_exists(&path) {
        return Err(Error::failed(format!("there is no store {}", path.display())).hint(NOTHING_YET));
    }
    let mut store = args.open(session)?;
    let mut found = Vec::with_capacity(N);
    for name in names {
        let id = captures::find(store.as_mut(), name)?;
        // It may have been pruned since its id was found.
        found.push(store.load(&id)?.ok_or_else(|| missing(name))?);
    }
    Ok(found.try_into().unwrap_or_else(|_| unreachable!("one was found for each name")))
}

/// A moment as a person reads it: date and time where they are.
fn local(time: Timestamp, session: &Session<'_>) -> String {
    time.to_zoned(session.world.time_zone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
