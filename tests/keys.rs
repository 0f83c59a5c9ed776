//! Single keys of `listen`: what each does, and the mode of a real terminal.

use crate::common::{NOW, TestWorld};
use crate::process::{available, home};
use std::process::Command;
use std::sync::Mutex;
use whtool::model::message::Request;

const PLEXOS: &[u8] = include_bytes!("vectors/plexos.json");
/// See `sign`.
const PLEXOS_MAC: &str = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";

fn event() -> Request {
    let mut request = Request::post("/hooks", PLEXOS.to_vec());
    request.headers.push("X-Plexos-Timestamp", NOW.to_string().as_bytes()).unwrap();
    request.headers.push("X-Plexos-Signature", PLEXOS_MAC.as_bytes()).unwrap();
    request
}

/// Listens with these keys, one for each look at the keyboard.
fn typed(keys: &str, deliveries: usize, words: &[&str]) -> (TestWorld, crate::common::Run) {
    let mut world = TestWorld::with_secrets().delivered(std::iter::repeat_n(event(), deliveries));
    world.keys = Mutex::new(keys.to_owned());
    let run = world.run(&[&["listen"], words].concat());
    (world, run)
}

#[test]
fn payloads_are_shown_until_p_is_typed() {
    let payloads = |keys| typed(keys, 1, &["--forward-to", "3000"]).1.text().matches("\"currency\"").count();
    assert_eq!([payloads("."), payloads("p")], [1, 0]);
}

#[test]
fn r_queues_the_last_verified_event_for_the_apps_that_take_it() {
    let words = ["--forward-to", "3000", "--forward-to", "refund.*=http://localhost:4000"];
    let (world, run) = typed("...r", 2, &words);
    assert_eq!(*world.again.lock().unwrap(), [(2, "http://localhost:3000/".to_owned())], "{}", run.err);
    assert!(run.err.contains("\nreplaying 2  payment.debited\n"), "{}", run.err);
}

#[test]
fn r_says_why_nothing_is_replayed() {
    for (deliveries, words, why) in [
        (1, &[][..], "r: there is no app to replay to; start with --forward-to URL"),
        (0, &["--forward-to", "3000"], "r: no verified event has been stored yet"),
        (1, &["--forward-to", "refund.*=3000"], "r: no --forward-to takes payment.debited"),
    ] {
        let (world, run) = typed("..r", deliveries, words);
        assert!(run.err.contains(why), "{why}: {}", run.err);
        assert_eq!(world.again.lock().unwrap().len(), 0);
    }
}

#[test]
fn q_stops_the_listener_as_ctrl_c_does_and_other_keys_do_nothing() {
    let (_, run) = typed("x\u{1b}7?q", 0, &[]);
    assert_eq!(run.status, 130);
    assert!(run.err.contains("press ? for keys") && run.err.contains("  q      quit"), "{}", run.err);
    assert!(run.err.contains("stopping: finishing open requests"), "{}", run.err);
}

#[test]
fn json_output_reads_no_keys() {
    let (world, run) = typed("q", 0, &["--json"]);
    assert_eq!(*world.keys.lock().unwrap(), "q");
    assert!(!run.err.contains("press ?"), "{}", run.err);
}

/// Runs a scenario of `terminal/keys.py`.
fn at_a_terminal(scenario: &str) {
    if !available("python3") {
        return;
    }
    let (home, script) = (home(), concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal/keys.py"));
    let output = Command::new("python3")
        .args([script, env!("CARGO_BIN_EXE_whtool"), scenario])
        .env("WHTOOL_HOME", home.path())
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn keys_work_at_a_terminal_whose_mode_is_restored_at_the_end() {
    at_a_terminal("commands");
}

#[test]
fn r_sends_the_last_event_to_the_app_again_in_this_run_and_the_next() {
    at_a_terminal("replay");
}

#[test]
fn the_public_url_for_a_dashboard_is_copied_unless_the_terminal_would_print_the_request() {
    at_a_terminal("clipboard");
}

#[test]
fn the_mode_of_the_terminal_is_restored_after_signals() {
    at_a_terminal("signals");
}

#[test]
fn a_job_that_is_suspended_resumed_or_in_the_background_leaves_the_terminal_to_the_shell() {
    if Command::new("dash").args(["-c", ":"]).status().is_ok() {
        at_a_terminal("jobs");
    } else {
        available("dash");
    }
}
