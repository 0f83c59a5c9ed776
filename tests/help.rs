//! Help: every command has it, and what its examples show is a command line that is understood.

use crate::common::{Made, Run};

fn help(words: &[&str]) -> Run {
    let run = Made::default().run(words);
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{words:?}");
    run
}

/// The commands that a page of help lists, each with the words before it.
fn listed(above: &[String]) -> Vec<Vec<String>> {
    let words: Vec<_> = above.iter().map(String::as_str).chain(["--help"]).collect();
    let text = help(&words).text();
    let Some((_, list)) = text.split_once("\nCommands:\n") else { return Vec::new() };
    let names = list.lines().take_while(|line| !line.is_empty()).filter_map(|line| {
        line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.split(' ').next().map(str::to_owned)
    });
    names.map(|name| [above, &[name]].concat()).collect()
}

/// Every command, and every nested one.
fn commands() -> Vec<Vec<String>> {
    let first = listed(&[]);
    let nested = first.iter().flat_map(|command| listed(command));
    first.iter().cloned().chain(nested).collect()
}

#[test]
fn the_first_page_names_every_command_and_the_exit_statuses() {
    let text = help(&["--help"]).text();
    assert!(listed(&[]).len() >= 7 && commands().len() >= 14, "{text}");
    assert!(text.contains("130 interrupted"), "{text}");
}

/// The example lines of a command's help that call whtool, without what is before and behind it in a pipe.
fn examples(command: &[String]) -> Vec<Vec<String>> {
    let words: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let text = help(&words).text();
    let (before, examples) = text.split_once("\nExamples:\n").expect("help has examples");
    assert!(!before.contains("Usage:"), "help opens with examples: {text}");
    let (examples, _) = examples.split_once("\n\nUsage:").expect("help has a usage");
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
        let words = words.into_iter().map(|word| word.trim_end_matches(')').to_owned());
        let words = words.take_while(|word| !matches!(word.as_str(), "" | "|" | ">"));
        Some(words.collect::<Vec<_>>())
    });
    calls.collect()
}

#[test]
fn examples_are_command_lines_that_are_understood() {
    for command in commands() {
        let examples = examples(&command);
        assert!(!examples.is_empty(), "{command:?}");
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
