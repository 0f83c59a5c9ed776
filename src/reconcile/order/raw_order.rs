//! Turns the text of one line into an order.
//!
//! Amounts are whole minor units unless the user passes `--decimal`. They never become floats.

use super::super::columns::{ColumnNames, ListColumn};
use super::table::ColumnIndexes;
use super::{AmountFormat, Order};
use csv::ByteRecord;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The columns of one line as text. Errors are sentences about the line.
#[derive(Default)]
pub(super) struct RawOrder {
    reference: String,
    status: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
}

impl RawOrder {
    pub(super) fn from_reference(reference: String) -> Self {
        Self { reference, ..Self::default() }
    }
}

pub(super) fn parse_order(line: u64, raw: RawOrder, amounts: AmountFormat) -> Result<Order, String> {
    let RawOrder { reference, status, amount, currency } = raw;
    if reference.is_empty() {
        return Err("no reference".to_owned());
    }
    let minor = amount.map(|text| parse_amount(&text, amounts)).transpose()?;
    Ok(Order { line, reference, status, minor, currency, ..Order::default() })
}

pub(super) fn parse_row(row: &ByteRecord, columns: &ColumnIndexes) -> Result<RawOrder, String> {
    let cell = |index: Option<usize>| -> Result<Option<String>, String> {
        let bytes = index.and_then(|index| row.get(index)).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    };
    Ok(RawOrder {
        reference: cell(Some(columns.reference))?.unwrap_or_default(),
        status: cell(columns.status)?,
        amount: cell(columns.amount)?,
        currency: cell(columns.currency)?,
    })
}

type Fields<'l> = BTreeMap<&'l str, &'l RawValue>;

pub(super) fn parse_object(line: &str, columns: &ColumnNames) -> Result<RawOrder, String> {
    let fields: Fields<'_> = serde_json::from_str(line).map_err(|_| "not a JSON object".to_owned())?;
    let cell = |column| -> Result<Option<String>, String> {
        let value = match columns.explicit_name(column) {
            Some(path) => value_at(&fields, path),
            None => {
                let names: Vec<&str> = fields.keys().copied().collect();
                let index = columns.find(column, &names)?;
                index.and_then(|index| fields.get(names[index]).copied())
            }
        };
        value.map_or(Ok(None), value_text)
    };
    Ok(RawOrder {
        reference: cell(ListColumn::Reference)?.unwrap_or_default(),
        status: cell(ListColumn::Status)?,
        amount: cell(ListColumn::Amount)?,
        currency: cell(ListColumn::Currency)?,
    })
}

/// Finds the value at a path such as `data.id`.
fn value_at<'l>(fields: &Fields<'l>, path: &str) -> Option<&'l RawValue> {
    if let Some(value) = fields.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    let inner: Fields<'l> = serde_json::from_str(fields.get(first)?.get()).ok()?;
    value_at(&inner, rest)
}

/// Returns a string's text, or a number's digits as they are written.
fn value_text(value: &RawValue) -> Result<Option<String>, String> {
    let text = value.get();
    match text.bytes().next() {
        Some(b'"') => {
            let text: String = serde_json::from_str(text).map_err(|_| "a string is not valid JSON".to_owned())?;
            Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
        }
        Some(b'-' | b'0'..=b'9') => Ok(Some(text.to_owned())),
        Some(b'n') => Ok(None),
        _ => Err(format!("`{}` is neither a string nor a number", text.chars().take(40).collect::<String>())),
    }
}

/// Parses an amount into minor units.
pub(super) fn parse_amount(text: &str, amounts: AmountFormat) -> Result<i128, String> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (sign, size) = text.strip_prefix('-').map_or(("", text), |size| ("-", size));
    let too_large = |_| format!("`{text}` is too large");
    match (amounts, size.split_once('.')) {
        (AmountFormat::MinorUnits, None) if is_digits(size) => text.parse().map_err(too_large),
        (AmountFormat::Decimal, None) if is_digits(size) => format!("{text}00").parse().map_err(too_large),
        (AmountFormat::Decimal, Some((whole, part))) if is_digits(whole) && is_digits(part) && part.len() <= 2 => {
            format!("{sign}{whole}{part:0<2}").parse().map_err(too_large)
        }
        (AmountFormat::MinorUnits, _) => {
            Err(format!("`{text}` is not a whole number of minor units (use --decimal for amounts such as 100.00)"))
        }
        (AmountFormat::Decimal, _) => Err(format!("`{text}` is not an amount such as 100 or 100.00")),
    }
}
