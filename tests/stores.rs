//! What every store promises: one suite, which runs against SQLite and PostgreSQL.

use crate::common::{Run, TestWorld};
use crate::postgres_server::PostgresServer;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tempfile::TempDir;
use whtool::edge::Machine;
use whtool::model::exchange::Answer;
use whtool::model::message::{Headers, Request};
use whtool::model::money::Money;
use whtool::model::status::Status;
use whtool::model::stored::*;
use whtool::model::timestamp::Timestamp;
use whtool::model::verdict::VerdictCode;
use whtool::world::*;

/// 2025-01-15 10:30:00 UTC, in microseconds.
const START: i64 = 1_736_937_000_000_000;

const HOUR: i64 = 3_600_000_000;

/// The server that the tests share while any of them runs.
static SERVER: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());

/// Returns the shared server, or says that the test is skipped.
fn server() -> Option<Arc<PostgresServer>> {
    let mut shared = SERVER.lock().unwrap();
    if let Some(server) = shared.upgrade() {
        return Some(server);
    }
    let server = Arc::new(PostgresServer::start(&[])?);
    *shared = Arc::downgrade(&server);
    Some(server)
}

/// Creates an empty database, and returns its name and URL.
fn new_database(server: &PostgresServer) -> (String, String) {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let name = format!("store{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    server.run(&format!("CREATE DATABASE {name}"));
    let url = server.url();
    (name.clone(), format!("{}/{name}", url.rsplit_once('/').unwrap().0))
}

/// An empty store, and what keeps it.
struct TestStore {
    name: &'static str,
    location: StoreLocation,
    store: Box<dyn Store>,
    server: Option<Arc<PostgresServer>>,
    _folder: Option<TempDir>,
}

/// Returns an empty store of each kind that this machine has.
fn stores() -> Vec<TestStore> {
    let folder = tempfile::tempdir().unwrap();
    let location = StoreLocation::File(folder.path().join("captures.db"));
    let store = Machine.open_store(&location).unwrap();
    let mut stores = vec![TestStore { name: "SQLite", location, store, server: None, _folder: Some(folder) }];
    stores.extend(server().map(postgres_store));
    stores
}

fn location(url: PostgresUrl, inbox: &str) -> StoreLocation {
    StoreLocation::Postgres(PostgresStore { url, inbox: inbox.to_owned(), group: "tests".to_owned() })
}

fn postgres_store(server: Arc<PostgresServer>) -> TestStore {
    let url = PostgresUrl::new(&new_database(&server).1).unwrap();
    let location = location(url, "team/a");
    assert_eq!(Machine.prepare_store(&location, MissingStore::Create).unwrap(), SchemaChange::Created);
    let store = Machine.open_store(&location).unwrap();
    TestStore { name: "PostgreSQL", location, store, server: Some(server), _folder: None }
}

fn micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap()
}

/// Builds a verified delivery that arrived a number of seconds after the start.
fn capture(id: i64, seconds: i64) -> DeliverySummary {
    DeliverySummary {
        id: CaptureId(id),
        arrived: micros(START + seconds * 1_000_000),
        peer: Some("127.0.0.1:5000".to_owned()),
        provider: Some("plexos".to_owned()),
        verdict: VerdictCode::Verified,
        secret: Some("production".to_owned()),
        is_test: false,
        kind: Some("payment.debited".to_owned()),
        event_id: Some(format!("evt_{id}")),
        subject: Some(format!("pi_{}", id / 2)),
        status: Some("DEBITED".to_owned()),
        money: Some(Money { minor: 10_000, currency: "CVE".to_owned() }),
        answer: AnswerState::Answered(Status(200)),
        app: AppState::NotAsked,
        size: 2,
        omitted_body: None,
    }
}

fn copy(summary: DeliverySummary, body: &[u8], attempts: Vec<Attempt>) -> CopiedCapture {
    let summary = DeliverySummary { size: body.len() as u64, ..summary };
    let key = summary.event_id.clone();
    let request = Request { target: "/hooks?a=1".to_owned(), ..Request::post("/", body.to_vec()) };
    CopiedCapture { capture: StoredCapture::new(summary, request, attempts, Vec::new()), key }
}

fn attempt(url: &str, seconds: i64, outcome: Result<Answer, String>) -> Attempt {
    Attempt {
        at: micros(START + seconds * 1_000_000),
        url: url.to_owned(),
        took: Duration::from_micros(1_234),
        outcome,
    }
}

