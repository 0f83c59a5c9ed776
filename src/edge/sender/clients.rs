//! How a URL is reached: with or without a proxy, with or without the certificates that TLS needs.
//!
//! reqwest is told to do nothing of its own accord: no redirects, no referrer, no retries. Loading certificates takes
//! milliseconds, so each kind of client is built when the first URL needs it.

use crate::error::{Error, Result};
use reqwest::{Certificate, Client, ClientBuilder};
use std::time::Duration;
use url::{Host, Url};

/// How long a connection may take to come about; the time for the whole request may end sooner.
const CONNECT: Duration = Duration::from_secs(10);

/// The clients that were needed so far.
#[derive(Debug, Default)]
pub(super) struct Clients {
    plain_loopback: Option<Client>,
    loopback: Option<Client>,
    outside: Option<Client>,
}

/// What it takes to reach a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// This machine, without TLS: no proxy, and no certificates.
    PlainLoopback,
    /// This machine: no proxy.
    Loopback,
    /// Anywhere else: by the proxy that the environment names.
    Outside,
}

impl Clients {
    /// No clients yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The client that reaches this URL. It shares its connections with the others given out for the same route.
    pub fn client_for(&mut self, url: &Url) -> Result<Client> {
        let route = Route::to(url);
        let client = match route {
            Route::PlainLoopback => &mut self.plain_loopback,
            Route::Loopback => &mut self.loopback,
            Route::Outside => &mut self.outside,
        };
        if let Some(client) = client {
            return Ok(client.clone());
        }
        Ok(client.insert(build(route)?).clone())
    }
}

impl Route {
    fn to(url: &Url) -> Self {
        match (is_loopback(url), url.scheme()) {
            (true, "http") => Self::PlainLoopback,
            (true, _) => Self::Loopback,
            (false, _) => Self::Outside,
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

fn build(route: Route) -> Result<Client> {
    // Fails when there is a provider already, and any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT);
    let builder = match route {
        Route::PlainLoopback => builder.no_proxy().tls_certs_only([]),
        Route::Loopback => with_roots(builder.no_proxy()),
        Route::Outside => with_roots(builder),
    };
    builder.build().map_err(|error| Error::failed("can't set up sending").because(super::exchange::cause(&error)))
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
        for url in
            ["http://192.168.0.1/", "http://localhost.example/", "https://notlocalhost/", "http://[2001:db8::1]/"]
        {
            assert_eq!(route(url), Route::Outside, "{url}");
        }
    }

    #[test]
    fn every_kind_of_client_can_be_built_and_is_built_once() {
        for route in [Route::PlainLoopback, Route::Loopback, Route::Outside] {
            assert!(build(route).is_ok(), "{route:?}");
        }
    }
}
