//! Detects the format of a list, before anything in it is used.

use super::columns::{ColumnNames, ListColumn};
use super::rows::boxed::{self, BoxStyle, BoxedRows};
use super::rows::delimited::DelimitedRows;
use super::rows::fixed::{self, FixedRows};
use super::rows::json::JsonRows;
use super::rows::matrix::MatrixRows;
use super::rows::table::{FoundHeader, TableRows, find_header};
use super::rows::vertical::{self, VerticalRows, VerticalStyle};
use super::rows::{CellRows, Dialect, Lines, NamedRows};
use super::spool::{CreateFile, Spool};
use super::text::Text;
use super::{ListError, ListOptions, excerpt, json_layout, refused, text, workbook};
use std::io::{Read, Seek, SeekFrom};

/// Bytes at the start by which a format is detected.
const SAMPLE: u64 = 64 * 1024;

/// Opens a list. Notes say what was detected.
pub(super) fn open(
    spool: Spool,
    options: &mut ListOptions,
    create: &CreateFile<'_>,
    notes: &mut Vec<String>,
) -> Result<Box<dyn NamedRows>, ListError> {
    let mut spool = text::unpack(spool, create)?;
    let start = spool.start(SAMPLE)?;
    if let Some((name, advice)) = refused::by_magic(&start) {
        return Err(ListError::Refused(name, advice));
    }
    if workbook::is_workbook(&start) {
        let rows = workbook::convert(spool, options.sheet.as_deref(), create, notes)?;
        return table(Box::new(rows), &options.columns);
    }
    let (text, encoding) = text::decode(spool, create)?;
    notes.extend(encoding.map(|name| format!("the list is read as {name}")));
    open_text(text, options, notes)
}

fn open_text(
    mut text: Text,
    options: &mut ListOptions,
    notes: &mut Vec<String>,
) -> Result<Box<dyn NamedRows>, ListError> {
    let mut bytes = Vec::new();
    text.file.seek(SeekFrom::Start(text.start))?;
    Read::by_ref(&mut text.file).take(SAMPLE).read_to_end(&mut bytes)?;
    let sample = String::from_utf8_lossy(&bytes).into_owned();
    if refused::is_binary(&sample) {
        return Err(ListError::Refused("a binary file", "export the orders as CSV or XLSX"));
    }
    if let Some((name, advice)) = refused::by_text(&sample) {
        return Err(ListError::Refused(name, advice));
    }
    if sample.trim_start().starts_with(['{', '[']) {
        return json_layout::open(text, &sample, &options.columns, notes);
    }
    let normalized = if sample.contains('\n') { sample } else { sample.replace('\r', "\n") };
    let lines: Vec<&str> = normalized.lines().collect();
    if let Some(style) = vertical::detect(&lines) {
        return Ok(Box::new(VerticalRows::new(Lines::new(text)?, style)));
    }
    if let Some(rows) = drawn_table(&lines) {
        return table(rows(Lines::new(text)?), &options.columns);
    }
    if vertical::is_sqlite_lines(&lines) {
        return Ok(Box::new(VerticalRows::new(Lines::new(text)?, VerticalStyle::Sqlite)));
    }
    delimited(Lines::new(text)?, &lines, &mut options.columns)
}

type MakeRows = Box<dyn FnOnce(Lines) -> Box<dyn CellRows>>;

/// Recognizes tables that are drawn with characters, by the line under their header.
fn drawn_table(lines: &[&str]) -> Option<MakeRows> {
    let (index, ruler) =
        lines.iter().enumerate().take(40).find(|(_, line)| boxed::is_ruler(line) || fixed::columns(line).is_some())?;
    let is_fixed = fixed::columns(ruler).filter(|_| index > 0);
    if let Some(columns) = is_fixed {
        let header = lines[index - 1].trim();
        let is_header = !header.is_empty() && !header.contains([',', ';', '\t']);
        return is_header.then_some(Box::new(|lines| Box::new(FixedRows::new(lines, columns))));
    }
    let is_markdown = ruler.contains('|') && !ruler.contains('+');
    let is_framed = ruler.trim_start().starts_with(|letter| !matches!(letter, '-' | '=' | '─' | '━' | '═' | '—' | ':'));
    let has_bars = |line: &&str| line.contains(boxed::is_bar);
    let near = lines.get(index.saturating_sub(1)..lines.len().min(index + 2)).unwrap_or_default();
    near.iter()
        .any(|line| has_bars(line) && !boxed::is_ruler(line))
        .then_some(Box::new(move |lines| Box::new(BoxedRows::new(lines, BoxStyle { is_framed, is_markdown }))))
}

