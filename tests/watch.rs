//! `watch`: one round in a made-up world, and whole histories with an emulated provider and a shop
//! that books money.

use crate::common::TestWorld;
use crate::emulate::Emulated;
use crate::process::{available, whtool};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use tempfile::TempDir;

const KEY: &str = "sk_test_emulated_by_whtool";

fn payment(status: &str) -> Value {
    json!({"id": "pi_1", "externalId": null, "amount": "10000", "currency": "CVE", "status": status,
        "createdAt": "2025-01-15T09:00:00Z", "updatedAt": "2025-01-15T09:05:00Z"})
}

/// A world whose servers all answer with this payment.
fn world(status: &str, orders: &str) -> TestWorld {
    let mut world = TestWorld::with_secrets().file("orders.csv", orders).variable("PLEXOS_PAY_SECRET_KEY", "sk_test_1");
    world.said = Some(payment(status).to_string().into_bytes());
    world
}

const WATCH: [&str; 4] = ["watch", "--from", "orders.csv", "--once"];
const PENDING: &str = "reference,status,amount\npi_1,pending,10000\n";
const PAID: &str = "reference,status,amount\npi_1,paid,10000\n";

/// Replaces the list between two runs.
fn set_orders(world: &mut TestWorld, orders: &str) {
    world.files.insert(PathBuf::from("orders.csv"), orders.as_bytes().to_vec());
}

#[test]
fn a_difference_and_its_repair_are_printed_once_and_decide_the_status() {
    let mut world = world("DEBITED", PENDING);
    let first = world.run(&WATCH);
    assert_eq!(first.status, 1, "{}", first.err);
    assert!(first.text().contains("new difference"), "{}", first.text());
    let second = world.run(&WATCH);
    assert_eq!((second.status, second.text().as_str()), (1, ""));
    assert!(second.err.contains("round 1: 1 reference, 1 open difference in"), "{}", second.err);
    set_orders(&mut world, PAID);
    let third = world.run(&WATCH);
    assert_eq!(third.status, 0);
    assert!(third.text().contains("repaired"), "{}", third.text());
    assert_eq!(world.run(&WATCH).text(), "");
}

#[test]
fn an_empty_broken_or_missing_list_concludes_nothing() {
    let mut world = world("DEBITED", PENDING);
    world.run(&WATCH);
    for orders in ["", "reference,status\n", "amount;state\n1;2\n"] {
        set_orders(&mut world, orders);
        let run = world.run(&[&WATCH[..], &["--json"]].concat());
        assert_eq!(run.status, 3, "{orders:?}");
        assert!(run.json().iter().all(|record| record["change"] != "vanished" && record["change"] != "repaired"));
        assert_eq!(run.json().last().unwrap()["differences"]["open"], 1, "{orders:?}");
    }
    world.files.clear();
    assert_eq!(world.run(&WATCH).status, 3);
    set_orders(&mut world, PENDING);
    let back = world.run(&[&WATCH[..], &["--json"]].concat()).json();
    assert_eq!((&back[0]["change"], &back[0]["trouble"]), (&json!("trouble_ended"), &json!("orders")));
}

#[test]
fn a_known_difference_is_accepted_and_an_unreadable_file_of_them_concludes_nothing() {
    let mut world = world("DEBITED", PENDING);
    assert_eq!(world.run(&WATCH).status, 1);
    let words = [&WATCH[..], &["--known", "known", "--json"]].concat();
    assert_eq!(world.run(&words).status, 3);
    world.files.insert(PathBuf::from("known"), b"order_behind pi_1  # booked by hand\n".to_vec());
    let run = world.run(&words);
    assert!(run.json().iter().any(|record| record["change"] == "accepted"), "{}", run.text());
    assert_eq!(run.status, 0, "{}", run.err);
}

#[test]
fn nothing_is_delivered_to_another_machine_without_confirmation_or_without_a_secret() {
    let to = ["--deliver", "--to", "http://192.0.2.1/hooks"];
    let mut world = world("DEBITED", PENDING);
    let run = world.run(&[&WATCH[..], &to].concat());
    assert_eq!(run.status, 2);
    assert!(run.err.contains("--yes") && world.sent.lock().unwrap().is_empty(), "{}", run.err);
    world.variables.retain(|name, _| name == "PLEXOS_PAY_SECRET_KEY");
    let run = world.run(&[&WATCH[..], &["--deliver", "--to", "http://127.0.0.1/hooks"]].concat());
    assert_eq!(run.status, 4, "{}", run.err);
    assert!(world.sent.lock().unwrap().is_empty());
}

