//! The interface between commands and the outside: small traits, which `World` joins.
//!
//! Commands get a `&dyn World` and nothing else. `edge::Machine` implements it; tests implement
//! their own. Every method is blocking: threads and async code stay inside the implementation.
//! Options and events of a listener are in `listening`, servers in `serving`, the queries of a store
//! in `store`.

mod listening;
mod rows;
mod serving;
mod store;

pub use listening::{
    AckMode, AckPolicy, AnsweredDelivery, DroppedEvents, ForwardOptions, ListenOptions, ListenerEvent,
    MAX_PASSTHROUGH_BODY, PrepareFn, RouteFn, RunningListener, SecretSource, VerifyFn,
};
pub use rows::{Database, DatabaseQuery, PostgresUrl, RowSources, StreamedCommand};
pub use serving::{
    HandlerReply, RefusalHandler, ReplyStream, ReplyWriter, RequestHandler, RunningServer, ServeOptions, reply_stream,
};
pub use store::{
    DEFAULT_INBOX, MIN_FREE, MIN_FREE_FOR_BODIES, MissingStore, PostgresStore, SchemaChange, Store, StoreLocation,
    StoreLock,
};

use crate::model::error::Result;
use crate::model::exchange::{NextRequest, OutgoingRequest, SentRequest};
use crate::model::program_output::ProgramOutput;
use crate::model::shell::Shell;
use crate::model::temporary_file::TemporaryFile;
use crate::model::timestamp::Timestamp;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Input,
    Output,
    Error,
}

/// Everything that the program can do outside its own memory.
pub trait World:
    Clock + Environment + Streams + Terminal + Files + SecretFiles + Processes + RowSources + Network + Sync
{
}

impl<W: Clock + Environment + Streams + Terminal + Files + SecretFiles + Processes + RowSources + Network + Sync> World
    for W
{
}

pub trait Clock {
    fn now(&self) -> Timestamp;
    /// Returns the time zone in which times are shown.
    fn time_zone(&self) -> jiff::tz::TimeZone;
}

/// Variables, folders and random bytes.
pub trait Environment {
    /// Returns the value of an environment variable. `None`: it is not set, empty, or not UTF-8.
    fn env_var(&self, name: &str) -> Option<String>;
    /// Returns the word by which the user can call this program again.
    fn invocation(&self) -> String;
    /// Returns the shell in which the user pastes what is suggested.
    fn shell(&self) -> Shell;
    /// Returns the names of the user and the machine: `user@host`.
    fn user_at_host(&self) -> String;
    /// Returns the working directory and its ancestors up to the root of its git repository,
    /// nearest first. Outside of a repository: the working directory alone. Empty: it cannot be
    /// determined.
    fn project_folders(&self) -> Vec<PathBuf>;
    /// Returns true if a shell finds a program of this name.
    fn has_program(&self, name: &str) -> bool;
    /// Returns the folder for whtool's own data, which may not exist yet.
    fn data_dir(&self) -> Result<PathBuf>;
    /// Returns the folder for the user's settings, which may not exist yet.
    fn config_dir(&self) -> Result<PathBuf>;
    /// Fills the buffer with bytes from the system's secure random generator.
    fn fill_random(&self, buffer: &mut [u8]);
}

pub trait Streams {
    /// Standard output, buffered: flush it before waiting.
    fn stdout(&self) -> Box<dyn Write + '_>;
    /// Standard error, unbuffered.
    fn stderr(&self) -> Box<dyn Write + '_>;
    fn stdin(&self) -> Box<dyn Read + Send + '_>;
}

