//! `whtool events list`: one line per capture, newest last.

use super::{STORE_HINT, format_local, open_if_exists};
use crate::command::Session;
use crate::command::shared::captures::{Filters, StoreArgs};
use crate::model::error::{CommandOutcome, Result};
use crate::model::stored::Query;
use crate::model::width::Width;
use crate::render::row::Overflow;
use crate::render::{self, text};
use crate::world::Stream;
use clap::{Arg, Args};
use std::io::Write;

/// List captures, newest last
#[derive(Args)]
#[command(mut_arg("from_provider", rename_provider_flag))]
pub(super) struct ListEvents {
    #[command(flatten)]
    filters: Filters,
    /// List all captures instead of the newest 50
    #[arg(long, conflicts_with = "limit", help_heading = "Filters")]
    all: bool,
    /// Print one JSON record per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

const INDENT: usize = 4;

const DEFAULT_LIMIT: u64 = 50;

/// Renames the flag `--from-provider` to `--provider`, which only `replay` needs for something
/// else.
pub(super) fn rename_provider_flag(arg: Arg) -> Arg {
    arg.long("provider")
}

pub(super) fn run(args: &ListEvents, session: &Session<'_>) -> Result<CommandOutcome> {
    let Some(mut store) = open_if_exists(&args.store, session)? else { return Ok(CommandOutcome::Success) };
    args.filters.warn_if_unknown_types(session);
    let query = args.filters.query(&session.now());
    let limit = if args.all { None } else { args.filters.limit.or(Some(DEFAULT_LIMIT)).filter(|&limit| limit > 0) };
    // One more than is shown, to notice that there are more.
    let query = Query { limit: limit.map(|limit| limit.saturating_add(1)), ..query };
    let mut entries = store.list(&query)?;
    let more = limit.is_some_and(|limit| entries.len() as u64 > limit);
    let entries = entries.split_off(usize::from(more));
    if entries.is_empty() {
        let reason = if args.filters.is_empty() { "no captures yet" } else { "no captures match" };
        session.info(&format!("{reason}; {STORE_HINT}"));
    }
    let width = Width::from_columns(session.world.columns(Stream::Output));
    let mut output = session.world.stdout();
    for entry in &entries {
        if args.json {
            output.write_all(&render::stored::entry(entry))?;
        } else {
            let lead = format!("{}  {}", format_local(entry.arrived, session), entry.id);
            let row = text::stored_row(entry, lead).render(width, Overflow::Wrap(INDENT), session.out);
            output.write_all(row.as_bytes())?;
        }
    }
    output.flush()?;
    if more {
        session.info(&format!("showing the newest {} (--all shows all, --limit N shows N)", entries.len()));
    }
    Ok(CommandOutcome::Success)
}
