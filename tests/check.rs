//! `whtool check` against real handlers: stand-ins in this process, and those of
//! `examples/handlers` for which a runtime is installed.

use crate::common::TestWorld;
use crate::process::{PLEXOS_SECRET, PLUSTIVE_SECRET, available, home, run, whtool};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use std::collections::HashSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

struct HandlerRequest {
    method: tiny_http::Method,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl HandlerRequest {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Starts a handler for Plexos events on four threads, and returns its URL.
fn start_handler(answer: impl Fn(&HandlerRequest) -> u16 + Send + Sync + 'static) -> String {
    start_counting_handler(answer, Arc::default())
}

/// Starts a handler that also answers GET requests, with the count.
fn start_counting_handler(
    answer: impl Fn(&HandlerRequest) -> u16 + Send + Sync + 'static,
    count: Arc<AtomicU64>,
) -> String {
    let server = Arc::new(tiny_http::Server::http("127.0.0.1:0").unwrap());
    let url = format!("http://{}/webhooks", server.server_addr().to_ip().unwrap());
    let answer = Arc::new(answer);
    for _ in 0..4 {
        let (server, answer, count) = (Arc::clone(&server), Arc::clone(&answer), Arc::clone(&count));
        thread::spawn(move || {
            while let Ok(mut request) = server.recv() {
                let mut body = Vec::new();
                request.as_reader().read_to_end(&mut body).unwrap();
                let header = |header: &tiny_http::Header| (header.field.to_string(), header.value.to_string());
                let headers = request.headers().iter().map(header).collect();
                let received = HandlerRequest { method: request.method().clone(), headers, body };
                let response = match received.method {
                    tiny_http::Method::Get => {
                        tiny_http::Response::from_string(count.load(Ordering::SeqCst).to_string())
                    }
                    _ => tiny_http::Response::from_string("").with_status_code(answer(&received)),
                };
                let _ = request.respond(response);
            }
        });
    }
    url
}

/// Verifies with the hmac crate, which other tests compare with RFC 4231 and openssl.
fn is_signed(request: &HandlerRequest, timestamp: &str, body: &[u8]) -> bool {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(PLEXOS_SECRET.as_bytes()).unwrap();
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let given = request.header("X-Plexos-Signature").and_then(|text| hex::decode(text).ok());
    given.is_some_and(|given| mac.verify_slice(&given).is_ok())
}

fn is_object(body: &[u8]) -> bool {
    body.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// Returns the status with which a correct handler answers.
fn correct_status(request: &HandlerRequest) -> u16 {
    let timestamp = request.header("X-Plexos-Timestamp").unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let is_fresh = timestamp.parse::<u64>().is_ok_and(|time| time.abs_diff(now) <= 300);
    match is_fresh && is_signed(request, timestamp, &request.body) {
        false => 401,
        true if is_object(&request.body) => 200,
        true => 400,
    }
}

/// tiny_http closes the connection if a header value is not ASCII, before a handler sees the
/// request.
const UNSUPPORTED_BY_TINY_HTTP: &str = "survive.signature.wide";

/// Checks a Plexos handler. Returns status, records (one per probe, then the summary) and standard
/// error.
fn check(url: &str, words: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let home = home();
    let words = [&["check", url, "--provider", "plexos", "--json"], words].concat();
    records(run(whtool(home.path(), &words).env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET)))
}

fn records(output: Output) -> (Option<i32>, Vec<Value>, String) {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    crate::formats::check_records(&output.stdout);
    let text = String::from_utf8(output.stdout).unwrap();
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code(), records, stderr)
}

/// Returns the ids of the probes that failed.
fn failed(records: &[Value]) -> Vec<&str> {
    let failed = records.iter().filter(|record| record["grade"] == "fail");
    failed.map(|record| record["id"].as_str().unwrap()).collect()
}

/// Returns the causes of failures.
fn causes(records: &[Value]) -> HashSet<&str> {
    let failed = records.iter().filter(|record| record["grade"] == "fail");
    failed.map(|record| record["cause"]["code"].as_str().unwrap()).collect()
}

/// Returns the most likely serializer.
fn serializer(records: &[Value]) -> &str {
    let named = records.iter().find_map(|record| record["cause"]["rewriters"][0].as_str());
    named.expect("a serializer is named")
}

#[test]
fn a_correct_handler_passes_with_status_0() {
    let (status, records, stderr) = check(&start_handler(correct_status), &["--skip", UNSUPPORTED_BY_TINY_HTTP]);
    assert_eq!((status, failed(&records)), (Some(0), vec![]), "{stderr}");
    let summary = records.last().unwrap();
    assert_eq!((summary["schema"].as_str(), summary["good"].as_bool()), (Some("whtool.checked/1"), Some(true)));
    assert_eq!(summary["grades"]["warn"], 0, "{summary}");
}

#[test]
fn a_handler_that_accepts_everything_is_one_failure_with_status_1() {
    let (status, records, _) = check(&start_handler(|_| 200), &["--skip", UNSUPPORTED_BY_TINY_HTTP]);
    assert_eq!((status, failed(&records)), (Some(1), vec!["refuse.any"]));
}

#[test]
fn a_handler_that_ignores_the_timestamp_accepts_stale_events() {
    let without_age_check = |request: &HandlerRequest| {
        let timestamp = request.header("X-Plexos-Timestamp").unwrap_or_default();
        if is_signed(request, timestamp, &request.body) && is_object(&request.body) { 200 } else { 401 }
    };
    let (_, records, _) = check(&start_handler(without_age_check), &["--only", "refuse"]);
    assert!(causes(&records).contains("stale_taken") && causes(&records).contains("timestamp_text_taken"));
    assert!(!causes(&records).contains("forged_taken"));
}

#[test]
fn a_comparison_that_throws_is_shown_with_a_command_that_reproduces_it() {
    let throwing = |request: &HandlerRequest| match request.header("X-Plexos-Signature") {
        Some(text) if text.len() == 64 => correct_status(request),
        _ => 500,
    };
    let url = start_handler(throwing);
    let (_, records, _) = check(&url, &["--only", "refuse.signature"]);
    assert_eq!(causes(&records), HashSet::from(["crash_on_shape", "crash_on_missing"]));
    if !(available("bash") && available("curl")) {
        return;
    }
    let record = records.iter().find(|record| record["id"] == "refuse.signature.short").unwrap();
    let curl = record["exchanges"][0]["curl"].as_str().unwrap();
    let answer = run(Command::new("bash").args(["-c", curl]));
    assert!(String::from_utf8_lossy(&answer.stdout).starts_with("HTTP/1.1 500"), "{answer:?}");
}

#[test]
fn concurrent_duplicates_are_in_flight_at_the_same_time() {
    // The first three requests are a good event and two forged ones. The next two are answered once
    // both have arrived.
    let (turns, both) = (AtomicU64::new(0), std::sync::Barrier::new(2));
    let waiting = move |request: &HandlerRequest| {
        if turns.fetch_add(1, Ordering::SeqCst) > 2 {
            both.wait();
        }
        correct_status(request)
    };
    let (status, records, _) = check(&start_handler(waiting), &["--only", "behave.same_moment"]);
    assert_eq!((status, failed(&records)), (Some(0), vec![]));
}

#[test]
fn an_event_that_is_processed_twice_is_found_by_counting_side_effects() {
    let count = Arc::new(AtomicU64::new(0));
    let processed = Arc::clone(&count);
    let careless = move |request: &HandlerRequest| {
        let status = correct_status(request);
        processed.fetch_add(u64::from(status == 200), Ordering::SeqCst);
        status
    };
    let url = start_counting_handler(careless, count);
    for effects in [url.clone(), format!("curl -s {url}")] {
        if effects.starts_with("curl") && !available("curl") {
            continue;
        }
        let (_, records, stderr) = check(&url, &["--only", "behave", "--effects", &effects]);
        assert_eq!(failed(&records), ["behave.twice", "behave.same_moment"], "{stderr}");
    }
    let (status, _, stderr) = check(&url, &["--only", "behave.twice", "--effects", "echo many"]);
    assert!(status == Some(3) && stderr.contains("--effects did not return a number"), "{stderr}");
}

/// Returns an address on which nothing listens.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Returns the command line that makes the shell start this program.
pub fn start(program: &str) -> String {
    if cfg!(windows) { program.replace("$PORT", "%PORT%") } else { format!("exec {program}") }
}

/// Checks a handler of `examples/handlers`, started by check itself.
fn check_example(command: &str, provider: &str) -> (Option<i32>, Vec<Value>, String) {
    check_variant("raw", command, provider)
}

/// Checks the variant of a handler that is in the variable HANDLER.
fn check_variant(variant: &str, command: &str, provider: &str) -> (Option<i32>, Vec<Value>, String) {
    let home = home();
    let url = format!("http://{}/webhooks/{provider}", free_address());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/handlers");
    let words = ["check", &url, "--provider", provider, "--json", "--start", command, "--budget", "20s"];
    let mut command = whtool(home.path(), &words);
    records(run(command
        .current_dir(folder)
        .env("HANDLER", variant)
        .env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET)
        .env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET)))
}

