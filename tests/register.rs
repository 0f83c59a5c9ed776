//! `register`, `endpoints` and `secret`: real processes against a mock provider that fails in
//! chosen ways.

use crate::process::whtool;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use tempfile::TempDir;

/// As <https://docs.pay.plexos.io/pages/api/webhooks/create> shows it, put on one line.
const CREATED: &str = r#"{"id":"we_abc123","url":"https://shop.example.com/hook","events":["payment.debited"],"status":"ACTIVE","description":null,"secret":"whsec_shown_once","createdAt":"2023-11-07T05:31:56Z","updatedAt":"2023-11-07T05:31:56Z"}"#;
const URL: &str = "https://shop.example.com/hook";

/// Response of a mock provider to a connection.
type Respond = Box<dyn Fn(&mut TcpStream) + Send>;

/// Starts a mock provider that reads each request, sends it to the receiver, and calls `answer`.
fn mock_provider(answer: impl Fn(&mut TcpStream) + Send + 'static) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            if let Some(request) = read_request(&mut stream) {
                let _ = sender.send(request);
                answer(&mut stream);
            }
        }
    });
    (address, requests)
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let start = request.len();
        if reader.read_line(&mut request).ok()? == 0 {
            return None;
        }
        let line = request[start..].to_ascii_lowercase();
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(request + &String::from_utf8(body).ok()?)
}

fn respond_with(status: &str, headers: &str, body: &str) -> impl Fn(&mut TcpStream) + Send + use<> {
    let answer = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
    move |stream| drop(stream.write_all(answer.as_bytes()))
}

fn command(home: &Path, api: SocketAddr, words: &[&str]) -> Command {
    let mut command = whtool(home, words);
    command.env("PLEXOS_API_URL", format!("http://{api}")).env("PLEXOS_PAY_SECRET_KEY", "sk_test_abc");
    command
}

