//! Apps for the code that `verify --framework` prints. `tests/frameworks/run` builds and checks
//! them; the test here needs no network.

use super::common::TestWorld;
use std::path::Path;

/// Frameworks whose code no app tests, since no package registry that the tests use has .NET.
const UNTESTED: [&str; 1] = ["aspnet"];

#[test]
fn every_framework_has_an_app_that_tests_its_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frameworks");
    let script = std::fs::read_to_string(folder.join("run")).unwrap();
    let apps = script.lines().find_map(|line| line.strip_prefix("all=(")?.strip_suffix(')')).unwrap();
    let mut tested: Vec<_> = apps.split(' ').map(|app| app.split('@').next().unwrap()).collect();
    tested.dedup();
    let refusal = TestWorld::with_secrets().run(&["verify", "p.json", "--framework", "nosuch"]).err;
    let names = refusal.split_once("possible values: ").unwrap().1.split_once(']').unwrap().0;
    let names = names.split(", ").map(str::trim).filter(|name| !UNTESTED.contains(name));
    assert_eq!(names.collect::<Vec<_>>(), tested);
    for name in tested {
        assert!(folder.join(name).join("install").exists() && folder.join(name).join("start").exists(), "{name}");
    }
}
