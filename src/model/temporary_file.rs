//! The interface of temporary files: bytes that are written once and read several times.

use std::io::{Read, Seek, Write};

/// A file without a name, which disappears when it is dropped.
pub trait TemporaryFile: Read + Write + Seek + Send {}

impl<F: Read + Write + Seek + Send> TemporaryFile for F {}
