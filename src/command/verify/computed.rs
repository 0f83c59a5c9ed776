//! `--computed`: what the digest is that the user's own code came up with.

use super::report::{Bench, INDENT, Judged};
use crate::diagnose::Effort;
use crate::diagnose::computed::{self, Answer, Digest, Message};
use crate::render;
use std::path::Path;

/// The digest that was asked about, and what may have been hashed beside the request.
pub(super) struct Asked {
    digest: Digest,
    others: Vec<Message>,
}

/// How many other requests of the file are tried.
const OTHERS: usize = 100;

impl Asked {
    /// About this digest, with the file of the request and its name.
    pub(super) fn new(digest: Digest, name: &Path, file: &[u8]) -> Self {
        let message = |bytes: &[u8], what: &str| Message { bytes: bytes.to_vec(), what: what.to_owned() };
        let name = name.display().to_string();
        let others = vec![
            message(file, "the whole file"),
            message(name.as_bytes(), "the file's name"),
            message(b"/", "a lone slash"),
        ];
        Self { digest, others }
    }

    /// Adds another body that may have been taken for this one.
    pub(super) fn or_body_of(&mut self, name: &str, body: &[u8]) {
        if self.others.len() < OTHERS {
            self.others.push(Message { bytes: body.to_vec(), what: format!("the body of {name}") });
        }
    }

    /// What there is to tell of it beside a request.
    pub(super) fn tell(&self, judged: &Judged, bench: &Bench<'_>) -> (Answer, Vec<u8>) {
        let request = &judged.received.delivery.request;
        let others = self.others.iter().filter(|other| other.bytes != request.body && !other.bytes.is_empty());
        let others = others.cloned().collect();
        let answer = computed::explain(&judged.received, &self.digest, bench.known(), others, Effort::PATIENT);
        let told = match (bench.is_json(), bench.is_quiet()) {
            (true, _) => render::hop::computed_record(&judged.place.to_string(), &answer),
            (_, true) => Vec::new(),
            _ => bench.fitted(&render::hop::computed(&answer, INDENT, bench.paint())),
        };
        (answer, told)
    }
}
