//! A file of many lines: read piece by piece, judged on all cores, told in order, in memory that does not grow with the file.
//!
//! One thread reads pieces of whole lines into a bounded channel; workers judge them; the caller's thread writes the results in
//! the order of the file.

use super::report::{Batch, Bench, Tally};
use crate::capture::{count_lines, read_lines};
use crate::diagnose::Effort;
use crate::model::error::Error;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Condvar, Mutex};
use std::thread;

/// How much is read at once.
const PIECE: usize = 1 << 20;

/// What looking into the failures of a piece may cost together: half a second for the first one, so that a small file is explained
/// as well as can be; next to nothing for later ones, beyond the brief look that each failure has in any case. It depends on the
/// place alone, so that the same file gives the same answer.
pub(super) fn effort_for(index: u64) -> Effort {
    if index == 0 { Effort(Effort::THOROUGH.0 * 8) } else { Effort(Effort::THOROUGH.0 / 8) }
}

/// How many pieces may be ahead of the one that is written next.
const AHEAD: u64 = 16;

/// Whole lines of the file.
struct Piece {
    /// Its place among the pieces, from 0.
    index: u64,
    first_line: u64,
    lines: Vec<u8>,
}

/// What can end the work early.
pub(super) enum Failure {
    Reading(io::Error),
    Writing(io::Error),
}

impl Failure {
    /// As an error, with the name of the file that could not be read.
    pub(super) fn or_reading(self, file: &Path) -> Error {
        match self {
            Self::Reading(error) => crate::command::cannot_read(file, &error),
            Self::Writing(error) => error.into(),
        }
    }
}

/// Judges every line of `start` and what follows it.
pub(super) fn judge(
    start: Vec<u8>,
    rest: impl Read + Send,
    bench: &Bench<'_>,
    output: &mut dyn Write,
) -> Result<Tally, Failure> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (piece_out, piece_in) = mpsc::sync_channel(workers);
    let (batch_out, batch_in) = mpsc::sync_channel(workers);
    let (piece_in, window) = (Mutex::new(piece_in), Window::default());
    thread::scope(|scope| {
        let window = &window;
        let reader = scope.spawn(move || read_pieces(start, rest, &piece_out, window));
        for _ in 0..workers {
            let (piece_in, batch_out) = (&piece_in, batch_out.clone());
            scope.spawn(move || work(piece_in, &batch_out, bench));
        }
        drop(batch_out);
        let tally = write_in_order(&batch_in, output, window);
        window.move_to(u64::MAX);
        drop(batch_in);
        // When writing failed, workers end since nobody takes their batches, and the reader since nobody takes its pieces.
        drop(piece_in.lock().map(|mut receiver| *receiver = mpsc::sync_channel(0).1));
        let read = reader.join().expect("reading lines does not panic");
        let tally = tally.map_err(Failure::Writing)?;
        read.map_err(Failure::Reading)?;
        Ok(tally)
    })
}

/// How far reading may be ahead of writing, so that one slow piece does not let the others pile up.
#[derive(Default)]
struct Window {
    written: Mutex<u64>,
    moved: Condvar,
}

impl Window {
    /// Waits until the piece of this index is less than `width` ahead of what is written. `false`: nobody writes any more.
    fn wait_for(&self, index: u64, width: u64) -> bool {
        let Ok(written) = self.written.lock() else { return false };
        self.moved.wait_while(written, |written| index >= written.saturating_add(width)).is_ok()
    }

    fn move_to(&self, written: u64) {
        if let Ok(mut place) = self.written.lock() {
            *place = written;
        }
        self.moved.notify_all();
    }
}

/// Sends the file on in pieces that end where a line ends.
fn read_pieces(start: Vec<u8>, mut rest: impl Read, pieces: &SyncSender<Piece>, window: &Window) -> io::Result<()> {
    let (mut kept, mut index, mut first_line) = (start, 0, 1);
    loop {
        let at_end = read_some(&mut rest, &mut kept)? == 0;
        let end = if at_end { kept.len() } else { memchr::memrchr(b'\n', &kept).map_or(0, |at| at + 1) };
        if end > 0 {
            let next = kept.split_off(end);
            let lines = std::mem::replace(&mut kept, next);
            let following = first_line + count_lines(&lines);
            if !window.wait_for(index, AHEAD) || pieces.send(Piece { index, first_line, lines }).is_err() {
                return Ok(());
            }
            (index, first_line) = (index + 1, following);
        }
        if at_end {
            return Ok(());
        }
    }
}

/// Adds what one read brings, so that lines of a slow pipe are judged as they come. 0: there is no more.
fn read_some(source: &mut impl Read, kept: &mut Vec<u8>) -> io::Result<usize> {
    let length = kept.len();
    kept.resize(length + PIECE, 0);
    let read = loop {
        match source.read(&mut kept[length..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => break outcome,
        }
    };
    kept.truncate(length + *read.as_ref().unwrap_or(&0));
    read
}

/// Judges pieces until there are no more.
fn work(pieces: &Mutex<Receiver<Piece>>, batches: &SyncSender<(u64, Batch)>, bench: &Bench<'_>) {
    loop {
        let piece = pieces.lock().ok().and_then(|pieces| pieces.recv().ok());
        let Some(Piece { index, first_line, lines }) = piece else { return };
        let mut batch = Batch::new(Effort::USUAL, effort_for(index));
        read_lines(&lines, first_line).for_each(|capture| batch.add(capture, bench));
        if batches.send((index, batch)).is_err() {
            return;
        }
    }
}

/// Writes batches in the order of the file. Those that come early wait; the window bounds how many those can be.
fn write_in_order(batches: &Receiver<(u64, Batch)>, output: &mut dyn Write, window: &Window) -> io::Result<Tally> {
    let (mut tally, mut early, mut next) = (Tally::default(), BTreeMap::new(), 0);
    loop {
        let received = match batches.try_recv() {
            Ok(received) => Some(received),
            Err(_) => {
                output.flush()?;
                batches.recv().ok()
            }
        };
        let Some((index, batch)) = received else { return Ok(tally) };
        early.insert(index, batch);
        while let Some(batch) = early.remove(&next) {
            output.write_all(&batch.text)?;
            tally.add(&batch.tally);
            next += 1;
            window.move_to(next);
        }
    }
}
