//! The server of the page: its socket, and the threads that answer.
//!
//! The server's own threads pass each request to one of `WORKERS` threads, which use the session.
//! Streams take none of them.

use super::access::Gate;
use super::explanations::ExplanationCache;
use super::known_secrets::KnownSecrets;
use super::record::RecordLog;
use super::replays::ReplayLog;
use super::reply::{self, Failure};
use super::routes;
use super::stream::StreamHub;
use super::work::{self, CheckSlot, ReconcileSlot};
use crate::command::Session;
use crate::command::shared::secrets::{SecretArgs, Secrets};
use crate::command::shared::store_args::StoreArgs;
use crate::model::address::Reach;
use crate::model::bind::{self, BindHost};
use crate::model::error::{Error, Result};
use crate::model::mask::mask_secrets;
use crate::model::message::Request;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider;
use crate::world::{HandlerReply, RequestHandler, RunningServer, ServeOptions, Store};
use jiff::Zoned;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;
use url::Url;

/// Threads that answer requests: as many as the server lets wait at once.
const WORKERS: usize = 8;

/// Shortest time between two links that are printed unasked.
const OFFER_PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// Largest body of a form, in bytes: a payload that was edited, percent-encoded.
const MAX_BODY: usize = 4 << 20;

/// Facts about a server that is to be started.
pub(in crate::command) struct UiOptions<'s> {
    /// 0 picks a free one.
    pub port: u16,
    pub store: &'s StoreArgs,
    pub secret_args: &'s SecretArgs,
    pub secrets: Secrets,
    /// The apps that events may be sent to.
    pub targets: Vec<(Url, Reach)>,
    /// URL of the listener in the same process.
    pub listener: Option<String>,
}

/// Everything that the threads of a server share.
pub(in crate::command) struct UiServer<'s> {
    pub(super) options: UiOptions<'s>,
    pub(super) session: &'s Session<'s>,
    pub(super) gate: Gate,
    pub(super) hub: StreamHub,
    pub(super) replays: ReplayLog,
    pub(super) records: RecordLog,
    pub(super) explanations: ExplanationCache,
    pub(super) check: CheckSlot,
    pub(super) reconcile: ReconcileSlot,
    pub(super) store_name: String,
    /// The URLs of the apps without their secrets, in the order of the options.
    pub(super) target_names: Vec<String>,
    pub(super) sample_names: Vec<String>,
    secrets: KnownSecrets,
    url: String,
    /// Time at which a link was printed.
    offered: Mutex<Timestamp>,
    jobs: Mutex<Receiver<Job>>,
}

/// A server whose threads run. Dropping it stops it and its streams.
pub(in crate::command) struct RunningUi<'r, 's> {
    server: &'r UiServer<'s>,
    _socket: Box<dyn RunningServer>,
}

/// A request that waits for its answer.
struct Job {
    request: Request,
    at: Timestamp,
    reply: SyncSender<HandlerReply>,
}

/// A request that a worker answers.
pub(super) struct Call<'c> {
    pub server: &'c UiServer<'c>,
    pub request: &'c Request,
    pub at: Timestamp,
    /// Open after the first use, and kept by the worker.
    store: &'c mut Option<Box<dyn Store>>,
}

impl<'s> UiServer<'s> {
    /// Opens the socket. Nothing is answered before `run`.
    pub(in crate::command) fn start(
        options: UiOptions<'s>,
        session: &'s Session<'s>,
    ) -> Result<(Self, Box<dyn RunningServer>)> {
        let (sender, jobs) = channel();
        let serving = ServeOptions {
            addresses: BindHost::LOCALHOST.with_port(options.port),
            allowed_hosts: None,
            max_body: MAX_BODY,
        };
        let socket = session.world.serve(&serving, handler(sender), Arc::new(|_refused| ()))?;
        let address = socket.address();
        let gate = Gate::new(address.port(), session).map_err(Error::usage)?;
        let server = Self {
            session,
            gate,
            hub: StreamHub::default(),
            replays: ReplayLog::default(),
            records: RecordLog::default(),
            explanations: ExplanationCache::default(),
            check: CheckSlot::default(),
            reconcile: ReconcileSlot::default(),
            store_name: options.store.location(session)?.to_string(),
            target_names: options.targets.iter().map(|(url, _)| mask_secrets(url.as_str())).collect(),
            sample_names: provider::samples().map(|(_, sample)| sample.name).collect(),
            secrets: KnownSecrets::new(options.secrets.clone(), session),
            url: bind::url(address),
            offered: Mutex::new(session.world.now()),
            jobs: Mutex::new(jobs),
            options,
        };
        Ok((server, socket))
    }

