//! Reads rows from JSON: one object per line, or the objects of an array at any depth, indented or
//! not.

use super::super::text::Text;
use super::lines::TextLine;
use super::values::{JsonLayout, JsonValues};
use super::{Entry, Members, NamedRows, Row, SkippedKind, value_text};
use std::collections::HashMap;
use std::io;

/// Objects inside of objects become columns such as `data.id` down to this depth.
const MAX_DEPTH: usize = 6;
/// Most columns; further ones of a list with ever new names are dropped.
const MAX_COLUMNS: usize = 2_000;

pub(in super::super) struct JsonRows {
    values: JsonValues,
    header: Vec<String>,
    indexes: HashMap<String, usize>,
}

impl JsonRows {
    pub(in super::super) fn new(text: Text, layout: JsonLayout) -> io::Result<Self> {
        let values = JsonValues::new(text, layout)?;
        Ok(Self { values, header: Vec::new(), indexes: HashMap::new() })
    }

    /// Adds the cells of an object; objects inside of it become columns of their own.
    fn add(&mut self, json: &str, cells: &mut Vec<(usize, String, bool)>) -> Option<()> {
        let mut pending = vec![(String::new(), Members::parse(json)?, 0)];
        while let Some((prefix, members, depth)) = pending.pop() {
            for (name, value) in members.0 {
                let name = if prefix.is_empty() { name.into_owned() } else { format!("{prefix}.{name}") };
                let is_object = depth < MAX_DEPTH && value.get().starts_with('{');
                let inner = is_object.then(|| Members::parse(value.get())).flatten();
                if let Some(inner) = inner {
                    pending.insert(0, (name, inner, depth + 1));
                    continue;
                }
                let (text, is_number) = value_text(value.get());
                if let Some(index) = self.index(name) {
                    cells.push((index, text.into_owned(), is_number));
                }
            }
        }
        Some(())
    }

    fn index(&mut self, name: String) -> Option<usize> {
        if let Some(index) = self.indexes.get(&name) {
            return Some(*index);
        }
        let index = self.header.len();
        (index < MAX_COLUMNS).then(|| {
            self.header.push(name.clone());
            self.indexes.insert(name, index);
            index
        })
    }

    fn read(&mut self, line: u64, json: Option<String>, row: &mut Row) -> Entry {
        let Some(json) = json else { return Entry::bad(line, TextLine::UNREADABLE) };
        let json = json.trim();
        row.clear(line);
        let mut cells = Vec::new();
        if json.starts_with(['{', '[']) {
            if self.add(json, &mut cells).is_none() {
                return Entry::bad(line, "it is not a JSON object");
            }
        } else {
            // A list of references: strings or numbers.
            if serde_json::from_str::<serde_json::Value>(json).is_err() {
                return Entry::bad(line, "it is not JSON");
            }
            let (text, is_number) = value_text(json);
            cells.extend(self.index("reference".to_owned()).map(|index| (index, text.into_owned(), is_number)));
        }
        let schema = self.indexes.get("schema").copied();
        let is_totals =
            |(index, text, _): &(usize, String, bool)| Some(*index) == schema && text == "whtool.reconciliation/1";
        if cells.iter().any(is_totals) {
            return Entry::skipped(line, SkippedKind::WhtoolTotals);
        }
        cells.sort_by_key(|(index, ..)| *index);
        for (index, text, is_number) in cells {
            // Of a name that occurs twice in an object, the last value counts.
            row.truncate(index);
            while row.len() < index {
                row.push("");
            }
            if is_number { row.push_number(&text) } else { row.push(&text) }
        }
        Entry::Row
    }
}

impl NamedRows for JsonRows {
    fn rewind(&mut self) -> io::Result<()> {
        self.values.rewind()
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<Option<Entry>> {
        Ok(match self.values.next()? {
            Ok(Some((line, json))) => Some(self.read(line, json, row)),
            Ok(None) => None,
            Err((line, reason)) => Some(Entry::broken(line, reason)),
        })
    }

    fn header(&self) -> &[String] {
        &self.header
    }
}
