//! Forwarding to several apps, by several processes, over TLS, and across restarts.

use crate::passthrough::read_request;
use crate::process::{Listener, PLUSTIVE_SECRET, REFERENCE, REFERENCE_MAC, home, post, run, whtool};
use crate::store::{App, signed, until, unused_address};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Returns the records of `events --all` with these flags.
fn listed(home: &Path, words: &[&str]) -> Vec<Value> {
    let listed = run(&mut whtool(home, &[&["events", "--all", "--json"], words].concat()));
    let text = String::from_utf8(listed.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
#[cfg_attr(windows, ignore = "sends a signal")]
fn a_route_that_takes_nothing_is_reported_at_the_start_and_counted() {
    let (home, app) = (home(), App::start(vec![200]));
    let mistyped = format!("paymnt.*, transactin.success={}", app.url);
    let mut listener = Listener::start(home.path(), &["--forward-to", &mistyped]);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    assert_eq!(until(&mut listener, "whtool.delivery/1")["routes"], 0);
    let (_, messages) = listener.end("INT");
    for expected in [
        "no documented event type matches `paymnt.*`; did you mean `payment.*`?",
        "no documented event type matches `transactin.success`; did you mean `transaction.success`?",
        "no --forward-to takes transaction.success: stored, not forwarded",
        "1 not forwarded: no --forward-to takes their type",
    ] {
        assert!(messages.contains(expected), "{expected}: {messages}");
    }
    let two = format!("payment.debited,transaction.*={0}/two", app.url);
    let mut listener = Listener::start(home.path(), &["--forward-to", &two]);
    let (mac, body) = signed(1);
    listener.exchange(&post(&mac, &body));
    assert_eq!(until(&mut listener, "whtool.delivery/1")["routes"], 1);
    drop(until(&mut listener, "whtool.forwarded/1"));
    let (_, messages) = listener.end("INT");
    assert!(!messages.contains("not forwarded") && !messages.contains("no documented"), "{messages}");
}

#[test]
fn an_app_that_hangs_does_not_delay_another() {
    let home = home();
    // The kernel accepts its connections, and nothing answers them.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let (hanging_url, app) = (format!("http://{}", hanging.local_addr().unwrap()), App::start(vec![200]));
    let words =
        ["--forward-to", &hanging_url, "--forward-to", &app.url, "--in-flight", "4", "--forward-timeout", "10m"];
    let listener = Listener::start(home.path(), &words);
    for number in 0..30 {
        let (mac, body) = signed(number);
        listener.exchange(&post(&mac, &body));
    }
    let bodies: Vec<_> = (0..30).map(|_| app.requests.recv().unwrap().2).collect();
    assert_eq!(bodies.len(), 30);
}

#[test]
fn a_delivery_that_one_of_two_apps_refused_has_failed() {
    let (home, good, bad) = (home(), App::start(vec![200]), App::start(vec![422, 200]));
    let words = ["--forward-to", &bad.url, "--forward-to", &good.url];
    let mut listener = Listener::start(home.path(), &words);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    (0..2).for_each(|_| drop(until(&mut listener, "whtool.forwarded/1")));
    listener.end("INT");
    assert_eq!(listed(home.path(), &["--failed"]).len(), 1, "whichever answered last");
    let replayed = |url: &str| {
        let replayed = run(&mut whtool(home.path(), &["replay", "last", "--exact", "--to", url, "--json"]));
        serde_json::from_slice::<Value>(&replayed.stdout).unwrap()["compared"].clone()
    };
    assert_eq!(replayed(&good.url), "still good", "the last attempt at the same app counts");
    assert_eq!(listed(home.path(), &["--failed"]).len(), 1);
    assert_eq!(replayed(&bad.url), "fixed");
    assert!(listed(home.path(), &["--failed"]).is_empty());
}

#[test]
#[cfg_attr(windows, ignore = "sends a signal")]
fn a_restart_resumes_deliveries_that_were_given_up_but_not_refused_ones() {
    let home = home();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (url, refusing) = (format!("http://{address}"), App::start(vec![422]));
    let words = ["--forward-to", &url, "--forward-to", &refusing.url, "--retry", "1", "--retry-pause", "1ms"];
    let mut listener = Listener::start(home.path(), &words);
    listener.exchange(&post(REFERENCE_MAC, REFERENCE));
    let mut given_up = 0;
    while given_up < 2 {
        given_up += usize::from(until(&mut listener, "whtool.forwarded/1")["sequel"] == "given_up");
    }
    listener.end("INT");
    let too_old = Listener::start(home.path(), &[&words[..], &["--give-up-after", "1ms"]].concat());
    let (_, said) = too_old.end("INT");
    assert!(said.contains("not forwarding 1 queued delivery older than --give-up-after"), "{said}");
    let app = App::on(TcpListener::bind(address).unwrap(), vec![200]);
    let mut listener = Listener::start(home.path(), &words);
    assert_eq!(app.requests.recv().unwrap().2, REFERENCE);
    let forwarded = until(&mut listener, "whtool.forwarded/1");
    assert_eq!((forwarded["tries"].as_u64(), forwarded["sequel"].as_str()), (Some(1), Some("taken")));
    let (_, said) = listener.end("INT");
    assert!(said.contains("forwarding 1 delivery queued by an earlier run"), "{said}");
    assert_eq!(refusing.requests.try_iter().count(), 1);
}

/// Starts an app with a thread for each connection, because tiny_http leaves some of many
/// connections unanswered. Returns its URL and the bodies of its requests.
fn start_threaded_app() -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, bodies) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender) = (BufReader::new(stream.unwrap()), sender.clone());
            thread::spawn(move || {
                let body = read_request(&mut stream);
                let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                let _ = sender.send(body).map(|()| stream.get_mut().write_all(answer));
            });
        }
    });
    (url, bodies)
}

