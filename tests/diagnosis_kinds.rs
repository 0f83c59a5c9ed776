//! `verify` names the kinds of damage in `vectors/kinds.json`, which other tools made
//! (`vectors/kinds.py`), and proves nothing else.

use crate::common::TestWorld;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use whtool::model::message::Request;

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("vectors/kinds.json")).expect("the vectors are JSON")
}

/// Writes the case's request to `request.http` and sets its variables.
fn set_up(case: &Value) -> TestWorld {
    let mut request = Request::post("/", STANDARD.decode(case["body"].as_str().unwrap()).unwrap());
    let length = request.body.len().to_string();
    request.headers.push("Content-Length", length.as_bytes()).unwrap();
    for header in case["headers"].as_array().unwrap() {
        request.headers.push(header[0].as_str().unwrap(), header[1].as_str().unwrap().as_bytes()).unwrap();
    }
    let world = TestWorld::default().file("request.http", request.to_wire());
    let variables = case["environment"].as_object().unwrap();
    variables.iter().fold(world, |world, (name, value)| world.variable(name, value.as_str().unwrap()))
}

/// Runs `verify` on the case and returns the record with its causes.
fn explain(case: &Value) -> Value {
    let mut arguments = vec!["verify", "request.http", "--any-age", "--json"];
    let mut schema = "whtool.verdict/1";
    if let Some(digest) = case["computed"].as_str() {
        arguments.extend(["--computed", digest]);
        schema = "whtool.computed/1";
    }
    let run = set_up(case).run(&arguments);
    let record = run.json().into_iter().find(|record| record["schema"] == schema);
    record.unwrap_or_else(|| panic!("{}: {}", case["name"], run.text()))
}

/// Returns true if the case's causes are the record's, all proved and in this order.
fn is_named(case: &Value, record: &Value) -> bool {
    let (expected, causes) = (case["causes"].as_array().unwrap(), record["causes"].as_array().unwrap());
    let is_same = |(expected, cause): (&Value, &Value)| {
        let words = expected[1].as_str().unwrap();
        cause["code"] == expected[0] && cause["proof"] == "proved" && cause["what"].as_str().unwrap().contains(words)
    };
    expected.len() == causes.len() && expected.iter().zip(causes).all(is_same)
}

#[test]
fn every_kind_of_damage_is_named_and_nothing_else_is_proved() {
    let cases = cases();
    let describe = |case: &Value| {
        let record = explain(case);
        let difference = format!("{}: expected {}, found {:#}", case["name"], case["causes"], record["causes"]);
        (!is_named(case, &record)).then_some(difference)
    };
    let wrong: Vec<_> = cases.iter().filter_map(describe).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
