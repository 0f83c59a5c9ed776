//! `listen`: what is shown of deliveries. The sockets are in `process` and beside the listener.

use crate::common::{Made, NOW, Run};
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
    Made::with_secrets().delivered(requests).run(&[&["listen"], words].concat())
}

#[test]
fn a_line_and_the_payload_are_shown() {
    let run = listen([plexos(PLEXOS_MAC)], &[]);
    let text = run.text();
    let first = "10:30:00  #1    plexos    payment.debited        evt_abc123  100.00 CVE (10000)  DEBITED  \
                 verified · PLEXOS_WEBHOOK_SECRET\n";
    assert!(text.starts_with(first), "{text}");
    assert!(
        text.contains("\n            \"amount\": \"10000\",\n") || text.contains("\"amount\": \"10000\","),
        "{text}"
    );
    assert_eq!(run.status, 130, "ended by Ctrl+C");
    assert!(run.err.contains("listening on http://127.0.0.1:4848"), "{}", run.err);
    assert!(run.err.ends_with("1 delivery: 1 verified\n"), "{}", run.err);
}

#[test]
fn in_a_narrow_terminal_what_matters_comes_first_and_nothing_is_broken_within() {
    let narrow = |columns, words: &[&str]| {
        let requests = [plexos(PLEXOS_MAC), plustive(), plexos(&"0".repeat(64)), plexos(PLEXOS_MAC)];
        Made::with_secrets().columns(columns).delivered(requests).run(&[&["listen"], words].concat()).text()
    };
    let text = narrow(80, &[]);
    let first = "10:30:00  #1  verified  payment.debited  100.00 CVE (10000)  evt_abc123  DEBITED\n          \
                 plexos · PLEXOS_WEBHOOK_SECRET\n          {\n";
    assert!(text.starts_with(first), "{text}");
    for (columns, words) in [(80, &[][..]), (60, &[]), (80, &["--compact"]), (119, &["-v"])] {
        let text = narrow(columns, words);
        assert!(text.lines().all(|line| line.chars().count() <= columns.into()), "{columns} {words:?}: {text}");
    }
    let compact = narrow(80, &["--compact"]);
    let last = "10:30:00  #4  verified  duplicate of #1  payment.debited  100.00 CVE (10000) …";
    assert_eq!(compact.lines().last(), Some(last), "{compact}");
}

#[test]
fn names_of_wide_letters_and_of_accents_fit_and_stand_in_line() {
    let request = |kind: &str, reference: &str| {
        let body = format!(r#"{{"event":"{kind}","reference":"{reference}","status":"Success"}}"#);
        let mut request = Request::post("/hooks", body.into_bytes());
        request.headers.push("x-plustive-signature", REFERENCE_MAC.as_bytes()).unwrap();
        request
    };
    let names = ["王小明的订单", "Jose\u{301} Gonc\u{327}alves", "🙂 Ada"];
    for columns in [40, 60, 80] {
        let requests = names.iter().map(|name| request("transaction.success", &name.repeat(4)));
        let text = Made::with_secrets().columns(columns).delivered(requests).run(&["listen", "--compact"]).text();
        assert!(text.lines().all(|line| line.width() <= columns.into()), "{columns}: {text}");
    }
    let requests = names.iter().map(|name| request(name, "PLS-1"));
    let text = listen(requests, &["--compact"]).text();
    let before: Vec<_> = text.lines().filter_map(|line| line.split_once("PLS-1")).map(|(before, _)| before).collect();
    assert_eq!(before.iter().map(|before| before.width()).collect::<Vec<_>>(), [before[0].width(); 3], "{text}");
}

#[test]
fn a_wide_terminal_shows_what_a_pipe_gets() {
    let run = |made: Made| made.delivered([plexos(PLEXOS_MAC), plexos("zz")]).run(&["listen"]).text();
    assert_eq!(run(Made::with_secrets().columns(160)), run(Made::with_secrets()));
}

#[test]
fn a_refusal_shows_its_cause_instead() {
    let run = listen([plexos(&"0".repeat(64))], &[]);
    let text = run.text();
    assert!(text.contains("signature mismatch  → 401"), "{text}");
    assert!(text.contains("no known mistake explains the signature") && !text.contains("\"amount\""), "{text}");
}

#[test]
fn a_repeated_event_names_the_first() {
    let run = listen([plexos(PLEXOS_MAC), plustive(), plexos(PLEXOS_MAC)], &["--compact"]);
    let text = run.text();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.lines().last().unwrap().contains("duplicate of #1"), "{text}");
    assert!(run.err.contains("3 deliveries: 3 verified; 1 duplicate"), "{}", run.err);
}

