//! A `World` in memory: streams and files are buffers, the clock is fixed, the network is a list of
//! answers.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io::{self, Cursor, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tempfile::TempDir;
use whtool::model::address::{Reach, TargetHost, are_local};
use whtool::model::bind::SecondAddress;
use whtool::model::delivery::Delivery;
use whtool::model::error::{Error, Result};
use whtool::model::exchange::*;
use whtool::model::message::Request;
use whtool::model::program_output::ProgramOutput;
use whtool::model::shell::Shell;
use whtool::model::stored::CaptureId;
use whtool::model::target_fault::TargetFault;
use whtool::model::temporary_file::TemporaryFile;
use whtool::model::timestamp::Timestamp;
use whtool::world::*;

pub const PLEXOS_SECRET: &str = "whsec_test_secret_do_not_use";
pub const PLUSTIVE_SECRET: &str = "plustive_test_secret_do_not_use";
/// 2025-01-15T10:30:00Z, the time of the published Plexos sample.
pub const NOW: i64 = 1_736_937_000;

/// The world of one test.
#[derive(Default)]
pub struct TestWorld {
    pub variables: HashMap<String, String>,
    pub files: HashMap<PathBuf, Vec<u8>>,
    pub input: Vec<u8>,
    pub terminals: Vec<Stream>,
    /// Keys that are typed, one for each look at the keyboard; `.` is none. Empty: no keys are read.
    pub keys: Mutex<String>,
    /// Width of the terminals.
    pub columns: Option<u16>,
    /// Requests that `listen` receives, in order.
    pub deliveries: Mutex<Vec<Request>>,
    /// Answers of the targets, used in turn. Empty: always 200.
    pub answers: Vec<std::result::Result<u16, SendFailure>>,
    /// Body of the targets' answers; `said` by default.
    pub said: Option<Vec<u8>>,
    pub sent: Mutex<Vec<OutgoingRequest>>,
    /// Captures that the listener was asked to forward again, with the URLs.
    pub again: Arc<Mutex<Vec<(i64, String)>>>,
    pub interrupted: Arc<AtomicBool>,
    /// Output of each process that is started; it never ends. `None`: none can be started. Time
    /// passes until the command ends by itself.
    pub process_output: Option<&'static str>,
    /// Options of the last `send`.
    pub sending: Mutex<Option<SendOptions>>,
    pub private: Mutex<HashMap<PathBuf, Vec<u8>>>,
    pub out: Mutex<Vec<u8>>,
    pub err: Mutex<Vec<u8>>,
    pub random: Mutex<u64>,
    /// Time that has passed since `NOW`; it passes while a listener waits.
    pub clock: Arc<Mutex<Duration>>,
    pub home: OnceLock<TempDir>,
    /// Permission bits that differ from those of the real files.
    pub modes: HashMap<PathBuf, u32>,
    /// `Date` header of the answers.
    pub date: Option<String>,
    /// Files written with `write_file`.
    pub written: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
    /// Addresses of host names; other names are unknown.
    pub hosts: HashMap<String, Vec<IpAddr>>,
    /// The working directory and its ancestors.
    pub folders: Vec<PathBuf>,
    /// Number of waits for a signal until it comes.
    pub waits: u32,
}

/// The result of one command.
pub struct Run {
    pub status: u8,
    pub out: Vec<u8>,
    pub err: String,
}

impl Run {
    pub fn text(&self) -> String {
        String::from_utf8(self.out.clone()).expect("the output is text")
    }

    /// Returns the lines of the output as JSON.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

impl TestWorld {
    /// Creates a world with the secrets of the test vectors.
    pub fn with_secrets() -> Self {
        let mut world = Self::default();
        world.variables.insert("PLEXOS_WEBHOOK_SECRET".to_owned(), PLEXOS_SECRET.to_owned());
        world.variables.insert("PLUSTIVE_WEBHOOK_SECRET".to_owned(), PLUSTIVE_SECRET.to_owned());
        world
    }

    pub fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.files.insert(PathBuf::from(path), bytes.as_ref().to_vec());
        self
    }

    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = bytes.as_ref().to_vec();
        self
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Makes standard output a terminal of this width, without colors.
    pub fn columns(mut self, columns: u16) -> Self {
        self.columns = Some(columns);
        self.terminal(Stream::Output).variable("NO_COLOR", "1")
    }

    pub fn terminal(mut self, stream: Stream) -> Self {
        self.terminals.push(stream);
        self
    }

