//! `whtool events list`: one line per capture, newest last.

use super::follow::{self, FollowArgs};
use super::{STORE_HINT, format_local, open_if_exists};
use crate::command::shared::captures::{Filters, rename_provider_flag};
use crate::command::shared::store_args::StoreArgs;
use crate::command::{Session, Verbosity};
use crate::model::error::{CommandOutcome, Result};
use crate::model::stored::{DeliverySummary, Query};
use crate::model::timestamp::Timestamp;
use crate::model::width::Width;
use crate::render::row::Overflow;
use crate::render::{self, table, text};
use crate::world::Stream;
use clap::Args;
use jiff::civil;
use std::io::Write;

/// List captures, newest last: a table on a terminal; -v shows everything about each
#[derive(Args)]
#[command(mut_arg("from_provider", rename_provider_flag))]
pub(super) struct ListEvents {
    #[command(flatten)]
    pub filters: Filters,
    /// List all captures instead of the newest 50
    #[arg(long, conflicts_with = "limit", help_heading = "Filters")]
    all: bool,
    /// Print one JSON record per line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub following: FollowArgs,
    #[command(flatten)]
    pub store: StoreArgs,
}

const INDENT: usize = 4;

const DEFAULT_LIMIT: u64 = 50;

impl ListEvents {
    /// Returns the number of captures to list. `None`: all.
    pub(super) fn limit(&self) -> Option<u64> {
        if self.all { None } else { self.filters.limit.or(Some(DEFAULT_LIMIT)).filter(|&limit| limit > 0) }
    }
}

pub(super) fn run(args: &ListEvents, session: &Session<'_>) -> Result<CommandOutcome> {
    if args.following.follow {
        return follow::run(args, session);
    }
    let Some(mut store) = open_if_exists(&args.store, session)? else { return Ok(CommandOutcome::Success) };
    args.filters.warn_if_unknown_types(session);
    let query = args.filters.query(&session.now());
    let columns = session.world.columns(Stream::Output);
    let width = columns.map(usize::from).filter(|&width| width >= table::MIN_WIDTH);
    let table_width = width.filter(|_| !args.json && session.verbosity != Verbosity::Verbose);
    let mut output = session.world.stdout();
    let mut write_line = |entry: &DeliverySummary| -> Result<()> {
        let line = if args.json { render::stored::entry(entry) } else { row(entry, columns, session).into() };
        Ok(output.write_all(&line)?)
    };
    let limit = args.limit();
    let (mut shown, mut more) = (0, false);
    match (limit, table_width) {
        // A table needs all rows to choose the widths of its columns.
        (None, None) => store.for_each_summary(&query, &mut |entry| {
            shown += 1;
            write_line(&entry)
        })?,
        _ => {
            // One more than is shown, to notice that there are more.
            let query = Query { limit: limit.map(|limit| limit.saturating_add(1)), ..query };
            let mut entries = store.list(&query)?;
            more = limit.is_some_and(|limit| entries.len() as u64 > limit);
            let entries = entries.split_off(usize::from(more));
            shown = entries.len();
            match table_width {
                Some(width) if !entries.is_empty() => {
                    let table = format_table(&entries, width, session);
                    output.write_all(table.as_bytes())?;
                }
                _ => entries.iter().try_for_each(write_line)?,
            }
        }
    }
    if shown == 0 {
        let reason = if args.filters.is_empty() { "no captures yet" } else { "no captures match" };
        session.info(&format!("{reason}; {STORE_HINT}"));
    }
    output.flush()?;
    if more {
        session.info(&format!("showing the newest {shown} (--all shows all, --limit N shows N)"));
    }
    Ok(CommandOutcome::Success)
}

fn format_table(entries: &[DeliverySummary], width: usize, session: &Session<'_>) -> String {
    let today = session.now().date();
    let row = |entry: &DeliverySummary| {
        let labels = vec![entry.id.to_string(), short_time(entry.arrived, today, session)];
        (labels, text::stored_row(entry, ""))
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    table::table(&["#", "TIME"], &rows, width, session.out)
}

/// Formats a capture with all its facts: on one line, or on several in a terminal.
fn row(entry: &DeliverySummary, columns: Option<u16>, session: &Session<'_>) -> String {
    let lead = format!("{}  {}", format_local(entry.arrived, session), entry.id);
    text::stored_row(entry, lead).render(Width::from_columns(columns), Overflow::Wrap(INDENT), session.out)
}

/// Formats the time of day; the date, too, on other days.
pub(super) fn short_time(time: Timestamp, today: civil::Date, session: &Session<'_>) -> String {
    let local = time.to_zoned(session.world.time_zone());
    let format = match local.date() {
        date if date == today => "%H:%M:%S",
        date if date.year() == today.year() => "%m-%d %H:%M",
        _ => "%Y-%m-%d",
    };
    local.strftime(format).to_string()
}
