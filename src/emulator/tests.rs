//! The state machine, in process: calls and time in, answers and deliveries out.

use super::state::WALLET;
use super::*;
use crate::exchange::{Answer, SendFailure};
use serde_json::json;

/// 2025-01-15T10:30:00Z
const START: i64 = 1_736_937_000;

/// An emulator, its clock, and an endpoint that takes what it is sent.
struct Bench {
    emulator: Emulator,
    now: Timestamp,
    status: u16,
    sent: Vec<Outgoing>,
}

fn settings() -> Settings {
    Settings {
        speed: 1.0,
        variant: Variant::Reference,
        plustive_url: Some("http://127.0.0.1:1/plustive".parse().unwrap()),
        plustive_key: Key::new(Secret::new("plustive", Origin::Flag, "plustive_test_secret_do_not_use")),
        payment_life: SignedDuration::from_hours(1),
        undocumented_webhook_calls: false,
        audience: Audience::ThisMachine,
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        let now = Timestamp::from_second(START).unwrap();
        Self { emulator: Emulator::new(settings, 7), now, status: 200, sent: Vec::new() }
    }

    /// One with an endpoint for all of Plexos' events.
    fn registered() -> Self {
        let mut bench = Self::new();
        let events: Vec<_> = provider::named("plexos").unwrap().event_types().iter().map(|event| event.name).collect();
        let (status, _) =
            bench.call("POST", "/plexos/v1/webhooks", &json!({"url": "http://127.0.0.1:1/plexos", "events": events}));
        assert_eq!(status, 200);
        bench
    }

    fn request(method: &str, target: &str, body: &Value) -> Request {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut request = Request { method: method.to_owned(), ..Request::post(target, body) };
        let key = if target.contains("/api/") || target.contains("plustive") { PLUSTIVE_KEY } else { PLEXOS_KEY };
        request.headers.push("Authorization", format!("Bearer {key}").as_bytes()).unwrap();
        request
    }

    fn reply(&mut self, request: &Request) -> (Reply, Value) {
        let (reply, _) = self.emulator.answer(request, self.now);
        let body = if reply.body.is_empty() { Value::Null } else { serde_json::from_slice(&reply.body).unwrap() };
        (reply, body)
    }

    fn call(&mut self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let (reply, body) = self.reply(&Self::request(method, target, body));
        (reply.status, body)
    }

    fn get(&mut self, target: &str) -> Value {
        let (status, body) = self.call("GET", target, &Value::Null);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    fn post(&mut self, target: &str, body: &Value) -> Value {
        let (status, body) = self.call("POST", target, body);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    fn pay(&mut self, operator: &str, phone: &str) -> String {
        let body = json!({"amount": 10_000, "operator": operator, "operatorPhone": phone});
        id(&self.post("/plexos/v1/payments", &body))
    }

    fn buy(&mut self, client: &str, phone: &str) -> Value {
        let plan = "00000000-0000-4000-8000-0000000000d1";
        self.post("/plustive/api/v1/data", &json!({"planId": plan, "phone": phone, "clientReference": client}))
    }

    /// Lets so many seconds pass, and sends what falls due.
    fn pass(&mut self, seconds: i64) {
        let end = self.now + SignedDuration::from_secs(seconds);
        while self.emulator.wait(self.now).is_some_and(|wait| self.now + wait <= end) {
            self.now += self.emulator.wait(self.now).unwrap();
            while let Some(outgoing) = self.emulator.due(self.now) {
                let sent = Sent {
                    number: outgoing.number,
                    took: Duration::from_millis(3),
                    answer: Ok(Answer::new(self.status, "")),
                };
                self.sent.push(outgoing);
                self.emulator.fared(&sent, self.now);
            }
        }
        self.now = end;
    }

    /// The types of the events sent since this was last asked.
    fn events(&mut self) -> Vec<String> {
        let kind = |outgoing: Outgoing| {
            let body: Value = serde_json::from_slice(&outgoing.request.body).unwrap();
            body.get("type")
                .filter(|_| body.get("data").is_some())
                .unwrap_or(&body["event"])
                .as_str()
                .unwrap()
                .to_owned()
        };
        std::mem::take(&mut self.sent).into_iter().map(kind).collect()
    }

    fn deliveries(&mut self) -> Vec<Value> {
        self.get("/_emulator/deliveries")["data"].as_array().unwrap().clone()
    }

    fn fault(&mut self, fault: &str) {
        self.emulator.add_fault(fault.parse().unwrap());
    }
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_wrong_or_missing_key_gets_the_documented_error_of_each_provider() {
    let mut bench = Bench::new();
    let plexos = json!({"error": {"message": "Invalid API key", "code": "UNAUTHORIZED"}});
    let plustive = json!({
        "type": "https://www.rfc-editor.org/rfc/rfc7235#section-3.1", "title": "Unauthorized", "status": 401,
        "detail": "Invalid API key.", "errors": [{"name": "generalErrors", "reason": "Invalid API key."}],
    });
    for key in [None, Some("Bearer sk_live_x"), Some("Basic abc"), Some(PLEXOS_KEY)] {
        for (target, expected) in [("/v1/payments", &plexos), ("/api/v1/balance", &plustive)] {
            let mut request = Request { method: "GET".to_owned(), ..Request::post(target, Vec::new()) };
            if let Some(key) = key {
                request.headers.push("authorization", key.as_bytes()).unwrap();
            }
            let (reply, body) = bench.reply(&request);
            assert_eq!((reply.status, &body), (401, expected), "{key:?}");
        }
    }
}

#[test]
fn every_way_to_write_a_path_leads_to_the_same() {
    let mut bench = Bench::new();
    bench.buy("order/1 é", "08030000000");
    for prefix in ["/plustive/api/v1", "/plustive/v1", "/api/v1"] {
        let found = bench.get(&format!("{prefix}/transactions/order%2F1%20%C3%A9"));
        assert_eq!(found["clientReference"], "order/1 é");
    }
    assert_eq!(bench.get("/v1/payments"), bench.get("/plexos/v1/payments"));
    for (method, target, status) in [
        ("GET", "/plexos/v1/nothing", 404),
        ("PUT", "/plexos/v1/payments", 405),
        ("GET", "/", 404),
        ("GET", "/%ff", 400),
    ] {
        assert_eq!(bench.call(method, target, &Value::Null).0, status, "{target}");
    }
}

#[test]
fn amounts_are_integers_in_requests_and_strings_in_answers() {
    let mut bench = Bench::new();
    let payment = bench.post(
        "/v1/payments",
        &json!({"amount": 500_000, "operator": "UNITEL_TMAIS", "operatorPhone": "+244923000111", "metadata": {"order": 7}}),
    );
    let amounts = [&payment["amount"], &payment["feeAmount"], &payment["netAmount"]];
    assert_eq!(amounts, [&json!("500000"), &json!("10000"), &json!("490000")]);
    assert_eq!((&payment["currency"], &payment["metadata"]), (&json!("AOA"), &json!({"order": 7})));
    for wrong in [json!("500000"), json!(0), json!(100_000_001), json!(1.5), Value::Null] {
        let body = json!({"amount": wrong, "operator": "MOCK", "operatorPhone": "+2389001234"});
        let (status, body) = bench.call("POST", "/v1/payments", &body);
        assert_eq!((status, &body["error"]["code"]), (400, &json!("VALIDATION_ERROR")), "{wrong}");
    }
}

#[test]
fn a_payment_is_confirmed_settled_and_refunded_and_each_step_is_told() {
    let mut bench = Bench::registered();
    let payment = bench.pay("MOCK", "+2389001234");
    assert_eq!(bench.post(&format!("/v1/payments/{payment}/confirm"), &json!({}))["status"], "DEBITED");
    bench.pass(1);
    assert_eq!(bench.events(), ["payment.created", "payment.debited"]);
    assert_eq!(bench.call("POST", &format!("/v1/payments/{payment}/confirm"), &json!({})).0, 409);
    assert_eq!(bench.call("POST", &format!("/v1/payments/{payment}/cancel"), &json!({})).0, 409);

    let settlement = bench.post("/v1/settlements/process", &json!({"currency": "CVE"}));
    assert_eq!((&settlement["netAmount"], &settlement["itemCount"]), (&json!("9800"), &json!(1)));
    bench.pass(10);
    assert_eq!(bench.events(), ["payment.settled", "settlement.completed"]);
    assert_eq!(bench.call("POST", "/v1/settlements/process", &json!({"currency": "CVE"})), (204, Value::Null));

    let refund = |amount: i64| json!({"paymentIntentId": payment, "amount": amount});
    bench.post("/v1/refunds", &refund(4_000));
    bench.pass(10);
    assert_eq!(bench.get(&format!("/v1/payments/{payment}"))["status"], "PARTIALLY_REFUNDED");
    assert_eq!(bench.call("POST", "/v1/refunds", &refund(6_001)).0, 409);
    bench.post("/v1/refunds", &json!({"paymentIntentId": payment}));
    bench.pass(10);
    assert_eq!(bench.events(), ["refund.created", "refund.succeeded", "refund.created", "refund.succeeded"]);
    assert_eq!(bench.get(&format!("/v1/payments/{payment}"))["status"], "REFUNDED");
    assert_eq!(bench.get(&format!("/v1/refunds?payment_intent_id={payment}"))["data"].as_array().unwrap().len(), 2);
    let types: Vec<_> =
        bench.get("/v1/transactions")["data"].as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
    assert_eq!(types, ["refund", "refund", "payment"]);
}

#[test]
fn a_payment_by_a_real_operator_goes_on_by_itself_as_its_number_says() {
    let mut bench = Bench::registered();
    let ids = ["+2389001234", "+2389001404", "+2389001408"].map(|phone| bench.pay("CVMOVEL", phone));
    bench.pass(60);
    let statuses = ids.clone().map(|id| bench.get(&format!("/v1/payments/{id}"))["status"].clone());
    assert_eq!(statuses, ["DEBITED", "FAILED", "USER_CONFIRMING"]);
    bench.pass(3_600);
    assert_eq!(bench.get(&format!("/v1/payments/{}", ids[2]))["status"], "EXPIRED");
    assert_eq!(bench.events()[3..], ["payment.debited", "payment.failed", "payment.expired"]);
    assert_eq!(bench.call("POST", &format!("/v1/payments/{}/confirm", ids[0]), &json!({})).0, 409);
}

#[test]
fn a_repeated_idempotency_key_gives_the_first_answer_and_another_body_is_a_conflict() {
    let mut bench = Bench::registered();
    let mut create = |amount: i64| {
        let body = json!({"amount": amount, "operator": "MOCK", "operatorPhone": "+2389001234"});
        let mut request = Bench::request("POST", "/v1/payments", &body);
        request.headers.push("Idempotency-Key", b"k1").unwrap();
        let (reply, body) = bench.reply(&request);
        (reply.status, body)
    };
    let first = create(10_000);
    assert_eq!(create(10_000), first);
    assert_eq!(create(10_001).0, 409);
    bench.pass(1);
    assert_eq!(bench.events(), ["payment.created"]);
}

#[test]
fn pages_follow_one_another_and_bad_ones_are_refused() {
    let mut bench = Bench::new();
    let mut ids: Vec<_> = (0..45).map(|_| bench.pay("MOCK", "+2389001234")).collect();
    ids.reverse();
    let (mut seen, mut target) = (Vec::new(), "/v1/payments".to_owned());
    loop {
        let page = bench.get(&target);
        seen.extend(page["data"].as_array().unwrap().iter().map(id));
        if page["hasMore"] == false {
            break;
        }
        target = format!("/v1/payments?limit=20&starting_after={}", seen.last().unwrap());
    }
    assert_eq!(seen, ids);
    for wrong in ["limit=0", "limit=101", "limit=x", "starting_after=pi_none"] {
        assert_eq!(bench.call("GET", &format!("/v1/payments?{wrong}"), &Value::Null).0, 400, "{wrong}");
    }
}

#[test]
fn the_secret_of_an_endpoint_is_shown_once() {
    let mut bench = Bench::with(Settings { undocumented_webhook_calls: true, ..settings() });
    let body = json!({"url": "https://example.com/hook", "events": ["payment.debited"], "description": "mine"});
    let made = bench.post("/v1/webhooks", &body);
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let one = bench.get(&format!("/v1/webhooks/{}", id(&made)));
    let listed = bench.get("/v1/webhooks");
    assert_eq!((&one, one.get("secret")), (&listed["data"][0], None));
    let changed = bench.call("PATCH", &format!("/v1/webhooks/{}", id(&made)), &json!({"status": "DISABLED"})).1;
    assert_eq!((&changed["status"], changed.get("secret")), (&json!("DISABLED"), None));
    assert_eq!(bench.call("DELETE", &format!("/v1/webhooks/{}", id(&made)), &Value::Null), (204, Value::Null));
    for wrong in [json!({"url": "https://x.example"}), json!({"url": "https://x.example", "events": ["*"]})] {
        assert_eq!(bench.call("POST", "/v1/webhooks", &wrong).0, 400, "{wrong}");
    }
}

#[test]
fn what_is_not_documented_about_endpoints_is_not_there() {
    let mut bench = Bench::registered();
    assert_eq!(bench.call("GET", "/v1/webhooks", &Value::Null).0, 405);
    assert_eq!(bench.call("GET", "/v1/webhooks/we_1", &Value::Null).0, 404);
}

#[test]
fn a_session_is_completed_by_a_payment_or_runs_out() {
    let mut bench = Bench::registered();
    let product = id(&bench.post("/v1/products", &json!({"name": "Tea", "price": 5_000})));
    let body = json!({"currency": "CVE", "items": [{"productId": product, "quantity": 3}]});
    let [paid, left] = [(); 2].map(|()| id(&bench.post("/v1/checkout/sessions", &body)));
    let session = bench.post(&format!("/_emulator/transactions/{paid}"), &json!({"status": "COMPLETED"}));
    assert_eq!((&session["amount"], &session["status"]), (&json!("15000"), &json!("COMPLETED")));
    let payment = session["paymentIntentId"].as_str().unwrap().to_owned();
    assert_eq!(bench.get(&format!("/v1/payments/{payment}"))["amount"], "15000");
    bench.pass(3_600);
    assert_eq!(bench.get(&format!("/v1/checkout/sessions/{left}"))["status"], "EXPIRED");
    assert_eq!(bench.events(), ["payment.created", "payment.debited", "checkout.completed", "checkout.expired"]);
    assert_eq!(bench.call("POST", &format!("/v1/checkout/sessions/{left}/expire"), &json!({})).0, 409);
}

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
    let header = |outgoing: &Outgoing, name: &str| {
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
fn a_fast_clock_shortens_pauses_and_lives() {
    let mut bench = Bench::with(Settings { speed: 3_600.0, ..settings() });
    let payment = bench.pay("MOCK", "+2389001234");
    bench.pass(2);
    assert_eq!(bench.get(&format!("/v1/payments/{payment}"))["status"], "EXPIRED");
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
fn each_fault_of_deliveries_does_what_it_says() {
    let run = |fault: &str| {
        let mut bench = Bench::registered();
        bench.fault(fault);
        let payment = bench.pay("MOCK", "+2389001234");
        bench.pass(1);
        bench.post(&format!("/v1/payments/{payment}/confirm"), &json!({}));
        bench.pass(1);
        let soon = bench.events();
        bench.pass(3_600);
        (soon, bench.events(), bench)
    };
    let (soon, later, _) = run("duplicate,match=payment.created");
    assert_eq!(
        (soon.as_slice(), later.len()),
        (&["payment.created", "payment.created", "payment.debited"].map(str::to_owned)[..], 0)
    );
    let (soon, later, _) = run("reorder,match=payment.created");
    assert_eq!((soon.as_slice(), later.len()), (&["payment.debited", "payment.created"].map(str::to_owned)[..], 0));
    let (soon, later, _) = run("delay,match=payment.created");
    assert_eq!((soon, later), (vec!["payment.debited".to_owned()], vec!["payment.created".to_owned()]));
    let (soon, later, mut bench) = run("drop,match=payment.created");
    assert_eq!((soon, later.len()), (vec!["payment.debited".to_owned()], 0));
    assert_eq!(bench.deliveries()[0]["fate"], "dropped");
    let (.., mut bench) = run("late,match=payment.created");
    assert_eq!(bench.deliveries()[0]["attempts"][0]["timestamp"], (START - 600).to_string());
}

#[test]
fn each_fault_of_calls_does_what_it_says() {
    let mut bench = Bench::new();
    let body = json!({"amount": 10_000, "operator": "MOCK", "operatorPhone": "+2389001234"});
    let expected =
        [("429", 429, 0), ("429-bare", 429, 0), ("500", 500, 0), ("slow,seconds=2", 200, 1), ("cut", 200, 2)];
    for (fault, status, payments) in expected {
        bench.fault(&format!("{fault},count=1,method=POST"));
        let (reply, _) = bench.reply(&Bench::request("POST", "/v1/payments", &body));
        assert_eq!(reply.status, status, "{fault}");
        assert_eq!(reply.headers.get("Retry-After").is_some(), fault == "429");
        assert_eq!(
            (reply.delay, reply.is_cut),
            (Duration::from_secs(if status == 200 && payments == 1 { 2 } else { 0 }), fault == "cut")
        );
        assert_eq!(bench.get("/v1/payments")["data"].as_array().unwrap().len(), payments, "{fault}");
    }
}

#[test]
fn a_lookup_may_contradict_the_webhook() {
    let mut bench = Bench::new();
    bench.buy("o-1", "08030000000");
    bench.pass(60);
    bench.fault("contradict,count=1,provider=plustive");
    let statuses = [(); 2].map(|()| bench.get("/api/v1/transactions/o-1")["status"].clone());
    assert_eq!(statuses, ["Failed", "Success"]);
}

#[test]
fn faults_are_asked_for_listed_and_removed_by_call() {
    let mut bench = Bench::new();
    let fault = bench.post("/_emulator/faults", &json!({"kind": "500", "match": "/v1/refunds*", "count": 1}));
    assert_eq!(bench.get("/_emulator/faults")["data"][0], fault);
    assert_eq!(bench.call("GET", "/v1/payments", &Value::Null).0, 200);
    assert_eq!(
        [bench.call("GET", "/v1/refunds", &Value::Null).0, bench.call("GET", "/v1/refunds", &Value::Null).0],
        [500, 200]
    );
    let id = bench.post("/_emulator/faults", &json!({"kind": "drop"}))["id"].clone();
    assert_eq!(bench.call("DELETE", &format!("/_emulator/faults/{id}"), &Value::Null).0, 200);
    for wrong in [json!({"kind": "flood"}), json!({}), json!({"kind": "drop", "probability": 2})] {
        assert_eq!(bench.call("POST", "/_emulator/faults", &wrong).0, 400, "{wrong}");
    }
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
fn it_goes_on_where_it_ended() {
    let mut bench = Bench::registered();
    bench.pay("MOCK", "+2389001234");
    bench.buy("o-1", "08030000000");
    // Handed out, and the end comes before the answer.
    assert!(bench.emulator.due(bench.now).is_some());
    let saved = bench.emulator.changed_state().unwrap();
    assert_eq!(bench.emulator.changed_state(), None);
    bench.emulator = Emulator::restored(settings(), &saved, bench.now).unwrap();
    bench.pass(60);
    assert_eq!(bench.events(), ["payment.created", "transaction.success"]);
    assert_eq!(bench.deliveries()[0]["attempts"].as_array().unwrap().len(), 2);
    let next = bench.pay("MOCK", "+2389001234");
    assert_ne!(id(&bench.get("/v1/payments")["data"][1]), next);
    for damaged in [&saved[..saved.len() / 2], b"{}", b"{\"schema\":\"whtool.emulator_state/9\"}", b""] {
        assert!(Emulator::restored(settings(), damaged, bench.now).is_err());
    }
}

#[test]
fn the_same_seed_and_calls_give_the_same_everything() {
    let run = || {
        let mut bench = Bench::registered();
        bench.fault("drop=0.5");
        let ids: Vec<_> = (0..20).map(|_| bench.pay("MOCK", "+2389001234")).collect();
        bench.pass(60);
        (ids, bench.sent.iter().map(|outgoing| outgoing.request.to_wire()).collect::<Vec<_>>())
    };
    let (one, other) = (run(), run());
    assert_eq!(one, other);
    assert!((3..18).contains(&one.1.len()), "about half were dropped");
}

#[test]
fn an_endpoint_that_does_not_answer_is_tried_again() {
    let mut bench = Bench::registered();
    bench.pay("MOCK", "+2389001234");
    let outgoing = bench.emulator.due(bench.now).unwrap();
    let sent = Sent { number: outgoing.number, took: Duration::from_secs(5), answer: Err(SendFailure::Timeout) };
    let delivery = bench.emulator.fared(&sent, bench.now).unwrap();
    assert_eq!((delivery.fate, delivery.attempts[0].error.as_deref()), (Fate::Waiting, Some("no answer in time")));
}
