//! The formats of lists, as tools write them.

use super::*;

#[test]
fn a_plain_list_is_one_reference_per_line() {
    let text = "\u{feff}# mine\n\n pi_1 \r\nPLS-2\n#\npi_3";
    let orders: Vec<_> = read(text).into_iter().map(|order| order.unwrap()).collect();
    let found: Vec<_> = orders.iter().map(|order| (order.line, order.reference.as_str())).collect();
    assert_eq!(found, [(3, "pi_1"), (4, "PLS-2"), (6, "pi_3")]);
}

#[test]
fn all_three_formats_give_the_same_order() {
    let table = "order,Payment ID,status,amount,currency\n7,pi_1,paid,10000,CVE\n";
    let semicolons = "currency;amount;status;reference\nCVE;10000;\"paid\";pi_1\n";
    let json = r#"{"reference":"pi_1","status":"paid","amount":"10000","currency":"CVE"}"#;
    assert_eq!(read(table), [Ok(Order { own_id: Some("7".to_owned()), ..full(2) })]);
    assert_eq!(read(semicolons), [Ok(full(2))]);
    assert_eq!(read(json), [Ok(full(1))]);
    let nested = r#"{"id":"evt_1","data":{"id":"pi_1","status":"paid","amount":10000,"currency":"CVE"}}"#;
    let columns = ["reference=data.id", "status=data.status", "amount=data.amount", "currency=data.currency"];
    let order = read_as(nested.as_bytes(), &columns, AmountFormat::Auto).remove(0).unwrap();
    assert_eq!(Order { own_id: None, ..order }, full(1));
}

#[test]
fn tables_drawn_by_the_clients_of_databases_are_read() {
    // psql, psql with \pset border 2, mysql -t, sqlite3 -box, sqlite3 -markdown, sqlite3 -column
    for text in [
        " payment_id | status \n------------+--------\n pi_1       | paid\n pi_2       | open\n(2 rows)\n\n",
        "+------------+--------+\n| payment_id | status |\n+------------+--------+\n| pi_1       | paid   |\n| pi_2       | open   |\n+------------+--------+\n(2 rows)\n",
        "┌────────────┬────────┐\n│ payment_id │ status │\n├────────────┼────────┤\n│ pi_1       │ paid   │\n│ pi_2       │ open   │\n└────────────┴────────┘\n",
        "| payment_id | status |\n|------------|--------|\n| pi_1       | paid   |\n| pi_2       | open   |\n",
        "payment_id  status\n----------  ------\npi_1        paid  \npi_2        open  \n",
        "-[ RECORD 1 ]----\npayment_id | pi_1\nstatus     | paid\n-[ RECORD 2 ]----\npayment_id | pi_2\nstatus     | open\n",
        "*** 1. row ***\npayment_id: pi_1\n    status: paid\n*** 2. row ***\npayment_id: pi_2\n    status: open\n2 rows in set (0.00 sec)\n",
        "payment_id = pi_1\n    status = paid\n\npayment_id = pi_2\n    status = open\n",
    ] {
        let orders: Vec<_> = read(text).into_iter().map(|order| order.unwrap()).collect();
        let found: Vec<_> = orders.iter().map(|order| (order.reference.as_str(), order.status.as_deref())).collect();
        assert_eq!(found, [("pi_1", Some("paid")), ("pi_2", Some("open"))], "{text}");
    }
    assert_eq!(references(" payment_id \n------------\n pi_1\n pi_2\n(2 rows)\n").len(), 2);
}

