//! A listener whose store is a PostgreSQL server that fails: nothing is answered with 200 that is
//! not in the database, and the listener goes on afterwards.

use crate::postgres_server::{PASSWORD, PostgresServer, as_server, give_to_server};
use crate::process::{Listener, available, home, post, run, whtool};
use crate::store::signed;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tempfile::TempDir;

/// A server with a store in it.
pub struct StoreServer {
    pub server: PostgresServer,
    home: TempDir,
}

impl StoreServer {
    /// Starts a server and creates a store, or says that the test is skipped.
    pub fn start() -> Option<Self> {
        let (server, home) = (PostgresServer::start(&[])?, home());
        let created = run(&mut whtool(home.path(), &["store", "init", &server.url()]));
        assert!(created.status.success(), "{created:?}");
        Some(Self { server, home })
    }

    pub fn listen(&self, words: &[&str]) -> Listener {
        self.listen_at(&self.server.url(), words)
    }

    /// Starts a listener that shows nothing of these events, so that nobody has to read its records.
    fn listen_at(&self, url: &str, words: &[&str]) -> Listener {
        Listener::start(self.home.path(), &[&["--store", url, "--type", "payment.debited"], words].concat())
    }

    /// Returns what a listener says that does not start.
    fn refusal(&self) -> String {
        let words = ["listen", "--port", "0", "--store", &self.server.url(), "--timeout", "1s"];
        let ran = run(whtool(self.home.path(), &words).env("PLUSTIVE_WEBHOOK_SECRET", "x"));
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(3), "{said}");
        assert!(!said.contains(PASSWORD), "{said}");
        said
    }

    pub fn count(&self) -> usize {
        self.server.run("SELECT count(*) FROM whtool.deliveries").parse().unwrap()
    }
}

/// Sends an event and returns the status of the answer.
pub fn deliver(listener: &Listener, number: usize) -> u16 {
    let (mac, body) = signed(number);
    status(&listener.exchange(&post(&mac, &body)))
}

pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

/// Sends an event until it is accepted, as a provider does.
fn deliver_until_accepted(listener: &Listener, number: usize) {
    while deliver(listener, number) != 200 {}
}

#[test]
fn a_server_that_confirms_too_early_or_only_reads_is_refused_with_the_reason() {
    let Some(store) = StoreServer::start() else { return };
    for (change, undo, reason, hint) in [
        (
            "ALTER ROLE shop SET synchronous_commit = off",
            "ALTER ROLE shop RESET ALL",
            "synchronous_commit is off",
            "ALTER ROLE",
        ),
        (
            "ALTER DATABASE postgres SET synchronous_commit = off",
            "ALTER DATABASE postgres RESET ALL",
            "synchronous_commit is off",
            "ALTER DATABASE",
        ),
        ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM RESET fsync", "fsync is off", "postgresql.conf"),
        (
            "ALTER SYSTEM SET full_page_writes = off",
            "ALTER SYSTEM RESET full_page_writes",
            "full_page_writes is off",
            "postgresql.conf",
        ),
        (
            "ALTER ROLE shop SET default_transaction_read_only = on",
            "BEGIN READ WRITE; ALTER ROLE shop RESET ALL; COMMIT",
            "allows only reading",
            "default_transaction_read_only",
        ),
        (
            "ALTER TABLE whtool.contents_default SET UNLOGGED",
            "ALTER TABLE whtool.contents_default SET LOGGED",
            "contents_default is unlogged",
            "SET LOGGED",
        ),
        (
            "UPDATE whtool.meta SET version = 99",
            "UPDATE whtool.meta SET version = 1",
            "version 99",
            "version of whtool",
        ),
    ] {
        store.server.run(change);
        store.server.run("SELECT pg_reload_conf()");
        let said = store.refusal();
        assert!(said.contains(reason) && said.contains(hint), "{change}: {said}");
        store.server.run(undo);
        store.server.run("SELECT pg_reload_conf()");
    }
    store.server.run("DROP SCHEMA whtool CASCADE");
    let said = store.refusal();
    assert!(said.contains("there is no store") && said.contains("whtool store init"), "{said}");
}

#[test]
fn a_standby_is_refused() {
    let Some(mut store) = StoreServer::start() else { return };
    store.server.stop();
    std::fs::write(store.server.data().join("standby.signal"), "").unwrap();
    store.server.restart();
    let said = store.refusal();
    assert!(said.contains("standby") && said.contains("target_session_attrs"), "{said}");
}

