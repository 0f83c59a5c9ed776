//! Packages of a release: all are made from one list of targets, with stand-ins for the binaries. Archives and sums are
//! read by other programs.

use crate::process::available;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn targets() -> Vec<Value> {
    serde_json::from_slice(&fs::read(root().join("packaging/targets.json")).unwrap()).unwrap()
}

fn is_windows(target: &Value) -> bool {
    target["npm"]["os"] == "win32"
}

fn name(target: &Value) -> &str {
    target["name"].as_str().unwrap()
}

/// Makes a folder with a stand-in for the binary of every target.
fn binaries() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for target in targets() {
        let built = folder.path().join(name(&target));
        fs::create_dir(&built).unwrap();
        let binary = if is_windows(&target) { "whtool.exe" } else { "whtool" };
        fs::write(built.join(binary), format!("binary for {}", name(&target))).unwrap();
        fs::write(built.join("THIRD-PARTY.md"), "licences").unwrap();
    }
    folder
}

fn run(program: &str, words: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(program);
    command.args(words).current_dir(folder).env("PACKAGES", folder).env("SOURCE_DATE_EPOCH", "1700000000");
    command.output().unwrap()
}

fn output(program: &str, words: &[&str], folder: &Path) -> String {
    let output = run(program, words, folder);
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn release(words: &[&str], folder: &Path) -> String {
    let script = root().join("packaging/release.py");
    output("python3", &[&[script.to_str().unwrap()], words].concat(), folder)
}

fn archive_path(target: &Value, folder: &Path) -> PathBuf {
    let ending = if is_windows(target) { "zip" } else { "tar.gz" };
    folder.join(format!("whtool-{}-{}.{ending}", env!("CARGO_PKG_VERSION"), name(target)))
}

#[test]
fn every_target_has_an_archive_with_its_binary_and_a_second_run_makes_the_same_bytes() {
    if !available("python3") || !available("tar") {
        return;
    }
    let folder = binaries();
    for target in targets() {
        release(&["archive", name(&target)], folder.path());
        let path = archive_path(&target, folder.path());
        let first = fs::read(&path).unwrap();
        release(&["archive", name(&target)], folder.path());
        assert_eq!(first, fs::read(&path).unwrap(), "{}", path.display());
        let text = path.to_str().unwrap();
        let list = if is_windows(&target) {
            output("python3", &["-m", "zipfile", "-l", text], folder.path())
        } else {
            output("tar", &["-tvzf", text], folder.path())
        };
        let inner = format!("whtool-{}-{}", env!("CARGO_PKG_VERSION"), name(&target));
        let binary = if is_windows(&target) { "whtool.exe" } else { "whtool" };
        for file in [binary, "README.md", "LICENSE-MIT", "THIRD-PARTY.md", "man/man1/whtool.1", "completions/_whtool"] {
            assert!(list.contains(&format!("{inner}/{file}")), "{text} has no {file}: {list}");
        }
        assert!(is_windows(&target) || list.contains("-rwxr-xr-x"), "{list}");
    }
}

#[test]
fn formula_manifest_and_sums_name_the_archives_of_all_targets_with_their_digests() {
    if !available("python3") || !available("sha256sum") {
        return;
    }
    let folder = binaries();
    let url = "https://example.org/whtool/releases/download/v1";
    for target in targets() {
        release(&["archive", name(&target)], folder.path());
    }
    release(&["homebrew", url], folder.path());
    release(&["scoop", url], folder.path());
    let formula = fs::read_to_string(folder.path().join("whtool.rb")).unwrap();
    let manifest = fs::read_to_string(folder.path().join("whtool.json")).unwrap();
    assert!(!formula.contains('@'), "{formula}");
    for target in targets() {
        let path = archive_path(&target, folder.path());
        let sum = output("sha256sum", &[path.to_str().unwrap()], folder.path());
        let sum = sum.split_whitespace().next().unwrap();
        let link = format!("{url}/{}", path.file_name().unwrap().to_str().unwrap());
        let text = if is_windows(&target) { &manifest } else { &formula };
        assert!(text.contains(sum) && text.contains(&link), "{link} {sum}: {text}");
    }
    assert!(serde_json::from_str::<Value>(&manifest).unwrap()["architecture"]["64bit"]["hash"].is_string());
    if available("ruby") {
        output("ruby", &["-c", "whtool.rb"], folder.path());
    }
    release(&["checksums"], folder.path());
    let sums = fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), targets().len() + 2);
    output("sha256sum", &["--check", "--strict", "SHA256SUMS"], folder.path());
}

