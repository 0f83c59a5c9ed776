//! Classifies URLs: this machine, a private network, or the internet.

use url::{Host, Url};

/// True for URLs that the internet cannot reach: this machine, private networks, and names without
/// a public domain.
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
    fn only_loopback_addresses_and_localhost_are_this_machine() {
        for host in
            ["127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]", "localhost", "localhost.", "shop.localhost"]
        {
            assert!(is_loopback(&url(host)), "{host}");
        }
        for host in ["0.0.0.0", "[::]", "10.0.0.1", "localhost.example.com", "notlocalhost", "shop.test"] {
            assert!(!is_loopback(&url(host)), "{host}");
        }
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
        assert!(is_private(&data) && !is_loopback(&data));
    }
}
