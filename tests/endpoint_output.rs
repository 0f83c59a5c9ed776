//! Whole outputs of `register`, `endpoints` and `secret list`, compared with the files in
//! `snapshots`.

use crate::common::TestWorld;
use insta::assert_snapshot;
use whtool::model::exchange::SendFailure;
use whtool::world::Environment as _;

/// As <https://docs.pay.plexos.io/pages/api/webhooks/create> shows it, on one line.
const CREATED: &str = r#"{"id":"we_abc123","url":"https://shop.example.com/hook","events":["payment.debited"],"status":"ACTIVE","description":null,"secret":"whsec_shown_once","createdAt":"2023-11-07T05:31:56Z","updatedAt":"2023-11-07T05:31:56Z"}"#;
const REGISTER: [&str; 5] = ["register", "--url", "https://shop.example.com/hook", "--events", "payment.debited"];

/// Creates a world with a test key, in which the provider answers with this status and body.
fn answering(status: u16, body: &str) -> TestWorld {
    let world = TestWorld { answers: vec![Ok(status)], said: Some(body.as_bytes().to_vec()), ..TestWorld::default() };
    world.variable("PLEXOS_PAY_SECRET_KEY", "sk_test_abc")
}

/// Runs commands, and formats standard output, standard error and exit status of each.
fn output(world: &TestWorld, commands: &[&[&str]]) -> String {
    let folder = world.data_dir().unwrap().display().to_string();
    let run = |words: &&[&str]| {
        let run = world.run(words);
        let whole =
            format!("$ whtool {}\n{}--- stderr\n{}--- status {}\n", words.join(" "), run.text(), run.err, run.status);
        // JSON escapes the backslashes of a folder on Windows.
        let whole = whole.replace(&folder.replace('\\', r"\\"), "DATA").replace(r"DATA\\", "DATA/");
        whole.replace(&folder, "DATA").replace('\\', "/")
    };
    commands.iter().map(run).collect::<Vec<_>>().join("\n")
}

#[test]
fn register_then_list_show_and_forget() {
    let world = answering(200, CREATED);
    assert_snapshot!(output(
        &world,
        &[
            &REGISTER,
            &REGISTER,
            &["endpoints"],
            &["endpoints", "--json"],
            &["endpoints", "show", "we_abc123"],
            &["secret", "list"],
            &["secret", "list", "--json"],
            &["secret", "show"],
            &["endpoints", "forget", "we_abc123"],
            &["endpoints"],
        ]
    ));
}

#[test]
fn register_as_json_with_the_secret() {
    let world = answering(201, CREATED);
    assert_snapshot!(output(&world, &[&[&REGISTER[..], &["--json", "--print-secret"]].concat()]));
}

#[test]
fn register_that_the_provider_refuses() {
    let body = r#"{"error":{"message":"Invalid API key","code":"UNAUTHORIZED"}}"#;
    assert_snapshot!(output(&answering(401, body), &[&REGISTER, &["endpoints"]]));
}

#[test]
fn register_with_a_response_that_has_no_secret() {
    assert_snapshot!(output(
        &answering(200, r#"{"id":"we_abc123"}"#),
        &[&REGISTER, &["endpoints", "show", "we_abc123"]]
    ));
}

#[test]
fn register_with_an_unknown_result() {
    let timeout = Err(SendFailure::Timeout);
    let world = TestWorld { answers: vec![timeout], ..answering(200, "") };
    assert_snapshot!(output(&world, &[&REGISTER, &REGISTER, &["endpoints"]]));
}

#[test]
fn register_with_a_provider_without_that_call() {
    assert_snapshot!(output(&answering(200, ""), &[&[&REGISTER[..3], &["--provider", "plustive"]].concat()]));
}

#[test]
fn endpoints_at_the_provider() {
    let body = format!(r#"{{"data":[{CREATED},{{"id":"we_2"}}],"hasMore":false}}"#);
    let world = answering(200, &body);
    let missing = answering(404, "");
    let listed = output(&world, &[&["endpoints", "--remote"], &["endpoints", "--remote", "--json"]]);
    let refused = output(&missing, &[&["endpoints", "--remote"], &["endpoints", "update", "we_abc123", "--disable"]]);
    assert_snapshot!(format!("{listed}\n{refused}"));
}
