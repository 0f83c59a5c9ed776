//! `--all`: the provider's own list against the orders, in both directions.
//!
//! The whole list is read first. Orders take their record from it, by the provider's id or by their
//! own number; what is left belongs to no order.

use super::{InputSource, Reconcile};
use crate::command::Session;
use crate::command::shared::api::ApiClient;
use crate::command::shared::reconciling::{
    AnsweredOrder, CapturedWebhooks, LookupOptions, OrderSource, SourceItem, read_list,
};
use crate::model::error::{Error, Result};
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider::listing::RecordList;
use crate::provider::record::RecordState;
use crate::provider::{self, Provider};
use crate::reconcile::file_map::FileMap;
use crate::reconcile::page_walk::{Coverage, PageWalk};
use crate::reconcile::period::{PeriodPlacement, ReportPeriod};
use crate::reconcile::record_index::{RecordIndex, RecordPosition, has_money};
use crate::reconcile::{Class, Lookup, Order};
use crate::render::text::count;
use std::io;
use std::sync::Arc;

/// The list is read a little beyond the start of the period: the shop's clock may be ahead.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_hours(1);

pub(super) struct AllRecords<'a> {
    /// The list of orders. `None`: it has ended, or there is none.
    orders: Option<InputSource<'a>>,
    has_orders: bool,
    index: RecordIndex<'a>,
    coverage: Coverage,
    provider: &'static dyn Provider,
    period: Option<ReportPeriod>,
    /// The merchant's references of the orders so far.
    numbers: FileMap<'a>,
    /// Number of orders so far.
    orders_read: u64,
    /// Number of lines of the list that can't be read.
    bad_lines: u64,
    /// The position after the next record that is looked at for itself.
    remaining: usize,
}

/// Finds the provider whose list is read.
fn listing_provider(args: &Reconcile) -> Result<&'static dyn Provider> {
    let has_list = |provider: &dyn Provider| provider.list_call(RecordList::Payments, None).is_some();
    match args.provider {
        Some(provider) if !has_list(provider) => {
            Err(Error::usage(format!("--all can't be used: {} documents no list of transactions", provider.title()))
                .hint("name your orders with --from, or use --since 24h alone to look up what was captured"))
        }
        Some(provider) => Ok(provider),
        None => {
            let found = provider::ALL.iter().copied().find(|provider| has_list(*provider));
            found.ok_or_else(|| Error::usage("no provider documents a list of transactions"))
        }
    }
}

/// Opens the API whose list is read.
pub(super) fn open(args: &Reconcile, session: &Session<'_>) -> Result<ApiClient> {
    let provider = listing_provider(args)?;
    if args.period.since.is_none() && args.period.day.is_none() {
        return Err(Error::usage("--all needs a start: the provider's list may go back for years")
            .hint("add --since 7d, or --day yesterday"));
    }
    ApiClient::new(provider, &args.api, session)
}

impl<'a> AllRecords<'a> {
    pub(super) fn read(
        client: &ApiClient,
        orders: Option<InputSource<'a>>,
        options: &LookupOptions<'_>,
        session: &'a Session<'a>,
    ) -> Result<Self> {
        let (provider, period) = (client.provider, options.period.clone());
        let create = || session.world.temporary_file();
        let mut index = RecordIndex::new(provider, create);
        let start = period.as_ref().and_then(|period| period.since);
        let start = start.map(|start| start.checked_sub(CLOCK_DIFFERENCE).unwrap_or(start));
        // With orders, a refund shows in the status of its payment.
        let lists: &[RecordList] =
            if orders.is_some() { &[RecordList::Payments] } else { &[RecordList::Payments, RecordList::Refunds] };
        let mut coverage = Coverage::Everything;
        for &list in lists {
            let mut walk = PageWalk::new(start);
            let mut add = |record: &serde_json::Value| index.add(record).map_err(cannot_keep);
            let read = read_list(session, client, list, options, &mut walk, &mut add)?;
            if list == RecordList::Payments {
                coverage = read;
            }
            report_walk(&walk, list, read, session);
        }
        Ok(Self {
            has_orders: orders.is_some(),
            orders,
            remaining: index.len(),
            index,
            coverage,
            provider,
            period,
            numbers: FileMap::new(create),
            orders_read: 0,
            bad_lines: 0,
        })
    }

    /// Finds the record of an order.
    fn find(&mut self, order: &Order) -> io::Result<Option<RecordPosition>> {
        let found = self.index.by_id(&order.reference)?;
        if found.is_some() || self.provider.owns_reference(&order.reference) {
            return Ok(found);
        }
        self.index.by_merchant_reference(&order.reference)
    }

    fn add_number(&mut self, number: Option<&str>) -> Result<()> {
        number.map_or(Ok(()), |number| self.numbers.insert(number.as_bytes(), &[])).map_err(cannot_keep)
    }