    pub fn delivered(mut self, requests: impl IntoIterator<Item = Request>) -> Self {
        self.deliveries = Mutex::new(requests.into_iter().collect());
        self
    }

    /// Returns output with the temporary folder as HOME, and with slashes in the paths below it.
    /// JSON escapes the backslashes of Windows.
    pub fn hide_home(&self, output: &str) -> String {
        let Some(home) = self.home.get() else { return output.to_owned() };
        let home = home.path().display().to_string();
        let output = output.replace(&home.replace('\\', r"\\"), &home);
        let mut pieces = output.split(&home);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |text, piece| {
            let (path, rest) = piece.split_at(piece.find([' ', '\n', '"', '`', '\'', ',']).unwrap_or(piece.len()));
            format!("{text}HOME{}{rest}", path.replace(MAIN_SEPARATOR, "/").replace("//", "/"))
        })
    }

    /// Returns the path of a file that is really written, in a temporary folder.
    fn real_path(&self, path: &Path) -> PathBuf {
        self.home.get_or_init(|| tempfile::tempdir().unwrap()).path().join(path)
    }

    /// Refuses a request that may only go to this machine and leads elsewhere.
    fn refuse_other_machine(&self, outgoing: &OutgoingRequest) -> Option<SendFailure> {
        let host = TargetHost::of_url(&outgoing.url).unwrap();
        let known = match host {
            TargetHost::Name(name) => self.hosts.get(name).cloned(),
            host => host.known_addresses(),
        };
        let is_refused = outgoing.reach == Reach::ThisMachine && !known.is_some_and(|known| are_local(&known));
        is_refused.then(|| SendFailure::Misconfigured(TargetFault::OtherMachine("not this machine".to_owned())))
    }

    /// Runs a command line, given without the program's name.
    pub fn run(&self, words: &[&str]) -> Run {
        let arguments = ["whtool"].iter().chain(words).map(OsString::from);
        let status = whtool::run(arguments, self);
        let out = std::mem::take(&mut *self.out.lock().unwrap());
        let err = std::mem::take(&mut *self.err.lock().unwrap());
        let err = String::from_utf8(with_slashes(err)).expect("messages are text");
        Run { status, out: with_slashes(out), err }
    }
}

/// Returns the output with the paths of settings files as on Unix: Windows joins them to their
/// made-up folders with a backslash, which JSON escapes.
fn with_slashes(output: Vec<u8>) -> Vec<u8> {
    if cfg!(unix) {
        return output;
    }
    let Ok(mut text) = String::from_utf8(output.clone()) else { return output };
    for name in ["whtool.toml", "config.toml"] {
        for separator in [r"\\", r"\"] {
            text = text.replace(&format!("{separator}{name}"), &format!("/{name}"));
        }
    }
    text.into_bytes()
}

struct Sink<'a>(&'a Mutex<Vec<u8>>);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Silent;

impl Progress for Silent {
    fn step(&mut self) {}
    fn finish(&mut self) {}
}

impl Clock for TestWorld {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW).unwrap() + *self.clock.lock().unwrap()
    }

    fn time_zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }
}

impl Environment for TestWorld {
    fn env_var(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn invocation(&self) -> String {
        "whtool".to_owned()
    }

    fn shell(&self) -> Shell {
        Shell::Posix
    }

    fn has_program(&self, _name: &str) -> bool {
        false
    }

    fn user_at_host(&self) -> String {
        "ana@laptop".to_owned()
    }

    fn project_folders(&self) -> Vec<PathBuf> {
        self.folders.clone()
    }

    fn data_dir(&self) -> Result<PathBuf> {
        Ok(self.home.get_or_init(|| tempfile::tempdir().unwrap()).path().join("data"))
    }

    fn config_dir(&self) -> Result<PathBuf> {
        Ok(PathBuf::from("/config"))
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        let mut state = self.random.lock().unwrap();
        for byte in buffer {
            // Knuth's LCG: the same bytes in every run.
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
    }
}

impl Streams for TestWorld {
    fn stdout(&self) -> Box<dyn Write + '_> {
        Box::new(Sink(&self.out))
    }

    fn stderr(&self) -> Box<dyn Write + '_> {
        Box::new(Sink(&self.err))
    }

    fn stdin(&self) -> Box<dyn Read + Send + '_> {
        Box::new(Cursor::new(self.input.clone()))
    }
}

impl Terminal for TestWorld {
    fn is_terminal(&self, stream: Stream) -> bool {
        self.terminals.contains(&stream)
    }

    fn columns(&self, stream: Stream) -> Option<u16> {
        self.columns.filter(|_| self.is_terminal(stream))
    }

