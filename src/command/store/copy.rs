//! `whtool store copy`: copies captures from one store to another.

use crate::command::Session;
use crate::command::shared::store_args::{InboxName, StoreArgs, StoreName};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::stored::{CaptureId, CopiedCapture, DeliverySummary, Query, StateRow};
use crate::render::text::count;
use crate::world::{Store, StoreLocation};
use clap::Args;
use std::collections::BTreeMap;

/// Numbers that are compared at once.
const WINDOW: i64 = 4_096;

/// Copy all captures, with their numbers, bytes, times and attempts, and the state of `whtool watch`
///
/// The target must be empty, or hold only captures of an earlier copy from the same store, which
/// are left as they are: after an error, run it again. The queue of deliveries that are still to be
/// forwarded is not copied.
#[derive(Args)]
pub(super) struct CopyStore {
    /// Store to read: a file, postgres://…, or $VARIABLE with such a URL
    #[arg(value_name = "FROM")]
    from: StoreName,
    /// Store to write; a file is created, a database must have a store
    #[arg(value_name = "TO")]
    to: StoreName,
    /// Inbox to read, if FROM is a PostgreSQL store [default: default]
    #[arg(long, value_name = "NAME")]
    from_inbox: Option<InboxName>,
    /// Inbox to write, if TO is a PostgreSQL store [default: default]
    #[arg(long, value_name = "NAME")]
    to_inbox: Option<InboxName>,
}

/// Numbers of what was copied, for the report.
#[derive(Default)]
struct CopyReport {
    copied: u64,
    skipped: u64,
    queued: u64,
    range: Option<(CaptureId, CaptureId)>,
}

pub(super) fn run(args: &CopyStore, session: &Session<'_>) -> Result<CommandOutcome> {
    let store =
        |name: &StoreName, inbox: &Option<InboxName>| StoreArgs { store: Some(name.clone()), inbox: inbox.clone() };
    let (from_args, to_args) = (store(&args.from, &args.from_inbox), store(&args.to, &args.to_inbox));
    let (from_place, to_place) = (from_args.location(session)?, to_args.location(session)?);
    refuse_same(&from_place, &to_place, session)?;
    let missing = || Error::failed(format!("no store at {from_place}"));
    let mut from = from_args.open_if_exists(session)?.ok_or_else(missing)?;
    let mut to = session.world.open_store(&to_place)?;
    check_target(&mut *from, &mut *to, &to_place)?;
    let mut report = CopyReport::default();
    let result = copy_captures(&mut *from, &mut *to, &mut report, session);
    print_report(&report, &to_place, session);
    result.map_err(|error| error.hint("run it again to copy the rest"))?;
    copy_state(&mut *from, &mut *to, session)?;
    Ok(CommandOutcome::Success)
}

/// Refuses to copy a store to itself.
fn refuse_same(from: &StoreLocation, to: &StoreLocation, session: &Session<'_>) -> Result<()> {
    let is_same_file = from.path().zip(to.path()).is_some_and(|(from, to)| session.world.is_same_file(from, to));
    if is_same_file || from == to { Err(Error::usage(format!("can't copy {from} to itself"))) } else { Ok(()) }
}

/// Checks that the target has only captures of the source.
fn check_target(from: &mut dyn Store, to: &mut dyn Store, place: &StoreLocation) -> Result<()> {
    let newest = |store: &mut dyn Store| -> Result<i64> {
        Ok(store.list(&Query { limit: Some(1), ..Query::default() })?.last().map_or(0, |newest| newest.id.0))
    };
    let last = newest(to)?;
    let mut first = 1;
    while first <= last {
        let window = Query { ids: Some(first..=first.saturating_add(WINDOW - 1)), ..Query::default() };
        let theirs = to.list(&window)?;
        if !theirs.is_empty() {
            let ours: BTreeMap<_, _> = from.list(&window)?.into_iter().map(|found| (found.id, found)).collect();
            let differs = |capture: &&DeliverySummary| !ours.get(&capture.id).is_some_and(|own| is_same(own, capture));
            if let Some(other) = theirs.iter().find(differs) {
                return Err(Error::failed(format!("can't copy to {place}"))
                    .because(format!("its capture {} is not from this store", other.id))
                    .hint("copy to an empty store, or to another inbox with --to-inbox"));
            }
        }
        first = first.saturating_add(WINDOW);
    }
    Ok(())
}

