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

/// The examples of a command's help as they stand there; behind a blank line are notes, of which those that are set in are examples too.
fn examples(command: &[String]) -> String {
    let words: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let text = help(&words).text();
    let heading = if command.is_empty() { "\nFirst steps:\n" } else { "\nExamples:\n" };
    let (before, examples) = text.split_once(heading).expect("help has examples");
    assert!(!before.contains("Usage:"), "help opens with examples: {text}");
    let (examples, _) = examples.split_once("\n\nUsage:").expect("help has a usage");
    let lines: Vec<_> = examples.lines().filter(|line| line.starts_with("  ")).collect();
    let others = examples.lines().take_while(|line| !line.is_empty()).find(|line| !line.starts_with("  "));
    assert_eq!(others, None, "an example that is not set in, or was broken: {text}");
    lines.join("\n")
}

/// The calls of whtool in a few lines of shell, as a shell would read them: the words behind its name.
fn calls(shell: &str) -> Vec<Vec<String>> {
    let joined = shell.replace(" \\\n", " ");
    let mut commands = vec![vec![String::new()]];
    let (mut quote, mut is_comment) = (None, false);
    for letter in joined.chars() {
        let words = commands.last_mut().unwrap();
        let word = words.last_mut().unwrap();
        match (letter, quote) {
            ('`', _) => panic!("a shell runs what stands between backticks: {shell}"),
            ('\n', None) => {
                is_comment = false;
                commands.push(vec![String::new()]);
            }
            _ if is_comment => {}
            (_, Some(open)) if letter == open => quote = None,
            ('\'' | '"', None) => quote = Some(letter),
            ('#', None) if word.is_empty() => is_comment = true,
            ('|' | ';' | '&' | '(' | ')', None) => commands.push(vec![String::new()]),
            (' ', None) => words.push(String::new()),
            _ => word.push(letter),
        }
    }
    assert_eq!(quote, None, "a quote is left open: {shell}");
    let whtool = |words: Vec<String>| {
        let words = words.into_iter().filter(|word| !word.is_empty()).take_while(|word| word != ">");
        let mut words = words.skip_while(|word| word.contains('='));
        (words.next()? == "whtool").then(|| words.collect())
    };
    commands.into_iter().filter_map(whtool).collect()
}

/// A terminal of 80 columns breaks no example.
const LONGEST: usize = 78;

#[test]
fn examples_can_be_pasted() {
    for command in [vec![]].into_iter().chain(commands()) {
        let examples = examples(&command);
        let long = examples.lines().find(|line| line.chars().count() > LONGEST);
        assert_eq!(long, None, "{command:?}");
        let after_a_break = examples.lines().zip(examples.lines().skip(1));
        let lost = after_a_break.filter(|(line, next)| next.starts_with("   ") != line.ends_with(" \\"));
        assert_eq!(lost.count(), 0, "a line goes on without a backslash: {examples}");
        let called = calls(&examples).len();
        let named = examples.lines().filter(|line| line.contains("whtool ")).count();
        assert!(called > 0 && called >= named, "{command:?} shows whtool where no shell would call it: {examples}");
    }
}

#[test]
fn a_shell_reads_words_quotes_pipes_comments_and_long_lines() {
    let text = "  X=1 whtool a 'b c' | whtool d > e  # whtool `f`\n  source <(whtool g h)\n  cat i \\\n    whtool";
    let text = text.replace('`', "'");
    let expected: [&[&str]; 3] = [&["a", "b c"], &["d"], &["g", "h"]];
    assert_eq!(calls(&text), expected);
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
    for command in [vec![]].into_iter().chain(commands()) {
        for words in calls(&examples(&command)) {
            // An id that is made up.
            let words: Vec<_> = words.iter().map(|word| if word == "3kq" { "last" } else { word.as_str() }).collect();
            let called = words.first().copied().unwrap_or_default();
            let run = world_of_examples(called).run(&words);
            assert!(run.status != 2, "{words:?}: {}", run.err);
            let is_answered = matches!(run.status, 0 | 1 | 130) || NEED_AN_ANSWER.contains(&called);
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
