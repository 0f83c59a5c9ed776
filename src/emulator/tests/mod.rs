//! The state machine, in process: calls and time in, answers and deliveries out.

mod deliveries;
mod faults;
mod plexos;
mod plustive;

use super::state::WALLET;
use super::*;
use crate::model::exchange::{Answer, SendFailure};
use serde_json::json;

/// 2025-01-15T10:30:00Z
const START: i64 = 1_736_937_000;

/// An emulator, its clock, and an endpoint that takes what it is sent.
struct Bench {
    emulator: Emulator,
    now: Timestamp,
    status: u16,
    sent: Vec<OutgoingRequest>,
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

    fn reply(&mut self, request: &Request) -> (ServerReply, Value) {
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
                let sent = SentRequest {
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
        let kind = |outgoing: OutgoingRequest| {
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
fn a_fast_clock_shortens_pauses_and_lives() {
    let mut bench = Bench::with(Settings { speed: 3_600.0, ..settings() });
    let payment = bench.pay("MOCK", "+2389001234");
    bench.pass(2);
    assert_eq!(bench.get(&format!("/v1/payments/{payment}"))["status"], "EXPIRED");
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
