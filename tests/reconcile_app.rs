//! `reconcile`, its replay list and `replay` together, with an app that books money and knows events
//! by their id alone.

use crate::process::{Listener, PLEXOS_SECRET, whtool};
use crate::reconcile::{Api, Ran, home, list, payment, transaction};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

#[derive(Default)]
struct Books {
    events: BTreeSet<String>,
    /// How often each payment was booked.
    booked: BTreeMap<String, u32>,
    /// Payments whose next event is answered with 500.
    failing: BTreeSet<String>,
}

/// An app with an order per payment. It books a payment for each event id that it has not seen.
struct App {
    url: String,
    books: Arc<Mutex<Books>>,
}

impl App {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let books = Arc::new(Mutex::new(Books::default()));
        let shared = Arc::clone(&books);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let books = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &books));
            }
        });
        Self { url, books }
    }

    fn booked(&self, payment: &str) -> u32 {
        self.books.lock().unwrap().booked.get(payment).copied().unwrap_or_default()
    }

    fn fail_next(&self, payment: &str) {
        self.books.lock().unwrap().failing.insert(payment.to_owned());
    }

    /// Exports the orders of these payments.
    fn orders(&self, payments: &[&str]) -> String {
        let row = |(number, payment): (usize, &&str)| {
            let status = if self.booked(payment) > 0 { "paid" } else { "pending" };
            format!("{},{payment},{status},10000,CVE\n", 1001 + number)
        };
        let rows: String = payments.iter().enumerate().map(row).collect();
        format!("order_number,payment_id,status,amount,currency\n{rows}")
    }

    /// Delivers the provider's own event, without whtool in between.
    fn receive_directly(&self, payment: &str) {
        let body = event(payment);
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        stream.read_to_string(&mut String::new()).unwrap();
    }
}

fn serve(stream: TcpStream, books: &Mutex<Books>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let head: Vec<String> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        if head.is_empty() {
            return;
        }
        let length = head.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let status = book(&serde_json::from_slice(&body).unwrap(), &mut books.lock().unwrap());
        let is_last = head.iter().any(|line| line.eq_ignore_ascii_case("connection: close"));
        let answer = format!("HTTP/1.1 {status} App\r\nContent-Length: 0\r\n\r\n");
        if writer.write_all(answer.as_bytes()).is_err() || is_last {
            return;
        }
    }
}

fn book(event: &Value, books: &mut Books) -> u16 {
    let payment = event["data"]["id"].as_str().unwrap().to_owned();
    if books.failing.remove(&payment) {
        return 500;
    }
    if event["type"] == "payment.debited" && books.events.insert(event["id"].as_str().unwrap().to_owned()) {
        *books.booked.entry(payment).or_default() += 1;
    }
    200
}

/// The provider's own event about a payment.
fn event(payment: &str) -> String {
    format!(
        r#"{{"id":"evt_of_{payment}","type":"payment.debited","data":{{"id":"{payment}","amount":"10000","currency":"CVE","status":"DEBITED"}},"createdAt":"2026-06-12T10:14:00Z"}}"#
    )
}

struct Shop {
    home: TempDir,
    app: App,
    api: Api,
    payments: Vec<&'static str>,
}

impl Shop {
    fn new(payments: &[&'static str]) -> Self {
        let api = Api::new(|last, _| payment(last, "DEBITED"));
        Self { home: home(), app: App::start(), api, payments: payments.to_vec() }
    }

    fn replay_list(&self) -> PathBuf {
        self.home.path().join("missed")
    }

    fn listed(&self) -> Vec<String> {
        std::fs::read_to_string(self.replay_list()).unwrap().lines().map(str::to_owned).collect()
    }

    fn reconcile(&self) -> Ran {
        let orders = list(self.home.path(), &self.app.orders(&self.payments));
        let missed = self.replay_list();
        self.api.run(self.home.path(), &["--from", &orders, "--json", "--replay-list", missed.to_str().unwrap()])
    }

    fn classes(ran: &Ran) -> Vec<String> {
        let records = ran.records();
        crate::formats::check_records(ran.out.as_bytes());
        records.iter().filter_map(|record| Some(record.get("class")?.as_str()?.to_owned())).collect()
    }

    /// Sends the provider's event to a listener, signed with the provider's secret.
    fn deliver(&self, listener: &Listener, payment: &str) {
        let path = self.home.path().join("event.json");
        std::fs::write(&path, event(payment)).unwrap();
        let words = ["replay", path.to_str().unwrap(), "--provider", "plexos", "--to", &listener.url];
        whtool(self.home.path(), &words).env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET).output().unwrap();
    }

