//! Grades a handler's response to a probe.

use super::cause::ProbeCause;
use super::types::ResponseClass::{ClientError, Disconnected, Redirect, ServerError, Success, Timeout, Unreachable};
use super::types::{ProbeGrade, ProbeTopic, ResponseClass};

#[derive(Clone, Debug)]
pub(super) struct Grading {
    pub grade: ProbeGrade,
    pub cause: Option<ProbeCause>,
}

impl Grading {
    pub const PASS: Self = Self { grade: ProbeGrade::Pass, cause: None };
    pub const INFO: Self = Self { grade: ProbeGrade::Info, cause: None };
    pub const SKIPPED: Self = Self { grade: ProbeGrade::Skipped, cause: None };

    pub fn new(grade: ProbeGrade, cause: ProbeCause) -> Self {
        Self { grade, cause: Some(cause) }
    }

    pub fn fail(cause: ProbeCause) -> Self {
        Self::new(ProbeGrade::Fail, cause)
    }

    pub fn is_pass(&self) -> bool {
        self.grade == ProbeGrade::Pass
    }
}

/// Grades the response to a request that must be accepted.
pub(super) fn grade_accept(class: ResponseClass, topic: ProbeTopic, severity: ProbeGrade) -> Grading {
    let cause = ProbeCause::of_response(topic, class);
    match class {
        Success => Grading::PASS,
        ClientError => Grading::new(severity, cause),
        // Servers that limit the body size may close the connection while the body is still being
        // sent.
        Disconnected if topic == ProbeTopic::LargeBody => Grading::new(severity, ProbeCause::LargeBodyRejected),
        Redirect | ServerError | Timeout | Disconnected | Unreachable => Grading::fail(cause),
    }
}

/// Grades the response to a request that must be rejected with 4xx.
pub(super) fn grade_reject(class: ResponseClass, topic: ProbeTopic, severity: ProbeGrade) -> Grading {
    let cause = ProbeCause::of_response(topic, class);
    match class {
        ClientError => Grading::PASS,
        Success => Grading::new(severity, cause),
        Redirect => Grading::new(ProbeGrade::Warn, cause),
        ServerError | Timeout | Disconnected | Unreachable => Grading::fail(cause),
    }
}

/// Grades the response to a request that may be accepted or rejected, as long as it is answered.
pub(super) fn grade_survive(class: ResponseClass, topic: ProbeTopic, severity: ProbeGrade) -> Grading {
    let cause = ProbeCause::of_response(topic, class);
    match class {
        Success | ClientError | Redirect => Grading::PASS,
        ServerError => Grading::new(severity, cause),
        Timeout | Disconnected | Unreachable => Grading::fail(cause),
    }
}

/// Returns the cause if no good event is accepted, by the response to the first one.
pub(super) fn cause_without_baseline(class: ResponseClass, status: Option<u16>) -> ProbeCause {
    match (class, status) {
        (ClientError, Some(404 | 405 | 410)) => ProbeCause::WrongPath,
        (Success | ClientError, _) => ProbeCause::RejectsAll,
        (Redirect, _) => ProbeCause::RedirectsAll,
        (ServerError, _) => ProbeCause::FailsAll,
        (Timeout, _) => ProbeCause::TimesOutAlways,
        (Disconnected | Unreachable, _) => ProbeCause::DisconnectsAlways,
    }
}
