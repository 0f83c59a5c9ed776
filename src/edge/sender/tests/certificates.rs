//! A server with a self-signed certificate.

use super::*;
use crate::model::address::Reach;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::sync::Arc;

// Made for this test, and of no use elsewhere: openssl genpkey -algorithm ed25519 -outform DER -out
// key.der openssl req -x509 -key key.der -keyform DER -subj /CN=localhost -addext
// subjectAltName=DNS:localhost \
//     -addext basicConstraints=critical,CA:FALSE -days 36500 -outform DER -out certificate.der
const KEY: &str = "MC4CAQAwBQYDK2VwBCIEIDjmBT638cQy2fDDQLztP30A+CyS6iOHwcpmBbCN9bQn";
const CERTIFICATE: &str = "\
    MIIBUjCCAQSgAwIBAgIUNczX32Wb3x32XKWcY3XXIerUSUMwBQYDK2VwMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDAgFw0yNjExMjIx\
    MTA3NTFaGA8yMTI2MTAyOTExMDc1MVowFDESMBAGA1UEAwwJbG9jYWxob3N0MCowBQYDK2VwAyEApnKQgS3MO07pGy6iIvsfJ1u0\
    RnFoNtCyNR/XxIh+DO6jZjBkMB0GA1UdDgQWBBQKSnFr81gHotRrRIIBa+dVTJWb/zAfBgNVHSMEGDAWgBQKSnFr81gHotRrRIIB\
    a+dVTJWb/zAUBgNVHREEDTALgglsb2NhbGhvc3QwDAYDVR0TAQH/BAIwADAFBgMrZXADQQC7//7/3bmwsMQwyGMauSSTIhzfGp+o\
    JjIM3PhK25yc0yAI5Ti4lTSQvZFpKa1COidCvcOmrXqIGRX1wT7wmdMP\
";

fn start_tls_server() -> SocketAddr {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(BASE64.decode(KEY).unwrap()));
    let certificate = CertificateDer::from(BASE64.decode(CERTIFICATE).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS12]);
    let config = Arc::new(config.unwrap().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    start_server(move |stream| {
        let session = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(session, stream));
        if let Some((head, _)) = read_request(&mut stream) {
            assert!(head.contains("\r\nx-a: 1\r\n"), "{head}");
            let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    })
}

#[test]
fn a_self_signed_certificate_is_accepted_only_without_verification() {
    let answer = |certificates| {
        let mut request = Request::post("/", b"x".to_vec());
        request.headers.push("X-A", b"1").unwrap();
        let url = format!("https://localhost:{}/", start_tls_server().port()).parse().unwrap();
        send_requests(
            &SendOptions { certificates, ..OPTIONS },
            vec![OutgoingRequest::to_url(1, url, Reach::ThisMachine, request)],
        )
        .remove(0)
        .answer
    };
    assert_eq!(status_and_body(answer(CertificateCheck::Skip)), Ok((200, b"ok".to_vec())));
    let refused = answer(CertificateCheck::Verify);
    assert_eq!(refused, Err(SendFailure::Misconfigured(TargetFault::UntrustedIssuer)));
}
