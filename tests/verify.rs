//! `verify`: file formats, ages, exit statuses, large files. Causes are in `diagnosis`.

use crate::common::{NOW, PLEXOS_SECRET, TestWorld};
use serde_json::json;

const PLEXOS: &str = include_str!("vectors/plexos.json");
/// From openssl: the command is in `sign`.
const PLEXOS_MAC: &str = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";

/// `(printf 1736900000.; cat vectors/plexos.json) | openssl dgst -sha256 -hmac
/// whsec_test_secret_do_not_use`
const OLD_MAC: &str = "028faa68666c32cfb4b4bddc375ac03bed591d27e44ea66229b6bb47bc33cc14";

fn raw() -> String {
    let headers = format!("x-plexos-timestamp: {NOW}\r\nX-PLEXOS-SIGNATURE: {}\r\n", PLEXOS_MAC.to_uppercase());
    format!("POST /hooks HTTP/1.1\r\nContent-Length: 213\r\n{headers}\r\n{PLEXOS}")
}

fn line(mac: &str) -> String {
    let headers = json!([["X-Plexos-Timestamp", NOW.to_string()], ["X-Plexos-Signature", mac]]);
    let request = json!({"method": "POST", "target": "/", "headers": headers, "body": PLEXOS});
    json!({"schema": "whtool.delivery/1", "arrived": "2025-01-15T10:30:01Z", "request": request}).to_string() + "\n"
}

fn verify(file: &str, words: &[&str]) -> crate::common::Run {
    TestWorld::with_secrets().file("f", file).run(&[&["verify", "f"], words].concat())
}

