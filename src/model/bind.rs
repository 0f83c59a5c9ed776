//! Addresses that a server of whtool's listens on, as the user names them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindAddresses {
    pub main: IpAddr,
    /// Used on the same port if it is available.
    pub second: Option<IpAddr>,
    /// 0 picks a free port.
    pub port: u16,
}

/// The value of `--bind`, perhaps with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindHost {
    main: IpAddr,
    second: Option<IpAddr>,
    port: Option<u16>,
}

/// State of the second address of a running server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondAddress {
    /// None was wanted, or this machine does not have it.
    Unavailable,
    Bound(SocketAddr),
    /// Another program listens there.
    Taken(SocketAddr),
}

/// The text is not an address that a server can bind to.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an address of this machine: use localhost, 127.0.0.1, ::1, 0.0.0.0 or ::, perhaps with a port")]
pub struct InvalidBindHost;

impl BindAddresses {
    /// Returns the main address and the second one.
    pub fn all(&self) -> Vec<SocketAddr> {
        [Some(self.main), self.second].into_iter().flatten().map(|ip| SocketAddr::new(ip, self.port)).collect()
    }
}

impl BindHost {
    /// Both loopback addresses.
    pub const LOCALHOST: Self =
        Self { main: IpAddr::V4(Ipv4Addr::LOCALHOST), second: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)), port: None };

    pub fn is_loopback(&self) -> bool {
        self.main.to_canonical().is_loopback()
    }

    /// Adds the port that is used unless the text contained one.
    pub fn with_port(self, port: u16) -> BindAddresses {
        BindAddresses { main: self.main, second: self.second, port: self.port.unwrap_or(port) }
    }
}

impl FromStr for BindHost {
    type Err = InvalidBindHost;

    /// Parses `localhost` or an address, in brackets or not, with a port or not.
    fn from_str(text: &str) -> Result<Self, InvalidBindHost> {
        if let Some(main) = parse_ip(text) {
            return Ok(Self { main, second: None, port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, Some(port.parse().map_err(|_| InvalidBindHost)?))
            }
            _ => (text, None),
        };
        if host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case("localhost") {
            return Ok(Self { port, ..Self::LOCALHOST });
        }
        // Without brackets, a colon in the rest would be part of an IPv6 address.
        let main = parse_ip(host).filter(|_| !host.contains(':') || host.starts_with('['));
        main.map(|main| Self { main, second: None, port }).ok_or(InvalidBindHost)
    }
}

/// Parses an IPv4 address, or an IPv6 address with or without brackets.
fn parse_ip(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

/// Returns the URL at which a server can be reached from this machine.
pub fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Option<(String, Option<String>, u16)> {
        let BindAddresses { main, second, port } = text.parse::<BindHost>().ok()?.with_port(4848);
        Some((main.to_string(), second.map(|second| second.to_string()), port))
    }

    #[test]
    fn an_address_may_have_brackets_and_a_port() {
        for (text, main, port) in [
            ("127.0.0.1", "127.0.0.1", 4848),
            ("127.0.0.1:5000", "127.0.0.1", 5000),
            ("0.0.0.0", "0.0.0.0", 4848),
            ("0.0.0.0:0", "0.0.0.0", 0),
            ("::1", "::1", 4848),
            ("[::1]", "::1", 4848),
            ("[::1]:80", "::1", 80),
            ("::", "::", 4848),
            ("[::]:5000", "::", 5000),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1", 4848),
        ] {
            assert_eq!(addresses(text), Some((main.to_owned(), None, port)), "{text}");
        }
    }

    #[test]
    fn localhost_is_both_loopback_addresses() {
        for (text, port) in [("localhost", 4848), ("LOCALHOST", 4848), ("localhost.", 4848), ("localhost:5000", 5000)] {
            assert_eq!(addresses(text), Some(("127.0.0.1".to_owned(), Some("::1".to_owned()), port)), "{text}");
        }
    }

    #[test]
    fn other_names_and_half_addresses_are_refused() {
        for text in [
            "",
            "eth7",
            "lo",
            "en0",
            "example.com",
            "*",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.1:x",
            "[::1",
            "::1]",
            "[127.0.0.1]",
            "[::1]x",
            "fe80::1%eth0",
            "http://127.0.0.1",
            ":5000",
            "5000",
        ] {
            assert_eq!(addresses(text), None, "{text}");
        }
    }

    #[test]
    fn the_url_of_all_addresses_is_one_that_can_be_opened() {
        for (address, expected) in [
            ("127.0.0.1:4848", "http://127.0.0.1:4848"),
            ("0.0.0.0:4848", "http://127.0.0.1:4848"),
            ("[::]:4848", "http://[::1]:4848"),
            ("[::1]:4848", "http://[::1]:4848"),
            ("192.168.1.4:80", "http://192.168.1.4:80"),
        ] {
            assert_eq!(url(address.parse().unwrap()), expected);
        }
    }
}
