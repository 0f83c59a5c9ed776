//! Output of `listen`, compared as a whole with the files in `snapshots`. Tests over sockets are in
//! `process`, `store`, `forwarding` and next to the listener.

use crate::common::{NOW, Run, TestWorld};
use insta::assert_snapshot;
use unicode_width::UnicodeWidthStr;
use whtool::model::message::Request;

const PLEXOS: &[u8] = include_bytes!("vectors/plexos.json");
/// See `sign`.
const PLEXOS_MAC: &str = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";
const REFERENCE: &[u8] = include_bytes!("vectors/plustive-reference.json");
const REFERENCE_MAC: &str = "fb1d9f0c10dc57a028d4a24ff1eb6c51f2a25a82ad869a2ac129e24346ce5f1e";

fn plexos(mac: &str) -> Request {
    let mut request = Request::post("/hooks", PLEXOS.to_vec());
    request.headers.push("X-Plexos-Timestamp", NOW.to_string().as_bytes()).unwrap();
    request.headers.push("X-Plexos-Signature", mac.as_bytes()).unwrap();
    request
}

fn plustive() -> Request {
    let mut request = Request::post("/hooks", REFERENCE.to_vec());
    request.headers.push("x-plustive-signature", REFERENCE_MAC.as_bytes()).unwrap();
    request
}

fn listen(requests: impl IntoIterator<Item = Request>, words: &[&str]) -> Run {
    TestWorld::with_secrets().delivered(requests).run(&[&["listen"], words].concat())
}

/// Formats standard output, standard error and exit status.
fn output(run: &Run) -> String {
    format!("{}--- stderr\n{}--- status {}", run.text(), run.err, run.status)
}

#[test]
fn a_verified_event_is_a_line_and_its_payload() {
    assert_snapshot!(output(&listen([plexos(PLEXOS_MAC)], &[])));
}

#[test]
fn a_narrow_terminal_shows_the_most_important_first_and_wraps_between_words() {
    for (columns, args) in [(80, &[][..]), (60, &[]), (80, &["--compact"]), (119, &["-v"])] {
        let requests = [plexos(PLEXOS_MAC), plustive(), plexos(&"0".repeat(64)), plexos(PLEXOS_MAC)];
        let run = TestWorld::with_secrets().columns(columns).delivered(requests).run(&[&["listen"], args].concat());
        let text = run.text();
        assert!(text.lines().all(|line| line.chars().count() <= columns.into()), "{columns} {args:?}: {text}");
        assert_snapshot!(format!("narrow_terminal_{columns}{}", args.concat()), text);
    }
}

