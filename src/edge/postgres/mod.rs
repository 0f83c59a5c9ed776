//! Connections to PostgreSQL: `endpoint` reads the URL and the environment as libpq does,
//! `password` the password file, `tls` and `certificate` set up TLS, and `failure` puts errors into
//! words. `query` reads rows.

mod certificate;
mod endpoint;
mod failure;
mod password;
mod query;
mod tls;

pub(super) use failure::store_error;
pub(super) use query::query;

use crate::model::error::{Error, Result};
use crate::world::PostgresUrl;
use endpoint::{ConnectSettings, Endpoint, SystemFiles};
use failure::{Attempt, connect_error};
use std::sync::Arc;
use std::time::Duration;
use tls::TlsConnector;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, CancelToken, Client, Connection};

/// Time limit of one attempt to connect, unless the URL sets one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time within which a server is asked to cancel a query.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

/// Looks up an environment variable.
pub(super) type Variables<'v> = &'v (dyn Fn(&str) -> Option<String> + Sync);

/// An open connection. Its task ends once it is dropped.
pub(super) struct PostgresConnection {
    pub client: Client,
    /// Address and database, without a password.
    pub place: String,
    /// The sslmode in effect.
    pub tls_mode: &'static str,
    connector: TlsConnector,
    /// Notified when the server sends a notification.
    pub notified: Arc<Notify>,
    task: JoinHandle<Result<(), tokio_postgres::Error>>,
}

impl PostgresConnection {
    /// Connects to the first server of the URL that accepts the connection.
    pub async fn open(url: &PostgresUrl, variable: Variables<'_>) -> Result<Self> {
        let settings = ConnectSettings::read(url, variable, &SystemFiles::of_user(variable))?;
        let mut last = Error::failed("the URL names no server");
        for endpoint in settings.endpoints {
            match Self::connect(endpoint).await {
                Ok(connection) => return Ok(connection),
                Err(Attempt::Unreachable(error)) => last = error,
                Err(Attempt::Refused(error)) => return Err(error),
            }
        }
        Err(last)
    }

    async fn connect(endpoint: Endpoint) -> Result<Self, Attempt> {
        let connector = TlsConnector::new(&endpoint.tls).map_err(Attempt::Refused)?;
        let connecting = endpoint.config.connect(connector.clone());
        let timeout = endpoint.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        let (client, connection) = match tokio::time::timeout(timeout, connecting).await {
            Ok(result) => result.map_err(|error| connect_error(&endpoint, &error))?,
            Err(_) => {
                let error = Error::failed(format!("can't connect to PostgreSQL at {}", endpoint.place));
                let why = format!("no answer within {} s", timeout.as_secs());
                return Err(Attempt::Unreachable(error.because(why)));
            }
        };
        let tls_mode = endpoint.tls.mode.as_str();
        let notified = Arc::new(Notify::new());
        let task = tokio::spawn(drive(connection, Arc::clone(&notified)));
        Ok(Self { client, place: endpoint.place, tls_mode, connector, notified, task })
    }

    /// Asks the server to cancel what it is doing for this connection.
    pub async fn cancel(&self) {
        let token: CancelToken = self.client.cancel_token();
        // The connection is closed next in any case.
        let _ = tokio::time::timeout(CANCEL_TIMEOUT, token.cancel_query(self.connector.clone())).await;
    }
}

/// Drives a connection to its end, and reports notifications.
async fn drive<S, T>(mut connection: Connection<S, T>, notified: Arc<Notify>) -> Result<(), tokio_postgres::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = std::future::poll_fn(|context| connection.poll_message(context)).await {
        if matches!(message?, AsyncMessage::Notification(_)) {
            notified.notify_one();
        }
    }
    Ok(())
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
