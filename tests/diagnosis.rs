//! `verify` finds the causes that `vectors/make.py` planted; `docs/diagnosis.md` lists them.

use crate::common::{NOW, TestWorld};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use whtool::model::message::Request;

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("vectors/diagnosis.json")).expect("the vectors are JSON")
}

/// Writes a case as a raw HTTP request, with its environment variables.
fn set_up(case: &Value) -> TestWorld {
    let body = STANDARD.decode(case["body"].as_str().unwrap()).unwrap();
    let mut request = Request::post("/", body);
    let length = request.body.len().to_string();
    request.headers.push("Content-Length", length.as_bytes()).unwrap();
    for header in case["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        request.headers.push(name, value.as_bytes()).unwrap();
    }
    let variables = case["environment"].as_object().unwrap();
    let world = TestWorld::default().file("request.http", request.to_wire());
    variables.iter().fold(world, |world, (name, value)| world.variable(name, value.as_str().unwrap()))
}

/// Writes a case as a record with its arrival time, around which a lost timestamp is searched.
fn as_record(case: &Value, world: TestWorld) -> TestWorld {
    let headers = &case["headers"];
    let record = serde_json::json!({
        "schema": "whtool.delivery/1", "arrived": "2025-01-15T10:30:07Z",
        "request": {"method": "POST", "target": "/", "headers": headers, "bodyBase64": case["body"]},
    });
    world.file("request.ndjson", format!("{record}\n"))
}

