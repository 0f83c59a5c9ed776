//! Checks which top-level modules import which, read from their `crate::` paths.

use std::fs;
use std::path::{Path, PathBuf};

const DOMAIN: &[&str] =
    &["capture", "check", "diagnose", "emulator", "json", "provider", "reconcile", "render", "settings", "webhook"];

/// The top-level modules that a module may name after `crate::`, apart from itself.
fn allowed_imports(module: &str) -> Vec<&'static str> {
    match module {
        "lib" | "main" => [DOMAIN, &["model", "world", "command", "edge"]].concat(),
        "model" => vec![],
        "world" => vec!["model"],
        "edge" => vec!["model", "world"],
        "command" => [DOMAIN, &["model", "world"]].concat(),
        _ if DOMAIN.contains(&module) => [DOMAIN, &["model"]].concat(),
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
        let allowed = allowed_imports(&part);
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
        allowed_imports(module.trim_end_matches(';'));
    }
}
