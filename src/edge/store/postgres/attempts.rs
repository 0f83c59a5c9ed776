//! Records attempts to forward a delivery.

use super::super::attempt_columns::AttemptColumns;
use super::params::Params;
use super::queue::mark_delivered;
use super::rows::Columns;
use super::session::{PostgresSession, StoreTransaction};
use crate::model::error::Result;
use crate::model::stored::{AnswerState, Attempt, CaptureId};
use crate::model::timestamp::Timestamp;
use tokio_postgres::types::Type;

/// The key of a delivery in all tables.
#[derive(Clone, Debug)]
pub(super) struct DeliveryKey {
    pub inbox: String,
    pub seq: i64,
    pub arrived: Timestamp,
}

impl DeliveryKey {
    /// Adds the key to the parameters: `(inbox, seq, arrived) = ` what it returns.
    pub fn add_to(&self, params: &mut Params) -> String {
        let Self { inbox, seq, arrived } = self;
        format!("({}, {}, {})", params.add_text(inbox), params.add_number(*seq), params.add_time(*arrived))
    }

    /// Finds and locks a delivery. `None`: it is not in the store.
    pub async fn lock(transaction: &StoreTransaction<'_>, inbox: &str, id: CaptureId) -> Result<Option<Self>> {
        let mut params = Params::default();
        let (inbox_value, seq) = (params.add_text(inbox), params.add_number(id.0));
        let sql =
            format!("SELECT arrived FROM whtool.deliveries WHERE inbox = {inbox_value} AND seq = {seq} FOR UPDATE");
        let rows = transaction.query(&sql, &params).await?;
        let key = |row| Ok(Self { inbox: inbox.to_owned(), seq: id.0, arrived: Columns::new(row).read()? });
        rows.first().map(key).transpose()
    }
}

/// Inserts an attempt and updates the delivery's `app`. The transaction must have locked the
/// delivery: of two attempts at once, the second must see the first.
pub(super) async fn insert_attempt(
    transaction: &StoreTransaction<'_>,
    delivery: &DeliveryKey,
    group: &str,
    attempt: &Attempt,
) -> Result<()> {
    let mut params = Params::default();
    let key = delivery.add_to(&mut params);
    let AttemptColumns { status, said, note } = AttemptColumns::new(attempt);
    let values = [
        params.add_time(attempt.at),
        params.add_text(group),
        params.add_text(&attempt.url),
        params.add_number(i64::try_from(attempt.took.as_micros()).unwrap_or(i64::MAX)),
        params.add(i32::from(status), Type::INT4),
        params.add(said, Type::BYTEA),
        note.map_or_else(|| "NULL".to_owned(), |note| params.add_text(&note)),
    ];
    let columns = "inbox, seq, arrived, at, grp, url, took, status, said, failure";
    let own = key.trim_matches(['(', ')']);
    let sql = format!("INSERT INTO whtool.attempts ({columns}) VALUES ({own}, {})", values.join(", "));
    transaction.query(&sql, &params).await?;
    let mut params = Params::default();
    let key = delivery.add_to(&mut params);
    let sql = format!("UPDATE whtool.deliveries SET app = {} WHERE (inbox, seq, arrived) = {key}", worst_answer(&key));
    transaction.query(&sql, &params).await.map(drop)
}

/// Returns the expression for the worst of the last answers of each app to a delivery: the newest
/// failure, if there is one.
pub(super) fn worst_answer(key: &str) -> String {
    format!(
        "(SELECT status FROM (
             SELECT DISTINCT ON (a.grp, a.url) a.status, a.id FROM whtool.attempts a
             WHERE (a.inbox, a.seq, a.arrived) = {key} ORDER BY a.grp, a.url, a.id DESC
         ) AS last ORDER BY status BETWEEN 200 AND 299, id DESC LIMIT 1)"
    )
}

impl PostgresSession {
    /// Records our answer to a delivery, which is the app's.
    pub(super) async fn record_answer(&mut self, id: CaptureId, answer: AnswerState, attempt: &Attempt) -> Result<()> {
        let (inbox, group) = (self.inbox().to_owned(), self.group().to_owned());
        let transaction = self.begin().await?;
        if let Some(delivery) = DeliveryKey::lock(&transaction, &inbox, id).await? {
            let mut params = Params::default();
            let key = delivery.add_to(&mut params);
            let code = params.add(i32::from(answer.code()), Type::INT4);
            let sql = format!("UPDATE whtool.deliveries SET answered = {code} WHERE (inbox, seq, arrived) = {key}");
            transaction.query(&sql, &params).await?;
            insert_attempt(&transaction, &delivery, &group, attempt).await?;
        }
        transaction.commit().await
    }

    pub(super) async fn add_attempt(&mut self, id: CaptureId, attempt: &Attempt) -> Result<()> {
        let (inbox, group) = (self.inbox().to_owned(), self.group().to_owned());
        let transaction = self.begin_write().await?;
        if let Some(delivery) = DeliveryKey::lock(&transaction, &inbox, id).await? {
            insert_attempt(&transaction, &delivery, &group, attempt).await?;
            if attempt.is_success() {
                mark_delivered(&transaction, &delivery, &group, &attempt.url).await?;
            }
        }
        transaction.commit().await
    }
}
