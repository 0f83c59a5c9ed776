//! Messages are wrapped to the width of the terminal, but not for a pipe.

use crate::common::TestWorld;
use unicode_width::UnicodeWidthStr;
use whtool::world::Stream;

/// Returns the output of a command, first to a pipe, then to a terminal of this many columns.
fn piped_and_narrow(words: &[&str], columns: u16) -> [String; 2] {
    let mut world = TestWorld::with_secrets().variable("NO_COLOR", "1");
    let output = |world: &TestWorld| {
        let run = world.run(words);
        format!("{}{}", run.text(), run.err)
    };
    let piped = output(&world);
    world.columns = Some(columns);
    world.terminals = vec![Stream::Output, Stream::Error];
    [piped, output(&world)]
}

const URL: &str = "https://a-shop-with-a-long-name.example.com/webhooks/of/plexos?token=not-to-be-broken";

const COMMANDS: [&[&str]; 9] = [
    &["doctor", "--offline"],
    &["secret"],
    &["secret", "remove", "one-that-is-not-there"],
    &["endpoints"],
    &["register", "--url", URL],
    &["register", "--provider", "plustive", "--url", URL],
    &["replay", "payment.debited", "--to", URL],
    &["check", "--list"],
    &["reconcile", "one-reference-that-nobody-knows"],
];

#[test]
fn messages_are_wrapped_between_words_and_nothing_is_omitted() {
    for words in COMMANDS {
        for columns in [40, 60] {
            let [piped, narrow] = piped_and_narrow(words, columns);
            let fits = |line: &str| line.width() <= columns.into() || !line.trim_start().contains(' ');
            assert!(narrow.lines().all(fits), "{words:?}: {narrow}");
            assert!(narrow.split_whitespace().eq(piped.split_whitespace()), "{words:?}: {narrow}");
            let is_too_wide = piped.lines().any(|line| line.width() > columns.into());
            assert_eq!(narrow.lines().count() > piped.lines().count(), is_too_wide, "{words:?}: {narrow}");
        }
    }
}

#[test]
fn help_topics_are_wrapped_and_their_descriptions_stay_aligned() {
    for topic in ["exit-codes", "environment", "formats", "providers"] {
        let [piped, narrow] = piped_and_narrow(&["help", topic], 80);
        let fits = |line: &str| line.width() <= 80 || !line.trim_start().contains(' ');
        assert!(narrow.lines().all(fits), "{narrow}");
        assert!(narrow.split_whitespace().eq(piped.split_whitespace()), "{narrow}");
    }
    let [_, narrow] = piped_and_narrow(&["help", "exit-codes"], 80);
    assert!(narrow.contains(&format!("\n{:25}", "")), "{narrow}");
}

#[test]
fn a_wide_terminal_gets_the_same_as_a_pipe() {
    for words in COMMANDS {
        let [piped, wide] = piped_and_narrow(words, 1_000);
        assert_eq!(piped, wide, "{words:?}");
    }
}

#[test]
fn addresses_and_commands_stay_whole() {
    let path = "captures/of-a-shop-with-a-long-name/that-is-not-there.jsonl";
    let [_, narrow] = piped_and_narrow(&["verify", path], 40);
    assert!(narrow.contains(&format!("read\n    {path}\n")), "{narrow}");
    let [_, narrow] = piped_and_narrow(&["endpoints"], 60);
    assert!(narrow.contains("`whtool register --url URL`"), "{narrow}");
}

#[test]
fn colors_follow_the_variables_in_their_order() {
    let is_colored = |variables: &[(&str, &str)], is_terminal: bool| {
        let world = if is_terminal { TestWorld::default().terminal(Stream::Output) } else { TestWorld::default() };
        let world = variables.iter().fold(world, |world, (name, value)| world.variable(name, value));
        world.run(&["samples"]).text().contains('\u{1b}')
    };
    for (variables, piped, terminal) in [
        (&[][..], false, true),
        (&[("NO_COLOR", "1")], false, false),
        (&[("NO_COLOR", "")], false, true),
        (&[("FORCE_COLOR", "1")], true, true),
        (&[("FORCE_COLOR", "0")], false, false),
        (&[("CLICOLOR_FORCE", "1")], true, true),
        (&[("CLICOLOR_FORCE", "0")], false, true),
        (&[("CLICOLOR", "0")], false, false),
        (&[("TERM", "dumb")], false, false),
        (&[("TERM", "dumb"), ("FORCE_COLOR", "3")], true, true),
        (&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], false, false),
    ] {
        assert_eq!((is_colored(variables, false), is_colored(variables, true)), (piped, terminal), "{variables:?}");
    }
}
