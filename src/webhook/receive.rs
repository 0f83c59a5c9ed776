//! Verifies one delivery: detects the provider, checks the signature and reads the event.
//!
//! `listen`, `verify` and `replay` all call this.

use crate::json;
use crate::json::value::{Payload, PayloadError};
use crate::model::content_encoding;
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::event::{Event, Warning};
use crate::model::message::Request;
use crate::model::signature::{self, Key, OutOfTolerance, Tolerance};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::Verdict;
use crate::provider::{self, Provider};
use std::borrow::Cow;

#[derive(Clone)]
pub struct Rules {
    /// Keys of every provider.
    pub keys: Vec<Key>,
    pub tolerance: Tolerance,
}

/// Verifies a delivery as of `now`.
pub fn receive(delivery: Delivery, rules: &Rules, now: Timestamp) -> AnalyzedDelivery {
    let signer = provider::by_header(&delivery.request);
    let (provider, mut event) = read_event(&delivery.request);
    let verdict = signer.map_or(Verdict::Unsigned, |signer| match signer.claim(&delivery.request) {
        Ok(claim) => {
            let verdict = signature::verify(&claim, &rules.keys, now, rules.tolerance);
            event.warnings.extend(timestamp_warning(&verdict, signature::check_age(claim.time, now, rules.tolerance)));
            verdict
        }
        Err(malformed) => Verdict::Malformed(malformed),
    });
    AnalyzedDelivery { provider: provider.map(Provider::name), verdict, event, delivery }
}

/// Reads the event of a request, whoever signed it. `None`: the provider is unknown.
pub fn read_event(request: &Request) -> (Option<&'static dyn Provider>, Event) {
    let readable = readable_body(request);
    let payload = read_payload(&readable);
    let provider = provider::by_header(request).or_else(|| payload.as_ref().ok().and_then(provider_of_payload));
    let mut event = match (payload, provider) {
        (Ok(payload), Some(provider)) => provider.parse_event(&payload),
        (Ok(_), None) => Event::default(),
        (Err(warning), _) => Event { warnings: vec![warning], ..Event::default() },
    };
    if let Cow::Owned(_) = readable {
        event.warnings.push(Warning::Compressed);
    }
    (provider, event)
}

/// Warns that the timestamp is out of tolerance, too: fixing the signature alone would not be
/// enough.
fn timestamp_warning(verdict: &Verdict, age: Option<OutOfTolerance>) -> Option<Warning> {
    match (verdict, age?) {
        (Verdict::Mismatch | Verdict::NoSecret, OutOfTolerance::Past(age)) => Some(Warning::AlsoTooOld(age)),
        (Verdict::Mismatch | Verdict::NoSecret, OutOfTolerance::Future(ahead)) => Some(Warning::AlsoInFuture(ahead)),
        _ => None,
    }
}

fn provider_of_payload(payload: &Payload<'_>) -> Option<&'static dyn Provider> {
    let keys: Vec<_> = payload.keys().map(str::to_owned).collect();
    provider::by_payload_keys(&keys)
}

/// Returns the body in which the event is read and which is shown: decompressed if only that is
/// JSON. The signature is verified, and the delivery forwarded, with the bytes as received.
pub fn readable_body(request: &Request) -> Cow<'_, [u8]> {
    let is_compressed = request.headers.get("content-encoding").is_some() && !json::is_valid(&request.body);
    let decoded = is_compressed.then(|| content_encoding::decoded(&request.headers, &request.body));
    decoded.filter(|body| json::is_valid(body)).unwrap_or(Cow::Borrowed(&request.body))
}

