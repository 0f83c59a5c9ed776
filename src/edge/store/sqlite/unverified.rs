//! Limits the space of unverified captures, which anybody can cause, and keeps space for verified
//! ones.
//!
//! A quarter of the limit is for heads and rows: beyond it, the oldest captures are removed. The
//! rest is for bodies: beyond it, the oldest ones are replaced by their SHA-256. A new capture that
//! does not fit after that loses its body, or is not stored. Verified captures are never touched.

use crate::edge::store::unverified_space::{Room, SpaceWanted, hash};
use crate::world::{MIN_FREE, MIN_FREE_FOR_BODIES};
use rusqlite::{Connection, OptionalExtension, params};

/// Free space that no delivery may use: copying the log and pruning need some.
pub(super) const RESERVE: u64 = 8 << 20;

/// Size of the log above which unverified captures are not stored: another process reads the store
/// without an end, and SQLite can't start its log over.
const MAX_LOG: u64 = 64 << 20;

/// Most captures that lose their body, or are removed, for a new one.
const MAX_EVICTED: u32 = 256;

/// The space around the store, measured before a transaction.
#[derive(Clone, Copy)]
pub(super) struct Space {
    /// Most bytes that unverified captures may take.
    pub limit: u64,
    /// Free bytes of the file system. `None`: unknown.
    pub free: Option<u64>,
    /// Size of the log.
    pub log: u64,
}

/// Makes room for a capture by removing older ones.
pub(super) fn make_room(connection: &Connection, space: Space, wanted: SpaceWanted) -> rusqlite::Result<Room> {
    let SpaceWanted { head, body } = wanted;
    if space.free.is_some_and(|free| free < MIN_FREE) {
        return Ok(Room::Nothing("less than 16 MiB are free on the disk"));
    }
    if space.log > MAX_LOG {
        return Ok(Room::Nothing("another process has been reading the store for too long"));
    }
    let for_heads = space.limit / 4;
    let for_bodies = space.limit - for_heads;
    if !fits(connection, "head_bytes", head, for_heads, remove_oldest)? {
        return Ok(Room::Nothing("they exceed --refused-limit"));
    }
    if body > 0 && space.free.is_some_and(|free| free < MIN_FREE_FOR_BODIES) {
        return Ok(Room::WithoutBody("less than 64 MiB are free on the disk"));
    }
    if !fits(connection, "body_bytes", body, for_bodies, strip_oldest)? {
        return Ok(Room::WithoutBody("they exceed --refused-limit"));
    }
    Ok(Room::Whole)
}

/// Evicts captures until `wanted` more bytes fit the limit. Returns false if they do not.
fn fits(
    connection: &Connection,
    column: &str,
    wanted: u64,
    limit: u64,
    evict: fn(&Connection) -> rusqlite::Result<bool>,
) -> rusqlite::Result<bool> {
    if wanted > limit {
        return Ok(false);
    }
    for _ in 0..MAX_EVICTED {
        let sql = format!("SELECT {column} FROM unverified_space");
        let used: i64 = connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        if used.unsigned_abs() + wanted <= limit {
            return Ok(true);
        }
        if !evict(connection)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes the oldest unverified capture. Returns false if there is none.
fn remove_oldest(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT min(id) FROM deliveries INDEXED BY deliveries_unverified WHERE head_bytes > 0";
    let oldest: Option<i64> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    oldest.map_or(Ok(false), |oldest| remove(connection, oldest).map(|()| true))
}

/// Replaces the body of the oldest unverified capture that has one by its hash. Returns false if
/// there is none.
fn strip_oldest(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT min(id) FROM deliveries INDEXED BY deliveries_unverified_body WHERE body_bytes > 0";
    let oldest: Option<i64> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    let Some(oldest) = oldest else { return Ok(false) };
    let sql = "SELECT body FROM contents WHERE delivery = ?1";
    let body: Option<Vec<u8>> = connection.prepare_cached(sql)?.query_row([oldest], |row| row.get(0)).optional()?;
    let sql = "UPDATE deliveries SET body_bytes = 0, body_hash = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![oldest, hash(&body.unwrap_or_default())])?;
    connection.prepare_cached("UPDATE contents SET body = x'' WHERE delivery = ?1")?.execute([oldest])?;
    Ok(true)
}

/// Removes a delivery with everything about it.
pub(super) fn remove(connection: &Connection, delivery: i64) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM forwards WHERE delivery = ?1",
        "DELETE FROM attempts WHERE delivery = ?1",
        "DELETE FROM contents WHERE delivery = ?1",
        "DELETE FROM deliveries WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([delivery])?;
    }
    Ok(())
}
