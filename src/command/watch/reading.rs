//! Reads the orders and looks them up, once per call, for all orders or for a few.

use super::Watch;
use crate::command::Session;
use crate::command::shared::list_source::ListSource;
use crate::command::shared::reconciling::{
    CapturedWebhooks, FinishedRun, OrderSource, ResultSink, RunEnd, SourceItem, run_lookups,
};
use crate::model::error::{Error, Kind, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider;
use crate::reconcile::known::KnownDifferences;
use crate::reconcile::order::MissingReference;
use crate::reconcile::order::SpoolWriter;
use crate::reconcile::watch::{DeliveryKey, MissedEvent, Observation, Round, WatchState, WatchedReference};
use crate::reconcile::{Class, Order, OrderReader, ReconciledReference, ReplayEvent, ReplayPlan, Totals};
use crate::world::Store;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The result of reading the orders and looking them up.
pub(super) enum Reading {
    Complete(Findings),
    /// The orders could not be read completely, or there were none.
    OrdersFailed(Error),
    LookupsFailed(Error),
    Interrupted,
}

pub(super) struct Findings {
    pub round: Round,
    pub totals: Totals,
    /// Orders that were too young to be looked up.
    pub left_alone: u64,
}

/// Orders to look up.
#[derive(Clone, Copy)]
pub(super) enum Scope<'s> {
    All,
    Only(&'s BTreeSet<WatchedReference>),
}

/// Copies the whole list, so that one that breaks off is not used.
fn open_list(args: &Watch, list: &ListSource, session: &Session<'_>) -> Result<OrderReader> {
    let not_saved = |error| Error::failed("can't save the list").because(error);
    let mut spool = SpoolWriter::new(&|| session.world.temporary_file()).map_err(not_saved)?;
    args.list.copy(list, args.hidden_variables(), session, &mut spool)?;
    let spool = spool.finish().map_err(not_saved)?;
    let orders = args.reading.read(&list.to_string(), spool, MissingReference::BadLine, session)?;
    orders.notes().iter().for_each(|note| session.info_once(note));
    orders.problems().iter().for_each(|problem| session.warn_once(&escape_unsafe(problem)));
    Ok(orders)
}

/// Reads the file of accepted differences.
fn read_known(args: &Watch, session: &Session<'_>) -> Result<KnownDifferences> {
    let Some(path) = &args.known else { return Ok(KnownDifferences::default()) };
    let failed = || Error::failed(format!("can't read the accepted differences in {}", path.display()));
    let text = String::from_utf8(session.read(path)?).map_err(|error| failed().because(error))?;
    KnownDifferences::parse(&text, &[], &session.now().date().to_string())
        .map_err(|error| failed().because(format!("line {}: {}", error.line, error.reason)))
}

/// Reads the orders anew and looks them up. An error is one of the store.
pub(super) fn read(
    args: &Watch,
    list: &ListSource,
    state: &WatchState,
    scope: Scope<'_>,
    session: &Session<'_>,
) -> Result<Reading> {
    let opened = open_list(args, list, session).and_then(|orders| Ok((orders, read_known(args, session)?)));
    let (orders, known) = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind == Kind::Interrupted => return Ok(Reading::Interrupted),
        Err(error) => return Ok(Reading::OrdersFailed(error)),
    };
    let mut source = WatchedOrders {
        args,
        orders,
        scope,
        now: session.world.now(),
        items: 0,
        round: Round::default(),
        left_alone: 0,
        failure: None,
    };
    let captured = CapturedWebhooks::open(&args.store, session)?;
    let store = args.store.open(session)?;
    let (observations, events, plan) = (Vec::new(), Vec::new(), ReplayPlan::default());
    let mut collector = Collector { state, session, store, observations, events, plan };
    let known = RefCell::new(known);
    let options = args.lookup_options(&known, &session.now());
    let FinishedRun { totals, end, .. } =
        run_lookups(session, &options, captured, &mut source, vec![&mut collector as &mut dyn ResultSink])?;
    let WatchedOrders { items, mut round, left_alone, failure, .. } = source;
    round.observations = collector.finish();
    Ok(match (end, failure) {
        (RunEnd::Interrupted, _) => Reading::Interrupted,
        (_, Some(error)) => Reading::OrdersFailed(error),
        (RunEnd::Stopped(error), None) => Reading::LookupsFailed(error),
        (RunEnd::Complete, None) if items == 0 => Reading::OrdersFailed(Error::failed("the list has no orders")),
        (RunEnd::Complete, None) => Reading::Complete(Findings { round, totals, left_alone }),
    })
}

