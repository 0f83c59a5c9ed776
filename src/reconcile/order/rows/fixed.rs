//! Reads tables whose columns are aligned under a line of dashes: SQLite's column mode, `sqlcmd`, a
//! single column of `psql`.

use super::lines::TextLine;
use super::{CellRows, Entry, Lines, Row};
use std::io;

pub(in super::super) struct FixedRows {
    lines: Lines,
    /// The first and last character of each column but the last, which has no end.
    columns: Vec<(usize, usize)>,
}

/// Returns the columns that a line of dashes marks.
pub(in super::super) fn columns(ruler: &str) -> Option<Vec<(usize, usize)>> {
    let ruler = ruler.trim_end();
    if !ruler.contains("--") || !ruler.chars().all(|letter| matches!(letter, '-' | ' ')) {
        return None;
    }
    let letters: Vec<char> = ruler.chars().collect();
    let starts = (0..letters.len()).filter(|at| letters[*at] == '-' && (*at == 0 || letters[*at - 1] == ' '));
    let end = |start: usize| {
        letters[start..].iter().position(|letter| *letter == ' ').map_or(letters.len(), |len| start + len)
    };
    Some(starts.map(|start| (start, end(start))).collect())
}

impl FixedRows {
    pub(in super::super) fn new(lines: Lines, columns: Vec<(usize, usize)>) -> Self {
        Self { lines, columns }
    }

    /// Cuts a line into cells. Returns `false` if a cell reaches into the gap before the next one.
    fn split(&self, line: &str, row: &mut Row) -> bool {
        let single: Vec<String> = line.trim_end().chars().map(|letter| letter.to_string()).collect();
        // For SQLite each character is a column; for `psql` marks that combine take none.
        let combined = line.trim_end().chars().fold(Vec::new(), |mut letters: Vec<String>, letter| {
            match letters.last_mut() {
                Some(last) if is_combining(letter) => last.push(letter),
                _ => letters.push(letter.to_string()),
            }
            letters
        });
        [single, combined].iter().any(|letters| {
            row.clear(row.line);
            self.cut(letters, row)
        })
    }

    fn cut(&self, letters: &[String], row: &mut Row) -> bool {
        let text = |from: usize, to: usize| -> String {
            letters.get(from.min(letters.len())..to.min(letters.len())).unwrap_or_default().concat()
        };
        for (index, (start, end)) in self.columns.iter().enumerate() {
            let next = self.columns.get(index + 1).map(|(start, _)| *start);
            // A wide first column of `psql` starts one character to the left of its dashes.
            let start = if index == 0 { 0 } else { *start };
            if next.is_some_and(|next| !text(*end, next).trim().is_empty()) {
                return false;
            }
            row.push(&text(start, next.unwrap_or(letters.len())));
        }
        true
    }
}

fn is_combining(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}' | '\u{200b}'..='\u{200d}')
}

impl CellRows for FixedRows {
    fn rewind(&mut self) -> io::Result<()> {
        self.lines.rewind()
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<Option<Entry>> {
        while let Some(TextLine { number, text }) = self.lines.next_line()? {
            row.clear(number);
            let Some(text) = text else { return Ok(Some(Entry::bad(number, TextLine::UNREADABLE))) };
            if text.trim().is_empty() || columns(&text).is_some() {
                continue;
            }
            let is_footer = text.trim_start().starts_with('(') && text.trim_end().ends_with(')');
            if is_footer {
                row.push(&text);
                return Ok(Some(Entry::Row));
            }
            let is_aligned = self.split(&text, row);
            return Ok(Some(if is_aligned {
                Entry::Row
            } else {
                Entry::bad(number, "its cells are not aligned with the header")
            }));
        }
        Ok(None)
    }
}
