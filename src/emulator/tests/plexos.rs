//! Tests of the Plexos Pay API.

use super::*;

#[test]
fn amounts_are_integers_in_requests_and_strings_in_answers() {
    let mut emulator = TestEmulator::new();
    let payment = emulator.post(
        "/v1/payments",
        &json!({"amount": 500_000, "operator": "UNITEL_TMAIS", "operatorPhone": "+244923000111", "metadata": {"order": 7}}),
    );
    let amounts = [&payment["amount"], &payment["feeAmount"], &payment["netAmount"]];
    assert_eq!(amounts, [&json!("500000"), &json!("10000"), &json!("490000")]);
    assert_eq!((&payment["currency"], &payment["metadata"]), (&json!("AOA"), &json!({"order": 7})));
    for wrong in [json!("500000"), json!(0), json!(100_000_001), json!(1.5), Value::Null] {
        let body = json!({"amount": wrong, "operator": "MOCK", "operatorPhone": "+2389001234"});
        let (status, body) = emulator.call("POST", "/v1/payments", &body);
        assert_eq!((status, &body["error"]["code"]), (400, &json!("VALIDATION_ERROR")), "{wrong}");
    }
}

#[test]
fn confirming_settling_and_refunding_a_payment_sends_an_event_for_each_step() {
    let mut emulator = TestEmulator::registered();
    let payment = emulator.pay("MOCK", "+2389001234");
    assert_eq!(emulator.post(&format!("/v1/payments/{payment}/confirm"), &json!({}))["status"], "DEBITED");
    emulator.advance(1);
    assert_eq!(emulator.take_events(), ["payment.created", "payment.debited"]);
    assert_eq!(emulator.call("POST", &format!("/v1/payments/{payment}/confirm"), &json!({})).0, 409);
    assert_eq!(emulator.call("POST", &format!("/v1/payments/{payment}/cancel"), &json!({})).0, 409);

    let settlement = emulator.post("/v1/settlements/process", &json!({"currency": "CVE"}));
    assert_eq!((&settlement["netAmount"], &settlement["itemCount"]), (&json!("9800"), &json!(1)));
    emulator.advance(10);
    assert_eq!(emulator.take_events(), ["payment.settled", "settlement.completed"]);
    assert_eq!(emulator.call("POST", "/v1/settlements/process", &json!({"currency": "CVE"})), (204, Value::Null));

    let refund = |amount: i64| json!({"paymentIntentId": payment, "amount": amount});
    emulator.post("/v1/refunds", &refund(4_000));
    emulator.advance(10);
    assert_eq!(emulator.get(&format!("/v1/payments/{payment}"))["status"], "PARTIALLY_REFUNDED");
    assert_eq!(emulator.call("POST", "/v1/refunds", &refund(6_001)).0, 409);
    emulator.post("/v1/refunds", &json!({"paymentIntentId": payment}));
    emulator.advance(10);
    assert_eq!(emulator.take_events(), ["refund.created", "refund.succeeded", "refund.created", "refund.succeeded"]);
    assert_eq!(emulator.get(&format!("/v1/payments/{payment}"))["status"], "REFUNDED");
    assert_eq!(emulator.get(&format!("/v1/refunds?payment_intent_id={payment}"))["data"].as_array().unwrap().len(), 2);
    let types: Vec<_> =
        emulator.get("/v1/transactions")["data"].as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
    assert_eq!(types, ["refund", "refund", "payment"]);
}

#[test]
fn the_number_decides_the_outcome_of_a_payment_by_a_real_operator() {
    let mut emulator = TestEmulator::registered();
    let ids = ["+2389001234", "+2389001404", "+2389001408"].map(|phone| emulator.pay("CVMOVEL", phone));
    emulator.advance(60);
    let statuses = ids.clone().map(|id| emulator.get(&format!("/v1/payments/{id}"))["status"].clone());
    assert_eq!(statuses, ["DEBITED", "FAILED", "USER_CONFIRMING"]);
    emulator.advance(3_600);
    assert_eq!(emulator.get(&format!("/v1/payments/{}", ids[2]))["status"], "EXPIRED");
    assert_eq!(emulator.take_events()[3..], ["payment.debited", "payment.failed", "payment.expired"]);
    assert_eq!(emulator.call("POST", &format!("/v1/payments/{}/confirm", ids[0]), &json!({})).0, 409);
}

