//! The check of a server's certificate, and its hash for channel binding.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::sync::Arc;

/// Accepts every certificate: `sslmode=require` protects from listeners, but not from a server that
/// pretends to be the database.
#[derive(Debug)]
pub(super) struct AnyCertificate(pub Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Accepts a certificate of a trusted CA, or one that is itself in the file of trusted ones: the
/// command in PostgreSQL's manual makes a certificate that is its own CA, which webpki refuses.
#[derive(Debug)]
pub(super) struct TrustedCertificate {
    chain: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
    checks_name: bool,
}

impl TrustedCertificate {
    pub fn new(
        roots: RootCertStore,
        given: Vec<CertificateDer<'static>>,
        checks_name: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, rustls::client::VerifierBuilderError> {
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Self { chain, given, checks_name })
    }
}

impl ServerCertVerifier for TrustedCertificate {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.given.iter().any(|given| given == certificate) {
            if self.checks_name {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match self.chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is checked last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Returns the hash of a certificate for `tls-server-end-point` (RFC 5929 section 4.1): by the hash
/// function of its signature, but SHA-256 instead of MD5 and SHA-1. `None`: that is not defined.
pub(super) fn end_point_binding(certificate: &[u8]) -> Option<Vec<u8>> {
    /// 1.2.840.113549.1.1: MD5, SHA-1, SHA-256, SHA-384 and SHA-512 with RSA.
    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
    /// 1.2.840.10045.4: SHA-1 and, under 3, SHA-256, SHA-384 and SHA-512 with ECDSA.
    const ECDSA: [u8; 6] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4];
    let algorithm = signature_algorithm(certificate)?;
    let hash = match (algorithm.strip_prefix(&RSA), algorithm.strip_prefix(&ECDSA)) {
        (Some([4 | 5 | 11]), _) | (_, Some([1] | [3, 2])) => Sha256::digest(certificate).to_vec(),
        (Some([12]), _) | (_, Some([3, 3])) => Sha384::digest(certificate).to_vec(),
        (Some([13]), _) | (_, Some([3, 4])) => Sha512::digest(certificate).to_vec(),
        _ => return None,
    };
    Some(hash)
}

/// Returns the object identifier in the `signatureAlgorithm` of a certificate (RFC 5280 section
/// 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 6;
    let (content, _) = element(certificate, SEQUENCE)?;
    let (_, after_body) = element(content, SEQUENCE)?;
    let (algorithm, _) = element(after_body, SEQUENCE)?;
    element(algorithm, OBJECT_IDENTIFIER).map(|(identifier, _)| identifier)
}

/// Splits a DER element of this type into its content and what follows.
fn element(bytes: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    if found == kind { rest.split_at_checked(length) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::pem::PemObject;

    /// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj
    /// /CN=db.test -days 36500 -sha384`; the hash is that of `openssl x509 -outform DER | sha384sum`.
    const SHA384: &str = include_str!("../../../tests/vectors/postgres/sha384.pem");
    const SHA384_HASH: &str = include_str!("../../../tests/vectors/postgres/sha384.txt");

    #[test]
    fn the_hash_for_channel_binding_is_that_of_the_certificates_own_signature() {
        let certificate = CertificateDer::from_pem_slice(SHA384.as_bytes()).unwrap();
        assert_eq!(hex::encode(end_point_binding(&certificate).unwrap()), SHA384_HASH.trim());
        for length in 0..certificate.len().min(40) {
            assert_eq!(end_point_binding(&certificate[..length]), None);
        }
    }
}
