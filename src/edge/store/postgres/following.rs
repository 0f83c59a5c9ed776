//! Follows the store: which deliveries became visible after a place, and when to look again.
//!
//! A place is a snapshot: the set of transactions that were committed. A delivery comes after it if
//! its transaction is not in that set. So each delivery is returned once, in whatever order
//! transactions commit, and a transaction that stays open delays only its own deliveries.
//!
//! A server that crashed may give numbers again that it had given to transactions which stored
//! nothing. So a place counts only transactions up to the last one that has stored a delivery, which
//! is on the disk.
//!
//! Transaction numbers of another server mean nothing, so deliveries up to `restored_seq`, which were
//! restored from one, are visible in every snapshot of this server.

use super::filter::condition;
use super::params::Params;
use super::rows::{Columns, SUMMARY_COLUMNS};
use super::session::PostgresSession;
use crate::model::error::{Error, Result};
use crate::model::follow::{DeliveryPage, StoreCursor};
use crate::model::stored::{DeliverySummary, Query};
use std::fmt::{self, Display, Formatter};
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::types::Type;

/// Longest time until the database is asked again: notifications may be lost, and PgBouncer does not
/// pass them on.
pub(super) const POLL: Duration = Duration::from_secs(1);

/// Number of transactions after which a place is stored although nothing came after it.
const FAR: u64 = 10_000;

/// The present state of the server.
pub(super) struct ServerState {
    identifier: i64,
    /// Text of a `pg_snapshot` that sees every visible delivery and ends after the last of them.
    snapshot: String,
    /// The next transaction number.
    end: u64,
    restored_seq: i64,
}

impl ServerState {
    /// Reads it. If no writer has seen this server yet, everything was restored from another one.
    pub async fn read(session: &PostgresSession) -> Result<Self> {
        let mut params = Params::default();
        let inbox = params.add_text(session.inbox());
        let sql = format!(
            "SELECT s.identifier, s.restored, s.snapshot::text, (
                 SELECT d.txid::text FROM whtool.deliveries d
                 WHERE d.inbox = {inbox} AND d.txid < pg_snapshot_xmax(s.snapshot) AND d.seq > s.restored
                 ORDER BY d.txid DESC LIMIT 1)
             FROM (
                 SELECT c.system_identifier AS identifier, pg_current_snapshot() AS snapshot,
                     CASE WHEN m.system_identifier = c.system_identifier THEN m.restored_seq ELSE {} END AS restored
                 FROM whtool.meta m, pg_control_system() c
             ) AS s",
            i64::MAX
        );
        let rows = session.query(&sql, &params).await?;
        let row = rows.first().ok_or_else(|| Error::failed("the store's table `meta` is empty"))?;
        let mut row = Columns::new(row);
        let (identifier, restored_seq) = (row.read()?, row.read()?);
        let (present, last): (String, Option<String>) = (row.read()?, row.read()?);
        let last = last.and_then(|last| last.parse().ok()).unwrap_or(0);
        let present = Snapshot::parse(&present).ok_or_else(|| Error::failed("the server has no snapshot"))?;
        let (end, snapshot) = (present.end, present.cut_after(last).to_string());
        Ok(Self { identifier, snapshot, end, restored_seq })
    }

    /// Returns the place after everything that is visible.
    pub fn place(&self) -> Place {
        Place { server: self.identifier, seen: Some(self.snapshot.clone()), page: None }
    }
}

/// The value of a `pg_snapshot`: the transactions before `end`, except for open ones.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    end: u64,
    open: Vec<u64>,
}

impl Snapshot {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (start, end, open, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next());
        let open = open.split(',').filter(|_| !open.is_empty()).map(str::parse);
        let snapshot = Self { end: end.parse().ok()?, open: open.collect::<Result<_, _>>().ok()? };
        (start.parse::<u64>().is_ok() && rest.is_none()).then_some(snapshot)
    }

    /// Returns the part up to this transaction.
    fn cut_after(mut self, last: u64) -> Self {
        self.end = last + 1;
        self.open.retain(|open| *open <= last);
        self
    }
}

impl Display for Snapshot {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let open: Vec<_> = self.open.iter().map(u64::to_string).collect();
        write!(out, "{}:{}:{}", self.open.first().unwrap_or(&self.end), self.end, open.join(","))
    }
}

/// A place in the order of deliveries: after those that are visible in `seen`, and, within those
/// that are in the snapshot of `page`, after its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    server: i64,
    /// `None`: the start.
    seen: Option<String>,
    page: Option<(String, i64)>,
}

