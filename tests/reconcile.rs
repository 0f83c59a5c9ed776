//! `reconcile`, as real processes against a fake of the providers' APIs.

use crate::process::{Listener, PLUSTIVE_SECRET, REFERENCE, REFERENCE_MAC, post, whtool};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
#[cfg(unix)]
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use whtool::world::{Clock, Files};

/// An answer of the fake API: status, a header or "", body.
pub(crate) type FakeAnswer = (u16, &'static str, String);

/// A fake of both APIs, with one thread per connection.
pub(crate) struct Api {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Api {
    /// `answer` gets the last segment of the path, and the number of earlier requests for the same
    /// path.
    pub(crate) fn new(answer: impl Fn(&str, u32) -> FakeAnswer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &noted, &*answer));
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    pub(crate) fn command(&self, home: &Path, words: &[&str]) -> Command {
        let mut command = whtool(home, &[&["reconcile"], words].concat());
        command.env("PLEXOS_API_URL", &self.url).env("PLUSTIVE_API_URL", &self.url);
        command.env("PLEXOS_PAY_SECRET_KEY", "sk_test_abc").env("PLUSTIVE_API_KEY", "pk_live_abc");
        command
    }

    pub(crate) fn run(&self, home: &Path, words: &[&str]) -> Ran {
        Ran::of(self.command(home, words).output().unwrap())
    }
}

/// Answers the requests of one connection.
fn serve(stream: TcpStream, noted: &Mutex<Vec<(String, String)>>, answer: &dyn Fn(&str, u32) -> FakeAnswer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let head: Vec<String> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let Some(path) = head.first().and_then(|line| line.split(' ').nth(1)) else { return };
        let key = head.iter().find_map(|line| line.strip_prefix("Authorization: ")).unwrap_or_default();
        let before = {
            let mut asked = noted.lock().unwrap();
            let before = asked.iter().filter(|(other, _)| other == path).count();
            asked.push((path.to_owned(), key.to_owned()));
            u32::try_from(before).unwrap()
        };
        let (status, header, body) = answer(path.rsplit('/').next().unwrap_or_default(), before);
        let gap = if header.is_empty() { "" } else { "\r\n" };
        let head = format!("HTTP/1.1 {status} Fake\r\n{header}{gap}Content-Length: {}\r\n\r\n", body.len());
        if writer.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    pub(crate) fn records(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn errors(&self) -> usize {
        self.err.matches("error: ").count()
    }
}

pub(crate) fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn transaction(reference: &str, status: &str) -> FakeAnswer {
    let body = format!(
        r#"{{"reference":"{reference}","clientReference":"order-1","service":"Data","status":"{status}","priceCharged":27000,
            "mobileNumber":"08030000000","createdOn":"2026-06-12T10:14:00Z","completedOn":"2026-06-12T10:14:05Z"}}"#
    );
    (200, "", body)
}

