//! Help: every command has it, and what its examples show is a command line that is understood.

use crate::common::{Made, Run};

const COMMANDS: [&str; 9] =
    ["listen", "events", "verify", "sign", "replay", "samples", "check", "reconcile", "emulate"];

fn help(words: &[&str]) -> Run {
    let run = Made::default().run(words);
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{words:?}");
    run
}

#[test]
fn the_first_page_names_every_command_and_the_exit_statuses() {
    let text = help(&["--help"]).text();
    for command in COMMANDS {
        assert!(text.contains(&format!("\n  {command}")), "{command}: {text}");
    }
    assert!(text.contains("130 interrupted"), "{text}");
}

/// The example lines of a command's help that call whtool, without what is before and behind it in a pipe.
fn examples(command: &str) -> Vec<Vec<String>> {
    let text = help(&[command, "--help"]).text();
    let (_, examples) = text.split_once("Examples:\n").expect("help has examples");
    let calls = examples.lines().filter_map(|line| {
        let (_, call) = line.split_once("whtool ")?;
        let (mut words, mut in_quotes) = (vec![String::new()], false);
        for letter in call.chars() {
            match letter {
                '\'' | '"' => in_quotes = !in_quotes,
                ' ' if !in_quotes => words.push(String::new()),
                _ => words.last_mut()?.push(letter),
            }
        }
        let words = words.into_iter().take_while(|word| !matches!(word.as_str(), "" | "|" | ">"));
        Some(words.collect::<Vec<_>>())
    });
    calls.collect()
}

#[test]
fn examples_are_command_lines_that_are_understood() {
    for command in COMMANDS {
        let examples = examples(command);
        assert!(examples.len() >= 3, "{command}");
        for words in examples {
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let run = Made::with_secrets().run(&words);
            assert!(!run.err.contains("Usage:"), "{words:?}: {}", run.err);
        }
    }
}

#[test]
fn a_wrong_flag_is_a_usage_error_that_suggests() {
    let run = Made::default().run(&["listen", "--potr", "1"]);
    assert_eq!((run.status, run.out.len()), (2, 0));
    assert!(run.err.contains("--port"), "{}", run.err);
    assert_eq!(Made::default().run(&[]).status, 2);
}

#[test]
fn the_version_is_the_packages() {
    assert_eq!(help(&["--version"]).text(), concat!("whtool ", env!("CARGO_PKG_VERSION"), "\n"));
}
