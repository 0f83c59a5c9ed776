//! Standard output with deliveries as they arrive, laid out for the width of the terminal.

use super::seen_events::EarlierDelivery;
use crate::command::{Session, Verbosity};
use crate::diagnose::Finding;
use crate::model::error::Result;
use crate::model::event::Event;
use crate::model::message::Request;
use crate::model::timestamp::Timestamp;
use crate::model::width::Width;
use crate::render::row::{Overflow, Row};
use crate::render::{payload, text};
use crate::webhook::receive::readable_body;
use crate::world::Stream;
use std::io::{self, Write};

/// Indent of the lines under an event.
const INDENT: &str = "                ";
/// The same in a narrow terminal: below the event's number.
const NARROW_INDENT: &str = "          ";
/// Further indent of a line's continuation.
const CONTINUATION_INDENT: usize = 4;

pub(in crate::command) struct LiveOutput<'a> {
    session: &'a Session<'a>,
    output: Box<dyn Write + 'a>,
    is_terminal: bool,
    last_flush: Timestamp,
    loss: OutputLoss,
}

/// The treatment of output that can't be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::command) enum OutputLoss {
    /// It is an error: the output is the only place where deliveries are.
    Error,
    /// Deliveries are stored, so the listener goes on.
    Tolerated,
    /// The same, and it has been reported.
    Reported,
}

/// A delivery as people see it.
pub(in crate::command) struct ShownDelivery<'d> {
    pub row: Row,
    pub request: &'d Request,
    pub event: &'d Event,
    /// The first delivery of the same event.
    pub earlier: Option<&'d EarlierDelivery>,
    pub findings: &'d [Finding],
    pub is_verified: bool,
    /// One line, without the payload.
    pub is_compact: bool,
}

impl<'a> LiveOutput<'a> {
    pub(in crate::command) fn new(loss: OutputLoss, session: &'a Session<'a>) -> Self {
        let is_terminal = session.world.is_terminal(Stream::Output);
        Self { session, output: session.world.stdout(), is_terminal, last_flush: session.world.now(), loss }
    }

    pub(in crate::command) fn write_record(&mut self, record: &[u8]) -> Result<()> {
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

    pub(in crate::command) fn write_row(&mut self, row: &Row, is_compact: bool) -> Result<()> {
        let overflow = if is_compact { Overflow::Omit } else { Overflow::Wrap(self.indent().len()) };
        let row = row.render(self.width(), overflow, self.session.out);
        self.write_record(row.as_bytes())
    }

    /// Writes a delivery: its row, lines with details below it, and, unless it is compact or not
    /// verified, its payload.
    pub(in crate::command) fn write_delivery(&mut self, shown: &ShownDelivery<'_>) -> Result<()> {
        self.write_row(&shown.row, shown.is_compact)?;
        let (indent, paint) = (self.indent(), self.session.out);
        let ShownDelivery { request, earlier, .. } = shown;
        let changes = earlier.map(|earlier| text::duplicate_changes(&earlier.name, &earlier.changes, indent, paint));
        let details = changes.unwrap_or_default()
            + &text::warnings(shown.event, indent, paint)
            + &text::findings(shown.findings, indent, paint);
        self.write_lines(&details, text::FINDING_INDENT)?;
        if self.session.verbosity == Verbosity::Verbose {
            self.write_detail(&paint.faint(&text::body_digest(&request.body)))?;
        }
        if shown.is_verified && !shown.is_compact {
            let payload = payload::lines(&readable_body(request), indent, paint, self.session.reveal);
            self.write_lines(&payload, CONTINUATION_INDENT)?;
        }
        Ok(())
    }

    /// Writes lines that are indented already, and wraps them with `hanging` columns of further
    /// indent.
    pub(in crate::command) fn write_lines(&mut self, lines: &str, hanging: usize) -> Result<()> {
        let lines = self.width().wrap(lines, hanging);
        self.write_record(lines.as_bytes())
    }

    /// Indents and writes one line under an event.
    pub(in crate::command) fn write_detail(&mut self, line: &str) -> Result<()> {
        self.write_lines(&format!("{}{line}\n", self.indent()), CONTINUATION_INDENT)
    }

    /// Returns the indent of lines under an event.
    pub(in crate::command) fn indent(&self) -> &'static str {
        if matches!(self.width(), Width::Narrow(_)) { NARROW_INDENT } else { INDENT }
    }

    /// Asks the terminal each time, since it may be resized.
    fn width(&self) -> Width {
        let columns = self.is_terminal.then(|| self.session.world.columns(Stream::Output));
        Width::from_columns(columns.flatten())
    }

    pub(in crate::command) fn flush(&mut self) -> Result<()> {
        let flushed = self.output.flush();
        self.tolerate(flushed)
    }

    /// Flushes at most once a second. Under load there is always another event to show first.
    pub(in crate::command) fn flush_if_due(&mut self, now: Timestamp) -> Result<()> {
        if now.duration_since(self.last_flush).as_secs() >= 1 {
            self.last_flush = now;
            self.flush()?;
        }
        Ok(())
    }
}