fn ids(found: &[DeliverySummary]) -> Vec<i64> {
    found.iter().map(|summary| summary.id.0).collect()
}

/// Captures with everything that could be damaged on the way.
fn hostile_captures() -> Vec<CopiedCapture> {
    let all_bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
    let long = "\u{1}é\0".repeat(4_000);
    let mut redirect = Answer::new(302, b"moved".to_vec());
    redirect.headers.push("location", b"/login").unwrap();
    let attempts = vec![
        attempt("http://localhost:3000/", 5, Err("connection refused\0".to_owned())),
        attempt("http://localhost:3000/", 6, Ok(redirect)),
        attempt("http://localhost:4000/", 7, Ok(Answer::new(200, vec![0, 255, 10]))),
    ];
    let hostile = DeliverySummary {
        provider: None,
        verdict: VerdictCode::Mismatch,
        secret: None,
        is_test: true,
        kind: Some("pay\0ment.%_[x]\\".to_owned()),
        event_id: Some(long.clone()),
        subject: Some("\u{1}".to_owned()),
        status: Some("'; DROP SCHEMA whtool; --\u{202e}".to_owned()),
        money: Some(Money { minor: i128::MIN, currency: "\0".to_owned() }),
        answer: AnswerState::Pending,
        app: AppState::Answered(Status(302)),
        arrived: micros(START + 1),
        ..capture(7, 0)
    };
    let mut headers = copy(hostile, &all_bytes, attempts);
    if let StoredCapture::Whole(stored) = &mut headers.capture {
        stored.request.headers = Headers::read(b"X-One:  a\xff\tb \r\nx-one: second\r\nEmpty:\r\n".to_vec()).unwrap();
        stored.request.target = "/\u{e9}?\u{1}0%00".to_owned();
        stored.request.method = "PUT".to_owned();
    }
    headers.key = Some(long);
    let bare = DeliverySummary {
        peer: None,
        provider: None,
        kind: None,
        event_id: None,
        subject: None,
        status: None,
        money: None,
        app: AppState::NoAnswer,
        arrived: Timestamp::UNIX_EPOCH,
        ..capture(8, 0)
    };
    let without_body = DeliverySummary {
        verdict: VerdictCode::Unsigned,
        omitted_body: Some(BodyHash([7; 32])),
        money: Some(Money { minor: i128::MAX, currency: String::new() }),
        ..capture(40, 3)
    };
    let mut without_body = copy(without_body, b"", Vec::new());
    if let StoredCapture::WithoutBody(head) = &mut without_body.capture {
        head.summary.size = 70_000;
    }
    vec![headers, copy(bare, b"", Vec::new()), without_body]
}

#[test]
fn captures_are_read_back_byte_for_byte_by_every_way_of_reading() {
    for mut test in stores() {
        let (name, captures) = (test.name, hostile_captures());
        test.store.insert_copies(&captures).unwrap();
        let mut each = Vec::new();
        let mut add = |capture| {
            each.push(capture);
            Ok(())
        };
        test.store.for_each(&Query::default(), &mut add).unwrap();
        let expected: Vec<_> = captures.iter().map(|copy| copy.capture.clone()).collect();
        assert_eq!(each, expected, "{name}");
        for copy in &captures {
            assert_eq!(test.store.load(copy.id()).unwrap().as_ref(), Some(&copy.capture), "{name}");
        }
        assert_eq!(test.store.copies_after(0).unwrap(), captures, "{name}");
        assert_eq!(test.store.copies_after(7).unwrap(), captures[1..], "{name}");
        let summaries: Vec<_> = captures.iter().map(|copy| copy.summary().clone()).collect();
        assert_eq!(test.store.list(&Query::default()).unwrap(), summaries, "{name}");
        assert_eq!(test.store.load(CaptureId(9)).unwrap(), None, "{name}");
        // All or none.
        let again = [copy(capture(50, 9), b"new", Vec::new()), captures[0].clone()];
        assert!(test.store.insert_copies(&again).is_err(), "{name}");
        assert_eq!(test.store.list(&Query::default()).unwrap().len(), 3, "{name}");
    }
}

