//! Causes: what is wrong with a handler. One cause explains all the probes that show it.
//!
//! Codes, sentences and fixes are in `cause_text`; fixes for a framework are in `framework`.

use super::body_transform::BodyTransform;
use super::types::{ProbeTopic, ResponseClass};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeCause {
    /// The route does not exist (404, 405 or 410).
    WrongPath,
    RejectsAll,
    FailsAll,
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
    /// The handler answered 429.
    RateLimited,
    ProcessedTwice,
    AmountIgnored,
}

impl ProbeCause {
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
            ProbeTopic::MissingSignature => Self::CrashOnMissingSignature,
            ProbeTopic::MalformedSignature | ProbeTopic::SignatureForm | ProbeTopic::HexCase => {
                Self::CrashOnMalformedSignature
            }
            ProbeTopic::ForgedSignature => Self::CrashOnForgery,
            ProbeTopic::StaleTimestamp
            | ProbeTopic::FutureTimestamp
            | ProbeTopic::InvalidTimestamp
            | ProbeTopic::MissingTimestamp
            | ProbeTopic::ChangedTimestamp => Self::CrashOnTimestamp,
            ProbeTopic::InvalidPayload => Self::InvalidPayloadCrash,
            ProbeTopic::ConcurrentDuplicate => Self::ConcurrentCrash,
            ProbeTopic::Undocumented => Self::UndocumentedCrash,
            ProbeTopic::Event
            | ProbeTopic::HeaderNameCase
            | ProbeTopic::LargeBody
            | ProbeTopic::Duplicate
            | ProbeTopic::EventOrder => Self::EventCrash,
        }
    }

    fn of_rejection(topic: ProbeTopic) -> Self {
        match topic {
            ProbeTopic::SignatureForm => Self::FormRejected,
            ProbeTopic::HexCase => Self::HexCaseRejected,
            ProbeTopic::HeaderNameCase => Self::HeaderCaseRejected,
            ProbeTopic::LargeBody => Self::LargeBodyRejected,
            ProbeTopic::Duplicate => Self::DuplicateRejected,
            ProbeTopic::EventOrder => Self::OrderRejected,
            ProbeTopic::ConcurrentDuplicate => Self::ConcurrentRejected,
            _ => Self::EventRejected,
        }
    }

    fn of_acceptance(topic: ProbeTopic) -> Self {
        match topic {
            ProbeTopic::StaleTimestamp => Self::StaleAccepted,
            ProbeTopic::FutureTimestamp => Self::FutureAccepted,
            ProbeTopic::InvalidTimestamp => Self::InvalidTimestampAccepted,
            ProbeTopic::MissingTimestamp => Self::MissingTimestampAccepted,
            ProbeTopic::ChangedTimestamp => Self::TimestampNotSigned,
            _ => Self::ForgeryAccepted,
        }
    }
}
