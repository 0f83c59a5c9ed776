//! Plustive: purchases, the wallet, ends.

use super::*;

#[test]
fn a_purchase_takes_from_the_wallet_and_its_failure_puts_it_back() {
    let mut bench = Bench::new();
    let [good, bad] = [("o-1", "08030000000"), ("o-2", "08030000404")].map(|(client, phone)| bench.buy(client, phone));
    assert_eq!((&good["status"], &bad["balance"]), (&json!("Processing"), &json!(WALLET - 54_000)));
    bench.pass(60);
    assert_eq!(bench.get("/api/v1/balance")["balance"], WALLET - 27_000);
    let [good, bad] = ["o-1", "o-2"].map(|client| bench.get(&format!("/api/v1/transactions/{client}")));
    assert_eq!((&good["status"], &bad["status"]), (&json!("Success"), &json!("Failed")));
    assert!(good["providerReference"].is_string() && bad["providerReference"].is_null());
    let mut events = bench.events();
    events.sort();
    assert_eq!(events, ["transaction.failed", "transaction.success"]);
}

#[test]
fn a_client_reference_buys_once() {
    let mut bench = Bench::new();
    let first = bench.buy("o-1", "08030000000");
    let again = bench.buy("o-1", "08030000000");
    assert_eq!((&first["idempotentReplay"], &again["idempotentReplay"]), (&json!(false), &json!(true)));
    assert_eq!((&first["reference"], &first["balance"]), (&again["reference"], &again["balance"]));
    let other =
        json!({"planId": "00000000-0000-4000-8000-0000000000d1", "phone": "08030000001", "clientReference": "o-1"});
    let (status, body) = bench.call("POST", "/api/v1/data", &other);
    assert_eq!((status, &body["errors"][0]["code"]), (409, &json!("idempotency_conflict")));
}

#[test]
fn airtime_is_asked_for_in_naira_and_charged_in_kobo() {
    let mut bench = Bench::new();
    let body = json!({"networkId": "00000000-0000-4000-8000-0000000000f2", "amount": 500, "phone": "08030000000", "clientReference": "a"});
    assert_eq!(bench.post("/api/v1/airtime", &body)["priceCharged"], 50_000);
    assert_eq!(bench.get("/api/v1/transactions/a")["network"], "AIRTEL");
    let body = json!({"networkId": "00000000-0000-4000-8000-0000000000f2", "amount": 1_000_000, "phone": "08030000000", "clientReference": "b"});
    let (status, body) = bench.call("POST", "/api/v1/airtime", &body);
    assert_eq!((status, &body["detail"]), (400, &json!("Insufficient wallet balance.")));
}

#[test]
fn a_bill_has_its_token_and_may_be_taken_back_later() {
    let mut bench = Bench::with(Settings { variant: Variant::Guide, ..settings() });
    let plan = "00000000-0000-4000-8000-0000000000a1";
    let body = json!({"planId": plan, "meterNumber": "12345678410", "amountKobo": 500_000, "clientReference": "e"});
    assert_eq!(bench.post("/plustive/v1/electricity/verify", &body)["status"], "valid");
    assert_eq!(bench.post("/plustive/v1/electricity", &body)["status"], "Pending");
    bench.pass(60);
    let body: Value = serde_json::from_slice(&bench.sent[0].request.body).unwrap();
    assert_eq!((&body["status"], body["token"].as_str().unwrap().len()), (&json!("Success"), 20));
    bench.pass(3_600);
    let body: Value = serde_json::from_slice(&bench.sent[1].request.body).unwrap();
    assert_eq!((&body["event"], &body["status"]), (&json!("transaction.completed"), &json!("Refunded")));
    assert_eq!(bench.get("/api/v1/balance")["balance"], WALLET);
}

#[test]
fn a_purchase_is_ended_on_demand() {
    let mut bench = Bench::new();
    let reference = bench.buy("o-1", "08030000408")["reference"].as_str().unwrap().to_owned();
    bench.pass(3_600);
    assert_eq!(bench.get("/api/v1/transactions/o-1")["status"], "Processing");
    for status in ["Success", "Refunded"] {
        assert_eq!(
            bench.post(&format!("/_emulator/transactions/{reference}"), &json!({"status": status}))["status"],
            status
        );
    }
    bench.pass(1);
    assert_eq!(bench.events(), ["transaction.success", "transaction.failed"]);
    assert_eq!(bench.get("/api/v1/balance")["balance"], WALLET);
    assert_eq!(bench.call("POST", "/_emulator/transactions/none", &json!({"status": "Failed"})).0, 404);
}

#[test]
fn the_published_example_can_be_looked_up_from_the_start() {
    let mut bench = Bench::new();
    let found = bench.get("/api/v1/transactions/PLS-7XKQR4N");
    assert_eq!((&found["status"], &found["priceCharged"]), (&json!("Success"), &json!(27_000)));
    assert_eq!(bench.get("/api/v1/transactions/ord_20260616_001"), found);
    assert_eq!(bench.get("/api/v1/balance")["balance"], WALLET);
}