#[test]
fn a_repeated_idempotency_key_returns_the_first_answer_and_another_body_conflicts() {
    let mut emulator = TestEmulator::registered();
    let mut create = |amount: i64| {
        let body = json!({"amount": amount, "operator": "MOCK", "operatorPhone": "+2389001234"});
        let mut request = TestEmulator::request("POST", "/v1/payments", &body);
        request.headers.push("Idempotency-Key", b"k1").unwrap();
        let (reply, body) = emulator.reply(&request);
        (reply.status, body)
    };
    let first = create(10_000);
    assert_eq!(create(10_000), first);
    assert_eq!(create(10_001).0, 409);
    emulator.advance(1);
    assert_eq!(emulator.take_events(), ["payment.created"]);
}

#[test]
fn lists_are_paged_and_invalid_pages_are_refused() {
    let mut emulator = TestEmulator::new();
    let mut ids: Vec<_> = (0..45).map(|_| emulator.pay("MOCK", "+2389001234")).collect();
    ids.reverse();
    let (mut seen, mut target) = (Vec::new(), "/v1/payments".to_owned());
    loop {
        let page = emulator.get(&target);
        seen.extend(page["data"].as_array().unwrap().iter().map(id));
        if page["hasMore"] == false {
            break;
        }
        target = format!("/v1/payments?limit=20&starting_after={}", seen.last().unwrap());
    }
    assert_eq!(seen, ids);
    for wrong in ["limit=0", "limit=101", "limit=x", "starting_after=pi_none"] {
        assert_eq!(emulator.call("GET", &format!("/v1/payments?{wrong}"), &Value::Null).0, 400, "{wrong}");
    }
}

#[test]
fn only_creating_an_endpoint_returns_its_secret() {
    let mut emulator = TestEmulator::with(Settings { undocumented_webhook_calls: true, ..settings() });
    let body = json!({"url": "https://example.com/hook", "events": ["payment.debited"], "description": "mine"});
    let made = emulator.post("/v1/webhooks", &body);
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let one = emulator.get(&format!("/v1/webhooks/{}", id(&made)));
    let listed = emulator.get("/v1/webhooks");
    assert_eq!((&one, one.get("secret")), (&listed["data"][0], None));
    let changed = emulator.call("PATCH", &format!("/v1/webhooks/{}", id(&made)), &json!({"status": "DISABLED"})).1;
    assert_eq!((&changed["status"], changed.get("secret")), (&json!("DISABLED"), None));
    assert_eq!(emulator.call("DELETE", &format!("/v1/webhooks/{}", id(&made)), &Value::Null), (204, Value::Null));
    for wrong in [json!({"url": "https://x.example"}), json!({"url": "https://x.example", "events": ["*"]})] {
        assert_eq!(emulator.call("POST", "/v1/webhooks", &wrong).0, 400, "{wrong}");
    }
}

#[test]
fn undocumented_endpoint_calls_are_refused_without_the_flag() {
    let mut emulator = TestEmulator::registered();
    assert_eq!(emulator.call("GET", "/v1/webhooks", &Value::Null).0, 405);
    assert_eq!(emulator.call("GET", "/v1/webhooks/we_1", &Value::Null).0, 404);
}

#[test]
fn a_checkout_session_is_completed_by_a_payment_or_expires() {
    let mut emulator = TestEmulator::registered();
    let product = id(&emulator.post("/v1/products", &json!({"name": "Tea", "price": 5_000})));
    let body = json!({"currency": "CVE", "items": [{"productId": product, "quantity": 3}]});
    let [paid, left] = [(); 2].map(|()| id(&emulator.post("/v1/checkout/sessions", &body)));
    let session = emulator.post(&format!("/_emulator/transactions/{paid}"), &json!({"status": "COMPLETED"}));
    assert_eq!((&session["amount"], &session["status"]), (&json!("15000"), &json!("COMPLETED")));
    let payment = session["paymentIntentId"].as_str().unwrap().to_owned();
    assert_eq!(emulator.get(&format!("/v1/payments/{payment}"))["amount"], "15000");
    emulator.advance(3_600);
    assert_eq!(emulator.get(&format!("/v1/checkout/sessions/{left}"))["status"], "EXPIRED");
    assert_eq!(
        emulator.take_events(),
        ["payment.created", "payment.debited", "checkout.completed", "checkout.expired"]
    );
    assert_eq!(emulator.call("POST", &format!("/v1/checkout/sessions/{left}/expire"), &json!({})).0, 409);
}
