//! The implementation of `World`: the only code that touches clock, environment, files, streams,
//! processes and network.
//!
//! It shares values (`model`) and the traits of `world` with the rest of the crate, and imports
//! neither commands nor providers.

#![expect(clippy::disallowed_methods, reason = "clippy.toml forbids these methods everywhere else")]

mod browser;
mod clock;
mod command_stream;
mod core_dump;
mod csv_rows;
mod editor;
mod environment;
mod events;
mod files;
mod forwarder;
mod http;
mod journal_file;
mod keys;
mod listener;
mod own_program;
mod postgres;
mod process;
mod process_guard;
mod resolver;
mod runtime;
mod secret_file;
mod sender;
mod server;
mod signals;
mod sqlite_query;
mod store;
mod terminal;

use crate::model::error::Result;
use crate::model::exchange::{NextRequest, OutgoingRequest, SentRequest};
use crate::model::program_output::ProgramOutput;
use crate::model::shell::Shell;
use crate::model::temporary_file::TemporaryFile;
use crate::model::timestamp::Timestamp;
use crate::world::{
    AppendFile, Clock, CommandRunner, Database, DatabaseQuery, Environment, FileChange, FileReader, FileVisibility,
    Files, InterruptWaiter, IsOwnOutput, Keys, ListenOptions, MissingStore, Network, ProcessOptions, Processes,
    Progress, RefusalHandler, RequestHandler, RowSources, RunningListener, RunningProcess, RunningServer, SchemaChange,
    SecretFileReader, SecretFiles, SendOptions, SendStatus, ServeOptions, Store, StoreLocation, StoreLock, Stream,
    StreamedCommand, Streams, Terminal, VerifyFn,
};
use jiff::tz::TimeZone;
use signals::Interrupt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Prepares the process: memory stays out of core dumps, and the terminal shows colors.
pub fn prepare_process() {
    core_dump::disable();
    terminal::enable_colors();
}

/// The machine on which the process runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn time_zone(&self) -> TimeZone {
        TimeZone::system()
    }
}

impl Environment for Machine {
    fn env_var(&self, name: &str) -> Option<String> {
        environment::variable(name)
    }

    fn invocation(&self) -> String {
        environment::invocation()
    }

    fn shell(&self) -> Shell {
        environment::shell()
    }

    fn user_at_host(&self) -> String {
        environment::user_at_host()
    }

    fn project_folders(&self) -> Vec<PathBuf> {
        environment::project_folders()
    }

    fn has_program(&self, name: &str) -> bool {
        environment::has_program(name)
    }

    fn data_dir(&self) -> Result<PathBuf> {
        environment::data_dir()
    }

    fn config_dir(&self) -> Result<PathBuf> {
        environment::config_dir()
    }

    /// Panics if the system has no random bytes: no secret could be trusted then.
    fn fill_random(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("every system that whtool runs on has a source of random bytes");
    }
}

impl Streams for Machine {
    fn stdout(&self) -> Box<dyn Write + '_> {
        Box::new(terminal::stdout())
    }

    fn stderr(&self) -> Box<dyn Write + '_> {
        Box::new(io::stderr())
    }

    fn stdin(&self) -> Box<dyn Read + Send + '_> {
        Box::new(io::stdin())
    }
}

impl Terminal for Machine {
    fn is_terminal(&self, stream: Stream) -> bool {
        terminal::is_terminal(stream)
    }

    fn columns(&self, stream: Stream) -> Option<u16> {
        terminal::columns(stream)
    }

    fn progress(&self, total: u64) -> Box<dyn Progress + '_> {
        Box::new(terminal::progress(total))
    }

    fn keys(&self) -> Option<Box<dyn Keys + '_>> {
        let are_terminals = [Stream::Input, Stream::Output].into_iter().all(terminal::is_terminal);
        if are_terminals { keys::start().map(|keys| Box::new(keys) as _) } else { None }
    }

    fn prompt_hidden(&self, question: &str) -> Result<Vec<u8>> {
        terminal::prompt_hidden(question)
    }

    fn edit(&self, bytes: &[u8], hidden_variables: &[&str]) -> Result<Vec<u8>> {
        editor::edit(bytes, hidden_variables)
    }
}

