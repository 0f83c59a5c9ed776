//! Surveys all rows of a list before the first is used, and decides which column is which.

use super::amount::AmountSurvey;
use super::cell::{clean, is_invisible, is_total};
use super::columns::{ColumnNames, ListColumn};
use super::date::DateSurvey;
use super::reference::is_provider_reference;
use super::rows::{Dialect, Entry, NamedRows, Row};
use super::{BadLine, ListError};

/// Facts about a column from all its cells.
#[derive(Default)]
pub(super) struct ColumnSurvey {
    /// Cells with a value.
    pub(super) filled: u64,
    /// References of a provider.
    pub(super) references: u64,
    /// Whole numbers with `.0`.
    pub(super) whole_decimals: u64,
    /// Cells with invisible characters.
    pub(super) invisible: u64,
    /// `None`: its name is not that of an amount.
    pub(super) amounts: Option<AmountSurvey>,
    /// `None`: its name is not that of a time.
    pub(super) dates: Option<DateSurvey>,
}

#[derive(Default)]
pub(super) struct Survey {
    pub(super) columns: Vec<ColumnSurvey>,
    pub(super) rows: u64,
    /// Rows that break the rules of their notation.
    pub(super) irregular: u64,
}

/// Surveys a list. If rows break the rules of their notation, and another notation suits all rows,
/// that one is used.
pub(super) fn survey(rows: &mut dyn NamedRows, names: &ColumnNames) -> Result<Survey, ListError> {
    let first = read(rows, names)?;
    if first.irregular == 0 {
        return Ok(first);
    }
    let dialects = rows.cell_rows().map(|rows| rows.other_dialects()).unwrap_or_default();
    let original = rows.cell_rows().and_then(|rows| rows.dialect());
    for dialect in dialects {
        set_dialect(rows, dialect);
        let other = read(rows, names)?;
        if other.irregular == 0 && other.rows > first.rows {
            return Ok(other);
        }
    }
    if let Some(original) = original {
        set_dialect(rows, original);
    }
    Ok(first)
}

fn set_dialect(rows: &mut dyn NamedRows, dialect: Dialect) {
    if let Some(rows) = rows.cell_rows() {
        rows.set_dialect(dialect);
    }
}

fn read(rows: &mut dyn NamedRows, names: &ColumnNames) -> Result<Survey, ListError> {
    rows.rewind()?;
    let (mut survey, mut row) = (Survey::default(), Row::default());
    while let Some(entry) = rows.next_row(&mut row)? {
        match entry {
            Entry::Row => {
                while survey.columns.len() < rows.header().len() {
                    let name = &rows.header()[survey.columns.len()];
                    survey.columns.push(ColumnSurvey::new(name, names));
                }
                survey.rows += 1;
                let first = row.cells().map(clean).find(|cell| !cell.is_empty());
                if first.is_some_and(|first| is_total(&first)) {
                    continue;
                }
                for (column, index) in survey.columns.iter_mut().zip(0..row.len()) {
                    column.add(row.cell(index), row.is_number(index));
                }
            }
            Entry::Bad(_) => survey.irregular += 1,
            Entry::Broken(BadLine { line, reason }) => return Err(ListError::Broken(line, reason)),
            Entry::Skipped(_) => {}
        }
    }
    while survey.columns.len() < rows.header().len() {
        survey.columns.push(ColumnSurvey::default());
    }
    rows.rewind()?;
    Ok(survey)
}

impl ColumnSurvey {
    fn new(name: &str, names: &ColumnNames) -> Self {
        let is = |column: ListColumn| column.rank(name).is_some() || names.is_named(column, name);
        Self {
            amounts: is(ListColumn::Amount).then(AmountSurvey::default),
            dates: is(ListColumn::Created).then(DateSurvey::default),
            ..Self::default()
        }
    }

    fn add(&mut self, cell: &str, is_number: bool) {
        let text = clean(cell);
        if text.is_empty() {
            return;
        }
        self.filled += 1;
        self.references += u64::from(is_provider_reference(&text));
        self.whole_decimals += u64::from(is_whole_decimal(&text));
        self.invisible += u64::from(!cell.is_ascii() && cell.contains(is_invisible));
        if let Some(amounts) = &mut self.amounts {
            amounts.add(&text, is_number);
        }
        if let Some(dates) = &mut self.dates {
            dates.add(&text);
        }
    }

    /// Returns true if most of its cells are references of a provider.
    pub(super) fn holds_references(&self) -> bool {
        self.references * 2 > self.filled
    }
}

/// Recognizes `1001.0`, as which spreadsheets and pandas write the number 1001.
pub(super) fn is_whole_decimal(text: &str) -> bool {
    let whole = text.strip_suffix(".0").unwrap_or_default();
    !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit())
}