    pub(in crate::command) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the secrets of now.
    pub(super) fn secrets(&self) -> Secrets {
        self.secrets.current(&self.session.muted())
    }

    pub(super) fn token(&self) -> &str {
        self.gate.token()
    }

    /// Makes a link that can be opened once. The one before is void.
    pub(in crate::command) fn new_link(&self) -> String {
        format!("{}/login?token={}", self.url, self.gate.new_link_token(self.session))
    }

    /// Prints a new link for a browser that asks for a page without the cookie. Any program of this
    /// machine can ask, so that is rare.
    pub(super) fn offer_link(&self, now: Timestamp) {
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(*offered) >= OFFER_PAUSE {
            *offered = now;
            self.print_link();
        }
    }

    /// Prints a new link. The one before is void.
    pub(in crate::command) fn print_link(&self) {
        // It is what the user waits for: `--quiet` does not hide it.
        self.session.print_message(&format!("open {} (valid once)", self.new_link()));
    }

    /// Opens the page with a new link, or prints it.
    pub(in crate::command) fn open_page(&self) {
        if let Err(error) = self.session.world.open_in_browser(&self.new_link()) {
            self.session.print_error(&error);
            self.print_link();
        }
    }

    /// Starts the threads that answer and those that feed the streams.
    pub(in crate::command) fn run<'scope>(
        &'scope self,
        socket: Box<dyn RunningServer>,
        scope: &'scope Scope<'scope, '_>,
    ) -> RunningUi<'scope, 's> {
        for _ in 0..WORKERS {
            scope.spawn(|| self.work());
        }
        scope.spawn(|| self.hub.feed(self));
        scope.spawn(|| work::run_checks(self));
        scope.spawn(|| work::run_reconciles(self));
        RunningUi { server: self, _socket: socket }
    }

    /// Answers requests until the socket is closed.
    fn work(&self) {
        let mut store = None;
        loop {
            let next = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Job { request, at, reply }) = next else { return };
            let call = Call { server: self, request: &request, at, store: &mut store };
            let answered = catch_unwind(AssertUnwindSafe(|| routes::answer(call)));
            let failed = || Failure::new(500, "whtool has a bug: this request made it panic").to_record().into();
            // The client may be gone.
            let _ = reply.send(answered.unwrap_or_else(|_| failed()));
        }
    }
}

impl Drop for RunningUi<'_, '_> {
    fn drop(&mut self) {
        self.server.hub.stop();
        self.server.check.stop();
        self.server.reconcile.stop();
    }
}

impl<'c> Call<'c> {
    /// Returns the time of the request in the zone in which times are shown.
    pub(super) fn local_time(&self) -> Zoned {
        self.at.to_zoned(self.server.session.world.time_zone())
    }

    /// Uses the store. `None`: there is none yet.
    pub(super) fn with_store<T>(&mut self, work: impl FnOnce(&mut dyn Store) -> Result<T>) -> Result<Option<T>> {
        if self.store.as_mut().is_some_and(|store| !store.is_in_place()) {
            *self.store = None;
        }
        if self.store.is_none() {
            *self.store = self.server.options.store.open_if_exists(self.server.session)?;
        }
        let Some(store) = self.store.as_mut() else { return Ok(None) };
        let done = work(store.as_mut());
        if done.is_err() {
            // Opened again for the next request: the connection may be lost.
            *self.store = None;
        }
        done.map(Some)
    }
}

/// Passes requests to the workers and waits for their answers.
fn handler(jobs: Sender<Job>) -> RequestHandler {
    Arc::new(move |request: Request, at: Timestamp| {
        let (reply, answer) = sync_channel(1);
        // Fails while the server stops.
        let _ = jobs.send(Job { request, at, reply });
        answer.recv().unwrap_or_else(|_| reply::with_body(503, reply::TEXT, "stopping\n").into())
    })
}
