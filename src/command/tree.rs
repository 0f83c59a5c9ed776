//! The tree of commands as everything else sees it: parsing, help, completions, man pages, settings.
//!
//! Commands write their examples as `after_help`; here they are moved to the top of the help, and those that call a nested command
//! are given to it too. So a new command has nothing to do for any of this.

use super::{COMMANDS, Root};
use clap::builder::StyledStr;
use clap::{Command, CommandFactory};
use std::ffi::OsString;

/// Examples stand where they are read first.
const TEMPLATE: &str = "{before-help}{about}{after-help}\n\n{usage-heading} {usage}\n\n{all-args}";

/// The line before examples.
const HEADING: &str = "Examples:\n";

/// Every command with its arguments.
pub(super) fn tree() -> Command {
    COMMANDS.iter().fold(Root::command(), |tree, entry| {
        let command = (entry.build)(Command::new(entry.name));
        tree.subcommand(with_examples(command, None))
    })
}

/// What one command line is read by: of the commands that it does not call there is only the name, since to build them all would take
/// longer than a small command does. It shows no help and no complaint as the whole tree does.
pub(super) fn tree_for(arguments: &[OsString]) -> Command {
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    // The flags before it take no value that is also a command's name.
    let called = words.filter_map(|word| COMMANDS.iter().find(|entry| entry.name == word)).next();
    COMMANDS.iter().fold(Root::command(), |tree, entry| {
        let command = Command::new(entry.name);
        let is_called = called.is_some_and(|called| called.name == entry.name);
        tree.subcommand(if is_called { (entry.build)(command) } else { command })
    })
}

/// A command whose help opens with its examples, or else with those of the command above that call it, or with all of those.
fn with_examples(mut command: Command, above: Option<&str>) -> Command {
    let own = command.get_after_help().map(ToString::to_string);
    let text = own.or_else(|| calling(command.get_name(), above?)).or_else(|| above.map(str::to_owned));
    if let Some(text) = &text {
        let heading = command.get_styles().get_header();
        let shown = flowing(text).replacen(HEADING, &format!("{heading}Examples:{heading:#}\n"), 1);
        command = command.after_help(StyledStr::from(shown));
    }
    command.help_template(TEMPLATE).mut_subcommands(|nested| with_examples(nested, text.as_deref()))
}

/// The notes behind examples as whole paragraphs, which are broken where the terminal ends; what is set in stays as it is.
fn flowing(text: &str) -> String {
    let (mut flowing, mut is_said) = (String::new(), false);
    for line in text.lines() {
        let was_said =
            std::mem::replace(&mut is_said, !line.is_empty() && !line.starts_with("  ") && line != HEADING.trim_end());
        if !flowing.is_empty() {
            flowing.push(if was_said && is_said { ' ' } else { '\n' });
        }
        flowing.push_str(line);
    }
    flowing
}

/// Those examples that call the nested command of this name.
fn calling(name: &str, above: &str) -> Option<String> {
    let calls = |line: &&str| line.split_whitespace().skip_while(|word| *word != "whtool").nth(2) == Some(name);
    let lines: Vec<_> = above.lines().filter(calls).collect();
    (!lines.is_empty()).then(|| format!("{HEADING}{}", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(command: &Command, look: &mut dyn FnMut(&Command)) {
        for nested in command.get_subcommands() {
            look(nested);
            each(nested, look);
        }
    }

    #[test]
    fn every_command_has_examples() {
        each(&tree(), &mut |command| {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(text.starts_with(HEADING) && text.contains("whtool "), "{}: {text}", command.get_name());
        });
    }

    #[test]
    fn a_command_line_is_read_by_the_command_that_it_calls() {
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
    fn notes_flow_and_examples_stay_line_for_line() {
        let text = "Examples:\n  whtool a \\\n    b\n\nA note\nof two lines:\n  whtool c\n  whtool d\n\nAnother";
        assert_eq!(flowing(text), text.replace("note\nof", "note of"));
    }

    #[test]
    fn a_nested_command_takes_the_examples_that_call_it() {
        let above = "Examples:\n  whtool events --failed\n  X=1 whtool events show last\n  whtool show";
        assert_eq!(calling("show", above).unwrap(), "Examples:\n  X=1 whtool events show last");
        assert_eq!(calling("diff", above), None);
    }
}
