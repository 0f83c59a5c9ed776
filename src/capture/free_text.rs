//! Reads text that has no format of its own: a raw request somewhere in it, or a log.

use super::candidate::{Candidate, is_payload};
use super::format::{CaptureFile, CaptureFormat, detect, finish, raw_candidates, read_decoded};
use super::object::{FoundPayload, Numbering, Scanner, decode_base64, is_base64_text};
use super::unreadable::{self, UnreadableFile};
use super::{Capture, Location, Note, Resources, lines, log, start_line};
use crate::json;
use crate::model::message::Request;

/// Describes JSON without requests, which may be a payload.
pub(super) fn without_requests(scanner: Scanner<'_>, bytes: &[u8]) -> UnreadableFile {
    if is_payload(bytes) || scanner.payloads.is_empty() {
        let reason = "it is JSON, but not a request: it has no headers";
        return UnreadableFile::new(reason, unreadable::bare_payload_advice()).of_unknown_format();
    }
    payloads_only(scanner)
}

fn payloads_only(scanner: Scanner<'_>) -> UnreadableFile {
    let reason = match scanner.payloads.len() {
        1 => "it has a payload, but no headers".to_owned(),
        count => format!("it has {count} payloads, but no headers"),
    };
    let advice = match scanner.payloads.len() {
        1 => "add the headers: whtool verify {file} --header 'Name: value' --header …",
        _ => "cut out one of them, and add the headers: whtool verify FILE --header 'Name: value' --header …",
    };
    UnreadableFile { payloads: scanner.payloads, ..UnreadableFile::new(reason, advice) }
}

/// Reads a text that has no format of its own: a raw request somewhere in it, or a log.
pub(super) fn read_other(bytes: &[u8], resources: &Resources<'_>) -> Result<CaptureFile, UnreadableFile> {
    let start = bytes.trim_ascii_start();
    if let Some(text) = start_line::first_request(start) {
        return Ok(finish(CaptureFormat::Raw, raw_candidates(text)));
    }
    if let Some(text) = log::printed_request(start) {
        return Ok(finish(CaptureFormat::Log, raw_candidates(&text)));
    }
    if let Some(decoded) = is_base64_text(start).then(|| decode_base64(start)).flatten()
        && detect(&decoded).is_some_and(|format| format != CaptureFormat::Zip)
    {
        return read_decoded(&decoded, resources);
    }
    let mut scanner = Scanner::new(Numbering::Requests, bytes.len(), resources);
    let (mut line, mut counted) = (1, 0);
    // Where the headers of each payload may be: after the payload before it, up to the end of its line.
    let (mut regions, mut region_start) = (Vec::new(), 0);
    for embedded in log::find_embedded(bytes) {
        line += lines::count_lines(bytes.get(counted..embedded.offset).unwrap_or_default());
        counted = embedded.offset;
        scanner.numbering = Numbering::At(Location::Line(line));
        let before = scanner.payloads.len();
        scanner.scan_embedded(&embedded, 0);
        let end = log::line_end(bytes, embedded.offset + embedded.length);
        for _ in before..scanner.payloads.len() {
            regions.push(region_start..end);
        }
        region_start = if scanner.payloads.len() > before { end } else { region_start };
    }
    if !scanner.requests.is_empty() {
        return Ok(finish(CaptureFormat::Log, scanner.requests));
    }
    if let [region] = regions.as_mut_slice() {
        *region = 0..bytes.len();
    }
    let found: Vec<_> = scanner
        .payloads
        .iter()
        .zip(regions)
        .filter_map(|(payload, region)| with_loose_headers(payload, bytes.get(region)?))
        .collect();
    if !found.is_empty() {
        let mut read = finish(CaptureFormat::Log, found);
        read.skipped += (scanner.payloads.len() - read.captures.len()) as u64;
        return Ok(read);
    }
    if !scanner.payloads.is_empty() {
        return Err(payloads_only(scanner));
    }
    Err(match start.first() {
        Some(b'{' | b'[') => broken_json(bytes),
        _ => unreadable::describe(bytes),
    })
}

/// Builds a request from a payload and the headers that are written around it.
fn with_loose_headers(payload: &FoundPayload, around: &[u8]) -> Option<Candidate> {
    let request = Request { headers: log::loose_headers(around)?, ..Request::post("/", payload.body.clone()) };
    let mut notes = vec![Note::LooseHeaders];
    notes.extend(payload.is_parsed.then_some(Note::ParsedBody));
    let capture = Capture::new(payload.location, request, None, notes);
    Some(Candidate { outcome: Ok(capture), is_webhook: true })
}

fn broken_json(bytes: &[u8]) -> UnreadableFile {
    let error = json::first_value_end(bytes).err();
    let line = line_at(bytes, error.map_or(0, |error| error.offset));
    let unreadable = match error.map(|error| error.kind) {
        Some(json::SyntaxErrorKind::EndsTooEarly) => UnreadableFile::new(
            format!("it is JSON that is cut off in line {line}"),
            "save the file again: its end is missing",
        ),
        Some(json::SyntaxErrorKind::NotUtf8) => {
            UnreadableFile::new(format!("it is JSON, but line {line} is not UTF-8"), "save the body in base64")
        }
        _ => UnreadableFile::new(
            format!("it starts like JSON, but line {line} is not JSON"),
            unreadable::bare_payload_advice(),
        ),
    };
    unreadable.of_unknown_format()
}

pub(super) fn line_at(bytes: &[u8], offset: usize) -> u64 {
    1 + lines::count_lines(bytes.get(..offset).unwrap_or(bytes))
}

pub(super) fn headers_only() -> UnreadableFile {
    UnreadableFile::new(
        "it has headers, but no body",
        "add an empty line and the body, or: whtool verify --body payload.json --header 'Name: value'",
    )
}
