//! `secret`: messages and warnings in process. Completion of names is tested in `completions`,
//! storing through a real process in `register`.

use crate::common::{NOW, PLEXOS_SECRET, TestWorld};
use whtool::world::Environment as _;

#[test]
fn a_short_secret_is_stored_with_a_warning() {
    for (secret, is_short) in [("whsec_123456789", true), ("whsec_1234567890", false)] {
        let world = TestWorld::default().input(secret);
        let run = world.run(&["secret", "add", "plexos"]);
        assert_eq!((run.status, run.text().as_str()), (0, "plexos\n"), "{}", run.err);
        assert_eq!(run.err.contains("warning: the secret has only 15 bytes"), is_short, "{}", run.err);
        assert!(!run.err.contains("123456"), "{}", run.err);
    }
}

#[test]
fn a_secret_given_as_an_argument_is_refused_and_not_repeated() {
    let world = TestWorld::default();
    let run = world.run(&["secret", "add", "plexos", "whsec_private_1234567890"]);
    assert!(run.status == 2 && run.err.contains("can't be given as an argument"), "{}", run.err);
    assert!(run.err.contains("--file") && !run.err.contains("private"), "{}", run.err);
    assert!(world.private.lock().unwrap().is_empty());
}

#[test]
fn a_placeholder_gives_a_warning() {
    for (secret, is_odd) in [
        ("whsec_0123456789…", true),
        ("whsec_...........", true),
        ("whsec_your_secret_here", true),
        ("whsec_0123456789", false),
    ] {
        let run = TestWorld::default().input(secret).run(&["secret", "add", "plexos"]);
        assert_eq!((run.status, run.err.contains("placeholder")), (0, is_odd), "{secret}: {}", run.err);
    }
}

#[test]
fn a_placeholder_in_the_environment_is_reported_when_it_is_used_and_by_doctor() {
    let world = TestWorld::default().variable("PLEXOS_WEBHOOK_SECRET", "whsec_0123456789…");
    let run = world.run(&["replay", "payment.debited"]);
    assert_eq!(run.err.matches("PLEXOS_WEBHOOK_SECRET looks like a placeholder").count(), 1, "{}", run.err);
    let run = world.run(&["doctor"]);
    assert!(run.text().contains("PLEXOS_WEBHOOK_SECRET looks like a placeholder"), "{}", run.text());
    assert!(!TestWorld::with_secrets().run(&["replay", "payment.debited"]).err.contains("placeholder"));
}

