//! Follows the store: which deliveries became visible after a place, and when to look again.
//!
//! A place is a snapshot: the set of transactions that were committed. A delivery comes after it if
//! its transaction is not in that set. So each delivery is returned once, in whatever order
//! transactions commit, and a transaction that stays open delays only its own deliveries.
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
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::types::Type;

/// Time until the database is asked again.
const POLL: Duration = Duration::from_secs(1);

/// The present state of the server.
pub(super) struct ServerState {
    identifier: i64,
    /// Text of a `pg_snapshot`.
    pub snapshot: String,
    restored_seq: i64,
}

impl ServerState {
    /// Reads it. If no writer has seen this server yet, everything was restored from another one.
    pub async fn read(session: &PostgresSession) -> Result<Self> {
        let sql = format!(
            "SELECT c.system_identifier, pg_current_snapshot()::text, \
             CASE WHEN m.system_identifier = c.system_identifier THEN m.restored_seq ELSE {} END \
             FROM whtool.meta m, pg_control_system() c",
            i64::MAX
        );
        let rows = session.query(&sql, &Params::default()).await?;
        let row = rows.first().ok_or_else(|| Error::failed("the store's table `meta` is empty"))?;
        let mut row = Columns::new(row);
        Ok(Self { identifier: row.read()?, snapshot: row.read()?, restored_seq: row.read()? })
    }

    /// Returns the place after everything that is visible.
    fn place(&self) -> Place {
        Place { server: self.identifier, seen: Some(self.snapshot.clone()), page: None }
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
        if snapshots.into_iter().flatten().any(|text| !text.is_empty() && end_of(text).is_none()) {
            return Err(bad());
        }
        Ok(Self { server, seen: Some(seen.to_owned()).filter(|seen| !seen.is_empty()), page })
    }

    pub fn to_cursor(&self) -> StoreCursor {
        let seen = self.seen.as_deref().unwrap_or_default();
        let page = self.page.as_ref().map(|(target, number)| format!("/{target}/{number}"));
        StoreCursor(format!("{}/{seen}{}", self.server, page.unwrap_or_default()))
    }

    /// Returns true if the server was set back to a time before this place.
    fn is_ahead_of(&self, state: &ServerState) -> bool {
        let end = self.seen.as_deref().and_then(end_of);
        self.server == state.identifier && end > end_of(&state.snapshot)
    }

    /// Returns the condition for the deliveries `d` after this place that are visible in a snapshot.
    fn condition(&self, target: &str, state: &ServerState, params: &mut Params) -> String {
        let restored = params.add_number(state.restored_seq);
        let target = params.add(target.to_owned(), Type::TEXT);
        let mut terms = vec![format!("(d.seq <= {restored} OR pg_visible_in_snapshot(d.txid, {target}::pg_snapshot))")];
        if let Some((_, number)) = &self.page {
            terms.push(format!("d.seq > {}", params.add_number(*number)));
        }
        if let Some(seen) = &self.seen {
            let seen = params.add(seen.clone(), Type::TEXT);
            let is_new = format!(
                "(d.txid >= pg_snapshot_xmax({seen}::pg_snapshot) \
                 OR d.txid = ANY (ARRAY(SELECT pg_snapshot_xip({seen}::pg_snapshot))))"
            );
            terms.push(match self.server == state.identifier {
                true => format!("d.seq > {restored} AND {is_new}"),
                false => format!("(d.seq > {restored} OR {is_new})"),
            });
        }
        terms.join(" AND ")
    }

    /// Returns the place after a page, which ends with this number if it is full.
    fn next(&self, full_page_end: Option<i64>, target: String, state: &ServerState) -> Self {
        match full_page_end {
            Some(number) => Self { page: Some((target, number)), ..self.clone() },
            None => Self { seen: Some(target), page: None, server: state.identifier },
        }
    }
}

/// Returns the first transaction number after a snapshot. `None`: it is not the text of one.
fn end_of(snapshot: &str) -> Option<u64> {
    let mut parts = snapshot.split(':');
    let numbers = |text: &str| text.is_empty() || text.split(',').all(|number| number.parse::<u64>().is_ok());
    match (parts.next()?.parse::<u64>(), parts.next()?.parse(), parts.next(), parts.next()) {
        (Ok(_), Ok(end), Some(open), None) if numbers(open) => Some(end),
        _ => None,
    }
}

/// Deliveries after a place.
pub(super) struct NewDeliveries {
    pub deliveries: Vec<DeliverySummary>,
    pub next: Place,
}

impl PostgresSession {
    pub(super) async fn list_newest(&self, query: &Query) -> Result<DeliveryPage> {
        let state = ServerState::read(self).await?;
        let start = Place { server: state.identifier, seen: None, page: None };
        let deliveries = self.select_new(&start, &state, query, "DESC").await?;
        let deliveries = deliveries.into_iter().rev().collect();
        Ok(DeliveryPage { deliveries, cursor: state.place().to_cursor() })
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
        Ok(Some(NewDeliveries { deliveries, next: after.next(end, target, &state) }))
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
        let is_new = after.condition(target, state, &mut params);
        let limit = params.add(query.limit.and_then(|limit| i64::try_from(limit).ok()), Type::INT8);
        let sql = format!(
            "SELECT {SUMMARY_COLUMNS} FROM whtool.deliveries d WHERE {condition} AND {is_new} \
             ORDER BY d.seq {direction} LIMIT {limit}"
        );
        let rows = self.query(&sql, &params).await?;
        rows.iter().map(|row| Columns::new(row).read_summary()).collect()
    }

    pub(super) async fn list_after(&self, query: &Query, after: &StoreCursor) -> Result<Option<DeliveryPage>> {
        let mut after = Place::parse(after)?;
        loop {
            let Some(NewDeliveries { deliveries, next }) = self.read_after(query, &after).await? else {
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
    pub(super) async fn wait_for_change(&self, last_look: &mut Option<Instant>, timeout: Duration) -> bool {
        let now = Instant::now();
        let due = last_look.map_or(now, |look| look + POLL);
        tokio::time::sleep_until(due.min(now + timeout)).await;
        let is_changed = Instant::now() >= due;
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
