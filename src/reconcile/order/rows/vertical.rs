//! Reads lists with one line per column: `\x` in `psql`, `\G` in MySQL, SQLite's line mode.

use super::lines::TextLine;
use super::{Entry, Lines, NamedRows, Row};
use std::io;

/// The notation of a vertical list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum VerticalStyle {
    /// `-[ RECORD 1 ]---`, then `name | value`.
    Psql,
    /// `*** 1. row ***`, then `name: value`.
    Mysql,
    /// `name = value`, with an empty line between records.
    Sqlite,
}

pub(in super::super) struct VerticalRows {
    lines: Lines,
    style: VerticalStyle,
    header: Vec<String>,
}

/// Recognizes a vertical list by its first lines.
pub(in super::super) fn detect(lines: &[&str]) -> Option<VerticalStyle> {
    let first = lines.iter().position(|line| is_record_mark(line))?;
    let is_psql = lines[first].trim_start().starts_with(['-', '─', '┌', '╔', '+']);
    (first < 3).then_some(if is_psql { VerticalStyle::Psql } else { VerticalStyle::Mysql })
}

/// Recognizes SQLite's line mode: aligned names before ` = `.
pub(in super::super) fn is_sqlite_lines(lines: &[&str]) -> bool {
    let record: Vec<&&str> = lines.iter().take_while(|line| !line.trim().is_empty()).collect();
    let signs: Vec<Option<usize>> = record.iter().map(|line| line.find(" = ")).collect();
    signs.first().is_some_and(|first| first.is_some() && signs.iter().all(|sign| sign == first))
}

/// Recognizes the line that starts a record.
fn is_record_mark(line: &str) -> bool {
    let line = line.trim();
    let is_psql = line.contains("[ RECORD ") && line.starts_with(['-', '─', '┌', '╔', '+']);
    is_psql || (line.starts_with("***") && line.contains(". row *"))
}

impl VerticalRows {
    pub(in super::super) fn new(lines: Lines, style: VerticalStyle) -> Self {
        Self { lines, style, header: Vec::new() }
    }

    fn split<'l>(&self, line: &'l str) -> Option<(&'l str, &'l str)> {
        let (name, value) = match self.style {
            VerticalStyle::Psql => line.split_once('|').or_else(|| line.split_once('│'))?,
            VerticalStyle::Mysql => line.split_once(':')?,
            VerticalStyle::Sqlite => line.split_once(" = ").or_else(|| Some((line.strip_suffix(" =")?, "")))?,
        };
        Some((name.trim(), value.trim()))
    }

    fn index(&mut self, name: &str) -> usize {
        self.header.iter().position(|known| known == name).unwrap_or_else(|| {
            self.header.push(name.to_owned());
            self.header.len() - 1
        })
    }

    /// Reads the lines of a record up to the start of the next.
    fn read_record(&mut self, first: Option<TextLine>, row: &mut Row) -> io::Result<Entry> {
        let (mut cells, mut bad): (Vec<(usize, String)>, Option<String>) = (Vec::new(), None);
        let mut next = first;
        loop {
            let line = match next.take() {
                Some(line) => line,
                None => match self.lines.next_line()? {
                    Some(line) => line,
                    None => break,
                },
            };
            let Some(text) = line.text.as_deref() else {
                bad = Some(TextLine::UNREADABLE.to_owned());
                continue;
            };
            if is_record_mark(text) {
                self.lines.put_back(vec![line]);
                break;
            }
            if text.trim().is_empty() {
                if self.style == VerticalStyle::Sqlite { break } else { continue }
            }
            if is_footer(text) || super::boxed::is_ruler(text) {
                continue;
            }
            match self.split(text) {
                // `psql` marks a line of a value that goes on with `+`.
                Some(("", more)) => {
                    if let Some((_, value)) = cells.last_mut() {
                        *value = format!("{}\n{more}", value.trim_end_matches('+').trim_end());
                    }
                }
                Some((name, value)) => {
                    let index = self.index(name);
                    cells.push((index, value.to_owned()));
                }
                None => match cells.last_mut() {
                    Some((_, value)) if self.style == VerticalStyle::Mysql => *value = format!("{value}\n{text}"),
                    _ => bad = Some(format!("line {} is no column", line.number)),
                },
            }
        }
        if let Some(reason) = bad {
            return Ok(Entry::bad(row.line, reason));
        }
        for index in 0..self.header.len() {
            row.push(cells.iter().rfind(|(other, _)| *other == index).map_or("", |(_, value)| value));
        }
        Ok(Entry::Row)
    }
}

fn is_footer(line: &str) -> bool {
    let line = line.trim();
    let counts = line.split_once(' ').is_some_and(|(count, _)| count.trim_start_matches('(').parse::<u64>().is_ok());
    counts
        && (line.contains("row in set")
            || line.contains("rows in set")
            || line.ends_with("row)")
            || line.ends_with("rows)"))
}

impl NamedRows for VerticalRows {
    fn rewind(&mut self) -> io::Result<()> {
        self.lines.rewind()
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<Option<Entry>> {
        while let Some(line) = self.lines.next_line()? {
            row.clear(line.number);
            let text = line.text.as_deref().unwrap_or_default();
            if is_record_mark(text) {
                return self.read_record(None, row).map(Some);
            }
            if text.trim().is_empty() || is_footer(text) {
                continue;
            }
            if self.style == VerticalStyle::Sqlite {
                return self.read_record(Some(line), row).map(Some);
            }
        }
        Ok(None)
    }

    fn header(&self) -> &[String] {
        &self.header
    }
}
