//! Tests of `events`. The real listener and writer fill the store, with times of the scripted
//! world.

use crate::common::{NOW, PLEXOS_SECRET, PLUSTIVE_SECRET, Run, TestWorld};
use crate::process;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use whtool::model::exchange::Answer;
use whtool::model::secret::{Secret, SecretOrigin};
use whtool::model::signature::Key;
use whtool::model::stored::{Attempt, CaptureId};
use whtool::model::timestamp::SignedDuration;
use whtool::webhook::receive::{Rules, receive};
use whtool::world::*;

const PLEXOS: &[u8] = include_bytes!("vectors/plexos.json");
/// See `sign`.
const PLEXOS_MAC: &str = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";
const REFERENCE: &[u8] = include_bytes!("vectors/plustive-reference.json");
/// See `process`.
const REFERENCE_MAC: &str = "fb1d9f0c10dc57a028d4a24ff1eb6c51f2a25a82ad869a2ac129e24346ce5f1e";

/// Builds a request with these headers and this body.
pub fn raw(headers: impl AsRef<[u8]>, body: &[u8]) -> Vec<u8> {
    let end = format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [b"POST /hooks?x=1 HTTP/1.1\r\nHost: shop.example\r\n", headers.as_ref(), end.as_bytes(), body].concat()
}

pub fn plexos(body: &[u8]) -> Vec<u8> {
    raw(format!("X-Plexos-Timestamp: {NOW}\r\nX-Plexos-Signature: {PLEXOS_MAC}\r\n"), body)
}

fn plustive(body: &[u8]) -> Vec<u8> {
    raw(format!("X-Plustive-Signature: {REFERENCE_MAC}\r\n"), body)
}