    fn progress(&self, _total: u64) -> Box<dyn Progress + '_> {
        Box::new(Silent)
    }

    fn keys(&self) -> Option<Box<dyn Keys + '_>> {
        if self.keys.lock().unwrap().is_empty() { None } else { Some(Box::new(Typed(self))) }
    }

    fn prompt_hidden(&self, _question: &str) -> Result<Vec<u8>> {
        Ok(self.input.clone())
    }

    fn edit(&self, bytes: &[u8], _hidden: &[&str]) -> Result<Vec<u8>> {
        Ok(String::from_utf8_lossy(bytes).replace("10000", "777").into_bytes())
    }
}

/// The keys of a test.
struct Typed<'a>(&'a TestWorld);

impl Keys for Typed<'_> {
    fn next(&mut self) -> Option<char> {
        let mut keys = self.0.keys.lock().unwrap();
        let key = if keys.is_empty() { '.' } else { keys.remove(0) };
        Some(key).filter(|key| *key != '.')
    }
}

impl Files for TestWorld {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send + '_>> {
        match self.files.get(path) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn file_reader(&self, path: &Path) -> FileReader {
        let bytes = self.files.get(path).cloned();
        Arc::new(move || bytes.clone().ok_or_else(|| io::ErrorKind::NotFound.into()))
    }

    fn file_exists(&self, path: &Path) -> bool {
        self.files.contains_key(path) || path.is_file()
    }

    fn file_mode(&self, path: &Path) -> Option<u32> {
        let private = self.private.lock().unwrap().contains_key(path).then_some(0o600);
        self.modes.get(path).copied().or(private).or_else(|| whtool::edge::Machine.file_mode(path))
    }

    fn has_content(&self, path: &Path) -> bool {
        self.files.get(path).is_some_and(|bytes| !bytes.is_empty()) || whtool::edge::Machine.has_content(path)
    }

    fn is_same_file(&self, one: &Path, other: &Path) -> bool {
        whtool::edge::Machine.is_same_file(&self.real_path(one), &self.real_path(other))
    }

    fn check_writable(&self, folder: &Path) -> io::Result<()> {
        whtool::edge::Machine.check_writable(folder)
    }

    fn check_output(&self, path: &Path, is_own: &IsOwnOutput<'_>) -> Result<()> {
        whtool::edge::Machine.check_output(&self.real_path(path), is_own)
    }

    fn write_output(
        &self,
        path: &Path,
        content: &mut dyn Read,
        visibility: FileVisibility,
        is_own: &IsOwnOutput<'_>,
    ) -> Result<()> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).unwrap();
        self.written.lock().unwrap().insert(path.to_owned(), bytes.clone());
        whtool::edge::Machine.write_output(&self.real_path(path), &mut &bytes[..], visibility, is_own)
    }

    fn update_file(&self, path: &Path, change: &mut FileChange<'_>) -> Result<FileVisibility> {
        whtool::edge::Machine.update_file(&self.real_path(path), change)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn AppendFile + '_>> {
        whtool::edge::Machine.append(&self.real_path(path))
    }

    fn temporary_file(&self) -> io::Result<Box<dyn TemporaryFile>> {
        Ok(Box::new(Cursor::new(Vec::new())))
    }

    fn free_space(&self, folder: &Path) -> Option<u64> {
        whtool::edge::Machine.free_space(folder)
    }

    fn store_exists(&self, location: &StoreLocation) -> Result<bool> {
        whtool::edge::Machine.store_exists(location)
    }

    fn open_store(&self, location: &StoreLocation) -> Result<Box<dyn Store>> {
        whtool::edge::Machine.open_store(location)
    }

    fn prepare_store(&self, location: &StoreLocation, missing: MissingStore) -> Result<SchemaChange> {
        whtool::edge::Machine.prepare_store(location, missing)
    }

    fn store_script(&self) -> String {
        whtool::edge::Machine.store_script()
    }

    fn lock_store(&self, location: &StoreLocation, purpose: &str) -> Result<Option<Box<dyn StoreLock + '_>>> {
        whtool::edge::Machine.lock_store(location, purpose)
    }
}

impl SecretFiles for TestWorld {
    fn read_secret_file(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        Ok(self.private.lock().unwrap().get(path).cloned())
    }

    fn secret_file_reader(&self, path: &Path) -> SecretFileReader {
        let bytes = self.private.lock().unwrap().get(path).cloned();
        Arc::new(move || Ok(bytes.clone()))
    }

