//! Finds the header of a table, and applies the rules of its rows: each has as many cells as the
//! header, and what is no row is named.

use super::super::BadLine;
use super::super::columns::{ColumnNames, normalize};
use super::super::reference::{is_provider_reference, is_sentence, without_bullet};
use super::{CellRows, Entry, NamedRows, Row, SkippedKind};
use std::io;

/// Lines that are searched for the header.
const MAX_TITLE_ROWS: usize = 40;
/// Rows after a possible header that are compared with it.
const SAMPLE_ROWS: usize = 100;

/// A table with a header, or a list with one reference per line.
pub(in super::super) struct TableRows {
    rows: Box<dyn CellRows>,
    header: Vec<String>,
    /// The number of entries before the header. `None`: the table has none, and one column.
    entries_before: Option<u64>,
    normalized: Vec<String>,
    /// The number of rows that a line such as `(3 rows)` below the table gives.
    footer_count: Option<u64>,
    read: u64,
    /// Entries read so far, the header included.
    seen: u64,
}

/// The header of a sample.
pub(in super::super) struct FoundHeader {
    entries_before: u64,
    names: Vec<String>,
    /// The number of its names that are known.
    pub(in super::super) known: usize,
    /// Rows of the sample with as many cells as the header, and others.
    pub(in super::super) regular: usize,
    pub(in super::super) irregular: usize,
}

impl FoundHeader {
    pub(in super::super) fn width(&self) -> usize {
        self.names.len()
    }
}

/// Reads the first rows and finds the header among them.
pub(in super::super) fn find_header(rows: &mut dyn CellRows, columns: &ColumnNames) -> io::Result<Option<FoundHeader>> {
    rows.rewind()?;
    let (mut sample, mut row, mut seen): (Vec<(u64, Row)>, _, _) = (Vec::new(), Row::default(), 0);
    while sample.len() < MAX_TITLE_ROWS + SAMPLE_ROWS {
        match rows.next_row(&mut row)? {
            Some(Entry::Row) => sample.push((seen, row.clone())),
            Some(Entry::Broken(_)) | None => break,
            Some(_) => {}
        }
        seen += 1;
    }
    rows.rewind()?;
    let candidates = (0..sample.len().min(MAX_TITLE_ROWS)).filter_map(|index| {
        let (names, known) = header_names(&sample[index].1, columns)?;
        let below = sample[index + 1..].iter().map(|(_, row)| row).take(SAMPLE_ROWS).filter(|row| !is_all_empty(row));
        let (mut regular, mut irregular, mut references) = (0, 0, 0);
        for row in below {
            let is_regular = row.len() == names.len() || (row.len() > names.len() && is_blank_after(row, names.len()));
            *(if is_regular { &mut regular } else { &mut irregular }) += 1;
            references += usize::from(is_regular && row.cells().any(|cell| is_provider_reference(cell.trim())));
        }
        let has_reference = columns.has_reference(&names) || references * 2 > regular;
        let found = FoundHeader { entries_before: sample[index].0, names, known, regular, irregular };
        (has_reference && (found.known > 0 || found.width() > 1)).then_some(found)
    });
    // A title may contain a known name, too: the header is the line that most rows agree with.
    Ok(candidates.reduce(|best, other| {
        let rank = |found: &FoundHeader| (found.regular > found.irregular, found.known);
        if rank(&other) > rank(&best) && other.regular >= found_regular(&best) { other } else { best }
    }))
}

fn found_regular(found: &FoundHeader) -> usize {
    if found.regular > found.irregular { found.regular } else { 0 }
}

/// Returns the names in a row that may be a header, and how many of them are known.
fn header_names(row: &Row, columns: &ColumnNames) -> Option<(Vec<String>, usize)> {
    let mut names: Vec<String> = row.cells().map(|cell| super::super::cell::clean(cell).into_owned()).collect();
    while names.len() > 1 && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    let is_value = |name: &String| {
        let is_number = name.contains(|letter: char| letter.is_ascii_digit())
            && !name.contains(|letter: char| letter.is_alphabetic());
        is_number || is_provider_reference(name) || name.contains('@')
    };
    let filled = names.iter().filter(|name| !name.is_empty()).count();
    let known = names.iter().filter(|name| columns.is_known(name)).count();
    let is_sparse = filled * 2 <= names.len() && known < 2;
    if is_sparse || names.iter().any(is_value) {
        return None;
    }
    Some((names, known))
}

fn is_all_empty(row: &Row) -> bool {
    row.cells().all(|cell| super::super::cell::clean(cell).is_empty())
}

fn is_blank_after(row: &Row, width: usize) -> bool {
    (width..row.len()).all(|index| row.cell(index).trim().is_empty())
}

impl TableRows {
    pub(in super::super) fn new(rows: Box<dyn CellRows>, header: FoundHeader) -> Self {
        let normalized = header.names.iter().map(|name| normalize(name)).collect();
        let FoundHeader { entries_before, names, .. } = header;
        let entries_before = Some(entries_before);
        Self { rows, header: names, entries_before, normalized, footer_count: None, read: 0, seen: 0 }
    }

    /// Creates a list of references without a header.
    pub(in super::super) fn without_header(rows: Box<dyn CellRows>) -> Self {
        let header = vec!["reference".to_owned()];
        Self { rows, normalized: header.clone(), header, entries_before: None, footer_count: None, read: 0, seen: 0 }
    }

