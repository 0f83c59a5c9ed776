//! Standard output of a listener, laid out for the width of the terminal.

use crate::command::Session;
use crate::model::error::Result;
use crate::model::timestamp::Timestamp;
use crate::model::width::Width;
use crate::render::row::{Overflow, Row};
use crate::world::Stream;
use std::io::{self, Write};

/// Indent of the lines under an event.
const INDENT: &str = "                ";
/// The same in a narrow terminal: below the event's number.
const NARROW_INDENT: &str = "          ";
/// Further indent of a line's continuation.
pub(super) const CONTINUATION_INDENT: usize = 4;

pub(super) struct ListenOutput<'a> {
    session: &'a Session<'a>,
    output: Box<dyn Write + 'a>,
    is_terminal: bool,
    last_flush: Timestamp,
    loss: OutputLoss,
}

/// The treatment of output that can't be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OutputLoss {
    /// It is an error: the output is the only place where deliveries are.
    Error,
    /// Deliveries are stored, so the listener goes on.
    Tolerated,
    /// The same, and it has been reported.
    Reported,
}

impl<'a> ListenOutput<'a> {
    pub(super) fn new(loss: OutputLoss, session: &'a Session<'a>) -> Self {
        let is_terminal = session.world.is_terminal(Stream::Output);
        Self { session, output: session.world.stdout(), is_terminal, last_flush: session.world.now(), loss }
    }

    pub(super) fn write_record(&mut self, record: &[u8]) -> Result<()> {
        let written = self.output.write_all(record);
        self.tolerate(written)
    }

    /// Reports a failed write once if the listener goes on without its output. A closed pipe is
    /// always an error, which ends the command quietly.
    fn tolerate(&mut self, written: io::Result<()>) -> Result<()> {
        let Err(error) = written else { return Ok(()) };
        if self.loss == OutputLoss::Error || error.kind() == io::ErrorKind::BrokenPipe {
            return Err(error.into());
        }
        if self.loss == OutputLoss::Tolerated {
            self.loss = OutputLoss::Reported;
            self.session.warn(&format!(
                "can't write to standard output: {error}; deliveries are stored, and `whtool events` lists them"
            ));
        }
        Ok(())
    }

    pub(super) fn write_row(&mut self, row: &Row, is_compact: bool) -> Result<()> {
        let overflow = if is_compact { Overflow::Omit } else { Overflow::Wrap(self.indent().len()) };
        let row = row.render(self.width(), overflow, self.session.out);
        self.write_record(row.as_bytes())
    }

    /// Writes lines that are indented already, and wraps them with `hanging` columns of further
    /// indent.
    pub(super) fn write_lines(&mut self, lines: &str, hanging: usize) -> Result<()> {
        let lines = self.width().wrap(lines, hanging);
        self.write_record(lines.as_bytes())
    }

    /// Indents and writes one line under an event.
    pub(super) fn write_detail(&mut self, line: &str) -> Result<()> {
        self.write_lines(&format!("{}{line}\n", self.indent()), CONTINUATION_INDENT)
    }

    /// Returns the indent of lines under an event.
    pub(super) fn indent(&self) -> &'static str {
        if matches!(self.width(), Width::Narrow(_)) { NARROW_INDENT } else { INDENT }
    }

    /// Asks the terminal each time, since it may be resized.
    fn width(&self) -> Width {
        let columns = self.is_terminal.then(|| self.session.world.columns(Stream::Output));
        Width::from_columns(columns.flatten())
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        let flushed = self.output.flush();
        self.tolerate(flushed)
    }

    /// Flushes at most once a second. Under load there is always another event to show first.
    pub(super) fn flush_if_due(&mut self, now: Timestamp) -> Result<()> {
        if now.duration_since(self.last_flush).as_secs() >= 1 {
            self.last_flush = now;
            self.flush()?;
        }
        Ok(())
    }
}
