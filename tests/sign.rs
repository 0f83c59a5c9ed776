//! `sign`: signatures that openssl computed, output formats, and secrets.

use crate::common::{NOW, PLUSTIVE_SECRET, TestWorld};
use crate::process::available;
use std::process::{Command, Stdio};
use whtool::world::Stream;

const PLEXOS: &[u8] = include_bytes!("vectors/plexos.json");
const REFERENCE: &[u8] = include_bytes!("vectors/plustive-reference.json");
const GUIDE: &[u8] = include_bytes!("vectors/plustive-guide.json");
const NON_ASCII: &[u8] = include_bytes!("vectors/plustive-non-ascii.json");

/// `(printf 1736937000.; cat plexos.json) | openssl dgst -sha256 -hmac
/// whsec_test_secret_do_not_use`
const PLEXOS_MAC: &str = "9c5da25fa4666bed54b4dec381af26de3a0413143346d40c7ece61e19ab971ce";
/// `openssl dgst -sha256 -hmac plustive_test_secret_do_not_use plustive-reference.json`
const REFERENCE_MAC: &str = "fb1d9f0c10dc57a028d4a24ff1eb6c51f2a25a82ad869a2ac129e24346ce5f1e";
/// `openssl dgst -sha256 -hmac plustive_test_secret_do_not_use plustive-guide.json`
const GUIDE_MAC: &str = "bd5be8111826926314b5e4a1c955fe02cf688b0cd828d11539cb806ee45056f2";
/// `openssl dgst -sha256 -hmac plustive_test_secret_do_not_use plustive-non-ascii.json`
const NON_ASCII_MAC: &str = "04a10f640d9843fc954ba801012b1a718d88a109dbaafefc8a26f19b5b51efb4";

/// `printf hello | openssl dgst -sha256 -hmac plustive_test_secret_do_not_use`
const HELLO_MAC: &str = "5a36e98786a4a03f2348f7fd84a50bf71193e7b7b6e0c2a4c9ea21ce9faecb83";

#[test]
fn digests_equal_those_of_openssl() {
    let digest = |body: &[u8]| {
        let run =
            TestWorld::with_secrets().input(body).run(&["sign", "-", "--as", "digest", "--timestamp", "1736937000"]);
        assert_eq!(run.status, 0, "{}", run.err);
        run.text()
    };
    let bodies = [PLEXOS, REFERENCE, GUIDE, NON_ASCII];
    let expected = [PLEXOS_MAC, REFERENCE_MAC, GUIDE_MAC, NON_ASCII_MAC].map(|mac| format!("{mac}\n"));
    assert_eq!(bodies.map(digest), expected);
}

#[test]
fn headers_are_printed_by_default() {
    let run = TestWorld::with_secrets().file("p.json", PLEXOS).run(&["sign", "p.json"]);
    assert_eq!(run.text(), format!("X-Plexos-Timestamp: {NOW}\nX-Plexos-Signature: {PLEXOS_MAC}\n"));
    assert_eq!(run.err, "");
    let reference = TestWorld::with_secrets().file("p.json", REFERENCE).run(&["sign", "p.json"]);
    assert_eq!(reference.text(), format!("X-Plustive-Signature: sha256={REFERENCE_MAC}\n"));
    let bare = TestWorld::with_secrets().file("p.json", GUIDE).run(&["sign", "p.json", "--bare"]);
    assert_eq!(bare.text(), format!("X-Plustive-Signature: {GUIDE_MAC}\n"));
}

#[test]
fn a_timestamp_is_unix_seconds_or_rfc_3339() {
    for time in ["1736937000", "2025-01-15T10:30:00Z", "2025-01-15T09:30:00-01:00"] {
        let run = TestWorld::with_secrets().input(PLEXOS).run(&["sign", "-", "--as", "digest", "--timestamp", time]);
        assert_eq!(run.text(), format!("{PLEXOS_MAC}\n"), "{time}");
    }
    let run = TestWorld::with_secrets().input(PLEXOS).run(&["sign", "-", "--timestamp", "1736937000000"]);
    assert_eq!(run.status, 2);
    assert!(run.err.contains("is not a time"), "{}", run.err);
}

