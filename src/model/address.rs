//! Classifies URLs: this machine, a private network, or the internet.

use url::{Host, Url};

/// True for URLs that the internet cannot reach: this machine, private networks, and names without a public domain.
pub fn is_private(url: &Url) -> bool {
    let is_private_v4 = |address: std::net::Ipv4Addr| {
        address.is_private() || address.is_link_local() || address.is_unspecified() || address.octets()[0] == 0
    };
    is_loopback(url)
        || match url.host() {
            Some(Host::Ipv4(address)) => is_private_v4(address),
            Some(Host::Ipv6(address)) => {
                let mapped = address.to_ipv4_mapped().is_some_and(is_private_v4);
                mapped || address.is_unique_local() || address.is_unicast_link_local() || address.is_unspecified()
            }
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let last = name.rsplit('.').next().unwrap_or_default();
                !name.contains('.') || ["local", "internal", "lan", "test"].contains(&last)
            }
            None => true,
        }
}

/// True for URLs of this machine.
pub fn is_loopback(url: &Url) -> bool {
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
