//! `secret`: messages and warnings in process. Completion of names is tested in `completions`,
//! storing through a real process in `register`.

use crate::common::TestWorld;
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
