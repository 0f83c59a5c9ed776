//! The directions in which the crate's parts may see each other, read from their `use` lines.

use std::fs;
use std::path::{Path, PathBuf};

const VALUES: &[&str] =
    &["chunks", "delivery", "error", "event", "exchange", "kept", "message", "money", "secret", "timestamp", "verdict"];
const THOUGHT: &[&str] = &[
    "capture",
    "check",
    "diagnose",
    "diff",
    "emulator",
    "forward",
    "json",
    "ledger",
    "payload",
    "provider",
    "receive",
    "reconcile",
    "record",
    "render",
    "sample",
    "settings",
    "signature",
];

/// What the parts of a layer may name after `crate::`, apart from themselves.
fn may_see(part: &str) -> Vec<&'static str> {
    let thinking = [VALUES, THOUGHT].concat();
    match part {
        "lib" | "main" => [&thinking[..], &["world", "command", "edge"]].concat(),
        "world" => VALUES.to_vec(),
        "command" => [&thinking[..], &["world"]].concat(),
        "edge" => [VALUES, &["world"]].concat(),
        _ if VALUES.contains(&part) => VALUES.to_vec(),
        _ if THOUGHT.contains(&part) => thinking,
        other => panic!("`{other}` belongs to no layer: name it in tests/layers.rs"),
    }
}

/// Every source file, with the top-level part it belongs to.
fn sources(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the source folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let inside = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).expect("it is below src");
            let first = inside.iter().next().expect("it has a name").to_string_lossy();
            found.push((first.trim_end_matches(".rs").to_owned(), path));
        }
    }
    found
}

/// The names that follow `crate::` in a text.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("crate::").map(|(at, mark)| {
        let rest = &text[at + mark.len()..];
        rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
    })
}

#[test]
fn each_part_sees_only_what_its_layer_may() {
    let sources = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    assert!(sources.len() > 40, "the sources were found");
    for (part, path) in sources {
        let allowed = may_see(&part);
        let text = fs::read_to_string(&path).expect("a source is text");
        for name in named(&text) {
            assert!(name == part || allowed.contains(&name), "{} names crate::{name}", path.display());
        }
    }
}

#[test]
fn every_part_is_in_a_layer() {
    let lib = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).expect("lib.rs is there");
    let modules = lib.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
    for module in modules {
        may_see(module.trim_end_matches(';'));
    }
}
