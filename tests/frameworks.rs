//! Code for frameworks: which ones `verify` suggests, and that an app tests each. The apps are built
//! and checked by `tests/frameworks/run`; the tests here need no network.

use crate::common::{NOW, TestWorld};
use crate::events::raw;
use std::path::Path;

const PLEXOS: &[u8] = include_bytes!("vectors/plexos.json");
/// `(printf 1736937000.; cat vectors/plexos.json) | openssl dgst -sha256 -hmac
/// whsec_test_secret_do_not_use`
const PLEXOS_MAC: &str = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";

/// Frameworks whose code no app tests, since no package registry that the tests use has .NET.
const UNTESTED: [&str; 1] = ["aspnet"];

#[test]
fn every_framework_has_an_app_that_tests_its_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frameworks");
    let script = std::fs::read_to_string(folder.join("run")).unwrap();
    let apps = script.lines().find_map(|line| line.strip_prefix("all=(")?.strip_suffix(')')).unwrap();
    let mut tested: Vec<_> = apps.split(' ').map(|app| app.split('@').next().unwrap()).collect();
    tested.dedup();
    let refusal = TestWorld::with_secrets().run(&["verify", "p.json", "--framework", "nosuch"]).err;
    let names = refusal.split_once("possible values: ").unwrap().1.split_once(']').unwrap().0;
    let names = names.split(", ").map(str::trim).filter(|name| !UNTESTED.contains(name));
    assert_eq!(names.collect::<Vec<_>>(), tested);
    for name in tested {
        assert!(folder.join(name).join("install").exists() && folder.join(name).join("start").exists(), "{name}");
    }
}

/// Returns the frameworks that the hint names after a request with this signature is verified.
fn hint(signature: &str, words: &[&str]) -> Option<String> {
    let headers = format!("X-Plexos-Timestamp: {NOW}\r\nX-Plexos-Signature: {signature}\r\n");
    let world = TestWorld::with_secrets().file("f", raw(headers, PLEXOS));
    let run = world.run(&[&["verify", "f"], words].concat());
    run.err.split_once("add --framework ").map(|(_, names)| names.trim_end().to_owned())
}

#[test]
fn a_digest_of_the_own_code_leads_to_frameworks_of_its_language() {
    // hmac.new(SECRET, b"1736937000." + json.dumps(json.loads(body)).encode(), "sha256") in Python
    let python = "7ba9500f3964563fce0bede15668e25959193c8b2098edcf34fb6616705f130c";
    assert_eq!(hint(PLEXOS_MAC, &["--computed", python]).unwrap(), "flask, fastapi or django");
    // printf '1736937000.[object Object]' | openssl dgst -sha256 -hmac SECRET
    let object = "8f509d759c4c49aec48e598579f682c584d474f656b677a6502b6ab219acd1a3";
    assert_eq!(hint(PLEXOS_MAC, &["--computed", object]).unwrap(), "express, fastify, next or nest");
    // openssl dgst -sha256 -hmac SECRET <plexos.json
    let without_timestamp = "50733f5cf3457462b289166a02703198d30428c8a6cd882178c07c31efd10b37";
    assert!(hint(PLEXOS_MAC, &["--computed", without_timestamp]).unwrap().starts_with("NAME (express, "));
    // (printf 1736937000.; cat plexos.json) | openssl dgst -sha256 -hmac '"SECRET"'
    let quoted = "0d72d3979992fc17eac17f2fbede1ac013a6c9bfa9bc4889a7e6b324aaecb721";
    assert_eq!(hint(PLEXOS_MAC, &["--computed", quoted]), None);
}

#[test]
fn a_signature_that_only_the_sender_can_have_made_leads_to_no_handler_code() {
    for signature in [
        // printf '1736937000.[object Object]' | openssl dgst -sha256 -hmac SECRET
        "8f509d759c4c49aec48e598579f682c584d474f656b677a6502b6ab219acd1a3",
        // openssl dgst -sha256 -hmac SECRET <plexos.json
        "50733f5cf3457462b289166a02703198d30428c8a6cd882178c07c31efd10b37",
    ] {
        assert_eq!(hint(signature, &[]), None, "{signature}");
    }
}
