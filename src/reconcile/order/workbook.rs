//! Reads workbooks: XLSX, XLSB, XLS and ODS. A sheet is written as JSON arrays, one line per row, and
//! read like any other table.

use super::rows::JsonLayout;
use super::rows::matrix::MatrixRows;
use super::spool::{CreateFile, Spool, SpoolWriter};
use super::text::Text;
use super::{ListError, excerpt};
use crate::model::temporary_file::TemporaryFile;
use calamine::{Data, DataRef, Ods, Reader, Xls, Xlsb, Xlsx};
use serde_json::Value;
use std::io::{self, BufReader, Seek, SeekFrom, Write};

const ZIP: &[u8] = b"PK\x03\x04";
/// The container of XLS files and old Word documents.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

pub(super) fn is_workbook(start: &[u8]) -> bool {
    start.starts_with(ZIP) || start.starts_with(OLE)
}

/// Writes a sheet as JSON arrays and opens it.
pub(super) fn convert(
    mut spool: Spool,
    sheet: Option<&str>,
    create: &CreateFile<'_>,
    notes: &mut Vec<String>,
) -> Result<MatrixRows, ListError> {
    let is_ole = spool.start(8)?.starts_with(OLE);
    let mut file = spool.into_file()?;
    let mut rows = SheetWriter { create, written: None };
    let names = if is_ole {
        let book = Xls::new(BufReader::new(&mut file)).map_err(|_| ListError::Refused("a document of Office", SAVE))?;
        read_ranges(book, sheet, &mut rows)?
    } else {
        read_zip(&mut file, sheet, &mut rows)?
    };
    let Some((name, spool)) = rows.written else { return Err(ListError::NoOrders) };
    if sheet.is_none() && names.len() > 1 {
        let others: Vec<_> = names.iter().filter(|other| **other != name).map(String::as_str).collect();
        let others = excerpt(&others.join(", "));
        notes.push(format!("the sheet `{}` is read, not {others}; --sheet NAME reads another", excerpt(&name)));
    }
    Ok(MatrixRows::new(Text { file: spool.into_file()?, start: 0 }, JsonLayout::Values)?)
}

const SAVE: &str = "export the orders as CSV or XLSX";

fn read_zip(
    file: &mut Box<dyn TemporaryFile>,
    sheet: Option<&str>,
    rows: &mut SheetWriter<'_>,
) -> Result<Vec<String>, ListError> {
    if let Ok(book) = Xlsx::new(BufReader::new(&mut *file)) {
        return read_xlsx(book, sheet, rows);
    }
    file.seek(SeekFrom::Start(0))?;
    if let Ok(book) = Xlsb::new(BufReader::new(&mut *file)) {
        return read_ranges(book, sheet, rows);
    }
    file.seek(SeekFrom::Start(0))?;
    match Ods::new(BufReader::new(&mut *file)) {
        Ok(book) => read_ranges(book, sheet, rows),
        Err(_) => Err(ListError::Refused("a ZIP archive", "unpack it first; a damaged workbook has to be saved again")),
    }
}

/// Returns the names of the sheets to try.
fn sheets(names: Vec<String>, wanted: Option<&str>) -> Result<Vec<String>, ListError> {
    let Some(wanted) = wanted else { return Ok(names) };
    let found = names.iter().find(|name| *name == wanted);
    let found = found.or_else(|| names.iter().find(|name| name.to_lowercase() == wanted.to_lowercase()));
    match found {
        Some(name) => Ok(vec![name.clone()]),
        None => Err(ListError::NoSheet(wanted.to_owned(), excerpt(&names.join(", ")))),
    }
}

fn damaged(error: impl std::fmt::Display) -> ListError {
    ListError::Damaged("workbook", excerpt(&error.to_string()))
}

/// Reads a sheet of XLSX cell by cell, so that it need not fit into memory.
fn read_xlsx<R: io::Read + Seek>(
    mut book: Xlsx<R>,
    wanted: Option<&str>,
    rows: &mut SheetWriter<'_>,
) -> Result<Vec<String>, ListError> {
    let names = book.sheet_names();
    for name in sheets(names.clone(), wanted)? {
        // A chart has no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&name) else { continue };
        let mut sheet = rows.start()?;
        while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(damaged)? {
            let format = cells.styles().get(style).and_then(|style| style.number_format.as_ref());
            let format = format.map_or("", |format| format.format_code.as_str());
            let (row, column) = cell.get_position();
            sheet.add(row, column, cell_json(cell.get_value(), format))?;
        }
        if rows.finish(&name, sheet)? {
            break;
        }
    }
    Ok(names)
}

