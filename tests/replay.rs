//! `replay`: requests, order, output and messages. `process` runs it over real sockets.

use crate::common::{PLEXOS_SECRET, TestWorld};
use crate::events::{plexos, store_captures, store_captures_with_keys};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::HashSet;
use whtool::model::exchange::{OutgoingRequest, SendFailure};
use whtool::world::Stream;

/// Checks a signature with the hmac crate, which other tests compare with RFC 4231 and openssl.
fn is_signed(outgoing: &OutgoingRequest) -> bool {
    let header = |name| outgoing.request.headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
    let (Some(time), Some(mac)) = (header("X-Plexos-Timestamp"), header("X-Plexos-Signature")) else { return false };
    let mut expected = Hmac::<Sha256>::new_from_slice(PLEXOS_SECRET.as_bytes()).unwrap();
    expected.update(format!("{time}.").as_bytes());
    expected.update(&outgoing.request.body);
    expected.verify_slice(&hex::decode(mac).unwrap()).is_ok()
}

#[test]
fn a_sample_is_signed_and_sent_to_the_local_listener() {
    let world = TestWorld::with_secrets();
    let run = world.run(&["replay", "payment.debited"]);
    assert_eq!((run.status, run.text().as_str()), (0, "payment.debited       200   1.00 ms  said\n"));
    let sent = world.sent.lock().unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].url.as_str(), "http://127.0.0.1:4848/");
    assert!(is_signed(&sent[0]));
    assert_eq!(sent[0].request.headers.get("content-type"), Some(&b"application/json"[..]));
}

#[test]
fn repeated_samples_are_distinct_events_unless_fixed() {
    let bodies = |words: &[&str]| -> usize {
        let world = TestWorld::with_secrets();
        world.run(&[&["replay", "payment.debited", "--repeat", "50"], words].concat());
        let sent = world.sent.lock().unwrap();
        assert_eq!(sent.len(), 50);
        assert!(sent.iter().all(is_signed));
        sent.iter().map(|outgoing| outgoing.request.body.clone()).collect::<HashSet<_>>().len()
    };
    assert_eq!(bodies(&[]), 50);
    assert_eq!(bodies(&["--fixed"]), 1);
}

#[test]
fn files_and_stdin_are_sent_unchanged() {
    let body = "{ \"type\" : 1,\n\"data\":{} }\n";
    let world = TestWorld::with_secrets().file("p.json", body).input(body);
    assert_eq!(world.run(&["replay", "p.json", "-"]).status, 0);
    let sent = world.sent.lock().unwrap();
    assert!(
        sent.len() == 2 && sent.iter().all(|outgoing| outgoing.request.body == body.as_bytes() && is_signed(outgoing))
    );
}

#[test]
fn tampering_breaks_the_signature() {
    let world = TestWorld::with_secrets();
    world.run(&["replay", "payment.debited", "--tamper"]);
    assert!(!is_signed(&world.sent.lock().unwrap()[0]));
}

#[test]
fn an_answer_other_than_2xx_exits_with_1_and_no_answer_with_3() {
    let status =
        |answer| TestWorld { answers: vec![answer], ..TestWorld::with_secrets() }.run(&["replay", "payment.debited"]);
    assert_eq!(status(Ok(204)).status, 0);
    assert_eq!(status(Ok(302)).status, 1);
    assert_eq!(status(Ok(500)).status, 1);
    let run = status(Err(SendFailure::Connect("connection refused".to_owned())));
    assert_eq!(run.status, 3);
    assert!(run.err.contains("whtool listen"), "{}", run.err);
}

#[test]
fn a_dry_run_prints_requests_and_sends_nothing() {
    let world = TestWorld::with_secrets();
    let run = world.run(&["replay", "payment.debited", "--dry-run", "--to", "https://example.com/hooks"]);
    assert_eq!((run.status, world.sent.lock().unwrap().len()), (0, 0));
    assert!(run.text().starts_with("POST /hooks HTTP/1.1\r\nHost: example.com\r\n"), "{}", run.text());
    let json = world.run(&["replay", "payment.debited", "--dry-run", "--json"]);
    assert_eq!(json.json()[0]["schema"], "whtool.signed/1");
}

