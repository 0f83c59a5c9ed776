//! Finds requests and payloads in JSON, at any depth, and in JSON inside its strings.

use super::super::candidate::{Candidate, is_payload, is_payload_keys};
use super::super::log::{self, EmbeddedText};
use super::super::{Capture, CaptureError, Location, Resources, raw, start_line};
use super::{ObjectKind, body, build, classify, decode_base64, is_response_name};
use crate::json::{Document, TokenKind, ValueView, compact};

/// JSON inside strings of JSON is read down to this depth.
const MAX_DEPTH: u8 = 4;

/// Members of an object that are looked at to recognize a payload.
const MAX_MEMBERS: usize = 100;

/// Texts inside strings may be this many times as long as the file, together.
const TEXT_PER_BYTE: usize = 8;

/// The positions of the requests that are found.
#[derive(Clone, Copy, Debug)]
pub(in crate::capture) enum Numbering {
    /// Counted in the order in which they are found.
    Requests,
    /// All at one place.
    At(Location),
}

/// A provider's payload without a request around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPayload {
    pub location: Location,
    pub body: Vec<u8>,
    /// It was found parsed, so its bytes are gone.
    pub is_parsed: bool,
}

/// Collects requests and payloads.
pub(in crate::capture) struct Scanner<'r> {
    pub requests: Vec<Candidate>,
    pub payloads: Vec<FoundPayload>,
    pub numbering: Numbering,
    resources: &'r Resources<'r>,
    /// Bytes of texts inside strings that may still be read.
    allowance: usize,
}

impl<'r> Scanner<'r> {
    /// Starts a search in a file of this length.
    pub fn new(numbering: Numbering, length: usize, resources: &'r Resources<'r>) -> Self {
        let allowance = length.saturating_mul(TEXT_PER_BYTE).saturating_add(1 << 16);
        Self { requests: Vec::new(), payloads: Vec::new(), numbering, resources, allowance }
    }

    fn location(&self) -> Location {
        match self.numbering {
            Numbering::Requests => Location::Request(self.requests.len() as u64 + 1),
            Numbering::At(location) => location,
        }
    }

    /// Searches a document. The entries of an HTTP archive have their own numbers.
    pub fn scan_document(&mut self, document: &Document<'_>, depth: u8) {
        let Some(root) = ValueView::at(document, 0) else { return };
        let entries =
            root.get("log").and_then(|log| log.get("entries")).filter(|entries| entries.is_list() && depth == 0);
        let Some(entries) = entries else { return self.scan(document, 0, root.next_index(), depth) };
        for (number, entry) in (1..).zip(entries.elements()) {
            self.numbering = Numbering::At(Location::Entry(number));
            self.scan(document, entry.index(), entry.next_index(), depth);
        }
    }

    /// Searches the nodes in this range of a document.
    fn scan(&mut self, document: &Document<'_>, from: usize, to: usize, depth: u8) {
        let mut outer: Vec<ValueView<'_>> = Vec::new();
        let mut index = from;
        while let Some(value) = ValueView::at(document, index).filter(|_| index < to) {
            while outer.last().is_some_and(|object| index >= object.next_index()) {
                outer.pop();
            }
            index += 1;
            match value.kind() {
                TokenKind::Key if value.text().is_some_and(|name| is_response_name(&name)) => {
                    index = ValueView::at(document, index).map_or(to, ValueView::next_index);
                }
                TokenKind::OpenObject => match classify(value) {
                    ObjectKind::Request(members) => {
                        let candidate = build(value, &members, outer.last().copied(), self.location(), self.resources);
                        self.requests.push(candidate);
                        index = value.next_index();
                    }
                    ObjectKind::Response => index = value.next_index(),
                    ObjectKind::Other if is_payload_object(value) && !has_request_inside(value) => {
                        let body = compact(value.spelling());
                        self.payloads.push(FoundPayload { location: self.location(), body, is_parsed: true });
                        index = value.next_index();
                    }
                    ObjectKind::Other => outer.push(value),
                },
                TokenKind::OpenArray
                    if value.elements().next().is_some_and(|first| first.kind() == TokenKind::Number) =>
                {
                    // A log of systemd's journal writes a message that is not plain text as bytes.
                    if let Some(bytes) = byte_text(value) {
                        self.scan_string(&bytes, depth);
                    }
                    index = value.next_index();
                }
                TokenKind::String => {
                    if let Some(bytes) = value.bytes() {
                        self.scan_string(&body::text_bytes(&bytes), depth);
                    }
                }
                _ => {}
            }
        }
    }

