//! Reads numbered lines.

use super::super::text::Text;
use super::MAX_ROW;
use crate::model::temporary_file::TemporaryFile;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

/// A line without its end. `None`: it is longer than `MAX_ROW`, or not UTF-8.
pub(in super::super) struct TextLine {
    pub(in super::super) number: u64,
    pub(in super::super) text: Option<String>,
}

impl TextLine {
    pub(in super::super) const UNREADABLE: &'static str = "longer than 1 MiB";
}

pub(in super::super) struct Lines {
    input: BufReader<Box<dyn TemporaryFile>>,
    /// LF, or CR in a file without any LF.
    terminator: u8,
    /// The position of the first line, after a byte order mark.
    start: u64,
    number: u64,
    returned: VecDeque<TextLine>,
}

impl Lines {
    pub(in super::super) fn new(Text { mut file, start }: Text) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        Read::by_ref(&mut file).take(64 * 1024).read_to_end(&mut bytes)?;
        let is_old_mac = bytes.contains(&b'\r') && !bytes.contains(&b'\n');
        let terminator = if is_old_mac { b'\r' } else { b'\n' };
        let input = BufReader::with_capacity(64 * 1024, file);
        let mut lines = Self { input, terminator, start, number: 0, returned: VecDeque::new() };
        lines.rewind()?;
        Ok(lines)
    }

    pub(in super::super) fn rewind(&mut self) -> io::Result<()> {
        self.number = 0;
        self.returned.clear();
        self.input.seek(SeekFrom::Start(self.start)).map(drop)
    }

    pub(in super::super) fn next_line(&mut self) -> io::Result<Option<TextLine>> {
        if let Some(line) = self.returned.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        if Read::by_ref(&mut self.input).take(MAX_ROW as u64).read_until(self.terminator, &mut bytes)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if bytes.last() == Some(&self.terminator) {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        } else if bytes.len() == MAX_ROW {
            self.input.skip_until(self.terminator)?;
            return Ok(Some(TextLine { number: self.number, text: None }));
        }
        // The end of a file in DOS.
        if bytes.last() == Some(&0x1a) {
            bytes.pop();
        }
        // Files that were joined have a byte order mark at the start of each.
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        Ok(Some(TextLine { number: self.number, text: String::from_utf8(bytes).ok() }))
    }

    /// Puts lines back, to be read again in their order.
    pub(super) fn put_back(&mut self, lines: Vec<TextLine>) {
        for line in lines.into_iter().rev() {
            self.returned.push_front(line);
        }
    }
}
