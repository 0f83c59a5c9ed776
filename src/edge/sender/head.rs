//! A request as it goes on the wire: its own head, byte for byte, and its body.
//!
//! Order, repeats, case, spacing and line ends of the headers stay as they are. Only what says where the request goes and
//! where it ends is ours:
//!
//! - The target is the URL's path and query. `Host` is the request's own; a request that has none gets the URL's.
//! - `Content-Length` is corrected in place, and repeats of it are dropped; where it is missing and a body needs it, it is
//!   added at the end. `Transfer-Encoding` and `Trailer` are dropped: the body is sent whole.
//! - `Expect`, `Upgrade`, `TE` and `Proxy-…` are dropped: they ask for another course of the conversation than question
//!   and answer, or are meant for somebody on the way. `Connection` stays, and `close` in it is obeyed.

use crate::model::exchange::SendFailure;
use crate::model::message::Request;
use hyper::body::Bytes;
use url::{Position, Url};

/// What is dropped, besides `Proxy-…`.
const DROPPED: [&str; 5] = ["expect", "te", "trailer", "transfer-encoding", "upgrade"];

/// Methods whose requests say that their body is empty (RFC 9110 section 8.6).
const WITH_LENGTH: [&str; 3] = ["POST", "PUT", "PATCH"];

/// What is done with a header line.
enum Line {
    Kept,
    Dropped,
    Length,
}