pub(crate) fn payment(id: &str, status: &str) -> FakeAnswer {
    (200, "", format!(r#"{{"id":"{id}","amount":"10000","currency":"CVE","status":"{status}"}}"#))
}

pub(crate) fn list(home: &Path, text: &str) -> String {
    let path = home.join("list");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn payments(count: usize) -> String {
    (0..count).map(|number| format!("pi_{number}\n")).collect()
}

#[test]
fn a_reference_is_looked_up_at_its_provider_with_its_key() {
    let home = home();
    let api = Api::new(
        |last, _| if last.starts_with("pi_") { payment(last, "SETTLED") } else { transaction(last, "Success") },
    );
    let ran = api.run(home.path(), &["PLS-7XKQR4N"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, "matched              PLS-7XKQR4N           Success    270.00 NGN (27000)\n");
    assert_eq!(api.run(home.path(), &["pi_1"]).status, 0);
    let asked = api.asked.lock().unwrap().clone();
    let expected =
        [("/api/v1/transactions/PLS-7XKQR4N", "Bearer pk_live_abc"), ("/v1/payments/pi_1", "Bearer sk_test_abc")];
    assert_eq!(asked, expected.map(|(path, key)| (path.to_owned(), key.to_owned())));
}

#[test]
fn a_reference_is_always_one_segment_of_the_path() {
    let home = home();
    let api = Api::new(|_, _| (404, "", "{}".to_owned()));
    assert_eq!(api.run(home.path(), &["a/../b?c#d é", "--json"]).status, 1);
    assert_eq!(api.asked(), ["/api/v1/transactions/a%2F..%2Fb%3Fc%23d%20%C3%A9"]);
    let ran = api.run(home.path(), &[".."]);
    assert_eq!((ran.status, api.asked().len()), (3, 1), "{}", ran.out);
}

#[test]
fn a_missed_event_is_counted_with_its_money_and_sent_by_the_replay_list() {
    let home = home();
    let listener = Listener::start(home.path(), &[]);
    assert!(listener.exchange(&post(REFERENCE_MAC, REFERENCE)).starts_with("HTTP/1.1 200"));
    let api = Api::new(|last, _| transaction(last, "Success"));
    let orders = "reference,amount,currency\nPLS-9KQ2M7P3XR,27000,NGN\nPLS-MISSED,27000,NGN\n";
    let (orders, missed) = (list(home.path(), orders), home.path().join("missed"));
    let words = ["--from", &orders, "--json", "--replay-list", missed.to_str().unwrap()];
    let ran = api.run(home.path(), &words);
    let records = ran.records();
    crate::formats::check_records(ran.out.as_bytes());
    assert_eq!(ran.status, 1, "{}", ran.err);
    let classes: Vec<_> = records[..2].iter().map(|record| record["class"].as_str().unwrap()).collect();
    assert_eq!(classes, ["settled_agreed", "never_delivered"]);
    assert_eq!(records[0]["webhooks"][0]["verdict"], "verified");
    assert_eq!(records[2]["schema"], "whtool.reconciliation/1");
    let money: Vec<_> =
        records[2]["money"].as_array().unwrap().iter().map(|sum| (&sum["class"], &sum["minor"])).collect();
    assert!(money.contains(&(&Value::from("never_delivered"), &Value::from("27000"))), "{money:?}");

    let mut replay = whtool(home.path(), &["replay", "--from", missed.to_str().unwrap(), "--to", &listener.url]);
    let replayed = Ran::of(replay.env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET).output().unwrap());
    assert_eq!(replayed.status, 0, "{}{}", replayed.out, replayed.err);
    assert!(replayed.out.starts_with("PLS-MISSED (rebuilt)"), "{}", replayed.out);
    let again = api.run(home.path(), &words);
    assert_eq!(again.status, 0, "{}", again.out);
    assert_eq!(std::fs::read(&missed).unwrap(), b"");
    let rebuilt = again.records()[1]["webhooks"][0]["id"].as_str().unwrap().to_owned();
    let shown = Ran::of(whtool(home.path(), &["events", "show", &rebuilt, "--raw"]).output().unwrap());
    assert!(shown.out.to_lowercase().contains("x-whtool-rebuilt: "), "{}", shown.out);
}

#[test]
fn events_signed_with_the_local_test_secret_are_ignored() {
    let home = home();
    let listener = Listener::spawn(&mut whtool(home.path(), &["listen", "--json", "--port", "0"]));
    let sent = whtool(home.path(), &["replay", "payment.debited", "--to", &listener.url]).output().unwrap();
    assert!(sent.status.success());
    let api = Api::new(|last, _| transaction(last, "Success"));
    let ran = api.run(home.path(), &["--since", "1h", "--json"]);
    assert!(
        api.asked().is_empty() && ran.err.contains("signed with the local test secret"),
        "{:?} {}",
        api.asked(),
        ran.err
    );
    // They do not count as captured webhooks either, so that no others are missing.
    let replay = ["replay", "transaction.success", "--to", &listener.url];
    assert!(whtool(home.path(), &replay).output().unwrap().status.success());
    assert_eq!(api.run(home.path(), &["PLS-7XKQR4N"]).status, 0);
}

#[test]
fn each_captured_reference_is_looked_up_once() {
    let home = home();
    let listener = Listener::start(home.path(), &[]);
    for _ in 0..3 {
        assert!(listener.exchange(&post(REFERENCE_MAC, REFERENCE)).starts_with("HTTP/1.1 200"));
    }
    let api = Api::new(|last, _| transaction(last, "Success"));
    let ran = api.run(home.path(), &["--since", "1h", "--json"]);
    assert_eq!((ran.status, api.asked().len()), (0, 1), "{}", ran.err);
    assert_eq!(ran.records()[0]["webhooks"].as_array().unwrap().len(), 3);
    let open = api.run(home.path(), &["--open", "--json"]);
    assert_eq!((open.status, open.records().len(), api.asked().len()), (0, 1, 1));
}

#[test]
fn a_refused_key_stops_the_run_with_one_error() {
    let home = home();
    let body = r#"{"title":"x","status":403,"detail":"Forbidden.","errors":[]}"#;
    for (status, word) in [(401, "PLUSTIVE_API_KEY"), (403, "allow-list")] {
        let api = Api::new(move |_, _| (status, "", body.to_owned()));
        let references: String = (0..500).map(|number| format!("PLS-{number}\n")).collect();
        let ran = api.run(home.path(), &["--from", &list(home.path(), &references)]);
        assert_eq!((ran.status, ran.errors(), ran.out.as_str()), (4, 1, ""), "{}", ran.err);
        assert!(ran.err.contains(word), "{}", ran.err);
        assert!(api.asked().len() <= 16, "{}", api.asked().len());
    }
}

#[test]
fn a_missing_key_and_an_unreachable_host_are_one_error_each() {
    let home = home();
    let api = Api::new(|last, _| payment(last, "SETTLED"));
    let words = ["--from", &list(home.path(), &payments(500))];
    let ran = Ran::of(api.command(home.path(), &words).env_remove("PLEXOS_PAY_SECRET_KEY").output().unwrap());
    assert_eq!((ran.status, ran.errors(), api.asked().len()), (4, 1, 0), "{}", ran.err);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran =
        Ran::of(api.command(home.path(), &words).env("PLEXOS_API_URL", format!("http://{nobody}")).output().unwrap());
    assert_eq!((ran.status, ran.errors(), ran.out.as_str()), (3, 1, ""), "{}", ran.err);
    assert!(ran.err.contains("can't connect") && ran.err.contains("PLEXOS_API_URL"), "{}", ran.err);
}

#[test]
fn an_answer_that_is_not_from_the_api_stops_the_run_and_is_described() {
    let home = home();
    for (status, body, word) in
        [(200, "<html>", "HTML"), (200, "", "empty"), (200, "hello", "not JSON"), (404, "<html>", "404")]
    {
        let api = Api::new(move |_, _| (status, "", body.to_owned()));
        let ran = api.run(home.path(), &["--from", &list(home.path(), &payments(500))]);
        assert_eq!((ran.status, ran.errors(), ran.out.as_str()), (3, 1, ""), "{}", ran.err);
        assert!(ran.err.contains(word), "{}", ran.err);
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let home = home();
    let other = Api::new(|last, _| payment(last, "SETTLED"));
    let location: &'static str = Box::leak(format!("Location: {}/v1/payments/pi_1", other.url).into_boxed_str());
    let api = Api::new(move |_, _| (302, location, String::new()));
    let ran = api.run(home.path(), &["pi_1"]);
    assert_eq!((ran.status, ran.errors(), other.asked().len()), (3, 1, 0), "{}", ran.err);
    assert!(ran.err.contains("redirect"), "{}", ran.err);
}

#[test]
fn an_unusable_answer_among_good_ones_is_inconclusive() {
    let home = home();
    let api = Api::new(|last, _| match last {
        "pi_1" => (200, "", "<html>".to_owned()),
        "pi_2" => payment("pi_other", "SETTLED"),
        "pi_3" => (404, "", r#"{"error":{"message":"Payment not found","code":"NOT_FOUND"}}"#.to_owned()),
        "pi_4" => payment(last, "FROZEN"),
        _ => payment(last, "SETTLED"),
    });
    let ran = api.run(home.path(), &["--from", &list(home.path(), &payments(5)), "--json", "--concurrency", "1"]);
    let classes: Vec<_> =
        ran.records()[..5].iter().map(|record| record["class"].as_str().unwrap().to_owned()).collect();
    let untold = "could_not_tell";
    crate::formats::check_records(ran.out.as_bytes());
    assert_eq!(classes, ["settled_agreed", untold, untold, "unknown_to_provider", untold]);
    assert_eq!((ran.status, ran.errors()), (3, 1), "{}", ran.err);
}

#[test]
fn temporary_errors_are_retried() {
    let home = home();
    let api = Api::new(|last, before| match (last, before) {
        ("pi_1", 0) => (500, "", String::new()),
        ("pi_2", 0) => (429, "Retry-After: 0", String::new()),
        ("pi_3", 0) => (503, "Retry-After: 0", String::new()),
        _ => payment(last, "SETTLED"),
    });
    let ran = api.run(home.path(), &["--from", &list(home.path(), &payments(8)), "--json"]);
    let records = ran.records();
    assert_eq!((ran.status, api.asked().len()), (0, 11), "{} {:?}", ran.err, api.asked());
    let order: Vec<_> = records[..8].iter().map(|record| record["order"]["line"].as_u64().unwrap()).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn an_open_payment_is_polled_until_it_ends() {
    let home = home();
    let api = Api::new(|last, before| transaction(last, if before < 1 { "Processing" } else { "Success" }));
    let ran = api.run(home.path(), &["PLS-1", "--wait", "1m"]);
    assert_eq!((ran.status, api.asked().len()), (0, 2), "{}", ran.err);
    assert!(ran.out.starts_with("matched"), "{}", ran.out);
    let api = Api::new(|last, _| transaction(last, "Pending"));
    assert_eq!(api.run(home.path(), &["PLS-1"]).status, 0);
    let ran = api.run(home.path(), &["PLS-1", "--wait", "1s"]);
    assert_eq!(ran.status, 1, "still open after the wait: {}", ran.out);
}

#[test]
fn a_bad_line_is_reported_and_the_others_are_looked_up() {
    let home = home();
    let api = Api::new(|last, _| payment(last, "SETTLED"));
    let ran = api.run(home.path(), &["--from", &list(home.path(), "id,amount\n\"pi_1\"x,100\npi_2,10000\n,5\n")]);
    assert_eq!((ran.status, api.asked()), (3, vec!["/v1/payments/pi_2".to_owned()]), "{}", ran.err);
    assert!(ran.err.contains("line 2 of the list") && ran.err.contains("line 4 of the list"), "{}", ran.err);
    assert!(ran.err.contains("line 4 of the list") && ran.out.contains("2 lines could not be read"), "{}", ran.err);
    let ran = api.run(home.path(), &["--from", &list(home.path(), "id,amount\npi_1,100.00\n"), "--decimal"]);
    assert_eq!(ran.status, 0, "{}", ran.out);
}

#[test]
fn csv_output_has_one_row_per_reference_and_nothing_else() {
    let home = home();
    let api = Api::new(|last, _| payment(last, "SETTLED"));
    let ran = api.run(home.path(), &["--from", &list(home.path(), "id,status\npi_1,failed\n\"pi_2\",\n"), "--csv"]);
    let mut table = csv::Reader::from_reader(ran.out.as_bytes());
    let rows: Vec<HashMap<String, String>> = table.deserialize().map(|row| row.unwrap()).collect();
    assert_eq!((ran.status, rows.len()), (1, 2));
    assert_eq!(
        (rows[0]["class"].as_str(), rows[0]["why"].as_str()),
        ("status_differs", "the order says failed, the record says SETTLED")
    );
    for classes in ["differences", "status_differs, differences,", ",differences"] {
        let only = api.run(home.path(), &["pi_1", "pi_2", "--only", classes, "--csv"]);
        assert_eq!(only.out.lines().count(), 1, "{classes}: {}", only.out);
    }
    let empty = api.run(home.path(), &["pi_1", "--only", " , ", "--csv"]);
    assert_eq!((empty.status, empty.out.as_str()), (2, ""));
}

#[test]
fn a_stopped_run_can_only_be_resumed_with_the_same_input_and_api() {
    let home = home();
    let (orders, journal) = (list(home.path(), &payments(40)), home.path().join("journal"));
    let words = ["--from", &orders, "--resume", journal.to_str().unwrap(), "--json", "--concurrency", "4"];
    let first = Api::new(|last, _| match last {
        "pi_25" => (401, "", "{}".to_owned()),
        _ => payment(last, "SETTLED"),
    });
    let url = first.url.clone();
    let ran = first.run(home.path(), &words);
    let records = ran.records();
    assert_eq!((ran.status, &records.last().unwrap()["partial"]), (4, &Value::from(true)), "{}", ran.err);
    let known = records.len() - 1;
    assert!((20..40).contains(&known) && ran.err.contains("run the same command again"), "{known} {}", ran.err);

    // The last line is incomplete, as after a crash.
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes.truncate(bytes.len() - 7);
    std::fs::write(&journal, &bytes).unwrap();
    let second = Api::new(|last, _| payment(last, "SETTLED"));
    let as_before = |mut command: Command| {
        Ran::of(command.env("PLEXOS_API_URL", &url).env("PLUSTIVE_API_URL", &url).output().unwrap())
    };
    drop(first);
    let elsewhere = second.run(home.path(), &words);
    assert_eq!((elsewhere.status, second.asked().len()), (2, 0), "{}", elsewhere.err);
    assert!(elsewhere.err.contains("another API"), "{}", elsewhere.err);
    let refused = list(home.path(), &payments(41));
    let other = as_before(second.command(home.path(), &["--from", &refused, "--resume", journal.to_str().unwrap()]));
    assert!(other.status == 2 && other.err.contains("another input"), "{}", other.err);
}

#[test]
fn a_resumed_run_looks_up_only_the_rest_and_counts_everything() {
    let home = home();
    let (orders, journal) = (list(home.path(), &payments(40)), home.path().join("journal"));
    let words = ["--from", &orders, "--resume", journal.to_str().unwrap(), "--json", "--concurrency", "4"];
    let is_let = Arc::new(Mutex::new(false));
    let asked_for = Arc::clone(&is_let);
    let api = Api::new(move |last, _| match last {
        "pi_25" if !*asked_for.lock().unwrap() => (401, "", "{}".to_owned()),
        _ => payment(last, "SETTLED"),
    });
    assert_eq!(api.run(home.path(), &words).status, 4);
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes.truncate(bytes.len() - 7);
    std::fs::write(&journal, &bytes).unwrap();
    // The last line is incomplete.
    let lines =
        bytes.split(|byte| *byte == b'\n').skip(1).filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let known: Vec<_> = lines.map(|line| format!("/v1/payments/{}", line["reference"].as_str().unwrap())).collect();
    assert!(known.len() >= 20, "{known:?}");
    *is_let.lock().unwrap() = true;
    let ran = api.run(home.path(), &words);
    assert_eq!(ran.status, 0, "{}", ran.err);
    // A request of the first run that was in flight at its end may be noted late.
    let asked = api.asked();
    assert!(known.iter().all(|path| asked.iter().filter(|other| *other == path).count() == 1), "{asked:?}");
    assert_eq!(ran.records().last().unwrap()["classes"]["settled_agreed"], 40);
    assert!(ran.err.contains("answers known\n"), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_shows_its_results_as_partial() {
    let home = home();
    let (started_sender, started): (_, Receiver<()>) = channel();
    let (hold, held) = channel::<()>();
    let (started_sender, held) = (Mutex::new(started_sender), Mutex::new(held));
    let api = Api::new(move |last, _| {
        if last == "pi_3" {
            started_sender.lock().unwrap().send(()).unwrap();
            // Blocks until the end of the test.
            let _ = held.lock().unwrap().recv();
        }
        payment(last, "SETTLED")
    });
    let words = ["pi_1", "pi_2", "pi_3", "--concurrency", "1"];
    let child = api.command(home.path(), &words).spawn().unwrap();
    started.recv().unwrap();
    let kill = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(kill.success());
    let ran = Ran::of(child.wait_with_output().unwrap());
    drop(hold);
    assert_eq!(ran.status, 130, "{}", ran.err);
    assert!(ran.out.contains("pi_2") && ran.out.contains("partial: "), "{}", ran.out);
    assert!(ran.out.starts_with("matched") && !ran.out.contains("pi_3"), "{}", ran.out);
}

#[test]
fn a_key_from_a_flag_goes_to_one_provider_only() {
    let home = home();
    let api = Api::new(
        |last, _| if last.starts_with("pi_") { payment(last, "SETTLED") } else { transaction(last, "Success") },
    );
    let ran = api.run(home.path(), &["pi_1", "PLS-1", "--api-url", &api.url, "--concurrency", "1"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(api.asked().iter().all(|path| !path.contains("PLS-1")));
}

#[test]
fn journal_and_replay_list_get_their_folders_and_a_journal_has_one_writer() {
    let (api, home) = (Api::new(|reference, _| transaction(reference, "Success")), home());
    let path = |flag: &str| home.path().join("deep").join(flag).join("file");
    for flag in ["--resume", "--replay-list"] {
        assert_eq!(api.run(home.path(), &["PLS-1", flag, path(flag).to_str().unwrap()]).status, 0);
        assert!(path(flag).exists());
    }
    let path = path("--resume");
    let words = ["PLS-1", "--resume", path.to_str().unwrap()];
    let text = std::fs::read(&path).unwrap();
    let other = whtool::edge::Machine.append(&path).unwrap();
    let run = api.run(home.path(), &words);
    assert_eq!((run.status, std::fs::read(&path).unwrap()), (3, text), "{}", run.err);
    assert!(run.err.contains("another whtool process is writing to it"), "{}", run.err);
    drop(other);
    assert_eq!(api.run(home.path(), &words).status, 0);
}

#[test]
fn an_unclosed_quote_in_a_list_is_an_error_with_its_line() {
    let (api, home) = (Api::new(|reference, _| transaction(reference, "Success")), home());
    let file = list(home.path(), &format!("reference\nPLS-1\n\"PLS-2\n{}", "PLS-3\n".repeat(300)));
    let run = api.run(home.path(), &["--from", &file]);
    assert_eq!(run.status, 3, "{}", run.err);
    assert!(run.err.contains("line 3 of the list: a quote is not closed"), "{}", run.err);
    assert_eq!(api.asked().len(), 301);
}

#[test]
fn a_file_that_is_not_a_journal_is_not_overwritten() {
    let (api, home) = (Api::new(|reference, _| transaction(reference, "Success")), home());
    for text in ["one line without an end", "{\"a\":1}\n", "two\nlines"] {
        let file = list(home.path(), text);
        let run = api.run(home.path(), &["PLS-1", "--resume", &file]);
        assert_eq!(run.status, 2, "{}", run.err);
        assert!(run.err.contains("not a journal"), "{}", run.err);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    let file = list(home.path(), "{\"schema\":\"whtool.jour");
    #[cfg(unix)]
    for flag in ["--resume", "--replay-list"] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        let run = api.run(home.path(), &["PLS-1", flag, &file]);
        assert_eq!(run.status, 3, "{}", run.err);
        assert!(run.err.contains(&format!("chmod 600 {file}")), "{}", run.err);
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    }
    assert_eq!(
        api.run(home.path(), &["PLS-1", "--resume", &file]).status,
        0,
        "a journal with a part of its first line starts over"
    );
    // The first line, the answer, and the end of the run.
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3);
}

#[test]
fn a_reference_without_an_api_call_lists_what_can_be_looked_up() {
    let api = Api::new(|_, _| (200, "", String::new()));
    let home = tempfile::tempdir().unwrap();
    let output = api.command(home.path(), &["evt_123"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("payments (pi_…)") && !text.contains("try again later"), "{text}");
    assert!(api.asked().is_empty());
}

#[test]
fn without_references_the_error_lists_all_sources() {
    let run = crate::common::TestWorld::default().run(&["reconcile"]);
    assert!(
        run.status == 2 && ["--from", "--since", "--open"].iter().all(|flag| run.err.contains(flag)),
        "{}",
        run.err
    );
}

/// Runs a list with one order of each kind, with columns named by flags.
fn run_with_differences(flags: &[&str]) -> Ran {
    let home = home();
    let api = Api::new(|last, _| match last {
        "pi_404" => (404, "", "{}".to_owned()),
        "pi_frozen" => payment(last, "FROZEN"),
        "pi_open" => payment(last, "USER_CONFIRMING"),
        _ => payment(last, "SETTLED"),
    });
    let orders = "reference,Payment ID,state,gross,currency\n\
        1001,pi_match,paid,100.00,CVE\n\
        1002,pi_status,failed,100.00,CVE\n\
        1003,pi_amount,paid,99.50,AOA\n\
        1004,pi_404,paid,100.00,CVE\n\
        1005,pi_frozen,shipped,100.00,CVE\n\
        1006,pi_open,pending,100.00,CVE\n\
        1007,pi_bad,paid,1e2,CVE\n";
    let list = list(home.path(), orders);
    let words = ["--from", &list, "--column", "reference=payment id", "--column", "amount=gross", "--decimal"];
    api.run(home.path(), &[&words[..], &["--concurrency", "1"], flags].concat())
}

#[test]
fn text_output_shows_every_difference_its_advice_and_the_totals() {
    let ran = run_with_differences(&[]);
    insta::assert_snapshot!(format!("{}---- stderr\n{}---- status {}", ran.out, ran.err, ran.status));
}

#[test]
fn csv_output_shows_every_difference() {
    insta::assert_snapshot!(run_with_differences(&["--csv"]).out);
}

#[test]
fn json_output_shows_every_difference() {
    let ran = run_with_differences(&["--json"]);
    crate::formats::check_records(ran.out.as_bytes());
    insta::assert_snapshot!(ran.out);
}

#[test]
fn a_resumed_run_continues_from_a_journal_of_a_fixed_format() {
    let (api, home) = (Api::new(|last, _| payment(last, "SETTLED")), home());
    let orders = list(home.path(), "id,gross\npi_1,100.00\npi_2,100.00\n");
    let journal = home.path().join("journal");
    // printf 'id,gross\npi_1,100.00\npi_2,100.00\n' | sha256sum
    let sum = "07818ba7c10a96dbb735f73176c356b5895af493ee8f70dc388807ea1c953109";
    let header = format!(
        r#"{{"schema":"whtool.journal/3","started":"{1}","input":{{"references":[],"list":"{sum}","columns":["reference=id","amount=gross"],"decimal":true,"status":[],"open":false,"since":null,"provider":"plexos"}},"apis":["{0}/","{0}/"]}}"#,
        api.url,
        whtool::edge::Machine.now(),
    );
    let answer = r#"{"line":2,"reference":"pi_1","provider":"plexos","answer":{"id":"pi_1","amount":"10000","currency":"CVE","status":"SETTLED"}}"#;
    let words = ["--from", &orders, "--column", "reference=id", "--column", "amount=gross", "--decimal"];
    let words = [&words[..], &["--provider", "plexos", "--resume", journal.to_str().unwrap()]].concat();
    let write = |text: &str| {
        std::fs::write(&journal, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&journal, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    write(&format!("{header}\n{answer}\n"));
    let ran = api.run(home.path(), &words);
    assert_eq!((ran.status, api.asked()), (0, vec!["/v1/payments/pi_2".to_owned()]), "{}", ran.err);
    for (change, reason) in [
        (r#""decimal":true"#, "another input"),
        (r#""amount=gross""#, "another input"),
        (r#""plexos"}"#, "another input"),
        ("journal/3", "another version of whtool"),
    ] {
        let other =
            change.replace("true", "false").replace("gross", "net").replace("plexos", "plustive").replace('3', "2");
        let text = header.replace(change, &other) + "\n";
        write(&text);
        let ran = api.run(home.path(), &words);
        assert_eq!(ran.status, 2, "{change}: {}", ran.err);
        assert!(ran.err.contains(reason), "{change}: {}", ran.err);
        assert_eq!(std::fs::read_to_string(&journal).unwrap(), text, "{change}");
    }
}