#[test]
fn while_the_server_is_away_events_are_refused_and_the_listener_says_so_once() {
    let Some(mut store) = StoreServer::start() else { return };
    let listener = store.listen(&[]);
    assert_eq!(deliver(&listener, 1), 200);
    store.server.stop();
    assert_eq!([2, 3, 4].map(|number| deliver(&listener, number)), [503; 3]);
    assert_eq!(status(&listener.exchange(&post("forged", b"{}"))), 503);
    store.server.restart();
    deliver_until_accepted(&listener, 2);
    assert_eq!(deliver(&listener, 3), 200);
    let (_, said) = listener.end("TERM");
    assert_eq!(said.matches("answering 503").count(), 1, "{said}");
    assert_eq!(said.matches("storing deliveries again").count(), 1, "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    assert_eq!(store.server.run("SELECT event_id FROM whtool.deliveries ORDER BY seq"), "PLS-1\nPLS-2\nPLS-3");
}

#[test]
fn a_setting_that_is_changed_while_it_runs_ends_the_confirmations() {
    let Some(store) = StoreServer::start() else { return };
    let listener = store.listen(&[]);
    assert_eq!(deliver(&listener, 1), 200);
    store.server.run("ALTER SYSTEM SET synchronous_commit = off");
    store.server.run("SELECT pg_reload_conf()");
    // The processes of the server read the setting one by one, and then nothing is stored any more.
    let mut number = 2;
    while deliver(&listener, number) == 200 {
        number += 1;
    }
    assert_eq!(deliver(&listener, number), 503);
    let stored = store.count();
    store.server.run("ALTER SYSTEM RESET synchronous_commit");
    store.server.run("SELECT pg_reload_conf()");
    deliver_until_accepted(&listener, number);
    assert_eq!((stored, store.count()), (number - 1, number));
    let (_, said) = listener.end("TERM");
    assert!(said.contains("synchronous_commit is off"), "{said}");
}

#[test]
fn after_a_failover_to_a_server_that_only_reads_nothing_is_confirmed() {
    let Some(store) = StoreServer::start() else { return };
    let listener = store.listen(&[]);
    assert_eq!(deliver(&listener, 1), 200);
    store.server.run("ALTER SYSTEM SET default_transaction_read_only = on");
    store.server.run("SELECT pg_reload_conf()");
    let mut number = 2;
    while deliver(&listener, number) == 200 {
        number += 1;
    }
    store.server.run("BEGIN READ WRITE; COMMIT");
    let undo = ["ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"];
    undo.iter().for_each(|sql| drop(store.server.run(sql)));
    deliver_until_accepted(&listener, number);
    assert_eq!(store.count(), number);
}

/// A proxy to the server that can lose the answer to an insert.
struct LossyProxy {
    port: u16,
    /// True: the next answer of the server to an insert is lost, with the connection.
    is_armed: Arc<AtomicBool>,
}

impl LossyProxy {
    fn start(server_port: u16) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, is_armed) = (socket.local_addr().unwrap().port(), Arc::new(AtomicBool::new(false)));
        let armed = Arc::clone(&is_armed);
        thread::spawn(move || {
            for client in socket.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)) else { continue };
                let (up, down) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
                let (armed, inserts) = (Arc::clone(&armed), Arc::new(AtomicBool::new(false)));
                let inserting = Arc::clone(&inserts);
                thread::spawn(move || {
                    copy(up, |said| {
                        let is_insert = String::from_utf8_lossy(said).contains("FROM whtool.record(");
                        inserting.fetch_or(is_insert, Ordering::SeqCst);
                        true
                    });
                });
                let is_lost = move |said: &[u8]| {
                    is_answer(said) && inserts.swap(false, Ordering::SeqCst) && armed.swap(false, Ordering::SeqCst)
                };
                thread::spawn(move || copy(down, |said| !is_lost(said)));
            }
        });
        Self { port, is_armed }
    }
}

/// Returns true for an answer that ends with `ReadyForQuery`: the server has committed.
fn is_answer(bytes: &[u8]) -> bool {
    bytes.ends_with(b"Z\0\0\0\x05I")
}

/// Copies what one side says to the other until `passes` returns false, and closes both.
fn copy((mut from, mut to): (TcpStream, TcpStream), passes: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 20];
    while let Ok(length @ 1..) = from.read(&mut buffer)
        && passes(&buffer[..length])
        && to.write_all(&buffer[..length]).is_ok()
    {}
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn a_connection_that_is_lost_during_the_commit_is_no_confirmation() {
    let Some(store) = StoreServer::start() else { return };
    let proxy = LossyProxy::start(store.server.port);
    let url = store.server.url().replace(&store.server.port.to_string(), &proxy.port.to_string());
    let listener = store.listen_at(&format!("{url}?sslmode=disable"), &[]);
    assert_eq!(deliver(&listener, 1), 200);
    proxy.is_armed.store(true, Ordering::SeqCst);
    assert_eq!(deliver(&listener, 2), 503);
    // The server has it, but nobody could know.
    assert_eq!(store.count(), 2);
    assert_eq!(deliver(&listener, 2), 200);
    let rows = "SELECT event_id, count(*), count(DISTINCT key) FROM whtool.deliveries GROUP BY 1 ORDER BY 1";
    assert_eq!(store.server.run(rows), "PLS-1|1|1\nPLS-2|2|1");
}

