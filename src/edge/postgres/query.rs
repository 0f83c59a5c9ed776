//! Reads the rows of a query, in a transaction that can't write, with a cursor: memory holds a few
//! rows, however many there are.

use super::failure::{cell_error, is_no_select, query_error, quote};
use super::{PostgresConnection, Variables};
use crate::edge::csv_rows::CsvRows;
use crate::edge::runtime::block_on;
use crate::edge::signals::Interrupt;
use crate::model::error::{Error, Result};
use crate::model::sanitize::truncate;
use crate::world::PostgresUrl;
use std::io::Write;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

/// Rows per `FETCH`.
const BATCH: u64 = 1_000;

/// Runs one query and writes its rows as CSV. All values are the server's own text.
pub(in crate::edge) fn query(
    url: &PostgresUrl,
    sql: &str,
    limit: Duration,
    mut interrupt: Interrupt,
    variable: Variables<'_>,
    output: &mut dyn Write,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::failed("can't connect to PostgreSQL").because(error))?;
    let result = block_on(&runtime, async {
        let connection = tokio::select! {
            connection = PostgresConnection::open(url, variable) => connection?,
            () = interrupt.wait() => return Err(Error::interrupted()),
        };
        let reading = timeout(limit, read(&connection, sql, limit, output));
        let result = tokio::select! {
            result = reading => result.unwrap_or_else(|_| Err(timed_out(&connection.place, limit))),
            () = interrupt.wait() => Err(Error::interrupted()),
        };
        if result.is_err() {
            connection.cancel().await;
        }
        result
    });
    // Does not wait for a DNS lookup that is still running.
    runtime.shutdown_background();
    result
}

fn timed_out(place: &str, limit: Duration) -> Error {
    Error::failed(format!("the query failed: {place}"))
        .because(format!("timed out after {} s", limit.as_secs()))
        .hint("see --command-timeout")
}

async fn read(connection: &PostgresConnection, sql: &str, limit: Duration, output: &mut dyn Write) -> Result<()> {
    let PostgresConnection { client, place, .. } = connection;
    let failed = |error: tokio_postgres::Error| query_error(place, 0, &error);
    // Dates are written in ISO order, whatever the server's setting is.
    let begin = format!(
        "BEGIN READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL DateStyle = 'ISO'",
        i32::try_from(limit.as_millis()).unwrap_or(i32::MAX)
    );
    client.batch_execute(&begin).await.map_err(failed)?;
    // The extended protocol runs one statement only; unnamed, so that PgBouncer can be in between.
    let declare = format!("DECLARE whtool NO SCROLL CURSOR FOR {sql}");
    client.execute_typed(&declare, &[]).await.map_err(|error| declare_error(sql, place, &error))?;
    let fetch = format!("FETCH {BATCH} FROM whtool");
    let (mut csv, mut output) = (None, Some(output));
    loop {
        let count = |csv: &Option<CsvRows<'_>>| csv.as_ref().map_or(0, CsvRows::count);
        let before = count(&csv);
        let messages = client.simple_query_raw(&fetch).await.map_err(|error| query_error(place, before, &error))?;
        let mut messages = pin!(messages);
        while let Some(message) = next(&mut messages).await {
            match message.map_err(|error| query_error(place, count(&csv), &error))? {
                SimpleQueryMessage::RowDescription(columns) => {
                    if let Some(output) = output.take() {
                        let names: Vec<_> = columns.iter().map(tokio_postgres::SimpleColumn::name).collect();
                        csv = Some(CsvRows::new(output, &names)?);
                    }
                }
                SimpleQueryMessage::Row(row) => write_row(csv.as_mut(), &row)?,
                _ => {}
            }
        }
        if count(&csv) - before < BATCH {
            break;
        }
    }
    let rows = csv.as_ref().map_or(0, CsvRows::count);
    client.batch_execute("COMMIT").await.map_err(|error| query_error(place, rows, &error))?;
    csv.map_or(Ok(()), CsvRows::finish)
}

/// Returns the next message of a stream.
async fn next<S: futures_core::Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *stream).poll_next(context)).await
}

fn write_row(csv: Option<&mut CsvRows<'_>>, row: &SimpleQueryRow) -> Result<()> {
    let csv = csv.ok_or_else(|| Error::failed("the server sent a row without its columns"))?;
    let mut cells = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let cell = row.try_get(index).map_err(|error| cell_error(csv.count() + 1, column.name(), &error))?;
        cells.push(cell.unwrap_or_default());
    }
    csv.write(cells)
}

fn declare_error(sql: &str, place: &str, error: &tokio_postgres::Error) -> Error {
    let Some(answer) = error.as_db_error().filter(|_| is_no_select(error)) else {
        return query_error(place, 0, error);
    };
    Error::usage(format!("--query can't be run: {}", truncate(sql, 80)))
        .because(quote(answer))
        .hint("the database is only read: one SELECT")
}
