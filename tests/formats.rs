//! Every record has a published schema, and the commands' records are valid against it.

use crate::process::{Listener, PLEXOS_SECRET, PLUSTIVE_SECRET, REFERENCE, REFERENCE_MAC, post, whtool};
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

const SCHEMA: &str = include_str!("../docs/whtool.schema.json");

/// The published schema, and the records that were checked.
struct PublishedSchema {
    schemas: Schemas,
    whole: SchemaIndex,
    document: Value,
    seen: BTreeSet<String>,
}

impl PublishedSchema {
    fn new() -> Self {
        let document: Value = serde_json::from_str(SCHEMA).unwrap();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource("https://whtool.example/schema.json", document.clone()).unwrap();
        let whole = compiler.compile("https://whtool.example/schema.json", &mut schemas).unwrap();
        Self { schemas, whole, document, seen: BTreeSet::new() }
    }

    /// Checks that each line is a valid record without fields that the schema does not define.
    fn check(&mut self, lines: &[u8]) {
        for line in std::str::from_utf8(lines).unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if let Err(error) = self.schemas.validate(&record, self.whole) {
                panic!("{line}\n{error:#}");
            }
            let schema = record["schema"].as_str().unwrap();
            let fields = &self.document["$defs"][name_of(schema)]["properties"];
            for field in record.as_object().unwrap().keys() {
                assert!(fields.get(field).is_some(), "{schema} has `{field}`, which the schema does not define");
            }
            self.seen.insert(schema.to_owned());
        }
    }
}

/// Checks the records of other tests against the schema.
pub fn check_records(lines: &[u8]) {
    PublishedSchema::new().check(lines);
}

fn name_of(schema: &str) -> &str {
    schema.trim_start_matches("whtool.").split('/').next().unwrap()
}

/// Collects every `whtool.…/1` in the sources.
fn in_sources(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_sources(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for (at, mark) in text.match_indices("\"whtool.") {
            let rest = &text[at + 1..];
            let end = rest[mark.len() - 1..].find('"').unwrap_or(0) + mark.len() - 1;
            if rest[..end].ends_with("/1") {
                found.insert(rest[..end].to_owned());
            }
        }
    }
}

/// Schemas of files, which are not printed.
const FILES: [&str; 5] =
    ["whtool.registry/1", "whtool.ledger/1", "whtool.emulator_state/1", "whtool.journal/2", "whtool.rebuilt/1"];

#[test]
fn every_record_has_a_schema_and_is_documented() {
    let mut sources = BTreeSet::new();
    in_sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut sources);
    let published = PublishedSchema::new();
    let text = include_str!("../docs/formats.md");
    for schema in &sources {
        assert!(text.contains(&format!("`{schema}`")), "docs/formats.md does not mention {schema}");
        let is_file = FILES.contains(&schema.as_str());
        assert!(is_file || published.document["$defs"].get(name_of(schema)).is_some(), "{schema} is not published");
    }
    assert!(sources.len() > 15, "{sources:?}");
}

/// Starts an app that answers 200 to every request.
fn app() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        }
    });
    url
}

#[test]
fn records_are_valid_against_the_schema() {
    let home = tempfile::tempdir().unwrap();
    let mut published = PublishedSchema::new();
    let app = app();
    let mut listener = Listener::start(home.path(), &["--forward-to", &app]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    listener.exchange(&post(REFERENCE_MAC, b"{\"event\":\"transaction.success\",\"reference\":\"PLS-1\"}"));
    listener.exchange(&post("zz", b"\xff\xfe"));
    let mut deliveries = Vec::new();
    for _ in 0..4 {
        deliveries.extend(listener.record().to_string().into_bytes());
        deliveries.push(b'\n');
    }
    let url = listener.url.clone();
    let captured = home.path().join("captured.jsonl");
    std::fs::write(&captured, &deliveries).unwrap();
    published.check(&deliveries);
    published.check(format!("{{\"schema\":\"whtool.ready/1\",\"url\":{url:?}}}").as_bytes());

    let run = |words: &[&str]| {
        let mut command = whtool(home.path(), words);
        command.env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET).env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET);
        command.output().unwrap().stdout
    };
    let captured = captured.to_str().unwrap();
    let payload = home.path().join("payload.json");
    std::fs::write(&payload, REFERENCE).unwrap();
    for words in [
        &["events", "--json"][..],
        &["events", "show", "last", "--as", "json"],
        &["events", "export"],
        &["events", "stats", "--json"],
        &["events", "prune", "--older-than", "1d", "--json"],
        &["events", "diff", "last", "last", "--json"],
        &["verify", captured, "--json"],
        &["verify", captured, "--against", "last", "--computed", &"0".repeat(64), "--framework", "gin", "--json"],
        &["verify", captured, "--computed", REFERENCE_MAC, "--json"],
        &["samples", "--json"],
        &["config", "show", "--json"],
        &["doctor", "--offline", "--json"],
        &["sign", payload.to_str().unwrap(), "--as", "json"],
        &["replay", "payment.debited", "--to", &url, "--json"],
        &["replay", "payment.debited", "--to", "http://127.0.0.1:1", "--json"],
    ] {
        let lines = run(words);
        assert!(!lines.is_empty(), "{words:?}");
        published.check(&lines);
    }
    let unreadable = home.path().join("unreadable");
    std::fs::write(&unreadable, [&deliveries[..], b"{\"method\":1}\n"].concat()).unwrap();
    published.check(&run(&["verify", unreadable.to_str().unwrap(), "--json"]));
    run(&["secret", "add", "plexos", "--exact", "--file", payload.to_str().unwrap()]);
    published.check(&run(&["secret", "list", "--json"]));
    published.check(&crate::emulate::some_records(home.path()));
    for schema in [
        "delivery",
        "forwarded",
        "verdict",
        "unreadable",
        "summary",
        "signed",
        "sent",
        "capture",
        "secret",
        "hop",
        "computed",
        "framework",
        "emulator",
        "emulated_call",
        "emulated_delivery",
    ] {
        assert!(published.seen.contains(&format!("whtool.{schema}/1")), "{schema}: {:?}", published.seen);
    }
}
