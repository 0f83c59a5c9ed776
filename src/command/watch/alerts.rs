//! Sends changes as alerts, to a command or a URL, on a thread of its own: a slow or failing alert
//! never holds up the rounds.
//!
//! The changes wait in the store until an alert was sent. If whtool is killed between sending and
//! saving that, the alert is sent again, with the same id.

use super::Watch;
use crate::command::{Session, sign};
use crate::model::address::Reach;
use crate::model::backoff::Backoff;
use crate::model::error::{Error, Result};
use crate::model::exchange::OutgoingRequest;
use crate::model::mask::mask_secrets;
use crate::model::sanitize::truncate;
use crate::model::target_fault::SendFlags;
use crate::model::timestamp::Timestamp;
use crate::reconcile::watch::{Change, WatchState};
use crate::render;
use crate::world::{CertificateCheck, ProcessOptions, SendOptions};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use url::Url;

/// Time limit of one alert.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Most changes in one alert.
const MAX_CHANGES: usize = 500;

/// Pauses after an alert that could not be sent.
const RETRY: Backoff = Backoff::new(Duration::from_secs(5), 2.0, Duration::from_secs(600));

const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Clone)]
enum AlertTarget {
    Command(String),
    Url(Url),
}

/// An alert to send, and the numbers of its changes.
struct AlertMessage {
    numbers: Vec<u64>,
    body: Vec<u8>,
}

struct SentAlert {
    numbers: Vec<u64>,
    outcome: Result<(), String>,
}

/// The sending side: runs on a thread of its own until `Alerts` is dropped.
pub(super) struct AlertSender<'s> {
    target: AlertTarget,
    hidden_variables: Vec<String>,
    session: &'s Session<'s>,
    messages: Receiver<AlertMessage>,
    sent: Sender<SentAlert>,
}

/// The alerts of a watch.
pub(super) struct Alerts {
    messages: Sender<AlertMessage>,
    sent: Receiver<SentAlert>,
    is_sending: bool,
    /// Failures in a row.
    failures: u32,
    not_before: Option<Timestamp>,
}

pub(super) enum AlertResult {
    /// Changes that were reported.
    Sent(Vec<u64>),
    /// The reason, and true if the alert before could be sent.
    Failed(String, bool),
}

/// Reads `--alert`. `None`: there are no alerts.
pub(super) fn start<'s>(args: &Watch, session: &'s Session<'s>) -> Result<Option<(Alerts, AlertSender<'s>)>> {
    let Some(text) = &args.reports.alert else { return Ok(None) };
    let is_url = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    let target = if is_url {
        let url = Url::parse(text);
        AlertTarget::Url(url.map_err(|error| Error::usage("--alert is not a valid URL").because(error))?)
    } else {
        AlertTarget::Command(text.clone())
    };
    let (messages, received) = channel();
    let (sender, sent) = channel();
    let sender = AlertSender {
        target,
        hidden_variables: args.hidden_variables().into_iter().map(str::to_owned).collect(),
        session,
        messages: received,
        sent: sender,
    };
    Ok(Some((Alerts { messages, sent, is_sending: false, failures: 0, not_before: None }, sender)))
}

impl Alerts {
    /// Starts to send the oldest changes, unless an alert is under way or it is too early to retry.
    pub(super) fn send_next(&mut self, state: &WatchState, now: Timestamp) {
        if self.is_sending || self.not_before.is_some_and(|time| now < time) {
            return;
        }
        let changes: Vec<&Change> = state.unsent_alerts().take(MAX_CHANGES).collect();
        if changes.is_empty() {
            return;
        }
        let numbers = changes.iter().map(|change| change.number).collect();
        let message = AlertMessage { numbers, body: render::watch::alert(&changes) };
        // Fails only if the thread has ended.
        self.is_sending = self.messages.send(message).is_ok();
    }

    pub(super) fn is_sending(&self) -> bool {
        self.is_sending
    }

    /// Waits for the end of an alert, at most this long.
    pub(super) fn wait(&mut self, timeout: Duration, now: Timestamp) -> Option<AlertResult> {
        let SentAlert { numbers, outcome } = self.sent.recv_timeout(timeout).ok()?;
        self.is_sending = false;
        match outcome {
            Ok(()) => {
                (self.failures, self.not_before) = (0, None);
                Some(AlertResult::Sent(numbers))
            }
            Err(why) => {
                self.not_before = now.checked_add(RETRY.pause(self.failures)).ok();
                self.failures += 1;
                Some(AlertResult::Failed(why, self.failures == 1))
            }
        }
    }
}

impl AlertSender<'_> {
    pub(super) fn run(self) {
        while let Ok(AlertMessage { numbers, body }) = self.messages.recv() {
            let outcome = match &self.target {
                AlertTarget::Command(command) => self.run_command(command, body),
                AlertTarget::Url(url) => self.post(url, body),
            };
            if self.sent.send(SentAlert { numbers, outcome }).is_err() {
                return;
            }
        }
    }

    fn run_command(&self, command: &str, input: Vec<u8>) -> Result<(), String> {
        let options = ProcessOptions {
            command: command.to_owned(),
            variables: Vec::new(),
            hidden_variables: self.hidden_variables.clone(),
            input,
            address: None,
            startup_timeout: Duration::ZERO,
            is_guarded: false,
        };
        let world = self.session.world;
        let started = world.now();
        let mut process = world.start_process(&options, &mut || ()).map_err(|error| error.to_string())?;
        loop {
            match process.exit_status() {
                Some(status) if status.ends_with(" 0") => return Ok(()),
                Some(status) => return Err(format!("{status}{}", last_line(&process.output()))),
                None if world.now().duration_since(started).unsigned_abs() > TIMEOUT => {
                    return Err(format!("timed out after {} s{}", TIMEOUT.as_secs(), last_line(&process.output())));
                }
                None => {}
            }
            // A second message is never queued, so this is a pause that ends with the watch.
            if matches!(self.messages.recv_timeout(POLL_INTERVAL), Err(RecvTimeoutError::Disconnected)) {
                return Err("the watch was stopped".to_owned());
            }
        }
    }

    fn post(&self, url: &Url, body: Vec<u8>) -> Result<(), String> {
        let request = sign::signed_post(url, &[], body).map_err(|error| error.to_string())?;
        let options = SendOptions {
            concurrency: 1,
            per_second: None,
            timeout: TIMEOUT,
            certificates: CertificateCheck::Verify,
            max_body: 4_096,
        };
        let outgoing = OutgoingRequest::to_url(0, url.clone(), Reach::Anywhere, request);
        let sent = self.session.world.send_one(&options, outgoing).map_err(|error| error.to_string())?;
        match sent.answer {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status)),
            Err(failure) => Err(mask_secrets(&failure.explain(&SendFlags { insecure: None, timeout: None }))),
        }
    }
}

/// Returns the last line of a command's output for a message. Untrusted text.
fn last_line(output: &[u8]) -> String {
    let output = String::from_utf8_lossy(output);
    let last = output.lines().rfind(|line| !line.trim().is_empty());
    last.map(|line| format!(": {}", truncate(&mask_secrets(line), 200))).unwrap_or_default()
}
