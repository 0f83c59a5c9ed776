//! The program as a process: real sockets, real signals, and other programs as witnesses where they
//! are installed.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use tempfile::TempDir;

pub const PLEXOS_SECRET: &str = "whsec_test_secret_do_not_use";
pub const PLUSTIVE_SECRET: &str = "plustive_test_secret_do_not_use";
pub const REFERENCE: &[u8] = include_bytes!("vectors/plustive-reference.json");
/// `openssl dgst -sha256 -hmac plustive_test_secret_do_not_use plustive-reference.json`
pub const REFERENCE_MAC: &str = "fb1d9f0c10dc57a028d4a24ff1eb6c51f2a25a82ad869a2ac129e24346ce5f1e";

pub fn whtool(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whtool"));
    command.args(words).env_clear().env("WHTOOL_HOME", home);
    // Windows finds its network in SystemRoot.
    command.envs(["PATH", "SystemRoot"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A listener process with the secrets of the test vectors.
pub struct Listener {
    pub child: Child,
    pub records: BufReader<ChildStdout>,
    pub url: String,
}

impl Listener {
    pub fn start(home: &Path, words: &[&str]) -> Self {
        let words = [&["listen", "--json", "--port", "0"], words].concat();
        let mut command = whtool(home, &words);
        Self::spawn(command.env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET).env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET))
    }

    /// Starts the command and waits until it reports its URL.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let records = BufReader::new(child.stdout.take().unwrap());
        let mut listener = Self { child, records, url: String::new() };
        let ready = listener.record();
        assert_eq!(ready["schema"], "whtool.ready/1");
        listener.url = ready["url"].as_str().unwrap().to_owned();
        listener
    }

    pub fn record(&mut self) -> Value {
        let mut line = String::new();
        self.records.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Sends bytes unchanged and returns everything that comes back.
    pub fn exchange(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends it a signal, and returns its exit status and standard error. Windows has no signals:
    /// it is killed.
    pub fn end(mut self, signal: &str) -> (Option<i32>, String) {
        if cfg!(windows) {
            self.child.kill().unwrap();
        } else {
            let pid = self.child.id().to_string();
            assert!(Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status().unwrap().success());
        }
        let mut messages = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
        (self.child.wait().unwrap().code(), messages)
    }
}

/// Ends the process when a test fails.
impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn post(mac: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /hooks HTTP/1.1\r\nHost: x\r\nX-Plustive-Signature: {mac}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

pub fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// True if the program is installed. Otherwise prints that the test is skipped, or fails it if
/// `WHTOOL_REQUIRE_ALL` is set, as on CI.
///
/// Windows starts placeholders for `python3` and others, which fail, and its `bash` belongs to
/// another system with other paths.
pub fn available(program: &str) -> bool {
    let mut version = Command::new(program);
    let ran = version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = ran.is_ok_and(|status| cfg!(unix) || (status.success() && program != "bash"));
    if !found {
        assert!(std::env::var_os("WHTOOL_REQUIRE_ALL").is_none(), "{program} is needed and not installed");
        let test = std::thread::current().name().unwrap_or("test").to_owned();
        // Written directly, because the test harness hides the output of passing tests.
        let _ = writeln!(std::io::stderr(), "{test}: skipped, {program} is not installed");
    }
    found
}

#[cfg(unix)]
#[test]
fn a_request_signed_by_openssl_is_verified_and_a_changed_one_is_explained() {
    let home = home();
    let mut listener = Listener::start(home.path(), &[]);
    let answer = listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(listener.record()["verdict"], "verified");

    let changed = String::from_utf8_lossy(REFERENCE).replace("27000", "97000");
    let answer = listener.exchange(&post(REFERENCE_MAC, changed.as_bytes()));
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let record = listener.record();
    assert_eq!(
        (record["verdict"].as_str(), record["causes"][0]["code"].as_str()),
        (Some("mismatch"), Some("body_byte_changed"))
    );
    assert_eq!(listener.end("INT").0, Some(130));
}

#[test]
fn every_refusal_looks_the_same_to_an_outsider() {
    let home = home();
    let listener = Listener::start(home.path(), &[]);
    let without_date =
        |answer: String| answer.lines().filter(|line| !line.starts_with("date:")).collect::<Vec<_>>().join("\n");
    let refusals = [post(&"0".repeat(64), REFERENCE), post("zz", REFERENCE), post("", b""), post(REFERENCE_MAC, b"x")];
    let answers = refusals.map(|request| without_date(listener.exchange(&request)));
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:#?}");
    assert!(answers[0].starts_with("HTTP/1.1 401 "), "{}", answers[0]);
}

#[test]
fn listen_verifies_replayed_events_with_nothing_configured() {
    let home = home();
    let mut listener = whtool(home.path(), &["listen", "--json", "--port", "0", "--count", "4"]).spawn().unwrap();
    let mut records = BufReader::new(listener.stdout.take().unwrap()).lines().map(Result::unwrap);
    let ready: Value = serde_json::from_str(&records.next().unwrap()).unwrap();
    let sources = ["replay", "payment.debited", "plustive:transaction.failed", "--to", ready["url"].as_str().unwrap()];
    let replay = run(&mut whtool(home.path(), &[&sources[..], &["--repeat", "2"]].concat()));
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
    assert_eq!(String::from_utf8_lossy(&replay.stdout).matches("  200  ").count(), 4);
    let secrets: Vec<_> = records.map(|line| serde_json::from_str::<Value>(&line).unwrap()["secret"].clone()).collect();
    assert_eq!(secrets, vec!["local test secret"; 4]);
    assert_eq!(listener.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn the_demo_shows_good_and_bad_deliveries_and_keeps_listening() {
    let home = home();
    let mut listener = Listener::start(home.path(), &["--demo"]);
    let verdicts: Vec<_> = (0..7).map(|_| listener.record()["verdict"].clone()).collect();
    assert_eq!(verdicts, ["verified", "verified", "verified", "verified", "mismatch", "too_old", "mismatch"]);
    let answer = listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(listener.record()["number"], 8);
    let (status, said) = listener.end("INT");
    assert_eq!(status, Some(130));
    assert!(said.contains("8 deliveries: 2 mismatch, 1 too old, 5 verified; 1 duplicate"), "{said}");
    assert!(said.contains("replay payment.debited"), "{said}");
}

#[cfg(unix)]
#[test]
fn an_open_request_is_finished_after_a_signal() {
    let home = home();
    for (signal, status) in [("INT", 130), ("TERM", 0)] {
        let mut listener = Listener::start(home.path(), &[]);
        let request = post(REFERENCE_MAC, REFERENCE);
        let (first, rest) = request.split_at(request.len() - 10);
        let mut stream = TcpStream::connect(listener.url.trim_start_matches("http://")).unwrap();
        stream.write_all(first).unwrap();
        // Another exchange on the same listener, so that it has surely read what was written
        // before.
        listener.exchange(&post(REFERENCE_MAC, REFERENCE));
        listener.record();
        let pid = listener.child.id().to_string();
        assert!(Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status().unwrap().success());
        stream.write_all(rest).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{signal}: {answer}");
        assert_eq!(listener.record()["verdict"], "verified", "{signal}");
        assert_eq!(listener.child.wait().unwrap().code(), Some(status), "{signal}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_with_secrets_is_not_written_to_core_dumps() {
    let home = tempfile::tempdir().unwrap();
    let listener = Listener::start(home.path(), &[]);
    let process = Path::new("/proc").join(listener.child.id().to_string());
    let limits = std::fs::read_to_string(process.join("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    // What belongs to the user of a process belongs to root if it must not be dumped.
    let owner = |path: &Path| std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path).unwrap());
    assert_eq!(owner(&process.join("environ")), 0, "{}", owner(Path::new("/proc/self/environ")));
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let home = home();
    let listener = Listener::start(home.path(), &[]);
    let port = listener.url.rsplit(':').next().unwrap().to_owned();
    let output = run(&mut whtool(home.path(), &["listen", "--port", &port]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3));
    assert!(said.contains("--port 0"), "{said}");
}

#[test]
fn a_refused_connection_is_a_clear_error() {
    let home = home();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = run(&mut whtool(home.path(), &["replay", "payment.debited", "--to", &format!("http://{free}")]));
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).contains("connection refused"), "{output:?}");
}

#[test]
fn a_closed_pipe_ends_the_command_quietly() {
    let home = home();
    let mut child =
        whtool(home.path(), &["replay", "payment.debited", "--dry-run", "--repeat", "20000"]).spawn().unwrap();
    let mut one = [0];
    child.stdout.take().unwrap().read_exact(&mut one).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("error"), "{said}");
}

#[test]
fn a_curl_command_pasted_into_bash_is_verified() {
    if !available("bash") || !available("curl") {
        return;
    }
    let home = home();
    let mut listener = Listener::start(home.path(), &[]);
    let bodies: [&[u8]; 4] =
        [b"{\"it's\": \"$HOME `id` \\\\ !\"}\n\n", "caf\u{e9} …".as_bytes(), b"a\0b\xff", &[b'x'; 300_000]];
    for body in bodies {
        let file = home.path().join("payload");
        std::fs::write(&file, body).unwrap();
        let words = ["sign", file.to_str().unwrap(), "--provider", "plustive", "--as", "curl", "--to", &listener.url];
        let signed = run(whtool(home.path(), &words).env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET));
        let script = home.path().join("paste.sh");
        std::fs::write(&script, signed.stdout).unwrap();
        let output = run(Command::new("bash").arg(&script));
        assert!(String::from_utf8_lossy(&output.stdout).contains("200 OK"), "{output:?}");
        let record = listener.record();
        assert_eq!(record["verdict"], "verified");
        assert_eq!(record["warnings"][0]["code"] == "not_json", !body.starts_with(b"{"), "{record}");
    }
}

#[test]
fn listen_verifies_signatures_of_node_and_python() {
    let python = "import hmac,hashlib,sys,time,urllib.request as u\n\
        body='{\"type\":\"payment.debited\",\"data\":{\"id\":\"pi_1\"},\"id\":\"evt_1\",\"note\":\"é\"}'.encode()\n\
        t=str(int(time.time()))\n\
        mac=hmac.new(sys.argv[2].encode(),t.encode()+b'.'+body,hashlib.sha256).hexdigest()\n\
        r=u.Request(sys.argv[1],body,{'X-Plexos-Timestamp':t,'X-Plexos-Signature':mac})\n\
        print(u.urlopen(r).status)";
    let node = "const [url,key]=process.argv.slice(1);const c=require('crypto');\
        const body=JSON.stringify({type:'payment.debited',data:{id:'pi_1'},id:'evt_2',note:'…'});\
        const t=String(Math.floor(Date.now()/1000));\
        const mac=c.createHmac('sha256',key).update(t+'.'+body).digest('hex');\
        fetch(url,{method:'POST',body,headers:{'x-plexos-timestamp':t,'x-plexos-signature':mac}}).then(r=>console.log(r.status))";
    let home = home();
    let mut listener = Listener::start(home.path(), &[]);
    for (program, flag, script) in [("python3", "-c", python), ("node", "-e", node)] {
        if available(program) {
            let output = run(Command::new(program).args([flag, script, &listener.url, PLEXOS_SECRET]));
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "200", "{output:?}");
            assert_eq!(listener.record()["verdict"], "verified");
        }
    }
}

#[test]
#[cfg(unix)]
fn the_local_test_secret_has_mode_0600_and_a_wider_mode_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let words = ["replay", "payment.debited", "--dry-run"];
    assert!(run(&mut whtool(home.path(), &words)).status.success());
    let seeds = || walk(home.path()).into_iter().find(|path| path.ends_with("local-test-seed")).unwrap();
    assert_eq!(seeds().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(seeds(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(&mut whtool(home.path(), &words));
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("chmod"), "{output:?}");
}

#[cfg(unix)]
fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
