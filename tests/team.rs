//! A store in PostgreSQL that several listeners share: their forwarding groups, and following it.

use crate::follow::Follower;
use crate::postgres_server::PostgresServer;
use crate::process::{Listener, PLUSTIVE_SECRET, REFERENCE, REFERENCE_MAC, available, home, post, run, whtool};
use crate::store::{App, ReceivedRequest, unused_address};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A server with an empty store, and a home for each member of the team.
struct Team {
    server: PostgresServer,
    home: TempDir,
}

impl Team {
    /// `None`: PostgreSQL is not installed, and the test is skipped.
    fn start() -> Option<Self> {
        let team = Self { server: PostgresServer::start(&[])?, home: home() };
        let made = run(&mut team.whtool("admin", &["store", "init", &team.server.url()]));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(team)
    }

    /// Returns a command of one member, which uses the store.
    fn whtool(&self, member: &str, words: &[&str]) -> Command {
        let mut command = whtool(&self.home.path().join(member), words);
        command.env("WHTOOL_STORE_URL", self.server.url()).env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET);
        command
    }

    fn listen(&self, member: &str, words: &[&str]) -> Listener {
        Listener::spawn(&mut self.whtool(member, &[&["listen", "--json", "--port", "0"], words].concat()))
    }

    /// Waits until a query returns this.
    fn wait_until(&self, sql: &str, expected: &str) {
        while self.server.run(sql) != expected {}
    }

    /// Ends the leases of members that were killed, as their time does.
    fn end_leases(&self) {
        self.server.run("UPDATE whtool.forwards SET due = now() WHERE holder IS NOT NULL");
    }
}

/// Returns a signed delivery with a number of its own.
fn numbered(number: usize) -> Vec<u8> {
    with_number(number, &post(REFERENCE_MAC, REFERENCE))
}

fn with_number(number: usize, request: &[u8]) -> Vec<u8> {
    let request = String::from_utf8(request.to_vec()).unwrap();
    request.replacen("Host: x\r\n", &format!("Host: x\r\nX-Number: {number}\r\n"), 1).into_bytes()
}

/// Posts a delivery that must be accepted.
fn accept(listener: &Listener, request: &[u8]) {
    let answer = listener.exchange(request);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

fn number_of((_, headers, _): &ReceivedRequest) -> usize {
    let header = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-number"));
    header.unwrap().1.parse().unwrap()
}

/// Returns the numbers of the next requests that an app receives.
fn numbers(app: &App, count: usize) -> Vec<usize> {
    (0..count).map(|_| number_of(&app.requests.recv().unwrap())).collect()
}

/// Signs one event for each of so many payments, with Python.
fn signed_events(payments: usize) -> Vec<Vec<u8>> {
    let script = "import hmac, sys\n\
        for n in range(int(sys.argv[2])):\n\
        \x20   body = '{\"event\":\"transaction.success\",\"reference\":\"PLS-%07d\",\"status\":\"Success\"}' % n\n\
        \x20   print(hmac.new(sys.argv[1].encode(), body.encode(), 'sha256').hexdigest(), body)";
    let count = payments.to_string();
    let made = Command::new("python3").args(["-c", script, PLUSTIVE_SECRET, &count]).output().unwrap();
    let lines = String::from_utf8(made.stdout).unwrap();
    let signed = lines.lines().map(|line| line.split_once(' ').unwrap());
    signed.map(|(mac, body)| post(mac, body.as_bytes())).collect()
}

/// An app that accepts connections, reads a request from each, and never answers.
struct SilentApp {
    listener: TcpListener,
    open: Vec<TcpStream>,
}

impl SilentApp {
    fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), open: Vec::new() }
    }

    fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Waits for the next request, and returns its head.
    fn receive(&mut self) -> String {
        let (stream, _) = self.listener.accept().unwrap();
        let mut head = String::new();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        while !head.ends_with("\r\n\r\n") {
            lines.read_line(&mut head).unwrap();
        }
        self.open.push(stream);
        head
    }

    /// Answers from now on, on the same address.
    fn answer(self) -> App {
        App::on(self.listener, vec![200])
    }
}

#[test]
fn two_forwarders_of_a_group_send_each_delivery_once_and_keep_the_order_of_each_payment() {
    let Some(team) = Team::start().filter(|_| available("python3")) else { return };
    let app = App::start(vec![200]);
    // The app has four threads, each of which keeps a connection.
    let words = ["--group", "team", "--in-flight", "2", "--forward-to", &app.url];
    let listeners = [team.listen("ana", &words), team.listen("ben", &words)];
    let events = signed_events(10);
    for number in 0..200 {
        let event = with_number(number, &events[number % events.len()]);
        accept(&listeners[number / 7 % 2], &event);
    }
    let mut of_payment: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for number in numbers(&app, 200) {
        of_payment.entry(number % events.len()).or_default().push(number);
    }
    for (payment, numbers) in of_payment {
        assert_eq!(numbers, (0..20).map(|turn| turn * 10 + payment).collect::<Vec<_>>());
    }
    team.wait_until("SELECT count(*) FROM whtool.forwards WHERE state <> 'done' OR tries <> 1", "0");
    assert!(app.requests.try_recv().is_err(), "nothing is sent twice");
}

