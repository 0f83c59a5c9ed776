//! The HTTP client: picks the way to a URL, with or without a proxy and TLS.
//!
//! Plain HTTP to this machine is sent byte for byte by `pool`. Everything else goes through
//! reqwest, with redirects, referrer and retries turned off. Loading certificates takes
//! milliseconds, so each reqwest client is built when the first URL needs it.

use super::super::resolver::ClientResolver;
use super::failure::root_cause;
use super::options::{CONNECT_TIMEOUT, ExchangeOptions};
use super::pool::Pool;
use super::via_reqwest;
use crate::model::address::{Reach, TargetHost, is_local_by_name};
use crate::model::error::{Error, Result};
use crate::model::exchange::{OutgoingRequest, SendFailure, SentRequest};
use crate::model::target_fault::TargetFault;
use crate::world::CertificateCheck;
use reqwest::{Certificate, Client, ClientBuilder};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use url::Url;

/// Sends requests anywhere, from any number of tasks of one runtime. Clones share their
/// connections.
#[derive(Clone, Debug, Default)]
pub(in crate::edge) struct HttpClient {
    pool: Pool,
    /// Clients for the settings that were needed so far.
    reqwest_clients: Arc<Mutex<HashMap<(Transport, CertificateCheck), Client>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Transport {
    /// Plain HTTP to this machine, on connections of our own.
    PlainLoopback,
    /// To this machine through reqwest, without a proxy, and only to loopback addresses.
    Loopback,
    /// To another machine through reqwest, by the proxy that the environment names.
    Remote,
}

impl HttpClient {
    /// Sends a request and reads the answer. A failure of the exchange is in the result; an error
    /// means that no client could be built.
    pub async fn exchange(&self, outgoing: OutgoingRequest, options: ExchangeOptions) -> Result<SentRequest> {
        let OutgoingRequest { number, url, reach, request } = outgoing;
        let transport = Transport::new(&url, reach);
        let start = Instant::now();
        let answer = match transport {
            Transport::PlainLoopback => self.pool.exchange(&url, request, options).await,
            Transport::Loopback if !may_be_local(&url) => {
                // A resolver is not asked about an address.
                let host = url.host_str().unwrap_or_default();
                let fault = TargetFault::OtherMachine(format!("{host} is not this machine"));
                Err(SendFailure::Misconfigured(fault))
            }
            Transport::Loopback | Transport::Remote => {
                let client = self.reqwest_client(transport, options.certificates)?;
                via_reqwest::exchange(&client, url, request, options).await
            }
        };
        Ok(SentRequest { number, took: start.elapsed(), answer })
    }

    fn reqwest_client(&self, transport: Transport, certificates: CertificateCheck) -> Result<Client> {
        let mut clients = self.reqwest_clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&(transport, certificates)) {
            return Ok(client.clone());
        }
        let client = build(transport, certificates)?;
        Ok(clients.entry((transport, certificates)).or_insert(client).clone())
    }
}

impl Transport {
    fn new(url: &Url, reach: Reach) -> Self {
        // reqwest turns a user name or password in the URL into a header.
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        match (reach == Reach::ThisMachine || is_local_by_name(url), url.scheme()) {
            (true, "http") if !has_credentials => Self::PlainLoopback,
            (true, _) => Self::Loopback,
            (false, _) => Self::Remote,
        }
    }

    fn reach(self) -> Reach {
        match self {
            Self::PlainLoopback | Self::Loopback => Reach::ThisMachine,
            Self::Remote => Reach::Anywhere,
        }
    }
}

/// Returns false for an address of another machine.
fn may_be_local(url: &Url) -> bool {
    !matches!(TargetHost::of_url(url), Some(TargetHost::Address(_))) || is_local_by_name(url)
}

fn build(transport: Transport, certificates: CertificateCheck) -> Result<Client> {
    // Fails if a provider is installed already, and any provider will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .dns_resolver(ClientResolver(transport.reach()))
        .connect_timeout(CONNECT_TIMEOUT);
    let builder = match transport {
        Transport::PlainLoopback | Transport::Loopback => add_roots(builder.no_proxy()),
        Transport::Remote => add_roots(builder),
    };
    let builder = match certificates {
        CertificateCheck::Verify => builder,
        CertificateCheck::Skip => builder.tls_danger_accept_invalid_certs(true),
    };
    builder.build().map_err(|error| Error::failed("can't set up the HTTP client").because(root_cause(&error)))
}

/// Adds Mozilla's root certificates to the system's: some systems have none, and reqwest refuses to
/// build a client without any.
fn add_roots(builder: ClientBuilder) -> ClientBuilder {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    builder.tls_certs_merge(roots.filter_map(|root| Certificate::from_der(root).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_a_proxy() {
        let transport = |url: &str, reach| Transport::new(&Url::parse(url).unwrap(), reach);
        for url in [
            "http://127.0.0.1:1/",
            "http://127.9.9.9/",
            "http://[::1]/",
            "http://localhost/",
            "http://a.localhost./",
            "http://0.0.0.0/",
        ] {
            assert_eq!(transport(url, Reach::Anywhere), Transport::PlainLoopback, "{url}");
        }
        assert_eq!(transport("https://localhost/", Reach::Anywhere), Transport::Loopback);
        assert_eq!(transport("http://me:secret@localhost/", Reach::Anywhere), Transport::Loopback);
        for url in
            ["http://192.168.0.1/", "http://localhost.example/", "https://notlocalhost/", "http://[2001:db8::1]/"]
        {
            assert_eq!(transport(url, Reach::Anywhere), Transport::Remote, "{url}");
            assert_ne!(transport(url, Reach::ThisMachine), Transport::Remote, "{url}");
        }
    }

    #[test]
    fn each_reqwest_client_is_built_once() {
        let client = HttpClient::default();
        for transport in [Transport::Loopback, Transport::Remote, Transport::Loopback] {
            for certificates in [CertificateCheck::Verify, CertificateCheck::Skip] {
                assert!(client.reqwest_client(transport, certificates).is_ok(), "{transport:?} {certificates:?}");
            }
        }
        assert_eq!(client.reqwest_clients.lock().unwrap().len(), 4);
    }
}
