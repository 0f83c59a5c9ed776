//! Help: every command has it, and what its examples show is a command line that is understood.

use crate::common::{Made, Run};
use crate::events;

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

/// Words that whtool has a list of are usage; what is looked for on this machine, and is not there, could not be done.
#[test]
fn a_name_that_is_not_there_ends_with_the_same_status_everywhere() {
    let body = r#"{"type":"payment.debited","data":{}}"#;
    let made = || Made::with_secrets().file("p.json", body).file("l.csv", "reference,b\nx,y\n");
    let usage: [&[&str]; 12] = [
        &["nosuch"],
        &["events", "nosuch"],
        &["help", "nosuch"],
        &["man", "nosuch"],
        &["completions", "nosuch"],
        &["samples", "show", "nosuch"],
        &["samples", "show", "payment.debited", "--set", "no.such=1"],
        &["secret", "add", "nosuch"],
        &["check", "--list", "--only", "nosuch"],
        &["register", "--url", "https://shop.example/", "--events", "nosuch"],
        &["reconcile", "--from", "l.csv", "--column", "reference=nosuch"],
        &["verify", "--framework", "nosuch"],
    ];
    let missing: [&[&str]; 12] = [
        &["sign", "nosuch"],
        &["sign", "p.json", "--secret-file", "nosuch"],
        &["verify", "nosuch"],
        &["verify", "p.json", "--against", "nosuch"],
        &["events", "show", "nosuch"],
        &["events", "diff", "nosuch", "nosuch"],
        &["events", "--store", "nosuch"],
        &["replay", "nosuch"],
        &["replay", "--from", "nosuch"],
        &["secret", "show", "nosuch"],
        &["secret", "remove", "nosuch", "--yes"],
        &["endpoints", "show", "nosuch"],
    ];
    for (status, cases) in [(2, usage), (3, missing)] {
        for words in cases {
            let run = made().run(words);
            assert_eq!((run.status, run.out.len()), (status, 0), "{words:?}: {}", run.err);
        }
    }
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
    // Behind a blank line are notes; a line that calls nothing is the rest of a long one.
    let mut lines: Vec<String> = Vec::new();
    for line in examples.lines().take_while(|line| !line.is_empty()) {
        match lines.last_mut().filter(|_| !line.contains("whtool ")) {
            Some(last) => last.push_str(&format!(" {}", line.trim())),
            None => lines.push(line.to_owned()),
        }
    }
    let calls = lines.iter().filter_map(|line| {
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

/// A world with the files, captures and answers that examples speak of.
fn world_of_examples(command: &str) -> Made {
    let har = include_bytes!("../src/capture/tests/sample.har");
    let payload = include_bytes!("vectors/plexos.json");
    let piped: &[u8] = if command == "verify" { har } else { payload };
    let made = Made::with_secrets().input(piped).file("payload.json", payload);
    let request = made.run(&["sign", "payload.json", "--as", "http"]).out;
    let record = made.run(&["sign", "payload.json", "--as", "json"]).out;
    let made = made.file("request.http", &request).file("handler-saw.http", request);
    let mut made = made.file("deliveries.ndjson", record).file("missed", "last\n");
    made.folders = vec!["/project".into()];
    if matches!(command, "events" | "replay" | "verify") {
        // One that was refused because the secret was not known yet, and a forged one.
        events::keep_judged(&made, &[(90, events::plexos(payload))], &[]);
        events::keep(&made, &[(60, events::plexos(payload)), (30, events::plexos(b"{}"))]);
    }
    made
}

/// These ask a provider, or wait for one: their own tests answer them.
const NEED_AN_ANSWER: [&str; 6] = ["check", "emulate", "endpoints", "reconcile", "register", "secret"];

#[test]
fn examples_run() {
    for command in commands() {
        let examples = examples(&command);
        assert!(!examples.is_empty(), "{command:?}");
        for words in examples {
            // An id that is made up.
            let words: Vec<_> = words.iter().map(|word| if word == "3kq" { "last" } else { word }).collect();
            let run = world_of_examples(&command[0]).run(&words);
            assert!(run.status != 2, "{words:?}: {}", run.err);
            let is_answered = matches!(run.status, 0 | 1 | 130) || NEED_AN_ANSWER.contains(&&*command[0]);
            assert!(is_answered, "{words:?} ends with {}: {}", run.status, run.err);
        }
    }
}

#[test]
fn help_explains_commands_and_topics() {
    assert_eq!(help(&["help", "listen"]).text(), help(&["listen", "--help"]).text());
    assert_eq!(help(&["help", "events", "show"]).text(), help(&["events", "show", "--help"]).text());
    assert_eq!(help(&["help"]).text(), help(&["--help"]).text());
    for (topic, word) in [
        ("exit-codes", "\n  130 "),
        ("environment", "\n  PLEXOS_WEBHOOK_SECRET "),
        ("formats", "\n  whtool.delivery/1 "),
        ("providers", "\n  settlement.completed "),
    ] {
        let text = help(&["help", topic]).text();
        assert!(text.contains(word), "{topic}: {text}");
    }
    let run = Made::default().run(&["help", "lisen"]);
    assert_eq!((run.status, run.out.len()), (2, 0));
    assert!(run.err.contains("whtool help listen"), "{}", run.err);
    assert_eq!(Made::default().run(&["help", "events", "shw"]).status, 2);
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
