//! Raw requests, as sent and as people save them.

use super::*;

#[test]
fn a_request_is_read_as_it_was_sent() {
    let request = sample();
    let capture = one(&request.to_wire());
    assert_eq!(capture.delivery, Delivery { request, peer: None, arrived: None });
    assert_eq!((capture.location, capture.notes), (Location::Request(1), Vec::new()));
}

#[test]
fn a_binary_body_is_read_byte_for_byte() {
    let body: Vec<u8> = (0..=255).chain(*b"\r\n\r\nPOST / HTTP/1.1\r\n\r\n").collect();
    let mut file = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    file.extend_from_slice(&body);
    let capture = one(&file);
    assert_eq!((capture.delivery.request.body, capture.notes), (body, Vec::new()));
}

#[test]
fn a_head_with_bare_newlines_after_a_byte_order_mark_is_read() {
    let capture = one(b"\xef\xbb\xbf\nPOST /x HTTP/1.0\nContent-Length: 5\nX-A:  b \n\na\r\nb\n");
    let request = capture.delivery.request;
    assert_eq!((request.target.as_str(), request.body.as_slice()), ("/x", &b"a\r\nb\n"[..]));
    assert_eq!(request.headers.as_bytes(), b"Content-Length: 5\r\nX-A:  b \r\n");
    assert_eq!(request.headers.get("x-a"), Some(&b"b"[..]));
}

#[test]
fn a_url_as_target_keeps_its_path_and_query() {
    for (line, target) in [
        ("POST https://host/path?q=1 HTTP/1.1", "/path?q=1"),
        ("POST http://host HTTP/2", "/"),
        ("POST HTTPS://host:81?q=/ HTTP/2.0", "/?q=/"),
        ("OPTIONS * HTTP/1.1", "*"),
        ("POST /a%20b//../c", "/a%20b//../c"),
    ] {
        assert_eq!(one(line.as_bytes()).delivery.request.target, target, "{line}");
    }
}

#[test]
fn pseudo_headers_replace_the_request_line() {
    let capture = one(b":authority: host\n:method: PUT\n:path: /x?y\n:scheme: https\ncontent-length: 2\n\n{}");
    let request = capture.delivery.request;
    assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/x?y"));
    assert_eq!(request.headers.iter().collect::<Vec<_>>(), [("content-length", &b"2"[..])]);
    assert_eq!(request.body, b"{}");
    let both = one(b"POST /x HTTP/2\n:method: POST\n:path: /x\nA: b\n\n");
    assert_eq!(both.delivery.request.headers.len(), 1);
    assert!(read_raw(b":method: POST\n\n").all(|outcome| outcome.is_err()));
}

#[test]
fn curl_output_is_read_without_its_marks() {
    let dump =
        b"*   Trying 127.0.0.1:4000...\n* Connected to localhost\n> POST /hook HTTP/1.1\r\n> Host: localhost\r\n\
        > Content-Length: 2\r\n> \r\n{}\n* upload completely sent off: 2 bytes\n< HTTP/1.1 200 OK\r\n< \r\n\
        { [2 bytes data]\nok\n* Connection #0 left intact\n";
    let capture = one(dump);
    assert_eq!((capture.delivery.request.target.as_str(), capture.delivery.request.headers.len()), ("/hook", 2));
    assert_eq!(capture.delivery.request.body, b"{}");
    assert_eq!(capture.notes, [Note::TrailingBytes(1)]);
}

