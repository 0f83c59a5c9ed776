//! Reads what `verify` is asked to verify: a file, standard input, a body with headers, or captures
//! in the store.

use super::report::{self, VerdictCounts, Verifier};
use super::{SAMPLE, SingleFile, Verify, bulk};
use crate::capture::{self, Capture, CaptureError, FoundPayload, Location, Note};
use crate::command::Session;
use crate::command::shared::{capture_files, captures};
use crate::model::capture_name::CaptureName;
use crate::model::error::{Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::stored::{CaptureId, StoredCapture};
use crate::render;
use std::io::{Read, Write};
use std::path::Path;

/// Captures from the store as JSON lines, with their numbers.
pub(super) struct StoredRecords {
    ids: Vec<CaptureId>,
    pub(super) records: Vec<u8>,
}

/// Reads the captures that the argument names, unless it is a file.
pub(super) fn stored_records(args: &Verify, file: &Path, session: &Session<'_>) -> Result<Option<StoredRecords>> {
    if file == Path::new("-") || session.world.file_exists(file) {
        return Ok(None);
    }
    let Some(name) = file.to_str() else { return Ok(None) };
    let is_path = CaptureName::parse(name).is_reference() && name.contains(['.', '/', '\\']);
    let mut store = match args.store.open_if_exists(session) {
        Ok(Some(store)) => store,
        Ok(None) => return Ok(None),
        Err(_) if is_path => return Ok(None),
        Err(error) => return Err(error),
    };
    match captures::find_all(store.as_mut(), name, session) {
        // What looks like a path was meant as a file; its absence is reported when it is opened.
        Err(_) if is_path => Ok(None),
        Err(error) => Err(error),
        Ok(ids) => {
            let mut found = StoredRecords { ids: Vec::new(), records: Vec::new() };
            let is_only = ids.len() == 1;
            for id in ids {
                match store.load(id)?.map(StoredCapture::require_body) {
                    Some(Ok(stored)) => {
                        found.ids.push(id);
                        found.records.extend(render::stored::capture(&stored));
                    }
                    Some(Err(error)) if is_only => return Err(error),
                    Some(Err(error)) => session.warn(&format!("skipped: {}", error.message)),
                    None => {}
                }
            }
            if found.ids.is_empty() {
                return Err(Error::failed(format!("nothing to verify in {}", escape_unsafe(name)))
                    .because("no body of these captures was kept"));
            }
            Ok(Some(found))
        }
    }
}

/// Verifies a file, standard input or stored captures, and prints the results.
pub(super) struct InputVerifier<'a, 'w> {
    pub args: &'a Verify,
    pub session: &'a Session<'w>,
    pub verifier: &'a Verifier<'a>,
}

impl InputVerifier<'_, '_> {
    pub(super) fn verify_stored(
        &self,
        stored: &StoredRecords,
        file: &mut SingleFile<'_>,
        output: &mut dyn Write,
    ) -> Result<VerdictCounts> {
        let captures = capture::read_json_lines(&stored.records, 1).zip(&stored.ids).map(|(capture, id)| {
            let location = Location::Stored(id.0.unsigned_abs());
            Ok(Capture { location, ..capture? })
        });
        file.verify(captures, self.verifier, output)
    }

    /// Checks whether a payload without headers is enough: they are given, or a digest is explained.
    fn needs_no_headers(&self) -> bool {
        !self.args.header.is_empty() || self.args.computed.is_some()
    }

    /// Verifies a payload from a log with the headers of `--header`.
    fn verify_payload(
        &self,
        payload: FoundPayload,
        file: &mut SingleFile<'_>,
        output: &mut dyn Write,
    ) -> Result<VerdictCounts> {
        let mut capture = capture::from_parts(payload.body, &self.args.header).map_err(Error::usage)?;
        capture.location = payload.location;
        capture.notes.extend(payload.is_parsed.then_some(Note::ParsedBody));
        file.verify([Ok(capture)], self.verifier, output)
    }

    /// Verifies a body with the headers of `--header`.
    pub(super) fn verify_parts(
        &self,
        body: Vec<u8>,
        file: &mut SingleFile<'_>,
        output: &mut dyn Write,
    ) -> Result<VerdictCounts> {
        let capture = capture::from_parts(body, &self.args.header).map_err(Error::usage)?;
        file.verify([Ok(capture)], self.verifier, output)
    }

    /// Verifies a file: large JSON lines in chunks, anything else whole. `open` is called with the
    /// bytes of a file that is read whole.
    pub(super) fn verify_file<'f>(
        &self,
        name: &Path,
        open: impl FnOnce(&[u8]) -> Result<SingleFile<'f>>,
        output: &mut dyn Write,
    ) -> Result<VerdictCounts> {
        let mut source = self.session.open(name)?;
        let mut start = Vec::new();
        let unreadable = |error| crate::command::cannot_read(name, error);
        source.by_ref().take(SAMPLE).read_to_end(&mut start).map_err(unreadable)?;
        let is_whole = (start.len() as u64) < SAMPLE;
        let is_alone = self.args.computed.is_none() && self.args.against.is_none() && self.args.header.is_empty();
        if !is_whole && is_alone && !capture::is_encoded(&start) && capture::is_json_lines(&start) {
            return bulk::verify_lines(start, source, self.verifier, output).map_err(|error| error.into_error(name));
        }
        source.read_to_end(&mut start).map_err(unreadable)?;
        let mut file = open(&start)?;
        let read = match capture_files::read_file(&start, name, self.session) {
            Ok(read) => read,
            Err(mut unreadable) if self.needs_no_headers() && unreadable.payloads.len() == 1 => {
                let payload = unreadable.payloads.remove(0);
                return self.verify_payload(payload, &mut file, output);
            }
            Err(_) if !self.args.header.is_empty() => return Err(super::headers_without_body()),
            Err(unreadable) => return Err(capture_files::unreadable(name, &unreadable)),
        };
        if !self.args.header.is_empty() {
            return Err(super::headers_without_body());
        }
        if read.captures.iter().all(Result::is_err)
            && let Some(Err(error)) = read.captures.first()
        {
            return Err(no_readable_request(name, error));
        }
        let mut counts = file.verify(read.captures, self.verifier, output)?;
        counts.skipped = read.skipped;
        Ok(counts)
    }
}

/// Reports a file in which no request can be read, by its first one.
fn no_readable_request(name: &Path, error: &CaptureError) -> Error {
    let source = report::unreadable(error);
    let failed = Error::failed(format!("can't read {}", name.display())).because(source.to_string());
    match error.advice() {
        Some(advice) => failed.hint(advice),
        None => failed,
    }
}
