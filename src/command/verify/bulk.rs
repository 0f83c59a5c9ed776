//! Verifies a large file of lines on all cores, in memory that does not grow with the file.
//!
//! One thread reads chunks of whole lines into a bounded channel, workers verify them, and the
//! caller's thread writes the results in the order of the file.

use super::report::{Report, VerdictCounts, Verifier};
use crate::capture::{LineOrigin, count_lines, read_lines};
use crate::diagnose::{HashAllowance, HashBudget};
use crate::model::error::Error;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Condvar, Mutex};
use std::thread;

/// The size of a read.
const CHUNK_SIZE: usize = 1 << 20;

/// Returns the budget for the failures of a chunk: half a second for the first, so that a small
/// file is explained well, and little more than a brief search per failure for later ones. It
/// depends on the index alone, so that the same file gets the same answers.
pub(super) fn chunk_budget(index: u64) -> HashBudget {
    let thorough = HashAllowance::THOROUGH;
    let total = if index == 0 { thorough.times(8) } else { HashAllowance(thorough.0 / 8) };
    HashBudget::new(total, HashAllowance::BULK, u32::MAX)
}

/// The number of chunks that may be read ahead of the one that is written next.
const MAX_AHEAD: u64 = 16;

/// Whole lines of the file.
struct Chunk {
    index: u64,
    first_line: u64,
    lines: Vec<u8>,
}

pub(super) enum BulkError {
    Read(io::Error),
    Write(io::Error),
}

impl BulkError {
    pub(super) fn into_error(self, file: &Path) -> Error {
        match self {
            Self::Read(error) => crate::command::cannot_read(file, error),
            Self::Write(error) => error.into(),
        }
    }
}

/// Verifies every line of `start` and of `rest`, which follows it.
pub(super) fn verify_lines(
    start: Vec<u8>,
    rest: impl Read + Send,
    verifier: &Verifier<'_>,
    output: &mut dyn Write,
) -> Result<VerdictCounts, BulkError> {
    let origin = LineOrigin::detect(&start);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (chunk_sender, chunk_receiver) = mpsc::sync_channel(workers);
    let (report_sender, report_receiver) = mpsc::sync_channel(workers);
    let (chunk_receiver, window) = (Mutex::new(chunk_receiver), ReadWindow::default());
    thread::scope(|scope| {
        let window = &window;
        let reader = scope.spawn(move || read_chunks(start, rest, &chunk_sender, window));
        for _ in 0..workers {
            let (chunk_receiver, report_sender) = (&chunk_receiver, report_sender.clone());
            scope.spawn(move || verify_chunks(chunk_receiver, &report_sender, origin, verifier));
        }
        drop(report_sender);
        let counts = write_in_order(&report_receiver, output, window);
        window.advance(u64::MAX);
        drop(report_receiver);
        // After a write error, closing the channels ends the workers and the reader.
        drop(chunk_receiver.lock().map(|mut receiver| *receiver = mpsc::sync_channel(0).1));
        let read = reader.join().expect("reading lines does not panic");
        let counts = counts.map_err(BulkError::Write)?;
        read.map_err(BulkError::Read)?;
        Ok(counts)
    })
}

/// Limits how far reading is ahead of writing, so that chunks do not pile up behind a slow one.
#[derive(Default)]
struct ReadWindow {
    written: Mutex<u64>,
    moved: Condvar,
}

impl ReadWindow {
    /// Waits until the chunk is less than `width` ahead of the writer. False: that failed.
    fn wait_for(&self, index: u64, width: u64) -> bool {
        let Ok(written) = self.written.lock() else { return false };
        self.moved.wait_while(written, |written| index >= written.saturating_add(width)).is_ok()
    }

    fn advance(&self, written: u64) {
        if let Ok(mut current) = self.written.lock() {
            *current = written;
        }
        self.moved.notify_all();
    }
}

/// Reads the file in chunks that end at a line end.
fn read_chunks(start: Vec<u8>, mut rest: impl Read, chunks: &SyncSender<Chunk>, window: &ReadWindow) -> io::Result<()> {
    let (mut buffer, mut index, mut first_line) = (start, 0, 1);
    loop {
        let at_end = read_some(&mut rest, &mut buffer)? == 0;
        let end = if at_end { buffer.len() } else { memchr::memrchr(b'\n', &buffer).map_or(0, |at| at + 1) };
        if end > 0 {
            let next = buffer.split_off(end);
            let lines = std::mem::replace(&mut buffer, next);
            let following = first_line + count_lines(&lines);
            if !window.wait_for(index, MAX_AHEAD) || chunks.send(Chunk { index, first_line, lines }).is_err() {
                return Ok(());
            }
            (index, first_line) = (index + 1, following);
        }
        if at_end {
            return Ok(());
        }
    }
}

/// Appends the bytes of one read, so that lines of a slow pipe are verified at once. 0: the end.
fn read_some(source: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let length = buffer.len();
    buffer.resize(length + CHUNK_SIZE, 0);
    let read = loop {
        match source.read(&mut buffer[length..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => break outcome,
        }
    };
    buffer.truncate(length + *read.as_ref().unwrap_or(&0));
    read
}

fn verify_chunks(
    chunks: &Mutex<Receiver<Chunk>>,
    reports: &SyncSender<(u64, Report)>,
    origin: LineOrigin,
    verifier: &Verifier<'_>,
) {
    loop {
        let chunk = chunks.lock().ok().and_then(|chunks| chunks.recv().ok());
        let Some(Chunk { index, first_line, lines }) = chunk else { return };
        let mut report = Report::new(chunk_budget(index));
        let mut captures = read_lines(&lines, first_line, origin);
        captures.by_ref().for_each(|capture| report.add(capture, verifier));
        report.counts.skipped += captures.skipped();
        if reports.send((index, report)).is_err() {
            return;
        }
    }
}

/// Writes reports in the order of the file. Early ones wait; the window limits their number.
fn write_in_order(
    reports: &Receiver<(u64, Report)>,
    output: &mut dyn Write,
    window: &ReadWindow,
) -> io::Result<VerdictCounts> {
    let (mut counts, mut early, mut next) = (VerdictCounts::default(), BTreeMap::new(), 0);
    loop {
        let received = match reports.try_recv() {
            Ok(received) => Some(received),
            Err(_) => {
                output.flush()?;
                reports.recv().ok()
            }
        };
        let Some((index, report)) = received else { return Ok(counts) };
        early.insert(index, report);
        while let Some(report) = early.remove(&next) {
            output.write_all(&report.output)?;
            counts.add(&report.counts);
            next += 1;
            window.advance(next);
        }
    }
}
