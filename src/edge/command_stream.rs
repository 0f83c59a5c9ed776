//! Copies the output of a command of the user's, such as a database client.
//!
//! Everything counts: an exit status other than 0, a signal or a timeout is an error, because the
//! output may then lack rows.

use super::environment::remove_variables;
use super::process::{GRACE_PERIOD, OutputTail, POLL_INTERVAL, last_lines, lock, read_tail, shell, terminate};
use super::signals::Interrupt;
use crate::model::error::{Error, Result};
use crate::model::sanitize::truncate;
use crate::world::StreamedCommand;
use std::io::{self, Read, Write};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

const CHUNK: usize = 64 * 1024;

/// Number of chunks that wait to be written.
const CHUNKS_AHEAD: usize = 4;

/// Longest line of the command's errors that is shown, in columns.
const SHOWN_COLUMNS: usize = 200;

/// Runs a command and copies its standard output. Returns the last lines of its standard error.
pub(super) fn stream(
    options: &StreamedCommand<'_>,
    mut interrupt: Interrupt,
    output: &mut dyn Write,
) -> Result<Vec<String>> {
    let failed = |why: String| Error::failed(format!("`{}` failed", truncate(options.command, 80))).because(why);
    let mut shell = shell(options.command);
    remove_variables(&mut shell, &options.hidden_variables);
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| failed(error.to_string()))?;
    let errors = OutputTail::default();
    let (errors_end, stderr_end) = sync_channel::<()>(0);
    if let Some(stderr) = child.stderr.take() {
        let errors = Arc::clone(&errors);
        thread::spawn(move || {
            read_tail(stderr, &errors);
            drop(errors_end);
        });
    }
    let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || send_chunks(stdout, &sender));
    }
    let result = copy(&mut child, &chunks, options.timeout, &mut interrupt, output);
    if !matches!(result, Ok(Copied::Whole(_))) {
        terminate(&mut child);
    }
    // Another process may hold the stream open.
    let _ = stderr_end.recv_timeout(GRACE_PERIOD);
    let lines = last_lines(&lock(&errors).iter().copied().collect::<Vec<_>>());
    let lines: Vec<_> = lines.iter().map(|line| truncate(line, SHOWN_COLUMNS)).collect();
    let why = match result {
        Ok(Copied::Whole(status)) if status.success() => return Ok(lines),
        Ok(Copied::Whole(status)) => status.to_string(),
        Ok(Copied::TimedOut) => format!("timed out after {} s", options.timeout.as_secs()),
        Ok(Copied::LeftOpen) => "it ended, but a process that it started still holds its output open".to_owned(),
        Ok(Copied::Interrupted) => return Err(Error::interrupted()),
        Err(CopyError::Read(error)) => error.to_string(),
        Err(CopyError::Write(error)) => return Err(Error::failed("can't save the command's output").because(error)),
    };
    let why = if lines.is_empty() { format!("{why}; it printed no error") } else { format!("{why}; it printed:") };
    Err(failed(why).with_program_output(lines).hint("its output is not used: rows may be missing"))
}

enum Copied {
    /// All of its output, and how it ended.
    Whole(ExitStatus),
    TimedOut,
    Interrupted,
    LeftOpen,
}

enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// Copies chunks until the command has closed its output and ended.
fn copy(
    child: &mut Child,
    chunks: &Receiver<io::Result<Vec<u8>>>,
    timeout: Duration,
    interrupt: &mut Interrupt,
    output: &mut dyn Write,
) -> Result<Copied, CopyError> {
    let deadline = Instant::now() + timeout;
    let (mut is_closed, mut ended): (bool, Option<(ExitStatus, Instant)>) = (false, None);
    loop {
        if interrupt.take() {
            return Ok(Copied::Interrupted);
        }
        if is_closed {
            if let Some((status, _)) = ended {
                return Ok(Copied::Whole(status));
            }
            thread::sleep(POLL_INTERVAL);
        } else {
            match chunks.recv_timeout(POLL_INTERVAL) {
                Ok(chunk) => {
                    output.write_all(&chunk.map_err(CopyError::Read)?).map_err(CopyError::Write)?;
                    // What it wrote before it ended may still be in the pipe.
                    ended = ended.map(|(status, _)| (status, Instant::now()));
                    if Instant::now() < deadline {
                        continue;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => is_closed = true,
            }
        }
        if ended.is_none() {
            ended = child.try_wait().map_err(CopyError::Read)?.map(|status| (status, Instant::now()));
        }
        if ended.is_some_and(|(_, since)| !is_closed && since.elapsed() > GRACE_PERIOD) {
            return Ok(Copied::LeftOpen);
        }
        if Instant::now() >= deadline && !(is_closed && ended.is_some()) {
            return Ok(Copied::TimedOut);
        }
    }
}

fn send_chunks(mut stdout: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK];
        let read = stdout.read(&mut chunk).map(|length| {
            chunk.truncate(length);
            chunk
        });
        let is_last = match &read {
            Ok(chunk) if chunk.is_empty() => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.is_err(),
        };
        // Fails if the output is no longer wanted.
        if sender.send(read).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use tokio::sync::watch;

    fn run(command: &str, timeout: Duration, output: &mut dyn Write) -> Result<Vec<String>> {
        let options = StreamedCommand { command, timeout, hidden_variables: vec!["CARGO_MANIFEST_DIR"] };
        stream(&options, Interrupt::from_sender(&watch::Sender::new(0)), output)
    }

    fn failure(command: &str) -> Error {
        run(command, Duration::from_secs(20), &mut Vec::new()).unwrap_err()
    }

    #[test]
    fn the_whole_output_is_copied_and_errors_that_it_survived_are_returned() {
        let mut output = Vec::new();
        // `seq 1000000 | wc -c`
        let errors = run("seq 1000000; echo 'a warning' >&2", Duration::from_secs(60), &mut output).unwrap();
        assert_eq!((output.len(), errors), (6_888_896, vec!["a warning".to_owned()]));
        output.clear();
        run("echo ${CARGO_MANIFEST_DIR:-hidden}", Duration::from_secs(20), &mut output).unwrap();
        assert_eq!(output, b"hidden\n");
    }

    #[test]
    fn a_command_that_fails_after_some_rows_is_an_error_with_its_last_words() {
        let error = failure("echo reference; echo pi_1; echo 'FATAL: role \"x\" does not exist' >&2; exit 2");
        assert_eq!(error.status(), 3);
        assert_eq!(error.program_output, ["FATAL: role \"x\" does not exist"]);
        assert!(error.cause().unwrap().contains("exit status: 2"), "{error}");
        assert!(failure("echo pi_1; kill -9 $$").cause().unwrap().contains("signal: 9"));
        assert!(failure("no-such-client --csv").cause().unwrap().contains("exit status: 127"));
        let long = failure("head -c 100000 /dev/zero | tr '\\0' x >&2; printf '\\033[31mred' >&2; exit 1");
        assert!(long.program_output.iter().all(|line| line.len() < 250 && !line.contains('\u{1b}')));
    }

    #[test]
    fn a_command_that_does_not_end_is_an_error() {
        let error = run("echo pi_1; sleep 60", Duration::from_millis(200), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("timed out"), "{error}");
        let error = run("yes", Duration::from_millis(200), &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("timed out"), "{error}");
        let error = failure("sleep 60 & echo pi_1");
        assert!(error.to_string().contains("holds its output open"), "{error}");
    }

    #[test]
    fn an_output_that_cannot_be_saved_is_an_error() {
        let mut full = [0; 10];
        let error = run("yes", Duration::from_secs(20), &mut full.as_mut_slice()).unwrap_err();
        assert!(error.message.contains("can't save"), "{error}");
    }
}