/// Opens a table whose rows are cells in the order of its header.
fn table(mut rows: Box<dyn CellRows>, columns: &ColumnNames) -> Result<Box<dyn NamedRows>, ListError> {
    match find_header(&mut *rows, columns)? {
        Some(header) => Ok(Box::new(TableRows::new(rows, header))),
        None => Err(no_header(&mut *rows, columns)?),
    }
}

fn no_header(rows: &mut dyn CellRows, columns: &ColumnNames) -> Result<ListError, ListError> {
    let mut row = super::rows::Row::default();
    rows.rewind()?;
    Ok(match rows.next_row(&mut row)? {
        Some(_) => no_reference(&row.cells().map(str::trim).collect::<Vec<_>>().join(", "), columns),
        None => ListError::NoOrders,
    })
}

fn no_reference(header: &str, columns: &ColumnNames) -> ListError {
    match columns.explicit_name(ListColumn::Reference) {
        Some(name) => ListError::NoColumn(name.to_owned(), excerpt(header)),
        None => ListError::NoReference(excerpt(header)),
    }
}

/// Opens a delimited list, or one with one reference per line.
fn delimited(mut lines: Lines, sample: &[&str], columns: &mut ColumnNames) -> Result<Box<dyn NamedRows>, ListError> {
    let named = sample.first().and_then(|line| line.trim().to_lowercase().strip_prefix("sep=").map(str::to_owned));
    let named = named.and_then(|text| text.chars().next());
    let quote = if has_single_quotes(sample) { '\'' } else { '"' };
    let candidates = match named {
        Some(delimiter) => vec![Some(delimiter)],
        None => vec![Some(','), Some(';'), Some('\t'), Some('|'), Some('^'), Some('~'), Some('\u{1f}'), None],
    };
    let mut best: Option<(Dialect, FoundHeader)> = None;
    for delimiter in candidates {
        let dialect = Dialect { delimiter, quote: Some(quote), has_escapes: false };
        let mut rows = DelimitedRows::new(lines, dialect);
        let found = find_header(&mut rows, columns)?.filter(|found| delimiter.is_none() || found.width() > 1);
        lines = rows.into_lines();
        let rank = |found: &FoundHeader| (found.regular >= found.irregular, found.known, found.regular);
        if let Some(found) = found
            && best.as_ref().is_none_or(|(_, best)| rank(&found) > rank(best))
        {
            best = Some((dialect, found));
        }
    }
    if let Some((dialect, header)) = best {
        return Ok(Box::new(TableRows::new(Box::new(DelimitedRows::new(lines, dialect)), header)));
    }
    let filled = || sample.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    let delimiter = [',', ';', '\t', '|'].into_iter().find(|delimiter| {
        filled().take(50).filter(|line| line.contains(*delimiter)).count() * 2 > filled().take(50).count()
    });
    if delimiter.is_some() {
        return Err(no_reference(filled().next().unwrap_or_default(), columns));
    }
    if sample.iter().any(|line| line.trim_start().starts_with(['[', '{'])) {
        return Err(ListError::Refused("text with JSON below it", "remove the lines above the JSON"));
    }
    let dialect = Dialect { delimiter: None, quote: Some(quote), has_escapes: false };
    // A first line without digits above lines with digits is the name of the column.
    let has_digit = |line: &str| line.contains(|letter: char| letter.is_ascii_digit());
    let first = filled().next().unwrap_or_default();
    let others: Vec<_> = filled().skip(1).take(50).collect();
    if !has_digit(first) && !first.starts_with('#') && others.len() > 1 && others.iter().all(|line| has_digit(line)) {
        let mut rows = DelimitedRows::new(lines, dialect);
        let named = columns.clone().or_names(&[(ListColumn::Reference, first)]);
        if let Some(header) = find_header(&mut rows, &named)? {
            *columns = named;
            return Ok(Box::new(TableRows::new(Box::new(rows), header)));
        }
        lines = rows.into_lines();
    }
    Ok(Box::new(TableRows::without_header(Box::new(DelimitedRows::new(lines, dialect)))))
}

/// Recognizes cells in single quotes, as in SQLite's quote mode.
fn has_single_quotes(sample: &[&str]) -> bool {
    sample.iter().find(|line| !line.trim().is_empty()).is_some_and(|line| {
        let line = line.trim();
        line.len() > 2 && line.starts_with('\'') && line.ends_with('\'')
    })
}

pub(super) fn json(text: Text, layout: super::rows::JsonLayout) -> Result<Box<dyn NamedRows>, ListError> {
    Ok(Box::new(JsonRows::new(text, layout)?))
}

/// Opens rows of JSON arrays.
pub(super) fn matrix(
    text: Text,
    layout: super::rows::JsonLayout,
    columns: &ColumnNames,
) -> Result<Box<dyn NamedRows>, ListError> {
    table(Box::new(MatrixRows::new(text, layout)?), columns)
}
