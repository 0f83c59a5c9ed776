//! `whtool store status`: describes a store.

use crate::command::Session;
use crate::command::shared::store_args::StoreArgs;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::stored::{StoreFact, StoreHealth};
use crate::model::width::pad_right;
use crate::render::json::line;
use crate::render::text::{byte_size, count};
use clap::Args;
use serde_json::json;
use std::io::Write;

/// Show size, version, partitions and users of a store, and what is wrong with it
///
/// Exits with status 1 if something is wrong.
#[derive(Args)]
pub(super) struct StoreStatus {
    #[command(flatten)]
    store: StoreArgs,
    /// Print one JSON record
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &StoreStatus, session: &Session<'_>) -> Result<CommandOutcome> {
    let location = args.store.location(session)?;
    let missing = || Error::failed(format!("no store at {location}")).hint("`whtool listen` stores what it receives");
    let health = args.store.open_if_exists(session)?.ok_or_else(missing)?.check_health()?;
    let text =
        if args.json { record(&location.to_string(), &health) } else { lines(&location.to_string(), &health, session) };
    let mut output = session.world.stdout();
    output.write_all(&text)?;
    output.flush()?;
    Ok(if health.has_problems() { CommandOutcome::Negative } else { CommandOutcome::Success })
}

fn lines(place: &str, health: &StoreHealth, session: &Session<'_>) -> Vec<u8> {
    let paint = session.out;
    let mut text = format!("{}  {place}\n", paint.name(&pad_right("store", 12)));
    let held = format!("{}, {}", count(health.deliveries, "delivery"), byte_size(health.bytes));
    text.push_str(&format!("{}  {held}\n", paint.name(&pad_right("captures", 12))));
    for StoreFact { subject, message, advice } in &health.facts {
        let message = escape_unsafe(message);
        let message = if advice.is_some() { paint.bad(&message) } else { message.into_owned() };
        text.push_str(&format!("{}  {message}\n", paint.name(&pad_right(subject, 12))));
        if let Some(advice) = advice {
            text.push_str(&format!("{}  {} {advice}\n", pad_right("", 12), paint.faint("try:")));
        }
    }
    text.into_bytes()
}

fn record(place: &str, health: &StoreHealth) -> Vec<u8> {
    let facts: Vec<_> = health
        .facts
        .iter()
        .map(|StoreFact { subject, message, advice }| {
            json!({"subject": subject, "what": message, "grade": if advice.is_some() { "bad" } else { "good" }, "hint": advice})
        })
        .collect();
    line(&json!({
        "schema": "whtool.store/1", "store": place, "deliveries": health.deliveries, "bytes": health.bytes, "facts": facts,
    }))
}
