//! Reads tables that are drawn with characters: `psql`, MySQL, SQLite's box mode and Markdown.

use super::lines::TextLine;
use super::{CellRows, Entry, Lines, Row};
use std::io;

/// A table whose cells stand between bars.
pub(in super::super) struct BoxedRows {
    lines: Lines,
    style: BoxStyle,
}

/// The drawing of a table.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct BoxStyle {
    /// Rows start and end with a bar.
    pub(in super::super) is_framed: bool,
    pub(in super::super) is_markdown: bool,
}

/// Returns true for a line of dashes and crosses that has a bar or a cross.
pub(in super::super) fn is_ruler(line: &str) -> bool {
    let is_dash = |letter: char| matches!(letter, '-' | '=' | '─' | '━' | '═' | '—');
    let line = line.trim();
    line.contains(is_dash)
        && line.chars().any(|letter| matches!(letter, '+' | '|' | '─'..='╿') && !is_dash(letter))
        && line.chars().all(|letter| is_dash(letter) || matches!(letter, '+' | '|' | ':' | ' ' | '─'..='╿'))
}

pub(in super::super) fn is_bar(letter: char) -> bool {
    matches!(letter, '|' | '│' | '┃' | '║')
}

/// The mark of `psql` at the end of a cell that goes on in the next line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenCell {
    No,
    /// The value has a line break here.
    Break,
    /// The value is wrapped; its next part starts with the same mark.
    Wrapped,
}

fn open_cell(cell: &str) -> OpenCell {
    match cell.chars().last() {
        Some('+' | '↵') if cell.chars().count() > 1 => OpenCell::Break,
        Some('.' | '…') if cell.chars().count() > 1 => OpenCell::Wrapped,
        _ => OpenCell::No,
    }
}

impl BoxedRows {
    pub(in super::super) fn new(lines: Lines, style: BoxStyle) -> Self {
        Self { lines, style }
    }

    /// Splits a line at its bars. The cells keep their padding. `None`: a framed row starts or ends
    /// without its bar.
    fn split(&self, line: &str) -> Option<Vec<String>> {
        let mut line = if self.style.is_framed { line.trim() } else { line };
        if self.style.is_framed {
            line = line.strip_prefix(is_bar)?.strip_suffix(is_bar)?;
        }
        let mut cells = vec![String::new()];
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            let cell = cells.last_mut()?;
            match letter {
                '\\' if self.style.is_markdown && letters.peek() == Some(&'|') => cell.extend(letters.next()),
                letter if is_bar(letter) => cells.push(String::new()),
                letter => cell.push(letter),
            }
        }
        Some(cells)
    }

    /// Adds the lines that continue cells of this one.
    fn read_continuations(&mut self, cells: &mut [String]) -> io::Result<()> {
        let mut open: Vec<OpenCell> = cells.iter().map(|cell| open_cell(cell)).collect();
        while open.iter().any(|cell| *cell != OpenCell::No) {
            let Some(line) = self.lines.next_line()? else { break };
            let next = line.text.as_deref().and_then(|text| self.split(text)).unwrap_or_default();
            let continues = |(cell, open): (&String, &OpenCell)| match open {
                OpenCell::No => cell.trim().is_empty(),
                OpenCell::Break => true,
                OpenCell::Wrapped => cell.starts_with(['.', '…']) || cell.trim().is_empty(),
            };
            let is_other_row =
                next.iter().zip(&open).all(|(cell, open)| *open == OpenCell::No || cell.trim().is_empty());
            if next.len() != cells.len() || is_other_row || !next.iter().zip(&open).all(continues) {
                self.lines.put_back(vec![line]);
                break;
            }
            for ((cell, more), open) in cells.iter_mut().zip(&next).zip(&mut open) {
                let text = cell.trim_end_matches(|letter: char| {
                    !letter.is_whitespace() && open_cell(&format!(" {letter}")) == *open
                });
                *cell = match *open {
                    OpenCell::No => continue,
                    OpenCell::Wrapped if !more.starts_with(['.', '…']) => continue,
                    OpenCell::Break => format!("{}\n{}", text.trim_end(), more.strip_prefix(' ').unwrap_or(more)),
                    OpenCell::Wrapped => {
                        let more = more.trim_start_matches(['.', '…']);
                        let is_number = text.trim().bytes().all(|byte| byte.is_ascii_digit());
                        format!("{text}{}", if is_number { more.trim_start() } else { more })
                    }
                };
                *open = open_cell(more);
            }
        }
        Ok(())
    }

    /// Adds the lines of a framed row whose cells have line breaks (MySQL).
    fn read_to_bar(&mut self, text: &mut String) -> io::Result<()> {
        let mut read = Vec::new();
        while !text.trim_end().ends_with(is_bar) {
            let line = self.lines.next_line()?;
            let more = line.as_ref().and_then(|line| line.text.clone());
            let is_over = more.as_ref().is_none_or(|more| more.trim_start().starts_with(is_bar) || is_ruler(more));
            read.extend(line);
            if is_over || read.len() > MAX_LINES {
                self.lines.put_back(read);
                return Ok(());
            }
            text.push('\n');
            text.push_str(&more.unwrap_or_default());
        }
        Ok(())
    }
}

/// Returns true for a line of text above or below a table.
fn is_footer(text: &str) -> bool {
    !text.contains(is_bar)
}

/// Most lines of one row.
const MAX_LINES: usize = 100;

impl CellRows for BoxedRows {
    fn rewind(&mut self) -> io::Result<()> {
        self.lines.rewind()
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<Option<Entry>> {
        while let Some(TextLine { number, text }) = self.lines.next_line()? {
            row.clear(number);
            let Some(text) = text else { return Ok(Some(Entry::bad(number, TextLine::UNREADABLE))) };
            if text.trim().is_empty() || is_ruler(&text) {
                continue;
            }
            let mut text = text;
            if self.style.is_framed && text.trim_start().starts_with(is_bar) {
                self.read_to_bar(&mut text)?;
            }
            let Some(mut cells) = self.split(&text) else {
                if is_footer(&text) {
                    row.push(text.trim());
                    return Ok(Some(Entry::Row));
                }
                return Ok(Some(Entry::bad(number, "it is not a row between bars")));
            };
            if !self.style.is_markdown {
                self.read_continuations(&mut cells)?;
            }
            cells.iter().for_each(|cell| row.push(cell));
            return Ok(Some(Entry::Row));
        }
        Ok(None)
    }
}