    fn check(&mut self, row: &mut Row) -> Entry {
        let (line, width) = (row.line, self.header.len());
        if is_all_empty(row) {
            return Entry::skipped(line, SkippedKind::Empty);
        }
        if self.entries_before.is_none() {
            let text = without_bullet(row.cell(0).trim());
            if self.read == 0 && is_sentence(text) {
                return Entry::skipped(line, SkippedKind::Title);
            }
            let is_comment =
                text.starts_with('#') && (text.contains(' ') || is_provider_reference(&text[1..]) || text.len() == 1);
            return if is_comment { Entry::skipped(line, SkippedKind::Comment) } else { Entry::Row };
        }
        if row.cells().all(|cell| is_type_name(cell.trim())) {
            return Entry::skipped(line, SkippedKind::Types);
        }
        if let Some(count) = row_count(row) {
            self.footer_count = Some(count);
            return Entry::skipped(line, SkippedKind::Footer);
        }
        if row.len() > width && is_blank_after(row, width) {
            row.truncate(width);
        }
        while row.len() < width && self.rows.omits_empty_cells() {
            row.push("");
        }
        if row.len() != width {
            if row.len() == 1 && is_footer(row.cell(0)) {
                return Entry::skipped(line, SkippedKind::Footer);
            }
            let cells = if row.len() == 1 { "1 cell".to_owned() } else { format!("{} cells", row.len()) };
            return Entry::bad(line, format!("it has {cells}, but the header has {width}"));
        }
        self.check_header_again(row).unwrap_or(Entry::Row)
    }

    /// Recognizes a header in the middle: lists that were joined have one each.
    fn check_header_again(&self, row: &Row) -> Option<Entry> {
        let names: Vec<String> = row.cells().map(normalize).collect();
        let same = names.iter().zip(&self.normalized).filter(|(name, header)| name == header).count();
        if same == self.header.len() {
            return Some(Entry::skipped(row.line, SkippedKind::RepeatedHeader));
        }
        let named = names.iter().filter(|name| !name.is_empty() && self.normalized.contains(*name)).count();
        let is_other_header = named >= 2 && named * 2 > self.header.len();
        is_other_header.then(|| Entry::bad(row.line, "it is another header: the columns change their places here"))
    }
}

/// Recognizes the name of a type, which DuckDB and ClickHouse write below the header.
fn is_type_name(text: &str) -> bool {
    const TYPES: [&str; 24] = [
        "varchar",
        "string",
        "text",
        "char",
        "bigint",
        "int",
        "integer",
        "smallint",
        "tinyint",
        "hugeint",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "double",
        "float",
        "boolean",
        "timestamp",
        "date",
        "uuid",
    ];
    const WITH_ARGUMENTS: [&str; 9] = [
        "decimal",
        "nullable",
        "lowcardinality",
        "datetime",
        "datetime64",
        "timestamp",
        "numeric",
        "fixedstring",
        "enum8",
    ];
    let lower = text.to_lowercase();
    let base = lower.split(['(', ' ']).next().unwrap_or_default();
    TYPES.contains(&lower.as_str())
        || WITH_ARGUMENTS.contains(&base)
        || base.starts_with("float")
        || lower.starts_with("timestamp ")
}

/// Returns true for a sentence below a table. A row with another delimiter is none.
fn is_footer(text: &str) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let has_reference = text.split(|letter| !is_name(letter)).any(is_provider_reference);
    is_sentence(text) && !has_reference && !text.contains([',', ';', '\t', '|'])
}

/// Returns true for a row above the header that may be an order, as in a list that was sorted with
/// its header.
fn looks_like_order(row: &Row, width: usize) -> bool {
    let filled = row.cells().filter(|cell| !cell.trim().is_empty()).count();
    let has_digit = || row.cells().any(|cell| cell.contains(|letter: char| letter.is_ascii_digit()));
    let is_like_the_others = width > 1 && row.len() == width && filled * 2 > width && has_digit();
    is_like_the_others || row.cells().any(|cell| is_provider_reference(cell.trim()))
}

/// Reads the number in `(3 rows)` or `3 rows in set (0.00 sec)`.
fn row_count(row: &Row) -> Option<u64> {
    let text = (row.len() == 1).then(|| row.cell(0).trim())?;
    let (number, rest) = text.trim_start_matches('(').split_once(' ')?;
    let rest = rest.trim_end_matches(')');
    let is_footer = matches!(rest, "row" | "rows") || rest.starts_with("row in set") || rest.starts_with("rows in set");
    if is_footer { number.parse().ok() } else { None }
}

impl NamedRows for TableRows {
    fn rewind(&mut self) -> io::Result<()> {
        (self.footer_count, self.read, self.seen) = (None, 0, 0);
        self.rows.rewind()
    }

    fn next_row(&mut self, row: &mut Row) -> io::Result<Option<Entry>> {
        loop {
            let Some(entry) = self.rows.next_row(row)? else {
                return Ok(self.footer_count.take().filter(|count| *count != self.read).map(|count| {
                    let reason =
                        format!("the line below the table counts {count} rows, but the list has {}", self.read);
                    Entry::Bad(BadLine { line: row.line, reason })
                }));
            };
            let entry_number = self.seen;
            self.seen += 1;
            match (entry, self.entries_before) {
                (Entry::Row, Some(header)) if entry_number < header => {
                    return Ok(Some(if looks_like_order(row, self.header.len()) {
                        Entry::bad(row.line, "it stands above the header, but looks like an order".to_owned())
                    } else {
                        Entry::skipped(row.line, SkippedKind::Title)
                    }));
                }
                (_, Some(header)) if entry_number == header => {}
                (Entry::Row, _) => {
                    let entry = self.check(row);
                    self.read += u64::from(entry == Entry::Row);
                    return Ok(Some(entry));
                }
                (other, _) => return Ok(Some(other)),
            }
        }
    }

    fn header(&self) -> &[String] {
        &self.header
    }

    fn has_header(&self) -> bool {
        self.entries_before.is_some()
    }

    fn cell_rows(&mut self) -> Option<&mut dyn CellRows> {
        Some(&mut *self.rows)
    }
}
