//! `--computed`: explains a digest that the user's own code computed.

use super::report::{CheckedRequest, INDENT, Verifier};
use crate::diagnose::HashAllowance;
use crate::diagnose::computed::{self, Digest, DigestDiagnosis, OtherMessage};
use crate::render::comparison;
use std::path::Path;

/// The digest of `--computed`, and the messages that may have been hashed instead of a request.
pub(super) struct ComputedDigest {
    digest: Digest,
    others: Vec<OtherMessage>,
}

/// The largest number of other bodies that are tried.
const MAX_OTHERS: usize = 100;

impl ComputedDigest {
    pub(super) fn new(digest: Digest, name: &Path, file: &[u8]) -> Self {
        let message = |bytes: &[u8], text: &str| OtherMessage { bytes: bytes.to_vec(), description: text.to_owned() };
        let name = name.display().to_string();
        let others = vec![
            message(file, "the whole file"),
            message(name.as_bytes(), "the file's name"),
            message(b"/", "a lone slash"),
        ];
        Self { digest, others }
    }

    /// Adds another body that may have been hashed by mistake.
    pub(super) fn add_body(&mut self, name: &str, body: &[u8]) {
        if self.others.len() < MAX_OTHERS {
            self.others.push(OtherMessage { bytes: body.to_vec(), description: format!("the body of {name}") });
        }
    }

    /// Explains the digest for one request. Also returns the text or record of the explanation.
    pub(super) fn explain(&self, request: &CheckedRequest, verifier: &Verifier<'_>) -> (DigestDiagnosis, Vec<u8>) {
        let received = &request.received;
        let allowance = HashAllowance::for_body(received.delivery.request.body.len());
        let diagnosis = computed::explain(received, &self.digest, &verifier.credentials, &self.others, allowance);
        let output = match (verifier.is_json(), verifier.is_quiet()) {
            (true, _) => comparison::computed_record(&request.place.to_string(), &diagnosis),
            (_, true) => Vec::new(),
            _ => verifier.wrap(&comparison::computed(&diagnosis, INDENT, verifier.paint)),
        };
        (diagnosis, output)
    }
}
