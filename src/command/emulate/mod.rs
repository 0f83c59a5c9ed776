//! `whtool emulate`: both providers on this machine.
//!
//! What they do is decided in `emulator`; here it gets its clock and its sockets: a server for the calls, the sender for the
//! webhooks, and a file for the state. What is shown of it is in `display`.

mod display;

use super::{Session, confirm, span};
use crate::command::shared::secrets;
use crate::emulator::{Audience, Emulator, Fault, Settings, Variant};
use crate::model::address::is_loopback;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::exchange::NextRequest;
use crate::model::message::Request;
use crate::model::signature::Key;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider;
use crate::settings;
use crate::world::{CertificateCheck, RequestHandler, SendOptions, SendStatus};
use clap::{Args, ValueEnum};
use display::{Display, Telling};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// Play both providers on this machine: API, state, signed webhooks, retries
///
/// Prints what an app needs to talk to it as `export` lines; everything else goes to standard error. docs/emulator.md has the
/// routes, the faults and the control endpoint.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool emulate
  whtool emulate --plustive-url http://127.0.0.1:4848/ --speed 60
  whtool emulate --port 0 --seed 7 --speed 3600 --state emulator.json
  whtool emulate --fault duplicate=0.1 --fault 'drop=0.2,match=payment.*'
  whtool emulate --fault cut,provider=plexos,count=1
  whtool emulate --json -q > emulated.jsonl

In another terminal, with the lines that were printed:
  curl -H \"Authorization: Bearer $PLEXOS_PAY_SECRET_KEY\" \\
    $PLEXOS_API_URL/v1/payments")]
pub(super) struct Emulate {
    /// The port on 127.0.0.1; 0 is any free one
    #[arg(long, value_name = "PORT", default_value_t = 4850, value_parser = super::port)]
    port: u16,
    /// What everything left to chance follows from: ids, tokens, faults; another one each time when not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Keep the state in this file across restarts
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// How fast its clock runs: 3600 makes an hour a second
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Where Plustive's webhooks go; Plexos' go to the endpoints that are registered
    #[arg(long, value_name = "URL", value_parser = super::replay::target)]
    plustive_url: Option<Url>,
    /// Which of Plustive's two published forms is spoken
    #[arg(long, value_name = "FORM", default_value = "reference")]
    variant: Form,
    /// What goes wrong: duplicate, reorder, delay, drop, late, 429, 429-bare, 500, slow, cut or contradict; then =SHARE, and
    /// after commas match=GLOB, provider=NAME, method=WORD, count=N, seconds=S
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,
    /// How long a payment of Plexos waits to be confirmed, on the emulator's clock
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "1h")]
    payment_life: SignedDuration,
    /// How long an endpoint may take to answer a webhook
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "5s")]
    timeout: SignedDuration,
    /// Answer calls to list, show, change and delete Plexos' webhook endpoints, which are likely and not documented
    #[arg(long)]
    undocumented_webhook_calls: bool,
    /// Send webhooks to other machines, too, without asking
    #[arg(long)]
    yes: bool,
    /// One JSON object a line instead of the export lines, for each call and each delivery
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// docs.plustiveimpact.com
    Reference,
    /// The guide on plustiveimpact.com
    Guide,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "write a number".to_owned())?;
    if (0.01..=1e6).contains(&speed) { Ok(speed) } else { Err("it must lie between 0.01 and 1000000".to_owned()) }
}

/// How long it takes at most until a delivery is noticed that a call has made.
const TICK: Duration = Duration::from_millis(20);

/// How long the state may be ahead of its file, at least; where writing takes long, ten times that.
const UNSAVED: SignedDuration = SignedDuration::from_millis(250);

/// Plays until it is interrupted.
pub(super) fn run(args: &Emulate, session: &Session<'_>) -> Result<CommandOutcome> {
    let key = plustive_key(session)?;
    let emulator = Arc::new(Mutex::new(emulator(args, &key, session)?));
    let (telling, told) = channel();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let server = session.world.serve(address, handler(emulator.clone(), telling))?;
    let mut display = Display::new(session, if args.json { display::Form::Records } else { display::Form::Exports });
    display.ready(server.address(), &key, &lock(&emulator), args.plustive_url.as_ref())?;
    let mut play = Play { args, session, emulator: &emulator, told, display, due: session.world.now(), trouble: None };
    let end = play.deliver();
    // No call is answered after the state was written for the last time.
    drop(server);
    play.save()?;
    match (end?, play.trouble) {
        (_, Some(error)) => Err(error),
        (SendStatus::Interrupted, None) => Err(Error::interrupted()),
        (SendStatus::Complete, None) => Ok(CommandOutcome::Success),
    }
}

/// A call that panicked must not end all others.
fn lock(emulator: &Mutex<Emulator>) -> MutexGuard<'_, Emulator> {
    emulator.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The secret of the environment, or else the machine's own, which `listen` knows by itself. What is kept for other use may be
/// a real one.
fn plustive_key(session: &Session<'_>) -> Result<Key> {
    const PROVIDER: &str = "plustive";
    let variable = provider::named(PROVIDER).map_or("", |provider| provider.secret_variable());
    let value = session.world.env_var(variable).unwrap_or_default();
    if let Some(secret) = settings::secrets_of_variable(PROVIDER, variable, &value).into_iter().next() {
        return Ok(Key::new(secret));
    }
    let own = secrets::local_keys(session)?.into_iter().find(|key| key.secret.provider == PROVIDER);
    own.ok_or_else(|| Error::failed("there is no secret to sign Plustive's webhooks with"))
}

