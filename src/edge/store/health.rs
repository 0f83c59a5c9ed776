//! Checks that all of a store can be read, and measures it.

use crate::model::stored::StoreHealth;
use rusqlite::Connection;

/// Maximum number of faults to report.
const MOST: u32 = 5;

/// Reads every page. Does not compare indexes with tables, which takes far longer.
pub(super) fn health(connection: &Connection) -> rusqlite::Result<StoreHealth> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let bytes = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
    let mut statement = connection.prepare(&format!("PRAGMA quick_check({MOST})"))?;
    let said = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let deliveries = number("SELECT count(*) FROM deliveries")?;
    Ok(StoreHealth {
        deliveries: u64::try_from(deliveries).unwrap_or(0),
        bytes: u64::try_from(bytes).unwrap_or(0),
        damage: said.into_iter().filter(|line| line != "ok").collect(),
    })
}
