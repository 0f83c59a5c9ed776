//! Lists in every format, and lines that can't be read.

use super::raw_order::parse_amount;
use super::*;

fn read_as(text: &[u8], columns: &[&str], units: AmountFormat) -> Vec<Result<Order, BadLine>> {
    let named: Vec<_> = columns.iter().map(|text| text.parse().unwrap()).collect();
    let orders =
        OrderReader::new(Box::new(Cursor::new(text.to_vec())), &ColumnNames::from_args(&named), units).unwrap();
    orders.map(|order| order.unwrap()).collect()
}

fn read(text: &str) -> Vec<Result<Order, BadLine>> {
    read_as(text.as_bytes(), &[], AmountFormat::MinorUnits)
}

fn full(line: u64) -> Order {
    let text = |text: &str| Some(text.to_owned());
    Order { line, status: text("paid"), minor: Some(10_000), currency: text("CVE"), ..Order::for_reference("pi_1") }
}

#[test]
fn a_plain_list_has_one_reference_per_line() {
    let orders = read("\u{feff}PLS-1\n\n# a comment\r\n  pi_2  \r\nmine 3\n");
    let found: Vec<_> = orders.into_iter().map(|order| order.unwrap()).map(|one| (one.line, one.reference)).collect();
    assert_eq!(found, [(1, "PLS-1".to_owned()), (4, "pi_2".to_owned()), (5, "mine 3".to_owned())]);
    assert_eq!(read(""), []);
    let commented = "\u{feff}# one\n\n# two\nreference,status,amount,currency\npi_1,paid,10000,CVE\n";
    assert_eq!(read(commented), [Ok(full(5))]);
}

#[test]
fn all_three_formats_give_the_same_order() {
    let table = "order,Payment ID,status,amount,currency\n7,pi_1,paid,10000,CVE\n";
    let semicolons = "currency;amount;status;reference\nCVE;10000;\"paid\";pi_1\n";
    let json = r#"{"reference":"pi_1","status":"paid","amount":"10000","currency":"CVE"}"#;
    assert_eq!(read(table), [Ok(full(2))]);
    assert_eq!(read(semicolons), [Ok(full(2))]);
    assert_eq!(read(json), [Ok(full(1))]);
    let nested = r#"{"id":"evt_1","data":{"id":"pi_1","status":"paid","amount":10000,"currency":"CVE"}}"#;
    let columns = ["reference=data.id", "status=data.status", "amount=data.amount", "currency=data.currency"];
    assert_eq!(read_as(nested.as_bytes(), &columns, AmountFormat::MinorUnits), [Ok(full(1))]);
}

#[test]
fn a_bad_line_is_reported_and_reading_goes_on() {
    let lines = |text: &[u8]| -> Vec<_> {
        read_as(text, &[], AmountFormat::MinorUnits)
            .into_iter()
            .map(|order| order.map_err(|bad| bad.line).map(|one| one.line))
            .collect()
    };
    assert_eq!(
        lines(b"reference,amount\npi_1,1\n,2\npi_3,x\npi_4,\n\xff,1\npi_6\n"),
        [Ok(2), Err(3), Err(4), Ok(5), Err(6), Ok(7)]
    );
    assert_eq!(
        lines(b"{\"id\":\"a\"}\n{\"id\n[]\n{}\n{\"id\":{}}\n{\"id\":7}\n"),
        [Ok(1), Err(2), Err(3), Err(4), Err(5), Ok(6)]
    );
    assert_eq!(lines(b"a\n\xff\nb"), [Ok(1), Err(2), Ok(3)]);
    let long = [b"a\n".to_vec(), vec![b'x'; 3 << 20], b"\nb\n".to_vec()].concat();
    assert_eq!(lines(&long), [Ok(1), Err(2), Ok(3)]);
}

