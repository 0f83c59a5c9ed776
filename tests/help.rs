//! Help: every command has it, and all its examples are valid command lines.

use crate::common::{Run, TestWorld};
use crate::events;

fn help(words: &[&str]) -> Run {
    let run = TestWorld::default().run(words);
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{words:?}");
    run
}

/// Returns the commands that the help of a command lists, each with its parents.
fn listed(parents: &[String]) -> Vec<Vec<String>> {
    let words: Vec<_> = parents.iter().map(String::as_str).chain(["--help"]).collect();
    let text = help(&words).text();
    let Some((_, list)) = text.split_once("\nCommands:\n") else { return Vec::new() };
    let names = list.lines().take_while(|line| !line.is_empty()).filter_map(|line| {
        line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.split(' ').next().map(str::to_owned)
    });
    names.map(|name| [parents, &[name]].concat()).collect()
}

/// Returns all commands and subcommands.
pub fn commands() -> Vec<Vec<String>> {
    let first = listed(&[]);
    let nested = first.iter().flat_map(|command| listed(command));
    first.iter().cloned().chain(nested).collect()
}

/// An unknown word from a fixed list is a usage error (2). Anything that is missing on this machine
/// is a failure (3).
#[test]
fn an_unknown_name_ends_with_the_same_status_in_every_command() {
    let body = r#"{"type":"payment.debited","data":{}}"#;
    let world = || TestWorld::with_secrets().file("p.json", body).file("l.csv", "reference,b\nx,y\n");
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
            let run = world().run(words);
            assert_eq!((run.status, run.out.len()), (status, 0), "{words:?}: {}", run.err);
        }
    }
}

#[test]
fn the_main_help_lists_every_command_and_the_exit_statuses() {
    let text = help(&["--help"]).text();
    assert!(listed(&[]).len() >= 7 && commands().len() >= 14, "{text}");
    assert!(text.contains("130 interrupted"), "{text}");
}

/// Returns the examples in a command's help, and those in the notes after them, which are indented.
fn examples(command: &[String]) -> String {
    let words: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let text = help(&words).text();
    let heading = if command.is_empty() { "\nFirst steps:\n" } else { "\nExamples:\n" };
    let (before, examples) = text.split_once(heading).expect("help has examples");
    assert!(!before.contains("Usage:"), "help opens with examples: {text}");
    let (examples, _) = examples.split_once("\n\nUsage:").expect("help has a usage");
    let lines: Vec<_> = examples.lines().filter(|line| line.starts_with("  ")).collect();
    let others = examples.lines().take_while(|line| !line.is_empty()).find(|line| !line.starts_with("  "));
    assert_eq!(others, None, "an example that is not indented, or is wrapped: {text}");
    lines.join("\n")
}

