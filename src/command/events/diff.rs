//! `whtool events diff`: where two captures differ.

use super::{local, whole};
use crate::command::Session;
use crate::command::shared::captures::StoreArgs;
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

/// Show where two bodies differ: the first byte, the JSON paths, and the headers
///
/// The exit status is 0 when the bodies are the same byte for byte, and 1 when they are not; headers that differ are shown,
/// and do not decide, since a delivery that is sent again is signed again.
#[derive(Args)]
pub(super) struct Diff {
    /// The one: an id, the first letters of it, or `last`
    #[arg(value_name = "CAPTURE")]
    old: String,
    /// The other
    #[arg(value_name = "CAPTURE")]
    new: String,
    /// One JSON record
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Compares.
pub(super) fn run(args: &Diff, session: &Session<'_>) -> Result<CommandOutcome> {
    let [old, new] = whole(&args.store, [&args.old, &args.new], session)?;
    let first = diff::first_difference(&old.request.body, &new.request.body);
    let paths = diff::paths(&old.request.body, &new.request.body);
    let headers = diff::headers(&old.request.headers, &new.request.headers);
    let text = if args.json {
        render::stored::diff((&old.summary, &new.summary), first, paths.as_deref(), &headers)
    } else {
        let mut text = sides(&old, &new, session);
        text.push_str(
            &first.map_or_else(|| "the bodies are the same\n".to_owned(), |at| bodies(&old, &new, at, session)),
        );
        if first.is_some() {
            text.push_str(&parts(&old, &new, paths.as_deref(), session));
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

/// What the two are.
fn sides(old: &StoredDelivery, new: &StoredDelivery, session: &Session<'_>) -> String {
    let width = Width::from_columns(session.world.columns(Stream::Output));
    let line = |mark: &str, kept: &StoredDelivery| {
        let lead = format!("{mark} {}  {}", local(kept.summary.arrived, session), kept.summary.id);
        let size = Cell::new(CellKind::Size, text::count(kept.summary.size, "byte"), Paint::plain);
        text::stored_row(&kept.summary, lead).with_cell(Some(size)).render(
            width,
            Overflow::Wrap(INDENT.len()),
            session.out,
        )
    };
    line("-", old) + &line("+", new)
}

/// The bytes around the first one that differs.
fn bodies(old: &StoredDelivery, new: &StoredDelivery, at: usize, session: &Session<'_>) -> String {
    let fragment = |kept: &StoredDelivery| render::diff::fragment(&kept.request.body, at, session.reveal);
    let paint = session.out;
    let place = paint.strong(&format!("the bodies differ from byte {at} on"));
    let (old, new) = (paint.bad(&format!("- {}", fragment(old))), paint.good(&format!("+ {}", fragment(new))));
    format!("{place}\n{INDENT}{old}\n{INDENT}{new}\n")
}

/// What differs in JSON by path, or in text by line.
fn parts(
    old: &StoredDelivery,
    new: &StoredDelivery,
    paths: Option<&[diff::PathChange]>,
    session: &Session<'_>,
) -> String {
    let (paint, reveal) = (session.out, session.reveal);
    if let Some(paths) = paths {
        return match paths {
            [] => "they are the same JSON, written differently (order of names, white space or escapes)\n".to_owned(),
            paths => format!("{}\n{}", paint.strong("values"), render::diff::paths(paths, INDENT, paint, reveal)),
        };
    }
    let text = |kept: &'_ StoredDelivery| {
        String::from_utf8(kept.request.body.clone()).ok().filter(|text| !text.contains('\0'))
    };
    let (Some(old), Some(new)) = (text(old), text(new)) else { return String::new() };
    let Some(lines) = diff::lines(&old, &new) else { return String::new() };
    format!("{}\n{}", paint.strong("lines"), render::diff::lines(&lines, INDENT, paint, reveal))
}

/// What stands under a heading is set in.
const INDENT: &str = "  ";
