//! Opens lists of orders: the arguments that say how to read them, and what is reported about them.

use super::super::Session;
use crate::model::error::{Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::reconcile::OrderReader;
use crate::reconcile::columns::{ColumnArg, ColumnNames};
use crate::reconcile::order::{AmountFormat, ListError, ListOptions, MissingReference, Spool};
use crate::render::text::count;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::str::FromStr;

/// Arguments of commands that read a list of orders. The argument that names the list belongs to the
/// group `list`.
#[derive(Args)]
pub(in crate::command) struct ListArgs {
    /// Name of a column in the list: reference=NAME, status=NAME, amount=NAME, currency=NAME, id=NAME
    /// (the order's own) or created=NAME. May be repeated
    #[arg(long, value_name = "COLUMN=NAME", requires = "list")]
    pub column: Vec<ColumnArg>,
    /// Read amounts in the list as decimals such as 100.00 instead of minor units
    #[arg(long, requires = "list")]
    pub decimal: bool,
    /// Notation of amounts in the list: minor (10000), decimal (100.00), point (1,000.00) or comma
    /// (1.000,00); by default it is decided for the whole column
    #[arg(long, value_name = "NOTATION", requires = "list", conflicts_with = "decimal", value_parser = amount_format(),
        default_value = "auto", hide_default_value = true, hide_possible_values = true)]
    pub amounts: AmountFormat,
    /// Sheet of a workbook to read (default: the first one with rows)
    #[arg(long, value_name = "NAME", requires = "list")]
    pub sheet: Option<String>,
    /// Number of rows that the list must have: N, or '>=N' for at least N
    #[arg(long, value_name = "N", requires = "list")]
    pub expect_rows: Option<ExpectedRows>,
}

fn amount_format() -> impl TypedValueParser<Value = AmountFormat> {
    PossibleValuesParser::new(AmountFormat::ALL.iter().map(|format| format.code()))
        .map(|word| AmountFormat::ALL.into_iter().find(|format| format.code() == word).unwrap_or_default())
}

/// The number of rows that a list must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) struct ExpectedRows {
    count: u64,
    allows_more: bool,
}

impl FromStr for ExpectedRows {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let least = text.strip_prefix(">=").or_else(|| text.strip_prefix('≥'));
        let count = least.unwrap_or(text).trim().parse().map_err(|_| "expected N, or >=N")?;
        Ok(Self { count, allows_more: least.is_some() })
    }
}

impl ExpectedRows {
    fn check(self, found: u64) -> Result<()> {
        if found == self.count || (self.allows_more && found > self.count) {
            return Ok(());
        }
        let least = if self.allows_more { "at least " } else { "" };
        let found = count(found, "row");
        Err(Error::failed(format!("the list has {found}, but {least}{} were expected", self.count))
            .because("it may be truncated; nothing was looked up"))
    }
}

impl ListArgs {
    /// Reads a list once, reports what was decided about it, and returns its orders. `name` is for
    /// messages.
    pub(in crate::command) fn open(
        &self,
        name: &str,
        spool: Spool,
        missing_reference: MissingReference,
        session: &Session<'_>,
    ) -> Result<OrderReader> {
        let orders = self.read(name, spool, missing_reference, session)?;
        for note in orders.notes() {
            session.info(note);
        }
        for problem in orders.problems() {
            session.warn(&escape_unsafe(problem));
        }
        Ok(orders)
    }

    /// Reads a list once and returns its orders.
    pub(in crate::command) fn read(
        &self,
        name: &str,
        spool: Spool,
        missing_reference: MissingReference,
        session: &Session<'_>,
    ) -> Result<OrderReader> {
        let options = ListOptions {
            columns: ColumnNames::from_args(&self.column),
            amounts: if self.decimal { AmountFormat::Decimal } else { self.amounts },
            sheet: self.sheet.clone(),
            zone: session.world.time_zone(),
            missing_reference,
        };
        let orders = OrderReader::new(spool, &options, &|| session.world.temporary_file())
            .map_err(|error| list_error(name, error))?;
        if let Some(expected) = self.expect_rows {
            expected.check(orders.counts().rows())?;
        }
        Ok(orders)
    }

    /// Describes the arguments that decide what is read from a list, for the journal of a run.
    pub(in crate::command) fn journal_input(&self) -> Vec<String> {
        let columns = self.column.iter().map(|arg| format!("{}={}", arg.column.code(), arg.name));
        let sheet = self.sheet.iter().map(|name| format!("sheet={name}"));
        let amounts = Some(self.amounts).filter(|format| *format != AmountFormat::Auto);
        let amounts = amounts.map(|format| format!("amounts={}", format.code()));
        columns.chain(sheet).chain(amounts).collect()
    }
}

/// A missing column from `--column` is a usage error; the rest is wrong with the list.
fn list_error(name: &str, error: ListError) -> Error {
    let what = format!("can't read the list {name}");
    let hint = match &error {
        ListError::NoColumn(..) | ListError::NoReference(_) => {
            "name the column of the reference: --column reference=NAME"
        }
        ListError::NoSheet(..) => "name one of its sheets",
        ListError::NotReferences(_) => "give CSV with a header, JSON, a workbook, or one reference per line",
        ListError::Refused(_, advice) => advice,
        ListError::AmbiguousAmounts { hint, .. } => hint,
        ListError::Empty | ListError::NoOrders => "nothing was compared: check what wrote the list",
        ListError::Input(_) | ListError::Damaged(..) | ListError::Broken(..) => "",
    };
    let failed = match error {
        ListError::NoColumn(..) | ListError::NoSheet(..) => Error::usage(what),
        _ => Error::failed(what),
    };
    let failed = failed.because(error);
    if hint.is_empty() { failed } else { failed.hint(hint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_rows_are_exact_or_a_minimum() {
        let parse = |text: &str| text.parse::<ExpectedRows>();
        assert!(parse("3").unwrap().check(3).is_ok() && parse("3").unwrap().check(4).is_err());
        for text in [">=3", "≥3", ">= 3"] {
            let expected = parse(text).unwrap();
            assert!(expected.check(3).is_ok() && expected.check(4).is_ok() && expected.check(2).is_err());
        }
        assert!(["", "x", "-1", ">3"].into_iter().all(|text| parse(text).is_err()));
    }
}
