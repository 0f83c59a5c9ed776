//! All that the program can do to the outside, on one screen.
//!
//! Commands get a `World` and nothing else; the real one is built in `edge`, and tests make their own. Everything here is
//! plain and blocking: what needs threads or async keeps it to itself. What a listener and the store can do stands in `listening` and `store`.

mod listening;
mod store;

pub use listening::{
    AckMode, AckPolicy, AnsweredDelivery, DroppedEvents, ForwardOptions, ListenOptions, ListenerEvent,
    MAX_PASSTHROUGH_BODY, PrepareFn, RouteFn, RunningListener, StoreLocation, VerifyFn,
};
pub use store::Store;

use crate::model::error::Result;
use crate::model::exchange::{NextRequest, SentRequest, ServerReply};
use crate::model::message::Request;
use crate::model::timestamp::Timestamp;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What is asked of a person is read here.
    Input,
    /// The data asked for.
    Output,
    /// Everything said to a person.
    Error,
}

/// The outside.
pub trait World: Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// The zone in which times are shown to a person.
    fn time_zone(&self) -> jiff::tz::TimeZone;
    /// Fills the buffer with bytes that nobody can guess.
    fn fill_random(&self, buffer: &mut [u8]);
    /// An environment variable that is set, not empty, and text.
    fn env_var(&self, name: &str) -> Option<String>;
    /// How the user would call this very program again.
    fn invocation(&self) -> String;

    /// Standard output, buffered: flush it before waiting.
    fn stdout(&self) -> Box<dyn Write + '_>;
    /// Standard error, unbuffered.
    fn stderr(&self) -> Box<dyn Write + '_>;
    /// Standard input.
    fn stdin(&self) -> Box<dyn Read + Send + '_>;
    /// Whether a person sits at this stream.
    fn is_terminal(&self, stream: Stream) -> bool;
    /// How many columns the terminal at this stream has. `None`: there is none, or it does not say.
    fn columns(&self, stream: Stream) -> Option<u16>;
    /// A progress bar on standard error over `total` steps; it stays silent where no person would see it, or where there are none.
    fn progress(&self, total: u64) -> Box<dyn Progress + '_>;

    /// The permission bits of a file or folder. `None`: it is not there, or the system has no such bits.
    fn file_mode(&self, path: &Path) -> Option<u32>;
    /// Tries whether files can be made in a folder, or, where it is not there, in the nearest one above it that is. Nothing is left behind.
    fn check_writable(&self, folder: &Path) -> io::Result<()>;
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send + '_>>;
    /// Writes a file that holds nothing secret, whole or not at all, in place of one that may be there; its folder is made when it is not.
    fn write_file(&self, path: &Path, bytes: &[u8]) -> Result<()>;
    /// Whether there is a file of this name.
    fn file_exists(&self, path: &Path) -> bool;
    /// Lets the person change these bytes in their editor (`VISUAL`, `EDITOR`), and gives back what they saved.
    fn edit(&self, bytes: &[u8]) -> Result<Vec<u8>>;
    /// The working folder and those above it, up to the root of its repository, the nearest first; outside of a repository the working
    /// folder alone. Empty: it can't be told.
    fn project_folders(&self) -> Vec<PathBuf>;
    /// The folder for whtool's own data; it may not exist yet.
    fn data_dir(&self) -> Result<PathBuf>;
    /// The folder for the user's settings; it may not exist yet.
    fn config_dir(&self) -> Result<PathBuf>;
    /// Reads a file of secrets; `None`: there is none. A file or folder that others may read is refused.
    fn read_secret_file(&self, path: &Path) -> Result<Option<Vec<u8>>>;
    /// Writes a new file of secrets (mode 0600, folder 0700), synced. `false`: there is one already, and it was left alone.
    fn create_secret_file(&self, path: &Path, bytes: &[u8]) -> Result<bool>;
    /// Makes a file of secrets anew out of what it holds (`None`: it is not there), synced, whole or not at all; several
    /// processes take turns. An error of `change` leaves it as it is.
    fn update_secret_file(&self, path: &Path, change: &mut FileChange<'_>) -> Result<()>;
    /// Removes a file of secrets; none is no error.
    fn remove_secret_file(&self, path: &Path) -> Result<()>;
    /// Makes a file of the user's anew out of what it holds, whole or not at all. It keeps its mode; a new one is for its owner only.
    fn update_file(&self, path: &Path, change: &mut FileChange<'_>) -> Result<FileVisibility>;
    /// Asks the person for a secret at the terminal, without showing it.
    fn prompt_hidden(&self, question: &str) -> Result<Vec<u8>>;

    /// Starts a program of the user's by the shell, in a group of its own.
    /// `launched` is called as soon as it runs, before it is ready.
    fn start_process(&self, program: &ProcessOptions, launched: &mut dyn FnMut()) -> Result<Box<dyn RunningProcess>>;
    /// Runs a command by the shell and returns what it wrote to its standard output; it must succeed, and within this time.
    fn run_command(&self, command: &str, limit: Duration) -> Result<Vec<u8>>;
    /// Opens a file for reading and for writing at its end, creating it and its folder if they do not exist. Only its
    /// owner may read it. While another process has it open, the error is `ResourceBusy`.
    fn append(&self, path: &Path) -> io::Result<Box<dyn AppendFile + '_>>;

    /// Opens the store in this file; it is made when it is not there, in a folder that is there or can be made.
    fn open_store(&self, path: &Path) -> Result<Box<dyn Store>>;

    /// Starts to receive. `judge` is called for each POST, on several threads at once.
    fn listen(&self, options: &ListenOptions, verify: VerifyFn) -> Result<Box<dyn RunningListener>>;
    /// Starts to serve plain HTTP on this machine, for clients of the user's own.
    fn serve(&self, address: SocketAddr, handler: RequestHandler) -> Result<Box<dyn RunningServer>>;
    /// Sends what `next` hands out until it hands out nothing and all is answered, telling `done` of each; the two are called by
    /// turns on this thread, and `done` in the order in which answers came.
    fn send(
        &self,
        options: &SendOptions,
        next: &mut dyn FnMut() -> NextRequest,
        done: &mut dyn FnMut(SentRequest),
    ) -> Result<SendStatus>;
}

/// From what a file holds to what it shall hold.
pub type FileChange<'c> = dyn FnMut(Option<Vec<u8>>) -> Result<Vec<u8>> + 'c;

/// Who can read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileVisibility {
    /// Its owner only.
    OwnerOnly,
    /// Other users of the machine, too.
    Shared,
}