#[test]
fn every_planted_cause_is_proved() {
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        let world = as_record(&case, set_up(&case));
        let run = world.run(&["verify", "request.ndjson", "--json"]);
        let record = &run.json()[0];
        let codes: Vec<_> = record["causes"].as_array().unwrap().iter().map(|cause| cause["code"].clone()).collect();
        assert_eq!(Value::Array(codes), case["codes"], "{name}: {record:#}");
        assert_eq!(record["verdict"], case["verdict"], "{name}");
        assert_eq!(run.status, 1, "{name}");
        let proofs = record["causes"].as_array().unwrap().iter().map(|cause| cause["proof"].as_str().unwrap());
        assert!(proofs.clone().all(|proof| proof == case["proof"]), "{name}: {:?}", proofs.collect::<Vec<_>>());
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
fn nothing_is_proved_about_random_secrets_and_bodies() {
    let mut state = u64::try_from(NOW).unwrap();
    let mut random = |count: usize| -> Vec<u8> {
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        (0..count).map(|_| byte()).collect()
    };
    let mut lines = String::new();
    for number in 0..1_000 {
        // Every other body is a realistic event with a random id.
        let body = match number % 2 {
            0 => random(100),
            _ => format!(
                r#"{{"id":"evt_{}","type":"payment.debited","data":{{"id":"pi_1","amount":"{number}"}}}}"#,
                hex::encode(random(8))
            )
            .into_bytes(),
        };
        // Signed as documented, with a secret that is not configured.
        let mut mac = Hmac::<Sha256>::new_from_slice(format!("whsec_{}", hex::encode(random(16))).as_bytes()).unwrap();
        mac.update(format!("{NOW}.").as_bytes());
        mac.update(&body);
        let signature = hex::encode(mac.finalize().into_bytes());
        let record = serde_json::json!({
            "schema": "whtool.delivery/1",
            "request": {"method": "POST", "target": "/", "bodyBase64": STANDARD.encode(body), "headers": [
                ["X-Plexos-Timestamp", NOW.to_string()], ["X-Plexos-Signature", signature],
            ]},
        });
        lines.push_str(&format!("{record}\n"));
    }
    let run = TestWorld::with_secrets().file("lines", lines).run(&["verify", "lines", "--json"]);
    let records = run.json();
    assert_eq!(records.len(), 1_001);
    for record in &records[..1_000] {
        assert_eq!(record["verdict"], "mismatch");
        assert!(record["causes"].as_array().unwrap().iter().all(|cause| cause["proof"] == "likely"), "{record}");
    }
}

fn digests() -> Vec<Value> {
    serde_json::from_str(include_str!("vectors/computed.json")).expect("the vectors are JSON")
}

/// Writes a correctly signed Plexos request to `request.http`; its signature is from `(printf
/// 1736937000.; cat vectors/plexos.json) | openssl dgst -sha256 -hmac
/// whsec_test_secret_do_not_use`.
fn good() -> TestWorld {
    let mut request = Request::post("/", include_bytes!("vectors/plexos.json").to_vec());
    let mac = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";
    request.headers.push("X-Plexos-Timestamp", NOW.to_string().as_bytes()).unwrap();
    request.headers.push("X-Plexos-Signature", mac.as_bytes()).unwrap();
    TestWorld::with_secrets().file("request.http", request.to_wire())
}

fn computed(world: &TestWorld, digest: &str) -> Value {
    let run = world.run(&["verify", "request.http", "--json", "--computed", digest]);
    run.json().into_iter().find(|record| record["schema"] == "whtool.computed/1").expect("a record explains the digest")
}

#[test]
fn every_wrong_digest_is_explained() {
    for case in digests() {
        let variables = case["environment"].as_object().unwrap();
        let world = variables.iter().fold(good(), |world, (name, value)| world.variable(name, value.as_str().unwrap()));
        let record = computed(&world, case["computed"].as_str().unwrap());
        let codes: Vec<_> = record["causes"].as_array().unwrap().iter().map(|cause| cause["code"].clone()).collect();
        assert_eq!(Value::Array(codes), case["codes"], "{}: {record:#}", case["name"]);
        assert_eq!(record["answer"], "explained");
    }
}

#[test]
fn a_random_digest_is_unknown_and_the_tried_candidates_are_counted() {
    for length in [16, 20, 32, 64] {
        let record = computed(&good(), &"5a".repeat(length));
        assert_eq!((&record["answer"], record["causes"].as_array().unwrap().len()), (&Value::from("unknown"), 0));
        assert!(record["tried"]["bodies"].as_u64() > Some(80), "{record}");
    }
}

#[test]
fn the_correct_digest_is_recognized_and_other_text_is_a_usage_error() {
    let right = "9C5DA25FA4666BED54B4DEC381AF26DE3A0413143346D40C7ECE61E19AB971CE";
    let record = computed(&good(), right);
    assert_eq!((&record["answer"], &record["inHeader"]), (&Value::from("right"), &Value::from(true)));
    assert_eq!(good().run(&["verify", "request.http", "--computed", "nonsense"]).status, 2);
    let text = good().run(&["verify", "request.http", "--computed", &"00".repeat(32)]).text();
    assert!(text.contains("no known mistake gives this digest"), "{text}");
}

#[test]
fn the_digest_of_another_request_in_the_file_is_recognized() {
    let other = r#"{"id":"evt_2","type":"payment.failed","data":{}}"#;
    let line = |body: &str| {
        let headers =
            serde_json::json!([["X-Plexos-Timestamp", NOW.to_string()], ["X-Plexos-Signature", "00".repeat(32)]]);
        let request = serde_json::json!({"method": "POST", "target": "/", "headers": headers, "body": body});
        serde_json::json!({"schema": "whtool.delivery/1", "request": request}).to_string() + "\n"
    };
    // printf '1736937000.{"id":"evt_2","type":"payment.failed","data":{}}' | openssl dgst -sha256
    // -hmac whsec_test_secret_do_not_use
    let digest = "e6ced1e3e122db1574d490a36e0786e66913fef838681660b0851286623e3261";
    let world = TestWorld::with_secrets().file("lines", line(other) + &line("{\"id\":\"evt_3\"}"));
    let run = world.run(&["verify", "lines", "--json", "--computed", digest]);
    let records: Vec<_> = run.json().into_iter().filter(|record| record["schema"] == "whtool.computed/1").collect();
    assert_eq!(records[0]["answer"], "right");
    assert_eq!(records[1]["causes"][0]["code"], "message_other", "{:#}", records[1]);
    assert!(records[1]["causes"][0]["what"].as_str().unwrap().contains("line 1"), "{:#}", records[1]);
}

/// Formats the rows of the table: the case and the codes of its causes.
fn rows(cases: &[Value]) -> String {
    let codes = |case: &Value| {
        let codes = case["codes"].as_array().unwrap().iter().map(|code| format!("`{}`", code.as_str().unwrap()));
        codes.collect::<Vec<_>>().join(", ")
    };
    let row = |case: &Value| {
        let by = case["by"].as_str().map(|by| format!(" | {by}")).unwrap_or_default();
        format!("| {}{by} | {} |\n", case["name"].as_str().unwrap(), codes(case))
    };
    cases.iter().map(row).collect()
}

/// Returns the name of a test case with this cause.
fn example(code: &str) -> String {
    let vectors = [
        include_str!("vectors/diagnosis.json"),
        include_str!("vectors/computed.json"),
        include_str!("vectors/kinds.json"),
        include_str!("vectors/bodies.json"),
    ];
    let cases = vectors.iter().flat_map(|text| serde_json::from_str::<Vec<Value>>(text).unwrap());
    let quoted = format!("\"{code}\"");
    let has_code =
        |case: &Value| [&case["codes"], &case["causes"]].iter().any(|codes| codes.to_string().contains(&quoted));
    cases.into_iter().find(has_code).map_or(String::new(), |case| case["name"].as_str().unwrap().to_owned())
}

/// Writes each cause with its words; `…` stands for what the request or the configuration has there.
fn cause_rows() -> String {
    let mut rows = String::new();
    for kind in whtool::diagnose::all_causes() {
        let fix = match (kind.fix, kind.signer_fix) {
            (fix, "") => fix.to_owned(),
            ("", signer_fix) => format!("if your own code signs, {signer_fix}"),
            (fix, signer_fix) => format!("{fix}; if your own code signs, {signer_fix}"),
        };
        let cells = [kind.sentence, &fix, &example(kind.code)].map(|text| without_values(text).replace('|', "\\|"));
        rows.push_str(&format!("| `{}` | {} |\n", kind.code, cells.join(" | ")));
    }
    rows
}

/// Replaces each `{name}` by `…`.
fn without_values(text: &str) -> String {
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| match part.split_once('}') {
        Some((name, rest))
            if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') =>
        {
            format!("{text}…{rest}")
        }
        _ => format!("{text}{{{part}"),
    })
}

