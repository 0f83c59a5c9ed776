//! `listen --exec` and `listen --answer`, as a process.

use crate::common::TestWorld;
use crate::process::{Listener, PLEXOS_SECRET, PLUSTIVE_SECRET, REFERENCE, REFERENCE_MAC, home, post, whtool};
use serde_json::json;
use whtool::world::Environment as _;

fn status_of(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

#[test]
fn a_command_gets_the_record_of_each_event_once_and_no_secrets() {
    let home = home();
    let [records, variables] = ["records", "variables"].map(|name| home.path().join(name));
    let command = format!("cat >> {}; env > {}", records.display(), variables.display());
    let store = home.path().join("s.db").display().to_string();
    let mut listen = whtool(home.path(), &["listen", "--json", "--port", "0", "--store", &store, "--exec", &command]);
    listen.env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET).env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET);
    listen.env("PGPASSWORD", "database-password");
    let mut listener = Listener::spawn(listen.env("WHTOOL_STORE_URL", "postgres://u:database-password@127.0.0.1:1/x"));
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    let delivery = listener.record();
    let executed = listener.record();
    crate::formats::check_records(executed.to_string().as_bytes());
    assert_eq!((executed["schema"].as_str(), executed["failed"].as_bool()), (Some("whtool.executed/1"), Some(false)));
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert_eq!(listener.record()["duplicateOf"], "1");
    listener.exchange(&post("zz", REFERENCE));
    listener.record();
    let (status, said) = listener.end("TERM");
    assert_eq!(status, Some(0), "{said}");
    let given = std::fs::read_to_string(records).unwrap();
    assert_eq!(given.lines().count(), 1, "{given}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&given).unwrap(), delivery);
    let variables = std::fs::read_to_string(variables).unwrap();
    assert!(variables.contains("PATH="), "{variables}");
    assert!(!variables.contains(PLUSTIVE_SECRET) && !variables.contains("database-password"), "{variables}");
}

/// Waits for a listener with `--count`.
fn status_at_end(mut listener: Listener) -> Option<i32> {
    listener.child.wait().unwrap().code()
}

#[test]
fn a_command_that_fails_or_takes_too_long_is_reported_and_fails_the_count() {
    for (command, why, output) in [
        ("echo first; echo why >&2; exit 3", "exit status: 3", &["first", "why"][..]),
        ("sleep 60", "timed out after 1 s", &[]),
    ] {
        let home = home();
        let words = ["--exec", command, "--exec-timeout", "1s", "--count", "1"];
        let mut listener = Listener::start(home.path(), &words);
        assert_eq!(status_of(&listener.exchange(&post(REFERENCE_MAC, REFERENCE))), "200");
        listener.record();
        let executed = listener.record();
        assert_eq!(executed["why"], why, "{executed}");
        let mut lines: Vec<_> =
            executed["output"].as_array().unwrap().iter().filter_map(|line| line.as_str()).collect();
        // The two streams have no common order.
        lines.sort_unstable();
        assert_eq!(lines, output);
        assert_eq!(status_at_end(listener), Some(1), "{command}");
    }
}

#[test]
fn a_running_command_ends_with_the_listener_and_holds_nothing_up() {
    let home = home();
    let mut listener = Listener::start(home.path(), &["--exec", "sleep 60"]);
    assert_eq!(status_of(&listener.exchange(&post(REFERENCE_MAC, REFERENCE))), "200");
    listener.record();
    // The same event is answered while its command still runs.
    assert_eq!(status_of(&listener.exchange(&post(REFERENCE_MAC, REFERENCE))), "200");
    let (status, said) = listener.end("TERM");
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn scripted_answers_are_stored_and_an_event_counts_once_it_is_accepted() {
    let home = home();
    let record = home.path().join("record");
    let command = format!("cat >> {}", record.display());
    let words = ["--answer", "503,200", "--count", "1", "--exec", &command];
    let mut listener = Listener::start(home.path(), &words);
    // Only verified events use the script.
    assert_eq!(status_of(&listener.exchange(&post("zz", REFERENCE))), "401");
    listener.record();
    assert_eq!(status_of(&listener.exchange(&post(REFERENCE_MAC, REFERENCE))), "503");
    let refused = listener.record();
    assert_eq!((refused["answered"].as_u64(), refused["scripted"].as_bool()), (Some(503), Some(true)));
    crate::formats::check_records(refused.to_string().as_bytes());
    assert_eq!(status_of(&listener.exchange(&post(REFERENCE_MAC, REFERENCE))), "200");
    assert_eq!(listener.record()["duplicateOf"], "2");
    assert_eq!(status_at_end(listener), Some(0));
    let given = std::fs::read_to_string(record).unwrap();
    assert_eq!(given.lines().count(), 1, "the command runs for the accepted delivery: {given}");
    let failed = whtool(home.path(), &["events", "--failed", "--json", "--verdict", "verified"]).output().unwrap();
    let failed = String::from_utf8(failed.stdout).unwrap();
    assert!(failed.lines().count() == 1 && failed.contains("503"), "{failed}");
}

#[test]
fn real_events_are_refused_only_after_a_confirmation() {
    let run = |words: &[&str]| {
        let world = TestWorld::with_secrets().variable("PLEXOS_PAY_SECRET_KEY", "sk_live_0123456789abcdef");
        world.run(&[&["listen"], words].concat())
    };
    let refused = run(&["--answer", "503,200"]);
    assert_eq!(refused.status, 2, "{}", refused.err);
    assert!(refused.err.contains("live key") && refused.err.contains("--yes"), "{}", refused.err);
    for words in [&["--answer", "503,200", "--yes"][..], &["--answer", "200"]] {
        let run = run(words);
        assert!(run.err.contains("(--answer)"), "{}", run.err);
    }
    assert_eq!(run(&["--answer", "503", "--observe"]).status, 2);
}

/// A registry with an endpoint that was registered with a key of this mode, at this API.
fn world_with_endpoint(mode: &str, base: &str) -> TestWorld {
    let world = TestWorld::with_secrets();
    let registry = json!({"schema": "whtool.registry/1", "endpoints": [{
        "id": "we_1", "provider": "plexos", "mode": mode, "base": base, "url": "https://shop.example.com/hooks",
        "events": ["all"], "status": null, "description": null, "created": "2025-01-15T10:30:00Z", "secret": null,
    }]});
    let path = world.data_dir().unwrap().join("registry.json");
    world.private.lock().unwrap().insert(path, registry.to_string().into_bytes());
    world
}

#[test]
fn live_endpoints_in_the_registry_and_live_keys_in_secret_files_need_the_confirmation_too() {
    let words = ["listen", "--answer", "503"];
    let live = world_with_endpoint("live", "https://api.pay.plexos.io/").run(&words);
    assert_eq!(live.status, 2, "{}", live.err);
    assert!(live.err.contains("--answer with the live endpoint we_1 of Plexos Pay: it retries"), "{}", live.err);
    for (mode, base) in [("test", "https://api.pay.plexos.io/"), ("live", "http://127.0.0.1:4010/plexos")] {
        let run = world_with_endpoint(mode, base).run(&words);
        assert!(run.err.contains("(--answer)"), "{mode} {base}: {}", run.err);
    }
    let world = TestWorld::default().file("key.txt", "sk_live_0123456789abcdef\n");
    let run = world.run(&["listen", "--answer", "503", "--secret-file", "key.txt"]);
    assert!(run.status == 2 && run.err.contains("--answer with a live key of Plexos Pay"), "{}", run.err);
}