impl Place {
    pub fn parse(cursor: &StoreCursor) -> Result<Self> {
        let bad = || Error::failed("this is no place in the store");
        if *cursor == StoreCursor::default() {
            return Ok(Self { server: 0, seen: None, page: None });
        }
        let mut parts = cursor.0.split('/');
        let server = parts.next().and_then(|part| part.parse().ok()).ok_or_else(bad)?;
        let seen = parts.next().ok_or_else(bad)?;
        let page = match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => None,
            (Some(target), Some(number), None) => Some((target.to_owned(), number.parse().map_err(|_| bad())?)),
            _ => return Err(bad()),
        };
        let snapshots = [Some(seen), page.as_ref().map(|(target, _)| target.as_str())];
        if snapshots.into_iter().flatten().any(|text| !text.is_empty() && Snapshot::parse(text).is_none()) {
            return Err(bad());
        }
        Ok(Self { server, seen: Some(seen.to_owned()).filter(|seen| !seen.is_empty()), page })
    }

    pub fn to_cursor(&self) -> StoreCursor {
        let seen = self.seen.as_deref().unwrap_or_default();
        let page = self.page.as_ref().map(|(target, number)| format!("/{target}/{number}"));
        StoreCursor(format!("{}/{seen}{}", self.server, page.unwrap_or_default()))
    }

    /// Returns true if many transactions have ended since a cursor, so that storing this place is
    /// worth a write: without it, each look reads what they have stored again.
    pub fn is_far_after(&self, before: &Place) -> bool {
        self.server != before.server || self.end().zip(before.end()).is_none_or(|(now, then)| now > then + FAR)
    }

    /// Returns true if the server was set back to a time before this place.
    fn is_ahead_of(&self, state: &ServerState) -> bool {
        self.server == state.identifier && self.end().is_some_and(|end| end > state.end)
    }

    /// Returns the first transaction number after the place. `None`: it is the start.
    fn end(&self) -> Option<u64> {
        self.seen.as_deref().and_then(Snapshot::parse).map(|seen| seen.end)
    }

    /// Returns the condition for the deliveries `d` of a page that are visible in a snapshot.
    fn condition(&self, target: &str, state: &ServerState, params: &mut Params) -> String {
        let restored = params.add_number(state.restored_seq);
        let target = params.add(target.to_owned(), Type::TEXT);
        let mut terms = vec![format!("(d.seq <= {restored} OR pg_visible_in_snapshot(d.txid, {target}::pg_snapshot))")];
        if let Some((_, number)) = &self.page {
            terms.push(format!("d.seq > {}", params.add_number(*number)));
        }
        terms.join(" AND ")
    }

    /// Returns the condition for the deliveries `d` that are not before this place. `None`: all are.
    fn is_new(&self, state: &ServerState) -> Option<String> {
        let seen = self.seen.as_deref().and_then(Snapshot::parse)?;
        let mut is_new = format!("d.txid >= '{}'", seen.end);
        if !seen.open.is_empty() {
            let open: Vec<_> = seen.open.iter().map(u64::to_string).collect();
            is_new = format!("({is_new} OR d.txid = ANY ('{{{}}}'))", open.join(","));
        }
        let restored = state.restored_seq;
        Some(match self.server == state.identifier {
            true => format!("d.seq > {restored} AND {is_new}"),
            false => format!("(d.seq > {restored} OR {is_new})"),
        })
    }

    /// Returns the place after a page, which ends with this number if it is full.
    fn next(&self, full_page_end: Option<i64>, target: String, state: &ServerState) -> Self {
        match full_page_end {
            Some(number) => Self { page: Some((target, number)), ..self.clone() },
            None => Self { seen: Some(target), page: None, server: state.identifier },
        }
    }
}

/// Deliveries after a place.
pub(super) struct NewDeliveries {
    pub deliveries: Vec<DeliverySummary>,
    pub next: Place,
    /// The page is full, so there may be more.
    pub has_more: bool,
}

/// Deliveries of a page of a list.
const LISTED: u64 = 4_096;

/// A list that is read page by page.
pub(super) struct Listing {
    query: Query,
    state: ServerState,
    /// `None`: at the end.
    next: Option<Place>,
}

impl PostgresSession {
    pub(super) async fn list_newest(&self, query: &Query) -> Result<DeliveryPage> {
        let state = ServerState::read(self).await?;
        let start = Place { server: state.identifier, seen: None, page: None };
        let deliveries = self.select_new(&start, &state, query, "DESC").await?;
        let deliveries = deliveries.into_iter().rev().collect();
        Ok(DeliveryPage { deliveries, cursor: state.place().to_cursor() })
    }

    /// Starts a list of all deliveries that match and are visible now, oldest first.
    pub(super) async fn start_listing(&self, query: &Query) -> Result<Listing> {
        let state = ServerState::read(self).await?;
        let place = Place { server: state.identifier, seen: None, page: Some((state.snapshot.clone(), i64::MIN)) };
        Ok(Listing { query: Query { limit: Some(LISTED), ..query.clone() }, state, next: Some(place) })
    }

    /// Returns the next page of a list. `None`: it is at its end.
    pub(super) async fn next_listed(&self, listing: &mut Listing) -> Result<Option<Vec<DeliverySummary>>> {
        let Some(place) = listing.next.take() else { return Ok(None) };
        let page = self.select_new(&place, &listing.state, &listing.query, "ASC").await?;
        if let Some(last) = page.last().filter(|_| page.len() as u64 >= LISTED) {
            listing.next = Some(Place { page: Some((listing.state.snapshot.clone(), last.id.0)), ..place });
        }
        Ok(Some(page))
    }

