//! `whtool events --follow`: shows deliveries as any listener stores them, in the look of `listen`.

use super::list::{self, ListEvents};
use crate::command::Session;
use crate::command::shared::live_output::{LiveOutput, OutputLoss, ShownDelivery};
use crate::command::shared::seen_events::{FirstDelivery, SeenEvents};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::event::Event;
use crate::model::follow::{DeliveryPage, StoreCursor};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::escape_unsafe;
use crate::model::stored::{CaptureId, DeliverySummary, Query, StoredCapture, StoredDelivery};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::render::{self, text};
use crate::webhook::receive::read_event;
use crate::world::{InterruptWaiter, Store};
use clap::Args;
use std::collections::HashSet;
use std::time::Duration;

#[derive(Args)]
pub(super) struct FollowArgs {
    /// Go on showing deliveries as any listener stores them
    #[arg(short, long, conflicts_with = "until", help_heading = "Following")]
    pub follow: bool,
    /// Print one line per event, without the payload
    #[arg(long, requires = "follow", conflicts_with = "json", help_heading = "Following")]
    compact: bool,
    /// Exit with status 0 after N different verified events that are new
    #[arg(long, value_name = "N", requires = "follow", help_heading = "Following")]
    count: Option<u64>,
    /// Exit with status 1 after this time
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = crate::command::parse_duration,
        requires = "follow",
        help_heading = "Following"
    )]
    timeout: Option<SignedDuration>,
}

/// Longest time between two looks at signals and the deadline.
const INTERVAL: Duration = Duration::from_millis(200);

/// Pause after an error of the store.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Most deliveries that are read at once.
const PAGE: u64 = 256;

/// The view of a store, from one place on.
struct Follower<'a> {
    args: &'a ListEvents,
    session: &'a Session<'a>,
    output: LiveOutput<'a>,
    query: Query,
    /// The place after what was shown. `None`: nothing was read yet.
    cursor: Option<StoreCursor>,
    /// Deliveries after the cursor that were shown.
    shown: HashSet<CaptureId>,
    seen: SeenEvents<FirstDelivery>,
    /// Events that count for `--count`.
    counted: SeenEvents<()>,
    count: u64,
}

enum Stop {
    CountReached,
    TimedOut,
    Interrupted,
}

/// Ends a view: the user or a limit stops it, or the store is another one.
enum ViewEnd {
    Stop(Stop),
    StoreReplaced,
}

/// An error of the store, after which the view goes on once it is there again, or of the output.
enum FollowError {
    Store(Error),
    Output(Error),
}

impl From<Error> for FollowError {
    fn from(error: Error) -> Self {
        Self::Output(error)
    }
}

pub(super) fn run(args: &ListEvents, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut interrupt = session.world.interrupt_waiter()?;
    let timeout = args.following.timeout;
    // A deadline beyond the largest timestamp is no deadline.
    let deadline = timeout.and_then(|span| session.world.now().checked_add(span).ok());
    let capacity = args.following.count.map_or(1, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let mut follower = Follower {
        args,
        session,
        output: LiveOutput::new(OutputLoss::Error, session),
        query: args.filters.query(&session.now()),
        cursor: None,
        shown: HashSet::new(),
        seen: SeenEvents::default(),
        counted: SeenEvents::new(capacity.clamp(1, 100_000)),
        count: 0,
    };
    args.filters.warn_if_unknown_types(session);
    let mut stopper = Stopper { interrupt: interrupt.as_mut(), deadline, session };
    let mut trouble = None;
    let stop = loop {
        match follower.open_and_view(&mut trouble, &mut stopper) {
            Ok(ViewEnd::Stop(stop)) => break stop,
            Ok(ViewEnd::StoreReplaced) => {
                session.warn("the store was replaced or restored; continuing with its newest captures");
                follower.cursor = None;
            }
            Err(FollowError::Store(error)) if follower.cursor.is_some() => {
                let error = error.to_string();
                if trouble.as_ref() != Some(&error) {
                    session.warn(&format!("{}; trying again", escape_unsafe(&mask_secrets(&error))));
                }
                trouble = Some(error);
                if stopper.wait(RETRY_PAUSE) {
                    break stopper.reason();
                }
            }
            Err(FollowError::Store(error) | FollowError::Output(error)) => return Err(error),
        }
    };
    follower.finish(stop)
}

/// Notices that it is time to stop.
struct Stopper<'a> {
    interrupt: &'a mut dyn InterruptWaiter,
    deadline: Option<Timestamp>,
    session: &'a Session<'a>,
}

impl Stopper<'_> {
    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| self.session.world.now() >= deadline)
    }

    /// Waits at most this long. Returns true if it is time to stop.
    fn wait(&mut self, timeout: Duration) -> bool {
        self.is_late() || self.interrupt.wait(timeout) || self.is_late()
    }

    fn reason(&self) -> Stop {
        if self.is_late() { Stop::TimedOut } else { Stop::Interrupted }
    }
}

