use super::*;
use std::io::Cursor;

/// Reads a list as the command does.
fn open(bytes: &[u8], columns: &[&str], amounts: AmountFormat) -> Result<OrderReader, ListError> {
    open_with(bytes, columns, amounts, MissingReference::BadLine)
}

fn open_with(
    bytes: &[u8],
    columns: &[&str],
    amounts: AmountFormat,
    missing_reference: MissingReference,
) -> Result<OrderReader, ListError> {
    let create: &CreateFile<'_> = &|| Ok(Box::new(Cursor::new(Vec::new())));
    let columns: Vec<_> = columns.iter().map(|text| text.parse().unwrap()).collect();
    let options = ListOptions {
        columns: ColumnNames::from_args(&columns),
        amounts,
        sheet: None,
        zone: TimeZone::UTC,
        missing_reference,
    };
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

#[test]
fn a_row_without_a_reference_is_a_bad_line_unless_its_own_number_is_looked_for() {
    let list = b"order_id,payment_id,status\n1001,pi_abc123,paid\n1002,,pending\n";
    let read = |missing| -> Vec<Option<String>> {
        let orders = open_with(list, &[], AmountFormat::Auto, missing).unwrap();
        orders.map(|order| order.unwrap().ok().map(|order| order.reference)).collect()
    };
    assert_eq!(read(MissingReference::BadLine), [Some("pi_abc123".to_owned()), None]);
    let expected = ["pi_abc123", "1002"].map(|reference| Some(reference.to_owned()));
    assert_eq!(read(MissingReference::OwnNumber), expected);
}
