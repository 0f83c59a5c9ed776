//! Runs every command of README.md and docs/receiving.md in a shell, in order, as a reader would.
//!
//! `sh` blocks have one command per line. `console` blocks have a command after `$ ` and lines that
//! its output must contain in that order, where `…` matches anything. `Reader::line` replaces what
//! a reader has and a test has not.

use crate::process::{Listener, PLEXOS_SECRET, available, whtool};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const README: &str = include_str!("../README.md");
const RECEIVING: &str = include_str!("../docs/receiving.md");

/// A command, the `export` lines before it in the same block, and the expected lines of its output.
struct Step {
    exports: String,
    command: String,
    shown: Vec<&'static str>,
}

fn steps(text: &'static str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut fence, mut exports) = (None, String::new());
    for line in text.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(_), Some(_)) => fence = None,
            (Some(kind), None) => (fence, exports) = (Some(kind), String::new()),
            (None, Some("sh")) if line.starts_with("export ") => exports += &format!("{line}\n"),
            (None, Some("sh")) => {
                steps.push(Step { exports: exports.clone(), command: line.to_owned(), shown: Vec::new() })
            }
            (None, Some("console")) => match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => {
                    steps.push(Step { exports: String::new(), command: command.to_owned(), shown: Vec::new() })
                }
                (None, Some(step)) => step.shown.push(line),
                (None, None) => panic!("output of nothing: {line}"),
            },
            _ => {}
        }
    }
    steps
}

/// Compares a line with an expected one, in which `…` matches anything.
fn matches_expected(line: &str, shown: &str) -> bool {
    let mut pieces = shown.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| line.strip_prefix(first)) else { return false };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty() || shown.ends_with('…')
}

struct Emulator {
    child: Child,
    host: String,
}

impl Emulator {
    fn start(home: &Path) -> Self {
        let mut child = whtool(home, &["emulate", "--port", "0", "--seed", "7", "-q"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let host =
            line.trim().trim_start_matches("export PLEXOS_API_URL=http://").trim_end_matches("/plexos").to_owned();
        Self { child, host }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts an app that answers 200 to every request, and returns its host.
fn app() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut line, mut length) = (String::new(), 0);
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let _ = reader.read_exact(&mut vec![0; length]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            });
        }
    });
    host
}

/// What a reader of the README has: a home folder with the files that it mentions, an app, a
/// listener, and the providers.
struct Reader {
    home: TempDir,
    app: String,
    listener: Listener,
    emulator: Emulator,
}

impl Reader {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| std::fs::write(home.path().join(name), bytes).unwrap();
        file("payload.json", include_bytes!("vectors/plexos.json"));
        // The signature is openssl's for plexos.json; the body went through Python's
        // json.dumps(json.loads(…)).
        file("request.http", include_bytes!("vectors/reserialized.http"));
        file("server.js", include_bytes!("../examples/handlers/node-http.js"));
        file("orders.csv", b"reference,status\nPLS-7XKQR4N,paid\n");
        file("new-secret.txt", b"whsec_another_test_secret\n");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_whtool"), home.path().join("whtool")).unwrap();
        let listener = Listener::spawn(&mut whtool(home.path(), &["listen", "--json", "--port", "0"]));
        let emulator = Emulator::start(home.path());
        let reader = Self { app: app(), listener, emulator, home };
        // An event that the app missed.
        for command in ["whtool replay payment.debited", "whtool replay last --to http://127.0.0.1:1"] {
            reader.run(&Step { exports: String::new(), command: command.to_owned(), shown: Vec::new() });
        }
        reader
    }

    /// Adapts a line of the README to the test. A listener that the README starts takes any port
    /// (`WHTOOL_PORT`), `replay` sends to the test's listener (`WHTOOL_TO`), and the providers are
    /// the emulator (`PLEXOS_API_URL`, `PLUSTIVE_API_URL`).
    fn line(&self, line: &str) -> String {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let app = if line.contains("--start") { free() } else { self.app.clone() };
        let table = [
            // The program under test is installed already.
            ("cargo install --locked --path .", "whtool --version"),
            ("localhost:3000", &app),
            // A key that the emulator accepts, and an existing capture.
            ("sk_test_…", "sk_test_emulated_by_whtool"),
            ("last~1", "last"),
            ("show 42", "show last"),
            ("replay 42", "replay 1"),
            ("40..45", "1..45"),
            // It would run until it is stopped.
            ("events --follow", "events --follow --timeout 1ms"),
        ];
        table.iter().fold(line.to_owned(), |line, (theirs, ours)| line.replace(theirs, ours))
    }

    fn shell(&self, step: &Step) -> Command {
        let mut shell = Command::new("sh");
        // `exec`, so that a signal reaches the program itself.
        let exec = if step.command.starts_with("whtool listen") { "exec " } else { "" };
        shell.args(["-c", &self.line(&format!("{}{exec}{} 2>&1", step.exports, without_comment(&step.command)))]);
        let path = format!("{}:{}", self.home.path().display(), std::env::var("PATH").unwrap());
        shell.env_clear().env("PATH", path).env("WHTOOL_HOME", self.home.path()).current_dir(self.home.path());
        shell.env("WHTOOL_PORT", "0").env("WHTOOL_TO", &self.listener.url);
        // Nothing is configured, except for requests that other programs have signed.
        if step.command.contains(".http") {
            shell.env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET);
        }
        shell.env("PLEXOS_API_URL", format!("http://{}/plexos", self.emulator.host));
        shell.env("PLUSTIVE_API_URL", format!("http://{}/plustive", self.emulator.host));
        shell.env("PLEXOS_PAY_SECRET_KEY", "sk_test_emulated_by_whtool");
        shell.env("PLUSTIVE_API_KEY", "pk_live_emulated_by_whtool");
        // An editor that leaves the body as it is.
        shell.env("EDITOR", "true");
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        shell
    }

    /// Saves the newest capture with a re-serialized body, as a handler behind a JSON parser sees
    /// it.
    fn save_what_the_handler_saw(&self) {
        let raw = whtool(self.home.path(), &["events", "show", "last", "--raw"]).output().unwrap().stdout;
        let raw = String::from_utf8(raw).unwrap();
        let (head, body) = raw.split_once("\r\n\r\n").unwrap();
        let head: Vec<_> =
            head.split("\r\n").filter(|line| !line.to_lowercase().starts_with("content-length")).collect();
        let seen = format!("{}\r\n\r\n{}", head.join("\r\n"), body.replace("\":", "\": "));
        std::fs::write(self.home.path().join("handler-saw.http"), seen).unwrap();
    }

    /// Runs a step and returns its exit status and output. A listener runs until it is ready.
    fn run(&self, step: &Step) -> (Option<i32>, String) {
        let mut child = self.shell(step).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        if step.command.starts_with("whtool listen") {
            while !text.contains("listening on ")
                && !text.contains("whtool.ready/1")
                && output.read_line(&mut text).unwrap() > 0
            {}
            let pid = child.id().to_string();
            assert!(Command::new("sh").args(["-c", &format!("kill -INT {pid}")]).status().unwrap().success());
        }
        output.read_to_string(&mut text).unwrap();
        (child.wait().unwrap().code(), text)
    }
}