    fn replay(&self) {
        let missed = self.replay_list();
        let words = ["replay", "--from", missed.to_str().unwrap(), "--to", &self.app.url];
        let output = whtool(self.home.path(), &words).env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Checks that every payment is booked exactly once, and that nothing is left to do.
    fn check_settled(&self) {
        let ran = self.reconcile();
        assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
        assert_eq!(self.listed(), Vec::<String>::new());
        for payment in &self.payments {
            assert_eq!(self.app.booked(payment), 1, "{payment}");
        }
    }
}

fn listen(home: &Path, app: Option<&str>) -> Listener {
    match app {
        Some(url) => Listener::start(home, &["--forward-to", url, "--passthrough"]),
        None => Listener::start(home, &[]),
    }
}

#[test]
fn paid_orders_without_captures_are_never_sent_again() {
    let shop = Shop::new(&["pi_1", "pi_2"]);
    shop.payments.iter().for_each(|payment| shop.app.receive_directly(payment));
    let ran = shop.reconcile();
    assert_eq!((Shop::classes(&ran), shop.listed().len()), (vec!["settled_agreed".to_owned(); 2], 0));
    assert_eq!(ran.records()[2]["uncaptured"], 2);
    // A capture of something else changes nothing.
    let listener = listen(shop.home.path(), None);
    shop.deliver(&listener, "pi_other");
    let again = shop.reconcile();
    assert_eq!((again.status, Shop::classes(&again)), (0, vec!["settled_agreed".to_owned(); 2]), "{}", again.err);
    shop.check_settled();
}

#[test]
fn open_orders_without_captures_are_booked_once_by_rebuilt_events() {
    let shop = Shop::new(&["pi_1", "pi_2", "pi_3"]);
    shop.app.receive_directly("pi_2");
    let ran = shop.reconcile();
    assert_eq!(
        (ran.status, Shop::classes(&ran)),
        (1, ["order_behind", "settled_agreed", "order_behind"].map(str::to_owned).to_vec())
    );
    let listed = shop.listed();
    assert!(listed.len() == 2 && listed[0].contains("pi_1") && listed[1].contains("pi_3"), "{listed:?}");
    assert!(ran.err.contains("another id than the provider's own"), "{}", ran.err);
    // The same list again: an unrelated capture is no evidence.
    let listener = listen(shop.home.path(), None);
    shop.deliver(&listener, "pi_other");
    assert_eq!((Shop::classes(&shop.reconcile()), shop.listed()), (Shop::classes(&ran), listed));
    shop.replay();
    shop.replay();
    shop.check_settled();
}

#[test]
fn an_open_order_with_a_capture_gets_the_providers_own_event_and_a_later_delivery_changes_nothing() {
    let shop = Shop::new(&["pi_1", "pi_2"]);
    // Captured, but not forwarded to any app.
    let listener = listen(shop.home.path(), None);
    shop.deliver(&listener, "pi_1");
    let ran = shop.reconcile();
    assert_eq!(Shop::classes(&ran), ["order_behind", "order_behind"]);
    assert_eq!((&ran.records()[0]["replay"], &ran.records()[1]["replay"]), (&"captured".into(), &"rebuilt".into()));
    shop.replay();
    shop.app.receive_directly("pi_1");
    shop.check_settled();
}

#[test]
fn an_app_that_failed_once_books_once_whether_the_provider_tries_again_or_not() {
    let shop = Shop::new(&["pi_retried", "pi_missed"]);
    let listener = listen(shop.home.path(), Some(&shop.app.url));
    for payment in &shop.payments {
        shop.app.fail_next(payment);
        shop.deliver(&listener, payment);
        assert_eq!(shop.app.booked(payment), 0);
    }
    shop.app.receive_directly("pi_retried");
    let ran = shop.reconcile();
    assert_eq!(Shop::classes(&ran), ["settled_agreed", "order_behind"]);
    let findings = ran.records()[1]["findings"].as_array().unwrap().clone();
    assert_eq!(findings[1]["class"], "app_did_not_take");
    assert_eq!(shop.listed().len(), 1);
    shop.replay();
    // The provider's own retry comes after all.
    shop.app.receive_directly("pi_missed");
    shop.check_settled();
}

#[test]
fn a_payment_that_another_order_has_taken_is_not_sent_again() {
    let shop = Shop::new(&["pi_1"]);
    let reconcile = |orders: &str| {
        let missed = shop.replay_list();
        let words = ["--from", &list(shop.home.path(), orders), "--json", "--replay-list", missed.to_str().unwrap()];
        let ran = shop.api.run(shop.home.path(), &words);
        (Shop::classes(&ran), ran.records().last().unwrap()["money"].clone(), shop.listed().len())
    };
    let money = |class: &str| serde_json::json!([{"currency": "CVE", "class": class, "references": 1, "minor": "10000", "amount": "100.00"}]);
    let classes = |words: [&str; 2]| words.map(str::to_owned).to_vec();
    let behind = classes(["order_behind", "duplicate_order"]);
    assert_eq!(reconcile("id,status\npi_1,pending\npi_1,paid\n"), (behind.clone(), money("order_behind"), 0));
    assert_eq!(reconcile("id,status\npi_1,pending\npi_1,pending\n"), (behind, money("order_behind"), 1));
    let taken = classes(["settled_agreed", "duplicate_order"]);
    assert_eq!(reconcile("id,status\npi_1,paid\npi_1,pending\n"), (taken, money("settled_agreed"), 0));
}

#[test]
fn the_own_reference_of_a_purchase_and_that_of_the_provider_are_one_payment() {
    let (home, api) = (home(), Api::new(|_, _| transaction("PLS-1", "Success")));
    let orders = list(home.path(), "reference,status\nPLS-1,paid\norder-1,paid\n");
    let ran = api.run(home.path(), &["--from", &orders, "--json"]);
    let records = ran.records();
    assert_eq!((ran.status, &records[1]["class"]), (1, &"duplicate_order".into()), "{}", ran.err);
    assert_eq!(records[1]["findings"][0]["why"], "the same payment as PLS-1 in line 2");
    assert_eq!(records[2]["money"].as_array().unwrap().len(), 1);
    // Given twice on the command line, it is one reference.
    assert_eq!(api.run(home.path(), &["PLS-1", "PLS-1", "--json"]).records().len(), 2);
}

#[test]
fn deliveries_with_the_local_test_secret_are_no_evidence_once_a_real_one_is_captured() {
    let shop = Shop::new(&["pi_def456"]);
    let listener = listen(shop.home.path(), None);
    shop.deliver(&listener, "pi_other");
    drop(listener);
    let listener = Listener::spawn(&mut whtool(shop.home.path(), &["listen", "--json", "--port", "0"]));
    let sample = ["replay", "payment.debited", "--to", &listener.url];
    assert!(whtool(shop.home.path(), &sample).output().unwrap().status.success());
    let bare = list(shop.home.path(), "reference\npi_def456\n");
    let ran = shop.api.run(shop.home.path(), &["--from", &bare, "--json"]);
    assert_eq!(Shop::classes(&ran), ["never_delivered"]);
    let open = shop.api.run(shop.home.path(), &["--from", &bare, "--open", "--json"]);
    assert_eq!(Shop::classes(&open), ["never_delivered"]);
    let ran = shop.reconcile();
    assert_eq!(
        (Shop::classes(&ran), &ran.records()[0]["replay"]),
        (vec!["order_behind".to_owned()], &"rebuilt".into())
    );
}

#[test]
fn a_replay_list_replaces_nothing_but_a_replay_list_and_only_at_the_end() {
    let (home, api) = (
        home(),
        Api::new(|last, _| if last == "pi_stop" { (401, "", "{}".to_owned()) } else { payment(last, "DEBITED") }),
    );
    let orders = list(home.path(), "id,status\npi_1,pending\n");
    let run = |words: &[&str], target: &Path| {
        api.run(home.path(), &[words, &["--replay-list", target.to_str().unwrap()]].concat())
    };
    let private = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path
    };
    // Its own input, even if that looks like a list of captures; and any other file.
    let numbers = private("numbers", "1\n2\n");
    for (words, target) in [
        (vec!["--from", numbers.to_str().unwrap()], numbers.clone()),
        (vec!["--from", &orders], private("notes", "call Joana\n")),
        (vec!["--from", &orders], private("other", "id,status\npi_1,paid\n")),
    ] {
        let before = std::fs::read(&target).unwrap();
        let ran = run(&words, &target);
        assert!((2..=3).contains(&ran.status), "{}", ran.err);
        assert_eq!(std::fs::read(&target).unwrap(), before);
    }
    assert!(api.asked().is_empty());
    // An earlier list stays while the run is not complete.
    let earlier = private("missed", "7\n");
    let mixed = private("mixed", "id,status\npi_1,pending\npi_stop,pending\n");
    let ran = run(&["--from", mixed.to_str().unwrap(), "--concurrency", "1"], &earlier);
    assert_eq!((ran.status, std::fs::read_to_string(&earlier).unwrap().as_str()), (4, "7\n"), "{}", ran.err);
    assert!(
        ran.err.contains("still the list of an earlier run") && ran.err.contains("1 missed event so far"),
        "{}",
        ran.err
    );
    let new = home.path().join("new");
    let ran = run(&["--from", mixed.to_str().unwrap(), "--concurrency", "1"], &new);
    assert_eq!(std::fs::read_to_string(&new).unwrap().lines().count(), 1);
    assert!(ran.err.contains("has only the events of the references that were looked up"), "{}", ran.err);
    assert_eq!(run(&["--from", &orders], &earlier).status, 1);
    assert!(std::fs::read_to_string(&earlier).unwrap().contains("pi_1"));
}

