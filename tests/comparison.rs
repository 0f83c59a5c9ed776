//! `verify --against` and `--framework`, and `events show --bundle`.

use crate::common::{NOW, TestWorld};
use crate::events::{plexos, raw, store_captures};
use serde_json::{Value, json};
use whtool::world::Stream;

const PLEXOS: &[u8] = include_bytes!("vectors/plexos.json");
/// `(printf 1736937000.; cat vectors/plexos.json) | openssl dgst -sha256 -hmac
/// whsec_test_secret_do_not_use`
const PLEXOS_MAC: &str = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";

/// A store that holds the good request, and the file `seen` with the request that a handler saw.
fn seen(request: Vec<u8>) -> TestWorld {
    let world = TestWorld::with_secrets().file("seen", request);
    store_captures(&world, &[(0, plexos(PLEXOS))]);
    world
}

fn changed(old: &str, new: &str) -> Vec<u8> {
    plexos(String::from_utf8_lossy(PLEXOS).replace(old, new).as_bytes())
}

fn comparison(world: &TestWorld, words: &[&str]) -> Value {
    let run = world.run(&[&["verify", "seen", "--json"], words].concat());
    let found = run.json().into_iter().find(|record| record["schema"] == "whtool.hop/1");
    found.unwrap_or_else(|| panic!("no comparison in {}{}", run.text(), run.err))
}