#[test]
fn a_server_that_crashes_loses_nothing_that_was_confirmed() {
    let Some(mut store) = StoreServer::start() else { return };
    let listeners = [store.listen(&[]), store.listen(&[])];
    let mut confirmed = Vec::new();
    for round in 0..4 {
        let first = round * 1_000;
        thread::scope(|scope| {
            let send = |sender: usize| {
                let listener = &listeners[sender % 2];
                let numbers = (0..).map(move |step| first + sender + 8 * step);
                // The last one is refused: the server was stopped.
                numbers.take_while(|&number| deliver(listener, number) == 200).collect::<Vec<_>>()
            };
            let senders: Vec<_> = (0..8).map(|sender| scope.spawn(move || send(sender))).collect();
            while store.count() < 50 * (round + 1) {}
            store.server.stop();
            confirmed.extend(senders.into_iter().flat_map(|sender| sender.join().unwrap()));
        });
        store.server.restart();
        listeners.iter().for_each(|listener| deliver_until_accepted(listener, first + 999));
    }
    let stored =
        store.server.run("SELECT event_id FROM whtool.deliveries JOIN whtool.contents USING (inbox, seq, arrived)");
    let stored: std::collections::HashSet<_> = stored.lines().collect();
    let missing: Vec<_> = confirmed.iter().filter(|number| !stored.contains(&*format!("PLS-{number}"))).collect();
    assert!(confirmed.len() > 150 && missing.is_empty(), "{} confirmed, missing: {missing:?}", confirmed.len());
}

#[test]
fn a_delivery_that_a_trigger_drops_is_not_confirmed() {
    let Some(store) = StoreServer::start() else { return };
    let listener = store.listen(&[]);
    store.server.run(
        "CREATE FUNCTION public.drop_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER drops BEFORE INSERT ON whtool.contents FOR EACH ROW EXECUTE FUNCTION public.drop_it()",
    );
    assert_eq!(deliver(&listener, 1), 503);
    store.server.run("DROP TRIGGER drops ON whtool.contents");
    deliver_until_accepted(&listener, 2);
}

#[test]
fn a_table_that_a_crash_would_empty_ends_the_confirmations() {
    let Some(store) = StoreServer::start() else { return };
    let listener = store.listen(&[]);
    assert_eq!(deliver(&listener, 1), 200);
    let part = store.server.run("SELECT tableoid::regclass FROM whtool.contents");
    store.server.run(&format!("ALTER TABLE {part} SET UNLOGGED"));
    assert_eq!([2, 3].map(|number| deliver(&listener, number)), [503; 2]);
    store.server.run(&format!("ALTER TABLE {part} SET LOGGED"));
    deliver_until_accepted(&listener, 4);
    let (_, said) = listener.end("TERM");
    assert!(said.contains("is unlogged"), "{said}");
}

/// Debian keeps it out of the PATH of users.
const PGBOUNCER: &str = "/usr/sbin/pgbouncer";

/// PgBouncer in transaction mode: each transaction has any of two connections.
struct PgBouncer {
    process: Child,
    url: String,
}

impl PgBouncer {
    fn start(server: &PostgresServer) -> Self {
        let (folder, database) = (server.folder.path(), server.port);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[databases]\npostgres = host=127.0.0.1 port={database} user=shop password={PASSWORD}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = 2\nunix_socket_dir = {}\n",
            folder.display()
        );
        let file = folder.join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        give_to_server(&file, 0o600);
        let process = as_server(Path::new(PGBOUNCER)).arg("-q").arg(file).spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {}
        Self { process, url: format!("postgres://shop@127.0.0.1:{port}/postgres?sslmode=disable") }
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn behind_pgbouncer_in_transaction_mode_every_promise_holds() {
    let Some(store) = available(PGBOUNCER).then(StoreServer::start).flatten() else { return };
    let bouncer = PgBouncer::start(&store.server);
    let listeners = [store.listen_at(&bouncer.url, &[]), store.listen_at(&bouncer.url, &[])];
    let statuses: Vec<_> = thread::scope(|scope| {
        let send = |sender: usize| {
            let listener = &listeners[sender % 2];
            (0..10).map(move |step| deliver(listener, 10 * sender + step)).collect::<Vec<_>>()
        };
        let senders: Vec<_> = (0..8).map(|sender| scope.spawn(move || send(sender))).collect();
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    assert_eq!((statuses, store.count()), (vec![200; 80], 80));
    // New connections of PgBouncer have another setting than those on which the listeners began.
    store.server.run("ALTER ROLE shop SET synchronous_commit = off");
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' \
                  AND pid <> pg_backend_pid()";
    store.server.run(others);
    assert_eq!([100, 101, 102].map(|number| deliver(&listeners[0], number)), [503; 3]);
    assert_eq!(store.count(), 80);
    store.server.run("ALTER ROLE shop RESET synchronous_commit");
    store.server.run(others);
    deliver_until_accepted(&listeners[0], 100);
}
