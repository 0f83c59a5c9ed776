//! Whole outputs of `replay`, `sign`, `samples` and `emulate`, compared with the files in
//! `snapshots`. The signatures in them are checked in `sign` and `replay`.

use crate::common::TestWorld;
use crate::events::{plexos, store_captures};
use insta::assert_snapshot;
use whtool::model::exchange::SendFailure;
use whtool::world::Stream;

const PLEXOS: &str = include_str!("vectors/plexos.json");
const FORGED: &[u8] = b"{\"type\":\"payment.debited\",\"data\":{\"amount\":\"99999999\"}}";

/// Runs a command, and formats standard output, standard error and exit status.
fn output(world: &TestWorld, words: &[&str]) -> String {
    let run = world.run(words);
    let whole = format!("{}--- stderr\n{}--- status {}", run.text(), run.err, run.status);
    world.hide_home(&whole).replace(env!("CARGO_PKG_VERSION"), "VERSION").replace('\r', "")
}

fn answering(answers: &[Result<u16, SendFailure>]) -> TestWorld {
    TestWorld { answers: answers.to_vec(), ..TestWorld::with_secrets() }
}

#[test]
fn replay_of_several_samples() {
    let world = answering(&[Ok(200), Ok(200), Ok(500), Ok(401)]);
    let words = ["replay", "payment.debited", "plustive:transaction.failed", "--repeat", "2"];
    let text = output(&world, &words);
    assert_snapshot!(format!("{text}\n\n{}", output(&world, &[&words[..], &["--json", "--fixed"]].concat())));
}

#[test]
fn replay_without_an_answer() {
    let world = answering(&[Err(SendFailure::Connect("connection refused".to_owned()))]);
    let local = output(&world, &["replay", "payment.debited"]);
    let other = output(&world, &["replay", "payment.debited", "--to", "localhost:3000"]);
    assert_snapshot!(format!("{local}\n\n{other}"));
}

#[test]
fn replay_of_captures_compares_answers() {
    let mut world = answering(&[]);
    store_captures(&world, &[(3, plexos(PLEXOS.as_bytes()))]);
    let rows = [500, 503, 200, 204, 401].map(|status| {
        world.answers = vec![Ok(status)];
        output(&world, &["replay", "last"])
    });
    assert_snapshot!(rows.join("\n\n"));
}

#[test]
fn replay_of_unverified_captures() {
    let world = answering(&[Ok(200)]);
    store_captures(&world, &[(3, plexos(FORGED)), (2, plexos(PLEXOS.as_bytes())), (1, plexos(FORGED))]);
    let named = output(&world, &["replay", "last"]);
    let matched = output(&world, &["replay", "--since", "1h"]);
    // The id of a capture differs from store to store.
    let (_, row) = matched.split_once("  ").unwrap();
    let matched = format!("CAPTURE  {}", row.trim_start());
    let none = output(&world, &["replay", "--verdict", "mismatch"]);
    assert_snapshot!([named, matched, none].join("\n\n"));
}

#[test]
fn replay_refuses_unknown_sources_and_other_machines() {
    let world = TestWorld::with_secrets();
    let unknown = output(&world, &["replay", "payment.debted"]);
    let provider = output(&world, &["replay", "payment.debited", "--provider", "plustive"]);
    let machine = output(&world, &["replay", "payment.debited", "--to", "https://example.com/"]);
    let nothing = output(&world, &["replay"]);
    assert_snapshot!([unknown, provider, machine, nothing].join("\n\n"));
}

#[test]
fn replay_dry_run() {
    let world = TestWorld::with_secrets();
    assert_snapshot!(output(&world, &["replay", "payment.debited", "transaction.success", "--fixed", "--dry-run"]));
}

/// Signs the payload of the vectors.
fn sign(format: &str) -> String {
    let world = TestWorld::with_secrets().file("payload.json", PLEXOS);
    output(&world, &["sign", "payload.json", "--as", format, "--to", "http://localhost:3000/hooks?a=b"])
}

#[test]
fn sign_as_curl() {
    assert_snapshot!(sign("curl"));
}

#[test]
fn sign_as_http() {
    assert_snapshot!(sign("http"));
}

#[test]
fn sign_as_json() {
    assert_snapshot!(sign("json"));
}

#[test]
fn samples_list() {
    assert_snapshot!(output(&TestWorld::default(), &["samples"]));
}

#[test]
fn samples_show_on_a_terminal() {
    let world = TestWorld::default().columns(100);
    assert_snapshot!(output(&world, &["samples", "show", "transaction.completed.electricity", "--fixed"]));
}

#[test]
fn samples_that_do_not_exist() {
    let command = output(&TestWorld::default(), &["samples", "payment.debitd"]);
    let name = output(&TestWorld::default(), &["samples", "show", "payment.debitd"]);
    let field = output(&TestWorld::default(), &["samples", "show", "payment.debited", "--set", "dat.amount=1"]);
    let kind = output(&TestWorld::default(), &["samples", "show", "transaction.success", "--set", "amount=many"]);
    assert_snapshot!([command, name, field, kind].join("\n\n"));
}

#[test]
fn emulate_start() {
    let local = output(&TestWorld::default(), &["emulate", "--seed", "7"]);
    let words = ["emulate", "--seed", "7", "--plustive-url", "localhost:4848"];
    let configured = output(&TestWorld::with_secrets(), &words);
    let json = output(&TestWorld::default(), &[&words[..], &["--json"]].concat());
    assert_snapshot!([local, configured, json].join("\n\n"));
}

#[test]
fn emulate_warns_about_faults_for_unknown_types_and_shows_a_call_on_a_terminal() {
    let world = TestWorld::default().terminal(Stream::Error);
    let run = world.run(&["emulate", "--seed", "7", "--fault", "drop,match=paymnt.*", "--fault", "cut,match=/v1/none"]);
    assert!(run.err.contains("no documented event type matches `paymnt.*`; did you mean `payment.*`?"), "{}", run.err);
    assert_eq!(run.err.matches("no documented").count(), 1, "{}", run.err);
    let call =
        "`curl -H 'Authorization: Bearer sk_test_emulated_by_whtool' http://127.0.0.1:4850/plexos/v1/payments -d '";
    assert!(run.err.contains(call), "{}", run.err);
    assert!(!TestWorld::default().run(&["emulate"]).err.contains("curl"));
}
