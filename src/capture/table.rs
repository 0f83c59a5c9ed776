//! Reads requests from CSV, as webhook.site and log stores export it: one per row, with a column for
//! the body.

use super::Resources;
use super::candidate::Candidate;
use super::object::{Numbering, Scanner, has_request_names};
use crate::json::text::write_string;
use crate::json::{Document, is_valid};

/// Reads the first line as names of columns. `None`: they do not describe requests.
fn columns(text: &[u8]) -> Option<Vec<String>> {
    let first = text.split(|&byte| byte == b'\n').next()?;
    if first.len() > 4_096 || memchr::memchr2(b',', b';', first).is_none() {
        return None;
    }
    let record = reader(first, delimiter(first)).records().next()?.ok()?;
    let names: Vec<String> = record.iter().map(str::to_owned).collect();
    has_request_names(&names).then_some(names)
}

fn delimiter(first: &[u8]) -> u8 {
    if memchr::memchr(b',', first).is_some() { b',' } else { b';' }
}

fn reader(text: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text)
}

/// Checks whether a text is a table of requests.
pub(super) fn is_table(text: &[u8]) -> bool {
    columns(text).is_some()
}

/// Reads a request from every row.
pub(super) fn read(text: &[u8]) -> Vec<Candidate> {
    let Some(names) = columns(text) else { return Vec::new() };
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut scanner = Scanner::new(Numbering::Requests, text.len(), &Resources::NONE);
    for record in reader(text, delimiter(first)).into_records().skip(1).map_while(Result::ok) {
        let json = row_as_json(&names, &record);
        if let Ok(document) = Document::parse(&json) {
            scanner.scan_document(&document, 0);
        }
    }
    scanner.requests
}

/// Writes a row as an object. JSON in a column other than the body stays JSON.
fn row_as_json(names: &[String], record: &csv::StringRecord) -> Vec<u8> {
    let mut json = b"{".to_vec();
    for (index, (name, value)) in names.iter().zip(record).enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write_string(name, &mut json);
        json.push(b':');
        let is_header = name.to_ascii_lowercase().contains("header");
        match value.starts_with(['{', '[']) && is_header && is_valid(value.as_bytes()) {
            true => json.extend_from_slice(value.as_bytes()),
            false => write_string(value, &mut json),
        }
    }
    json.push(b'}');
    json
}
