//! Causes, each planted by `vectors/make.py` and named by `verify`.

use crate::common::{Made, NOW};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use whtool::message::Request;

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("vectors/diagnosis.json")).expect("the vectors are JSON")
}

/// A case as a raw HTTP request, and the world with the case's variables.
fn set_up(case: &Value) -> Made {
    let body = STANDARD.decode(case["body"].as_str().unwrap()).unwrap();
    let mut request = Request::post("/", body);
    let length = request.body.len().to_string();
    request.headers.push("Content-Length", length.as_bytes()).unwrap();
    for header in case["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        request.headers.push(name, value.as_bytes()).unwrap();
    }
    let variables = case["environment"].as_object().unwrap();
    let made = Made::default().file("request.http", request.to_wire());
    variables.iter().fold(made, |made, (name, value)| made.variable(name, value.as_str().unwrap()))
}

/// A raw request has no time of its own, so a lost timestamp can only be looked for around a record's.
fn as_record(case: &Value, made: Made) -> Made {
    let headers = &case["headers"];
    let record = serde_json::json!({
        "schema": "whtool.delivery/1", "arrived": "2025-01-15T10:30:07Z",
        "request": {"method": "POST", "target": "/", "headers": headers, "bodyBase64": case["body"]},
    });
    made.file("request.ndjson", format!("{record}\n"))
}

#[test]
fn every_planted_cause_is_named_and_proved() {
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        let made = as_record(&case, set_up(&case));
        let run = made.run(&["verify", "request.ndjson", "--json"]);
        let record = &run.json()[0];
        let codes: Vec<_> = record["causes"].as_array().unwrap().iter().map(|cause| cause["code"].clone()).collect();
        assert_eq!(Value::Array(codes), case["codes"], "{name}: {record:#}");
        assert_eq!(record["verdict"], case["verdict"], "{name}");
        assert_eq!(run.status, 1, "{name}");
        let proofs = record["causes"].as_array().unwrap().iter().map(|cause| cause["proof"].as_str().unwrap());
        let expected = if case["codes"][0] == "unexplained" { "likely" } else { "proved" };
        assert!(proofs.clone().all(|proof| proof == expected), "{name}: {:?}", proofs.collect::<Vec<_>>());
    }
}

#[test]
fn raw_requests_are_explained_like_records() {
    for case in cases().iter().filter(|case| case["codes"][1] != "timestamp_other") {
        let name = case["name"].as_str().unwrap();
        let run = set_up(case).run(&["verify", "request.http"]);
        for code in case["codes"].as_array().unwrap() {
            let json = set_up(case).run(&["verify", "request.http", "--json"]);
            assert!(json.text().contains(code.as_str().unwrap()), "{name}: {}", json.text());
        }
        assert_eq!(run.status, 1, "{name}: {}", run.text());
    }
}

#[test]
fn of_random_secrets_and_bodies_nothing_is_proved() {
    let mut state = u64::try_from(NOW).unwrap();
    let mut random = |count: usize| -> Vec<u8> {
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        (0..count).map(|_| byte()).collect()
    };
    let mut lines = String::new();
    for _ in 0..200 {
        let record = serde_json::json!({
            "schema": "whtool.delivery/1",
            "request": {"method": "POST", "target": "/", "bodyBase64": STANDARD.encode(random(100)), "headers": [
                ["X-Plexos-Timestamp", NOW.to_string()], ["X-Plexos-Signature", hex::encode(random(32))],
            ]},
        });
        lines.push_str(&format!("{record}\n"));
    }
    let run = Made::with_secrets().file("lines", lines).run(&["verify", "lines", "--json"]);
    let records = run.json();
    assert_eq!(records.len(), 201);
    for record in &records[..200] {
        assert_eq!(record["verdict"], "mismatch");
        assert!(record["causes"].as_array().unwrap().iter().all(|cause| cause["proof"] == "likely"), "{record}");
    }
}