fn run(home: &Path, api: SocketAddr, words: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(home, api, words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Reads all files in the data directory as text.
fn read_data_folder(home: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(home.join("data")) else { return String::new() };
    let texts = entries.filter_map(|entry| std::fs::read(entry.ok()?.path()).ok());
    texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

#[test]
fn the_secret_is_stored_not_printed_and_used_by_sign() {
    let home = tempfile::tempdir().unwrap();
    let (api, requests) = mock_provider(respond_with("200 OK", "", CREATED));
    let (status, out, err) = run(home.path(), api, &["register", "--url", URL, "--events", "payment.debited"]);
    assert_eq!(status, 0, "{err}");
    assert!(
        out.starts_with("we_abc123  secret stored as we_abc123 in ") && out.trim_end().ends_with("registry.json"),
        "{out}"
    );
    assert!(!out.contains("whsec_") && !err.contains("whsec_"), "{out}{err}");
    let request = requests.recv().unwrap();
    assert!(request.starts_with("POST /v1/webhooks HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("Authorization: Bearer sk_test_abc\r\n"), "{request}");
    assert!(request.ends_with(r#"{"url":"https://shop.example.com/hook","events":["payment.debited"]}"#), "{request}");

    let body = br#"{"id":"evt_1","type":"payment.debited","data":{"id":"pi_1"}}"#;
    let mut sign = command(home.path(), api, &["sign", "-", "--as", "digest", "--timestamp", "1736937000"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    sign.stdin.take().unwrap().write_all(body).unwrap();
    let signed = sign.wait_with_output().unwrap();
    // printf '1736937000.%s' "$body" | openssl dgst -sha256 -hmac whsec_shown_once
    assert_eq!(
        String::from_utf8(signed.stdout).unwrap().trim(),
        "92b90fd21aa3c916c7f508a032d3699974fdfd8c3854b73368c7f778c61afb0a"
    );
}

#[test]
fn the_same_url_is_registered_twice_only_with_again() {
    let home = tempfile::tempdir().unwrap();
    let (api, requests) = mock_provider(respond_with("201 Created", "", CREATED));
    assert_eq!(run(home.path(), api, &["register", "--url", URL]).0, 0);
    let (status, _, err) = run(home.path(), api, &["register", "--url", URL]);
    assert_eq!(status, 2);
    assert!(err.contains("is already registered as we_abc123"), "{err}");
    assert_eq!(run(home.path(), api, &["register", "--url", URL, "--again"]).0, 0);
    assert_eq!(requests.try_iter().count(), 2);
    let secrets = run(home.path(), api, &["secret", "list"]).1;
    assert!(secrets.contains("we_abc123 ") && secrets.contains("we_abc123-2"), "{secrets}");
}

#[test]
fn shell_completion_offers_endpoint_ids() {
    let home = tempfile::tempdir().unwrap();
    let (api, _requests) = mock_provider(respond_with("200 OK", "", CREATED));
    assert_eq!(run(home.path(), api, &["register", "--url", URL]).0, 0);
    for called in ["show", "update", "delete", "forget"] {
        let words = ["--", "whtool", "endpoints", called, "we"];
        let output = command(home.path(), api, &words).env("WHTOOL_COMPLETE", "fish").output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("we_abc123\t{URL}\n"), "{called}");
    }
}

#[test]
fn invalid_arguments_send_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (api, requests) = mock_provider(respond_with("200 OK", "", CREATED));
    let cases: [(&[&str], i32, &str); 5] = [
        (&["--url", "http://shop.example.com/"], 2, "not https"),
        (&["--url", "https://192.168.0.9/"], 2, "private address"),
        (&["--url", URL, "--events", "payment.canceled"], 2, "did you mean `payment.cancelled`?"),
        (&["--url", URL, "--provider", "plustive"], 3, "whtool secret add plustive"),
        (&["--url", URL, "--api-url", "http://api.example.com"], 2, "unencrypted"),
    ];
    for (words, expected, said) in cases {
        let (status, out, err) = run(home.path(), api, &[&["register"], words].concat());
        assert_eq!((status, &*out), (expected, ""), "{err}");
        assert!(err.contains(said), "{err}");
    }
    let mut live = command(home.path(), api, &["register", "--url", URL, "--api-url", "https://127.0.0.2.example.com"]);
    let live = live.env("PLEXOS_PAY_SECRET_KEY", "sk_live_abc").output().unwrap();
    assert_eq!(live.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&live.stderr).contains("live key"));
    assert_eq!(requests.try_iter().count(), 0);
    assert!(!read_data_folder(home.path()).contains("shop.example.com"));
}

#[test]
fn a_refusal_is_requests_in_words_and_leaves_nothing_behind() {
    let body = r#"{"error":{"message":"no","code":"NO"}}"#;
    for (status, exit, hint) in [
        ("400 Bad", 3, "as the provider says"),
        ("401 No", 4, "PLEXOS_PAY_SECRET_KEY"),
        ("403 No", 4, "permission"),
        ("404 No", 3, "environment"),
        ("409 No", 3, "already exists"),
        ("429 Slow", 3, "retry after 7 s"),
        ("302 Found", 3, "redirect"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let (api, requests) =
            mock_provider(respond_with(status, "Retry-After: 7\r\nLocation: http://evil.example.com/\r\n", body));
        let (code, _, err) = run(home.path(), api, &["register", "--url", URL]);
        assert_eq!(code, exit, "{status}: {err}");
        let hint = if status.starts_with("429") || status.starts_with("302") { hint } else { "retry after" };
        assert!(err.contains(hint) && err.contains("nothing was registered"), "{status}: {err}");
        assert_eq!(requests.try_iter().count(), 1, "it is not retried, and a redirect is not followed");
        assert!(!read_data_folder(home.path()).contains("shop.example.com"), "{status}");
    }
}

#[test]
fn an_undocumented_response_is_kept_in_a_file() {
    for body in ["<html>whsec_in_html</html>", r#"{"id":"we_1","hidden":"whsec_in_html"}"#, "whsec_in_html"] {
        let home = tempfile::tempdir().unwrap();
        let (api, _requests) = mock_provider(respond_with("200 OK", "", body));
        let (code, _, err) = run(home.path(), api, &["register", "--url", URL]);
        assert_eq!(code, 3);
        let at = err.find("is saved in ").unwrap_or_else(|| panic!("{err}")) + "is saved in ".len();
        let path = err[at..].split([';', '\n']).next().unwrap();
        assert_eq!(std::fs::read(path).unwrap(), body.as_bytes());
        assert!(!err.contains("whsec_in_html"), "{err}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn an_unknown_result_is_reported_and_remembered() {
    let cut = |stream: &mut TcpStream| drop(stream.shutdown(std::net::Shutdown::Both));
    let half = |stream: &mut TcpStream| drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le"));
    let fault = respond_with("500 Oops", "", "");
    let cases: [Respond; 3] = [Box::new(cut), Box::new(half), Box::new(fault)];
    for answer in cases {
        let home = tempfile::tempdir().unwrap();
        let (api, requests) = mock_provider(answer);
        let (code, _, err) = run(home.path(), api, &["register", "--url", URL, "--request-timeout", "2s"]);
        assert_eq!(code, 3);
        assert!(err.contains("do not just retry") && err.contains("dashboard"), "{err}");
        let (code, _, err) = run(home.path(), api, &["register", "--url", URL]);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("the result of the last registration"), "{err}");
        assert_eq!(requests.try_iter().count(), 1);
        let (_, _, err) = run(home.path(), api, &["endpoints"]);
        assert!(err.contains("the result of registering"), "{err}");
    }
}

#[test]
fn a_response_cut_off_after_the_secret_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{CREATED}");
    let (api, _requests) = mock_provider(move |stream| drop(stream.write_all(answer.as_bytes())));
    let (code, _, err) = run(home.path(), api, &["register", "--url", URL, "--request-timeout", "2s"]);
    assert_eq!(code, 0, "{err}");
    let home = tempfile::tempdir().unwrap();
    let answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{}", CREATED.split(",\"createdAt").next().unwrap());
    let (api, _requests) = mock_provider(move |stream| drop(stream.write_all(answer.as_bytes())));
    let (code, _, err) = run(home.path(), api, &["register", "--url", URL, "--request-timeout", "2s"]);
    assert_eq!(code, 3);
    assert!(err.contains("is saved in"), "{err}");
    assert!(read_data_folder(home.path()).contains("whsec_shown_once"));
}

/// Child process that is killed at the end of a test.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn killed_at_any_moment_register_has_stored_the_secret_before_printing_it() {
    for round in 0..24 {
        let home = tempfile::tempdir().unwrap();
        let (answered, wait) = channel();
        let (api, requests) = mock_provider(move |stream| {
            let _ = stream
                .write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{CREATED}", CREATED.len()).as_bytes());
            let _ = answered.send(());
        });
        let mut child = KillOnDrop(command(home.path(), api, &["register", "--url", URL]).spawn().unwrap());
        requests.recv().unwrap();
        assert!(read_data_folder(home.path()).contains(URL), "the registration is on disk before it is sent");
        wait.recv().unwrap();
        // Later rounds give the process more time before it is killed.
        for _ in 0..round * 8 {
            read_data_folder(home.path());
        }
        let _ = child.0.kill();
        let mut out = String::new();
        child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let disk = read_data_folder(home.path());
        assert!(out.is_empty() || disk.contains("whsec_shown_once"), "round {round}: {out}");
        // Either the secret is stored, or the next registration reports an unknown result.
        let (code, _, err) = run(home.path(), api, &["register", "--url", URL]);
        assert_eq!(code, 2, "round {round}: {err}");
        let is_stored = disk.contains("whsec_shown_once") && err.contains("already registered");
        assert!(is_stored || err.contains("is unknown"), "round {round}: {err}");
    }
}

#[test]
fn an_env_file_gets_the_secret_and_keeps_its_other_lines() {
    let home = tempfile::tempdir().unwrap();
    let env = home.path().join(".env");
    std::fs::write(&env, "A=1\nPLEXOS_WEBHOOK_SECRET=whsec_before\nB=2\n").unwrap();
    let (api, _requests) = mock_provider(respond_with("200 OK", "", CREATED));
    let words = ["register", "--url", URL, "--env-file", env.to_str().unwrap(), "--json", "--print-secret"];
    let (code, out, err) = run(home.path(), api, &words);
    assert_eq!(code, 0, "{err}");
    let record: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (record["id"].as_str(), record["signingSecret"].as_str()),
        (Some("we_abc123"), Some("whsec_shown_once"))
    );
    let text = std::fs::read_to_string(&env).unwrap();
    assert!(
        text.starts_with("A=1\n# replaced 20") && text.contains(": PLEXOS_WEBHOOK_SECRET=whsec_before\n"),
        "{text}"
    );
    assert!(text.ends_with("\nPLEXOS_WEBHOOK_SECRET=whsec_shown_once\nB=2\n"), "{text}");
}

#[test]
fn missing_calls_refer_to_the_dashboard() {
    let home = tempfile::tempdir().unwrap();
    let (api, _requests) = mock_provider(respond_with("404 Not Found", "", "nothing here"));
    for words in [
        &["endpoints", "--remote"][..],
        &["endpoints", "show", "we_1", "--remote"],
        &["endpoints", "update", "we_1", "--disable"],
        &["endpoints", "delete", "we_1"],
    ] {
        let (code, _, err) = run(home.path(), api, words);
        assert_eq!(code, 3, "{err}");
        assert!(err.contains("this undocumented call") && err.contains("use dashboard.plexospay.com"), "{err}");
    }
}

#[test]
fn changes_at_the_provider_are_made_in_the_registry_too() {
    let home = tempfile::tempdir().unwrap();
    let (api, _requests) = mock_provider(respond_with("200 OK", "", CREATED));
    assert_eq!(run(home.path(), api, &["register", "--url", URL]).0, 0);
    assert_eq!(run(home.path(), api, &["endpoints", "update", "we_abc123", "--events", "refund.*"]).0, 0);
    let listed = run(home.path(), api, &["endpoints", "--json"]).1;
    let record: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(record["events"], serde_json::json!(["refund.created", "refund.succeeded", "refund.failed"]));
    let (gone, _requests) = mock_provider(respond_with("204 No Content", "", ""));
    assert_eq!(run(home.path(), gone, &["endpoints", "delete", "we_abc123"]).0, 0);
    let secrets = run(home.path(), api, &["secret", "list", "--json"]).1;
    let secret: serde_json::Value = serde_json::from_str(&secrets).unwrap();
    assert!(secret["retired"].is_string(), "{secret}");
}

fn secret(home: &TempDir, words: &[&str], input: &str) -> (i32, String, String) {
    let mut child = whtool(home.path(), &[&["secret"], words].concat()).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn old_and_new_secrets_both_verify_until_the_old_one_is_removed() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(secret(&home, &["add", "plustive"], "plustive_test_secret_do_not_use\n").0, 0);
    assert_eq!(secret(&home, &["rotate", "plustive"], "another\n").0, 0);
    let listed = secret(&home, &["list"], "").1;
    assert!(listed.contains("plustive-2") && listed.contains("retired") && !listed.contains("another"), "{listed}");
    let body = String::from_utf8(crate::process::REFERENCE.to_vec()).unwrap();
    let captured = home.path().join("captured.http");
    let mac = crate::process::REFERENCE_MAC;
    std::fs::write(&captured, format!("POST / HTTP/1.1\r\nX-Plustive-Signature: sha256={mac}\r\n\r\n{body}")).unwrap();
    let verify = || whtool(home.path(), &["verify", captured.to_str().unwrap()]).output().unwrap();
    let verified = verify();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stderr));
    assert!(String::from_utf8_lossy(&verified.stdout).contains("secret plustive"));
    assert_eq!(secret(&home, &["remove", "plustive"], "").0, 2, "it asks for confirmation");
    assert_eq!(secret(&home, &["remove", "plustive", "--yes"], "").0, 0);
    assert_eq!(verify().status.code(), Some(1));
}

#[test]
fn a_secret_is_shown_only_with_reveal_and_byte_for_byte() {
    let home = tempfile::tempdir().unwrap();
    secret(&home, &["add", "plexos", "--name", "mine"], "whsec_a b\u{e9}\n");
    assert_eq!(secret(&home, &["show"], "").1, "plexos  mine  *** (11 bytes)\n");
    assert_eq!(secret(&home, &["show", "mine", "--reveal"], "").1, "whsec_a b\u{e9}\n");
    assert_eq!(secret(&home, &["show", "other"], "").0, 3);
    let (code, _, err) = secret(&home, &["add", "plexos"], "sk_live_oops\n");
    assert_eq!(code, 2);
    assert!(err.contains("API key"), "{err}");
    assert_eq!(secret(&home, &["add", "plexos"], "whsec_a b\u{e9}\n").0, 2, "it is already stored");
    assert_eq!(secret(&home, &["add", "plexos"], " \n").0, 2, "it is empty");
}

#[test]
fn a_listener_uses_a_secret_that_is_added_while_it_runs() {
    let home = tempfile::tempdir().unwrap();
    let mut child = KillOnDrop(whtool(home.path(), &["listen", "--json", "--port", "0"]).spawn().unwrap());
    let mut records = BufReader::new(child.0.stdout.take().unwrap());
    let mut said = BufReader::new(child.0.stderr.take().unwrap());
    let mut line = String::new();
    records.read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let url = ready["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let deliver = || {
        let mut stream = TcpStream::connect(&url).unwrap();
        stream.write_all(&crate::process::post(crate::process::REFERENCE_MAC, crate::process::REFERENCE)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(deliver(), "401");
    assert_eq!(secret(&home, &["add", "plustive", "--name", "mine"], "plustive_test_secret_do_not_use\n").0, 0);
    let mut line = String::new();
    while !line.contains("secrets reloaded") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended");
    }
    assert!(line.contains("secret mine (plustive)"), "{line}");
    assert_eq!(deliver(), "200");
}

#[test]
fn a_registry_that_becomes_unwritable_does_not_lose_the_secret() {
    let home = tempfile::tempdir().unwrap();
    let registry = home.path().join("data/registry.json");
    let say = respond_with("200 OK", "", CREATED);
    let (api, _requests) = mock_provider(move |stream| {
        std::fs::write(&registry, "{").unwrap();
        say(stream);
    });
    let (status, out, err) = run(home.path(), api, &["register", "--url", URL]);
    assert_eq!((status, &*out), (3, ""), "{err}");
    assert!(
        err.contains("the endpoint we_abc123 was created, but could not be saved") && err.contains("its secret is in "),
        "{err}"
    );
    assert!(!err.contains("whsec_") && read_data_folder(home.path()).contains("whsec_shown_once"), "{err}");
}

#[test]
fn a_remote_list_that_repeats_is_an_error_and_its_text_is_escaped() {
    let home = tempfile::tempdir().unwrap();
    let body = "{\"data\":[{\"id\":\"we_1\u{202e}\"}],\"hasMore\":true}";
    let (api, requests) = mock_provider(respond_with("200 OK", "", body));
    let (status, out, err) = run(home.path(), api, &["endpoints", "--remote", "--json"]);
    assert_eq!(status, 3, "{err}");
    assert!(err.contains("pages repeat"), "{err}");
    assert!(out.contains(r"we_1\u202e") && !out.contains('\u{202e}'), "{out}");
    assert_eq!(requests.try_iter().count(), 2);
}

#[test]
fn a_base_url_with_a_password_or_a_query_is_refused_and_not_printed() {
    let home = tempfile::tempdir().unwrap();
    let (api, requests) = mock_provider(respond_with("200 OK", "", CREATED));
    for base in
        ["https://me:hidden@api.example.com", "http://me:hidden@api.example.com", "https://api.example.com/?a=hidden"]
    {
        let (status, _, err) = run(home.path(), api, &["endpoints", "--remote", "--api-url", base]);
        assert_eq!(status, 2, "{err}");
        assert!(!err.contains("hidden"), "{err}");
    }
    assert_eq!(requests.try_iter().count(), 0);
}

#[test]
fn a_duration_that_is_too_long_is_a_usage_error() {
    let home = tempfile::tempdir().unwrap();
    let (api, _requests) = mock_provider(respond_with("200 OK", "", "[]"));
    let (status, _, err) =
        run(home.path(), api, &["endpoints", "--remote", "--request-timeout", "9223372036854775807"]);
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("100000 days"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_command_can_print_the_secret_instead_of_storing_it() {
    let home = tempfile::tempdir().unwrap();
    let vault = home.path().join("vault");
    std::fs::write(&vault, "plustive_test_secret_do_not_use\n").unwrap();
    let command = format!("cat '{}'", vault.display());
    assert_eq!(secret(&home, &["add", "plustive", "--command", &command], "").0, 0);
    assert!(!read_data_folder(home.path()).contains("do_not_use"));
    assert!(secret(&home, &["list"], "").1.contains(&format!("printed by `{command}`")));
    assert_eq!(secret(&home, &["show", "--reveal"], "").1, "plustive_test_secret_do_not_use\n");
    let captured = home.path().join("captured.http");
    let head = format!("POST / HTTP/1.1\r\nX-Plustive-Signature: {}\r\n\r\n", crate::process::REFERENCE_MAC);
    std::fs::write(&captured, [head.as_bytes(), crate::process::REFERENCE].concat()).unwrap();
    let verify = || whtool(home.path(), &["verify", captured.to_str().unwrap()]).output().unwrap();
    assert_eq!(verify().status.code(), Some(0));
    std::fs::remove_file(&vault).unwrap();
    let failed = verify();
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("failed"), "{}", String::from_utf8_lossy(&failed.stderr));
    assert_eq!(secret(&home, &["add", "plustive", "--command", "true"], "").0, 3, "it prints nothing");
}

#[cfg(unix)]
#[test]
fn what_a_command_prints_is_bytes_and_is_requests_only_masked() {
    let home = tempfile::tempdir().unwrap();
    let command = r"printf '\377whsec_in_the_command'";
    assert_eq!(secret(&home, &["add", "plexos", "--command", command], "").0, 0);
    let shown = whtool(home.path(), &["secret", "show", "--reveal"]).output().unwrap();
    assert_eq!(shown.stdout, b"\xffwhsec_in_the_command\n");
    for words in [&["list"][..], &["list", "--json"], &["show"]] {
        let (status, out, err) = secret(&home, words, "");
        assert_eq!(status, 0, "{err}");
        assert!(!out.contains("in_the_command") && !err.contains("in_the_command"), "{out}{err}");
    }
    let failing = secret(&home, &["add", "plexos", "--command", "echo whsec_in_the_command; false"], "");
    assert_eq!(failing.0, 3);
    assert!(!failing.2.contains("in_the_command"), "{}", failing.2);
}

#[cfg(unix)]
#[test]
fn a_keyring_locked_while_a_listener_runs_does_not_remove_its_secret() {
    use crate::process::{Listener, REFERENCE, REFERENCE_MAC, post};
    let home = tempfile::tempdir().unwrap();
    let vault = home.path().join("vault");
    std::fs::write(&vault, "plustive_test_secret_do_not_use\n").unwrap();
    let command = format!("cat '{}'", vault.display());
    assert_eq!(secret(&home, &["add", "plustive", "--command", &command], "").0, 0);
    let mut listener = Listener::spawn(&mut whtool(home.path(), &["listen", "--port", "0", "--json"]));
    let mut said = BufReader::new(listener.child.stderr.take().unwrap());
    std::fs::remove_file(&vault).unwrap();
    assert_eq!(secret(&home, &["add", "plexos", "--name", "newer"], "whsec_newer\n").0, 0);
    let mut line = String::new();
    while !line.contains("secrets reloaded") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended");
    }
    assert!(line.contains("secret newer (plexos)") && line.contains("secret plustive (plustive)"), "{line}");
    assert!(listener.exchange(&post(REFERENCE_MAC, REFERENCE)).contains(" 200 "));
}

#[test]
fn deliveries_from_whtool_itself_do_not_prove_an_endpoint_and_a_demo_is_not_stored() {
    let home = tempfile::tempdir().unwrap();
    let (api, _requests) = mock_provider(respond_with("200 OK", "", CREATED));
    assert_eq!(run(home.path(), api, &["register", "--url", URL]).0, 0);
    let mut listener = crate::process::Listener::spawn(&mut whtool(home.path(), &["listen", "--json", "--port", "0"]));
    assert_eq!(run(home.path(), api, &["replay", "payment.debited", "--to", &listener.url]).0, 0);
    assert_eq!(listener.record()["verdict"], "verified");
    let proved = || {
        let listed = run(home.path(), api, &["endpoints", "--json"]).1;
        serde_json::from_str::<serde_json::Value>(&listed).unwrap()["proved"].clone()
    };
    assert_eq!(proved(), false);
    // The same signature, but another program sends it.
    let body = br#"{"id":"evt_1","type":"payment.debited","data":{"id":"pi_1"}}"#;
    let signed = run(home.path(), api, &["sign", "--as", "headers", &file(home.path(), "payload.json", body)]).1;
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    let headers: String =
        signed.lines().filter(|line| line.starts_with("X-")).map(|line| format!("{line}\r\n")).collect();
    let answer = listener.exchange(&[format!("{head}{headers}\r\n").as_bytes(), body].concat());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(proved(), true);

    let before = run(home.path(), api, &["events", "--all"]).1.lines().count();
    let demo = run(home.path(), api, &["listen", "--demo", "--port", "0", "--timeout", "2s"]);
    assert!(demo.2.contains("demo: deliveries are stored in memory"), "{}", demo.2);
    assert_eq!(run(home.path(), api, &["events", "--all"]).1.lines().count(), before);
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_registration_with_an_unknown_result_can_be_forgotten() {
    let home = tempfile::tempdir().unwrap();
    let (api, _requests) = mock_provider(respond_with("500 Oops", "", ""));
    assert_eq!(run(home.path(), api, &["register", "--url", URL]).0, 3);
    assert_eq!(run(home.path(), api, &["register", "--url", URL, "--again"]).0, 3);
    let said = run(home.path(), api, &["endpoints"]).2;
    assert_eq!(said.matches("is unknown").count(), 1, "{said}");
    assert_eq!(run(home.path(), api, &["endpoints", "forget", URL]).0, 0);
    assert!(!run(home.path(), api, &["endpoints"]).2.contains("is unknown"));
    assert_eq!(run(home.path(), api, &["endpoints", "forget", URL]).0, 3, "nothing is left to forget");
}