/// A new emulator, or one that goes on where the state file ends.
fn emulator(args: &Emulate, key: &Key, session: &Session<'_>) -> Result<Emulator> {
    if let Some(url) = args.plustive_url.as_ref().filter(|url| !is_loopback(url) && !args.yes) {
        let host = url.host_str().unwrap_or_default();
        confirm(session, &format!("{host} is not this machine, and what is sent there is really signed"), host)?;
    }
    let asked = args.plustive_url.as_ref().is_some_and(|url| !is_loopback(url));
    let settings = Settings {
        speed: args.speed,
        variant: match args.variant {
            Form::Reference => Variant::Reference,
            Form::Guide => Variant::Guide,
        },
        plustive_url: args.plustive_url.clone(),
        plustive_key: key.clone(),
        payment_life: args.payment_life,
        undocumented_webhook_calls: args.undocumented_webhook_calls,
        audience: if args.yes || asked { Audience::Everyone } else { Audience::ThisMachine },
    };
    let mut emulator = match saved(args.state.as_deref(), session)? {
        Some((path, bytes)) => taken_up(settings, path, &bytes, args.seed, session.world.now())?,
        None => {
            let mut random = [0; 4];
            session.world.fill_random(&mut random);
            Emulator::new(settings, args.seed.unwrap_or_else(|| u32::from_be_bytes(random).into()))
        }
    };
    args.fault.iter().for_each(|fault| emulator.add_fault(fault.clone()));
    Ok(emulator)
}

/// What is in the state file, when there is one.
fn saved<'p>(path: Option<&'p Path>, session: &Session<'_>) -> Result<Option<(&'p Path, Vec<u8>)>> {
    let Some(path) = path.filter(|path| session.world.file_exists(path)) else { return Ok(None) };
    Ok(Some((path, session.read(path)?)))
}

/// A file that is no state is left as it is.
fn taken_up(settings: Settings, path: &Path, bytes: &[u8], seed: Option<u64>, now: Timestamp) -> Result<Emulator> {
    let emulator = Emulator::restored(settings, bytes, now).map_err(|error| {
        Error::failed(format!("can't go on from {}", path.display()))
            .because(error)
            .hint("the file was left alone: give another name, or remove it to start anew")
    })?;
    match seed.filter(|seed| *seed != emulator.seed()) {
        Some(_) => Err(Error::usage(format!("{} has another seed: {}", path.display(), emulator.seed()))
            .hint("leave --seed out, or give another file")),
        None => Ok(emulator),
    }
}

/// Answers calls, and says what it did.
fn handler(emulator: Arc<Mutex<Emulator>>, telling: std::sync::mpsc::Sender<Telling>) -> RequestHandler {
    // The order in which calls are told is that in which they were carried out.
    let telling = Mutex::new(telling);
    Arc::new(move |request: Request, now: Timestamp| {
        let mut emulator = lock(&emulator);
        let (reply, called) = emulator.answer(&request, now);
        let telling = telling.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody listens any more at the very end.
        let _ = telling.send(Telling::new(now, &request, &reply, called));
        reply
    })
}

/// The emulator at work.
struct Play<'a> {
    args: &'a Emulate,
    session: &'a Session<'a>,
    emulator: &'a Mutex<Emulator>,
    told: Receiver<Telling>,
    display: Display<'a>,
    /// When the state is written next.
    due: Timestamp,
    trouble: Option<Error>,
}

impl Play<'_> {
    /// Sends webhooks when they are due, until it is interrupted.
    fn deliver(&mut self) -> Result<SendStatus> {
        let sending = SendOptions {
            concurrency: 16,
            per_second: None,
            timeout: self.args.timeout.unsigned_abs(),
            certificates: CertificateCheck::Verify,
            max_body: 4_096,
        };
        let (session, emulator) = (self.session, self.emulator);
        let play = std::cell::RefCell::new(self);
        let mut next = || play.borrow_mut().next();
        let mut done = |sent| {
            let now = session.world.now();
            let delivery = lock(emulator).fared(&sent, now);
            let play = &mut *play.borrow_mut();
            play.show_calls();
            let shown = delivery.map_or(Ok(()), |delivery| play.display.delivered(&delivery, now));
            play.note(shown);
        };
        session.world.send(&sending, &mut next, &mut done)
    }

    /// What is to be sent now, after what was done was shown and saved.
    fn next(&mut self) -> NextRequest {
        self.show_calls();
        let now = self.session.world.now();
        if now >= self.due {
            let saved = self.save();
            self.note(saved);
        }
        if self.trouble.is_some() {
            return NextRequest::Nothing;
        }
        let mut emulator = lock(self.emulator);
        match emulator.due(now) {
            Some(outgoing) => NextRequest::Send(outgoing),
            None => NextRequest::Wait(emulator.wait(now).map_or(TICK, |wait| wait.unsigned_abs().min(TICK))),
        }
    }

    fn show_calls(&mut self) {
        while let Ok(telling) = self.told.try_recv() {
            let shown = self.display.called(&telling);
            self.note(shown);
        }
        let (unsent, now) = (lock(self.emulator).take_unsent(), self.session.world.now());
        for delivery in unsent {
            let shown = self.display.delivered(&delivery, now);
            self.note(shown);
        }
    }

    /// The first thing that went wrong ends the command.
    fn note(&mut self, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.trouble.get_or_insert(error);
        }
    }

    fn save(&mut self) -> Result<()> {
        let Some(path) = &self.args.state else { return Ok(()) };
        let began = self.session.world.now();
        let Some(state) = lock(self.emulator).changed_state() else { return Ok(()) };
        self.session.world.update_file(path, &mut |_| Ok(state.clone()))?;
        let now = self.session.world.now();
        let pause = now.duration_since(began).saturating_mul(10).max(UNSAVED);
        self.due = now.checked_add(pause).unwrap_or(now);
        Ok(())
    }
}
