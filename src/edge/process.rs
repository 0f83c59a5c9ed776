//! Shell commands of the user's: a handler that is started and stopped, and commands whose output
//! is read.
//!
//! Each command runs in its own process group. So everything that it starts ends with it, and
//! Ctrl+C reaches only whtool, which then ends the group.

use super::environment::remove_variables;
use super::process_guard::Guard;
use super::resolver;
use super::signals::Interrupt;
use crate::model::error::{Error, Result};
use crate::world::{ProcessOptions, RunningProcess};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Maximum number of output bytes that are kept, counted from the end.
const MAX_OUTPUT_BYTES: usize = 16 * 1024;

/// Number of the last output lines in an error: stack traces are long.
const SHOWN_LINES: usize = 20;

pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Time between asking a process to end and killing it.
pub(super) const GRACE_PERIOD: Duration = Duration::from_secs(2);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The last bytes of a process's output.
pub(super) type OutputTail = Arc<Mutex<VecDeque<u8>>>;

pub(super) struct ShellProcess {
    child: Child,
    output: OutputTail,
    /// Disconnected once all output has been read.
    output_end: Receiver<()>,
    /// Set once its end was seen and its last output was waited for.
    has_ended: bool,
    interrupt: Interrupt,
    _guard: Option<Guard>,
}

/// Starts a command and waits until it accepts connections, if an address is given. Calls `on_start`
/// as soon as the process exists.
pub(super) fn start(
    options: &ProcessOptions,
    interrupt: Interrupt,
    on_start: &mut dyn FnMut(),
) -> Result<ShellProcess> {
    let ProcessOptions { command, address, startup_timeout, .. } = options;
    if let Some(address) = address.as_deref().filter(|address| accepts_connections(address)) {
        return Err(Error::failed(format!("another process already listens on {address}"))
            .hint("stop it, or omit --start to use it"));
    }
    let mut shell = shell(command);
    remove_variables(&mut shell, &options.hidden_variables);
    shell.envs(options.variables.iter().map(|(name, value)| (name, value)));
    if !options.input.is_empty() {
        shell.stdin(Stdio::piped());
    }
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| Error::failed(format!("can't start `{command}`")).because(error))?;
    let guard = options.is_guarded.then(|| Guard::start(child.id())).flatten();
    on_start();
    if let Some(mut stdin) = child.stdin.take() {
        let input = options.input.clone();
        // Fails if the command does not read it.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let output = OutputTail::default();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as _),
        child.stderr.take().map(|stream| Box::new(stream) as _),
    ];
    let (sender, output_end) = channel();
    for stream in streams.into_iter().flatten() {
        let (output, sender) = (Arc::clone(&output), sender.clone());
        thread::spawn(move || {
            read_tail(stream, &output);
            drop(sender);
        });
    }
    drop(sender);
    let mut process = ShellProcess { child, output, output_end, has_ended: false, interrupt, _guard: guard };
    if let Some(address) = address {
        process.wait_until_ready(address, *startup_timeout, command)?;
    }
    Ok(process)
}

/// Runs a command and returns its standard output.
pub(super) fn output_of(command: &str, timeout: Duration, hidden_variables: &[&str]) -> Result<Vec<u8>> {
    let failed = |why: String| Error::failed(format!("`{command}` failed")).because(why);
    let mut shell = shell(command);
    remove_variables(&mut shell, hidden_variables);
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
    let mut child = child.map_err(|error| failed(error.to_string()))?;
    let stdout = child.stdout.take();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = |stdout: std::process::ChildStdout| stdout.take(MAX_OUTPUT_BYTES as u64).read_to_end(&mut bytes);
        let result = stdout.map_or(Ok(0), read).map(|_| bytes);
        // Fails if the timeout has passed.
        let _ = sender.send(result);
    });
    let deadline = Instant::now() + timeout;
    let Some(status) = wait_within(&mut child, timeout).map_err(|error| failed(error.to_string()))? else {
        terminate(&mut child);
        return Err(failed(format!("timed out after {} s", timeout.as_secs())));
    };
    if !status.success() {
        return Err(failed(status.to_string()));
    }
    // A process that the command left running may hold its output open.
    let remaining = deadline.saturating_duration_since(Instant::now()).max(POLL_INTERVAL);
    let bytes = receiver.recv_timeout(remaining).map_err(|_| {
        terminate(&mut child);
        failed(format!("its output was still open after {} s", timeout.as_secs()))
    })?;
    bytes.map_err(|error| failed(error.to_string()))
}

