//! A complete list of orders in a temporary file: a source that fails concludes nothing.

use super::Reconcile;
use crate::command::Session;
use crate::command::shared::list_source::ListSource;
use crate::model::error::{Error, Result};
use crate::model::temporary_file::TemporaryFile;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Seek, Write};

pub(super) struct SpooledList {
    pub source: ListSource,
    file: Box<dyn TemporaryFile>,
    digest: Sha256,
    lines: u64,
}

impl SpooledList {
    /// Copies the whole list.
    pub(super) fn read(source: ListSource, args: &Reconcile, session: &Session<'_>) -> Result<Self> {
        let failed = |error: io::Error| Error::failed("can't save the list").because(error);
        let file = session.world.temporary_file().map_err(failed)?;
        let mut list = Self { source, file, digest: Sha256::new(), lines: 0 };
        let source = list.source.clone();
        args.source.copy(&source, args.api.credential_variables(), session, &mut list)?;
        list.file.rewind().map_err(failed)?;
        Ok(list)
    }

    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Returns the SHA-256 of the list in hex.
    pub(super) fn digest(&self) -> String {
        hex::encode(self.digest.clone().finalize())
    }

    pub(super) fn into_reader(self) -> Box<dyn Read + Send> {
        Box::new(self.file)
    }
}

impl Write for SpooledList {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.file.write(bytes)?;
        let written = bytes.get(..length).unwrap_or_default();
        self.digest.update(written);
        self.lines += written.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
