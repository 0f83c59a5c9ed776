//! `whtool check` against real handlers: stand-ins in this process, and those of `examples/handlers` that the machine can run.

use crate::common::Made;
use crate::process::{PLEXOS_SECRET, PLUSTIVE_SECRET, available, home, run, whtool};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use std::collections::HashSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

/// A request as a handler sees it.
struct Got {
    method: tiny_http::Method,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A handler of Plexos' events on four threads, which answers as it is told; its URL.
fn handler(answer: impl Fn(&Got) -> u16 + Send + Sync + 'static) -> String {
    counting(answer, Arc::default())
}

/// The same; to a GET it says the count.
fn counting(answer: impl Fn(&Got) -> u16 + Send + Sync + 'static, count: Arc<AtomicU64>) -> String {
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
                let got = Got { method: request.method().clone(), headers, body };
                let response = match got.method {
                    tiny_http::Method::Get => {
                        tiny_http::Response::from_string(count.load(Ordering::SeqCst).to_string())
                    }
                    _ => tiny_http::Response::from_string("").with_status_code(answer(&got)),
                };
                let _ = request.respond(response);
            }
        });
    }
    url
}

/// HMAC by the hmac crate, which is held to RFC 4231 and openssl elsewhere.
fn is_signed(got: &Got, timestamp: &str, body: &[u8]) -> bool {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(PLEXOS_SECRET.as_bytes()).unwrap();
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let given = got.header("X-Plexos-Signature").and_then(|text| hex::decode(text).ok());
    given.is_some_and(|given| mac.verify_slice(&given).is_ok())
}

fn is_object(body: &[u8]) -> bool {
    body.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// A right handler's answer.
fn right(got: &Got) -> u16 {
    let timestamp = got.header("X-Plexos-Timestamp").unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let is_fresh = timestamp.parse::<u64>().is_ok_and(|time| time.abs_diff(now) <= 300);
    match is_fresh && is_signed(got, timestamp, &got.body) {
        false => 401,
        true if is_object(&got.body) => 200,
        true => 400,
    }
}

/// tiny_http closes the connection on header values that are not ASCII, before any handler sees them.
const NOT_FOR_TINY_HTTP: &str = "survive.signature.wide";

/// The records of a check of Plexos' events, by probe; the last one is the whole.
fn check(url: &str, words: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let home = home();
    let words = [&["check", url, "--provider", "plexos", "--json"], words].concat();
    records(run(whtool(home.path(), &words).env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET)))
}

fn records(output: Output) -> (Option<i32>, Vec<Value>, String) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = String::from_utf8(output.stdout).unwrap();
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code(), records, said)
}

/// The ids of the probes that failed.
fn failed(records: &[Value]) -> Vec<&str> {
    let failed = records.iter().filter(|record| record["grade"] == "fail");
    failed.map(|record| record["id"].as_str().unwrap()).collect()
}

/// The causes of what failed.
fn causes(records: &[Value]) -> HashSet<&str> {
    let failed = records.iter().filter(|record| record["grade"] == "fail");
    failed.map(|record| record["cause"]["code"].as_str().unwrap()).collect()
}

/// The likeliest of the serializers that were named.
fn serializer(records: &[Value]) -> &str {
    let named = records.iter().find_map(|record| record["cause"]["rewriters"][0].as_str());
    named.expect("a serializer is named")
}

#[test]
fn a_right_handler_passes_and_is_told_so_with_status_0() {
    let (status, records, said) = check(&handler(right), &["--skip", NOT_FOR_TINY_HTTP]);
    assert_eq!((status, failed(&records)), (Some(0), vec![]), "{said}");
    let whole = records.last().unwrap();
    assert_eq!((whole["schema"].as_str(), whole["good"].as_bool()), (Some("whtool.checked/1"), Some(true)));
    assert_eq!(whole["grades"]["warn"], 0, "{whole}");
}

#[test]
fn a_handler_that_takes_everything_is_one_failure_with_status_1() {
    let (status, records, _) = check(&handler(|_| 200), &["--skip", NOT_FOR_TINY_HTTP]);
    assert_eq!((status, failed(&records)), (Some(1), vec!["refuse.any"]));
}