/// Host, and port unless it is the scheme's own.
pub(super) fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// Whether the request asks the target to close the connection.
pub(super) fn says_close(request: &Request) -> bool {
    let mut options = request.headers.all("connection").flat_map(|value| value.split(|&byte| byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// The bytes of a request to this URL. Its method must be one. A header with a bare CR or a NUL in it is refused: servers
/// don't agree on where such a line ends.
pub(super) fn wire(url: &Url, request: &Request) -> Result<Bytes, SendFailure> {
    let Request { method, headers, body, .. } = request;
    let length = body.len().to_string();
    let mut has_length = body.is_empty() && !WITH_LENGTH.contains(&method.as_str());
    let mut wire = Vec::with_capacity(2 * url.as_str().len() + headers.as_bytes().len() + body.len() + 128);
    let target = &url[Position::BeforePath..Position::AfterQuery];
    put(&mut wire, &[method.as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\n"]);
    if headers.get("host").is_none() {
        put(&mut wire, &[b"Host: ", authority(url).as_bytes(), b"\r\n"]);
    }
    let mut is_first = true;
    let lines = headers.as_bytes().split_inclusive(|&byte| byte == b'\n');
    for (line, (name, value)) in lines.zip(headers.iter()) {
        match fate(name) {
            Line::Dropped => {}
            Line::Length if !std::mem::take(&mut is_first) => {}
            Line::Length if value != length.as_bytes() => {
                put(&mut wire, &[name.as_bytes(), b": ", length.as_bytes(), b"\r\n"]);
            }
            Line::Length | Line::Kept => put_line(&mut wire, name, line)?,
        }
    }
    has_length |= !is_first;
    if !has_length {
        put(&mut wire, &[b"Content-Length: ", length.as_bytes(), b"\r\n"]);
    }
    put(&mut wire, &[b"\r\n", body]);
    Ok(wire.into())
}

fn put(wire: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| wire.extend_from_slice(part));
}

/// Puts a line as it is; the last one of a block may lack its end.
fn put_line(wire: &mut Vec<u8>, name: &str, line: &[u8]) -> Result<(), SendFailure> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if memchr::memchr2(b'\r', 0, text).is_some() {
        return Err(SendFailure::Broken(format!("the header `{name}` can't be sent")));
    }
    let whole = if line.ends_with(b"\n") { [line, b""] } else { [text, b"\r\n"] };
    put(wire, &whole);
    Ok(())
}

fn fate(name: &str) -> Line {
    let is_for_proxies = name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("proxy-"));
    if name.eq_ignore_ascii_case("content-length") {
        Line::Length
    } else if is_for_proxies || DROPPED.iter().any(|dropped| name.eq_ignore_ascii_case(dropped)) {
        Line::Dropped
    } else {
        Line::Kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Headers;

    fn sent(method: &str, headers: &[u8], body: &[u8]) -> String {
        let headers = Headers::read(headers.to_vec()).unwrap();
        let request = Request { method: method.to_owned(), target: "/own".to_owned(), headers, body: body.to_vec() };
        let url = Url::parse("http://me:secret@localhost:81/a%20b?c=d#e").unwrap();
        let wire = wire(&url, &request).unwrap();
        wire.iter().map(|&byte| char::from(byte)).collect()
    }

    #[test]
    fn a_head_that_is_right_goes_out_byte_for_byte() {
        let head = "hOsT:x\r\nX-B: 1\nx-a:\t 2 \r\nX-b: caf\u{e9}\r\ncontent-LENGTH:  2 \r\nConnection: close\r\n";
        let bytes: Vec<u8> = head.chars().map(|letter| letter as u8).collect();
        assert_eq!(sent("POST", &bytes, b"\n\n"), format!("POST /a%20b?c=d HTTP/1.1\r\n{head}\r\n\n\n"));
    }

    #[test]
    fn a_host_is_added_before_all_others_and_a_length_after_them() {
        let expected = "PUT /a%20b?c=d HTTP/1.1\r\nHost: localhost:81\r\nA: 1\r\nContent-Length: 1\r\n\r\nx";
        assert_eq!(sent("PUT", b"A: 1\r\n", b"x"), expected);
    }

    #[test]
    fn a_wrong_length_is_corrected_in_its_place_and_said_once() {
        let sent = sent("POST", b"Host: x\nCONTENT-length:9\r\nA: 1\r\nContent-Length: 1\r\n", b"x");
        assert!(sent.ends_with("\r\nHost: x\nCONTENT-length: 1\r\nA: 1\r\n\r\nx"), "{sent}");
    }

    #[test]
    fn an_empty_body_has_a_length_where_one_is_expected() {
        assert!(sent("POST", b"", b"").ends_with("\r\nContent-Length: 0\r\n\r\n"));
        assert!(!sent("GET", b"", b"").contains("Content-Length"));
        assert!(sent("GET", b"Content-Length: 3\r\n", b"").contains("Content-Length: 0\r\n"));
        assert!(sent("GET", b"", b"x").contains("Content-Length: 1\r\n"));
    }

    #[test]
    fn what_changes_the_course_of_the_conversation_is_dropped() {
        let headers =
            b"Host: x\r\nExpect: 100-continue\r\nTE: trailers\r\nA: 1\r\nUpgrade: h2c\r\nproxy-Authorization: x\r\n\
            transfer-Encoding: chunked\r\nTrailer: B\r\nProxy: 2\r\n";
        let expected = "GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nA: 1\r\nProxy: 2\r\n\r\n";
        assert_eq!(sent("GET", headers, b""), expected);
    }

    #[test]
    fn a_block_ends_where_its_last_header_does() {
        assert!(sent("GET", b"Host: x\r\nA: 1", b"").ends_with("\r\nA: 1\r\n\r\n"));
        assert!(sent("GET", b"Host: x\r\nA: 1\r", b"").ends_with("\r\nA: 1\r\n\r\n"));
        assert!(sent("GET", b"Host: x\r\n\r\nGET / HTTP/1.1\r\n", b"").ends_with("\r\nHost: x\r\n\r\n"));
    }

    #[test]
    fn a_header_that_servers_read_in_two_ways_is_refused() {
        for text in [&b"A: 1\rB: 2\r\n"[..], b"A: 1\0\r\n", b"A: 1\r\r\n"] {
            let headers = Headers::read(text.to_vec()).unwrap();
            let request = Request { headers, ..Request::post("/", Vec::new()) };
            let wire = wire(&Url::parse("http://localhost/").unwrap(), &request);
            assert_eq!(wire, Err(SendFailure::Broken("the header `A` can't be sent".to_owned())));
        }
    }

    #[test]
    fn close_is_found_among_other_options() {
        let says_close = |text: &[u8]| {
            let headers = Headers::read(text.to_vec()).unwrap();
            super::says_close(&Request { headers, ..Request::post("/", Vec::new()) })
        };
        assert!(says_close(b"connection: x , CLOSE\r\n") && says_close(b"Connection: x\r\nConnection: close\r\n"));
        assert!(!says_close(b"Connection: keep-alive\r\n") && !says_close(b"X: close\r\n"));
    }
}
