//! The pages that start longer work: a check of an app, and a comparison with the provider. Their
//! engines are those of `check` and `reconcile`.

use super::frame::PageFacts;
use super::jobs::{JobSlot, JobView};
use super::pages;
use super::parameters::Parameters;
use super::replays::target;
use super::reply::{self, Failure};
use super::routes::RouteMatch;
use super::server::{Call, UiServer};
use crate::check::CheckReport;
use crate::command::check::{HandlerCheck, check_handler};
use crate::command::reconcile::{CapturedRun, RunProgress, reconcile_captured};
use crate::command::shared::captures::{When, when};
use crate::model::address::Reach;
use crate::model::error::Error;
use crate::model::mask::mask_secrets;
use crate::provider::{self, Provider};
use crate::reconcile::Totals;
use crate::reconcile::report::ReconcileReport;
use crate::render::check::ReportHeader;
use crate::render::page::{self, CheckView, ReconcileView};
use crate::world::HandlerReply;
use serde_json::json;
use url::Url;

pub(super) type CheckSlot = JobSlot<CheckRequest, (usize, usize), (CheckReport, ReportHeader)>;
pub(super) type ReconcileSlot = JobSlot<ReconcileRequest, RunProgress, ReconcileReport>;

pub(super) struct CheckRequest {
    provider: &'static dyn Provider,
    url: Url,
    reach: Reach,
}

pub(super) struct ReconcileRequest {
    since: Option<When>,
    until: Option<When>,
}

/// Shows the check: the form, its progress, or its report.
pub(super) fn check(call: &mut Call<'_>, _matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let facts = PageFacts::new(call.server, call.at);
    let problem = call.server.options.targets.is_empty().then_some(NO_TARGET);
    let state = call.server.check.view();
    let view = match &state {
        JobView::Idle => CheckView::Ready { problem },
        JobView::Running((done, total)) => CheckView::Running { done: *done, total: *total },
        JobView::Done(done) => CheckView::Done(&done.0, &done.1),
        JobView::Failed(why) => CheckView::Failed(why),
    };
    Ok(pages::html(page::check(&facts.frame(), &view)))
}

const NO_TARGET: &str = "No app was named at the start: use `whtool ui --to URL`.";

pub(super) fn start_check(call: &mut Call<'_>, _matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let form = Parameters::read(&call.request.body);
    let provider = form.get("provider").and_then(provider::by_name);
    let provider = provider.ok_or_else(|| Failure::bad_request("`provider` must be plexos or plustive"))?;
    let (url, reach) = target(&call.server.options.targets, &form)?;
    let request = CheckRequest { provider, url: url.clone(), reach };
    if !call.server.check.start(request, (0, 0)) {
        return Err(Failure::new(409, "a check is running already"));
    }
    Ok(reply::see_other("/check").into())
}

/// Runs checks until the server stops.
pub(super) fn run_checks(server: &UiServer<'_>) {
    let work = |CheckRequest { provider, url, reach }: CheckRequest| {
        let is_canceled = || server.check.is_canceled();
        let secrets = server.options.secret_args;
        let check = HandlerCheck { provider, url: &url, reach, secrets, is_canceled: &is_canceled };
        let progress = |done, total| {
            server.check.update((done, total));
            ring(server, &json!({"schema": WORK, "work": "check", "state": "running", "done": done, "total": total}));
        };
        check_handler(&check, &progress, &server.session.muted()).map_err(|error| sentence(&error))
    };
    server.check.run(work, || ring(server, &json!({"schema": WORK, "work": "check", "state": "ended"})));
}

/// Shows the comparison: the form, its progress, or its report.
pub(super) fn reconcile(call: &mut Call<'_>, _matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let facts = PageFacts::new(call.server, call.at);
    let state = call.server.reconcile.view();
    let view = match &state {
        JobView::Idle => ReconcileView::Ready { problem: None },
        JobView::Running(RunProgress { looked_up, total, totals, started }) => {
            ReconcileView::Running { looked_up: *looked_up, total: *total, totals, started: *started }
        }
        JobView::Done(report) => ReconcileView::Done(report),
        JobView::Failed(why) => ReconcileView::Failed(why),
    };
    Ok(pages::html(page::reconcile(&facts.frame(), &view)))
}

/// Starts a comparison of the captured webhooks.
pub(super) fn start_reconcile(call: &mut Call<'_>, _matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let form = Parameters::read(&call.request.body);
    let time = |name: &str| {
        let given = form.get(name).map(str::trim).filter(|text| !text.is_empty() && *text != "now");
        given.map(|text| when(text).map_err(|why| Failure::bad_request(format!("`{name}`: {why}")))).transpose()
    };
    let request = ReconcileRequest { since: time("since")?, until: time("until")? };
    let progress = RunProgress { looked_up: 0, total: None, totals: Totals::default(), started: call.at };
    if !call.server.reconcile.start(request, progress) {
        return Err(Failure::new(409, "a comparison is running already"));
    }
    Ok(reply::see_other("/reconcile").into())
}

/// Ends a comparison early. Its report says so.
pub(super) fn stop_reconcile(call: &mut Call<'_>, _matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    call.server.reconcile.cancel();
    Ok(reply::see_other("/reconcile").into())
}

/// Runs comparisons until the server stops.
pub(super) fn run_reconciles(server: &UiServer<'_>) {
    let work = |ReconcileRequest { since, until }: ReconcileRequest| {
        let run = CapturedRun { since, until, store: server.options.store };
        let progress = |progress: &RunProgress| {
            server.reconcile.update(progress.clone());
            let (done, total) = (progress.looked_up, progress.total);
            ring(
                server,
                &json!({"schema": WORK, "work": "reconcile", "state": "running", "done": done, "total": total}),
            );
            if server.reconcile.is_canceled() { Err(Error::failed("it was stopped on the page")) } else { Ok(()) }
        };
        reconcile_captured(&run, &progress, &server.session.muted()).map_err(|error| sentence(&error))
    };
    server.reconcile.run(work, || ring(server, &json!({"schema": WORK, "work": "reconcile", "state": "ended"})));
}

/// Schema of the records about work.
const WORK: &str = "whtool.work/1";

/// Lets open pages look again.
fn ring(server: &UiServer<'_>, record: &serde_json::Value) {
    server.hub.ring(format!("{record}\n").into_bytes());
}

/// Describes an error in a line.
pub(super) fn sentence(error: &Error) -> String {
    let cause = error.cause().map(|cause| format!(": {cause}")).unwrap_or_default();
    let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    mask_secrets(&format!("{}{cause}{hint}", error.message))
}
