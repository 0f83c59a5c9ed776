//! What an answer says about a probe.

use super::cause::Cause;
use super::probe::{Grade, Topic};
use super::reply::Came;

/// A grade, and the cause where there is one.
pub(super) type Judgement = (Grade, Option<Cause>);

const PASS: Judgement = (Grade::Pass, None);

/// What should have been taken.
pub(super) fn of_good(came: Came, topic: Topic, weight: Grade) -> Judgement {
    let cause = || Some(Cause::of(topic, came));
    match came {
        Came::Taken => PASS,
        Came::Refused => (weight, cause()),
        // Servers that limit the size of bodies may close the connection while the body is still coming.
        Came::Closed if topic == Topic::Large => (weight, Some(Cause::LargeRefused)),
        Came::Redirected | Came::Failed | Came::Hung | Came::Closed | Came::Gone => (Grade::Fail, cause()),
    }
}

/// What should have been refused with 4xx.
pub(super) fn of_bad(came: Came, topic: Topic, weight: Grade) -> Judgement {
    let cause = || Some(Cause::of(topic, came));
    match came {
        Came::Refused => PASS,
        Came::Taken => (weight, cause()),
        Came::Redirected => (Grade::Warn, cause()),
        Came::Failed | Came::Hung | Came::Closed | Came::Gone => (Grade::Fail, cause()),
    }
}

/// What may be taken or refused, as long as it is answered.
pub(super) fn of_odd(came: Came, topic: Topic, weight: Grade) -> Judgement {
    match came {
        Came::Taken | Came::Refused | Came::Redirected => PASS,
        Came::Failed => (weight, Some(Cause::of(topic, came))),
        Came::Hung | Came::Closed | Came::Gone => (Grade::Fail, Some(Cause::of(topic, came))),
    }
}

/// What is wrong with a handler that takes no good event, by what came back to the documented ways of sending one.
pub(super) fn of_nothing(came: Came, status: Option<u16>) -> Cause {
    match (came, status) {
        (Came::Refused, Some(404 | 405 | 410)) => Cause::WrongPath,
        (Came::Taken | Came::Refused, _) => Cause::RefusesAll,
        (Came::Redirected, _) => Cause::RedirectsAll,
        (Came::Failed, _) => Cause::FailsAll,
        (Came::Hung, _) => Cause::HangsAlways,
        (Came::Closed | Came::Gone, _) => Cause::ClosesAlways,
    }
}