#[test]
fn sending_to_another_machine_needs_confirmation() {
    let words = ["replay", "payment.debited", "--to", "https://example.com/hooks"];
    let world = TestWorld::with_secrets();
    let run = world.run(&words);
    assert_eq!((run.status, world.sent.lock().unwrap().len()), (2, 0));
    assert!(run.err.contains("--yes"), "{}", run.err);
    assert_eq!(world.run(&[&words[..], &["--yes"]].concat()).status, 0);
    for (typed, expected) in
        [("example.com", (0, 1)), ("y", (0, 1)), ("YES", (0, 1)), ("", (2, 0)), ("example", (2, 0))]
    {
        let world = TestWorld::with_secrets().terminal(Stream::Input).input(format!("{typed}\n"));
        assert_eq!((world.run(&words).status, world.sent.lock().unwrap().len()), expected, "{typed}");
    }
}

#[test]
fn an_unknown_source_is_reported_before_anything_is_sent() {
    let world = TestWorld::with_secrets();
    let run = world.run(&["replay", "payment.created", "payment.debted"]);
    assert_eq!((run.status, world.sent.lock().unwrap().len()), (3, 0));
    assert!(
        run.err.contains("`payment.debted` is not a sample, file or capture") && run.err.contains("payment.debited"),
        "{}",
        run.err
    );
}

#[test]
fn a_missing_field_is_reported_before_anything_is_sent() {
    let world = TestWorld::with_secrets();
    let run = world.run(&["replay", "payment.created", "transaction.success", "--set", "data.amount=1"]);
    assert_eq!((run.status, world.sent.lock().unwrap().len()), (2, 0));
}

