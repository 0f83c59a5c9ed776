//! Whole outputs of `verify`, as text and as JSON, compared with the files in `snapshots`.

use crate::common::{NOW, Run, TestWorld};
use crate::events::{plexos, raw, store_captures};
use insta::assert_snapshot;
use serde_json::json;

const PLEXOS: &str = include_str!("vectors/plexos.json");
/// `(printf 1736937000.; cat vectors/plexos.json) | openssl dgst -sha256 -hmac
/// whsec_test_secret_do_not_use`
const PLEXOS_MAC: &str = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";

/// Formats standard output, standard error and exit status.
fn output(run: &Run) -> String {
    format!("{}--- stderr\n{}--- status {}", run.text(), run.err, run.status)
}

/// Verifies the file `f`, and formats the text output and then the JSON output.
fn both(world: &TestWorld, args: &[&str]) -> String {
    let text = world.run(&[&["verify", "f"], args].concat());
    let json = world.run(&[&["verify", "f", "--json"], args].concat());
    format!("{}\n--- json\n{}", output(&text), output(&json))
}

fn verify(file: impl AsRef<[u8]>, args: &[&str]) -> String {
    both(&TestWorld::with_secrets().file("f", file), args)
}

/// The body as Python's json.dumps writes it.
fn reserialized() -> Vec<u8> {
    let spaced = PLEXOS.replace("\":", "\": ").replace(",\"", ", \"");
    plexos(spaced.as_bytes())
}

fn line(mac: &str) -> String {
    let headers = json!([["X-Plexos-Timestamp", NOW.to_string()], ["X-Plexos-Signature", mac]]);
    let request = json!({"method": "POST", "target": "/", "headers": headers, "body": PLEXOS});
    json!({"schema": "whtool.delivery/1", "arrived": "2025-01-15T10:30:01Z", "request": request}).to_string() + "\n"
}

#[test]
fn a_proved_mismatch() {
    assert_snapshot!(verify(reserialized(), &[]));
}

#[test]
fn a_proved_mismatch_in_a_narrow_terminal() {
    let world = TestWorld::with_secrets().columns(70).file("f", reserialized());
    assert_snapshot!(output(&world.run(&["verify", "f"])));
}

#[test]
fn an_unexplained_mismatch() {
    assert_snapshot!(verify(raw(headers(&"0".repeat(64)), PLEXOS.as_bytes()), &[]));
}

fn headers(mac: &str) -> String {
    format!("X-Plexos-Timestamp: {NOW}\r\nX-Plexos-Signature: {mac}\r\n")
}

#[test]
fn a_stale_signature() {
    assert_snapshot!(verify(plexos(PLEXOS.as_bytes()), &["--at", "2025-01-15T10:50:00Z"]));
}

#[test]
fn a_malformed_signature() {
    assert_snapshot!(verify(raw(headers("zz"), PLEXOS.as_bytes()), &[]));
}

#[test]
fn an_unsigned_request() {
    assert_snapshot!(verify(raw("X-Signature: 12\r\n", PLEXOS.as_bytes()), &[]));
}

#[test]
fn a_request_without_a_configured_secret() {
    assert_snapshot!(both(&TestWorld::default().file("f", plexos(PLEXOS.as_bytes())), &[]));
}

#[test]
fn several_requests() {
    let unreadable = "{\"request\":\n".to_owned();
    assert_snapshot!(verify([line(PLEXOS_MAC), line(&"0".repeat(64)), unreadable, line("zz")].concat(), &[]));
}

#[test]
fn an_explained_digest() {
    // json.dumps of the body, without the timestamp: see `vectors/computed.json`.
    let digest = "sha256=CF076F3783944A386C4214E10E59D95E39B89FC11B05E51C816B61C04082E766";
    assert_snapshot!(verify(plexos(PLEXOS.as_bytes()), &["--computed", digest]));
}

/// Replaces the numbers of candidates, which change with each that is added.
fn without_counts(text: &str) -> String {
    let mask = |word: &str| match word.trim_end_matches([' ', '\n', ',', '}']).rsplit_once(':') {
        Some((name, count)) if is_count(count) => format!("{name}:N{}", &word[name.len() + 1 + count.len()..]),
        None if is_count(word.trim_end()) => word.replace(word.trim_end(), "N"),
        _ => word.to_owned(),
    };
    let (before, after) = text.split_once("tried ").map_or(("", text), |(before, after)| (before, after));
    format!("{before}tried {}", after.split_inclusive([' ', '\n', ',', '}']).map(mask).collect::<String>())
}

fn is_count(text: &str) -> bool {
    text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn an_unknown_digest() {
    assert_snapshot!(without_counts(&verify(plexos(PLEXOS.as_bytes()), &["--computed", &"00".repeat(32)])));
}

#[test]
fn a_correct_digest() {
    assert_snapshot!(verify(plexos(PLEXOS.as_bytes()), &["--computed", PLEXOS_MAC]));
}

/// Verifies `seen` with the good request in the store.
fn compare(seen: Vec<u8>) -> String {
    let world = TestWorld::with_secrets().file("f", seen);
    store_captures(&world, &[(0, plexos(PLEXOS.as_bytes()))]);
    both(&world, &["--against", "last"])
}

#[test]
fn a_request_that_was_changed_after_listen() {
    let body = PLEXOS.replace("10000", "77").replace("CVE", "AOA");
    let seen = raw(format!("{}X-New: 1\r\n", headers(PLEXOS_MAC)), body.as_bytes());
    assert_snapshot!(compare(seen));
}

#[test]
fn a_request_that_is_the_same_as_its_capture() {
    assert_snapshot!(compare(plexos(PLEXOS.as_bytes())));
}

#[test]
fn handler_code_for_a_framework_follows_the_results() {
    let world = TestWorld::with_secrets().file("f", reserialized());
    let code = include_str!("../src/diagnose/frameworks/express.js");
    let without = world.run(&["verify", "f"]);
    let with = world.run(&["verify", "f", "--framework", "express"]);
    assert_eq!(with.text(), format!("{}\n{code}", without.text()));
    assert_eq!((with.err.as_str(), with.status), ("", 1));
    let record = world.run(&["verify", "f", "--framework", "express", "--json"]).json().remove(2);
    let expected = json!({
        "schema": "whtool.framework/1", "name": "express", "title": "Express", "language": "JavaScript", "text": code,
    });
    assert_eq!(record, expected);
}