    /// Searches the text of a string: JSON, a raw request, base64 of either, or a line of a log.
    fn scan_string(&mut self, text: &[u8], depth: u8) {
        if depth >= MAX_DEPTH || text.len() < 16 || text.len() > self.allowance {
            return;
        }
        self.allowance -= text.len();
        self.scan_text(text, depth + 1);
    }

    /// Searches a text. What is exactly a payload is one with its bytes.
    pub fn scan_text(&mut self, text: &[u8], depth: u8) {
        let before = self.payloads.len();
        let start = text.trim_ascii_start();
        if start_line::is_next_request_start(start) {
            return self.add_raw(start);
        }
        if matches!(start.first(), Some(b'{' | b'['))
            && let Ok(document) = Document::parse(text)
        {
            self.scan_document(&document, depth);
            // The text as it is, not parsed.
            let is_single = before + 1 == self.payloads.len();
            if let Some(last) = self.payloads.last_mut().filter(|_| is_single && is_payload(text)) {
                (last.body, last.is_parsed) = (text.to_vec(), false);
            }
            return;
        }
        if text.len() <= 1 << 20
            && let Some(decoded) = is_base64_text(start).then(|| decode_base64(start)).flatten()
        {
            return self.scan_string(&decoded, depth);
        }
        for embedded in log::find_embedded(text) {
            self.scan_embedded(&embedded, depth);
        }
    }

    /// Searches JSON that was found in a text.
    pub fn scan_embedded(&mut self, embedded: &EmbeddedText, depth: u8) {
        let before = self.payloads.len();
        self.scan_string(&embedded.json, depth);
        if embedded.is_printed {
            self.payloads.iter_mut().skip(before).for_each(|payload| payload.is_parsed = true);
        }
    }

    fn add_raw(&mut self, text: &[u8]) {
        for outcome in raw::read_raw(text) {
            let location = self.location();
            let outcome: Result<Capture, CaptureError> = outcome.map(|capture| Capture { location, ..capture });
            self.requests.push(Candidate::new(outcome));
        }
    }
}

/// Checks whether an object is a provider's payload.
fn is_payload_object(object: ValueView<'_>) -> bool {
    let keys: Vec<_> = object.members().take(MAX_MEMBERS).map(|(name, _)| name).collect();
    is_payload_keys(&keys)
}

/// Checks whether a request is somewhere inside an object, so that the object is no payload.
fn has_request_inside(object: ValueView<'_>) -> bool {
    let mut inner: Vec<_> = object.members().map(|(_, value)| value).collect();
    for _ in 0..1_000 {
        let Some(value) = inner.pop() else { return false };
        if value.is_object() && matches!(classify(value), ObjectKind::Request(_)) {
            return true;
        }
        inner.extend(value.members().map(|(_, value)| value));
        inner.extend(value.elements().take(100));
    }
    false
}

fn byte_text(list: ValueView<'_>) -> Option<Vec<u8>> {
    list.elements().map(|value| value.spelling().parse::<u8>().ok()).collect()
}

/// Checks whether a text is long and regular enough to be base64 of JSON or of a request.
pub(in crate::capture) fn is_base64_text(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=\r\n".contains(byte);
    text.len() >= 24 && text.iter().all(is_letter)
}