#[test]
fn the_comparison_of_plustives_guide_throws_and_nothing_else_fails() {
    if !available("node") {
        return;
    }
    let (status, records, stderr) = check_variant("guide", &start("node node-http.js"), "plustive");
    assert_eq!(status, Some(1), "{stderr}");
    assert_eq!(causes(&records), HashSet::from(["crash_on_shape", "crash_on_missing"]));
    assert!(failed(&records).contains(&"refuse.signature.missing"));
    assert!(failed(&records).contains(&"accept.form.reference"));
}

#[test]
fn a_node_handler_that_reserializes_fails_and_one_that_hashes_the_raw_body_passes() {
    if !available("node") {
        return;
    }
    for provider in ["plexos", "plustive"] {
        let (status, records, stderr) = check_variant("json", &start("node node-http.js"), provider);
        assert_eq!((status, serializer(&records)), (Some(1), "json_stringify"), "{stderr}");
        assert_eq!(causes(&records), HashSet::from(["body_rewritten"]));
        let (status, records, stderr) = check_example(&start("node node-http.js"), provider);
        assert_eq!((status, failed(&records)), (Some(0), vec![]), "{stderr}");
    }
}

#[test]
fn a_python_handler_that_reserializes_fails_and_one_that_hashes_the_raw_body_passes() {
    if !available("python3") {
        return;
    }
    let (status, records, stderr) = check_variant("json", &start("python3 python-http.py"), "plexos");
    assert_eq!((status, serializer(&records)), (Some(1), "python_json_dumps"), "{stderr}");
    assert_eq!(causes(&records), HashSet::from(["body_rewritten"]));
    let (status, records, stderr) = check_example(&start("python3 python-http.py"), "plexos");
    assert_eq!((status, failed(&records)), (Some(0), vec![]), "{stderr}");
}