impl ShellProcess {
    fn wait_until_ready(&mut self, address: &str, timeout: Duration, command: &str) -> Result<()> {
        let deadline = Instant::now() + timeout;
        while !accepts_connections(address) {
            if self.interrupt.take() {
                return Err(Error::interrupted());
            }
            let (what, why) = match self.exit_status() {
                Some(status) => (format!("`{command}` exited before it accepted connections on {address}"), status),
                None if Instant::now() > deadline => (
                    format!("`{command}` does not accept connections on {address}"),
                    format!("timed out after {} s", timeout.as_secs()),
                ),
                None => {
                    thread::sleep(POLL_INTERVAL);
                    continue;
                }
            };
            let lines = last_lines(&self.output());
            let output = if lines.is_empty() { "it printed nothing" } else { "last output:" };
            return Err(Error::failed(what)
                .because(format!("{why}; {output}"))
                .with_program_output(lines)
                .hint("run the command by itself; it must listen on the port in the variable PORT"));
        }
        Ok(())
    }
}

impl RunningProcess for ShellProcess {
    fn exit_status(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        if !std::mem::replace(&mut self.has_ended, true) {
            // Its last output may not have been read yet. A process that it started may hold the
            // output open.
            let _ = self.output_end.recv_timeout(GRACE_PERIOD);
        }
        Some(status.to_string())
    }

    fn output(&self) -> Vec<u8> {
        lock(&self.output).iter().copied().collect()
    }

    fn is_interrupted(&mut self) -> bool {
        self.interrupt.take()
    }
}

impl Drop for ShellProcess {
    fn drop(&mut self) {
        terminate(&mut self.child);
    }
}

pub(super) fn lock(output: &OutputTail) -> MutexGuard<'_, VecDeque<u8>> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a stream to its end, and keeps its last bytes.
pub(super) fn read_tail(mut stream: impl Read, output: &OutputTail) {
    let mut buffer = [0; 4096];
    while let Ok(length) = stream.read(&mut buffer) {
        if length == 0 {
            return;
        }
        let mut output = lock(output);
        output.extend(buffer.get(..length).unwrap_or_default());
        let surplus = output.len().saturating_sub(MAX_OUTPUT_BYTES);
        output.drain(..surplus);
    }
}

/// Returns the last lines that are not empty. Programs differ in which of them tells the cause.
pub(super) fn last_lines(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES)).map(|&line| line.to_owned()).collect()
}

fn accepts_connections(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let (Ok(addresses), Ok(port)) = (resolver::look_up_host(host), port.parse()) else { return false };
    let connects = |address| TcpStream::connect_timeout(&SocketAddr::new(address, port), CONNECT_TIMEOUT).is_ok();
    addresses.into_iter().any(connects)
}

/// Waits for a process to end. `None` if it still runs after the timeout.
fn wait_within(child: &mut Child, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + timeout;
    loop {
        match child.try_wait()? {
            None if Instant::now() < deadline => thread::sleep(POLL_INTERVAL),
            status => return Ok(status),
        }
    }
}

#[cfg(unix)]
pub(super) fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null());
    separate(&mut shell);
    shell
}

