//! Reads rows that are JSON arrays: what a workbook is written as, and what APIs of spreadsheets
//! return.

use super::super::text::Text;
use super::lines::TextLine;
use super::values::{JsonLayout, JsonValues};
use super::{CellRows, Entry, Row, value_text};
use serde_json::value::RawValue;
use std::io;

pub(in super::super) struct MatrixRows(JsonValues);

impl MatrixRows {
    pub(in super::super) fn new(text: Text, layout: JsonLayout) -> io::Result<Self> {
        JsonValues::new(text, layout).map(Self)
    }
}

impl CellRows for MatrixRows {
    fn rewind(&mut self) -> io::Result<()> {
        self.0.rewind()
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<Option<Entry>> {
        let (line, json) = loop {
            match self.0.next()? {
                // A workbook has one for each row without cells.
                Ok(Some((_, Some(json)))) if json == "[]" => {}
                Ok(Some(found)) => break found,
                Ok(None) => return Ok(None),
                Err((line, reason)) => return Ok(Some(Entry::broken(line, reason))),
            }
        };
        row.clear(line);
        let Some(json) = json else { return Ok(Some(Entry::bad(line, TextLine::UNREADABLE))) };
        let Ok(cells) = serde_json::from_str::<Vec<&RawValue>>(&json) else {
            return Ok(Some(Entry::bad(line, "it is not a JSON array")));
        };
        for cell in cells {
            let (text, is_number) = value_text(cell.get());
            if is_number { row.push_number(&text) } else { row.push(&text) }
        }
        Ok(Some(Entry::Row))
    }

    fn omits_empty_cells(&self) -> bool {
        true
    }
}
