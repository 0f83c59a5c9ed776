//! The tree of commands as everything else sees it: parsing, help, completions, man pages, settings.
//!
//! Commands write their examples as `after_help`; here they are moved to the top of the help, and those that call a nested command
//! are given to it too. So a new command has nothing to do for any of this.

use super::Cli;
use clap::builder::StyledStr;
use clap::{Command, CommandFactory};
use std::ffi::OsString;

/// Examples stand where they are read first.
const TEMPLATE: &str = "{before-help}{about}{after-help}\n\n{usage-heading} {usage}\n\n{all-args}";

/// The line before examples.
const HEADING: &str = "Examples:\n";

/// Every command with its arguments.
pub(super) fn tree() -> Command {
    Cli::command().mut_subcommands(|command| with_examples(command, None))
}

/// The same for one command line: only the command that it calls is dressed up, which is a third of the time that a small command
/// takes. Where none is called, only the first page can come up.
pub(super) fn tree_for(arguments: &[OsString]) -> Command {
    let tree = Cli::command();
    let called =
        arguments.iter().skip(1).filter_map(|word| word.to_str()).find(|word| tree.find_subcommand(word).is_some());
    match called {
        Some(name) => tree.mut_subcommand(name, |command| with_examples(command, None)),
        None => tree,
    }
}

/// A command whose help opens with its examples, or else with those of the command above that call it, or with all of those.
fn with_examples(mut command: Command, above: Option<&str>) -> Command {
    let own = command.get_after_help().map(ToString::to_string);
    let text = own.or_else(|| calling(command.get_name(), above?)).or_else(|| above.map(str::to_owned));
    if let Some(text) = &text {
        let heading = command.get_styles().get_header();
        let shown = text.replacen(HEADING, &format!("{heading}Examples:{heading:#}\n"), 1);
        command = command.after_help(StyledStr::from(shown));
    }
    command.help_template(TEMPLATE).mut_subcommands(|nested| with_examples(nested, text.as_deref()))
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
    fn a_command_that_is_called_looks_as_it_does_in_the_whole_tree() {
        let help = |command: &mut Command| command.render_long_help().to_string();
        for mut whole in tree().get_subcommands().cloned().collect::<Vec<_>>() {
            let name = whole.get_name().to_owned();
            let mut one = tree_for(&["whtool", "-q", &name].map(OsString::from));
            assert_eq!(help(one.find_subcommand_mut(&name).unwrap()), help(&mut whole), "{name}");
        }
    }

    #[test]
    fn a_nested_command_takes_the_examples_that_call_it() {
        let above = "Examples:\n  whtool events --failed\n  X=1 whtool events show last\n  whtool show";
        assert_eq!(calling("show", above).unwrap(), "Examples:\n  X=1 whtool events show last");
        assert_eq!(calling("diff", above), None);
    }
}