#[test]
fn two_processes_on_one_store_forward_each_delivery_once() {
    let (home, (url, bodies)) = (home(), start_threaded_app());
    // So few that their output fits into the pipe unread.
    let words = ["--forward-to", &url, "-q"];
    let listeners = [(); 2].map(|()| Listener::start(home.path(), &words));
    let senders = thread::scope(|scope| {
        let senders: Vec<_> = listeners
            .iter()
            .enumerate()
            .map(|(sender, listener)| {
                scope.spawn(move || {
                    for number in 0..20 {
                        let (mac, body) = signed(sender * 1000 + number);
                        assert!(listener.exchange(&post(&mac, &body)).starts_with("HTTP/1.1 200"));
                    }
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).count()
    });
    assert_eq!(senders, 2);
    let mut times = BTreeMap::<Vec<u8>, usize>::new();
    while times.len() < 40 {
        *times.entry(bodies.recv_timeout(Duration::from_secs(20)).unwrap()).or_default() += 1;
    }
    // They finish running attempts before they exit.
    listeners.into_iter().for_each(|listener| drop(listener.end("INT")));
    bodies.try_iter().for_each(|body| *times.entry(body).or_default() += 1);
    let twice = times.iter().filter(|(_, count)| **count > 1).map(|(body, _)| String::from_utf8_lossy(body));
    assert_eq!(twice.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn an_app_with_a_self_signed_certificate_needs_insecure() {
    let home = home();
    let (listener, config) = (TcpListener::bind("127.0.0.1:0").unwrap(), self_signed());
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(session, stream.unwrap());
            let mut got = Vec::new();
            let mut bytes = [0; 4096];
            while !got.ends_with(REFERENCE) {
                match stream.read(&mut bytes) {
                    Ok(count) if count > 0 => got.extend_from_slice(&bytes[..count]),
                    _ => break,
                }
            }
            if got.ends_with(REFERENCE) {
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            }
        }
    });
    let mut careful = Listener::start(home.path(), &["--forward-to", &url, "--retry", "0"]);
    careful.exchange(&post(REFERENCE_MAC, REFERENCE));
    let refused = until(&mut careful, "whtool.forwarded/1");
    assert!(refused["error"].as_str().unwrap().contains("certificate"), "{refused}");
    careful.end("INT");
    let mut trusting = Listener::start(home.path(), &["--forward-to", &url, "--insecure"]);
    assert_eq!(until(&mut trusting, "whtool.forwarded/1")["status"], 204, "a delivery that was given up is resumed");
}

fn self_signed() -> Arc<ServerConfig> {
    // TestWorld for this test, and of no use elsewhere: openssl genpkey -algorithm ed25519 -outform
    // DER -out key.der openssl req -x509 -key key.der -keyform DER -subj /CN=localhost -addext
    // subjectAltName=DNS:localhost \
    //     -addext basicConstraints=critical,CA:FALSE -days 36500 -outform DER -out certificate.der
    let key = "MC4CAQAwBQYDK2VwBCIEIDjmBT638cQy2fDDQLztP30A+CyS6iOHwcpmBbCN9bQn";
    let certificate = "\
        MIIBUjCCAQSgAwIBAgIUNczX32Wb3x32XKWcY3XXIerUSUMwBQYDK2VwMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDAgFw0yNjExMjIx\
        MTA3NTFaGA8yMTI2MTAyOTExMDc1MVowFDESMBAGA1UEAwwJbG9jYWxob3N0MCowBQYDK2VwAyEApnKQgS3MO07pGy6iIvsfJ1u0\
        RnFoNtCyNR/XxIh+DO6jZjBkMB0GA1UdDgQWBBQKSnFr81gHotRrRIIBa+dVTJWb/zAfBgNVHSMEGDAWgBQKSnFr81gHotRrRIIB\
        a+dVTJWb/zAUBgNVHREEDTALgglsb2NhbGhvc3QwDAYDVR0TAQH/BAIwADAFBgMrZXADQQC7//7/3bmwsMQwyGMauSSTIhzfGp+o\
        JjIM3PhK25yc0yAI5Ti4lTSQvZFpKa1COidCvcOmrXqIGRX1wT7wmdMP";
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(BASE64.decode(key).unwrap()));
    let certificate = CertificateDer::from(BASE64.decode(certificate).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS12]);
    Arc::new(config.unwrap().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

#[test]
fn an_app_that_is_down_does_not_delay_another() {
    let (home, gone, app) = (home(), unused_address(), App::start(vec![200]));
    let words = ["--forward-to", &gone, "--forward-to", &app.url, "--retry", "1000", "--in-flight", "1"];
    let listener = Listener::start(home.path(), &words);
    for number in 0..10 {
        let (mac, body) = signed(number);
        listener.exchange(&post(&mac, &body));
    }
    for _ in 0..10 {
        app.requests.recv().unwrap();
    }
}

#[test]
#[cfg_attr(windows, ignore = "sends a signal")]
fn the_number_of_queued_deliveries_is_printed_at_the_end() {
    let (home, gone) = (home(), unused_address());
    let words = ["--forward-to", &gone, "--retry", "1000", "--retry-pause", "1h"];
    let listener = Listener::start(home.path(), &words);
    for number in 0..3 {
        let (mac, body) = signed(number);
        listener.exchange(&post(&mac, &body));
    }
    let (status, said) = listener.end("INT");
    assert_eq!(status, Some(130));
    assert!(said.contains("3 deliveries still queued; the next `whtool listen`"), "{said}");
}

/// Starts a listener that prints text, and returns it with its address.
fn start_text(home: &Path, words: &[&str]) -> (std::process::Child, String) {
    let mut command = whtool(home, &[&["listen", "--port", "0", "--compact"], words].concat());
    let mut child = command.env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET).spawn().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut ready = String::new();
    while !ready.contains("listening on http://") {
        ready.clear();
        assert_ne!(messages.read_line(&mut ready).unwrap(), 0);
    }
    // Whoever reads no messages must not make the listener wait.
    thread::spawn(move || std::io::copy(&mut messages, &mut std::io::sink()));
    let address = ready.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    (child, address)
}

fn send(address: &str, number: usize) {
    let (mac, body) = signed(number);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&post(&mac, &body)).unwrap();
    drop(stream.read_to_end(&mut Vec::new()));
}

