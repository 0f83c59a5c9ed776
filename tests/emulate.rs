//! `emulate`: both providers over real sockets, with `listen` or a test socket as the app.

use crate::common::TestWorld;
use crate::process::{Listener, PLUSTIVE_SECRET, available, run, whtool};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command};

/// An emulator in its own process, without environment variables but a home folder.
pub struct Emulated {
    child: Child,
    records: BufReader<ChildStdout>,
    said: BufReader<ChildStderr>,
    pub address: String,
    ready: Value,
}

impl Emulated {
    pub fn start(home: &Path, words: &[&str]) -> Self {
        Self::spawn(&mut whtool(home, &[&["emulate", "--port", "0", "--json", "--seed", "7"], words].concat()))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let records = BufReader::new(child.stdout.take().unwrap());
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut emulated = Self { child, records, said, address: String::new(), ready: Value::Null };
        let ready = emulated.record();
        assert_eq!(ready["schema"], "whtool.emulator/1");
        emulated.address = ready["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
        emulated.ready = ready;
        emulated
    }

    fn record(&mut self) -> Value {
        let mut line = String::new();
        self.records.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// The next record of a delivery.
    fn delivery(&mut self) -> Value {
        loop {
            let record = self.record();
            if record["schema"] == "whtool.emulated_delivery/1" {
                return record;
            }
        }
    }

    /// Head and body of the answer; both are empty if the connection was cut.
    fn exchange(&self, method: &str, target: &str, body: &str) -> (String, String) {
        let key =
            if target.starts_with("/plustive") { "pk_live_emulated_by_whtool" } else { "sk_test_emulated_by_whtool" };
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        (head.to_owned(), body.to_owned())
    }

    pub fn call(&self, method: &str, target: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (head, body) = self.exchange(method, target, &body);
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}\n{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub fn pay(&self) -> String {
        let body = json!({"amount": 10_000, "operator": "MOCK", "operatorPhone": "+2389001234"});
        self.call("POST", "/plexos/v1/payments", &body)["id"].as_str().unwrap().to_owned()
    }

    fn buy(&self, client: &str) -> Value {
        let plan = "00000000-0000-4000-8000-0000000000d1";
        self.call(
            "POST",
            "/plustive/api/v1/data",
            &json!({"planId": plan, "phone": "08030000000", "clientReference": client}),
        )
    }

    fn interrupt(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", &format!("kill -INT {pid}")]).status().unwrap().success());
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

/// Stops the emulator of a failed test, too.
impl Drop for Emulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Records of each kind, for successful and failed calls and deliveries.
pub fn some_records(home: &Path) -> Vec<u8> {
    let mut emulated = Emulated::start(home, &["--plustive-url", "http://127.0.0.1:1/", "--speed", "3600"]);
    emulated.exchange("GET", "/nothing", "");
    emulated.call("POST", "/_emulator/faults", &json!({"kind": "drop", "provider": "plexos"}));
    emulated.call("POST", "/plexos/v1/webhooks", &json!({"url": "http://127.0.0.1:1/", "events": ["payment.created"]}));
    emulated.pay();
    emulated.buy("order-1");
    let mut records = vec![emulated.ready.clone()];
    while records.len() < 9 {
        records.push(emulated.record());
    }
    records.iter().flat_map(|record| format!("{record}\n").into_bytes()).collect()
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_secret_from_the_environment_is_used_but_not_printed() {
    let run = TestWorld::with_secrets().run(&["emulate", "--plustive-url", "localhost:4848"]);
    assert!(!run.text().contains("WEBHOOK_SECRET") && !run.err.contains(PLUSTIVE_SECRET), "{}{}", run.text(), run.err);
    assert!(run.err.contains("signed with PLUSTIVE_WEBHOOK_SECRET"), "{}", run.err);
}

#[test]
fn invalid_arguments_are_usage_errors() {
    for words in [&["--fault", "flood"][..], &["--speed", "0"], &["--plustive-url", "ftp://x"], &["--variant", "x"]] {
        let run = TestWorld::default().run(&[&["emulate"], words].concat());
        assert_eq!((run.status, run.out.len()), (2, 0), "{words:?}: {}", run.err);
    }
    let run = TestWorld::default().run(&["emulate", "--plustive-url", "https://example.com/"]);
    assert_eq!(run.status, 2, "there is no terminal for a confirmation: {}", run.err);
    assert_eq!(TestWorld::default().run(&["emulate", "--port", "1"]).status, 3);
}

#[test]
fn a_damaged_state_file_is_refused_and_not_changed() {
    let home = home();
    let file = home.path().join("state.json");
    std::fs::write(&file, b"{\"schema\":").unwrap();
    let output = run(&mut whtool(home.path(), &["emulate", "--port", "0", "--state", file.to_str().unwrap()]));
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the file was not changed"), "{output:?}");
    assert_eq!(std::fs::read(&file).unwrap(), b"{\"schema\":");
}

#[test]
#[cfg_attr(windows, ignore = "sends a signal")]
fn listen_verifies_webhooks_before_and_after_a_restart_of_the_emulator() {
    let home = home();
    let state = home.path().join("state.json");
    let words = [
        "--undocumented-webhook-calls",
        "--payment-life",
        "30d",
        "--speed",
        "3600",
        "--state",
        state.to_str().unwrap(),
    ];
    let mut first = Emulated::start(home.path(), &words);
    let output = run(whtool(home.path(), &["register", "--url", "http://127.0.0.1:1/hook", "--allow-http", "--json"])
        .env("PLEXOS_API_URL", format!("http://{}/plexos", first.address))
        .env("PLEXOS_PAY_SECRET_KEY", "sk_test_emulated_by_whtool"));
    assert!(output.status.success(), "{output:?}");
    // `register` stored the secret for `listen`.
    let mut listener = Listener::spawn(&mut whtool(home.path(), &["listen", "--json", "--port", "0"]));
    let endpoints = first.call("GET", "/plexos/v1/webhooks", &Value::Null);
    let endpoint = endpoints["data"][0]["id"].as_str().unwrap();
    first.call("PATCH", &format!("/plexos/v1/webhooks/{endpoint}"), &json!({"url": listener.url}));
    let payment = first.pay();
    let created = listener.record();
    assert_eq!((&created["event"]["type"], &created["verdict"]), (&json!("payment.created"), &json!("verified")));
    // The listener reports a delivery before the emulator has its answer.
    first.delivery();
    let (status, said) = first.interrupt();
    assert_eq!(status, Some(130));
    assert!(said.contains("payment.created") && said.contains("/plexos/v1/payments"), "{said}");

    let url = listener.url.clone();
    let second = Emulated::start(home.path(), &[&words[..], &["--plustive-url", &url]].concat());
    second.call("POST", &format!("/plexos/v1/payments/{payment}/confirm"), &json!({}));
    let debited = listener.record();
    assert_eq!((&debited["event"]["subject"], &debited["verdict"]), (&json!(payment), &json!("verified")));
    let bought = second.buy("order-1");
    let success = listener.record();
    assert_eq!((&success["event"]["id"], &success["verdict"]), (&bought["reference"], &json!("verified")));
    assert_eq!(success["secret"], "local test secret");
    assert_eq!(second.call("GET", "/plustive/v1/transactions/order-1", &Value::Null)["status"], "Success");
}

#[test]
#[cfg(unix)]
fn a_state_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let state = home.path().join("state.json");
    let emulated = Emulated::start(home.path(), &["--state", state.to_str().unwrap()]);
    emulated.pay();
    assert_eq!(emulated.interrupt().0, Some(130));
    assert_eq!(std::fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&state).unwrap().contains("\"pi_"));
}

#[test]
fn a_cut_call_is_executed_and_a_rate_limited_one_is_not() {
    let home = home();
    let emulated = Emulated::start(home.path(), &["--fault", "cut,count=1,method=POST,provider=plexos"]);
    let body = json!({"amount": 10_000, "operator": "MOCK", "operatorPhone": "+2389001234"}).to_string();
    assert_eq!(emulated.exchange("POST", "/plexos/v1/payments", &body), (String::new(), String::new()));
    let payments = || emulated.call("GET", "/plexos/v1/payments", &Value::Null)["data"].as_array().unwrap().len();
    assert_eq!(payments(), 1);
    emulated.call("POST", "/_emulator/faults", &json!({"kind": "429", "count": 1, "method": "POST"}));
    let (head, _) = emulated.exchange("POST", "/plexos/v1/payments", &body);
    assert!(head.starts_with("HTTP/1.1 429 ") && head.contains("retry-after: 1"), "{head}");
    assert_eq!(payments(), 1);
}

/// Threads and open descriptors of a process. Only root may list the descriptors of whtool, which
/// keeps its memory from other processes; for others they are 0.
#[cfg(target_os = "linux")]
fn threads_and_descriptors(pid: u32) -> [usize; 2] {
    let descriptors = match std::fs::read_dir(format!("/proc/{pid}/fd")) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            eprintln!("skipped: descriptors are counted only as root");
            0
        }
        folder => folder.unwrap().count(),
    };
    [std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().count(), descriptors]
}

#[test]
#[cfg(target_os = "linux")]
fn large_announced_bodies_leave_no_threads_or_descriptors_behind() {
    use std::time::{Duration, Instant};
    let home = home();
    let emulated = Emulated::start(home.path(), &[]);
    emulated.pay();
    let pid = emulated.child.id();
    let [threads, descriptors] = threads_and_descriptors(pid);
    for _ in 0..300 {
        let mut stream = TcpStream::connect(&emulated.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
            .write_all(
                b"POST /plexos/v1/payments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\n{",
            )
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
    // The threads of the last clients end on their own; a leak stays.
    let (start, allowed) = (Instant::now(), [threads + 8, descriptors + 8]);
    while threads_and_descriptors(pid).iter().zip(&allowed).any(|(now, allowed)| now > allowed) {
        let now = threads_and_descriptors(pid);
        assert!(start.elapsed() < Duration::from_secs(20), "{now:?} threads and descriptors, {allowed:?} allowed");
        std::thread::yield_now();
    }
    emulated.pay();
}

#[test]
fn every_retry_has_a_signature_that_python_confirms() {
    let home = home();
    let app = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", app.local_addr().unwrap());
    let mut command =
        whtool(home.path(), &["emulate", "--port", "0", "--json", "--speed", "3600", "--plustive-url", &url]);
    let mut emulated = Emulated::spawn(command.env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET));
    let hook = json!({"url": url, "events": ["payment.created"]});
    let secret = emulated.call("POST", "/plexos/v1/webhooks", &hook)["secret"].as_str().unwrap().to_owned();
    emulated.pay();
    emulated.buy("order-1");
    // Each event is refused once and accepted once; the two may arrive in any order.
    let mut requests = Vec::new();
    for status in [503, 503, 200, 200] {
        requests.push(accept(&app, status));
        emulated.delivery();
    }
    let signed: Vec<_> = requests.iter().map(|request| signature(request, &secret)).collect();
    assert_eq!(signed.len(), 4);
    if available("python3") {
        for (prefix, body, key, expected) in signed {
            let python = "import hmac,sys; print(hmac.new(sys.argv[1].encode(),(sys.argv[2]+sys.argv[3]).encode(),'sha256').hexdigest())";
            let output = run(Command::new("python3").args(["-c", python, &key, &prefix, &body]));
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{body}");
        }
    }
    let deliveries = emulated.call("GET", "/_emulator/deliveries", &Value::Null)["data"].clone();
    let tries: usize = deliveries.as_array().unwrap().iter().map(|one| one["attempts"].as_array().unwrap().len()).sum();
    assert_eq!(tries, 4, "{deliveries}");
}

/// Accepts one request, answers it, and returns it.
fn accept(app: &TcpListener, status: u16) -> String {
    let (mut stream, _) = app.accept().unwrap();
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while !request.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut request).unwrap() > 0);
    }
    let length = header(&request, "content-length").parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request.push_str(std::str::from_utf8(&body).unwrap());
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    request
}

fn header(request: &str, name: &str) -> String {
    let lines = request.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
        .next()
        .unwrap_or_default()
}

/// Signed prefix, body, secret and signature.
fn signature(request: &str, plexos: &str) -> (String, String, String, String) {
    let body = request.split_once("\r\n\r\n").unwrap().1.to_owned();
    let plustive = header(request, "x-plustive-signature");
    match plustive.strip_prefix("sha256=") {
        Some(mac) => (String::new(), body, PLUSTIVE_SECRET.to_owned(), mac.to_owned()),
        None => (
            format!("{}.", header(request, "x-plexos-timestamp")),
            body,
            plexos.to_owned(),
            header(request, "x-plexos-signature"),
        ),
    }
}
