//! The client that carries API keys, over TLS, against a server whose certificate authority the
//! system was told to trust. Over plain HTTP on this machine another client answers.

use crate::process::{home, run, whtool};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Output;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

// TestWorld for these tests, and of no use elsewhere: openssl genpkey -algorithm ed25519 -out
// ca.key openssl req -x509 -key ca.key -subj "/CN=whtool test CA" -addext
// basicConstraints=critical,CA:TRUE \
//     -addext keyUsage=critical,keyCertSign -days 36500 -out ca.pem
// openssl genpkey -algorithm ed25519 -outform DER -out key.der openssl req -new -key key.der
// -keyform DER -subj /CN=localhost -out leaf.csr printf
// 'subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n'
// > ext openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 1 -days 36500 -extfile
// ext -outform DER
const CA: &str = "-----BEGIN CERTIFICATE-----
MIIBWTCCAQugAwIBAgIUIGs4r+8z4v7/I4n9p/wp9eQi178wBQYDK2VwMBkxFzAV
BgNVBAMMDndodG9vbCB0ZXN0IENBMCAXDTI2MTEyODA1NTU1M1oYDzIxMjYxMTA0
MDU1NTUzWjAZMRcwFQYDVQQDDA53aHRvb2wgdGVzdCBDQTAqMAUGAytlcAMhAMNv
MSwrKycJry9JgmDWvGB78GRFbaVBOq/0vZJgqDiNo2MwYTAdBgNVHQ4EFgQUM6t0
sYaW9jb6WqsdA95XuWsEEhQwHwYDVR0jBBgwFoAUM6t0sYaW9jb6WqsdA95XuWsE
EhQwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwBQYDK2VwA0EAkzSg
ZYMDAGqkBwEoAnQygKUX8IzUAk2fqQoxAfhWiwLo+cWXyS1FpbVW0DW7avKiAdo1
cyFtnHJCANwZ90sbCw==
-----END CERTIFICATE-----
";
const CERTIFICATE: &str = "\
    MIIBWTCCAQugAwIBAgIBATAFBgMrZXAwGTEXMBUGA1UEAwwOd2h0b29sIHRlc3QgQ0EwIBcNMjYxMTI4MDU1NTUzWhgPMjEyNjEx\
    MDQwNTU1NTNaMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDAqMAUGAytlcAMhAMYm9ktFFFBzxLSRnFfv8TpVs5jC7b192uxIEFfsaJQ/\
    o3sweTAUBgNVHREEDTALgglsb2NhbGhvc3QwDAYDVR0TAQH/BAIwADATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNVHQ4EFgQU+AXz\
    2nx+UNcToidG2G+T4prw9Y0wHwYDVR0jBBgwFoAUM6t0sYaW9jb6WqsdA95XuWsEEhQwBQYDK2VwA0EA/u7Z17MKVbBSgvUXxe92\
    e/ZvPMggOz22EJXIuyvxy+0qQSx2oqKADLmuG/QtBoR9hDcLgdvS2CIO117jqmIKDQ==";
const KEY: &str = "MC4CAQAwBQYDK2VwBCIEIG7FKqqCwY4X6iVYs7ocAvrWDF3cNARkvj3K+NAXlT3H";

/// A payments API over TLS that answers every request with `answer` of its own URL.
struct Api {
    url: String,
    /// The heads of its requests, up to the first empty line.
    requests: Receiver<String>,
}

impl Api {
    fn start(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let ((seen, requests), config, own_url) = (channel(), server_config(), url.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let session = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = BufReader::new(StreamOwned::new(session, stream.unwrap()));
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).is_ok_and(|length| length > 0) {}
                if head.is_empty() {
                    continue;
                }
                seen.send(head).unwrap();
                stream.get_mut().write_all(answer(&own_url).as_bytes()).unwrap();
                stream.get_mut().conn.send_close_notify();
                let _ = stream.get_mut().flush();
            }
        });
        Self { url, requests }
    }

    /// Looks a payment up at this API, with its authority trusted or not.
    fn reconcile(&self, trusts_ca: bool) -> Output {
        let home = home();
        let ca = home.path().join("ca.pem");
        std::fs::write(&ca, if trusts_ca { CA } else { "" }).unwrap();
        let mut command = whtool(home.path(), &["reconcile", "pi_1", "--json"]);
        command.env("PLEXOS_API_URL", &self.url).env("PLEXOS_PAY_SECRET_KEY", "sk_test_key_do_not_use");
        run(command.env("SSL_CERT_FILE", ca))
    }
}

fn server_config() -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(BASE64.decode(KEY).unwrap()));
    let certificate = CertificateDer::from(BASE64.decode(CERTIFICATE).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn an_api_key_does_not_follow_a_redirect_over_tls() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        // To the same host, where no client would even drop the key.
        let api = Api::start(move |url| {
            format!("HTTP/1.1 {status}\r\nLocation: {url}/elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        });
        let ran = api.reconcile(true);
        let requests: Vec<_> = api.requests.try_iter().collect();
        assert_eq!(requests.len(), 1, "{status}: {requests:?}");
        assert!(requests[0].contains("sk_test_key_do_not_use"), "the key goes to the API itself: {requests:?}");
        let stderr = text(&ran.stderr);
        assert!(ran.status.code() == Some(3) && stderr.contains("redirect"), "{status}: {stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_api_whose_certificate_is_not_trusted_gets_no_key() {
    let api = Api::start(|_| "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned());
    let ran = api.reconcile(false);
    let stderr = text(&ran.stderr);
    assert!(ran.status.code() == Some(3) && stderr.contains("certificate"), "{stderr}");
    assert_eq!(api.requests.try_iter().count(), 0);
}