/// A file that is written at its end.
pub trait AppendFile: Write {
    /// Reads the whole file from its start.
    fn contents(&mut self) -> io::Result<Box<dyn Read + '_>>;
    /// Cuts the file to its first `length` bytes; writing continues after them.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Writes everything to the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// Steps done, shown to a person.
pub trait Progress {
    /// One more step is done.
    fn step(&mut self);
    /// Does something, such as writing to the same terminal, while the bar is not there.
    fn suspend(&mut self, work: &mut dyn FnMut()) {
        work();
    }
    /// The work is over: the bar goes away.
    fn finish(&mut self);
}

/// A program to start.
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// A command for the shell.
    pub command: String,
    /// Variables that it gets beside those of this process.
    pub variables: Vec<(String, String)>,
    /// Host and port where it accepts connections once it is ready; nobody may do so before.
    pub address: String,
    /// How long that may take.
    pub startup_timeout: Duration,
}

/// A program that runs. Dropping it ends it and everything it started.
pub trait RunningProcess {
    /// How it ended, when it did, as `exit status: 1`.
    fn exit_status(&mut self) -> Option<String>;
    /// What it wrote last, to both of its streams: strangers' text.
    fn output(&self) -> Vec<u8>;
    /// Whether there was a Ctrl+C or SIGTERM that nobody was told of yet.
    fn is_interrupted(&mut self) -> bool;
}

/// Turns a request, and the time, into what is answered. It is called on several threads at once.
pub type RequestHandler = Arc<dyn Fn(Request, Timestamp) -> ServerReply + Send + Sync>;

/// A running server. Dropping it ends it.
pub trait RunningServer {
    /// Where it accepts connections.
    fn address(&self) -> SocketAddr;
}

/// How to send.
#[derive(Clone, Debug)]
pub struct SendOptions {
    /// How many requests may be under way at once; at least 1.
    pub concurrency: usize,
    /// At most so many requests are started in a second.
    pub per_second: Option<f64>,
    /// How long one request may take.
    pub timeout: Duration,
    /// What a target must show that speaks TLS.
    pub certificates: CertificateCheck,
    /// How much of an answer's body is wanted, in bytes.
    pub max_body: usize,
}

/// How much of an answer to a webhook is wanted: more than anybody reads.
pub const MAX_ANSWER_BODY: usize = 64 * 1024;

/// Whether the certificate of a target is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateCheck {
    /// It must be one that this machine trusts, for the target's name.
    Verify,
    /// Any will do, such as a self-signed one: nobody knows who answers.
    Skip,
}

/// How sending ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendStatus {
    /// Everything was sent.
    Complete,
    /// Ctrl+C: what was under way is not known.
    Interrupted,
}
