//! Reads captures for another store, and inserts those of another one.

use super::loading::split_by_bytes;
use super::params::{Params, stored_time};
use super::rows::Columns;
use super::session::{PostgresSession, StoreTransaction};
use super::text::{encode, prefix};
use crate::edge::store::attempt_columns::AttemptColumns;
use crate::model::error::Result;
use crate::model::message::Headers;
use crate::model::stored::{Attempt, CopiedCapture, DeliverySummary, Query, StateRow, StoredCapture};
use crate::model::timestamp::Timestamp;
use crate::model::verdict::VerdictCode;
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::types::Type;

/// Most captures that are read for a copy at once.
const MAX_COPIES: i64 = 4_096;

impl PostgresSession {
    /// Returns the next captures after this number, as many as take a few MiB.
    pub(super) async fn read_copies(&self, after: i64) -> Result<Vec<CopiedCapture>> {
        let page = self.next_rows(&Query::default(), after, i64::MAX, MAX_COPIES).await?;
        let Some(part) = split_by_bytes(&page).next() else { return Ok(Vec::new()) };
        let mut params = Params::default();
        let Some(condition) = self.condition_of(part, &mut params) else { return Ok(Vec::new()) };
        let sql = format!("SELECT seq, key FROM whtool.deliveries WHERE {condition}");
        let rows = self.query(&sql, &params).await?;
        let keys = rows.iter().map(Columns::new).map(|mut row| Ok((row.read::<i64>()?, row.read_text_if_any()?)));
        let mut keys = keys.collect::<Result<BTreeMap<_, _>>>()?;
        let captures = self.load_all(part).await?;
        let copies = captures.into_iter().map(|capture| {
            let mut copy = CopiedCapture { capture, key: None };
            copy.key = keys.remove(&copy.summary().id.0).flatten();
            copy
        });
        Ok(copies.collect())
    }

    /// Inserts captures under their numbers, all or none.
    pub(super) async fn write_copies(&mut self, copies: &[CopiedCapture]) -> Result<()> {
        if copies.is_empty() {
            return Ok(());
        }
        let inbox = self.inbox().to_owned();
        let transaction = self.begin_write().await?;
        add_months(copies, &transaction).await?;
        insert_deliveries(&inbox, copies, &transaction).await?;
        insert_contents(&inbox, copies, &transaction).await?;
        insert_attempts(&inbox, copies, &transaction).await?;
        skip_numbers(copies.iter().map(|copy| copy.id().0).max().unwrap_or(1), &transaction).await?;
        transaction.commit().await
    }

    pub(super) async fn read_all_state(&self) -> Result<Vec<StateRow>> {
        let mut params = Params::default();
        let inbox = params.add_text(self.inbox());
        let sql = format!("SELECT kind, key, value FROM whtool.watch_state WHERE inbox = {inbox} ORDER BY kind, key");
        let rows = self.query(&sql, &params).await?;
        rows.iter().map(|row| Columns::new(row).read_state_row()).collect()
    }
}

/// Makes sure that the numbers of later deliveries are higher than this one.
async fn skip_numbers(last: i64, transaction: &StoreTransaction<'_>) -> Result<()> {
    let mut params = Params::default();
    let last = params.add_number(last);
    // Only taking numbers never sets the sequence back while listeners take some. Nobody takes
    // 100,000 at a time, so a larger gap may be skipped at once.
    let sql = format!(
        "SELECT CASE WHEN gap > 100000 THEN setval('whtool.capture_seq', {last}) \
             ELSE (SELECT max(nextval('whtool.capture_seq')) FROM generate_series(1, gap)) END \
         FROM (SELECT {last} - last_value + CASE WHEN is_called THEN 0 ELSE 1 END AS gap FROM whtool.capture_seq) AS ahead \
         WHERE gap > 0"
    );
    transaction.query(&sql, &params).await.map(drop)
}

/// Adds the partitions of the captures' months.
async fn add_months(copies: &[CopiedCapture], transaction: &StoreTransaction<'_>) -> Result<()> {
    let month = |copy: &CopiedCapture| copy.summary().arrived.strftime("%Y-%m-01T00:00:00Z").to_string();
    let months: Vec<String> = copies.iter().map(month).collect::<BTreeSet<_>>().into_iter().collect();
    let mut params = Params::default();
    let months = params.add(months, Type::TEXT_ARRAY);
    let sql = format!("SELECT whtool.add_month(month::timestamptz) FROM unnest({months}) AS month");
    transaction.query(&sql, &params).await.map(drop)
}

/// Parameters with one array per column.
struct ArrayColumns {
    params: Params,
    placeholders: Vec<String>,
}

impl ArrayColumns {
    fn new() -> Self {
        Self { params: Params::default(), placeholders: Vec::new() }
    }

