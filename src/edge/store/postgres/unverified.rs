//! Makes room for unverified captures by removing older ones, as `sqlite/unverified.rs` does.
//!
//! The limit is that of the inbox. Each listener adds to its own row of `unverified_space` and reads
//! the sum, so listeners do not wait for each other; together they may exceed the limit by a batch.

use super::params::Params;
use super::session::PostgresSession;
use super::text::encode;
use crate::edge::store::unverified_space::{Room, SpaceWanted};
use tokio_postgres::Error;
use tokio_postgres::types::Type;

/// Most captures that lose their body, or are removed, for one batch.
const MAX_EVICTED: i64 = 1_024;

/// Least bytes of a head.
const MIN_HEAD: i64 = 512;

/// Bytes that unverified captures take, or that they give back.
#[derive(Clone, Copy, Default)]
struct Space {
    heads: i64,
    bodies: i64,
}

/// Makes room for captures, and returns what of each may be stored.
pub(super) async fn make_room(
    session: &PostgresSession,
    listener: &str,
    limit: u64,
    wanted: &[SpaceWanted],
) -> Result<Vec<Room>, Error> {
    let for_heads = number(limit / 4);
    let for_bodies = number(limit - limit / 4);
    let fitting = |bytes: u64, limit: i64| if number(bytes) <= limit { number(bytes) } else { 0 };
    let heads: i64 = wanted.iter().map(|one| fitting(one.head, for_heads)).sum();
    let bodies: i64 = wanted.iter().map(|one| fitting(one.body, for_bodies)).sum();
    let mut used = used_space(session).await?;
    let excess = used.heads + heads - for_heads;
    if excess > 0 {
        let gone = evict(session, &removal(), listener, excess, (excess / MIN_HEAD + 1).min(MAX_EVICTED)).await?;
        used = Space { heads: used.heads - gone.heads, bodies: used.bodies - gone.bodies };
    }
    let excess = used.bodies + bodies - for_bodies;
    if excess > 0 {
        used.bodies -= evict(session, &stripping(), listener, excess, MAX_EVICTED).await?.bodies;
    }
    let rooms = wanted.iter().map(|one| {
        let (head, body) = (number(one.head), number(one.body));
        if used.heads + head > for_heads {
            return Room::Nothing("they exceed --refused-limit");
        }
        used.heads += head;
        if used.bodies + body > for_bodies {
            return Room::WithoutBody("they exceed --refused-limit");
        }
        used.bodies += body;
        Room::Whole
    });
    Ok(rooms.collect())
}

fn number(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

async fn used_space(session: &PostgresSession) -> Result<Space, Error> {
    let inbox = encode(session.inbox());
    let sql = "SELECT coalesce(sum(head_bytes), 0)::bigint, coalesce(sum(body_bytes), 0)::bigint \
               FROM whtool.unverified_space WHERE inbox = $1";
    read_space(&session.query_raw(sql, &[(&inbox, Type::TEXT)]).await?)
}

fn read_space(rows: &[tokio_postgres::Row]) -> Result<Space, Error> {
    let read = |row: &tokio_postgres::Row| Ok(Space { heads: row.try_get(0)?, bodies: row.try_get(1)? });
    rows.first().map_or_else(|| Ok(Space::default()), read)
}

/// Evicts the oldest captures, at most `most`, until they give back `excess` bytes.
async fn evict(session: &PostgresSession, sql: &str, listener: &str, excess: i64, most: i64) -> Result<Space, Error> {
    let mut params = Params::default();
    params.add_text(session.inbox());
    params.add_text(listener);
    params.add(excess, Type::INT8);
    params.add(most, Type::INT8);
    read_space(&session.query_raw(sql, &params.typed()).await?)
}

/// Subtracts what the captures in `gone` took from the listener's row, and returns it.
const GIVE_BACK: &str = ", space AS (
        INSERT INTO whtool.unverified_space AS s (inbox, listener, head_bytes, body_bytes)
        SELECT $1, $2, -sum(head_bytes), -sum(body_bytes) FROM gone HAVING count(*) > 0
        ON CONFLICT (inbox, listener) DO UPDATE
        SET head_bytes = s.head_bytes + excluded.head_bytes, body_bytes = s.body_bytes + excluded.body_bytes
    )
    SELECT coalesce(sum(head_bytes), 0)::bigint, coalesce(sum(body_bytes), 0)::bigint FROM gone";

/// Removes the oldest captures with everything about them. Names are found by the event's.
fn removal() -> String {
    format!(
        "WITH oldest AS MATERIALIZED (
            SELECT seq, arrived, event_id, subject, head_bytes, sum(head_bytes) OVER (ORDER BY seq) AS total
            FROM (SELECT * FROM whtool.deliveries WHERE inbox = $1 AND head_bytes > 0 ORDER BY seq LIMIT $4) AS first
        ), victims AS MATERIALIZED (
            SELECT * FROM oldest WHERE total - head_bytes < $3
        ), gone AS (
            DELETE FROM whtool.deliveries t USING victims v
            WHERE (t.inbox, t.seq, t.arrived) = ($1, v.seq, v.arrived) RETURNING t.head_bytes, t.body_bytes
        ), contents_gone AS (
            DELETE FROM whtool.contents t USING victims v WHERE (t.inbox, t.seq, t.arrived) = ($1, v.seq, v.arrived)
        ), attempts_gone AS (
            DELETE FROM whtool.attempts t USING victims v WHERE (t.inbox, t.seq, t.arrived) = ($1, v.seq, v.arrived)
        ), names_gone AS (
            DELETE FROM whtool.names t
            USING (SELECT seq, arrived, left(unnest(ARRAY[event_id, subject]), 128) AS name FROM victims) AS v
            WHERE (t.inbox, t.name, t.seq, t.arrived) = ($1, v.name, v.seq, v.arrived)
        ){GIVE_BACK}"
    )
}

/// Replaces the bodies of the oldest captures by their SHA-256.
fn stripping() -> String {
    format!(
        "WITH oldest AS MATERIALIZED (
            SELECT seq, arrived, body_bytes, sum(body_bytes) OVER (ORDER BY seq) AS total
            FROM (SELECT * FROM whtool.deliveries WHERE inbox = $1 AND body_bytes > 0 ORDER BY seq LIMIT $4) AS first
        ), victims AS MATERIALIZED (
            SELECT v.seq, v.arrived, v.body_bytes, sha256(c.body) AS body_hash
            FROM oldest v JOIN whtool.contents c ON (c.inbox, c.seq, c.arrived) = ($1, v.seq, v.arrived)
            WHERE v.total - v.body_bytes < $3
        ), gone AS (
            UPDATE whtool.deliveries t SET body_bytes = 0, body_hash = v.body_hash FROM victims v
            WHERE (t.inbox, t.seq, t.arrived) = ($1, v.seq, v.arrived) AND t.body_bytes > 0
            RETURNING 0::bigint AS head_bytes, v.body_bytes
        ), contents_gone AS (
            UPDATE whtool.contents t SET body = '' FROM victims v
            WHERE (t.inbox, t.seq, t.arrived) = ($1, v.seq, v.arrived)
        ){GIVE_BACK}"
    )
}
