//! Runs probes that count side effects: the same event twice in a row, twice at the same time, and
//! with a wrong amount.

use super::state::{NOT_APPLICABLE, ProbeRunner};
use crate::check::cause::ProbeCause;
use crate::check::grading::{Grading, grade_accept, grade_survive};
use crate::check::probe::{BuildRequests, Probe};
use crate::check::report::ProbeResult;
use crate::check::types::{ProbeExchange, ProbeGrade, ResponseClass};
use crate::model::error::Result;

impl ProbeRunner<'_> {
    pub fn run_concurrent(&mut self, probe: &Probe, build: &BuildRequests) -> Result<ProbeResult> {
        let before = self.client.effects()?;
        let Some(draft) = build(&mut self.request_builder()).into_iter().next() else {
            return Ok(ProbeResult::skipped(probe, NOT_APPLICABLE));
        };
        let exchanges = self.send_together(vec![draft.clone(), draft], self.timeout())?;
        let classes = exchanges.iter().map(|exchange| exchange.response.class()).enumerate();
        let worst = classes.max_by_key(|(_, class)| severity_rank(*class));
        let (worst, class) = worst.unwrap_or((0, ResponseClass::Disconnected));
        let grading = grade_accept(class, probe.topic, ProbeGrade::Warn);
        if grading.is_pass() {
            return self.grade_effects(probe, before, exchanges);
        }
        let responses: Vec<_> = exchanges.iter().map(|exchange| exchange.response.describe()).collect();
        let summary = format!("{}; expected 2xx for both", responses.join(" and "));
        self.check_alive(probe, ProbeResult::new(probe, grading, summary, exchanges).shown_by(worst))
    }

    pub fn run_repeated(&mut self, probe: &Probe, build: &BuildRequests) -> Result<ProbeResult> {
        let Some(before) = self.client.effects()? else {
            return Ok(ProbeResult::skipped(probe, "side effects not counted (see --effects)"));
        };
        let Some(draft) = build(&mut self.request_builder()).into_iter().next() else {
            return Ok(ProbeResult::skipped(probe, NOT_APPLICABLE));
        };
        let mut exchanges = Vec::new();
        for draft in [draft.clone(), draft] {
            let exchange = self.send_one(draft)?;
            let grading = grade_accept(exchange.response.class(), probe.topic, probe.severity);
            let summary = exchange.response.describe();
            exchanges.push(exchange);
            if !grading.is_pass() {
                return self.check_alive(probe, ProbeResult::new(probe, grading, summary, exchanges));
            }
        }
        self.grade_effects(probe, Some(before), exchanges)
    }

    /// Grades two accepted deliveries of one event by how often it was processed.
    fn grade_effects(
        &mut self,
        probe: &Probe,
        before: Option<i64>,
        exchanges: Vec<ProbeExchange>,
    ) -> Result<ProbeResult> {
        let (Some(before), Some(after)) = (before, self.client.effects()?) else {
            return Ok(ProbeResult::new(probe, Grading::PASS, "both accepted", exchanges));
        };
        let (grading, effects) = match after.saturating_sub(before) {
            1 => (Grading::PASS, "processed once".to_owned()),
            0 => (
                Grading::SKIPPED,
                "not processed: the handler may need an order that it knows, or --effects counts something else"
                    .to_owned(),
            ),
            ..0 => (Grading::SKIPPED, "the number of effects went down: --effects counts something else".to_owned()),
            times => (Grading::fail(ProbeCause::ProcessedTwice), format!("processed {times} times")),
        };
        Ok(ProbeResult::new(probe, grading, format!("both accepted; {effects}"), exchanges))
    }

    pub fn run_wrong_amount(&mut self, probe: &Probe, build: &BuildRequests) -> Result<ProbeResult> {
        let before = self.client.effects()?;
        let Some(exchange) = self.send_single(build)? else { return Ok(ProbeResult::skipped(probe, NOT_APPLICABLE)) };
        let response = exchange.response.describe();
        let grading = grade_survive(exchange.response.class(), probe.topic, probe.severity);
        if !grading.is_pass() {
            return self.check_alive(probe, ProbeResult::new(probe, grading, response, vec![exchange]));
        }
        let (grading, meaning) = match (before, self.client.effects()?) {
            (Some(before), Some(after)) if after > before => {
                (Grading::new(ProbeGrade::Warn, ProbeCause::AmountIgnored), "processed")
            }
            (Some(_), Some(_)) => (Grading::PASS, "not processed"),
            _ => (Grading::INFO, "no response tells whether it checks the amount (see --effects)"),
        };
        Ok(ProbeResult::new(probe, grading, format!("{response}; {meaning}"), vec![exchange]))
    }
}

fn severity_rank(class: ResponseClass) -> u8 {
    match class {
        ResponseClass::Success => 0,
        ResponseClass::ClientError => 1,
        ResponseClass::Redirect => 2,
        ResponseClass::ServerError => 3,
        ResponseClass::Disconnected | ResponseClass::Unreachable | ResponseClass::Timeout => 4,
    }
}
