//! Runs probes whose requests are graded by their own responses.

use super::state::{NOT_APPLICABLE, ProbeRunner, ResponseStats};
use crate::check::grading::{Grading, grade_accept, grade_reject, grade_survive};
use crate::check::probe::{BuildRequests, Probe};
use crate::check::report::ProbeResult;
use crate::check::types::{ProbeGrade, ResponseClass};
use crate::model::error::Result;

impl ProbeRunner<'_> {
    pub fn run_accept(&mut self, probe: &Probe, build: &BuildRequests) -> Result<ProbeResult> {
        let mut exchanges = Vec::new();
        for draft in build(&mut self.request_builder()) {
            let exchange = self.send_one(draft)?;
            let grading = grade_accept(exchange.response.class(), probe.topic, probe.severity);
            let summary = format!("{}; expected 2xx", exchange.response.describe());
            exchanges.push(exchange);
            if !grading.is_pass() {
                return self.check_alive(probe, ProbeResult::new(probe, grading, summary, exchanges));
            }
        }
        Ok(ProbeResult::new(probe, Grading::PASS, "accepted", exchanges))
    }

    pub fn run_refuse(&mut self, probe: &Probe, build: &BuildRequests) -> Result<ProbeResult> {
        let Some(exchange) = self.send_single(build)? else { return Ok(ProbeResult::skipped(probe, NOT_APPLICABLE)) };
        let grading = grade_reject(exchange.response.class(), probe.topic, probe.severity);
        let response = exchange.response.describe();
        let summary = if grading.is_pass() { response } else { format!("{response}; expected 4xx") };
        self.check_alive(probe, ProbeResult::new(probe, grading, summary, vec![exchange]))
    }

    pub fn run_survive(&mut self, probe: &Probe, build: &BuildRequests) -> Result<ProbeResult> {
        let Some(malformed) = self.send_single(build)? else { return Ok(ProbeResult::skipped(probe, NOT_APPLICABLE)) };
        let grading = grade_survive(malformed.response.class(), probe.topic, probe.severity);
        let good = self.send_good_event()?;
        if !good.response.is_success() {
            return self.handler_died(probe, malformed, good);
        }
        let summary = format!("{}; the next good event was accepted", malformed.response.describe());
        Ok(ProbeResult::new(probe, grading, summary, vec![malformed, good]).shown_by(0))
    }

    pub fn run_undocumented(
        &mut self,
        probe: &Probe,
        build: &BuildRequests,
        [accepted, rejected]: &[&'static str; 2],
    ) -> Result<ProbeResult> {
        let Some(exchange) = self.send_single(build)? else { return Ok(ProbeResult::skipped(probe, NOT_APPLICABLE)) };
        let class = exchange.response.class();
        let (grading, meaning) = match class {
            ResponseClass::Success => (Grading::INFO, *accepted),
            ResponseClass::ClientError | ResponseClass::Redirect => (Grading::INFO, *rejected),
            _ => (grade_survive(class, probe.topic, ProbeGrade::Warn), "expected 2xx or 4xx"),
        };
        let summary = format!("{}: {meaning}", exchange.response.describe());
        self.check_alive(probe, ProbeResult::new(probe, grading, summary, vec![exchange]))
    }

    pub fn response_time(&self, probe: &Probe) -> ProbeResult {
        let ResponseStats { accepted, slowest, .. } = self.stats;
        let summary = format!("slowest of {accepted} accepted events: {:.0} ms", slowest.as_secs_f64() * 1e3);
        ProbeResult::new(probe, Grading::PASS, summary, Vec::new())
    }
}
