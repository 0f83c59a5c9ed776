//! Tests of signatures, retries and targets.

use super::*;

/// Bodies and secrets follow from seed, time and calls. The signatures were made with
/// `printf '1736937000.%s' "$BODY" | openssl dgst -sha256 -hmac "$SECRET"` and, for Plustive,
/// `printf '%s' "$BODY" | openssl dgst -sha256 -hmac plustive_test_secret_do_not_use`.
#[test]
fn deliveries_are_signed_as_openssl_signs_them() {
    let mut emulator = TestEmulator::registered();
    emulator.pay("MOCK", "+2389001234");
    emulator.advance(0);
    emulator.buy("o-1", "08030000000");
    emulator.advance(60);
    let state: Value = serde_json::from_slice(&emulator.inner.take_changed_state().unwrap()).unwrap();
    let secret = &state["plexos"]["endpoints"][0]["secret"];
    assert_eq!(secret, "whsec_emulated_74d0811945ddd771cadcfa90dbf8bf6c71e679c7eb45b5ae754531ede58c3294");
    let [plexos, plustive] = emulator.sent.as_slice() else { panic!("two were sent") };
    let header = |outgoing: &OutgoingRequest, name: &str| {
        String::from_utf8(outgoing.request.headers.get(name).unwrap().to_vec()).unwrap()
    };
    let body = r#"{"id":"evt_dm84lt8z9ubhommq","type":"payment.created","data":{"id":"pi_swn5vuc1w9asnycu","externalId":null,"amount":"10000","currency":"CVE","feeAmount":"200","netAmount":"9800","operator":"MOCK","operatorPhone":"+2389001234","operatorTxId":null,"status":"CREATED","failureCode":null,"failureMessage":null,"description":null,"statementDescriptor":null,"customerId":null,"metadata":{},"expiresAt":"2025-01-15T11:30:00.000Z","createdAt":"2025-01-15T10:30:00.000Z","updatedAt":"2025-01-15T10:30:00.000Z"},"createdAt":"2025-01-15T10:30:00.000Z"}"#;
    assert_eq!(String::from_utf8_lossy(&plexos.request.body), body);
    assert_eq!(header(plexos, "X-Plexos-Timestamp"), "1736937000");
    let mac = "76bba3c9353d11d94f854bf1b07d09acd4f2af1966eea41738b97489df80ae00";
    assert_eq!(header(plexos, "X-Plexos-Signature"), mac);
    let body = r#"{"event":"transaction.success","reference":"PLS-UHSUPK8BNM","clientReference":"o-1","status":"Success","service":"Data","amount":27000,"mobileNumber":"08030000000","providerReference":"879208321","completedAt":"2025-01-15T10:30:11Z"}"#;
    assert_eq!(String::from_utf8_lossy(&plustive.request.body), body);
    let mac = "61ecb320e4450536691593b8e8ffdc38b2132db93f1fd678398ceb8f4423d4c9";
    assert_eq!(header(plustive, "X-Plustive-Signature"), format!("sha256={mac}"));
}

#[test]
fn a_refused_webhook_is_retried_for_hours_with_new_timestamps_and_then_given_up() {
    let mut emulator = TestEmulator::registered();
    emulator.status = 500;
    emulator.pay("MOCK", "+2389001408");
    emulator.advance(86_400);
    let delivery = &emulator.deliveries()[0];
    let times: Vec<i64> = delivery["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["timestamp"].as_str().unwrap().parse::<i64>().unwrap() - START)
        .collect();
    assert_eq!(times, [0, 5, 25, 105, 425, 1_705, 6_825, 27_305]);
    assert_eq!(delivery["fate"], "given_up");
}

#[test]
fn an_endpoint_that_recovers_gets_the_retry() {
    let mut emulator = TestEmulator::registered();
    emulator.status = 503;
    emulator.pay("MOCK", "+2389001234");
    emulator.advance(30);
    emulator.status = 204;
    emulator.advance(3_600);
    let delivery = &emulator.deliveries()[0];
    let statuses: Vec<_> =
        delivery["attempts"].as_array().unwrap().iter().map(|attempt| attempt["status"].clone()).collect();
    assert_eq!(
        (statuses, &delivery["fate"]),
        (vec![json!(503), json!(503), json!(503), json!(204)], &json!("delivered"))
    );
}

#[test]
fn webhooks_go_to_other_machines_only_if_allowed() {
    for reach in [Reach::ThisMachine, Reach::Anywhere] {
        let mut emulator = TestEmulator::with(Settings { reach, ..settings() });
        emulator.post("/v1/webhooks", &json!({"url": "https://example.com/", "events": ["payment.created"]}));
        emulator.pay("MOCK", "+2389001234");
        let outgoing = emulator.inner.next_outgoing(emulator.now).unwrap();
        assert_eq!(outgoing.reach, reach);
        let fault = TargetFault::OtherMachine("example.com is not this machine".to_owned());
        let answer = Err(SendFailure::Misconfigured(fault));
        let sent = SentRequest { number: outgoing.number, took: Duration::ZERO, answer };
        let delivery = emulator.inner.record_attempt(&sent, emulator.now).unwrap();
        let error = delivery.attempts[0].error.as_deref().unwrap();
        assert_eq!(delivery.status, DeliveryStatus::GivenUp);
        assert!(error.ends_with("start the emulator with --yes"), "{error}");
    }
}

#[test]
fn a_webhook_that_times_out_is_retried() {
    let mut emulator = TestEmulator::registered();
    emulator.pay("MOCK", "+2389001234");
    let outgoing = emulator.inner.next_outgoing(emulator.now).unwrap();
    let sent = SentRequest { number: outgoing.number, took: Duration::from_secs(5), answer: Err(SendFailure::Timeout) };
    let delivery = emulator.inner.record_attempt(&sent, emulator.now).unwrap();
    assert_eq!(
        (delivery.status, delivery.attempts[0].error.as_deref()),
        (DeliveryStatus::Waiting, Some("no answer in time"))
    );
}
