//! Causes: what is wrong with a handler. One cause explains all the probes that show it.
//!
//! Codes, sentences and fixes are in `cause_text`; fixes for a framework are in `framework`.

use super::body_transform::BodyTransform;
use super::types::ProbeTopic::{
    ChangedTimestamp, ConcurrentDuplicate, Duplicate, Event, EventOrder, ForgedSignature, FutureTimestamp,
    HeaderNameCase, HexCase, InvalidPayload, InvalidTimestamp, LargeBody, MalformedSignature, MissingSignature,
    MissingTimestamp, SignatureFormat, StaleTimestamp, Undocumented,
};
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
            MissingSignature => Self::CrashOnMissingSignature,
            MalformedSignature | SignatureFormat | HexCase => Self::CrashOnMalformedSignature,
            ForgedSignature => Self::CrashOnForgery,
            StaleTimestamp | FutureTimestamp | InvalidTimestamp | MissingTimestamp | ChangedTimestamp => {
                Self::CrashOnTimestamp
            }
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
