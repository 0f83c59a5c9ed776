//! `listen --tunnel`: runs the user's tunnel program, proves that its URL leads here, and tells when
//! the link is lost.
//!
//! A supervisor runs on its own thread, since a check of the URL may take seconds. It sends a GET
//! with a random path to the URL; the tunnel is up when that request arrives at this listener.

use super::tunnel_endpoint::TunnelEndpoint;
use crate::command::Session;
use crate::command::shared::api::Confirmation;
use crate::command::shared::endpoints::UrlPolicy;
use crate::command::shared::secrets::SecretArgs;
use crate::command::shared::target;
use crate::model::address::{Reach, is_local_by_name};
use crate::model::backoff::Backoff;
use crate::model::delivery::RejectedRequest;
use crate::model::error::{Error, Result};
use crate::model::exchange::{NextRequest, OutgoingRequest};
use crate::model::message::Request;
use crate::model::sanitize::escape_unsafe_bytes;
use crate::tunnel::{PROGRAMS, TunnelChoice, TunnelPlan, UrlLife, UrlPattern, UrlSource};
use crate::world::{CertificateCheck, MAX_ANSWER_BODY, ProcessOptions, RunningProcess, SendOptions};
use clap::Args;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use url::{Position, Url};

/// A public URL for the listener
#[derive(Args)]
#[command(next_help_heading = "Tunnel")]
pub(super) struct TunnelArgs {
    /// Give the listener a public URL with this program: cloudflared, ngrok, tailscale, zrok,
    /// localhost.run, pinggy, serveo, or ssh:HOST with --public-url. Without a value, with the first
    /// one that is installed
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, default_missing_value = "auto")]
    tunnel: Option<TunnelChoice>,
    /// Run this shell command as the tunnel; {port} is replaced by the listener's port
    #[arg(long, value_name = "COMMAND", conflicts_with = "tunnel")]
    tunnel_command: Option<String>,
    /// Regular expression that finds the URL in the output of --tunnel-command
    #[arg(long, value_name = "REGEX", requires = "tunnel_command")]
    tunnel_url: Option<UrlPattern>,
    /// Public URL of the tunnel, if it is known before
    #[arg(long, value_name = "URL", value_parser = target::parse, conflicts_with = "tunnel_url")]
    public_url: Option<Url>,
    /// Register the URL with Plexos Pay while the tunnel is up, with this path, and delete the
    /// endpoint at the end
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "/")]
    register: Option<String>,
    /// Accept http URLs and private addresses as the public URL, for tests
    #[arg(long)]
    allow_http: bool,
}

/// Time within which the program must print its URL.
const URL_TIMEOUT: Duration = Duration::from_secs(30);
/// Time within which the URL must lead here. The names of new URLs take a while to spread.
const CHECK_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause before a new name is looked up for the first time: the answer that it does not exist would
/// be remembered for minutes.
const NAME_PAUSE: Duration = Duration::from_secs(2);
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Time between two checks of a tunnel that is up, and of one that is not.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Time in which a request that was answered is reported by the listener.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest pause before the program is started again.
const MAX_RESTART_PAUSE: Duration = Duration::from_secs(60);
/// Lines of the program's output in an error.
const SHOWN_LINES: usize = 5;

#[derive(Debug)]
pub(super) enum TunnelEvent {
    /// The program was started for the first time.
    Started,
    /// The URL leads here.
    Up(Url),
    /// It did, and no longer does.
    Lost(String),
    /// It never did.
    Failed(Error),
    /// The listener stops, and the program with it.
    Ended,
}

/// A tunnel whose supervisor runs.
pub(super) struct TunnelLink {
    pub name: String,
    pub url_life: UrlLife,
    /// The URL is registered with the provider that has an API for it.
    pub is_registered: bool,
    events: Receiver<TunnelEvent>,
    check: Arc<Check>,
    /// Dropped to stop the supervisor.
    _stop: Sender<Infallible>,
}

/// The request that proves that a URL leads to this listener.
struct Check {
    path: String,
    has_arrived: AtomicBool,
}

pub(super) struct Supervisor<'s> {
    plan: TunnelPlan,
    allow_http: bool,
    /// Variables that the program does not inherit.
    hidden_variables: Vec<String>,
    /// Port of the listener itself, whose own URL proves nothing.
    port: u16,
    session: &'s Session<'s>,
    events: Sender<TunnelEvent>,
    stop: Receiver<Infallible>,
    check: Arc<Check>,
}