/// Captures of several types, verdicts and answers, one each second.
fn mixed_captures() -> Vec<CopiedCapture> {
    let kinds =
        ["payment.debited", "payment.failed", "payment.[d]x", "payment.%", "Payment.Debited", "a.b", "payment.\u{1}"];
    let make = |number: i64| {
        let kind = kinds[usize::try_from(number).unwrap() % kinds.len()];
        let mut summary = DeliverySummary { kind: Some(kind.to_owned()), ..capture(number * 3, number) };
        match number % 6 {
            1 => summary.verdict = VerdictCode::TooOld,
            2 => summary.answer = AnswerState::Answered(Status(503)),
            3 => summary.app = AppState::Answered(Status(500)),
            4 => summary.app = AppState::NoAnswer,
            5 => (summary.is_test, summary.provider) = (true, Some("plustive".to_owned())),
            _ => {}
        }
        copy(summary, format!("{{\"a.c\": \"100%_{number}\"}}\u{0}é").as_bytes(), Vec::new())
    };
    (1..=40).map(make).collect()
}

/// The meaning of a query, without a database.
fn matches(query: &Query, copy: &CopiedCapture) -> bool {
    let summary = copy.summary();
    let StoredCapture::Whole(stored) = &copy.capture else { return false };
    let body = String::from_utf8_lossy(&stored.request.body).into_owned();
    let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
    let kinds = |kind: &String| query.kinds.iter().any(|glob| wildmatch::WildMatch::new(glob).matches(kind));
    query.ids.as_ref().is_none_or(|ids| ids.contains(&summary.id.0))
        && query.is_test.is_none_or(|is_test| is_test == summary.is_test)
        && is(&query.provider, &summary.provider)
        && is(&query.secret, &summary.secret)
        && query.verdict.is_none_or(|verdict| verdict == summary.verdict)
        && query.since.is_none_or(|since| summary.arrived >= since)
        && query.until.is_none_or(|until| summary.arrived < until)
        && (query.reference.is_none() || [&summary.event_id, &summary.subject].contains(&&query.reference))
        && (!query.failed || summary.has_failed())
        && query.grep.as_ref().is_none_or(|text| body.contains(text.as_str()))
        && (query.kinds.is_empty() || summary.kind.as_ref().is_some_and(kinds))
}

#[test]
fn every_filter_selects_what_it_says_and_nothing_else() {
    let captures = mixed_captures();
    let second = |second: i64| Some(micros(START + second * 1_000_000));
    let text = |text: &str| Some(text.to_owned());
    let all = Query::default;
    let mut queries = vec![
        all(),
        Query { ids: Some(4..=30), ..all() },
        Query { ids: Some(5..=5), ..all() },
        Query { is_test: Some(true), ..all() },
        Query { is_test: Some(false), provider: text("plexos"), ..all() },
        Query { secret: text("production"), verdict: Some(VerdictCode::TooOld), ..all() },
        Query { since: second(10), until: second(20), ..all() },
        Query { since: Some(Timestamp::MIN), until: Some(Timestamp::MAX), ..all() },
        Query { reference: text("evt_9"), ..all() },
        Query { reference: text("pi_6"), ..all() },
        Query { reference: text("evt_"), ..all() },
        Query { failed: true, ..all() },
        Query { grep: text("100%_1"), ..all() },
        Query { grep: text("a.c\": \"100%_4\"}\0é"), ..all() },
        Query { grep: text("aXc"), ..all() },
        Query { grep: text(""), ..all() },
    ];
    for globs in [
        &["payment.*"][..],
        &["payment.[d]*"],
        &["payment.?"],
        &["payment.%"],
        &["*.debited", "a.?"],
        &["?ayment.debited"],
        &["payment.d"],
        &["*"],
        &["**.*d"],
        &["payment.\u{1}"],
        &["a_b"],
        &["a.b"],
    ] {
        queries.push(Query { kinds: globs.iter().map(|&glob| glob.to_owned()).collect(), ..all() });
    }
    for mut test in stores() {
        test.store.insert_copies(&captures).unwrap();
        for query in &queries {
            let expected: Vec<_> =
                captures.iter().filter(|copy| matches(query, copy)).map(|copy| copy.id().0).collect();
            assert_eq!(ids(&test.store.list(query).unwrap()), expected, "{}: {query:?}", test.name);
            for limit in [1, 3, 1_000] {
                let limited = Query { limit: Some(limit), ..query.clone() };
                let newest = &expected[expected.len().saturating_sub(limit as usize)..];
                assert_eq!(ids(&test.store.list(&limited).unwrap()), newest, "{}: {limited:?}", test.name);
                let mut each = Vec::new();
                let mut add = |capture: StoredCapture| {
                    each.push(capture.require_body()?.summary.id.0);
                    Ok(())
                };
                test.store.for_each(&limited, &mut add).unwrap();
                assert_eq!(each, newest, "{}: {limited:?}", test.name);
                let counted: u64 = test.store.count_by_hour(&limited).unwrap().iter().map(|hour| hour.deliveries).sum();
                assert_eq!(counted, newest.len() as u64, "{}: {limited:?}", test.name);
            }
        }
    }
}