    fn add_texts<'t>(&mut self, values: impl Iterator<Item = Option<&'t str>>) {
        let values: Vec<Option<String>> = values.map(|text| text.map(|text| encode(text).into_owned())).collect();
        self.add(values, Type::TEXT_ARRAY);
    }

    fn add_times(&mut self, values: impl Iterator<Item = Timestamp>) {
        self.add(values.map(stored_time).collect::<Vec<_>>(), Type::TIMESTAMPTZ_ARRAY);
    }

    fn add_numbers(&mut self, values: impl Iterator<Item = i64>) {
        self.add(values.collect::<Vec<_>>(), Type::INT8_ARRAY);
    }

    fn add_bytes(&mut self, values: impl Iterator<Item = Option<Vec<u8>>>) {
        self.add(values.collect::<Vec<_>>(), Type::BYTEA_ARRAY);
    }

    fn add(&mut self, values: impl tokio_postgres::types::ToSql + Sync + Send + 'static, kind: Type) {
        let placeholder = self.params.add(values, kind);
        self.placeholders.push(placeholder);
    }

    /// Inserts one row per element.
    async fn insert(
        mut self,
        table: &str,
        columns: &str,
        selected: &str,
        inbox: &str,
        transaction: &StoreTransaction<'_>,
    ) -> Result<()> {
        let arrays = self.placeholders.join(", ");
        let inbox = self.params.add_text(inbox);
        let sql = format!(
            "INSERT INTO whtool.{table} (inbox, {columns}) SELECT {inbox}, {selected} FROM unnest({arrays}) AS copy ({columns})"
        );
        transaction.query(&sql, &self.params).await.map(drop)
    }
}

async fn insert_deliveries(inbox: &str, copies: &[CopiedCapture], transaction: &StoreTransaction<'_>) -> Result<()> {
    let summaries = || copies.iter().map(CopiedCapture::summary);
    let text = |value: fn(&DeliverySummary) -> Option<&str>| summaries().map(value);
    let is_unverified = |summary: &DeliverySummary| i64::from(summary.verdict != VerdictCode::Verified);
    let mut columns = ArrayColumns::new();
    columns.add_numbers(summaries().map(|summary| summary.id.0));
    columns.add_times(summaries().map(|summary| summary.arrived));
    columns.add_texts(text(|summary| summary.peer.as_deref()));
    columns.add_texts(text(|summary| summary.provider.as_deref()));
    columns.add_texts(text(|summary| Some(summary.verdict.as_str())));
    columns.add_texts(text(|summary| summary.secret.as_deref()));
    columns.add(summaries().map(|summary| summary.is_test).collect::<Vec<_>>(), Type::BOOL_ARRAY);
    columns.add_texts(text(|summary| summary.kind.as_deref()));
    columns.add_texts(text(|summary| summary.event_id.as_deref()));
    columns.add_texts(text(|summary| summary.subject.as_deref()));
    columns.add_texts(text(|summary| summary.status.as_deref()));
    let minor = summaries().map(|summary| summary.money.as_ref().map(|money| money.minor.to_string()));
    columns.add(minor.collect::<Vec<_>>(), Type::TEXT_ARRAY);
    columns.add_texts(text(|summary| summary.money.as_ref().map(|money| money.currency.as_str())));
    columns.add_texts(copies.iter().map(|copy| copy.key.as_deref()));
    columns.add_numbers(summaries().map(|summary| summary.answer.code().into()));
    columns.add(summaries().map(|summary| summary.app.code().map(i32::from)).collect::<Vec<_>>(), Type::INT4_ARRAY);
    columns.add_numbers(summaries().map(|summary| i64::try_from(summary.size).unwrap_or(i64::MAX)));
    columns.add_numbers(
        summaries().map(is_unverified).zip(copies).map(|(unverified, copy)| unverified * head_bytes(copy)),
    );
    columns.add_numbers(
        summaries().map(is_unverified).zip(copies).map(|(unverified, copy)| unverified * body_bytes(copy)),
    );
    columns.add_bytes(summaries().map(|summary| summary.omitted_body.map(|hash| hash.0.to_vec())));
    let names = "seq, arrived, peer, provider, verdict, secret, is_test, kind, event_id, subject, status, minor, currency, \
                 key, answered, app, size, head_bytes, body_bytes, body_hash";
    // Transaction 0 is before all others: nobody takes a copy for a new delivery.
    let (with_txid, selected) = (format!("txid, {names}"), names.replace("minor", "minor::numeric"));
    let arrays = columns.placeholders.join(", ");
    let inbox_value = columns.params.add_text(inbox);
    let sql = format!(
        "INSERT INTO whtool.deliveries (inbox, {with_txid}) SELECT {inbox_value}, '0'::xid8, {selected} \
         FROM unnest({arrays}) AS copy ({names})"
    );
    transaction.query(&sql, &columns.params).await?;
    add_space(inbox, copies, transaction).await?;
    let mut names = ArrayColumns::new();
    let named = || {
        copies.iter().map(CopiedCapture::summary).flat_map(|summary| {
            let subject = summary.subject.as_ref().filter(|subject| Some(*subject) != summary.event_id.as_ref());
            summary.event_id.iter().chain(subject).map(move |name| (name, summary))
        })
    };
    names.add(named().map(|(name, _)| prefix(name)).collect::<Vec<_>>(), Type::TEXT_ARRAY);
    names.add_numbers(named().map(|(_, summary)| summary.id.0));
    names.add_times(named().map(|(_, summary)| summary.arrived));
    names.insert("names", "name, seq, arrived", "name, seq, arrived", inbox, transaction).await
}

