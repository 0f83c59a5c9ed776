//! Unusual requests that are valid.

use super::target::{REFERENCE, REFERENCE_MAC, Target, post, signed, signed_headers, statuses};
use std::process::{Command, Stdio};

fn assert_verified(target: &Target, name: &str, bytes: &[u8]) {
    let answers = target.exchange(bytes);
    assert_eq!(statuses(&answers), [200], "{name}: {answers}");
    assert_eq!(target.record()["verdict"], "verified", "{name}");
}

#[test]
fn unusual_but_valid_requests_are_verified() {
    let target = Target::start(&[]);
    let length = REFERENCE.len();
    let chunks = |size: usize| {
        let chunks = REFERENCE
            .chunks(size)
            .flat_map(|chunk| [format!("{:X};a=b\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        chunks.chain(*b"0\r\nX-Trailer: 1\r\n\r\n").collect::<Vec<u8>>()
    };
    let with = |more: &str| post(&format!("{more}{}", signed_headers()), REFERENCE);
    let chunked = format!("Transfer-Encoding: chunked\r\nX-Plustive-Signature: {REFERENCE_MAC}\r\n");
    let line = |line: &str| [line.as_bytes(), b"\r\n", signed_headers().as_bytes(), b"\r\n", REFERENCE].concat();
    let raw = |start: &[u8], headers: &str, end: &[u8]| [start, headers.as_bytes(), end, REFERENCE].concat();
    let java = "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n\
                Upgrade: h2c\r\nUser-Agent: Java-http-client/17\r\n";
    let requests: Vec<(&str, Vec<u8>)> = vec![
        ("lower case", post(&signed_headers().to_lowercase(), REFERENCE)),
        ("upper case", post(&signed_headers().to_uppercase(), REFERENCE)),
        ("no blank after the colon", post(&signed_headers().replace(": ", ":"), REFERENCE)),
        ("blanks around values", post(&signed_headers().replace(": ", ": \t ").replace("\r\n", " \t\r\n"), REFERENCE)),
        ("UTF-8 in a value", with("X-Name: José…\r\n")),
        ("Latin-1 in a value", raw(b"POST / HTTP/1.1\r\nHost: a\r\nX-Name: Jos\xe9\r\n", &signed_headers(), b"\r\n")),
        ("UTF-8 in the path", line("POST /olá/日本?é=ü HTTP/1.1\r\nHost: a")),
        ("the same length twice", post(&format!("{}Content-Length: {length}\r\n", signed_headers()), REFERENCE)),
        ("an empty line before", [b"\r\n\r\n".to_vec(), signed()].concat()),
        ("line feeds alone", raw(b"POST / HTTP/1.1\nHost: a\n", &signed_headers().replace("\r\n", "\n"), b"\n")),
        ("an absolute target", line("POST http://a/hooks HTTP/1.1\r\nHost: a")),
        ("an empty host", line("POST / HTTP/1.1\r\nHost:")),
        ("HTTP/1.0", line("POST / HTTP/1.0")),
        ("Java's HttpClient", with(java)),
        ("chunks", post(&chunked, chunks(7))),
        ("chunks of a byte", post(&chunked, chunks(1))),
        ("99 headers", with(&"X-A: 1\r\n".repeat(97))),
        ("a header of 12,000 bytes", with(&format!("Cookie: {}\r\n", "a".repeat(12_000)))),
    ];
    for (name, bytes) in requests {
        assert_verified(&target, name, &bytes);
    }
    target.end();
}

#[test]
fn expect_100_continue_is_answered_before_the_body() {
    let target = Target::start(&[]);
    let mut client = target.client();
    client.send(post(&format!("Expect: 100-Continue\r\n{}", signed_headers()), ""));
    assert_eq!(client.answer().status, 100);
    client.send(REFERENCE);
    assert_eq!(client.answer().status, 200);
    let mut client = target.client();
    client.send(post("Expect: 100-continue\r\nContent-Length: 1048577\r\n", ""));
    assert_eq!(client.answer().status, 413);
    // A client that does not wait for the answer is accepted, too.
    let answers = target.exchange(post(&format!("Expect: 100-continue\r\n{}", signed_headers()), REFERENCE));
    assert_eq!(statuses(&answers), [100, 200], "{answers}");
    target.end();
}

/// The signature was made by openssl, the request is made by curl.
#[test]
fn curl_gets_100_continue_for_a_large_body() {
    let available = |program: &str| {
        Command::new(program)
            .arg(if program == "curl" { "--version" } else { "version" })
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    };
    if !available("curl") || !available("openssl") {
        eprintln!("skipped: there is no curl or no openssl on this machine");
        return;
    }
    let target = Target::start(&[]);
    let script = format!(
        "printf '{{\"event\":\"x\",\"data\":\"%03000d\"}}' 0 > body && \
         mac=$(openssl dgst -sha256 -hmac plustive_test_secret_do_not_use body | sed 's/.*= *//') && \
         curl -sS -o /dev/null -w '%{{http_code}}' -H \"X-Plustive-Signature: $mac\" -H 'Expect: 100-continue' \
         --data-binary @body http://{}/",
        target.address()
    );
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "200", "{output:?}");
    assert_eq!(target.record()["verdict"], "verified");
    target.end();
}
