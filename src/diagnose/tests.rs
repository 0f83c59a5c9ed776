//! Tests of the whole search: what it proves, and how much work it costs.

use super::compare::compare;
use super::computed::{self, DigestDiagnosis};
use super::{Cause, Confidence, Credentials, Finding, HashAllowance, HashBudget, explain};
use crate::json::{Document, SERIALIZERS};
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::message::Request;
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::{DEFAULT_TOLERANCE, Key, Mac, Signer};
use crate::model::timestamp::Timestamp;
use crate::webhook::receive::{Rules, receive};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const TIME: i64 = 1_736_937_000;
const SECRET: &str = "whsec_test_secret_do_not_use";
/// 213 bytes, as JSON.stringify writes them.
const BODY: &str = include_str!("../../tests/vectors/plexos.json");

fn sign(key: &str, message: &[u8]) -> Mac {
    let mut signer = Signer::with_key(key.as_bytes());
    signer.update(message);
    signer.finish()
}

/// Returns the signature of `body` with the documented key and prefix.
fn sign_body(body: &[u8]) -> Mac {
    sign(SECRET, &[format!("{TIME}.").as_bytes(), body].concat())
}

/// Explains a Plexos request that has `BODY` and this signature.
fn codes(mac: Mac, budget: &mut HashBudget) -> Vec<&'static str> {
    findings(BODY.as_bytes(), mac, budget).iter().map(|Finding { cause, .. }| cause.code()).collect()
}

/// Returns a Plexos request with this body and signature, and the keys to verify it with.
fn receive_body(body: &[u8], mac: Mac) -> (AnalyzedDelivery, Vec<Key>) {
    let mut request = Request::post("/", body.to_vec());
    request.headers.push("X-Plexos-Timestamp", TIME.to_string().as_bytes()).unwrap();
    request.headers.push("X-Plexos-Signature", hex::encode(mac).as_bytes()).unwrap();
    let keys = vec![Key::new(Secret::new("plexos", SecretOrigin::Flag, SECRET))];
    let rules = Rules { keys, tolerance: Some(DEFAULT_TOLERANCE) };
    let delivery = Delivery { request, peer: None, arrived: None };
    let received: AnalyzedDelivery = receive(delivery, &rules, Timestamp::from_second(TIME).unwrap());
    (received, rules.keys)
}

fn findings(body: &[u8], mac: Mac, budget: &mut HashBudget) -> Vec<Finding> {
    let (received, keys) = receive_body(body, mac);
    explain(&received, &Credentials::new(&keys, &[]), budget)
}

/// A case of `tests/vectors/bodies.py`: what the tools of other languages make of a body.
#[derive(serde::Deserialize)]
struct BodyCase {
    name: String,
    received: String,
    signed: String,
    mac: String,
    codes: Vec<String>,
}

impl BodyCase {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../../tests/vectors/bodies.json")).unwrap()
    }

    fn received(&self) -> Vec<u8> {
        STANDARD.decode(&self.received).unwrap()
    }

    /// Returns true for the half of the cases that a signer of the plain event causes.
    fn is_of_signer(&self) -> bool {
        !self.name.starts_with("received") && !self.name.ends_with("(rich)")
    }

    fn mac(&self) -> Mac {
        hex::decode(&self.mac).unwrap().try_into().unwrap()
    }
}