/// The answers of a day, by reference.
type Day = Arc<Mutex<BTreeMap<&'static str, &'static str>>>;

#[test]
fn a_finished_journal_is_not_continued_and_open_payments_are_asked_again() {
    let (home, day): (_, Day) = (home(), Arc::default());
    day.lock().unwrap().extend([("pi_1", "SETTLED"), ("pi_2", "CREATED")]);
    let answers = Arc::clone(&day);
    let api = Api::new(move |last, _| match answers.lock().unwrap().get(last) {
        Some(status) => payment(last, status),
        None => (401, "", "{}".to_owned()),
    });
    let journal = home.path().join("journal");
    let run = |rows: &str| {
        let before = api.asked().len();
        let words =
            ["--from", &list(home.path(), rows), "--resume", journal.to_str().unwrap(), "--concurrency", "1", "--json"];
        let ran = api.run(home.path(), &words);
        (ran.status, Shop::classes(&ran), api.asked().len() - before, ran.err)
    };
    let (status, classes, asked, err) = run("pi_1\npi_2\n");
    assert_eq!((status, classes, asked), (0, vec!["settled_agreed".to_owned(), "still_open".to_owned()], 2), "{err}");
    // The next day both have changed, and the list, too.
    day.lock().unwrap().extend([("pi_1", "FAILED"), ("pi_2", "SETTLED"), ("pi_3", "CREATED")]);
    let (_, classes, asked, err) = run("pi_1\npi_2\npi_3\npi_stop\n");
    assert_eq!((classes.len(), asked), (3, 4), "{err}");
    assert!(err.contains("is finished: starting a new one"), "{err}");
    // That run was interrupted: what has ended is known, what is open is asked.
    day.lock().unwrap().extend([("pi_1", "EXPIRED"), ("pi_3", "SETTLED"), ("pi_stop", "SETTLED")]);
    let (status, classes, asked, err) = run("pi_1\npi_2\npi_3\npi_stop\n");
    assert_eq!((status, classes, asked), (0, vec!["settled_agreed".to_owned(); 4], 2), "{err}");
    assert!(err.contains("2 answers known"), "{err}");
}

