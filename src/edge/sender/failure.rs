//! Turns the errors of both HTTP clients into failures that say what is wrong.

use super::super::resolver::NotThisMachine;
use crate::model::exchange::{CLOSED_UNANSWERED, SendFailure, TLS_CLOSED, UNKNOWN_NAME};
use crate::model::target_fault::TargetFault;
use rustls::{AlertDescription, CertificateError, InvalidMessage};
use std::error::Error as StdError;
use std::io;

/// Bytes of an answer that are looked at to recognize the protocol.
pub(super) const SAMPLE: usize = 64;

/// Length of the beginning of an answer that is quoted.
const QUOTED: usize = 40;

/// Names the reason why no connection was made.
pub(in crate::edge) fn connect_failure(error: &(dyn StdError + 'static), host: &str) -> SendFailure {
    for error in chain(error) {
        if let Some(other) = error.downcast_ref::<NotThisMachine>() {
            return SendFailure::Misconfigured(TargetFault::OtherMachine(other.to_string()));
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return tls_failure(tls);
        }
    }
    let cause = root_cause(error);
    if cause.starts_with("failed to lookup address") || cause == "no addresses to connect to" {
        return SendFailure::Connect(format!("{UNKNOWN_NAME} {host}"));
    }
    if chain(error).any(|error| error.to_string().contains("tls handshake eof")) {
        return SendFailure::Connect(TLS_CLOSED.to_owned());
    }
    SendFailure::Connect(cause)
}

fn tls_failure(error: &rustls::Error) -> SendFailure {
    use TargetFault::{
        BadCertificate, CaCertificate, ExpiredCertificate, FutureCertificate, Http2Only, PlainHttp, UntrustedIssuer,
        WrongName,
    };
    let fault = match error {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => PlainHttp,
        rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)
        | rustls::Error::NoApplicationProtocol => Http2Only,
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            // A known CA of the same name did not sign it.
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => UntrustedIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => ExpiredCertificate,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => FutureCertificate,
            CertificateError::NotValidForName => WrongName(String::new()),
            CertificateError::NotValidForNameContext { presented, .. } => WrongName(names(presented)),
            // `openssl req -x509` makes such a certificate: its own CA.
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => CaCertificate,
            other => BadCertificate(other.to_string()),
        },
        other => return SendFailure::Connect(format!("the TLS handshake failed: {other}")),
    };
    SendFailure::Misconfigured(fault)
}

/// Lists the names of a certificate, which rustls writes as `DnsName("shop.test")`.
fn names(presented: &[String]) -> String {
    let quoted = |name: &String| name.split('"').nth(1).map_or_else(|| name.clone(), str::to_owned);
    presented.iter().take(3).map(quoted).collect::<Vec<_>>().join(", ")
}

/// Names the reason why there is no usable answer on a connection, from the error and the first
/// bytes that the server sent.
pub(super) fn answer_failure(error: &(dyn StdError + 'static), start: &[u8]) -> SendFailure {
    match recognize(start) {
        Some(fault) => SendFailure::Misconfigured(fault),
        None if start.is_empty() && is_closed(error) => SendFailure::Broken(CLOSED_UNANSWERED.to_owned()),
        None => SendFailure::Broken(root_cause(error)),
    }
}

/// Returns true if the server closed or reset the connection.
fn is_closed(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|error| {
        let hyper = error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message);
        let io = error.downcast_ref::<io::Error>().map(io::Error::kind);
        hyper || matches!(io, Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof))
    })
}

/// Recognizes an answer that is not HTTP/1. `None`: it is, or is empty.
fn recognize(start: &[u8]) -> Option<TargetFault> {
    match start {
        [] => None,
        // A TLS record with an alert or a handshake message.
        [0x15 | 0x16, 3, ..] => Some(TargetFault::Tls),
        // A frame of HTTP/2 on stream 0: SETTINGS or GOAWAY.
        [0, _, _, 4 | 7, _, 0, 0, 0, 0, ..] => Some(TargetFault::Http2Only),
        _ if start.starts_with(b"HTTP/") || b"HTTP/".starts_with(start) => None,
        _ => {
            let line = start.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
            let line = String::from_utf8_lossy(line.get(..QUOTED).unwrap_or(line)).into_owned();
            Some(TargetFault::NotHttp(line))
        }
    }
}

/// Returns an error and those below it.
fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| below(*error))
}

/// Returns the error below this one. The `source` of an `io::Error` skips the error that it wraps, so
/// that one is taken first.
fn below<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match wrapped {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// Returns the message of the innermost error. Errors of the system are named by their kind,
/// without a number.
pub(in crate::edge) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    for current in chain(error) {
        let io = current.downcast_ref::<io::Error>();
        if let Some(io) = io.filter(|io| io.raw_os_error().is_some()) {
            return io.kind().to_string();
        }
        innermost = current;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_cause_is_the_innermost_error_and_system_errors_have_no_number() {
        let missing = std::fs::File::open("/no/such/file").unwrap_err();
        assert_eq!(root_cause(&missing), "entity not found");
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, "invalid peer certificate"));
        assert_eq!(root_cause(&wrapped), "invalid peer certificate");
        assert_eq!(root_cause(&io::Error::from(io::ErrorKind::UnexpectedEof)), "unexpected end of file");
    }

    #[test]
    fn the_first_bytes_of_an_answer_tell_its_protocol() {
        let not_http = |text: &str| Some(TargetFault::NotHttp(text.to_owned()));
        for (start, fault) in [
            (&b""[..], None),
            (b"HT", None),
            (b"HTTP/1.1 200 OK\r\n", None),
            // `printf 'GET / HTTP/1.1\r\n\r\n' | nc localhost PORT | xxd` of `openssl s_server`.
            (b"\x15\x03\x01\x00\x02\x02\x46", Some(TargetFault::Tls)),
            // The same of a Node server made by `http2.createServer`: SETTINGS.
            (b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", Some(TargetFault::Http2Only)),
            (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03", Some(TargetFault::Http2Only)),
            (b"SSH-2.0-OpenSSH_9.6\r\n", not_http("SSH-2.0-OpenSSH_9.6")),
            (b"-ERR wrong number of arguments\r\n", not_http("-ERR wrong number of arguments")),
            (b"220 mail.example ESMTP", not_http("220 mail.example ESMTP")),
        ] {
            assert_eq!(recognize(start), fault, "{start:?}");
        }
    }

    #[test]
    fn errors_of_tls_name_the_fault() {
        let fault = |error: rustls::Error| connect_failure(&io::Error::other(error), "shop.test");
        let name = rustls::pki_types::ServerName::try_from("shop.test").unwrap().to_owned();
        let wrong = CertificateError::NotValidForNameContext {
            expected: name,
            presented: vec!["DnsName(\"a.test\")".to_owned()],
        };
        for (error, expected) in [
            (rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType), TargetFault::PlainHttp),
            (CertificateError::UnknownIssuer.into(), TargetFault::UntrustedIssuer),
            (CertificateError::Expired.into(), TargetFault::ExpiredCertificate),
            (wrong.into(), TargetFault::WrongName("a.test".to_owned())),
            (rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol), TargetFault::Http2Only),
        ] {
            assert_eq!(fault(error), SendFailure::Misconfigured(expected));
        }
    }
}
