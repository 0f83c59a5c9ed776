//! `doctor`: what is fine, what is a problem, and that no secret is printed.

use crate::common::{NOW, PLEXOS_SECRET, Run, TestWorld};
use crate::events;
use serde_json::{Value, json};
use whtool::model::exchange::SendFailure;
use whtool::model::secret::{Secret, SecretOrigin};
use whtool::model::signature::Key;
use whtool::world::Environment;

fn doctor(world: &TestWorld) -> Run {
    world.run(&["doctor", "--json"])
}

/// Returns the grade and the message of the finding about a subject.
fn about(run: &Run, subject: &str) -> (String, String) {
    let found = run.json().into_iter().find(|finding| finding["subject"] == subject);
    let found = found.unwrap_or_else(|| panic!("no finding about {subject}: {}", run.text()));
    (found["grade"].as_str().unwrap().to_owned(), found["what"].as_str().unwrap().to_owned())
}

fn grade(run: &Run, subject: &str) -> String {
    about(run, subject).0
}

#[test]
fn without_configuration_there_are_no_problems_and_no_files() {
    let world = TestWorld::default();
    let run = doctor(&world);
    assert_eq!(run.status, 0, "{}", run.text());
    assert_eq!(grade(&run, "PLEXOS_WEBHOOK_SECRET"), "note");
    assert_eq!(grade(&run, "captures.db"), "note");
    assert!(world.private.lock().unwrap().is_empty() && !world.data_dir().unwrap().exists());
    assert!(world.sent.lock().unwrap().is_empty(), "nothing is sent without a key");
}

#[test]
fn a_data_folder_that_is_not_writable_is_a_problem() {
    let world = TestWorld::default();
    // A file in place of the folder: not even root can write below it.
    std::fs::write(world.data_dir().unwrap(), "").unwrap();
    let run = doctor(&world);
    let (grade, what) = about(&run, "data directory");
    assert_eq!((run.status, grade.as_str()), (1, "bad"), "{what}");
    assert!(what.starts_with("can't write to "), "{what}");
}

#[test]
fn secrets_are_named_but_never_printed() {
    let world = TestWorld::with_secrets().variable("PLEXOS_PAY_SECRET_KEY", "sk_test_hidden");
    let world = world.variable("PLUSTIVE_API_KEY", "pk_live_hidden");
    for words in [&["doctor"][..], &["doctor", "--json"], &["doctor", "--reveal", "-v"]] {
        let run = world.run(words);
        let said = run.text() + &run.err;
        assert!(!said.contains(PLEXOS_SECRET) && !said.contains("hidden"), "{said}");
        assert!(said.contains("PLEXOS_WEBHOOK_SECRET") && said.contains("a live key"), "{said}");
    }
}

#[test]
fn a_text_that_can_not_be_a_secret_is_a_problem() {
    for value in ["sk_live_x", " whsec_x", "'whsec_x'"] {
        let run = doctor(&TestWorld::default().variable("PLEXOS_WEBHOOK_SECRET", value));
        assert_eq!((run.status, grade(&run, "PLEXOS_WEBHOOK_SECRET").as_str()), (1, "bad"), "{value}");
    }
    let run = doctor(&TestWorld::default().variable("PLEXOS_PAY_SECRET_KEY", "whsec_x"));
    assert_eq!((run.status, grade(&run, "PLEXOS_PAY_SECRET_KEY").as_str()), (1, "bad"));
}

