//! Where a listener writes: to standard output as wide as that is, and to the person beside it.

use super::Look;
use crate::command::Session;
use crate::model::error::Result;
use crate::model::timestamp::Timestamp;
use crate::model::width::Width;
use crate::render::row::{Overflow, Row};
use crate::world::Stream;
use std::io::Write;

/// What stands under an event is set in.
const INDENT: &str = "                ";
/// The same in a narrow terminal: under the event's number.
const NARROW_INDENT: &str = "          ";
/// What a line has no room for is set in by so much more.
pub(super) const HANG: usize = 4;

/// The output and what is known of it.
pub(super) struct Page<'a> {
    session: &'a Session<'a>,
    output: Box<dyn Write + 'a>,
    /// Whether a person sits at it; what is no terminal never becomes one.
    is_terminal: bool,
    /// When it was last written out for its own sake.
    flushed: Timestamp,
}

impl<'a> Page<'a> {
    pub(super) fn new(session: &'a Session<'a>) -> Self {
        let is_terminal = session.world.is_terminal(Stream::Output);
        Self { session, output: session.world.stdout(), is_terminal, flushed: session.world.now() }
    }

    /// Writes a record.
    pub(super) fn record(&mut self, record: &[u8]) -> Result<()> {
        Ok(self.output.write_all(record)?)
    }

    /// Writes an event's row.
    pub(super) fn row(&mut self, row: &Row, look: &Look) -> Result<()> {
        let overflow = if look.compact { Overflow::Omit } else { Overflow::Wrap(self.indent().len()) };
        Ok(self.output.write_all(row.render(self.width(), overflow, self.session.out).as_bytes())?)
    }

    /// Writes lines under an event, which have its indent already. What has no room is set in by `hang` columns more.
    pub(super) fn below(&mut self, lines: &str, hang: usize) -> Result<()> {
        Ok(self.output.write_all(self.width().wrap(lines, hang).as_bytes())?)
    }

    /// Writes one line under an event.
    pub(super) fn line_below(&mut self, line: &str) -> Result<()> {
        self.below(&format!("{}{line}\n", self.indent()), HANG)
    }

    /// What stands under an event is set in by this.
    pub(super) fn indent(&self) -> &'static str {
        if matches!(self.width(), Width::Narrow(_)) { NARROW_INDENT } else { INDENT }
    }

    /// How wide the output is now: a person may change that meanwhile.
    fn width(&self) -> Width {
        let columns = self.is_terminal.then(|| self.session.world.columns(Stream::Output));
        Width::from_columns(columns.flatten())
    }

    /// Writes out what was shown so far.
    pub(super) fn flush(&mut self) -> Result<()> {
        Ok(self.output.flush()?)
    }

    /// The same, if that was not done for a second: under load there is always more to come.
    pub(super) fn flush_at_times(&mut self, now: Timestamp) -> Result<()> {
        if now.duration_since(self.flushed).as_secs() >= 1 {
            self.flushed = now;
            self.flush()?;
        }
        Ok(())
    }
}
