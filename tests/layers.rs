//! Checks which modules import which, read from their `crate::` paths.

use std::fs;
use std::path::{Path, PathBuf};

/// For each top-level module, the modules that it may import. The order leaves no room for a cycle:
/// a module imports only modules above it.
const IMPORTS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("json", &["model"]),
    ("answer", &["json", "model"]),
    ("provider", &["json", "model"]),
    ("capture", &["json", "model", "provider"]),
    ("webhook", &["json", "model", "provider"]),
    ("diagnose", &["json", "model", "provider"]),
    ("check", &["diagnose", "json", "model", "provider"]),
    ("emulator", &["json", "model", "provider"]),
    ("reconcile", &["json", "model", "provider"]),
    ("learn", &["model", "provider"]),
    ("mcp", &["diagnose", "model", "provider"]),
    ("settings", &["model", "provider", "webhook"]),
    ("tunnel", &[]),
    (
        "render",
        &["answer", "capture", "check", "diagnose", "json", "learn", "model", "provider", "reconcile", "webhook"],
    ),
    ("world", &["model"]),
    (
        "command",
        &[
            "answer",
            "capture",
            "check",
            "diagnose",
            "emulator",
            "json",
            "learn",
            "mcp",
            "model",
            "provider",
            "reconcile",
            "render",
            "settings",
            "tunnel",
            "webhook",
            "world",
        ],
    ),
    ("edge", &["model", "world"]),
];

fn allowed_imports(module: &str) -> &'static [&'static str] {
    let entry = IMPORTS.iter().find(|(name, _)| *name == module);
    entry.unwrap_or_else(|| panic!("`{module}` is missing in the table of tests/layers.rs")).1
}

/// Returns every source file below `folder`, except unit tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if stem == "tests" {
            continue;
        } else if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Returns the modules that a text imports by `crate::`.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("crate::").map(|(at, prefix)| {
        let rest = &text[at + prefix.len()..];
        rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
    })
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let sources = sources(root);
    assert!(sources.len() > 200, "{} sources", sources.len());
    for path in sources {
        let first = path.strip_prefix(root).unwrap().iter().next().unwrap().to_string_lossy();
        let module = first.trim_end_matches(".rs");
        if module == "lib" || module == "main" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let product = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for import in imports(product) {
            let is_allowed = import == module || allowed_imports(module).contains(&import);
            assert!(is_allowed, "{} imports crate::{import}", path.display());
        }
    }
}

#[test]
fn the_table_has_no_cycle() {
    // `command` and `edge` are imported by nothing; the others only by what comes later.
    for (position, (module, imports)) in IMPORTS.iter().enumerate() {
        for import in *imports {
            let earlier = IMPORTS[..position].iter().any(|(name, _)| name == import);
            assert!(earlier, "{module} imports {import}, which comes later in the table");
        }
    }
}

#[test]
fn every_module_is_in_the_table() {
    let lib = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    let modules: Vec<_> = lib.lines().filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';')).collect();
    assert_eq!(modules.len(), IMPORTS.len());
    modules.into_iter().for_each(|module| assert!(!allowed_imports(module).contains(&module)));
}

#[test]
fn paths_in_the_map_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in ["docs/architecture.md", "CONTRIBUTING.md", "docs/adding-a-provider.md"] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for path in text.split('`').skip(1).step_by(2) {
            let is_path = ["src/", "tests/", "docs/", "edge/", "command/", "webhook/", "model/", "render/", "benches/"]
                .iter()
                .any(|prefix| path.starts_with(prefix));
            let is_plain = path.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
            if is_path && is_plain && !path.contains("NAME") {
                assert!(
                    root.join(path).exists() || root.join("src").join(path).exists(),
                    "{page} names {path}, which does not exist"
                );
            }
        }
    }
}