#[test]
fn a_php_handler_that_reserializes_fails_and_one_that_hashes_the_raw_body_passes() {
    if !available("php") {
        return;
    }
    let (_, records, stderr) = check_example(&start("php -S 127.0.0.1:$PORT plexos-json.php"), "plexos");
    assert_eq!(serializer(&records), "php_json_encode", "{stderr}");
    let (status, records, stderr) = check_example(&start("php -S 127.0.0.1:$PORT plexos-raw.php"), "plexos");
    assert_eq!((status, failed(&records)), (Some(0), vec![]), "{stderr}");
}

#[test]
fn a_go_handler_that_reserializes_fails_and_one_that_hashes_the_raw_body_passes() {
    if !available("go") {
        return;
    }
    let built = tempfile::tempdir().unwrap();
    let program = |way: &str| {
        let program = built.path().join(way);
        let source = format!("{}/examples/handlers/plexos-go-{way}/main.go", env!("CARGO_MANIFEST_DIR"));
        let mut build = Command::new("go");
        build.args(["build", "-o"]).arg(&program).arg(source).env("GOCACHE", built.path().join("cache"));
        assert!(build.status().unwrap().success());
        start(&format!("'{}'", program.display()))
    };
    let (_, records, stderr) = check_example(&program("json"), "plexos");
    assert!(serializer(&records).starts_with("go_map"), "{} {stderr}", serializer(&records));
    let (status, records, stderr) = check_example(&program("raw"), "plexos");
    assert_eq!((status, failed(&records)), (Some(0), vec![]), "{stderr}");
}

#[test]
fn reports_are_complete_files_without_secrets_or_foreign_resources() {
    let home = home();
    let url = start_handler(|request| if correct_status(request) == 200 { 200 } else { 500 });
    let (html, junit) = (home.path().join("r.html"), home.path().join("r.xml"));
    let words = [
        "check",
        &url,
        "--provider",
        "plexos",
        "--only",
        "refuse",
        "--curl",
        "--html",
        html.to_str().unwrap(),
        "--junit",
        junit.to_str().unwrap(),
    ];
    let output = run(whtool(home.path(), &words).env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("FAIL  the handler crashes if the signature header is missing") && text.contains("curl -sS -i"),
        "{text}"
    );
    let page = std::fs::read_to_string(html).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(!page.contains("<script") && !page.contains("src="), "the page loads nothing");
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(
        xml.contains("name=\"refuse.signature.missing\"") && xml.contains("<failure type=\"crash_on_missing\""),
        "{xml}"
    );
    assert!(!xml.contains(PLEXOS_SECRET) && !page.contains(PLEXOS_SECRET) && !text.contains(PLEXOS_SECRET));
    if !available("python3") {
        return;
    }
    let read = "import sys,xml.etree.ElementTree as e;r=e.parse(sys.argv[1]).getroot();print(r.get('failures'),len(r.findall('.//testcase/failure')))";
    let output = run(Command::new("python3").args(["-c", read, junit.to_str().unwrap()]));
    let counts = String::from_utf8(output.stdout).unwrap();
    let counts: Vec<_> = counts.split_whitespace().collect();
    assert!(counts.len() == 2 && counts[0] == counts[1] && counts[0] != "0", "{counts:?}");
}

