//! Writes the rows of a query as CSV.

use crate::model::error::{Error, Result};
use std::collections::HashSet;
use std::io::Write;

pub(super) struct CsvRows<'w> {
    writer: csv::Writer<&'w mut dyn Write>,
    count: u64,
}

impl<'w> CsvRows<'w> {
    /// Writes the names of the columns. Each must be there once, or a cell could be taken for
    /// another one.
    pub fn new(output: &'w mut dyn Write, columns: &[&str]) -> Result<Self> {
        let mut seen = HashSet::new();
        if let Some(twice) = columns.iter().find(|name| !seen.insert(**name)) {
            return Err(Error::usage(format!("the query has two columns `{twice}`"))
                .hint(format!("name one of them, as in `SELECT o.{twice} AS order_{twice}`")));
        }
        let mut rows = Self { writer: csv::Writer::from_writer(output), count: 0 };
        rows.writer.write_record(columns).map_err(cannot_write)?;
        Ok(rows)
    }

    pub fn write<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) -> Result<()> {
        self.count += 1;
        self.writer.write_record(cells).map_err(cannot_write)
    }

    /// Returns the number of rows written so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(cannot_write)
    }
}

fn cannot_write(error: impl Into<csv::Error>) -> Error {
    Error::failed("can't save the rows of the query").because(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_their_text_and_names_are_unique() {
        let mut output = Vec::new();
        let mut rows = CsvRows::new(&mut output, &["a", "b c"]).unwrap();
        rows.write(["1,5", "say \"hi\"\nthere"]).unwrap();
        rows.write(["", ""]).unwrap();
        assert_eq!(rows.count(), 2);
        rows.finish().unwrap();
        assert_eq!(String::from_utf8(output).unwrap(), "a,b c\n\"1,5\",\"say \"\"hi\"\"\nthere\"\n,\n");
        let error = CsvRows::new(&mut Vec::new(), &["id", "status", "id"]).err().unwrap();
        assert_eq!((error.status(), error.message.as_str()), (2, "the query has two columns `id`"));
    }
}
