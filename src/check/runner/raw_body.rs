//! Runs probes with unusual JSON formatting. A rejection counts only if an equivalent body is
//! accepted; all observations together name the serializer that the handler uses.

use super::state::{NOT_APPLICABLE, ProbeRunner, observation};
use crate::check::body_transform::{BodyObservation, BodyTransform, consistent_transforms, equivalent_bodies};
use crate::check::cause::ProbeCause;
use crate::check::grading::{Grading, grade_accept};
use crate::check::probe::{BuildRequests, Probe};
use crate::check::report::ProbeResult;
use crate::check::types::{ProbeExchange, ProbeGrade, ProbeTopic, ResponseClass};
use crate::model::error::Result;

/// Maximum number of equivalent bodies to try after a rejection.
const MAX_EQUIVALENTS: usize = 6;

impl ProbeRunner<'_> {
    pub fn run_raw_body(&mut self, probe: &Probe, build: &BuildRequests) -> Result<ProbeResult> {
        let Some(exchange) = self.send_single(build)? else { return Ok(ProbeResult::skipped(probe, NOT_APPLICABLE)) };
        let class = exchange.response.class();
        match class {
            ResponseClass::Success => {
                self.observations.push(observation(&exchange));
                Ok(ProbeResult::new(probe, Grading::PASS, "accepted", vec![exchange]))
            }
            ResponseClass::ClientError | ResponseClass::ServerError => self.try_equivalents(probe, exchange),
            _ => {
                let grading = grade_accept(class, ProbeTopic::Event, ProbeGrade::Fail);
                let summary = format!("{}; expected 2xx", exchange.response.describe());
                self.check_alive(probe, ProbeResult::new(probe, grading, summary, vec![exchange]))
            }
        }
    }

    /// Sends the same JSON values in other formats, to tell a handler that re-serializes from one
    /// that rejects the values.
    fn try_equivalents(&mut self, probe: &Probe, rejected: ProbeExchange) -> Result<ProbeResult> {
        let response = rejected.response.describe();
        let mut observations = vec![observation(&rejected)];
        for body in equivalent_bodies(&rejected.request.body, &self.observations, MAX_EQUIVALENTS) {
            let draft = self.request_builder().sign_body(body);
            let equivalent = self.send_one(draft)?;
            observations.push(observation(&equivalent));
            if equivalent.response.is_success() {
                self.observations.append(&mut observations);
                let grading = Grading::fail(ProbeCause::BodyRewritten(Vec::new()));
                let summary = format!("{response}; the same values in another format were accepted");
                return Ok(ProbeResult::new(probe, grading, summary, vec![rejected, equivalent]).shown_by(0));
            }
        }
        let grading = Grading::new(ProbeGrade::Info, ProbeCause::ValuesRejected);
        let summary = format!("{response}, and to the same values in other formats");
        Ok(ProbeResult::new(probe, grading, summary, vec![rejected]))
    }
}

/// Names the transformations that explain all observations, and makes them the cause of every
/// rejection that they explain.
pub(super) fn attribute_rejections(results: &mut [ProbeResult], observations: &[BodyObservation]) {
    if observations.iter().all(|observation| observation.accepted) {
        return;
    }
    let mut transforms = consistent_transforms(observations);
    let changes = |transform: &BodyTransform, exchange: &ProbeExchange| {
        let body = &exchange.request.body;
        transform.apply(body).is_none_or(|changed| changed != *body)
    };
    let mut explained = Vec::new();
    for (index, result) in results.iter().enumerate() {
        let is_rejection = matches!(
            result.cause,
            Some(
                ProbeCause::EventRejected
                    | ProbeCause::EventCrash
                    | ProbeCause::LargeBodyRejected
                    | ProbeCause::OrderRejected
            )
        );
        let Some(exchange) = result.exchange().filter(|_| is_rejection) else { continue };
        // A rejected event narrows the candidates further: to those that omit nulls, for example.
        if transforms.iter().any(|transform| changes(transform, exchange)) {
            transforms.retain(|transform| changes(transform, exchange));
            explained.push(index);
        }
    }
    for (index, result) in results.iter_mut().enumerate() {
        if explained.contains(&index) || matches!(result.cause, Some(ProbeCause::BodyRewritten(_))) {
            result.cause = Some(ProbeCause::BodyRewritten(transforms.clone()));
        }
    }
}
