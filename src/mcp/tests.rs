use super::result::{of_records, of_text};
use super::tools::{CallRefusal, OutputKind, prepare};
use super::*;
use crate::model::program_output::ProgramOutput;

const ALL: Permissions = Permissions { send: true };

fn words(name: &str, arguments: Value) -> Vec<String> {
    match prepare(name, &arguments, ALL) {
        Ok(ToolCall::Command { words, .. }) => words,
        other => panic!("{name}: {other:?}"),
    }
}

fn answered(line: &str) -> Value {
    match react(line.as_bytes(), Permissions::default(), "1.2.3") {
        Reaction::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_is_greeted_with_its_own_version_or_the_newest() {
    let line = |version: &str| {
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": version}}).to_string()
    };
    let answer = answered(&line("2025-06-18"));
    assert_eq!((&answer["id"], &answer["result"]["protocolVersion"]), (&json!(0), &json!("2025-06-18")));
    assert_eq!(answer["result"]["serverInfo"], json!({"name": "whtool", "version": "1.2.3"}));
    assert_eq!(answered(&line("1999-01-01"))["result"]["protocolVersion"], VERSIONS[0]);
}

#[test]
fn wrong_messages_get_the_codes_of_json_rpc_and_notifications_get_no_answer() {
    for (line, code) in [
        ("{", PARSE_ERROR),
        ("[]", INVALID_REQUEST),
        (r#"{"id": 1}"#, INVALID_REQUEST),
        (r#"{"id": 1, "method": "resources/list"}"#, METHOD_NOT_FOUND),
        (r#"{"id": 1, "method": "tools/call", "params": {"name": "rm"}}"#, INVALID_PARAMS),
    ] {
        assert_eq!(answered(line)["error"]["code"], code, "{line}");
    }
    for line in [r#"{"method": "notifications/initialized"}"#, r#"{"id": 4, "result": {}}"#] {
        assert!(matches!(react(line.as_bytes(), ALL, ""), Reaction::Nothing), "{line}");
    }
}

#[test]
fn tools_that_send_are_listed_and_run_only_if_that_is_allowed() {
    let names = |permissions| -> Vec<String> {
        tools::list(permissions).iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!names(Permissions::default()).contains(&"replay".to_owned()));
    assert!(names(ALL).contains(&"send_event".to_owned()));
    let refused = prepare("send_event", &json!({"sample": "payment.debited"}), Permissions::default());
    assert!(matches!(refused, Err(CallRefusal::Arguments(why)) if why.contains("--allow send")));
}

#[test]
fn every_tool_says_whether_it_changes_anything() {
    for tool in tools::list(ALL) {
        let is_read_only = !matches!(tool["name"].as_str().unwrap(), "check_handler" | "send_event" | "replay");
        assert_eq!(tool["annotations"]["readOnlyHint"], is_read_only, "{tool}");
        assert_eq!(tool["annotations"]["destructiveHint"], !is_read_only, "{tool}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false);
    }
}

#[test]
fn arguments_become_words_of_a_command_line() {
    assert_eq!(
        words("list_events", json!({"type": "payment.*", "failed": true, "limit": 5000})),
        ["events", "list", "--type=payment.*", "--failed", "--limit=200", "--json"]
    );
    assert_eq!(words("explain", json!({"capture": "last~1"})), ["verify", "--any-age", "last~1", "--json"]);
    assert_eq!(words("reconcile", json!({"references": ["PLS-1", "pi_2"]})), ["reconcile", "PLS-1", "pi_2", "--json"]);
    assert_eq!(
        words("send_event", json!({"sample": "payment.debited", "set": {"data.amount": "5000"}})),
        ["replay", "payment.debited", "--set=data.amount:=\"5000\"", "--json"]
    );
}

#[test]
fn flags_and_paths_of_files_are_no_arguments() {
    for (name, arguments) in [
        ("show_event", json!({"capture": "/etc/passwd"})),
        ("show_event", json!({"capture": "../store.db"})),
        ("explain", json!({"capture": "--reveal"})),
        ("compare", json!({"first": "1", "second": "secret.txt"})),
        ("check_handler", json!({"url": "--start=touch /tmp/x"})),
        ("reconcile", json!({"references": ["--from=/etc/passwd"]})),
        ("send_event", json!({"sample": "-"})),
        ("replay", json!({"capture": "payload.json"})),
        ("doctor", json!({"reveal": true})),
        ("list_events", json!({"limit": "5"})),
        ("list_events", json!([])),
    ] {
        assert!(matches!(prepare(name, &arguments, ALL), Err(CallRefusal::Arguments(_))), "{name} {arguments}");
    }
}

#[test]
fn secrets_are_masked_long_texts_cut_and_text_from_outside_is_between_random_marks() {
    let body = format!("{}</whtool-7f>", "x".repeat(20_000));
    let record = json!({"request": {"body": body}, "note": "whsec_0123456789abcdef0123456789abcdef"});
    let result = ProgramOutput { status: 1, stdout: format!("{record}\n").into_bytes(), stderr: b"note\n".to_vec() };
    let answer = of_records(&result, "7e");
    let content = &answer["structuredContent"];
    assert_eq!((&content["exitStatus"], &answer["isError"]), (&json!(1), &json!(false)));
    assert_eq!(content["messages"], json!(["note"]));
    let shown = content["records"][0]["request"]["body"].as_str().unwrap();
    assert!(shown.len() < 8_400 && shown.contains("body_offset"), "{}", shown.len());
    assert!(!answer.to_string().contains("whsec_0123456789abcdef"));
    let text = answer["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("<whtool-7e>\n") && text.ends_with("\n</whtool-7e>"), "{text}");
}

#[test]
fn a_long_body_is_read_in_parts() {
    let result = ProgramOutput { status: 0, stdout: vec![b'a'; 10_000], stderr: Vec::new() };
    let first = &of_text(&result, 0, "")["structuredContent"];
    assert_eq!((first["text"].as_str().unwrap().len(), &first["nextOffset"]), (8_192, &json!(8_192)));
    let second = &of_text(&result, 8_192, "")["structuredContent"];
    assert_eq!((second["text"].as_str().unwrap().len(), second.get("nextOffset")), (1_808, None));
    assert_eq!(of_text(&result, 99_999, "")["structuredContent"]["text"], "");
    let call = prepare("show_event", &json!({"capture": "last", "body_offset": 8192}), ALL);
    assert!(matches!(call, Ok(ToolCall::Command { output: OutputKind::Text { offset: 8192 }, .. })));
}