#[test]
fn a_handler_that_ignores_the_time_takes_old_events() {
    let blind = |got: &Got| {
        let timestamp = got.header("X-Plexos-Timestamp").unwrap_or_default();
        if is_signed(got, timestamp, &got.body) && is_object(&got.body) { 200 } else { 401 }
    };
    let (_, records, _) = check(&handler(blind), &["--only", "refuse"]);
    assert!(causes(&records).contains("stale_taken") && causes(&records).contains("timestamp_text_taken"));
    assert!(!causes(&records).contains("forged_taken"));
}

#[test]
fn a_comparison_that_throws_is_told_with_a_command_that_shows_it() {
    let throwing = |got: &Got| match got.header("X-Plexos-Signature") {
        Some(text) if text.len() == 64 => right(got),
        _ => 500,
    };
    let url = handler(throwing);
    let (_, records, _) = check(&url, &["--only", "refuse.signature"]);
    assert_eq!(causes(&records), HashSet::from(["crash_on_shape", "crash_on_missing"]));
    if available("bash") && available("curl") {
        let record = records.iter().find(|record| record["id"] == "refuse.signature.short").unwrap();
        let curl = record["exchanges"][0]["curl"].as_str().unwrap();
        let answer = run(Command::new("bash").args(["-c", curl]));
        assert!(String::from_utf8_lossy(&answer.stdout).starts_with("HTTP/1.1 500"), "{answer:?}");
    }
}

#[test]
fn the_same_event_at_the_same_moment_is_really_sent_twice_at_once() {
    // After the good event and two forged ones, neither of the next two is answered before both are here.
    let (turns, both) = (AtomicU64::new(0), std::sync::Barrier::new(2));
    let waiting = move |got: &Got| {
        if turns.fetch_add(1, Ordering::SeqCst) > 2 {
            both.wait();
        }
        right(got)
    };
    let (status, records, _) = check(&handler(waiting), &["--only", "behave.same_moment"]);
    assert_eq!((status, failed(&records)), (Some(0), vec![]));
}

#[test]
fn work_that_is_counted_is_found_to_be_done_twice() {
    let count = Arc::new(AtomicU64::new(0));
    let work = Arc::clone(&count);
    let careless = move |got: &Got| {
        let status = right(got);
        work.fetch_add(u64::from(status == 200), Ordering::SeqCst);
        status
    };
    let url = counting(careless, count);
    for effects in [url.clone(), format!("curl -s {url}")] {
        if effects.starts_with("curl") && !available("curl") {
            continue;
        }
        let (_, records, said) = check(&url, &["--only", "behave", "--effects", &effects]);
        assert_eq!(failed(&records), ["behave.twice", "behave.same_moment"], "{said}");
    }
    let (status, _, said) = check(&url, &["--only", "behave.twice", "--effects", "echo many"]);
    assert!(status == Some(3) && said.contains("--effects gave no number"), "{said}");
}

/// An address where nobody listens.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Checks a handler of `examples/handlers` that check itself starts.
fn example(command: &str, provider: &str) -> (Option<i32>, Vec<Value>, String) {
    let home = home();
    let url = format!("http://{}/webhooks/{provider}", free());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/handlers");
    let words = ["check", &url, "--provider", provider, "--json", "--start", command, "--budget", "20s"];
    let mut command = whtool(home.path(), &words);
    records(run(command
        .current_dir(folder)
        .env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET)
        .env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET)))
}

#[test]
fn the_guides_comparison_is_found_to_throw_and_nothing_else_fails() {
    if available("node") {
        let (status, records, said) = example("HANDLER=guide exec node node-http.js", "plustive");
        assert_eq!(status, Some(1), "{said}");
        assert_eq!(causes(&records), HashSet::from(["crash_on_shape", "crash_on_missing"]));
        assert!(failed(&records).contains(&"refuse.signature.missing"));
        assert!(failed(&records).contains(&"accept.form.reference"));
    }
}

