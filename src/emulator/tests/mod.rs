//! Tests of the state machine: calls and time in, answers and webhooks out.

mod deliveries;
mod faults;
mod plexos;
mod plustive;

use super::plustive::INITIAL_BALANCE;
use super::*;
use crate::model::address::Reach;
use crate::model::exchange::{Answer, SendFailure};
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::Key;
use crate::model::target_fault::TargetFault;
use serde_json::json;

/// 2025-01-15T10:30:00Z
const START: i64 = 1_736_937_000;

/// An emulator with a clock and an app that answers every webhook with `status`.
struct TestEmulator {
    inner: Emulator,
    now: Timestamp,
    status: u16,
    sent: Vec<OutgoingRequest>,
}

const PLEXOS_KEY: &str = "sk_test_emulated_by_whtool";

fn settings() -> Settings {
    Settings {
        speed: 1.0,
        variant: Variant::Reference,
        plustive_url: Some("http://127.0.0.1:1/plustive".parse().unwrap()),
        plustive_key: Key::new(Secret::new("plustive", SecretOrigin::Flag, "plustive_test_secret_do_not_use")),
        payment_life: SignedDuration::from_hours(1),
        undocumented_webhook_calls: false,
        reach: Reach::ThisMachine,
    }
}

impl TestEmulator {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        let now = Timestamp::from_second(START).unwrap();
        Self { inner: Emulator::new(settings, 7), now, status: 200, sent: Vec::new() }
    }

    /// Registers an endpoint for all Plexos events.
    fn registered() -> Self {
        let mut emulator = Self::new();
        let events: Vec<_> =
            provider::by_name("plexos").unwrap().event_types().iter().map(|event| event.name).collect();
        let (status, _) = emulator.call(
            "POST",
            "/plexos/v1/webhooks",
            &json!({"url": "http://127.0.0.1:1/plexos", "events": events}),
        );
        assert_eq!(status, 200);
        emulator
    }

    fn request(method: &str, target: &str, body: &Value) -> Request {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut request = Request { method: method.to_owned(), ..Request::post(target, body) };
        let is_plustive = target.contains("/api/") || target.contains("plustive");
        let key = if is_plustive { "pk_live_emulated_by_whtool" } else { PLEXOS_KEY };
        request.headers.push("Content-Type", b"application/json").unwrap();
        request.headers.push("Authorization", format!("Bearer {key}").as_bytes()).unwrap();
        request
    }

    fn reply(&mut self, request: &Request) -> (ServerReply, Value) {
        let (reply, _) = self.inner.answer(request, self.now);
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

    /// Advances the clock by some seconds, and sends the webhooks that fall due.
    fn advance(&mut self, seconds: i64) {
        let end = self.now + SignedDuration::from_secs(seconds);
        while self.inner.time_until_next(self.now).is_some_and(|wait| self.now + wait <= end) {
            self.now += self.inner.time_until_next(self.now).unwrap();
            while let Some(outgoing) = self.inner.next_outgoing(self.now) {
                let sent = SentRequest {
                    number: outgoing.number,
                    took: Duration::from_millis(3),
                    answer: Ok(Answer::new(self.status, "")),
                };
                self.sent.push(outgoing);
                self.inner.record_attempt(&sent, self.now);
            }
        }
        self.now = end;
    }

    /// Takes the types of the events sent since the last call.
    fn take_events(&mut self) -> Vec<String> {
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
        self.inner.add_fault(fault.parse().unwrap());
    }
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_wrong_or_missing_key_gets_the_documented_error() {
    let mut emulator = TestEmulator::new();
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
            let (reply, body) = emulator.reply(&request);
            assert_eq!((reply.status, &body), (401, expected), "{key:?}");
        }
    }
}

#[test]
fn all_path_prefixes_reach_the_same_objects() {
    let mut emulator = TestEmulator::new();
    emulator.buy("order/1 é", "08030000000");
    for prefix in ["/plustive/api/v1", "/plustive/v1", "/api/v1"] {
        let found = emulator.get(&format!("{prefix}/transactions/order%2F1%20%C3%A9"));
        assert_eq!(found["clientReference"], "order/1 é");
    }
    assert_eq!(emulator.get("/v1/payments"), emulator.get("/plexos/v1/payments"));
    for (method, target, status) in [
        ("GET", "/plexos/v1/nothing", 404),
        ("PUT", "/plexos/v1/payments", 405),
        ("GET", "/", 404),
        ("GET", "/%ff", 400),
    ] {
        assert_eq!(emulator.call(method, target, &Value::Null).0, status, "{target}");
    }
}

#[test]
fn speed_shortens_expiry() {
    let mut emulator = TestEmulator::with(Settings { speed: 3_600.0, ..settings() });
    let payment = emulator.pay("MOCK", "+2389001234");
    emulator.advance(2);
    assert_eq!(emulator.get(&format!("/v1/payments/{payment}"))["status"], "EXPIRED");
}

#[test]
fn a_restored_emulator_continues_where_it_stopped() {
    let mut emulator = TestEmulator::registered();
    emulator.pay("MOCK", "+2389001234");
    emulator.buy("o-1", "08030000000");
    // One webhook is in flight when the emulator stops.
    assert!(emulator.inner.next_outgoing(emulator.now).is_some());
    let saved = emulator.inner.take_changed_state().unwrap();
    assert_eq!(emulator.inner.take_changed_state(), None);
    emulator.inner = Emulator::restore(settings(), &saved, emulator.now).unwrap();
    emulator.advance(60);
    assert_eq!(emulator.take_events(), ["payment.created", "transaction.success"]);
    assert_eq!(emulator.deliveries()[0]["attempts"].as_array().unwrap().len(), 2);
    let next = emulator.pay("MOCK", "+2389001234");
    assert_ne!(id(&emulator.get("/v1/payments")["data"][1]), next);
    for damaged in [&saved[..saved.len() / 2], b"{}", b"{\"schema\":\"whtool.emulator_state/9\"}", b""] {
        assert!(Emulator::restore(settings(), damaged, emulator.now).is_err());
    }
}

#[test]
fn the_same_seed_and_calls_give_the_same_ids_and_webhooks() {
    let run = || {
        let mut emulator = TestEmulator::registered();
        emulator.fault("drop=0.5");
        let ids: Vec<_> = (0..20).map(|_| emulator.pay("MOCK", "+2389001234")).collect();
        emulator.advance(60);
        (ids, emulator.sent.iter().map(|outgoing| outgoing.request.to_wire()).collect::<Vec<_>>())
    };
    let (one, other) = (run(), run());
    assert_eq!(one, other);
    assert!((3..18).contains(&one.1.len()), "about half were dropped");
}
