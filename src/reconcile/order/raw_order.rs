//! What stands in the columns of one line, read into an order.
//!
//! Amounts are whole minor units unless the user says that they are decimal; they never become floats.

use super::super::columns::{ColumnNames, ListColumn};
use super::{AmountFormat, BadLine, ColumnIndexes, Order};
use csv::ByteRecord;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What stands in the columns of one line.
#[derive(Default)]
pub(super) struct RawOrder {
    reference: String,
    status: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
}

impl RawOrder {
    /// A line that is a reference and nothing else.
    pub(super) fn from_reference(reference: String) -> Result<Self, String> {
        Ok(Self { reference, ..Self::default() })
    }
}

/// The order of a line, or what is wrong with it.
pub(super) fn parse_order(line: u64, cells: Result<RawOrder, String>, units: AmountFormat) -> Result<Order, BadLine> {
    let read = |cells: RawOrder| {
        if cells.reference.is_empty() {
            return Err("it has no reference".to_owned());
        }
        let minor = cells.amount.as_deref().map(|text| parse_amount(text, units)).transpose()?;
        Ok(Order { line, reference: cells.reference, status: cells.status, minor, currency: cells.currency })
    };
    cells.and_then(read).map_err(|why| BadLine { line, why })
}

/// The cells of a table's row.
pub(super) fn parse_row(record: &ByteRecord, places: &ColumnIndexes) -> Result<RawOrder, String> {
    let cell = |place: Option<usize>| -> Result<Option<String>, String> {
        let bytes = place.and_then(|place| record.get(place)).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    };
    Ok(RawOrder {
        reference: cell(Some(places.reference))?.unwrap_or_default(),
        status: cell(places.status)?,
        amount: cell(places.amount)?,
        currency: cell(places.currency)?,
    })
}

type Fields<'l> = BTreeMap<&'l str, &'l RawValue>;

/// The cells of a JSON object.
pub(super) fn parse_object(line: &str, columns: &ColumnNames) -> Result<RawOrder, String> {
    let fields: Fields<'_> = serde_json::from_str(line).map_err(|_| "it is not a JSON object".to_owned())?;
    let cell = |column| -> Result<Option<String>, String> {
        let value = match columns.explicit_name(column) {
            Some(path) => at(&fields, path),
            None => {
                let names: Vec<&str> = fields.keys().copied().collect();
                let place = columns.find(column, &names)?;
                place.and_then(|place| fields.get(names[place]).copied())
            }
        };
        value.map_or(Ok(None), text_of)
    };
    Ok(RawOrder {
        reference: cell(ListColumn::Reference)?.unwrap_or_default(),
        status: cell(ListColumn::Status)?,
        amount: cell(ListColumn::Amount)?,
        currency: cell(ListColumn::Currency)?,
    })
}

/// The value at a path such as `data.id`.
fn at<'l>(fields: &Fields<'l>, path: &str) -> Option<&'l RawValue> {
    if let Some(value) = fields.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    let inner: Fields<'l> = serde_json::from_str(fields.get(first)?.get()).ok()?;
    at(&inner, rest)
}

/// A text as it is, a number by its digits as they were written.
fn text_of(value: &RawValue) -> Result<Option<String>, String> {
    let text = value.get();
    match text.bytes().next() {
        Some(b'"') => {
            let text: String = serde_json::from_str(text).map_err(|_| "a text in it can't be read".to_owned())?;
            Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
        }
        Some(b'-' | b'0'..=b'9') => Ok(Some(text.to_owned())),
        Some(b'n') => Ok(None),
        _ => Err(format!("`{}` is neither a text nor a number", text.chars().take(40).collect::<String>())),
    }
}

/// Minor units from a text.
pub(super) fn parse_amount(text: &str, units: AmountFormat) -> Result<i128, String> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (sign, size) = text.strip_prefix('-').map_or(("", text), |size| ("-", size));
    let too_large = |_| format!("`{text}` is too large");
    match (units, size.split_once('.')) {
        (AmountFormat::MinorUnits, None) if is_digits(size) => text.parse().map_err(too_large),
        (AmountFormat::Decimal, None) if is_digits(size) => format!("{text}00").parse().map_err(too_large),
        (AmountFormat::Decimal, Some((whole, part))) if is_digits(whole) && is_digits(part) && part.len() <= 2 => {
            format!("{sign}{whole}{part:0<2}").parse().map_err(too_large)
        }
        (AmountFormat::MinorUnits, _) => {
            Err(format!("`{text}` is not a whole number of minor units (--decimal reads amounts such as 100.00)"))
        }
        (AmountFormat::Decimal, _) => Err(format!("`{text}` is not an amount such as 100 or 100.00")),
    }
}
