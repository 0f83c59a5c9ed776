//! The context of a running command: the world, verbosity, colors, and functions that print
//! messages.

use crate::command::shared::loaded_settings::LoadedSettings;
use crate::command::{ColorChoice, Common};
use crate::model::error::{Error, Kind, Result};
use crate::model::mask::{Audience, Reveal, mask_sentence};
use crate::model::sanitize::{escape_unsafe, needs_escape, truncate};
use crate::model::width::Width;
use crate::render::paint::Paint;
use crate::world::{Stream, World};
use std::collections::BTreeSet;
use std::error::Error as _;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Indentation of the second and further lines of a wrapped message.
const CONTINUATION_INDENT: usize = 4;

/// Amount of output on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

pub(in crate::command) struct Session<'w> {
    pub(in crate::command) world: &'w dyn World,
    /// Colors of standard output.
    pub(in crate::command) out: Paint,
    /// Colors of standard error.
    pub(in crate::command) err: Paint,
    pub(in crate::command) verbosity: Verbosity,
    pub(in crate::command) reveal: Reveal,
    pub(in crate::command) settings: &'w LoadedSettings,
    /// True: messages are discarded.
    is_muted: bool,
    /// Messages that are not repeated.
    printed_once: Mutex<BTreeSet<String>>,
}

/// Follows <https://no-color.org>, <https://force-color.org> and <https://bixense.com/clicolors>, in
/// this order.
pub(in crate::command) fn paint(color: ColorChoice, world: &dyn World, stream: Stream) -> Paint {
    let colored = match color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let set = |name: &str| world.env_var(name).filter(|value| !value.is_empty());
            let is_off = |name: &str| set(name).is_some_and(|value| value == "0" || value == "false");
            let is_forced = |name: &str| set(name).is_some() && !is_off(name);
            let is_plain = set("NO_COLOR").is_some() || is_off("FORCE_COLOR");
            let fits_terminal = world.is_terminal(stream)
                && !is_off("CLICOLOR")
                && world.env_var("TERM").is_none_or(|term| term != "dumb");
            !is_plain && (is_forced("FORCE_COLOR") || is_forced("CLICOLOR_FORCE") || fits_terminal)
        }
    };
    if colored { Paint::Colored } else { Paint::Plain }
}

impl<'w> Session<'w> {
    pub(in crate::command) fn new(common: &Common, settings: &'w LoadedSettings, world: &'w dyn World) -> Self {
        let verbosity = match (common.quiet, common.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        let reveal = if common.reveal { Reveal::Everything } else { Reveal::Masked };
        let paint = |stream| paint(common.color, world, stream);
        Self {
            world,
            out: paint(Stream::Output),
            err: paint(Stream::Error),
            verbosity,
            reveal,
            settings,
            is_muted: false,
            printed_once: Mutex::default(),
        }
    }

    /// Returns the session of work for somebody who does not see this terminal.
    pub(in crate::command) fn muted(&self) -> Self {
        Self {
            world: self.world,
            out: Paint::Plain,
            err: Paint::Plain,
            verbosity: Verbosity::Quiet,
            reveal: self.reveal,
            settings: self.settings,
            is_muted: true,
            printed_once: Mutex::default(),
        }
    }

    /// Prints a message on standard error, unless `--quiet` is given. Untrusted text must be
    /// escaped already.
    pub(in crate::command) fn info(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.print_message(text);
        }
    }

