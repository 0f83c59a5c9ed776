//! `mcp`, as a process that speaks over its standard streams.

use crate::process::{home, whtool};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};

/// A server, and the number of the last request.
struct Server {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
    id: u64,
}

impl Server {
    fn start(home: &Path, words: &[&str]) -> Self {
        let mut command = whtool(home, &[&["mcp"], words].concat());
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers, id: 0 }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let message = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        writeln!(self.child.stdin.as_mut().unwrap(), "{message}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], self.id);
        answer
    }

    fn call(&mut self, name: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({"name": name, "arguments": arguments}))["result"].clone()
    }
}

/// Ends the process when a test fails.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn tools_run_with_the_store_of_the_server_and_the_end_of_input_ends_it() {
    let home = home();
    let store = home.path().join("team.db");
    let mut listener = whtool(home.path(), &["listen", "--port", "0", "--json", "--count", "1", "--store"]);
    let mut listener = crate::process::Listener::spawn(listener.arg(&store));
    let url = listener.url.clone();
    let sent = whtool(home.path(), &["replay", "payment.debited", "--to", &url]).output().unwrap();
    assert!(sent.status.success());
    assert_eq!(listener.record()["verdict"], "verified");

    let mut server = Server::start(home.path(), &["--store", store.to_str().unwrap()]);
    let greeting = server.ask("initialize", &json!({"protocolVersion": "2025-06-18"}));
    assert_eq!(greeting["result"]["serverInfo"]["name"], "whtool");
    let listed = server.call("list_events", &json!({}));
    let records = listed["structuredContent"]["records"].as_array().unwrap();
    assert_eq!((records.len(), &records[0]["event"]["type"]), (1, &json!("payment.debited")));
    let shown = server.call("show_event", &json!({"capture": "last"}));
    assert!(shown["structuredContent"]["records"][0]["request"]["body"].as_str().unwrap().contains("evt_"));
    let none = server.call("wait_for_event", &json!({"seconds": 1, "type": "payment.failed"}));
    assert_eq!(none["structuredContent"]["records"], json!([]));
    let unknown = server.call("show_event", &json!({"capture": "99"}));
    assert_eq!(unknown["isError"], true);
    drop(server.child.stdin.take());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_signed_event_never_goes_to_another_machine_and_no_answer_has_the_secret() {
    let home = home();
    let mut server = Server::start(home.path(), &["--allow", "send"]);
    // No name ends with .invalid, so nothing could be reached.
    let to = "http://app.invalid/webhooks";
    for (tool, arguments) in [
        ("send_event", json!({"sample": "payment.debited", "to": to})),
        ("check_handler", json!({"url": to, "provider": "plexos"})),
    ] {
        let refused = server.call(tool, &arguments);
        assert_eq!(refused["isError"], true, "{refused}");
        assert!(refused.to_string().contains("is not this machine"), "{refused}");
    }
    let seed = std::fs::read_to_string(home.path().join("data/local-test-seed")).unwrap_or_default();
    let signed = server.call("sign", &json!({"payload": "{}", "provider": "plexos"}));
    assert_eq!(signed["isError"], false, "{signed}");
    let secret = whtool(home.path(), &["secret", "show", "plexos-test"]).output().unwrap().stdout;
    let secret = String::from_utf8(secret).unwrap();
    assert!(!secret.trim().is_empty() && !signed.to_string().contains(secret.trim()), "{signed}");
    assert!(seed.is_empty() || !signed.to_string().contains(seed.trim()));
}