#[test]
fn a_registry_under_its_old_name_is_read_and_replaced_by_the_first_change() {
    let world = TestWorld::default().input("whsec_0123456789abcdef");
    let folder = world.data_dir().unwrap();
    let (old, new) = (folder.join("ledger.json"), folder.join("registry.json"));
    let secret =
        r#"{"name":"mine","provider":"plexos","added":"2025-01-15T10:30:00Z","secret":"whsec_fedcba9876543210"}"#;
    let text = format!(r#"{{"schema":"whtool.ledger/1","secrets":[{secret}]}}"#);
    world.private.lock().unwrap().insert(old.clone(), text.into_bytes());
    assert_eq!(world.run(&["secret", "show", "--reveal"]).text(), "whsec_fedcba9876543210\n");
    assert!(world.private.lock().unwrap().contains_key(&old), "reading changes nothing");
    assert_eq!(world.run(&["secret", "add", "plexos"]).status, 0);
    let files = world.private.lock().unwrap();
    assert!(!files.contains_key(&old));
    let text = String::from_utf8(files[&new].clone()).unwrap();
    assert!(text.contains("fedcba9876543210") && text.contains("0123456789abcdef"), "{text}");
}

const SECRET: &str = "whsec_Kq3Zb7Tn9Xw2Lm5Rv8Yc1Df4";

#[test]
fn a_secret_in_utf_16_or_with_invisible_characters_around_it_is_stored_clean() {
    // As PowerShell's `>` writes it.
    let utf16: Vec<u8> = format!("\u{feff}{SECRET}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [
        utf16,
        format!("\u{feff}{SECRET}\n").into_bytes(),
        format!(" {SECRET}\t\r\n").into_bytes(),
        format!("\u{a0}{SECRET}\u{200b}\n").into_bytes(),
    ] {
        let world = TestWorld::default().input(&bytes);
        let run = world.run(&["secret", "add", "plexos"]);
        assert_eq!((run.status, run.err.contains("warning")), (0, false), "{bytes:?}: {}", run.err);
        assert_eq!(world.run(&["secret", "show", "--reveal"]).text(), format!("{SECRET}\n"));
    }
}

#[test]
fn what_is_visibly_no_secret_is_refused_with_its_fault_and_stored_only_with_exact() {
    for (text, fault, hint) in [
        (
            SECRET.replace('T', "\u{200b}"),
            "U+200B (zero-width space) at position 13",
            "without the invisible characters",
        ),
        (format!("“{SECRET}”"), "U+201C (left double quotation mark) at position 1", "store it with plain characters"),
        (SECRET.replace('T', "\u{1}"), "U+0001 at position 13", "without the invisible characters"),
        (format!("'{SECRET}'"), "has quotes around it", "store it without the quotes"),
        (
            format!("PORT=1\nPLEXOS_WEBHOOK_SECRET={SECRET}\n"),
            "a text of several lines",
            "probably in line 2, the value of `PLEXOS_WEBHOOK_SECRET`",
        ),
        (
            format!("export PLEXOS_WEBHOOK_SECRET=\"{SECRET}\""),
            "a line of an env file",
            "probably the value of `PLEXOS_WEBHOOK_SECRET`",
        ),
        (format!("{{\"secret\":\"{SECRET}\"}}"), "looks like JSON", "probably the value of `secret`"),
        (format!("{SECRET} # production"), "a secret with a comment", "store it without the comment"),
        ("op://prod/plexos/secret".to_owned(), "a reference to a secret store", "--command"),
        ("${PLEXOS_WEBHOOK_SECRET}".to_owned(), "a template", "--command"),
        ("we_1A2b3C4d5E6f7G8h".to_owned(), "an identifier", "--command"),
        ("undefined".to_owned(), "is `undefined`", "--command"),
    ] {
        let world = TestWorld::default().input(&text);
        let run = world.run(&["secret", "add", "plexos"]);
        assert_eq!((run.status, run.text().as_str()), (3, ""), "{text}: {}", run.err);
        assert!(
            run.err.contains(fault) && run.err.contains(hint) && run.err.contains("--exact"),
            "{text}: {}",
            run.err
        );
        assert!(!run.err.contains("Lm5Rv8Yc1Df4") && run.err.lines().count() == 3, "{}", run.err);
        assert!(world.private.lock().unwrap().is_empty(), "{text}");
        let run = world.run(&["secret", "add", "plexos", "--exact"]);
        assert_eq!((run.status, run.err.contains("warning: the secret")), (0, true), "{text}: {}", run.err);
        assert_eq!(world.run(&["secret", "show", "--reveal"]).text().trim_end(), text.trim_end());
    }
}

#[test]
fn a_damaged_secret_is_named_where_it_is_used_and_by_doctor() {
    for (value, fault) in [
        (SECRET.replace('T', "\u{200b}"), "PLEXOS_WEBHOOK_SECRET has U+200B (zero-width space) at position 13"),
        (format!("{SECRET} # production"), "PLEXOS_WEBHOOK_SECRET looks like a secret with a comment"),
        (format!("{{\"secret\":\"{SECRET}\"}}"), "PLEXOS_WEBHOOK_SECRET looks like JSON"),
        ("process.env.PLEXOS_WEBHOOK_SECRET".to_owned(), "PLEXOS_WEBHOOK_SECRET looks like code that reads a variable"),
    ] {
        let world = TestWorld::default().variable("PLEXOS_WEBHOOK_SECRET", &value);
        let run = world.run(&["replay", "payment.debited"]);
        assert!(run.err.contains(&format!("warning: {fault}")), "{}", run.err);
        let run = world.run(&["doctor"]);
        assert!(run.status == 1 && run.text().contains(fault), "{}", run.text());
    }
}

#[test]
fn an_api_key_with_anything_around_it_or_invisible_in_it_is_not_sent() {
    for (key, fault) in [
        ("sk_test_ab\u{a0}cd", "U+00A0 (no-break space) at position 11"),
        ("sk_test_é", "U+00E9 at position 9"),
        ("\"sk_test_abcd\"", "a `\"` at position 1: the key that begins with sk_test_ is only a part of it"),
        ("PLEXOS_PAY_SECRET_KEY=sk_test_abcd", "a `=` at position 22: the key that begins with sk_test_"),
        ("{\"key\":\"sk_test_abcd\"}", "a `{` at position 1"),
        ("sk_test_abcd # mine", "a ` ` at position 13"),
    ] {
        let world = TestWorld::default().file("key", format!("{key}\n"));
        let run = world.run(&["register", "--url", "https://a.example/hook", "--key-file", "key", "--yes"]);
        assert_eq!(run.status, 4, "{key}: {}", run.err);
        assert!(run.err.contains(fault) && !run.err.contains("abcd"), "{key}: {}", run.err);
        assert!(world.sent.lock().unwrap().is_empty(), "{key}");
        let doctor = TestWorld::default().variable("PLEXOS_PAY_SECRET_KEY", key).run(&["doctor"]);
        assert!(doctor.status == 1 && doctor.text().contains("problem"), "{key}: {}", doctor.text());
    }
}

#[test]
fn an_api_key_in_utf_16_is_decoded_before_it_is_sent() {
    let utf16: Vec<u8> = "\u{feff}sk_test_abcd\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let world = TestWorld::default().file("key", utf16);
    world.run(&["register", "--url", "https://a.example/hook", "--key-file", "key", "--yes"]);
    let sent = world.sent.lock().unwrap();
    assert_eq!(sent[0].request.headers.get("Authorization"), Some(&b"Bearer sk_test_abcd"[..]));
}

#[test]
fn a_secret_file_in_utf_16_verifies_with_a_note() {
    // `(printf 1736937000.; cat vectors/plexos.json) | openssl dgst -sha256 -hmac
    // whsec_test_secret_do_not_use`
    let mac = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";
    let head = format!("POST / HTTP/1.1\r\nX-Plexos-Timestamp: {NOW}\r\nX-Plexos-Signature: {mac}\r\n\r\n");
    let request = [head.as_bytes(), include_bytes!("vectors/plexos.json")].concat();
    let utf16: Vec<u8> = format!("\u{feff}{PLEXOS_SECRET}\r\n").encode_utf16().flat_map(u16::to_be_bytes).collect();
    let world = TestWorld::default().file("request.http", request).file("secret", utf16);
    let run = world.run(&["verify", "request.http", "--secret-file", "secret"]);
    assert_eq!(run.status, 0, "{}{}", run.text(), run.err);
    assert!(run.err.contains("secret is UTF-16: decoded"), "{}", run.err);
}

#[test]
fn the_local_test_secret_is_printed_and_is_the_one_that_whtool_signs_with() {
    let world = TestWorld::default().file("p.json", r#"{"type":"payment.debited","data":{}}"#);
    let shown = world.run(&["secret", "show", "plexos-test"]);
    let secret = shown.text().trim_end().to_owned();
    assert!(secret.starts_with("whsec_local_") && shown.status == 0, "{secret}");
    let signed = |more: &[&str]| world.run(&[&["sign", "p.json", "--provider", "plexos"], more].concat()).text();
    assert_eq!(signed(&[]), signed(&["--secret", &secret]));
    let by_provider = world.run(&["secret", "show", "plexos"]);
    assert_eq!(by_provider.text(), shown.text());
    assert!(by_provider.err.contains("no secret of Plexos Pay is stored"), "{}", by_provider.err);
    assert!(world.run(&["secret", "list"]).text().contains("plexos    plexos-test    local test secret"));
}

#[test]
fn a_stored_secret_precedes_the_local_test_secret() {
    let world = TestWorld::default().input(PLEXOS_SECRET);
    assert_eq!(world.run(&["secret", "add", "plexos"]).status, 0);
    assert_eq!(world.run(&["secret", "show", "plexos", "--reveal"]).text(), format!("{PLEXOS_SECRET}\n"));
    assert!(world.run(&["secret", "show", "plexos-test"]).text().starts_with("whsec_local_"));
}
