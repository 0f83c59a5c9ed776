//! Message framing: wrong lengths and chunks, and request smuggling.

use super::siege::Siege;
use super::target::{REFERENCE, Target, post, signed, signed_headers, statuses};

/// Sends each attack. It must get these statuses, and no part of it may be verified.
fn assert_refused(name: &str, attacks: &[(&str, Vec<u8>, &[u16])]) {
    let target = Target::start(&[]);
    for (name, bytes, expected) in attacks {
        let answers = target.exchange(bytes);
        assert_eq!(statuses(&answers), *expected, "{name}: {answers}");
    }
    let deliveries = attacks.iter().flat_map(|(.., expected)| *expected).filter(|&&status| status == 401).count();
    Siege::against(name, target, |siege| {
        for _ in 0..20 {
            attacks.iter().for_each(|(_, bytes, _)| drop(siege.target.exchange(bytes)));
        }
        let first: Vec<_> = (0..deliveries).map(|_| siege.target.record()).collect();
        assert!(first.iter().all(|record| record["verdict"] != "verified"), "{first:#?}");
    });
}

#[test]
fn an_invalid_length_is_refused() {
    let hidden = signed();
    let length = |value: &str| post(&format!("Content-Length: {value}\r\n"), &hidden);
    assert_refused(
        "odd lengths",
        &[
            ("two that differ", post("Content-Length: 0\r\nContent-Length: 5\r\n", &hidden), &[400]),
            (
                "two that differ, the first longer",
                post("Content-Length: 500\r\nContent-Length: 0\r\n", &hidden),
                &[400],
            ),
            ("a sign", length("+5"), &[400]),
            ("a list", length("5, 5"), &[400]),
            ("negative", length("-5"), &[400]),
            ("a word", length("abc"), &[400]),
            ("hex", length("0x5"), &[400]),
            ("nothing", length(""), &[400]),
            ("a fraction", length("5.0"), &[400]),
            ("other digits", length("\u{665}"), &[400]),
            ("the largest of 64 bits", post("Content-Length: 18446744073709551615\r\n", "abc"), &[400]),
            ("more than 64 bits", post("Content-Length: 18446744073709551616\r\n", "abc"), &[400]),
            ("10^15", post("Content-Length: 1000000000000000\r\n", "abc"), &[413]),
            ("1 GB", post("Content-Length: 1073741824\r\n", vec![b'a'; 100_000]), &[413]),
            ("one too many", post("Content-Length: 1048577\r\n", "abc"), &[413]),
            ("shorter than announced", post("Content-Length: 500\r\n", REFERENCE), &[400]),
        ],
    );
}

#[test]
fn bytes_after_a_body_are_not_part_of_it() {
    let target = Target::start(&[]);
    let headers = signed_headers();
    // Longer than announced: the rest is not a request.
    let answers = target.exchange(post(&headers, [REFERENCE, b"}}}\r\n\r\n"].concat()));
    assert_eq!(statuses(&answers), [200, 400], "{answers}");
    assert_eq!(target.record()["verdict"], "verified");
    // No length: there is no body, and the bytes that look like one are not a request.
    let answers = target.exchange(post(headers.split_inclusive("\r\n").next().unwrap(), REFERENCE));
    assert_eq!(statuses(&answers), [401, 400], "{answers}");
    assert_eq!(target.record()["request"]["body"]["text"].as_str().unwrap_or_default(), "");
    target.end();
}

#[test]
fn invalid_chunks_are_refused() {
    let chunked = |body: &str| post("Transfer-Encoding: chunked\r\n", body);
    let many = format!("1;{}\r\na\r\n", "x".repeat(1 << 20));
    let trailers = format!("0\r\n{}", "X-Trailer: 1\r\n".repeat(100_000));
    assert_refused(
        "odd chunks",
        &[
            ("no size", chunked("nonsense\r\n\r\n"), &[400]),
            ("a negative size", chunked("-1\r\na\r\n0\r\n\r\n"), &[400]),
            ("a size of 64 bits", chunked("ffffffffffffffff\r\na\r\n0\r\n\r\n"), &[400]),
            ("a size of 65 bits", chunked("1ffffffffffffffff\r\na\r\n0\r\n\r\n"), &[400]),
            ("a size with a prefix", chunked("0x1\r\na\r\n0\r\n\r\n"), &[400]),
            ("no line end after a chunk", chunked("1\r\naX0\r\n\r\n"), &[400]),
            ("cut short", chunked("5\r\nabc"), &[400]),
            ("an endless extension", chunked(&many), &[400]),
            ("100,000 trailers", chunked(&trailers), &[400]),
        ],
    );
}

