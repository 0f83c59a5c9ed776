//! Standard output of a listener, laid out for the width of the terminal.

use super::DisplayArgs;
use crate::command::Session;
use crate::model::error::Result;
use crate::model::timestamp::Timestamp;
use crate::model::width::Width;
use crate::render::row::{Overflow, Row};
use crate::world::Stream;
use std::io::Write;

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
}

impl<'a> ListenOutput<'a> {
    pub(super) fn new(session: &'a Session<'a>) -> Self {
        let is_terminal = session.world.is_terminal(Stream::Output);
        Self { session, output: session.world.stdout(), is_terminal, last_flush: session.world.now() }
    }

    pub(super) fn write_record(&mut self, record: &[u8]) -> Result<()> {
        Ok(self.output.write_all(record)?)
    }

    pub(super) fn write_row(&mut self, row: &Row, args: &DisplayArgs) -> Result<()> {
        let overflow = if args.compact { Overflow::Omit } else { Overflow::Wrap(self.indent().len()) };
        Ok(self.output.write_all(row.render(self.width(), overflow, self.session.out).as_bytes())?)
    }

    /// Writes lines that are indented already, and wraps them with `hanging` columns of further
    /// indent.
    pub(super) fn write_lines(&mut self, lines: &str, hanging: usize) -> Result<()> {
        Ok(self.output.write_all(self.width().wrap(lines, hanging).as_bytes())?)
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
        Ok(self.output.flush()?)
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
