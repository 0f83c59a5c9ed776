//! `verify` reads the files of many tools: `vectors/captures/make.py` builds them after the tools'
//! documentation, `make_tools.py` with the tools themselves.

use crate::common::{Run, TestWorld};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const CASES: &str = include_str!("vectors/captures/captures.json");

fn verify(file: &[u8], words: &[&str]) -> Run {
    TestWorld::with_secrets().file("f", file).run(&[&["verify", "f", "--any-age"], words].concat())
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Verdicts, and the codes of all notes.
fn outcome(run: &Run) -> (Vec<String>, Vec<String>) {
    let records = run.json();
    let verdicts = records.iter().filter_map(|record| record["verdict"].as_str()).map(str::to_owned).collect();
    let notes = records.iter().filter_map(|record| record["notes"].as_array()).flatten();
    let mut notes: Vec<_> = notes.map(|note| note["code"].as_str().unwrap().to_owned()).collect();
    notes.dedup();
    (verdicts, notes)
}

#[test]
fn every_documented_format_is_read_and_every_other_file_is_named() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() > 150, "{}", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let file = match case["file64"].as_str() {
            Some(text) => STANDARD.decode(text).unwrap(),
            None => case["file"].as_str().unwrap().as_bytes().to_vec(),
        };
        let run = verify(&file, &["--json"]);
        let (verdicts, notes) = outcome(&run);
        let skipped = case["skipped"].as_u64().filter(|&count| count > 0);
        let says_skipped = skipped.is_none_or(|count| run.err.contains(&format!("skipped {count} other request")));
        let error = case["error"].as_str();
        let says_error =
            error.is_none_or(|error| run.status == 3 && run.err.contains(error) && run.err.lines().count() <= 3);
        if verdicts != texts(&case["verdicts"]) || notes != texts(&case["notes"]) || !says_skipped || !says_error {
            failures.push(format!("{name}: {verdicts:?} {notes:?} {}{}", run.err, run.text()));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// Files that the tools themselves wrote, with three requests each.
const TOOLS: &[(&str, &[u8])] = &[
    ("curl-trace.txt", include_bytes!("vectors/captures/curl-trace.txt")),
    ("curl-trace-time.txt", include_bytes!("vectors/captures/curl-trace-time.txt")),
    // Chromium, through Playwright: `record_har_content` is `embed` in the first and `attach` in the second.
    ("playwright.har", include_bytes!("vectors/captures/playwright.har")),
    ("playwright-har.zip", include_bytes!("vectors/captures/playwright-har.zip")),
    ("httpie-raw.txt", include_bytes!("vectors/captures/httpie-raw.txt")),
    ("mitmproxy.flow", include_bytes!("vectors/captures/mitmproxy.flow")),
    ("mitmproxy.har", include_bytes!("vectors/captures/mitmproxy.har")),
    ("tcpdump.pcap", include_bytes!("vectors/captures/tcpdump.pcap")),
    ("tcpdump-X.txt", include_bytes!("vectors/captures/tcpdump-X.txt")),
    ("tcpdump-XX.txt", include_bytes!("vectors/captures/tcpdump-XX.txt")),
];

#[test]
fn files_of_tools_that_keep_every_byte_verify() {
    for (name, file) in TOOLS {
        let run = verify(file, &["--json"]);
        assert_eq!(outcome(&run).0, ["verified"; 3], "{name}: {}{}", run.err, run.text());
    }
}

#[test]
fn files_of_tools_that_show_dots_for_bytes_say_so() {
    for (name, file, notes, verdicts) in [
        (
            "curl --trace-ascii",
            &include_bytes!("vectors/captures/curl-trace-ascii.txt")[..],
            3,
            ["verified", "mismatch", "mismatch"],
        ),
        // tcpdump keeps line ends.
        ("tcpdump -A", include_bytes!("vectors/captures/tcpdump-A.txt"), 3, ["verified", "mismatch", "verified"]),
    ] {
        let run = verify(file, &["--json"]);
        assert_eq!(outcome(&run).0, verdicts, "{name}");
        assert_eq!(run.text().matches("dots_for_bytes").count(), notes, "{name}: {}", run.text());
        let causes: Vec<_> =
            run.json().iter().filter_map(|record| record["causes"][0]["code"].as_str().map(str::to_owned)).collect();
        assert!(causes.iter().all(|code| code == "body_not_in_capture"), "{name}: {causes:?}");
    }
}

#[test]
fn a_formatted_body_of_httpie_is_read_whole_and_its_change_is_noted() {
    let run = verify(include_bytes!("vectors/captures/httpie-formatted.txt"), &["--json"]);
    let records = run.json();
    assert_eq!(
        (records[0]["causes"][0]["code"].as_str(), records[0]["notes"][0]["code"].as_str()),
        (Some("body_reserialized"), Some("length_differs"))
    );
    assert_eq!(records[0]["event"]["id"], "evt_abc123");
}

#[test]
fn the_output_of_curl_v_has_no_body() {
    for file in [
        &include_bytes!("vectors/captures/curl-v-1.txt")[..],
        include_bytes!("vectors/captures/curl-v-2.txt"),
        include_bytes!("vectors/captures/curl-v-3.txt"),
    ] {
        let run = verify(file, &[]);
        let expected = "error: can't read f\n  why: request 1: `curl -v` does not show the body\n  try: run curl with \
                        `--trace request.txt` instead of -v, or verify its command line\n";
        assert_eq!((run.status, run.out.len(), run.err.as_str()), (3, 0, expected));
    }
}

#[test]
fn a_payload_from_a_log_is_verified_with_headers() {
    let body = include_str!("vectors/plexos.json");
    // `(printf 1736937000.; cat vectors/plexos.json) | openssl dgst -sha256 -hmac whsec_test_secret_do_not_use`
    let mac = "X-Plexos-Signature: 9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";
    let log = format!("2025-01-15 INFO received {body}\n");
    let run = verify(log.as_bytes(), &["-H", mac, "-H", "X-Plexos-Timestamp: 1736937000"]);
    assert_eq!(run.status, 0, "{}{}", run.text(), run.err);
}

#[test]
fn standard_input_is_read_from_a_pipe_without_a_name() {
    let mut world = TestWorld::with_secrets();
    world.input = include_bytes!("vectors/captures/tcpdump.pcap").to_vec();
    let run = world.run(&["verify", "--any-age"]);
    assert_eq!(run.status, 0, "{}{}", run.text(), run.err);
    assert_eq!(TestWorld::with_secrets().run(&["verify"]).status, 2, "an empty pipe");
}

#[test]
fn replay_sends_what_verify_reads() {
    let world = TestWorld::with_secrets().file("f.pcap", &include_bytes!("vectors/captures/tcpdump.pcap")[..]);
    let run = world.run(&["replay", "f.pcap", "--exact", "--to", "http://127.0.0.1:9/x"]);
    assert_eq!(run.status, 0, "{}{}", run.text(), run.err);
    let sent = world.sent.lock().unwrap();
    assert_eq!(sent.len(), 3);
    let body = include_bytes!("vectors/plexos.json");
    assert!(sent.iter().any(|sent| sent.request.body == body));
    let event =
        br#"{"Records":[{"body":"{\"type\":\"payment.debited\",\"data\":{\"id\":\"pi_1\"},\"id\":\"evt_1\"}"}]}"#;
    let world = TestWorld::with_secrets().file("sqs.json", &event[..]);
    let run = world.run(&["replay", "sqs.json", "--to", "http://127.0.0.1:9/x"]);
    assert_eq!(run.status, 0, "{}{}", run.text(), run.err);
    assert_eq!(
        world.sent.lock().unwrap()[0].request.body,
        br#"{"type":"payment.debited","data":{"id":"pi_1"},"id":"evt_1"}"#
    );
}

#[test]
fn a_large_log_of_json_lines_is_read_in_chunks_and_counts_what_it_skips() {
    let body = include_str!("vectors/plexos.json");
    let noise = "{\"level\":\"info\",\"msg\":\"started\"}\nplain text\n".repeat(3_000);
    // `(printf 1736937000.; cat vectors/plexos.json) | openssl dgst -sha256 -hmac whsec_test_secret_do_not_use`
    let mac = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";
    let headers = serde_json::json!({"x-plexos-timestamp": "1736937000", "x-plexos-signature": mac});
    let hook = serde_json::json!({"msg": "hook", "req": {"headers": headers, "rawBody": body}});
    let file = format!("{noise}{hook}\n{noise}");
    assert!(file.len() > 3 * 64 * 1024);
    let run = verify(file.as_bytes(), &["--json"]);
    assert_eq!((run.status, outcome(&run).0), (0, vec!["verified".to_owned()]), "{}", run.err);
    assert!(run.err.contains("skipped 12000 other requests"), "{}", run.err);
    let run = verify(noise.as_bytes(), &[]);
    assert_eq!((run.status, run.out.len()), (3, 0));
    assert!(run.err.contains("none of the 6000 requests or lines in it has a signature"), "{}", run.err);
}