/// Compares what never changes of a capture.
fn is_same(one: &DeliverySummary, other: &DeliverySummary) -> bool {
    let fixed = |summary: &DeliverySummary| {
        let DeliverySummary { arrived, peer, provider, verdict, kind, event_id, subject, size, .. } = summary.clone();
        (arrived, peer, provider, verdict, kind, event_id, subject, size)
    };
    fixed(one) == fixed(other)
}

fn copy_captures(
    from: &mut dyn Store,
    to: &mut dyn Store,
    report: &mut CopyReport,
    session: &Session<'_>,
) -> Result<()> {
    let mut progress =
        session.world.progress(from.count_by_hour(&Query::default())?.iter().map(|hour| hour.deliveries).sum());
    let mut after = 0;
    loop {
        let page = from.copies_after(after)?;
        let (Some(first), Some(last)) = (page.first().map(CopiedCapture::id), page.last().map(CopiedCapture::id))
        else {
            progress.finish();
            return Ok(());
        };
        after = last.0;
        let held = to.list(&Query { ids: Some(first.0..=last.0), ..Query::default() })?;
        let held: Vec<_> = held.into_iter().map(|held| held.id).collect();
        let (known, new): (Vec<_>, Vec<_>) = page.into_iter().partition(|copy| held.binary_search(&copy.id()).is_ok());
        to.insert_copies(&new)?;
        report.add(known.len(), &new);
        (0..known.len() + new.len()).for_each(|_| progress.step());
    }
}

impl CopyReport {
    fn add(&mut self, skipped: usize, new: &[CopiedCapture]) {
        self.skipped += skipped as u64;
        self.copied += new.len() as u64;
        self.queued += new.iter().filter(|copy| copy.is_queued()).count() as u64;
        if let (Some(first), Some(last)) = (new.first(), new.last()) {
            let first = self.range.map_or(first.id(), |(first, _)| first);
            self.range = Some((first, last.id()));
        }
    }
}

fn print_report(report: &CopyReport, to: &StoreLocation, session: &Session<'_>) {
    let range = report.range.map(|(first, last)| format!(" ({first} to {last})")).unwrap_or_default();
    session.info(&format!("copied {}{range} to {to}", count(report.copied, "capture")));
    if report.skipped > 0 {
        session.info(&format!("{} had been copied before", count(report.skipped, "capture")));
    }
    if report.queued > 0 {
        let queued = count(report.queued, "capture");
        session.info(&format!(
            "{queued} still to be forwarded: the queue stays in the old store; `whtool replay` sends them"
        ));
    }
}

/// Copies the state of a watch, unless the target has one.
fn copy_state(from: &mut dyn Store, to: &mut dyn Store, session: &Session<'_>) -> Result<()> {
    let rows = from.all_state()?;
    if rows.is_empty() {
        return Ok(());
    }
    let held = to.all_state()?;
    if held.is_empty() {
        to.write_state(&rows)?;
        session.info(&format!("copied the state of whtool watch: {}", count(rows.len() as u64, "row")));
    } else if sorted(held) != sorted(rows) {
        return Err(Error::failed("the state of whtool watch was not copied")
            .because("the target has another one")
            .hint("a watch of the target goes on with its own state"));
    }
    Ok(())
}

fn sorted(mut rows: Vec<StateRow>) -> Vec<StateRow> {
    rows.sort_by(|one, other| (&one.kind, &one.key).cmp(&(&other.kind, &other.key)));
    rows
}