#[test]
fn each_group_gets_what_any_listener_receives() {
    let Some(team) = Team::start() else { return };
    let apps = [App::start(vec![200]), App::start(vec![200])];
    let receiver = team.listen("receiver", &[]);
    let _ana = team.listen("ana", &["--group", "ana", "--forward-to", &apps[0].url]);
    let _ben = team.listen("ben", &["--group", "ben", "--forward-to", &apps[1].url]);
    (0..20).for_each(|number| accept(&receiver, &numbered(number)));
    for app in &apps {
        assert_eq!(numbers(app, 20), (0..20).collect::<Vec<_>>());
    }
}

#[test]
fn a_new_group_starts_at_the_present_and_a_known_one_where_it_stopped() {
    let Some(team) = Team::start() else { return };
    let app = App::start(vec![200]);
    let words = ["--group", "team", "--forward-to", &app.url];
    let receiver = team.listen("receiver", &[]);
    accept(&receiver, &numbered(1));
    let member = team.listen("ana", &words);
    accept(&receiver, &numbered(2));
    assert_eq!(numbers(&app, 1), [2]);
    team.wait_until("SELECT count(*) FROM whtool.forwards WHERE state = 'done'", "1");
    assert_eq!(member.end("INT").0, Some(130));
    accept(&receiver, &numbered(3));
    let _member = team.listen("ana", &words);
    assert_eq!(numbers(&app, 1), [3]);
}

#[test]
fn another_member_takes_over_from_one_that_was_killed_after_its_lease() {
    let Some(team) = Team::start() else { return };
    let mut app = SilentApp::start();
    let url = app.url();
    let words = ["--group", "team", "--forward-to", &url];
    let killed = team.listen("ana", &words);
    accept(&killed, &numbered(1));
    let first = app.receive();
    assert_eq!(killed.end("KILL").0, None);
    let leased = "SELECT count(*) FROM whtool.forwards WHERE state = 'pending' AND due > now() + interval '30 s'";
    assert_eq!(team.server.run(leased), "1");
    let _other = team.listen("ben", &words);
    team.end_leases();
    let app = app.answer();
    let (target, headers, body) = app.requests.recv().unwrap();
    assert_eq!((target.as_str(), body.as_slice()), ("/hooks", REFERENCE));
    let id = |head: &str| head.lines().find(|line| line.to_lowercase().starts_with("x-number:")).map(str::to_owned);
    assert!(id(&first).is_some());
    assert_eq!(headers.iter().filter(|(name, _)| name == "X-Number").count(), 1);
    team.wait_until("SELECT state, tries FROM whtool.forwards", "done|1");
}

#[test]
fn a_member_that_stops_gives_back_what_it_has_not_sent() {
    let Some(team) = Team::start() else { return };
    let mut app = SilentApp::start();
    let url = app.url();
    let words = ["--group", "team", "--forward-to", &url];
    let member = team.listen("ana", &words);
    accept(&member, &numbered(1));
    app.receive();
    assert_eq!(member.end("TERM").0, Some(0));
    assert_eq!(team.server.run("SELECT state, holder IS NULL, due <= now() FROM whtool.forwards"), "pending|t|t");
    let app = app.answer();
    let _other = team.listen("ben", &words);
    assert_eq!(numbers(&app, 1), [1]);
}

#[test]
fn an_app_that_was_down_gets_everything_once_it_is_up() {
    let Some(team) = Team::start() else { return };
    let url = unused_address();
    let words = ["--group", "team", "--retry-pause", "10ms", "--forward-to", &url];
    let listener = team.listen("ana", &words);
    (0..5).for_each(|number| accept(&listener, &numbered(number)));
    team.wait_until("SELECT count(*) > 0 FROM whtool.attempts WHERE status = 0", "t");
    let app = App::on(TcpListener::bind(url.trim_start_matches("http://")).unwrap(), vec![200]);
    let mut received = numbers(&app, 5);
    received.sort_unstable();
    assert_eq!(received, [0, 1, 2, 3, 4]);
    // The app's last answer counts.
    team.wait_until("SELECT count(*) FROM whtool.deliveries WHERE app = 200", "5");
}

#[test]
fn a_replay_completes_the_queue_of_its_own_group_only() {
    let Some(team) = Team::start() else { return };
    let url = unused_address();
    let words = |group| ["--group", group, "--retry", "0", "--forward-to", &url];
    let listeners = [team.listen("ana", &words("ana")), team.listen("ben", &words("ben"))];
    accept(&listeners[0], &numbered(1));
    team.wait_until("SELECT count(*) FROM whtool.forwards WHERE state = 'given up'", "2");
    for listener in listeners {
        listener.end("INT");
    }
    let _app = App::on(TcpListener::bind(url.trim_start_matches("http://")).unwrap(), vec![200]);
    let replayed = run(&mut team.whtool("ana", &["replay", "1", "--exact", "--group", "ana", "--to", &url]));
    assert!(replayed.status.success(), "{replayed:?}");
    let states = team.server.run("SELECT grp, state FROM whtool.forwards ORDER BY grp");
    assert_eq!(states, "ana|done\nben|given up");
}

