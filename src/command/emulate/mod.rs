//! `whtool emulate`: both providers on this machine.
//!
//! `emulator` decides what they do. This module gives it a clock and sockets: a server for the
//! calls, the sender for the webhooks, and a file for the state. `display` prints what happens.

mod display;

use super::{Session, parse_duration};
use crate::command::shared::addresses::report_addresses;
use crate::command::shared::captures::warn_if_unknown_type;
use crate::command::shared::{output_file, secrets, target};
use crate::emulator::{Emulator, FaultRule, Settings, Variant, is_state};
use crate::model::address::Reach;
use crate::model::bind::BindHost;
use crate::model::delivery::RejectedRequest;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::exchange::NextRequest;
use crate::model::message::Request;
use crate::model::signature::Key;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider;
use crate::settings;
use crate::world::{
    CertificateCheck, FileVisibility, RefusalHandler, RequestHandler, SendOptions, SendStatus, ServeOptions,
};
use clap::{Args, ValueEnum};
use display::{AnsweredCall, EmulatorDisplay, StdoutFormat};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// Emulate both providers on this machine: API, state, signed webhooks and retries
///
/// Prints `export` lines with the URLs and keys that an app needs; everything else goes to stderr.
/// docs/emulator.md lists the routes, the faults and the control endpoint.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool emulate
  whtool emulate --plustive-url http://127.0.0.1:4848/ --speed 60
  whtool emulate --port 0 --seed 7 --speed 3600 --state emulator.json
  whtool emulate --fault duplicate=0.1 --fault 'drop=0.2,match=payment.*'
  whtool emulate --fault cut,provider=plexos,count=1
  whtool emulate --json -q > emulated.jsonl

Call an API in another terminal, after setting the printed variables:
  curl -H \"Authorization: Bearer $PLEXOS_PAY_SECRET_KEY\" \\
    $PLEXOS_API_URL/v1/payments")]
pub(super) struct Emulate {
    /// Port to listen on; 0 picks a free one
    #[arg(short, long, value_name = "PORT", default_value_t = 4850, value_parser = super::parse_port)]
    port: u16,
    /// Address to bind to, such as 0.0.0.0 or `[::]:3000`; localhost is 127.0.0.1 and, if possible, ::1
    #[arg(long, value_name = "ADDRESS", default_value = "localhost")]
    bind: BindHost,
    /// Accept calls under this host name, besides localhost and its own address. May be repeated
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Random seed for ids, tokens and faults (default: random)
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Save the state to this file, and restore it at the next start
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Speed of the emulator's clock; 3600 turns an hour into a second
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Send Plustive webhooks to this URL; Plexos webhooks go to registered endpoints
    #[arg(long, value_name = "URL", value_parser = target::parse)]
    plustive_url: Option<Url>,
    /// Variant of the Plustive API and its webhooks
    #[arg(long, value_name = "VARIANT", default_value = "reference")]
    variant: VariantArg,
    /// Make calls or deliveries fail: KIND[=PROBABILITY], then any of match=GLOB, provider=NAME,
    /// method=METHOD, count=N and seconds=N, separated by commas. KIND is duplicate, reorder, delay,
    /// drop, late, 429, 429-bare, 500, slow, cut or contradict. May be repeated
    #[arg(long, value_name = "FAULT")]
    fault: Vec<FaultRule>,
    /// Time until an unconfirmed Plexos payment expires, on the emulator's clock
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1h")]
    payment_life: SignedDuration,
    /// Timeout of one webhook request
    #[arg(long, alias = "timeout", value_name = "DURATION", value_parser = parse_duration, default_value = "5s")]
    request_timeout: SignedDuration,
    /// Support the undocumented calls that list, show, change and delete Plexos webhook endpoints
    #[arg(long)]
    undocumented_webhook_calls: bool,
    /// Send webhooks to other machines without confirmation
    #[arg(long)]
    yes: bool,
    /// Print one JSON record per line, for each call and delivery, instead of export lines
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum VariantArg {
    /// As documented on docs.plustiveimpact.com
    Reference,
    /// As in the guide on plustiveimpact.com
    Guide,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=1e6).contains(&speed) { Ok(speed) } else { Err("must be from 0.01 to 1000000".to_owned()) }
}

/// Largest body of a call, in bytes.
const MAX_BODY: usize = 1 << 20;

/// Most refused calls that wait to be shown; more are not shown.
const MAX_REFUSED: usize = 100;

/// Longest delay until a webhook caused by a call is sent.
const TICK: Duration = Duration::from_millis(20);