/// Adds the space of unverified captures.
async fn add_space(inbox: &str, copies: &[CopiedCapture], transaction: &StoreTransaction<'_>) -> Result<()> {
    let unverified = || copies.iter().filter(|copy| copy.summary().verdict != VerdictCode::Verified);
    let mut params = Params::default();
    let values = [params.add_text(inbox), params.add_number(unverified().map(head_bytes).sum())];
    let bodies = params.add_number(unverified().map(body_bytes).sum());
    let sql = format!(
        "INSERT INTO whtool.unverified_space AS s (inbox, listener, head_bytes, body_bytes) \
         VALUES ({}, 'copy', {}, {bodies}) ON CONFLICT (inbox, listener) DO UPDATE SET \
         head_bytes = s.head_bytes + excluded.head_bytes, body_bytes = s.body_bytes + excluded.body_bytes",
        values[0], values[1]
    );
    transaction.query(&sql, &params).await.map(drop)
}

async fn insert_contents(inbox: &str, copies: &[CopiedCapture], transaction: &StoreTransaction<'_>) -> Result<()> {
    let parts = || copies.iter().map(|copy| request_parts(&copy.capture));
    let mut columns = ArrayColumns::new();
    columns.add_numbers(copies.iter().map(|copy| copy.summary().id.0));
    columns.add_times(copies.iter().map(|copy| copy.summary().arrived));
    columns.add_texts(parts().map(|(method, ..)| Some(method)));
    columns.add_texts(parts().map(|(_, target, ..)| Some(target)));
    columns.add_bytes(parts().map(|(_, _, headers, _)| Some(headers.as_bytes().to_vec())));
    columns.add_bytes(parts().map(|(.., body)| Some(body.to_vec())));
    let names = "seq, arrived, method, target, headers, body";
    columns.insert("contents", names, names, inbox, transaction).await
}

async fn insert_attempts(inbox: &str, copies: &[CopiedCapture], transaction: &StoreTransaction<'_>) -> Result<()> {
    let attempts: Vec<(&DeliverySummary, &Attempt, AttemptColumns)> = copies
        .iter()
        .filter_map(|copy| if let StoredCapture::Whole(stored) = &copy.capture { Some(stored) } else { None })
        .flat_map(|stored| stored.attempts.iter().map(|attempt| (&stored.summary, attempt)))
        .map(|(summary, attempt)| (summary, attempt, AttemptColumns::new(attempt)))
        .collect();
    if attempts.is_empty() {
        return Ok(());
    }
    let mut columns = ArrayColumns::new();
    columns.add_numbers(attempts.iter().map(|(summary, ..)| summary.id.0));
    columns.add_times(attempts.iter().map(|(summary, ..)| summary.arrived));
    columns.add_times(attempts.iter().map(|(_, attempt, _)| attempt.at));
    columns.add_texts(attempts.iter().map(|(_, attempt, _)| Some(attempt.url.as_str())));
    columns.add_numbers(
        attempts.iter().map(|(_, attempt, _)| i64::try_from(attempt.took.as_micros()).unwrap_or(i64::MAX)),
    );
    columns.add_numbers(attempts.iter().map(|(.., result)| result.status.into()));
    columns.add_bytes(attempts.iter().map(|(.., result)| Some(result.said.clone())));
    columns.add_texts(attempts.iter().map(|(.., result)| result.note.as_deref()));
    let names = "seq, arrived, at, url, took, status, said, failure";
    columns.insert("attempts", names, names, inbox, transaction).await
}

/// Returns method, target, headers and body; the body is empty if it was not kept.
fn request_parts(capture: &StoredCapture) -> (&str, &str, &Headers, &[u8]) {
    match capture {
        StoredCapture::Whole(stored) => {
            let request = &stored.request;
            (&request.method, &request.target, &request.headers, &request.body)
        }
        StoredCapture::WithoutBody(head) => (&head.method, &head.target, &head.headers, &[]),
    }
}

fn head_bytes(copy: &CopiedCapture) -> i64 {
    let (_, target, headers, _) = request_parts(&copy.capture);
    let bytes = crate::edge::store::unverified_space::head_bytes(target.len(), headers.as_bytes().len());
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn body_bytes(copy: &CopiedCapture) -> i64 {
    let (.., body) = request_parts(&copy.capture);
    i64::try_from(crate::edge::store::unverified_space::body_bytes(body.len())).unwrap_or(i64::MAX)
}
