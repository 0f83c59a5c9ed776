//! Rows in and out: how values stand in the tables.

use super::names::Names;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::exchange::Answer;
use crate::model::message::{Headers, Request};
use crate::model::money::Money;
use crate::model::stored::{AnswerState, AppState, Attempt, DeliverySummary};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::VerdictCode;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};
use std::time::Duration;

/// The columns that `entry` reads, in its order.
pub(super) const ENTRY: &str = "d.id, d.arrived, d.peer, d.provider, d.verdict, d.secret, d.kind, d.event_id, d.subject, \
                                d.status, d.minor, d.currency, d.answered, d.app, d.size, d.seq";

/// A moment as the tables have it: microseconds since 1970.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// The moment of so many microseconds since 1970.
pub(super) fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Adds a delivery at this place.
pub(super) fn insert(
    connection: &Connection,
    place: i64,
    received: &AnalyzedDelivery,
    answer: AnswerState,
) -> rusqlite::Result<()> {
    let AnalyzedDelivery { delivery, provider, verdict, event } = received;
    let request = &delivery.request;
    connection
        .prepare_cached(
            "INSERT INTO deliveries (seq, arrived, peer, provider, verdict, secret, kind, event_id, subject, status, \
             minor, currency, key, answered, size) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)",
        )?
        .execute(params![
            place,
            delivery.arrived.map_or(0, micros),
            delivery.peer.map(|peer| peer.to_string()),
            provider,
            verdict.code().as_str(),
            verdict.secret().map(ToString::to_string),
            event.kind,
            event.id,
            event.subject,
            event.status,
            event.money.as_ref().map(|money| money.minor.to_string()),
            event.money.as_ref().map(|money| money.currency.as_str()),
            event.key,
            answer.code(),
            i64::try_from(request.body.len()).unwrap_or(i64::MAX),
        ])?;
    connection
        .prepare_cached("INSERT INTO contents (seq, method, target, headers, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![place, request.method, request.target, request.headers.as_bytes(), request.body,])
        .map(drop)
}

/// Reads what `ENTRY` names.
pub(super) fn entry(row: &Row<'_>, names: Names) -> rusqlite::Result<DeliverySummary> {
    let minor: Option<String> = row.get(10)?;
    let currency: Option<String> = row.get(11)?;
    let minor = minor.and_then(|text| text.parse().ok());
    Ok(DeliverySummary {
        id: row.get::<_, Option<_>>(0)?.map_or_else(|| row.get(15).map(|place| names.id(place)), Ok)?,
        arrived: moment(row.get(1)?),
        peer: row.get(2)?,
        provider: row.get(3)?,
        verdict: verdict(row, 4)?,
        secret: row.get(5)?,
        kind: row.get(6)?,
        event_id: row.get(7)?,
        subject: row.get(8)?,
        status: row.get(9)?,
        money: minor.map(|minor| Money { minor, currency: currency.unwrap_or_default() }),
        answer: AnswerState::from_code(row.get(12)?),
        app: AppState::from_code(row.get(13)?),
        size: row.get::<_, i64>(14)?.unsigned_abs(),
    })
}

/// Reads the code of a verdict in this column.
pub(super) fn verdict(row: &Row<'_>, column: usize) -> rusqlite::Result<VerdictCode> {
    let code: String = row.get(column)?;
    let unknown = || format!("unknown verdict `{code}`").into();
    VerdictCode::from_code(&code)
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, unknown()))
}

/// Provider, type and currency.
pub(super) type Purse = (Option<String>, Option<String>, String);

/// Reads provider, kind, currency and minor.
pub(super) fn amount(row: &Row<'_>) -> rusqlite::Result<(Purse, i128)> {
    let currency: Option<String> = row.get(2)?;
    let minor: String = row.get(3)?;
    Ok(((row.get(0)?, row.get(1)?, currency.unwrap_or_default()), minor.parse().unwrap_or(0)))
}

/// Reads method, target, headers and body.
pub(super) fn request(row: &Row<'_>) -> rusqlite::Result<Request> {
    let headers: Vec<u8> = row.get(2)?;
    let headers = Headers::read(headers)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Blob, Box::new(error)))?;
    Ok(Request { method: row.get(0)?, target: row.get(1)?, headers, body: row.get(3)? })
}

/// How much of an answer is kept.
const SAID: usize = 4 * 1024;

/// Adds an attempt, and notes with the delivery what the app said last: the worst that any URL said last.
pub(super) fn insert_attempt(connection: &Connection, delivery: i64, attempt: &Attempt) -> rusqlite::Result<()> {
    let (said, failure) = match &attempt.outcome {
        Ok(answer) => (&answer.body[..answer.body.len().min(SAID)], None),
        Err(failure) => (&[][..], Some(failure)),
    };
    let took = i64::try_from(attempt.took.as_micros()).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT INTO attempts (delivery, at, url, took, status, said, failure) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            delivery,
            micros(attempt.at),
            attempt.url,
            took,
            attempt.status().map_or(0, |status| status.0),
            said,
            failure
        ])?;
    connection.prepare_cached(APP)?.execute([delivery]).map(drop)
}

/// Of the latest attempts at each URL one that failed counts, and of several the last.
const APP: &str = "
    UPDATE deliveries SET app = (
        SELECT status FROM (SELECT status, max(seq) AS last FROM attempts WHERE delivery = ?1 GROUP BY url)
        ORDER BY status BETWEEN 200 AND 299, last DESC LIMIT 1
    ) WHERE seq = ?1";

/// Reads at, url, took, status, said, failure.
pub(super) fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let failure: Option<String> = row.get(5)?;
    let outcome = match failure {
        Some(failure) => Err(failure),
        None => Ok(Answer::new(row.get(3)?, row.get::<_, Vec<u8>>(4)?)),
    };
    let took = Duration::from_micros(row.get::<_, i64>(2)?.unsigned_abs());
    Ok(Attempt { at: moment(row.get(0)?), url: row.get(1)?, took, outcome })
}

/// Text for a parameter list.
pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
