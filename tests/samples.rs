//! `samples`: the list, and payloads with fresh or published ids.

use crate::common::TestWorld;
use serde_json::Value;
use whtool::world::Stream;

fn shown(words: &[&str]) -> Value {
    let run = TestWorld::default().run(&[&["samples", "show"], words].concat());
    assert_eq!(run.status, 0, "{}", run.err);
    serde_json::from_slice(&run.out).expect("a sample is JSON")
}

#[test]
fn the_list_has_every_event_type_and_both_variants_of_plustive() {
    let records = TestWorld::default().run(&["samples", "--json"]).json();
    let of = |provider: &str| records.iter().filter(|record| record["provider"] == provider).count();
    assert_eq!(of("plexos"), 12);
    assert_eq!(of("plustive"), 10);
    assert!(records.iter().all(|record| record["meaning"].as_str().is_some_and(|text| !text.is_empty())));
}

#[test]
fn fixed_samples_equal_the_published_payloads() {
    let bytes = |name: &str| TestWorld::default().run(&["samples", "show", name, "--fixed"]).out;
    assert_eq!(bytes("payment.debited"), include_bytes!("vectors/plexos.json"));
    assert_eq!(bytes("transaction.success"), include_bytes!("vectors/plustive-reference.json"));
    assert_eq!(bytes("transaction.completed"), include_bytes!("vectors/plustive-guide.json"));
}

#[test]
fn samples_have_fresh_ids_and_times() {
    let world = TestWorld::default();
    let show =
        || -> Value { serde_json::from_slice(&world.run(&["samples", "show", "checkout.completed"]).out).unwrap() };
    let (one, other) = (show(), show());
    assert_ne!(one["id"], other["id"]);
    assert_eq!(one["createdAt"], "2025-01-15T10:30:00.000Z");
    assert_eq!(one["data"]["url"], format!("https://pay.plexospay.com/{}", one["data"]["id"].as_str().unwrap()));
}

#[test]
fn set_keeps_the_type_of_the_field() {
    assert_eq!(shown(&["payment.debited", "--set", "data.amount=5000"])["data"]["amount"], "5000");
    assert_eq!(shown(&["transaction.success", "--set", "amount=5000"])["amount"], 5000);
    assert_eq!(shown(&["payment.debited", "--set", "data.amount:=5000"])["data"]["amount"], 5000);
    let run = TestWorld::default().run(&["samples", "show", "payment.debited", "--set", "dat.amount=1"]);
    assert_eq!(run.status, 2);
    assert!(run.err.contains("the payload has no `dat` (found: id, type, data, createdAt)"), "{}", run.err);
}

#[test]
fn a_misspelled_name_gets_a_suggestion() {
    let run = TestWorld::default().run(&["samples", "show", "payment.debitted"]);
    assert_eq!(run.status, 2);
    assert!(run.err.contains("payment.debited"), "{}", run.err);
    assert_eq!(TestWorld::default().run(&["samples", "show", "plexos:transaction.failed"]).status, 2);
    assert_eq!(TestWorld::default().run(&["samples", "show", "plustive:transaction.failed"]).status, 0);
}

#[test]
fn a_terminal_gets_a_pretty_printed_payload_with_masked_tokens() {
    let show = |words: &[&str]| {
        let words = [&["samples", "show", "transaction.completed.electricity"], words].concat();
        TestWorld::default().terminal(Stream::Output).run(&words).text()
    };
    let masked = show(&["--color", "never"]);
    assert!(masked.contains("\n  \"token\": \"***\",\n"), "{masked}");
    assert!(show(&["--color", "never", "--reveal"]).contains("\"token\": \"12345678901234567890\""));
    assert!(show(&[]).contains("\x1b["), "colors on a terminal");
}

#[test]
fn a_sample_name_as_subcommand_suggests_show() {
    for word in ["payment.debited", "payment.debitd"] {
        let run = TestWorld::default().run(&["samples", word]);
        assert!(run.status == 2 && run.err.contains("whtool samples show payment.debited"), "{}", run.err);
    }
}
