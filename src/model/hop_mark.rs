//! The mark that a listener puts on what it forwards, so that a delivery that comes back is
//! recognized.
//!
//! It is an entry in `Via` (RFC 9110 section 7.6.3) with a random pseudonym per listener, or one for
//! all listeners of a forwarding group. So
//! listeners may forward to each other in a chain, and a loop ends where it closes.

use crate::model::message::{HeaderError, Headers};
use sha2::{Digest, Sha256};

/// Start of the pseudonyms of all listeners.
const PREFIX: &str = "whtool-";

/// Most listeners that a delivery may pass. It ends a loop through listeners that were restarted.
const MAX_HOPS: usize = 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopMark {
    pseudonym: String,
}

impl HopMark {
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self { pseudonym: format!("{PREFIX}{}", hex::encode(bytes)) }
    }

    /// Returns the mark of all listeners of a forwarding group.
    pub fn of_group(inbox: &str, group: &str) -> Self {
        let hash = Sha256::digest(format!("{inbox}\0{group}"));
        Self { pseudonym: format!("{PREFIX}{}", hex::encode(&hash[..8])) }
    }

    /// Returns true if the delivery was forwarded by this listener before, or by too many others.
    pub fn closes_loop(&self, headers: &Headers) -> bool {
        let marks: Vec<_> = headers.all("via").flat_map(marks).collect();
        marks.len() >= MAX_HOPS || marks.contains(&self.pseudonym.as_bytes())
    }

    /// Adds the mark after the entries of others.
    pub fn append_to(&self, headers: &mut Headers) -> Result<(), HeaderError> {
        headers.push("Via", format!("1.1 {}", self.pseudonym).as_bytes())
    }
}

/// Returns true for a header line that a listener added.
pub fn is_mark_line(name: &str, value: &[u8]) -> bool {
    name.eq_ignore_ascii_case("via") && !value.contains(&b',') && marks(value).next().is_some()
}

/// Returns the pseudonyms of listeners in the value of a `Via` header.
fn marks(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = value.split(|byte| matches!(byte, b',' | b' ' | b'\t'));
    words.filter(|word| word.starts_with(PREFIX.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(byte: u8) -> HopMark {
        HopMark::from_random([byte; 8])
    }

    fn headers(text: &str) -> Headers {
        Headers::read(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_listener_recognizes_its_own_mark_among_others() {
        let mut sent = headers("Host: x\r\nVia: 1.0 fred, 1.1 proxy.test (squid, 6.1)\r\n");
        assert!(!mark(1).closes_loop(&sent));
        mark(1).append_to(&mut sent).unwrap();
        mark(2).append_to(&mut sent).unwrap();
        assert!(
            sent.as_bytes()
                .ends_with(b"(squid, 6.1)\r\nVia: 1.1 whtool-0101010101010101\r\nVia: 1.1 whtool-0202020202020202\r\n")
        );
        assert!(mark(1).closes_loop(&sent) && mark(2).closes_loop(&sent) && !mark(3).closes_loop(&sent));
        // A proxy may join the lines, and change the case of the name.
        let joined = headers("via: 1.0 fred, 1.1 whtool-0101010101010101,1.1 nginx\r\n");
        assert!(mark(1).closes_loop(&joined) && !mark(2).closes_loop(&joined));
    }

    #[test]
    fn a_delivery_that_passed_ten_listeners_is_in_a_loop() {
        let mut sent = Headers::new();
        for hop in 1..10 {
            mark(hop).append_to(&mut sent).unwrap();
        }
        assert!(!mark(99).closes_loop(&sent));
        mark(10).append_to(&mut sent).unwrap();
        assert!(mark(99).closes_loop(&sent));
    }

    #[test]
    fn only_a_line_that_a_listener_added_is_a_mark_line() {
        assert!(is_mark_line("via", b"1.1 whtool-0101010101010101"));
        assert!(!is_mark_line("Via", b"1.1 nginx, 1.1 whtool-0101010101010101") && !is_mark_line("Via", b"1.1 nginx"));
        assert!(!is_mark_line("X-Via", b"1.1 whtool-0101010101010101"));
    }
}