#[test]
fn json_is_read_in_every_layout() {
    let one = r#"{"payment_id":"pi_1","status":"paid"}"#;
    let two = r#"{"payment_id":"pi_2","status":"open"}"#;
    let indented = "{\n  \"payment_id\": \"pi_1\",\n  \"status\": \"paid\"\n}";
    for text in [
        format!("{one}\n{two}\n"),
        format!("[{one},\n{two}]\n"),
        format!("[{one},{two}]"),
        format!("[\n  {indented},\n  {two}\n]\n"),
        format!("{indented}\n{two}\n"),
        format!("{{\"data\":[{one},{two}],\"next\":null}}"),
        format!("{{\n \"meta\": {{\"a\": [1, 2]}},\n \"data\": {{\"orders\": [{indented}, {two}]}}\n}}"),
        format!("{{\"orders\":[{one}]}}\n{{\"orders\":[{two}]}}\n"),
        "[\"pi_1\", \"pi_2\"]".to_owned(),
        format!("{{\"1001\": {one}, \"1002\": {two}}}"),
        format!("{{\"orders\": {{\"a\": {indented},\n \"b\": {two}}}, \"n\": 2}}"),
        "[[\"payment_id\",\"status\"],[\"pi_1\",\"paid\"],[\"pi_2\"]]".to_owned(),
    ] {
        assert_eq!(references(&text), [Ok("pi_1".to_owned()), Ok("pi_2".to_owned())], "{text}");
    }
}

#[test]
fn json_that_breaks_off_is_refused_as_a_whole() {
    for text in [
        "[{\"id\":\"pi_1\"},{\"id\":\"pi",
        "[{\"id\":\"pi_1\"},",
        "[{\"id\":\"pi_1\"}",
        "[{\"id\":\"pi_1\"} {\"id\":\"pi_2\"}]",
    ] {
        assert!(error(text).starts_with("line 1: "), "{}", error(text));
    }
    let columns = "{\"payment_id\":{\"0\":\"pi_1\",\"1\":\"pi_2\"},\"status\":{\"0\":\"paid\",\"1\":\"open\"}}";
    assert!(error(columns).contains("columns"), "{}", error(columns));
    assert!(error("{\"paid\":[{\"id\":\"pi_1\"}],\"open\":[{\"id\":\"pi_2\"}]}").contains("several lists"));
}

