//! Looks up the addresses of hosts, for every connection that the program opens.
//!
//! `localhost` and the names below it never reach the system's resolver. A connection that may only
//! lead to this machine is refused here if the name has any other address by now.

use crate::model::address::{LOCALHOST, Reach, TargetHost, are_local, local_address};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};

/// A host that was allowed as one of this machine, and is not.
#[derive(Debug, thiserror::Error)]
#[error("{host} is not this machine: {}", .addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
pub(super) struct NotThisMachine {
    host: String,
    addresses: Vec<IpAddr>,
}

/// Returns the addresses of a name.
pub(super) fn look_up(name: &str) -> io::Result<Vec<IpAddr>> {
    match TargetHost::of_name(name).known_addresses() {
        Some(addresses) => Ok(addresses),
        None => Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()),
    }
}

/// Returns the addresses of a host as URLs and `HOST:PORT` write it, with brackets around IPv6.
pub(super) fn look_up_host(host: &str) -> io::Result<Vec<IpAddr>> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().map_or_else(|_| look_up(bare), |address| Ok(vec![address]))
}

/// Returns the addresses to connect to, in order.
pub(super) async fn addresses(host: TargetHost<'_>, reach: Reach) -> io::Result<Vec<IpAddr>> {
    let (name, addresses) = match host {
        TargetHost::Localhost => return Ok(LOCALHOST.to_vec()),
        TargetHost::Address(address) => (address.to_string(), vec![address]),
        TargetHost::Name(name) => {
            let found = tokio::net::lookup_host((name, 0)).await?;
            (name.to_owned(), found.map(|address| address.ip()).collect::<Vec<_>>())
        }
    };
    permit(name, addresses, reach)
}

/// Returns true for an address of one of this machine's interfaces: only those can be bound.
pub(super) fn is_own_address(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

fn permit(host: String, addresses: Vec<IpAddr>, reach: Reach) -> io::Result<Vec<IpAddr>> {
    match reach {
        Reach::Anywhere => Ok(addresses),
        Reach::ThisMachine if are_local(&addresses) => Ok(addresses.into_iter().filter_map(local_address).collect()),
        Reach::ThisMachine if addresses.is_empty() => Err(io::ErrorKind::NotFound.into()),
        Reach::ThisMachine => Err(io::Error::other(NotThisMachine { host, addresses })),
    }
}

/// The resolver of reqwest's clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientResolver(pub Reach);

impl Resolve for ClientResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = addresses(TargetHost::of_name(name.as_str()), reach).await?;
            let found: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_to_this_machine_gets_loopback_addresses_only() {
        let resolve = |name, reach| addresses(TargetHost::of_name(name), reach);
        for name in ["localhost", "app.localhost", "a.b.localhost."] {
            assert_eq!(resolve(name, Reach::Anywhere).await.unwrap(), LOCALHOST, "{name}");
        }
        let ip = |text: &str| TargetHost::Address(text.parse().unwrap());
        let found = addresses(ip("0.0.0.0"), Reach::ThisMachine).await.unwrap();
        assert_eq!(found, [LOCALHOST[0]]);
        let refused = addresses(ip("192.0.2.1"), Reach::ThisMachine).await.unwrap_err();
        assert_eq!(refused.to_string(), "192.0.2.1 is not this machine: 192.0.2.1");
    }

    #[test]
    fn a_name_with_another_address_besides_loopback_is_refused() {
        let both = vec!["127.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap()];
        let refused = permit("shop.test".to_owned(), both.clone(), Reach::ThisMachine).unwrap_err();
        assert_eq!(refused.to_string(), "shop.test is not this machine: 127.0.0.1, 192.0.2.1");
        assert_eq!(permit("shop.test".to_owned(), both.clone(), Reach::Anywhere).unwrap(), both);
    }

    #[test]
    fn hosts_are_looked_up_with_and_without_brackets() {
        assert_eq!(look_up_host("[::1]").unwrap(), [LOCALHOST[1]]);
        assert_eq!(look_up_host("127.0.0.1").unwrap(), [LOCALHOST[0]]);
        assert_eq!(look_up_host("shop.localhost").unwrap(), LOCALHOST);
    }
}
