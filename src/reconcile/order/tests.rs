use super::*;
use std::io::Cursor;

/// Reads a list as the command does.
fn open(bytes: &[u8], columns: &[&str], amounts: AmountFormat) -> Result<OrderReader, ListError> {
    let create: &CreateFile<'_> = &|| Ok(Box::new(Cursor::new(Vec::new())));
    let columns: Vec<_> = columns.iter().map(|text| text.parse().unwrap()).collect();
    let options = ListOptions { columns: ColumnNames::from_args(&columns), amounts, sheet: None, zone: TimeZone::UTC };
    OrderReader::new(Spool::fill(&mut &*bytes, create).unwrap(), &options, create)
}

fn read_as(bytes: &[u8], columns: &[&str], amounts: AmountFormat) -> Vec<Result<Order, BadLine>> {
    open(bytes, columns, amounts).unwrap().map(Result::unwrap).collect()
}

fn read(text: &str) -> Vec<Result<Order, BadLine>> {
    read_as(text.as_bytes(), &[], AmountFormat::Auto)
}

/// Returns the references, and for each bad line its number.
fn references(text: &str) -> Vec<Result<String, u64>> {
    read(text).into_iter().map(|order| order.map(|order| order.reference).map_err(|bad| bad.line)).collect()
}

fn full(line: u64) -> Order {
    Order {
        line,
        reference: "pi_1".to_owned(),
        status: Some("paid".to_owned()),
        minor: Some(10_000),
        currency: Some("CVE".to_owned()),
        ..Order::default()
    }
}

fn error(text: &str) -> String {
    open(text.as_bytes(), &[], AmountFormat::Auto).map(|_| ()).unwrap_err().to_string()
}

mod dialects;
mod formats;
mod mutations;
mod rows;
