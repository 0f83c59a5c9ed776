//! Reads rows from an SQLite database of another program, which may have it open.
//!
//! The connection is read-only, and an authorizer refuses every action but reading, so that a
//! statement such as `ATTACH` can't create a file either. The store of whtool is in `store`.

use super::csv_rows::CsvRows;
use super::signals::Interrupt;
use crate::model::error::{Error, Result};
use crate::model::sanitize::truncate;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Time that a query waits for a program that writes.
const BUSY: Duration = Duration::from_secs(10);

/// Number of SQLite's operations between two checks for Ctrl+C and the timeout.
const CHECK_INTERVAL: i32 = 10_000;

/// Runs one query and writes its rows as CSV.
pub(super) fn query(
    path: &Path,
    sql: &str,
    timeout: Duration,
    mut interrupt: Interrupt,
    output: &mut dyn Write,
) -> Result<()> {
    let mut connection = open(path)?;
    let was_interrupted = Arc::new(AtomicBool::new(false));
    let (deadline, flag) = (Instant::now() + timeout, Arc::clone(&was_interrupted));
    let stop = move || {
        let is_interrupted = interrupt.take();
        flag.fetch_or(is_interrupted, Ordering::Relaxed);
        is_interrupted || Instant::now() > deadline
    };
    let failed = |error: &rusqlite::Error| {
        if was_interrupted.load(Ordering::Relaxed) {
            return Error::interrupted();
        }
        query_error(path, sql, timeout, error)
    };
    connection.progress_handler(CHECK_INTERVAL, Some(stop)).map_err(|error| failed(&error))?;
    connection.authorizer(Some(allow_reading)).map_err(|error| failed(&error))?;
    let mut statement = connection.prepare(sql).map_err(|error| failed(&error))?;
    if statement.column_count() == 0 {
        return Err(not_a_query(sql));
    }
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut csv = CsvRows::new(output, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut rows = statement.query([]).map_err(|error| failed(&error))?;
    loop {
        let Some(row) = rows.next().map_err(|error| failed(&error))? else { break };
        let mut cells = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let value = row.get_ref(index).map_err(|error| failed(&error))?;
            let text = text_of(value).ok_or_else(|| {
                let row = csv.count() + 1;
                Error::failed(format!("row {row} of the query has text in `{name}` that is not UTF-8"))
            })?;
            cells.push(text);
        }
        csv.write(cells.iter().map(String::as_str))?;
    }
    csv.finish()
}

/// Lists tables and views. `None`: the file is not an SQLite database.
pub(super) fn tables(path: &Path) -> Result<Option<Vec<String>>> {
    const LIST: &str = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         ORDER BY name";
    let connection = open(path)?;
    let read = || connection.prepare(LIST)?.query_map([], |row| row.get(0))?.collect();
    match read() {
        Ok(tables) => Ok(Some(tables)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Ok(None),
        Err(error) => Err(query_error(path, LIST, BUSY, &error)),
    }
}

fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |cause: String| Error::failed(format!("can't open {}", path.display())).because(cause);
    // SQLite says for each reason that it is "unable to open database file".
    std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(error.to_string()))?;
    connection.busy_timeout(BUSY).map_err(|error| failed(error.to_string()))?;
    Ok(connection)
}

