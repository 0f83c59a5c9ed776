//! Provides the references to look up: from the command line, then from a list, or else from the
//! store.

use super::super::Session;
use super::Reconcile;
use super::spooled_list::SpooledList;
use crate::command::shared::list_source::ListSource;
use crate::command::shared::reconciling::{CapturedWebhooks, OrderSource, SourceItem, is_test_event};
use crate::model::error::{Error, Result};
use crate::model::follow::{DeliveryPage, StoreCursor};
use crate::model::stored::{DeliverySummary, ReferenceMatch};
use crate::provider::{self, Provider};
use crate::reconcile::file_map::FileMap;
use crate::reconcile::order::MissingReference;
use crate::reconcile::period::{PeriodPlacement, ReportPeriod};
use crate::reconcile::status_words::OrderStatus;
use crate::reconcile::{Order, OrderReader, StatusWords};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

pub(super) struct InputSource<'a> {
    args: &'a Reconcile,
    references: VecDeque<String>,
    orders: Option<(OrderReader, ListSource)>,
    store: Option<CapturedReferences<'a>>,
}

/// The references of captured webhooks, read page by page.
struct CapturedReferences<'a> {
    arrived: ReportPeriod,
    after: StoreCursor,
    page: VecDeque<DeliverySummary>,
    /// Providers and references seen so far.
    seen: FileMap<'a>,
}

impl<'a> InputSource<'a> {
    pub(super) fn new(
        args: &'a Reconcile,
        list: Option<SpooledList>,
        captured: &mut CapturedWebhooks,
        session: &'a Session<'a>,
    ) -> Result<Self> {
        let is_from_store = list.is_none() && args.references.is_empty();
        let open = |list: SpooledList| {
            let missing = if args.all { MissingReference::OwnNumber } else { MissingReference::BadLine };
            let orders = args.list.open(&list.source.to_string(), list.spool, missing, session)?;
            Ok::<_, Error>((orders, list.source))
        };
        let orders = list.map(open).transpose()?;
        if is_from_store && !captured.is_open() {
            return Err(Error::failed("no webhooks were captured yet").hint("capture some with `whtool listen`"));
        }
        if is_from_store && captured.has_test_events()? {
            session.info("skipping events signed with the local test secret: no provider knows about them");
        }
        let arrived = is_from_store.then(|| args.period.capture_period(session)).transpose()?;
        let store = arrived.map(|arrived| CapturedReferences {
            arrived,
            after: StoreCursor::default(),
            page: VecDeque::new(),
            seen: FileMap::new(|| session.world.temporary_file()),
        });
        // The same reference twice is one lookup.
        let mut seen = HashSet::new();
        let references = args.references.iter().filter(|reference| seen.insert(*reference)).cloned().collect();
        Ok(Self { args, references, orders, store })
    }

    /// Returns the number of references if it is known beforehand.
    pub(super) fn count(&self) -> Option<u64> {
        let is_known = self.store.is_none() && (self.orders.is_none() || !self.args.open);
        let listed = self.orders.as_ref().map_or(0, |(orders, _)| orders.counts().rows());
        is_known.then_some(self.references.len() as u64 + listed)
    }
}

impl OrderSource for InputSource<'_> {
    fn next(&mut self, captured: &mut CapturedWebhooks) -> Result<Option<SourceItem>> {
        if let Some(reference) = self.references.pop_front() {
            return Ok(Some(SourceItem::Order(Order::for_reference(reference))));
        }
        if let Some(captures) = &mut self.store {
            return Ok(captures.next(self.args, captured)?.map(SourceItem::Order));
        }
        let Some((orders, list)) = &mut self.orders else { return Ok(None) };
        for order in orders {
            match order.map_err(|error| Error::failed(format!("can't read {list}")).because(error))? {
                Ok(order) if self.args.open && has_ended(&order, self.args, captured)? => {}
                Ok(order) => return Ok(Some(SourceItem::Order(order))),
                Err(bad) => return Ok(Some(SourceItem::BadLine(bad))),
            }
        }
        Ok(None)
    }

    fn extra_columns(&self) -> Vec<Arc<str>> {
        self.orders.as_ref().map(|(orders, _)| orders.extra_columns()).unwrap_or_default()
    }
}

impl CapturedReferences<'_> {
    /// Returns the next reference that was not seen before.
    fn next(&mut self, args: &Reconcile, captured: &mut CapturedWebhooks) -> Result<Option<Order>> {
        loop {
            let Some(entry) = self.page.pop_front() else {
                let DeliveryPage { deliveries, cursor } = captured.page(self.arrived.since, &self.after)?;
                if deliveries.is_empty() {
                    return Ok(None);
                }
                (self.page, self.after) = (deliveries.into(), cursor);
                continue;
            };
            let Some(provider) = entry.provider.as_deref().and_then(provider::by_name) else { continue };
            if is_test_event(&entry) || self.arrived.placement(Some(entry.arrived)) == PeriodPlacement::Outside {
                continue;
            }
            if args.provider.is_some_and(|wanted| wanted.name() != provider.name()) {
                continue;
            }
            let reference = provider.lookup_reference(entry.event_id.as_deref(), entry.subject.as_deref());
            let Some(reference) = reference.filter(|reference| provider.lookup_call(reference).is_some()) else {
                continue;
            };
            if self.is_seen(provider, reference)? {
                continue;
            }
            let has_ended = |found: &ReferenceMatch| reports_end(provider, &found.summary);
            if !(args.open && captured.deliveries_about(provider, &[reference])?.iter().any(has_ended)) {
                return Ok(Some(Order::for_reference(reference)));
            }
        }
    }

    /// Returns true if a reference came before, and adds it if not.
    fn is_seen(&mut self, provider: &dyn Provider, reference: &str) -> Result<bool> {
        let key = [provider.name().as_bytes(), &[0], reference.as_bytes()].concat();
        let failed = |error| Error::failed("can't save the references of the captures").because(error);
        let is_seen = self.seen.get(&key).map_err(failed)?.is_some();
        if !is_seen {
            self.seen.insert(&key, &[]).map_err(failed)?;
        }
        Ok(is_seen)
    }
}

/// Returns true if a verified webhook reports that the payment ended.
fn reports_end(provider: &dyn Provider, delivery: &DeliverySummary) -> bool {
    let status = delivery.status.as_deref().unwrap_or_default();
    delivery.verdict.is_verified() && provider.parse_status(status).state.is_final()
}

/// Returns true if an order has ended: by its own status, or else by the captured webhooks.
fn has_ended(order: &Order, args: &Reconcile, captured: &mut CapturedWebhooks) -> Result<bool> {
    let provider = args.provider.unwrap_or_else(|| provider::by_reference(&order.reference));
    match StatusWords::from_args(&args.status).parse(provider, order.status.as_deref()) {
        OrderStatus::Known(status) => Ok(status.state.is_final()),
        OrderStatus::Unrecognized => Ok(false),
        OrderStatus::Missing => {
            let deliveries = captured.deliveries_about(provider, &[&order.reference])?;
            Ok(deliveries.iter().any(|found| reports_end(provider, &found.summary)))
        }
    }
}
