//! Detects the format of a file by its content, and reads it.

use super::candidate::{Candidate, select};
use super::free_text::{headers_only, line_at, read_other, without_requests};
use super::object::{Numbering, Scanner};
use super::unreadable::UnreadableFile;
use super::{
    Capture, CaptureError, Location, Note, Resources, burp, curl, dump, encoding, http_file, lines, mitmproxy, pcap,
    raw, table, zip,
};
use crate::json::{self, Document};

/// A format of captured requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureFormat {
    /// Raw HTTP requests, with or without answers between them, or the output of `curl -v`.
    Raw,
    /// One JSON object per line, as `listen --json` writes them.
    JsonLines,
    /// JSON with requests at any depth: HTTP archives, events of AWS, exports of many tools.
    Json,
    /// Command lines of curl, or of PowerShell's Invoke-WebRequest.
    Curl,
    /// `.http` files of editors.
    HttpFile,
    /// Header lines, an empty line and the body.
    HeaderBlock,
    /// The output of `curl --trace` or `--trace-ascii`.
    CurlTrace,
    /// Bytes as hexadecimal numbers: `tcpdump -X`, `xxd`, Wireshark's streams.
    HexDump,
    /// The output of `tcpdump -A`.
    PrintedPackets,
    /// pcap or pcapng.
    Packets,
    /// Flows of mitmproxy.
    Mitmproxy,
    /// XML of Burp Suite.
    Burp,
    /// CSV with a column for headers and one for the body.
    Table,
    /// A ZIP archive with files in any other format.
    Zip,
    /// Text with JSON in it.
    Log,
}

/// The requests of a file.
#[derive(Debug)]
pub struct CaptureFile {
    pub format: CaptureFormat,
    /// The webhooks, in the order of the file.
    pub captures: Vec<Result<Capture, CaptureError>>,
    /// The number of other requests.
    pub skipped: u64,
}

/// Detects the format of a whole file, or of its beginning. `None`: it has no requests, or it must
/// be read whole to tell.
pub fn detect_format(start: &[u8]) -> Option<CaptureFormat> {
    let decoded = encoding::decode(start).ok()?;
    detect(&decoded.bytes)
}

pub(super) fn detect(bytes: &[u8]) -> Option<CaptureFormat> {
    let start = bytes.trim_ascii_start();
    if pcap::is_start(bytes) {
        return Some(CaptureFormat::Packets);
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Some(CaptureFormat::Zip);
    } else if mitmproxy::is_start(start) {
        return Some(CaptureFormat::Mitmproxy);
    } else if burp::is_start(start) {
        return Some(CaptureFormat::Burp);
    }
    if matches!(start.first(), Some(b'{' | b'[')) {
        if lines::is_json_lines(start) {
            return Some(CaptureFormat::JsonLines);
        }
        if json::first_value_end(start).is_ok() {
            return Some(CaptureFormat::Json);
        }
    } else if http_file::is_http_file(start) {
        return Some(CaptureFormat::HttpFile);
    } else if raw::is_start(start) {
        return Some(CaptureFormat::Raw);
    } else if dump::is_trace(start) {
        return Some(CaptureFormat::CurlTrace);
    } else if dump::is_hex_dump(bytes) {
        return Some(CaptureFormat::HexDump);
    } else if dump::is_printed_packets(start) {
        return Some(CaptureFormat::PrintedPackets);
    } else if curl::is_start(start) {
        return Some(CaptureFormat::Curl);
    } else if http_file::is_header_block(start) {
        return Some(CaptureFormat::HeaderBlock);
    } else if table::is_table(start) {
        return Some(CaptureFormat::Table);
    }
    None
}

/// Reads every webhook of a file.
pub fn read_file(file: &[u8], resources: &Resources<'_>) -> Result<CaptureFile, UnreadableFile> {
    let decoded = encoding::decode(file)?;
    let mut read = read_decoded(&decoded.bytes, resources)?;
    if decoded.was_utf16 {
        read.captures.iter_mut().flatten().for_each(|capture| capture.notes.push(Note::Utf16));
    }
    Ok(read)
}