pub trait Terminal {
    fn is_terminal(&self, stream: Stream) -> bool;
    /// Returns the width of the terminal. `None`: the stream is no terminal, or its width is
    /// unknown.
    fn columns(&self, stream: Stream) -> Option<u16>;
    /// Shows a progress bar on standard error. Invisible without a terminal, or if `total` is 0.
    fn progress(&self, total: u64) -> Box<dyn Progress + '_>;
    /// Starts to read single keys. `None`: standard input or output is no terminal, this process
    /// runs in the background, or the system is not supported.
    fn keys(&self) -> Option<Box<dyn Keys + '_>>;
    /// Prompts for a secret without echoing it.
    fn prompt_hidden(&self, question: &str) -> Result<Vec<u8>>;
    /// Opens the bytes in the user's editor (`VISUAL`, `EDITOR`) and returns what was saved. The
    /// editor does not inherit the variables of these names.
    fn edit(&self, bytes: &[u8], hidden_variables: &[&str]) -> Result<Vec<u8>>;
}

/// Files that hold nothing secret, and stores.
pub trait Files {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send + '_>>;
    /// Returns a function that reads a small file, on any thread. Pipes and devices are an error,
    /// since they could block.
    fn file_reader(&self, path: &Path) -> FileReader;
    fn file_exists(&self, path: &Path) -> bool;
    /// Returns true if there is a file that is not empty.
    fn has_content(&self, path: &Path) -> bool;
    /// Returns true if both paths lead to one existing file.
    fn is_same_file(&self, one: &Path, other: &Path) -> bool;
    /// Returns the permission bits. `None`: there is no such file or folder, or the system has no
    /// such bits.
    fn file_mode(&self, path: &Path) -> Option<u32>;
    /// Checks that files can be created in the folder or, if it does not exist, in its nearest
    /// existing ancestor. Leaves nothing behind.
    fn check_writable(&self, folder: &Path) -> io::Result<()>;
    /// Checks that `write_output` may write this file, as far as that can be known before.
    fn check_output(&self, path: &Path, is_own: &IsOwnOutput<'_>) -> Result<()>;
    /// Writes an output file atomically, from everything that `content` has. An existing file is
    /// replaced only if it is empty or an earlier output of the same command, and keeps its mode.
    /// Devices and pipes are written to. Missing folders are created.
    fn write_output(
        &self,
        path: &Path,
        content: &mut dyn Read,
        visibility: FileVisibility,
        is_own: &IsOwnOutput<'_>,
    ) -> Result<()>;
    /// Replaces the content of one of the user's files atomically. The mode is kept; a new file has
    /// mode 0600.
    fn update_file(&self, path: &Path, change: &mut FileChange<'_>) -> Result<FileVisibility>;
    /// Opens a file for reading and for writing at its end, creating it and its folder if they do
    /// not exist. Only its owner may read it. While another process has it open, the error is
    /// `ResourceBusy`; for anything but a regular file it is `InvalidInput`.
    fn append(&self, path: &Path) -> io::Result<Box<dyn AppendFile + '_>>;
    /// Creates a file without a name, for data that is too large for memory.
    fn temporary_file(&self) -> io::Result<Box<dyn TemporaryFile>>;
    /// Returns the bytes that this process may still write in the folder. `None`: unknown.
    fn free_space(&self, folder: &Path) -> Option<u64>;
    /// Returns true if there is a store in this file. An error: there may be one, but this user may
    /// not open it, or something else is in its place.
    fn store_exists(&self, location: &StoreLocation) -> Result<bool>;
    /// Opens the store in this file, creating file and folder if necessary.
    fn open_store(&self, location: &StoreLocation) -> Result<Box<dyn Store>>;
    /// Creates the tables of a store, or upgrades those of an older version.
    fn prepare_store(&self, location: &StoreLocation, missing: MissingStore) -> Result<SchemaChange>;
    /// Returns the SQL statements that `prepare_store` runs in a PostgreSQL database without a store.
    fn store_script(&self) -> String;
    /// Locks a store for a use that only one process may have at a time. `None`: another one has it.
    fn lock_store(&self, location: &StoreLocation, purpose: &str) -> Result<Option<Box<dyn StoreLock + '_>>>;
}

/// Files that hold secrets: mode 0600, in a folder of mode 0700. Wider modes are refused.
pub trait SecretFiles {
    /// `None`: there is no such file.
    fn read_secret_file(&self, path: &Path) -> Result<Option<Vec<u8>>>;
    /// Returns a function that reads the file again, on any thread.
    fn secret_file_reader(&self, path: &Path) -> SecretFileReader;
    /// Creates a file and syncs it. Returns `false`, and changes nothing, if it exists already.
    fn create_secret_file(&self, path: &Path, bytes: &[u8]) -> Result<bool>;
    /// Creates a file of this many zeros and syncs it, so that its space is there when the content
    /// comes.
    fn reserve_secret_file(&self, path: &Path, length: usize) -> Result<()>;
    /// Writes the content of a reserved file in place and syncs it.
    fn fill_secret_file(&self, path: &Path, bytes: &[u8]) -> Result<()>;
    /// Replaces the content atomically and syncs it, holding a lock against other processes. If
    /// `change` fails, the file stays as it is.
    fn update_secret_file(&self, path: &Path, change: &mut FileChange<'_>) -> Result<()>;
    /// Removes a file. A missing one is not an error.
    fn remove_secret_file(&self, path: &Path) -> Result<()>;
}

pub trait Processes {
    /// Returns true if SIGTERM or the end of the terminal, rather than Ctrl+C, asked this process to
    /// stop.
    fn was_terminated(&self) -> bool;
    /// Does what Ctrl+C does.
    fn interrupt(&self);
    /// Subscribes to Ctrl+C and SIGTERM. As long as the subscription exists, the first one does not
    /// end the process.
    fn interrupt_waiter(&self) -> Result<Box<dyn InterruptWaiter>>;
    /// Starts a command of the user's in a shell, in its own process group, and waits until it
    /// accepts connections. `launched` is called before that wait.
    fn start_process(&self, program: &ProcessOptions, launched: &mut dyn FnMut()) -> Result<Box<dyn RunningProcess>>;
    /// Runs a command in a shell and returns its standard output. It must succeed within `timeout`,
    /// and does not inherit the variables of these names.
    fn run_command(&self, command: &str, timeout: Duration, hidden_variables: &[&str]) -> Result<Vec<u8>> {
        self.command_runner()(command, timeout, hidden_variables)
    }
    /// Runs this program again with these words and standard input, and returns its output. It is
    /// ended after `timeout`, which is an error.
    fn run_own_program(&self, words: &[String], input: &[u8], timeout: Duration) -> Result<ProgramOutput>;
    /// Opens a URL in the user's browser.
    fn open_in_browser(&self, url: &str) -> Result<()>;
    /// Returns a function that does what `run_command` does, on any thread.
    fn command_runner(&self) -> CommandRunner;
}

pub trait Network {
    /// Starts to receive deliveries. `verify` is called for each POST, on several threads.
    fn listen(&self, options: &ListenOptions, verify: VerifyFn) -> Result<Box<dyn RunningListener>>;
    /// Returns the addresses of a host name, as the system's resolver knows them. Used to decide
    /// about a target; a connection looks its name up again and enforces the decision.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
    /// Returns true for an address of one of this machine's network interfaces.
    fn is_own_address(&self, address: IpAddr) -> bool;
    /// Starts an HTTP server for clients on this machine. Requests under a foreign name, and of
    /// pages of another origin, are refused and reported to `refused`.
    fn serve(
        &self,
        options: &ServeOptions,
        handler: RequestHandler,
        refused: RefusalHandler,
    ) -> Result<Box<dyn RunningServer>>;
    /// Sends the requests that `next` returns until it has none and all are answered. `done` gets
    /// the results in the order of the answers. Both are called on this thread.
    fn send(
        &self,
        options: &SendOptions,
        next: &mut dyn FnMut() -> NextRequest,
        done: &mut dyn FnMut(SentRequest),
    ) -> Result<SendStatus>;
    /// Sends one request and waits for its result, even after Ctrl+C or SIGTERM.
    fn send_one(&self, options: &SendOptions, outgoing: OutgoingRequest) -> Result<SentRequest>;
}

/// Reads a secret file. `None`: there is no such file.
pub type SecretFileReader = Arc<dyn Fn() -> Result<Option<Vec<u8>>> + Send + Sync>;

pub type FileReader = Arc<dyn Fn() -> io::Result<Vec<u8>> + Send + Sync>;

/// Runs a command within a time, without the variables of these names.
pub type CommandRunner = Arc<dyn Fn(&str, Duration, &[&str]) -> Result<Vec<u8>> + Send + Sync>;

/// Computes the new content of a file from the old. `None`: there is no file yet.
pub type FileChange<'c> = dyn FnMut(Option<Vec<u8>>) -> Result<Vec<u8>> + 'c;

/// Recognizes an earlier output of a command by the first bytes of a file, up to 4 KiB.
pub type IsOwnOutput<'f> = dyn Fn(&[u8]) -> bool + 'f;

/// The users who can read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileVisibility {
    OwnerOnly,
    /// Other users of the machine, too.
    Shared,
}

/// A file that is written at its end.
pub trait AppendFile: Write {
    /// Reads the whole file from its start.
    fn contents(&mut self) -> io::Result<Box<dyn Read + '_>>;
    /// Reads the line that starts at this byte. Writing continues at the end.
    fn line_at(&mut self, offset: u64) -> io::Result<Vec<u8>>;
    /// Cuts the file to its first `length` bytes; writing continues after them.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Writes everything to the disk.
    fn sync(&mut self) -> io::Result<()>;
}

pub trait Progress {
    fn step(&mut self);
    /// Hides the bar while `work` writes to the same terminal.
    fn suspend(&mut self, work: &mut dyn FnMut()) {
        work();
    }
    fn finish(&mut self);
}

/// Keys typed at the terminal, which does not echo them. Dropping it restores the terminal's mode.
pub trait Keys {
    /// Returns the next key without waiting. `None`: there is none.
    fn next(&mut self) -> Option<char>;
}

/// Ctrl+C or SIGTERM.
pub trait InterruptWaiter {
    /// Waits at most this long. Returns true, at once, if the signal has come since the
    /// subscription.
    fn wait(&mut self, timeout: Duration) -> bool;
}

/// A command of the user's that starts a server.
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// Command line for the shell.
    pub command: String,
    /// Variables in addition to those of this process.
    pub variables: Vec<(String, String)>,
    /// Variables that it does not inherit.
    pub hidden_variables: Vec<String>,
    /// Bytes for its standard input.
    pub input: Vec<u8>,
    /// Host and port on which it accepts connections once it is ready. Nothing else may listen
    /// there before. `None`: it is not waited for.
    pub address: Option<String>,
    pub startup_timeout: Duration,
    /// End it also if this process is killed. This takes one more process.
    pub is_guarded: bool,
}

/// A running process. Dropping it ends it and its children.
pub trait RunningProcess {
    /// Returns how it ended, such as `exit status: 1`. `None`: it is still running.
    fn exit_status(&mut self) -> Option<String>;
    /// Returns the end of its output, both streams together. Untrusted text.
    fn output(&self) -> Vec<u8>;
    /// Returns true once after each Ctrl+C or SIGTERM.
    fn is_interrupted(&mut self) -> bool;
}

#[derive(Clone, Debug)]
pub struct SendOptions {
    /// Most requests at once; at least 1.
    pub concurrency: usize,
    /// Most requests started per second.
    pub per_second: Option<f64>,
    /// Time limit of one request.
    pub timeout: Duration,
    pub certificates: CertificateCheck,
    /// Longest part of an answer's body that is kept, in bytes.
    pub max_body: usize,
}

/// Longest part of an answer to a webhook that is kept, in bytes.
pub const MAX_ANSWER_BODY: usize = 64 * 1024;

/// Treatment of a target's TLS certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateCheck {
    /// It must be trusted by this machine and match the name of the target.
    Verify,
    /// Any certificate is accepted, such as a self-signed one.
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendStatus {
    Complete,
    /// Ctrl+C or SIGTERM: the results of open requests are unknown.
    Interrupted,
}