impl TunnelArgs {
    /// Prepares to register the URL with the provider. `None`: it is not asked for.
    pub(super) fn endpoint<'s>(&self, yes: bool, session: &'s Session<'s>) -> Result<Option<TunnelEndpoint<'s>>> {
        let has_tunnel = self.tunnel.is_some() || self.tunnel_command.is_some();
        let flags = [("--public-url", self.public_url.is_some()), ("--register", self.register.is_some())];
        if let Some((flag, _)) = flags.iter().find(|(_, is_given)| *is_given && !has_tunnel) {
            return Err(Error::usage(format!("{flag} has no effect without a tunnel"))
                .hint("add --tunnel PROGRAM or --tunnel-command COMMAND"));
        }
        let policy = if self.allow_http { UrlPolicy::Any } else { UrlPolicy::PublicHttps };
        let confirmation = if yes { Confirmation::Given } else { Confirmation::Needed };
        self.register.as_ref().map(|path| TunnelEndpoint::new(path, policy, confirmation, session)).transpose()
    }

    /// Plans the tunnel to the listener's port. `None`: none is asked for.
    pub(super) fn plan(&self, port: u16, session: &Session<'_>) -> Result<Option<TunnelPlan>> {
        let public = || self.public_url.clone();
        if let Some(command) = &self.tunnel_command {
            let url = match (public(), &self.tunnel_url) {
                (Some(url), _) => UrlSource::Known(url),
                (None, Some(pattern)) => UrlSource::Matching(pattern.clone()),
                (None, None) => UrlSource::Printed(&[]),
            };
            return Ok(Some(TunnelPlan::of_command(command, port, url)));
        }
        let program = match &self.tunnel {
            None => return Ok(None),
            Some(TunnelChoice::Ssh(target)) => {
                let url = public().ok_or_else(|| {
                    Error::usage("ssh prints no URL").hint("add --public-url with the URL of the web server there")
                })?;
                return Ok(Some(TunnelPlan::through_ssh(target, port, url)));
            }
            Some(TunnelChoice::Program(program)) => program,
            Some(TunnelChoice::FirstInstalled) => {
                let mut defaults = PROGRAMS.iter().filter(|program| program.is_default());
                let names: Vec<_> = defaults.clone().map(|program| program.name).collect();
                defaults.find(|program| session.world.has_program(program.executable)).ok_or_else(|| {
                    Error::failed("no tunnel program is installed")
                        .because(format!("looked for {}", names.join(", ")))
                        .hint(format!("install cloudflared: {}", PROGRAMS[0].install))
                })?
            }
        };
        if !session.world.has_program(program.executable) {
            return Err(Error::failed(format!("{} is not installed", program.name))
                .because(format!("there is no program `{}` in PATH", program.executable))
                .hint(format!("install it: {}", program.install)));
        }
        Ok(Some(TunnelPlan::of_program(program, port, public())))
    }

    /// Connects a plan to a supervisor, which the caller runs on a thread.
    pub(super) fn supervisor<'s>(
        &self,
        plan: TunnelPlan,
        port: u16,
        secrets: &SecretArgs,
        session: &'s Session<'s>,
    ) -> (TunnelLink, Supervisor<'s>) {
        let mut random = [0; 12];
        session.world.fill_random(&mut random);
        let check = Arc::new(Check {
            path: format!("/whtool-check-{}", hex::encode(random)),
            has_arrived: AtomicBool::new(false),
        });
        let (events, link_events) = channel();
        let (stop_sender, stop) = channel();
        let link = TunnelLink {
            name: plan.name.clone(),
            url_life: plan.url_life,
            is_registered: self.register.is_some(),
            events: link_events,
            check: Arc::clone(&check),
            _stop: stop_sender,
        };
        let (allow_http, hidden) = (self.allow_http, secrets.variables());
        let hidden_variables = hidden.into_iter().map(str::to_owned).collect();
        (link, Supervisor { plan, allow_http, hidden_variables, port, session, events, stop, check })
    }
}