/// Asks the process group to end, then kills it. The group may outlive the shell that leads it.
#[cfg(unix)]
pub(super) fn terminate(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    let _ = kill_process_group(group, Signal::TERM);
    let deadline = Instant::now() + GRACE_PERIOD;
    while Instant::now() < deadline {
        // The shell belongs to the group until it is reaped.
        let _ = child.try_wait();
        if test_kill_process_group(group).is_err() {
            break;
        }
        thread::sleep(POLL_INTERVAL);
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}

#[cfg(windows)]
pub(super) fn shell(command: &str) -> Command {
    let mut shell = cmd(command);
    shell.stdin(Stdio::null());
    separate(&mut shell);
    shell
}

/// `cmd` removes the outer quotes and reads the rest literally, so inner quotes must not be
/// escaped.
#[cfg(windows)]
pub(super) fn cmd(command: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut shell = Command::new("cmd");
    shell.args(["/D", "/S", "/C"]).raw_arg(format!("\"{command}\""));
    shell
}

/// Starts a command in a process group of its own, which Ctrl+C does not reach.
#[cfg(unix)]
pub(super) fn separate(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(windows)]
pub(super) fn separate(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    std::os::windows::process::CommandExt::creation_flags(command, CREATE_NEW_PROCESS_GROUP);
}

/// Ends the process and all its descendants.
#[cfg(windows)]
pub(super) fn terminate(child: &mut Child) {
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
            input: Vec::new(),
            command: command.to_owned(),
            variables,
            hidden_variables: Vec::new(),
            address: Some(address.to_owned()),
            startup_timeout: Duration::from_secs(20),
            is_guarded: false,
        }
    }

    /// Returns an address on which nothing listens.
    fn free_address() -> String {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
    }

    #[test]
    fn a_program_that_exits_at_once_is_reported_with_its_last_output() {
        let command =
            "echo $GREETING; seq 30; echo Error: port taken; echo; echo '    at x'; echo; echo Node.js v20; exit 3";
        let mut launched = false;
        let Err(error) = start(&program(command, &free_address()), interrupt(), &mut || launched = true) else {
            panic!("it did not start");
        };
        assert!(error.to_string().contains("exit status: 3"), "{error}");
        assert_eq!(error.program_output.len(), SHOWN_LINES);
        assert!(
            error.program_output.ends_with(&["30", "Error: port taken", "    at x", "Node.js v20"].map(str::to_owned)),
            "{error:?}"
        );
        assert!(launched);
    }

    #[test]
    fn a_process_that_already_listens_is_not_taken_for_the_program() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let launched = &mut || panic!("it must not be started");
        let Err(error) = start(&program("sleep 60", &address), interrupt(), launched) else {
            panic!("it was accepted")
        };
        assert!(error.message.contains("already"), "{error}");
    }

    #[test]
    fn the_standard_output_of_a_command_is_returned() {
        assert_eq!(output_of("echo 12; true", Duration::from_secs(20), &[]).unwrap(), b"12\n");
        assert!(output_of("exit 2", Duration::from_secs(20), &[]).unwrap_err().to_string().contains("exit status: 2"));
        let left_open = output_of("sleep 60 & echo 12", Duration::from_millis(500), &[]).unwrap_err().to_string();
        assert!(left_open.contains("still open"), "{left_open}");
        assert!(output_of("sleep 60", Duration::from_millis(50), &[]).unwrap_err().to_string().contains("timed out"));
    }

    /// `CARGO_MANIFEST_DIR` is set for tests, by cargo and by nextest.
    #[test]
    fn commands_do_not_inherit_hidden_variables() {
        let print = "echo ${CARGO_MANIFEST_DIR:-hidden}";
        let output = |hidden: &[&str]| output_of(print, Duration::from_secs(20), hidden).unwrap();
        assert_ne!(output(&[]), b"hidden\n");
        assert_eq!(output(&["CARGO_MANIFEST_DIR"]), b"hidden\n");
        let mut options = program(&format!("{print}; exit 3"), &free_address());
        options.hidden_variables = vec!["CARGO_MANIFEST_DIR".to_owned()];
        let Err(error) = start(&options, interrupt(), &mut || ()) else { panic!("it did not start") };
        assert_eq!(error.program_output, ["hidden"]);
    }

    #[test]
    fn descendants_end_with_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let command = format!("sh -c 'trap \"\" HUP; echo $$ > {}; exec sleep 60' & wait", file.display());
        let mut child = shell(&command).spawn().unwrap();
        let written = || std::fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'));
        let pid = std::iter::repeat_with(written).flatten().next().unwrap();
        terminate(&mut child);
        let is_alive =
            || Command::new("kill").args(["-0", pid.trim()]).stderr(Stdio::null()).status().unwrap().success();
        // The process that inherits it needs a moment to reap it.
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_alive() && Instant::now() < deadline {
            thread::yield_now();
        }
        assert!(!is_alive(), "{pid}");
    }
}