#[test]
fn an_unrecognized_payload_needs_a_provider() {
    let world = TestWorld::with_secrets().input(b"hello");
    let run = world.run(&["sign", "-"]);
    assert_eq!(run.status, 2);
    assert_eq!(run.out, b"");
    assert!(run.err.contains("--provider plexos or --provider plustive"), "{}", run.err);
    let run = world.run(&["sign", "-", "--provider", "plustive", "--as", "digest"]);
    assert_eq!(run.text(), format!("{HELLO_MAC}\n"));
}

#[test]
fn an_unusable_payload_is_explained() {
    let request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    let cases: [(&[u8], &str, &str); 6] = [
        (b"", "it is empty", "--provider plexos"),
        (
            b"\xef\xbb\xbf{\"type\":\"a\",\"data\":{}}",
            "byte order mark",
            "without BOM, or add --provider plexos to sign",
        ),
        (b"\xff\xfe{\0", "UTF-16", "save it as UTF-8"),
        (b"hello", "it is not a JSON object", "--provider plustive"),
        (request, "whole HTTP request", "whtool verify body"),
        (b"{\"a\":1}", "neither `type` and `data`", "--provider plustive"),
    ];
    for (body, why, hint) in cases {
        // `replay` sends captured requests.
        let commands = if body == request { &["sign"][..] } else { &["sign", "replay"] };
        for command in commands {
            let run = TestWorld::with_secrets().file("body", body).run(&[*command, "body"]);
            assert_eq!(run.status, 2, "{}", run.err);
            assert!(run.err.contains(why) && run.err.contains(hint), "{command} {why}: {}", run.err);
        }
    }
}

#[test]
fn an_empty_body_is_signed_with_a_warning() {
    let run = TestWorld::with_secrets().run(&["sign", "-", "--provider", "plexos"]);
    assert_eq!(run.status, 0);
    assert!(run.err.contains("the body is empty: standard input has no content"), "{}", run.err);
    let run = TestWorld::with_secrets().file("e.json", b"").run(&["replay", "e.json", "--provider", "plexos"]);
    assert!(run.err.contains("the body is empty: e.json"), "{}", run.err);
}

/// The digest that `openssl dgst -sha256 -hmac KEY -r` prints.
fn openssl(message: &[u8], key: &str) -> String {
    let output = piped(Command::new("openssl").args(["dgst", "-sha256", "-hmac", key, "-r"]), message);
    String::from_utf8(output).unwrap().split_whitespace().next().unwrap().to_owned()
}

/// Runs a command with this input and returns its output.
fn piped(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command is installed");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn binary_bodies_are_signed_unchanged() {
    if !available("openssl") {
        return;
    }
    let mut large = vec![0; 10 << 20];
    large.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at % 251) as u8);
    for body in [b"".to_vec(), b"\0\xff\xfe".to_vec(), b"\xef\xbb\xbf{}\n".to_vec(), large] {
        let world = TestWorld::with_secrets().input(&body);
        let run = world.run(&["sign", "-", "--provider", "plustive", "--as", "digest"]);
        assert_eq!(run.text().trim_end(), openssl(&body, PLUSTIVE_SECRET), "{} bytes", body.len());
    }
}

/// Runs a command in bash, with curl replaced by a function that prints the body it was given.
fn in_bash(command: &str) -> Vec<u8> {
    let stub = r#"curl() {
        while [ $# -gt 0 ]; do
            case "$1" in
                --data-raw) printf '%s' "$2"; shift 2 ;;
                --data-binary) cat; shift 2 ;;
                *) shift ;;
            esac
        done
    }"#;
    let script = format!("{stub}\n{command}");
    piped(Command::new("bash").arg("/dev/stdin"), script.as_bytes())
}

