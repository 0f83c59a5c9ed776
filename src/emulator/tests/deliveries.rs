//! Deliveries: signatures, retries, who is sent to.

use super::*;

/// Bodies and secrets follow from seed, time and calls. The signatures were made of them with
/// `printf '1736937000.%s' "$BODY" | openssl dgst -sha256 -hmac "$SECRET"` and, for Plustive,
/// `printf '%s' "$BODY" | openssl dgst -sha256 -hmac plustive_test_secret_do_not_use`.
#[test]
fn deliveries_are_signed_as_openssl_signs_them() {
    let mut bench = Bench::registered();
    bench.pay("MOCK", "+2389001234");
    bench.pass(0);
    bench.buy("o-1", "08030000000");
    bench.pass(60);
    let secret = &bench.emulator.state.plexos.endpoints.iter().next().unwrap().secret;
    assert_eq!(secret, "whsec_emulated_74d0811945ddd771cadcfa90dbf8bf6c71e679c7eb45b5ae754531ede58c3294");
    let [plexos, plustive] = bench.sent.as_slice() else { panic!("two were sent") };
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
fn what_is_refused_is_tried_again_for_hours_with_a_new_time_and_then_given_up() {
    let mut bench = Bench::registered();
    bench.status = 500;
    bench.pay("MOCK", "+2389001408");
    bench.pass(86_400);
    let delivery = &bench.deliveries()[0];
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
fn an_endpoint_that_comes_back_gets_what_waits() {
    let mut bench = Bench::registered();
    bench.status = 503;
    bench.pay("MOCK", "+2389001234");
    bench.pass(30);
    bench.status = 204;
    bench.pass(3_600);
    let delivery = &bench.deliveries()[0];
    let statuses: Vec<_> =
        delivery["attempts"].as_array().unwrap().iter().map(|attempt| attempt["status"].clone()).collect();
    assert_eq!(
        (statuses, &delivery["fate"]),
        (vec![json!(503), json!(503), json!(503), json!(204)], &json!("delivered"))
    );
}

#[test]
fn other_machines_are_not_sent_to_unless_allowed() {
    for (audience, sent) in [(Audience::ThisMachine, 0), (Audience::Everyone, 1)] {
        let mut bench = Bench::with(Settings { audience, ..settings() });
        bench.post("/v1/webhooks", &json!({"url": "https://example.com/", "events": ["payment.created"]}));
        bench.pay("MOCK", "+2389001234");
        bench.pass(60);
        assert_eq!((bench.sent.len(), bench.emulator.take_unsent().len()), (sent, 1 - sent));
    }
}

#[test]
fn an_endpoint_that_does_not_answer_is_tried_again() {
    let mut bench = Bench::registered();
    bench.pay("MOCK", "+2389001234");
    let outgoing = bench.emulator.due(bench.now).unwrap();
    let sent = SentRequest { number: outgoing.number, took: Duration::from_secs(5), answer: Err(SendFailure::Timeout) };
    let delivery = bench.emulator.fared(&sent, bench.now).unwrap();
    assert_eq!((delivery.fate, delivery.attempts[0].error.as_deref()), (Fate::Waiting, Some("no answer in time")));
}
