//! The limit on refused captures, and stores that can't be opened, as users see them.

use crate::process::{Listener, REFERENCE, REFERENCE_MAC, home, post, run, whtool};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

/// Runs a command, and returns its status, standard output and standard error.
fn command(home: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = run(&mut whtool(home, words));
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_refused_capture_beyond_the_limit_is_shown_without_its_body_and_never_used_as_if_it_were_empty() {
    let home = home();
    let home = home.path();
    let listener = Listener::start(home, &["--refused-limit", "40kB"]);
    let body = vec![b'a'; 20_000];
    for _ in 0..2 {
        assert!(listener.exchange(&post("zz", &body)).starts_with("HTTP/1.1 401"));
    }
    assert!(listener.exchange(&post(REFERENCE_MAC, REFERENCE)).starts_with("HTTP/1.1 200"));
    listener.end("INT");
    // `head -c 20000 /dev/zero | tr '\0' a | sha256sum`
    let hash = "cc17faaad36649c4603dda4d8ff97cb149722af0bcac0746305a2134ad2d0b97";
    let (_, listed, _) = command(home, &["events", "--json"]);
    let records: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let omitted: Vec<_> = records.iter().map(|record| record["omittedBodySha256"].as_str()).collect();
    assert_eq!(omitted, [Some(hash), None, None]);
    assert_eq!(records[0]["size"], 20_000);
    let (_, listed, _) = command(home, &["events"]);
    assert_eq!(listed.lines().map(|line| line.contains("body not kept")).collect::<Vec<_>>(), [true, false, false]);

    let (status, shown, _) = command(home, &["events", "show", "1"]);
    assert!(shown.contains("X-Plustive-Signature: zz") && shown.contains("POST /hooks"), "{shown}");
    assert!(shown.contains(&format!("(the body of 20000 bytes was not kept: SHA-256 {hash})")), "{shown}");
    assert_eq!(status, Some(0));
    let (_, json, _) = command(home, &["events", "show", "1", "--as", "json"]);
    let record: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(record["request"].get("body").or(record["request"].get("bodyBase64")), None);

    for words in [
        &["events", "show", "1", "--body"][..],
        &["events", "show", "1", "--raw"],
        &["events", "show", "1", "--as", "har"],
        &["events", "show", "1", "--as", "curl"],
        &["events", "show", "1", "--bundle", "-"],
        &["events", "diff", "1", "2"],
        &["verify", "1"],
        &["replay", "1", "--to", "http://127.0.0.1:9/"],
        &["replay", "1", "--exact", "--to", "http://127.0.0.1:9/"],
    ] {
        let (status, output, message) = command(home, words);
        assert_eq!((status, output.as_str()), (Some(3), ""), "{words:?}");
        assert!(message.contains("the body of capture 1 was not kept"), "{words:?}: {message}");
    }
    let (status, exported, message) = command(home, &["events", "export"]);
    assert_eq!((status, exported.lines().count()), (Some(0), 2));
    assert!(message.contains("left out 1 refused request whose body was not kept"), "{message}");
    let (_, _, message) = command(home, &["replay", "--failed", "--exact", "--to", "http://127.0.0.1:9/"]);
    assert!(message.contains("skipped 1 refused request whose body was not kept"), "{message}");
    // The record has no body, so it can't be verified as an empty one.
    std::fs::write(home.join("capture.ndjson"), json).unwrap();
    let (status, output, message) = command(home, &["verify", home.join("capture.ndjson").to_str().unwrap()]);
    assert!(status == Some(3) && message.contains("neither `body` nor `bodyBase64`"), "{status:?} {output}{message}");
}

#[cfg(unix)]
#[test]
fn what_is_not_a_store_is_named_and_not_reported_as_empty() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let home = home();
    let at = |name: &str| home.path().join(name);
    let listener = Listener::start(home.path(), &["--store", at("good.db").to_str().unwrap()]);
    for _ in 0..40 {
        listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    }
    listener.end("INT");
    std::fs::create_dir(at("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    std::fs::write(at("text"), "not a database ".repeat(1000)).unwrap();
    rusqlite::Connection::open(at("other.db")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let whole = std::fs::read(at("good.db")).unwrap();
    std::fs::write(at("cut.db"), &whole[..whole.len() / 2]).unwrap();
    let newer = rusqlite::Connection::open(at("newer.db")).unwrap();
    std::fs::write(at("newer.db"), &whole).unwrap();
    newer.pragma_update(None, "user_version", 9).unwrap();
    drop(newer);
    symlink(at("nowhere/x.db"), at("dangling")).unwrap();
    for name in ["text", "other.db", "cut.db", "newer.db"] {
        std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    for (name, reason) in [
        ("folder", "it is a directory"),
        ("fifo", "it is not a regular file, but a device, socket or named pipe"),
        ("text", "it is not a database, or it is damaged"),
        ("other.db", "it is a database of another program"),
        ("cut.db", "it is damaged"),
        ("newer.db", "its schema has version 9"),
        ("good.db/below.db", "a file is in the place of one of its folders"),
        ("dangling", "is a symbolic link to something that does not exist"),
        ("absent.db", "no store at"),
    ] {
        let path = at(name);
        for words in [
            &["events"][..],
            &["events", "stats"],
            &["events", "show", "last"],
            &["events", "prune", "--older-than", "1d"],
        ] {
            let words = [words, &["--store", path.to_str().unwrap()]].concat();
            let (status, output, message) = command(home.path(), &words);
            assert_eq!((status, output.as_str()), (Some(3), ""), "{words:?}: {message}");
            assert!(message.contains(reason) && message.contains("try: "), "{words:?}: {message}");
        }
    }
}

/// Root may read everything.
#[cfg(unix)]
#[test]
fn a_store_that_this_user_may_not_read_is_reported_as_such() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let listener = Listener::start(home.path(), &[]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    listener.end("INT");
    let set_mode = |name: &str, mode| {
        std::fs::set_permissions(home.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode("data/captures.db", 0o000);
    if std::fs::File::open(home.path().join("data/captures.db")).is_err() {
        let (status, _, message) = command(home.path(), &["events"]);
        assert!(status == Some(3) && message.contains("permission denied"), "{message}");
    }
    set_mode("data/captures.db", 0o600);
    set_mode("data", 0o000);
    if std::fs::read_dir(home.path().join("data")).is_err() {
        let (status, _, message) = command(home.path(), &["events"]);
        assert!(status == Some(3) && message.contains("permission denied"), "{message}");
    }
    set_mode("data", 0o755);
    let (status, _, message) = command(home.path(), &["events"]);
    assert!(status == Some(3) && message.contains("chmod 700"), "{message}");
    set_mode("data", 0o700);
    assert_eq!(command(home.path(), &["events"]).0, Some(0));
}
