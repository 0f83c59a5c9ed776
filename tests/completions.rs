//! Completions: what whtool answers to the scripts, and that a real bash gets it through them.

use crate::common::Made;
use crate::events;
use crate::process::Listener;
use std::path::Path;
use std::process::Command;

/// What may stand in place of the last word, as fish is told: value, tab, meaning.
fn offered(words: &[&str]) -> Vec<String> {
    let run = Made::default().variable("WHTOOL_COMPLETE", "fish").run(&[&["--", "whtool"], words].concat());
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
    assert_eq!(offered(&["listen", "--events", "settle"]), ["settlement.completed"]);
    assert_eq!(offered(&["events", "--type", "settle"]), ["settlement.completed"]);
}

#[test]
fn the_names_of_kept_secrets_are_offered_and_nothing_of_what_they_are() {
    let made = Made::default().input("plustive_secret_of_many_letters");
    assert_eq!(made.run(&["secret", "add", "plustive", "--name", "shop"]).status, 0);
    let completing = made.variable("WHTOOL_COMPLETE", "fish");
    for command in ["show", "remove"] {
        let run = completing.run(&["--", "whtool", "secret", command, "sh"]);
        assert_eq!((run.text().as_str(), run.err.as_str()), ("shop\tplustive\n", ""), "{command}");
    }
    assert_eq!(offered(&["secret", "show", "sh"]), [""; 0], "without a registry");
}

#[test]
fn samples_of_a_provider_probes_and_faults_are_offered() {
    assert_eq!(offered(&["replay", "plexos:payment.deb"]), ["plexos:payment.debited"]);
    assert!(offered(&["replay", "plustive:"]).iter().all(|word| word.starts_with("plustive:transaction.")));
    assert_eq!(offered(&["check", "--only", "surv"])[0], "survive");
    let probes = offered(&["check", "--skip", "refuse.timestamp."]);
    assert!(!probes.is_empty() && probes.iter().all(|id| id.starts_with("refuse.timestamp.")), "{probes:?}");
    assert_eq!(offered(&["emulate", "--fault", "429"]), ["429", "429-bare"]);
}

#[test]
fn captures_are_offered_to_compare_with() {
    let body = include_bytes!("vectors/plexos.json");
    let made = Made::default();
    events::keep(&made, &[(60, events::plexos(body))]);
    let completing = made.variable("WHTOOL_COMPLETE", "fish");
    let run = completing.run(&["--", "whtool", "verify", "seen", "--against", "la"]);
    assert_eq!((run.text().as_str(), run.err.as_str()), ("last\tthe newest capture\n", ""));
}

#[test]
fn an_unknown_shell_and_no_words_are_quiet_errors() {
    for (shell, words) in [("tcsh", &["--", "whtool"][..]), ("fish", &[])] {
        let run = Made::default().variable("WHTOOL_COMPLETE", shell).run(words);
        assert_eq!((run.status, run.out.len(), run.err.as_str()), (2, 0, ""));
    }
}

/// What bash is offered, through the script, for these words, of which the last is at the cursor. `None`: there is no bash.
fn in_bash(home: &Path, words: &[&str]) -> Option<String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_whtool"));
    let path = format!("{}:{}", binary.parent()?.display(), std::env::var("PATH").ok()?);
    let script = concat!("source ", env!("CARGO_MANIFEST_DIR"), "/completions/whtool.bash\n");
    // A word that begins at a colon stands right behind the one before it, as bash breaks them.
    let call = "COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMP_TYPE=9 COMP_LINE=\"$*\"\n\
                COMP_LINE=\"${COMP_LINE// : /:}\" COMP_POINT=${#COMP_LINE}\n\
                _whtool whtool \"${!#}\" ''\nprintf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("{script}{call}"), "bash"]).args(words).env("PATH", path).env("WHTOOL_HOME", home);
    let output = bash.output().ok()?;
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn bash_is_offered_samples_and_captures_through_the_script() {
    let home = tempfile::tempdir().unwrap();
    let Some(offered) = in_bash(home.path(), &["whtool", "samples", "show", "payment.deb"]) else { return };
    assert_eq!(offered, "payment.debited\n");
    let offered = in_bash(home.path(), &["whtool", "replay", "plustive", ":", "transaction.completed.ref"]).unwrap();
    assert_eq!(offered, "transaction.completed.refunded\n", "bash keeps what stands before the colon");
    let path = home.path().join("data/captures.db");
    assert!(!path.exists(), "completing makes nothing");
    let listener = Listener::start(home.path(), &[]);
    let answer = listener.exchange(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let offered = in_bash(home.path(), &["whtool", "events", "show", ""]).unwrap();
    let ids: Vec<_> = offered.lines().take_while(|word| !word.starts_with('-')).collect();
    assert_eq!((ids.len(), ids[0], ids[1].len()), (2, "last", whtool::model::stored::ID_LENGTH), "{offered}");
}