#[test]
fn the_curl_command_sends_the_same_bytes_from_bash() {
    if !available("bash") {
        return;
    }
    let all_bytes: Vec<u8> = (0..=255).collect();
    let bodies = [
        PLEXOS.to_vec(),
        b"{\"a\":\"it's $HOME `id` \\n !! \\\\ \"}\n\n\t\r\n".to_vec(),
        "{\"name\":\"José …\"}".as_bytes().to_vec(),
        b"@not-a-file".to_vec(),
        b"".to_vec(),
        all_bytes,
        vec![b'x'; 100_000],
    ];
    for body in bodies {
        let world = TestWorld::with_secrets().input(&body);
        let run = world.run(&["sign", "-", "--provider", "plexos", "--as", "curl"]);
        assert_eq!(in_bash(&run.text()), body, "{}", run.text());
    }
}

#[test]
fn the_http_format_requests_the_path_of_the_url() {
    let words = ["sign", "-", "--as", "http", "--to", "https://example.com:8443/hooks/a?b=c"];
    let run = TestWorld::with_secrets().input(PLEXOS).run(&words);
    let text = run.text();
    assert!(text.starts_with("POST /hooks/a?b=c HTTP/1.1\r\nHost: example.com:8443\r\n"), "{text}");
    assert!(text.ends_with(&format!("X-Plexos-Signature: {PLEXOS_MAC}\r\n\r\n{}", String::from_utf8_lossy(PLEXOS))));
}

#[test]
fn verify_reads_the_json_and_http_formats() {
    for form in ["json", "http"] {
        let signed = TestWorld::with_secrets().input(PLEXOS).run(&["sign", "-", "--as", form]);
        let run = TestWorld::with_secrets().input(&signed.out).run(&["verify", "-"]);
        assert_eq!(run.status, 0, "{form}: {}{}", run.text(), run.err);
    }
}

#[test]
fn without_a_secret_a_local_one_is_created_once() {
    let world = TestWorld::default().input(PLEXOS);
    let first = world.run(&["sign", "-"]);
    assert!(first.err.contains("created local test secrets"), "{}", first.err);
    let second = world.run(&["sign", "-"]);
    assert_eq!((second.out, second.err.as_str()), (first.out, ""));
}

#[test]
fn a_secret_on_the_command_line_works_with_a_warning() {
    let words = ["sign", "-", "--as", "digest", "--secret", PLUSTIVE_SECRET];
    let run = TestWorld::default().input(REFERENCE).run(&words);
    assert_eq!(run.text(), format!("{REFERENCE_MAC}\n"));
    assert_eq!(run.err.lines().count(), 1);
    assert!(run.err.contains("--secret-file") && !run.err.contains(PLUSTIVE_SECRET), "{}", run.err);
}

#[test]
fn a_secret_can_come_from_a_file_or_another_variable() {
    let file = TestWorld::default().input(REFERENCE).file("s.txt", format!("{PLUSTIVE_SECRET}\n"));
    let run = file.run(&["sign", "-", "--as", "digest", "--secret-file", "s.txt"]);
    assert_eq!((run.text(), run.err.as_str()), (format!("{REFERENCE_MAC}\n"), ""));
    let variable = TestWorld::default().input(REFERENCE).variable("MY_SECRET", PLUSTIVE_SECRET);
    let run = variable.run(&["sign", "-", "--as", "digest", "--secret-env", "MY_SECRET"]);
    assert_eq!(run.text(), format!("{REFERENCE_MAC}\n"));
    let unset = TestWorld::default().input(REFERENCE).run(&["sign", "-", "--secret-env", "MY_SECRET"]);
    assert_eq!((unset.status, unset.out.len()), (4, 0));
}

#[test]
fn a_missing_file_is_named() {
    let run = TestWorld::with_secrets().terminal(Stream::Output).run(&["sign", "nowhere.json"]);
    assert_eq!((run.status, run.out.len()), (3, 0));
    assert!(run.err.starts_with("error: can't read nowhere.json\n"), "{}", run.err);
}
