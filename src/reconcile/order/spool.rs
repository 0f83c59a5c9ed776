//! Keeps a list in a temporary file, so that it can be read twice and a source that breaks off
//! concludes nothing.

use crate::model::temporary_file::TemporaryFile;
use sha2::{Digest, Sha256};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

pub type CreateFile<'a> = dyn Fn() -> io::Result<Box<dyn TemporaryFile>> + 'a;

/// A complete list, as it came.
pub struct Spool {
    file: Box<dyn TemporaryFile>,
    length: u64,
    digest: String,
    is_utf8: bool,
}

impl Spool {
    /// Reads a source to its end.
    pub fn fill(source: &mut dyn Read, create: &CreateFile<'_>) -> io::Result<Self> {
        let mut writer = SpoolWriter::new(create)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match source.read(&mut buffer) {
                Ok(0) => return writer.finish(),
                Ok(length) => writer.write_all(&buffer[..length])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the SHA-256 of the list in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(super) fn is_utf8(&self) -> bool {
        self.is_utf8
    }

    /// Returns the file, positioned at its start.
    pub(super) fn into_file(mut self) -> io::Result<Box<dyn TemporaryFile>> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(self.file)
    }

    /// Reads up to `length` bytes from the start.
    pub(super) fn start(&mut self, length: u64) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut start = Vec::new();
        Read::by_ref(&mut self.file).take(length).read_to_end(&mut start)?;
        self.file.seek(SeekFrom::Start(0))?;
        Ok(start)
    }
}

/// Writes a spool piece by piece.
pub struct SpoolWriter {
    file: BufWriter<Box<dyn TemporaryFile>>,
    length: u64,
    digest: Sha256,
    is_utf8: bool,
    /// The start of a character whose other bytes were not written yet.
    partial: Vec<u8>,
}

impl SpoolWriter {
    pub fn new(create: &CreateFile<'_>) -> io::Result<Self> {
        let file = BufWriter::with_capacity(64 * 1024, create()?);
        Ok(Self { file, length: 0, digest: Sha256::new(), is_utf8: true, partial: Vec::new() })
    }

    pub fn finish(self) -> io::Result<Spool> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        let is_utf8 = self.is_utf8 && self.partial.is_empty();
        Ok(Spool { file, length: self.length, digest: hex::encode(self.digest.finalize()), is_utf8 })
    }

    fn check_utf8(&mut self, bytes: &[u8]) {
        let joined: Vec<u8>;
        let bytes = if self.partial.is_empty() {
            bytes
        } else {
            joined = [std::mem::take(&mut self.partial).as_slice(), bytes].concat();
            &joined
        };
        if let Err(error) = std::str::from_utf8(bytes) {
            match error.error_len() {
                Some(_) => self.is_utf8 = false,
                None => self.partial = bytes[error.valid_up_to()..].to_vec(),
            }
        }
    }
}

impl Write for SpoolWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.file.write(bytes)?;
        let written = &bytes[..length];
        self.length += length as u64;
        self.digest.update(written);
        if self.is_utf8 {
            self.check_utf8(written);
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn filled(text: &[u8]) -> Spool {
        Spool::fill(&mut &*text, &|| Ok(Box::new(Cursor::new(Vec::new())))).unwrap()
    }

    #[test]
    fn a_spool_has_the_digest_and_length_of_its_bytes() {
        // printf 'reference\npi_1\n' | sha256sum
        let sum = "fc67ea999af76e6d4115a87de97f7b42df92edda658b9849b722d3b9d051e594";
        let spool = filled(b"reference\npi_1\n");
        assert_eq!((spool.length(), spool.digest()), (15, sum));
    }

    #[test]
    fn utf8_is_recognized_across_the_parts_that_are_written() {
        let create: &CreateFile<'_> = &|| Ok(Box::new(Cursor::new(Vec::new())));
        for (parts, is_utf8) in [
            (vec![&b"a\xe2"[..], &b"\x82"[..], &b"\xac!"[..]], true),
            (vec![&b"a\xe2"[..], &b"b"[..]], false),
            (vec![&b"a\xe2\x82"[..]], false),
            (vec![&b"\xff"[..], &b"a"[..]], false),
            (vec![], true),
        ] {
            let mut writer = SpoolWriter::new(create).unwrap();
            parts.iter().for_each(|part| writer.write_all(part).unwrap());
            assert_eq!(writer.finish().unwrap().is_utf8(), is_utf8, "{parts:?}");
        }
    }

    #[test]
    fn a_source_that_fails_makes_no_spool() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        assert!(Spool::fill(&mut b"pi_1\n".chain(Failing), &|| Ok(Box::new(Cursor::new(Vec::new())))).is_err());
    }
}