#[test]
fn what_other_languages_make_of_a_body_is_proved() {
    let mut wrong = Vec::new();
    for case in BodyCase::all() {
        let mut budget = HashBudget::new(HashAllowance::INTERACTIVE, HashAllowance::INTERACTIVE, 0);
        let findings = findings(&case.received(), case.mac(), &mut budget);
        let codes: Vec<_> = findings.iter().map(|finding| finding.cause.code()).collect();
        if codes != case.codes || findings.iter().any(|finding| finding.confidence != Confidence::Proved) {
            wrong.push(format!(
                "{}: {:?}",
                case.name,
                findings.iter().map(|found| found.cause.sentence()).collect::<Vec<_>>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_digest_of_what_other_languages_make_of_a_body_is_explained() {
    let mut wrong = Vec::new();
    for case in BodyCase::all().into_iter().filter(BodyCase::is_of_signer) {
        let (received, keys) = receive_body(&case.received(), [7; 32]);
        let credentials = Credentials::new(&keys, &[]);
        let digest = computed::Digest::parse(&case.mac).unwrap();
        let found = computed::explain(&received, &digest, &credentials, &[], HashAllowance::INTERACTIVE);
        let codes: Vec<_> = match &found {
            DigestDiagnosis::Explained(causes) => causes.iter().map(Cause::code).collect(),
            _ => Vec::new(),
        };
        if codes != case.codes {
            wrong.push(format!("{}: {codes:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_comparison_names_what_other_languages_make_of_a_body_in_both_directions() {
    let mut wrong = Vec::new();
    for case in BodyCase::all().into_iter().filter(BodyCase::is_of_signer) {
        let request = |body: Vec<u8>| Request::post("/", body);
        let (received, signed) = (request(case.received()), request(STANDARD.decode(&case.signed).unwrap()));
        for (good, here) in [(&signed, &received), (&received, &signed)] {
            let found = compare(good, here).body.unwrap();
            if found.confidence != Confidence::Proved {
                wrong.push(format!("{}: {}", case.name, found.cause.sentence()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn single_changes_and_usual_pairs_of_a_small_body_hash_less_than_eight_megabytes() {
    let outcome = |allowance: HashAllowance| {
        let mut budget = HashBudget::new(allowance.times(2), allowance, 0);
        codes([7; 32], &mut budget)
    };
    assert_eq!(outcome(HashAllowance::BULK), ["unexplained"]);
    assert_eq!(outcome(HashAllowance(1 << 20)), ["not_searched"]);
}

#[test]
fn one_request_takes_no_more_than_its_share_and_returns_the_rest() {
    let share = HashAllowance(1 << 20);
    let mut budget = HashBudget::new(HashAllowance(4 << 20), share, 0);
    assert_eq!([budget.take(0).0, budget.take(0).0, budget.take(0).0], [share, share, HashAllowance(0)]);
    budget.refund(share, HashAllowance(0));
    assert_eq!(budget.take(0).0, share);
}

/// Explains a request with a brief search, since the budget is empty.
fn brief(mac: Mac) -> Vec<&'static str> {
    let mut budget = HashBudget::new(HashAllowance(0), HashAllowance::USUAL, 1);
    codes(mac, &mut budget)
}

#[test]
fn the_brief_searches_are_counted() {
    let mut budget = HashBudget::new(HashAllowance(0), HashAllowance::USUAL, 1);
    assert_eq!(codes([7; 32], &mut budget), ["not_searched"]);
    assert_eq!(codes(sign_body(b""), &mut budget), ["not_searched"]);
}

#[test]
fn a_brief_search_tries_every_single_serializer_for_a_small_body_but_not_every_pair() {
    let document = Document::parse(BODY.as_bytes()).unwrap();
    assert_eq!(brief(sign_body(&SERIALIZERS.last().unwrap().write(&document))), ["body_reserialized"]);
    let spaced = SERIALIZERS.iter().find(|serializer| serializer.code == "python_json_dumps").unwrap();
    let pair = sign("None", &[format!("{TIME}.").as_bytes(), &spaced.write(&document)].concat());
    assert_eq!(brief(pair), ["not_searched"]);
    let mut budget = HashBudget::new(HashAllowance(8 << 20), HashAllowance(4 << 20), 0);
    assert_eq!(codes(pair, &mut budget), ["secret_unset", "body_reserialized"], "4 MiB find the pair");
}

#[test]
fn a_brief_search_finds_another_digit_in_a_small_body_but_not_another_letter() {
    let replaced = |from: &str, to: &str| sign_body(BODY.replacen(from, to, 1).as_bytes());
    assert_eq!(brief(replaced("9001234", "9001235")), ["body_byte_changed"]);
    assert_eq!(brief(replaced("CVMOVEL", "CVQOVEL")), ["not_searched"]);
}