pub(super) fn read_decoded(bytes: &[u8], resources: &Resources<'_>) -> Result<CaptureFile, UnreadableFile> {
    let start = bytes.trim_ascii_start();
    let format = detect(bytes);
    let candidates = match format {
        Some(CaptureFormat::JsonLines) => return Ok(read_lines(bytes)),
        Some(CaptureFormat::Json) => return read_json(bytes, resources),
        Some(CaptureFormat::HttpFile) => http_file::read(start, resources),
        Some(CaptureFormat::Raw) => raw_candidates(start),
        Some(CaptureFormat::Curl) => curl::read(start, resources),
        Some(CaptureFormat::HeaderBlock) => match http_file::read_header_block(start) {
            Some(outcome) => vec![Candidate { outcome, is_webhook: true }],
            None => return read_other(bytes, resources).or(Err(headers_only())),
        },
        Some(CaptureFormat::CurlTrace) => dump::read_trace(start),
        Some(CaptureFormat::HexDump) => dump::read_hex_dump(bytes),
        Some(CaptureFormat::PrintedPackets) => dump::read_printed_packets(start),
        Some(CaptureFormat::Packets) => pcap::read(bytes)?,
        Some(CaptureFormat::Mitmproxy) => mitmproxy::read(start),
        Some(CaptureFormat::Burp) => burp::read(start),
        Some(CaptureFormat::Table) => table::read(start),
        Some(CaptureFormat::Zip) => return read_zip(bytes),
        Some(CaptureFormat::Log) | None => return read_other(bytes, resources),
    };
    let format = format.unwrap_or(CaptureFormat::Raw);
    match candidates.is_empty() {
        true => read_other(bytes, resources),
        false => Ok(finish(format, candidates)),
    }
}

/// Reads the members of an archive that can be read. Of Fiddler's sessions these are the requests,
/// not the answers.
fn read_zip(bytes: &[u8]) -> Result<CaptureFile, UnreadableFile> {
    let members = zip::read(bytes)?;
    let load = |name: &str| members.iter().find(|member| member.name == name).map(|member| member.bytes.clone());
    let is_fiddler = members.iter().any(|member| member.name.ends_with("_c.txt"));
    let mut all = CaptureFile { format: CaptureFormat::Zip, captures: Vec::new(), skipped: 0 };
    let mut files = 0;
    for member in members.iter().filter(|member| !is_fiddler || member.name.ends_with("_c.txt")) {
        let decoded = encoding::decode(&member.bytes)?;
        if detect(&decoded.bytes).is_some_and(|format| format != CaptureFormat::Zip)
            && let Ok(read) = read_decoded(&decoded.bytes, &Resources(&load))
        {
            files += 1;
            all.captures.extend(read.captures);
            all.skipped += read.skipped;
        }
    }
    if files > 1 {
        for (number, capture) in (1..).zip(all.captures.iter_mut().flatten()) {
            capture.location = Location::Request(number);
        }
    }
    match all.captures.is_empty() && all.skipped == 0 {
        true => Err(UnreadableFile::new("it is a ZIP archive without requests", "unpack it, and name the file inside")),
        false => Ok(select_again(all)),
    }
}

/// Splits off what is no webhook from the requests of several files.
fn select_again(all: CaptureFile) -> CaptureFile {
    let (captures, skipped) = select(all.captures.into_iter().map(Candidate::new).collect());
    CaptureFile { captures, skipped: all.skipped + skipped, ..all }
}

/// Splits off requests that are no webhooks.
pub(super) fn finish(format: CaptureFormat, candidates: Vec<Candidate>) -> CaptureFile {
    let (captures, skipped) = select(candidates);
    CaptureFile { format, captures, skipped }
}

/// Reads raw requests. Each one with a body was saved on purpose.
pub(super) fn raw_candidates(text: &[u8]) -> Vec<Candidate> {
    raw::read_raw(text)
        .map(|outcome| {
            let has_body = outcome.as_ref().is_ok_and(|capture| !capture.delivery.request.body.is_empty());
            let candidate = Candidate::new(outcome);
            Candidate { is_webhook: candidate.is_webhook || has_body, ..candidate }
        })
        .collect()
}

fn read_lines(bytes: &[u8]) -> CaptureFile {
    let mut lines = lines::read_lines(bytes, 1, lines::LineOrigin::detect(bytes));
    let captures = lines.by_ref().collect();
    CaptureFile { format: CaptureFormat::JsonLines, captures, skipped: lines.skipped() }
}

/// Reads one JSON value, or several one after the other.
fn read_json(bytes: &[u8], resources: &Resources<'_>) -> Result<CaptureFile, UnreadableFile> {
    let mut scanner = Scanner::new(Numbering::Requests, bytes.len(), resources);
    let mut rest = bytes;
    let mut cut_off = None;
    while !rest.trim_ascii().is_empty() {
        let Ok(end) = json::first_value_end(rest) else {
            cut_off = Some(bytes.len() - rest.len());
            break;
        };
        let (value, after) = rest.split_at(end);
        rest = after.trim_ascii_start();
        // `[value, …` is a list without its brackets.
        rest = rest.strip_prefix(b",").unwrap_or(rest);
        if let Ok(document) = Document::parse(value) {
            scanner.scan_document(&document, 0);
        }
    }
    if cut_off.is_some() && scanner.requests.is_empty() {
        return read_other(bytes, resources);
    }
    if let Some(offset) = cut_off {
        let location = Location::Line(line_at(bytes, offset));
        scanner.requests.push(Candidate { outcome: Err(CaptureError::Unfinished(location)), is_webhook: true });
    }
    if scanner.requests.is_empty() {
        return Err(without_requests(scanner, bytes));
    }
    Ok(finish(CaptureFormat::Json, scanner.requests))
}
