//! The tree of all commands, from which parsing, help, completions, man pages and settings are
//! derived.
//!
//! Commands write their examples as `after_help`. This module moves them to the top of the help,
//! and copies those that call a subcommand to the subcommand's help.

use super::{COMMANDS, CommandEntry, Root};
use clap::builder::{PossibleValue, StyledStr};
use clap::{Arg, Command, CommandFactory};
use std::ffi::OsString;

/// Help with the examples first.
const TEMPLATE: &str = "{before-help}{about}{after-help}\n\n{usage-heading} {usage}\n\n{all-args}";

const HEADING: &str = "Examples:\n";

/// Builds every command with its arguments.
pub(super) fn tree() -> Command {
    COMMANDS.iter().fold(Root::command(), |tree, entry| {
        let command = (entry.build)(named(entry));
        tree.subcommand(with_examples(command, None))
    })
}

/// Builds the tree for one command line: only the called command gets its arguments, since building
/// all commands takes longer than running a small one. Its help and errors are incomplete; use
/// `tree` for those.
pub(super) fn tree_for(arguments: &[OsString]) -> Command {
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    // No flag before the command has a value that is also the name of a command.
    let called = words.filter_map(|word| COMMANDS.iter().find(|entry| entry.is_called(word))).next();
    COMMANDS.iter().fold(Root::command(), |tree, entry| {
        let command = named(entry);
        let is_called = called.is_some_and(|called| called.name == entry.name);
        tree.subcommand(if is_called { (entry.build)(command) } else { command })
    })
}

fn named(entry: &CommandEntry) -> Command {
    Command::new(entry.name).aliases(entry.alias)
}

/// Puts the command's examples at the top of its help. A subcommand without its own gets those of
/// its parent that call it, or else all of them.
fn with_examples(mut command: Command, parent: Option<&str>) -> Command {
    let own = command.get_after_help().map(ToString::to_string);
    let text = own.or_else(|| examples_calling(command.get_name(), parent?)).or_else(|| parent.map(str::to_owned));
    if let Some(text) = &text {
        let heading = command.get_styles().get_header();
        let shown = join_paragraphs(text).replacen(HEADING, &format!("{heading}Examples:{heading:#}\n"), 1);
        command = command.after_help(StyledStr::from(shown));
    }
    command.help_template(TEMPLATE).mut_subcommands(|nested| with_examples(nested, text.as_deref()))
}

/// Joins the lines of each paragraph after the examples, so that the terminal's width decides where
/// they wrap. Indented lines stay as they are.
fn join_paragraphs(text: &str) -> String {
    let (mut joined, mut in_paragraph) = (String::new(), false);
    for line in text.lines() {
        let is_prose = !line.is_empty() && !line.starts_with("  ") && line != HEADING.trim_end();
        let continues = std::mem::replace(&mut in_paragraph, is_prose) && is_prose;
        if !joined.is_empty() {
            joined.push(if continues { ' ' } else { '\n' });
        }
        joined.push_str(line);
    }
    joined
}

/// Returns the parent's examples that call the subcommand of this name.
fn examples_calling(name: &str, parent: &str) -> Option<String> {
    let calls = |line: &&str| line.split_whitespace().skip_while(|word| *word != "whtool").nth(2) == Some(name);
    let lines: Vec<_> = parent.lines().filter(calls).collect();
    (!lines.is_empty()).then(|| format!("{HEADING}{}", lines.join("\n")))
}

/// Every command, for printing help: `-h` and `--help` show the same page, with one line per option
/// where it fits.
pub(super) fn help_tree() -> Command {
    with_short_layout(tree())
}

/// Moves everything that makes clap switch to its long layout, which needs three lines per option:
/// the further paragraphs of a description go before the examples, and the descriptions of possible
/// values are left to the man page.
fn with_short_layout(command: Command) -> Command {
    let description = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    let further = description.split_once("\n\n").map(|(_, further)| further.trim_end().to_owned());
    let examples = command.get_after_help().map(|text| text.ansi().to_string());
    let below: Vec<_> = further.into_iter().chain(examples).collect();
    let command = command.long_about(None::<&str>).after_help(below.join("\n\n"));
    command.mut_args(with_short_help).mut_subcommands(with_short_layout)
}

fn with_short_help(arg: Arg) -> Arg {
    let text = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let values = arg.get_possible_values();
    if arg.is_hide_possible_values_set() || !values.iter().any(|value| value.get_help().is_some()) {
        return arg.help(text).long_help(None::<&str>);
    }
    let names: Vec<_> = values.iter().filter(|value| !value.is_hide_set()).map(PossibleValue::get_name).collect();
    let text = format!("{text} [possible values: {}]", names.join(", "));
    arg.help(text).long_help(None::<&str>).hide_possible_values(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(command: &Command, check: &mut dyn FnMut(&Command)) {
        for nested in command.get_subcommands() {
            check(nested);
            visit(nested, check);
        }
    }

    #[test]
    fn every_command_has_examples() {
        visit(&tree(), &mut |command| {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(text.starts_with(HEADING) && text.contains("whtool "), "{}: {text}", command.get_name());
        });
    }

    #[test]
    fn only_the_called_command_is_built() {
        for entry in &COMMANDS {
            let line = ["whtool", "-q", "--color", "never", entry.name].map(OsString::from);
            let tree = tree_for(&line);
            let arguments = |tree: &Command, name: &str| tree.find_subcommand(name).unwrap().get_arguments().count();
            let whole = super::tree();
            for other in &COMMANDS {
                let expected = if other.name == entry.name { arguments(&whole, other.name) } else { 0 };
                assert_eq!(arguments(&tree, other.name), expected, "{}: {}", entry.name, other.name);
            }
        }
    }

    #[test]
    fn paragraphs_are_joined_and_examples_are_not() {
        let text = "Examples:\n  whtool a \\\n    b\n\nA note\nof two lines:\n  whtool c\n  whtool d\n\nAnother";
        assert_eq!(join_paragraphs(text), text.replace("note\nof", "note of"));
    }

    #[test]
    fn a_subcommand_gets_the_examples_that_call_it() {
        let parent = "Examples:\n  whtool events --failed\n  X=1 whtool events show last\n  whtool show";
        assert_eq!(examples_calling("show", parent).unwrap(), "Examples:\n  X=1 whtool events show last");
        assert_eq!(examples_calling("diff", parent), None);
    }
}