#[test]
fn set_changes_a_json_file_and_refuses_other_files() {
    let world = TestWorld::with_secrets().file("p.json", r#"{"type":"a","data":{"amount":"1"}}"#).file("t.txt", "text");
    assert_eq!(world.run(&["replay", "p.json", "--set", "data.amount=5"]).status, 0);
    assert_eq!(world.sent.lock().unwrap()[0].request.body, br#"{"type":"a","data":{"amount":"5"}}"#);
    let refused = world.run(&["replay", "t.txt", "--provider", "plexos", "--set", "a=5"]);
    assert_eq!((refused.status, world.sent.lock().unwrap().len()), (2, 1));
}

#[test]
fn many_requests_end_with_a_summary() {
    let world = TestWorld { answers: vec![Ok(200), Ok(200), Ok(401)], ..TestWorld::with_secrets() };
    let words = ["replay", "payment.debited", "--repeat", "9", "--concurrency", "4", "--rate", "1000"];
    let run = world.run(&words);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("sent 9 of 9 in ") && run.err.contains("6 × 200, 3 × 401; p50 1.00 ms"), "{}", run.err);
    let sending = world.sending.lock().unwrap().clone().unwrap();
    assert_eq!((sending.concurrency, sending.per_second), (4, Some(1000.0)));
}

const PLEXOS: &[u8] = include_bytes!("vectors/plexos.json");

/// Takes the bodies sent since the last call; `true` marks a valid signature.
fn take_sent(world: &TestWorld) -> Vec<(Vec<u8>, bool)> {
    let sent = std::mem::take(&mut *world.sent.lock().unwrap());
    sent.into_iter().map(|outgoing| (outgoing.request.body.clone(), is_signed(&outgoing))).collect()
}

#[test]
fn an_unverified_capture_is_signed_only_with_its_flag_however_it_is_selected() {
    let world = TestWorld::with_secrets();
    let forged = b"{\"type\":\"payment.debited\",\"data\":{\"amount\":\"99999999\"}}";
    store_captures(&world, &[(3, plexos(PLEXOS)), (2, plexos(forged))]);
    // Refused when it arrived, because the secret was not configured yet.
    store_captures_with_keys(&world, &[(1, plexos(PLEXOS))], &[]);
    let run = world.run(&["replay", "--failed"]);
    assert_eq!(take_sent(&world), [(PLEXOS.to_vec(), true)]);
    assert!(run.status == 0 && run.err.contains("skipped 1 capture"), "{}", run.err);
    let mismatches = ["events", "--json", "--verdict", "mismatch"];
    let (ids, listed) = (world.run(&mismatches).json(), world.run(&mismatches).text());
    let id = ids[0]["id"].as_str().unwrap();
    let exported = world.run(&["events", "export", id]).text();
    let world = world.file("forged.http", plexos(forged)).file("list", id).file("listed", listed).file("out", exported);
    for selection in [
        &[id][..],
        &["last", id],
        &[id, "--dry-run"],
        &[id, "--set", "data.amount=5"],
        &["forged.http"],
        &["--from", "list"],
        &["--from", "listed"],
        &["--from", "out"],
        &["out"],
    ] {
        let run = world.run(&[&["replay"], selection].concat());
        assert_eq!((run.status, take_sent(&world).len(), run.out.len()), (2, 0, 0), "{selection:?}: {}", run.text());
        assert!(run.err.contains("not verified") && run.err.contains("--sign-unverified"), "{}", run.err);
        let run = world.run(&[&["replay", "--sign-unverified"], selection].concat());
        assert!(run.status == 0 && !run.err.contains("verified"), "{selection:?}: {}", run.err);
        assert!(take_sent(&world).iter().all(|(_, is_signed)| *is_signed));
    }
    let run = world.run(&["replay", "--failed", "--exact"]);
    let unchanged = |body: &[u8]| (body.to_vec(), body == PLEXOS);
    assert_eq!(take_sent(&world), [unchanged(forged), unchanged(PLEXOS)]);
    assert!(!run.err.contains("warning"), "{}", run.err);
    let run = world.run(&["replay", "--verdict", "mismatch"]);
    assert_eq!((run.status, take_sent(&world).len()), (3, 0));
    assert!(run.err.contains("all matching captures were skipped"), "{}", run.err);
    world.run(&["replay", "--verdict", "mismatch", "--sign-unverified"]);
    assert_eq!(take_sent(&world), [(forged.to_vec(), true)]);
}

#[test]
fn records_of_a_list_are_replayed_by_their_id() {
    let world = TestWorld::with_secrets();
    store_captures(&world, &[(2, plexos(PLEXOS)), (1, plexos(PLEXOS))]);
    let listed = world.run(&["events", "--json"]).text();
    let world = world.input(listed);
    let run = world.run(&["replay", "--from", "-"]);
    assert!(run.status == 0, "{}", run.err);
    assert_eq!(take_sent(&world), vec![(PLEXOS.to_vec(), true); 2]);
}

#[test]
fn records_of_a_listener_are_replayed_and_those_without_a_request_are_counted() {
    let world = TestWorld::with_secrets();
    store_captures(&world, &[(1, plexos(PLEXOS))]);
    let capture = world.run(&["events", "show", "last", "--as", "json"]).text();
    let others = "{\"schema\":\"whtool.ready/1\",\"url\":\"http://127.0.0.1:1\"}\n{\"schema\":\"whtool.summary/1\"}\n";
    let world = world.input(format!("{others}{capture}"));
    let run = world.run(&["replay", "--from", "-"]);
    assert!(run.status == 0 && run.err.contains("skipped 2 records without a request"), "{}", run.err);
    assert_eq!(take_sent(&world), [(PLEXOS.to_vec(), true)]);
    let nothing = world.input(others).run(&["replay", "--from", "-"]);
    assert!(nothing.status == 3 && nothing.err.contains("no record of the list has a request"), "{}", nothing.err);
}

#[test]
fn that_nothing_failed_is_success_and_that_nothing_matches_is_not() {
    let world = TestWorld::with_secrets();
    store_captures(&world, &[(2, plexos(PLEXOS))]);
    for failed in [&["--failed"][..], &["--failed", "--since", "2h", "--type", "payment.*"]] {
        let run = world.run(&[&["replay"], failed].concat());
        assert!(run.status == 0 && run.err.contains("no capture failed"), "{failed:?} {}: {}", run.status, run.err);
    }
    for nothing in [&["--type", "refund.*"][..], &["--reference", "x"], &["--failed", "--type", "paymnt.*"]] {
        let run = world.run(&[&["replay"], nothing].concat());
        assert!(run.status == 3 && run.err.contains("no captures match"), "{nothing:?}: {}", run.err);
    }
    let run = world.run(&["replay", "--type", "paymnt.*"]);
    assert!(run.err.contains("no documented event type matches `paymnt.*`; did you mean `payment.*`?"), "{}", run.err);
}

#[test]
fn a_set_field_is_all_that_changes() {
    let body = br#"{"id":"evt_1","type":"payment.debited", "data":{"amount" : 27000.00,"big":12345678901234567890123,"s":"\u00e9\/","amount":1.0}}"#;
    let world = TestWorld::with_secrets().file("p.json", body);
    let run = world.run(&["replay", "p.json", "--set", "data.amount=5", "--provider", "plexos"]);
    let expected = String::from_utf8_lossy(body).replace("1.0}", "5}").into_bytes();
    assert_eq!(take_sent(&world), [(expected, true)], "{}", run.err);
    assert!(run.err.contains("`data.amount` 2 times"), "{}", run.err);
}

#[test]
fn captures_are_read_from_files_and_lists() {
    let world = TestWorld::with_secrets();
    let request = plexos(PLEXOS);
    store_captures(&world, &[(2, request.clone()), (1, request.clone())]);
    let exported = world.run(&["events", "export"]).text();
    let whole = world.run(&["events", "show", "last", "--as", "json"]).text();
    let har = world.run(&["events", "show", "last", "--as", "har"]).text();
    let world = world.file("e.ndjson", exported).file("one.json", whole).file("one.har", har).file("one.http", request);
    for (words, count) in [
        (&["e.ndjson"][..], 2),
        (&["--from", "e.ndjson"], 2),
        (&["one.json"], 1),
        (&["one.har"], 1),
        (&["one.http", "e.ndjson"], 3),
    ] {
        for exact in [&["--exact"][..], &[]] {
            let run = world.run(&[&["replay"], words, exact].concat());
            assert!(run.status == 0 && !run.err.contains("warning"), "{words:?}: {}", run.err);
            assert_eq!(take_sent(&world), vec![(PLEXOS.to_vec(), true); count], "{words:?} {exact:?}");
        }
    }
    let run = world.run(&["replay", "e.ndjson", "--json"]);
    let names: Vec<_> = run.json().iter().map(|record| record["source"].clone()).collect();
    assert_eq!(names, ["e.ndjson, line 1", "e.ndjson, line 2"]);
    let world = world.file("list", "# two\n{\"schema\":\"x\"}\n");
    let run = world.run(&["replay", "--from", "list"]);
    assert!(run.status == 3 && run.err.contains("can't read line 2 of the list"), "{}", run.err);
}

#[test]
fn a_refusal_names_the_secret_unless_the_body_was_tampered_with() {
    let refusing = |world: TestWorld| TestWorld { answers: vec![Ok(401)], ..world };
    let local = refusing(TestWorld::default()).run(&["replay", "payment.debited"]);
    assert!(local.err.contains("signed with the local test secret"), "{}", local.err);
    let configured = refusing(TestWorld::with_secrets()).run(&["replay", "payment.debited"]);
    assert!(
        configured.err.contains("signed with PLEXOS_WEBHOOK_SECRET; check that the target uses the same secret"),
        "{}",
        configured.err
    );
    for world in [TestWorld::default(), TestWorld::with_secrets()] {
        let tampered = refusing(world).run(&["replay", "payment.debited", "--tamper"]);
        assert!(tampered.status == 1 && !tampered.err.contains("signed with"), "{}", tampered.err);
    }
}

#[test]
fn a_new_field_is_reported_once_with_a_suggestion() {
    let run = TestWorld::with_secrets().run(&["replay", "payment.debited", "--set", "amount=5", "--repeat", "3"]);
    assert_eq!(run.err.matches("added the new field `amount`; did you mean `data.amount`?").count(), 1, "{}", run.err);
    let deep = TestWorld::with_secrets().run(&["replay", "payment.debited", "--set", "data.color=5"]);
    assert!(deep.err.contains("added the new field `data.color`\n"), "{}", deep.err);
}

#[test]
fn a_sample_of_another_provider_is_refused() {
    let world = TestWorld::with_secrets();
    let run = world.run(&["replay", "payment.debited", "--provider", "plustive"]);
    assert!(
        run.status == 2 && run.err.contains("`payment.debited` is a sample of Plexos Pay, not of Plustive"),
        "{}",
        run.err
    );
    assert!(world.sent.lock().unwrap().is_empty());
    assert_eq!(world.run(&["replay", "payment.debited", "--provider", "plexos"]).status, 0);
}

#[test]
fn an_empty_list_sends_nothing_and_succeeds() {
    let run = TestWorld::with_secrets().file("missed", "# of yesterday\n\n").run(&["replay", "--from", "missed"]);
    assert!(run.status == 0 && run.err.contains("the list is empty"), "{}", run.err);
}
