//! Completions: what whtool answers to the scripts, and that a real bash gets these answers.

use crate::common::TestWorld;
use crate::events;
use crate::process::{Listener, available};
use std::path::Path;
use std::process::Command;

/// Returns the completions of the last word. fish gets them as lines of value, tab and description.
fn offered(words: &[&str]) -> Vec<String> {
    let run = TestWorld::default().variable("WHTOOL_COMPLETE", "fish").run(&[&["--", "whtool"], words].concat());
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    run.text().lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn commands_options_and_values_are_offered() {
    assert_eq!(offered(&["lis"]), ["listen"]);
    assert_eq!(offered(&["listen", "--tol"]), ["--tolerance"]);
    assert_eq!(offered(&["sign", "--as", "c"]), ["curl"]);
    assert_eq!(offered(&["events", "sh"]), ["show"]);
}

#[test]
fn samples_and_event_types_are_offered() {
    assert_eq!(offered(&["samples", "show", "payment.d"]), ["payment.debited"]);
    assert_eq!(offered(&["replay", "transaction.completed.ref"]), ["transaction.completed.refunded"]);
    assert_eq!(offered(&["listen", "--type", "settle"]), ["settlement.completed"]);
    assert_eq!(offered(&["events", "--type", "settle"]), ["settlement.completed"]);
}

#[test]
fn names_of_stored_secrets_are_offered_and_their_values_are_not() {
    let world = TestWorld::default().input("plustive_secret_of_many_letters");
    assert_eq!(world.run(&["secret", "add", "plustive", "--name", "shop"]).status, 0);
    let completing = world.variable("WHTOOL_COMPLETE", "fish");
    for command in ["show", "remove"] {
        let run = completing.run(&["--", "whtool", "secret", command, "sh"]);
        assert_eq!((run.text().as_str(), run.err.as_str()), ("shop\tplustive\n", ""), "{command}");
    }
    assert_eq!(offered(&["secret", "show", "sh"]), [""; 0], "without a registry");
}

#[test]
fn qualified_samples_probes_and_faults_are_offered() {
    assert_eq!(offered(&["replay", "plexos:payment.deb"]), ["plexos:payment.debited"]);
    assert!(offered(&["replay", "plustive:"]).iter().all(|word| word.starts_with("plustive:transaction.")));
    assert_eq!(offered(&["check", "--only", "surv"])[0], "survive");
    let probes = offered(&["check", "--skip", "refuse.timestamp."]);
    assert!(!probes.is_empty() && probes.iter().all(|id| id.starts_with("refuse.timestamp.")), "{probes:?}");
    assert_eq!(offered(&["emulate", "--fault", "429"]), ["429", "429-bare"]);
}

#[test]
fn captures_are_offered_to_verify_against() {
    let body = include_bytes!("vectors/plexos.json");
    let world = TestWorld::default();
    events::store_captures(&world, &[(60, events::plexos(body))]);
    let completing = world.variable("WHTOOL_COMPLETE", "fish");
    let run = completing.run(&["--", "whtool", "verify", "seen", "--against", "la"]);
    assert_eq!((run.text().as_str(), run.err.as_str()), ("last\tthe newest capture\n", ""));
}

#[test]
fn an_unknown_shell_and_missing_words_are_errors_without_output() {
    for (shell, words) in [("tcsh", &["--", "whtool"][..]), ("fish", &[])] {
        let run = TestWorld::default().variable("WHTOOL_COMPLETE", shell).run(words);
        assert_eq!((run.status, run.out.len(), run.err.as_str()), (2, 0, ""));
    }
}

/// Returns the completions that bash offers for the last of these words, through the script.
fn complete_in_bash(home: &Path, words: &[&str]) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_whtool"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let script = concat!("source ", env!("CARGO_MANIFEST_DIR"), "/completions/whtool.bash\n");
    // No space precedes a word that begins with a colon, since bash splits there.
    let call = "COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMP_TYPE=9 COMP_LINE=\"$*\"\n\
                COMP_LINE=\"${COMP_LINE// : /:}\" COMP_POINT=${#COMP_LINE}\n\
                _whtool whtool \"${!#}\" ''\nprintf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("{script}{call}"), "bash"]).args(words).env("PATH", path).env("WHTOOL_HOME", home);
    String::from_utf8(bash.output().unwrap().stdout).unwrap()
}

#[test]
fn bash_is_offered_samples_and_captures_through_the_script() {
    if !available("bash") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let offered = complete_in_bash(home.path(), &["whtool", "samples", "show", "payment.deb"]);
    assert_eq!(offered, "payment.debited\n");
    let offered = complete_in_bash(home.path(), &["whtool", "replay", "plustive", ":", "transaction.completed.ref"]);
    assert_eq!(offered, "transaction.completed.refunded\n", "bash keeps the text before the colon");
    let path = home.path().join("data/captures.db");
    assert!(!path.exists(), "completing creates no store");
    let listener = Listener::start(home.path(), &[]);
    let answer = listener.exchange(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let offered = complete_in_bash(home.path(), &["whtool", "events", "show", ""]);
    let ids: Vec<_> = offered.lines().take_while(|word| !word.starts_with('-')).collect();
    assert_eq!(ids, ["last", "1"], "{offered}");
}