#[test]
fn several_requests_in_a_file_are_read_in_order() {
    let mut file = Vec::new();
    for separator in ["", "\r\n", "\n\n"] {
        file.extend_from_slice(&sample().to_wire());
        file.extend_from_slice(separator.as_bytes());
    }
    file.extend_from_slice(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
    let all = raw(&file);
    assert_eq!(all.iter().map(|capture| capture.location).collect::<Vec<_>>(), [1, 2, 3, 4, 5].map(Location::Request));
    assert!(all.iter().all(|capture| capture.notes.is_empty()));
    assert!(all.iter().take(3).all(|capture| capture.delivery.request == sample()));
    assert_eq!(all.last().unwrap().delivery.request.target, "/b");
}

#[test]
fn white_space_after_the_body_is_ignored_and_noted() {
    let mut file = sample().to_wire();
    file.extend_from_slice(b" \r\n\n");
    let capture = one(&file);
    assert_eq!((capture.delivery.request, capture.notes), (sample(), vec![Note::TrailingBytes(4)]));
}

#[test]
fn a_body_longer_than_declared_is_truncated_and_noted() {
    let capture = one(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{ }\n");
    assert_eq!(capture.delivery.request.body, b"{ ");
    assert_eq!(capture.notes, [Note::BytesBeyondLength { declared: 2, actual: 4 }]);
}

#[test]
fn a_body_shorter_than_declared_is_read_as_it_is() {
    for declared in [3, u64::MAX] {
        let file = format!("POST / HTTP/1.1\r\nContent-Length: {declared}\r\n\r\n{{}}");
        let capture = one(file.as_bytes());
        assert_eq!(capture.delivery.request.body, b"{}");
        assert_eq!(capture.notes, [Note::Truncated { declared, actual: 2 }]);
    }
}

#[test]
fn without_a_length_the_rest_of_the_file_is_the_body() {
    let capture = one(b"POST / HTTP/1.1\r\n\r\n{}\n");
    assert_eq!((capture.delivery.request.body, capture.notes), (b"{}\n".to_vec(), vec![Note::NoLength(3)]));
    let blank = one(b"GET / HTTP/1.1\r\n\r\n\r\n");
    assert_eq!((blank.delivery.request.body, blank.notes), (Vec::new(), vec![Note::TrailingBytes(2)]));
}

#[test]
fn invalid_or_different_lengths_are_ignored() {
    for lengths in
        ["Content-Length: 1\nContent-Length: 2", "Content-Length: +1", "Content-Length: ", "content-length: 1, 1"]
    {
        let capture = one(format!("POST / HTTP/1.1\n{lengths}\n\n{{}}").as_bytes());
        assert_eq!(capture.delivery.request.body, b"{}", "{lengths}");
        assert_eq!(capture.notes, [Note::InvalidLength, Note::NoLength(2)], "{lengths}");
    }
    assert!(one(b"POST / HTTP/1.1\nContent-Length: 1\ncontent-length: 1\n\nx").notes.is_empty());
}

#[test]
fn chunks_are_decoded() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n";
    let chunks = "\r\n4\r\nWiki\r\nA;x=y\r\n0123\n\r\n789\r\n0\r\nX-T: 1\r\n\r\n";
    let capture = one(format!("{head}{chunks}").as_bytes());
    assert_eq!((capture.delivery.request.body, capture.notes), (b"Wiki0123\n\r\n789".to_vec(), Vec::new()));
    let two = raw(format!("{head}{chunks}{head}\r\n0\r\n\r\n").as_bytes());
    assert_eq!((two.len(), two.last().unwrap().delivery.request.body.as_slice()), (2, &b""[..]));
    let beyond = one(format!("{head}\r\n1\r\nx\r\n0\r\n\r\nmore").as_bytes());
    assert_eq!(beyond.notes, [Note::BytesBeyondLength { declared: 1, actual: 5 }]);
}

#[test]
fn a_request_inside_trailers_ends_the_body_before_it() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let file = format!("{head}1\r\nx\r\n0\r\nX-T: 1\r\nPOST http://host/next HTTP/1.1\r\nContent-Length: 1\r\n\r\ny");
    let all = raw(file.as_bytes());
    let requests: Vec<_> = all.iter().map(|capture| &capture.delivery.request).collect();
    assert_eq!(requests.iter().map(|request| request.body.as_slice()).collect::<Vec<_>>(), [b"x", b"y"]);
    assert_eq!(requests[1].target, "/next");
}

#[test]
fn a_body_saved_without_its_chunks_is_taken_unchanged() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n";
    for body in [
        "{}",
        "+1\r\nx\r\n0\r\n\r\n",
        "2\r\nx\r\n0\r\n\r\n",
        "ffffffffffffffff\r\nx",
        "fffffffffffffffff\r\nx",
        "1\r\nx",
    ] {
        let capture = one(format!("{head}\r\n{body}").as_bytes());
        assert_eq!(capture.delivery.request.body, body.as_bytes());
        assert_eq!(capture.notes, [Note::NotChunked, Note::NoLength(body.len() as u64)]);
    }
    let capture = one(format!("{head}Content-Length: 2\r\n\r\n{{}}").as_bytes());
    assert_eq!((capture.delivery.request.body, capture.notes), (b"{}".to_vec(), vec![Note::NotChunked]));
}

#[test]
fn an_invalid_head_is_an_error_with_its_location() {
    let mut file = sample().to_wire();
    file.extend_from_slice(b"POST / HTTP/1.1\r\nnonsense\r\n\r\n");
    let mut all = read_raw(&file);
    assert!(all.next().unwrap().is_ok());
    let error = all.next().unwrap().unwrap_err();
    assert!(
        matches!(&error, CaptureError::Header { location: Location::Request(2), source: HeaderError::NoColon(_) }),
        "{error:?}"
    );
    assert!(all.next().is_none());
    for (block, name) in [(&b"X-A: b\0\r\n\r\n"[..], "X-A"), (b"X-A: b\rc\r\n\r\n", "X-A")] {
        let file = [b"POST / HTTP/1.1\r\n", block].concat();
        let error = read_raw(&file).next().unwrap().unwrap_err();
        assert!(
            matches!(&error, CaptureError::Header { source: HeaderError::Value(found), .. } if found == name),
            "{error:?}"
        );
    }
    let error = read_raw(b"hello world again\n").next().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "request 1: expected a request line such as `POST /path HTTP/1.1`, found `hello world again`"
    );
}
