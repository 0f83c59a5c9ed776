//! `whtool help`: shows the help of a command, or a topic that concerns several commands.

mod topics;

use super::{COMMANDS, Session, tree};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::width::Width;
use crate::world::Stream;
use clap::Args;
pub(in crate::command) use topics::SCHEMA as RECORD_SCHEMA;
pub(super) use topics::{HelpTopic, TOPICS, TopicPart};

/// Show help for a command or a topic (exit-codes, environment, formats, providers)
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool help listen
  whtool help events show
  whtool help exit-codes
  whtool help environment")]
pub(super) struct Help {
    /// Command or topic (default: whtool itself)
    #[arg(value_name = "SUBJECT")]
    words: Vec<String>,
}

/// Column at which the descriptions of a list begin.
const DESCRIPTION_COLUMN: usize = 25;
/// Column at which the terms of a list begin.
const TERM_COLUMN: usize = 2;

pub(super) fn run(args: &Help, session: &Session<'_>) -> Result<CommandOutcome> {
    let words: Vec<_> = args.words.iter().map(String::as_str).collect();
    if let [name] = words[..]
        && let Some(topic) = TOPICS.iter().find(|topic| topic.name == name)
    {
        let mut output = session.world.stdout();
        output.write_all(topic_page(topic, session).as_bytes())?;
        output.flush()?;
        return Ok(CommandOutcome::Success);
    }
    let is_command = |word: &str| COMMANDS.iter().any(|entry| entry.is_called(word));
    if let Some(first) = words.first().filter(|first| !is_command(first)) {
        return Err(unknown_subject(first));
    }
    let line = ["whtool"].iter().chain(&words).chain(&["--help"]);
    match tree::help_tree().try_get_matches_from(line) {
        Err(error) if error.use_stderr() => Err(unknown_subject(&words.join(" "))),
        Err(error) => super::print_clap_error(&error, session.world).map(|()| CommandOutcome::Success),
        Ok(_) => Err(unknown_subject(&words.join(" "))),
    }
}

/// Returns all commands and topics, each with a description.
pub(super) fn subjects() -> impl Iterator<Item = (String, String)> {
    let tree = tree::tree();
    let commands = tree.get_subcommands().map(|command| {
        let about = command.get_about().map(ToString::to_string);
        (command.get_name().to_owned(), about.unwrap_or_default())
    });
    let commands: Vec<_> = commands.collect();
    commands.into_iter().chain(TOPICS.iter().map(|topic| (topic.name.to_owned(), topic.about.to_owned())))
}

fn unknown_subject(word: &str) -> Error {
    let error = Error::usage(format!("no command or topic is named `{word}`"));
    let likeness = |(name, _): (String, String)| (strsim::jaro_winkler(word, &name), name);
    let nearest = subjects().map(likeness).max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest.filter(|(likeness, _)| *likeness > 0.7) {
        Some((_, name)) => error.hint(format!("whtool help {name}")),
        None => error.hint("whtool help, which lists all commands"),
    }
}

fn topic_page(topic: &HelpTopic, session: &Session<'_>) -> String {
    let mut text = format!("{}\n", topic.about);
    for part in (topic.parts)() {
        match part {
            TopicPart::Text(paragraph) => {
                let width = session.width(Stream::Output);
                text.push_str(&format!("\n{}\n", width.wrap(&joined(&paragraph, session), 0)));
            }
            TopicPart::Terms(heading, terms) => {
                text.push_str(&format!("\n{}\n", session.out.strong(&heading)));
                for (term, description) in terms {
                    text.push_str(&list_item(&term, &description, session));
                }
            }
        }
    }
    text
}

/// Joins the lines of a paragraph for a terminal, whose width decides where they wrap. A pipe gets
/// the lines as written.
fn joined(paragraph: &str, session: &Session<'_>) -> String {
    match session.width(Stream::Output) {
        Width::Unlimited => paragraph.to_owned(),
        Width::Wide(_) | Width::Narrow(_) => paragraph.replace('\n', " "),
    }
}

/// Formats a term with its description, whose lines are aligned. The description of a long term
/// begins on the next line.
fn list_item(term: &str, description: &str, session: &Session<'_>) -> String {
    let width = session.width(Stream::Output);
    let gap = DESCRIPTION_COLUMN.saturating_sub(TERM_COLUMN + term.chars().count());
    let head = format!("{:TERM_COLUMN$}{}", "", session.out.name(term));
    let indent = " ".repeat(DESCRIPTION_COLUMN);
    let lines = joined(description, session).lines().collect::<Vec<_>>().join(&format!("\n{indent}"));
    if gap < 2 {
        format!("{head}\n{}\n", width.wrap(&format!("{indent}{lines}"), 0))
    } else {
        width.wrap(&format!("{head}{:gap$}{lines}", ""), DESCRIPTION_COLUMN - TERM_COLUMN) + "\n"
    }
}
