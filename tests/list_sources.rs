//! Lists of orders from commands and from SQLite, as real processes.

use crate::process::home;
use crate::reconcile::{Api, payment};
use std::path::Path;

fn paid() -> Api {
    Api::new(|last, _| payment(last, "SETTLED"))
}

fn shop(home: &Path) -> (String, rusqlite::Connection) {
    let path = home.join("shop.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE orders (number TEXT, payment_id TEXT, status TEXT, amount INTEGER, currency TEXT);
             INSERT INTO orders VALUES ('#1001', 'pi_1', 'paid', 10000, 'CVE'), ('#1002', 'pi_2', 'refunded', 10000, NULL);",
        )
        .unwrap();
    (path.to_str().unwrap().to_owned(), connection)
}

#[test]
#[cfg(unix)]
fn the_output_of_a_command_is_a_list() {
    let (home, api) = (home(), paid());
    let command = "printf 'payment_id,status\\npi_1,paid\\npi_2,refunded\\n'; echo 'NOTICE: slow' >&2";
    let ran = api.run(home.path(), &["--from-command", command, "--json"]);
    let classes: Vec<_> = ran.records().iter().map(|record| record["class"].clone()).collect();
    assert_eq!(
        (ran.status, &classes[..2]),
        (1, &["settled_agreed".into(), "status_differs".into()][..]),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("warning: ") && ran.err.contains("NOTICE: slow"), "{}", ran.err);
}

#[test]
#[cfg(unix)]
fn a_command_that_fails_concludes_nothing() {
    let (home, api) = (home(), paid());
    for (command, why) in [
        (
            "printf 'payment_id\\npi_1\\n'; echo 'ERROR:  relation \"orders\" does not exist' >&2; exit 1",
            "exit status: 1",
        ),
        ("printf 'payment_id\\npi_1\\n'; kill -9 $$", "signal: 9"),
        ("printf 'payment_id\\npi_1\\n'; exec sleep 60", "timed out after 1 s"),
    ] {
        let ran = api.run(home.path(), &["--from-command", command, "--json", "--command-timeout", "1s"]);
        assert_eq!((ran.status, ran.out.as_str()), (3, ""), "{}", ran.err);
        assert!(ran.err.contains(why), "{}", ran.err);
        if why == "exit status: 1" {
            assert!(ran.err.contains("  | ERROR:  relation \"orders\" does not exist\n"), "{}", ran.err);
        }
    }
    assert!(api.asked().is_empty());
}

#[test]
#[cfg(unix)]
fn a_command_does_not_inherit_keys_and_secrets() {
    let (home, api) = (home(), paid());
    let command = "echo payment_id; echo \"pi_${PLEXOS_PAY_SECRET_KEY:-1}${PLUSTIVE_API_KEY:-2}${PLEXOS_WEBHOOK_SECRET:-3}${MY_KEY:-4}\"";
    let mut process = api.command(home.path(), &["--from-command", command, "--json", "--key-env", "MY_KEY"]);
    let ran = process.env("PLEXOS_WEBHOOK_SECRET", "whsec_abc").env("MY_KEY", "sk_test_mine").output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(api.asked(), ["/v1/payments/pi_1234"]);
}

#[test]
#[cfg(unix)]
fn a_run_over_a_command_is_resumed_only_if_its_output_is_the_same() {
    // The key is refused after the first answer, so that the run does not finish.
    let (home, api) = (
        home(),
        Api::new(|last, _| if last == "pi_1" { payment(last, "SETTLED") } else { (401, "", "{}".to_owned()) }),
    );
    let journal = home.path().join("run.journal");
    let run = |command: &str| {
        let words = ["--from-command", command, "--resume", journal.to_str().unwrap(), "--concurrency", "1"];
        api.run(home.path(), &words)
    };
    assert_eq!(run("printf 'payment_id\\npi_1\\npi_2\\n'").status, 4);
    let other = run("printf 'payment_id\\npi_1\\npi_3\\n'");
    assert_eq!(other.status, 2, "{}", other.err);
    assert!(other.err.contains("another input"), "{}", other.err);
    let same = run("echo payment_id; echo pi_1; echo pi_2");
    assert_eq!((same.status, api.asked().iter().filter(|path| path.ends_with("pi_1")).count()), (4, 1), "{}", same.err);
}

#[test]
fn a_query_reads_an_sqlite_database_while_an_app_writes_to_it() {
    let (home, api) = (home(), paid());
    let (path, app) = shop(home.path());
    app.execute_batch("BEGIN IMMEDIATE; DELETE FROM orders").unwrap();
    let sql = "SELECT payment_id, status, amount, currency FROM orders ORDER BY number;";
    let ran = api.run(home.path(), &["--from", &path, "--query", sql, "--json"]);
    let classes: Vec<_> = ran.records().iter().map(|record| record["class"].clone()).collect();
    assert_eq!(
        (ran.status, &classes[..2]),
        (1, &["settled_agreed".into(), "status_differs".into()][..]),
        "{}",
        ran.err
    );
    std::fs::write(home.path().join("orders.sql"), sql).unwrap();
    let file = format!("@{}", home.path().join("orders.sql").display());
    assert_eq!(api.run(home.path(), &["--from", &path, "--query", &file]).status, 1);
}

#[test]
fn an_sqlite_database_without_a_query_is_recognized_and_its_tables_named() {
    let (home, api) = (home(), paid());
    let (path, app) = shop(home.path());
    let ran = api.run(home.path(), &["--from", &path]);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
    assert!(ran.err.contains("is an SQLite database") && ran.err.contains("--query"), "{}", ran.err);
    assert!(ran.err.contains("its tables and views: orders\n"), "{}", ran.err);
    for (sql, status, why) in [
        ("SELECT payment_id FROM order_list", 3, "no such table: order_list"),
        ("DELETE FROM orders RETURNING payment_id", 2, "not a SELECT"),
        ("SELECT payment_id FROM orders; DROP TABLE orders", 2, "one statement"),
        ("SELECT payment_id, status AS payment_id FROM orders", 2, "two columns `payment_id`"),
        (" ; ", 2, "--query is empty"),
    ] {
        let ran = api.run(home.path(), &["--from", &path, "--query", sql]);
        assert_eq!(ran.status, status, "{sql}: {}", ran.err);
        assert!(ran.err.contains(why), "{sql}: {}", ran.err);
    }
    let left: i64 = app.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
    assert_eq!((left, api.asked().len()), (2, 0));
}

#[test]
fn other_urls_are_refused_and_passwords_on_the_command_line_reported_with_advice() {
    let (home, api) = (home(), paid());
    for (from, advice) in [
        ("mysql://ana:geheim@db/shop", "--from-command 'mysql -B"),
        ("https://shop.example/orders.csv", "curl -fsS"),
        ("mongodb+srv://db/shop", "--from-command"),
        ("postgres://ana:geheim@db/shop", "use --from env:NAME"),
        ("postgres://db/shop?password=geheim", "use --from env:NAME"),
        ("env:NO_SUCH_VARIABLE", "is not set"),
        ("postgres://db/shop", "add --query"),
    ] {
        let ran = api.run(home.path(), &["--from", from]);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{from}");
        assert!(ran.err.contains(advice) && !ran.err.contains("geheim"), "{from}: {}", ran.err);
    }
}