#[test]
fn answers_of_a_slow_app_name_their_event_unless_it_is_the_one_above() {
    let (home, app) = (home(), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("http://{}", app.local_addr().unwrap());
    let (mut child, address) = start_text(home.path(), &["--forward-to", &url]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut requests = BTreeMap::new();
    for number in [1, 2] {
        send(&address, number);
        let mut stream = BufReader::new(app.accept().unwrap().0);
        assert!(String::from_utf8(read_request(&mut stream)).unwrap().contains(&format!("PLS-{number}")));
        requests.insert(number, stream.into_inner());
    }
    let mut answer = |number, status: &str| {
        let stream: &mut TcpStream = requests.get_mut(&number).unwrap();
        stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).unwrap();
        lines.by_ref().find(|line| line.contains('→') && !line.contains("→ 200  by")).unwrap()
    };
    // 2 is the event above; the line after the answer to 1 is below it.
    let first = answer(1, "204 No Content");
    assert!(first.trim_start().starts_with("→ 1  204"), "{first}");
    let second = answer(2, "500 Oops");
    assert!(second.trim_start().starts_with("→ 2  500"), "{second}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn answers_of_several_apps_name_their_app() {
    let (home, app, other) = (home(), App::start(vec![200]), App::start(vec![404]));
    let words = ["--forward-to", app.url.as_str(), "--forward-to", other.url.as_str()];
    let (mut child, address) = start_text(home.path(), &words);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    send(&address, 1);
    let mut answers: Vec<_> = lines.by_ref().filter(|line| line.contains("→ http")).take(2).collect();
    answers.iter_mut().for_each(|line| *line = line.trim_start().to_owned());
    for expected in [format!("→ {}  200", app.url), format!("→ {}  404", other.url)] {
        assert!(answers.iter().any(|line| line.starts_with(&expected)), "{expected}: {answers:?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_app_that_refuses_an_event_with_the_test_secret_is_asked_for_that_secret() {
    let (home, app) = (home(), App::start(vec![401]));
    let words = ["listen", "--port", "0", "--compact", "--forward-to", &app.url];
    let mut child = whtool(home.path(), &words).spawn().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let ready = messages.find(|line| line.contains("listening on http://")).unwrap();
    let url = format!("http://{}", ready.split("http://").nth(1).unwrap().split(' ').next().unwrap());
    assert!(run(&mut whtool(home.path(), &["replay", "payment.debited", "--to", &url])).status.success());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let advice = lines.find(|line| line.contains("fix ")).unwrap();
    assert!(advice.contains("it needs the local test secret: `export PLEXOS_WEBHOOK_SECRET=$("), "{advice}");
    assert!(advice.contains(" secret show plexos-test)`"), "{advice}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// `openssl dgst -sha256 -hmac undefined plustive-reference.json`
const DIGEST_WITH_UNDEFINED: &str = "cb73dbd0fa7aca142a4fcb93bd167da0ff31571db7367f208cf0fe7ae8595f1d";

#[test]
#[cfg_attr(windows, ignore = "sends a signal")]
fn an_app_that_refuses_verified_events_is_led_to_the_cause_once_per_status() {
    let (home, app) = (home(), App::start(vec![401, 401, 404, 200]));
    let words = ["listen", "--port", "0", "--compact", "--forward-to", &app.url];
    let mut child = whtool(home.path(), &words).env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET).spawn().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let ready = messages.find(|line| line.contains("listening on http://")).unwrap();
    let address = ready.split("http://").nth(1).unwrap().split(' ').next().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut advice = Vec::new();
    for number in 0..4 {
        let (mac, body) = if number == 0 { (REFERENCE_MAC.to_owned(), REFERENCE.to_vec()) } else { signed(number) };
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&post(&mac, &body)).unwrap();
        // The advice follows the answer of the app, and is before the next delivery.
        let seen: Vec<_> = lines.by_ref().take_while(|line| !line.contains('→')).collect();
        advice.extend(seen.into_iter().filter(|line| line.contains("fix ")));
    }
    assert!(run(Command::new("kill").arg(child.id().to_string())).status.success());
    advice.extend(lines.filter(|line| line.contains("fix ")));
    child.wait().unwrap();
    let [refused, missing] = &advice[..] else { panic!("{advice:#?}") };
    assert!(refused.contains("fix your app refused a valid signature: run `"), "{refused}");
    assert!(refused.contains(&format!(" check {}/hooks --provider plustive`", app.url)), "{refused}");
    assert!(refused.contains(" verify 1 --computed DIGEST`"), "{refused}");
    assert!(missing.contains("check the path"), "{missing}");

    for name in ["1", "last~3", "PLS-9KQ2M7P3XR"] {
        let words = ["verify", name, "--computed", DIGEST_WITH_UNDEFINED, "--json"];
        let verified = run(whtool(home.path(), &words).env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET));
        let text = String::from_utf8(verified.stdout).unwrap();
        let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let digest = records.into_iter().find(|record| record["schema"] == "whtool.computed/1");
        let digest = digest.unwrap_or_else(|| panic!("{name}: {text}{}", String::from_utf8_lossy(&verified.stderr)));
        assert_eq!(digest["causes"][0]["code"], "secret_unset", "{name}: {digest}");
    }
}