    /// Takes the record of an order from the list. An order without one is looked up if the provider
    /// has a call for its reference.
    fn match_order(&mut self, order: Order) -> Result<SourceItem> {
        let provider = self.provider;
        self.add_number(order.own_id.as_deref())?;
        let Some(position) = self.find(&order).map_err(cannot_keep)? else {
            let owner = provider::ALL.iter().find(|provider| provider.owns_reference(&order.reference));
            if owner.is_some() {
                return Ok(SourceItem::Order(order));
            }
            self.add_number(Some(&order.reference))?;
            let lookup = self.not_listed(&order);
            return Ok(SourceItem::answered(AnsweredOrder { order, provider, lookup, body: None, finding: None }));
        };
        self.index.claim(position);
        let body = self.index.read(position).map_err(cannot_keep)?;
        let lookup = self.lookup(&body);
        self.add_number(body_number(&lookup))?;
        Ok(SourceItem::answered(AnsweredOrder { order, provider, lookup, body: Some(body), finding: None }))
    }

    fn lookup(&self, body: &serde_json::Value) -> Lookup {
        match self.index.parse(body) {
            Ok(record) => Lookup::Found(Box::new(record)),
            Err(reason) => Lookup::Failed(reason),
        }
    }

    /// Says what is known of an order whose own number no record has. What was not read can't be
    /// missing.
    fn not_listed(&self, order: &Order) -> Lookup {
        match (self.coverage, order.created) {
            (Coverage::Everything, _) => Lookup::NotFound,
            (Coverage::Since(since), Some(created)) if created >= since => Lookup::NotFound,
            (Coverage::Since(since), _) => Lookup::Failed(format!(
                "no {} since {since} has this number; older ones were not read: use an earlier --since, or add the \
                 order's date to the list",
                self.noun(),
            )),
        }
    }

    fn noun(&self) -> String {
        format!("payment of {}", self.provider.title())
    }

    /// Returns the next record of the period that belongs to no order, oldest first.
    fn next_unclaimed(&mut self) -> Result<Option<SourceItem>> {
        while let Some(position) = self.remaining.checked_sub(1) {
            self.remaining = position;
            if self.index.is_claimed(position) {
                continue;
            }
            let body = self.index.read(position).map_err(cannot_keep)?;
            let lookup = self.lookup(&body);
            let record = if let Lookup::Found(record) = &lookup { Some(record) } else { None };
            if self.is_outside(record.and_then(|record| record.created)) {
                continue;
            }
            let state = record.map_or(RecordState::Unknown, |record| record.parsed_status.state);
            let id = body.get("id").and_then(serde_json::Value::as_str).unwrap_or_default();
            let mut order = Order::for_reference(id);
            let number = body_number(&lookup);
            let mut finding = None;
            if self.has_orders {
                let is_known = match number {
                    Some(number) => self.numbers.get(number.as_bytes()).map_err(cannot_keep)?.is_some(),
                    None => false,
                };
                // A failed attempt belongs to the order that another payment has paid.
                if !is_known || has_money(state) {
                    finding = Some((Class::NotInOrders, self.reason(number, is_known)));
                } else {
                    order.own_id = number.map(str::to_owned);
                }
            }
            let provider = self.provider;
            let answered = AnsweredOrder { order, provider, lookup, body: Some(body), finding };
            return Ok(Some(SourceItem::answered(answered)));
        }
        Ok(None)
    }

    fn is_outside(&self, created: Option<Timestamp>) -> bool {
        let placement = self.period.as_ref().map(|period| period.placement(created));
        placement == Some(PeriodPlacement::Outside)
    }

    fn reason(&self, number: Option<&str>, is_known: bool) -> String {
        let unread = match self.bad_lines {
            0 => String::new(),
            lines => format!("; {} of the list could not be read", count(lines, "line")),
        };
        match number {
            Some(number) if is_known => format!("the order `{number}` has another payment"),
            Some(number) => format!("no order in the list has it or its number `{number}`{unread}"),
            None => format!("no order in the list has it{unread}"),
        }
    }
}

impl OrderSource for AllRecords<'_> {
    fn extra_columns(&self) -> Vec<Arc<str>> {
        self.orders.as_ref().map(OrderSource::extra_columns).unwrap_or_default()
    }

    fn next(&mut self, captured: &mut CapturedWebhooks) -> Result<Option<SourceItem>> {
        let Some(orders) = &mut self.orders else { return self.next_unclaimed() };
        match orders.next(captured)? {
            Some(SourceItem::Order(order)) => {
                self.orders_read += 1;
                self.match_order(order).map(Some)
            }
            Some(SourceItem::BadLine(bad)) => {
                self.bad_lines += 1;
                Ok(Some(SourceItem::BadLine(bad)))
            }
            Some(other) => Ok(Some(other)),
            None if self.orders_read == 0 => Err(Error::failed("the list has no orders")
                .because("without any, every payment would be called unknown")
                .hint("omit the list to compare all payments with the captured webhooks")),
            None => {
                self.orders = None;
                self.next_unclaimed()
            }
        }
    }
}

fn body_number(lookup: &Lookup) -> Option<&str> {
    if let Lookup::Found(record) = lookup { record.merchant_reference.as_deref() } else { None }
}

fn report_walk(walk: &PageWalk, list: RecordList, coverage: Coverage, session: &Session<'_>) {
    let (number, title) = (walk.count(), list.title());
    let since = match coverage {
        Coverage::Since(since) => format!(" until {since}"),
        Coverage::Everything => ", the whole list".to_owned(),
    };
    session.info(&format!("read {number} {title}{since}"));
    if !walk.is_descending() {
        session.info(&format!("the list of {title} is not ordered by time of creation, so all of it was read"));
    }
}

fn cannot_keep(error: io::Error) -> Error {
    Error::failed("can't save the provider's list").because(error)
}
