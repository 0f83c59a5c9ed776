//! Target URLs on the command line.

use crate::webhook::forward;
use url::Url;

/// The address at which `listen` receives by default.
pub(in crate::command) const DEFAULT_TARGET: &str = "http://127.0.0.1:4848/";

/// Parses a URL; `localhost:3000/x` means `http://localhost:3000/x`.
pub(in crate::command) fn parse(text: &str) -> Result<Url, String> {
    forward::parse_url(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::address::is_loopback;

    #[test]
    fn a_url_without_a_scheme_is_http() {
        assert_eq!(parse("localhost:3000/x").unwrap().as_str(), "http://localhost:3000/x");
        assert!(parse("ftp://x").is_err() && parse("http://").is_err());
    }

    #[test]
    fn only_loopback_addresses_are_this_machine() {
        let loopback = |text| is_loopback(&parse(text).unwrap());
        assert!(["localhost:1", "127.0.0.9", "[::1]:80", "app.localhost"].into_iter().all(loopback));
        assert!(!["10.0.0.1", "localhost.example.com", "example.com", "[::2]", "0.0.0.0"].into_iter().any(loopback));
    }
}
