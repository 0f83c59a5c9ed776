//! `whtool events list`: one line a capture, the newest last.

use super::{NOTHING_YET, local, opened};
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

/// List what was received, the newest last
#[derive(Args)]
#[command(mut_arg("from_provider", called_provider))]
pub(super) struct List {
    #[command(flatten)]
    filters: Filters,
    /// All of them, and not only the newest 50
    #[arg(long, conflicts_with = "limit", help_heading = "Which")]
    all: bool,
    /// One JSON record a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// What a narrow terminal has no room for is set in by so much.
const SET_IN: usize = 4;

/// How many are listed when nothing is said of it.
const USUAL: u64 = 50;

/// Only `replay` has another provider to speak of.
pub(super) fn called_provider(arg: Arg) -> Arg {
    arg.long("provider")
}

/// Lists.
pub(super) fn run(args: &List, session: &Session<'_>) -> Result<CommandOutcome> {
    let Some(mut store) = opened(&args.store, session)? else { return Ok(CommandOutcome::Success) };
    args.filters.warn_of_unknown_types(session);
    let query = args.filters.query(session.world.now());
    let limit = if args.all { None } else { args.filters.limit.or(Some(USUAL)).filter(|&limit| limit > 0) };
    // One more than is shown tells whether there are more.
    let asked = Query { limit: limit.map(|limit| limit.saturating_add(1)), ..query };
    let mut entries = store.list(&asked)?;
    let more = limit.is_some_and(|limit| entries.len() as u64 > limit);
    let entries = entries.split_off(usize::from(more));
    if entries.is_empty() {
        let none = if args.filters.is_empty() { "nothing was received yet" } else { "no delivery is like that" };
        session.say(&format!("{none}; {NOTHING_YET}"));
    }
    let width = Width::from_columns(session.world.columns(Stream::Output));
    let mut output = session.world.stdout();
    for entry in &entries {
        if args.json {
            output.write_all(&render::stored::entry(entry))?;
        } else {
            let lead = format!("{}  {}", local(entry.arrived, session), entry.id);
            let row = text::stored_row(entry, lead).render(width, Overflow::Wrap(SET_IN), session.out);
            output.write_all(row.as_bytes())?;
        }
    }
    output.flush()?;
    if more {
        session.say(&format!("these are the newest {}; --all shows all, --limit N so many", entries.len()));
    }
    Ok(CommandOutcome::Success)
}
