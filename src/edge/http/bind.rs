//! Opens the sockets of a server.

use crate::model::bind::{BindAddresses, SecondAddress};
use crate::model::error::{Error, Result};
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Length of the kernel's accept queue; the system may allow less.
const ACCEPT_BACKLOG: u32 = 4096;

/// Most attempts to find a port that is free at both addresses.
const PORT_ATTEMPTS: usize = 8;

/// The sockets of one server, on the same port.
pub(in crate::edge) struct Sockets {
    main: TcpListener,
    second: Option<TcpListener>,
    pub address: SocketAddr,
    pub second_address: SecondAddress,
}

impl Sockets {
    /// Binds to the main address, and to the second one if that is possible. Must be called in a
    /// runtime.
    pub fn bind(addresses: &BindAddresses) -> Result<Self> {
        let mut sockets = Self::try_bind(addresses)?;
        for _ in 1..PORT_ATTEMPTS {
            // A port that the system picked at one address may be taken at the other.
            if addresses.port != 0 || !matches!(sockets.second_address, SecondAddress::Taken(_)) {
                break;
            }
            sockets = Self::try_bind(addresses)?;
        }
        Ok(sockets)
    }

    fn try_bind(addresses: &BindAddresses) -> Result<Self> {
        let BindAddresses { main, second, port } = *addresses;
        let wanted = SocketAddr::new(main, port);
        let failed = |error: io::Error| cannot_listen(wanted, error.kind());
        let (main, second) = match (listen_on(wanted), second) {
            (Ok(main), second) => (main, second),
            // A machine without IPv4.
            (Err(error), Some(second)) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                (listen_on(SocketAddr::new(second, port)).map_err(|_| failed(error))?, None)
            }
            (Err(error), _) => return Err(failed(error)),
        };
        let address = main.local_addr().map_err(failed)?;
        let second = second.map(|ip| SocketAddr::new(ip, address.port()));
        let (second, second_address) = match second.map(|address| (address, listen_on(address))) {
            Some((address, Ok(second))) => (Some(second), SecondAddress::Bound(address)),
            Some((address, Err(error))) if error.kind() == io::ErrorKind::AddrInUse => {
                (None, SecondAddress::Taken(address))
            }
            _ => (None, SecondAddress::Unavailable),
        };
        Ok(Self { main, second, address, second_address })
    }

    /// Accepts a connection at either address.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.second {
            Some(second) => tokio::select! {
                accepted = self.main.accept() => accepted,
                accepted = second.accept() => accepted,
            },
            None => self.main.accept().await,
        }
    }
}

/// Binds with a long accept queue: when a burst of connections fills the queue, the kernels of
/// honest senders wait a second before they try again.
fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Allows a restart on the same port at once. On Windows it would let two listeners share a
    // port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(ACCEPT_BACKLOG)
}

fn cannot_listen(address: SocketAddr, kind: io::ErrorKind) -> Error {
    let failed = Error::failed(format!("can't listen on {address}")).because(kind.to_string());
    match kind {
        io::ErrorKind::AddrInUse => failed.hint(
            "stop the other program, perhaps another `whtool listen`, `ui` or `emulate`, or use `--port 0` for a free port",
        ),
        io::ErrorKind::PermissionDenied if cfg!(windows) => failed.hint(
            "another program has this port for itself, or Windows has reserved it (`netsh interface ipv4 show \
             excludedportrange tcp`); `--port 0` picks a free port",
        ),
        io::ErrorKind::PermissionDenied => failed.hint("ports below 1024 are reserved; `--port 0` picks a free port"),
        io::ErrorKind::AddrNotAvailable => failed.hint("use an address of this machine, such as 127.0.0.1"),
        _ => failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn two_addresses(port: u16) -> BindAddresses {
        // Two addresses of IPv4, which every machine has.
        let second = Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
        BindAddresses { main: IpAddr::V4(Ipv4Addr::LOCALHOST), second, port }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn both_addresses_accept_on_the_same_port() {
        let sockets = Sockets::bind(&two_addresses(0)).unwrap();
        let port = sockets.address.port();
        assert_eq!(sockets.second_address, SecondAddress::Bound(format!("127.0.0.2:{port}").parse().unwrap()));
        for ip in ["127.0.0.1", "127.0.0.2"] {
            let client = std::net::TcpStream::connect(format!("{ip}:{port}")).unwrap();
            let (_, peer) = sockets.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_second_address_that_is_taken_is_left_out_and_named() {
        let other = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
        let taken = other.local_addr().unwrap();
        let sockets = Sockets::bind(&two_addresses(taken.port())).unwrap();
        assert_eq!(sockets.second_address, SecondAddress::Taken(taken));
        assert_eq!(sockets.address.port(), taken.port());
    }

    #[tokio::test]
    async fn a_second_address_that_this_machine_lacks_is_left_out_silently() {
        let second = Some("192.0.2.1".parse().unwrap());
        let sockets = Sockets::bind(&BindAddresses { second, ..two_addresses(0) }).unwrap();
        assert_eq!(sockets.second_address, SecondAddress::Unavailable);
    }

    #[tokio::test]
    async fn the_second_address_is_used_alone_if_the_main_one_does_not_exist() {
        let missing = "192.0.2.1".parse().unwrap();
        let second = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let sockets = Sockets::bind(&BindAddresses { main: missing, second: Some(second), port: 0 }).unwrap();
        assert_eq!((sockets.address.ip(), sockets.second_address), (second, SecondAddress::Unavailable));
        let Err(error) = Sockets::bind(&BindAddresses { main: missing, second: None, port: 0 }) else {
            panic!("it was bound")
        };
        assert_eq!(error.hint.as_deref(), Some("use an address of this machine, such as 127.0.0.1"));
    }
}
