//! Decides which requests a server for this machine alone accepts.
//!
//! Every web page can make a browser send requests to a server on its own machine. Such a request
//! has a foreign `Origin`; or, if the page's own name was pointed at this machine (DNS rebinding), a
//! foreign `Host`.

use crate::model::message::Headers;
use crate::model::refusal::Refusal;
use std::net::IpAddr;
use url::{Host, Url};

/// The names under which a local server may be addressed, besides this machine's own.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    pub fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| normalized(name)).collect())
    }

    /// Checks a request that arrived at the address `local`: its host must be a loopback address,
    /// `localhost` or below it, that address, or an allowed name; and no page of another origin may
    /// have sent it. The port of the host is not checked, so that a forwarded port works.
    pub fn check(&self, target: &str, headers: &Headers, local: IpAddr) -> Result<(), Refusal> {
        let host = String::from_utf8_lossy(headers.get("host").ok_or(Refusal::MissingHost)?).into_owned();
        let foreign = || Refusal::ForeignHost(host.clone());
        let own =
            Url::parse(&format!("http://{host}")).ok().filter(|own| self.is_own(own, local)).ok_or_else(foreign)?;
        // A target with a host takes precedence over the header (RFC 9112, section 3.2.2).
        if !target.starts_with('/') && target != "*" {
            let target = Url::parse(target).ok().filter(|url| url.host().is_some() && url.host() == own.host());
            target.ok_or_else(foreign)?;
        }
        for origin in headers.all("origin") {
            let origin = String::from_utf8_lossy(origin);
            if !is_same_origin(&origin, &host) {
                return Err(Refusal::ForeignOrigin(origin.into_owned()));
            }
        }
        if headers.all("sec-fetch-site").any(|site| site.trim_ascii().eq_ignore_ascii_case(b"cross-site")) {
            return Err(Refusal::CrossSite);
        }
        Ok(())
    }

    fn is_own(&self, url: &Url, local: IpAddr) -> bool {
        // A host with a path, a query or a user is none.
        let is_host = url.path() == "/" && !url.as_str().contains(['@', '?', '#']);
        let is_address = |address: IpAddr| {
            let address = address.to_canonical();
            address.is_loopback() || address == local.to_canonical()
        };
        is_host
            && match url.host() {
                Some(Host::Ipv4(address)) => is_address(address.into()),
                Some(Host::Ipv6(address)) => is_address(address.into()),
                Some(Host::Domain(name)) => {
                    let name = normalized(name);
                    name == "localhost" || name.ends_with(".localhost") || self.0.contains(&name)
                }
                None => false,
            }
    }
}

/// Returns true for `application/json` and types that end in `+json`: a page of another origin
/// can't send these without asking first.
pub fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let essence = essence.to_ascii_lowercase();
    essence == b"application/json" || (essence.starts_with(b"application/") && essence.ends_with(b"+json"))
}

fn normalized(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Compares a page's origin to the server's own, over HTTP or behind a proxy with TLS.
fn is_same_origin(origin: &str, host: &str) -> bool {
    let origin = origin.trim();
    let Some((scheme @ ("http" | "https"), _)) = origin.split_once("://") else { return false };
    let own = Url::parse(&format!("{scheme}://{host}")).map(|url| url.origin());
    // Parsing drops a path, which an origin does not have.
    let is_origin = origin.matches('/').count() == 2;
    is_origin && Url::parse(origin).ok().map(|url| url.origin()) == own.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the status of the refusal; 200 if there is none.
    fn status(target: &str, lines: &[(&str, &str)], names: &[&str]) -> u16 {
        let mut headers = Headers::new();
        lines.iter().for_each(|(name, value)| headers.push(name, value.as_bytes()).unwrap());
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let local = "192.168.1.4".parse().unwrap();
        AllowedHosts::new(&names).check(target, &headers, local).map_or_else(|refusal| refusal.status(), |()| 200)
    }

    #[test]
    fn only_names_and_addresses_of_this_machine_are_hosts() {
        for host in [
            "127.0.0.1:4850",
            "127.0.0.1",
            "127.8.9.1:1",
            "localhost:4850",
            "LocalHost",
            "localhost.:4850",
            "app.localhost:4850",
            "[::1]:4850",
            "[::ffff:127.0.0.1]:4850",
            "192.168.1.4:4850",
        ] {
            assert_eq!(status("/", &[("Host", host)], &[]), 200, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:4850",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "0.0.0.0:4850",
            "[::]",
            "10.0.0.1",
            "192.168.1.5",
            "user@localhost",
            "localhost@evil.example",
            "",
            "localhost/x",
            "localhost?x",
            "[::1",
            "localhost:x",
            "127.0.0.1:4850,evil.example",
        ] {
            assert_eq!(status("/", &[("Host", host)], &[]), 403, "{host}");
        }
        assert_eq!(status("/", &[], &[]), 400);
    }

    #[test]
    fn allowed_names_are_hosts_too() {
        let names = &["host.docker.internal", "Emulator.Test."];
        for host in ["host.docker.internal:4850", "HOST.docker.internal", "emulator.test"] {
            assert_eq!(status("/", &[("Host", host)], names), 200, "{host}");
        }
        assert_eq!(status("/", &[("Host", "docker.internal")], names), 403);
    }

    #[test]
    fn a_target_with_another_host_is_refused() {
        let host = [("Host", "localhost:4850")];
        for (target, expected) in [
            ("http://localhost:4850/a", 200),
            ("*", 200),
            ("http://evil.example/a", 403),
            ("evil.example:80", 403),
            ("http://127.0.0.1@evil.example/", 403),
        ] {
            assert_eq!(status(target, &host, &[]), expected, "{target}");
        }
    }

    #[test]
    fn only_pages_of_the_same_origin_may_send_requests() {
        let with = |origin: &str| status("/", &[("Host", "localhost:4850"), ("Origin", origin)], &[]);
        for origin in ["http://localhost:4850", "https://localhost:4850", "http://LOCALHOST:4850"] {
            assert_eq!(with(origin), 200, "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://evil.example",
            "http://localhost",
            "http://localhost:3000",
            "http://127.0.0.1:4850",
            "file://",
            "http://localhost:4850.evil.example",
            "http://localhost:4850/",
            "chrome-extension://abc",
        ] {
            assert_eq!(with(origin), 403, "{origin}");
        }
        let two = [("Host", "localhost:4850"), ("Origin", "http://localhost:4850"), ("Origin", "null")];
        assert_eq!(status("/", &two, &[]), 403);
        assert_eq!(status("/", &[("Host", "localhost"), ("Origin", "http://localhost:80")], &[]), 200);
    }

    #[test]
    fn a_page_of_another_site_may_not_even_follow_a_link() {
        for (site, expected) in [("cross-site", 403), ("Cross-Site", 403), ("same-origin", 200), ("none", 200)] {
            assert_eq!(status("/", &[("Host", "localhost"), ("Sec-Fetch-Site", site)], &[]), expected, "{site}");
        }
    }

    #[test]
    fn only_json_needs_a_preflight() {
        for (content_type, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/vnd.whtool+json", true),
            ("text/plain", false),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
            ("multipart/form-data; boundary=application/json", false),
            ("text/plain; application/json", false),
            ("", false),
        ] {
            assert_eq!(is_json(content_type.as_bytes()), expected, "{content_type}");
        }
    }
}
