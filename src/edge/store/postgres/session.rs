//! A connection to the store, for one statement or transaction after the other.

use super::durability;
use super::params::Params;
use super::schema::{self, Access};
use crate::edge::environment;
use crate::edge::postgres::{PostgresConnection, store_error};
use crate::model::error::Result;
use crate::world::PostgresStore;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Transaction};

/// Difference of the ages of the two sides of a connection from which a pooler is in between.
const POOLER_SLACK: Duration = Duration::from_secs(1);

/// Channel on which writers say that there are new deliveries.
const CHANNEL: &str = "whtool";

pub(super) struct PostgresSession {
    location: PostgresStore,
    connection: PostgresConnection,
    opened: Instant,
    is_listening: bool,
}

/// Waits at most 10 s for tables that another program has locked, so that no command waits for ever.
/// The limit is one of this statement, and not of the connection, which PgBouncer gives to others.
const WAIT_FOR_LOCKS: &str = "DO $$ BEGIN IF to_regclass('whtool.meta') IS NOT NULL THEN \
    SET LOCAL lock_timeout = '10s'; LOCK TABLE whtool.meta, whtool.deliveries, whtool.contents, whtool.names, \
    whtool.attempts, whtool.forwards IN ACCESS SHARE MODE; END IF; END $$";

impl PostgresSession {
    /// Connects, and checks that the database has a store that this version can read.
    pub async fn open(location: &PostgresStore) -> Result<Self> {
        let session = Self::connect(location).await?;
        session.run(WAIT_FOR_LOCKS).await?;
        schema::check_version(&session, Access::Read).await?;
        Ok(session)
    }

    /// Connects to a database that may not have a store.
    pub async fn connect(location: &PostgresStore) -> Result<Self> {
        let connection = PostgresConnection::open(&location.url, &environment::variable).await?;
        Ok(Self { location: location.clone(), connection, opened: Instant::now(), is_listening: false })
    }

    /// Connects again if the server has closed the connection.
    pub async fn reconnect_if_closed(&mut self) -> Result<()> {
        if self.connection.client.is_closed() {
            *self = Self::open(&self.location).await?;
        }
        Ok(())
    }

    /// Connects, and checks that a listener can rely on the store.
    pub async fn open_for_writing(location: &PostgresStore) -> Result<Self> {
        let session = Self::connect(location).await?;
        session.check_for_writing().await?;
        Ok(session)
    }

    /// Checks that this version can write to the store, and that the server keeps what it confirms.
    pub async fn check_for_writing(&self) -> Result<()> {
        schema::check_version(self, Access::Write).await?;
        durability::check(self).await?;
        schema::adopt_server(self).await
    }

    pub fn is_closed(&self) -> bool {
        self.connection.client.is_closed()
    }

    /// Asks the server to cancel what it is doing for this connection.
    pub async fn cancel(&self) {
        self.connection.cancel().await;
    }

    pub fn inbox(&self) -> &str {
        &self.location.inbox
    }

    /// Returns the name of the forwarding group.
    pub fn group(&self) -> &str {
        &self.location.group
    }

    /// Listens for notifications about new deliveries. Behind a pooler, or after an error, new
    /// deliveries are noticed by looking from time to time.
    pub async fn listen(&mut self) {
        if !self.is_listening {
            self.is_listening = true;
            if self.is_direct().await.unwrap_or(false) {
                let _ = self.run(&format!("LISTEN {CHANNEL}")).await;
            }
        }
    }

    /// Returns false if the server has known its side of the connection for longer than this side
    /// exists: a pooler such as PgBouncer lends it to others, too.
    async fn is_direct(&self) -> Result<bool> {
        let sql = "SELECT (extract(epoch FROM clock_timestamp() - backend_start) * 1000)::int8 \
                   FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let age = self.read_one::<Option<i64>>(sql, &Params::default()).await?.flatten();
        let own_age = (self.opened.elapsed() + POOLER_SLACK).as_millis();
        Ok(age.is_some_and(|age| u128::from(age.unsigned_abs()) <= own_age))
    }

    /// Notifies those who listen, in a transaction of its own that does not wait for the disk.
    pub async fn notify(&self) -> Result<()> {
        self.run(&format!("BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}; COMMIT")).await
    }

    /// Returns what is notified when a notification arrives.
    pub fn notifications(&self) -> Arc<Notify> {
        Arc::clone(&self.connection.notified)
    }

    /// Returns address and database, without a password.
    pub fn place(&self) -> &str {
        &self.connection.place
    }

    pub fn tls_mode(&self) -> &'static str {
        self.connection.tls_mode
    }

    pub async fn query(&self, sql: &str, params: &Params) -> Result<Vec<Row>> {
        let rows = self.connection.client.query_typed(sql, &params.typed()).await;
        rows.map_err(|error| store_error(self.place(), &error))
    }

    /// Reads rows for a command. The server does not compile the query, which takes longer than most
    /// of them. All is sent at once.
    pub async fn read(&self, sql: &str, params: &Params) -> Result<Vec<Row>> {
        let (client, params) = (&self.connection.client, params.typed());
        let (begun, rows, ended) = tokio::join!(
            biased;
            client.batch_execute("BEGIN READ ONLY; SET LOCAL jit = off"),
            client.query_typed(sql, &params),
            // Ends the transaction also after an error.
            client.batch_execute("COMMIT"),
        );
        begun.and(rows).and_then(|rows| ended.map(|()| rows)).map_err(|error| store_error(self.place(), &error))
    }

    /// Runs a statement with parameters of any lifetime, and returns the error as it is.
    pub async fn query_raw(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.connection.client.query_typed(sql, params).await
    }

    /// Runs statements without parameters or rows.
    pub async fn run(&self, sql: &str) -> Result<()> {
        self.connection.client.batch_execute(sql).await.map_err(|error| store_error(self.place(), &error))
    }

    pub async fn begin(&mut self) -> Result<StoreTransaction<'_>> {
        let place = self.connection.place.clone();
        let inner = self.connection.client.transaction().await.map_err(|error| store_error(&place, &error))?;
        Ok(StoreTransaction { inner, place })
    }

    /// Begins a transaction that may write.
    pub async fn begin_write(&mut self) -> Result<StoreTransaction<'_>> {
        self.check_for_writing().await?;
        self.begin().await
    }
}

/// A transaction, which is undone unless it is committed.
pub(super) struct StoreTransaction<'s> {
    inner: Transaction<'s>,
    place: String,
}

impl StoreTransaction<'_> {
    pub async fn query(&self, sql: &str, params: &Params) -> Result<Vec<Row>> {
        let rows = self.inner.query_typed(sql, &params.typed()).await;
        rows.map_err(|error| store_error(&self.place, &error))
    }

    /// Commits. Only when this returns, the changes are on disk.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await.map_err(|error| store_error(&self.place, &error))
    }
}
