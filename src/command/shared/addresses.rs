//! Messages about the addresses of a running server.

use crate::command::Session;
use crate::model::bind::SecondAddress;
use std::net::SocketAddr;

/// Reports what the server's URL does not say: other addresses, and one that is missing.
pub(in crate::command) fn report_addresses(address: SocketAddr, second: SecondAddress, session: &Session<'_>) {
    if address.ip().is_unspecified() {
        session.info(&format!("other machines can connect, too: listening on all addresses ({address})"));
    }
    if let SecondAddress::Taken(second) = second {
        session.warn(&format!(
            "another program listens on {second}: clients that resolve `localhost` to it do not reach this one"
        ));
    }
}
