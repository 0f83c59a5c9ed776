//! A connection that is opened again after it was lost.

use super::session::PostgresSession;
use crate::edge::store::WriteResult;
use crate::model::backoff::Backoff;
use crate::model::error::{Kind, Result};
use crate::world::PostgresStore;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Time after a loss in which deliveries wait for a new connection. Later ones are refused at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pauses between attempts to connect.
const RECONNECT: Backoff = Backoff::new(Duration::from_millis(100), 2.0, Duration::from_secs(5));

pub(super) struct StoreLink {
    store: PostgresStore,
    session: Option<PostgresSession>,
    /// The task that connects again. Empty while there is a connection.
    connecting: JoinSet<PostgresSession>,
    lost_at: Instant,
    reason: OutageReason,
}

/// The reason why there is no connection. It stays the same through an outage, unless the server
/// says that it can't be used at all.
#[derive(Clone)]
struct OutageReason(Arc<Mutex<String>>);

impl OutageReason {
    fn set(&self, reason: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl StoreLink {
    /// Connects for writing.
    pub async fn open(store: &PostgresStore) -> Result<Self> {
        let session = PostgresSession::open_for_writing(store).await?;
        Ok(Self { session: Some(session), ..Self::unopened(store) })
    }

    /// Makes a link that connects when it is used first.
    pub fn unopened(store: &PostgresStore) -> Self {
        let reason = OutageReason(Arc::new(Mutex::new("there is no connection to the store yet".to_owned())));
        Self { store: store.clone(), session: None, connecting: JoinSet::new(), lost_at: Instant::now(), reason }
    }

    /// Returns the connection. After a loss, waits a moment for a new one.
    pub async fn session(&mut self) -> WriteResult<&mut PostgresSession> {
        if self.session.as_ref().is_some_and(PostgresSession::is_closed) {
            self.lose("the connection to the store was lost: the server closed it".to_owned());
        }
        if self.session.is_none() {
            if self.connecting.is_empty() {
                self.lost_at = Instant::now();
                self.connect();
            }
            let connected = timeout_at(self.lost_at + PATIENCE, self.connecting.join_next()).await;
            self.session = connected.ok().flatten().and_then(Result::ok);
        }
        self.session.as_mut().ok_or_else(|| self.reason.get())
    }

    /// Gives the connection up, and connects again in the background.
    pub fn lose(&mut self, reason: String) {
        if let Some(session) = self.session.take() {
            self.lost_at = Instant::now();
            self.reason.set(reason);
            // If the server still works at something, nobody waits for it any more.
            tokio::spawn(async move { session.cancel().await });
            self.connect();
        }
    }

    fn connect(&mut self) {
        self.connecting.spawn(connect(self.store.clone(), self.reason.clone()));
    }
}

/// Connects, as often as it takes.
async fn connect(store: PostgresStore, reason: OutageReason) -> PostgresSession {
    let mut failures = 0;
    loop {
        match PostgresSession::connect(&store).await {
            Ok(session) => match session.check_for_writing().await {
                Ok(()) => return session,
                Err(error) => reason.set(error.to_string()),
            },
            Err(error) if error.kind == Kind::Credentials => reason.set(error.to_string()),
            // The server is still away.
            Err(_) => {}
        }
        tokio::time::sleep(RECONNECT.pause(failures)).await;
        failures += 1;
    }
}
