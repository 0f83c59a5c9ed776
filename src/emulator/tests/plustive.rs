//! Tests of the Plustive API.

use super::*;

#[test]
fn a_purchase_charges_the_wallet_and_a_failure_refunds_it() {
    let mut emulator = TestEmulator::new();
    let [good, bad] =
        [("o-1", "08030000000"), ("o-2", "08030000404")].map(|(client, phone)| emulator.buy(client, phone));
    assert_eq!((&good["status"], &bad["balance"]), (&json!("Processing"), &json!(INITIAL_BALANCE - 54_000)));
    emulator.advance(60);
    assert_eq!(emulator.get("/api/v1/balance")["balance"], INITIAL_BALANCE - 27_000);
    let [good, bad] = ["o-1", "o-2"].map(|client| emulator.get(&format!("/api/v1/transactions/{client}")));
    assert_eq!((&good["status"], &bad["status"]), (&json!("Success"), &json!("Failed")));
    assert!(good["providerReference"].is_string() && bad["providerReference"].is_null());
    let mut events = emulator.take_events();
    events.sort();
    assert_eq!(events, ["transaction.failed", "transaction.success"]);
}

#[test]
fn a_client_reference_buys_only_once() {
    let mut emulator = TestEmulator::new();
    let first = emulator.buy("o-1", "08030000000");
    let again = emulator.buy("o-1", "08030000000");
    assert_eq!((&first["idempotentReplay"], &again["idempotentReplay"]), (&json!(false), &json!(true)));
    assert_eq!((&first["reference"], &first["balance"]), (&again["reference"], &again["balance"]));
    let other =
        json!({"planId": "00000000-0000-4000-8000-0000000000d1", "phone": "08030000001", "clientReference": "o-1"});
    let (status, body) = emulator.call("POST", "/api/v1/data", &other);
    assert_eq!((status, &body["errors"][0]["code"]), (409, &json!("idempotency_conflict")));
}

#[test]
fn airtime_is_ordered_in_naira_and_charged_in_kobo() {
    let mut emulator = TestEmulator::new();
    let body = json!({"networkId": "00000000-0000-4000-8000-0000000000f2", "amount": 500, "phone": "08030000000", "clientReference": "a"});
    assert_eq!(emulator.post("/api/v1/airtime", &body)["priceCharged"], 50_000);
    assert_eq!(emulator.get("/api/v1/transactions/a")["network"], "AIRTEL");
    let body = json!({"networkId": "00000000-0000-4000-8000-0000000000f2", "amount": 1_000_000, "phone": "08030000000", "clientReference": "b"});
    let (status, body) = emulator.call("POST", "/api/v1/airtime", &body);
    assert_eq!((status, &body["detail"]), (400, &json!("Insufficient wallet balance.")));
}

#[test]
fn a_bill_has_a_token_and_can_be_reversed_later() {
    let mut emulator = TestEmulator::with(Settings { variant: Variant::Guide, ..settings() });
    let plan = "00000000-0000-4000-8000-0000000000a1";
    let body = json!({"planId": plan, "meterNumber": "12345678410", "amountKobo": 500_000, "clientReference": "e"});
    assert_eq!(emulator.post("/plustive/v1/electricity/verify", &body)["status"], "valid");
    assert_eq!(emulator.post("/plustive/v1/electricity", &body)["status"], "Pending");
    emulator.advance(60);
    let body: Value = serde_json::from_slice(&emulator.sent[0].request.body).unwrap();
    assert_eq!((&body["status"], body["token"].as_str().unwrap().len()), (&json!("Success"), 20));
    emulator.advance(3_600);
    let body: Value = serde_json::from_slice(&emulator.sent[1].request.body).unwrap();
    assert_eq!((&body["event"], &body["status"]), (&json!("transaction.completed"), &json!("Refunded")));
    assert_eq!(emulator.get("/api/v1/balance")["balance"], INITIAL_BALANCE);
}

#[test]
fn the_control_endpoint_sets_the_status_of_a_purchase() {
    let mut emulator = TestEmulator::new();
    let reference = emulator.buy("o-1", "08030000408")["reference"].as_str().unwrap().to_owned();
    emulator.advance(3_600);
    assert_eq!(emulator.get("/api/v1/transactions/o-1")["status"], "Processing");
    for status in ["Success", "Refunded"] {
        assert_eq!(
            emulator.post(&format!("/_emulator/transactions/{reference}"), &json!({"status": status}))["status"],
            status
        );
    }
    emulator.advance(1);
    assert_eq!(emulator.take_events(), ["transaction.success", "transaction.failed"]);
    assert_eq!(emulator.get("/api/v1/balance")["balance"], INITIAL_BALANCE);
    assert_eq!(emulator.call("POST", "/_emulator/transactions/none", &json!({"status": "Failed"})).0, 404);
}

#[test]
fn the_documented_example_can_be_looked_up() {
    let mut emulator = TestEmulator::new();
    let found = emulator.get("/api/v1/transactions/PLS-7XKQR4N");
    assert_eq!((&found["status"], &found["priceCharged"]), (&json!("Success"), &json!(27_000)));
    assert_eq!(emulator.get("/api/v1/transactions/ord_20260616_001"), found);
    assert_eq!(emulator.get("/api/v1/balance")["balance"], INITIAL_BALANCE);
}
