//! Converts rows of PostgreSQL to values.

use super::super::attempt_columns::AttemptColumns;
use super::text::Text;
use crate::model::error::{Error, Result};
use crate::model::message::{Headers, Request};
use crate::model::money::Money;
use crate::model::stored::{
    AnswerState, AppState, Attempt, BodyHash, CaptureId, DeliverySummary, QueueState, QueuedForward, RecentEvent,
    StateRow,
};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::VerdictCode;
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

/// The columns that `summary` reads, in order.
pub(super) const SUMMARY_COLUMNS: &str = "d.seq, d.arrived, d.peer, d.provider, d.verdict, d.secret, d.is_test, d.kind, \
                                d.event_id, d.subject, d.status, d.minor::text, d.currency, d.answered, d.app, \
                                d.size, d.body_hash";

/// The columns that `request` reads.
pub(super) const REQUEST_COLUMNS: &str = "c.method, c.target, c.headers, c.body";

/// Reads the columns of a row from left to right.
pub(super) struct Columns<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> Columns<'r> {
    pub fn new(row: &'r Row) -> Self {
        Self { row, next: 0 }
    }

    pub fn read<T: FromSql<'r>>(&mut self) -> Result<T> {
        self.next += 1;
        self.row.try_get(self.next - 1).map_err(|error| unreadable(&error))
    }

    pub fn read_text(&mut self) -> Result<String> {
        self.read::<Text>().map(|text| text.0)
    }

    pub fn read_text_if_any(&mut self) -> Result<Option<String>> {
        Ok(self.read::<Option<Text>>()?.map(|text| text.0))
    }

    pub fn read_count(&mut self) -> Result<u64> {
        self.read::<i64>().map(i64::unsigned_abs)
    }

    /// Reads an HTTP status, which the database holds as a larger number.
    fn read_status(&mut self) -> Result<Option<u16>> {
        let status: Option<i32> = self.read()?;
        status.map(|status| u16::try_from(status).map_err(|error| unreadable(&error))).transpose()
    }

    pub fn read_verdict(&mut self) -> Result<VerdictCode> {
        let code = self.read_text()?;
        VerdictCode::from_code(&code).ok_or_else(|| unreadable(&format!("unknown verdict `{code}`")))
    }

    fn read_money(&mut self) -> Result<Option<Money>> {
        let (minor, currency) = (self.read_text_if_any()?, self.read_text_if_any()?);
        let minor = minor.and_then(|text| text.parse().ok());
        Ok(minor.map(|minor| Money { minor, currency: currency.unwrap_or_default() }))
    }

    /// Reads `SUMMARY_COLUMNS`.
    pub fn read_summary(&mut self) -> Result<DeliverySummary> {
        Ok(DeliverySummary {
            id: CaptureId(self.read()?),
            arrived: self.read()?,
            peer: self.read_text_if_any()?,
            provider: self.read_text_if_any()?,
            verdict: self.read_verdict()?,
            secret: self.read_text_if_any()?,
            is_test: self.read()?,
            kind: self.read_text_if_any()?,
            event_id: self.read_text_if_any()?,
            subject: self.read_text_if_any()?,
            status: self.read_text_if_any()?,
            money: self.read_money()?,
            answer: AnswerState::from_code(self.read_status()?.unwrap_or(0)),
            app: AppState::from_code(self.read_status()?),
            size: self.read_count()?,
            omitted_body: self.read_hash()?,
        })
    }

    fn read_hash(&mut self) -> Result<Option<BodyHash>> {
        let hash: Option<&[u8]> = self.read()?;
        hash.map(|hash| hash.try_into().map(BodyHash).map_err(|error| unreadable(&error))).transpose()
    }

    /// Reads `REQUEST_COLUMNS`.
    pub fn read_request(&mut self) -> Result<Request> {
        let (method, target) = (self.read_text()?, self.read_text()?);
        let headers = Headers::read(self.read()?).map_err(|error| unreadable(&error))?;
        Ok(Request { method, target, headers, body: self.read()? })
    }

    /// Reads at, url, took, status, said and failure.
    pub fn read_attempt(&mut self) -> Result<Attempt> {
        let (at, url, took): (Timestamp, _, i64) = (self.read()?, self.read_text()?, self.read()?);
        let (status, said): (_, Vec<u8>) = (self.read_status()?.unwrap_or(0), self.read()?);
        let note = self.read_text_if_any()?;
        let took = Duration::from_micros(took.unsigned_abs());
        Ok(Attempt { at, url, took, outcome: AttemptColumns { status, said, note }.into_outcome() })
    }

    /// Reads url, tries, state, true if it is parked, and the due time of one that is not.
    pub fn read_queued(&mut self) -> Result<QueuedForward> {
        let (url, tries, state): (_, i32, _) = (self.read_text()?, self.read()?, self.read_text()?);
        let (is_parked, due): (bool, Option<Timestamp>) = (self.read()?, self.read()?);
        let state = match state.as_str() {
            "done" => QueueState::Delivered,
            "refused" => QueueState::Refused,
            "given up" => QueueState::GivenUp,
            _ if is_parked => QueueState::Blocked,
            _ => QueueState::Waiting(due.unwrap_or(Timestamp::UNIX_EPOCH)),
        };
        Ok(QueuedForward { url, state, tries: tries.unsigned_abs() })
    }

    /// Reads kind, key and value.
    pub fn read_state_row(&mut self) -> Result<StateRow> {
        Ok(StateRow { kind: self.read_text()?, key: self.read_text()?, value: Some(self.read()?) })
    }

    /// Reads seq, provider, key, subject, status, minor and currency.
    pub fn read_recent_event(&mut self) -> Result<RecentEvent> {
        Ok(RecentEvent {
            id: CaptureId(self.read()?),
            provider: self.read_text()?,
            key: self.read_text()?,
            subject: self.read_text_if_any()?,
            status: self.read_text_if_any()?,
            money: self.read_money()?,
        })
    }
}

pub(super) fn unreadable(why: &dyn std::fmt::Display) -> Error {
    Error::failed("the store holds a row that can't be read").because(why.to_string())
}
