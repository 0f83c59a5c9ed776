//! Decides which column is which, and turns rows into orders.

use super::amount::{AmbiguousAmounts, AmountFormat, AmountNotation};
use super::cell::{clean, is_total};
use super::columns::{ColumnNames, ListColumn, is_minor_amount, unit};
use super::date::DateNotation;
use super::rows::{Row, SkippedKind};
use super::survey::{Survey, is_whole_decimal};
use super::{ListError, ListOptions, MissingReference, Order, excerpt, reference};
use jiff::tz::TimeZone;
use std::sync::Arc;

/// The meaning of the columns of a list.
pub(super) struct Plan {
    reference: usize,
    own_id: Option<usize>,
    status: Option<usize>,
    amount: Option<(usize, AmountNotation)>,
    currency: Option<usize>,
    created: Option<(usize, DateNotation)>,
    extra: Vec<(usize, Arc<str>)>,
    /// The currency in the name of the amount's column.
    named_currency: Option<String>,
    has_header: bool,
    /// All references are whole numbers to which a spreadsheet added `.0`.
    drops_zero: bool,
    zone: TimeZone,
    missing_reference: MissingReference,
}

/// A row that is no order.
pub(super) enum NoOrder {
    Skipped(SkippedKind),
    Bad(String),
}

/// The columns of the output of `whtool reconcile`.
const WHTOOL_JSON: [(ListColumn, &str); 6] = [
    (ListColumn::Reference, "reference"),
    (ListColumn::Status, "order.status"),
    (ListColumn::Amount, "order.minor"),
    (ListColumn::Currency, "order.currency"),
    (ListColumn::OwnId, "order.ownId"),
    (ListColumn::Created, "order.created"),
];
const WHTOOL_CSV: [(ListColumn, &str); 6] = [
    (ListColumn::Reference, "reference"),
    (ListColumn::Status, "order_status"),
    (ListColumn::Amount, "order_minor"),
    (ListColumn::Currency, "order_currency"),
    (ListColumn::OwnId, "own_id"),
    (ListColumn::Created, "created"),
];

impl Plan {
    /// Chooses the columns. Notes say what was guessed.
    pub(super) fn new(
        header: &[String],
        has_header: bool,
        survey: &Survey,
        options: &ListOptions,
        notes: &mut Vec<String>,
    ) -> Result<Self, ListError> {
        let names = with_whtool_names(header, &options.columns);
        let choice = Choice { header, survey, names: &names };
        let Some(reference) = choice.reference()? else {
            return Err(ListError::NoReference(excerpt(&header.join(", "))));
        };
        let mut taken = vec![reference];
        let mut take = |column| -> Result<Option<usize>, ListError> {
            let index = choice.find(column, &taken)?;
            taken.extend(index);
            Ok(index)
        };
        let status = take(ListColumn::Status)?;
        let amount = take(ListColumn::Amount)?;
        let (currency, own_id) = (take(ListColumn::Currency)?, take(ListColumn::OwnId)?);
        let created = take(ListColumn::Created)?;
        let amount = amount.map(|index| choice.amount(index, options.amounts)).transpose()?;
        if has_header {
            let columns = [
                (ListColumn::Reference, Some(reference)),
                (ListColumn::OwnId, own_id),
                (ListColumn::Status, status),
                (ListColumn::Amount, amount.map(|(index, _)| index)),
                (ListColumn::Currency, currency),
                (ListColumn::Created, created),
            ];
            notes.extend(choice.columns_note(&columns));
        }
        if let Some((index, notation)) = amount.filter(|_| options.amounts == AmountFormat::Auto) {
            notes.extend(choice.amounts_note(index, notation));
        }
        let created = created.and_then(|index| choice.created(index, notes));
        let found = &survey.columns.get(reference);
        let drops_zero = found.is_some_and(|found| found.filled > 0 && found.whole_decimals == found.filled);
        if drops_zero {
            notes.push("the references end with .0, which spreadsheets add to numbers: it is removed".to_owned());
        }
        if let Some(invisible) = found.map(|found| found.invisible).filter(|count| *count > 0) {
            notes.push(format!("invisible characters are removed from {invisible} of the references"));
        }
        let name = |index: usize| -> Arc<str> {
            let before = header[..index].iter().filter(|other| **other == header[index]).count();
            match header[index].as_str() {
                "" => Arc::from(format!("column {}", index + 1)),
                name if before > 0 => Arc::from(format!("{name} ({})", before + 1)),
                name => Arc::from(name),
            }
        };
        let is_filled = |index: &usize| survey.columns.get(*index).is_some_and(|column| column.filled > 0);
        let free = (0..header.len()).filter(|index| !taken.contains(index)).filter(is_filled);
        let extra = free.map(|index| (index, name(index))).collect();
        let unit = amount.and_then(|(index, _)| unit(&header[index]));
        let is_currency = |unit: &&str| unit.len() == 3 && unit.bytes().all(|byte| byte.is_ascii_uppercase());
        Ok(Self {
            reference,
            own_id,
            status,
            amount,
            currency,
            created,
            extra,
            named_currency: unit.filter(is_currency).map(str::to_owned),
            has_header,
            drops_zero,
            zone: options.zone.clone(),
            missing_reference: options.missing_reference,
        })
    }

