//! The pages for browsers: each collects the values that `render::page` formats.

use super::api;
use super::frame::PageFacts;
use super::parameters::read_filters;
use super::record;
use super::reply::{self, Failure};
use super::routes::RouteMatch;
use super::server::Call;
use crate::command::replay;
use crate::diagnose::frameworks;
use crate::model::exchange::ServerReply;
use crate::model::stored::{CaptureId, DeliverySummary, Query, StoredCapture, StoredDelivery};
use crate::render::page::{self, DetailPart, DetailView, DiffView, FilterName, ListQuery, ListView, RecordView};
use crate::world::HandlerReply;

/// Captures on a page of the list.
const ROWS: u64 = 100;

/// Most captures about the same payment that are shown.
const MAX_RELATED: u64 = 100;

/// Redeems a one-time link.
pub(super) fn login(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let gate = &call.server.gate;
    let is_read_only = call.request.method == "HEAD";
    let cookie = matched.query.get("token").filter(|_| !is_read_only).and_then(|token| gate.redeem(token));
    if let Some(cookie) = cookie {
        let mut reply = reply::see_other("/");
        reply::push(&mut reply.headers, "Set-Cookie", &cookie);
        return Ok(reply.into());
    }
    // The link of a browser that has the cookie already.
    if gate.caller(call.request).is_ok() {
        return Ok(reply::see_other("/").into());
    }
    Err(Failure::new(401, "This link was opened before, or a newer one was made."))
}

/// Sends the style, the script or the icon. The address that pages use names the content, so browsers
/// keep it.
pub(super) fn asset(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let path = call.request.target.split('?').next().unwrap_or_default();
    let asset = page::ASSETS.iter().find(|asset| asset.path == path);
    let asset = asset.ok_or_else(|| Failure::not_found("there is nothing at this path"))?;
    if matched.query.get("v") == Some(asset.version().as_str()) {
        return Ok(reply::cacheable(asset.content_type, asset.body).into());
    }
    Ok(reply::with_body(200, asset.content_type, asset.body).into())
}

/// Shows a page of captures.
pub(super) fn list(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let query = ListQuery::read(&matched.query_text);
    let rows = ListRows::read(call, &query)?;
    let facts = PageFacts::new(call.server, call.at);
    Ok(html(page::list(&facts.frame(), &rows.view(&query, None))))
}

/// The captures of a list, or the reason why there are none.
struct ListRows {
    rows: Vec<DeliverySummary>,
    older: Option<CaptureId>,
    problem: Option<String>,
    is_store_empty: bool,
}

impl ListRows {
    fn read(call: &mut Call<'_>, query: &ListQuery) -> Result<Self, Failure> {
        if let Some(problem) = &query.problem {
            return Ok(Self::with_problem(problem.clone()));
        }
        let is_test = query.values(FilterName::Test).next().is_some().then_some(true);
        let given = query.filters.iter().filter(|(name, _)| *name != FilterName::Test);
        let filters = match read_filters(given.map(|(name, value)| (name.code(), value.as_str()))) {
            Ok(filters) => filters,
            Err(problem) => return Ok(Self::with_problem(problem)),
        };
        let selected = Query { is_test, ..filters.query(&call.local_time()) };
        let page = api::read_page(call, selected, (None, query.before), ROWS)?;
        let (rows, older) = page.map_or((Vec::new(), None), |page| (page.rows, page.older));
        let is_store_empty = rows.is_empty() && is_empty(call)?;
        Ok(Self { rows, older, problem: None, is_store_empty })
    }

    fn with_problem(problem: String) -> Self {
        Self { rows: Vec::new(), older: None, problem: Some(problem), is_store_empty: false }
    }

    fn view<'v>(&'v self, query: &'v ListQuery, selected: Option<CaptureId>) -> ListView<'v> {
        let Self { rows, older, problem, is_store_empty } = self;
        ListView { query, rows, older: *older, selected, problem: problem.clone(), is_store_empty: *is_store_empty }
    }
}

fn is_empty(call: &mut Call<'_>) -> Result<bool, Failure> {
    let newest = call.with_store(|store| store.list(&Query { limit: Some(1), ..Query::default() }))?;
    Ok(newest.is_none_or(|newest| newest.is_empty()))
}

