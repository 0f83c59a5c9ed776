//! A request as bytes on the wire: its own head, byte for byte, and its body.
//!
//! Order, repeats, case, spacing and line ends of the headers stay as they are, with these
//! exceptions:
//!
//! - A request without `Host` gets the URL's.
//! - `Content-Length` is corrected in place, and repeats of it are dropped. Where it is missing and
//!   a body needs it, it is added at the end.
//! - `Expect` and hop-by-hop headers are dropped: they ask for more than a request and an answer,
//!   or are meant for a proxy. `Connection` and `Keep-Alive` stay, and `Connection: close` is
//!   obeyed.

use crate::model::exchange::SendFailure;
use crate::model::message::{Request, is_hop_by_hop};
use hyper::body::Bytes;
use url::{Position, Url};

/// Methods whose requests announce even an empty body (RFC 9110 section 8.6).
const METHODS_WITH_LENGTH: [&str; 3] = ["POST", "PUT", "PATCH"];

enum HeaderAction {
    Keep,
    Drop,
    CorrectLength,
}

/// Returns the host, with the port unless it is the scheme's default.
pub(super) fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// Returns true if the request asks the server to close the connection.
pub(super) fn has_connection_close(request: &Request) -> bool {
    let mut options = request.headers.all("connection").flat_map(|value| value.split(|&byte| byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// Writes a request to this URL. Its method must be valid. A header with a bare CR or a NUL, or a
/// target with a space or a control character, is refused: servers disagree about where they end.
pub(super) fn write(url: &Url, request: &Request) -> Result<Bytes, SendFailure> {
    let Request { method, target, headers, body } = request;
    if target.is_empty() || target.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err(SendFailure::Broken(format!("the target `{target}` can't be sent")));
    }
    let length = body.len().to_string();
    let needs_length = !body.is_empty() || METHODS_WITH_LENGTH.contains(&method.as_str());
    let mut has_length = false;
    let mut wire = Vec::with_capacity(target.len() + url.as_str().len() + headers.as_bytes().len() + body.len() + 128);
    append(&mut wire, &[method.as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\n"]);
    if headers.get("host").is_none() {
        append(&mut wire, &[b"Host: ", authority(url).as_bytes(), b"\r\n"]);
    }
    let lines = headers.as_bytes().split_inclusive(|&byte| byte == b'\n');
    for (line, (name, value)) in lines.zip(headers.iter()) {
        match action_for(name) {
            HeaderAction::Drop => {}
            HeaderAction::CorrectLength if std::mem::replace(&mut has_length, true) => {}
            HeaderAction::CorrectLength if value != length.as_bytes() => {
                append(&mut wire, &[name.as_bytes(), b": ", length.as_bytes(), b"\r\n"]);
            }
            HeaderAction::CorrectLength | HeaderAction::Keep => append_line(&mut wire, name, line)?,
        }
    }
    if needs_length && !has_length {
        append(&mut wire, &[b"Content-Length: ", length.as_bytes(), b"\r\n"]);
    }
    append(&mut wire, &[b"\r\n", body]);
    Ok(wire.into())
}

fn append(wire: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| wire.extend_from_slice(part));
}

/// Appends a header line. The last line of a head may lack its line end, which is added.
fn append_line(wire: &mut Vec<u8>, name: &str, line: &[u8]) -> Result<(), SendFailure> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if memchr::memchr2(b'\r', 0, text).is_some() {
        return Err(SendFailure::Broken(format!("the header `{name}` can't be sent")));
    }
    let whole = if line.ends_with(b"\n") { [line, b""] } else { [text, b"\r\n"] };
    append(wire, &whole);
    Ok(())
}

fn action_for(name: &str) -> HeaderAction {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    if is("content-length") {
        HeaderAction::CorrectLength
    } else if is("expect") || is_hop_by_hop(name) && !is("connection") && !is("keep-alive") {
        HeaderAction::Drop
    } else {
        HeaderAction::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Headers;

    fn sent(method: &str, headers: &[u8], body: &[u8]) -> String {
        let headers = Headers::read(headers.to_vec()).unwrap();
        let request =
            Request { method: method.to_owned(), target: "/a%20b?c=d".to_owned(), headers, body: body.to_vec() };
        let url = Url::parse("http://me:secret@localhost:81/not/used").unwrap();
        let wire = write(&url, &request).unwrap();
        wire.iter().map(|&byte| char::from(byte)).collect()
    }

    #[test]
    fn a_correct_head_is_sent_byte_for_byte() {
        let head = "hOsT:x\r\nX-B: 1\nx-a:\t 2 \r\nX-b: caf\u{e9}\r\ncontent-LENGTH:  2 \r\nConnection: close\r\n";
        let bytes: Vec<u8> = head.chars().map(|letter| letter as u8).collect();
        assert_eq!(sent("POST", &bytes, b"\n\n"), format!("POST /a%20b?c=d HTTP/1.1\r\n{head}\r\n\n\n"));
    }

    #[test]
    fn a_missing_host_is_added_first_and_a_missing_length_last() {
        let expected = "PUT /a%20b?c=d HTTP/1.1\r\nHost: localhost:81\r\nA: 1\r\nContent-Length: 1\r\n\r\nx";
        assert_eq!(sent("PUT", b"A: 1\r\n", b"x"), expected);
    }

    #[test]
    fn a_wrong_length_is_corrected_in_place_and_not_repeated() {
        let sent = sent("POST", b"Host: x\nCONTENT-length:9\r\nA: 1\r\nContent-Length: 1\r\n", b"x");
        assert!(sent.ends_with("\r\nHost: x\nCONTENT-length: 1\r\nA: 1\r\n\r\nx"), "{sent}");
    }

    #[test]
    fn an_empty_body_is_announced_where_a_length_is_expected() {
        assert!(sent("POST", b"", b"").ends_with("\r\nContent-Length: 0\r\n\r\n"));
        assert!(!sent("GET", b"", b"").contains("Content-Length"));
        assert!(sent("GET", b"Content-Length: 3\r\n", b"").contains("Content-Length: 0\r\n"));
        assert!(sent("GET", b"", b"x").contains("Content-Length: 1\r\n"));
    }

    #[test]
    fn expect_and_hop_by_hop_headers_are_dropped() {
        let headers =
            b"Host: x\r\nExpect: 100-continue\r\nTE: trailers\r\nA: 1\r\nUpgrade: h2c\r\nproxy-Authorization: x\r\n\
            transfer-Encoding: chunked\r\nTrailer: B\r\nProxy: 2\r\n";
        let expected = "GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nA: 1\r\nProxy: 2\r\n\r\n";
        assert_eq!(sent("GET", headers, b""), expected);
    }

    #[test]
    fn a_head_ends_after_its_last_header() {
        assert!(sent("GET", b"Host: x\r\nA: 1", b"").ends_with("\r\nA: 1\r\n\r\n"));
        assert!(sent("GET", b"Host: x\r\nA: 1\r", b"").ends_with("\r\nA: 1\r\n\r\n"));
        assert!(sent("GET", b"Host: x\r\n\r\nGET / HTTP/1.1\r\n", b"").ends_with("\r\nHost: x\r\n\r\n"));
    }

    #[test]
    fn a_header_with_a_bare_cr_or_a_nul_is_refused() {
        for text in [&b"A: 1\rB: 2\r\n"[..], b"A: 1\0\r\n", b"A: 1\r\r\n"] {
            let headers = Headers::read(text.to_vec()).unwrap();
            let request = Request { headers, ..Request::post("/", Vec::new()) };
            let wire = write(&Url::parse("http://localhost/").unwrap(), &request);
            assert_eq!(wire, Err(SendFailure::Broken("the header `A` can't be sent".to_owned())));
        }
    }

    #[test]
    fn a_target_is_sent_byte_for_byte_and_refused_if_it_would_end_the_line() {
        let url = Url::parse("http://localhost/").unwrap();
        for target in ["/../../admin", "/a/%2e%2e/b", "//evil.test/x", "/a;b=c/./?x=#y", "/h\"<>|{}^`\\", "/caf\u{e9}"]
        {
            let wire = write(&url, &Request::post(target, Vec::new())).unwrap();
            assert!(wire.starts_with(format!("POST {target} HTTP/1.1\r\n").as_bytes()), "{target}");
        }
        for target in ["", "/a b", "/a\r\nX: 1", "/a\0"] {
            assert!(write(&url, &Request::post(target, Vec::new())).is_err(), "{target:?}");
        }
    }

    #[test]
    fn close_is_found_among_other_connection_options() {
        let closes = |text: &[u8]| {
            let headers = Headers::read(text.to_vec()).unwrap();
            has_connection_close(&Request { headers, ..Request::post("/", Vec::new()) })
        };
        assert!(closes(b"connection: x , CLOSE\r\n") && closes(b"Connection: x\r\nConnection: close\r\n"));
        assert!(!closes(b"Connection: keep-alive\r\n") && !closes(b"X: close\r\n"));
    }
}
