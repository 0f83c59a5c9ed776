//! `reconcile --all`: the provider's own list against the orders, in both directions.

use crate::process::home;
use crate::reconcile::{Api, FakeAnswer, Ran};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Returns a payment that was created at this hour of 15 January 2025.
fn payment(number: usize, hour: usize, status: &str) -> Value {
    let time = format!("2025-01-{:02}T{:02}:00:00Z", 15 - hour / 24, hour % 24);
    json!({"id": format!("pi_{number}"), "externalId": format!("order-{number}"), "amount": "10000", "currency": "CVE",
        "status": status, "createdAt": time, "updatedAt": time})
}

/// Answers a call for a page, or looks a payment up.
fn answer(payments: &[Value], last: &str) -> FakeAnswer {
    let Some(query) = last.strip_prefix("payments?") else {
        let found = payments.iter().find(|payment| payment["id"] == last);
        return found.map_or((404, "", "{}".to_owned()), |found| (200, "", found.to_string()));
    };
    let query: BTreeMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let after =
        query.get("starting_after").map_or(0, |after| 1 + payments.iter().position(|one| one["id"] == *after).unwrap());
    let limit: usize = query["limit"].parse().unwrap();
    let page = &payments[after..(after + limit).min(payments.len())];
    (200, "", json!({"data": page, "hasMore": after + limit < payments.len()}).to_string())
}

fn api(payments: Vec<Value>) -> Api {
    Api::new(move |last, _| if last.starts_with("refunds") { no_more() } else { answer(&payments, last) })
}