#[test]
fn deliveries_are_counted_by_hour_and_the_money_of_an_event_once() {
    let money = |minor: i128, currency: &str| Some(Money { minor, currency: currency.to_owned() });
    let event = |id: i64, hours: i64, key: Option<&str>, minor: i128, currency: &str| {
        let summary =
            DeliverySummary { arrived: micros(START + hours * HOUR), money: money(minor, currency), ..capture(id, 0) };
        CopiedCapture { key: key.map(str::to_owned), ..copy(summary, b"{}", Vec::new()) }
    };
    let refused = DeliverySummary { verdict: VerdictCode::Unsigned, ..capture(8, 0) };
    let captures = [
        event(1, 0, Some("a"), 100, "CVE"),
        event(2, 1, Some("a"), 999, "CVE"),
        event(3, 1, None, 5, "CVE"),
        event(4, 1, None, 5, "CVE"),
        event(5, 2, Some("b"), i128::MAX, "NGN"),
        event(6, 2, Some("c"), i128::MAX, "NGN"),
        event(7, 2, Some("d"), -7, ""),
        copy(refused, b"{}", Vec::new()),
    ];
    for mut test in stores() {
        test.store.insert_copies(&captures).unwrap();
        let sums = test.store.sum_amounts(&Query::default()).unwrap();
        let sums: Vec<_> = sums.into_iter().map(|sum| (sum.money.currency, sum.money.minor, sum.events)).collect();
        let expected = [("", -7, 1), ("CVE", 110, 3), ("NGN", i128::MAX, 2)];
        assert_eq!(
            sums,
            expected.map(|(currency, minor, events)| (currency.to_owned(), minor, events)),
            "{}",
            test.name
        );
        let hours = test.store.count_by_hour(&Query::default()).unwrap();
        let hours: Vec<_> =
            hours.into_iter().map(|hour| (hour.hour.as_microsecond(), hour.verdict, hour.deliveries)).collect();
        let first = START - START % HOUR;
        let verified = |hours: i64, count| (first + hours * HOUR, VerdictCode::Verified, count);
        let (refused, others): (Vec<_>, Vec<_>) = hours.into_iter().partition(|hour| hour.1 == VerdictCode::Unsigned);
        assert_eq!(others, [verified(0, 1), verified(1, 3), verified(2, 3)], "{}", test.name);
        assert_eq!(refused, [(first, VerdictCode::Unsigned, 1)], "{}", test.name);
    }
}

#[test]
fn a_delivery_is_found_by_its_event_id_and_subject_however_long_they_are() {
    let long = |end: &str| format!("{}{end}", "x".repeat(5_000));
    let named = |id: i64, event: &str, subject: &str| {
        let (event_id, subject) = (Some(event.to_owned()), Some(subject.to_owned()));
        copy(DeliverySummary { event_id, subject, ..capture(id, id) }, b"{}", Vec::new())
    };
    let captures = [
        named(1, "PLS-1", "order"),
        named(2, "PLS-2", "order"),
        named(3, "same", "same"),
        named(4, &long("a"), &long("b")),
    ];
    for mut test in stores() {
        assert!(test.store.find_by_reference("order").unwrap().is_empty());
        test.store.insert_copies(&captures).unwrap();
        let mut found = |name: &str| {
            let found = test.store.find_by_reference(name).unwrap();
            assert!(found.iter().all(|found| found.key == found.summary.event_id));
            found.into_iter().map(|found| found.summary.id.0).collect::<Vec<_>>()
        };
        for (name, expected) in
            [("order", vec![1, 2]), ("PLS-2", vec![2]), ("same", vec![3]), (&long("a"), vec![4]), (&long("b"), vec![4])]
        {
            assert_eq!(found(name), expected, "{}: {name}", test.name);
        }
        for name in [&*long("c"), &long(""), "PLS-", "none", "", "order\0"] {
            assert!(found(name).is_empty(), "{}: {name}", test.name);
        }
    }
}

