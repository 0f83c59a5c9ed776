//! `whtool events prune`: old captures go, once that is confirmed.

use super::{local, opened};
use crate::command::Session;
use crate::command::shared::captures::{StoreArgs, When, when};
use crate::model::error::{CommandOutcome, Result};
use crate::model::stored::{PrunePlan, Undelivered};
use crate::render::stored::Pruning;
use crate::render::{self, text};
use clap::Args;
use std::io::Write;

/// Remove old captures, and give their room back; without --yes, only say what would go
#[derive(Args)]
pub(super) struct Prune {
    /// What arrived longer ago: 30d, 12h, or before a time
    #[arg(long, value_name = "WHEN", value_parser = when)]
    older_than: When,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// Remove also what is still to be forwarded
    #[arg(long)]
    even_undelivered: bool,
    /// One JSON record
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Says what is old, and removes it when that was asked for.
pub(super) fn run(args: &Prune, session: &Session<'_>) -> Result<CommandOutcome> {
    let Some(mut store) = opened(&args.store, session)? else { return Ok(CommandOutcome::Success) };
    let before = args.older_than.moment(session.world.now());
    let undelivered = if args.even_undelivered { Undelivered::Remove } else { Undelivered::Keep };
    let prunable = store.plan_prune(before, undelivered)?;
    let pruning = if args.yes { Pruning::Done(store.prune(before, undelivered)?) } else { Pruning::Planned };
    let mut output = session.world.stdout();
    let told = if args.json { render::stored::pruned(&prunable, pruning) } else { told(&prunable, pruning, session) };
    output.write_all(&told)?;
    output.flush()?;
    if prunable.undelivered > 0 {
        let staying = text::count(prunable.undelivered, "delivery");
        session.say(&format!("{staying} as old still to be forwarded: kept, unless --even-undelivered"));
    }
    if pruning == Pruning::Planned && prunable.deliveries > 0 {
        session.say("nothing was removed: --yes does it");
    }
    Ok(CommandOutcome::Success)
}

fn told(prunable: &PrunePlan, pruning: Pruning, session: &Session<'_>) -> Vec<u8> {
    let what = match pruning {
        Pruning::Planned => format!("would remove {}", text::count(prunable.deliveries, "delivery")),
        Pruning::Done(removed) => format!("removed {}", text::count(removed, "delivery")),
    };
    let span = match (prunable.oldest, prunable.newest) {
        (Some(oldest), Some(newest)) => format!(
            " with {} of bodies, from {} to {}",
            text::byte_size(prunable.bytes),
            local(oldest, session),
            local(newest, session)
        ),
        _ => String::new(),
    };
    format!("{what}{span}\n").into_bytes()
}
