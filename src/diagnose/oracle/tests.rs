//! Wrong signings of one event.

use super::*;
use crate::diagnose::Credentials;
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::Key;
use crate::provider;

const BODY: &[u8] = br#"{"id":"evt_1","type":"payment.debited","data":{"id":"pi_1","amount":"100"}}"#;

fn signings(provider: &str) -> Vec<WrongSigning> {
    let provider = provider::by_name(provider).unwrap();
    let key = Key::new(Secret::new(provider.name(), SecretOrigin::Flag, "whsec_dGVzdHNlY3JldHZhbHVl"));
    let secrets = HandlerSecrets::new(provider, &key, &Credentials::new(&[], &[]));
    wrong_signings(provider, &secrets, &request(BODY, 1_736_937_000), Timestamp::from_second(1_736_937_000).unwrap())
}

fn request(body: &[u8], seconds: i64) -> Request {
    let mut request = Request::post("/hooks", body.to_vec());
    request.headers.push("Host", b"localhost:3000").unwrap();
    request.headers.push("X-Plexos-Timestamp", seconds.to_string().as_bytes()).unwrap();
    request
}

/// Returns the signatures and timestamps that are sent for these causes.
fn sent(signings: &[WrongSigning], codes: &[&str]) -> Vec<(String, String)> {
    let provider = provider::by_name("plexos").unwrap();
    let is_wanted =
        |signing: &&WrongSigning| signing.causes.iter().map(|cause| cause.code()).collect::<Vec<_>>() == codes;
    let headers = signings.iter().filter(is_wanted).map(|signing| signing.headers(HeaderNames::of(provider)));
    headers.map(|headers| (headers[0].1.clone(), headers[1].1.clone())).collect()
}

#[test]
fn signatures_of_faulty_code_match_those_of_python() {
    let signings = signings("plexos");
    // import hmac, hashlib, base64 as b; s = b'whsec_dGVzdHNlY3JldHZhbHVl'; t = b'1736937000'
    // B = b'{"id":"evt_1","type":"payment.debited","data":{"id":"pi_1","amount":"100"}}'
    // h = lambda k, m, a='sha256': hmac.new(k, m, a).hexdigest()
    for (codes, time, signature) in [
        // h(s, t + b'.' + B).upper()
        (&["expects_upper_case"][..], "1736937000", "C8CCEB3E1260BE7C64FC87DA1D8F6885CEA3D3DAB2C07184C44824ECBDAB6610"),
        // b.b64encode(hmac.new(s, t + b'.' + B, 'sha256').digest())
        (&["expects_base64"], "1736937000", "yMzrPhJgvnxk/IfaHY9ohc6j09qywHGExEgk7L2rZhA="),
        // h(s, B)
        (&["timestamp_not_signed"], "1736937000", "d0ad716b3a50adeda7ca5b0d1d76eeeae950a8da64e933339a5401856e13f663"),
        // h(s[6:], t + b'.' + B)
        (&["secret_prefix_dropped"], "1736937000", "a73e35bf18c07354b7b8c362dc6314993b4a3288eae11f9d4913044c243d48e2"),
        // h(s, t + b'000.' + B)
        (
            &["timestamp_signed_in_milliseconds"],
            "1736937000",
            "55807a3b54f3e7a1ad45dc23c13b6cbd55fd8c46bc5326f62b16ed67640650dc",
        ),
        // h(s, t + b'.' + B, 'sha1')
        (&["digest_algorithm"], "1736937000", "bbbc3ebc323f1101dd006b4b235357467d3f3ae0"),
        // 'v0=' + h(s, b'v0:' + t + b':' + B)
        (
            &["rules_of_other_service"],
            "1736937000",
            "v0=972ab05b2dd0535d2c2964f3995243ff1dda2bdaa04fd94919a918894f87786b",
        ),
        // h(s[6:], B)
        (
            &["secret_prefix_dropped", "timestamp_not_signed"],
            "1736937000",
            "8ccdf549588ff09e4e0425ac42fccfa4b03decf70afcc66a988b6b59556dc68c",
        ),
    ] {
        let found = sent(&signings, codes);
        assert!(found.contains(&(time.to_owned(), signature.to_owned())), "{codes:?} {found:?}");
    }
}

#[test]
fn every_signing_is_found_at_its_own_place_even_where_two_have_the_same_text() {
    let signings = signings("plexos");
    for (at, signing) in signings.iter().enumerate() {
        assert_eq!(signing.find_in(&signings, at), Some(at), "{}", signing.causes[0].digest_sentence());
    }
}

#[test]
fn a_forged_signature_differs_in_its_digest_only() {
    let names = HeaderNames::of(provider::by_name("plexos").unwrap());
    for signing in signings("plexos") {
        let (headers, forged) = (signing.headers(names), signing.forged().headers(names));
        let names_of = |headers: &[(&'static str, String)]| headers.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names_of(&headers), names_of(&forged));
        let lengths =
            |headers: &[(&'static str, String)]| headers.iter().map(|(_, value)| value.len()).collect::<Vec<_>>();
        assert_eq!(lengths(&headers), lengths(&forged));
        assert_ne!(headers, forged);
    }
}

#[test]
fn the_order_is_the_same_for_other_events_and_times() {
    let codes = |seconds, body: &[u8]| {
        let provider = provider::by_name("plexos").unwrap();
        let key = Key::new(Secret::new("plexos", SecretOrigin::Flag, "whsec_dGVzdHNlY3JldHZhbHVl"));
        let secrets = HandlerSecrets::new(provider, &key, &Credentials::new(&[], &[]));
        let signings =
            wrong_signings(provider, &secrets, &request(body, seconds), Timestamp::from_second(seconds).unwrap());
        signings
            .iter()
            .map(|signing| signing.causes.iter().map(|cause| cause.code()).collect())
            .collect::<Vec<Vec<_>>>()
    };
    let body = |number: i64| String::from_utf8_lossy(BODY).replace("evt_1", &format!("evt_{number}"));
    let first = codes(1_736_937_000, body(100).as_bytes());
    for number in 101..140 {
        assert_eq!(codes(1_736_937_000 + number, body(number).as_bytes()), first);
    }
}

#[test]
fn correct_signatures_are_not_among_the_wrong_ones_and_none_is_sent_twice() {
    for name in ["plexos", "plustive"] {
        let provider = provider::by_name(name).unwrap();
        let key = Key::new(Secret::new(name, SecretOrigin::Flag, "whsec_dGVzdHNlY3JldHZhbHVl"));
        let secrets = HandlerSecrets::new(provider, &key, &Credentials::new(&[], &[]));
        let correct = correct_signing(
            provider,
            &secrets,
            &request(BODY, 1_736_937_000),
            Timestamp::from_second(1_736_937_000).unwrap(),
        );
        let mut seen = HashSet::from([correct.identity()]);
        for signing in signings(name) {
            assert!(!signing.causes.is_empty() && seen.insert(signing.identity()), "{:?}", signing.causes);
        }
    }
}