#[test]
fn an_app_that_answers_the_provider_gets_a_delivery_once() {
    let Some(team) = Team::start() else { return };
    let app = App::start(vec![200]);
    let listener = team.listen("ana", &["--group", "team", "--passthrough", "--forward-to", &app.url]);
    (0..3).for_each(|number| accept(&listener, &numbered(number)));
    assert_eq!(numbers(&app, 3), [0, 1, 2]);
    listener.end("INT");
    assert_eq!(team.server.run("SELECT DISTINCT state FROM whtool.forwards"), "done");
    assert!(app.requests.try_recv().is_err());
}

#[test]
fn a_follower_misses_nothing_while_a_transaction_is_open_elsewhere() {
    let Some(team) = Team::start() else { return };
    let listener = team.listen("ana", &[]);
    accept(&listener, &numbered(0));
    let mut follower = Follower::spawn(&mut team.whtool("ben", &["events", "--follow", "--json"]));
    assert_eq!(follower.id(), "1");
    let mut psql = team.server.psql().arg("-Atq").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (psql.stdin.take().unwrap(), BufReader::new(psql.stdout.take().unwrap()));
    let insert = "BEGIN; INSERT INTO whtool.deliveries (arrived, inbox, verdict, answered, size) \
                  VALUES (now(), 'default', 'unsigned', 401, 0) RETURNING seq;\n";
    input.write_all(insert.as_bytes()).unwrap();
    let mut held = String::new();
    output.read_line(&mut held).unwrap();
    assert_eq!(held, "2\n");
    (3..8).for_each(|number| accept(&listener, &numbered(number)));
    // They are shown while the other transaction is open, which has the lower number.
    let shown: Vec<_> = (3..8).map(|_| follower.id()).collect();
    assert_eq!(shown, ["3", "4", "5", "6", "7"]);
    input.write_all(b"COMMIT;\n").unwrap();
    assert_eq!(follower.id(), "2");
    accept(&listener, &numbered(8));
    assert_eq!(follower.id(), "8");
    drop(input);
    assert!(psql.wait().unwrap().success());
    assert_eq!(follower.end("INT"), (Some(130), String::new()));
    let _ = output.read_to_string(&mut held);
}

#[test]
fn a_follower_goes_on_after_the_server_was_restarted() {
    let Some(mut team) = Team::start() else { return };
    let listener = team.listen("ana", &[]);
    accept(&listener, &numbered(1));
    let mut follower = Follower::spawn(&mut team.whtool("ben", &["events", "--follow", "--json"]));
    assert_eq!(follower.id(), "1");
    team.server.restart();
    while !listener.exchange(&numbered(2)).starts_with("HTTP/1.1 200 ") {}
    let id = team.server.run("SELECT max(seq) FROM whtool.deliveries");
    assert_eq!(follower.id(), id);
}

#[test]
fn a_store_restored_into_another_server_goes_on_where_the_backup_was_made() {
    let Some(team) = Team::start() else { return };
    let app = App::start(vec![200]);
    let words = ["--group", "team", "--forward-to", &app.url];
    let member = team.listen("ana", &words);
    accept(&member, &numbered(1));
    assert_eq!(numbers(&app, 1), [1]);
    member.end("INT");
    let receiver = team.listen("receiver", &[]);
    accept(&receiver, &numbered(2));
    receiver.end("INT");
    // As if all of it came from a server that has made many more transactions.
    team.server.run(
        "UPDATE whtool.meta SET system_identifier = 1;
         UPDATE whtool.deliveries SET txid = (txid::text::bigint + 5000000000)::text::xid8;
         UPDATE whtool.groups SET cursor = '1/' || (pg_snapshot_xmin(seen)::text::bigint + 5000000000) || ':'
             || (pg_snapshot_xmax(seen)::text::bigint + 5000000000) || ':'
         FROM (SELECT name AS of, split_part(cursor, '/', 2)::pg_snapshot AS seen FROM whtool.groups) AS old
         WHERE old.of = name",
    );
    let mut follower = Follower::spawn(&mut team.whtool("ben", &["events", "--follow", "--json"]));
    assert_eq!([follower.id(), follower.id()], ["1", "2"]);
    let member = team.listen("ana", &words);
    assert_eq!(numbers(&app, 1), [2]);
    accept(&member, &numbered(3));
    assert_eq!((numbers(&app, 1), follower.id()), (vec![3], "3".to_owned()));
    team.wait_until("SELECT count(*) FROM whtool.forwards WHERE state = 'done' AND tries = 1", "3");
}