    pub(super) fn extra_columns(&self) -> Vec<Arc<str>> {
        self.extra.iter().map(|(_, name)| Arc::clone(name)).collect()
    }

    /// Turns a row into an order.
    pub(super) fn order(&self, row: &Row) -> Result<Order, NoOrder> {
        let cell = |index: usize| clean(row.cell(index));
        let text = |index: Option<usize>| index.map(|index| cell(index).into_owned()).filter(|text| !text.is_empty());
        let reference = self.read_reference(row)?;
        let mut order = Order {
            line: row.line,
            reference,
            status: text(self.status),
            own_id: text(self.own_id),
            currency: text(self.currency).map(|code| currency_code(&code)),
            ..Order::default()
        };
        if let Some((index, notation)) = self.amount {
            let text = cell(index);
            match notation.parse(&text, row.is_number(index)) {
                _ if text.is_empty() => {}
                Ok(amount) => {
                    order.minor = Some(amount.minor);
                    let currency = amount.currency.map(str::to_owned).or_else(|| self.named_currency.clone());
                    order.currency = order.currency.or(currency);
                }
                Err(problem) => order.problems.push(format!("the amount was not compared: {problem}")),
            }
        }
        if let Some((index, notation)) = self.created {
            let text = cell(index);
            order.created = notation.parse(&text, &self.zone);
            if order.created.is_none() && !text.is_empty() {
                order.problems.push(format!("the date `{}` could not be read", excerpt(&text)));
            }
        }
        let extra = self.extra.iter().map(|(index, name)| (Arc::clone(name), cell(*index).into_owned()));
        order.extra = extra.filter(|(_, text)| !text.is_empty()).collect();
        Ok(order)
    }

    fn read_reference(&self, row: &Row) -> Result<String, NoOrder> {
        let mut text = clean(row.cell(self.reference));
        if text.is_empty() && self.missing_reference == MissingReference::OwnNumber {
            text = self.own_id.map(|index| clean(row.cell(index))).unwrap_or_default();
        }
        if self.has_header && (text.is_empty() || is_total(&text)) {
            let first = row.cells().map(clean).find(|cell| !cell.is_empty());
            if first.is_some_and(|first| is_total(&first)) || is_total(&text) {
                return Err(NoOrder::Skipped(SkippedKind::Total));
            }
        }
        if text.is_empty() {
            return Err(NoOrder::Bad("no reference".to_owned()));
        }
        // An apostrophe makes Excel keep a cell as text.
        let text = text.strip_prefix('\'').filter(|rest| !rest.contains('\'')).unwrap_or(&text);
        let text = if self.has_header { text } else { reference::without_bullet(text) };
        if is_whole_decimal(text) {
            return match text.strip_suffix(".0").filter(|_| self.drops_zero) {
                Some(whole) => Ok(whole.to_owned()),
                None => Err(NoOrder::Bad(format!("`{text}` is a number that a spreadsheet changed: it added .0"))),
            };
        }
        match reference::fault(text) {
            Some(fault) => Err(NoOrder::Bad(format!("`{}` {fault}", excerpt(text)))),
            None => Ok(text.to_owned()),
        }
    }
}

/// Returns the code of a currency that is given by its symbol.
fn currency_code(text: &str) -> String {
    match super::amount::currency_by_symbol(text) {
        Some(code) => code.to_owned(),
        None if text.len() == 3 => text.to_uppercase(),
        None => text.to_owned(),
    }
}

/// Adds the names that whtool's own output has.
fn with_whtool_names(header: &[String], columns: &ColumnNames) -> ColumnNames {
    let has = |name: &str| header.iter().any(|header| header == name);
    let own: &[(ListColumn, &str)] = if has("schema") && has("class") && has("difference") {
        &WHTOOL_JSON
    } else if has("class") && has("order_status") && has("provider") {
        &WHTOOL_CSV
    } else {
        &[]
    };
    let own: Vec<_> = own.iter().filter(|(_, name)| has(name)).copied().collect();
    columns.clone().or_names(&own)
}

struct Choice<'c> {
    header: &'c [String],
    survey: &'c Survey,
    names: &'c ColumnNames,
}