#[test]
fn a_refused_connection_ends_with_status_3_and_a_hint() {
    let (status, records, stderr) = check(&format!("http://{}/", free_address()), &[]);
    assert_eq!((status, records.len()), (Some(3), 0));
    assert!(stderr.contains("can't connect to http://") && stderr.contains("--start"), "{stderr}");
}

#[test]
fn a_handler_that_does_not_start_is_reported_with_its_last_output() {
    let (command, exit) = if cfg!(windows) {
        let command = "(echo Error: cannot find module&echo \x1b[1m    at x&echo Node.js v20)1>&2&exit 7";
        (command, "exit code: 7")
    } else {
        let command = "printf 'Error: cannot find module\\n\\033[1m    at x\\n\\nNode.js v20\\n' >&2; exit 7";
        (command, "exit status: 7")
    };
    let (status, _, stderr) = check_example(command, "plexos");
    assert_eq!(status, Some(3));
    assert!(stderr.contains(exit) && stderr.contains("last output:\n  | Error: cannot find module\n"), "{stderr}");
    assert!(stderr.contains("  | \\u{1b}[1m    at x\n  | Node.js v20\n"), "{stderr}");
}

#[test]
fn a_secret_in_the_output_of_a_handler_is_masked() {
    let command = if cfg!(windows) {
        "echo secret: %PLEXOS_WEBHOOK_SECRET%&exit 7"
    } else {
        "echo secret: $PLEXOS_WEBHOOK_SECRET; exit 7"
    };
    let (status, _, stderr) = check_example(command, "plexos");
    assert_eq!(status, Some(3));
    assert!(stderr.contains("***") && !stderr.contains(PLEXOS_SECRET), "{stderr}");
    let effects = format!("echo sk_live_abc{}", "0".repeat(300));
    let stderr = check(&start_handler(correct_status), &["--effects", &effects]).2;
    assert!(
        stderr.contains("--effects did not return a number") && !stderr.contains("abc") && stderr.len() < 500,
        "{stderr}"
    );
}

#[test]
fn another_machine_needs_a_confirmation() {
    let run = TestWorld::with_secrets().run(&["check", "http://example.com/hooks", "--provider", "plexos"]);
    assert_eq!(run.status, 2);
    assert!(run.err.contains("example.com is not this machine") && run.err.contains("--yes"), "{}", run.err);
}

#[test]
fn a_bare_port_is_a_url_of_this_machine_and_an_event_type_is_none() {
    for words in [&["check", "3000", "--provider", "plexos"][..], &["replay", "payment.debited", "--to", "3000"]] {
        let world = TestWorld::with_secrets();
        world.run(words);
        let sent = world.sent.lock().unwrap();
        assert!(!sent.is_empty() && sent.iter().all(|sent| sent.address().contains(":3000/")), "{words:?}");
    }
    let world = TestWorld::with_secrets();
    let event = world.run(&["check", "payment.debited"]);
    assert!(event.status == 2 && event.err.contains("expected a URL"), "{}", event.err);
    assert!(world.sent.lock().unwrap().is_empty());
}

#[test]
fn the_provider_is_detected_from_the_url_or_the_only_secret() {
    let world = TestWorld::with_secrets();
    let asked = world.run(&["check", "localhost:3000/hooks"]);
    assert!(asked.status == 2 && asked.err.contains("--provider plexos or --provider plustive"), "{}", asked.err);
    // The scripted handler accepts everything.
    let by_url = world.run(&["check", "localhost:3000/hooks/plustive", "--only", "accept.any"]);
    assert!(by_url.text().contains("Plustive"), "{}", by_url.text());
    let one = TestWorld::default().variable("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET);
    assert!(one.run(&["check", "localhost:3000/hooks", "--only", "accept.any"]).text().contains("Plexos Pay"));
}

#[test]
fn the_list_shows_every_probe_and_an_unknown_one_is_a_usage_error() {
    let world = TestWorld::default();
    let list = world.run(&["check", "--list"]);
    assert_eq!(list.status, 0);
    insta::assert_snapshot!("check_list", list.text());
    let json = world.run(&["check", "--list", "--json", "--provider", "plexos", "--only", "raw"]).json();
    assert!(json.iter().all(|probe| probe["schema"] == "whtool.probe/1" && probe["provider"] == "plexos"));
    let wrong = world.run(&["check", "localhost:1/", "--provider", "plexos", "--only", "refuse.nothing"]);
    assert!(wrong.status == 2 && wrong.err.contains("`refuse.nothing`"), "{}", wrong.err);
}
