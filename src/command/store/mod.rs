//! `whtool store`: creates, upgrades, describes and copies stores.

mod copy;
mod status;

use super::Session;
use crate::command::shared::store_args::{StoreArgs, StoreName};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::world::{MissingStore, SchemaChange, StoreLocation};
use clap::{Args, Subcommand};
use std::io::Write;

/// Set up a store that a team shares, describe a store, and copy captures between stores
///
/// By default, captures are in a file of this machine, which needs no set-up. In a PostgreSQL
/// database, several listeners and users share them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool store init postgres://admin@db.example/webhooks
  whtool store init --print > whtool.sql   # for a database administrator
  whtool listen --store postgres://ana@db.example/webhooks
  whtool store status --store postgres://ana@db.example/webhooks
  whtool store migrate postgres://admin@db.example/webhooks
  whtool store copy captures.db postgres://admin@db.example/webhooks

Put the URL into WHTOOL_STORE_URL, and every command uses it. A password belongs into PGPASSWORD or a PGPASSFILE.")]
pub(super) struct Stores {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Subcommand)]
enum StoreCommand {
    Init(InitStore),
    Status(status::StoreStatus),
    Migrate(MigrateStore),
    Copy(copy::CopyStore),
}

/// Create the tables of a store
///
/// Needs the privilege to create a schema. With that to create roles, it also creates the roles
/// whtool_read and whtool_write, which give other users access: GRANT whtool_write TO ana.
#[derive(Args)]
struct InitStore {
    /// Store to create: postgres://…, $VARIABLE with such a URL, or a file [default: the store that is set]
    #[arg(value_name = "URL")]
    store: Option<StoreName>,
    /// Print the SQL statements instead of running them
    #[arg(long)]
    print: bool,
}

/// Upgrade the tables of an older version of whtool, and add missing partitions
#[derive(Args)]
struct MigrateStore {
    /// Store to upgrade [default: the store that is set]
    #[arg(value_name = "URL")]
    store: Option<StoreName>,
}

pub(super) fn run(args: &Stores, session: &Session<'_>) -> Result<CommandOutcome> {
    match &args.command {
        StoreCommand::Init(args) if args.print => print_script(session),
        StoreCommand::Init(args) => prepare(args.store.as_ref(), MissingStore::Create, session),
        StoreCommand::Migrate(args) => prepare(args.store.as_ref(), MissingStore::Refuse, session),
        StoreCommand::Status(args) => status::run(args, session),
        StoreCommand::Copy(args) => copy::run(args, session),
    }
}

fn print_script(session: &Session<'_>) -> Result<CommandOutcome> {
    let mut output = session.world.stdout();
    output.write_all(session.world.store_script().as_bytes())?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

fn prepare(name: Option<&StoreName>, missing: MissingStore, session: &Session<'_>) -> Result<CommandOutcome> {
    let location = locate(name, session)?;
    let change = session.world.prepare_store(&location, missing)?;
    session.info(&match change {
        SchemaChange::Created => format!("created the store {location}"),
        SchemaChange::Upgraded { from, to } => format!("upgraded the store {location} from version {from} to {to}"),
        SchemaChange::UpToDate => format!("the store {location} is up to date"),
    });
    Ok(CommandOutcome::Success)
}

/// Returns the place of a store that was named, or of the one that is set.
fn locate(name: Option<&StoreName>, session: &Session<'_>) -> Result<StoreLocation> {
    let set = session.settings.text("store").map(|text| StoreName::from(std::ffi::OsString::from(text)));
    match name.cloned().or(set) {
        Some(name) => StoreArgs { store: Some(name), inbox: None }.location(session),
        None => Err(Error::usage("no store is named").hint("pass its URL: postgres://host/database")),
    }
}
