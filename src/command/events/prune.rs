//! `whtool events prune`: removes old captures.

use super::{format_local, open_if_exists};
use crate::command::Session;
use crate::command::shared::captures::{When, when};
use crate::command::shared::store_args::StoreArgs;
use crate::model::error::{CommandOutcome, Result};
use crate::model::stored::{PrunePlan, Undelivered};
use crate::render::stored::Pruning;
use crate::render::{self, text};
use clap::Args;
use std::io::Write;

/// Remove old captures; without --yes, only show what would be removed
#[derive(Args)]
pub(super) struct PruneEvents {
    /// Remove captures from before this time: 30d (ago), today, a date, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = when)]
    older_than: When,
    /// Remove the captures instead of only counting them
    #[arg(long)]
    yes: bool,
    /// Also remove deliveries that have not been forwarded yet
    #[arg(long)]
    even_undelivered: bool,
    /// Print one JSON record
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &PruneEvents, session: &Session<'_>) -> Result<CommandOutcome> {
    let Some(mut store) = open_if_exists(&args.store, session)? else { return Ok(CommandOutcome::Success) };
    let before = args.older_than.resolve(&session.now());
    let undelivered = if args.even_undelivered { Undelivered::Remove } else { Undelivered::Keep };
    let plan = store.plan_prune(before, undelivered)?;
    let pruning = if args.yes { Pruning::Done(store.prune(before, undelivered)?) } else { Pruning::Planned };
    let mut output = session.world.stdout();
    let text = if args.json { render::stored::pruned(&plan, pruning) } else { format_summary(&plan, pruning, session) };
    output.write_all(&text)?;
    output.flush()?;
    if plan.undelivered > 0 {
        let pending = text::count(plan.undelivered, "delivery");
        session.info(&format!("kept {pending} still to be forwarded (--even-undelivered removes them, too)"));
    }
    if pruning == Pruning::Planned && plan.deliveries > 0 {
        session.info("nothing removed; pass --yes to remove them");
    }
    Ok(CommandOutcome::Success)
}

fn format_summary(plan: &PrunePlan, pruning: Pruning, session: &Session<'_>) -> Vec<u8> {
    let action = match pruning {
        Pruning::Planned => format!("would remove {}", text::count(plan.deliveries, "delivery")),
        Pruning::Done(removed) => format!("removed {}", text::count(removed, "delivery")),
    };
    let span = match (plan.oldest, plan.newest) {
        (Some(oldest), Some(newest)) => format!(
            " with {} of bodies, from {} to {}",
            text::byte_size(plan.bytes),
            format_local(oldest, session),
            format_local(newest, session)
        ),
        _ => String::new(),
    };
    format!("{action}{span}\n").into_bytes()
}
