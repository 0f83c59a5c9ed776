//! How `listen` starts and ends as a process: signals, lost output, `--count`, secrets that are
//! stored while it runs.

use crate::process::{Listener, PLUSTIVE_SECRET, REFERENCE, REFERENCE_MAC, available, home, post, run, whtool};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts `listen` through a shell script, to which `$0` and `$@` are the program and its arguments.
/// The URL is read from standard error.
#[cfg(target_os = "linux")]
fn start_by(
    home: &Path,
    script: &str,
    words: &[&str],
) -> (std::process::Child, BufReader<std::process::ChildStderr>, String) {
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_whtool"), "listen", "--port", "0"]).args(words);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("WHTOOL_HOME", home);
    command.env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("listening on ") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it did not start");
    }
    let address = line.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    (child, said, address)
}

#[cfg(unix)]
fn send_signal(signal: &str, pid: u32) {
    assert!(Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status().unwrap().success());
}

/// Sends a signed request, and returns the answer.
fn exchange(address: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(&post(REFERENCE_MAC, REFERENCE)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
#[cfg(unix)]
fn sigterm_and_sighup_are_a_success_and_ctrl_c_is_not() {
    let home = home();
    for (signal, status) in [("TERM", 0), ("HUP", 0), ("INT", 130)] {
        let listener = Listener::start(home.path(), &[]);
        let (code, said) = listener.end(signal);
        // macOS does not tell whether SIGHUP is ignored, so it is left alone there.
        if cfg!(target_os = "linux") || signal != "HUP" {
            assert_eq!(code, Some(status), "{signal}: {said}");
            assert!(said.contains("0 deliveries"), "{signal}: {said}");
        }
    }
}

#[test]
#[cfg(unix)]
fn sigterm_before_the_count_is_reached_is_no_success() {
    let home = home();
    let (code, said) = Listener::start(home.path(), &["--count", "1"]).end("TERM");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("0 of 1 verified event received"), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_listener_started_with_nohup_survives_the_end_of_its_terminal() {
    let home = home();
    let (mut child, mut said, address) = start_by(home.path(), "trap '' HUP; exec \"$0\" \"$@\" >/dev/null", &[]);
    send_signal("HUP", child.id());
    assert!(exchange(&address).starts_with("HTTP/1.1 200 "));
    send_signal("TERM", child.id());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
}

#[test]
#[cfg(unix)]
fn a_second_signal_ends_it_at_once_but_not_sighup() {
    let home = home();
    for (second, expected) in [("INT", 130), ("TERM", 130), ("HUP", 0)] {
        let listener = Listener::start(home.path(), &[]);
        // An open request delays the end.
        let mut open = std::net::TcpStream::connect(listener.url.trim_start_matches("http://")).unwrap();
        open.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").unwrap();
        open.read_exact(&mut [0; 12]).unwrap();
        let pid = listener.child.id();
        send_signal("TERM", pid);
        let mut listener = listener;
        let mut said = BufReader::new(listener.child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("stopping") {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0);
        }
        send_signal(second, pid);
        if second == "HUP" {
            open.write_all(b"{}").unwrap();
        }
        assert_eq!(listener.child.wait().unwrap().code(), Some(expected), "{second}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_output_does_not_end_a_listener_that_stores() {
    let home = home();
    for words in [&["--json"][..], &[]] {
        let (mut child, mut said, address) = start_by(home.path(), "exec \"$0\" \"$@\" >/dev/full", words);
        for _ in 0..3 {
            assert!(exchange(&address).starts_with("HTTP/1.1 200 "));
        }
        send_signal("TERM", child.id());
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
        assert_eq!(rest.matches("can't write to standard output").count(), 1, "{rest}");
    }
    let stored = run(&mut whtool(home.path(), &["events", "--json"]));
    assert_eq!(String::from_utf8_lossy(&stored.stdout).lines().count(), 6);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_output_ends_a_listener_that_shows_deliveries_nowhere_else() {
    let home = home();
    let (mut child, mut said, _) = start_by(home.path(), "exec \"$0\" \"$@\" >/dev/full", &["--no-store", "--json"]);
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3), "{rest}");
}

#[test]
#[cfg(target_os = "linux")]
fn closed_and_full_standard_streams_do_not_matter() {
    let home = home();
    for script in ["exec \"$0\" \"$@\" 2>/dev/full", "exec \"$0\" \"$@\" 2>&-"] {
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_whtool"), "listen", "--port", "0", "--json"]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("WHTOOL_HOME", home.path());
        command.env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut listener = Listener::spawn(&mut command);
        assert!(exchange(listener.url.trim_start_matches("http://")).starts_with("HTTP/1.1 200 "), "{script}");
        assert_eq!(listener.record()["verdict"], "verified", "{script}");
        send_signal("TERM", listener.child.id());
        assert_eq!(listener.child.wait().unwrap().code(), Some(0), "{script}");
    }
}

#[test]
fn a_closed_pipe_ends_a_listener_quietly_at_the_next_record() {
    let home = home();
    let mut child = whtool(home.path(), &["listen", "--json", "--port", "0"])
        .env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET)
        .spawn()
        .unwrap();
    let mut ready = String::new();
    // As `head -1` does.
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert!(exchange(ready["url"].as_str().unwrap().trim_start_matches("http://")).starts_with("HTTP/1.1 200 "));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.contains("error")), (Some(0), false), "{said}");
}

/// Starts `listen` with these arguments, replays events to it, and returns its status and messages.
fn count(home: &Path, words: &[&str], replays: &[&[&str]]) -> (Option<i32>, String) {
    let mut listener = Listener::start(home, words);
    for replay in replays {
        let words = [&["replay"], *replay, &["--to", &*listener.url]].concat();
        let mut command = whtool(home, &words);
        command.env("PLEXOS_WEBHOOK_SECRET", crate::process::PLEXOS_SECRET);
        assert!(run(command.env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET)).status.success());
    }
    let mut said = String::new();
    listener.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (listener.child.wait().unwrap().code(), said)
}