#[test]
fn what_nobody_signed_is_never_a_duplicate() {
    let unsigned = Request::post("/", PLEXOS.to_vec());
    let run = listen([unsigned, plexos(PLEXOS_MAC)], &["--compact"]);
    assert!(!run.text().contains("duplicate"), "{}", run.text());
}

#[test]
fn records_begin_with_the_ready_line_and_keep_the_bytes() {
    let run = listen([plexos(PLEXOS_MAC), plexos("zz")], &["--json"]);
    let records = run.json();
    assert_eq!(records[0], serde_json::json!({"schema": "whtool.ready/1", "url": "http://127.0.0.1:4848"}));
    assert_eq!((records[1]["verdict"].as_str(), records[1]["answered"].as_u64()), (Some("verified"), Some(200)));
    assert_eq!(records[1]["request"]["body"].as_str().map(str::as_bytes), Some(PLEXOS));
    assert_eq!(records[2]["causes"][0]["code"], "signature_not_hex");
    let again = Made::with_secrets().file("f", run.out).run(&["verify", "f", "--json"]);
    assert_eq!(again.json().last().unwrap()["verdicts"], serde_json::json!({"malformed": 1, "verified": 1}));
}

#[test]
fn only_the_types_asked_for_are_shown_and_counted() {
    let run = listen([plexos(PLEXOS_MAC), plustive()], &["--compact", "--type", "transaction.*", "--count", "1"]);
    assert_eq!(run.text().lines().count(), 1);
    assert!(run.text().contains("transaction.success"));
    assert_eq!(run.status, 0);
}

#[test]
fn the_count_is_of_verified_events_and_time_running_out_is_a_no() {
    let run = listen([plexos("zz"), plexos(PLEXOS_MAC), plustive()], &["--count", "1", "--compact"]);
    assert_eq!((run.status, run.text().contains("transaction.success")), (0, false));
    let run = listen([plexos("zz")], &["--count", "1", "--timeout", "30s"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("timed out after 30s"), "{}", run.err);
}

#[test]
fn observing_acknowledges_everything_and_judges_all_the_same() {
    let run = listen([plexos(&"0".repeat(64))], &["--observe", "--json"]);
    let record = &run.json()[1];
    assert_eq!((record["answered"].as_u64(), record["verdict"].as_str()), (Some(200), Some("mismatch")));
}

#[test]
fn an_authentic_body_that_is_odd_is_authentic_with_a_warning() {
    // printf 'not json' | openssl dgst -sha256 -hmac plustive_test_secret_do_not_use
    let mut request = Request::post("/", b"not json".to_vec());
    let mac = "4bac70519ec5b4c2bd4653efa40c4e946af6c25672223d39f4cfe1e7181026b9";
    request.headers.push("X-Plustive-Signature", format!("sha256={mac}").as_bytes()).unwrap();
    let run = listen([request], &[]);
    assert!(run.text().contains("verified") && run.text().contains("warning the body is not JSON"), "{}", run.text());
}

#[test]
fn tokens_are_masked_and_terminals_are_safe() {
    let body = "{\"event\":\"transaction.completed\",\"reference\":\"\u{1b}]0;x\u{7}\",\"status\":\"Success\",\"token\":\"1234-5678\"}";
    let mut request = Request::post("/", body.as_bytes().to_vec());
    // Python: hmac.new(b"plustive_test_secret_do_not_use", body.encode(), "sha256").hexdigest()
    request
        .headers
        .push("X-Plustive-Signature", b"b3a13a43f719a51d06a4e61f8cc350e3b1634852204d895f6adeedaed5d3ced3")
        .unwrap();
    let run = listen([request], &["--color", "never"]);
    let text = run.text();
    assert!(text.contains("verified"), "{text}");
    assert!(!text.contains("1234-5678") && !text.contains('\x1b') && !text.contains('\x07'), "{text:?}");
}