#[test]
fn the_app_of_a_delivery_is_the_worst_of_what_each_url_answered_last() {
    for mut test in stores() {
        test.store.insert_copies(&[copy(capture(1, 0), b"{}", Vec::new())]).unwrap();
        let (one, two) = ("http://localhost:1/", "http://localhost:2/");
        let answered = |status| Ok(Answer::new(status, b"ok".to_vec()));
        for (url, outcome, expected) in [
            (one, Err("refused".to_owned()), AppState::NoAnswer),
            (one, answered(500), AppState::Answered(Status(500))),
            (two, answered(200), AppState::Answered(Status(500))),
            (one, answered(201), AppState::Answered(Status(201))),
            (two, answered(404), AppState::Answered(Status(404))),
        ] {
            test.store.add_attempt(CaptureId(1), &attempt(url, 1, outcome)).unwrap();
            let app = test.store.list(&Query::default()).unwrap()[0].app;
            assert_eq!(app, expected, "{} {url}", test.name);
        }
        let attempts = test.store.load(CaptureId(1)).unwrap().unwrap().require_body().unwrap().attempts;
        let statuses: Vec<_> = attempts.iter().map(|attempt| attempt.status().map_or(0, |status| status.0)).collect();
        assert_eq!(statuses, [0, 500, 200, 201, 404], "{}", test.name);
        // It may have been pruned while it was sent.
        test.store.add_attempt(CaptureId(2), &attempt(one, 1, answered(200))).unwrap();
        assert_eq!(test.store.list(&Query::default()).unwrap().len(), 1, "{}", test.name);
    }
}

#[test]
fn pruning_removes_what_is_older_with_everything_about_it_and_nothing_else() {
    const DAY: i64 = 86_400;
    for mut test in stores() {
        // From 15 January to 25 April.
        let attempts = || vec![attempt("http://localhost:1/", 1, Ok(Answer::new(200, Vec::new())))];
        let captures: Vec<_> = (1..=100).map(|id| copy(capture(id, id * DAY), b"12345", attempts())).collect();
        test.store.insert_copies(&captures).unwrap();
        // The middle of March: the end of a day is not the end of a month.
        let before = micros(START + 60 * DAY * 1_000_000 + 1);
        let plan = test.store.plan_prune(before, Undelivered::Keep).unwrap();
        assert_eq!((plan.deliveries, plan.bytes, plan.undelivered), (60, 300, 0), "{}", test.name);
        assert_eq!(plan.oldest, Some(captures[0].summary().arrived), "{}", test.name);
        assert_eq!(plan.newest, Some(captures[59].summary().arrived), "{}", test.name);
        assert_eq!(test.store.prune(before, Undelivered::Keep).unwrap(), 60, "{}", test.name);
        assert_eq!(ids(&test.store.list(&Query::default()).unwrap()), (61..=100).collect::<Vec<_>>(), "{}", test.name);
        assert!(test.store.find_by_reference("evt_60").unwrap().is_empty(), "{}", test.name);
        assert_eq!(test.store.find_by_reference("evt_61").unwrap().len(), 1, "{}", test.name);
        assert_eq!(test.store.load(CaptureId(60)).unwrap(), None, "{}", test.name);
        assert_eq!(test.store.load(CaptureId(61)).unwrap().as_ref(), Some(&captures[60].capture), "{}", test.name);
        assert_eq!(test.store.prune(before, Undelivered::Remove).unwrap(), 0, "{}", test.name);
        assert_eq!(test.store.plan_prune(before, Undelivered::Remove).unwrap(), PrunePlan::default(), "{}", test.name);
        if let (StoreLocation::Postgres(store), Some(server)) = (&test.location, &test.server) {
            let counts = "SELECT (SELECT count(*) FROM whtool.names), (SELECT count(*) FROM whtool.contents), \
                          (SELECT count(*) FROM whtool.attempts)";
            // The event id and the subject of each.
            assert_eq!(server_psql(server, store.url.expose(), counts), "80|40|40");
        }
        // A capture of a month that was dropped.
        test.store.insert_copies(&captures[..1]).unwrap();
        assert_eq!(test.store.load(CaptureId(1)).unwrap().as_ref(), Some(&captures[0].capture), "{}", test.name);
    }
}

