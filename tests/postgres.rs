//! Lists of orders from PostgreSQL.

use crate::postgres_server::{PASSWORD, PostgresServer, give_to_server};
use crate::process::{available, home};
use crate::reconcile::{Api, Ran, payment};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use whtool::world::{Database, DatabaseQuery, PostgresUrl, RowSources};

/// Number of orders in the table.
const ORDERS: usize = 100_000;

/// A server with a database of orders.
struct Cluster(PostgresServer);

impl Cluster {
    /// Starts a server, or says that the test is skipped.
    fn start() -> Option<Self> {
        if !available("openssl") {
            return None;
        }
        let mut server = PostgresServer::start(&["fsync=off"])?;
        // As PostgreSQL's manual has it: a certificate that is its own CA.
        let data = server.data();
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-new", "-x509", "-days", "30", "-nodes", "-subj", "/CN=localhost"]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost", "-out"]).arg(data.join("server.crt"));
        assert!(openssl.arg("-keyout").arg(data.join("server.key")).output().unwrap().status.success());
        give_to_server(&data.join("server.crt"), 0o644);
        give_to_server(&data.join("server.key"), 0o600);
        server.run("ALTER SYSTEM SET ssl = on");
        server.restart();
        server.run(&format!(
            "CREATE TABLE orders AS SELECT n AS number, 'pi_' || n AS payment_id, CASE n % 100 WHEN 7 THEN 'pending' ELSE 'paid' END AS status, 10000 AS amount, \
             'CVE' AS currency, timestamp '2026-11-28 10:00' AS created_at, E'say \"hi\", \\n' || n AS note \
             FROM generate_series(1, {ORDERS}) AS n"
        ));
        Some(Self(server))
    }

    fn psql(&self) -> Command {
        self.0.psql()
    }

    fn socket_url(&self) -> String {
        format!("postgres:///postgres?host={}&port={}&user=shop", self.0.folder.path().display(), self.0.port)
    }

    fn tcp_url(&self) -> String {
        format!("postgres://shop@localhost:{}/postgres", self.0.port)
    }
}

const SELECT: &str = "SELECT payment_id, status, amount, currency, note FROM orders ORDER BY number";

/// Reads rows as the program does, and with `psql`.
fn rows(cluster: &Cluster, sql: &str) -> [Vec<csv::StringRecord>; 2] {
    let database = Database::Postgres(PostgresUrl::new(&cluster.0.url()).unwrap());
    let mut ours = Vec::new();
    let query = DatabaseQuery { database: &database, sql, timeout: Duration::from_secs(600) };
    whtool::edge::Machine.query(&query, &mut ours).unwrap();
    let theirs = cluster.psql().args(["--csv", "-c", sql]).output().unwrap().stdout;
    [ours, theirs].map(|text| {
        csv::ReaderBuilder::new().has_headers(false).from_reader(&*text).records().map(Result::unwrap).collect()
    })
}

#[test]
fn a_hundred_thousand_orders_are_read_as_psql_reads_them() {
    let Some(cluster) = Cluster::start() else { return };
    let [ours, theirs] = rows(&cluster, "SELECT * FROM orders ORDER BY number");
    assert_eq!((ours.len(), ours == theirs), (ORDERS + 1, true));
    let every_type = "SELECT 1.50::numeric AS a, NULL::text AS b, '' AS c, true AS d, date '2026-11-28' AS e, \
                      timestamptz '2026-11-28 10:00+02' AS f, interval '1 day' AS g, ARRAY[1,2] AS h, '{\"x\": 1}'::jsonb AS i, \
                      'a'::bytea AS j, 1e20::float8 AS k, gen_random_uuid() IS NULL AS l";
    let [ours, theirs] = rows(&cluster, every_type);
    assert_eq!(ours, theirs);

    let (home, api) = (home(), Api::new(|last, _| payment(last, "SETTLED")));
    let passwords = home.path().join("pgpass");
    std::fs::write(&passwords, format!("*:{}:*:shop:{PASSWORD}\n", cluster.0.port)).unwrap();
    std::fs::set_permissions(&passwords, std::fs::Permissions::from_mode(0o600)).unwrap();
    let psql = format!(
        "psql --csv -h {} -p {} -U shop -c '{SELECT}' postgres",
        cluster.0.folder.path().display(),
        cluster.0.port
    );
    let [tcp, socket] = [cluster.tcp_url(), cluster.socket_url()];
    let sources: [&[&str]; 3] =
        [&["--from", &tcp, "--query", SELECT], &["--from", &socket, "--query", SELECT], &["--from-command", &psql]];
    for source in sources {
        let words = [source, &["--json", "--open"]].concat();
        let ran = Ran::of(api.command(home.path(), &words).env("PGPASSFILE", &passwords).output().unwrap());
        let totals = ran.records().pop().unwrap();
        assert_eq!((ran.status, &totals["references"]), (1, &(ORDERS / 100).into()), "{words:?} {} {totals}", ran.err);
    }
}