#[test]
fn a_node_handler_that_serializes_is_told_from_its_raw_twin() {
    if available("node") {
        for provider in ["plexos", "plustive"] {
            let (status, records, said) = example("HANDLER=json exec node node-http.js", provider);
            assert_eq!((status, serializer(&records)), (Some(1), "json_stringify"), "{said}");
            assert_eq!(causes(&records), HashSet::from(["body_rewritten"]));
            let (status, records, said) = example("exec node node-http.js", provider);
            assert_eq!((status, failed(&records)), (Some(0), vec![]), "{said}");
        }
    }
}

#[test]
fn a_python_handler_that_serializes_is_told_from_its_raw_twin() {
    if available("python3") {
        let (status, records, said) = example("HANDLER=json exec python3 python-http.py", "plexos");
        assert_eq!((status, serializer(&records)), (Some(1), "python_json_dumps"), "{said}");
        assert_eq!(causes(&records), HashSet::from(["body_rewritten"]));
        let (status, records, said) = example("exec python3 python-http.py", "plexos");
        assert_eq!((status, failed(&records)), (Some(0), vec![]), "{said}");
    }
}

#[test]
fn a_php_handler_that_serializes_is_told_from_its_raw_twin() {
    if available("php") {
        let (_, records, said) = example("exec php -S 127.0.0.1:$PORT plexos-json.php", "plexos");
        assert_eq!(serializer(&records), "php_json_encode", "{said}");
        let (status, records, said) = example("exec php -S 127.0.0.1:$PORT plexos-raw.php", "plexos");
        assert_eq!((status, failed(&records)), (Some(0), vec![]), "{said}");
    }
}

#[test]
fn a_go_handler_that_serializes_is_told_from_its_raw_twin() {
    // go knows `version`, not `--version`.
    let has_go = Command::new("go").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !has_go.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no go on this machine");
        return;
    }
    let built = tempfile::tempdir().unwrap();
    let program = |way: &str| {
        let program = built.path().join(way);
        let source = format!("{}/examples/handlers/plexos-go-{way}/main.go", env!("CARGO_MANIFEST_DIR"));
        let mut build = Command::new("go");
        build.args(["build", "-o"]).arg(&program).arg(source).env("GOCACHE", built.path().join("cache"));
        assert!(build.status().unwrap().success());
        format!("exec {}", program.display())
    };
    let (_, records, said) = example(&program("json"), "plexos");
    assert!(serializer(&records).starts_with("go_map"), "{} {said}", serializer(&records));
    let (status, records, said) = example(&program("raw"), "plexos");
    assert_eq!((status, failed(&records)), (Some(0), vec![]), "{said}");
}

#[test]
fn reports_are_written_whole_with_strangers_text_made_harmless() {
    let home = home();
    let url = handler(|got| if right(got) == 200 { 200 } else { 500 });
    let (html, junit) = (home.path().join("r.html"), home.path().join("r.xml"));
    let words = [
        "check",
        &url,
        "--provider",
        "plexos",
        "--only",
        "refuse",
        "--html",
        html.to_str().unwrap(),
        "--junit",
        junit.to_str().unwrap(),
    ];
    let output = run(whtool(home.path(), &words).env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("FAIL  a request without a signature makes it fail") && text.contains("curl -sS -i"),
        "{text}"
    );
    let page = std::fs::read_to_string(html).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(!page.contains("<script") && !page.contains("src="), "the page stands alone");
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(
        xml.contains("name=\"refuse.signature.missing\"") && xml.contains("<failure type=\"crash_on_missing\""),
        "{xml}"
    );
    assert!(!xml.contains(PLEXOS_SECRET) && !page.contains(PLEXOS_SECRET) && !text.contains(PLEXOS_SECRET));
    if available("python3") {
        let read = "import sys,xml.etree.ElementTree as e;r=e.parse(sys.argv[1]).getroot();print(r.get('failures'),len(r.findall('.//testcase/failure')))";
        let output = run(Command::new("python3").args(["-c", read, junit.to_str().unwrap()]));
        let counts = String::from_utf8(output.stdout).unwrap();
        let counts: Vec<_> = counts.split_whitespace().collect();
        assert!(counts.len() == 2 && counts[0] == counts[1] && counts[0] != "0", "{counts:?}");
    }
}

