//! Sensitive and dangerous text in every place of a request, through every command and format.

use super::common::{NOW, Run, TestWorld};
use super::events::{raw, store_captures};
use whtool::model::sanitize::needs_escape;
use whtool::world::Stream;

/// Values that no screen, diagnostic or bundle may show.
const CANARIES: [&str; 6] = ["9001234", "CANARYTOKEN7", "sk_live_CANARY8", "whsec_CANARY9", "7412-5678", "CANARYPASS6"];

/// A request with canaries in target, headers and body, wherever they can stand.
fn canary_request() -> Vec<u8> {
    let nested = r#"{\"otp\":\"CANARYTOKEN7\",\"again\":\"{\\\"customerMsisdn\\\":\\\"+2389001234\\\"}\"}"#;
    let body = [
        r#"{"id":"evt_1","type":"payment.debited","reference":"ref +2389001234","clientReference":"2389001234","#,
        r#""data":{"id":"pi-2389001234","operatorPhone":"+2389001234","tokens":["7412-5678"],"#,
        r#""pins":[{"v":"7412-5678"}],"password":"CANARYPASS6","meta":""#,
        nested,
        r#"","note":"call +238 9001234, token=CANARYTOKEN7, key sk_live_CANARY8","sk_live_CANARY8":"whsec_CANARY9","#,
        r#""form":"access_token=CANARYTOKEN7&pin=CANARYPASS6","url":"https://u:CANARYPASS6@h/?sig=CANARYTOKEN7","#,
        // printf '{"token":"CANARYTOKEN7"}' | base64
        r#""b64":"eyJ0b2tlbiI6IkNBTkFSWVRPS0VONyJ9"}}"#,
    ]
    .concat();
    let headers = format!(
        "X-Plexos-Timestamp: {NOW}\r\nX-Plexos-Signature: {}\r\nAuthorization: Bearer CANARYTOKEN7\r\nCookie: a=CANARYPASS6\r\n\
         X-Api-Key: CANARYTOKEN7\r\nX-Customer-Msisdn: +2389001234\r\nReferer: http://x/?token=CANARYTOKEN7&a=+2389001234\r\n\
         X-Meta: {{\"pin\":\"CANARYPASS6\"}}\r\n",
        "0".repeat(64)
    );
    let target = "/hook?token=CANARYTOKEN7&api_key=CANARYPASS6&sig=CANARYTOKEN7&phone=%2B2389001234&n=2389001234";
    String::from_utf8(raw(headers, body.as_bytes())).unwrap().replace("/hooks?x=1", target).into_bytes()
}

fn assert_masked(run: &Run, command: &[&str]) {
    let text = run.text();
    for canary in CANARIES.iter().copied().chain(["eyJ0b2tlbiI6"]) {
        assert!(!text.contains(canary), "{command:?} shows {canary}:\n{text}");
    }
}

