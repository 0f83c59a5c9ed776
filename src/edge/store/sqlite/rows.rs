//! Converts values to rows and back.

use super::super::attempt_columns::AttemptColumns;
use crate::edge::store::unverified_space::SpaceTaken;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::message::{Headers, Request};
use crate::model::money::Money;
use crate::model::secret::SecretOrigin;
use crate::model::stored::{AnswerState, AppState, Attempt, BodyHash, CaptureId, DeliverySummary, RecentEvent};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::VerdictCode;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};
use std::time::Duration;

/// The columns that `summary` reads, in order.
pub(super) const SUMMARY_COLUMNS: &str = "d.id, d.arrived, d.peer, d.provider, d.verdict, d.secret, d.is_test, d.kind, d.event_id, \
                                d.subject, d.status, d.minor, d.currency, d.answered, d.app, d.size, d.body_hash";

/// Number of these columns.
pub(super) const SUMMARY_LENGTH: usize = 17;

/// Returns microseconds since 1970.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// Converts microseconds since 1970 to a time.
pub(super) fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Inserts a delivery and its request with this row number.
pub(super) fn insert(
    connection: &Connection,
    row: i64,
    received: &AnalyzedDelivery,
    answer: AnswerState,
    taken: &SpaceTaken,
) -> rusqlite::Result<()> {
    let AnalyzedDelivery { delivery, provider, verdict, event } = received;
    let request = &delivery.request;
    connection
        .prepare_cached(
            "INSERT INTO deliveries (id, arrived, peer, provider, verdict, secret, is_test, kind, event_id, \
             subject, status, minor, currency, key, answered, size, head_bytes, body_bytes, body_hash) \
             VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)",
        )?
        .execute(params![
            row,
            delivery.arrived.map_or(0, micros),
            delivery.peer.map(|peer| peer.to_string()),
            provider,
            verdict.code().as_str(),
            verdict.secret().map(ToString::to_string),
            verdict.secret() == Some(&SecretOrigin::LocalTest),
            event.kind,
            event.id,
            event.subject,
            event.status,
            event.money.as_ref().map(|money| money.minor.to_string()),
            event.money.as_ref().map(|money| money.currency.as_str()),
            event.key,
            answer.code(),
            i64::try_from(request.body.len()).unwrap_or(i64::MAX),
            i64::try_from(taken.head).unwrap_or(i64::MAX),
            i64::try_from(taken.body).unwrap_or(i64::MAX),
            taken.hash,
        ])?;
    let body = if taken.hash.is_some() { &[][..] } else { &request.body };
    connection
        .prepare_cached("INSERT INTO contents (delivery, method, target, headers, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![row, request.method, request.target, request.headers.as_bytes(), body])
        .map(drop)
}

/// Reads the columns of `SUMMARY_COLUMNS`.
pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<DeliverySummary> {
    Ok(DeliverySummary {
        id: CaptureId(row.get(0)?),
        arrived: from_micros(row.get(1)?),
        peer: row.get(2)?,
        provider: row.get(3)?,
        verdict: verdict(row, 4)?,
        secret: row.get(5)?,
        is_test: row.get(6)?,
        kind: row.get(7)?,
        event_id: row.get(8)?,
        subject: row.get(9)?,
        status: row.get(10)?,
        money: money(row.get(11)?, row.get(12)?),
        answer: AnswerState::from_code(row.get(13)?),
        app: AppState::from_code(row.get(14)?),
        size: row.get::<_, i64>(15)?.unsigned_abs(),
        omitted_body: row.get::<_, Option<[u8; 32]>>(16)?.map(BodyHash),
    })
}

pub(super) fn verdict(row: &Row<'_>, column: usize) -> rusqlite::Result<VerdictCode> {
    let code: String = row.get(column)?;
    let unknown = || format!("unknown verdict `{code}`").into();
    VerdictCode::from_code(&code)
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, unknown()))
}

/// Reads id, provider, key, subject, status, minor and currency.
pub(super) fn recent_event(row: &Row<'_>) -> rusqlite::Result<RecentEvent> {
    Ok(RecentEvent {
        id: CaptureId(row.get(0)?),
        provider: row.get(1)?,
        key: row.get(2)?,
        subject: row.get(3)?,
        status: row.get(4)?,
        money: money(row.get(5)?, row.get(6)?),
    })
}

/// Builds an amount from its columns.
fn money(minor: Option<String>, currency: Option<String>) -> Option<Money> {
    let minor = minor.and_then(|text| text.parse().ok())?;
    Some(Money { minor, currency: currency.unwrap_or_default() })
}

/// Reads method, target, headers and body, from this column on.
pub(super) fn request(row: &Row<'_>, first: usize) -> rusqlite::Result<Request> {
    let unreadable =
        |error| rusqlite::Error::FromSqlConversionFailure(first + 2, rusqlite::types::Type::Blob, Box::new(error));
    let headers = Headers::read(row.get(first + 2)?).map_err(unreadable)?;
    Ok(Request { method: row.get(first)?, target: row.get(first + 1)?, headers, body: row.get(first + 3)? })
}

/// Inserts an attempt and updates the delivery's `app` column.
pub(super) fn insert_attempt(connection: &Connection, delivery: i64, attempt: &Attempt) -> rusqlite::Result<()> {
    let AttemptColumns { status, said, note } = AttemptColumns::new(attempt);
    let took = i64::try_from(attempt.took.as_micros()).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT INTO attempts (delivery, at, url, took, status, said, failure) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![delivery, micros(attempt.at), attempt.url, took, status, said, note])?;
    connection.prepare_cached(UPDATE_APP)?.execute([delivery]).map(drop)
}

/// Sets `app` to the worst of the last answers of each URL: the newest failure, if there is one.
const UPDATE_APP: &str = "
    UPDATE deliveries SET app = (
        SELECT status FROM (SELECT status, max(id) AS last FROM attempts WHERE delivery = ?1 GROUP BY url)
        ORDER BY status BETWEEN 200 AND 299, last DESC LIMIT 1
    ) WHERE id = ?1";

/// Reads at, url, took, status, said, failure.
pub(super) fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let outcome = AttemptColumns { status: row.get(3)?, said: row.get(4)?, note: row.get(5)? }.into_outcome();
    let took = Duration::from_micros(row.get::<_, i64>(2)?.unsigned_abs());
    Ok(Attempt { at: from_micros(row.get(0)?), url: row.get(1)?, took, outcome })
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