/// Shows a capture, next to the list.
pub(super) fn detail(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let capture = api::load(call, matched)?;
    let summary = summary(&capture).clone();
    let id = summary.id;
    if matched.parts.first() != Some(&id.to_string()) {
        let query = if matched.query_text.is_empty() { String::new() } else { format!("?{}", matched.query_text) };
        return Ok(reply::see_other(&format!("/events/{id}{query}")).into());
    }
    let secrets = call.server.secrets();
    let verification = match &capture {
        StoredCapture::Whole(stored) => Some(call.server.explanations.verify_and_diagnose(stored, &secrets)),
        StoredCapture::WithoutBody(_) => None,
    };
    let can_resign = match &capture {
        StoredCapture::Whole(stored) => replay::can_resign(stored, &secrets, call.at),
        StoredCapture::WithoutBody(_) => false,
    };
    let related = related(call, &summary)?;
    let previous = previous(call, &summary, &related)?;
    let query = ListQuery::read(&matched.query_text);
    let is_pane = matched.query.get("pane").is_some();
    let list = if is_pane { None } else { Some(ListRows::read(call, &query)?) };
    let replays = call.server.replays.of_capture(id);
    let (record, obstacle) = (call.server.records.of_capture(id), record::obstacle(call.server, &summary));
    let facts = PageFacts::new(call.server, call.at);
    let view = DetailView {
        capture: &capture,
        verification: verification.as_ref().map(|(received, findings)| (received, findings.as_slice())),
        related: &related,
        previous,
        replays: &replays,
        record: match (&record, &obstacle) {
            (Some(record), _) => RecordView::Asked(record.as_deref().map_err(String::as_str)),
            (None, Some(obstacle)) => RecordView::Unavailable(obstacle),
            (None, None) => RecordView::NotAsked,
        },
        can_resign,
        part: matched.query.get("part").and_then(DetailPart::from_code).unwrap_or(DetailPart::Payload),
        framework: matched.query.get("framework").and_then(frameworks::find),
        editing: matched.query.get("edit").is_some(),
    };
    let list = list.as_ref().map(|list| list.view(&query, Some(id)));
    Ok(html(page::detail(&facts.frame(), &view, list.as_ref())))
}

fn summary(capture: &StoredCapture) -> &DeliverySummary {
    match capture {
        StoredCapture::Whole(stored) => &stored.summary,
        StoredCapture::WithoutBody(stored) => &stored.summary,
    }
}

/// Returns the captures about the same payment or purchase, oldest first.
fn related(call: &mut Call<'_>, summary: &DeliverySummary) -> Result<Vec<DeliverySummary>, Failure> {
    let Some(reference) = summary.subject.clone().or_else(|| summary.event_id.clone()) else {
        return Ok(vec![summary.clone()]);
    };
    let query = Query {
        reference: Some(reference),
        provider: summary.provider.clone(),
        limit: Some(MAX_RELATED),
        ..Query::default()
    };
    Ok(call.with_store(|store| store.list(&query))?.unwrap_or_default())
}

/// Returns the capture to compare with: the one before of the same payment, or of the same type.
fn previous(
    call: &mut Call<'_>,
    summary: &DeliverySummary,
    related: &[DeliverySummary],
) -> Result<Option<CaptureId>, Failure> {
    if let Some(before) = related.iter().rev().find(|other| other.id < summary.id) {
        return Ok(Some(before.id));
    }
    let query = Query {
        ids: Some(0..=summary.id.0 - 1),
        provider: summary.provider.clone(),
        kinds: summary.kind.iter().cloned().collect(),
        limit: Some(1),
        ..Query::default()
    };
    let before = call.with_store(|store| store.list(&query))?.unwrap_or_default();
    Ok(before.last().map(|before| before.id))
}

/// Compares a capture with another one.
pub(super) fn diff(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let [new, old] = matched.parts.as_slice() else { return Err(Failure::not_found("there is nothing at this path")) };
    let (new, old) = (load_whole(call, new)?, load_whole(call, old)?);
    let related = related(call, &new.summary)?;
    let facts = PageFacts::new(call.server, call.at);
    Ok(html(page::diff(
        &facts.frame(),
        &DiffView { old: &old, new: &new, related: &related, query: &ListQuery::read(&matched.query_text) },
    )))
}

pub(super) fn load_whole(call: &mut Call<'_>, name: &str) -> Result<StoredDelivery, Failure> {
    let stored = api::load_named(call, name)?;
    stored.require_body().map_err(|error| Failure { status: 410, ..error.into() })
}

/// Makes the page for a request that failed.
pub(super) fn failed(failure: &Failure) -> ServerReply {
    let Failure { status, text, hint } = failure;
    let title = match status {
        400 => "This request makes no sense",
        401 => return reply::with_body(401, reply::HTML, page::login(Some(text))),
        403 => "This request is refused",
        404 => "Nothing here",
        405 => "This is not possible here",
        _ => "This did not work",
    };
    reply::with_body(*status, reply::HTML, page::error(*status, title, text, hint.as_deref().unwrap_or_default()))
}

pub(super) fn html(page: String) -> HandlerReply {
    reply::with_body(200, reply::HTML, page).into()
}
