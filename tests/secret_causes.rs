//! `verify` names what is wrong with a secret. The requests are from `vectors/secrets.py`.

use crate::common::TestWorld;
use serde_json::Value;
use whtool::model::message::Request;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/secrets.json")).expect("the vectors are JSON")
}

/// Verifies the request of a case, and returns its causes.
fn causes(vectors: &Value, case: &Value) -> Vec<Value> {
    let mut request = Request::post("/", vectors["body"].as_str().unwrap().as_bytes().to_vec());
    let signature = case["signature"].as_str().unwrap();
    for (name, value) in [("X-Plexos-Timestamp", vectors["time"].as_str().unwrap()), ("X-Plexos-Signature", signature)]
    {
        request.headers.push(name, value.as_bytes()).unwrap();
    }
    let ours = case["ours"].as_str().unwrap();
    let world = TestWorld::default().file("request.http", request.to_wire()).variable("PLEXOS_WEBHOOK_SECRET", ours);
    let run = world.run(&["verify", "request.http", "--json"]);
    assert_eq!(run.status, 1, "{}: {}", case["name"], run.err);
    for text in [run.text(), run.err.clone()] {
        // The longest run of letters and digits of the real secret.
        assert!(!text.contains("Tn9Xw2Lm5Rv8Yc1Df4") && !text.contains("old0000secret"), "{}: {text}", case["name"]);
    }
    run.json()[0]["causes"].as_array().unwrap().clone()
}

/// Checks the first `count` cases of a list.
fn check(list: &str, proof: &str, count: usize) {
    let vectors = vectors();
    let mut wrong = Vec::new();
    for case in vectors[list].as_array().unwrap().iter().take(count) {
        let causes = causes(&vectors, case);
        let is_right = causes.len() == 1
            && causes[0]["code"] == case["code"]
            && causes[0]["proof"] == proof
            && causes[0]["what"].as_str().unwrap().contains(case["words"].as_str().unwrap());
        if !is_right {
            wrong.push(format!("{}: expected {} {}, got {causes:#?}", case["name"], case["code"], case["words"]));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_became_of_a_secret_is_proved() {
    check("proved", "proved", usize::MAX);
}

/// The unit tests of `diagnose::keys` have all of them.
#[test]
fn what_is_visibly_no_secret_is_likely_the_cause() {
    check("likely", "likely", 3);
}