#[test]
fn a_raw_request_is_verified_whatever_the_case_of_its_headers() {
    let run = verify(&raw(), &[]);
    assert_eq!(run.status, 0, "{}", run.text());
    let text = run.text();
    let parts = ["request 1", "plexos", "payment.debited", "evt_abc123", "100.00 CVE (10000)", "DEBITED"];
    for part in parts.into_iter().chain(["verified · PLEXOS_WEBHOOK_SECRET"]) {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn lines_har_and_parts_are_read_too() {
    let har = json!({"log": {"version": "1.2", "entries": [{
        "startedDateTime": "2025-01-15T10:30:01Z",
        "request": {"method": "POST", "url": "https://example.com/hooks", "httpVersion": "HTTP/1.1", "bodySize": 213,
            "headers": [{"name": "x-plexos-timestamp", "value": NOW.to_string()}, {"name": "x-plexos-signature", "value": PLEXOS_MAC}],
            "postData": {"mimeType": "application/json", "text": PLEXOS}},
    }]}});
    assert_eq!(verify(&line(PLEXOS_MAC), &[]).status, 0);
    assert_eq!(verify(&har.to_string(), &[]).status, 0);
    let (time, mac) = (format!("X-Plexos-Timestamp: {NOW}"), format!("X-Plexos-Signature:{PLEXOS_MAC}"));
    let world = TestWorld::with_secrets().file("body", PLEXOS);
    let run = world.run(&["verify", "--body", "body", "--header", &time, "-H", &mac]);
    assert_eq!(run.status, 0, "{}{}", run.text(), run.err);
}

#[test]
fn the_age_is_computed_at_now_at_a_given_time_or_ignored() {
    let later = |words: &[&str]| verify(&line(PLEXOS_MAC), words).json()[0]["verdict"].clone();
    assert_eq!(later(&["--json", "--at", "2025-01-15T10:35:00Z"]), "verified");
    assert_eq!(later(&["--json", "--at", "2025-01-15T10:35:01Z"]), "too_old");
    assert_eq!(later(&["--json", "--at", "1736936699"]), "in_future");
    assert_eq!(verify(&line(PLEXOS_MAC), &["--at", "1736930000", "--any-age"]).status, 2, "they exclude each other");
    assert_eq!(later(&["--json", "--at", "arrived"]), "verified");
    let old = line(PLEXOS_MAC).replace(&NOW.to_string(), "1736900000");
    assert_eq!(verify(&old, &["--json", "--any-age"]).json()[0]["verdict"], "mismatch");
    let old = old.replace(PLEXOS_MAC, OLD_MAC);
    assert_eq!(verify(&old, &["--json", "--any-age"]).json()[0]["verdict"], "verified");
    assert_eq!(verify(&old, &["--json"]).json()[0]["verdict"], "too_old");
    assert_eq!(later(&["--json", "--at", "2025-01-15T11:00:00Z", "--tolerance", "1h"]), "verified");
}

#[test]
fn one_failure_sets_the_status_and_several_requests_are_summarized() {
    let wrong = "0".repeat(64);
    let file = [line(PLEXOS_MAC), line(&wrong), line(PLEXOS_MAC), line("zz")].concat();
    let run = verify(&file, &[]);
    assert_eq!(run.status, 1);
    assert!(run.text().contains("4 requests: 1 malformed, 1 mismatch, 2 verified\n"), "{}", run.text());
    assert!(run.text().contains("signature_not_hex (visible)"), "{}", run.text());
    let quiet = verify(&file, &["-q"]);
    assert!(quiet.text().starts_with("4 requests"), "{}", quiet.text());
}

#[test]
fn many_lines_are_counted_and_printed_in_order() {
    let mut file = String::new();
    for number in 0..5_000 {
        file.push_str(&if number % 100 == 0 { line(&"0".repeat(64)) } else { line(PLEXOS_MAC) });
    }
    let run = verify(&file, &["--json"]);
    let records = run.json();
    let places: Vec<_> = records[..5_000].iter().map(|record| record["place"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<_> = (1..=5_000).map(|number| format!("line {number}")).collect();
    assert_eq!(places, expected);
    assert_eq!(records[5_000]["verdicts"], json!({"mismatch": 50, "verified": 4_950}));
}

#[test]
fn an_unexplained_failure_does_not_use_up_the_budget_of_the_next() {
    let wrong = line(&"0".repeat(64)).repeat(20);
    let changed = line(PLEXOS_MAC).replace("10000", "90000");
    let records = verify(&[wrong, changed].concat(), &["--json"]).json();
    assert!(records[..20].iter().all(|record| record["causes"][0]["code"] == "unexplained"), "{:#}", records[0]);
    assert_eq!(records[20]["causes"][0]["code"], "body_byte_changed");
}

#[test]
fn an_unreadable_line_is_reported_and_does_not_hide_the_others() {
    let file = [line(PLEXOS_MAC), "{\"request\":\n".to_owned(), line(PLEXOS_MAC)].concat();
    let run = verify(&file, &[]);
    assert_eq!(run.status, 1);
    assert!(
        run.text().contains("line 2") && run.text().contains("3 requests: 1 unreadable, 2 verified"),
        "{}",
        run.text()
    );
}

#[test]
fn an_unknown_format_is_refused_with_a_hint() {
    let run = verify("hello world, this is prose", &[]);
    assert_eq!((run.status, run.out.len()), (3, 0));
    assert!(run.err.contains("--body f --header"), "{}", run.err);
    for payload in [PLEXOS, "{\n  \"type\": 1\n}\n"] {
        let run = verify(payload, &[]);
        assert!(run.status == 3 && run.err.contains("--body f --header"), "{}", run.err);
    }
    let empty = verify("", &[]);
    assert!(empty.status == 3 && empty.err.contains("the file is empty"), "{}", empty.err);
}

#[test]
fn without_a_configured_secret_the_verdict_is_no_secret() {
    let run = TestWorld::default().file("f", raw()).run(&["verify", "f", "--json"]);
    assert_eq!((run.status, run.json()[0]["verdict"].as_str()), (1, Some("no_secret")));
    let run =
        TestWorld::default().file("f", raw()).file("s", PLEXOS_SECRET).run(&["verify", "f", "--secret-file", "s"]);
    assert_eq!(run.status, 0);
}

#[test]
fn a_secret_file_that_others_can_read_is_used_with_a_warning() {
    let warning = |mode: u32, path: &str| {
        let mut world = TestWorld::default().file("f", raw()).file(path, PLEXOS_SECRET);
        world.modes.insert(path.into(), mode);
        let run = world.run(&["verify", "f", "--secret-file", path]);
        assert_eq!(run.status, 0, "{}", run.err);
        run.err
    };
    assert_eq!(warning(0o644, "s"), "warning: s can be read by every user of this machine: run `chmod 600 s`\n");
    assert_eq!(warning(0o640, "s"), "warning: s can be read by its group: run `chmod 600 s`\n");
    assert_eq!([warning(0o600, "s"), warning(0o644, "/dev/fd/63"), warning(0o644, "/dev/stdin")], [""; 3]);
}

#[test]
fn the_matching_one_of_several_secrets_is_named() {
    let world =
        TestWorld::default().file("f", raw()).variable("PLEXOS_WEBHOOK_SECRET", &format!("whsec_old,{PLEXOS_SECRET}"));
    assert!(world.run(&["verify", "f"]).text().contains("PLEXOS_WEBHOOK_SECRET #2"));
}

#[test]
fn untrusted_text_is_escaped() {
    let body = "{\"type\":\"\u{1b}[2J\",\"data\":{},\"id\":\"\u{202e}x\"}";
    let request = format!("POST / HTTP/1.1\r\nX-Plexos-Signature: \x1b[31m\r\n\r\n{body}");
    for words in [&["verify", "f", "--color", "never"][..], &["verify", "f", "-v", "--color", "never"]] {
        let text = TestWorld::with_secrets().file("f", &request).run(words).text();
        assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text:?}");
    }
}

#[test]
fn a_wrong_signature_does_not_hide_a_wrong_time() {
    for (at, said) in [
        ("2025-01-15T10:50:00Z", Some(("also_too_old", "the signed time is 20 min ago"))),
        ("2025-01-15T10:10:00Z", Some(("also_in_future", "the signed time is 20 min ahead"))),
        ("2025-01-15T10:34:00Z", None),
    ] {
        let run = verify(&line(&"0".repeat(64)), &["--at", at, "--json"]);
        let record = &run.json()[0];
        assert_eq!(record["verdict"], "mismatch");
        let codes: Vec<_> = record["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]).collect();
        assert_eq!(codes, said.map(|(code, _)| code).as_slice(), "{at}");
        let text = verify(&line(&"0".repeat(64)), &["--at", at]).text();
        assert_eq!(text.contains("warning"), said.is_some(), "{text}");
        assert!(said.is_none_or(|(_, words)| text.contains(words)), "{text}");
    }
    let any = verify(&line(&"0".repeat(64)), &["--at", "2025-01-15T10:50:00Z", "--any-age"]).text();
    assert!(!any.contains("too"), "{any}");
}

#[test]
fn in_a_narrow_terminal_causes_are_wrapped_between_words() {
    let tampered = raw().replace("\"10000\"", "\"90000\"");
    let run = |columns| TestWorld::with_secrets().columns(columns).file("f", &tampered).run(&["verify", "f"]).text();
    for columns in [60, 80, 100] {
        let text = run(columns);
        assert!(text.lines().all(|line| line.chars().count() <= columns.into()), "{columns}: {text}");
        assert!(text.starts_with("request 1  signature mismatch  payment.debited"), "{text}");
    }
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (mut narrow, mut wide) = (words(run(60)), words(run(400)));
    narrow.sort();
    wide.sort();
    assert_eq!(narrow, wide, "nothing is left out");
}

#[test]
fn headers_without_a_body_are_a_usage_error() {
    for words in [&["verify", "--header", "X-Plexos-Signature: abc"][..], &["verify", "f", "-H", "a: b"]] {
        let run = TestWorld::with_secrets().file("f", "hello").run(words);
        assert!(run.status == 2 && run.err.contains("--header requires --body"), "{words:?}: {}", run.err);
        assert!(run.err.contains("have their own headers"), "{}", run.err);
    }
    let nothing = TestWorld::with_secrets().run(&["verify"]);
    assert!(nothing.status == 2 && nothing.err.contains("FILE"), "{}", nothing.err);
}

#[test]
fn quotes_around_a_header_are_an_error() {
    let words = ["verify", "--body", "f", "--header", "\"X-Plexos-Timestamp: 1\""];
    let run = TestWorld::with_secrets().file("f", "{}").run(&words);
    assert!(run.status == 2 && run.err.contains("remove the quotes around the header"), "{}", run.err);
}

#[test]
fn what_the_local_test_secret_proves_is_a_mismatch_in_head_cause_and_count() {
    // The seed of this machine decides the secret, so whtool signs; Python and openssl can't know it.
    let world = TestWorld::default().file("payload.json", include_bytes!("vectors/plexos.json"));
    let signed = world.run(&["sign", "payload.json", "--as", "http"]).out;
    let tampered = String::from_utf8(signed).unwrap().replace("10000", "90000");
    let world = world.file("request.http", tampered);
    let run = world.run(&["verify", "request.http", "--json"]);
    let records = run.json();
    assert_eq!((records[0]["verdict"].as_str(), run.status), (Some("mismatch"), 1), "{}", run.text());
    assert_eq!(records[0]["causes"][0]["code"], "body_byte_changed");
    assert_eq!(records[1]["verdicts"], serde_json::json!({"mismatch": 1}));
    let text = world.run(&["verify", "request.http"]).text();
    assert!(text.contains("signature mismatch") && !text.contains("no configured secret"), "{text}");
}