    /// Prints a message at most once, for facts that apply to many items.
    pub(in crate::command) fn info_once(&self, text: &str) {
        let is_new = self.printed_once.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned());
        if is_new {
            self.info(text);
        }
    }

    /// Prints a warning at most once.
    pub(in crate::command) fn warn_once(&self, text: &str) {
        let is_new = self.printed_once.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned());
        if is_new {
            self.warn(text);
        }
    }

    /// Prints a warning, even with `--quiet`.
    pub(in crate::command) fn warn(&self, text: &str) {
        self.print_message(&format!("{} {text}", self.err.warn("warning:")));
    }

    /// Warns if other users can read a file that holds a secret. Pipes and devices are not checked.
    pub(in crate::command) fn warn_if_readable_by_others(&self, path: &Path) {
        let is_device = ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder));
        let mode = self.world.file_mode(path).filter(|_| !is_device && self.world.file_exists(path));
        let readers = match mode.map(|mode| (mode & 0o040, mode & 0o004)) {
            None | Some((0, 0)) => return,
            Some((_, 0)) => "its group",
            Some(_) => "every user of this machine",
        };
        let name = path.display().to_string();
        let name = escape_unsafe(&name);
        self.warn(&format!("{name} can be read by {readers}: run `chmod 600 {name}`"));
    }

    /// Prints an error: what failed, why, the last output of a process, and what to do. With `-v`
    /// also the errors below the cause.
    pub(in crate::command) fn print_error(&self, error: &Error) {
        if error.kind == Kind::PipeClosed || error.kind == Kind::Interrupted {
            return;
        }
        // Messages quote arguments, URLs, files and answers.
        let shown = |text: &str| match self.reveal {
            Reveal::Masked => escape_unsafe(&mask_sentence(text, Audience::Team)).into_owned(),
            Reveal::Everything => escape_unsafe(text).into_owned(),
        };
        self.print_message(&format!("{} {}", self.err.bad("error:"), shown(&error.message)));
        if let Some(why) = &error.cause() {
            self.print_message(&format!("  why: {}", shown(why)));
        }
        for line in &error.program_output {
            self.print_message(&format!("  | {}", shown(line)));
        }
        if self.verbosity == Verbosity::Verbose {
            for below in std::iter::successors(error.source(), |below| (*below).source()) {
                self.print_message(&format!("  caused by: {}", truncate(&shown(&below.to_string()), 200)));
            }
        }
        if let Some(hint) = &error.hint {
            self.print_message(&format!("  try: {}", shown(hint)));
        }
    }

    /// Prints a line on standard error, wrapped to the terminal. A failed write is ignored.
    pub(in crate::command) fn print_message(&self, text: &str) {
        if self.is_muted {
            return;
        }
        let line = self.width(Stream::Error).wrap(text, CONTINUATION_INDENT) + "\n";
        let _ = self.world.stderr().write_all(line.as_bytes());
    }

    /// Refuses exact bytes for a terminal that could act on them. Files and pipes get everything.
    pub(in crate::command) fn check_terminal(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let is_plain = |text: &str| text.split(['\r', '\n', '\t']).all(|part| !part.chars().any(needs_escape));
        if self.world.is_terminal(Stream::Output) && !std::str::from_utf8(&bytes).is_ok_and(is_plain) {
            return Err(Error::usage("refusing to write these bytes to the terminal, which they could control")
                .hint("redirect the output to a file: > request.bin"));
        }
        Ok(bytes)
    }

    /// Wraps lines to the terminal at standard output.
    pub(in crate::command) fn wrap(&self, lines: &str) -> String {
        self.width(Stream::Output).wrap(lines, CONTINUATION_INDENT)
    }

    /// Returns the width of the terminal at this stream.
    pub(in crate::command) fn width(&self, stream: Stream) -> Width {
        Width::from_columns(self.world.columns(stream))
    }

    /// Returns the current time in the zone in which times are shown.
    pub(in crate::command) fn now(&self) -> jiff::Zoned {
        self.world.now().to_zoned(self.world.time_zone())
    }

    /// Opens a file; `-` is standard input.
    pub(in crate::command) fn open(&self, path: &Path) -> Result<Box<dyn Read + Send + '_>> {
        if path == Path::new("-") {
            return Ok(self.world.stdin());
        }
        self.world.open(path).map_err(|error| cannot_read(path, error))
    }

    /// Reads a whole file; `-` is standard input.
    pub(in crate::command) fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.read_to_end(&mut bytes).map_err(|error| cannot_read(path, error))?;
        Ok(bytes)
    }
}

pub(in crate::command) fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    let error = Error::failed(format!("can't read {}", path.display())).because(error);
    if path == Path::new("-") { error.hint("name a file, or pipe data to standard input") } else { error }
}