#[test]
fn rounds_repeat_until_the_signal_and_report_each_change_once() {
    let mut world = world("DEBITED", PENDING);
    world.waits = 3;
    let run = world.run(&["watch", "--from", "orders.csv", "--every", "15m", "--json"]);
    assert_eq!(run.status, 130, "{}", run.err);
    let records = run.json();
    let rounds: Vec<_> = records.iter().filter(|record| record["schema"] == "whtool.watch_round/1").collect();
    assert_eq!(rounds.len(), 4);
    assert_eq!(rounds[3]["started"], "2025-01-15T11:15:00Z");
    assert_eq!(records.iter().filter(|record| record["change"] == "new_difference").count(), 1);
    crate::formats::check_records(&run.out);
}

#[test]
fn a_record_that_changed_recently_is_left_alone() {
    // NOW is 10:30; the record changed at 09:05.
    let words = |older_than| [&WATCH[..], &["--older-than", older_than]].concat();
    assert_eq!(world("DEBITED", PENDING).run(&words("86m")).status, 0);
    assert_eq!(world("DEBITED", PENDING).run(&words("85m")).status, 1);
}

#[test]
fn without_an_api_key_the_first_round_ends_the_watch() {
    let mut world = world("DEBITED", PENDING);
    world.variables.remove("PLEXOS_PAY_SECRET_KEY");
    world.waits = 3;
    assert_eq!(world.run(&["watch", "--from", "orders.csv"]).status, 4);
}

/// The shop of `shop.py`.
struct Shop {
    child: Child,
    url: String,
    folder: TempDir,
}