fn no_more() -> FakeAnswer {
    (200, "", r#"{"data":[],"hasMore":false}"#.to_owned())
}

/// Runs with a list of orders. Returns the run and the class of each row, by its reference.
fn run(home: &Path, api: &Api, orders: &str, words: &[&str]) -> (Ran, BTreeMap<String, String>) {
    let list = home.join("orders.csv");
    std::fs::write(&list, orders).unwrap();
    let list = ["--from", list.to_str().unwrap()];
    let words = [&["--all", "--since", "2025-01-01T00:00:00Z", "--json"], words].concat();
    let words = if orders.is_empty() { words } else { [&list, &words[..]].concat() };
    let ran = api.run(home, &words);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = ran.records().into_iter().filter(|record| record["schema"] == "whtool.reconciled/1");
    let classes = rows.map(|row| (text(&row["reference"]), text(&row["class"]))).collect();
    (ran, classes)
}

fn classes(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
    rows.iter().map(|(reference, class)| ((*reference).to_owned(), (*class).to_owned())).collect()
}

#[test]
fn a_page_replaces_lookups_and_a_payment_that_no_order_knows_is_found() {
    let home = home();
    // Newest first: 250 payments, of which the list of orders lacks one.
    let api = api((0..250).rev().map(|number| payment(number, 23, "SETTLED")).collect());
    let orders = (0..250).filter(|number| *number != 77).map(|number| format!("pi_{number},paid,10000,CVE\n"));
    let orders = format!("reference,status,amount,currency\n{}", orders.collect::<String>());
    let (ran, rows) = run(home.path(), &api, &orders, &[]);
    assert_eq!((ran.status, rows.len()), (1, 250), "{}", ran.err);
    let unusual: BTreeMap<_, _> = rows.into_iter().filter(|(_, class)| class != "settled_agreed").collect();
    assert_eq!(unusual, classes(&[("pi_77", "not_in_orders")]));
    let asked = api.asked();
    assert_eq!(
        asked,
        [
            "/v1/payments?limit=100",
            "/v1/payments?limit=100&starting_after=pi_150",
            "/v1/payments?limit=100&starting_after=pi_50"
        ]
    );
}

#[test]
fn orders_match_by_their_own_numbers_and_attempts_belong_to_the_order_that_was_paid() {
    let home = home();
    let mut payments =
        vec![payment(4, 20, "SETTLED"), payment(3, 19, "SETTLED"), payment(2, 18, "DEBITED"), payment(1, 17, "FAILED")];
    // The first attempt at order-2 failed; order-3 was paid twice.
    payments[3]["externalId"] = json!("order-2");
    payments[0]["externalId"] = json!("order-3");
    payments.push(payment(5, 16, "CREATED"));
    let api = api(payments);
    let orders =
        "reference,status,amount,currency\norder-2,paid,10000,CVE\norder-3,paid,10000,CVE\norder-5,paid,10000,CVE\n";
    let (ran, rows) = run(home.path(), &api, orders, &["--provider", "plexos"]);
    let expected = [
        ("order-2", "settled_agreed"),
        ("order-3", "settled_agreed"),
        ("order-5", "status_differs"),
        ("pi_1", "settled_agreed"),
        ("pi_4", "not_in_orders"),
    ];
    assert_eq!((ran.status, rows), (1, classes(&expected)), "{}", ran.err);
    assert!(ran.out.contains("the order `order-3` has another payment"), "{}", ran.out);
    assert_eq!(api.asked().len(), 1, "{:?}", api.asked());
}

#[test]
fn what_was_not_read_is_not_called_missing() {
    let home = home();
    let mut payments: Vec<_> = (0..300).map(|number| payment(number, 23, "SETTLED")).collect();
    for (number, payment) in payments.iter_mut().enumerate() {
        payment["createdAt"] = json!(format!("2025-01-{:02}T12:00:00Z", 20 - number / 20));
    }
    let api = api(payments);
    // pi_299 is older than the period, order-298 too, but the list does not say so; order-x was never paid.
    let orders = "order,status,created_at\npi_299,paid,\norder-298,paid,\norder-x,paid,2025-01-20\npi_x,paid,2025-01-20\npi_0,paid,2025-01-20\n";
    let words = ["--since", "2025-01-19T00:00:00Z", "--provider", "plexos", "--column", "reference=order"];
    let (ran, rows) = run(home.path(), &api, orders, &[]);
    assert_eq!(rows.len(), 302, "{}", ran.err);
    assert_eq!((rows["order-298"].as_str(), rows["order-x"].as_str()), ("settled_agreed", "unknown_to_provider"));
    let list = home.path().join("orders.csv");
    let words = [&["--all", "--json", "--from", list.to_str().unwrap()], &words[..]].concat();
    let ran = api.run(home.path(), &words);
    let rows: BTreeMap<_, _> = ran
        .records()
        .iter()
        .filter_map(|row| Some((row["reference"].as_str()?.to_owned(), row["class"].as_str()?.to_owned())))
        .collect();
    assert_eq!(rows["pi_0"], "settled_agreed");
    assert_eq!(rows["pi_x"], "unknown_to_provider");
    assert_eq!(rows["order-298"], "could_not_tell", "{}", ran.out);
    // 2025-01-19 and 2025-01-20, without pi_0; older ones were not read.
    assert_eq!(rows.values().filter(|class| *class == "not_in_orders").count(), 39);
    assert_eq!(ran.status, 3);
    assert!(ran.out.contains("older ones were not read"), "{}", ran.out);
}

#[test]
fn a_list_in_any_order_is_read_to_its_end() {
    let home = home();
    for order in ["oldest first", "shuffled"] {
        let mut payments: Vec<_> = (0..250).map(|number| payment(number, 23, "SETTLED")).collect();
        for (number, payment) in payments.iter_mut().enumerate() {
            let place = if order == "shuffled" { number * 101 % 250 } else { number };
            payment["createdAt"] = json!(format!("2025-01-{:02}T12:00:00Z", 1 + place / 10));
        }
        let api = api(payments);
        let ran = api.run(home.path(), &["--all", "--since", "2025-01-25T00:00:00Z", "--json"]);
        assert_eq!((ran.status, ran.records().len()), (0, 11), "{order}: {}", ran.err);
        assert!(ran.err.contains("not ordered by time of creation"), "{}", ran.err);
    }
}

#[test]
fn pages_that_can_not_be_trusted_conclude_nothing() {
    let home = home();
    let good =
        |last: &str| answer(&(0..250).rev().map(|number| payment(number, 23, "SETTLED")).collect::<Vec<_>>(), last);
    let second = |body: &'static str| {
        Api::new(move |last, _| if last.contains("starting_after") { (200, "", body.to_owned()) } else { good(last) })
    };
    let repeated = Api::new(move |_, _| good("payments?limit=100"));
    for (api, why) in [
        (repeated, "the pages repeat"),
        (second(r#"{"data":[],"hasMore":true}"#), "an empty page says that more follow"),
        (second(r#"{"data":[]}"#), "no valid `hasMore`"),
        (second(r#"{"data":[{"id":"pi_1","#), "not JSON"),
        (second("<html>busy</html>"), "HTML"),
        (
            Api::new(
                move |last, _| if last.contains("starting_after") { (500, "", "{}".to_owned()) } else { good(last) },
            ),
            "answered 500",
        ),
    ] {
        let (ran, _) = run(home.path(), &api, "reference,status\npi_1,paid\n", &["--retry", "1"]);
        assert_eq!((ran.status, ran.out.as_str()), (3, ""), "{why}: {}", ran.err);
        assert!(ran.err.contains(why), "{why}: {}", ran.err);
    }
    let sound = api((0..250).rev().map(|number| payment(number, 23, "SETTLED")).collect());
    let list = home.path().join("empty.csv");
    std::fs::write(&list, "reference,status\n").unwrap();
    let ran = sound.run(home.path(), &["--all", "--since", "2025-01-01", "--json", "--from", list.to_str().unwrap()]);
    let rows = ran.records().iter().filter(|record| record["schema"] == "whtool.reconciled/1").count();
    assert_eq!((ran.status, rows), (3, 0), "{}", ran.err);
    let failing_once = Api::new(move |last, before| if before == 0 { (503, "", "{}".to_owned()) } else { good(last) });
    let (ran, rows) = run(home.path(), &failing_once, "reference,status\npi_1,paid\n", &[]);
    assert_eq!((ran.status, rows.len()), (1, 250), "{}", ran.err);
}

#[test]
fn without_orders_every_payment_and_refund_of_the_period_is_compared() {
    let home = home();
    let refund = json!({"id": "re_1", "paymentIntentId": "pi_1", "amount": "10000", "currency": "CVE", "status": "SUCCEEDED",
        "createdAt": "2025-01-15T12:00:00Z", "updatedAt": "2025-01-15T12:00:00Z"});
    let refunds = json!({"data": [refund], "hasMore": false}).to_string();
    let payments = [payment(2, 12, "SETTLED"), payment(1, 11, "REFUNDED")];
    let api = Api::new(
        move |last, _| if last.starts_with("refunds") { (200, "", refunds.clone()) } else { answer(&payments, last) },
    );
    let (ran, rows) = run(home.path(), &api, "", &[]);
    let expected = [("pi_1", "settled_agreed"), ("pi_2", "settled_agreed"), ("re_1", "settled_agreed")];
    assert_eq!((ran.status, rows), (0, classes(&expected)), "{}", ran.err);
}

#[test]
fn flags_that_say_nothing_together_are_refused() {
    let (home, api) = (home(), api(Vec::new()));
    for (words, why) in [
        (&["--all"][..], "--all needs a start"),
        (&["--all", "--since", "7d", "--provider", "plustive"], "Plustive documents no list"),
        (&["--all", "--since", "7d", "pi_1"], "cannot be used with"),
        (&["--all", "--since", "7d", "--open"], "cannot be used with"),
    ] {
        let ran = api.run(home.path(), words);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{words:?}");
        assert!(ran.err.contains(why), "{words:?}: {}", ran.err);
    }
    assert!(api.asked().is_empty());
}
