//! `whtool man`: manual pages of every command and topic, from the tree of commands.

use super::help::{Part, TOPICS, Topic};
use super::{Session, tree};
use crate::model::error::{CommandOutcome, Error, Result};
use clap::{Arg, Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};
use std::io;
use std::path::PathBuf;

/// Write the manual pages to a folder, or print one
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool man listen | man -l -
  whtool man --dir ~/.local/share/man")]
pub(super) struct ManPages {
    /// Whose page is printed: a command, or a topic; whtool's own when not given
    #[arg(value_name = "SUBJECT", conflicts_with = "dir")]
    words: Vec<String>,
    /// Write all pages below this folder, in man1 and man7
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// A page: its section, its name, its text.
struct Page {
    section: &'static str,
    name: String,
    roff: Vec<u8>,
}

/// Writes, or prints.
pub(super) fn run(args: &ManPages, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut pages = pages()?;
    if let Some(folder) = &args.dir {
        for page in &pages {
            let path = folder.join(format!("man{0}/{1}.{0}", page.section, page.name));
            session.world.write_file(&path, &page.roff)?;
        }
        session.say(&format!("{} pages written below {}", pages.len(), folder.display()));
        return Ok(CommandOutcome::Success);
    }
    let name = ["whtool"].into_iter().chain(args.words.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
    pages.retain(|page| page.name == name);
    let missing = || Error::usage(format!("there is no manual page {name}")).hint("whtool help lists the commands");
    let page = pages.first().ok_or_else(missing)?;
    let mut output = session.world.stdout();
    output.write_all(&page.roff)?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

/// Every page.
fn pages() -> io::Result<Vec<Page>> {
    let mut tree = tree::tree();
    tree.build();
    let mut pages = Vec::new();
    add_commands(&tree, &mut pages)?;
    for topic in &TOPICS {
        pages.push(Page { section: "7", name: format!("whtool-{}", topic.name), roff: of_topic(topic)? });
    }
    Ok(pages)
}

fn add_commands(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    pages.push(Page { section: "1", name: display_name(command), roff: of_command(command)? });
    command.get_subcommands().filter(|nested| !nested.is_hide_set()).try_for_each(|nested| add_commands(nested, pages))
}

fn display_name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn of_command(command: &Command) -> io::Result<Vec<u8>> {
    let usage = command.clone().render_usage().to_string();
    let name = display_name(command);
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let shown = command.clone().override_usage(usage).disable_version_flag(true);
    let man = Man::new(shown.clone()).title(&name).source(SOURCE).manual(MANUAL);
    let mut roff = Vec::new();
    man.render_title(&mut roff)?;
    man.render_name_section(&mut roff)?;
    man.render_synopsis_section(&mut roff)?;
    man.render_description_section(&mut roff)?;
    examples(command, &mut roff)?;
    arguments_and_options(&shown, &mut roff)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut roff)?;
    }
    if name == "whtool" {
        exit_status(&mut roff)?;
    }
    see_also(command, &name, &mut roff)?;
    Ok(roff)
}

/// The lower left and the upper middle of a page.
const SOURCE: &str = concat!("whtool ", env!("CARGO_PKG_VERSION"));
const MANUAL: &str = "whtool manual";

/// The examples as they are in the help, line for line, and what stands behind them: lines that are set in are examples too.
fn examples(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let Some(text) = command.get_after_help().map(ToString::to_string) else { return Ok(()) };
    let (examples, notes) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    as_it_is(examples.lines().skip(1), &mut roff);
    for note in notes.split("\n\n").filter(|note| !note.is_empty()) {
        let (shown, said): (Vec<_>, Vec<_>) = note.lines().partition(|line| line.starts_with(SET_IN));
        roff.control("PP", []).text([roman(said.join(" "))]);
        as_it_is(shown.into_iter(), &mut roff);
    }
    roff.to_writer(page)
}

/// How examples are set in.
const SET_IN: &str = "  ";

/// Lines that are to be typed: none is filled, and none hyphenated.
fn as_it_is<'l>(lines: impl Iterator<Item = &'l str>, roff: &mut Roff) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line.strip_prefix(SET_IN).unwrap_or(line))]);
    }
    roff.control("fi", []);
}

/// What stands by its place, and then what has a name.
fn arguments_and_options(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let placed = |arg: Arg| if arg.is_positional() { arg.help_heading("Arguments") } else { arg.hide(true) };
    let named = |arg: Arg| if arg.is_positional() { arg.hide(true) } else { arg };
    if command.get_positionals().next().is_some() {
        Man::new(command.clone().mut_args(placed)).render_options_section(page)?;
    }
    Man::new(command.clone().mut_args(named)).render_options_section(page)
}

/// The statuses, as the topic of that name tells them.
fn exit_status(page: &mut Vec<u8>) -> io::Result<()> {
    let topic = TOPICS.iter().find(|topic| topic.name == "exit-codes");
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for part in topic.into_iter().flat_map(|topic| (topic.parts)()) {
        match part {
            Part::Text(said) => paragraph(&said, &mut roff),
            Part::Terms(_, terms) => list(terms, &mut roff),
        }
    }
    roff.to_writer(page)
}

fn paragraph(said: &str, roff: &mut Roff) {
    roff.control("PP", []).text([roman(said.replace('\n', " "))]);
}

fn list(terms: Vec<(String, String)>, roff: &mut Roff) {
    for (term, meaning) in terms {
        let meaning: [Inline; 1] = [roman(meaning.replace('\n', " "))];
        roff.control("TP", []).text([bold(term)]).text(meaning);
    }
}

/// The page above, its sisters' topics.
fn see_also(command: &Command, name: &str, page: &mut Vec<u8>) -> io::Result<()> {
    let above = name.rsplit_once('-').map(|(above, _)| format!("{above}(1)"));
    let first = (name != "whtool").then(|| "whtool(1)".to_owned());
    let below = command.get_subcommands().map(|nested| format!("{}(1)", display_name(nested)));
    let topics = TOPICS.iter().map(|topic| format!("whtool-{}(7)", topic.name));
    let mut names: Vec<_> = above.into_iter().chain(first).chain(below).chain(topics).collect();
    names.dedup();
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text([roman(names.join(", "))]);
    roff.to_writer(page)
}

fn of_topic(topic: &Topic) -> io::Result<Vec<u8>> {
    let name = format!("whtool-{}", topic.name);
    let mut roff = Roff::new();
    roff.control("TH", [name.as_str(), "7", "", SOURCE, MANUAL]);
    roff.control("SH", ["NAME"]).text([roman(format!("{name} - {}", topic.about))]);
    roff.control("SH", ["DESCRIPTION"]);
    for part in (topic.parts)() {
        match part {
            Part::Text(said) => paragraph(&said, &mut roff),
            Part::Terms(heading, terms) => {
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
