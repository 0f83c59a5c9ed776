//! TLS by rustls for the client library.

use super::certificate::{AnyCertificate, TrustedCertificate, end_point_binding};
use crate::model::error::{Error, Result};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::client;

/// The `sslmode` of libpq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsMode {
    Disable,
    /// TLS if the server has it, with any certificate.
    Prefer,
    /// Any certificate.
    Require,
    /// A certificate of a trusted CA, for any name.
    VerifyCa,
    VerifyFull,
}

impl TlsMode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct TlsSettings {
    pub mode: TlsMode,
    /// Certificates that are trusted. `None`: those of the system and of Mozilla.
    pub roots: Option<PathBuf>,
    /// The certificate of the client and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

#[derive(Clone)]
pub(super) struct TlsConnector(tokio_rustls::TlsConnector);

impl TlsConnector {
    pub fn new(settings: &TlsSettings) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| Error::failed("can't set up TLS").because(error))?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier(settings, provider)?);
        let mut config = match &settings.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let unusable = |error| Error::failed(format!("can't use the key {}", key.display())).because(error);
                let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| cannot_read(key, error))?;
                builder.with_client_auth_cert(read_certificates(certificate)?, secret).map_err(unusable)?
            }
        };
        // Servers since version 17 want it for direct connections; the others ignore it.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self(tokio_rustls::TlsConnector::from(Arc::new(config))))
    }
}

fn verifier(settings: &TlsSettings, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    if matches!(settings.mode, TlsMode::Disable | TlsMode::Prefer | TlsMode::Require) {
        return Ok(Arc::new(AnyCertificate(provider)));
    }
    let mut roots = RootCertStore::empty();
    let given = settings.roots.as_deref().map(read_certificates).transpose()?;
    match &given {
        Some(given) => drop(roots.add_parsable_certificates(given.iter().cloned())),
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        }
    }
    let checks_name = settings.mode == TlsMode::VerifyFull;
    let verifier = TrustedCertificate::new(roots, given.unwrap_or_default(), checks_name, provider);
    Ok(Arc::new(verifier.map_err(|error| Error::failed("can't set up TLS").because(error))?))
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates = certificates.map_err(|error| cannot_read(path, error))?;
    if certificates.is_empty() {
        return Err(Error::failed(format!("there is no certificate in {}", path.display())));
    }
    Ok(certificates)
}

fn cannot_read(path: &Path, error: rustls::pki_types::pem::Error) -> Error {
    Error::failed(format!("can't read {}", path.display())).because(error)
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for TlsConnector {
    type Stream = PostgresTls<S>;
    type TlsConnect = TlsHandshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<TlsHandshake> {
        Ok(TlsHandshake { connector: self.0.clone(), name: domain.to_owned() })
    }
}

pub(super) struct TlsHandshake {
    connector: tokio_rustls::TlsConnector,
    /// Not checked yet: it is made for a socket, too, where TLS is never used.
    name: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for TlsHandshake {
    type Stream = PostgresTls<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<PostgresTls<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.name).map_err(io::Error::other)?;
            self.connector.connect(name, stream).await.map(PostgresTls)
        })
    }
}

pub(super) struct PostgresTls<S>(client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for PostgresTls<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.0.get_ref().1.peer_certificates();
        let binding = certificates.and_then(|certificates| end_point_binding(certificates.first()?));
        binding.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for PostgresTls<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PostgresTls<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