#[test]
fn a_reference_that_fails_last_or_first_has_its_row() {
    let home = home();
    let orders = list(home.path(), "pi_0\npi_1\npi_2\n");
    for failing in ["pi_0", "pi_2"] {
        let api =
            Api::new(move |last, _| if last == failing { (500, "", String::new()) } else { payment(last, "SETTLED") });
        for flags in [["--concurrency", "1"], ["--rate", "100"]] {
            let ran = api.run(home.path(), &[&["--from", &orders, "--json", "--retry", "1"][..], &flags].concat());
            let records = ran.records();
            let of = |index: usize| (records[index]["reference"].clone(), records[index]["class"].clone());
            let row = (0..3).map(of).find(|(reference, _)| reference == failing);
            assert_eq!(row, Some((failing.into(), "could_not_tell".into())), "{}", ran.err);
            assert_eq!((ran.status, &records[3]["partial"]), (3, &Value::from(false)), "{}", ran.err);
        }
    }
}

#[test]
fn html_as_the_first_answer_of_a_resumed_run_is_about_that_reference_alone() {
    let (home, is_first) = (home(), Arc::new(Mutex::new(true)));
    let first = Arc::clone(&is_first);
    let api = Api::new(move |last, _| match last {
        "pi_1" if *first.lock().unwrap() => (401, "", "{}".to_owned()),
        "pi_1" => (200, "", "<html>".to_owned()),
        _ => payment(last, "SETTLED"),
    });
    let (orders, journal) = (list(home.path(), "pi_0\npi_1\npi_2\n"), home.path().join("journal"));
    let words = ["--from", &orders, "--resume", journal.to_str().unwrap(), "--concurrency", "1", "--json"];
    assert_eq!(api.run(home.path(), &words).status, 4);
    *is_first.lock().unwrap() = false;
    let ran = api.run(home.path(), &words);
    assert_eq!(Shop::classes(&ran), ["settled_agreed", "could_not_tell", "settled_agreed"]);
    assert_eq!(ran.status, 3, "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn answers_are_in_the_journal_while_another_reference_hangs() {
    let home = home();
    let journal = home.path().join("journal");
    let (sender, started) = std::sync::mpsc::channel::<()>();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let (sender, held) = (Mutex::new(sender), Mutex::new(held));
    let api = Api::new(move |last, _| {
        if last == "pi_1" {
            sender.lock().unwrap().send(()).unwrap();
            let _ = held.lock().unwrap().recv();
        }
        payment(last, "SETTLED")
    });
    let orders = list(home.path(), "pi_0\npi_1\n");
    let words = ["--from", &orders, "--resume", journal.to_str().unwrap(), "--concurrency", "1"];
    let mut child = api.command(home.path(), &words).spawn().unwrap();
    started.recv().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(hold);
    let text = std::fs::read_to_string(&journal).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains(r#""reference":"pi_0""#)).count(), 1, "{text}");
}

#[test]
fn statuses_that_are_unknown_are_counted_and_no_success_until_they_have_a_meaning() {
    let (home, api) = (home(), Api::new(|last, _| payment(last, "SETTLED")));
    let orders = list(home.path(), "id,status\npi_1,Fulfilled\npi_2,fulfilled\npi_3,paid\npi_4,chargeback\n");
    let ran = api.run(home.path(), &["--from", &orders, "--json"]);
    let records = ran.records();
    assert_eq!(Shop::classes(&ran), ["could_not_tell", "could_not_tell", "settled_agreed", "could_not_tell"]);
    assert_eq!((ran.status, &records[0]["unrecognizedStatus"]), (3, &"Fulfilled".into()));
    let words = serde_json::json!({"Fulfilled": 1, "chargeback": 1, "fulfilled": 1});
    assert_eq!((&records[4]["unrecognizedStatuses"], &records[4]["incomplete"]), (&words, &3.into()));
    assert!(ran.err.contains("`chargeback` (1)") && ran.err.contains("--status 'Fulfilled=MEANING'"), "{}", ran.err);
    let meanings = ["--status", "fulfilled=paid", "--status", "chargeback=refunded"];
    let ran = api.run(home.path(), &[&["--from", &orders, "--json"][..], &meanings].concat());
    assert_eq!((ran.status, Shop::classes(&ran)[3].as_str()), (1, "status_differs"), "{}", ran.err);
    assert_eq!(api.run(home.path(), &["--from", &orders, "--status", "fulfilled=shipped"]).status, 2);
}

#[test]
fn amounts_that_all_differ_by_a_hundred_are_explained_once() {
    let (home, api) = (home(), Api::new(|last, _| payment(last, "SETTLED")));
    let hint = |rows: &str, flags: &[&str]| {
        let orders = list(home.path(), &format!("id,amount\n{rows}"));
        api.run(home.path(), &[&["--from", &orders], flags].concat()).err
    };
    assert!(hint("pi_1,100\npi_2,100\n", &[]).contains("use --decimal"));
    assert!(hint("pi_1,10000\n", &["--decimal"]).contains("omit --decimal"));
    for rows in ["pi_1,100\npi_2,99\n", "pi_1,10000\n", "pi_1,100\npi_2,1000000\n"] {
        assert!(!hint(rows, &[]).contains("all differing amounts"), "{rows}");
    }
}