impl Files for Machine {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(File::open(path)?))
    }

    fn file_reader(&self, path: &Path) -> FileReader {
        let path = path.to_owned();
        Arc::new(move || files::read_small(&path))
    }

    fn has_content(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0)
    }

    fn is_same_file(&self, one: &Path, other: &Path) -> bool {
        files::is_same(one, other)
    }

    fn file_exists(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn file_mode(&self, path: &Path) -> Option<u32> {
        secret_file::mode(path)
    }

    fn check_writable(&self, folder: &Path) -> io::Result<()> {
        files::check_writable(folder)
    }

    fn check_output(&self, path: &Path, is_own: &IsOwnOutput<'_>) -> Result<()> {
        files::check_output(path, is_own)
    }

    fn write_output(
        &self,
        path: &Path,
        content: &mut dyn Read,
        visibility: FileVisibility,
        is_own: &IsOwnOutput<'_>,
    ) -> Result<()> {
        files::write_output(path, content, visibility, is_own)
    }

    fn update_file(&self, path: &Path, change: &mut FileChange<'_>) -> Result<FileVisibility> {
        files::update(path, change)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn AppendFile + '_>> {
        Ok(Box::new(journal_file::open(path)?))
    }

    fn temporary_file(&self) -> io::Result<Box<dyn TemporaryFile>> {
        Ok(Box::new(tempfile::tempfile()?))
    }

    fn free_space(&self, folder: &Path) -> Option<u64> {
        store::free_space(folder)
    }

    fn store_exists(&self, location: &StoreLocation) -> Result<bool> {
        store::exists(location)
    }

    fn open_store(&self, location: &StoreLocation) -> Result<Box<dyn Store>> {
        store::open(location)
    }

    fn prepare_store(&self, location: &StoreLocation, missing: MissingStore) -> Result<SchemaChange> {
        store::prepare(location, missing)
    }

    fn store_script(&self) -> String {
        store::creation_script()
    }

    fn lock_store(&self, location: &StoreLocation, purpose: &str) -> Result<Option<Box<dyn StoreLock + '_>>> {
        store::lock(location, purpose)
    }
}

impl SecretFiles for Machine {
    fn read_secret_file(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        secret_file::read(path)
    }

    fn secret_file_reader(&self, path: &Path) -> SecretFileReader {
        let path = path.to_owned();
        Arc::new(move || secret_file::read(&path))
    }

    fn create_secret_file(&self, path: &Path, bytes: &[u8]) -> Result<bool> {
        secret_file::create(path, bytes)
    }

    fn reserve_secret_file(&self, path: &Path, length: usize) -> Result<()> {
        secret_file::reserve(path, length)
    }

    fn fill_secret_file(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        secret_file::fill(path, bytes)
    }

    fn update_secret_file(&self, path: &Path, change: &mut FileChange<'_>) -> Result<()> {
        secret_file::update(path, change)
    }

    fn remove_secret_file(&self, path: &Path) -> Result<()> {
        secret_file::remove(path)
    }
}

impl Processes for Machine {
    fn was_terminated(&self) -> bool {
        signals::was_terminated()
    }

    fn interrupt(&self) {
        signals::interrupt();
    }

    fn interrupt_waiter(&self) -> Result<Box<dyn InterruptWaiter>> {
        Ok(Box::new(signals::BlockingInterrupt::new(Interrupt::of_process()?)?))
    }

    fn start_process(&self, options: &ProcessOptions, on_start: &mut dyn FnMut()) -> Result<Box<dyn RunningProcess>> {
        Ok(Box::new(process::start(options, Interrupt::of_process()?, on_start)?))
    }

    fn run_own_program(&self, words: &[String], input: &[u8], timeout: Duration) -> Result<ProgramOutput> {
        own_program::run(words, input, timeout)
    }

    fn open_in_browser(&self, url: &str) -> Result<()> {
        browser::open(url)
    }

    fn command_runner(&self) -> CommandRunner {
        Arc::new(process::output_of)
    }
}

impl RowSources for Machine {
    fn stream_command(&self, command: &StreamedCommand<'_>, output: &mut dyn Write) -> Result<Vec<String>> {
        command_stream::stream(command, Interrupt::of_process()?, output)
    }

    fn query(&self, query: &DatabaseQuery<'_>, output: &mut dyn Write) -> Result<()> {
        let (sql, timeout, interrupt) = (query.sql, query.timeout, Interrupt::of_process()?);
        match query.database {
            Database::Sqlite(path) => sqlite_query::query(path, sql, timeout, interrupt, output),
            Database::Postgres(url) => postgres::query(url, sql, timeout, interrupt, &environment::variable, output),
        }
    }

    fn sqlite_tables(&self, path: &Path) -> Result<Option<Vec<String>>> {
        sqlite_query::tables(path)
    }
}

impl Network for Machine {
    fn listen(&self, options: &ListenOptions, verify: VerifyFn) -> Result<Box<dyn RunningListener>> {
        let timeouts = http::Timeouts::default();
        Ok(Box::new(listener::start(options, verify, timeouts, Interrupt::of_process()?)?))
    }

    fn serve(
        &self,
        options: &ServeOptions,
        handler: RequestHandler,
        refused: RefusalHandler,
    ) -> Result<Box<dyn RunningServer>> {
        Ok(Box::new(server::start(options, handler, refused)?))
    }

    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        resolver::look_up(name)
    }

    fn is_own_address(&self, address: IpAddr) -> bool {
        resolver::is_own_address(address)
    }

    fn send(
        &self,
        options: &SendOptions,
        next: &mut dyn FnMut() -> NextRequest,
        done: &mut dyn FnMut(SentRequest),
    ) -> Result<SendStatus> {
        sender::send(options, Interrupt::of_process()?, next, done)
    }

    fn send_one(&self, options: &SendOptions, outgoing: OutgoingRequest) -> Result<SentRequest> {
        sender::send_one(options, outgoing)
    }
}