/// Reads a sheet of another workbook, which calamine holds in memory.
fn read_ranges<R, B>(mut book: B, wanted: Option<&str>, rows: &mut SheetWriter<'_>) -> Result<Vec<String>, ListError>
where
    R: io::Read + Seek,
    B: Reader<R>,
    B::Error: std::fmt::Display,
{
    let names = book.sheet_names();
    for name in sheets(names.clone(), wanted)? {
        let Ok(range) = book.worksheet_range(&name) else { continue };
        let (top, left) = range.start().unwrap_or_default();
        let mut sheet = rows.start()?;
        for (row, column, value) in range.used_cells() {
            let (row, column) = (u32::try_from(row).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX));
            sheet.add(top + row, left + column, cell_json(&data_ref(value), ""))?;
        }
        if rows.finish(&name, sheet)? {
            break;
        }
    }
    Ok(names)
}

fn data_ref(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(time) => DataRef::DateTime(*time),
        Data::DateTimeIso(text) | Data::DurationIso(text) => DataRef::SharedString(text),
        Data::Error(error) => DataRef::Error(error.clone()),
        _ => DataRef::Empty,
    }
}

/// Returns the number of decimals that a number format such as `#,##0.00` shows.
fn decimals(code: &str) -> usize {
    let shown = code.split(';').next().unwrap_or_default();
    let Some((_, part)) = shown.split_once("0.") else { return 0 };
    part.chars().take_while(|letter| *letter == '0').count().min(4)
}

/// Writes the value of a cell as JSON; empty for a cell without one. Numbers have the decimals and
/// the leading zeros of their format.
fn cell_json(value: &DataRef<'_>, format: &str) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let decimals = decimals(format);
    let zeros = if format.bytes().all(|byte| byte == b'0') { format.len() } else { 0 };
    match value {
        DataRef::Int(number) if zeros > 1 => text(&format!("{number:0zeros$}")),
        DataRef::Float(number) if zeros > 1 && number.fract() == 0.0 => text(&format!("{number:0zeros$.0}")),
        DataRef::Int(number) if decimals > 0 => format!("{number}.{:0<decimals$}", ""),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => float_text(*number, decimals),
        DataRef::String(value) | DataRef::DateTimeIso(value) | DataRef::DurationIso(value) => text(value),
        DataRef::SharedString(value) => text(value),
        DataRef::Bool(value) => text(&value.to_string()),
        DataRef::DateTime(time) if time.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            text(&format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
        }
        DataRef::DateTime(time) => float_text(time.as_f64(), 0),
        DataRef::Error(error) => text(&error.to_string()),
        DataRef::Empty => String::new(),
    }
}

/// Formats a number with the 15 digits that a workbook keeps.
fn float_text(number: f64, decimals: usize) -> String {
    let size = number.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-9) {
        // All digits but the first 15 were lost when the number was entered.
        return format!("\"{}\"", format!("{number:.14e}").replace('e', "e+").replace("e+-", "e-"));
    }
    let whole = format!("{size:.0}").len();
    let text = format!("{number:.*}", 15_usize.saturating_sub(whole).min(10));
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    let written = text.split_once('.').map_or(0, |(_, part)| part.len());
    match (written, decimals) {
        (0, 1..) => format!("{text}.{:0<decimals$}", ""),
        (written, decimals) if written < decimals => format!("{text}{:0<1$}", "", decimals - written),
        _ => text,
    }
}

/// Writes sheets until one has rows.
struct SheetWriter<'a> {
    create: &'a CreateFile<'a>,
    written: Option<(String, Spool)>,
}

/// A sheet that is being written.
struct Sheet {
    writer: SpoolWriter,
    /// The number of the row whose cells are collected, from 0.
    row: u32,
    /// JSON values; empty for `null`.
    cells: Vec<String>,
    has_rows: bool,
}

impl SheetWriter<'_> {
    fn start(&self) -> io::Result<Sheet> {
        Ok(Sheet { writer: SpoolWriter::new(self.create)?, row: 0, cells: Vec::new(), has_rows: false })
    }

    /// Returns true if the sheet has rows.
    fn finish(&mut self, name: &str, mut sheet: Sheet) -> io::Result<bool> {
        sheet.end_row()?;
        if sheet.has_rows {
            self.written = Some((name.to_owned(), sheet.writer.finish()?));
        }
        Ok(self.written.is_some())
    }
}

impl Sheet {
    fn add(&mut self, row: u32, column: u32, value: String) -> io::Result<()> {
        while self.row < row {
            self.end_row()?;
            self.row += 1;
        }
        let column = column as usize;
        if value.is_empty() || column > 16_384 {
            return Ok(());
        }
        self.cells.resize(self.cells.len().max(column + 1), String::new());
        self.cells[column] = value;
        Ok(())
    }

    fn end_row(&mut self) -> io::Result<()> {
        self.has_rows |= !self.cells.is_empty();
        let cells: Vec<&str> = self.cells.iter().map(|cell| if cell.is_empty() { "null" } else { cell }).collect();
        let line = format!("[{}]\n", cells.join(","));
        self.cells.clear();
        self.writer.write_all(line.as_bytes())
    }
}