/// Removes the comment after a command, which would swallow the redirection.
fn without_comment(command: &str) -> &str {
    command.split("  #").next().unwrap_or(command)
}

fn follow(reader: &Reader, page: &'static str) {
    let steps = steps(page);
    assert!(steps.len() >= 15, "{}", steps.len());
    for step in &steps {
        if step.command.contains("node ") && !available("node") {
            continue;
        }
        if step.command.contains("handler-saw.http") {
            reader.save_what_the_handler_saw();
        }
        let (status, output) = reader.run(step);
        // 1 is an answer; wrong usage, failures and missing credentials are not.
        assert!(matches!(status, Some(0 | 1 | 130)), "{} ends with {status:?}:\n{output}", step.command);
        let mut lines = output.lines();
        for shown in &step.shown {
            assert!(
                lines.any(|line| matches_expected(line, shown)),
                "{} does not print this line, or not in this place: {shown}\n{output}",
                step.command
            );
        }
    }
}

#[test]
fn every_command_of_the_readme_runs_and_prints_the_output_shown() {
    follow(&Reader::new(), README);
}

#[test]
fn every_command_of_the_page_on_receiving_runs() {
    let reader = Reader::new();
    let command = "whtool replay payment.debited --tamper".to_owned();
    reader.run(&Step { exports: String::new(), command, shown: Vec::new() });
    follow(&reader, RECEIVING);
}

#[test]
fn the_readme_has_the_commands_that_must_work_as_written() {
    let commands: Vec<_> = steps(README).into_iter().map(|step| step.command).collect();
    for promised in ["whtool listen", "whtool replay payment.debited", "whtool reconcile PLS-7XKQR4N"] {
        assert!(commands.iter().any(|command| command == promised), "{promised}");
    }
}

#[test]
fn the_readme_links_each_page_of_docs_once_and_no_link_is_broken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    for page in pages.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".md")) {
        let links = README.matches(&format!("](docs/{page})")).count();
        assert_eq!(links, 1, "{page}");
    }
    let links = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.starts_with("https://")) {
        assert!(root.join(link).exists(), "{link}");
    }
}

#[test]
fn an_ellipsis_matches_anything() {
    assert!(
        matches_expected("ok in 3 ms, twice", "ok in … ms, twice")
            && matches_expected("anything", "…")
            && matches_expected("", "…")
    );
    assert!(
        !matches_expected("ok in 3 ms, thrice", "ok in … ms, twice")
            && !matches_expected("so ok", "ok")
            && !matches_expected("ok!", "ok")
    );
}
