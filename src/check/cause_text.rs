//! Texts of causes: stable code, sentence and fix.

use super::body_transform::BodyTransform;
use super::cause::{MeasuredTolerance, ProbeCause};
use super::refusal::{LikelyReason, Refusal};
use crate::diagnose::Cause;

impl ProbeCause {
    /// Returns the stable code for JSON.
    pub fn code(&self) -> &'static str {
        self.text().0
    }

    /// Describes the fault in one sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::BodyRewritten(transforms) => rewriting_sentence(transforms),
            Self::ToleranceTooSmall(MeasuredTolerance { accepted: 0, .. }) => {
                "the handler accepts an event for less than a second after it was signed".to_owned()
            }
            Self::ToleranceTooSmall(MeasuredTolerance { accepted, rejected }) => {
                format!("the handler accepts an event signed {accepted} s ago, but rejects one signed {rejected} s ago")
            }
            Self::RejectsAll(refusal) | Self::FailsAll(refusal) => {
                format!("{}: {}", self.text().1, refusal.reason.clause())
            }
            Self::VerifiesWrongly { causes, .. } => {
                format!("{}: {}", self.text().1, join(causes, Cause::digest_sentence))
            }
            _ => self.text().1.to_owned(),
        }
    }

    pub fn fix(&self) -> String {
        match self {
            Self::ToleranceTooSmall(MeasuredTolerance { accepted: 0, .. }) => {
                "hash the text of the timestamp header, not a time of your own clock; and compare seconds with \
                 seconds: in JavaScript, Date.now() / 1000 - timestamp <= 300 (with milliseconds, 300 is 0.3 s)"
                    .to_owned()
            }
            Self::FailsAll(Refusal { reason: LikelyReason::Signature, .. }) => self.text().2.to_owned(),
            Self::RejectsAll(refusal) | Self::FailsAll(refusal) => refusal.reason.fix().to_owned(),
            Self::VerifiesWrongly { causes, .. } => join(causes, Cause::digest_fix),
            _ => self.text().2.to_owned(),
        }
    }

    /// Says what shows the cause, in addition to the response. `None`: nothing more.
    pub fn evidence(&self) -> Option<String> {
        Some(match self {
            Self::VerifiesWrongly { is_accepted: true, .. } => {
                "an event that is signed with this mistake is accepted; a correct one and a forged one are not"
                    .to_owned()
            }
            Self::VerifiesWrongly { is_accepted: false, .. } => {
                "an event that is signed with this mistake gets another response than a correct or a forged one"
                    .to_owned()
            }
            Self::RejectsVerified | Self::FailsVerified => "a forged event gets another response".to_owned(),
            Self::RejectsAll(Refusal { tried, is_incomplete, .. })
            | Self::FailsAll(Refusal { tried, is_incomplete, .. }) => {
                let end = if *is_incomplete { "; the attempts ended early" } else { "" };
                format!(
                    "{tried} wrong ways to sign, none accepted: other keys, texts before the body, bodies, hashes, \
                     notations, header names and clocks{end}"
                )
            }
            _ => return None,
        })
    }

    /// Returns code, sentence and fix.
    fn text(&self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::WrongPath => (
                "wrong_path",
                "there seems to be no webhook handler at this URL",
                "check the path, and that the route accepts POST",
            ),
            Self::RejectsAll(_) => ("refuses_all", "the handler rejects correctly signed events", ""),
            Self::RejectsVerified => (
                "refuses_verified",
                "the handler verifies the signature, but then rejects every event",
                "look for what it requires besides the signature: an order that it knows, a field, a type of event",
            ),
            Self::FailsVerified => (
                "fails_verified",
                "the handler verifies the signature, but then fails on every event",
                "check its log: treat every field except the id as optional",
            ),
            Self::VerifiesWrongly { .. } => ("verifies_wrongly", "the handler verifies signatures wrongly", ""),
            Self::FailsAll(_) => (
                "fails_all",
                "the handler fails on every event, even on correctly signed ones",
                "check its log: is the secret set, and does it get the raw body?",
            ),
            Self::TimesOutAlways => (
                "hangs_always",
                "the handler times out on correctly signed events",
                "respond first, then process the event; in Express 4, catch errors in async handlers and call next(error)",
            ),
            Self::DisconnectsAlways => (
                "closes_always",
                "the handler closes every connection without a response",
                "check whether the server expects HTTPS instead of HTTP, and check its log",
            ),
            Self::RedirectsAll => (
                "redirects_all",
                "the handler redirects every request",
                "use the URL that it redirects to: no page says that the provider follows redirects",
            ),
            Self::Slow => (
                "slow",
                "the handler responds too slowly",
                "queue the event, answer 200, then process it: a slow response counts as a failure, and the event is retried",
            ),
            Self::NotVerified => (
                "not_checked",
                "the handler accepts everything: it does not verify signatures",
                "compute HMAC-SHA256 over the raw body with the webhook secret, compare in constant time, and answer 401 if it differs",
            ),
            Self::ForgeryAccepted => (
                "forged_taken",
                "the handler accepts a forged event",
                "reject every request whose signature does not match exactly, before doing anything else",
            ),
            Self::CrashOnMalformedSignature => (
                "crash_on_shape",
                "the handler crashes on a malformed signature: its comparison throws instead of returning false",
                "check that both sides are 32 bytes before the constant-time comparison, and answer 401 if they are not",
            ),
            Self::CrashOnMissingSignature => (
                "crash_on_missing",
                "the handler crashes if the signature header is missing",
                "answer 401 if the header is missing, before using its value",
            ),
            Self::CrashOnForgery => (
                "crash_on_forged",
                "the handler crashes on a wrong signature instead of rejecting it",
                "answer 401 to a wrong signature: a 5xx looks like an outage, and is retried",
            ),
            Self::CrashOnTimestamp => (
                "crash_on_timestamp",
                "the handler crashes on an invalid timestamp instead of rejecting it",
                "parse the timestamp as an integer, and answer 401 if that fails",
            ),
            Self::ToleranceTooSmall(_) => (
                "tolerance_small",
                "the handler rejects an event that is within the tolerance of the provider's SDKs",
                "accept events for 300 seconds after they were signed: queues, retries and clocks delay them",
            ),
            Self::StaleAccepted => (
                "stale_taken",
                "the handler accepts old events, so a recorded event can be replayed forever",
                "reject events that were signed more than 300 seconds ago",
            ),
            Self::FutureAccepted => (
                "ahead_taken",
                "the handler accepts events signed in the future, which stay valid for longer",
                "reject timestamps more than 300 seconds off in either direction: compare the absolute difference",
            ),
            Self::InvalidTimestampAccepted => (
                "timestamp_text_taken",
                "the handler accepts a timestamp that is not a number, so the event never expires",
                "parse the timestamp as an integer, and reject everything else (in JavaScript, every comparison with NaN is false)",
            ),
            Self::MissingTimestampAccepted => (
                "timestamp_missing_taken",
                "the handler accepts an event without a timestamp",
                "answer 401 if the timestamp header is missing",
            ),
            Self::TimestampNotSigned => (
                "timestamp_not_signed",
                "the handler accepts a changed timestamp: the signature does not cover it",
                "verify the signature over the timestamp, a full stop and the raw body",
            ),
            Self::BodyRewritten(_) => (
                "body_rewritten",
                "the handler changes the body before hashing it",
                "hash the raw request body, before any parser sees it",
            ),
            Self::ValuesRejected => (
                "values_refused",
                "the handler rejects these values in every format, so this says nothing about raw bodies",
                "nothing to fix, unless you expect such values",
            ),
            Self::EventRejected => (
                "event_refused",
                "the handler rejects an authentic event, which the provider then retries",
                "answer 2xx to every correctly signed event, even if you do not use it",
            ),
            Self::EventCrash => (
                "event_crash",
                "the handler crashes on an authentic event",
                "treat every field except the id as optional, and ignore unknown fields",
            ),
            Self::UndocumentedCrash => (
                "odd_crash",
                "the handler crashes on an authentic event with an unusual Content-Type or header",
                "verify the signature whatever the Content-Type: no page says which one is sent",
            ),
            Self::FormRejected => (
                "form_refused",
                "the handler accepts only one of the two documented signature formats, and either may be sent",
                "remove `sha256=` if it is there, decode the hex, and compare 32 bytes",
            ),
            Self::HexCaseRejected => (
                "hex_case_refused",
                "the handler accepts only lower-case hex; no page says which case is sent",
                "decode the hex and compare bytes, not strings",
            ),
            Self::HeaderCaseRejected => (
                "name_case_refused",
                "the handler finds a header only if its name is in one case",
                "header names are case-insensitive, and proxies send them in lower case: use the framework's lookup",
            ),
            Self::LargeBodyRejected => (
                "large_refused",
                "the handler rejects a 1 MB body; events are far smaller, and no page documents a limit",
                "nothing to fix, unless you expect such events",
            ),
            Self::DuplicateRejected => (
                "again_refused",
                "the handler rejects a duplicate event, so the provider keeps retrying it",
                "answer 2xx to duplicates, and process each event once",
            ),
            Self::OrderRejected => (
                "order_refused",
                "the handler rejects events that arrive out of order; no order is guaranteed",
                "accept events in any order; where order matters, query the provider's API",
            ),
            Self::ConcurrentRejected => (
                "race_refused",
                "the handler rejects one of two concurrent deliveries of the same event, which is then retried",
                "answer 2xx to both, and process the event once",
            ),
            Self::ConcurrentCrash => (
                "race_crash",
                "the handler crashes on two concurrent deliveries of the same event",
                "let a unique key decide which delivery is first (insert … on conflict do nothing), and answer 2xx to the other",
            ),
            Self::InvalidPayloadCrash => (
                "nonsense_crash",
                "the handler crashes on a signed body that is not an event",
                "catch errors of the JSON parser, and check that the value is an object before reading its fields",
            ),
            Self::HandlerDied => (
                "died",
                "the handler accepts no good event after this request",
                "one bad request must not end the process: catch errors in the handler, and check its log",
            ),
            Self::Timeout => (
                "hung",
                "the handler times out on this request",
                "respond on every path, even if something throws; in Express 4, an async handler that throws never responds",
            ),
            Self::Disconnected => (
                "closed",
                "the handler closes the connection without a response",
                "an exception probably ends the worker: catch it, and answer 4xx",
            ),
            Self::Redirect => (
                "redirected",
                "the handler answers with a redirect, which providers may not follow",
                "answer 2xx or 4xx directly, without a login page or a trailing slash",
            ),
            Self::RateLimited => (
                "rate_limited",
                "the handler limits the request rate, so the remaining probes were skipped",
                "raise the limit while checking, and keep it high in production: events arrive in bursts, and rejected ones are retried",
            ),
            Self::ProcessedTwice => (
                "done_twice",
                "the handler processes the same event twice",
                "store the event's key in the same transaction as its effects, with a unique constraint",
            ),
            Self::AmountIgnored => (
                "amount_ignored",
                "the handler processes an event with a wrong amount",
                "compare amount and currency with your order before fulfilling it: a signature only proves who sent the event",
            ),
        }
    }
}

fn join(causes: &[Cause], text: fn(&Cause) -> String) -> String {
    causes.iter().map(text).collect::<Vec<_>>().join("; ")
}

fn rewriting_sentence(transforms: &[BodyTransform]) -> String {
    let names: Vec<_> = transforms.iter().take(3).map(|transform| transform.name()).collect();
    let names = names.join(" or ");
    match transforms.first() {
        None => "the handler does not hash the raw body, but no known serializer explains what it hashes".to_owned(),
        Some(BodyTransform::Trimmed | BodyTransform::Latin1) => {
            format!("the handler changes the body before hashing it: {names}")
        }
        Some(BodyTransform::Reserialized(_)) => {
            format!("the handler re-serializes the body before hashing it: {names}")
        }
    }
}
