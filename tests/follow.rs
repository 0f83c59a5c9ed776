//! `whtool events --follow` as a process of its own, which sees what a listener stores.

use crate::process::{Listener, REFERENCE, REFERENCE_MAC, home, post, whtool};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command};

/// A process that follows a store.
pub struct Follower {
    child: Child,
    /// `None`: it is closed.
    output: Option<BufReader<ChildStdout>>,
    messages: BufReader<ChildStderr>,
}

impl Follower {
    pub fn start(home: &Path, words: &[&str]) -> Self {
        Self::spawn(&mut whtool(home, &[&["events", "--follow"], words].concat()))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let output = child.stdout.take().map(BufReader::new);
        let messages = BufReader::new(child.stderr.take().unwrap());
        Self { child, output, messages }
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// Reads a record, and returns the id of its capture.
    pub fn id(&mut self) -> String {
        let line = self.line();
        let record: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert_eq!(record["schema"], "whtool.event/1");
        record["id"].as_str().unwrap().to_owned()
    }

    fn message(&mut self) -> String {
        let mut line = String::new();
        self.messages.read_line(&mut line).unwrap();
        line
    }

    /// Sends it a signal, and returns its exit status and the rest of its output.
    pub fn end(self, signal: &str) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
        self.rest()
    }

    /// Waits for its end, and returns its exit status and the rest of its output.
    pub fn rest(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.output.as_mut().unwrap().read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

/// Ends the process when a test fails.
impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a listener, and returns it with a follower that has shown what there was.
fn listener_and_follower(home: &Path, words: &[&str]) -> (Listener, Follower) {
    let listener = Listener::start(home, &[]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    let mut follower = Follower::start(home, &[&["--json"], words].concat());
    assert_eq!(follower.id(), "1");
    (listener, follower)
}

#[test]
#[cfg_attr(windows, ignore = "sends a signal")]
fn a_follower_shows_the_newest_captures_and_then_each_new_one_once_and_in_order() {
    let home = home();
    let listener = Listener::start(home.path(), &[]);
    for _ in 0..3 {
        listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    }
    let mut follower = Follower::start(home.path(), &["--json", "--limit", "2"]);
    assert_eq!([follower.id(), follower.id()], ["2", "3"]);
    for _ in 0..40 {
        listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    }
    let shown: Vec<_> = (0..40).map(|_| follower.id()).collect();
    assert_eq!(shown, (4..44).map(|id| id.to_string()).collect::<Vec<_>>());
    assert_eq!(follower.end("INT"), (Some(130), String::new()));
}

#[test]
#[cfg_attr(windows, ignore = "sends a signal")]
fn a_follower_waits_for_a_store_and_looks_like_the_listener() {
    let home = home();
    let mut follower = Follower::start(home.path(), &["--compact"]);
    assert!(follower.message().contains("waiting for a store at "));
    let listener = Listener::start(home.path(), &[]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    listener.exchange(&post("00", REFERENCE));
    let mut row = || follower.line()[8..].to_owned();
    let first = row();
    assert!(first.starts_with("  1     plustive  transaction.success  "), "{first}");
    assert!(first.ends_with("  verified · PLUSTIVE_WEBHOOK_SECRET\n"), "{first}");
    assert!(row().ends_with("  verified · PLUSTIVE_WEBHOOK_SECRET  duplicate of 1\n"));
    let refused = row();
    assert!(refused.ends_with("  malformed signature  → 401\n"), "{refused}");
    assert_eq!(follower.end("TERM"), (Some(0), String::new()));
}

#[test]
fn without_compact_the_payload_of_a_verified_event_is_shown() {
    let home = home();
    let listener = Listener::start(home.path(), &[]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    let mut follower = Follower::start(home.path(), &[]);
    let lines = [follower.line(), follower.line()];
    assert!(lines[0].contains("transaction.success") && lines[1] == "                {\n", "{lines:?}");
}

#[test]
fn filters_select_what_is_shown_and_only_new_verified_events_count() {
    let home = home();
    let (listener, mut follower) = listener_and_follower(home.path(), &["--verdict", "verified", "--count", "1"]);
    listener.exchange(&post("00", REFERENCE));
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert_eq!(follower.id(), "3");
    assert_eq!(follower.rest(), (Some(0), String::new()));
}

#[test]
fn a_follower_ends_with_status_1_after_its_time() {
    let home = home();
    let (_listener, follower) = listener_and_follower(home.path(), &["--count", "1", "--timeout", "1ms"]);
    assert_eq!(follower.rest(), (Some(1), String::new()));
}

#[test]
fn a_closed_pipe_ends_a_follower_quietly() {
    let home = home();
    let (listener, mut follower) = listener_and_follower(home.path(), &[]);
    follower.output = None;
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert_eq!((follower.child.wait().unwrap().code(), follower.message()), (Some(0), String::new()));
}

#[test]
#[cfg_attr(windows, ignore = "removes open files")]
fn a_store_that_is_replaced_is_followed_from_its_newest_captures() {
    let home = home();
    let (listener, mut follower) = listener_and_follower(home.path(), &[]);
    listener.end("INT");
    for name in ["captures.db", "captures.db-wal", "captures.db-shm"] {
        let _ = std::fs::remove_file(home.path().join("data").join(name));
    }
    let warning = follower.message();
    assert!(warning.contains("the store was replaced or restored"), "{warning}");
    let listener = Listener::start(home.path(), &[]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert_eq!(follower.id(), "1");
}
