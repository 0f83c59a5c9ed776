//! Reads the XML that Burp Suite saves: each `request` element holds a raw request, in base64 or as
//! text.

use super::candidate::Candidate;
use super::object::decode_base64;
use super::{Capture, Location, raw};
use memchr::memmem;

/// Checks whether a file is XML with elements of Burp.
pub(super) fn is_start(text: &[u8]) -> bool {
    let start = text.get(..text.len().min(8192)).unwrap_or(text);
    start.trim_ascii_start().first() == Some(&b'<')
        && (memmem::find(start, b"<items burpVersion").is_some() || memmem::find(start, b"<request base64=").is_some())
}

/// Reads the request of every item.
pub(super) fn read(text: &[u8]) -> Vec<Candidate> {
    let (mut candidates, mut rest) = (Vec::new(), text);
    while let Some(element) = next_element(rest) {
        rest = element.after;
        let bytes = if element.is_base64 { decode_base64(&element.content) } else { Some(element.content) };
        let Some(bytes) = bytes else { continue };
        let location = Location::Request(candidates.len() as u64 + 1);
        if let Some(outcome) = raw::read_raw(&bytes).next() {
            candidates.push(Candidate::new(outcome.map(|capture| Capture { location, ..capture })));
        }
    }
    candidates
}

struct RequestElement<'t> {
    is_base64: bool,
    content: Vec<u8>,
    after: &'t [u8],
}

/// Finds the next `<request …>…</request>`.
fn next_element(text: &[u8]) -> Option<RequestElement<'_>> {
    let start = memmem::find(text, b"<request")?;
    let tag = text.get(start..)?;
    let tag_end = memchr::memchr(b'>', tag)?;
    let attributes = tag.get(..tag_end)?;
    let inner = tag.get(tag_end + 1..)?;
    let (content, after) = match inner.trim_ascii_start().strip_prefix(b"<![CDATA[") {
        Some(data) => {
            let end = memmem::find(data, b"]]>")?;
            (data.get(..end)?.to_vec(), data.get(end..)?)
        }
        None => {
            let end = memmem::find(inner, b"</request>")?;
            (unescape(inner.get(..end)?), inner.get(end..)?)
        }
    };
    Some(RequestElement { is_base64: memmem::find(attributes, b"base64=\"true\"").is_some(), content, after })
}

/// Replaces the entities of XML.
fn unescape(text: &[u8]) -> Vec<u8> {
    let entities: [(&[u8], u8); 6] =
        [(b"&lt;", b'<'), (b"&gt;", b'>'), (b"&quot;", b'"'), (b"&apos;", b'\''), (b"&#13;", b'\r'), (b"&amp;", b'&')];
    let (mut plain, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = memchr::memchr(b'&', rest) {
        let (before, entity) = rest.split_at(at);
        plain.extend_from_slice(before);
        let known = entities.iter().find_map(|(name, byte)| Some((*byte, entity.strip_prefix(*name)?)));
        let (byte, after) = known.unwrap_or((b'&', entity.get(1..).unwrap_or_default()));
        plain.push(byte);
        rest = after;
    }
    plain.extend_from_slice(rest);
    plain
}
