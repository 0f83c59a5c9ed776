//! Locks an inbox by an advisory lock.

use super::params::Params;
use super::reading::{new_runtime, run_blocking};
use super::rows::Columns;
use super::session::PostgresSession;
use crate::model::error::Result;
use crate::world::{PostgresStore, StoreLock};
use tokio::runtime::Runtime;

/// A transaction that holds the lock. Unlike a lock of the connection, it works behind PgBouncer.
struct AdvisoryLock {
    runtime: Runtime,
    session: PostgresSession,
    store: PostgresStore,
    purpose: String,
}

impl StoreLock for AdvisoryLock {
    fn renew(&mut self) -> Result<bool> {
        let Self { runtime, session, store, purpose } = self;
        run_blocking(runtime, || async {
            if session.run("SELECT 1").await.is_ok() {
                return Ok(true);
            }
            *session = PostgresSession::open(store).await?;
            take(session, purpose).await
        })
    }
}

/// Locks the inbox. `None`: another process has the lock.
pub(in crate::edge::store) fn lock(store: &PostgresStore, purpose: &str) -> Result<Option<Box<dyn StoreLock>>> {
    let runtime = new_runtime()?;
    let session = run_blocking(&runtime, || PostgresSession::open(store))?;
    if !run_blocking(&runtime, || take(&session, purpose))? {
        return Ok(None);
    }
    Ok(Some(Box::new(AdvisoryLock { runtime, session, store: store.clone(), purpose: purpose.to_owned() })))
}

/// Begins the transaction and takes the lock. Returns false if another process has it.
async fn take(session: &PostgresSession, purpose: &str) -> Result<bool> {
    session.run("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    let mut params = Params::default();
    let name = params.add_text(&format!("whtool {purpose} {}", session.inbox()));
    let sql = format!("SELECT pg_try_advisory_xact_lock(hashtextextended({name}, 0))");
    let rows = session.query(&sql, &params).await?;
    rows.first().map_or(Ok(false), |row| Columns::new(row).read())
}
