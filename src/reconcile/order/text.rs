//! Decodes a list to UTF-8: compressed files, UTF-16 and Windows-1252.

use super::ListError;
use super::spool::{CreateFile, Spool, SpoolWriter};
use crate::model::temporary_file::TemporaryFile;
use encoding_rs::{CoderResult, Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::read::MultiGzDecoder;
use std::io::{self, Read, Write};

/// A file in UTF-8.
pub(super) struct Text {
    pub(super) file: Box<dyn TemporaryFile>,
    /// The length of its byte order mark.
    pub(super) start: u64,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Unpacks a list that is compressed with gzip.
pub(super) fn unpack(mut spool: Spool, create: &CreateFile<'_>) -> Result<Spool, ListError> {
    if !spool.start(2)?.starts_with(b"\x1f\x8b") {
        return Ok(spool);
    }
    let failed = |error: io::Error| ListError::Damaged("gzip file", error.to_string());
    Spool::fill(&mut MultiGzDecoder::new(spool.into_file()?), create).map_err(failed)
}

/// Decodes a list. Returns the name of an encoding that was detected without a byte order mark.
pub(super) fn decode(mut spool: Spool, create: &CreateFile<'_>) -> Result<(Text, Option<&'static str>), ListError> {
    let start = spool.start(4096)?;
    let (encoding, bom, note): (&'static Encoding, usize, _) = match &start[..] {
        [0xff, 0xfe, ..] => (UTF_16LE, 2, None),
        [0xfe, 0xff, ..] => (UTF_16BE, 2, None),
        _ => match utf16_without_mark(&start) {
            Some(encoding) => (encoding, 0, Some(encoding.name())),
            None if spool.is_utf8() => {
                let start = if start.starts_with(BOM) { BOM.len() as u64 } else { 0 };
                return Ok((Text { file: spool.into_file()?, start }, None));
            }
            None => (WINDOWS_1252, 0, Some("Windows-1252")),
        },
    };
    let mut file = spool.into_file()?;
    io::copy(&mut Read::by_ref(&mut file).take(bom as u64), &mut io::sink())?;
    let decoded = transcode(&mut file, encoding, create)?;
    Ok((Text { file: decoded.into_file()?, start: 0 }, note))
}

/// Detects UTF-16 by the zeros in its ASCII characters.
fn utf16_without_mark(start: &[u8]) -> Option<&'static Encoding> {
    let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), start.len() / 2);
    match half {
        0 => None,
        _ if odd * 2 > half && even * 8 < half => Some(UTF_16LE),
        _ if even * 2 > half && odd * 8 < half => Some(UTF_16BE),
        _ => None,
    }
}

fn transcode(source: &mut dyn Read, encoding: &'static Encoding, create: &CreateFile<'_>) -> io::Result<Spool> {
    let mut writer = SpoolWriter::new(create)?;
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let (mut bytes, mut text) = (vec![0; 32 * 1024], String::with_capacity(64 * 1024));
    loop {
        let length = source.read(&mut bytes)?;
        let mut rest = &bytes[..length];
        loop {
            let (result, read, _) = decoder.decode_to_string(rest, &mut text, length == 0);
            writer.write_all(text.as_bytes())?;
            text.clear();
            rest = &rest[read..];
            if result == CoderResult::InputEmpty {
                break;
            }
        }
        if length == 0 {
            return writer.finish();
        }
    }
}
