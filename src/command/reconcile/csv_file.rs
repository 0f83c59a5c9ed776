//! The complete table of a run in a file, for `--csv FILE`.

use crate::command::Session;
use crate::command::shared::output_file;
use crate::command::shared::reconciling::ResultSink;
use crate::model::error::{Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::temporary_file::TemporaryFile;
use crate::reconcile::{BadLine, ReconciledReference};
use crate::render::reconcile::{CsvTable, is_csv_report};
use crate::world::FileVisibility;
use std::io::{Seek as _, SeekFrom};
use std::path::Path;

/// Parses the value of `--csv`. A reference is never taken for a file.
pub(super) fn parse_file_name(text: &str) -> std::result::Result<std::path::PathBuf, String> {
    if text == "-" || text.contains(['.', '/', '\\']) {
        return Ok(text.into());
    }
    Err("this does not look like a file name: put --csv last to print CSV, or name a file such as ./NAME.csv"
        .to_owned())
}

/// Writes every reference, whatever `--only` hides, and what could not be compared.
pub(super) struct CsvFile<'a> {
    path: &'a Path,
    table: CsvTable,
    rows: csv::Writer<Box<dyn TemporaryFile>>,
}

impl<'a> CsvFile<'a> {
    /// Collects the rows in a temporary file, since they are too large for memory.
    pub(super) fn new(path: &'a Path, table: CsvTable, session: &Session<'_>) -> Result<Self> {
        let failed = |error| Error::failed("can't create a temporary file").because(error);
        let mut rows = csv::Writer::from_writer(session.world.temporary_file().map_err(failed)?);
        rows.write_record(table.header()).map_err(std::io::Error::from)?;
        Ok(Self { path, table, rows })
    }

    pub(super) fn check(path: &Path, session: &Session<'_>) -> Result<()> {
        output_file::check(path, &is_csv_report, session)
    }

    fn write(&mut self, row: &[String]) -> Result<()> {
        Ok(self.rows.write_record(row).map_err(std::io::Error::from)?)
    }

    /// Writes the file. `stopped` is the reason why the run is not complete.
    pub(super) fn finish(mut self, stopped: Option<&str>, session: &Session<'_>) -> Result<()> {
        if let Some(reason) = stopped {
            let row = self.table.incomplete_row(0, &format!("the run stopped early: {reason}"));
            self.write(&row)?;
        }
        let mut file = self.rows.into_inner().map_err(|error| Error::from(error.into_error()))?;
        file.seek(SeekFrom::Start(0))?;
        output_file::copy(self.path, &mut file, FileVisibility::Shared, &is_csv_report, session)?;
        session.info(&format!("wrote {}", escape_unsafe(&self.path.display().to_string())));
        Ok(())
    }
}

impl ResultSink for CsvFile<'_> {
    fn add(&mut self, reconciled: &ReconciledReference) -> Result<()> {
        let row = self.table.row(reconciled);
        self.write(&row)
    }

    fn bad_line(&mut self, bad: &BadLine) -> Result<()> {
        let row = self.table.incomplete_row(bad.line, &bad.reason);
        self.write(&row)
    }
}