/// Shortest pause between two writes of the state file. A slow write is followed by ten times its
/// duration.
const SAVE_PAUSE: SignedDuration = SignedDuration::from_millis(250);

/// Runs until it is interrupted.
pub(super) fn run(args: &Emulate, session: &Session<'_>) -> Result<CommandOutcome> {
    let key = plustive_key(session)?;
    let emulator = Arc::new(Mutex::new(build_emulator(args, &key, session)?));
    let (sender, calls) = channel();
    let (refusals, refused) = sync_channel(MAX_REFUSED);
    let options = ServeOptions {
        addresses: args.bind.with_port(args.port),
        allowed_hosts: Some(args.allow_host.clone()),
        max_body: MAX_BODY,
    };
    let server = session.world.serve(&options, handler(emulator.clone(), sender), refusal_handler(refusals))?;
    let format = if args.json { StdoutFormat::Json } else { StdoutFormat::Exports };
    let mut display = EmulatorDisplay::new(session, format);
    display.print_ready(server.address(), &key, &lock(&emulator), args.plustive_url.as_ref())?;
    report_addresses(server.address(), server.second_address(), session);
    let save_at = session.world.now();
    let mut runner = EmulatorLoop { args, session, emulator: &emulator, calls, refused, display, save_at, error: None };
    let end = runner.send_webhooks();
    // No call may change the state after the last write.
    drop(server);
    runner.save()?;
    match (end?, runner.error) {
        (_, Some(error)) => Err(error),
        (SendStatus::Interrupted, None) if !session.world.was_terminated() => Err(Error::interrupted()),
        (SendStatus::Complete | SendStatus::Interrupted, None) => Ok(CommandOutcome::Success),
    }
}

/// Ignores poisoning: a call that panicked must not stop the others.
fn lock(emulator: &Mutex<Emulator>) -> MutexGuard<'_, Emulator> {
    emulator.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The secret from the environment, or else the local test secret, which `listen` accepts. Stored
/// secrets are not used, because they may be real.
fn plustive_key(session: &Session<'_>) -> Result<Key> {
    const PROVIDER: &str = "plustive";
    let variable = provider::by_name(PROVIDER).map_or("", |provider| provider.secret_variable());
    let value = session.world.env_var(variable).unwrap_or_default();
    if let Some(secret) = settings::secrets_from_variable(PROVIDER, variable, &value).into_iter().next() {
        return Ok(Key::new(secret));
    }
    let local = secrets::local_test_keys(session)?.into_iter().find(|key| key.secret.provider == PROVIDER);
    local.ok_or_else(|| Error::failed("there is no secret to sign Plustive webhooks with"))
}

/// Starts a new emulator, or continues from the state file.
fn build_emulator(args: &Emulate, key: &Key, session: &Session<'_>) -> Result<Emulator> {
    let question = |host: &str| format!("{host} is not this machine; it will receive signed webhooks");
    let plustive_reach = args.plustive_url.as_ref().map(|url| target::confirm_reach(url, args.yes, question, session));
    let is_confirmed = plustive_reach.transpose()? == Some(Reach::Anywhere);
    let settings = Settings {
        speed: args.speed,
        variant: match args.variant {
            VariantArg::Reference => Variant::Reference,
            VariantArg::Guide => Variant::Guide,
        },
        plustive_url: args.plustive_url.clone(),
        plustive_key: key.clone(),
        payment_life: args.payment_life,
        undocumented_webhook_calls: args.undocumented_webhook_calls,
        reach: if args.yes || is_confirmed { Reach::Anywhere } else { Reach::ThisMachine },
    };
    let mut emulator = match read_state(args.state.as_deref(), session)? {
        Some((path, bytes)) => restore(settings, path, &bytes, args.seed, session.world.now())?,
        None => {
            let mut random = [0; 4];
            session.world.fill_random(&mut random);
            Emulator::new(settings, args.seed.unwrap_or_else(|| u32::from_be_bytes(random).into()))
        }
    };
    for fault in &args.fault {
        if let Some(types) = fault.event_types() {
            warn_if_unknown_type(types, session);
        }
        emulator.add_fault(fault.clone());
    }
    Ok(emulator)
}

/// Reads the state file. `None`: there is none yet.
fn read_state<'p>(path: Option<&'p Path>, session: &Session<'_>) -> Result<Option<(&'p Path, Vec<u8>)>> {
    let Some(path) = path else { return Ok(None) };
    if !session.world.file_exists(path) {
        output_file::check(path, &is_state, session)?;
        return Ok(None);
    }
    Ok(Some((path, session.read(path)?)))
}

