//! The process under attack, with its output and resources, and a client that sends raw bytes.

use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// Longer than anything here takes unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

const SECRET: &str = "plustive_test_secret_do_not_use";
pub const REFERENCE: &[u8] = include_bytes!("../vectors/plustive-reference.json");
/// `openssl dgst -sha256 -hmac plustive_test_secret_do_not_use plustive-reference.json`
pub const REFERENCE_MAC: &str = "fb1d9f0c10dc57a028d4a24ff1eb6c51f2a25a82ad869a2ac129e24346ce5f1e";

/// A listener in its own process.
pub struct Target {
    child: Child,
    address: SocketAddr,
    records: Receiver<Value>,
    stderr: JoinHandle<String>,
    _home: TempDir,
}

/// Resources of a process.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Peak resident memory, in KiB.
    pub peak: u64,
    pub threads: u64,
    pub descriptors: u64,
}

fn parse_record(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {:.200?}", line))
}

impl Target {
    /// Starts a listener with these further arguments.
    pub fn start(words: &[&str]) -> Self {
        Self::start_by("exec \"$0\" \"$@\"", words)
    }

    /// Starts it with a shell script, to which `$0` and `$@` are the program and its arguments.
    pub fn start_by(script: &str, words: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(program()).args(["listen", "--json", "--port", "0"]).args(words);
        command.env_clear().env("WHTOOL_HOME", home.path()).env("PLUSTIVE_WEBHOOK_SECRET", SECRET);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let mut ready = String::new();
        output.read_line(&mut ready).unwrap();
        let url = parse_record(&ready)["url"].as_str().unwrap().to_owned();
        let address = url.trim_start_matches("http://").parse().unwrap();
        Self { child, address, records: read_records(output), stderr, _home: home }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn client(&self) -> Client {
        Client::of(self.address)
    }

    /// Sends these bytes, and returns everything that comes back until the other side closes.
    pub fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.client();
        // A refusal may close the connection before everything is written.
        let _ = client.try_send(bytes.as_ref());
        client.shut_down_writing();
        client.rest()
    }

    /// Returns the next record of a delivery.
    pub fn record(&self) -> Value {
        self.records.recv_timeout(PATIENCE).expect("a delivery is recorded")
    }

    /// Returns the resources of the process. `None`: this system has no `/proc`.
    pub fn footprint(&self) -> Option<Footprint> {
        let folder = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = std::fs::read_to_string(folder.join("status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
        };
        let descriptors = std::fs::read_dir(folder.join("fd")).ok()?.count() as u64;
        Some(Footprint { peak: field("VmHWM")?, threads: field("Threads")?, descriptors })
    }

    /// Stops it as Ctrl+C does. Returns the remaining records and standard error.
    pub fn end(mut self) -> (Vec<Value>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", &format!("kill -INT {pid}")]).status().unwrap().success());
        let stderr = self.stderr.join().unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(130), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        (self.records.iter().collect(), stderr)
    }
}

/// The program under attack. The long mode attacks the release build.
pub fn program() -> PathBuf {
    let other = std::env::var_os("WHTOOL_UNDER_ATTACK").map(PathBuf::from);
    let release = || concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/whtool").into();
    let other = other.or_else(|| is_long().then(release));
    if let Some(other) = &other {
        assert!(other.exists(), "{} is missing: run `cargo build --release`", other.display());
    }
    other.unwrap_or_else(|| env!("CARGO_BIN_EXE_whtool").into())
}

/// Returns true for an optimized build, which must keep the documented limits of time.
pub fn is_optimized() -> bool {
    std::env::var_os("WHTOOL_UNDER_ATTACK").is_some() || is_long() || !cfg!(debug_assertions)
}

/// Returns true if `WHTOOL_ATTACK=long` asks for attacks that take minutes.
pub fn is_long() -> bool {
    std::env::var_os("WHTOOL_ATTACK").is_some_and(|mode| mode == "long")
}

fn collect(mut stderr: ChildStderr) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    })
}

/// Reads all output, so that the process never waits for the test. Large records become `null`.
fn read_records(mut output: BufReader<ChildStdout>) -> Receiver<Value> {
    let (sender, records) = channel();
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = if line.len() < 200_000 { std::str::from_utf8(&line).unwrap() } else { "null" };
            assert!(!text.trim_end().chars().any(char::is_control), "a raw control character in {text:.300?}");
            if sender.send(parse_record(text)).is_err() {
                break;
            }
            line.clear();
        }
    });
    records
}

pub struct Client(BufReader<TcpStream>);

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
}

impl Client {
    pub fn of(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::with_capacity(256, stream))
    }

    pub fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    pub fn shut_down_writing(&self) {
        // Fails when the other side has reset the connection.
        let _ = self.stream().shutdown(Shutdown::Write);
    }

    /// Reads the next answer and skips its body. `None`: the connection ended before.
    pub fn try_answer(&mut self) -> Option<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            self.0.read_line(&mut head).ok().filter(|&length| length > 0)?;
        }
        let head = head.to_ascii_lowercase();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).ok()?;
        Some(Answer { status, head })
    }

    pub fn answer(&mut self) -> Answer {
        self.try_answer().expect("there is an answer")
    }

    /// Reads until the other side closes or resets the connection.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => panic!("it was not closed: {error}"),
            _ => String::from_utf8(rest).unwrap(),
        }
    }
}

/// Returns the statuses of several answers.
pub fn statuses(answers: &str) -> Vec<u16> {
    answers.split("HTTP/1.").skip(1).filter_map(|answer| answer.get(2..5)?.parse::<u16>().ok()).collect()
}

/// Builds a request with these header lines and this body, without adding a length.
pub fn post(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    [format!("POST /hooks HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes(), body.as_ref()].concat()
}

/// Returns the header lines of a signed request.
pub fn signed_headers() -> String {
    format!("X-Plustive-Signature: {REFERENCE_MAC}\r\nContent-Length: {}\r\n", REFERENCE.len())
}

/// Builds a signed request that keeps the connection open.
pub fn signed() -> Vec<u8> {
    post(&signed_headers(), REFERENCE)
}
