//! Finds deliveries by reference, for up to a hundred thousand references in a row.
//!
//! The first queries use the summaries. Once that has read as much as the whole store, a temporary
//! index is built, which SQLite drops with the connection; each further query adds new deliveries.

use super::filter::{Order, Selection};
use super::{rows, summaries};
use crate::model::stored::{Query, ReferenceMatch};
use rusqlite::{Connection, params};

/// `about` has one row per name of a delivery, `indexed` the last delivery that is in `about`.
const TABLES: &str = "
    CREATE TEMP TABLE IF NOT EXISTS about (name TEXT NOT NULL, delivery INTEGER NOT NULL);
    CREATE TEMP TABLE IF NOT EXISTS indexed (last INTEGER NOT NULL);
    INSERT INTO temp.indexed SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM temp.indexed);
";

/// Adds the deliveries since the last call to the index.
fn update_index(connection: &Connection) -> rusqlite::Result<()> {
    let last_indexed = "SELECT last FROM temp.indexed";
    let indexed: Option<i64> = match connection.prepare_cached(last_indexed) {
        Ok(mut statement) => Some(statement.query_row([], |row| row.get(0))?),
        Err(_) => None,
    };
    if indexed.is_none() {
        connection.execute_batch(TABLES)?;
    }
    let indexed = indexed.unwrap_or_default();
    let newest = "SELECT coalesce(max(id), 0) FROM main.deliveries";
    let newest: i64 = connection.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
    if newest > indexed {
        // Built after the insert, the index is filled in order. An event whose id is its subject
        // has one name.
        let sql = "INSERT INTO temp.about
                   SELECT event_id, id FROM main.deliveries WHERE id > ?1 AND id <= ?2 AND event_id IS NOT NULL
                   UNION ALL
                   SELECT subject, id FROM main.deliveries
                   WHERE id > ?1 AND id <= ?2 AND subject IS NOT NULL AND subject IS NOT event_id";
        connection.prepare_cached(sql)?.execute(params![indexed, newest])?;
        connection.execute_batch("CREATE INDEX IF NOT EXISTS temp.about_name ON about (name, delivery)")?;
        connection.prepare_cached("UPDATE temp.indexed SET last = ?1")?.execute([newest])?;
    }
    Ok(())
}

/// Finds deliveries in one store, with a temporary index once that is worth it.
#[derive(Default)]
pub(super) struct ReferenceSearch {
    /// About as many deliveries have been read without the index.
    read: i64,
}

impl ReferenceSearch {
    /// Returns the deliveries with this event id, reference or subject, oldest first.
    pub fn find(&mut self, connection: &Connection, reference: &str) -> rusqlite::Result<Vec<ReferenceMatch>> {
        let newest = "SELECT coalesce(max(id), 0) FROM main.deliveries";
        let newest: i64 = connection.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
        let until = summaries::until(connection)?;
        self.read = self.read.saturating_add((newest - until).max(0)).saturating_add(until / READ_PER_SUMMARY);
        if self.read > newest / 2 {
            find_in_index(connection, reference)
        } else {
            find_by_summary(connection, reference)
        }
    }
}

/// Number of summarized deliveries for which a search takes as long as for reading one.
const READ_PER_SUMMARY: i64 = 256;

fn find_by_summary(connection: &Connection, reference: &str) -> rusqlite::Result<Vec<ReferenceMatch>> {
    let query = Query { reference: Some(reference.to_owned()), ..Query::default() };
    let mut found = Vec::new();
    let state = connection.unchecked_transaction()?;
    let columns = format!("{}, d.key", rows::SUMMARY_COLUMNS);
    let all = (Order::OldestFirst, None);
    Selection::new(&state, &query, (i64::MIN, i64::MAX))?.for_each(&state, &columns, all, |row| {
        found.push(reference_match(row)?);
        Ok(())
    })?;
    state.commit()?;
    Ok(found)
}

fn reference_match(row: &rusqlite::Row<'_>) -> rusqlite::Result<ReferenceMatch> {
    Ok(ReferenceMatch { summary: rows::summary(row)?, key: row.get(17)? })
}

fn find_in_index(connection: &Connection, reference: &str) -> rusqlite::Result<Vec<ReferenceMatch>> {
    update_index(connection)?;
    let sql = format!(
        "SELECT {}, d.key FROM temp.about a JOIN main.deliveries d ON d.id = a.delivery
         WHERE a.name = ?1 ORDER BY a.delivery",
        rows::SUMMARY_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let matches = statement.query_map([reference], reference_match)?;
    matches.collect()
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    fn store() -> Connection {
        schema::in_memory().unwrap()
    }

    fn add(connection: &Connection, id: i64, event: Option<&str>, subject: Option<&str>) {
        let sql = "INSERT INTO deliveries (id, arrived, verdict, event_id, subject, answered, size)
                   VALUES (?1, ?1, 'verified', ?2, ?3, 200, 1)";
        connection.execute(sql, params![id, event, subject]).unwrap();
    }

    fn ids(connection: &Connection, name: &str) -> Vec<i64> {
        find_in_index(connection, name).unwrap().into_iter().map(|found| found.summary.id.0).collect()
    }

    #[test]
    fn a_delivery_is_found_once_by_its_event_id_and_by_its_subject() {
        let connection = store();
        add(&connection, 1, Some("PLS-1"), Some("order-1"));
        add(&connection, 2, Some("PLS-2"), Some("order-1"));
        add(&connection, 3, Some("same"), Some("same"));
        add(&connection, 4, None, None);
        assert_eq!(ids(&connection, "order-1"), [1, 2]);
        assert_eq!(ids(&connection, "PLS-2"), [2]);
        assert_eq!(ids(&connection, "same"), [3]);
        assert!(ids(&connection, "none").is_empty());
    }

    #[test]
    fn later_deliveries_are_found_and_the_file_gets_no_index() {
        let connection = store();
        assert!(ids(&connection, "pi_1").is_empty());
        add(&connection, 1, Some("evt_1"), Some("pi_1"));
        assert_eq!(ids(&connection, "pi_1"), [1]);
        add(&connection, 2, Some("evt_2"), Some("pi_1"));
        assert_eq!(ids(&connection, "pi_1"), [1, 2]);
        let sql = "SELECT count(*) FROM main.sqlite_schema WHERE name LIKE 'about%'";
        assert_eq!(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }
}
