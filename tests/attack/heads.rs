//! Heads that are too long, belong to another protocol, or contain control characters.

use super::siege::Siege;
use super::target::{PATIENCE, REFERENCE, Target, post, signed, signed_headers, statuses};
use std::time::Instant;

#[test]
fn oversized_heads_are_refused() {
    Siege::run("heads of 1 MB and more", |siege| {
        let lines = |count| post(&"A: 1\r\n".repeat(count), "");
        let attacks: [(&str, Vec<u8>, u16); 7] = [
            ("101 headers", lines(101), 431),
            ("100,000 headers", lines(100_000), 431),
            ("a header of 1 MB", post(&format!("A: {}\r\n", "a".repeat(1 << 20)), ""), 431),
            ("a name of 1 MB", post(&format!("{}: 1\r\n", "a".repeat(1 << 20)), ""), 431),
            ("a target of 1 MB", format!("POST /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20)).into_bytes(), 431),
            ("a method of 1 MB", format!("{} / HTTP/1.1\r\n\r\n", "A".repeat(1 << 20)).into_bytes(), 431),
            ("1 MB of line ends", "\r\n".repeat(1 << 19).into_bytes(), 431),
        ];
        for (name, bytes, expected) in &attacks {
            let answers = siege.target.exchange(bytes);
            assert_eq!(statuses(&answers), [*expected], "{name}: {answers}");
        }
        for _ in 0..10 {
            attacks.iter().for_each(|(_, bytes, _)| drop(siege.target.exchange(bytes)));
        }
        let mut endless = siege.target.client();
        endless.send("POST / HTTP/1.1\r\nA: ");
        let line = [b'a'; 1 << 16];
        let started = Instant::now();
        while endless.try_send(line).is_ok() {
            assert!(started.elapsed() < PATIENCE, "an endless line is not read for ever");
        }
    });
}

#[test]
fn other_protocols_are_rejected() {
    Siege::run("other protocols", |siege| {
        let attacks: [(&str, &[u8], &[u16]); 8] = [
            ("HTTP/2.0 in the request line", b"GET / HTTP/2.0\r\n\r\n", &[400]),
            ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", &[400]),
            ("HTTP/0.9", b"GET /\r\n", &[400]),
            ("HTTP/1.2", b"GET / HTTP/1.2\r\n\r\n", &[400]),
            ("TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\0\0\0\0\n\r\n\r\n", &[400]),
            ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", &[400]),
            ("SMTP", b"EHLO example.org\r\n", &[400]),
            ("noise", b"\xff\xfe\0\x01\r\n\r\n", &[400]),
        ];
        for (name, bytes, expected) in attacks {
            let answers = siege.target.exchange(bytes);
            assert_eq!(statuses(&answers), expected, "{name}: {answers}");
        }
        for _ in 0..100 {
            attacks.iter().for_each(|(_, bytes, _)| drop(siege.target.exchange(bytes)));
        }
    });
}

#[test]
fn control_characters_in_a_head_are_refused() {
    let target = Target::start(&[]);
    for control in *b"\0\x1b\x07\x08\x7f\r\x0b" {
        let value =
            [b"POST / HTTP/1.1\r\nHost: a\r\nX-A: a", &[control][..], b"b\r\nContent-Length: 0\r\n\r\n"].concat();
        let name = [b"POST / HTTP/1.1\r\nHost: a\r\nX", &[control][..], b"A: b\r\nContent-Length: 0\r\n\r\n"].concat();
        let path = [b"POST /a", &[control][..], b"b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"].concat();
        for bytes in [value, name, path] {
            let answers = target.exchange(&bytes);
            assert_eq!(statuses(&answers), [400], "{:?}: {answers}", String::from_utf8_lossy(&bytes));
        }
    }
    let (records, _) = target.end();
    assert!(records.is_empty(), "{records:#?}");
}

#[test]
fn untrusted_text_is_escaped_for_the_terminal() {
    let target = Target::start(&["-v"]);
    let hostile: [&[u8]; 7] = [
        b"POST /\x1b[2J HTTP/1.1\r\n\r\n",
        b"GET /\x1b]0;x\x07 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x1b[31mGET / HTTP/1.1\r\n\r\n",
        b"GET /\xe2\x80\xae\xc2\x9b2J HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PUT /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nX-A: \x1b[2J\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nX-Plustive-Signature: \xc2\x9b2J\xe2\x80\xae\r\nContent-Length: 5\r\n\r\n\x1b[2J\x07",
    ];
    for bytes in hostile {
        target.exchange(bytes);
    }
    assert_eq!(statuses(&target.exchange(signed())), [200]);
    let (records, said) = target.end();
    assert_eq!(records.last().unwrap()["verdict"], "verified");
    assert!(said.contains("rejected: "), "{said}");
    let raw = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
    assert!(!said.chars().any(raw), "{said:?}");
}

#[test]
fn a_request_without_one_valid_host_is_refused_and_never_verified() {
    let target = Target::start(&[]);
    let with = |start: &str| [start.as_bytes(), signed_headers().as_bytes(), b"\r\n", REFERENCE].concat();
    for (start, expected) in [
        ("POST / HTTP/1.1\r\n", "there is no Host header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", "there is more than one Host header"),
        ("POST / HTTP/1.1\r\nHost: a\r\nhost: b\r\n", "there is more than one Host header"),
        ("POST / HTTP/1.0\r\nHost: a\r\nHost: b\r\n", "there is more than one Host header"),
        ("POST / HTTP/1.1\r\nHost: user@a\r\n", "the Host header is not a host and a port"),
        ("POST / HTTP/1.1\r\nHost: a b\r\n", "the Host header is not a host and a port"),
        ("POST / HTTP/1.1\r\nHost: a/../b\r\n", "the Host header is not a host and a port"),
    ] {
        let answers = target.exchange(with(start));
        assert_eq!(statuses(&answers), [400], "{start}: {answers}");
        assert!(answers.ends_with(&format!("\r\n\r\n{expected}\n")), "{start}: {answers}");
    }
    let (records, said) = target.end();
    assert!(records.is_empty(), "{records:#?}");
    assert!(said.contains("rejected: POST / → 400, there is no Host header"), "{said}");
}