fn with_key(date: Option<&str>) -> TestWorld {
    let mut world = TestWorld::default().variable("PLEXOS_PAY_SECRET_KEY", "sk_test_x");
    world.date = date.map(str::to_owned);
    world.said = Some(br#"{"data":[],"hasMore":false}"#.to_vec());
    world
}

#[test]
fn the_clock_is_compared_with_the_providers() {
    // `date -u -R -d @1736937000`, and minutes away from it.
    for (date, expected, words) in [
        (Some("Wed, 15 Jan 2025 10:30:10 GMT"), "good", "agrees"),
        (Some("Wed, 15 Jan 2025 10:31:00 GMT"), "note", "60 s behind"),
        (Some("Wed, 15 Jan 2025 10:20:00 GMT"), "bad", "10 min ahead"),
        (Some("yesterday"), "note", "no valid Date header"),
        (None, "note", "no valid Date header"),
    ] {
        let world = with_key(date);
        let run = doctor(&world);
        let (found, what) = about(&run, "clock of Plexos Pay");
        assert_eq!(found, expected, "{date:?}: {what}");
        assert!(what.contains(words), "{date:?}: {what}");
        assert_eq!(run.status, u8::from(expected == "bad"));
        let sent = world.sent.lock().unwrap();
        assert_eq!((sent.len(), sent[0].request.method.as_str()), (1, "GET"), "nothing is changed");
        assert_eq!(sent[0].url.as_str(), "https://api.plexospay.com/v1/payments?limit=1");
    }
    assert_eq!(NOW, 1_736_937_000);
}

#[test]
fn a_rejected_key_is_a_problem_and_an_unreachable_provider_is_a_note() {
    for (answer, expected) in [
        (Ok(200), "good"),
        (Ok(401), "bad"),
        (Ok(403), "bad"),
        (Ok(500), "note"),
        (Err(SendFailure::Timeout), "note"),
        (Err(SendFailure::Connect("no route\u{1b}[2J".to_owned())), "note"),
    ] {
        let mut world = with_key(None);
        world.answers = vec![answer.clone()];
        let run = doctor(&world);
        assert_eq!(grade(&run, "Plexos Pay"), expected, "{answer:?}");
        assert!(!world.run(&["doctor"]).text().contains('\u{1b}'));
    }
    let world = with_key(None);
    assert_eq!(world.run(&["doctor", "--offline"]).status, 0);
    assert!(world.sent.lock().unwrap().is_empty());
}

#[test]
fn invalid_settings_are_a_finding_and_do_not_stop_doctor() {
    let mut world = TestWorld::default().file("/project/whtool.toml", "prot = 1");
    world.folders = vec!["/project".into()];
    let run = doctor(&world);
    assert_eq!((run.status, grade(&run, "settings").as_str()), (1, "bad"));
    let mut world = TestWorld::default().file("/project/whtool.toml", "port = 1");
    world.folders = vec!["/project".into()];
    assert_eq!(about(&doctor(&world), "port"), ("good".to_owned(), "1, from /project/whtool.toml".to_owned()));
}

#[test]
fn files_that_other_users_can_access_are_a_problem() {
    let mut world = TestWorld::default();
    let folder = world.data_dir().unwrap();
    for (path, mode) in
        [(folder.clone(), 0o755), (folder.join("registry.json"), 0o640), ("/config/config.toml".into(), 0o666)]
    {
        world.modes = [(path, mode)].into();
        let run = doctor(&world);
        assert_eq!(run.status, 1, "{:?}: {}", world.modes, run.text());
        assert!(run.text().contains("chmod "), "{}", run.text());
    }
    world.modes = [(folder, 0o700), ("/config/config.toml".into(), 0o644)].into();
    assert_eq!(doctor(&world).status, 0);
}

#[test]
fn a_damaged_store_is_a_problem() {
    let world = TestWorld::default();
    events::store_captures(&world, &[(60, events::plexos(b"{}")), (30, events::plexos(&vec![b'x'; 100_000]))]);
    let (found, what) = about(&doctor(&world), "captures.db");
    // The file itself is found too, among the files.
    assert_eq!(found, "good", "{what}");
    let of_store = |run: &Run| run.json().into_iter().find(|finding| finding["area"] == "store").unwrap();
    let intact = of_store(&doctor(&world));
    assert!(intact["what"].as_str().unwrap().starts_with("intact: 2 deliveries, "), "{intact}");
    let path = world.data_dir().unwrap().join("captures.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let run = doctor(&world);
    assert_eq!((run.status, of_store(&run)["grade"].as_str()), (1, Some("bad")), "{}", run.text());
    std::fs::write(&path, b"no database").unwrap();
    assert_eq!(of_store(&doctor(&world))["grade"], "bad");
}

/// A registry with one endpoint and the secret that it is said to have.
fn registry(secret: &Value, url: &str, event: &str) -> Vec<u8> {
    let registry = json!({
        "schema": "whtool.registry/1",
        "endpoints": [{
            "id": "we_1", "provider": "plexos", "mode": "test", "base": "https://api.plexospay.com/", "url": url,
            "events": [event], "status": "ACTIVE", "description": null, "created": "2025-01-01T00:00:00Z", "secret": secret,
        }],
        "secrets": [{"name": "we_1", "provider": "plexos", "added": "2025-01-01T00:00:00Z", "secret": PLEXOS_SECRET}],
    });
    serde_json::to_vec(&registry).unwrap()
}

#[test]
fn an_endpoint_is_proved_by_a_delivery_signed_with_its_secret() {
    let world = TestWorld::default();
    let path = world.data_dir().unwrap().join("registry.json");
    let put = |secret: Value, url: &str, event: &str| {
        world.private.lock().unwrap().insert(path.clone(), registry(&secret, url, event));
    };
    let endpoint = |run: &Run| run.json().into_iter().find(|finding| finding["area"] == "endpoints").unwrap();
    for (secret, url, event, fault) in [
        (Value::Null, "https://shop.example/", "payment.debited", "never received"),
        (json!("we_2"), "https://shop.example/", "payment.debited", "no longer stored"),
        (json!("we_1"), "http://localhost:3000/", "payment.debited", "on this machine"),
        (json!("we_1"), "https://shop.example/", "payment.debitted", "no event"),
    ] {
        put(secret, url, event);
        let run = doctor(&world);
        assert_eq!((run.status, endpoint(&run)["grade"].as_str()), (1, Some("bad")), "{fault}");
        assert!(endpoint(&run)["what"].as_str().unwrap().contains(fault), "{fault}: {}", run.text());
    }
    put(json!("we_1"), "https://shop.example/", "payment.debited");
    let run = doctor(&world);
    assert_eq!((run.status, endpoint(&run)["grade"].as_str()), (0, Some("note")));
    assert!(endpoint(&run)["what"].as_str().unwrap().contains("not proved"));

    let key = |name: &str| Key::new(Secret::new("plexos", SecretOrigin::Stored(name.to_owned()), PLEXOS_SECRET));
    let delivery = [(60, events::plexos(include_bytes!("vectors/plexos.json")))];
    events::store_captures_with_keys(&world, &delivery, &[key("another")]);
    assert_eq!(endpoint(&doctor(&world))["grade"], "note", "another secret proves nothing");
    events::store_captures_with_keys(&world, &delivery, &[key("we_1")]);
    let found = endpoint(&doctor(&world));
    assert_eq!(found["grade"], "good");
    assert!(found["what"].as_str().unwrap().ends_with("at 2025-01-15 10:29 UTC"), "{found}");
}

#[test]
fn a_login_page_is_not_an_accepted_key() {
    for said in ["<html>login</html>", ""] {
        let mut world = with_key(None);
        world.said = Some(said.as_bytes().to_vec());
        let run = doctor(&world);
        assert_eq!((run.status, grade(&run, "Plexos Pay").as_str()), (1, "bad"), "{said}");
    }
}

#[test]
fn a_live_key_means_real_money_unless_it_is_sent_to_this_machine() {
    let about_the_key = |base: &str| {
        let world = TestWorld::default().variable("PLUSTIVE_API_KEY", "pk_live_x").variable("PLUSTIVE_API_URL", base);
        about(&world.run(&["doctor", "--json", "--offline"]), "PLUSTIVE_API_KEY")
    };
    assert!(about_the_key("https://api.plustiveimpact.com").1.contains("real money"));
    let (grade, what) = about_the_key("http://127.0.0.1:4850/plustive");
    assert_eq!(grade, "good");
    assert!(what.contains("no real money"), "{what}");
}

#[test]
fn a_stored_secret_is_shown_with_its_source_retirement_and_length() {
    let world = TestWorld::default();
    let secrets = json!([
        {"name": "old", "provider": "plexos", "added": "2025-01-01T00:00:00Z", "secret": PLEXOS_SECRET, "retired": "2025-01-02T00:00:00Z"},
        {"name": "asked", "provider": "plexos", "added": "2025-01-01T00:00:00Z", "command": "pass plexos"},
        {"name": "short", "provider": "plexos", "added": "2025-01-01T00:00:00Z", "secret": "whsec_x"},
    ]);
    let text = serde_json::to_vec(&json!({"schema": "whtool.registry/1", "secrets": secrets})).unwrap();
    world.private.lock().unwrap().insert(world.data_dir().unwrap().join("registry.json"), text);
    let run = doctor(&world);
    for (name, expected, words) in
        [("old", "good", "retired"), ("asked", "good", "read from a command"), ("short", "note", "only 7 bytes")]
    {
        let (grade, what) = about(&run, name);
        assert!(grade == expected && what.contains(words), "{name}: {grade} {what}");
        assert_eq!(what.contains("retired"), name == "old", "{what}");
    }
    let run = doctor(&TestWorld::default().variable("PLEXOS_WEBHOOK_SECRET", "whsec_x"));
    assert_eq!(grade(&run, "PLEXOS_WEBHOOK_SECRET"), "note");
}

#[test]
fn text_output_groups_findings_by_area_and_counts_the_problems() {
    let world = with_key(Some("Wed, 15 Jan 2025 10:20:00 GMT")).variable("PLEXOS_WEBHOOK_SECRET", " whsec_x");
    let run = world.run(&["doctor"]);
    let folder = world.data_dir().unwrap();
    let text = run.text().replace(folder.to_str().unwrap(), "/data");
    insta::assert_snapshot!(format!("{text}---- stderr\n{}---- status {}", run.err, run.status));
}