impl TunnelLink {
    /// Returns true, and lets the supervisor know, if this is the request of a check.
    pub(super) fn takes(&self, rejected: &RejectedRequest) -> bool {
        let is_check = rejected.request.contains(&self.check.path);
        self.check.has_arrived.fetch_or(is_check, Ordering::SeqCst);
        is_check
    }

    pub(super) fn next_event(&self) -> Option<TunnelEvent> {
        self.events.try_recv().ok()
    }
}

/// The end of one run of the program.
enum RunEnd {
    /// The listener stops.
    Stopped,
    Failed(Error),
}

/// The result of a check.
enum CheckResult {
    Arrived,
    /// The reason why it did not.
    Missing(String),
}

impl Supervisor<'_> {
    /// Runs the program, and starts it again when it ends, until the listener stops.
    pub(super) fn run(self) {
        let backoff = Backoff::new(Duration::from_secs(1), 2.0, MAX_RESTART_PAUSE);
        let (mut was_up, mut failures) = (false, 0);
        loop {
            let (before, end) = (was_up, self.run_once(&mut was_up));
            failures = if was_up && !before { 0 } else { failures };
            match end {
                RunEnd::Stopped => return,
                RunEnd::Failed(error) if !was_up => return drop(self.events.send(TunnelEvent::Failed(error))),
                RunEnd::Failed(error) => {
                    let pause = backoff.pause(failures);
                    failures += 1;
                    if failures == 1 {
                        let _ = self.events.send(TunnelEvent::Lost(error.message));
                    }
                    if self.is_stopped_within(pause) {
                        return;
                    }
                }
            }
        }
    }

    fn run_once(&self, was_up: &mut bool) -> RunEnd {
        let options = ProcessOptions {
            command: self.plan.command.clone(),
            variables: Vec::new(),
            hidden_variables: self.hidden_variables.clone(),
            input: Vec::new(),
            address: None,
            startup_timeout: Duration::ZERO,
            is_guarded: true,
        };
        let mut process = match self.session.world.start_process(&options, &mut || ()) {
            Ok(process) => process,
            Err(error) => return RunEnd::Failed(error),
        };
        let url = match self.wait_for_url(process.as_mut()) {
            Ok(Some(url)) => url,
            Ok(None) => return RunEnd::Stopped,
            Err(error) => return RunEnd::Failed(error),
        };
        *was_up = true;
        let _ = self.events.send(TunnelEvent::Up(url.clone()));
        self.watch(&url, process.as_mut())
    }

    /// Waits until a URL of the program leads here. `None`: the listener stops.
    fn wait_for_url(&self, process: &mut dyn RunningProcess) -> Result<Option<Url>> {
        let name = &self.plan.name;
        let started = self.session.world.now();
        let (mut first_seen, mut why) = (None, String::new());
        loop {
            let now = self.session.world.now();
            let since = |time| now.duration_since(time).unsigned_abs();
            if let Some(status) = process.exit_status() {
                return Err(failure(format!("{name} ended: {status}"), process));
            }
            let candidates = self.candidates(&process.output());
            if candidates.is_empty() && since(started) > URL_TIMEOUT {
                let what = format!("{name} printed no public URL within {} s", URL_TIMEOUT.as_secs());
                return Err(failure(what, process));
            }
            if !candidates.is_empty() {
                let first = *first_seen.get_or_insert(now);
                let is_new_name = !matches!(self.plan.url, UrlSource::Known(_));
                if !is_new_name || since(first) >= NAME_PAUSE {
                    for url in &candidates {
                        match self.check(url) {
                            CheckResult::Arrived => return Ok(Some(url.clone())),
                            CheckResult::Missing(reason) => why = format!("{}: {reason}", shown(url)),
                        }
                    }
                }
                if since(first) > CHECK_TIMEOUT {
                    return Err(failure(format!("the URL of {name} does not lead to this listener"), process)
                        .because(why)
                        .hint("check that the tunnel forwards to this listener's port, and --public-url"));
                }
            }
            let pause = if candidates.is_empty() { POLL_INTERVAL } else { RETRY_INTERVAL / 2 };
            if self.is_stopped_within(pause) {
                return Ok(None);
            }
        }
    }

    /// Watches a tunnel that is up, until the program ends or its URL leads here no more.
    fn watch(&self, url: &Url, process: &mut dyn RunningProcess) -> RunEnd {
        let mut last_check = self.session.world.now();
        let mut lost_at = None;
        loop {
            if self.is_stopped_within(POLL_INTERVAL) {
                return RunEnd::Stopped;
            }
            let now = self.session.world.now();
            if let Some(status) = process.exit_status() {
                return RunEnd::Failed(failure(format!("{} ended: {status}", self.plan.name), process));
            }
            let interval = if lost_at.is_some() { RETRY_INTERVAL } else { CHECK_INTERVAL };
            if now.duration_since(last_check).unsigned_abs() < interval {
                continue;
            }
            last_check = now;
            match (self.check(url), lost_at) {
                (CheckResult::Arrived, None) => {}
                (CheckResult::Arrived, Some(_)) => {
                    lost_at = None;
                    let _ = self.events.send(TunnelEvent::Up(url.clone()));
                }
                (CheckResult::Missing(why), None) => {
                    lost_at = Some(now);
                    let _ = self.events.send(TunnelEvent::Lost(format!("{}: {why}", shown(url))));
                }
                (CheckResult::Missing(why), Some(lost)) => {
                    if now.duration_since(lost).unsigned_abs() > CHECK_TIMEOUT {
                        return RunEnd::Failed(Error::failed(why));
                    }
                }
            }
        }
    }

    /// Returns the URLs that may be public, without those of this listener itself.
    fn candidates(&self, output: &[u8]) -> Vec<Url> {
        // New names are not looked up here: see `NAME_PAUSE`.
        let is_own = |url: &Url| url.port_or_known_default() == Some(self.port) && is_local_by_name(url);
        let is_allowed = |url: &Url| self.allow_http || (url.scheme() == "https" && !is_local_by_name(url));
        self.plan.candidates(output).into_iter().filter(|url| !is_own(url) && is_allowed(url)).collect()
    }

    /// Sends a GET with a path that nobody else knows, and waits for its arrival here.
    fn check(&self, base: &Url) -> CheckResult {
        self.check.has_arrived.store(false, Ordering::SeqCst);
        let mut url = base.clone();
        url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), self.check.path));
        let target = url[Position::BeforePath..Position::AfterQuery].to_owned();
        let mut request = Request { method: "GET".to_owned(), ..Request::post(&target, Vec::new()) };
        let host = url[Position::BeforeHost..Position::AfterPort].to_owned();
        for (name, value) in [("Host", host.as_str()), ("User-Agent", concat!("whtool/", env!("CARGO_PKG_VERSION")))] {
            // Fails for characters that no header has.
            let _ = request.headers.push(name, value.as_bytes());
        }
        let options = SendOptions {
            concurrency: 1,
            per_second: None,
            timeout: REQUEST_TIMEOUT,
            certificates: CertificateCheck::Verify,
            max_body: MAX_ANSWER_BODY,
        };
        let outgoing = OutgoingRequest::to_url(0, url, Reach::Anywhere, request);
        let (mut next, mut answer) = (Some(outgoing), None);
        let mut take = || NextRequest::from(next.take());
        let sent = self.session.world.send(&options, &mut take, &mut |sent| answer = Some(sent.answer));
        let why = match (sent, answer) {
            (Err(error), _) => error.to_string(),
            (Ok(_), None) => "interrupted".to_owned(),
            (Ok(_), Some(Err(failure))) => failure.to_string(),
            (Ok(_), Some(Ok(answer))) => format!("something else answered {}", answer.status),
        };
        let steps = ARRIVAL_TIMEOUT.as_millis() / 20;
        for _ in 0..steps {
            if self.check.has_arrived.load(Ordering::SeqCst) {
                return CheckResult::Arrived;
            }
            if self.is_stopped_within(Duration::from_millis(20)) {
                break;
            }
        }
        CheckResult::Missing(why)
    }

    /// Waits for this long, or until the listener stops.
    fn is_stopped_within(&self, pause: Duration) -> bool {
        matches!(self.stop.recv_timeout(pause), Err(RecvTimeoutError::Disconnected))
    }
}

pub(super) fn shown(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

/// Makes an error with the program's last output.
fn failure(what: String, process: &dyn RunningProcess) -> Error {
    let output = process.output();
    let lines = output.split(|&byte| byte == b'\n').map(|line| escape_unsafe_bytes(line.trim_ascii_end()));
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES)).cloned().collect::<Vec<_>>();
    Error::failed(what).with_program_output(last)
}