#[test]
fn count_is_not_met_by_an_event_and_its_repeat() {
    let home = home();
    let file = home.path().join("event.json");
    std::fs::write(&file, REFERENCE).unwrap();
    let file = file.to_str().unwrap();
    let (status, said) = count(home.path(), &["--count", "2", "--timeout", "2s"], &[&[file], &[file]]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("1 of 2 verified events received"), "{said}");
    let (status, said) = count(home.path(), &["--count", "2"], &[&[file], &["payment.debited"]]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("2 of 2 verified events received"), "{said}");
}

#[test]
fn count_tells_by_its_status_that_the_app_has_not_accepted_the_event() {
    let home = home();
    let app = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", app.local_addr().unwrap());
    drop(app);
    let (status, said) = count(home.path(), &["--count", "1", "--forward-to", &url], &[&["payment.debited"]]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("1 of 1 verified event received; the app has not accepted 1 of them"), "{said}");
    assert!(said.contains("1 delivery still queued"), "{said}");
    // The app accepts.
    let accepting = home.path().join("other");
    let app = tiny_http::Server::http("127.0.0.1:0").unwrap();
    let url = format!("http://{}", app.server_addr());
    std::thread::spawn(move || {
        let request = app.recv().unwrap();
        request.respond(tiny_http::Response::from_string("ok")).unwrap();
    });
    let (status, said) = count(&accepting, &["--count", "1", "--forward-to", &url], &[&["payment.debited"]]);
    assert_eq!(status, Some(0), "{said}");
}

/// Computes the signature of `REFERENCE` with openssl.
fn openssl_mac(secret: &str) -> String {
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-hmac", secret, "-r"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut openssl = openssl.spawn().unwrap();
    openssl.stdin.take().unwrap().write_all(REFERENCE).unwrap();
    let digest = String::from_utf8(openssl.wait_with_output().unwrap().stdout).unwrap();
    digest.split(' ').next().unwrap().to_owned()
}

