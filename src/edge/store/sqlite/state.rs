//! Keeps the state of `whtool watch`: rows with a kind, a key and bytes, whose meaning is the domain's.
//!
//! The table is created with the first row, so stores without a watch stay as they are, and older
//! versions of whtool can open those with one.

use crate::model::stored::StateRow;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS watch_state (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID
";

fn has_table(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = 'watch_state'";
    connection.prepare_cached(sql)?.exists([])
}

pub(super) fn rows(connection: &Connection, kinds: &[&str]) -> rusqlite::Result<Vec<StateRow>> {
    let mut found = Vec::new();
    if !has_table(connection)? {
        return Ok(found);
    }
    for kind in kinds {
        let mut statement =
            connection.prepare_cached("SELECT key, value FROM watch_state WHERE kind = ?1 ORDER BY key")?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(StateRow { kind: (*kind).to_owned(), key: row.get(0)?, value: Some(row.get(1)?) })
        };
        for row in statement.query_map([kind], read)? {
            found.push(row?);
        }
    }
    Ok(found)
}

/// Returns the rows of all kinds.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<StateRow>> {
    if !has_table(connection)? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare("SELECT kind, key, value FROM watch_state ORDER BY kind, key")?;
    let read = |row: &rusqlite::Row<'_>| Ok(StateRow { kind: row.get(0)?, key: row.get(1)?, value: Some(row.get(2)?) });
    statement.query_map([], read)?.collect()
}

pub(super) fn row(connection: &Connection, kind: &str, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    if !has_table(connection)? {
        return Ok(None);
    }
    let sql = "SELECT value FROM watch_state WHERE kind = ?1 AND key = ?2";
    connection.prepare_cached(sql)?.query_row([kind, key], |row| row.get(0)).optional()
}

pub(super) fn write(connection: &mut Connection, rows: &[StateRow]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLE)?;
    for StateRow { kind, key, value } in rows {
        match value {
            Some(value) => {
                let sql = "INSERT OR REPLACE INTO watch_state (kind, key, value) VALUES (?1, ?2, ?3)";
                transaction.prepare_cached(sql)?.execute(params![kind, key, value])?;
            }
            None => {
                let sql = "DELETE FROM watch_state WHERE kind = ?1 AND key = ?2";
                transaction.prepare_cached(sql)?.execute([kind, key])?;
            }
        }
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    fn state_row(kind: &str, key: &str, value: Option<&[u8]>) -> StateRow {
        StateRow { kind: kind.to_owned(), key: key.to_owned(), value: value.map(<[u8]>::to_vec) }
    }

    #[test]
    fn rows_are_written_replaced_and_removed() {
        let mut store = schema::in_memory().unwrap();
        assert_eq!((rows(&store, &["a"]).unwrap(), row(&store, "a", "1").unwrap()), (Vec::new(), None));
        let first = [state_row("a", "1", Some(b"x\0\xff")), state_row("b", "1", Some(b"y"))];
        write(&mut store, &first).unwrap();
        assert_eq!(rows(&store, &["b", "a", "c"]).unwrap(), [first[1].clone(), first[0].clone()]);
        write(&mut store, &[state_row("a", "1", Some(b"z")), state_row("b", "1", None)]).unwrap();
        assert_eq!(rows(&store, &["a", "b"]).unwrap(), [state_row("a", "1", Some(b"z"))]);
        assert_eq!(row(&store, "a", "1").unwrap().as_deref(), Some(&b"z"[..]));
    }

    #[test]
    fn a_store_without_a_watch_gets_no_table_and_one_with_it_keeps_its_version() {
        let mut store = schema::in_memory().unwrap();
        let version =
            |store: &Connection| store.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap();
        let before = version(&store);
        rows(&store, &["a"]).unwrap();
        assert!(!has_table(&store).unwrap());
        write(&mut store, &[state_row("a", "1", None)]).unwrap();
        assert!(has_table(&store).unwrap() && version(&store) == before);
    }
}
