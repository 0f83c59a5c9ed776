//! Files that a command writes for the user: reports, bundles, states, manual pages.
//!
//! One rule for all of them: `-` is standard output, an existing file is replaced only if it is an
//! earlier output of the same command, and devices and pipes are written to as they are.

use crate::command::Session;
use crate::model::error::Result;
use crate::world::{FileVisibility, IsOwnOutput};
use std::path::Path;

/// The names of standard output. It may be a file that must not be replaced.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

pub(in crate::command) fn is_stdout(path: &Path) -> bool {
    STDOUT.iter().any(|name| path == Path::new(name))
}

/// Checks that a file may be written, before the work for it.
pub(in crate::command) fn check(path: &Path, is_own: &IsOwnOutput<'_>, session: &Session<'_>) -> Result<()> {
    if is_stdout(path) { Ok(()) } else { session.world.check_output(path, is_own) }
}

/// Writes a file.
pub(in crate::command) fn write(
    path: &Path,
    bytes: &[u8],
    visibility: FileVisibility,
    is_own: &IsOwnOutput<'_>,
    session: &Session<'_>,
) -> Result<()> {
    if !is_stdout(path) {
        return session.world.write_output(path, bytes, visibility, is_own);
    }
    let mut output = session.world.stdout();
    output.write_all(bytes)?;
    Ok(output.flush()?)
}
