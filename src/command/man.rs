//! `whtool man`: generates manual pages for every command and topic from the tree of commands.

use super::help::{HelpTopic, TOPICS, TopicPart};
use super::{Session, tree};
use crate::command::shared::output_file;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::world::FileVisibility;
use clap::{Arg, Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};
use std::io;
use std::path::PathBuf;

/// Print a manual page, or write all of them to a directory
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool man listen | man -l -
  whtool man --dir ~/.local/share/man")]
pub(super) struct ManPages {
    /// Command or topic (default: whtool itself)
    #[arg(value_name = "SUBJECT", conflicts_with = "dir")]
    words: Vec<String>,
    /// Write all pages to this directory, into man1 and man7
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Recognizes a manual page of whtool by its first bytes.
fn is_manual_page(start: &[u8]) -> bool {
    let title = b"\n.TH whtool";
    start.windows(title.len()).any(|part| part == title)
}

struct ManPage {
    section: &'static str,
    name: String,
    roff: Vec<u8>,
}

pub(super) fn run(args: &ManPages, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut pages = all_pages()?;
    if let Some(folder) = &args.dir {
        for page in &pages {
            let path = folder.join(format!("man{0}/{1}.{0}", page.section, page.name));
            output_file::write(&path, &page.roff, FileVisibility::Shared, &is_manual_page, session)?;
        }
        session.info(&format!("wrote {} pages to {}", pages.len(), folder.display()));
        return Ok(CommandOutcome::Success);
    }
    let name = ["whtool"].into_iter().chain(args.words.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
    pages.retain(|page| page.name == name);
    let missing =
        || Error::usage(format!("no manual page is named {name}")).hint("whtool help, which lists all commands");
    let page = pages.first().ok_or_else(missing)?;
    let mut output = session.world.stdout();
    output.write_all(&page.roff)?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

fn all_pages() -> io::Result<Vec<ManPage>> {
    let mut tree = tree::tree();
    tree.build();
    let mut pages = Vec::new();
    add_commands(&tree, &mut pages)?;
    for topic in &TOPICS {
        pages.push(ManPage { section: "7", name: format!("whtool-{}", topic.name), roff: topic_page(topic)? });
    }
    Ok(pages)
}

fn add_commands(command: &Command, pages: &mut Vec<ManPage>) -> io::Result<()> {
    pages.push(ManPage { section: "1", name: display_name(command), roff: command_page(command)? });
    command.get_subcommands().filter(|nested| !nested.is_hide_set()).try_for_each(|nested| add_commands(nested, pages))
}

fn display_name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn command_page(command: &Command) -> io::Result<Vec<u8>> {
    let usage = command.clone().render_usage().to_string();
    let name = display_name(command);
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let command_without_version = command.clone().override_usage(usage).disable_version_flag(true);
    let man = Man::new(command_without_version.clone()).title(&name).source(SOURCE).manual(MANUAL);
    let mut roff = Vec::new();
    man.render_title(&mut roff)?;
    man.render_name_section(&mut roff)?;
    man.render_synopsis_section(&mut roff)?;
    man.render_description_section(&mut roff)?;
    examples(command, &mut roff)?;
    arguments_and_options(&command_without_version, &mut roff)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut roff)?;
    }
    if name == "whtool" {
        exit_status(&mut roff)?;
    }
    see_also(command, &name, &mut roff)?;
    Ok(roff)
}

/// Texts at the bottom left and top center of a page.
const SOURCE: &str = concat!("whtool ", env!("CARGO_PKG_VERSION"));
const MANUAL: &str = "whtool manual";

/// Writes the examples line by line, then the notes after them. Indented lines of notes are
/// examples, too.
fn examples(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let Some(text) = command.get_after_help().map(ToString::to_string) else { return Ok(()) };
    let (examples, notes) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    preformatted(examples.lines().skip(1), &mut roff);
    for note in notes.split("\n\n").filter(|note| !note.is_empty()) {
        let (examples, prose): (Vec<_>, Vec<_>) = note.lines().partition(|line| line.starts_with(INDENT));
        roff.control("PP", []).text([roman(prose.join(" "))]);
        preformatted(examples.into_iter(), &mut roff);
    }
    roff.to_writer(page)
}

const INDENT: &str = "  ";

/// Writes lines to be typed, without filling or hyphenation.
fn preformatted<'l>(lines: impl Iterator<Item = &'l str>, roff: &mut Roff) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line.strip_prefix(INDENT).unwrap_or(line))]);
    }
    roff.control("fi", []);
}

/// Writes the positional arguments, then the options.
fn arguments_and_options(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let only_positional = |arg: Arg| if arg.is_positional() { arg.help_heading("Arguments") } else { arg.hide(true) };
    let only_named = |arg: Arg| if arg.is_positional() { arg.hide(true) } else { arg };
    if command.get_positionals().next().is_some() {
        Man::new(command.clone().mut_args(only_positional)).render_options_section(page)?;
    }
    Man::new(command.clone().mut_args(only_named)).render_options_section(page)
}

fn exit_status(page: &mut Vec<u8>) -> io::Result<()> {
    let topic = TOPICS.iter().find(|topic| topic.name == "exit-codes");
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for part in topic.into_iter().flat_map(|topic| (topic.parts)()) {
        match part {
            TopicPart::Text(text) => paragraph(&text, &mut roff),
            TopicPart::Terms(_, terms) => list(terms, &mut roff),
        }
    }
    roff.to_writer(page)
}

fn paragraph(text: &str, roff: &mut Roff) {
    roff.control("PP", []).text([roman(text.replace('\n', " "))]);
}

fn list(terms: Vec<(String, String)>, roff: &mut Roff) {
    for (term, description) in terms {
        let description: [Inline; 1] = [roman(description.replace('\n', " "))];
        roff.control("TP", []).text([bold(term)]).text(description);
    }
}

/// Writes links to the parent, the subcommands and the topics.
fn see_also(command: &Command, name: &str, page: &mut Vec<u8>) -> io::Result<()> {
    let parent = name.rsplit_once('-').map(|(parent, _)| format!("{parent}(1)"));
    let root = (name != "whtool").then(|| "whtool(1)".to_owned());
    let nested = command.get_subcommands().map(|nested| format!("{}(1)", display_name(nested)));
    let topics = TOPICS.iter().map(|topic| format!("whtool-{}(7)", topic.name));
    let mut names: Vec<_> = parent.into_iter().chain(root).chain(nested).chain(topics).collect();
    names.dedup();
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text([roman(names.join(", "))]);
    roff.to_writer(page)
}

fn topic_page(topic: &HelpTopic) -> io::Result<Vec<u8>> {
    let name = format!("whtool-{}", topic.name);
    let mut roff = Roff::new();
    roff.control("TH", [name.as_str(), "7", "", SOURCE, MANUAL]);
    roff.control("SH", ["NAME"]).text([roman(format!("{name} - {}", topic.about))]);
    roff.control("SH", ["DESCRIPTION"]);
    for part in (topic.parts)() {
        match part {
            TopicPart::Text(text) => paragraph(&text, &mut roff),
            TopicPart::Terms(heading, terms) => {
                roff.control("SS", [heading.as_str()]);
                list(terms, &mut roff);
            }
        }
    }
    roff.control("SH", ["SEE ALSO"]).text([roman("whtool(1)")]);
    let mut page = Vec::new();
    roff.to_writer(&mut page)?;
    Ok(page)
}
