//! Tests of how much work explaining a failure may cost.

use super::{Credentials, Finding, HashAllowance, HashBudget, explain};
use crate::json::{Document, SERIALIZERS};
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::message::Request;
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::{DEFAULT_TOLERANCE, Key, Mac, Signer};
use crate::model::timestamp::Timestamp;
use crate::webhook::receive::{Rules, receive};

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
    let mut request = Request::post("/", BODY.as_bytes().to_vec());
    request.headers.push("X-Plexos-Timestamp", TIME.to_string().as_bytes()).unwrap();
    request.headers.push("X-Plexos-Signature", hex::encode(mac).as_bytes()).unwrap();
    let keys = vec![Key::new(Secret::new("plexos", SecretOrigin::Flag, SECRET))];
    let rules = Rules { keys, tolerance: Some(DEFAULT_TOLERANCE) };
    let delivery = Delivery { request, peer: None, arrived: None };
    let received: AnalyzedDelivery = receive(delivery, &rules, Timestamp::from_second(TIME).unwrap());
    let findings = explain(&received, &Credentials { keys: &rules.keys, api_keys: &[] }, budget);
    findings.iter().map(|Finding { cause, .. }| cause.code()).collect()
}

#[test]
fn a_complete_search_of_a_small_body_hashes_less_than_two_megabytes() {
    let mut budget = HashBudget::new(HashAllowance(128 << 20), HashAllowance(128 << 20), 0);
    let count = (0..).take_while(|_| codes([7; 32], &mut budget) == ["unexplained"]).count();
    assert!((25..=45).contains(&count), "64 MiB for changes cover {count} complete searches");
}

#[test]
fn one_request_takes_no_more_than_its_share_and_returns_the_rest() {
    let share = HashAllowance(1 << 20);
    let mut budget = HashBudget::new(HashAllowance(4 << 20), share, 0);
    assert_eq!([budget.take().0, budget.take().0, budget.take().0], [share, share, HashAllowance(0)]);
    budget.refund(share, HashAllowance(0));
    assert_eq!(budget.take().0, share);
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
fn a_brief_search_tries_every_usual_change_of_a_small_body_but_not_every_pair() {
    let document = Document::parse(BODY.as_bytes()).unwrap();
    assert_eq!(brief(sign_body(&SERIALIZERS.last().unwrap().write(&document))), ["body_reserialized"]);
    let spaced = SERIALIZERS.iter().find(|serializer| serializer.code == "python_json_dumps").unwrap();
    let pair = sign("None", &[format!("{TIME}.").as_bytes(), &spaced.write(&document)].concat());
    assert_eq!(brief(pair), ["not_searched"]);
    let mut budget = HashBudget::new(HashAllowance(2 << 20), HashAllowance(1 << 20), 0);
    assert_eq!(codes(pair, &mut budget), ["secret_unset", "body_reserialized"], "four times as much finds the pair");
}

#[test]
fn a_brief_search_finds_a_flipped_bit_in_the_first_half_of_a_small_body() {
    let with_flipped_bit = |offset: usize| {
        let mut signed = BODY.as_bytes().to_vec();
        signed[offset] ^= 1;
        sign_body(&signed)
    };
    assert_eq!(brief(with_flipped_bit(90)), ["body_byte_changed"]);
    assert_eq!(brief(with_flipped_bit(120)), ["not_searched"]);
}
