//! Causes: what is wrong with a handler. One cause explains all the probes that show it.
//!
//! Codes, sentences and fixes are in `cause_text`; fixes for a framework are in `framework`.

use super::body_transform::BodyTransform;
use super::refusal::{LikelyReason, Refusal};
use super::types::ProbeTopic::{
    AgedTimestamp, ChangedTimestamp, ConcurrentDuplicate, Duplicate, Event, EventOrder, ForgedSignature,
    FutureTimestamp, HeaderNameCase, HexCase, InvalidPayload, InvalidTimestamp, LargeBody, MalformedSignature,
    MissingSignature, MissingTimestamp, SignatureFormat, StaleTimestamp, Undocumented,
};
use super::types::{ProbeTopic, ResponseClass};
use crate::diagnose::{Cause, Confidence};

/// The border between the ages that a handler accepts and those that it rejects, in whole seconds
/// before the second of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasuredTolerance {
    pub accepted: i64,
    pub rejected: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeCause {
    /// The route does not exist (404, 405 or 410).
    WrongPath,
    RejectsAll(Refusal),
    FailsAll(Refusal),
    /// The handler finds the signature correct, and rejects the event nevertheless.
    RejectsVerified,
    FailsVerified,
    /// An event that is signed with these mistakes gets another response than a forged one.
    VerifiesWrongly {
        causes: Vec<Cause>,
        is_accepted: bool,
    },
    TimesOutAlways,
    DisconnectsAlways,
    RedirectsAll,
    Slow,
    /// Forged requests are accepted, too.
    NotVerified,
    ForgeryAccepted,
    CrashOnMalformedSignature,
    CrashOnMissingSignature,
    CrashOnForgery,
    CrashOnTimestamp,
    /// Fresh events are accepted, but not those that a queue or a retry has delayed.
    ToleranceTooSmall(MeasuredTolerance),
    StaleAccepted,
    FutureAccepted,
    InvalidTimestampAccepted,
    MissingTimestampAccepted,
    TimestampNotSigned,
    /// Other bytes than the raw body are hashed. These transformations explain which; possibly
    /// none.
    BodyRewritten(Vec<BodyTransform>),
    /// A JSON value is rejected, however it is formatted.
    ValuesRejected,
    EventRejected,
    EventCrash,
    /// A request that no page rules out crashes the handler.
    UndocumentedCrash,
    FormRejected,
    HexCaseRejected,
    HeaderCaseRejected,
    LargeBodyRejected,
    DuplicateRejected,
    OrderRejected,
    ConcurrentRejected,
    ConcurrentCrash,
    InvalidPayloadCrash,
    /// No good event is accepted after the request.
    HandlerDied,
    Timeout,
    Disconnected,
    Redirect,
    RateLimited,
    ProcessedTwice,
    AmountIgnored,
}

impl ProbeCause {
    /// Returns the certainty of a cause that more than its own probe shows. `None`: the response
    /// itself is the fault.
    pub fn confidence(&self) -> Option<Confidence> {
        match self {
            Self::VerifiesWrongly { .. } | Self::ToleranceTooSmall(_) => Some(Confidence::Proved),
            Self::RejectsVerified | Self::FailsVerified => Some(Confidence::Visible),
            Self::RejectsAll(_) | Self::FailsAll(_) => Some(Confidence::Likely),
            _ => None,
        }
    }

    /// Returns whether another secret in the handler would explain the responses.
    pub fn may_be_secret(&self) -> bool {
        let (Self::RejectsAll(refusal) | Self::FailsAll(refusal)) = self else { return false };
        matches!(refusal.reason, LikelyReason::Signature | LikelyReason::SecretUnset)
    }

    /// Returns the mistakes in the handler's verification that are proved.
    pub fn mistakes(&self) -> &[Cause] {
        match self {
            Self::VerifiesWrongly { causes, .. } => causes,
            _ => &[],
        }
    }

    /// Returns the number of wrong ways to sign that were tried, in vain.
    pub fn attempts(&self) -> Option<usize> {
        match self {
            Self::RejectsAll(refusal) | Self::FailsAll(refusal) => Some(refusal.tried),
            _ => None,
        }
    }

    /// Returns the cause of an unexpected response.
    pub(super) fn of_response(topic: ProbeTopic, class: ResponseClass) -> Self {
        match class {
            ResponseClass::Timeout => Self::Timeout,
            ResponseClass::Disconnected | ResponseClass::Unreachable => Self::Disconnected,
            ResponseClass::Redirect => Self::Redirect,
            ResponseClass::ServerError => Self::of_crash(topic),
            ResponseClass::ClientError => Self::of_rejection(topic),
            ResponseClass::Success => Self::of_acceptance(topic),
        }
    }

