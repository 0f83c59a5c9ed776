//! The supervisor of a tunnel: starts the program, finds and checks its URL, and starts it again.

use super::{Supervisor, TunnelEvent, shown};
use crate::model::address::{Reach, is_local_by_name};
use crate::model::backoff::Backoff;
use crate::model::error::{Error, Result};
use crate::model::exchange::{NextRequest, OutgoingRequest};
use crate::model::message::Request;
use crate::model::sanitize::escape_unsafe_bytes;
use crate::tunnel::UrlSource;
use crate::world::{CertificateCheck, MAX_ANSWER_BODY, ProcessOptions, RunningProcess, SendOptions};
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use url::{Position, Url};

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

/// The end of one run of the program.
enum ProgramEnd {
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
    pub(in crate::command::listen) fn run(self) {
        let backoff = Backoff::new(Duration::from_secs(1), 2.0, MAX_RESTART_PAUSE);
        let (mut was_up, mut failures) = (false, 0);
        loop {
            let (before, end) = (was_up, self.run_once(&mut was_up));
            failures = if was_up && !before { 0 } else { failures };
            match end {
                ProgramEnd::Stopped => return,
                ProgramEnd::Failed(error) if !was_up => return drop(self.events.send(TunnelEvent::Failed(error))),
                ProgramEnd::Failed(error) => {
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

    fn run_once(&self, was_up: &mut bool) -> ProgramEnd {
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
            Err(error) => return ProgramEnd::Failed(error),
        };
        let url = match self.wait_for_url(process.as_mut()) {
            Ok(Some(url)) => url,
            Ok(None) => return ProgramEnd::Stopped,
            Err(error) => return ProgramEnd::Failed(error),
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
    fn watch(&self, url: &Url, process: &mut dyn RunningProcess) -> ProgramEnd {
        let mut last_check = self.session.world.now();
        let mut lost_at = None;
        loop {
            if self.is_stopped_within(POLL_INTERVAL) {
                return ProgramEnd::Stopped;
            }
            let now = self.session.world.now();
            if let Some(status) = process.exit_status() {
                return ProgramEnd::Failed(failure(format!("{} ended: {status}", self.plan.name), process));
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
                        return ProgramEnd::Failed(Error::failed(why));
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

/// Makes an error with the program's last output.
fn failure(what: String, process: &dyn RunningProcess) -> Error {
    let output = process.output();
    let lines = output.split(|&byte| byte == b'\n').map(|line| escape_unsafe_bytes(line.trim_ascii_end()));
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES)).cloned().collect::<Vec<_>>();
    Error::failed(what).with_program_output(last)
}
