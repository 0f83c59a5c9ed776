//! Files in the repository that whtool generates. Outdated files fail these tests;
//! `UPDATE=1 cargo test generated` updates them.

use crate::common::TestWorld;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares the files of a folder with their expected contents, or updates them.
fn check_folder(folder: &str, files: impl IntoIterator<Item = (String, Vec<u8>)>) {
    let folder = root().join(folder);
    let updating = std::env::var_os("UPDATE").is_some();
    let mut names = BTreeSet::new();
    for (name, bytes) in files {
        let path = folder.join(&name);
        names.insert(name);
        if updating {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        let is_current = fs::read(&path).is_ok_and(|old| old == bytes);
        assert!(is_current, "{} is outdated: UPDATE=1 cargo test generated", path.display());
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if names.contains(&*path.file_name().unwrap().to_string_lossy()) {
            continue;
        }
        assert!(updating, "{} is no longer generated: UPDATE=1 cargo test generated", path.display());
        fs::remove_file(path).unwrap();
    }
}

fn output(words: &[&str]) -> Vec<u8> {
    let run = TestWorld::default().run(words);
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{words:?}");
    run.out
}

#[test]
fn completion_scripts_are_current() {
    let files = [
        ("bash", "whtool.bash"),
        ("elvish", "whtool.elv"),
        ("fish", "whtool.fish"),
        ("powershell", "_whtool.ps1"),
        ("zsh", "_whtool"),
    ];
    check_folder("completions", files.map(|(shell, name)| (name.to_owned(), output(&["completions", shell]))));
}

#[test]
fn manual_pages_are_current() {
    let world = TestWorld::default();
    assert_eq!(world.run(&["man", "--dir", "man"]).status, 0);
    let pages = std::mem::take(&mut *world.written.lock().unwrap());
    for section in ["man/man1", "man/man7"] {
        let of_section = pages.iter().filter(|(path, _)| path.starts_with(section));
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        check_folder(section, of_section.map(|(path, bytes)| (name(path), bytes.clone())));
    }
}
