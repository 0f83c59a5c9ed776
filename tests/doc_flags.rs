//! Flags that the documentation, help pages and messages name: each exists in its command.

use crate::common::TestWorld;
use crate::help::commands;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Flags of other programs that the documentation names without the program.
const FOREIGN: &[&str] = &[
    "--batch",
    "--csv",
    "--data-binary",
    "--data-raw",
    "--globoff",
    "--locked",
    "--release",
    "--set",
    "--test-threads",
    "--trace",
    "--trace-ascii",
];

/// Flags of each command by its words, and of whtool itself by none.
struct Flags(BTreeMap<Vec<String>, BTreeSet<String>>);

impl Flags {
    fn read() -> Self {
        let paths = [vec![]].into_iter().chain(commands());
        Self(paths.map(|words| (words.clone(), flags_in_help(&words))).collect())
    }

    /// Returns the command that these words call, and their flags that it has not. `None`: they call
    /// none.
    fn unknown(&self, words: &[String]) -> Option<(String, Vec<String>)> {
        let length = (1..=words.len()).take_while(|&length| self.0.contains_key(&words[..length])).last()?;
        let (command, rest) = words.split_at(length);
        let known = &self.0[command];
        // A group of commands, such as `events`, has flags of its own, which its commands share.
        let global = &self.0[&vec![]];
        let flags = rest.iter().filter_map(|word| flag(word));
        let unknown = flags.filter(|flag| !known.contains(flag) && !global.contains(flag)).collect();
        Some((command.join(" "), unknown))
    }

    fn exists(&self, flag: &str) -> bool {
        FOREIGN.contains(&flag) || self.0.values().any(|flags| flags.contains(flag))
    }
}

/// Reads the flags from the list of options, where each begins a line.
fn flags_in_help(command: &[String]) -> BTreeSet<String> {
    let words: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let text = TestWorld::default().run(&words).text();
    let lines = text.lines().map(str::trim_start);
    let lines =
        lines.map(|line| line.split_once(", --").filter(|(short, _)| short.len() == 2).map_or(line, |_| &line[4..]));
    lines.filter(|line| line.starts_with("--")).filter_map(flag).collect()
}

/// Returns the long flag at the start of a word.
fn flag(word: &str) -> Option<String> {
    let name = word.strip_prefix("--")?;
    let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(name.len());
    name.starts_with(|c: char| c.is_ascii_lowercase()).then(|| format!("--{}", &name[..end]))
}

/// Splits a line of shell into the words of its first command; quoted text is one word.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for letter in line.chars() {
        let word = words.last_mut().unwrap();
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => word.push('_'),
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.push('_');
            }
            ('|' | ';' | '&' | '>' | '<' | ')' | '#', None) => break,
            _ if letter.is_whitespace() => words.push(String::new()),
            _ => word.push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Code of a Markdown page: each line of its blocks, and each inline piece.
fn code(page: &str) -> Vec<String> {
    let (mut pieces, mut prose) = (Vec::new(), String::new());
    for (number, part) in page.replace("\\\n", " ").split("```").enumerate() {
        if number % 2 == 1 {
            pieces.extend(part.lines().skip(1).map(str::to_owned));
        } else {
            prose.push_str(part);
            prose.push('\n');
        }
    }
    pieces.extend(prose.split('`').skip(1).step_by(2).map(|piece| piece.replace('\n', " ")));
    pieces
}

/// Checks a piece of code: the flags of each call of whtool, and flags that stand alone.
fn check_piece(flags: &Flags, piece: &str, faults: &mut Vec<String>) {
    let mut calls: Vec<_> = piece.split("whtool ").skip(1).collect();
    // In prose, commands are called without the program.
    if calls.is_empty() {
        calls.push(piece);
    }
    for call in calls {
        let words = shell_words(call);
        if let Some((command, unknown)) = flags.unknown(&words) {
            faults.extend(unknown.iter().map(|flag| format!("{command} has no {flag}: {piece}")));
        } else if let Some(flag) = words.first().and_then(|word| flag(word)).filter(|flag| !flags.exists(flag)) {
            faults.push(format!("no command has {flag}: {piece}"));
        }
    }
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { files(&path, ending) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

#[test]
fn flags_in_the_documentation_exist_in_the_command_that_they_are_named_with() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (flags, mut faults, mut checked) = (Flags::read(), Vec::new(), 0);
    let pages = ["README.md", "CONTRIBUTING.md"].map(|name| root.join(name));
    for page in pages.into_iter().chain(files(&root.join("docs"), "md")) {
        let (text, name) = (std::fs::read_to_string(&page).unwrap(), page.file_name().unwrap().to_owned());
        let mut found = Vec::new();
        for piece in code(&text) {
            check_piece(&flags, &piece, &mut found);
            checked += 1;
        }
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", name.display())));
    }
    assert!(checked > 500, "{checked}");
    assert_eq!(faults, [""; 0]);
}

#[test]
fn flags_in_help_pages_and_messages_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (flags, mut faults, mut checked) = (Flags::read(), Vec::new(), 0);
    for folder in ["command", "render", "check", "diagnose", "settings", "model"] {
        for file in files(&root.join("src").join(folder), "rs") {
            let text = std::fs::read_to_string(&file).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '-');
            for flag in words.filter_map(flag).filter(|flag| flag.len() > 4) {
                checked += 1;
                if !flags.exists(&flag) {
                    faults.push(format!("{}: {flag}", file.file_name().unwrap().display()));
                }
            }
        }
    }
    assert!(checked > 200, "{checked}");
    assert_eq!(faults, [""; 0], "a flag of another program belongs into FOREIGN");
}

#[test]
fn an_unknown_flag_in_a_page_is_found() {
    let flags = Flags::read();
    let faults = |page: &str| {
        let mut faults = Vec::new();
        code(page).iter().for_each(|piece| check_piece(&flags, piece, &mut faults));
        faults
    };
    let good = "`whtool listen --count 1` and `--json`\n```sh\nX=1 whtool replay --to x | whtool verify - --json # --no\n```\n";
    assert_eq!(faults(good), [""; 0]);
    for (bad, fault) in [
        ("`listen --to x`", "listen has no --to: listen --to x"),
        ("`--nothing`", "no command has --nothing: --nothing"),
        ("```sh\nwhtool events \\\n  export --raw\n```", "events export has no --raw: whtool events    export --raw"),
    ] {
        assert_eq!(faults(bad), [fault]);
    }
}
