//! Faults of a target that no retry cures: another protocol, a certificate, another machine.

/// Reason why requests to a target fail until its URL, its setup or a flag is changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetFault {
    /// It was addressed with https.
    #[error("the server speaks plain HTTP, not TLS")]
    PlainHttp,
    /// It was addressed with http.
    #[error("the server speaks TLS, not plain HTTP")]
    Tls,
    #[error("the server speaks only HTTP/2")]
    Http2Only,
    /// The beginning of what it sent; untrusted text.
    #[error("the server does not speak HTTP: it sent `{0}`")]
    NotHttp(String),
    #[error("the certificate is not trusted: it is self-signed, or of a private CA")]
    UntrustedIssuer,
    /// What `openssl req -x509` makes unless it is told otherwise.
    #[error("the certificate is one of a CA (CA:TRUE), which is not valid for a server")]
    CaCertificate,
    #[error("the certificate has expired")]
    ExpiredCertificate,
    #[error("the certificate is not valid yet; is the clock of this machine right?")]
    FutureCertificate,
    #[error("the certificate is for another name{}", if .0.is_empty() { String::new() } else { format!(": {}", .0) })]
    WrongName(String),
    #[error("the certificate can't be used: {0}")]
    BadCertificate(String),
    /// It was allowed as a target on this machine only.
    #[error("{0}")]
    OtherMachine(String),
    #[error("`{0}` can't be sent unchanged to this URL")]
    UnsendableTarget(String),
}

/// Names of a command's flags, for advice. `None`: it has no such flag.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendFlags {
    /// Turns the check of certificates off.
    pub insecure: Option<&'static str>,
    /// Sets the time limit of a request.
    pub timeout: Option<&'static str>,
}

impl TargetFault {
    /// Returns true if the fault shows before a request is sent.
    pub fn is_before_request(&self) -> bool {
        !matches!(self, Self::Tls | Self::Http2Only | Self::NotHttp(_))
    }

    /// Returns what to do about it.
    pub fn fix(&self, flags: &SendFlags) -> String {
        let or_insecure = |text: &str| match flags.insecure {
            Some(flag) => format!("{text}, or skip the check with {flag}"),
            None => text.to_owned(),
        };
        match self {
            Self::PlainHttp => "use http:// instead of https://".to_owned(),
            Self::Tls => match flags.insecure {
                Some(flag) => format!("use https:// instead of http://; {flag} accepts a self-signed certificate"),
                None => "use https:// instead of http://".to_owned(),
            },
            Self::Http2Only => "let the server accept HTTP/1.1, too (in Node: allowHTTP1)".to_owned(),
            Self::NotHttp(_) => "check the port: another kind of server listens there".to_owned(),
            Self::UntrustedIssuer => or_insecure("trust it with SSL_CERT_FILE=ca.pem in the environment"),
            Self::CaCertificate => or_insecure(
                "make one with `openssl req -x509 -addext basicConstraints=critical,CA:FALSE -addext \
                 subjectAltName=DNS:localhost,IP:127.0.0.1 …` and trust it with SSL_CERT_FILE=cert.pem",
            ),
            Self::ExpiredCertificate => or_insecure("renew it"),
            Self::FutureCertificate => or_insecure("set the clock"),
            Self::WrongName(_) => or_insecure("use a name for which the certificate was issued"),
            Self::BadCertificate(_) => or_insecure("replace it"),
            Self::OtherMachine(_) => {
                "the name leads elsewhere by now: check the hosts file and DNS, or add --yes to send there".to_owned()
            }
            Self::UnsendableTarget(_) => "give the URL a path, so that the path of the request is not used".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: SendFlags = SendFlags { insecure: Some("--insecure"), timeout: None };

    #[test]
    fn advice_names_only_flags_that_the_command_has() {
        let with = TargetFault::UntrustedIssuer.fix(&FLAGS);
        assert_eq!(with, "trust it with SSL_CERT_FILE=ca.pem in the environment, or skip the check with --insecure");
        for fault in [TargetFault::UntrustedIssuer, TargetFault::Tls, TargetFault::WrongName(String::new())] {
            assert!(!fault.fix(&SendFlags::default()).contains("--"), "{fault}");
            assert!(fault.fix(&FLAGS).contains("--insecure"), "{fault}");
        }
    }

    #[test]
    fn a_fault_of_the_handshake_shows_before_the_request_is_sent() {
        assert!(TargetFault::PlainHttp.is_before_request() && TargetFault::ExpiredCertificate.is_before_request());
        assert!(!TargetFault::Tls.is_before_request() && !TargetFault::NotHttp("x".to_owned()).is_before_request());
    }
}
