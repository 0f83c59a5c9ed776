//! `whtool events stats`: counts captures and adds up amounts.

use super::{STORE_HINT, format_local, open_if_exists};
use crate::command::Session;
use crate::command::shared::captures::Filters;
use crate::command::shared::store_args::StoreArgs;
use crate::model::error::{CommandOutcome, Result};
use crate::model::mask::mask_secrets;
use crate::model::money::Money;
use crate::model::sanitize::first_line;
use crate::model::stored::{AmountTotal, HourlyCount};
use crate::model::width::pad_right;
use crate::render::stored::{count_by, sum_by_currency};
use crate::render::{self, text};
use clap::Args;
use std::io::Write;

/// Count captures by provider, type, verdict and hour, and sum the amounts of verified events
///
/// Duplicates of an event count once in the totals. A payment can have several events (created,
/// debited), each with its amount, so the totals by type are more useful than the total of all.
#[derive(Args)]
#[command(mut_arg("from_provider", crate::command::shared::captures::rename_provider_flag))]
pub(super) struct EventStats {
    #[command(flatten)]
    filters: Filters,
    /// Print one JSON record
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &EventStats, session: &Session<'_>) -> Result<CommandOutcome> {
    let Some(mut store) = open_if_exists(&args.store, session)? else { return Ok(CommandOutcome::Success) };
    args.filters.warn_if_unknown_types(session);
    let query = args.filters.query(&session.now());
    let (counts, sums) = (store.count_by_hour(&query)?, store.sum_amounts(&query)?);
    let mut output = session.world.stdout();
    if args.json {
        output.write_all(&render::stored::stats(&counts, &sums))?;
    } else if counts.is_empty() {
        session.info(&format!("no captures to count; {STORE_HINT}"));
    } else {
        output.write_all(session.wrap(&format_stats(&counts, &sums, session)).as_bytes())?;
    }
    output.flush()?;
    Ok(CommandOutcome::Success)
}

fn format_stats(counts: &[HourlyCount], sums: &[AmountTotal], session: &Session<'_>) -> String {
    let total = counts.iter().map(|count| count.deliveries).sum();
    let heading = |text: &str| format!("\n{}\n", session.out.strong(text));
    let mut text = session.out.strong(&text::count(total, "delivery")) + "\n";
    text.push_str(&heading("types"));
    for ((provider, kind), count) in count_by(counts, |count| (count.provider.clone(), count.kind.clone())) {
        let money = sums
            .iter()
            .filter(|sum| sum.provider == provider && sum.kind == kind)
            .map(|sum| format_total(&sum.money, sum.events, session));
        let money = money.collect::<Vec<_>>().join(", ");
        let provider = session.out.name(&pad_right(&display_name(provider.as_deref(), "unknown"), 8));
        let line = format!("{count:>9}  {provider}  {}  {money}", pad_right(&display_name(kind.as_deref(), "-"), 21));
        text.push_str(&format!("{}\n", line.trim_end()));
    }
    text.push_str(&heading("verdicts"));
    for (verdict, count) in count_by(counts, |count| count.verdict) {
        text.push_str(&format!("{count:>9}  {}\n", text::verdict_code(verdict, session.out)));
    }
    text.push_str(&heading("hours"));
    for (hour, count) in count_by(counts, |count| count.hour) {
        text.push_str(&format!("{count:>9}  {}\n", format_local(hour, session).get(..16).unwrap_or_default()));
    }
    if !sums.is_empty() {
        text.push_str(&heading("verified events without duplicates"));
    }
    for (currency, (events, minor)) in sum_by_currency(sums) {
        let money = Money { minor, currency: currency.to_owned() };
        text.push_str(&format!("{:>9}  {}\n", "", format_total(&money, events, session)));
    }
    text
}

fn display_name(text: Option<&str>, default: &str) -> String {
    text.map_or_else(|| default.to_owned(), |text| first_line(mask_secrets(text).as_bytes(), 40))
}

fn format_total(money: &Money, events: u64, session: &Session<'_>) -> String {
    let money = first_line(money.to_string().as_bytes(), 80);
    format!("{} in {}", session.out.number(&money), text::count(events, "event"))
}
