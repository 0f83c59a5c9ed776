//! Classifies URLs: this machine, a private network, or the internet.
//!
//! A URL is of this machine if it can only lead to a loopback address. `localhost` and the names
//! below it never ask a resolver. Other names have to be looked up: `World::resolve` does it for the
//! decision, `edge/resolver` for the connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// True for URLs that the internet cannot reach: this machine, private networks, and names without
/// a public domain.
pub fn is_private(url: &Url) -> bool {
    let is_private_v4 = |address: std::net::Ipv4Addr| {
        address.is_private() || address.is_link_local() || address.is_unspecified() || address.octets()[0] == 0
    };
    is_local_by_name(url)
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

/// Machines that a request may be sent to. It is decided before anything is sent, and enforced when
/// a connection is opened, so that a name that changes its address in between leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Loopback addresses, without a proxy.
    ThisMachine,
    /// Every machine: the user agreed, or the request needs no agreement.
    Anywhere,
}

/// The host of a URL, as it is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetHost<'u> {
    /// `localhost` or a name below it: the loopback addresses, whatever a resolver says (RFC 6761
    /// section 6.3).
    Localhost,
    Address(IpAddr),
    /// A name that has to be looked up.
    Name(&'u str),
}

/// The addresses of `localhost`, in the order in which they are tried.
pub const LOCALHOST: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

impl<'u> TargetHost<'u> {
    /// Reads the host of a URL. `None`: it has none.
    pub fn of_url(url: &'u Url) -> Option<Self> {
        Some(match url.host()? {
            Host::Ipv4(address) => Self::Address(address.into()),
            Host::Ipv6(address) => Self::Address(address.to_canonical()),
            Host::Domain(name) => Self::of_name(name),
        })
    }

    /// Classifies a name. One dot at its end marks a complete name.
    pub fn of_name(name: &'u str) -> Self {
        let complete = name.strip_suffix('.').unwrap_or(name);
        let last = complete.rsplit('.').next().unwrap_or_default();
        if last.eq_ignore_ascii_case("localhost") { Self::Localhost } else { Self::Name(name) }
    }

    /// Returns the addresses that are known without a lookup. `None`: there is a name to look up.
    pub fn known_addresses(self) -> Option<Vec<IpAddr>> {
        match self {
            Self::Localhost => Some(LOCALHOST.to_vec()),
            Self::Address(address) => Some(vec![address]),
            Self::Name(_) => None,
        }
    }
}

/// True if the addresses of a host are all of this machine: loopback addresses, or the unspecified
/// one, which systems connect to themselves. A host without addresses is not.
pub fn are_local(addresses: &[IpAddr]) -> bool {
    !addresses.is_empty() && addresses.iter().all(|address| local_address(*address).is_some())
}

/// Returns the loopback address that an address of this machine stands for.
pub fn local_address(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        IpAddr::V4(address) if address.is_unspecified() => Some(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(address) if address.is_unspecified() => Some(Ipv6Addr::LOCALHOST.into()),
        address => address.is_loopback().then_some(address),
    }
}

/// True for URLs that are of this machine whatever a resolver says: `localhost`, names below it, and
/// addresses.
pub fn is_local_by_name(url: &Url) -> bool {
    let addresses = TargetHost::of_url(url).and_then(TargetHost::known_addresses);
    addresses.is_some_and(|addresses| are_local(&addresses))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str) -> Url {
        Url::parse(&format!("https://{host}/")).unwrap()
    }

    #[test]
    fn private_addresses_and_names_are_private() {
        for host in [
            "127.0.0.1",
            "10.0.0.8",
            "172.16.0.1",
            "192.168.1.4:8443",
            "169.254.1.1",
            "0.0.0.0",
            "0.1.2.3",
            "[::1]",
            "[::]",
            "[fd00::1]",
            "[fe80::1]",
            "[febf::1]",
            "[::ffff:10.0.0.1]",
            "localhost",
            "shop.localhost",
            "intranet",
            "printer.local",
            "db.internal",
            "router.lan",
            "shop.test",
            "shop.test.",
        ] {
            assert!(is_private(&url(host)), "{host}");
        }
    }

    #[test]
    fn public_addresses_and_names_are_not_private() {
        for host in [
            "shop.example.com",
            "8.8.8.8",
            "172.32.0.1",
            "[2606:4700::1]",
            "[fec0::1]",
            "[::ffff:8.8.8.8]",
            "test.example.com",
            "local.example.com",
            "shop.testing",
        ] {
            assert!(!is_private(&url(host)), "{host}");
        }
    }

    #[test]
    fn localhost_and_loopback_addresses_are_this_machine_in_any_spelling() {
        for host in [
            "127.0.0.1",
            "127.8.8.8",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0.0.0.0",
            "0",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:0.0.0.0]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "shop.localhost",
            "a.b.localhost.",
            "%6cocalhost",
        ] {
            assert!(is_local_by_name(&url(host)), "{host}");
        }
        for host in [
            "10.0.0.1",
            "[::2]",
            "[::ffff:10.0.0.1]",
            "localhost.example.com",
            "notlocalhost",
            "shop.test",
            "localhost..",
        ] {
            assert!(!is_local_by_name(&url(host)), "{host}");
        }
    }

    #[test]
    fn a_name_is_this_machine_only_if_all_its_addresses_are() {
        let local =
            |addresses: &[&str]| are_local(&addresses.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>());
        assert!(local(&["127.0.0.1"]) && local(&["::1", "127.9.9.9"]) && local(&["0.0.0.0"]));
        assert!(!local(&[]) && !local(&["10.0.0.1"]) && !local(&["127.0.0.1", "10.0.0.1"]));
    }

    #[test]
    fn the_unspecified_address_is_connected_to_by_the_loopback_address_of_its_family() {
        let local = |text: &str| local_address(text.parse().unwrap()).map(|address| address.to_string());
        for (address, expected) in
            [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("127.0.0.2", "127.0.0.2"), ("::ffff:127.0.0.3", "127.0.0.3")]
        {
            assert_eq!(local(address).as_deref(), Some(expected), "{address}");
        }
        assert_eq!(local("192.168.0.1"), None);
    }

    #[test]
    fn private_networks_end_exactly_where_their_masks_do() {
        for (host, private) in [
            ("9.255.255.255", false),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("172.15.255.255", false),
            ("172.31.255.255", true),
            ("192.167.255.255", false),
            ("192.168.255.255", true),
            ("192.169.0.0", false),
            ("169.253.255.255", false),
            ("169.254.255.255", true),
            ("1.0.0.0", false),
            ("128.0.0.1", false),
            ("[fc00::1]", true),
            ("[fe00::1]", false),
            ("[::2]", false),
        ] {
            assert_eq!(is_private(&url(host)), private, "{host}");
        }
    }

    #[test]
    fn a_url_without_a_host_is_private_but_not_this_machine() {
        let data = Url::parse("data:text/plain,x").unwrap();
        assert!(is_private(&data) && !is_local_by_name(&data));
    }
}