#[cfg(unix)]
#[test]
fn a_secret_that_changes_in_a_file_or_command_verifies_the_very_next_event() {
    if !available("openssl") {
        return;
    }
    let home = home();
    let [file, printed] = ["file", "printed"].map(|name| home.path().join(name));
    std::fs::write(&file, "a secret in a file 0").unwrap();
    let words = ["listen", "--json", "--port", "0", "--secret-file", file.to_str().unwrap()];
    let mut listener = Listener::spawn(&mut whtool(home.path(), &words));
    let mut status_of = |secret: &str| {
        let answer = listener.exchange(&post(&openssl_mac(secret), REFERENCE));
        listener.record();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    for number in 0..3 {
        std::fs::write(&file, format!("a secret in a file {number}\n")).unwrap();
        assert_eq!(status_of(&format!("a secret in a file {number}")), "200");
    }
    assert_eq!(status_of("a secret in a file 1"), "401", "a file that was replaced");
    // While it is written, a file is empty.
    std::fs::write(&file, "").unwrap();
    assert_eq!(status_of("a secret in a file 2"), "200");

    let command = format!("cat {}", printed.display());
    std::fs::write(&printed, "a secret of a command 0").unwrap();
    let added = crate::process::run(&mut whtool(home.path(), &["secret", "add", "plustive", "--command", &command]));
    assert!(added.status.success(), "{added:?}");
    for number in 0..2 {
        std::fs::write(&printed, format!("a secret of a command {number}")).unwrap();
        assert_eq!(status_of(&format!("a secret of a command {number}")), "200");
    }
}

#[test]
fn a_secret_that_is_stored_while_it_runs_verifies_the_very_next_event() {
    if !available("openssl") {
        return;
    }
    let home = home();
    let mut listener = Listener::spawn(&mut whtool(home.path(), &["listen", "--json", "--port", "0"]));
    for number in 0..5 {
        let secret = format!("a secret that is new {number}");
        let mut add = whtool(home.path(), &["secret", "add", "plustive", "--name", &format!("s{number}")]);
        let mut add = add.stdin(Stdio::piped()).spawn().unwrap();
        add.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        let added = add.wait_with_output().unwrap();
        assert!(added.status.success(), "{added:?}");
        let answer = listener.exchange(&post(&openssl_mac(&secret), REFERENCE));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(listener.record()["verdict"], "verified");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_clock_that_is_set_to_any_time_is_no_reason_to_panic() {
    if !available("faketime") {
        return;
    }
    let home = home();
    let at = |time: &str, words: &[&str]| {
        let mut command = Command::new("faketime");
        command.arg(time).arg(env!("CARGO_BIN_EXE_whtool")).args(words).stdin(Stdio::null());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("WHTOOL_HOME", home.path());
        let output = run(&mut command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("panicked"), "{time} {words:?}: {said}");
        (output.status.code(), said)
    };
    let demo = ["listen", "--demo", "--port", "0", "--count", "3"];
    for time in ["1970-01-02", "2038-01-19 03:14:06", "2039-01-01", "2106-02-07 06:28:14", "2200-01-01"] {
        let (status, said) = at(time, &demo);
        assert_eq!(status, Some(0), "{time}: {said}");
    }
    for time in ["1960-01-01", "1902-01-01", "9999-12-31 23:59:59"] {
        for words in
            [&demo[..], &["emulate", "--port", "0"], &["replay", "payment.debited", "--to", "http://127.0.0.1:1"]]
        {
            let (status, said) = at(time, words);
            assert_eq!(status, Some(3), "{time} {words:?}: {said}");
            assert!(said.contains("the clock of this machine is before 1970 or after 9999"), "{said}");
        }
        let signed = at(time, &["sign", "/dev/null", "--provider", "plexos"]);
        let events = at(time, &["events", "--since", "2h"]);
        assert!(matches!((signed.0, events.0), (Some(0..=3), Some(0..=3))), "{signed:?} {events:?}");
    }
}
