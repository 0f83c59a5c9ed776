//! Inserts captures of another store.

use super::super::unverified_space::{body_bytes, head_bytes};
use super::rows::{self, micros};
use crate::model::stored::{CopiedCapture, DeliverySummary, StoredCapture};
use rusqlite::{Connection, params};

/// Inserts a capture under its number.
pub(super) fn insert(connection: &Connection, copy: &CopiedCapture) -> rusqlite::Result<()> {
    let summary = copy.summary();
    let (method, target, headers, body) = match &copy.capture {
        StoredCapture::Whole(stored) => {
            let request = &stored.request;
            (&request.method, &request.target, &request.headers, &request.body[..])
        }
        StoredCapture::WithoutBody(head) => (&head.method, &head.target, &head.headers, &[][..]),
    };
    let is_verified = summary.verdict == crate::model::verdict::VerdictCode::Verified;
    let space = |bytes: u64| if is_verified { 0 } else { i64::try_from(bytes).unwrap_or(i64::MAX) };
    let DeliverySummary { id, peer, provider, secret, is_test, kind, event_id, subject, status, .. } = summary;
    connection
        .prepare_cached(
            "INSERT INTO deliveries (id, arrived, peer, provider, verdict, secret, is_test, kind, event_id, \
             subject, status, minor, currency, key, answered, size, head_bytes, body_bytes, body_hash) \
             VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)",
        )?
        .execute(params![
            id.0,
            micros(summary.arrived),
            peer,
            provider,
            summary.verdict.as_str(),
            secret,
            is_test,
            kind,
            event_id,
            subject,
            status,
            summary.money.as_ref().map(|money| money.minor.to_string()),
            summary.money.as_ref().map(|money| money.currency.as_str()),
            copy.key,
            summary.answer.code(),
            i64::try_from(summary.size).unwrap_or(i64::MAX),
            space(head_bytes(target.len(), headers.as_bytes().len())),
            space(body_bytes(body.len())),
            summary.omitted_body.map(|hash| hash.0),
        ])?;
    connection
        .prepare_cached("INSERT INTO contents (delivery, method, target, headers, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![id.0, method, target, headers.as_bytes(), body])?;
    if let StoredCapture::Whole(stored) = &copy.capture {
        stored.attempts.iter().try_for_each(|attempt| rows::insert_attempt(connection, id.0, attempt))?;
    }
    // An attempt sets it, too, but not those of several groups as the other store has it.
    let sql = "UPDATE deliveries SET app = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.0, summary.app.code()]).map(drop)
}