#[test]
fn wide_letters_and_accents_keep_the_columns_aligned() {
    let request = |kind: &str, reference: &str| {
        let body = format!(r#"{{"event":"{kind}","reference":"{reference}","status":"Success"}}"#);
        let mut request = Request::post("/hooks", body.into_bytes());
        request.headers.push("x-plustive-signature", REFERENCE_MAC.as_bytes()).unwrap();
        request
    };
    let names = ["王小明的订单", "Jose\u{301} Gonc\u{327}alves", "🙂 Ada"];
    for columns in [40, 60, 80] {
        let requests = names.iter().map(|name| request("transaction.success", &name.repeat(4)));
        let text = TestWorld::with_secrets().columns(columns).delivered(requests).run(&["listen", "--compact"]).text();
        assert!(text.lines().all(|line| line.width() <= columns.into()), "{columns}: {text}");
    }
    let requests = names.iter().map(|name| request(name, "PLS-1"));
    let text = listen(requests, &["--compact"]).text();
    let before: Vec<_> = text.lines().filter_map(|line| line.split_once("PLS-1")).map(|(before, _)| before).collect();
    assert_eq!(before.iter().map(|before| before.width()).collect::<Vec<_>>(), [before[0].width(); 3], "{text}");
}

#[test]
fn a_wide_terminal_shows_what_a_pipe_gets() {
    let run = |world: TestWorld| world.delivered([plexos(PLEXOS_MAC), plexos("zz")]).run(&["listen"]).text();
    assert_eq!(run(TestWorld::with_secrets().columns(160)), run(TestWorld::with_secrets()));
}

#[test]
fn a_refusal_shows_its_cause_instead_of_the_payload() {
    assert_snapshot!(output(&listen([plexos(&"0".repeat(64))], &[])));
}

#[test]
fn a_duplicate_names_its_first_delivery() {
    assert_snapshot!(output(&listen([plexos(PLEXOS_MAC), plustive(), plexos(PLEXOS_MAC)], &["--compact"])));
}

#[test]
fn an_unsigned_delivery_is_not_the_first_of_a_duplicate() {
    let unsigned = Request::post("/", PLEXOS.to_vec());
    assert_snapshot!(output(&listen([unsigned, plexos(PLEXOS_MAC)], &["--compact"])));
}

#[test]
fn json_records_begin_with_ready_and_keep_the_bytes() {
    let run = listen([plexos(PLEXOS_MAC), plexos("zz")], &["--json"]);
    let records = run.json();
    assert_eq!(records[0], serde_json::json!({"schema": "whtool.ready/1", "url": "http://127.0.0.1:4848"}));
    assert_eq!((records[1]["verdict"].as_str(), records[1]["answered"].as_u64()), (Some("verified"), Some(200)));
    assert_eq!(records[1]["request"]["body"].as_str().map(str::as_bytes), Some(PLEXOS));
    assert_eq!(records[2]["causes"][0]["code"], "signature_not_hex");
    let again = TestWorld::with_secrets().file("f", run.out).run(&["verify", "f", "--json"]);
    assert_eq!(again.json().last().unwrap()["verdicts"], serde_json::json!({"malformed": 1, "verified": 1}));
}

#[test]
fn only_matching_types_are_shown_and_counted() {
    let requests = || [plexos(PLEXOS_MAC), plustive()];
    let run = listen(requests(), &["--compact", "--type", "transaction.*", "--count", "1"]);
    assert_snapshot!(output(&run));
    let former_flag = listen(requests(), &["--compact", "--events", "transaction.*", "--count", "1"]);
    assert_eq!(output(&former_flag), output(&run));
}

#[test]
fn count_counts_verified_events_and_a_timeout_exits_with_1() {
    let run = listen([plexos("zz"), plexos(PLEXOS_MAC), plustive()], &["--count", "1", "--compact"]);
    assert_eq!((run.status, run.text().contains("transaction.success")), (0, false));
    let run = listen([plexos("zz")], &["--count", "1", "--timeout", "30s"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("timed out after 30s"), "{}", run.err);
}

#[test]
fn expected_events_may_have_others_in_between_and_end_the_listener() {
    let words = ["--compact", "--expect", "payment.*,data.amount=10000", "--expect", "transaction.*,amount=27000.0"];
    let run = listen([plexos("zz"), plexos(PLEXOS_MAC), plexos(PLEXOS_MAC), plustive(), plexos("zz")], &words);
    assert_snapshot!(output(&run));
}

#[test]
fn what_is_missing_different_or_too_early_is_named() {
    let expect = |texts: &[&str], more: &[&str]| {
        let expected = texts.iter().flat_map(|text| ["--expect", text]);
        let words: Vec<_> = expected.chain(["--timeout", "30s"]).chain(more.iter().copied()).collect();
        listen([plexos(PLEXOS_MAC), plustive()], &words)
    };
    let texts = ["refund.*", "payment.debited,data.amount=5", "transaction.success,amount=27000,status=Failed,x=1"];
    assert_snapshot!(output(&expect(&texts, &["--compact"])));
    let run = expect(&["transaction.*", "payment.*", "payment.debited,data.id=pi_1"], &["--json"]);
    assert_eq!(run.status, 1);
    crate::formats::check_records(&run.out);
    assert_eq!(
        run.json().last().unwrap(),
        &serde_json::json!({"schema": "whtool.expected/1", "met": false, "events": [
            {"expected": "transaction.*", "state": "received", "delivery": "#2", "differences": []},
            {"expected": "payment.*", "state": "early", "delivery": "#1", "differences": []},
            {"expected": "payment.debited,data.id=pi_1", "state": "different", "delivery": "#1",
             "differences": [{"path": "data.id", "expected": "pi_1", "found": "\"pi_def456\""}]},
        ]})
    );
}

/// One event can't meet two expectations, nor can its repeat.
#[test]
fn each_expectation_needs_its_own_event() {
    let words = ["--expect", "payment.*", "--expect", "payment.*", "--timeout", "30s"];
    let run = listen([plexos(PLEXOS_MAC), plexos(PLEXOS_MAC)], &words);
    assert_eq!(run.status, 1, "{}", run.err);
    assert!(run.err.contains("1 of 2 expected events received"), "{}", run.err);
    for words in [["--expect", "payment.*,refund.*"], ["--expect", "a=1"]] {
        assert_eq!(listen([], &words).status, 2);
    }
    assert_eq!(listen([], &["--expect", "payment.*", "--count", "1"]).status, 2);
}

#[test]
fn observe_answers_200_and_reports_the_verdict() {
    let run = listen([plexos(&"0".repeat(64))], &["--observe", "--json"]);
    let record = &run.json()[1];
    assert_eq!((record["answered"].as_u64(), record["verdict"].as_str()), (Some(200), Some("mismatch")));
}

#[test]
fn a_verified_body_that_is_not_json_is_verified_with_a_warning() {
    // printf 'not json' | openssl dgst -sha256 -hmac plustive_test_secret_do_not_use
    let mut request = Request::post("/", b"not json".to_vec());
    let mac = "4bac70519ec5b4c2bd4653efa40c4e946af6c25672223d39f4cfe1e7181026b9";
    request.headers.push("X-Plustive-Signature", format!("sha256={mac}").as_bytes()).unwrap();
    assert_snapshot!(output(&listen([request], &[])));
}

#[test]
fn tokens_are_masked_and_control_characters_escaped() {
    let body = "{\"event\":\"transaction.completed\",\"reference\":\"\u{1b}]0;x\u{7}\",\"status\":\"Success\",\"token\":\"1234-5678\"}";
    let mut request = Request::post("/", body.as_bytes().to_vec());
    // Python: hmac.new(b"plustive_test_secret_do_not_use", body.encode(), "sha256").hexdigest()
    request
        .headers
        .push("X-Plustive-Signature", b"b3a13a43f719a51d06a4e61f8cc350e3b1634852204d895f6adeedaed5d3ced3")
        .unwrap();
    let run = listen([request], &["--color", "never"]);
    let text = run.text();
    assert_snapshot!(text);
    assert!(!text.contains("1234-5678") && !text.contains('\x1b') && !text.contains('\x07'), "{text:?}");
}
