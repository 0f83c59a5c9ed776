//! Parameters of statements.

use super::text::encode;
use crate::model::timestamp::Timestamp;
use tokio_postgres::types::{ToSql, Type};

/// The earliest time that is stored, in microseconds: the year 1. PostgreSQL's calendar begins later
/// than ours.
const EARLIEST: i64 = -62_135_596_800_000_000;

/// Parameters with their types. A statement with them is not prepared on the server, so PgBouncer
/// can be in between.
#[derive(Default)]
pub(super) struct Params(Vec<(Box<dyn ToSql + Sync + Send>, Type)>);

impl Params {
    /// Adds a value and returns its placeholder.
    pub fn add(&mut self, value: impl ToSql + Sync + Send + 'static, kind: Type) -> String {
        self.0.push((Box::new(value), kind));
        format!("${}", self.0.len())
    }

    pub fn add_text(&mut self, text: &str) -> String {
        self.add(encode(text).into_owned(), Type::TEXT)
    }

    pub fn add_time(&mut self, time: Timestamp) -> String {
        self.add(stored_time(time), Type::TIMESTAMPTZ)
    }

    pub fn add_number(&mut self, number: i64) -> String {
        self.add(number, Type::INT8)
    }

    /// Returns what the client library takes.
    pub fn typed(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.0.iter().map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone())).collect()
    }
}

/// Returns the time that is stored for this one: microseconds, as in all stores, and not before the
/// year 1.
pub(super) fn stored_time(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond().max(EARLIEST)).unwrap_or(time)
}
