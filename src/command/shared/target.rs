//! Target URLs on the command line: how they are written, and which machine they lead to.

use crate::command::{Session, confirm};
use crate::model::address::{Reach, TargetHost, are_local};
use crate::model::error::Result;
use crate::webhook::forward;
use std::net::IpAddr;
use url::Url;

/// The address at which `listen` receives by default.
pub(in crate::command) const DEFAULT_TARGET: &str = "http://127.0.0.1:4848/";

/// Parses a URL; `localhost:3000/x` means `http://localhost:3000/x`.
pub(in crate::command) fn parse(text: &str) -> Result<Url, String> {
    forward::parse_url(text).map_err(|error| error.to_string())
}

/// Returns true if a URL can only lead to this machine: its host is `localhost`, a name below it, or
/// has loopback addresses only. A name that is not known is not of this machine.
///
/// A request that is allowed because of this must be sent with `Reach::ThisMachine`.
pub(in crate::command) fn is_this_machine(url: &Url, session: &Session<'_>) -> bool {
    are_local(&addresses(url, session))
}

/// Returns the addresses that a URL leads to. Empty: its host is not known.
pub(in crate::command) fn addresses(url: &Url, session: &Session<'_>) -> Vec<IpAddr> {
    let addresses = match TargetHost::of_url(url) {
        Some(TargetHost::Name(name)) => session.world.resolve(name).ok(),
        Some(host) => host.known_addresses(),
        None => None,
    };
    addresses.unwrap_or_default()
}

/// Returns the machines that a request to this URL may be sent to without asking.
pub(in crate::command) fn reach(url: &Url, session: &Session<'_>) -> Reach {
    if is_this_machine(url, session) { Reach::ThisMachine } else { Reach::Anywhere }
}

/// Asks before signed requests go to another machine, unless `--yes` was given. `question` gets the
/// host.
pub(in crate::command) fn confirm_reach(
    url: &Url,
    yes: bool,
    question: impl Fn(&str) -> String,
    session: &Session<'_>,
) -> Result<Reach> {
    let reach = reach(url, session);
    if reach == Reach::Anywhere && !yes {
        let host = url.host_str().unwrap_or_default();
        confirm(session, &question(host), host)?;
    }
    Ok(reach)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_scheme_is_http() {
        assert_eq!(parse("localhost:3000/x").unwrap().as_str(), "http://localhost:3000/x");
        assert!(parse("ftp://x").is_err() && parse("http://").is_err());
    }
}