#[test]
fn state_is_written_replaced_and_removed_all_or_none() {
    let row = |kind: &str, key: &str, value: Option<&[u8]>| StateRow {
        kind: kind.to_owned(),
        key: key.to_owned(),
        value: value.map(<[u8]>::to_vec),
    };
    for mut test in stores() {
        let store = &mut test.store;
        assert_eq!((store.state_rows(&["a"]).unwrap(), store.state_row("a", "1").unwrap()), (Vec::new(), None));
        let rows = [row("a", "1", Some(b"x\0\xff")), row("a", "\0", Some(b"")), row("b", "1", Some(b"y"))];
        store.write_state(&rows).unwrap();
        let [first, second, other] = rows;
        assert_eq!(store.state_rows(&["b", "a", "c"]).unwrap(), [other.clone(), second.clone(), first.clone()]);
        assert_eq!(store.all_state().unwrap(), [second.clone(), first, other]);
        store.write_state(&[row("a", "1", Some(b"z")), row("b", "1", None), row("b", "2", None)]).unwrap();
        assert_eq!(store.state_rows(&["a", "b"]).unwrap(), [second, row("a", "1", Some(b"z"))]);
        assert_eq!(store.state_row("a", "1").unwrap().as_deref(), Some(&b"z"[..]));
    }
}

#[test]
fn recent_events_are_the_newest_verified_ones_that_can_be_recognized_again() {
    for mut test in stores() {
        let mut captures: Vec<_> = (1..=5).map(|id| copy(capture(id, id), b"{}", Vec::new())).collect();
        captures[3].key = None;
        let refused = DeliverySummary { verdict: VerdictCode::Mismatch, ..capture(6, 6) };
        captures.push(copy(refused, b"{}", Vec::new()));
        test.store.insert_copies(&captures).unwrap();
        let recent = test.store.recent_events(2).unwrap();
        let found: Vec<_> = recent.iter().map(|event| (event.id.0, event.key.as_str())).collect();
        assert_eq!(found, [(3, "evt_3"), (5, "evt_5")], "{}", test.name);
        assert_eq!(recent[1].money, Some(Money { minor: 10_000, currency: "CVE".to_owned() }), "{}", test.name);
    }
}

#[test]
fn a_store_is_locked_for_a_purpose_until_the_lock_is_dropped() {
    for test in stores() {
        let lock = |purpose: &str| Machine.lock_store(&test.location, purpose).unwrap();
        let mut held = lock("watch").unwrap();
        assert!(lock("watch").is_none() && lock("other").is_some(), "{}", test.name);
        assert!(held.renew().unwrap(), "{}", test.name);
        drop(held);
        // The server needs a moment to notice that a connection is closed.
        assert!((0..1_000).any(|_| lock("watch").is_some()), "{}", test.name);
    }
}

fn run(words: &[&str]) -> Run {
    TestWorld::default().run(words)
}