impl Choice<'_> {
    fn explicit(&self, column: ListColumn) -> Result<Option<usize>, ListError> {
        let missing = |name| ListError::NoColumn(name, excerpt(&self.header.join(", ")));
        self.names.find_explicit(column, self.header).map_err(missing)
    }

    /// Finds the column by its usual names, the most telling first. Other columns than the reference
    /// come last if they have no value.
    fn find(&self, column: ListColumn, taken: &[usize]) -> Result<Option<usize>, ListError> {
        if let Some(index) = self.explicit(column)? {
            return Ok(Some(index));
        }
        let is_filled = |index: usize| self.survey.columns.get(index).is_some_and(|column| column.filled > 0);
        let free = (0..self.header.len()).filter(|index| !taken.contains(index));
        let is_last = |index: usize| column != ListColumn::Reference && !is_filled(index);
        let ranked = free.filter_map(|index| Some(((is_last(index), column.rank(&self.header[index])?), index)));
        Ok(ranked.min().map(|(_, index)| index))
    }

    /// Finds the reference: by its explicit name, by its values, then by its usual names.
    fn reference(&self) -> Result<Option<usize>, ListError> {
        if let Some(index) = self.explicit(ListColumn::Reference)? {
            return Ok(Some(index));
        }
        let by_values = (0..self.header.len())
            .filter(|index| self.survey.columns.get(*index).is_some_and(|column| column.holds_references()));
        let rank = |index: usize| ListColumn::Reference.rank(&self.header[index]).unwrap_or(usize::MAX);
        let best = by_values
            .min_by_key(|index| (rank(*index), std::cmp::Reverse(self.survey.columns[*index].references), *index));
        match best {
            Some(index) => Ok(Some(index)),
            None => self.find(ListColumn::Reference, &[]),
        }
    }

    fn amount(&self, index: usize, format: AmountFormat) -> Result<(usize, AmountNotation), ListError> {
        let is_minor_name = is_minor_amount(&self.header[index]);
        let amounts = self.survey.columns.get(index).and_then(|column| column.amounts.as_ref());
        let notation = amounts.cloned().unwrap_or_default().notation(format, is_minor_name);
        let name = excerpt(&self.header[index]);
        notation.map(|notation| (index, notation)).map_err(|ambiguous| match ambiguous {
            AmbiguousAmounts::Thousands(example) => ListError::AmbiguousAmounts {
                reason: format!("the amounts in `{name}` are ambiguous: `{example}` may be a thousand or one"),
                hint: "add --amounts comma (1.000,00), --amounts point (1,000.00) or --amounts minor",
            },
            AmbiguousAmounts::WholeDecimals(example) => ListError::AmbiguousAmounts {
                reason: format!(
                    "the amounts in `{name}` all end with .0 (`{example}`): they may be decimals, or minor units that a \
                     spreadsheet changed"
                ),
                hint: "add --decimal or --amounts minor",
            },
        })
    }

    fn created(&self, index: usize, notes: &mut Vec<String>) -> Option<(usize, DateNotation)> {
        let dates = self.survey.columns.get(index)?.dates?;
        if dates.is_empty() {
            return None;
        }
        let notation = dates.notation();
        if notation.is_none() {
            let name = excerpt(&self.header[index]);
            notes.push(format!("the dates in `{name}` are not used: they don't tell whether day or month comes first"));
        }
        notation.map(|notation| (index, notation))
    }

    /// Names the columns if any of them was found by another name than its own.
    fn columns_note(&self, columns: &[(ListColumn, Option<usize>)]) -> Option<String> {
        let found = || columns.iter().filter_map(|(column, index)| Some((*column, (*index)?)));
        let is_guessed = |(column, index): (ListColumn, usize)| {
            !self.names.is_named(column, &self.header[index]) && self.header[index] != column.code()
        };
        found().any(is_guessed).then(|| {
            let names: Vec<_> = found()
                .map(|(column, index)| format!("{} = {}", column.code(), excerpt(&self.header[index])))
                .collect();
            format!("columns of the list: {}", names.join(", "))
        })
    }

    fn amounts_note(&self, index: usize, notation: AmountNotation) -> Option<String> {
        let amounts = self.survey.columns.get(index)?.amounts.as_ref()?;
        let example = excerpt(amounts.example());
        if example.is_empty() {
            return None;
        }
        let meaning = match notation.parse(amounts.example(), true) {
            Ok(amount) if notation.is_minor() => {
                format!(" ({} is {}.{:02})", example, amount.minor / 100, amount.minor.unsigned_abs() % 100)
            }
            _ => format!(" such as {example}"),
        };
        let flag = if notation.is_minor() { "--decimal" } else { "--amounts minor" };
        Some(format!("amounts of the list are {}{meaning}; {flag} if not", notation.description()))
    }
}
