//! Checks a complete head, and says what is wrong with it.
//!
//! hyper would refuse most of these with an empty response, and accepts some that RFC 9112 tells a
//! server to refuse, such as a request with two hosts.

use crate::model::message::is_token;
use crate::model::refusal::Refusal;
use std::net::Ipv6Addr;

/// Most header lines; hyper has the same limit.
pub(super) const MAX_HEADERS: usize = 100;

/// Checks the start of a head that may still be incomplete, so that another protocol is refused
/// although it never completes one.
pub(super) fn check_first_byte(first: u8) -> Result<(), Refusal> {
    match first {
        // The type of a handshake record. <https://www.rfc-editor.org/rfc/rfc8446#section-5.1>
        0x16 => Err(Refusal::Tls),
        first if is_token(first) => Ok(()),
        _ => Err(Refusal::NotHttp),
    }
}

/// Checks the version in a complete request line.
pub(super) fn check_request_line(line: &[u8]) -> Result<(), Refusal> {
    let version = line.trim_ascii_end().rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" => Ok(()),
        version if version.starts_with(b"HTTP/2") => Err(Refusal::Http2),
        version if version.starts_with(b"HTTP/") => Err(Refusal::Version),
        _ => Err(Refusal::NotHttp),
    }
}

/// Checks a complete head.
pub(super) fn check_head(head: &[u8]) -> Result<(), Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(head).map_err(|error| parse_refusal(error, head))?;
    let target = request.path.unwrap_or_default();
    hyper::Uri::try_from(target).map_err(|_| Refusal::InvalidTarget)?;
    let is_1_1 = request.version == Some(1);
    let values = |name: &'static str| {
        request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    };
    check_host(values("host"), is_1_1)?;
    check_length(values("content-length"))?;
    check_coding(values("transfer-encoding"), is_1_1)
}

fn parse_refusal(error: httparse::Error, head: &[u8]) -> Refusal {
    match error {
        httparse::Error::TooManyHeaders => Refusal::TooManyHeaders,
        httparse::Error::Version => Refusal::Version,
        httparse::Error::Token => Refusal::InvalidTarget,
        _ if head.split(|&byte| byte == b'\n').any(is_folded) => Refusal::FoldedHeader,
        _ => Refusal::InvalidHeader,
    }
}

/// Returns true for a line that starts with a blank, or has one before its colon.
fn is_folded(line: &[u8]) -> bool {
    let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
    let is_blank = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    is_blank(line.first()) || (name.len() < line.len() && is_blank(name.last()))
}

/// RFC 9112, section 3.2: a request of HTTP/1.1 has one host, and no request has two.
fn check_host<'h>(mut hosts: impl Iterator<Item = &'h [u8]>, is_required: bool) -> Result<(), Refusal> {
    match (hosts.next(), hosts.next()) {
        (None, _) if is_required => Err(Refusal::MissingHost),
        (Some(_), Some(_)) => Err(Refusal::TwoHosts),
        (Some(host), None) if !is_host(host) => Err(Refusal::InvalidHost),
        _ => Ok(()),
    }
}

/// Returns true for a host, perhaps with a port; the host may be empty (RFC 9110, section 7.2).
fn is_host(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else { return false };
            if address.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            ("", port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_port = |port: &str| {
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.is_empty() || is_number::<u16>(port))
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
    host.bytes().all(is_name) && is_port(port)
}

fn check_length<'h>(lengths: impl Iterator<Item = &'h [u8]>) -> Result<(), Refusal> {
    let mut first = None;
    for length in lengths {
        let length = std::str::from_utf8(length).ok().filter(|length| is_number::<u64>(length));
        let length = length.and_then(|length| length.parse::<u64>().ok()).ok_or(Refusal::InvalidLength)?;
        // hyper uses the two largest for other purposes.
        if length > u64::MAX - 2 {
            return Err(Refusal::InvalidLength);
        }
        if first.is_some_and(|first| first != length) {
            return Err(Refusal::TwoLengths);
        }
        first = Some(length);
    }
    Ok(())
}