#[test]
fn nobody_there_means_status_3_and_advice() {
    let (status, records, said) = check(&format!("http://{}/", free()), &[]);
    assert_eq!((status, records.len()), (Some(3), 0));
    assert!(said.contains("nobody answers at") && said.contains("--start"), "{said}");
}

#[test]
fn a_handler_that_does_not_start_is_told_with_its_last_words() {
    let (status, _, said) =
        example("printf 'Error: cannot find module\\n\\033[1m    at x\\n\\nNode.js v20\\n' >&2; exit 7", "plexos");
    assert_eq!(status, Some(3));
    assert!(
        said.contains("exit status: 7") && said.contains("it wrote last:\n  | Error: cannot find module\n"),
        "{said}"
    );
    assert!(said.contains("  | \\u{1b}[1m    at x\n  | Node.js v20\n"), "{said}");
}

#[test]
fn a_handler_that_says_its_secret_as_it_ends_is_not_quoted_with_it() {
    let (status, _, said) = example("echo secret: $PLEXOS_WEBHOOK_SECRET; exit 7", "plexos");
    assert_eq!(status, Some(3));
    assert!(said.contains("***") && !said.contains(PLEXOS_SECRET), "{said}");
    let said = check(&handler(right), &["--effects", "printf 'sk_live_abc%0300d'"]).2;
    assert!(said.contains("--effects gave no number") && !said.contains("abc") && said.len() < 500, "{said}");
}

#[test]
fn another_machine_is_asked_for_first() {
    let run = Made::with_secrets().run(&["check", "http://example.com/hooks", "--provider", "plexos"]);
    assert_eq!(run.status, 2);
    assert!(run.err.contains("example.com is not this machine") && run.err.contains("--yes"), "{}", run.err);
}

#[test]
fn what_is_plainly_no_url_is_a_usage_error_that_says_what_to_write() {
    let made = Made::with_secrets();
    for words in
        [&["check", "3000"][..], &["replay", "payment.debited", "--to", "3000"], &["listen", "--forward-to", "3000"]]
    {
        let run = made.run(words);
        assert!(run.status == 2 && run.err.contains("write http://localhost:3000"), "{words:?}: {}", run.err);
    }
    let event = made.run(&["check", "payment.debited"]);
    assert!(event.status == 2 && event.err.contains("a URL is expected"), "{}", event.err);
    let variable = Made::with_secrets().variable("WHTOOL_TO", "3000").run(&["replay", "payment.debited"]);
    assert!(
        variable.err.contains("WHTOOL_TO") && variable.err.contains("write http://localhost:3000"),
        "{}",
        variable.err
    );
}

#[test]
fn the_provider_is_told_from_the_url_or_the_only_secret() {
    let made = Made::with_secrets();
    let asked = made.run(&["check", "localhost:3000/hooks"]);
    assert!(asked.status == 2 && asked.err.contains("--provider plexos or --provider plustive"), "{}", asked.err);
    // The made-up handler takes everything.
    let by_url = made.run(&["check", "localhost:3000/hooks/plustive", "--only", "accept.any"]);
    assert!(by_url.text().contains("Plustive"), "{}", by_url.text());
    let one = Made::default().variable("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET);
    assert!(one.run(&["check", "localhost:3000/hooks", "--only", "accept.any"]).text().contains("Plexos Pay"));
}

#[test]
fn the_list_has_every_probe_and_an_unknown_one_is_a_usage_error() {
    let made = Made::default();
    let list = made.run(&["check", "--list"]);
    assert!(list.status == 0 && list.text().contains("  refuse.signature.missing") && list.text().contains("Plustive"));
    let json = made.run(&["check", "--list", "--json", "--provider", "plexos", "--only", "raw"]).json();
    assert!(json.iter().all(|probe| probe["schema"] == "whtool.probe/1" && probe["provider"] == "plexos"));
    let wrong = made.run(&["check", "localhost:1/", "--provider", "plexos", "--only", "refuse.nothing"]);
    assert!(wrong.status == 2 && wrong.err.contains("`refuse.nothing`"), "{}", wrong.err);
}
