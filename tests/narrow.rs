//! What is said to people fits their terminal; a pipe gets it unbroken. What `listen`, `events` and `verify` show stands with them.

use crate::common::Made;
use unicode_width::UnicodeWidthStr;
use whtool::world::Stream;

/// What a command line says and shows, first to a pipe, then to a terminal of so many columns.
fn both(words: &[&str], columns: u16) -> [String; 2] {
    let mut made = Made::with_secrets().variable("NO_COLOR", "1");
    let said = |made: &Made| {
        let run = made.run(words);
        format!("{}{}", run.text(), run.err)
    };
    let piped = said(&made);
    made.columns = Some(columns);
    made.terminals = vec![Stream::Output, Stream::Error];
    [piped, said(&made)]
}

const URL: &str = "https://a-shop-with-a-long-name.example.com/webhooks/of/plexos?token=not-to-be-broken";

const SAYING: [&[&str]; 9] = [
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
fn what_is_said_is_broken_between_words_and_nothing_is_left_out() {
    for words in SAYING {
        for columns in [40, 60] {
            let [piped, narrow] = both(words, columns);
            let fits = |line: &str| line.width() <= columns.into() || !line.trim_start().contains(' ');
            assert!(narrow.lines().all(fits), "{words:?}: {narrow}");
            assert!(narrow.split_whitespace().eq(piped.split_whitespace()), "{words:?}: {narrow}");
            let is_too_wide = piped.lines().any(|line| line.width() > columns.into());
            assert_eq!(narrow.lines().count() > piped.lines().count(), is_too_wide, "{words:?}: {narrow}");
        }
    }
}

#[test]
fn topics_are_broken_between_words_and_meanings_stay_under_each_other() {
    for topic in ["exit-codes", "environment", "formats", "providers"] {
        let [piped, narrow] = both(&["help", topic], 80);
        let fits = |line: &str| line.width() <= 80 || !line.trim_start().contains(' ');
        assert!(narrow.lines().all(fits), "{narrow}");
        assert!(narrow.split_whitespace().eq(piped.split_whitespace()), "{narrow}");
    }
    let [_, narrow] = both(&["help", "exit-codes"], 80);
    assert!(narrow.contains(&format!("\n{:25}", "")), "{narrow}");
}

#[test]
fn a_wide_terminal_gets_what_a_pipe_gets() {
    for words in SAYING {
        let [piped, wide] = both(words, 1_000);
        assert_eq!(piped, wide, "{words:?}");
    }
}

#[test]
fn addresses_and_commands_stay_whole() {
    let place = "captures/of-a-shop-with-a-long-name/that-is-not-there.jsonl";
    let [_, narrow] = both(&["verify", place], 40);
    assert!(narrow.contains(&format!("read\n    {place}\n")), "{narrow}");
    let [_, narrow] = both(&["endpoints"], 60);
    assert!(narrow.contains("`whtool register --url URL`"), "{narrow}");
}
