//! Inserts deliveries: a single call of `record.sql` for a batch, which is a transaction of its own.
//!
//! It is not prepared on the server, so that PgBouncer can be in between. Its result ends with the
//! message that follows the commit, so whoever has read it knows that the rows are on the disk.

use super::params::stored_time;
use super::session::PostgresSession;
use super::text::{encode, prefix};
use crate::edge::store::unverified_space::SpaceTaken;
use crate::model::delivery::AnalyzedDelivery;
use crate::model::error::Result;
use crate::model::secret::SecretOrigin;
use crate::model::stored::{AnswerState, CaptureId};
use crate::model::timestamp::Timestamp;
use std::borrow::Cow;
use std::collections::HashMap;
use tokio_postgres::types::{ToSql, Type};

/// Number of parameters of the function.
const PARAMS: usize = 29;

/// A delivery with what is stored of it.
pub(super) struct NewRow<'r> {
    pub received: &'r AnalyzedDelivery,
    pub answer: AnswerState,
    /// URL of the app that answers it, and gets it no other way.
    pub passed_to: Option<&'r str>,
    pub taken: &'r SpaceTaken,
}

/// The columns of the new rows.
#[derive(Default)]
struct NewColumns<'r> {
    arrived: Vec<Timestamp>,
    peer: Vec<Option<String>>,
    provider: Vec<Option<&'r str>>,
    verdict: Vec<&'static str>,
    secret: Vec<Option<String>>,
    is_test: Vec<bool>,
    kind: Vec<OptionalText<'r>>,
    event_id: Vec<OptionalText<'r>>,
    subject: Vec<OptionalText<'r>>,
    status: Vec<OptionalText<'r>>,
    minor: Vec<Option<String>>,
    currency: Vec<OptionalText<'r>>,
    key: Vec<OptionalText<'r>>,
    answered: Vec<i32>,
    size: Vec<i64>,
    head_bytes: Vec<i64>,
    body_bytes: Vec<i64>,
    body_hash: Vec<Option<Vec<u8>>>,
    method: Vec<Cow<'r, str>>,
    target: Vec<Cow<'r, str>>,
    headers: Vec<&'r [u8]>,
    body: Vec<&'r [u8]>,
    /// Names, each with the place of its row, counted from 1.
    named: Vec<i64>,
    names: Vec<String>,
    /// URLs of apps that answer themselves, each with the place of its row.
    passed: Vec<i64>,
    apps: Vec<Cow<'r, str>>,
}

/// A text that may contain anything, encoded for the database.
type OptionalText<'r> = Option<Cow<'r, str>>;

fn optional(text: &Option<String>) -> OptionalText<'_> {
    text.as_deref().map(encode)
}

fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

impl<'r> NewColumns<'r> {
    fn push(&mut self, row: &'r NewRow<'r>) {
        let AnalyzedDelivery { delivery, provider, verdict, event } = row.received;
        let (request, taken, secret) = (&delivery.request, row.taken, verdict.secret());
        self.arrived.push(stored_time(delivery.arrived.unwrap_or(Timestamp::UNIX_EPOCH)));
        self.peer.push(delivery.peer.map(|peer| peer.to_string()));
        self.provider.push(*provider);
        self.verdict.push(verdict.code().as_str());
        self.secret.push(secret.map(|secret| encode(&secret.to_string()).into_owned()));
        self.is_test.push(secret == Some(&SecretOrigin::LocalTest));
        self.kind.push(optional(&event.kind));
        self.event_id.push(optional(&event.id));
        self.subject.push(optional(&event.subject));
        self.status.push(optional(&event.status));
        self.minor.push(event.money.as_ref().map(|money| money.minor.to_string()));
        self.currency.push(event.money.as_ref().map(|money| encode(&money.currency)));
        self.key.push(optional(&event.key));
        self.answered.push(i32::from(row.answer.code()));
        self.size.push(number(request.body.len()));
        self.head_bytes.push(number(taken.head));
        self.body_bytes.push(number(taken.body));
        self.body_hash.push(taken.hash.map(|hash| hash.to_vec()));
        self.method.push(encode(&request.method));
        self.target.push(encode(&request.target));
        self.headers.push(request.headers.as_bytes());
        self.body.push(if taken.hash.is_some() { &[] } else { &request.body });
        let place = number(self.arrived.len());
        let names = [&event.id, &event.subject].map(|name| name.as_deref().map(prefix));
        let [id, subject] = names;
        let subject = subject.filter(|subject| id.as_ref() != Some(subject));
        if let Some(url) = row.passed_to {
            self.passed.push(place);
            self.apps.push(encode(url));
        }
        for name in [id, subject].into_iter().flatten() {
            self.named.push(place);
            self.names.push(name);
        }
    }
}

/// Inserts deliveries that a listener has received. Returns their numbers in this order. `None`:
/// the database has not stored it.
pub(super) async fn insert(
    session: &PostgresSession,
    listener: &str,
    rows: &[NewRow<'_>],
) -> Result<Vec<Option<CaptureId>>, tokio_postgres::Error> {
    let mut columns = NewColumns::default();
    rows.iter().for_each(|row| columns.push(row));
    let (inbox, listener, group) = (encode(session.inbox()), encode(listener), encode(session.group()));
    let texts = Type::TEXT_ARRAY;
    let params: [(&(dyn ToSql + Sync), Type); PARAMS] = [
        (&inbox, Type::TEXT),
        (&listener, Type::TEXT),
        (&columns.named, Type::INT8_ARRAY),
        (&columns.names, texts.clone()),
        (&columns.arrived, Type::TIMESTAMPTZ_ARRAY),
        (&columns.peer, texts.clone()),
        (&columns.provider, texts.clone()),
        (&columns.verdict, texts.clone()),
        (&columns.secret, texts.clone()),
        (&columns.is_test, Type::BOOL_ARRAY),
        (&columns.kind, texts.clone()),
        (&columns.event_id, texts.clone()),
        (&columns.subject, texts.clone()),
        (&columns.status, texts.clone()),
        (&columns.minor, texts.clone()),
        (&columns.currency, texts.clone()),
        (&columns.key, texts.clone()),
        (&columns.answered, Type::INT4_ARRAY),
        (&columns.size, Type::INT8_ARRAY),
        (&columns.head_bytes, Type::INT8_ARRAY),
        (&columns.body_bytes, Type::INT8_ARRAY),
        (&columns.body_hash, Type::BYTEA_ARRAY),
        (&columns.method, texts.clone()),
        (&columns.target, texts),
        (&columns.headers, Type::BYTEA_ARRAY),
        (&columns.body, Type::BYTEA_ARRAY),
        (&columns.passed, Type::INT8_ARRAY),
        (&columns.apps, Type::TEXT_ARRAY),
        (&group, Type::TEXT),
    ];
    let places: Vec<_> = (1..=PARAMS).map(|place| format!("${place}")).collect();
    let sql = format!("SELECT place, seq FROM whtool.record({})", places.join(", "));
    let stored = session.query_raw(&sql, &params).await?;
    let mut numbers = HashMap::new();
    for row in &stored {
        let (place, seq): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        numbers.insert(place, CaptureId(seq));
    }
    Ok((1..=number(rows.len())).map(|place| numbers.get(&place).copied()).collect())
}
