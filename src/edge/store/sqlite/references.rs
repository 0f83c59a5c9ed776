//! Finds deliveries by reference, for up to a hundred thousand references in a row.
//!
//! References have no permanent index, which would slow down each insert. The first query builds a
//! temporary index that SQLite drops with the connection; each further query adds new deliveries.

use super::rows;
use crate::model::stored::ReferenceMatch;
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

/// Returns the deliveries with this event id, reference or subject, oldest first.
pub(super) fn find_by_reference(connection: &Connection, reference: &str) -> rusqlite::Result<Vec<ReferenceMatch>> {
    update_index(connection)?;
    let sql = format!(
        "SELECT {}, d.key FROM temp.about a JOIN main.deliveries d ON d.id = a.delivery
         WHERE a.name = ?1 ORDER BY a.delivery",
        rows::SUMMARY_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let matches = statement
        .query_map([reference], |row| Ok(ReferenceMatch { summary: rows::summary(row)?, key: row.get(17)? }))?;
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
        find_by_reference(connection, name).unwrap().into_iter().map(|found| found.summary.id.0).collect()
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
