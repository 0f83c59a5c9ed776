//! Finds out if a server that closes plain HTTP connections without an answer speaks TLS: Node and
//! Python do so.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Returns true if the server answers the beginning of a TLS handshake. Nothing else is sent.
pub(super) async fn speaks_tls(stream: TcpStream) -> bool {
    timeout(PROBE_TIMEOUT, answers_hello(stream)).await.ok().flatten().unwrap_or(false)
}

async fn answers_hello(mut stream: TcpStream) -> Option<bool> {
    stream.write_all(&client_hello()?).await.ok()?;
    let mut start = [0; 3];
    stream.read_exact(&mut start).await.ok()?;
    // A handshake message or an alert.
    Some(matches!(start, [0x16 | 0x15, 3, _]))
}

fn client_hello() -> Option<Vec<u8>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let name = ServerName::try_from("localhost").ok()?;
    let mut hello = Vec::new();
    ClientConnection::new(Arc::new(config), name).ok()?.write_tls(&mut hello).ok()?;
    Some(hello)
}
