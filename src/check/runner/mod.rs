//! Runs the probes: sends their requests to the handler, one probe after the other, and grades the
//! responses.
//!
//! A handler that accepts no good event, accepts everything or stops is one problem: probes that
//! depend on it are skipped. `state` sends requests and keeps what was learned; the other modules
//! run one kind of probe each.

mod clock;
mod effects;
mod raw_body;
mod refusal;
mod single;
mod start;
mod state;
mod tolerance;

use super::baseline::Baseline;
use super::cause::ProbeCause;
use super::grading::Grading;
use super::plan::CheckPlan;
use super::probe::{Probe, ProbeKind};
use super::probes::probes;
use super::report::{CheckReport, ProbeResult};
use super::types::{HandlerClient, ProbeExchange, ProbeGroup};
use crate::model::error::Result;
use state::{ProbeRunner, ResponseStats};

/// Too Many Requests (RFC 6585).
const TOO_MANY_REQUESTS: u16 = 429;

/// Runs the selected probes. Calls `on_result` after each.
pub fn run(plan: &CheckPlan, client: &mut dyn HandlerClient, on_result: &mut dyn FnMut()) -> Result<CheckReport> {
    let mut runner = ProbeRunner {
        plan,
        client,
        baseline: Baseline::candidates(plan.provider).swap_remove(0),
        baseline_description: None,
        stopped: None,
        verifies_signatures: true,
        observations: Vec::new(),
        stats: ResponseStats::default(),
    };
    let mut results = Vec::new();
    for probe in probes(plan.provider).iter().filter(|probe| plan.selection.includes(probe)) {
        let result = run_probe(&mut runner, probe)?;
        results.push(check_rate_limit(&mut runner, probe, result));
        on_result();
    }
    raw_body::attribute_rejections(&mut results, &runner.observations);
    Ok(CheckReport { results, baseline: runner.baseline_description, framework: runner.stats.framework })
}

fn run_probe(runner: &mut ProbeRunner<'_>, probe: &Probe) -> Result<ProbeResult> {
    if let Some(reason) = runner.stopped {
        return Ok(ProbeResult::skipped(probe, reason));
    }
    if !runner.verifies_signatures && matches!(probe.group, ProbeGroup::Refuse | ProbeGroup::Raw) {
        return Ok(ProbeResult::skipped(probe, "signatures are not verified"));
    }
    match &probe.kind {
        ProbeKind::Baseline => runner.find_baseline(probe),
        ProbeKind::RejectsAnything => runner.run_rejects_anything(probe),
        ProbeKind::Accept(build) => runner.run_accept(probe, build),
        ProbeKind::Aged(seconds) => runner.run_aged(probe, *seconds),
        ProbeKind::Refuse(build) => runner.run_refuse(probe, build),
        ProbeKind::RawBody(build) => runner.run_raw_body(probe, build),
        ProbeKind::Survive(build) => runner.run_survive(probe, build),
        ProbeKind::Concurrent(build) => runner.run_concurrent(probe, build),
        ProbeKind::Repeated(build) => runner.run_repeated(probe, build),
        ProbeKind::WrongAmount(build) => runner.run_wrong_amount(probe, build),
        ProbeKind::Undocumented(build, meanings) => runner.run_undocumented(probe, build, meanings),
        ProbeKind::ResponseTime => Ok(runner.response_time(probe)),
    }
}

/// Stops the check if the handler limits the request rate: its other responses would then say
/// nothing about the requests.
fn check_rate_limit(runner: &mut ProbeRunner<'_>, probe: &Probe, result: ProbeResult) -> ProbeResult {
    let is_limited = |exchange: &ProbeExchange| exchange.response.status() == Some(TOO_MANY_REQUESTS);
    let Some(at) = result.exchanges.iter().position(is_limited) else { return result };
    runner.stopped = Some("the handler limits the request rate");
    let summary = format!("answered {TOO_MANY_REQUESTS} after {} accepted events", runner.stats.accepted);
    ProbeResult::new(probe, Grading::fail(ProbeCause::RateLimited), summary, result.exchanges).shown_by(at)
}
