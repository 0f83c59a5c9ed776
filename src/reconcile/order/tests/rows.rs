//! No row is lost: each is an order, a bad line, or is skipped by name.

use super::*;

#[test]
fn stray_quotes_in_a_list_with_tabs_hide_no_row() {
    // printf 'reference\tnote\tstatus\npi_1\t"5 inch\tpaid\n…' as `mysql -B` writes it.
    let text =
        "reference\tnote\tstatus\npi_1\t\"5 inch\tpaid\npi_2\tx\trefunded\npi_3\t\"6 inch\tpaid\npi_4\ty\tpaid\n";
    let orders: Vec<_> = read(text).into_iter().map(|order| order.unwrap()).collect();
    let found: Vec<_> = orders.iter().map(|order| (order.reference.as_str(), order.status.as_deref())).collect();
    let paid = Some("paid");
    assert_eq!(found, [("pi_1", paid), ("pi_2", Some("refunded")), ("pi_3", paid), ("pi_4", paid)]);
    assert_eq!(orders[0].extra[0].1, "\"5 inch");
}

#[test]
fn stray_quotes_in_a_list_with_commas_are_bad_lines() {
    let text = "reference,note,status\npi_1,\"5 inch,paid\npi_2,x,refunded\npi_3,\"6 inch,paid\npi_4,y,paid\n";
    assert_eq!(references(text), [Err(2), Ok("pi_2".to_owned()), Err(4), Ok("pi_4".to_owned())]);
    // Closed by the quote of another row, so that the row in between would be a part of a cell.
    let text = "reference,note,status\npi_1,\"5 inch,paid\npi_2,x,refunded\npi_3,6 inch\",paid\n";
    assert_eq!(references(text), [Err(2), Ok("pi_2".to_owned()), Ok("pi_3".to_owned())]);
}

#[test]
fn rows_that_begin_with_a_number_sign_are_orders() {
    let orders = read("Name,Payment ID,Status\n#1001,pi_1,paid\n#1002,pi_2,paid\n");
    let order = orders[0].as_ref().unwrap();
    assert_eq!((order.reference.as_str(), order.own_id.as_deref(), orders.len()), ("pi_1", Some("#1001"), 2));
}

#[test]
fn comments_are_skipped_only_in_lists_of_references() {
    assert_eq!(references("# my list\npi_1\n#pi_2\n#1001\n"), [Ok("pi_1".to_owned()), Ok("#1001".to_owned())]);
}

#[test]
fn rows_of_another_length_are_bad_lines() {
    let text = "reference,status,note\npi_1,paid,\npi_2,paid\npi_3,paid,a,b\npi_4,paid,a,\npi_5,paid,b\n";
    let found = references(text);
    assert_eq!(found, [Ok("pi_1".into()), Err(3), Err(4), Ok("pi_4".to_owned()), Ok("pi_5".to_owned())]);
}

#[test]
fn an_unclosed_quote_is_a_bad_line_and_reading_goes_on() {
    assert_eq!(
        references("reference,status\npi_1,paid\n\"pi_2,paid\npi_3,paid\n"),
        [Ok("pi_1".to_owned()), Err(3), Ok("pi_3".to_owned())]
    );
    let later = format!("reference,status\n\"pi_1,paid\n{}\"pi_2\",paid\n", "pi_3,paid\n".repeat(200));
    let found = references(&later);
    assert_eq!((found.len(), &found[0], &found[201]), (202, &Err(2), &Ok("pi_2".to_owned())));
    let huge = format!("reference,status\npi_1,paid\n\"{}", "c".repeat(3 << 20));
    assert_eq!(references(&huge), [Ok("pi_1".to_owned()), Err(3)]);
}

#[test]
fn well_formed_quotes_are_read_as_they_are() {
    let note = "reference,note\npi_1,\"of\ntwo \"\"lines\"\"\"\npi_2,5\" pipe\n";
    assert_eq!(references(note), [Ok("pi_1".to_owned()), Ok("pi_2".to_owned())]);
    for text in [
        "a,id\n\"b\",x",
        "a,id\n\"\",x\n",
        "a,id\r\n\"b\r\nc\",\"x\"\r\n",
        "id,a\n\"x\",\"y\n\"",
        "id,a\n\"x\" , \"y\"\n",
    ] {
        assert_eq!(references(text), [Ok("x".to_owned())], "{text}");
    }
}

