//! `whtool events diff`: compares two captures.

use super::{format_local, open_existing};
use crate::command::Session;
use crate::command::shared::captures;
use crate::command::shared::store_args::StoreArgs;
use crate::diagnose::diff;
use crate::model::error::{CommandOutcome, Result};
use crate::model::stored::StoredDelivery;
use crate::model::width::Width;
use crate::render::paint::Paint;
use crate::render::row::{Cell, CellKind, Overflow};
use crate::render::{self, text};
use crate::world::Stream;
use clap::Args;
use std::io::Write;

/// Compare two captures: first different byte, JSON paths, and headers
///
/// Exits with status 0 if the bodies are identical, and 1 if not. Headers do not affect the status,
/// because a retried delivery has another signature.
#[derive(Args)]
pub(super) struct DiffEvents {
    /// First capture: number, last, last~2, event id or reference
    #[arg(value_name = "CAPTURE")]
    old: String,
    /// Second capture
    #[arg(value_name = "CAPTURE")]
    new: String,
    /// Print one JSON record
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &DiffEvents, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut store = open_existing(&args.store, session)?;
    let old = captures::load_one(store.as_mut(), &args.old, session)?;
    let new = captures::load_one(store.as_mut(), &args.new, session)?;
    let first = diff::first_difference(&old.request.body, &new.request.body);
    let paths = diff::paths(&old.request.body, &new.request.body);
    let headers = diff::headers(&old.request.headers, &new.request.headers);
    let text = if args.json {
        render::stored::diff((&old.summary, &new.summary), first, paths.as_deref(), &headers)
    } else {
        let mut text = format_summaries(&old, &new, session);
        text.push_str(&first.map_or_else(
            || "the bodies are identical\n".to_owned(),
            |at| format_first_difference(&old, &new, at, session),
        ));
        if first.is_some() {
            text.push_str(&format_changes(&old, &new, paths.as_deref(), session));
        }
        if !headers.is_empty() {
            text.push_str(&format!("{}\n", session.out.strong("headers")));
            text.push_str(&render::diff::headers(&headers, INDENT, session.out, session.reveal));
        }
        text.into_bytes()
    };
    let mut output = session.world.stdout();
    output.write_all(&text)?;
    output.flush()?;
    Ok(first.map_or(CommandOutcome::Success, |_| CommandOutcome::Negative))
}

/// Formats one line per capture.
fn format_summaries(old: &StoredDelivery, new: &StoredDelivery, session: &Session<'_>) -> String {
    let width = Width::from_columns(session.world.columns(Stream::Output));
    let line = |mark: &str, stored: &StoredDelivery| {
        let lead = format!("{mark} {}  {}", format_local(stored.summary.arrived, session), stored.summary.id);
        let size = Cell::new(CellKind::Size, text::count(stored.summary.size, "byte"), Paint::plain);
        text::stored_row(&stored.summary, lead).with_cell(Some(size)).render(
            width,
            Overflow::Wrap(INDENT.len()),
            session.out,
        )
    };
    line("-", old) + &line("+", new)
}

/// Formats the bytes around the first difference of the bodies.
fn format_first_difference(old: &StoredDelivery, new: &StoredDelivery, at: usize, session: &Session<'_>) -> String {
    let fragment = |stored: &StoredDelivery| render::diff::fragment(&stored.request.body, at, session.reveal);
    let paint = session.out;
    let heading = paint.strong(&format!("first difference in the bodies: byte {at}"));
    let (old, new) = (paint.bad(&format!("- {}", fragment(old))), paint.good(&format!("+ {}", fragment(new))));
    format!("{heading}\n{INDENT}{old}\n{INDENT}{new}\n")
}

/// Formats the differences by JSON path, or by line for other text.
fn format_changes(
    old: &StoredDelivery,
    new: &StoredDelivery,
    paths: Option<&[diff::PathChange]>,
    session: &Session<'_>,
) -> String {
    let (paint, reveal) = (session.out, session.reveal);
    if let Some(paths) = paths {
        return match paths {
            [] => "same JSON, serialized differently (order of names, whitespace or escapes)\n".to_owned(),
            paths => format!("{}\n{}", paint.strong("values"), render::diff::paths(paths, INDENT, paint, reveal)),
        };
    }
    let text = |stored: &'_ StoredDelivery| {
        String::from_utf8(stored.request.body.clone()).ok().filter(|text| !text.contains('\0'))
    };
    let (Some(old), Some(new)) = (text(old), text(new)) else { return String::new() };
    let Some(lines) = diff::lines(&old, &new) else { return String::new() };
    format!("{}\n{}", paint.strong("lines"), render::diff::lines(&lines, INDENT, paint, reveal))
}

const INDENT: &str = "  ";
