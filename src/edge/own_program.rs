//! Runs this program again, for a caller that must not share its streams with a command.

use super::process::{POLL_INTERVAL, separate, terminate};
use crate::model::error::{Error, Result};
use crate::model::program_output::ProgramOutput;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Maximum number of bytes of each stream that are kept.
const MAX_OUTPUT_BYTES: u64 = 16 * 1024 * 1024;

/// Runs this program with these words and standard input. It is ended after `timeout`, which is an
/// error.
pub(super) fn run(words: &[String], input: &[u8], timeout: Duration) -> Result<ProgramOutput> {
    let failed = |why: String| Error::failed(format!("can't run `whtool {}`", words.join(" "))).because(why);
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    separate(&mut command);
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let deadline = Instant::now() + timeout;
    thread::scope(|scope| {
        if let Some(mut stdin) = stdin {
            // Fails if the command does not read it.
            scope.spawn(move || drop(stdin.write_all(input)));
        }
        let stdout = scope.spawn(move || read_all(stdout));
        let stderr = scope.spawn(move || read_all(stderr));
        let status = loop {
            match child.try_wait().map_err(|error| failed(error.to_string()))? {
                Some(status) => break Some(status),
                None if Instant::now() >= deadline => {
                    terminate(&mut child);
                    break None;
                }
                None => thread::sleep(POLL_INTERVAL),
            }
        };
        let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
        let status = status.ok_or_else(|| failed(format!("timed out after {} s", timeout.as_secs())))?;
        Ok(ProgramOutput { status: status.code().unwrap_or(-1), stdout, stderr })
    })
}

/// Reads a stream to its end and keeps its first bytes, so that the writer never blocks.
fn read_all(stream: Option<impl Read>) -> Vec<u8> {
    let Some(mut stream) = stream else { return Vec::new() };
    let mut bytes = Vec::new();
    let read = (&mut stream).take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes);
    if read.is_ok() {
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    }
    bytes
}