    fn create_secret_file(&self, path: &Path, bytes: &[u8]) -> Result<bool> {
        let mut files = self.private.lock().unwrap();
        let is_new = !files.contains_key(path);
        files.entry(path.to_owned()).or_insert_with(|| bytes.to_vec());
        Ok(is_new)
    }

    fn reserve_secret_file(&self, path: &Path, length: usize) -> Result<()> {
        self.create_secret_file(path, &vec![0; length]).map(drop)
    }

    fn fill_secret_file(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.private.lock().unwrap().insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn update_secret_file(&self, path: &Path, change: &mut FileChange<'_>) -> Result<()> {
        let mut files = self.private.lock().unwrap();
        let changed = change(files.get(path).cloned())?;
        files.insert(path.to_owned(), changed);
        Ok(())
    }

    fn remove_secret_file(&self, path: &Path) -> Result<()> {
        self.private.lock().unwrap().remove(path);
        Ok(())
    }
}

impl Processes for TestWorld {
    fn was_terminated(&self) -> bool {
        false
    }

    fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    fn interrupt_waiter(&self) -> Result<Box<dyn InterruptWaiter>> {
        Ok(Box::new(StopAfterWaits { clock: Arc::clone(&self.clock), left: self.waits }))
    }

    fn start_process(&self, program: &ProcessOptions, _launched: &mut dyn FnMut()) -> Result<Box<dyn RunningProcess>> {
        match self.process_output {
            Some(output) => Ok(Box::new(EndlessProcess(output))),
            None => Err(Error::failed(format!("can't start {}", program.command))),
        }
    }

    fn run_own_program(&self, words: &[String], _input: &[u8], _timeout: Duration) -> Result<ProgramOutput> {
        Err(Error::failed(format!("can't run whtool {}", words.join(" "))))
    }

    fn open_in_browser(&self, url: &str) -> Result<()> {
        Err(Error::failed(format!("can't open {url}")))
    }

    fn command_runner(&self) -> CommandRunner {
        Arc::new(|command, _, _| Err(Error::failed(format!("can't run {command}"))))
    }
}

impl RowSources for TestWorld {
    fn stream_command(&self, command: &StreamedCommand<'_>, output: &mut dyn Write) -> Result<Vec<String>> {
        whtool::edge::Machine.stream_command(command, output)
    }

    fn query(&self, query: &DatabaseQuery<'_>, output: &mut dyn Write) -> Result<()> {
        whtool::edge::Machine.query(query, output)
    }