#[test]
fn line_numbers_stay_right_after_a_cell_with_line_breaks() {
    let orders = read("reference,note\npi_1,\"two\nlines\"\npi_2,\n");
    assert_eq!(orders.into_iter().map(|order| order.unwrap().line).collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn a_row_after_comments_and_empty_lines_has_its_own_line_number() {
    let text = "id,note,amount\n# one\n\n# two\npi_4,\"a\nb\",1\n\npi_8,,x\n#\n,,1\npi_10,,x";
    for text in [text.to_owned(), format!("{text}\n"), text.replace('\n', "\r\n"), text.replace('\n', "\r\n") + "\r\n"]
    {
        let lines: Vec<_> =
            read(&text).into_iter().map(|order| order.map_or_else(|bad| bad.line, |order| order.line)).collect();
        assert_eq!(lines, [5, 8, 10, 11], "{text:?}");
    }
}

#[test]
fn decimal_amounts_are_exact_and_need_the_flag() {
    let read = |text| parse_amount(text, AmountFormat::Decimal);
    assert_eq!(read("100.00"), Ok(10_000));
    assert_eq!(read("100.5"), Ok(10_050));
    assert_eq!(read("-0.05"), Ok(-5));
    assert_eq!(read("90071992547409931.23"), Ok(9_007_199_254_740_993_123));
    for wrong in ["", ".", "1.", ".5", "1.234", "1,000.00", "1e3", "--1", "é"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert_eq!(parse_amount("10000", AmountFormat::MinorUnits), Ok(10_000));
    for wrong in ["100.00", "1e3", "", "-", "NaN"] {
        assert!(parse_amount(wrong, AmountFormat::MinorUnits).is_err(), "{wrong}");
    }
    let line = br#"{"id":"a","amount":0.29}"#;
    assert_eq!(read_as(line, &[], AmountFormat::Decimal)[0].as_ref().unwrap().minor, Some(29));
}

#[test]
fn a_table_without_a_reference_column_is_refused() {
    let new = |text: &str, columns: &ColumnNames| {
        OrderReader::new(Box::new(Cursor::new(text.as_bytes().to_vec())), columns, AmountFormat::MinorUnits)
            .map(drop)
            .unwrap_err()
    };
    assert!(matches!(new("PLS-1,Success\n", &ColumnNames::default()), ListError::NoReference(_)));
    let named = ColumnNames::from_args(&["amount=gross".parse().unwrap()]);
    assert!(matches!(new("reference,net\na,1\n", &named), ListError::NoColumn(..)));
}

#[test]
fn an_unclosed_quote_ends_the_list_with_its_line() {
    let outcomes = |text: &str| {
        let orders =
            OrderReader::new(Box::new(Cursor::new(text.to_owned())), &ColumnNames::default(), AmountFormat::MinorUnits)
                .unwrap();
        orders.map(|order| order.map(|order| order.unwrap().reference).map_err(|error| error.to_string())).collect()
    };
    let unclosed =
        |line| Err(format!("the row in line {line} does not end within 100 lines or 1 MiB; is a quote not closed?"));
    let found: Vec<Result<String, String>> = outcomes("reference,status\npi_1,paid\n\"pi_2,paid\npi_3,paid\n");
    assert_eq!(found, [Ok("pi_1".to_owned()), unclosed(3)]);
    let long = format!("# mine\nreference,status\n{}pi_2,\"paid\n{0}", "pi_1,paid\n".repeat(2_000));
    let found: Vec<Result<String, String>> = outcomes(&long);
    assert_eq!((found.len(), found.last()), (2_001, Some(&unclosed(2_003))));
    // Closed, but by the opening quote of a later row.
    let later = format!("reference,status\n\"pi_1,paid\n{}\"pi_2\",paid\n", "pi_3,paid\n".repeat(200));
    assert_eq!(outcomes(&later), [unclosed(2)]);
    for text in ["reference\n\"", "reference\npi_0\n\"pi_1\"\"\n", "reference\r\n\"pi_1\r\n"] {
        assert!(outcomes(text).last().unwrap().is_err(), "{text}");
    }
    assert_eq!(outcomes("\"reference\npi_1\npi_2\n"), [unclosed(1)]);
    let huge = format!("reference\npi_1\n\"{}", "c".repeat(3 << 20));
    let found: Vec<Result<String, String>> = outcomes(&huge);
    assert_eq!(found, [Ok("pi_1".to_owned()), unclosed(3)]);
}

#[test]
fn well_formed_quotes_are_read_as_they_are() {
    let references =
        |text: &str| -> Vec<String> { read(text).into_iter().map(|order| order.unwrap().reference).collect() };
    let note = "reference,note\npi_1,\"of\ntwo \"\"lines\"\"\"\npi_2,5\" pipe\n";
    assert_eq!(references(note), ["pi_1", "pi_2"]);
    for text in
        ["a,id\n\"b\",x", "a,id\n\"\",x\n", "a,id\r\n\"b\r\nc\",\"x\"\r\n", "id,a\n\"x\",\"y\n\"", "id,a\nx, \"y\n"]
    {
        assert_eq!(references(text), ["x"], "{text}");
    }
    let long = format!("note,id\n\"{}\",x\n# it's a \"comment\n", "a\n".repeat(100));
    assert_eq!(references(&long), ["x"]);
}
