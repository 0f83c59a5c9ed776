//! Whole help pages and error messages, as a user reads them.

mod errors;
mod machine;
mod providers;
mod receiving;
mod sending;

use crate::common::TestWorld;
use crate::help::commands;

/// Returns the help of a command in a terminal of this width.
fn page(command: &str, columns: u16) -> String {
    let words: Vec<_> = command.split(' ').filter(|word| !word.is_empty()).chain(["--help"]).collect();
    let run = TestWorld::default().columns(columns).run(&words);
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{command}");
    run.text()
}

fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = [&receiving::PAGES[..], &sending::PAGES, &providers::PAGES, &machine::PAGES];
    all.into_iter().flatten().map(|(command, page)| (*command, page.strip_prefix('\n').unwrap()))
}

#[test]
fn every_command_has_the_help_that_is_written_here() {
    for (command, expected) in pages() {
        let page = page(command, 100);
        if std::env::var_os("UPDATE").is_some() {
            rewrite(expected, &page);
            continue;
        }
        assert!(page == expected, "the help of `{command}` is now (UPDATE=1 writes it here):\n{page}");
    }
}

/// Replaces a page in the file that contains it.
fn rewrite(expected: &str, page: &str) {
    for file in ["machine", "providers", "receiving", "sending"] {
        let path = format!("{}/tests/help_pages/{file}.rs", env!("CARGO_MANIFEST_DIR"));
        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, before.replace(&format!("\n{expected}\""), &format!("\n{page}\""))).unwrap();
    }
}

#[test]
fn no_command_is_without_its_page_here() {
    let mut expected: Vec<_> = commands().iter().map(|command| command.join(" ")).chain([String::new()]).collect();
    let mut found: Vec<_> = pages().map(|(command, _)| command.to_owned()).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn help_is_wrapped_to_the_terminal_and_never_wider_than_100_columns() {
    for (command, expected) in pages() {
        assert!(page(command, 200) == expected, "{command}");
        let narrow = page(command, 80);
        // Examples and usage are not wrapped, and neither is the end of the first page.
        let (_, options) = narrow.split_once("\nOptions:\n").unwrap();
        let options = options.split("\nExit status: ").next().unwrap();
        let wide = options.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{command}");
        assert!(narrow.split_whitespace().eq(expected.split_whitespace()), "{command}: {narrow}");
    }
}
