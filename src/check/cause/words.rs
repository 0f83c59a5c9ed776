//! Causes in words: a stable code, a sentence, and what to change.

use super::Cause;

impl Cause {
    /// Code, sentence and advice.
    pub(super) fn words(&self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::WrongPath => (
                "wrong_path",
                "there is no webhook handler at this address",
                "check the path, and that the route takes POST",
            ),
            Self::RefusesAll => (
                "refuses_all",
                "it refuses even correctly signed events",
                "most likely its secret is not the one that check signs with: give both the same",
            ),
            Self::FailsAll => (
                "fails_all",
                "it fails on every event, also on correctly signed ones",
                "look at its log: is its secret set at all, and does it get the raw body?",
            ),
            Self::HangsAlways => (
                "hangs_always",
                "it gives no answer to a correctly signed event in time",
                "answer first and work afterwards; in Express 4 an async handler that throws never answers: catch, and call next(error)",
            ),
            Self::ClosesAlways => (
                "closes_always",
                "it closes every connection without an answer",
                "is it an HTTP server that listens there, and not an HTTPS one? look at its log",
            ),
            Self::RedirectsAll => (
                "redirects_all",
                "it redirects instead of answering",
                "give the address that it redirects to: whether providers follow is not documented",
            ),
            Self::Slow => (
                "slow",
                "its answer takes longer than the budget",
                "put the event into a queue or a table, answer 200, and work afterwards: a slow answer counts as failed, and is sent again",
            ),
            Self::NotChecked => (
                "not_checked",
                "it takes everything: signatures are not checked",
                "compute HMAC-SHA256 over the raw body with the webhook secret, compare in constant time, and answer 401 when it differs",
            ),
            Self::ForgedTaken => (
                "forged_taken",
                "it takes a forged event",
                "whatever is not exactly the right signature must be refused, before anything else is done",
            ),
            Self::CrashOnShape => (
                "crash_on_shape",
                "a signature of unexpected length or alphabet makes it fail: its comparison throws instead of saying no",
                "see that both sides are 32 bytes before comparing in constant time, and answer 401 otherwise",
            ),
            Self::CrashOnMissing => (
                "crash_on_missing",
                "a request without a signature makes it fail",
                "answer 401 when the header is not there, before anything is done with it",
            ),
            Self::CrashOnForged => (
                "crash_on_forged",
                "a wrong signature makes it fail instead of being refused",
                "answer 401 for a wrong signature: a 5xx says that it is your fault, fills the log with alarms, and is sent again",
            ),
            Self::CrashOnTimestamp => (
                "crash_on_timestamp",
                "a bad timestamp makes it fail instead of being refused",
                "take the timestamp only when it is a whole number, and answer 401 otherwise",
            ),
            Self::StaleTaken => (
                "stale_taken",
                "it takes old events: a recorded one can be sent to it again for ever",
                "refuse what was signed more than 300 seconds ago",
            ),
            Self::AheadTaken => (
                "ahead_taken",
                "it takes events signed for the future, which stay fresh longer than others",
                "refuse what is more than 300 seconds off in either direction: compare the absolute difference",
            ),
            Self::TimestampTextTaken => (
                "timestamp_text_taken",
                "it takes a timestamp that is no time: the comparison with the clock is passed by what is not a number",
                "take the timestamp only when it is a whole number (in JavaScript, every comparison with NaN is false: write it so that NaN refuses)",
            ),
            Self::TimestampMissingTaken => (
                "timestamp_missing_taken",
                "it takes an event without a timestamp",
                "answer 401 when the timestamp header is not there",
            ),
            Self::TimestampNotSigned => (
                "timestamp_not_signed",
                "the timestamp can be changed after signing: it is not part of what is checked",
                "check the signature over timestamp, full stop and raw body",
            ),
            Self::Rewritten(_) => (
                "body_rewritten",
                "the body is changed before it is hashed",
                "hash the bytes of the request as they came, before any parser sees them",
            ),
            Self::ValuesRefused => (
                "values_refused",
                "it refuses these values however they are spelled, so this says nothing about raw bytes",
                "nothing, if such values make no sense to it",
            ),
            Self::EventRefused => (
                "event_refused",
                "it refuses an authentic event, which the provider then sends again and again",
                "answer 2xx to everything that is rightly signed, also to what you do not use",
            ),
            Self::EventCrash => (
                "event_crash",
                "an authentic event makes it fail",
                "treat every field but the id as optional, and keep what is unknown",
            ),
            Self::OddCrash => (
                "odd_crash",
                "an authentic event with a Content-Type of another kind, or the like, makes it fail",
                "check the signature whatever the Content-Type is; no page says which is sent",
            ),
            Self::FormRefused => (
                "form_refused",
                "it takes only one of the two documented forms of the signature, and which is real is not known",
                "take `sha256=` away when it is there, decode the hex, and compare 32 bytes",
            ),
            Self::HexCaseRefused => (
                "hex_case_refused",
                "it takes hex in lower case only; no page says which case is sent",
                "decode the hex and compare bytes, not letters",
            ),
            Self::NameCaseRefused => (
                "name_case_refused",
                "it looks for a header name in one spelling only",
                "header names have no case: proxies send them in lower case; use the framework's own look-up",
            ),
            Self::LargeRefused => (
                "large_refused",
                "it refuses a body of 1 MB; events are far smaller, and no page names a limit",
                "nothing, unless you expect such events",
            ),
            Self::AgainRefused => (
                "again_refused",
                "it refuses an event that it had before, so the provider goes on sending it",
                "answer 2xx to a duplicate, and do its work only once",
            ),
            Self::OrderRefused => (
                "order_refused",
                "it refuses events that come in another order than expected, and no order is promised",
                "take them in any order; where it matters, ask the provider's API for the state",
            ),
            Self::RaceRefused => (
                "race_refused",
                "of two deliveries of the same event at the same moment it refuses one, which is then sent again",
                "answer 2xx to both, and do the work once",
            ),
            Self::RaceCrash => (
                "race_crash",
                "two deliveries of the same event at the same moment make it fail",
                "let a unique key decide who is first (insert … on conflict do nothing), and answer 2xx to the other",
            ),
            Self::NonsenseCrash => (
                "nonsense_crash",
                "a signed body that is no event makes it fail",
                "catch what the JSON parser throws, and see that the value is an object, before fields are read",
            ),
            Self::Died => (
                "died",
                "after this it takes no good event any more",
                "one bad request must not end the process or leave it broken: catch errors in the handler, look at its log",
            ),
            Self::Hung => (
                "hung",
                "no answer comes to this",
                "answer on every path, also when something throws; in Express 4 an async handler that throws never answers",
            ),
            Self::Closed => (
                "closed",
                "the connection is closed without an answer to this",
                "an exception seems to end the worker: catch it, and answer 4xx",
            ),
            Self::Redirected => (
                "redirected",
                "it answers with a redirect, which providers may not follow",
                "answer 2xx or 4xx itself, without a login page or a slash added",
            ),
            Self::RateLimited => (
                "rate_limited",
                "it limits the rate of requests, so what follows would say nothing",
                "lift the limit while checking; and let it be wide where real events come in: they come in bursts, and what is refused comes again",
            ),
            Self::DoneTwice => (
                "done_twice",
                "the work of one event is done twice",
                "remember what was done under the event's key in the same transaction as the work, with a unique constraint",
            ),
            Self::AmountIgnored => (
                "amount_ignored",
                "it does its work for an amount that nobody asked for",
                "compare amount and currency with your own order before handing anything out: a signature says who sent it, no more",
            ),
        }
    }
}