#[test]
fn a_body_that_was_changed_after_listen_is_shown_with_its_first_difference() {
    let world = seen(changed(":", ": "));
    let record = comparison(&world, &["--against", "last"]);
    assert_eq!((&record["conclusion"], &record["firstDifference"]), (&json!("changed_between"), &json!(6)));
    assert_eq!((&record["there"]["verdict"], &record["here"]["verdict"]), (&json!("verified"), &json!("mismatch")));
    let run = world.run(&["verify", "seen", "--against", "last"]);
    let text = run.text();
    for part in [
        "something between the two changed it",
        "differ from byte 6",
        "capture  {\"id\":\"evt",
        "here     {\"id\": \"evt",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(run.status, 1);
}

#[test]
fn dropped_and_renamed_headers_are_listed() {
    let world = seen(raw(format!("x-time: {NOW}\r\nX-Plexos-Signature: {PLEXOS_MAC}\r\nX-New: 1\r\n"), PLEXOS));
    let record = comparison(&world, &["--against", "last"]);
    assert_eq!(record["conclusion"], "changed_between");
    let headers = json!([
        {"name": "X-Plexos-Timestamp", "fate": "renamed", "to": "x-time", "matters": true},
        {"name": "X-New", "fate": "added", "to": null, "matters": false},
    ]);
    assert_eq!(record["headers"], headers);
}

#[test]
fn an_unchanged_request_verifies_as_of_the_time_when_it_arrived() {
    let world = seen(plexos(PLEXOS));
    let record = comparison(&world, &["--against", "last"]);
    assert_eq!((&record["conclusion"], &record["cause"]), (&json!("both_verify"), &Value::Null));
    assert_eq!(world.run(&["verify", "seen", "--against", "last"]).status, 0);
}

#[test]
fn if_listen_received_it_broken_neither_verifies() {
    let world = TestWorld::with_secrets().file("seen", changed("10000", "90000"));
    store_captures(&world, &[(0, changed("10000", "90000"))]);
    assert_eq!(comparison(&world, &["--against", "last"])["conclusion"], "neither_verifies");
}

#[test]
fn a_copy_is_found_by_its_signature_and_proves_what_no_search_can() {
    let two_values = String::from_utf8_lossy(PLEXOS).replace("10000", "77").replace("CVE", "AOA");
    let world = seen(plexos(two_values.as_bytes()));
    let record = comparison(&world, &[]);
    assert_eq!((&record["conclusion"], &record["cause"]["code"]), (&json!("signature_of_copy"), &json!("body_values")));
    let verdict = world.run(&["verify", "seen", "--json"]).json().remove(0);
    assert_eq!(verdict["causes"][0]["code"], "body_values", "{verdict:#}");
    assert_eq!(
        (verdict["causes"][0]["proof"].as_str(), verdict["causes"].as_array().unwrap().len()),
        (Some("proved"), 1)
    );
    let text = world.run(&["verify", "seen"]).text();
    assert!(text.contains("data.amount, data.currency") && !text.contains("unknown"), "{text}");
}

#[test]
fn a_truncated_body_without_an_event_id_is_recognized_by_its_signature() {
    let world = seen(plexos(&PLEXOS[..40]));
    let record = comparison(&world, &[]);
    assert_eq!(record["cause"]["code"], "body_cut");
    assert_eq!(record["firstDifference"], 40);
}

#[test]
fn a_missing_store_or_capture_is_an_error() {
    let world = TestWorld::with_secrets().file("seen", plexos(PLEXOS));
    let run = world.run(&["verify", "seen", "--against", "last"]);
    assert!(run.status == 3 && run.err.contains("no store at"), "{}", run.err);
    assert_eq!(world.run(&["verify", "seen"]).status, 0);
    let run = seen(plexos(PLEXOS)).run(&["verify", "seen", "--against", "zzzz"]);
    assert!(run.status == 3 && run.err.contains("`zzzz`"), "{}", run.err);
}

#[test]
fn handler_code_is_printed_with_framework_and_suggested_without_it() {
    let world = TestWorld::with_secrets().file("seen", changed(":", ": "));
    let run = world.run(&["verify", "seen", "--framework", "flask"]);
    assert!(
        run.text().contains("request.get_data()\n") && run.text().contains("X-Plustive-Signature"),
        "{}",
        run.text()
    );
    assert_eq!(world.run(&["verify", "seen", "--framework", "cobol"]).status, 2);
    let python =
        String::from_utf8_lossy(PLEXOS).replace(':', ": ").replace(',', ", ").replace("T10: 30: 00", "T10:30:00");
    let world = TestWorld::with_secrets().file("seen", plexos(python.as_bytes()));
    let run = world.run(&["verify", "seen"]);
    assert!(run.err.contains("--framework flask, fastapi or django"), "{}", run.err);
    assert_eq!(TestWorld::with_secrets().file("seen", plexos(PLEXOS)).run(&["verify", "seen"]).err, "");
}

/// Returns the path of a file that does not exist yet.
fn fresh(world: &TestWorld) -> String {
    world.home.get().expect("the store is there").path().join("bundle.json").display().to_string()
}

#[test]
fn a_bundle_is_listed_then_written_once_and_holds_no_secret() {
    let body = br#"{"id":"evt_1","type":"payment.debited","data":{"operatorPhone":"+2389001234","token":"1234-5678","note":"sk_live_x whsec_test_secret_do_not_use"}}"#;
    let world = TestWorld::with_secrets();
    let headers =
        format!("Authorization: Bearer abc\r\nX-Plexos-Timestamp: {NOW}\r\nX-Plexos-Signature: {PLEXOS_MAC}\r\n");
    store_captures(&world, &[(0, raw(headers, body))]);
    let path = fresh(&world);
    let run = world.run(&["events", "show", "last", "--bundle", &path]);
    assert!(run.err.contains("the fact that it was not forwarded") && !run.err.contains(" 1 values"), "{}", run.err);
    assert_eq!((run.status, run.out.len()), (0, 0), "{}", run.err);
    assert!(run.err.contains("will contain") && run.err.contains("left out: "), "{}", run.err);
    let text = std::fs::read_to_string(&path).unwrap();
    for secret in ["2389001234", "1234-5678", "sk_live", "whsec_", "Bearer"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let bundle: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&bundle["schema"], &bundle["verdict"]["today"]), (&json!("whtool.bundle/1"), &json!("mismatch")));
    assert_eq!(bundle["request"]["bodyBytes"], body.len());
    assert!(bundle["verdict"]["causes"][0]["code"].is_string() && bundle["tool"]["version"].is_string());
    let again = world.run(&["events", "show", "last", "--bundle", &path, "--yes"]);
    assert!(again.status == 3 && again.err.contains("already exists"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn at_a_terminal_a_bundle_needs_confirmation() {
    let with_terminal = |typed: &str| {
        let world = TestWorld::with_secrets().terminal(Stream::Input).input(typed);
        store_captures(&world, &[(0, plexos(PLEXOS))]);
        let path = fresh(&world);
        (world.run(&["events", "show", "last", "--bundle", &path]).status, std::path::Path::new(&path).exists())
    };
    assert_eq!(with_terminal("no\n"), (2, false));
    assert_eq!(with_terminal("yes\n"), (0, true));
}

#[test]
fn two_different_events_are_not_compared() {
    let other = String::from_utf8_lossy(PLEXOS).replace("evt_abc123", "evt_other");
    let headers = format!("X-Plexos-Timestamp: {NOW}\r\nX-Plexos-Signature: {}\r\n", "0".repeat(64));
    let run = seen(raw(headers, other.as_bytes())).run(&["verify", "seen", "--against", "last"]);
    assert_eq!(run.status, 3, "{}", run.text());
    assert!(run.err.contains("can't compare evt_other with evt_abc123"), "{}", run.err);
    assert!(run.err.contains("whtool events --reference evt_other"), "{}", run.err);
}
