//! How a URL is reached: with or without a proxy, with or without the certificates that TLS needs.
//!
//! Plain HTTP on this machine goes out byte for byte by `pool`. Everything else is reqwest's, which is told to do nothing
//! of its own accord: no redirects, no referrer, no retries. Loading certificates takes milliseconds, so each kind of client
//! is built when the first URL needs it.

use super::answer::cause;
use super::exchange;
use super::pool::Pool;
use crate::model::address::is_loopback;
use crate::model::error::{Error, Result};
use crate::model::exchange::{OutgoingRequest, SentRequest};
use crate::world::CertificateCheck;
use reqwest::{Certificate, Client, ClientBuilder};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// How long a connection may take to come about; the time for the whole request may end sooner.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// Sends requests anywhere, from any number of tasks of one runtime. Clones share their connections.
#[derive(Clone, Debug, Default)]
pub(in crate::edge) struct Clients {
    pool: Pool,
    /// Those that were needed so far.
    others: Arc<Mutex<HashMap<(Route, CertificateCheck), Client>>>,
}

/// What holds for an exchange.
#[derive(Clone, Copy, Debug)]
pub(in crate::edge) struct Terms {
    /// How long it may take.
    pub limit: Duration,
    /// What a target must show that speaks TLS.
    pub certificates: CertificateCheck,
    /// How much of the answer's body is wanted, in bytes.
    pub most_of_body: usize,
}

/// What it takes to reach a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Route {
    /// This machine, without TLS: our own connections.
    PlainLoopback,
    /// This machine: no proxy.
    Loopback,
    /// Anywhere else: by the proxy that the environment names.
    Outside,
}

impl Clients {
    /// Sends a request and reads the answer. How that fared is in `Sent`; an error means that nothing can
    /// be sent by this route.
    pub async fn exchange(&self, outgoing: OutgoingRequest, terms: Terms) -> Result<SentRequest> {
        let OutgoingRequest { number, url, request } = outgoing;
        let route = Route::to(&url);
        let start = Instant::now();
        let answer = match route {
            Route::PlainLoopback => self.pool.exchange(&url, request, terms).await,
            Route::Loopback | Route::Outside => {
                let client = self.client_for(route, terms.certificates)?;
                exchange::exchange(&client, url, request, terms).await
            }
        };
        Ok(SentRequest { number, took: start.elapsed(), answer })
    }

    fn client_for(&self, route: Route, certificates: CertificateCheck) -> Result<Client> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = others.get(&(route, certificates)) {
            return Ok(client.clone());
        }
        let client = build(route, certificates)?;
        Ok(others.entry((route, certificates)).or_insert(client).clone())
    }
}

impl Route {
    fn to(url: &Url) -> Self {
        // A name or password in the URL becomes a header, and that is reqwest's to write.
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        match (is_loopback(url), url.scheme()) {
            (true, "http") if is_anonymous => Self::PlainLoopback,
            (true, _) => Self::Loopback,
            (false, _) => Self::Outside,
        }
    }
}

fn build(route: Route, certificates: CertificateCheck) -> Result<Client> {
    // Fails when there is a provider already, and any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT);
    let builder = match route {
        Route::PlainLoopback | Route::Loopback => with_roots(builder.no_proxy()),
        Route::Outside => with_roots(builder),
    };
    let builder = match certificates {
        CertificateCheck::Verify => builder,
        CertificateCheck::Skip => builder.tls_danger_accept_invalid_certs(true),
    };
    builder.build().map_err(|error| Error::failed("can't set up sending").because(cause(&error)))
}

/// The system's certificates and Mozilla's: some systems have none, and there a client could not even be built.
fn with_roots(builder: ClientBuilder) -> ClientBuilder {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    builder.tls_certs_merge(roots.filter_map(|root| Certificate::from_der(root).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_a_proxy() {
        let route = |url: &str| Route::to(&Url::parse(url).unwrap());
        for url in
            ["http://127.0.0.1:1/", "http://127.9.9.9/", "http://[::1]/", "http://localhost/", "http://a.localhost./"]
        {
            assert_eq!(route(url), Route::PlainLoopback, "{url}");
        }
        assert_eq!(route("https://localhost/"), Route::Loopback);
        assert_eq!(route("http://me:secret@localhost/"), Route::Loopback);
        for url in
            ["http://192.168.0.1/", "http://localhost.example/", "https://notlocalhost/", "http://[2001:db8::1]/"]
        {
            assert_eq!(route(url), Route::Outside, "{url}");
        }
    }

    #[test]
    fn every_kind_of_client_can_be_built_and_is_built_once() {
        let clients = Clients::default();
        for route in [Route::Loopback, Route::Outside, Route::Loopback] {
            for certificates in [CertificateCheck::Verify, CertificateCheck::Skip] {
                assert!(clients.client_for(route, certificates).is_ok(), "{route:?} {certificates:?}");
            }
        }
        assert_eq!(clients.others.lock().unwrap().len(), 4);
    }
}
