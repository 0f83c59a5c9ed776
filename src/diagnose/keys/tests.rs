//! Tests of parts, forms and faults on their own. `tests/secret_causes.rs` tests them in a search.

use super::fault::{FaultSeverity, find_fault, find_secret_in_text};
use super::parts::find_parts;
use crate::diagnose::Credentials;
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::Key;
use crate::provider::{self, Provider};
use std::collections::HashSet;

const SECRET: &str = "whsec_Kq3Zb7Tn9Xw2Lm5Rv8Yc1Df4Gh6Jp0Sa";

fn plexos() -> &'static dyn Provider {
    provider::by_name("plexos").unwrap()
}

/// Made by `tests/vectors/secrets.py`.
#[test]
fn what_is_visibly_no_secret_is_named() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/secrets.json")).expect("the vectors are JSON");
    for case in vectors["likely"].as_array().unwrap() {
        let fault = find_fault(case["ours"].as_str().unwrap().as_bytes(), "NAME", plexos());
        let cause = fault.unwrap_or_else(|| panic!("{}", case["name"])).cause;
        assert_eq!(cause.code(), case["code"], "{}", case["name"]);
        assert!(cause.sentence().contains(case["words"].as_str().unwrap()), "{}: {}", case["name"], cause.sentence());
    }
}

#[test]
fn a_clean_secret_has_no_fault_and_no_parts() {
    for secret in [
        SECRET,
        "plustive_test_secret_do_not_use",
        "5f4dcc3b5aa765d61d8327deb882cf99e2b1c7a4",
        "aGVsbG8gd29ybGQgYW5kIG1vcmUgb2YgaXQ/+8=",
        "correct horse battery staple",
        "Ab$cd#ef%gh&ij=kl!mn",
        "üñïçødé-sécrét-of-mine",
    ] {
        assert!(find_fault(secret.as_bytes(), "NAME", plexos()).is_none(), "{secret}");
    }
    assert_eq!(find_parts(SECRET.as_bytes(), "whsec_"), []);
}

#[test]
fn bytes_that_are_no_text_may_be_a_secret() {
    let fault = find_fault(b"whsec_\xff\xfe0123456789", "NAME", plexos()).unwrap();
    assert_eq!(fault.severity, FaultSeverity::Suspicious);
    assert_eq!(fault.cause.sentence(), "NAME has byte 0xFF, which is not UTF-8, at position 7");
}

#[test]
fn the_place_of_a_secret_in_a_text_is_described_without_the_secret() {
    let place = |text: &str| find_secret_in_text(text.as_bytes(), plexos()).unwrap_or_default();
    assert_eq!(
        place(&format!("PORT=1\nPLEXOS_WEBHOOK_SECRET='{SECRET}'\n")),
        "in line 2, the value of `PLEXOS_WEBHOOK_SECRET`, without the quotes around it"
    );
    assert_eq!(place(&format!("{{\"a\":{{\"secret\":\"{SECRET}\"}}}}")), "the value of `secret`");
    assert_eq!(place("nothing here"), "");
}

#[test]
fn a_large_or_nested_text_has_a_bounded_number_of_parts() {
    let lines: String = (0..500).map(|number| format!("export NAME_{number}='a b, c;d'\n")).collect();
    assert!(find_parts(lines.as_bytes(), "whsec_").len() <= 96);
    assert_eq!(find_parts(&vec![b'='; 20_000], "whsec_"), []);
    let nested = format!("{}\"x\"{}", "[".repeat(2_000), "]".repeat(2_000));
    assert!(find_parts(nested.as_bytes(), "whsec_").len() <= 96);
}

#[test]
fn every_key_is_tried_once_and_few_are_combined_with_other_changes() {
    let keys = [Key::new(Secret::new("plexos", SecretOrigin::Flag, SECRET))];
    let credentials = Credentials::new(&keys, &[]);
    let candidates = credentials.candidates(plexos());
    let usual = candidates.iter().filter(|key| !key.is_rare).count();
    assert!((15..=25).contains(&usual) && candidates.len() < 400, "{usual} of {}", candidates.len());
    let bytes: HashSet<_> = candidates.iter().map(|key| &key.bytes).collect();
    assert_eq!(bytes.len(), candidates.len());
    assert!(candidates.is_sorted_by_key(|key| key.is_rare));
}

/// `python3 -c "import base64; print(base64.b64decode('test_secret_do_not_use==').hex())"`, and PHP's
/// `base64_decode` gives the same.
#[test]
fn characters_that_base64_does_not_have_are_skipped_as_python_and_php_do() {
    let decoded = super::cleaning::decode_base64_without_others(b"test_secret_do_not_use").unwrap();
    assert_eq!(hex::encode(decoded), "b5eb2db1e72b7ad7689e8b6eb1");
}