#[test]
fn a_run_that_was_killed_over_a_query_is_resumed_where_it_was() {
    const LOOKUPS: usize = 2_000;
    let Some(cluster) = Cluster::start() else { return };
    let (home, gate) = (home(), Arc::new((Mutex::new(true), Condvar::new())));
    let (halfway, at_half) = std::sync::mpsc::channel();
    let (held, answers) = (Arc::clone(&gate), AtomicUsize::new(0));
    let api = Api::new(move |last, _| {
        if answers.fetch_add(1, Ordering::Relaxed) == LOOKUPS / 2 {
            halfway.send(()).unwrap();
        }
        if answers.load(Ordering::Relaxed) > LOOKUPS / 2 {
            drop(held.1.wait_while(held.0.lock().unwrap(), |is_closed| *is_closed).unwrap());
        }
        payment(last, "SETTLED")
    });
    let (url, journal) = (cluster.socket_url(), home.path().join("run.journal"));
    let sql = format!("{SELECT} LIMIT {LOOKUPS}");
    let words = ["--from", &url, "--query", &sql, "--json", "--resume", journal.to_str().unwrap()];
    let mut first = api.command(home.path(), &words);
    let mut first = first.env("PGPASSWORD", PASSWORD).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    at_half.recv().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    *gate.0.lock().unwrap() = false;
    gate.1.notify_all();
    let before = api.asked().len();
    let second = Ran::of(api.command(home.path(), &words).env("PGPASSWORD", PASSWORD).output().unwrap());
    let records = second.records();
    assert_eq!((second.status, records.len()), (1, LOOKUPS + 1), "{}", second.err);
    assert_eq!(records.last().unwrap()["references"], LOOKUPS);
    let asked_again = api.asked().len() - before;
    assert!(asked_again < LOOKUPS * 3 / 4, "{asked_again} lookups after {before}");
}

#[test]
fn a_server_that_stops_in_the_middle_concludes_nothing() {
    let Some(mut cluster) = Cluster::start() else { return };
    let (home, api) = (home(), Api::new(|last, _| payment(last, "SETTLED")));
    let (url, sql) = (
        cluster.tcp_url(),
        "SELECT payment_id, CASE number WHEN 50000 THEN pg_sleep(600)::text END AS wait FROM orders ORDER BY number",
    );
    let start = || {
        let mut command = api.command(home.path(), &["--from", &url, "--query", sql, "--json"]);
        let process = command.env("PGPASSWORD", PASSWORD).spawn().unwrap();
        let sleeping =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name = 'whtool'";
        while cluster.psql().args(["-Atc", sleeping]).output().unwrap().stdout != b"1\n" {}
        process
    };
    let process = start();
    cluster
        .psql()
        .args(["-qc", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'whtool'"])
        .output()
        .unwrap();
    let ended = Ran::of(process.wait_with_output().unwrap());
    assert_eq!((ended.status, ended.out.as_str()), (3, ""), "{}", ended.err);
    assert!(
        ended.err.contains("stopped after 49000 rows") && ended.err.contains("nothing was compared"),
        "{}",
        ended.err
    );
    let process = start();
    cluster.0.stop();
    let ended = Ran::of(process.wait_with_output().unwrap());
    assert_eq!((ended.status, ended.out.as_str()), (3, ""), "{}", ended.err);
    assert!(ended.err.contains("after 49000 rows"), "{}", ended.err);
    assert!(api.asked().is_empty());
}

#[test]
fn errors_of_postgresql_are_in_words() {
    let Some(cluster) = Cluster::start() else { return };
    let (home, api) = (home(), Api::new(|last, _| payment(last, "SETTLED")));
    let run = |url: &str, sql: &str, password: &str| {
        let words = ["--from", url, "--query", sql, "--command-timeout", "2s"];
        Ran::of(api.command(home.path(), &words).env("PGPASSWORD", password).output().unwrap())
    };
    let (url, certificate) = (cluster.tcp_url(), cluster.0.folder.path().join("data/server.crt"));
    let closed = "postgres://shop@localhost:1/postgres";
    let unverified = format!("{url}?sslmode=verify-full");
    let missing = format!("{}nowhere", url.trim_end_matches("postgres"));
    for (url, sql, password, status, why) in [
        (url.as_str(), SELECT, "wrong", 4, "password authentication failed"),
        (&url, SELECT, "", 4, "wants a password"),
        (closed, SELECT, PASSWORD, 3, "why: connection refused"),
        (&missing, SELECT, PASSWORD, 3, "database \"nowhere\" does not exist"),
        (&unverified, SELECT, PASSWORD, 3, "sslrootcert"),
        (&url, "SELECT * FROM order_list", PASSWORD, 3, "relation \"order_list\" does not exist"),
        (&url, "SELECT payment FROM orders", PASSWORD, 3, "column \"payment\" does not exist"),
        (&url, "SELECT 1; DROP TABLE orders", PASSWORD, 2, "multiple commands"),
        (&url, "DELETE FROM orders RETURNING payment_id", PASSWORD, 2, "only read"),
        (&url, "WITH gone AS (DELETE FROM orders RETURNING payment_id) SELECT * FROM gone", PASSWORD, 2, "only read"),
        (&url, "SELECT payment_id, number AS payment_id FROM orders", PASSWORD, 2, "two columns `payment_id`"),
        (&url, "SELECT pg_sleep(600)", PASSWORD, 3, "timed out after 2 s"),
    ] {
        let ran = run(url, sql, password);
        assert_eq!((ran.status, ran.out.as_str()), (status, ""), "{url} {sql}: {}", ran.err);
        assert!(ran.err.contains(why) && !ran.err.contains(PASSWORD), "{url} {sql}: {}", ran.err);
    }
    assert!(api.asked().is_empty());
    // The parent of the folder is readable; the key is not needed.
    let readable = home.path().join("server.crt");
    std::fs::copy(certificate, &readable).unwrap();
    let verified = format!("{url}?sslmode=verify-full&sslrootcert={}", readable.display());
    let ran = run(&verified, "SELECT payment_id FROM orders LIMIT 1", PASSWORD);
    assert_eq!(ran.status, 0, "{}", ran.err);
}
