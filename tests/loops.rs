//! Listeners that forward to themselves or to each other.

use crate::process::{Listener, PLEXOS_SECRET, PLUSTIVE_SECRET, REFERENCE, REFERENCE_MAC, home, post, run, whtool};
use crate::store::{App, count, until, unused_address};
use std::path::Path;

/// Starts a listener at this URL that forwards to another one.
fn listener_at(home: &Path, url: &str, forward_to: &str, words: &[&str]) -> Listener {
    let port = url.rsplit(':').next().unwrap();
    let words = [&["listen", "--json", "--port", port, "--forward-to", forward_to], words].concat();
    let mut command = whtool(home, &words);
    command.env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET).env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET);
    Listener::spawn(&mut command)
}

#[test]
fn two_listeners_that_forward_to_each_other_store_a_delivery_once_each() {
    for words in [&[][..], &["--passthrough"], &["--header", "Via: 1.0 other"]] {
        let (first_home, second_home, url) = (home(), home(), unused_address());
        let mut first = Listener::start(first_home.path(), &[&["--forward-to", &url], words].concat());
        let mut second = listener_at(second_home.path(), &url, &first.url, words);
        let answer = first.exchange(&post(REFERENCE_MAC, REFERENCE));
        let attempts = [until(&mut first, "whtool.forwarded/1"), until(&mut second, "whtool.forwarded/1")];
        assert_eq!(attempts[1]["status"], 508, "{attempts:?}");
        assert_eq!(attempts[1]["sequel"], "given_up");
        if words != ["--passthrough"] {
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            assert_eq!(attempts[0]["status"], 200);
        }
        let (_, messages) = first.end("INT");
        second.end("INT");
        assert!(messages.contains("508") && messages.contains("a loop"), "{messages}");
        assert_eq!([count(first_home.path()), count(second_home.path())], [1, 1], "{words:?}");
    }
}

#[test]
fn a_chain_of_listeners_ends_at_the_app_and_marks_of_other_proxies_stay() {
    let (first_home, second_home, app) = (home(), home(), App::start(vec![200]));
    let second = Listener::start(second_home.path(), &["--forward-to", &app.url]);
    let first = Listener::start(first_home.path(), &["--forward-to", &second.url]);
    let request = String::from_utf8(post(REFERENCE_MAC, REFERENCE)).unwrap();
    let request = request.replacen("\r\n", "\r\nVia: 1.0 fred, 1.1 proxy.test\r\n", 1);
    assert!(first.exchange(request.as_bytes()).starts_with("HTTP/1.1 200 "));
    let (_, headers, _) = app.requests.recv().unwrap();
    let marks: Vec<_> = headers.iter().filter(|(name, _)| name == "Via").map(|(_, value)| value.as_str()).collect();
    assert_eq!(marks[0], "1.0 fred, 1.1 proxy.test");
    assert!(marks.len() == 3 && marks[1..].iter().all(|mark| mark.starts_with("1.1 whtool-")), "{marks:?}");
    assert_ne!(marks[1], marks[2]);
}

#[test]
fn a_listener_refuses_to_forward_to_its_own_address_in_any_spelling() {
    let (home, address) = (home(), unused_address());
    let port = address.rsplit(':').next().unwrap();
    for (bind, host) in [
        ("127.0.0.1", "localhost"),
        ("127.0.0.1", "LOCALHOST."),
        ("127.0.0.1", "app.localhost"),
        ("127.0.0.1", "127.1"),
        ("127.0.0.1", "2130706433"),
        ("127.0.0.1", "0.0.0.0"),
        ("127.0.0.1", "[::ffff:127.0.0.1]"),
        ("0.0.0.0", "localhost"),
        ("0.0.0.0", "127.0.0.2"),
        ("::1", "[::1]"),
        ("::1", "[::]"),
    ] {
        let url = format!("http://{host}:{port}/another/path");
        let words = ["listen", "--bind", bind, "--port", port, "--timeout", "1ms", "--forward-to", &url];
        let refused = run(&mut whtool(home.path(), &words));
        let messages = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{bind} {host}: {messages}");
        assert!(messages.contains("the address of the listener itself"), "{messages}");
    }
}
