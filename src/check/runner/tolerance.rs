//! Sends events that were signed some time ago, and measures the tolerance of a handler that rejects
//! them.
//!
//! Timestamps are whole seconds, so the age of an event grows by up to a second while the clock
//! shows the same one. Small ages are therefore tested at the start of a second, and a request
//! during which the second changed is sent again. So the same handler always gets the same result.

use super::state::ProbeRunner;
use crate::check::cause::{MeasuredTolerance, ProbeCause};
use crate::check::grading::{Grading, grade_accept};
use crate::check::probe::Probe;
use crate::check::report::ProbeResult;
use crate::check::types::{ProbeExchange, ProbeGrade, ResponseClass};
use crate::model::error::Result;
use std::time::Duration;

/// Ages up to this many seconds are tested at the start of a second.
const ALIGNED_SECONDS: i64 = 2;
/// With a smaller tolerance, it is left to chance whether a fresh event is accepted.
const MIN_RELIABLE_SECONDS: i64 = 2;
/// Number of attempts to send a request within one second of the clock.
const SAME_SECOND_ATTEMPTS: usize = 3;

impl ProbeRunner<'_> {
    /// Sends an event that was signed some seconds ago. Measures the tolerance if it is rejected
    /// although a fresh one is accepted.
    pub fn run_aged(&mut self, probe: &Probe, seconds: i64) -> Result<ProbeResult> {
        let aged = self.send_aged_event(seconds)?;
        let class = aged.response.class();
        let is_rejection = matches!(class, ResponseClass::ClientError | ResponseClass::ServerError);
        let response = aged.response.describe();
        if !is_rejection || !self.send_aged_event(0)?.response.is_success() {
            let grading = grade_accept(class, probe.topic, probe.severity);
            let summary = if grading.is_pass() { "accepted".to_owned() } else { format!("{response}; expected 2xx") };
            return self.check_alive(probe, ProbeResult::new(probe, grading, summary, vec![aged]));
        }
        let tolerance = self.measure_tolerance(seconds)?;
        if tolerance.accepted < MIN_RELIABLE_SECONDS {
            self.stopped = Some("the handler's tolerance is too small to test anything else");
        }
        let summary = format!(
            "{response} to an event signed {seconds} s ago; accepted {} s after signing, rejected after {} s",
            tolerance.accepted, tolerance.rejected
        );
        let grading = Grading::new(ProbeGrade::Fail, ProbeCause::ToleranceTooSmall(tolerance));
        Ok(ProbeResult::new(probe, grading, summary, vec![aged]))
    }

    /// Bisects the ages between a fresh event, which is accepted, and this age, which is rejected.
    fn measure_tolerance(&mut self, mut rejected: i64) -> Result<MeasuredTolerance> {
        let mut accepted = 0;
        while rejected - accepted > 1 {
            let middle = accepted + (rejected - accepted) / 2;
            if self.send_aged_event(middle)?.response.is_success() {
                accepted = middle;
            } else {
                rejected = middle;
            }
        }
        Ok(MeasuredTolerance { accepted, rejected })
    }

    /// Sends an event whose timestamp is this many seconds before the current one, and sends it
    /// again if the second changed meanwhile.
    pub fn send_aged_event(&mut self, seconds: i64) -> Result<ProbeExchange> {
        let (mut exchange, mut is_same_second) = self.try_aged_event(seconds)?;
        for _ in 1..SAME_SECOND_ATTEMPTS {
            if is_same_second {
                break;
            }
            (exchange, is_same_second) = self.try_aged_event(seconds)?;
        }
        Ok(exchange)
    }

    /// Returns also whether the request was signed and answered in the same second.
    fn try_aged_event(&mut self, seconds: i64) -> Result<(ProbeExchange, bool)> {
        if seconds.abs() <= ALIGNED_SECONDS {
            self.wait_for_next_second()?;
        }
        let mut builder = self.request_builder();
        let (signed, body) = (builder.now.as_second(), builder.signed_event().body);
        let draft = builder.sign_body_at(&builder.timestamp_in(-seconds), body);
        let exchange = self.send_one(draft)?;
        Ok((exchange, self.client.now().as_second() == signed))
    }

    pub fn wait_for_next_second(&mut self) -> Result<()> {
        let elapsed = self.client.now().subsec_nanosecond().unsigned_abs();
        self.client.wait(Duration::from_secs(1).saturating_sub(Duration::from_nanos(elapsed.into())))
    }
}
