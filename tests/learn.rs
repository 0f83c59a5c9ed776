//! `learn`, as a command: facts, types and differences from captures of a real listener.

use crate::formats::check_records;
use crate::process::{Listener, PLUSTIVE_SECRET, REFERENCE, REFERENCE_MAC, home, post, run, whtool};
use std::path::Path;
use std::process::Command;

/// Captures the published event of Plustive's reference, with its signature by openssl.
fn capture(home: &Path) {
    let mut command = whtool(home, &["listen", "--port", "0", "--json", "--count", "1"]);
    let mut listener = Listener::spawn(command.env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET));
    assert!(listener.exchange(&post(REFERENCE_MAC, REFERENCE)).starts_with("HTTP/1.1 200"));
    assert_eq!(listener.record()["verdict"], "verified");
}

fn learn(home: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let output = run(&mut whtool(home, &[&["learn"], words].concat()));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn facts_are_shown_saved_and_compared_and_samples_do_not_count() {
    let home = home();
    let (status, out, err) = learn(home.path(), &[]);
    assert_eq!((status, out.as_str()), (Some(3), ""), "{err}");
    // A sample is signed with the local test secret.
    let listener = Listener::spawn(&mut whtool(home.path(), &["listen", "--port", "0", "--json"]));
    let url = listener.url.clone();
    assert!(run(&mut whtool(home.path(), &["replay", "plustive:transaction.failed", "--to", &url])).status.success());
    drop(listener);
    assert_eq!(learn(home.path(), &[]).0, Some(3));

    capture(home.path());
    let (status, out, err) = learn(home.path(), &[]);
    assert_eq!(status, Some(0), "{err}");
    for line in ["Plustive  1 verified event", "    bare hex  once", "    transaction.success           once  Success"]
    {
        assert!(out.contains(line), "{line}\n{out}");
    }
    assert!(!out.contains("    transaction.failed  "), "{out}");

    let facts = home.path().join("facts.json");
    let facts = facts.to_str().unwrap();
    assert_eq!(learn(home.path(), &["--save", facts]).0, Some(0));
    check_records(&std::fs::read(facts).unwrap());
    let (status, out, err) = learn(home.path(), &["--against", facts]);
    assert_eq!((status, out.as_str(), err.as_str()), (Some(0), "", "nothing is different\n"));
    let changed = std::fs::read_to_string(facts).unwrap().replace("\"Success\":", "\"Delivered\":");
    std::fs::write(facts, changed).unwrap();
    let (status, out, _) = learn(home.path(), &["--against", facts, "--json"]);
    assert_eq!(status, Some(1));
    assert!(out.contains("\"unknown_status\"") && out.contains("Success"), "{out}");
    check_records(out.as_bytes());
}

#[test]
fn a_file_that_learn_did_not_write_is_neither_replaced_nor_compared_with() {
    let home = home();
    capture(home.path());
    let file = home.path().join("orders.json");
    std::fs::write(&file, "{\"orders\": []}").unwrap();
    let path = file.to_str().unwrap();
    for flag in ["--save", "--against"] {
        let (status, out, err) = learn(home.path(), &[flag, path]);
        assert_eq!((status, out.as_str()), (Some(3), ""), "{err}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"orders\": []}");
}

#[test]
fn types_without_captures_are_those_of_the_documents() {
    let home = home();
    for language in ["ts", "zod", "pydantic", "go", "json-schema"] {
        let (status, out, err) = learn(home.path(), &["--types", language]);
        assert_eq!((status, err.as_str()), (Some(0), "nothing was captured: the types are those of the documents\n"));
        assert!(out.contains("PaymentDebited") && out.contains("TransactionCompleted"), "{out}");
    }
}

#[test]
fn generated_json_schema_accepts_the_samples_and_refuses_an_event_without_its_id() {
    let home = home();
    let schema = serde_json::from_str(&learn(home.path(), &["--types", "json-schema"]).1).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("https://whtool.example/events.json", schema).unwrap();
    let events = compiler.compile("https://whtool.example/events.json", &mut schemas).unwrap();
    let sample = |name: &str| -> serde_json::Value {
        let output = run(&mut whtool(home.path(), &["samples", "show", name]));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    for name in ["payment.debited", "refund.failed", "transaction.success.airtime", "transaction.completed.electricity"]
    {
        let mut event = sample(name);
        assert!(schemas.validate(&event, events).is_ok(), "{name}");
        let id = if event.get("data").is_some() { "id" } else { "reference" };
        event.as_object_mut().unwrap().shift_remove(id);
        assert!(schemas.validate(&event, events).is_err(), "{name}");
    }
}

#[test]
fn generated_go_and_python_compile_if_they_are_installed() {
    use crate::process::available;
    let home = home();
    if available("python3") {
        let models = home.path().join("models.py");
        std::fs::write(&models, learn(home.path(), &["--types", "pydantic"]).1).unwrap();
        assert!(Command::new("python3").args(["-m", "py_compile"]).arg(&models).status().unwrap().success());
    }
    // gofmt has no --version.
    if available("gofmt") {
        let types = home.path().join("types.go");
        std::fs::write(&types, learn(home.path(), &["--types", "go"]).1).unwrap();
        assert!(Command::new("gofmt").arg("-e").arg(&types).output().unwrap().status.success());
    }
}
