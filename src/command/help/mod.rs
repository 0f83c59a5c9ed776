//! `whtool help`: a command's page, or a topic that belongs to no single command.

mod topics;

use super::{Session, tree};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::width::Width;
use crate::world::Stream;
use clap::Args;
pub(super) use topics::{Part, TOPICS, Topic};

/// Explain a command, or a topic: exit-codes, environment, formats, providers
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool help listen
  whtool help events show
  whtool help exit-codes
  whtool help environment")]
pub(super) struct Help {
    /// A command, or a topic; all of whtool when not given
    #[arg(value_name = "SUBJECT")]
    words: Vec<String>,
}

/// The column at which meanings begin in a topic's lists.
const TERMS: usize = 25;
/// The column at which terms begin.
const SET_IN: usize = 2;

/// Shows the page.
pub(super) fn run(args: &Help, session: &Session<'_>) -> Result<CommandOutcome> {
    let words: Vec<_> = args.words.iter().map(String::as_str).collect();
    if let [name] = words[..]
        && let Some(topic) = TOPICS.iter().find(|topic| topic.name == name)
    {
        let mut output = session.world.stdout();
        output.write_all(page(topic, session).as_bytes())?;
        output.flush()?;
        return Ok(CommandOutcome::Success);
    }
    if let Some(first) = words.first().filter(|first| subjects().all(|(name, _)| name != **first)) {
        return Err(unknown(first));
    }
    let line = ["whtool"].iter().chain(&words).chain(&["--help"]);
    match tree::tree().try_get_matches_from(line) {
        Err(error) if error.use_stderr() => Err(unknown(&words.join(" "))),
        Err(error) => super::print_clap_error(&error, session.world).map(|()| CommandOutcome::Success),
        Ok(_) => Err(unknown(&words.join(" "))),
    }
}

/// Everything that can be explained: name and meaning.
pub(super) fn subjects() -> impl Iterator<Item = (String, String)> {
    let tree = tree::tree();
    let commands = tree.get_subcommands().map(|command| {
        let about = command.get_about().map(ToString::to_string);
        (command.get_name().to_owned(), about.unwrap_or_default())
    });
    let commands: Vec<_> = commands.collect();
    commands.into_iter().chain(TOPICS.iter().map(|topic| (topic.name.to_owned(), topic.about.to_owned())))
}

fn unknown(word: &str) -> Error {
    let error = Error::usage(format!("there is no command and no topic `{word}`"));
    let likeness = |(name, _): (String, String)| (strsim::jaro_winkler(word, &name), name);
    let nearest = subjects().map(likeness).max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest.filter(|(likeness, _)| *likeness > 0.7) {
        Some((_, name)) => error.hint(format!("whtool help {name}")),
        None => error.hint("whtool help"),
    }
}

fn page(topic: &Topic, session: &Session<'_>) -> String {
    let mut text = format!("{}\n", topic.about);
    for part in (topic.parts)() {
        match part {
            Part::Text(said) => {
                let width = session.width(Stream::Output);
                text.push_str(&format!("\n{}\n", width.wrap(&flowing(&said, session), 0)));
            }
            Part::Terms(heading, terms) => {
                text.push_str(&format!("\n{}\n", session.out.strong(&heading)));
                for (term, meaning) in terms {
                    text.push_str(&entry(&term, &meaning, session));
                }
            }
        }
    }
    text
}

/// A text for a terminal, which breaks it where it has to, or for a pipe, which gets the lines that were written.
fn flowing(said: &str, session: &Session<'_>) -> String {
    match session.width(Stream::Output) {
        Width::Unlimited => said.to_owned(),
        Width::Wide(_) | Width::Narrow(_) => said.replace('\n', " "),
    }
}

/// A term and its meaning, the meaning's lines under each other.
fn entry(term: &str, meaning: &str, session: &Session<'_>) -> String {
    let width = session.width(Stream::Output);
    let room = TERMS.saturating_sub(SET_IN + term.chars().count());
    let head = format!("{:SET_IN$}{}", "", session.out.name(term));
    let lines = flowing(meaning, session).lines().collect::<Vec<_>>().join(&format!("\n{:TERMS$}", ""));
    if room < 2 {
        format!("{head}\n{}\n", width.wrap(&format!("{:TERMS$}{lines}", ""), 0))
    } else {
        width.wrap(&format!("{head}{:room$}{lines}", ""), TERMS - SET_IN) + "\n"
    }
}
