//! What a command works with: the world, how much is said, how it is coloured, and how wide lines may be.

use crate::command::shared::configured::Configured;
use crate::command::{Colour, Common};
use crate::model::error::{Error, Kind, Result};
use crate::model::mask::Reveal;
use crate::model::sanitize::{escape_unsafe, truncate};
use crate::model::width::Width;
use crate::render::paint::Paint;
use crate::world::{Stream, World};
use std::collections::BTreeSet;
use std::error::Error as _;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What has no room in a line is set in by so much in the next.
const HANG: usize = 4;

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Volume {
    Quiet,
    Normal,
    Verbose,
}

/// What a command works with: the world, and how to talk.
pub(in crate::command) struct Session<'w> {
    pub(in crate::command) world: &'w dyn World,
    /// How standard output is coloured.
    pub(in crate::command) out: Paint,
    /// How standard error is.
    pub(in crate::command) err: Paint,
    pub(in crate::command) volume: Volume,
    pub(in crate::command) reveal: Reveal,
    pub(in crate::command) configured: &'w Configured,
    /// What is not to be said again.
    said: Mutex<BTreeSet<String>>,
}

/// <https://no-color.org> and <https://bixense.com/clicolors>.
pub(in crate::command) fn paint(colour: Colour, world: &dyn World, stream: Stream) -> Paint {
    let coloured = match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto if world.env_var("NO_COLOR").is_some() => false,
        Colour::Auto => {
            let forced = world.env_var("CLICOLOR_FORCE").is_some_and(|value| value != "0");
            forced || (world.is_terminal(stream) && world.env_var("TERM").is_none_or(|term| term != "dumb"))
        }
    };
    if coloured { Paint::Coloured } else { Paint::Plain }
}

impl<'w> Session<'w> {
    pub(in crate::command) fn new(common: &Common, configured: &'w Configured, world: &'w dyn World) -> Self {
        let volume = match (common.quiet, common.verbose) {
            (true, _) => Volume::Quiet,
            (_, true) => Volume::Verbose,
            _ => Volume::Normal,
        };
        let reveal = if common.reveal { Reveal::Everything } else { Reveal::Masked };
        let paint = |stream| paint(common.color, world, stream);
        Self {
            world,
            out: paint(Stream::Output),
            err: paint(Stream::Error),
            volume,
            reveal,
            configured,
            said: Mutex::default(),
        }
    }

    /// Says something to the person, unless they want quiet. Text of strangers must be harmless already.
    pub(in crate::command) fn say(&self, text: &str) {
        if self.volume != Volume::Quiet {
            self.write_error_line(text);
        }
    }

    /// Says something that is true of every one of many things, once.
    pub(in crate::command) fn say_once(&self, text: &str) {
        let is_new = self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned());
        if is_new {
            self.say(text);
        }
    }

    /// Says something that matters even to those who want quiet.
    pub(in crate::command) fn warn(&self, text: &str) {
        self.write_error_line(&format!("{} {text}", self.err.warn("warning:")));
    }

    /// Says so when other users of the machine can read a file of a secret of the user's own. A pipe or a device has no such readers.
    pub(in crate::command) fn warn_of_readers(&self, path: &Path) {
        let is_device = ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder));
        let mode = self.world.file_mode(path).filter(|_| !is_device && self.world.file_exists(path));
        let readers = match mode.map(|mode| (mode & 0o040, mode & 0o004)) {
            None | Some((0, 0)) => return,
            Some((_, 0)) => "its group",
            Some(_) => "every user of this machine",
        };
        let name = path.display().to_string();
        self.warn(&format!("{} can be read by {readers}: `chmod 600 {}`", escape_unsafe(&name), escape_unsafe(&name)));
    }

    /// Prints an error: what failed, why, the output of the user's program, and what to do; with `-v` also the errors below the cause.
    pub(in crate::command) fn tell(&self, error: &Error) {
        if error.kind == Kind::PipeClosed || error.kind == Kind::Interrupted {
            return;
        }
        self.write_error_line(&format!("{} {}", self.err.bad("error:"), escape_unsafe(&error.message)));
        if let Some(why) = &error.cause() {
            self.write_error_line(&format!("  why: {}", escape_unsafe(why)));
        }
        for line in &error.program_output {
            self.write_error_line(&format!("  | {}", escape_unsafe(line)));
        }
        if self.volume == Volume::Verbose {
            for below in std::iter::successors(error.source(), |below| (*below).source()) {
                self.write_error_line(&format!("  caused by: {}", truncate(&below.to_string(), 200)));
            }
        }
        if let Some(hint) = &error.hint {
            self.write_error_line(&format!("  try: {}", escape_unsafe(hint)));
        }
    }

    /// Says something in lines that fit the terminal. A person who can't be told is no reason to stop.
    pub(in crate::command) fn write_error_line(&self, text: &str) {
        let line = self.width(Stream::Error).wrap(text, HANG) + "\n";
        let _ = self.world.stderr().write_all(line.as_bytes());
    }

    /// Lines for standard output, broken between words where its terminal has no room for them.
    pub(in crate::command) fn fitted(&self, lines: &str) -> String {
        self.width(Stream::Output).wrap(lines, HANG)
    }

    /// How wide lines may be there.
    pub(in crate::command) fn width(&self, stream: Stream) -> Width {
        Width::from_columns(self.world.columns(stream))
    }

    /// Opens a file, or standard input for `-`.
    pub(in crate::command) fn open(&self, path: &Path) -> Result<Box<dyn Read + Send + '_>> {
        if path == Path::new("-") {
            return Ok(self.world.stdin());
        }
        self.world.open(path).map_err(|error| cannot_read(path, error))
    }

    /// Reads all of a file, or of standard input for `-`.
    pub(in crate::command) fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.read_to_end(&mut bytes).map_err(|error| cannot_read(path, error))?;
        Ok(bytes)
    }
}

/// What can't be read, and why.
pub(in crate::command) fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    let error = Error::failed(format!("can't read {}", path.display())).because(error);
    if path == Path::new("-") { error.hint("give a file, or pipe something in") } else { error }
}