impl Follower<'_> {
    /// Opens the store, once there is one, and shows what it has and gets.
    fn open_and_view(
        &mut self,
        trouble: &mut Option<String>,
        stopper: &mut Stopper<'_>,
    ) -> std::result::Result<ViewEnd, FollowError> {
        let Some(mut store) = self.open(stopper).map_err(FollowError::Store)? else {
            return Ok(ViewEnd::Stop(stopper.reason()));
        };
        if self.cursor.is_none() {
            self.show_newest(store.as_mut())?;
        }
        let mut has_more = false;
        loop {
            if self.is_count_reached() {
                return Ok(ViewEnd::Stop(Stop::CountReached));
            }
            if stopper.wait(Duration::from_millis(1)) {
                return Ok(ViewEnd::Stop(stopper.reason()));
            }
            if !has_more && !store.wait_for_change(INTERVAL).map_err(FollowError::Store)? {
                continue;
            }
            let Some(more) = self.show_new(store.as_mut())? else { return Ok(ViewEnd::StoreReplaced) };
            has_more = more;
            if trouble.take().is_some() {
                self.session.info("following the store again");
            }
        }
    }

    fn open(&self, stopper: &mut Stopper<'_>) -> Result<Option<Box<dyn Store>>> {
        let store = &self.args.store;
        if let Some(store) = store.open_if_exists(self.session)? {
            return Ok(Some(store));
        }
        let path = store.location(self.session)?.to_string();
        self.session.info(&format!("waiting for a store at {}; {}", escape_unsafe(&path), super::STORE_HINT));
        while !stopper.wait(INTERVAL) {
            if let Some(store) = store.open_if_exists(self.session)? {
                return Ok(Some(store));
            }
        }
        Ok(None)
    }

    fn is_count_reached(&self) -> bool {
        self.args.following.count.is_some_and(|count| self.count >= count)
    }

    fn show_newest(&mut self, store: &mut dyn Store) -> std::result::Result<(), FollowError> {
        if !self.args.json {
            self.seen.load(store).map_err(FollowError::Store)?;
        }
        let newest = Query { limit: self.args.limit(), ..self.query.clone() };
        let DeliveryPage { deliveries, cursor } = store.list_newest(&newest).map_err(FollowError::Store)?;
        self.cursor = Some(cursor);
        for delivery in &deliveries {
            self.show(delivery, store)?;
        }
        self.shown.clear();
        Ok(self.output.flush()?)
    }

    /// Shows what came after the last look. Returns true if there is more; `None`: the store is
    /// another one.
    fn show_new(&mut self, store: &mut dyn Store) -> std::result::Result<Option<bool>, FollowError> {
        let query = Query { limit: Some(PAGE), ..self.query.clone() };
        let after = self.cursor.clone().unwrap_or_default();
        let page = store.list_after(&query, &after).map_err(FollowError::Store)?;
        let Some(DeliveryPage { deliveries, cursor }) = page else { return Ok(None) };
        // After an error, a page is read again from its start.
        for delivery in deliveries.iter().filter(|delivery| !self.shown.contains(&delivery.id)).collect::<Vec<_>>() {
            if self.is_count_reached() {
                break;
            }
            let event = self.show(delivery, store)?;
            self.add_to_count(delivery, event.as_ref());
        }
        self.shown.clear();
        self.cursor = Some(cursor);
        self.output.flush()?;
        Ok(Some(deliveries.len() as u64 >= PAGE))
    }

    /// Shows a delivery. Returns its event if it was read. A capture that was pruned meanwhile has
    /// only its row.
    fn show(
        &mut self,
        summary: &DeliverySummary,
        store: &mut dyn Store,
    ) -> std::result::Result<Option<Event>, FollowError> {
        let FollowArgs { compact, count, .. } = self.args.following;
        let stored = if self.args.json && count.is_none() {
            None
        } else {
            store.load(summary.id).map_err(FollowError::Store)?
        };
        self.shown.insert(summary.id);
        if self.args.json {
            self.output.write_record(&render::stored::entry(summary))?;
        }
        let Some(StoredCapture::Whole(StoredDelivery { request, .. })) = stored else {
            if !self.args.json {
                self.output.write_row(&self.row(summary), compact)?;
            }
            return Ok(None);
        };
        let (_, event) = read_event(&request);
        if !self.args.json {
            let is_verified = summary.verdict.is_verified();
            let name = summary.id.to_string();
            let provider = summary.provider.as_deref().filter(|_| is_verified);
            let earlier = provider.and_then(|provider| self.seen.add_delivery(&name, provider, &event, &request.body));
            let duplicate = earlier.as_ref().map(|earlier| text::duplicate_cell(&earlier.name));
            self.output.write_delivery(&ShownDelivery {
                row: self.row(summary).with_cell(duplicate),
                request: &request,
                event: &event,
                earlier: earlier.as_ref(),
                findings: &[],
                is_verified,
                is_compact: compact,
            })?;
        }
        Ok(Some(event))
    }

    fn row(&self, summary: &DeliverySummary) -> render::row::Row {
        let time = list::short_time(summary.arrived, self.session.now().date(), self.session);
        text::stored_row(summary, format!("{time}  {:<4}", summary.id.to_string()))
    }

    /// Counts a verified event, once however often it is delivered.
    fn add_to_count(&mut self, summary: &DeliverySummary, event: Option<&Event>) {
        let key = event.and_then(|event| event.key.as_deref());
        let is_again = match (&summary.provider, key) {
            (Some(provider), Some(key)) => self.counted.add(provider, key, ()).is_some(),
            _ => false,
        };
        self.count += u64::from(summary.verdict.is_verified() && !is_again);
    }

    fn finish(&mut self, stop: Stop) -> Result<CommandOutcome> {
        self.output.flush()?;
        let FollowArgs { count, timeout, .. } = &self.args.following;
        if let Some(wanted) = count {
            self.session.info(&format!("{} of {} received", self.count, text::count(*wanted, "verified event")));
        }
        match stop {
            Stop::CountReached => Ok(CommandOutcome::Success),
            Stop::TimedOut => {
                self.session.info(&format!("timed out after {:#}", timeout.unwrap_or_default()));
                Ok(CommandOutcome::Negative)
            }
            // A service is stopped like this.
            Stop::Interrupted if self.session.world.was_terminated() && count.is_none() => Ok(CommandOutcome::Success),
            Stop::Interrupted if self.session.world.was_terminated() => Ok(CommandOutcome::Negative),
            Stop::Interrupted => Err(Error::interrupted()),
        }
    }
}