/// Returns the arguments of each call of whtool in these lines of shell.
fn calls(shell: &str) -> Vec<Vec<String>> {
    let joined = shell.replace(" \\\n", " ");
    let mut commands = vec![vec![String::new()]];
    let (mut quote, mut is_comment) = (None, false);
    for letter in joined.chars() {
        let words = commands.last_mut().unwrap();
        let word = words.last_mut().unwrap();
        match (letter, quote) {
            ('`', _) => panic!("a shell runs text in backticks: {shell}"),
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
    assert_eq!(quote, None, "a quote is not closed: {shell}");
    let whtool = |words: Vec<String>| {
        let words = words.into_iter().filter(|word| !word.is_empty()).take_while(|word| word != ">");
        let mut words = words.skip_while(|word| word.contains('='));
        (words.next()? == "whtool").then(|| words.collect())
    };
    commands.into_iter().filter_map(whtool).collect()
}

/// No example is wrapped in a terminal of 80 columns.
const MAX_EXAMPLE_WIDTH: usize = 78;

#[test]
fn examples_can_be_pasted() {
    for command in [vec![]].into_iter().chain(commands()) {
        let examples = examples(&command);
        let long = examples.lines().find(|line| line.chars().count() > MAX_EXAMPLE_WIDTH);
        assert_eq!(long, None, "{command:?}");
        let continued = examples.lines().zip(examples.lines().skip(1));
        let unmarked = continued.filter(|(line, next)| next.starts_with("   ") != line.ends_with(" \\"));
        assert_eq!(unmarked.count(), 0, "a line continues without a backslash: {examples}");
        let called = calls(&examples).len();
        let named = examples.lines().filter(|line| line.contains("whtool ")).count();
        assert!(called > 0 && called >= named, "{command:?} shows whtool where no shell would call it: {examples}");
    }
}

#[test]
fn the_shell_reader_handles_words_quotes_pipes_comments_and_continued_lines() {
    let text = "  X=1 whtool a 'b c' | whtool d > e  # whtool `f`\n  source <(whtool g h)\n  cat i \\\n    whtool";
    let text = text.replace('`', "'");
    let expected: [&[&str]; 3] = [&["a", "b c"], &["d"], &["g", "h"]];
    assert_eq!(calls(&text), expected);
}

/// Returns a world with the files, captures and answers that the examples of a command use.
fn world_of_examples(command: &str) -> TestWorld {
    let har = include_bytes!("../src/capture/tests/sample.har");
    let payload = include_bytes!("vectors/plexos.json");
    let piped: &[u8] = if command == "verify" { har } else { payload };
    let world = TestWorld::with_secrets().input(piped).file("payload.json", payload);
    let request = world.run(&["sign", "payload.json", "--as", "http"]).out;
    let record = world.run(&["sign", "payload.json", "--as", "json"]).out;
    let world = world.file("request.http", &request).file("handler-saw.http", request);
    let world = world.file("capture.pcap", &include_bytes!("vectors/captures/tcpdump.pcap")[..]);
    let mut world = world.file("deliveries.ndjson", record).file("missed", "last~1\n");
    world.folders = vec!["/project".into()];
    if matches!(command, "events" | "learn" | "replay" | "verify") {
        // A delivery that was rejected because no secret was configured yet, and a forged one.
        events::store_captures_with_keys(&world, &[(90, events::plexos(payload))], &[]);
        events::store_captures(&world, &[(60, events::plexos(payload)), (30, events::plexos(b"{}"))]);
    }
    if command == "learn" {
        let facts = world.run(&["learn", "--report"]).out;
        return world.file("facts.json", facts);
    }
    world
}

/// Commands that query or await a provider or handler. Their own tests answer them.
const NEED_A_SERVER: [&str; 8] = ["check", "emulate", "endpoints", "reconcile", "register", "secret", "store", "watch"];

/// Replaces the captures of examples by such as there are.
fn existing_capture(word: &str) -> &str {
    match word {
        "last~1" | "42" => "last",
        "40..45" => "1..45",
        url if url.starts_with("postgres://") => "postgres://127.0.0.1:1/webhooks",
        other => other,
    }
}

#[test]
fn examples_run() {
    for command in [vec![]].into_iter().chain(commands()) {
        for words in calls(&examples(&command)) {
            let words: Vec<_> = words.iter().map(|word| existing_capture(word)).collect();
            let called = words.first().copied().unwrap_or_default();
            let run = world_of_examples(called).run(&words);
            assert!(run.status != 2, "{words:?}: {}", run.err);
            let has_database = words.iter().any(|word| word.starts_with("postgres://"));
            let is_answered = matches!(run.status, 0 | 1 | 130) || has_database || NEED_A_SERVER.contains(&called);
            assert!(is_answered, "{words:?} ends with {}: {}", run.status, run.err);
        }
    }
}

#[test]
fn help_shows_commands_and_topics() {
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
    let run = TestWorld::default().run(&["help", "lisen"]);
    assert_eq!((run.status, run.out.len()), (2, 0));
    assert!(run.err.contains("whtool help listen"), "{}", run.err);
    assert_eq!(TestWorld::default().run(&["help", "events", "shw"]).status, 2);
}

#[test]
fn an_unknown_flag_is_a_usage_error_with_a_suggestion() {
    let run = TestWorld::default().run(&["listen", "--potr", "1"]);
    assert_eq!((run.status, run.out.len()), (2, 0));
    assert!(run.err.contains("--port"), "{}", run.err);
    assert_eq!(TestWorld::default().run(&[]).status, 2);
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(help(&["--version"]).text(), concat!("whtool ", env!("CARGO_PKG_VERSION"), "\n"));
}