#[test]
fn no_screen_diagnostic_or_bundle_shows_a_secret_or_a_phone_number() {
    let world = TestWorld::with_secrets().file("seen", canary_request());
    let changed = String::from_utf8(canary_request()).unwrap().replace("call ", "ring ");
    store_captures(&world, &[(5, changed.into_bytes()), (0, canary_request())]);
    for command in [
        &["events"][..],
        &["events", "show", "last"],
        &["events", "show", "last", "--bundle", "-"],
        &["events", "diff", "last~1", "last"],
        &["events", "stats"],
        &["verify", "seen"],
        &["verify", "seen", "-v"],
        &["verify", "seen", "--json"],
        &["verify", "seen", "--against", "last~1"],
        &["verify", "seen", "--against", "last~1", "--json"],
        &["verify", "seen", "--computed", &"0".repeat(64)],
        &["verify", "last"],
    ] {
        let run = world.run(command);
        assert!(!run.text().is_empty(), "{command:?}");
        assert_masked(&run, command);
    }
    let shown = world.run(&["events", "show", "last"]).text();
    assert!(shown.contains("\"id\": \"pi-***\"") && shown.contains("/hook?token=***&api_key=***&sig=***"), "{shown}");
    assert!(shown.contains(r#"{\"otp\":\"***\",\"again\":\"{\\\"customerMsisdn\\\":\\\"***\\\"}\"}"#), "{shown}");
    let revealed = world.run(&["events", "show", "last", "--reveal"]).text();
    assert!(CANARIES.iter().all(|canary| revealed.contains(canary)), "{revealed}");
}

#[test]
fn a_bundle_has_no_names_and_mail_addresses_and_no_value_of_a_sensitive_field_anywhere() {
    let body = r#"{"id":"evt_1","type":"payment.debited","data":{"id":"order Ana Lopes","customer":{"name":"Ana Lopes","email":"ana@example.cv"},"note":"mail bia@example.cv","status":"DEBITED"}}"#;
    let headers = format!("X-Plexos-Timestamp: {NOW}\r\nX-Plexos-Signature: {}\r\n", "0".repeat(64));
    let world = TestWorld::with_secrets();
    store_captures(&world, &[(0, raw(headers, body.as_bytes()))]);
    let run = world.run(&["events", "show", "last", "--bundle", "-"]);
    assert!(!run.text().contains("Lopes") && !run.text().contains("example.cv"), "{}", run.text());
    assert!(run.text().contains("DEBITED") && run.text().contains("payment.debited"), "{}", run.text());
}

#[test]
fn credentials_in_arguments_are_not_repeated_by_errors() {
    let world = TestWorld::with_secrets();
    for command in [
        &["listen", "--forward-to", "ftp://u:CANARYPASS6@h/?token=CANARYTOKEN7"][..],
        &["replay", "payment.debited", "--to", "http://u:CANARYPASS6@h:99999/?token=CANARYTOKEN7"],
        &["events", "show", "http://u:CANARYPASS6@h/?api_key=CANARYTOKEN7"],
        &["replay", "http://u:CANARYPASS6@h/?api_key=CANARYTOKEN7"],
        &["check", "http://u:CANARYPASS6@h:x/?token=CANARYTOKEN7"],
    ] {
        let run = world.run(command);
        assert_ne!(run.status, 0);
        assert_masked(&run, command);
    }
}

#[test]
fn settings_are_shown_without_the_credentials_of_urls() {
    let world =
        TestWorld::with_secrets().variable("WHTOOL_FORWARD_TO", "http://u:CANARYPASS6@127.0.0.1:1/?token=CANARYTOKEN7");
    for command in [&["config", "show"][..], &["config", "show", "--json"], &["doctor"], &["doctor", "--json"]] {
        assert_masked(&world.run(command), command);
    }
}

/// C1, bidi, zero-width, variation selectors, tags, fillers and blanks in every place.
#[test]
fn no_format_writes_a_character_that_a_terminal_acts_on_or_hides() {
    let odd = "\u{9b}31m\u{7f}\u{85}\u{ad}\u{34f}\u{61c}\u{180e}\u{200b}\u{200d}\u{200f}\u{2028}\u{202e}\u{2066}\u{2800}\u{3164}\u{fe0f}\u{feff}\u{fff9}\u{1d173}\u{e0041}\u{e0100}";
    let body = format!(
        "{{\"id\":\"evt{odd}\",\"type\":\"pay{odd}\",\"a{odd}\":\"{odd}\",\"data\":{{\"id\":\"{odd}\",\"status\":\"{odd}\"}}}}"
    );
    // DEL is refused in a header.
    let value = odd.replace('\u{7f}', "");
    let headers = format!("X-Plexos-Timestamp: {NOW}\r\nX-Plexos-Signature: {value}\r\nX-Odd: {value}\r\n");
    let request = raw(headers, body.as_bytes());
    let world = TestWorld::with_secrets().file("seen", &request).file("seen.json", &body).terminal(Stream::Output);
    store_captures(&world, &[(5, request.clone()), (0, request.clone())]);
    for command in [
        &["events"][..],
        &["events", "--json"],
        &["events", "show", "last"],
        &["events", "show", "last", "--reveal"],
        &["events", "show", "last", "--as", "har"],
        &["events", "show", "last", "--as", "json"],
        &["events", "show", "last", "--as", "curl"],
        &["events", "show", "last", "--as", "http"],
        &["events", "show", "last", "--raw"],
        &["events", "show", "last", "--body"],
        &["events", "show", "last", "--bundle", "-"],
        &["events", "diff", "last~1", "last"],
        &["events", "export"],
        &["events", "export", "--as", "har"],
        &["events", "stats"],
        &["events", "stats", "--json"],
        &["events", "show", odd],
        &["events", odd],
        &["events", "--type", odd],
        &["verify", "seen"],
        &["verify", "seen", "--json"],
        &["sign", "seen.json", "--provider", "plexos", "--as", "http"],
        &["sign", "seen.json", "--provider", "plexos", "--as", "curl"],
        &["sign", "seen.json", "--provider", "plexos", "--as", "json"],
        &["replay", "seen.json", "--provider", "plexos", "--dry-run"],
        &["replay", "seen.json", "--provider", "plexos", "--dry-run", "--json"],
        &["replay", "last", "--exact", "--dry-run"],
    ] {
        let text = world.run(&[command, &["--color", "never"]].concat()).text();
        let found = text.chars().find(|&letter| needs_escape(letter) && letter != '\n');
        assert_eq!(found, None, "{command:?}: {text:?}");
        assert!(!text.contains("the store has no captures"), "{command:?}: {text}");
    }
    // A file gets the bytes, and JSON means the same text.
    let world = TestWorld::with_secrets();
    store_captures(&world, &[(0, request.clone())]);
    assert_eq!(world.run(&["events", "show", "last", "--raw"]).out, request);
    let har: serde_json::Value = serde_json::from_slice(&world.run(&["events", "export", "--as", "har"]).out).unwrap();
    assert_eq!(har["log"]["entries"][0]["request"]["postData"]["text"], body);
}