/// Runs a statement in the database of a URL.
fn server_psql(server: &PostgresServer, url: &str, sql: &str) -> String {
    let database = url.rsplit_once('/').unwrap().1;
    let output = server.psql().args(["-d", database, "-Atqc", sql]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Returns the arguments that name a store.
fn named(location: &StoreLocation) -> Vec<String> {
    match location {
        StoreLocation::Postgres(store) => {
            vec![format!("--store={}", store.url.expose()), format!("--inbox={}", store.inbox)]
        }
        other => vec![format!("--store={other}")],
    }
}

#[test]
fn copies_between_stores_are_whole_and_a_second_copy_adds_nothing() {
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (from, back) = (file("from.db"), file("back.db"));
    let mut store = Machine.open_store(&StoreLocation::File(from.clone().into())).unwrap();
    let captures: Vec<_> = hostile_captures().into_iter().chain(mixed_captures().into_iter().skip(20)).collect();
    store.insert_copies(&captures).unwrap();
    let state = StateRow { kind: "number".to_owned(), key: "next".to_owned(), value: Some(b"7".to_vec()) };
    store.write_state(&[state]).unwrap();
    let mut team = postgres_store(Arc::clone(&server));
    let StoreLocation::Postgres(PostgresStore { url, inbox, .. }) = team.location.clone() else { unreachable!() };
    let url = url.expose();
    let there = run(&["store", "copy", &from, url, "--to-inbox", &inbox]);
    assert_eq!(
        (there.status, there.err.lines().filter(|line| line.starts_with("copied")).count()),
        (0, 2),
        "{}",
        there.err
    );
    assert_eq!(team.store.copies_after(0).unwrap(), captures);
    let again = run(&["store", "copy", &from, url, "--to-inbox", &inbox]);
    assert!(again.status == 0 && again.err.contains("copied 0 captures"), "{}", again.err);
    assert_eq!(team.store.copies_after(0).unwrap(), captures);
    assert_eq!(run(&["store", "copy", url, &back, "--from-inbox", &inbox]).status, 0);
    let mut returned = Machine.open_store(&StoreLocation::File(back.into())).unwrap();
    assert_eq!(returned.copies_after(0).unwrap(), captures);
    assert_eq!(returned.all_state().unwrap(), store.all_state().unwrap());
    // A target with other captures is refused, and stays as it is.
    store.insert_copies(&[copy(capture(5_000, 1), b"{}", Vec::new())]).unwrap();
    let mut other = Machine.open_store(&StoreLocation::File(file("other.db").into())).unwrap();
    other.insert_copies(&[copy(capture(5_000, 2), b"{}", Vec::new())]).unwrap();
    let refused = run(&["store", "copy", &from, &file("other.db")]);
    assert!(refused.status == 3 && refused.err.contains("its capture 5000 is not from this store"), "{}", refused.err);
    assert_eq!(other.list(&Query::default()).unwrap().len(), 1);
    // Interrupted copies go on.
    assert_eq!(run(&["store", "copy", &from, url, "--to-inbox", &inbox]).status, 0);
    assert_eq!(team.store.copies_after(0).unwrap().len(), captures.len() + 1);
    // New deliveries get higher numbers.
    let psql = server_psql(&server, url, "SELECT nextval('whtool.capture_seq')");
    assert_eq!(psql, "5001");
    // Another inbox of the same database is another store.
    assert_eq!(run(&["store", "copy", &from, url, "--to-inbox", "copy"]).status, 0);
    let inboxes = ["copy", &inbox, "empty"].map(|inbox| {
        let events = run(&["events", "list", "--all", "--json", "--store", url, "--inbox", inbox]);
        events.text().lines().map(str::to_owned).collect::<BTreeSet<_>>().len()
    });
    assert_eq!(inboxes, [captures.len() + 1, captures.len() + 1, 0]);
}

#[test]
fn every_command_prints_the_same_from_both_stores() {
    let mut outputs: BTreeMap<String, Vec<(String, u8)>> = BTreeMap::new();
    for mut test in stores() {
        test.store.insert_copies(&mixed_captures()).unwrap();
        for words in [
            &["events", "list", "--json"][..],
            &["events", "list", "--failed", "--type", "payment.*"],
            &["events", "show", "last"],
            &["events", "show", "last~3", "--raw"],
            &["events", "stats"],
            &["events", "export"],
            &["events", "diff", "last~1", "last"],
            &["events", "prune", "--older-than", "2025-01-15T10:30:20Z"],
            &["replay", "evt_9", "--dry-run"],
        ] {
            let store = named(&test.location);
            let store: Vec<_> = store.iter().map(String::as_str).collect();
            let ran = run(&[words, &store].concat());
            outputs.entry(words.join(" ")).or_default().push((ran.text(), ran.status));
        }
    }
    for (words, output) in outputs {
        assert!(output.windows(2).all(|pair| pair[0] == pair[1]), "{words}: {output:?}");
        assert!(!output[0].0.is_empty(), "{words}: {output:?}");
    }
}

#[test]
fn the_tables_are_created_once_and_by_store_init_only() {
    let Some(server) = server() else { return };
    let (name, url) = new_database(&server);
    for words in [&["events", "list"][..], &["store", "status"], &["listen", "--timeout", "1s"]] {
        let ran = run(&[words, &["--store", &url]].concat());
        assert!(ran.status == 3 && ran.err.contains("there is no store in the database"), "{words:?}: {}", ran.err);
        assert!(ran.err.contains("whtool store init") && !ran.err.contains("not-a-real-password"), "{}", ran.err);
    }
    let migrate = run(&["store", "migrate", &url]);
    assert!(migrate.status == 3 && migrate.err.contains("there is no store"), "{}", migrate.err);
    for expected in ["created the store", "is up to date"] {
        let ran = run(&["store", "init", &url]);
        assert!(ran.status == 0 && ran.err.contains(expected), "{}", ran.err);
    }
    assert_eq!(run(&["store", "status", "--store", &url]).status, 0);
    server.run(&format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let status = run(&["store", "status", "--store", &url, "--json"]);
    assert!(status.status == 1 && status.text().contains("off: synchronous_commit"), "{}", status.text());
}

#[test]
fn the_printed_script_creates_the_same_tables_in_psql_with_roles_that_read_and_write() {
    let Some(server) = server() else { return };
    let (name, url) = new_database(&server);
    let script = server.folder.path().join("init.sql");
    std::fs::write(&script, run(&["store", "init", "--print"]).out).unwrap();
    crate::postgres_server::give_to_server(&script, 0o644);
    let psql = |words: &[&str]| {
        let output = server.psql().args(["-d", &name]).args(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    psql(&["-q", "-f", script.to_str().unwrap()]);
    assert!(run(&["store", "init", &url]).err.contains("is up to date"));
    let location = |user: &str| {
        let url = PostgresUrl::new(&url.replacen("shop:", &format!("{user}:"), 1)).unwrap();
        self::location(url, "default")
    };
    let password = crate::postgres_server::PASSWORD;
    psql(&["-c", &format!("CREATE ROLE ana_{name} LOGIN PASSWORD '{password}' IN ROLE whtool_write")]);
    psql(&["-c", &format!("CREATE ROLE eva_{name} LOGIN PASSWORD '{password}' IN ROLE whtool_read")]);
    psql(&["-c", &format!("CREATE ROLE bob_{name} LOGIN PASSWORD '{password}'")]);
    let mut ana = Machine.open_store(&location(&format!("ana_{name}"))).unwrap();
    ana.insert_copies(&mixed_captures()).unwrap();
    ana.write_state(&[StateRow { kind: "a".to_owned(), key: "b".to_owned(), value: Some(Vec::new()) }]).unwrap();
    let mut eva = Machine.open_store(&location(&format!("eva_{name}"))).unwrap();
    assert_eq!(eva.list(&Query::default()).unwrap().len(), 40);
    let refused = eva.insert_copies(&[copy(capture(900, 1), b"{}", Vec::new())]).unwrap_err();
    assert!(refused.hint.as_ref().unwrap().contains("GRANT whtool_write"), "{refused:?}");
    let Err(refused) = Machine.open_store(&location(&format!("bob_{name}"))) else { panic!("bob may read") };
    assert!(refused.hint.as_ref().unwrap().contains("whtool_read"), "{refused:?}");
    assert_eq!(ana.prune(Timestamp::MAX, Undelivered::Keep).unwrap(), 40);
    drop((ana, eva));
}

#[test]
fn another_revision_is_only_read_and_another_version_is_not_used() {
    let Some(server) = server() else { return };
    let (name, url) = new_database(&server);
    assert_eq!(run(&["store", "init", &url]).status, 0);
    let location = location(PostgresUrl::new(&url).unwrap(), "default");
    let set = |sql: &str| assert!(server.psql().args(["-d", &name, "-c", sql]).output().unwrap().status.success());
    let capture = [copy(capture(1, 1), b"{}", Vec::new())];
    Machine.open_store(&location).unwrap().insert_copies(&capture).unwrap();
    set("UPDATE whtool.meta SET revision = 9");
    let mut store = Machine.open_store(&location).unwrap();
    assert_eq!(store.copies_after(0).unwrap(), capture);
    let refused = store.add_attempt(CaptureId(1), &attempt("http://localhost/", 1, Err(String::new()))).unwrap_err();
    assert!(refused.to_string().contains("can't write the store"), "{refused}");
    set("UPDATE whtool.meta SET version = 2, revision = 0");
    let Err(refused) = Machine.open_store(&location) else { panic!("it was opened") };
    assert!(refused.to_string().contains("its tables have version 2.0"), "{refused}");
}