#[test]
fn line_numbers_stay_right_after_a_cell_with_line_breaks() {
    let orders = read("reference,note\npi_1,\"two\nlines\"\npi_2,\n");
    assert_eq!(orders.into_iter().map(|order| order.unwrap().line).collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn titles_totals_empty_rows_and_repeated_headers_are_skipped_by_name() {
    let text = "Vendas de Novembro,,\n\nreference,status,amount\npi_1,paid,1.00\n,,\n\nreference,status,amount\n\
        pi_2,paid,2.00\nTotal,,3.00\n";
    let reader = open(text.as_bytes(), &[], AmountFormat::Auto).unwrap();
    let counts = reader.counts().clone();
    assert_eq!((counts.orders, counts.bad, counts.skipped), (2, 0, 4));
    let notes = reader.notes().join("\n");
    for note in ["line 1 of the list: above the header", "line 5 of", "line 7 of", "line 9 of the list: total"] {
        assert!(notes.contains(note), "{notes}");
    }
    assert_eq!(reader.map(|order| order.unwrap().unwrap().line).collect::<Vec<_>>(), [4, 8]);
}

#[test]
fn another_header_in_the_middle_is_a_bad_line() {
    let text = "reference,status\npi_1,paid\nstatus,reference\npaid,pi_2\n";
    assert_eq!(references(text)[1], Err(3));
}

#[test]
fn a_row_count_below_a_table_is_compared_with_its_rows() {
    assert_eq!(references("id|status\npi_1|paid\npi_2|paid\n(2 rows)\n").len(), 2);
    assert_eq!(references("id|status\npi_1|paid\n(2 rows)\n").iter().filter(|row| row.is_err()).count(), 1);
}

#[test]
fn text_that_is_no_reference_is_never_one() {
    let text =
        "reference,phone\npi_1,1\n\"a, b\",2\n8.03E+09,3\njoana@x.cv,4\n+2389912345,5\nSome words here,6\n{x},7\n";
    let found = references(text);
    assert_eq!(found[0], Ok("pi_1".to_owned()));
    assert_eq!(found[1..].iter().filter(|row| row.is_err()).count(), 6, "{found:?}");
    let excel = read("reference,a\nx-1,1\n8.03E+09,3\n")[1].clone().unwrap_err();
    assert!(excel.reason.contains("Excel"), "{}", excel.reason);
}

#[test]
fn a_bad_line_is_reported_and_reading_goes_on() {
    let lines = |text: &[u8]| -> Vec<_> {
        read_as(text, &[], AmountFormat::Auto)
            .into_iter()
            .map(|order| order.map_err(|bad| bad.line).map(|one| one.line))
            .collect()
    };
    assert_eq!(lines(b"reference,amount\npi_1,1\n,2\npi_3,x\npi_4,\npi_6\n"), [Ok(2), Err(3), Ok(4), Ok(5), Err(6)]);
    assert_eq!(
        lines(b"{\"id\":\"a\"}\n{\"id\n[]\n{}\n{\"id\":{}}\n{\"id\":7}\n"),
        [Ok(1), Err(2), Err(3), Err(4), Err(5), Ok(6)]
    );
    let long = [b"a-1\n".to_vec(), vec![b'x'; 3 << 20], b"\nb-1\n".to_vec()].concat();
    assert_eq!(lines(&long), [Ok(1), Err(2), Ok(3)]);
}

#[test]
fn an_amount_that_can_not_be_read_costs_only_the_amount() {
    let orders = read("reference,amount\npi_1,100.00\npi_2,2.70E+04\n");
    let order = orders[1].as_ref().unwrap();
    assert_eq!((order.minor, order.problems.len()), (None, 1));
    assert!(order.problems[0].contains("Excel"), "{:?}", order.problems);
}

#[test]
fn a_list_without_orders_is_an_error() {
    for text in ["", "\n\n", "reference,status\n", "[]", "# nothing\n", "reference\n"] {
        assert!(["it is empty", "it has no orders"].contains(&error(text).as_str()), "{text:?}: {}", error(text));
    }
}

#[test]
fn an_order_above_the_header_is_a_bad_line_and_a_title_is_not() {
    // `sort` puts the header among the rows.
    let sorted = "1001,pi_abc123,paid\n1002,order-2,paid\norder,payment_id,status\n1003,pi_ghi789,paid\n";
    assert_eq!(references(sorted), [Err(1), Err(2), Ok("pi_ghi789".to_owned())]);
    let titled = "Payments of 2026,,\nOrders,,Payments\norder,payment_id,status\n1003,pi_ghi789,paid\n";
    assert_eq!(references(titled), [Ok("pi_ghi789".to_owned())]);
}

#[test]
fn words_above_json_are_never_references() {
    for text in ["NOTICE\n[{\"payment_id\": \"pi_1\"}]\n", "orders\n{\"payment_id\": \"pi_1\"}\n"] {
        assert!(matches!(open(text.as_bytes(), &[], AmountFormat::Auto), Err(ListError::Refused(..))), "{text}");
    }
}