/// Sends each request to a listener that stores it as if it had arrived this many seconds ago.
pub fn store_captures(world: &TestWorld, requests: &[(i64, Vec<u8>)]) {
    let key = |provider, variable: &str, secret: &str| {
        let origin = SecretOrigin::Environment { variable: variable.to_owned(), position: 0 };
        Key::new(Secret::new(provider, origin, secret))
    };
    let keys = vec![
        key("plexos", "PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET),
        key("plustive", "PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET),
    ];
    store_captures_with_keys(world, requests, &keys);
}

/// Like `store_captures`, but verifies the requests with these keys.
pub fn store_captures_with_keys(world: &TestWorld, requests: &[(i64, Vec<u8>)], keys: &[Key]) {
    for (age, request) in requests {
        let arrived = world.now() - SignedDuration::from_secs(*age);
        let rules = Rules { keys: keys.to_vec(), tolerance: None };
        let verify: VerifyFn = Arc::new(move |mut delivery, _| {
            delivery.arrived = Some(arrived);
            receive(delivery, &rules, arrived)
        });
        let options = ListenOptions {
            addresses: "127.0.0.1:0".parse::<whtool::model::bind::BindHost>().unwrap().with_port(0),
            max_body: 1 << 20,
            ack_policy: AckPolicy::Verified,
            store: Some(StoreLocation::File(path(world))),

            refused_limit: 64 << 20,
            forward: None,
            secret_sources: Vec::new(),
            answers: Vec::new(),
        };
        let mut listening = whtool::edge::Machine.listen(&options, verify).unwrap();
        let mut stream = TcpStream::connect(listening.address()).unwrap();
        stream.write_all(request).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        listening.close();
        while !matches!(listening.next(None), ListenerEvent::Closed) {}
    }
}

fn path(world: &TestWorld) -> std::path::PathBuf {
    world.data_dir().unwrap().join("captures.db")
}

/// A world with a verified event of each provider and a tampered one: three hours, one hour and a
/// minute ago.
fn world_with_three_captures() -> TestWorld {
    let world = TestWorld::with_secrets();
    let tampered = String::from_utf8_lossy(PLEXOS).replace("10000", "90000");
    store_captures(
        &world,
        &[(10_800, plexos(PLEXOS)), (3_600, plustive(REFERENCE)), (60, plexos(tampered.as_bytes()))],
    );
    world
}

fn ids(world: &TestWorld) -> Vec<String> {
    world.run(&["events", "--json"]).json().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

fn attempt(world: &TestWorld, id: &str, outcome: Result<u16, &str>) {
    let outcome = outcome.map(|status| Answer::new(status, b"Oops\x1b[31m\nmore")).map_err(str::to_owned);
    let attempt =
        Attempt { at: world.now(), url: "http://localhost:3000/".to_owned(), took: Duration::from_millis(12), outcome };
    world
        .open_store(&StoreLocation::File(path(world)))
        .unwrap()
        .add_attempt(CaptureId(id.parse().unwrap()), &attempt)
        .unwrap();
}

fn providers(run: &Run) -> Vec<String> {
    run.json()
        .iter()
        .map(|entry| format!("{} {}", entry["provider"].as_str().unwrap(), entry["verdict"].as_str().unwrap()))
        .collect()
}

#[test]
fn captures_are_listed_one_per_line_newest_last() {
    let world = world_with_three_captures();
    attempt(&world, &ids(&world)[1], Ok(500));
    let run = world.run(&["events"]);
    let text = run.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((run.status, run.err.as_str(), lines.len()), (0, "", 3), "{text}");
    assert!(lines[0].starts_with("2025-01-15 07:30:00  ") && lines[0].contains("payment.debited"), "{text}");
    assert!(lines[0].ends_with("100.00 CVE (10000)  DEBITED  verified · PLEXOS_WEBHOOK_SECRET"), "{text}");
    assert!(lines[1].ends_with("verified · PLUSTIVE_WEBHOOK_SECRET  app → 500"), "{text}");
    assert!(lines[2].ends_with("signature mismatch  → 401"), "{text}");
    assert_eq!(world.run(&["events", "list"]).text(), text);
}

#[test]
fn a_record_has_the_fields_of_its_line() {
    let record = world_with_three_captures()
        .run(&["events", "--json", "--provider", "plexos", "--verdict", "verified"])
        .json()
        .remove(0);
    assert_eq!(record["schema"], "whtool.event/1");
    assert_eq!(record["arrived"], "2025-01-15T07:30:00Z");
    assert_eq!(record["event"]["money"], json!({"minor": "10000", "currency": "CVE"}));
    assert_eq!((record["answered"].as_u64(), record["size"].as_u64()), (Some(200), Some(PLEXOS.len() as u64)));
    assert_eq!((&record["app"], record["secret"].as_str()), (&Value::Null, Some("PLEXOS_WEBHOOK_SECRET")));
}

#[test]
fn filters_combine() {
    let world = world_with_three_captures();
    let list = |words: &[&str]| providers(&world.run(&[&["events", "--json"], words].concat()));
    assert_eq!(list(&["--provider", "plexos"]), ["plexos verified", "plexos mismatch"]);
    assert_eq!(list(&["--provider", "plexos", "--since", "2h"]), ["plexos mismatch"]);
    assert_eq!(list(&["--until", "2h"]), ["plexos verified"]);
    assert_eq!(list(&["--since", "2h", "--until", "2025-01-15T10:00:00Z"]), ["plustive verified"]);
    assert_eq!(list(&["--type", "payment.*", "--verdict", "verified"]), ["plexos verified"]);
    assert_eq!(list(&["--failed"]), ["plexos mismatch"]);
    assert_eq!(list(&["--grep", "90000"]), ["plexos mismatch"]);
    assert_eq!(list(&["--reference", "evt_abc123", "--limit", "1"]), ["plexos mismatch"]);
    assert_eq!(list(&["--grep", "90000", "--verdict", "verified"]), Vec::<String>::new());
    attempt(&world, &ids(&world)[1], Err("can't connect"));
    assert_eq!(list(&["--failed"]), ["plustive verified", "plexos mismatch"]);
}

#[test]
fn a_truncated_list_says_so() {
    let world = world_with_three_captures();
    let run = world.run(&["events", "--limit", "2"]);
    assert_eq!(run.text().lines().count(), 2);
    assert!(run.err.contains("--all"), "{}", run.err);
    for words in [["events", "--limit", "0"].as_slice(), &["events", "--all"], &["events", "--limit", "3"]] {
        let run = world.run(words);
        assert_eq!((run.text().lines().count(), run.err.as_str()), (3, ""), "{words:?}");
    }
}

#[test]
fn an_absent_store_is_no_error_and_is_not_created() {
    let world = TestWorld::with_secrets();
    for words in
        [["events"].as_slice(), &["events", "stats"], &["events", "export"], &["events", "prune", "--older-than", "1d"]]
    {
        let run = world.run(words);
        assert_eq!((run.status, run.out.len()), (0, 0), "{words:?}");
        assert!(!run.err.is_empty() && !path(&world).exists(), "{words:?}: {}", run.err);
    }
    assert_eq!(world.run(&["events", "show", "last"]).status, 3);
    assert_eq!(world.run(&["events", "--store", "/nowhere/at.all"]).status, 3);
}

#[test]
fn a_capture_is_named_by_number_place_event_id_or_reference() {
    let world = world_with_three_captures();
    let shown = |name: &str| {
        let run = world.run(&["events", "show", name, "--as", "json"]);
        assert_eq!(run.status, 0, "{name}: {}", run.err);
        (run.json().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), run.err)
    };
    for (name, id) in
        [("1", "1"), ("3", "3"), ("last", "3"), ("last~2", "1"), ("order-1001", "2"), ("PLS-9KQ2M7P3XR", "2")]
    {
        assert_eq!(shown(name), (vec![id.to_owned()], String::new()), "{name}");
    }
    assert_eq!(shown("2..9").0, ["2", "3"]);
    for name in ["evt_abc123", "pi_def456"] {
        let (ids, said) = shown(name);
        assert_eq!(ids, ["3"], "{name}");
        assert!(said.contains(&format!("2 captures match `{name}`; using the newest, 3")), "{said}");
    }
    for name in ["4", "last~3", "4..9", "evt_none", ""] {
        let run = world.run(&["events", "show", name]);
        assert!(run.status == 3 && run.err.contains("`whtool events` lists them"), "{name}: {}", run.err);
    }
}

#[test]
fn an_order_number_names_a_capture_unless_a_capture_has_that_number() {
    let world = TestWorld::with_secrets();
    let body = |reference: &str| format!("{{\"event\":\"transaction.success\",\"reference\":\"{reference}\"}}");
    store_captures(&world, &[(9, raw("", body("2").as_bytes())), (8, raw("", body("1007").as_bytes()))]);
    let shown = |name: &str| world.run(&["events", "show", name, "--as", "json"]).json()[0]["id"].clone();
    assert_eq!([shown("1007"), shown("2")], ["2", "2"]);
}

#[test]
fn a_range_names_several_captures_where_several_make_sense() {
    let world = world_with_three_captures();
    let count = |words: &[&str]| {
        let run = world.run(words);
        assert!(run.status < 2, "{words:?}: {}", run.err);
        run.json().len()
    };
    assert_eq!(count(&["events", "export", "1..2"]), 2);
    assert_eq!(count(&["events", "export", "1", "last"]), 2);
    assert_eq!(count(&["replay", "1..2", "--dry-run", "--json"]), 2);
    let verdicts = world.run(&["verify", "1..3", "--json", "--any-age"]).json();
    let verdicts: Vec<_> =
        verdicts.iter().filter_map(|record| Some((record["place"].as_str()?, record["verdict"].as_str()?))).collect();
    assert_eq!(verdicts, [("capture 1", "verified"), ("capture 2", "verified"), ("capture 3", "mismatch")]);
    for words in [
        &["events", "show", "1..2", "--body"][..],
        &["events", "diff", "1..2", "last"],
        &["verify", "1", "--against", "1..2"],
    ] {
        let run = world.run(words);
        assert!(
            run.status == 2 && run.err.contains("`1..2` names 2 captures; only one is possible here"),
            "{}",
            run.err
        );
    }
    let archive: Value = serde_json::from_slice(&world.run(&["events", "show", "1..3", "--as", "har"]).out).unwrap();
    assert_eq!(archive["log"]["entries"].as_array().unwrap().len(), 3);
    assert_eq!(world.run(&["events", "export", "1", "--failed"]).status, 2);
}

#[test]
fn a_capture_is_shown_whole_with_its_attempts() {
    let world = world_with_three_captures();
    let id = ids(&world).remove(0);
    attempt(&world, &id, Err("can't connect: refused"));
    attempt(&world, &id, Ok(500));
    let text = world.run(&["events", "show", &id]).text();
    let parts = ["POST /hooks?x=1\n", "Host: shop.example\n", "\n  \"type\": \"payment.debited\",\n", "(213 bytes)"];
    for part in
        parts.into_iter().chain(["can't connect: refused", "500  12.00 ms  Oops\\u{1b}[31m\n", "from    127.0.0.1:"])
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_refused_capture_is_explained_with_the_current_secrets() {
    let world = world_with_three_captures();
    let text = world.run(&["events", "show", "last"]).text();
    assert!(text.contains("proved  one byte was changed") && !text.contains("today"), "{text}");
    let id = ids(&world).remove(2);
    let mut world = world;
    world.variables.remove("PLEXOS_WEBHOOK_SECRET");
    let text = world.run(&["events", "show", &id]).text();
    assert!(text.contains("with the secrets of today: no configured secret matches"), "{text}");
}

#[test]
fn raw_and_body_are_the_exact_bytes() {
    let bodies: [&[u8]; 4] = [b"a\0b\xff", b"caf\xe9\r\n\r\n", b"", b"{\"a\": 1.0}\r\n"];
    for body in bodies {
        let world = TestWorld::with_secrets();
        let request = raw(b"x-LATIN:  caf\xe9 \r\nX-Repeat: 1\r\nx-repeat: 2\r\n", body);
        store_captures(&world, &[(0, request.clone())]);
        assert_eq!(world.run(&["events", "show", "last", "--body"]).out, body);
        assert_eq!(world.run(&["events", "show", "last", "--raw"]).out, request);
        assert_eq!(world.run(&["events", "show", "last", "--as", "http"]).out, request);
    }
}

#[test]
fn control_characters_do_not_reach_a_terminal() {
    let mut world = TestWorld::with_secrets();
    store_captures(&world, &[(0, raw("X-A: \u{202e}\r\n", b"\x1b[2J\xe2\x80\xae"))]);
    for words in [["events"].as_slice(), &["events", "show", "last"]] {
        assert!(!world.run(words).text().contains(['\x1b', '\u{202e}']), "{words:?}");
    }
    world.terminals.push(Stream::Output);
    for form in ["--raw", "--body"] {
        let run = world.run(&["events", "show", "last", form]);
        assert_eq!((run.status, run.out.len()), (2, 0), "{}", run.err);
    }
}

#[test]
fn tokens_are_masked_on_the_screen_and_whole_in_records() {
    let world = TestWorld::with_secrets();
    let body =
        |token: &str| format!("{{\"event\":\"transaction.completed\",\"reference\":\"r\",\"token\":\"{token}\"}}");
    let request = |token: &str| raw("Authorization: Bearer abc\r\n", body(token).as_bytes());
    store_captures(&world, &[(9, request("1234-5678")), (8, request("1234-9999"))]);
    let ids = ids(&world);
    let outputs =
        [&["events", "show", "last"][..], &["events", "diff", &ids[0], &ids[1]]].map(|words| world.run(words).text());
    for text in outputs {
        assert!(text.contains("***") && !text.contains("1234") && !text.contains("abc"), "{text}");
    }
    assert!(world.run(&["events", "show", "last", "--reveal"]).text().contains("1234-9999"));
    assert!(world.run(&["events", "export"]).text().contains("1234-9999"));
}

/// Runs `verify` on the output of a command and returns the verdicts.
fn verified_again(world: &TestWorld, words: &[&str]) -> Vec<String> {
    let file = world.run(words).out;
    let run = TestWorld::with_secrets().file("f", file).run(&[
        "verify",
        "f",
        "--at",
        "arrived",
        "--json",
        "--tolerance",
        "1d",
    ]);
    run.json().iter().filter_map(|record| record["verdict"].as_str().map(str::to_owned)).collect()
}

#[test]
fn verify_reads_exported_captures() {
    let world = world_with_three_captures();
    let id = ids(&world).remove(0);
    for form in ["json", "har", "http"] {
        // A raw request has no time of arrival, so it is verified as of now, which is within the
        // tolerance.
        assert_eq!(verified_again(&world, &["events", "show", &id, "--as", form]), ["verified"], "{form}");
    }
    for form in ["ndjson", "har"] {
        let all = ["verified", "verified", "mismatch"];
        assert_eq!(verified_again(&world, &["events", "export", "--as", form]), all, "{form}");
        let words = ["events", "export", "--as", form, "--verdict", "verified", "--limit", "1"];
        assert_eq!(verified_again(&world, &words), ["verified"], "{form}");
    }
}

#[test]
fn an_archive_has_every_byte_of_a_body() {
    let world = TestWorld::with_secrets();
    store_captures(&world, &[(0, raw("", b"a\0b\xff\r\n"))]);
    let archive: Value = serde_json::from_slice(&world.run(&["events", "show", "last", "--as", "har"]).out).unwrap();
    let entry = &archive["log"]["entries"][0];
    assert_eq!(archive["log"]["version"], "1.2");
    assert_eq!(entry["request"]["postData"]["text"], "YQBi/w0K");
    assert_eq!(
        (&entry["request"]["postData"]["encoding"], &entry["request"]["bodySize"]),
        (&json!("base64"), &json!(6))
    );
    assert_eq!(entry["request"]["url"], "http://shop.example/hooks?x=1");
    assert_eq!(
        (&entry["startedDateTime"], &entry["response"]["status"]),
        (&json!("2025-01-15T10:30:00Z"), &json!(401))
    );
}

#[test]
fn diff_shows_offset_path_and_header() {
    let world = world_with_three_captures();
    let ids = ids(&world);
    let run = world.run(&["events", "diff", &ids[0], "last"]);
    let text = run.text();
    assert_eq!(run.status, 1);
    for part in ["first difference in the bodies: byte ", "~ data.amount  \"10000\" → \"90000\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let record = world.run(&["events", "diff", &ids[0], "last", "--json"]).json().remove(0);
    assert_eq!(record["paths"], json!([{"path": "data.amount", "old": "10000", "new": "90000"}]));
    let other = world.run(&["events", "diff", &ids[0], &ids[1], "--json"]).json().remove(0);
    assert_eq!(other["headers"].as_array().unwrap().len(), 4, "{other}");
    let same = world.run(&["events", "diff", "last", &ids[2]]);
    assert_eq!((same.status, same.text().contains("the bodies are identical")), (0, true));
}

#[test]
fn diff_recognizes_the_same_json_serialized_differently() {
    let world = TestWorld::with_secrets();
    store_captures(&world, &[(9, raw("", b"{\"a\":1,\"b\":2}")), (8, raw("", b"{\"b\":2,\"a\":1}\n"))]);
    let ids = ids(&world);
    let run = world.run(&["events", "diff", &ids[0], &ids[1]]);
    assert!(run.status == 1 && run.text().contains("same JSON, serialized differently"), "{}", run.text());
    assert_eq!(world.run(&["events", "diff", &ids[0], &ids[1], "--json"]).json()[0]["paths"], json!([]));
}

#[test]
fn duplicates_count_once_in_totals() {
    let world = TestWorld::with_secrets();
    let tampered = String::from_utf8_lossy(PLEXOS).replace("10000", "90000");
    let requests =
        [(7_200, plexos(PLEXOS)), (60, plexos(PLEXOS)), (30, plustive(REFERENCE)), (20, plexos(tampered.as_bytes()))];
    store_captures(&world, &requests);
    let stats = world.run(&["events", "stats", "--json"]).json().remove(0);
    assert_eq!((&stats["schema"], &stats["total"]), (&json!("whtool.stats/1"), &json!(4)));
    assert_eq!(stats["verdicts"], json!({"mismatch": 1, "verified": 3}));
    assert_eq!(stats["money"][0], json!({"currency": "CVE", "events": 1, "minor": "10000"}));
    assert_eq!(
        stats["hours"],
        json!([
            {"hour": "2025-01-15T08:00:00Z", "count": 1}, {"hour": "2025-01-15T10:00:00Z", "count": 3},
        ])
    );
    let text = world.run(&["events", "stats", "--provider", "plexos", "--since", "1h"]).text();
    assert!(text.starts_with("2 deliveries\n") && text.contains("100.00 CVE (10000) in 1 event"), "{text}");
}

#[test]
fn pruning_removes_nothing_without_yes() {
    let world = world_with_three_captures();
    let plan = world.run(&["events", "prune", "--older-than", "2h"]);
    assert_eq!(
        plan.text(),
        "would remove 1 delivery with 213 bytes of bodies, from 2025-01-15 07:30:00 to 2025-01-15 07:30:00\n"
    );
    assert!(plan.err.contains("--yes") && ids(&world).len() == 3, "{}", plan.err);
    assert_eq!(world.run(&["events", "prune", "--older-than", "2h", "--yes", "--json"]).json()[0]["removed"], 1);
    assert_eq!(ids(&world).len(), 2);
    assert_eq!(world.run(&["events", "prune", "--older-than", "30d", "--yes"]).text(), "removed 0 deliveries\n");
}

#[test]
fn pending_deliveries_are_pruned_only_on_request() {
    let world = world_with_three_captures();
    let connection = rusqlite::Connection::open(path(&world)).unwrap();
    let sql = "INSERT INTO forwards (delivery, url, object, due) SELECT min(id), 'http://x/', 'o', 0 FROM deliveries";
    connection.execute(sql, []).unwrap();
    let run = world.run(&["events", "prune", "--older-than", "0s", "--yes"]);
    assert!(
        run.text().starts_with("removed 2 ") && run.err.contains("--even-undelivered"),
        "{}{}",
        run.text(),
        run.err
    );
    assert_eq!(ids(&world).len(), 1);
    let run = world.run(&["events", "prune", "--older-than", "0s", "--yes", "--even-undelivered"]);
    assert!(run.text().starts_with("removed 1 "), "{}", run.text());
    for table in ["deliveries", "contents", "attempts", "forwards"] {
        let left: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[test]
fn pruning_shrinks_the_file() {
    let world = TestWorld::with_secrets();
    store_captures(&world, &[(100, raw("", &vec![b'x'; 900_000])), (1, raw("", b"{}"))]);
    let before = path(&world).metadata().unwrap().len();
    assert_eq!(world.run(&["events", "prune", "--older-than", "50s", "--yes"]).status, 0);
    let after = path(&world).metadata().unwrap().len();
    assert!(before > 900_000 && after < 200_000, "{before} → {after}");
}

#[test]
fn a_foreign_or_damaged_store_or_one_of_another_version_is_refused_with_a_hint() {
    let world = world_with_three_captures();
    let store = path(&world);
    let copy = |name: &str| {
        let copy = store.with_file_name(name);
        std::fs::copy(&store, &copy).unwrap();
        copy.to_str().unwrap().to_owned()
    };
    let (newer, damaged, foreign) = (copy("newer.db"), copy("damaged.db"), store.with_file_name("foreign.db"));
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let mut bytes = std::fs::read(&damaged).unwrap();
    bytes[4096..].fill(0xaa);
    std::fs::write(&damaged, &bytes).unwrap();
    std::fs::write(&foreign, "a letter, and no database at all".repeat(200)).unwrap();
    for store in [&newer, &damaged, foreign.to_str().unwrap()] {
        let run = world.run(&["events", "--store", store]);
        assert_eq!((run.status, run.out.len()), (3, 0), "{store}: {}", run.err);
        assert!(run.err.contains("try:") && run.err.lines().count() <= 3, "{store}: {}", run.err);
    }
    assert!(std::fs::read(&damaged).unwrap() == bytes, "it was left as it is");
}

#[test]
fn a_second_process_lists_and_prunes_while_a_listener_writes() {
    let home = process::home();
    let listener = process::Listener::start(home.path(), &[]);
    let sent = std::thread::scope(|scope| {
        let (listener, request) = (&listener, process::post(REFERENCE_MAC, REFERENCE));
        let sender = scope.spawn(move || (0..30).filter(|_| listener.exchange(&request).contains(" 200 ")).count());
        while !sender.is_finished() {
            let listed = process::run(&mut process::whtool(home.path(), &["events", "--all", "--json"]));
            assert!(listed.status.success(), "{listed:?}");
            let pruned =
                process::run(&mut process::whtool(home.path(), &["events", "prune", "--older-than", "1d", "--yes"]));
            assert!(pruned.status.success(), "{pruned:?}");
        }
        sender.join().unwrap()
    });
    let listed = process::run(&mut process::whtool(home.path(), &["events", "--all"]));
    assert_eq!((sent, String::from_utf8_lossy(&listed.stdout).lines().count()), (30, 30));
    listener.end("INT");
}

#[test]
fn times_are_absolute_or_relative_to_now() {
    let world = world_with_three_captures();
    assert_eq!(world.run(&["events", "--since", "99999d", "--json"]).json().len(), 3);
    for (since, until) in [("2025-01-15", "2025-01-16"), ("today", "2025-01-15 23:59:59"), ("yesterday", "2100-01-01")]
    {
        let run = world.run(&["events", "--since", since, "--until", until, "--json"]);
        assert_eq!(run.json().len(), 3, "{since} to {until}: {}", run.err);
    }
    assert_eq!(world.run(&["events", "--until", "today", "--json"]).json().len(), 0);
    for wrong in ["100001d", "tomorrow", "2", "2025-02-30"] {
        assert_eq!(world.run(&["events", "--since", wrong]).status, 2, "{wrong}");
    }
    let bare = world.run(&["events", "--since", "2"]);
    assert!(bare.err.contains("a bare number has no unit: write 2h"), "{}", bare.err);
}

#[test]
fn an_undocumented_type_causes_a_warning() {
    let world = world_with_three_captures();
    let run = world.run(&["events", "--type", "payment.debitd"]);
    assert!(run.err.contains("no documented event type matches `payment.debitd`"), "{}", run.err);
    assert!(!world.run(&["events", "--type", "payment.*"]).err.contains("warning"));
}

#[test]
fn a_list_is_the_same_in_one_flag_and_in_several_and_never_empty() {
    let world = world_with_three_captures();
    let kinds = |words: &[&str]| {
        let run = world.run(&[&["events", "--json"], words].concat());
        run.json().iter().map(|entry| entry["event"]["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = ["payment.debited", "transaction.success", "payment.debited"];
    for words in [
        &["--type", "payment.*,transaction.*"][..],
        &["--type", "payment.*", "--type", "transaction.*"],
        &["--type", " payment.debited , ,transaction.success, "],
    ] {
        assert_eq!(kinds(words), all, "{words:?}");
    }
    assert_eq!(kinds(&["--type", "refund.*,transaction.*"]), all[1..2]);
    for words in [
        &["events", "--type", ""][..],
        &["events", "--type", " , "],
        &["replay", "--type", ","],
        &["check", "localhost:1", "--only", ","],
        &["listen", "--type", ""],
        &["listen", "--forward-to", ","],
    ] {
        let run = world.run(words);
        assert_eq!(run.status, 2, "{words:?}: {}", run.err);
    }
    let wrong = world.run(&["events", "--type", "payment.*,Refund.*"]);
    assert!(wrong.err.contains("matches `Refund.*`; did you mean `refund.*`?"), "{}", wrong.err);
    let only = ["check", "localhost:1", "--provider", "plexos", "--only", "refuse,rwa"];
    assert!(world.run(&only).err.contains("no probe matches `rwa`"));
}

#[test]
fn events_and_listen_describe_a_missing_secret_alike() {
    let world = TestWorld::default();
    store_captures_with_keys(&world, &[(60, plexos(include_bytes!("vectors/plexos.json")))], &[]);
    let text = world.run(&["events"]).text();
    assert!(text.contains("no configured secret matches"), "{text}");
}

#[test]
fn a_list_fits_into_a_narrow_terminal() {
    let list = |world: &TestWorld| world.run(&["events"]).text();
    let world = world_with_three_captures().columns(80);
    let expected = "\
#  TIME      VERDICT       TYPE               ID              AMOUNT      ANSWER
1  07:30:00  verified      payment.debited    evt_abc123      100.00 CVE
2  09:30:00  verified      transaction.succ…  PLS-9KQ2M7P3XR  270.00 NGN
3  10:29:00  signature m…  payment.debited    evt_abc123      900.00 CVE  → 401
";
    assert_eq!(list(&world), expected);
    for columns in [76, 100, 120] {
        let text = list(&world_with_three_captures().columns(columns));
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(columns)), "{text}");
        assert_eq!(text.lines().count(), 4, "{text}");
    }
    let verbose = world.run(&["events", "-v"]).text();
    assert!(verbose.contains("plexos · ") && verbose.lines().count() > 4, "{verbose}");
}

/// Masks the port of the sender.
fn without_port(text: &str) -> String {
    text.lines()
        .map(|line| {
            line.split_once("127.0.0.1:").map_or(line.to_owned(), |(start, _)| format!("{start}127.0.0.1:PORT")) + "\n"
        })
        .collect()
}

#[test]
fn the_whole_output_of_each_command() {
    let world = world_with_three_captures();
    attempt(&world, "2", Ok(500));
    let commands: [&[&str]; 7] = [
        &["events"],
        &["events", "show", "1"],
        &["events", "show", "2"],
        &["events", "show", "last"],
        &["events", "diff", "1", "last"],
        &["events", "stats"],
        &["events", "prune", "--older-than", "2h"],
    ];
    let outputs = commands.map(|words| {
        let run = world.run(words);
        format!("$ whtool {}\n{}{}status {}\n", words.join(" "), without_port(&run.text()), run.err, run.status)
    });
    insta::assert_snapshot!(outputs.join("\n"));
}
