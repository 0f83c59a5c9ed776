//! Files that a command writes for the user: reports, bundles, states, manual pages.
//!
//! One rule for all of them: `-` is standard output, an existing file is replaced only if it is an
//! earlier output of the same command, and devices and pipes are written to as they are.

use crate::command::Session;
use crate::model::error::Result;
use crate::world::{FileVisibility, IsOwnOutput};
use std::io::Read;
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

pub(in crate::command) fn write(
    path: &Path,
    mut bytes: &[u8],
    visibility: FileVisibility,
    is_own: &IsOwnOutput<'_>,
    session: &Session<'_>,
) -> Result<()> {
    copy(path, &mut bytes, visibility, is_own, session)
}

/// Writes a file that is too large for memory.
pub(in crate::command) fn copy(
    path: &Path,
    content: &mut dyn Read,
    visibility: FileVisibility,
    is_own: &IsOwnOutput<'_>,
    session: &Session<'_>,
) -> Result<()> {
    if !is_stdout(path) {
        return session.world.write_output(path, content, visibility, is_own);
    }
    let mut output = session.world.stdout();
    std::io::copy(content, &mut output)?;
    Ok(output.flush()?)
}