/// Returns true for digits, without a sign, that fit the type.
fn is_number<T: std::str::FromStr>(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<T>().is_ok()
}

fn check_coding<'h>(codings: impl Iterator<Item = &'h [u8]>, is_1_1: bool) -> Result<(), Refusal> {
    let codings: Vec<_> = codings.flat_map(|coding| coding.split(|&byte| byte == b',')).collect();
    match codings[..] {
        [] => Ok(()),
        [coding] if is_1_1 && coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Refusal::TransferCoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(lines: &str) -> Option<Refusal> {
        check_head(format!("POST /a HTTP/1.1\r\n{lines}\r\n").as_bytes()).err()
    }

    #[test]
    fn a_request_has_one_valid_host() {
        for host in ["a", "a.example:80", "127.0.0.1:4848", "[::1]:4848", "[::1]", "", "a:", "A_b-c.d~", "xn--a.test"] {
            assert_eq!(refusal(&format!("Host: {host}\r\n")), None, "{host}");
        }
        for host in [
            "user@a", "a b", "a/b", "a:b", "a:-1", "a:65536", "[::1", "::1", "[a]", "a, b", "a\u{e9}", "http://a",
            "a?", "a:+1",
        ] {
            assert_eq!(refusal(&format!("Host: {host}\r\n")), Some(Refusal::InvalidHost), "{host}");
        }
        assert_eq!(refusal(""), Some(Refusal::MissingHost));
        for second in ["Host: a", "hOST: b", "Host:"] {
            assert_eq!(refusal(&format!("Host: a\r\n{second}\r\n")), Some(Refusal::TwoHosts), "{second}");
        }
        assert_eq!(check_head(b"GET / HTTP/1.0\r\n\r\n"), Ok(()));
        assert_eq!(check_head(b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), Err(Refusal::TwoHosts));
    }

    #[test]
    fn each_fault_of_a_head_has_its_reason() {
        for (lines, expected) in [
            ("Content-Length: x\r\n", Refusal::InvalidLength),
            ("Content-Length:\r\n", Refusal::InvalidLength),
            ("Content-Length: 18446744073709551615\r\n", Refusal::InvalidLength),
            ("Content-Length: 1\r\nContent-Length: 2\r\n", Refusal::TwoLengths),
            ("Transfer-Encoding: gzip, chunked\r\n", Refusal::TransferCoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Refusal::TransferCoding),
            ("A: b\r\n c\r\n", Refusal::FoldedHeader),
            ("A : b\r\n", Refusal::FoldedHeader),
            ("A\x1b: b\r\n", Refusal::InvalidHeader),
            ("A: b\x1b\r\n", Refusal::InvalidHeader),
            ("A\r\n", Refusal::InvalidHeader),
            (&*"A: 1\r\n".repeat(100), Refusal::TooManyHeaders),
        ] {
            assert_eq!(refusal(&format!("Host: a\r\n{lines}")), Some(expected), "{lines:.50}");
        }
        assert_eq!(check_head(b"POST /a\x1bb HTTP/1.1\r\nHost: a\r\n\r\n"), Err(Refusal::InvalidTarget));
    }

    #[test]
    fn other_protocols_are_known_by_their_first_bytes() {
        assert_eq!(check_first_byte(0x16), Err(Refusal::Tls));
        for first in *b"\xff\0 {\"<" {
            assert_eq!(check_first_byte(first), Err(Refusal::NotHttp));
        }
        for (line, expected) in [
            ("PRI * HTTP/2.0\r\n", Err(Refusal::Http2)),
            ("GET / HTTP/2\n", Err(Refusal::Http2)),
            ("GET / HTTP/1.2\r\n", Err(Refusal::Version)),
            ("GET /\r\n", Err(Refusal::NotHttp)),
            ("EHLO example.org\r\n", Err(Refusal::NotHttp)),
            ("GET / HTTP/1.0\r\n", Ok(())),
        ] {
            assert_eq!(check_request_line(line.as_bytes()), expected, "{line}");
        }
    }
}