#[test]
fn the_npm_package_depends_on_the_package_of_every_target_and_npm_installs_only_the_one_of_this_machine() {
    if !available("python3") || !available("npm") {
        return;
    }
    let folder = binaries();
    release(&["npm"], folder.path());
    let read = |path: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.path().join("npm").join(path).join("package.json")).unwrap()).unwrap()
    };
    let main = read("whtool");
    let listed: BTreeSet<_> = main["optionalDependencies"].as_object().unwrap().keys().cloned().collect();
    let mut expected = BTreeSet::new();
    for target in targets() {
        let (os, cpu) = (target["npm"]["os"].as_str().unwrap(), target["npm"]["cpu"].as_str().unwrap());
        let package = read(&format!("whtool-{os}-{cpu}"));
        assert_eq!((&package["os"][0], &package["cpu"][0]), (&target["npm"]["os"], &target["npm"]["cpu"]));
        assert_eq!((&package["version"], &main["version"]), (&main["version"], &env!("CARGO_PKG_VERSION").into()));
        expected.insert(package["name"].as_str().unwrap().to_owned());
        let packed = format!("whtool-{os}-{cpu}-{}.tgz", env!("CARGO_PKG_VERSION"));
        let list = output("tar", &["-tzf", &packed], folder.path());
        assert!(list.contains("package/whtool") && list.contains("package/THIRD-PARTY.md"), "{list}");
    }
    assert_eq!(listed, expected);
}

#[test]
fn release_notes_are_the_section_of_one_version_and_a_missing_one_is_an_error() {
    if !available("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let notes = release(&["notes", "Unreleased"], folder.path());
    assert!(notes.starts_with("### ") && !notes.contains("\n## "), "{notes}");
    let script = root().join("packaging/release.py");
    let missing = run("python3", &[script.to_str().unwrap(), "notes", "99.0.0"], folder.path());
    assert!(!missing.status.success() && String::from_utf8_lossy(&missing.stderr).contains("no section `## 99.0.0`"));
}

#[test]
fn the_release_workflow_builds_exactly_the_listed_targets() {
    let workflow = fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    assert!(workflow.contains("matrix: ${{ fromJSON(needs.plan.outputs.targets) }}"));
    for target in targets() {
        for field in [name(&target), target["rust"].as_str().unwrap()] {
            assert!(!workflow.contains(field), "{field} is written into the workflow, too");
        }
    }
}

/// Returns the fields of the package as cargo reads them.
fn package() -> Value {
    let text = output(env!("CARGO"), &["metadata", "--no-deps", "--offline", "--format-version", "1"], root());
    serde_json::from_str::<Value>(&text).unwrap()["packages"][0].take()
}

#[test]
fn cargo_binstall_finds_the_archive_of_every_target_and_no_other() {
    let package = package();
    let overrides = package["metadata"]["binstall"]["overrides"].as_object().unwrap();
    let listed: BTreeSet<_> = overrides.keys().map(String::as_str).collect();
    let targets = targets();
    assert_eq!(listed, targets.iter().map(|target| target["rust"].as_str().unwrap()).collect());
    for target in &targets {
        let found = &overrides[target["rust"].as_str().unwrap()];
        let filled = |field: &str| found[field].as_str().unwrap().replace("{ version }", env!("CARGO_PKG_VERSION"));
        let archive = archive_path(target, Path::new(""));
        let archive = archive.to_str().unwrap();
        let expected = format!("{{ repo }}/releases/download/v{}/{archive}", env!("CARGO_PKG_VERSION"));
        assert_eq!(filled("pkg-url"), expected);
        let folder = archive.trim_end_matches(".zip").trim_end_matches(".tar.gz");
        assert_eq!(filled("bin-dir"), format!("{folder}/{{ bin }}{{ binary-ext }}"));
        assert_eq!(found["pkg-fmt"] == "zip", is_windows(target));
    }
}

#[test]
fn a_release_from_another_repository_than_the_one_in_the_manifest_is_refused() {
    let package = package();
    let repository = package["repository"].as_str().unwrap();
    let (server, name) = repository.match_indices('/').nth(2).map(|(at, _)| repository.split_at(at)).unwrap();
    let tag = format!("v{}", env!("CARGO_PKG_VERSION"));
    let tag_check = |name: &str| {
        let mut command = Command::new(root().join("packaging/tag"));
        command.arg(&tag).env("GITHUB_SERVER_URL", server).env("GITHUB_REPOSITORY", name);
        command.output().unwrap()
    };
    assert!(tag_check(name.trim_start_matches('/')).status.success());
    let other = tag_check("somebody/else");
    assert!(!other.status.success() && String::from_utf8_lossy(&other.stderr).contains(repository));
}