    fn sqlite_tables(&self, path: &Path) -> Result<Option<Vec<String>>> {
        whtool::edge::Machine.sqlite_tables(path)
    }
}

struct EndlessProcess(&'static str);

impl RunningProcess for EndlessProcess {
    fn exit_status(&mut self) -> Option<String> {
        None
    }

    fn output(&self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    fn is_interrupted(&mut self) -> bool {
        false
    }
}

impl Network for TestWorld {
    fn listen(&self, options: &ListenOptions, verify: VerifyFn) -> Result<Box<dyn RunningListener>> {
        if options.addresses.port == 1 {
            return Err(Error::failed("can't listen on port 1"));
        }
        let mut requests = std::mem::take(&mut *self.deliveries.lock().unwrap());
        requests.reverse();
        let (now, clock, options) = (self.now(), Arc::clone(&self.clock), options.clone());
        let (again, interrupted) = (Arc::clone(&self.again), Arc::clone(&self.interrupted));
        let state = Scripted {
            requests,
            verify,
            now,
            options,
            clock,
            again,
            interrupted,
            received: 0,
            most_quiet: if self.process_output.is_some() { u32::MAX } else { 200 },
            quiet: 0,
            scripted: 0,
            closed: false,
        };
        Ok(Box::new(state))
    }

    fn serve(
        &self,
        options: &ServeOptions,
        _handler: RequestHandler,
        _refused: RefusalHandler,
    ) -> Result<Box<dyn RunningServer>> {
        if options.addresses.port == 1 {
            return Err(Error::failed("can't listen on port 1"));
        }
        Ok(Box::new(Placeholder(SocketAddr::new(options.addresses.main, options.addresses.port))))
    }

    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.hosts.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn is_own_address(&self, address: IpAddr) -> bool {
        address.is_loopback()
    }

    fn send(
        &self,
        options: &SendOptions,
        next: &mut dyn FnMut() -> NextRequest,
        done: &mut dyn FnMut(SentRequest),
    ) -> Result<SendStatus> {
        *self.sending.lock().unwrap() = Some(options.clone());
        let mut turn = 0;
        while let NextRequest::Send(outgoing) = next() {
            let outgoing = *outgoing;
            let answer = self.answers.get(turn % self.answers.len().max(1)).cloned().unwrap_or(Ok(200));
            let answer = self.refuse_other_machine(&outgoing).map_or(answer, Err);
            let mut answer = answer.map(|status| Answer::new(status, self.said.clone().unwrap_or(b"said".to_vec())));
            if let (Ok(answer), Some(date)) = (&mut answer, &self.date) {
                answer.headers.push("date", date.as_bytes()).unwrap();
            }
            done(SentRequest { number: outgoing.number, took: Duration::from_millis(1), answer });
            self.sent.lock().unwrap().push(outgoing);
            turn += 1;
        }
        Ok(SendStatus::Complete)
    }

    fn send_one(&self, options: &SendOptions, outgoing: OutgoingRequest) -> Result<SentRequest> {
        let (mut outgoing, mut result) = (Some(outgoing), None);
        self.send(options, &mut || NextRequest::from(outgoing.take()), &mut |sent| result = Some(sent))?;
        result.ok_or_else(Error::interrupted)
    }
}

/// Time that passes at once, and a signal after some waits.
struct StopAfterWaits {
    clock: Arc<Mutex<Duration>>,
    left: u32,
}

impl InterruptWaiter for StopAfterWaits {
    fn wait(&mut self, timeout: Duration) -> bool {
        if timeout > Duration::ZERO && self.left > 0 {
            self.left -= 1;
            *self.clock.lock().unwrap() += timeout;
            return false;
        }
        timeout > Duration::ZERO
    }
}

/// A server without clients.
struct Placeholder(SocketAddr);

impl RunningServer for Placeholder {
    fn address(&self) -> SocketAddr {
        self.0
    }

    fn second_address(&self) -> SecondAddress {
        SecondAddress::Unavailable
    }
}

/// A listener that receives the given requests and is then interrupted, or times out.
struct Scripted {
    requests: Vec<Request>,
    verify: VerifyFn,
    now: Timestamp,
    options: ListenOptions,
    clock: Arc<Mutex<Duration>>,
    again: Arc<Mutex<Vec<(i64, String)>>>,
    interrupted: Arc<AtomicBool>,
    received: i64,
    most_quiet: u32,
    quiet: u32,
    scripted: usize,
    closed: bool,
}

impl RunningListener for Scripted {
    fn address(&self) -> SocketAddr {
        SocketAddr::new(self.options.addresses.main, self.options.addresses.port)
    }

    fn second_address(&self) -> SecondAddress {
        SecondAddress::Unavailable
    }

    fn next(&mut self, timeout: Option<Duration>) -> ListenerEvent {
        if self.closed {
            return ListenerEvent::Closed;
        }
        if self.interrupted.swap(false, Ordering::Relaxed) {
            return ListenerEvent::Interrupted;
        }
        match self.requests.pop() {
            Some(request) => {
                let peer = Some("127.0.0.1:50000".parse().unwrap());
                let delivery = Delivery { request, peer, arrived: Some(self.now) };
                let received = (self.verify)(delivery, self.now);
                let good = received.verdict.is_verified() || self.options.ack_policy == AckPolicy::All;
                let script = &self.options.answers;
                let is_scripted = received.verdict.is_verified() && !script.is_empty();
                let answered = match script.get(self.scripted.min(script.len().saturating_sub(1))) {
                    Some(status) if is_scripted => *status,
                    _ if good => 200,
                    _ => 401,
                };
                self.scripted += usize::from(is_scripted);
                self.received += 1;
                ListenerEvent::Received(AnsweredDelivery {
                    received: Arc::new(received),
                    id: self.options.forward.as_ref().map(|_| CaptureId(self.received)),
                    status: answered,
                    is_scripted,
                    store_error: None,
                    store_note: None,
                })
            }
            None => match timeout {
                Some(timeout) if self.quiet < self.most_quiet => {
                    std::thread::yield_now();
                    self.quiet += 1;
                    *self.clock.lock().unwrap() += timeout;
                    ListenerEvent::TimedOut
                }
                _ => ListenerEvent::Interrupted,
            },
        }
    }

    fn forward_again(&mut self, id: CaptureId, urls: &[url::Url]) -> Result<bool> {
        self.again.lock().unwrap().extend(urls.iter().map(|url| (id.0, url.to_string())));
        Ok(true)
    }

    fn close(&mut self) {
        self.closed = true;
    }
}