fn read_payload(body: &[u8]) -> Result<Payload<'_>, Warning> {
    if body.is_empty() {
        return Err(Warning::EmptyBody);
    }
    Payload::parse(body).map_err(|error| match error {
        PayloadError::NotAnObject => Warning::NotAnObject,
        PayloadError::Syntax(_) if json::is_valid(body) => Warning::TooDeep,
        PayloadError::Syntax(_) => Warning::NotJson,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::signature::DEFAULT_TOLERANCE;

    const PLEXOS: &str = r#"{"id":"evt_1","type":"payment.debited","data":{},"createdAt":"2025-01-15T10:30:00.000Z"}"#;
    const PLUSTIVE: &str = r#"{"event":"transaction.success","reference":"PLS-1","status":"Success"}"#;

    fn receive_post(headers: &str, body: &str) -> AnalyzedDelivery {
        let headers = crate::model::message::Headers::read(headers.as_bytes().to_vec()).unwrap();
        let request = Request { headers, ..Request::post("/", body.as_bytes().to_vec()) };
        let rules = Rules { keys: Vec::new(), tolerance: Some(DEFAULT_TOLERANCE) };
        receive(Delivery { request, peer: None, arrived: None }, &rules, Timestamp::from_second(1_000_000).unwrap())
    }

    #[test]
    fn an_unsigned_delivery_gets_its_provider_and_event_from_the_payload() {
        for (body, provider, kind) in
            [(PLEXOS, "plexos", "payment.debited"), (PLUSTIVE, "plustive", "transaction.success")]
        {
            let received = receive_post("", body);
            assert_eq!((received.provider, received.event.kind.as_deref()), (Some(provider), Some(kind)));
            assert_eq!(received.verdict, Verdict::Unsigned);
        }
        let unknown = receive_post("", r#"{"hello":"world"}"#);
        assert_eq!((unknown.provider, unknown.event), (None, Event::default()));
    }

    #[test]
    fn an_event_is_read_in_a_compressed_body_and_a_false_announcement_changes_nothing() {
        let compressed = |headers: &str, body: Vec<u8>| {
            let headers = crate::model::message::Headers::read(headers.as_bytes().to_vec()).unwrap();
            let request = Request { headers, ..Request::post("/", body) };
            let rules = Rules { keys: Vec::new(), tolerance: Some(DEFAULT_TOLERANCE) };
            receive(Delivery { request, peer: None, arrived: None }, &rules, Timestamp::UNIX_EPOCH).event
        };
        // python3 -c 'import gzip; print(gzip.compress(b"{\"event\":\"transaction.success\"}", mtime=0).hex())'
        let gzip = hex::decode(
            "1f8b0800000000000203ab564a2d4bcd2b51b2522a294acc2b4e4c2ec9cccfd32b2e4d4e4e2d2e56aa05000d8252471f000000",
        )
        .unwrap();
        let event = compressed("Content-Encoding: gzip\r\nX-Plustive-Signature: 00\r\n", gzip.clone());
        assert_eq!(event.kind.as_deref(), Some("transaction.success"));
        assert!(event.warnings.contains(&Warning::Compressed), "{event:?}");
        assert_eq!(compressed("", gzip).warnings, [Warning::NotJson]);
        let plain = compressed("Content-Encoding: gzip\r\n", PLEXOS.into());
        assert_eq!(plain.kind.as_deref(), Some("payment.debited"));
        assert!(!plain.warnings.contains(&Warning::Compressed), "{plain:?}");
    }

    #[test]
    fn the_signature_header_names_the_provider_whatever_the_payload_looks_like() {
        let received = receive_post("X-Plustive-Signature: 00\r\n", PLEXOS);
        assert_eq!(received.provider, Some("plustive"));
        assert_ne!(received.verdict, Verdict::Unsigned);
    }

    #[test]
    fn a_body_that_is_not_a_payload_is_a_warning() {
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        let deep = format!(r#"{{"a":{deep}}}"#);
        let bodies = [("", Warning::EmptyBody), ("[1]", Warning::NotAnObject), ("{", Warning::NotJson)];
        for (body, warning) in bodies.into_iter().chain([(deep.as_str(), Warning::TooDeep)]) {
            assert_eq!(receive_post("", body).event.warnings, [warning], "{body:.20}");
        }
    }

    #[test]
    fn a_signature_that_fails_and_is_old_is_both() {
        let signature = "0".repeat(64);
        let headers = |time: i64| format!("X-Plexos-Timestamp: {time}\r\nX-Plexos-Signature: {signature}\r\n");
        let old = receive_post(&headers(999_000), PLEXOS);
        assert_eq!(old.verdict, Verdict::NoSecret);
        assert!(matches!(old.event.warnings[..], [.., Warning::AlsoTooOld(age)] if age.as_secs() == 1000));
        let future = receive_post(&headers(1_001_000), PLEXOS);
        assert!(matches!(future.event.warnings[..], [.., Warning::AlsoInFuture(ahead)] if ahead.as_secs() == 1000));
    }
}