#[test]
fn encodings_are_detected() {
    let text = "Referência;Estado\r\npi_1;concluído\r\n";
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let latin: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    for bytes in [
        text.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [&b"\xff\xfe"[..], &utf16(u16::to_le_bytes)].concat(),
        [&b"\xfe\xff"[..], &utf16(u16::to_be_bytes)].concat(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        latin,
    ] {
        let order = read_as(&bytes, &[], AmountFormat::Auto).remove(0).unwrap();
        assert_eq!((order.reference.as_str(), order.status.as_deref()), ("pi_1", Some("concluído")), "{bytes:?}");
    }
}

#[test]
fn other_formats_are_refused_by_name() {
    for (text, name) in [
        ("%PDF-1.7 \n", "a PDF document"),
        ("SQLite format 3\0", "an SQLite database"),
        ("<!DOCTYPE html><html>", "HTML"),
        ("PK\u{3}\u{4}abc", "a ZIP archive"),
        ("INSERT INTO orders VALUES (1);\n", "a dump of SQL"),
        ("\u{1}\u{2}abc\0\0\0\u{3}", "a binary file"),
    ] {
        assert_eq!(error(text), format!("it is {name}, not a list of orders"));
    }
}

#[test]
fn an_error_shows_only_a_part_of_the_list() {
    for text in [format!("a,{}\n", "x".repeat(2 << 20)), format!("{}\n", "x y ".repeat(500_000)), "x ".repeat(100_000)]
    {
        let error = error(&text);
        assert!(error.len() < 700, "{}", error.len());
    }
}

#[test]
fn prose_and_tables_without_a_header_are_refused() {
    for text in [
        "Joana,joana@x.cv,+2389912345\nPedro,pedro@x.cv,+2389912346\n",
        "PLS-1,Success\nPLS-2,Success\n",
        "This is a letter.\nIt has two lines.\nAnd a third one here.\n",
        "2026-11-28 10:00:01 INFO started the server\n2026-11-28 10:00:02 INFO it listens on 80\n",
    ] {
        let error = error(text);
        assert!(error.len() < 300, "{error}");
    }
}

#[test]
fn the_reference_is_the_column_with_the_providers_references() {
    let order = |text: &str| read(text).remove(0).unwrap();
    for text in [
        "id,status,gateway_txn\n17,paid,pi_1\n18,paid,pi_2\n",
        "reference,status,x\nORD-17,paid,pi_1\n",
        "id,Payment ID\n17,pi_1\n",
        "Nº do pedido;Referência;Estado\n17;pi_1;pago\n",
    ] {
        assert_eq!(order(text).reference, "pi_1", "{text}");
    }
    assert_eq!(order("order_id,status\nORD-1,paid\n").reference, "ORD-1");
    let kept = order("id,gateway_txn,city\n17,pi_1,Praia\n");
    assert_eq!((kept.own_id.as_deref(), kept.extra[0].1.as_str()), (Some("17"), "Praia"));
}

#[test]
fn own_output_is_read_again() {
    let json = "{\"schema\":\"whtool.reconciled/1\",\"reference\":\"pi_1\",\"provider\":\"plexos\",\"class\":\"settled_agreed\",\
        \"difference\":false,\"findings\":[],\"advice\":\"\",\"record\":{\"reference\":\"pi_1\",\"status\":\"SETTLED\",\
        \"money\":{\"minor\":\"9\",\"currency\":\"AOA\"}},\"order\":{\"line\":2,\"status\":\"paid\",\"minor\":\"10000\",\
        \"currency\":\"CVE\"},\"webhooks\":null}\n{\"schema\":\"whtool.reconciliation/1\",\"references\":1}\n";
    let order = read(json).remove(0).unwrap();
    assert_eq!(
        (order.status.as_deref(), order.minor, order.currency.as_deref()),
        (Some("paid"), Some(10_000), Some("CVE"))
    );
    assert_eq!(read(json).len(), 1);
    let csv = "line,reference,provider,class,status,state,minor,currency,order_status,order_minor,order_currency,webhooks,changed,why\n\
        2,pi_1,plexos,settled_agreed,SETTLED,succeeded,9,AOA,paid,10000,CVE,,,\n";
    let order = read(csv).remove(0).unwrap();
    assert_eq!(
        (order.status.as_deref(), order.minor, order.currency.as_deref()),
        (Some("paid"), Some(10_000), Some("CVE"))
    );
}

#[test]
fn a_missing_column_and_a_missing_reference_are_errors_with_the_header() {
    let named = open(b"reference,net\na-1,1\n", &["amount=gross"], AmountFormat::Auto).map(|_| ()).unwrap_err();
    assert!(matches!(named, ListError::NoColumn(..)));
    assert!(matches!(open(b"PLS-1,Success\n", &[], AmountFormat::Auto).map(|_| ()), Err(ListError::NoReference(_))));
}

#[test]
fn cells_that_go_on_in_the_next_line_of_a_drawn_table_are_joined() {
    // psql, psql with \pset format wrapped, mysql -t
    for text in [
        " id | note  | payment_id \n----+-------+------------\n  1 | two  +| pi_1\n    | lines | \n  2 |       | pi_2\n(2 rows)\n",
        " note | payment_id \n------+------------\n a    | pi_.\n      |.1\n b    | pi_2\n(2 rows)\n",
        "+------+------------+\n| note | payment_id |\n+------+------------+\n| two\nlines | pi_1 |\n| b    | pi_2       |\n+------+------------+\n",
    ] {
        assert_eq!(references(text), [Ok("pi_1".to_owned()), Ok("pi_2".to_owned())], "{text}");
    }
}

#[test]
fn text_that_is_not_a_list_is_never_asked_for() {
    for text in [
        "PLEXOS_PAY_SECRET_KEY=sk_live_abc\nPORT=3000\n",
        "array (\n  'payment' => 'pi_1',\n)\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 1\n",
        "[{\"a\":1},{\"a\":2}]",
    ] {
        error(text);
    }
    assert_eq!(references("- pi_1\n2. pi_2\n"), [Ok("pi_1".to_owned()), Ok("pi_2".to_owned())]);
}
