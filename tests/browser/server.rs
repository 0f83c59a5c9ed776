//! `whtool ui` as a process, with captures of a real listener and an app.

use crate::process::{Listener, PLEXOS_SECRET, PLUSTIVE_SECRET, REFERENCE, REFERENCE_MAC, home, post, run, whtool};
use rusqlite::Connection;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A page server, which ends with the test.
pub struct UiProcess {
    child: Child,
    pub url: String,
    /// Opens the page once.
    pub link: String,
}

impl UiProcess {
    pub fn start(home: &TempDir, words: &[&str]) -> Self {
        Self::with_variables(home, words, &[])
    }

    pub fn with_variables(home: &TempDir, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let words = [&["ui", "--json", "--port", "0"], words].concat();
        let mut command = whtool(home.path(), &words);
        command.env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET).env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET);
        command.envs(variables.iter().copied());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let record: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let text = |name: &str| record[name].as_str().unwrap().to_owned();
        Self { child, url: text("url"), link: text("link") }
    }

    pub fn port(&self) -> u16 {
        self.url.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap()
    }
}

impl Drop for UiProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends samples to a listener, signed with the secrets of the test vectors.
pub fn send_samples(home: &TempDir, listener: &Listener, words: &[&str]) {
    let words = [&["replay", "--yes", "--to", &listener.url], words].concat();
    let mut command = whtool(home.path(), &words);
    command.env("PLEXOS_WEBHOOK_SECRET", PLEXOS_SECRET).env("PLUSTIVE_WEBHOOK_SECRET", PLUSTIVE_SECRET);
    let done = run(&mut command);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Fills the store of a new home with seven deliveries, of which the last three are refused: a
/// changed amount, another serializer, no signature.
pub fn filled_home() -> TempDir {
    let home = home();
    let listener = Listener::start(home.path(), &[]);
    send_samples(&home, &listener, &["payment.created", "payment.debited", "refund.succeeded"]);
    let reference = String::from_utf8_lossy(REFERENCE);
    let changed = reference.replace("27000", "97000");
    let spaced = reference.replace("\":", "\": ");
    for (mac, body) in [(REFERENCE_MAC, &*reference), (REFERENCE_MAC, &changed), (REFERENCE_MAC, &spaced), ("", "{}")] {
        listener.exchange(&post(mac, body.as_bytes()));
    }
    listener.end("TERM");
    home
}

pub fn store(home: &TempDir) -> PathBuf {
    let stores: Vec<_> =
        walk(home.path().to_owned()).into_iter().filter(|path| path.ends_with("captures.db")).collect();
    stores.into_iter().next().expect("there is a store")
}

fn walk(folder: PathBuf) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(path) } else { vec![path] }).collect()
}

/// Copies the deliveries of a store until there are `number`.
pub fn multiply(home: &TempDir, number: u32) {
    let connection = Connection::open(store(home)).unwrap();
    let columns = |table: &str, key: &str| {
        let names: Vec<String> = connection
            .prepare(&format!("SELECT name FROM pragma_table_info('{table}') WHERE name <> '{key}'"))
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        names.join(", ")
    };
    let (deliveries, contents) = (columns("deliveries", "id"), columns("contents", "delivery"));
    connection
        .execute_batch(&format!(
            "BEGIN;
             CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 8 UNION ALL SELECT i + 1 FROM n WHERE i < {number}) SELECT i FROM n;
             INSERT INTO deliveries (id, {deliveries}) SELECT n.i, {deliveries} FROM n JOIN deliveries d ON d.id = n.i % 4 + 1;
             INSERT INTO contents (delivery, {contents}) SELECT n.i, {contents} FROM n JOIN contents c ON c.delivery = n.i % 4 + 1;
             COMMIT;"
        ))
        .unwrap();
}

/// An app that answers in turn with these statuses, and then always with the last one. Bodies are
/// remembered.
pub struct App {
    pub url: String,
    pub bodies: Arc<Mutex<Vec<String>>>,
    server: Arc<tiny_http::Server>,
}

impl App {
    pub fn start(statuses: &[u16]) -> Self {
        let server = Arc::new(tiny_http::Server::http("127.0.0.1:0").unwrap());
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let app = Self {
            url: format!("http://{}/hooks", server.server_addr()),
            bodies: bodies.clone(),
            server: server.clone(),
        };
        let statuses = statuses.to_vec();
        std::thread::spawn(move || {
            for (number, mut request) in server.incoming_requests().enumerate() {
                let mut body = String::new();
                request.as_reader().read_to_string(&mut body).unwrap();
                bodies.lock().unwrap().push(body);
                let status = statuses.get(number).or(statuses.last()).copied().unwrap_or(200);
                let said = if status == 200 { "thanks" } else { "no amount in this order" };
                let _ = request.respond(tiny_http::Response::from_string(said).with_status_code(status));
            }
        });
        app
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.server.unblock();
    }
}
