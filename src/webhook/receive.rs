//! From bytes to a judged delivery: provider, claim, verdict, event. The one straight way that `listen` and `verify` share.

use crate::json;
use crate::json::value::{NotAPayload, Payload};
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::event::{Event, Warning};
use crate::model::signature::{self, Key, OutOfTolerance, Tolerance};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::Verdict;
use crate::provider::{self, Provider};

/// What deliveries are judged by.
#[derive(Clone)]
pub struct Rules {
    /// Every known key, of every provider.
    pub keys: Vec<Key>,
    /// How far a signed time may lie from now.
    pub tolerance: Tolerance,
}

/// Judges a delivery as of `now`.
pub fn receive(delivery: Delivery, rules: &Rules, now: Timestamp) -> AnalyzedDelivery {
    let signer = provider::by_header(&delivery.request);
    let payload = read_payload(&delivery.request.body);
    let provider = signer.or_else(|| payload.as_ref().ok().and_then(owner));
    let mut event = match (payload, provider) {
        (Ok(payload), Some(provider)) => provider.parse_event(&payload),
        (Ok(_), None) => Event::default(),
        (Err(warning), _) => Event { warnings: vec![warning], ..Event::default() },
    };
    let verdict = signer.map_or(Verdict::Unsigned, |signer| match signer.claim(&delivery.request) {
        Ok(claim) => {
            let verdict = signature::verify(&claim, &rules.keys, now, rules.tolerance);
            event.warnings.extend(time_too(&verdict, signature::check_age(claim.time, now, rules.tolerance)));
            verdict
        }
        Err(malformed) => Verdict::Malformed(malformed),
    });
    AnalyzedDelivery { provider: provider.map(Provider::name), verdict, event, delivery }
}

/// That the time is wrong beside a signature that failed: whoever mends the one would meet the other next.
fn time_too(verdict: &Verdict, off: Option<OutOfTolerance>) -> Option<Warning> {
    match (verdict, off?) {
        (Verdict::Mismatch | Verdict::NoSecret, OutOfTolerance::Past(age)) => Some(Warning::AlsoTooOld(age)),
        (Verdict::Mismatch | Verdict::NoSecret, OutOfTolerance::Future(ahead)) => Some(Warning::AlsoInFuture(ahead)),
        _ => None,
    }
}

fn owner(payload: &Payload<'_>) -> Option<&'static dyn Provider> {
    let keys: Vec<_> = payload.keys().map(str::to_owned).collect();
    provider::by_payload_keys(&keys)
}

/// The payload, or what is odd about it.
fn read_payload(body: &[u8]) -> Result<Payload<'_>, Warning> {
    if body.is_empty() {
        return Err(Warning::EmptyBody);
    }
    Payload::parse(body).map_err(|error| match error {
        NotAPayload::NotAnObject => Warning::NotAnObject,
        NotAPayload::Syntax(_) if json::is_valid(body) => Warning::TooDeep,
        NotAPayload::Syntax(_) => Warning::NotJson,
    })
}