fn allow_reading(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Function { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

fn not_a_query(sql: &str) -> Error {
    Error::usage(format!("--query is not a SELECT: {}", truncate(sql, 80)))
        .because("the database is only read: one statement that returns rows")
}

fn query_error(path: &Path, sql: &str, timeout: Duration, error: &rusqlite::Error) -> Error {
    let path = path.display();
    let failed = || Error::failed(format!("the query failed in {path}"));
    let code = error.sqlite_error_code();
    match (error, code) {
        (rusqlite::Error::MultipleStatement, _) => {
            Error::usage("--query has more than one statement").because("the database is only read: one SELECT")
        }
        (_, Some(ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly)) => not_a_query(sql),
        (_, Some(ErrorCode::OperationInterrupted)) => {
            failed().because(format!("timed out after {} s", timeout.as_secs())).hint("see --command-timeout")
        }
        (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => failed()
            .because(format!("another program has locked it for {} s", BUSY.as_secs()))
            .hint("run it again, or read a copy: sqlite3 FILE '.backup COPY'"),
        (_, Some(ErrorCode::CannotOpen)) => failed()
            .because("SQLite can't open its -wal or -shm file, which an app with WAL shares")
            .hint("run it as the user of the app"),
        (_, Some(ErrorCode::NotADatabase)) => Error::failed(format!("{path} is not an SQLite database"))
            .hint("omit --query to read a list, or check whether the database is encrypted"),
        _ => failed().because(truncate(&message(error), 200)),
    }
}

/// Returns SQLite's message without the statement, which rusqlite repeats.
fn message(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}

/// Converts a value as `sqlite3 -csv` does. `None`: a text that is not UTF-8. A blob that is no text
/// or has control characters is written in hex.
fn text_of(value: ValueRef<'_>) -> Option<String> {
    Some(match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => real_text(number),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok()?.to_owned(),
        ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains(|letter: char| letter.is_control() && !letter.is_whitespace()) => {
                text.to_owned()
            }
            _ => hex::encode(bytes),
        },
    })
}

/// Formats with at most 15 significant digits, as SQLite does: a sum of 0.1 and 0.2 is 0.3.
fn real_text(number: f64) -> String {
    let rounded = format!("{number:.14e}").parse().unwrap_or(number);
    format!("{rounded:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::watch;

    fn run(path: &Path, sql: &str) -> Result<String> {
        let mut output = Vec::new();
        let interrupt = Interrupt::from_sender(&watch::Sender::new(0));
        query(path, sql, Duration::from_secs(20), interrupt, &mut output)?;
        Ok(String::from_utf8(output).unwrap())
    }

    fn shop() -> (tempfile::TempDir, std::path::PathBuf, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 CREATE TABLE orders (id INTEGER PRIMARY KEY, payment TEXT, total REAL, note TEXT);
                 CREATE VIEW paid AS SELECT * FROM orders;
                 INSERT INTO orders VALUES (1, 'pi_1', 0.1 + 0.2, 'a,b'), (2, 'pi_2', 100, NULL);",
            )
            .unwrap();
        (folder, path, connection)
    }

    /// The expected text is that of `sqlite3 -csv -header` 3.40.
    #[test]
    fn rows_are_written_as_sqlite3_writes_them_while_an_app_has_the_file_open() {
        let (_folder, path, connection) = shop();
        connection.execute_batch("BEGIN IMMEDIATE; INSERT INTO orders VALUES (3, 'pi_3', 1, 'not committed')").unwrap();
        assert_eq!(
            run(&path, "SELECT id, payment, total, note FROM paid ORDER BY id; -- all").unwrap(),
            "id,payment,total,note\n1,pi_1,0.3,\"a,b\"\n2,pi_2,100.0,\n"
        );
        assert_eq!(run(&path, "SELECT id FROM orders WHERE id > 9").unwrap(), "id\n");
        assert_eq!(tables(&path).unwrap().unwrap(), ["orders", "paid"]);
    }

    #[test]
    fn nothing_but_one_select_is_run() {
        let (folder, path, connection) = shop();
        let other = folder.path().join("other.db");
        for sql in [
            format!("ATTACH '{}' AS other", other.display()),
            format!("VACUUM INTO '{}'", other.display()),
            "DELETE FROM orders RETURNING id".to_owned(),
            "DELETE FROM orders".to_owned(),
            "PRAGMA journal_mode = DELETE".to_owned(),
            "CREATE TEMP TABLE copy AS SELECT * FROM orders".to_owned(),
            "SELECT 1; SELECT 2".to_owned(),
            "SELECT 1; DELETE FROM orders".to_owned(),
            String::new(),
            "-- nothing".to_owned(),
        ] {
            let error = run(&path, &sql).unwrap_err();
            assert_eq!(error.status(), 2, "{sql}: {error}");
        }
        assert!(!other.exists());
        let left: i64 = connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 2);
    }

    #[test]
    fn errors_of_a_query_are_in_words() {
        let (folder, path, _connection) = shop();
        let cause = |sql| run(&path, sql).unwrap_err().to_string();
        assert!(cause("SELECT * FROM order_list").ends_with("no such table: order_list"));
        assert!(cause("SELECT payment_id FROM orders").ends_with("no such column: payment_id"));
        assert!(cause("SELECT CAST(X'ff' AS TEXT) AS note FROM orders").contains("row 1"));
        let text = folder.path().join("orders.csv");
        std::fs::write(&text, "id,status\n".repeat(100)).unwrap();
        assert!(run(&text, "SELECT 1 FROM orders").unwrap_err().message.ends_with("is not an SQLite database"));
        assert_eq!(tables(&text).unwrap(), None);
        let missing = std::io::Error::from_raw_os_error(2).to_string();
        assert!(run(&folder.path().join("none.db"), "SELECT 1").unwrap_err().to_string().contains(&missing));
        assert!(!folder.path().join("none.db").exists());
    }

    #[test]
    fn a_query_without_end_is_stopped() {
        let (_folder, path, _connection) = shop();
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        let signals = watch::Sender::new(0);
        let interrupt = Interrupt::from_sender(&signals);
        let error = query(&path, endless, Duration::from_millis(50), interrupt, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("timed out"), "{error}");
        let interrupt = Interrupt::from_sender(&signals);
        signals.send_modify(|count| *count += 1);
        let error = query(&path, endless, Duration::from_secs(60), interrupt, &mut Vec::new()).unwrap_err();
        assert_eq!(error.status(), 130);
    }

    #[test]
    fn numbers_have_the_digits_that_sqlite_shows() {
        for (number, text) in
            [(0.1 + 0.2, "0.3"), (100.0, "100.0"), (270.55, "270.55"), (-1.5, "-1.5"), (1e15, "1000000000000000.0")]
        {
            assert_eq!(real_text(number), text);
        }
    }

    #[test]
    fn a_blob_is_text_only_if_it_has_no_control_characters() {
        let text = |bytes: &[u8]| text_of(ValueRef::Blob(bytes));
        assert_eq!(text(b"pi_1").as_deref(), Some("pi_1"));
        assert_eq!(text(&[0, 1, 2, 65]).as_deref(), Some("00010241"));
        assert_eq!(text(&[0xff]).as_deref(), Some("ff"));
    }
}