    fn of_crash(topic: ProbeTopic) -> Self {
        match topic {
            MissingSignature => Self::CrashOnMissingSignature,
            MalformedSignature | SignatureFormat | HexCase => Self::CrashOnMalformedSignature,
            ForgedSignature => Self::CrashOnForgery,
            StaleTimestamp | AgedTimestamp | FutureTimestamp | InvalidTimestamp | MissingTimestamp
            | ChangedTimestamp => Self::CrashOnTimestamp,
            InvalidPayload => Self::InvalidPayloadCrash,
            ConcurrentDuplicate => Self::ConcurrentCrash,
            Undocumented => Self::UndocumentedCrash,
            Event | HeaderNameCase | LargeBody | Duplicate | EventOrder => Self::EventCrash,
        }
    }

    fn of_rejection(topic: ProbeTopic) -> Self {
        match topic {
            SignatureFormat => Self::FormRejected,
            HexCase => Self::HexCaseRejected,
            HeaderNameCase => Self::HeaderCaseRejected,
            LargeBody => Self::LargeBodyRejected,
            Duplicate => Self::DuplicateRejected,
            EventOrder => Self::OrderRejected,
            ConcurrentDuplicate => Self::ConcurrentRejected,
            _ => Self::EventRejected,
        }
    }

    fn of_acceptance(topic: ProbeTopic) -> Self {
        match topic {
            StaleTimestamp => Self::StaleAccepted,
            FutureTimestamp => Self::FutureAccepted,
            InvalidTimestamp => Self::InvalidTimestampAccepted,
            MissingTimestamp => Self::MissingTimestampAccepted,
            ChangedTimestamp => Self::TimestampNotSigned,
            _ => Self::ForgeryAccepted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn an_unexpected_response_has_the_cause_of_its_topic() {
        type Cause = ProbeCause;
        use ResponseClass::{ClientError, Disconnected, Redirect, ServerError, Success, Timeout, Unreachable};
        for (topic, class, cause) in [
            (ForgedSignature, Success, Cause::ForgeryAccepted),
            (MissingSignature, Success, Cause::ForgeryAccepted),
            (StaleTimestamp, Success, Cause::StaleAccepted),
            (FutureTimestamp, Success, Cause::FutureAccepted),
            (InvalidTimestamp, Success, Cause::InvalidTimestampAccepted),
            (MissingTimestamp, Success, Cause::MissingTimestampAccepted),
            (ChangedTimestamp, Success, Cause::TimestampNotSigned),
            (Event, ClientError, Cause::EventRejected),
            (SignatureFormat, ClientError, Cause::FormRejected),
            (HexCase, ClientError, Cause::HexCaseRejected),
            (HeaderNameCase, ClientError, Cause::HeaderCaseRejected),
            (LargeBody, ClientError, Cause::LargeBodyRejected),
            (Duplicate, ClientError, Cause::DuplicateRejected),
            (EventOrder, ClientError, Cause::OrderRejected),
            (ConcurrentDuplicate, ClientError, Cause::ConcurrentRejected),
            (Event, ServerError, Cause::EventCrash),
            (Duplicate, ServerError, Cause::EventCrash),
            (MissingSignature, ServerError, Cause::CrashOnMissingSignature),
            (MalformedSignature, ServerError, Cause::CrashOnMalformedSignature),
            (HexCase, ServerError, Cause::CrashOnMalformedSignature),
            (ForgedSignature, ServerError, Cause::CrashOnForgery),
            (MissingTimestamp, ServerError, Cause::CrashOnTimestamp),
            (ChangedTimestamp, ServerError, Cause::CrashOnTimestamp),
            (InvalidPayload, ServerError, Cause::InvalidPayloadCrash),
            (ConcurrentDuplicate, ServerError, Cause::ConcurrentCrash),
            (Undocumented, ServerError, Cause::UndocumentedCrash),
            (Event, Timeout, Cause::Timeout),
            (Event, Disconnected, Cause::Disconnected),
            (ForgedSignature, Unreachable, Cause::Disconnected),
            (Event, Redirect, Cause::Redirect),
        ] {
            assert_eq!(Cause::of_response(topic, class), cause, "{topic:?} {class:?}");
        }
    }
}
