//! `whtool check` against handlers with one mistake each: those of `tests/handlers` for which a
//! runtime is installed. The digests are theirs, so nothing of whtool decides what is correct.

use crate::check::start;
use crate::process::{PLEXOS_SECRET, available, home, run, whtool};
use serde_json::Value;
use std::net::TcpListener;
use std::path::Path;

/// A value of FAULT, the code of the cause, and the codes of the mistakes that are proved.
type Case = (&'static str, &'static str, &'static [&'static str]);

const WRONGLY: &str = "verifies_wrongly";

/// Checks a handler, and returns the codes of the causes of its failures and of its mistakes.
fn check(command: &str, fault: &str) -> (Vec<String>, Vec<String>) {
    let home = home();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}/webhooks/plexos");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/handlers");
    let words = ["check", &url, "--json", "--start", command, "--budget", "2m"];
    let mut command = whtool(home.path(), &words);
    let output = run(command.current_dir(folder).env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET).env("FAULT", fault));
    crate::formats::check_records(&output.stdout);
    let text = String::from_utf8(output.stdout).unwrap();
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = || records.iter().filter(|record| record["grade"] == "fail").map(|record| &record["cause"]);
    let code = |value: &Value| value["code"].as_str().unwrap().to_owned();
    let mistakes = failed().flat_map(|cause| cause["mistakes"].as_array().unwrap()).map(code);
    (failed().map(code).collect(), mistakes.collect())
}

fn check_all(command: &str, cases: &[Case]) {
    for (fault, cause, mistakes) in cases {
        let (causes, found) = check(command, fault);
        let expected: Vec<_> = if cause.is_empty() { Vec::new() } else { vec![(*cause).to_owned()] };
        assert_eq!((causes, found), (expected, mistakes.iter().map(ToString::to_string).collect()), "{fault}");
    }
}

#[test]
fn mistakes_in_node_are_named() {
    if !available("node") {
        return;
    }
    check_all(
        &start("node one-fault.js"),
        &[
            ("none", "", &[]),
            ("header-case", WRONGLY, &["timestamp_unset"]),
            ("only-data", WRONGLY, &["body_part"]),
            ("slack", WRONGLY, &["message_layout"]),
            ("base64-body", WRONGLY, &["body_transformed"]),
            ("milliseconds", WRONGLY, &["expects_milliseconds"]),
            ("one-hour", WRONGLY, &["clock_ahead"]),
            ("half-hour-behind", WRONGLY, &["clock_behind"]),
            ("buffer-compare", "refuses_all", &[]),
            ("upper-case", WRONGLY, &["expects_upper_case"]),
            ("base64", WRONGLY, &["expects_base64"]),
            ("no-whsec", WRONGLY, &["secret_prefix_dropped"]),
            ("object-object", WRONGLY, &["body_not_the_payload"]),
            ("tolerance-5-s", "tolerance_small", &[]),
            ("tolerance-300-ms", "tolerance_small", &[]),
        ],
    );
}

#[test]
fn further_mistakes_in_node_are_named() {
    if !available("node") {
        return;
    }
    check_all(
        &start("node one-fault.js"),
        &[
            ("body-then-time", WRONGLY, &["message_layout"]),
            ("body-alone", WRONGLY, &["timestamp_not_signed"]),
            ("milliseconds-signed", WRONGLY, &["timestamp_signed_in_milliseconds"]),
            ("key-newline", WRONGLY, &["secret_whitespace_lost"]),
            ("key-undefined", WRONGLY, &["secret_unset"]),
            ("sha512", WRONGLY, &["digest_algorithm"]),
            ("plain-hash", WRONGLY, &["not_hmac"]),
            ("github-header", WRONGLY, &["signature_read_elsewhere"]),
            ("other-time-header", WRONGLY, &["timestamp_read_elsewhere"]),
            ("paystack", WRONGLY, &["rules_of_other_service"]),
            ("base64-no-whsec", WRONGLY, &["expects_base64", "secret_prefix_dropped"]),
            ("upper-body-alone", WRONGLY, &["expects_upper_case", "timestamp_not_signed"]),
            ("wrong-secret", "refuses_all", &[]),
            ("refuses-after", "refuses_verified", &[]),
            ("fails-after", "fails_verified", &[]),
        ],
    );
}

#[test]
fn mistakes_in_python_are_named() {
    if !available("python3") {
        return;
    }
    check_all(
        &start("python3 one-fault.py"),
        &[
            ("none", "", &[]),
            ("header-case", WRONGLY, &["timestamp_unset"]),
            ("utcnow", WRONGLY, &["clock_ahead"]),
            ("utcnow-east", WRONGLY, &["clock_behind"]),
            ("str-bytes", WRONGLY, &["body_printed"]),
            ("upper-case", WRONGLY, &["expects_upper_case"]),
            ("key-none", WRONGLY, &["secret_unset"]),
            ("bytes-compare", "refuses_all", &[]),
        ],
    );
}

#[test]
fn mistakes_in_php_are_named() {
    if !available("php") {
        return;
    }
    check_all(
        &start("php -S 127.0.0.1:$PORT one-fault.php"),
        &[
            ("none", "", &[]),
            ("raw-base64", WRONGLY, &["expects_base64"]),
            ("key-quotes", WRONGLY, &["secret_used_with_quotes"]),
            ("swapped", WRONGLY, &["key_and_message_swapped"]),
            ("post-array", WRONGLY, &["body_not_the_payload"]),
        ],
    );
}