impl Shop {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shop.py");
        let mut command = Command::new("python3");
        let mut child = command.arg(script).arg(folder.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned(), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn add_order(&self, payment: &str) {
        let body = json!({"payment": payment, "amount": 10_000}).to_string();
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        let head =
            format!("POST /orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Returns the rows of a query on the shop's database.
    fn rows(&self, sql: &str) -> Vec<String> {
        let database = rusqlite::Connection::open(self.path("shop.db")).unwrap();
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running watch.
struct Watching {
    child: Child,
    records: BufReader<ChildStdout>,
}

impl Watching {
    fn start(home: &Path, shop: &Shop, emulated: &Emulated, words: &[&str]) -> Self {
        let orders = shop.path("orders.csv");
        let fixed =
            ["watch", "--json", "-q", "--from", orders.to_str().unwrap(), "--older-than", "0s", "--every", "50ms"];
        let mut command = whtool(home, &[&fixed[..], words].concat());
        command.env("PLEXOS_API_URL", format!("http://{}/plexos", emulated.address)).env("PLEXOS_PAY_SECRET_KEY", KEY);
        command.env("PLEXOS_WEBHOOK_SECRET", std::fs::read_to_string(shop.path("secret")).unwrap());
        let mut child = command.spawn().unwrap();
        std::fs::write(shop.path("pid"), child.id().to_string()).unwrap();
        let records = BufReader::new(child.stdout.take().unwrap());
        Self { child, records }
    }

    /// The next record. `None`: it has ended.
    fn record(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.records.read_line(&mut line).unwrap();
        // A line may be cut off by SIGKILL.
        line.ends_with('\n').then(|| serde_json::from_str(&line).unwrap())
    }

    /// Reads records until one fulfils the condition. Returns false if the watch was killed.
    fn read_until(&mut self, seen: &mut Vec<Value>, is_end: impl Fn(&Value) -> bool) -> bool {
        while let Some(record) = self.record() {
            let found = is_end(&record);
            seen.push(record);
            if found {
                return true;
            }
        }
        false
    }

    /// Sends SIGTERM and returns the exit status.
    fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts an emulator that loses webhooks, and a shop with its endpoint.
fn lossy_provider(home: &Path, loss: &str) -> (Emulated, Shop) {
    let (emulated, shop) = (Emulated::start(home, &["--fault", loss]), Shop::start());
    let endpoint = json!({"url": shop.url, "events": ["payment.debited"], "description": ""});
    let endpoint = emulated.call("POST", "/plexos/v1/webhooks", &endpoint);
    std::fs::write(shop.path("secret"), endpoint["secret"].as_str().unwrap()).unwrap();
    (emulated, shop)
}

/// Makes payments that the customers confirm. Returns their ids.
fn confirmed_payments(emulated: &Emulated, shop: &Shop, count: usize) -> Vec<String> {
    let pay = |_| {
        let id = emulated.pay();
        shop.add_order(&id);
        emulated.call("POST", &format!("/plexos/v1/payments/{id}/confirm"), &Value::Null);
        id
    };
    (0..count).map(pay).collect()
}

#[test]
fn lost_webhooks_are_delivered_once_although_the_watch_is_killed_again_and_again() {
    if !available("python3") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (emulated, shop) = lossy_provider(home.path(), "drop=1");
    let payments = confirmed_payments(&emulated, &shop, 12);
    let plan = "kill-before take kill-after take refuse lose take kill-before kill-after take";
    std::fs::write(shop.path("plan"), plan.replace(' ', "\n")).unwrap();
    let alerts = shop.path("alerts");
    let alert = format!("cat >> {}", alerts.display());
    let words = ["--deliver", "--to", &shop.url, "--redeliver", "refused,unsure", "--alert", &alert];
    let (mut seen, mut starts) = (Vec::new(), 0);
    let lost = loop {
        starts += 1;
        assert!(starts < 20, "{seen:#?}");
        let mut watch = Watching::start(home.path(), &shop, &emulated, &words);
        // One event was accepted and lost: its order never agrees, and it is never sent again.
        let is_end = |record: &Value| {
            record["differences"]["open"] == 1 && record["unsentAlerts"] == 0 && shop.rows(NOT_PAID).len() == 1
        };
        if watch.read_until(&mut seen, |record| record["complete"] == true && is_end(record)) {
            assert_eq!(watch.terminate(), Some(0));
            break shop.rows(NOT_PAID).remove(0);
        }
    };
    assert_eq!(starts, 5, "four kills: {seen:#?}");
    let changes = |code: &str| seen.iter().filter(|record| record["change"] == code).collect::<Vec<_>>();
    assert!(changes("not_repaired").iter().all(|change| change["reference"] == lost.as_str()));
    let mut booked = shop.rows("SELECT payment FROM bookings ORDER BY payment");
    booked.push(lost.clone());
    booked.sort();
    let mut expected = payments.clone();
    expected.sort();
    assert_eq!(booked, expected, "each payment is booked once");
    // What was not repeated on request was sent once.
    let sent = |payment: &str| shop.rows(&format!("SELECT event FROM received WHERE payment = '{payment}'")).len();
    assert_eq!(sent(&lost), 1);
    let total: usize = payments.iter().map(|payment| sent(payment)).sum();
    assert_eq!(total, 12 + 2 + 1, "two were killed before they were booked, and one was refused");
    // Each change is alerted once.
    let alerts = std::fs::read_to_string(alerts).unwrap();
    let alerts: Vec<Value> = alerts.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let changes = alerts.iter().flat_map(|alert| alert["changes"].as_array().unwrap());
    // An alert may be sent again if the watch is killed right after it; its changes keep their numbers.
    let alerted: BTreeMap<_, _> = changes.map(|change| (change["number"].as_u64().unwrap(), change)).collect();
    let abouts: Vec<_> = alerted.values().map(|change| (&change["change"], &change["reference"])).collect();
    let twice = abouts.iter().find(|about| abouts.iter().filter(|other| other == about).count() > 1);
    assert_eq!(twice, None);
    assert_eq!(abouts.iter().filter(|(change, _)| *change == "repaired").count(), 11);
    crate::formats::check_records(
        &seen.iter().chain(&alerts).flat_map(|record| format!("{record}\n").into_bytes()).collect::<Vec<_>>(),
    );
}

const NOT_PAID: &str = "SELECT payment FROM orders WHERE status <> 'paid'";

#[test]
fn nothing_is_sent_again_after_a_kill_unless_it_is_asked_for() {
    if !available("python3") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (emulated, shop) = lossy_provider(home.path(), "drop=1");
    let payments = confirmed_payments(&emulated, &shop, 2);
    std::fs::write(shop.path("plan"), "kill-before\nkill-after").unwrap();
    let words = ["--deliver", "--to", &shop.url];
    let mut seen = Vec::new();
    for _ in 0..2 {
        assert!(!Watching::start(home.path(), &shop, &emulated, &words).read_until(&mut seen, |_| false));
    }
    let mut watch = Watching::start(home.path(), &shop, &emulated, &words);
    for _ in 0..3 {
        watch.read_until(&mut seen, |record| record["schema"] == "whtool.watch_round/1");
    }
    assert_eq!(watch.terminate(), Some(0));
    assert_eq!(shop.rows("SELECT event FROM received").len(), 2, "once each: {seen:#?}");
    let unsure = seen.iter().filter(|record| record["change"] == "delivery_failed" && record["outcome"] == "unsure");
    assert_eq!(unsure.count(), 2);
    let repaired: Vec<_> = seen.iter().filter(|record| record["change"] == "repaired").collect();
    assert_eq!(repaired.len(), 1, "{repaired:#?}");
    assert_eq!(repaired[0]["by"], "unknown");
    assert_eq!(shop.rows("SELECT payment FROM bookings").len(), 1);
    assert!(payments.iter().any(|payment| repaired[0]["reference"] == payment.as_str()));
}

#[test]
fn a_second_watch_of_the_same_store_is_refused() {
    if !available("python3") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (emulated, shop) = lossy_provider(home.path(), "drop=1");
    confirmed_payments(&emulated, &shop, 1);
    let mut watch = Watching::start(home.path(), &shop, &emulated, &[]);
    assert!(watch.read_until(&mut Vec::new(), |record| record["complete"] == true));
    let orders = shop.path("orders.csv");
    let second = whtool(home.path(), &["watch", "--from", orders.to_str().unwrap(), "--once"]).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(second.status.code() == Some(3) && said.contains("another whtool watch"), "{said}");
}

#[test]
fn a_stop_waits_for_the_delivery_under_way() {
    if !available("python3") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (emulated, shop) = lossy_provider(home.path(), "drop=1");
    confirmed_payments(&emulated, &shop, 1);
    // An app that reads the event, sends the signal, and answers afterwards.
    let app = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hooks", app.local_addr().unwrap());
    let mut watch = Watching::start(home.path(), &shop, &emulated, &["--deliver", "--to", &url]);
    let (mut stream, _) = app.accept().unwrap();
    let _ = stream.read(&mut [0; 65_536]).unwrap();
    let pid = watch.child.id().to_string();
    assert!(Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status().unwrap().success());
    stream.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    let mut seen = Vec::new();
    assert!(!watch.read_until(&mut seen, |_| false));
    assert!(seen.iter().any(|record| record["outcome"] == "accepted" && record["answer"] == 204), "{seen:#?}");
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}

/// Sends a GET and returns the answer.
fn get(address: &str, target: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn metrics_and_health_follow_the_rounds() {
    if !available("python3") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (emulated, shop) = lossy_provider(home.path(), "drop=1");
    confirmed_payments(&emulated, &shop, 2);
    let orders = shop.path("orders.csv");
    let words = ["watch", "--from", orders.to_str().unwrap(), "--older-than", "0s", "--every", "50ms"];
    let metrics = ["--metrics", "127.0.0.1:0", "--allow-host", "prometheus.test", "--alert", "exit 1"];
    let mut command = whtool(home.path(), &[&words[..], &metrics].concat());
    command.env("PLEXOS_API_URL", format!("http://{}/plexos", emulated.address)).env("PLEXOS_PAY_SECRET_KEY", KEY);
    let mut child = command.spawn().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address = messages.find_map(|line| {
        let rest = line.strip_prefix("metrics at http://")?;
        Some(rest.strip_suffix("/metrics").unwrap().to_owned())
    });
    let address = address.unwrap();
    // The page is published before the line of a round is printed.
    assert!(messages.any(|line| line.contains("2 open differences")));
    let page = get(&address, "/metrics", "localhost");
    assert!(page.contains("\nwhtool_watch_open_differences 2\n"), "{page}");
    assert!(page.contains("text/plain; version=0.0.4"), "{page}");
    assert!(get(&address, "/healthz", "prometheus.test").starts_with("HTTP/1.1 200"));
    assert!(get(&address, "/metrics", "evil.example").starts_with("HTTP/1.1 403"));
    assert!(get(&address, "/", "localhost").starts_with("HTTP/1.1 404"));
    let body = page.split_once("\r\n\r\n").unwrap().1;
    if available("promtool") {
        let mut check = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn().unwrap();
        check.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        assert!(check.wait().unwrap().success());
    }
    std::fs::remove_file(&orders).unwrap();
    assert!(messages.any(|line| line.contains("nothing concluded")));
    let health = get(&address, "/healthz", "localhost");
    assert!(health.starts_with("HTTP/1.1 503") && health.contains("the last round failed"), "{health}");
    let page = get(&address, "/metrics", "localhost");
    assert!(page.contains("whtool_watch_trouble{kind=\"orders\"} 1\n"), "{page}");
    child.kill().unwrap();
    child.wait().unwrap();
}
