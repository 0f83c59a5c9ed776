//! Faults on demand.

use super::*;

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
    for wrong in [
        json!({"kind": "flood"}),
        json!({}),
        json!({"kind": "drop", "probability": 2}),
        json!({"kind": "drop", "share": 0.5}),
    ] {
        assert_eq!(bench.call("POST", "/_emulator/faults", &wrong).0, 400, "{wrong}");
    }
}