    /// Returns the first deliveries that match and come after a place. `None`: the server was set
    /// back.
    pub(super) async fn read_after(&self, query: &Query, after: &Place) -> Result<Option<NewDeliveries>> {
        let state = ServerState::read(self).await?;
        if after.is_ahead_of(&state) {
            return Ok(None);
        }
        let deliveries = self.select_new(after, &state, query, "ASC").await?;
        let has_more = query.limit.is_some_and(|limit| deliveries.len() as u64 >= limit);
        let end = deliveries.last().map(|last| last.id.0).filter(|_| has_more);
        let target = after.page.as_ref().map_or_else(|| state.snapshot.clone(), |(target, _)| target.clone());
        Ok(Some(NewDeliveries { deliveries, next: after.next(end, target, &state), has_more }))
    }

    /// Selects the deliveries after a place that are visible in the snapshot of its page, or now.
    async fn select_new(
        &self,
        after: &Place,
        state: &ServerState,
        query: &Query,
        direction: &str,
    ) -> Result<Vec<DeliverySummary>> {
        let mut params = Params::default();
        let condition = condition(self.inbox(), query, &mut params);
        let target = after.page.as_ref().map_or(&state.snapshot, |(target, _)| target);
        let is_visible = after.condition(target, state, &mut params);
        let limit = params.add(query.limit.and_then(|limit| i64::try_from(limit).ok()), Type::INT8);
        // The first page is found by transaction, whatever the planner expects: there are few new
        // deliveries. Further ones are found by number.
        let (source, is_new) = match after.is_new(state) {
            None => ("whtool.deliveries d".to_owned(), "true".to_owned()),
            Some(is_new) if after.page.is_some() => ("whtool.deliveries d".to_owned(), is_new),
            Some(is_new) => {
                let new = format!("SELECT * FROM whtool.deliveries d WHERE d.inbox = $1 AND {is_new} OFFSET 0");
                (format!("({new}) d"), "true".to_owned())
            }
        };
        let sql = format!(
            "SELECT {SUMMARY_COLUMNS} FROM {source} WHERE {condition} AND {is_visible} AND {is_new} \
             ORDER BY d.seq {direction} LIMIT {limit}"
        );
        let rows = self.read(&sql, &params).await?;
        rows.iter().map(|row| Columns::new(row).read_summary()).collect()
    }

    pub(super) async fn list_after(&self, query: &Query, after: &StoreCursor) -> Result<Option<DeliveryPage>> {
        let mut after = Place::parse(after)?;
        loop {
            let Some(NewDeliveries { deliveries, next, .. }) = self.read_after(query, &after).await? else {
                return Ok(None);
            };
            if !deliveries.is_empty() || after.page.is_none() {
                return Ok(Some(DeliveryPage { deliveries, cursor: next.to_cursor() }));
            }
            // The rest of an earlier snapshot is over, and there may be more since.
            after = next;
        }
    }

    /// Waits for a notification, or for the time of the next look, at most this long. Returns true if
    /// there may be new deliveries; the first call does so at once.
    pub(super) async fn wait_for_change(&mut self, last_look: &mut Option<Instant>, timeout: Duration) -> bool {
        self.listen().await;
        let now = Instant::now();
        let due = last_look.map_or(now, |look| look + POLL);
        let is_notified =
            tokio::time::timeout_at(due.min(now + timeout), self.notifications().notified()).await.is_ok();
        let is_changed = is_notified || Instant::now() >= due;
        if is_changed {
            *last_look = Some(Instant::now());
        }
        is_changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_cut_after_the_last_delivery() {
        let cut = |text: &str, last| Snapshot::parse(text).unwrap().cut_after(last).to_string();
        assert_eq!(cut("10:20:10,14,18", 15), "10:16:10,14");
        assert_eq!(cut("14:20:14,18", 12), "13:13:");
        assert_eq!(cut("20:20:", 0), "1:1:");
    }

    #[test]
    fn a_place_is_read_back_from_its_text_and_nothing_else_is_a_place() {
        let page = Some(("4:9:5,7".to_owned(), 12));
        for (place, text) in [
            (Place { server: 7, seen: Some("3:3:".to_owned()), page: None }, "7/3:3:"),
            (Place { server: -7, seen: Some("3:5:3,4".to_owned()), page: page.clone() }, "-7/3:5:3,4/4:9:5,7/12"),
            (Place { server: 0, seen: None, page }, "0//4:9:5,7/12"),
        ] {
            let cursor = place.to_cursor();
            assert_eq!((cursor.0.as_str(), Place::parse(&cursor).unwrap()), (text, place));
        }
        assert_eq!(Place::parse(&StoreCursor::default()).unwrap().seen, None);
        for text in ["7", "x/3:3:", "7/3", "7/3:3:'", "7/3:3:1,", "7/3:3:/4:4:", "7/3:3:/4:4:/x", "7/3:3:/4:4:/1/2"] {
            assert!(Place::parse(&StoreCursor(text.to_owned())).is_err(), "{text}");
        }
    }
}
