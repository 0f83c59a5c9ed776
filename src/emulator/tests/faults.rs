//! Tests of faults.

use super::*;

#[test]
fn delivery_faults_change_what_is_sent() {
    let run = |fault: &str| {
        let mut emulator = TestEmulator::registered();
        emulator.fault(fault);
        let payment = emulator.pay("MOCK", "+2389001234");
        emulator.advance(1);
        emulator.post(&format!("/v1/payments/{payment}/confirm"), &json!({}));
        emulator.advance(1);
        let soon = emulator.take_events();
        emulator.advance(3_600);
        (soon, emulator.take_events(), emulator)
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
    let (soon, later, mut emulator) = run("drop,match=payment.created");
    assert_eq!((soon, later.len()), (vec!["payment.debited".to_owned()], 0));
    assert_eq!(emulator.deliveries()[0]["fate"], "dropped");
    let (.., mut emulator) = run("late,match=payment.created");
    assert_eq!(emulator.deliveries()[0]["attempts"][0]["timestamp"], (START - 600).to_string());
}

#[test]
fn a_duplicate_is_sent_only_after_the_first_attempt_is_answered() {
    let mut emulator = TestEmulator::registered();
    emulator.fault("duplicate");
    emulator.pay("MOCK", "+2389001234");
    let now = emulator.now;
    let first = emulator.inner.next_outgoing(now).unwrap();
    assert!(emulator.inner.next_outgoing(now).is_none(), "the duplicate waits");
    let sent = SentRequest { number: first.number, took: Duration::ZERO, answer: Ok(Answer::new(500, "")) };
    emulator.inner.record_attempt(&sent, now);
    let second = emulator.inner.next_outgoing(now).unwrap();
    assert_eq!((second.number, second.request.body), (first.number + 1, first.request.body));
}

#[test]
fn call_faults_change_the_answer() {
    let mut emulator = TestEmulator::new();
    let body = json!({"amount": 10_000, "operator": "MOCK", "operatorPhone": "+2389001234"});
    let expected =
        [("429", 429, 0), ("429-bare", 429, 0), ("500", 500, 0), ("slow,seconds=2", 200, 1), ("cut", 200, 2)];
    for (fault, status, payments) in expected {
        emulator.fault(&format!("{fault},count=1,method=POST"));
        let (reply, _) = emulator.reply(&TestEmulator::request("POST", "/v1/payments", &body));
        assert_eq!(reply.status, status, "{fault}");
        assert_eq!(reply.headers.get("Retry-After").is_some(), fault == "429");
        assert_eq!(
            (reply.delay, reply.is_cut),
            (Duration::from_secs(if status == 200 && payments == 1 { 2 } else { 0 }), fault == "cut")
        );
        assert_eq!(emulator.get("/v1/payments")["data"].as_array().unwrap().len(), payments, "{fault}");
    }
}

#[test]
fn a_contradict_fault_changes_one_lookup() {
    let mut emulator = TestEmulator::new();
    emulator.buy("o-1", "08030000000");
    emulator.advance(60);
    emulator.fault("contradict,count=1,provider=plustive");
    let statuses = [(); 2].map(|()| emulator.get("/api/v1/transactions/o-1")["status"].clone());
    assert_eq!(statuses, ["Failed", "Success"]);
}

#[test]
fn faults_can_be_added_listed_and_removed_by_call() {
    let mut emulator = TestEmulator::new();
    let fault = emulator.post("/_emulator/faults", &json!({"kind": "500", "match": "/v1/refunds*", "count": 1}));
    assert_eq!(emulator.get("/_emulator/faults")["data"][0], fault);
    assert_eq!(emulator.call("GET", "/v1/payments", &Value::Null).0, 200);
    assert_eq!(
        [emulator.call("GET", "/v1/refunds", &Value::Null).0, emulator.call("GET", "/v1/refunds", &Value::Null).0],
        [500, 200]
    );
    let id = emulator.post("/_emulator/faults", &json!({"kind": "drop"}))["id"].clone();
    assert_eq!(emulator.call("DELETE", &format!("/_emulator/faults/{id}"), &Value::Null).0, 200);
    for wrong in [
        json!({"kind": "flood"}),
        json!({}),
        json!({"kind": "drop", "probability": 2}),
        json!({"kind": "drop", "share": 0.5}),
    ] {
        assert_eq!(emulator.call("POST", "/_emulator/faults", &wrong).0, 400, "{wrong}");
    }
}

#[test]
fn a_call_that_a_web_page_could_send_without_asking_does_not_control_the_emulator() {
    let mut emulator = TestEmulator::new();
    let call = |emulator: &mut TestEmulator, method: &str, types: &[&str]| {
        let mut request = Request { method: method.to_owned(), ..Request::post("/_emulator/faults", Vec::new()) };
        request.body = br#"{"kind":"drop"}"#.to_vec();
        types.iter().for_each(|value| request.headers.push("Content-Type", value.as_bytes()).unwrap());
        emulator.reply(&request).0.status
    };
    for types in [
        &[][..],
        &["text/plain"],
        &["application/x-www-form-urlencoded"],
        &["multipart/form-data; boundary=x"],
        &["text/plain; application/json"],
        &["application/json", "text/plain"],
    ] {
        assert_eq!(call(&mut emulator, "POST", types), 415, "{types:?}");
    }
    assert_eq!(emulator.get("/_emulator/faults")["data"], json!([]));
    assert_eq!(call(&mut emulator, "POST", &["application/json; charset=utf-8"]), 200);
    // A browser asks before it sends these.
    assert_eq!(call(&mut emulator, "DELETE", &[]), 200);
}