fn restore(settings: Settings, path: &Path, bytes: &[u8], seed: Option<u64>, now: Timestamp) -> Result<Emulator> {
    let emulator = Emulator::restore(settings, bytes, now).map_err(|error| {
        Error::failed(format!("can't continue from {}", path.display()))
            .because(error)
            .hint("the file was not changed: use another name, or delete it to start over")
    })?;
    match seed.filter(|seed| *seed != emulator.seed()) {
        Some(_) => Err(Error::usage(format!("{} has the seed {}", path.display(), emulator.seed()))
            .hint("omit --seed, or use another file")),
        None => Ok(emulator),
    }
}

/// Answers calls, and sends each one to the display.
fn handler(emulator: Arc<Mutex<Emulator>>, sender: Sender<AnsweredCall>) -> RequestHandler {
    // Calls are displayed in the order in which they were executed.
    let sender = Mutex::new(sender);
    Arc::new(move |request: Request, now: Timestamp| {
        let mut emulator = lock(&emulator);
        let (reply, log) = emulator.answer(&request, now);
        let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
        // The display is gone during shutdown.
        let _ = sender.send(AnsweredCall::new(now, &request, &reply, log));
        reply.into()
    })
}

/// Sends refused calls to the display, except while its queue is full: any web page can cause them.
fn refusal_handler(sender: SyncSender<RejectedRequest>) -> RefusalHandler {
    Arc::new(move |refused| drop(sender.try_send(refused)))
}

struct EmulatorLoop<'a> {
    args: &'a Emulate,
    session: &'a Session<'a>,
    emulator: &'a Mutex<Emulator>,
    calls: Receiver<AnsweredCall>,
    refused: Receiver<RejectedRequest>,
    display: EmulatorDisplay<'a>,
    /// Time of the next write of the state file.
    save_at: Timestamp,
    error: Option<Error>,
}

impl EmulatorLoop<'_> {
    /// Sends webhooks when they are due, until it is interrupted.
    fn send_webhooks(&mut self) -> Result<SendStatus> {
        let sending = SendOptions {
            concurrency: 16,
            per_second: None,
            timeout: self.args.request_timeout.unsigned_abs(),
            certificates: CertificateCheck::Verify,
            max_body: 4_096,
        };
        let (session, emulator) = (self.session, self.emulator);
        let runner = std::cell::RefCell::new(self);
        let mut next = || runner.borrow_mut().next();
        let mut done = |sent| {
            let now = session.world.now();
            let delivery = lock(emulator).record_attempt(&sent, now);
            let runner = &mut *runner.borrow_mut();
            runner.print_calls();
            let printed = delivery.map_or(Ok(()), |delivery| runner.display.print_delivery(&delivery, now));
            runner.keep_error(printed);
        };
        session.world.send(&sending, &mut next, &mut done)
    }

    /// Prints and saves what happened, and returns the next webhook that is due.
    fn next(&mut self) -> NextRequest {
        self.print_calls();
        let now = self.session.world.now();
        if now >= self.save_at {
            let saved = self.save();
            self.keep_error(saved);
        }
        if self.error.is_some() {
            return NextRequest::Nothing;
        }
        let mut emulator = lock(self.emulator);
        match emulator.next_outgoing(now) {
            Some(outgoing) => NextRequest::send(outgoing),
            None => NextRequest::Wait(emulator.time_until_next(now).map_or(TICK, |wait| wait.unsigned_abs().min(TICK))),
        }
    }

    fn print_calls(&mut self) {
        while let Ok(call) = self.calls.try_recv() {
            let printed = self.display.print_call(&call);
            self.keep_error(printed);
        }
        self.refused.try_iter().for_each(|refused| self.display.print_refused(&refused));
        let (unsent, now) = (lock(self.emulator).take_unsent(), self.session.world.now());
        for delivery in unsent {
            let printed = self.display.print_delivery(&delivery, now);
            self.keep_error(printed);
        }
    }

    /// Keeps the first error, which ends the command.
    fn keep_error(&mut self, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.error.get_or_insert(error);
        }
    }

    fn save(&mut self) -> Result<()> {
        let Some(path) = &self.args.state else { return Ok(()) };
        let began = self.session.world.now();
        let Some(state) = lock(self.emulator).take_changed_state() else { return Ok(()) };
        output_file::write(path, &state, FileVisibility::OwnerOnly, &is_state, self.session)?;
        let now = self.session.world.now();
        let pause = now.duration_since(began).saturating_mul(10).max(SAVE_PAUSE);
        self.save_at = now.checked_add(pause).unwrap_or(now);
        Ok(())
    }
}
