//! Programs of the user's, run by the shell: a handler that is started and stopped, a command whose output is read.
//!
//! Each runs in a process group of its own, so that everything it starts ends with it, and a Ctrl+C at the terminal reaches
//! whtool alone, which then ends it.

use super::signals::Interrupt;
use crate::model::error::{Error, Result};
use crate::world::{ProcessOptions, RunningProcess};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How much of a program's output is kept: its last bytes.
const KEPT: usize = 16 * 1024;

/// How many of the last lines of a program that did not start are told: below an error there may be a long trace.
const LINES: usize = 20;

/// How often is looked whether it is ready, or over.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// The last bytes that a program wrote.
type Kept = Arc<Mutex<VecDeque<u8>>>;

/// A program that runs.
pub(super) struct Running {
    child: Child,
    kept: Kept,
    /// Tells nothing, and ends when everything that the program wrote was read.
    all_read: Receiver<()>,
    interrupt: Interrupt,
}

/// Starts a program and waits until it accepts connections; `launched` is called as soon as it runs.
pub(super) fn start(program: &ProcessOptions, interrupt: Interrupt, launched: &mut dyn FnMut()) -> Result<Running> {
    let ProcessOptions { command, address, startup_timeout: patience, .. } = program;
    if accepts(address) {
        return Err(Error::failed(format!("something answers at {address} already"))
            .because("what was started could not be told from it")
            .hint("stop it, or leave --start out"));
    }
    let mut shell = shell(command);
    shell.envs(program.variables.iter().map(|(name, value)| (name, value)));
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| Error::failed(format!("can't start `{command}`")).because(error))?;
    launched();
    let kept = Kept::default();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as _),
        child.stderr.take().map(|stream| Box::new(stream) as _),
    ];
    let (reading, all_read) = channel();
    for stream in streams.into_iter().flatten() {
        let (kept, reading) = (Arc::clone(&kept), reading.clone());
        thread::spawn(move || {
            keep(stream, &kept);
            drop(reading);
        });
    }
    drop(reading);
    let mut running = Running { child, kept, all_read, interrupt };
    running.wait_until_ready(address, *patience, command)?;
    Ok(running)
}

/// Runs a command and returns what it wrote to its standard output.
pub(super) fn output_of(command: &str, limit: Duration) -> Result<Vec<u8>> {
    let failed = |why: String| Error::failed(format!("`{command}` failed")).because(why);
    let child = shell(command).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
    let mut child = child.map_err(|error| failed(error.to_string()))?;
    let stdout = child.stdout.take();
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let outcome = stdout.map_or(Ok(0), |stdout| stdout.take(KEPT as u64).read_to_end(&mut bytes)).map(|_| bytes);
        // Nobody waits any more when this fails.
        let _ = tell.send(outcome);
    });
    let deadline = Instant::now() + limit;
    let Some(status) = ended_within(&mut child, limit).map_err(|error| failed(error.to_string()))? else {
        end(&mut child);
        return Err(failed(format!("it did not end within {} s", limit.as_secs())));
    };
    if !status.success() {
        return Err(failed(format!("it ended with {status}")));
    }
    // Something that it left running may hold its output open.
    let bytes = told.recv_timeout(deadline.saturating_duration_since(Instant::now()).max(PAUSE)).map_err(|_| {
        end(&mut child);
        failed(format!("its output did not end within {} s", limit.as_secs()))
    })?;
    bytes.map_err(|error| failed(error.to_string()))
}

impl Running {
    fn wait_until_ready(&mut self, address: &str, patience: Duration, command: &str) -> Result<()> {
        let deadline = Instant::now() + patience;
        while !accepts(address) {
            if self.interrupt.take() {
                return Err(Error::interrupted());
            }
            let trouble = match self.exit_status() {
                Some(status) => {
                    // Its last words may still be on their way. What it started may live on, and hold its output open.
                    let _ = self.all_read.recv_timeout(GRACE);
                    format!("`{command}` ended before it accepted connections at {address}: {status}")
                }
                None if Instant::now() > deadline => {
                    format!("`{command}` accepts no connections at {address} after {} s", patience.as_secs())
                }
                None => {
                    thread::sleep(PAUSE);
                    continue;
                }
            };
            let said = last_lines(&self.output());
            return Err(Error::failed(trouble)
                .because(if said.is_empty() { "it wrote nothing" } else { "it wrote last:" })
                .with_program_output(said)
                .hint("run the command by itself; it gets PORT, as the URL has it"));
        }
        Ok(())
    }
}

impl RunningProcess for Running {
    fn exit_status(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        Some(status.to_string())
    }

    fn output(&self) -> Vec<u8> {
        lock(&self.kept).iter().copied().collect()
    }

