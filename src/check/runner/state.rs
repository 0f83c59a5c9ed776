//! State of a running check: what was learned about the handler so far, and how requests are sent
//! to it.

use crate::check::baseline::Baseline;
use crate::check::body_transform::BodyObservation;
use crate::check::cause::ProbeCause;
use crate::check::framework;
use crate::check::grading::Grading;
use crate::check::plan::CheckPlan;
use crate::check::probe::{BuildRequests, Probe};
use crate::check::report::ProbeResult;
use crate::check::request_builder::{RequestBuilder, RequestDraft};
use crate::check::types::{HandlerClient, HandlerResponse, ProbeExchange, ResponseClass};
use crate::diagnose::frameworks::Framework;
use crate::model::error::{Error, Result};
use std::time::Duration;

/// Number of timeouts after which the timeout is shortened: a handler that hangs on every malformed
/// request would take minutes otherwise.
const TIMEOUTS_BEFORE_SHORTENING: u32 = 3;
/// The shortened timeout, as a multiple of the slowest successful response.
const SHORTENED_TIMEOUT_FACTOR: u32 = 20;
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(500);

pub(super) const NOT_APPLICABLE: &str = "does not apply to this secret";

pub(super) struct ProbeRunner<'a> {
    pub plan: &'a CheckPlan,
    pub client: &'a mut dyn HandlerClient,
    /// The request format that the handler accepts.
    pub baseline: Baseline,
    /// Differences from the documented format. `None` if there are none.
    pub baseline_description: Option<String>,
    /// Reason why no more probes are run.
    pub stopped: Option<&'static str>,
    pub verifies_signatures: bool,
    pub observations: Vec<BodyObservation>,
    pub stats: ResponseStats,
}

#[derive(Default)]
pub(super) struct ResponseStats {
    pub accepted: u32,
    timeouts: u32,
    /// Response time of the slowest accepted event.
    pub slowest: Duration,
    pub framework: Option<&'static Framework>,
}

impl ResponseStats {
    fn record(&mut self, response: &HandlerResponse) {
        self.timeouts += u32::from(response.class() == ResponseClass::Timeout);
        let Ok(answer) = &response.answer else { return };
        self.framework = self.framework.or_else(|| framework::detect(answer));
        if response.is_success() {
            self.accepted += 1;
            self.slowest = self.slowest.max(response.took);
        }
    }
}

impl ProbeRunner<'_> {
    pub fn request_builder(&mut self) -> RequestBuilder<'_> {
        let CheckPlan { provider, key, .. } = self.plan;
        let now = self.client.now();
        RequestBuilder { provider: *provider, key, baseline: &self.baseline, now, client: &mut *self.client }
    }

    pub fn send_good_event(&mut self) -> Result<ProbeExchange> {
        self.send_good_event_within(self.timeout())
    }

    pub fn send_good_event_within(&mut self, timeout: Duration) -> Result<ProbeExchange> {
        let draft = self.request_builder().signed_event();
        self.send_within(draft, timeout)
    }

    pub fn send_one(&mut self, draft: RequestDraft) -> Result<ProbeExchange> {
        self.send_within(draft, self.timeout())
    }

    /// Builds and sends a probe's only request. `None` if the probe does not apply.
    pub fn send_single(&mut self, build: &BuildRequests) -> Result<Option<ProbeExchange>> {
        let draft = build(&mut self.request_builder()).into_iter().next();
        draft.map(|draft| self.send_one(draft)).transpose()
    }

    pub fn send_together(&mut self, drafts: Vec<RequestDraft>, timeout: Duration) -> Result<Vec<ProbeExchange>> {
        let requests: Result<Vec<_>, _> = drafts.into_iter().map(|draft| draft.into_request(&self.plan.url)).collect();
        let requests = requests.map_err(|error| Error::failed("can't build a request").because(error))?;
        let responses = self.client.send(&requests, timeout)?;
        responses.iter().for_each(|response| self.stats.record(response));
        let exchanges = requests.into_iter().zip(responses);
        Ok(exchanges.map(|(request, response)| ProbeExchange { request, response }).collect())
    }

    fn send_within(&mut self, draft: RequestDraft, timeout: Duration) -> Result<ProbeExchange> {
        let exchange = self.send_together(vec![draft], timeout)?.pop();
        exchange.ok_or_else(|| Error::failed("a request was sent, but its result is unknown"))
    }

    /// Returns the response timeout: the budget, or less if several requests timed out although
    /// others were answered fast.
    pub fn timeout(&self) -> Duration {
        let ResponseStats { slowest, accepted, timeouts, .. } = self.stats;
        let shortened = (slowest * SHORTENED_TIMEOUT_FACTOR).max(SHORTEST_TIMEOUT);
        let is_shortened = timeouts > TIMEOUTS_BEFORE_SHORTENING && accepted > 0;
        if is_shortened { shortened.min(self.plan.budget) } else { self.plan.budget }
    }

    /// Checks that the handler still accepts good events if the connection was closed. If not,
    /// returns that instead.
    pub fn check_alive(&mut self, probe: &Probe, result: ProbeResult) -> Result<ProbeResult> {
        let is_closed = |exchange: &&ProbeExchange| {
            matches!(exchange.response.class(), ResponseClass::Disconnected | ResponseClass::Unreachable)
        };
        let Some(last) = result.exchange().filter(is_closed).cloned() else { return Ok(result) };
        let good = self.send_good_event()?;
        if good.response.is_success() { Ok(result) } else { self.handler_died(probe, last, good) }
    }

    /// Returns the result of a probe after which a good event was not accepted.
    pub fn handler_died(&mut self, probe: &Probe, last: ProbeExchange, good: ProbeExchange) -> Result<ProbeResult> {
        let summary = format!("{}; then, to a good event: {}", last.response.describe(), good.response.describe());
        // A process that is about to end may still accept a connection.
        let is_closed = good.response.class() == ResponseClass::Disconnected;
        let is_back = is_closed && self.send_good_event()?.response.is_success();
        if !is_back && good.response.status().is_none() {
            self.stopped = Some("the handler stopped during an earlier probe");
        }
        let grading = Grading::fail(ProbeCause::HandlerDied);
        Ok(ProbeResult::new(probe, grading, summary, vec![last, good]).shown_by(0))
    }
}

pub(super) fn observation(exchange: &ProbeExchange) -> BodyObservation {
    BodyObservation { body: exchange.request.body.clone(), accepted: exchange.response.is_success() }
}