/// The orders of the list that are in scope and old enough.
struct WatchedOrders<'a> {
    args: &'a Watch,
    orders: OrderReader,
    scope: Scope<'a>,
    now: Timestamp,
    /// Rows of the list, readable or not.
    items: u64,
    round: Round,
    left_alone: u64,
    /// The error that ended the list.
    failure: Option<Error>,
}

impl WatchedOrders<'_> {
    fn subject(&self, order: &Order) -> WatchedReference {
        let provider = self.args.provider.unwrap_or_else(|| provider::by_reference(&order.reference));
        WatchedReference { provider: provider.name().to_owned(), reference: order.reference.clone() }
    }

    /// Returns true if an order is younger than `--older-than`. A time in the future is a wrong clock
    /// or zone, and says nothing.
    fn is_young(&self, order: &Order) -> bool {
        let age = order.created.map(|created| self.now.duration_since(created));
        age.is_some_and(|age| age >= SignedDuration::ZERO && age < self.args.older_than)
    }
}

impl OrderSource for WatchedOrders<'_> {
    fn next(&mut self, _captured: &mut CapturedWebhooks) -> Result<Option<SourceItem>> {
        while let Some(item) = self.orders.next() {
            self.items += 1;
            let order = match item {
                Ok(Ok(order)) => order,
                Ok(Err(bad)) => {
                    self.round.unread_rows += 1;
                    return Ok(Some(SourceItem::BadLine(bad)));
                }
                Err(error) => {
                    self.failure = Some(Error::failed("can't read the list").because(error));
                    // Ends the run. Its own message is not shown.
                    return Err(Error::failed("the list ended early"));
                }
            };
            let subject = self.subject(&order);
            if matches!(self.scope, Scope::Only(only) if !only.contains(&subject)) {
                continue;
            }
            if self.is_young(&order) {
                self.left_alone += 1;
                self.round.left_alone.insert(subject);
                continue;
            }
            return Ok(Some(SourceItem::Order(order)));
        }
        Ok(None)
    }
}

/// Keeps what the state machine has to know: what differs, and what differed before.
struct Collector<'a> {
    state: &'a WatchState,
    session: &'a Session<'a>,
    store: Box<dyn Store>,
    observations: Vec<Observation>,
    /// Index of the observation of each event in `plan`.
    events: Vec<usize>,
    plan: ReplayPlan,
}

impl Collector<'_> {
    /// Returns what was found out, without events whose payment another order has taken.
    fn finish(mut self) -> Vec<Observation> {
        for (index, is_sent) in self.events.into_iter().zip(self.plan.decide()) {
            if let Some(observation) = self.observations.get_mut(index).filter(|_| !is_sent) {
                observation.event = None;
            }
        }
        self.observations
    }

    /// Returns the event that the app has missed. A captured one is loaded from the store.
    fn missed_event(&mut self, reconciled: &ReconciledReference) -> Result<Option<MissedEvent>> {
        let (Some(replay), Some(record)) = (&reconciled.replay, &reconciled.record) else { return Ok(None) };
        let key = DeliveryKey::new(reconciled.provider.name(), &record.reference, &record.status);
        let (body, is_rebuilt) = match replay {
            ReplayEvent::Rebuilt(event) => (event.to_string().into_bytes(), true),
            ReplayEvent::Captured(id) => {
                let capture = self.store.load(*id)?;
                let Some(capture) = capture.and_then(|capture| capture.require_body().ok()) else { return Ok(None) };
                (capture.request.body, false)
            }
        };
        Ok(Some(MissedEvent { key, body, is_rebuilt }))
    }
}

impl ResultSink for Collector<'_> {
    fn add(&mut self, reconciled: &ReconciledReference) -> Result<()> {
        let has_event = self.plan.add(reconciled).is_some();
        let event = self.missed_event(reconciled)?;
        let observation = Observation::new(reconciled, event);
        let is_inconclusive = observation.class == Class::CouldNotTell;
        let is_known = self.state.is_open(&observation.subject);
        if observation.class.is_difference() || is_inconclusive || is_known || has_event {
            if has_event {
                self.events.push(self.observations.len());
            }
            self.observations.push(observation);
        }
        Ok(())
    }

    fn say(&mut self, text: &str) {
        self.session.info_once(text);
    }
}
