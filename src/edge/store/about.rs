//! What the store has about a reference, for a hundred thousand of them one after the other.
//!
//! No index of the deliveries has their references: it would cost every delivery that is recorded. So the first question makes a
//! temporary one, which is SQLite's own and goes with the connection; what arrived since is added before each further question.

use super::names::Names;
use super::rows;
use crate::model::stored::{DeliverySummary, ReferenceMatch};
use crate::model::timestamp::Timestamp;
use rusqlite::{Connection, params};

/// `about` has a row for each name of each delivery, `indexed` the last delivery that is in it.
const TABLES: &str = "
    CREATE TEMP TABLE IF NOT EXISTS about (name TEXT NOT NULL, delivery INTEGER NOT NULL);
    CREATE TEMP TABLE IF NOT EXISTS indexed (last INTEGER NOT NULL);
    INSERT INTO temp.indexed SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM temp.indexed);
";

/// Takes in what arrived since the last time, or everything.
fn bring_up_to_date(connection: &Connection) -> rusqlite::Result<()> {
    let last = "SELECT last FROM temp.indexed";
    let known: Option<i64> = match connection.prepare_cached(last) {
        Ok(mut statement) => Some(statement.query_row([], |row| row.get(0))?),
        Err(_) => None,
    };
    if known.is_none() {
        connection.execute_batch(TABLES)?;
    }
    let known = known.unwrap_or_default();
    let newest = "SELECT coalesce(max(seq), 0) FROM main.deliveries";
    let newest: i64 = connection.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
    if newest > known {
        // Sorted first, the index is made in order; an event about itself has one name.
        let sql = "INSERT INTO temp.about
                   SELECT event_id, seq FROM main.deliveries WHERE seq > ?1 AND seq <= ?2 AND event_id IS NOT NULL
                   UNION ALL
                   SELECT subject, seq FROM main.deliveries
                   WHERE seq > ?1 AND seq <= ?2 AND subject IS NOT NULL AND subject IS NOT event_id";
        connection.prepare_cached(sql)?.execute(params![known, newest])?;
        connection.execute_batch("CREATE INDEX IF NOT EXISTS temp.about_name ON about (name, delivery)")?;
        connection.prepare_cached("UPDATE temp.indexed SET last = ?1")?.execute([newest])?;
    }
    Ok(())
}

/// The deliveries whose event id, reference or subject this is, the oldest first.
pub(super) fn about(connection: &Connection, names: Names, reference: &str) -> rusqlite::Result<Vec<ReferenceMatch>> {
    bring_up_to_date(connection)?;
    let sql = format!(
        "SELECT {}, d.key FROM temp.about a JOIN main.deliveries d ON d.seq = a.delivery
         WHERE a.name = ?1 ORDER BY a.delivery",
        rows::ENTRY
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let told = statement
        .query_map([reference], |row| Ok(ReferenceMatch { summary: rows::entry(row, names)?, key: row.get(16)? }))?;
    told.collect()
}

/// Up to `most` deliveries that came after place `after`, and arrived since, the oldest first, and the place of the last.
pub(super) fn page(
    connection: &Connection,
    names: Names,
    since: Option<Timestamp>,
    after: i64,
    most: u32,
) -> rusqlite::Result<(Vec<DeliverySummary>, i64)> {
    let sql = format!(
        "SELECT {} FROM main.deliveries d WHERE d.seq > ?1 AND d.arrived >= ?2 ORDER BY d.seq LIMIT ?3",
        rows::ENTRY
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let since = since.map_or(i64::MIN, rows::micros);
    let read = |row: &rusqlite::Row<'_>| Ok((rows::entry(row, names)?, row.get::<_, i64>(15)?));
    let page = statement.query_map(params![after, since, most], read)?;
    let (entries, places): (Vec<_>, Vec<_>) = page.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().unzip();
    Ok((entries, places.last().copied().unwrap_or(after)))
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    fn store() -> Connection {
        schema::in_memory().unwrap()
    }

    fn add(connection: &Connection, id: &str, event: Option<&str>, subject: Option<&str>) {
        let sql = "INSERT INTO deliveries (id, arrived, verdict, event_id, subject, answered, size)
                   VALUES (?1, ?2, 'verified', ?3, ?4, 200, 1)";
        connection.execute(sql, params![id, id.len() as i64, event, subject]).unwrap();
    }

    fn ids(connection: &Connection, name: &str) -> Vec<String> {
        about(connection, Names::of(connection).unwrap(), name)
            .unwrap()
            .into_iter()
            .map(|told| told.summary.id)
            .collect()
    }

    #[test]
    fn a_delivery_is_found_by_its_event_and_by_what_it_is_about_and_once() {
        let connection = store();
        add(&connection, "a", Some("PLS-1"), Some("order-1"));
        add(&connection, "b", Some("PLS-2"), Some("order-1"));
        add(&connection, "c", Some("same"), Some("same"));
        add(&connection, "d", None, None);
        assert_eq!(ids(&connection, "order-1"), ["a", "b"]);
        assert_eq!(ids(&connection, "PLS-2"), ["b"]);
        assert_eq!(ids(&connection, "same"), ["c"]);
        assert!(ids(&connection, "none").is_empty());
    }

    #[test]
    fn what_arrives_later_is_found_too_and_the_store_stays_as_it_was() {
        let connection = store();
        assert!(ids(&connection, "pi_1").is_empty());
        add(&connection, "a", Some("evt_1"), Some("pi_1"));
        assert_eq!(ids(&connection, "pi_1"), ["a"]);
        add(&connection, "b", Some("evt_2"), Some("pi_1"));
        assert_eq!(ids(&connection, "pi_1"), ["a", "b"]);
        let sql = "SELECT count(*) FROM main.sqlite_schema WHERE name LIKE 'about%'";
        assert_eq!(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }

    #[test]
    fn pages_follow_one_another_and_keep_to_the_time() {
        let connection = store();
        for id in ["a", "bb", "ccc", "dddd"] {
            add(&connection, id, None, None);
        }
        let names = Names::of(&connection).unwrap();
        let page = |since, after| page(&connection, names, since, after, 2).unwrap();
        let (first, place) = page(None, 0);
        let (second, end) = page(None, place);
        assert_eq!([first.len(), second.len(), page(None, end).0.len()], [2, 2, 0]);
        let (late, _) = page(Some(Timestamp::from_microsecond(3).unwrap()), 0);
        assert_eq!(late.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["ccc", "dddd"]);
    }
}