#[test]
fn other_transfer_codings_are_refused() {
    let coding = |value: &str| post(&format!("Transfer-Encoding: {value}\r\n"), "0\r\n\r\n");
    let on_1_0 = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec();
    assert_refused(
        "odd codings",
        &[
            ("gzip", coding("gzip"), &[400]),
            ("identity", coding("identity"), &[400]),
            ("identity and a length", post("Transfer-Encoding: identity\r\nContent-Length: 3\r\n", "abc"), &[400]),
            ("chunked first", coding("chunked, gzip"), &[400]),
            ("chunked and more in another line", coding("chunked\r\nTransfer-Encoding: identity"), &[400]),
            ("almost chunked", coding("xchunked"), &[400]),
            ("quoted", coding("\"chunked\""), &[400]),
            ("chunked on HTTP/1.0", on_1_0, &[400]),
            ("a blank before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), &[400]),
            ("a folded line", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), &[400]),
            ("a folded line further on", post("X-A: a\r\n b\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), &[400]),
            ("a tab before the name", post("\tTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), &[400]),
        ],
    );
}

/// Each contains a whole signed request where another parser would see the end of the first
/// request.
#[test]
fn a_request_inside_another_is_never_verified() {
    let hidden = String::from_utf8(signed()).unwrap();
    let chunked = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    let one = "5\r\nhello\r\n0\r\n\r\n";
    let target = Target::start(&[]);
    let attacks: Vec<(&str, Vec<u8>)> = vec![
        ("CL.TE", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", &chunked)),
        ("TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", &chunked)),
        ("CL.TE, rest", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", format!("0\r\n\r\n{hidden}"))),
        ("TE.CL, rest", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", format!("{one}{hidden}"))),
        ("TE.CL, length 0", post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", format!("{one}{hidden}"))),
        ("TE in odd case", post("tRANSFER-eNCODING: cHUNKED\r\nContent-Length: 0\r\n", format!("{one}{hidden}"))),
        ("TE with blanks", post("Transfer-Encoding: \t chunked \t\r\nContent-Length: 0\r\n", format!("{one}{hidden}"))),
        ("TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", format!("{one}{hidden}"))),
        ("TE list", post("Transfer-Encoding: gzip, chunked\r\nContent-Length: 0\r\n", format!("{one}{hidden}"))),
        ("in the body", post(&format!("Content-Length: {}\r\n", hidden.len()), &hidden)),
        ("in the body of a GET", {
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", hidden.len());
            [head.as_bytes(), hidden.as_bytes()].concat()
        }),
        ("in the chunks of a GET", {
            ["GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", &chunked].concat().into_bytes()
        }),
        ("in a CONNECT", {
            let head = format!("CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", hidden.len());
            [head.as_bytes(), hidden.as_bytes()].concat()
        }),
        ("after an upgrade", {
            let head =
                "Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n";
            post(head, format!("{one}{hidden}"))
        }),
        ("in a header", post(&format!("X-A: {}\r\n", hidden.replace("\r\n", "\r")), "")),
        ("after an empty line in blanks", post(&format!("X-A: 1\r\n \r\n{hidden}"), "")),
        ("in the body of one too large", post("Content-Length: 2000000\r\n", &hidden)),
        ("in the chunks after one that is none", post("Transfer-Encoding: chunked\r\n", format!("zz\r\n{hidden}"))),
    ];
    for (name, bytes) in attacks {
        let answers = target.exchange(bytes);
        assert!(!statuses(&answers).contains(&200), "{name}: {answers}");
    }
    let (records, _) = target.end();
    for record in records {
        assert_ne!(record["verdict"], "verified", "{record:#}");
    }
}

#[test]
fn heads_and_bodies_of_two_requests_are_never_mixed() {
    let target = Target::start(&[]);
    let head = "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n";
    // Parsed by its length, the first body is `9b\r\na`, and a signed head follows it.
    let inner = post(&signed_headers(), "");
    assert!((16..256).contains(&(inner.len() + 1)), "the size has two digits");
    let body = [format!("{:x}\r\n", inner.len() + 1).as_bytes(), b"a", &inner, b"\r\n0\r\n\r\n"].concat();
    let last = post(&format!("Content-Length: {}\r\n", REFERENCE.len()), REFERENCE);
    let answers = target.exchange([post(head, body), last].concat());
    assert!(!statuses(&answers).contains(&200), "{answers}");
    let (records, _) = target.end();
    assert!(records.iter().all(|record| record["verdict"] != "verified"), "{records:#?}");
}
