//! "This machine" is decided after name resolution, and enforced for what is sent.

use crate::common::TestWorld;
use std::net::IpAddr;
use whtool::model::address::Reach;

/// A world with `local.test` on this machine, `remote.test` elsewhere, and `both.test` in both
/// places.
fn world() -> TestWorld {
    let hosts = [
        ("local.test", vec!["127.0.0.1", "::1"]),
        ("remote.test", vec!["192.0.2.9"]),
        ("both.test", vec!["127.0.0.1", "192.0.2.9"]),
        // A resolver that claims such a name is not asked.
        ("app.localhost", vec!["192.0.2.9"]),
        ("localhost.", vec!["192.0.2.9"]),
    ];
    let mut world = TestWorld::with_secrets();
    let addresses = |list: Vec<&str>| list.into_iter().map(|text| text.parse::<IpAddr>().unwrap()).collect();
    world.hosts = hosts.into_iter().map(|(name, list)| (name.to_owned(), addresses(list))).collect();
    world
}

const LOCAL: [&str; 6] = ["local.test", "app.localhost", "localhost.", "127.1", "0.0.0.0", "[::1]"];
const REMOTE: [&str; 5] = ["remote.test", "both.test", "unknown.test", "192.0.2.9", "[::ffff:192.0.2.9]"];

#[test]
fn replay_and_check_ask_before_they_send_to_another_machine_by_any_name() {
    for command in [&["replay", "payment.debited", "--to"][..], &["check", "--provider", "plexos"]] {
        for host in LOCAL {
            let world = world();
            world.run(&[command, &[&format!("http://{host}:3000/hook")]].concat());
            let sent = world.sent.lock().unwrap();
            assert!(!sent.is_empty() && sent.iter().all(|one| one.reach == Reach::ThisMachine), "{command:?} {host}");
        }
        for host in REMOTE {
            let world = world();
            let run = world.run(&[command, &[&format!("http://{host}:3000/hook")]].concat());
            assert_eq!((run.status, world.sent.lock().unwrap().len()), (2, 0), "{command:?} {host}");
            assert!(run.err.contains("--yes"), "{}", run.err);
        }
    }
}

#[test]
fn listen_and_emulate_ask_before_they_send_to_another_machine_by_any_name() {
    for command in [&["listen", "--timeout", "1s", "--forward-to"][..], &["emulate", "--plustive-url"]] {
        for host in LOCAL {
            let run = world().run(&[command, &[&format!("http://{host}:3000/hook")]].concat());
            assert!(!run.err.contains("machine"), "{host}: {}", run.err);
        }
        for host in REMOTE {
            let run = world().run(&[command, &[&format!("http://{host}:3000/hook")]].concat());
            assert!(run.status == 2 && run.err.contains("--yes"), "{host}: {}", run.err);
        }
    }
}

#[test]
fn an_api_key_goes_over_http_to_this_machine_only() {
    let run = |host: &str| {
        let world = world()
            .variable("PLEXOS_PAY_SECRET_KEY", "sk_live_do_not_use")
            .variable("PLEXOS_API_URL", &format!("http://{host}:3000"));
        let run = world.run(&["register", "--url", "https://shop.example.com/hook", "--events", "all"]);
        let sent = world.sent.lock().unwrap().iter().map(|one| one.reach).collect::<Vec<_>>();
        (run, sent)
    };
    for host in LOCAL {
        let (run, sent) = run(host);
        assert_eq!(sent, [Reach::ThisMachine], "{host}: {}", run.err);
    }
    for host in REMOTE {
        let (run, sent) = run(host);
        assert!(run.status == 2 && sent.is_empty() && run.err.contains("unencrypted"), "{host}: {}", run.err);
    }
}

#[test]
fn a_live_key_needs_no_confirmation_for_a_name_of_this_machine_and_is_bound_to_it() {
    let run = |host: &str| {
        let world = world()
            .variable("PLEXOS_PAY_SECRET_KEY", "sk_live_do_not_use")
            .variable("PLEXOS_API_URL", &format!("https://{host}"));
        let status = world.run(&["register", "--url", "https://shop.example.com/hook", "--events", "all"]).status;
        let sent = world.sent.lock().unwrap().iter().map(|one| one.reach).collect::<Vec<_>>();
        (status, sent)
    };
    assert_eq!(run("local.test").1, [Reach::ThisMachine]);
    assert_eq!(run("both.test"), (2, Vec::new()));
}
