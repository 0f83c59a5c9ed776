//! Grades a handler's response to a probe.

use super::cause::ProbeCause;
use super::refusal::Refusal;
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
pub(super) fn cause_without_baseline(class: ResponseClass, status: Option<u16>, refusal: Refusal) -> ProbeCause {
    match (class, status) {
        (ClientError, Some(404 | 405 | 410)) => ProbeCause::WrongPath,
        (Success | ClientError, _) => ProbeCause::RejectsAll(refusal),
        (Redirect, _) => ProbeCause::RedirectsAll,
        (ServerError, _) => ProbeCause::FailsAll(refusal),
        (Timeout, _) => ProbeCause::TimesOutAlways,
        (Disconnected | Unreachable, _) => ProbeCause::DisconnectsAlways,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::refusal::LikelyReason;
    /// Grade and cause: `-` pass, `F` fail, `W` warn, `I` info.
    fn grades(
        grade: fn(ResponseClass, ProbeTopic, ProbeGrade) -> Grading,
        topic: ProbeTopic,
        severity: ProbeGrade,
    ) -> String {
        let classes = [Success, Redirect, ClientError, ServerError, Timeout, Disconnected, Unreachable];
        let letter = |class| match grade(class, topic, severity).grade {
            ProbeGrade::Pass => '-',
            ProbeGrade::Info => 'I',
            ProbeGrade::Skipped => 'S',
            ProbeGrade::Warn => 'W',
            ProbeGrade::Fail => 'F',
        };
        classes.into_iter().map(letter).collect()
    }

    #[test]
    fn each_response_has_its_grade_and_only_the_expected_mistake_has_the_severity_of_the_probe() {
        use ProbeGrade::{Fail, Info, Warn};
        // In the order of `grades`: 2xx, 3xx, 4xx, 5xx, timeout, disconnected, unreachable.
        for (grade, topic, severity, expected) in [
            (grade_accept as fn(_, _, _) -> _, ProbeTopic::Event, Fail, "-FFFFFF"),
            (grade_accept, ProbeTopic::HexCase, Warn, "-FWFFFF"),
            (grade_accept, ProbeTopic::LargeBody, Info, "-FIFFIF"),
            (grade_reject, ProbeTopic::ForgedSignature, Fail, "FW-FFFF"),
            (grade_reject, ProbeTopic::FutureTimestamp, Warn, "WW-FFFF"),
            (grade_survive, ProbeTopic::InvalidPayload, Fail, "---FFFF"),
            (grade_survive, ProbeTopic::Undocumented, Warn, "---WFFF"),
        ] {
            assert_eq!(grades(grade, topic, severity), expected, "{topic:?} {severity:?}");
        }
    }

    #[test]
    fn a_pass_has_no_cause_and_everything_else_has_one() {
        for class in [Success, Redirect, ClientError, ServerError, Timeout, Disconnected, Unreachable] {
            for grade in [grade_accept, grade_reject, grade_survive] {
                let grading = grade(class, ProbeTopic::ForgedSignature, ProbeGrade::Fail);
                assert_eq!(grading.cause.is_none(), grading.is_pass(), "{class:?}");
            }
        }
        let too_large = grade_accept(Disconnected, ProbeTopic::LargeBody, ProbeGrade::Warn);
        assert_eq!(too_large.cause, Some(ProbeCause::LargeBodyRejected));
        let closed = grade_accept(Disconnected, ProbeTopic::Event, ProbeGrade::Warn);
        assert_eq!(closed.cause, Some(ProbeCause::Disconnected));
    }

    #[test]
    fn a_handler_that_accepts_nothing_has_one_cause() {
        let refusal = Refusal { reason: LikelyReason::Time, tried: 7, is_incomplete: false };
        for (class, status, cause) in [
            (ClientError, Some(404), ProbeCause::WrongPath),
            (ClientError, Some(405), ProbeCause::WrongPath),
            (ClientError, Some(410), ProbeCause::WrongPath),
            (ClientError, Some(401), ProbeCause::RejectsAll(refusal)),
            (ClientError, Some(403), ProbeCause::RejectsAll(refusal)),
            (ClientError, None, ProbeCause::RejectsAll(refusal)),
            (Redirect, Some(301), ProbeCause::RedirectsAll),
            // 404 means nothing here: it is not the status of this response.
            (ServerError, Some(404), ProbeCause::FailsAll(refusal)),
            (Timeout, None, ProbeCause::TimesOutAlways),
            (Disconnected, None, ProbeCause::DisconnectsAlways),
            (Unreachable, None, ProbeCause::DisconnectsAlways),
        ] {
            assert_eq!(cause_without_baseline(class, status, refusal), cause, "{class:?} {status:?}");
        }
    }
}