    fn is_interrupted(&mut self) -> bool {
        self.interrupt.take()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn lock(kept: &Kept) -> MutexGuard<'_, VecDeque<u8>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the last bytes of a stream until it ends.
fn keep(mut stream: impl Read, kept: &Kept) {
    let mut piece = [0; 4096];
    while let Ok(length) = stream.read(&mut piece) {
        if length == 0 {
            return;
        }
        let mut kept = lock(kept);
        kept.extend(piece.get(..length).unwrap_or_default());
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
}

/// The last lines with anything in them: which one has the cause depends on who wrote it.
fn last_lines(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(LINES)).map(|&line| line.to_owned()).collect()
}

/// Whether somebody accepts connections there.
fn accepts(address: &str) -> bool {
    let addresses = address.to_socket_addrs().into_iter().flatten();
    addresses.into_iter().any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok())
}

/// How a process ended, waiting for it so long; `None`: it still runs.
fn ended_within(child: &mut Child, limit: Duration) -> io::Result<Option<std::process::ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            None if Instant::now() < deadline => thread::sleep(PAUSE),
            ended => return Ok(ended),
        }
    }
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).process_group(0);
    shell
}

/// Asks the whole group to end, and ends it when it does not. The group may outlive the shell that led it.
#[cfg(unix)]
fn end(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    let _ = kill_process_group(group, Signal::TERM);
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        // The shell stays in the group until it is waited for.
        let _ = child.try_wait();
        if test_kill_process_group(group).is_err() {
            break;
        }
        thread::sleep(PAUSE);
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}

/// `cmd` takes off the outer quotes and reads the rest as it was typed: quotes within are not to be escaped.
#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut shell = Command::new("cmd");
    shell.args(["/D", "/S", "/C"]).raw_arg(format!("\"{command}\"")).stdin(Stdio::null());
    shell
}

/// Ends the process and those that it started.
#[cfg(windows)]
fn end(child: &mut Child) {
    let _ = Command::new("taskkill").args(["/T", "/F", "/PID", &child.id().to_string()]).output();
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use tokio::sync::watch;

    fn interrupt() -> Interrupt {
        Interrupt::from_sender(&watch::Sender::new(0))
    }

    fn program(command: &str, address: &str) -> ProcessOptions {
        let variables = vec![("GREETING".to_owned(), "hello".to_owned())];
        ProcessOptions {
            command: command.to_owned(),
            variables,
            address: address.to_owned(),
            startup_timeout: Duration::from_secs(20),
        }
    }

    /// An address where nobody listens.
    fn free() -> String {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
    }

    #[test]
    fn a_program_that_ends_at_once_is_told_with_its_last_words() {
        let command =
            "echo $GREETING; seq 30; echo Error: port taken; echo; echo '    at x'; echo; echo Node.js v20; exit 3";
        let mut launched = false;
        let Err(error) = start(&program(command, &free()), interrupt(), &mut || launched = true) else {
            panic!("it did not start");
        };
        assert!(error.message.contains("exit status: 3"), "{error}");
        assert_eq!(error.program_output.len(), LINES);
        assert!(
            error.program_output.ends_with(&["30", "Error: port taken", "    at x", "Node.js v20"].map(str::to_owned)),
            "{error:?}"
        );
        assert!(launched);
    }

    #[test]
    fn what_answers_already_is_not_taken_for_the_program() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let launched = &mut || panic!("it was not to be started");
        let Err(error) = start(&program("sleep 60", &address), interrupt(), launched) else { panic!("it was taken") };
        assert!(error.message.contains("already"), "{error}");
    }

    #[test]
    fn the_output_of_a_command_is_its_standard_output() {
        assert_eq!(output_of("echo 12; true", Duration::from_secs(20)).unwrap(), b"12\n");
        assert!(output_of("exit 2", Duration::from_secs(20)).unwrap_err().to_string().contains("exit status: 2"));
        let left_open = output_of("sleep 60 & echo 12", Duration::from_millis(500)).unwrap_err().to_string();
        assert!(left_open.contains("did not end"), "{left_open}");
        assert!(output_of("sleep 60", Duration::from_millis(50)).unwrap_err().to_string().contains("did not end"));
    }

    #[test]
    fn everything_that_a_program_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let command = format!("sh -c 'trap \"\" HUP; echo $$ > {}; exec sleep 60' & wait", file.display());
        let mut child = shell(&command).spawn().unwrap();
        let written = || std::fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'));
        let pid = std::iter::repeat_with(written).flatten().next().unwrap();
        end(&mut child);
        let is_alive =
            || Command::new("kill").args(["-0", pid.trim()]).stderr(Stdio::null()).status().unwrap().success();
        // Whoever inherits it takes a moment to bury it.
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_alive() && Instant::now() < deadline {
            thread::yield_now();
        }
        assert!(!is_alive(), "{pid}");
    }
}