/// `UPDATE=1 cargo test the_tables_in_the_docs` rewrites the tables.
fn rows_of_secrets() -> String {
    let vectors: Value = serde_json::from_str(include_str!("vectors/secrets.json")).expect("the vectors are JSON");
    let rows = ["proved", "likely"].into_iter().flat_map(|list| {
        let cases = vectors[list].as_array().unwrap().clone();
        cases.into_iter().map(move |case| {
            let name = case["name"].as_str().unwrap().replace('|', "\\|");
            format!("| {name} | `{}` | {list} |\n", case["code"].as_str().unwrap())
        })
    });
    rows.collect()
}

#[test]
fn the_tables_in_the_docs_list_the_vectors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/diagnosis.md");
    let mut text = std::fs::read_to_string(path).unwrap();
    let tables = [
        ("requests", format!("| change to the request | causes |\n|---|---|\n{}", rows(&cases()))),
        ("causes", format!("| code | what happened | what to do | example |\n|---|---|---|---|\n{}", cause_rows())),
        ("digests", format!("| computed digest | made with | causes |\n|---|---|---|\n{}", rows(&digests()))),
        (
            "secrets",
            format!("| in the variable, or done with it | cause | proof |\n|---|---|---|\n{}", rows_of_secrets()),
        ),
    ];
    for (name, table) in tables {
        let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
        let from = text.find(&start).expect("the table has its mark") + start.len();
        let to = text.find(&end).expect("the table has its end");
        if std::env::var_os("UPDATE").is_some() {
            text.replace_range(from..to, &table);
            std::fs::write(path, &text).unwrap();
        } else {
            assert_eq!(&text[from..to], table, "UPDATE=1 cargo test the_tables_in_the_docs");
        }
    }
}
