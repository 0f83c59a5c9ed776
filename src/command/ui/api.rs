//! The records of `events --json` over HTTP.

use super::parameters::{Parameters, read_filters};
use super::reply::{self, Failure};
use super::routes::{Access, RouteMatch};
use super::server::Call;
use super::stream::StreamRequest;
use crate::command::shared::captures::{self, Filters};
use crate::command::shared::stored_capture;
use crate::model::follow::StoreCursor;
use crate::model::stored::{CaptureId, DeliverySummary, Query, StoredCapture};
use crate::render;
use crate::world::HandlerReply;

/// Captures on one page unless `limit` is given.
pub(super) const DEFAULT_LIMIT: u64 = 50;
pub(super) const MAX_LIMIT: u64 = 1000;

/// Parameters besides the filters.
const BEFORE: &str = "before";
pub(super) const AFTER: &str = "after";

/// A page of captures: those that match, and the key of the next page.
pub(super) struct CapturePage {
    /// Newest first.
    pub rows: Vec<DeliverySummary>,
    /// The last capture of the page. `None`: there are no older ones.
    pub older: Option<CaptureId>,
}

/// Reads a page of captures. `None`: there is no store yet.
pub(super) fn read_page(
    call: &mut Call<'_>,
    query: Query,
    (after, before): (Option<i64>, Option<i64>),
    limit: u64,
) -> Result<Option<CapturePage>, Failure> {
    let ids = after.map_or(0, |after| after.saturating_add(1))..=before.map_or(i64::MAX, |before| before - 1);
    // One more than is shown, to notice that there are more.
    let query = Query { ids: Some(ids), limit: Some(limit + 1), ..query };
    let Some(mut rows) = call.with_store(|store| store.list(&query))? else { return Ok(None) };
    let has_more = rows.len() as u64 > limit;
    rows.reverse();
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let older = rows.last().filter(|_| has_more).map(|row| row.id);
    Ok(Some(CapturePage { rows, older }))
}

/// Writes `whtool.events/1`: a page of captures, newest first.
pub(super) fn list(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let filters = filters_besides(&matched.query, &[BEFORE, AFTER])?;
    let limit = match filters.limit {
        None => DEFAULT_LIMIT,
        Some(limit @ 1..=MAX_LIMIT) => limit,
        Some(_) => return Err(Failure::bad_request(format!("`limit` must be from 1 to {MAX_LIMIT}"))),
    };
    let query = filters.query(&call.local_time());
    let page = read_page(call, query, (matched.query.integer(AFTER)?, matched.query.integer(BEFORE)?), limit)?;
    let page = page.unwrap_or(CapturePage { rows: Vec::new(), older: None });
    let next = page.older.map(|older| next_link(&matched.query, older));
    let mut reply = reply::with_body(200, reply::JSON, render::stored::entries(&page.rows, next.as_deref()));
    if let Some(next) = next {
        reply::push(&mut reply.headers, "Link", &format!("<{next}>; rel=\"next\""));
    }
    Ok(reply.into())
}

/// Returns the same request for the page that starts before this capture.
fn next_link(query: &Parameters, older: CaptureId) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(query.iter().filter(|(name, _)| *name != BEFORE));
    text.append_pair(BEFORE, &older.to_string());
    format!("/api/v1/events?{}", text.finish())
}

/// Reads the filters among parameters that may also be these others.
fn filters_besides(query: &Parameters, others: &[&str]) -> Result<Filters, Failure> {
    read_filters(query.iter().filter(|(name, _)| !others.contains(name))).map_err(Failure::bad_request)
}

/// Loads the capture that the path names: a number, `last`, an event id or a reference.
pub(super) fn load(call: &mut Call<'_>, matched: &RouteMatch) -> Result<StoredCapture, Failure> {
    load_named(call, matched.parts.first().map(String::as_str).unwrap_or_default())
}

pub(super) fn load_named(call: &mut Call<'_>, name: &str) -> Result<StoredCapture, Failure> {
    let found = call.with_store(|store| match captures::find_named(store, name)?.ids.as_slice() {
        [id] => store.load(*id),
        _ => Ok(None),
    });
    found?.flatten().ok_or_else(|| Failure::not_found(format!("no capture `{name}` in the store")))
}

/// Writes `whtool.capture/1`.
pub(super) fn show(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let record = render::stored::stored_capture(&load(call, matched)?);
    Ok(reply::with_body(200, reply::JSON, record).into())
}

/// Sends the request of a capture as it arrived, as a file.
pub(super) fn raw(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let stored = load(call, matched)?.require_body().map_err(|error| Failure { status: 410, ..error.into() })?;
    let name = format!("whtool-{}.http", stored.summary.id);
    Ok(reply::download(&name, stored_capture::raw_http(stored.request)?.0).into())
}

/// Sends the records of deliveries that match as they arrive.
pub(super) fn stream(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let filters = filters_besides(&matched.query, &[AFTER])?;
    if filters.limit.is_some() {
        return Err(Failure::bad_request("a stream has no `limit`"));
    }
    let place = call.request.headers.get("last-event-id").map(|id| String::from_utf8_lossy(id).into_owned());
    let place = place.or_else(|| matched.query.get(AFTER).map(str::to_owned)).filter(|place| !place.is_empty());
    let filter = filters.query(&call.local_time());
    let cursor = match place {
        Some(place) => known_place(call, StoreCursor(place))?,
        None => newest_place(call)?,
    };
    if call.request.method == "HEAD" {
        return Ok(reply::with_body(200, "text/event-stream; charset=utf-8", Vec::new()).into());
    }
    let request = StreamRequest { filter, cursor, has_jobs: matched.access == Access::Page };
    let parts = call.server.hub.subscribe(request, call.at);
    parts.map(reply::events).ok_or_else(|| Failure::new(503, "the server stops"))
}

/// Returns the place after everything that is in the store.
fn newest_place(call: &mut Call<'_>) -> Result<StoreCursor, Failure> {
    let newest = call.with_store(|store| store.list_newest(&Query { limit: Some(1), ..Query::default() }))?;
    Ok(newest.map(|page| page.cursor).unwrap_or_default())
}

/// Checks a place that a client has sent.
fn known_place(call: &mut Call<'_>, place: StoreCursor) -> Result<StoreCursor, Failure> {
    // Tells a store that can't be read from a place that can't.
    newest_place(call)?;
    let query = Query { limit: Some(1), ..Query::default() };
    match call.with_store(|store| store.list_after(&query, &place)) {
        Ok(_) => Ok(place),
        Err(_) => Err(Failure::bad_request("this is no `id` of the stream of this store")),
    }
}
