//! `whtool listen`: receives deliveries, judges them, shows them.
//!
//! The listener itself is in `edge`; what is shown of each delivery is decided in `display`, the demonstration in `demo`.

mod apps;
mod budget;
mod demo;
mod display;
mod forwarding;
mod page;
mod seen;
mod tally;
mod watch;

use super::{Session, span};
use crate::command::shared::captures::StoreArgs;
use crate::command::shared::secrets::{self, SecretArgs, TestSecret};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::signature::DEFAULT_TOLERANCE;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::render::text;
use crate::world::{self, AckPolicy, ListenerEvent, RunningListener, StoreLocation, VerifyFn};
use clap::Args;
use display::Display;
use forwarding::ForwardArgs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use watch::Watch;

/// Run a local receiver: verify, ack_policy and show every delivery
///
/// Any path will do. A delivery that verifies is answered 200, anything else 401, without a reason: the reason is shown here.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool listen --demo
  whtool listen --port 3000 --events 'payment.*'
  whtool listen --json --count 1 --timeout 30s > delivery.json
  whtool listen --forward-to http://localhost:3000/webhooks
  PLEXOS_WEBHOOK_SECRET=whsec_… whtool listen --compact")]
pub(super) struct Listen {
    /// The port; 0 is any free one
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = super::port)]
    port: u16,
    /// The address to bind to
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// The largest body that is taken, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_body: usize,
    /// How old, or how far ahead, a signed time may be
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "5m")]
    tolerance: SignedDuration,
    /// Answer 200 to everything, and judge all the same
    #[arg(long)]
    observe: bool,
    /// Deliver a handful of signed samples to this listener, good and bad
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    look: Look,
    /// End after so many verified events, with status 0
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after so long, with status 1
    #[arg(long, value_name = "SPAN", value_parser = span)]
    timeout: Option<SignedDuration>,
    #[command(flatten)]
    store: StoreArgs,
    /// StoreLocation nothing: what comes is only shown
    #[arg(long, conflicts_with = "store")]
    no_store: bool,
    #[command(flatten)]
    forward: ForwardArgs,
    #[command(flatten)]
    secrets: SecretArgs,
}

/// What is shown, and how.
#[derive(Args, Clone)]
struct Look {
    /// One line an event, without the payload
    #[arg(long, conflicts_with = "json")]
    compact: bool,
    /// Show and count only events of these types: 'payment.*'
    #[arg(long, value_name = "GLOB")]
    events: Vec<String>,
    /// One JSON record a line; the first says where the listener is ready
    #[arg(long)]
    json: bool,
}

const DEFAULT_PORT: u16 = 4848;

impl Listen {
    /// Made-up deliveries are not for the store that `events` and `reconcile` read.
    fn keeps_in_memory(&self) -> bool {
        self.demo && self.store.store.is_none()
    }
}

/// Receives until it is told to stop, or has what it was asked for.
pub(super) fn run(args: &Listen, session: &Session<'_>) -> Result<CommandOutcome> {
    let secrets = secrets::load(&args.secrets, TestSecret::Create, session)?;
    let mut watch = Watch::new(&secrets, args.tolerance, session);
    let mut listening = start(args, watch.judge(), session)?;
    let mut display = Display::new(&args.look, secrets.clone(), session);
    if args.no_store {
        session.say("keeping nothing (--no-store)");
    } else if args.keeps_in_memory() {
        session.say("a demonstration: nothing of it stays when this ends (--store FILE keeps it)");
    } else {
        display.remember(args.store.open(session)?.as_mut())?;
    }
    display.ready(listening.address(), &args.forward.spoken())?;
    if !args.demo {
        return receive_until_done(args, listening.as_mut(), &mut display, &mut watch, session);
    }
    let plan = demo::plan(&secrets, session)?;
    let deliveries = plan.len() as u64;
    display.hint_after(deliveries, demo::hint(listening.address(), session));
    std::thread::scope(|scope| {
        let address = listening.address();
        scope.spawn(move || demo::deliver(plan, address, session));
        receive_until_done(args, listening.as_mut(), &mut display, &mut watch, session)
    })
}

/// Opens the listener. A demonstration that finds the usual port taken uses another.
fn start(args: &Listen, judge: VerifyFn, session: &Session<'_>) -> Result<Box<dyn RunningListener>> {
    let ack_policy = if args.observe { AckPolicy::All } else { AckPolicy::Verified };
    let forward = args.forward.forward(session)?;
    let store = match (args.no_store, &forward) {
        (false, _) if args.keeps_in_memory() => Some(StoreLocation::Memory),
        (false, _) => Some(StoreLocation::File(args.store.path(session)?)),
        (true, Some(_)) => Some(StoreLocation::Memory),
        (true, None) => None,
    };
    let listen = |port| {
        let address = SocketAddr::new(args.bind, port);
        let options = world::ListenOptions {
            address,
            max_body: args.max_body,
            ack_policy,
            store: store.clone(),
            forward: forward.clone(),
        };
        session.world.listen(&options, judge.clone())
    };
    match listen(args.port) {
        Err(error) if args.demo && args.port == DEFAULT_PORT => listen(0).map_err(|_| error),
        started => started,
    }
}

fn receive_until_done(
    args: &Listen,
    listening: &mut dyn RunningListener,
    display: &mut Display<'_>,
    watch: &mut Watch,
    session: &Session<'_>,
) -> Result<CommandOutcome> {
    // A deadline beyond the end of time is none.
    let deadline = args.timeout.and_then(|span| session.world.now().checked_add(span).ok());
    let ending = loop {
        if args.count.is_some_and(|count| display.verified() >= count) {
            break Ending::Counted;
        }
        let now = session.world.now();
        if deadline.is_some_and(|deadline| now >= deadline) {
            break Ending::TimeRanOut;
        }
        display.page.flush_at_times(now)?;
        if let Some(secrets) = watch.look(now, session) {
            display.know(secrets);
        }
        match next(listening, deadline, display, session)? {
            ListenerEvent::Received(arrived) => display.received(&arrived)?,
            ListenerEvent::Dropped(missed) => display.missed(missed)?,
            ListenerEvent::Resumed(count) => display.taken_up(count),
            ListenerEvent::Forwarded(forwarded) => display.forwarded(&forwarded)?,
            ListenerEvent::Rejected(request) => display.turned_away(&request),
            ListenerEvent::TimedOut => {}
            ListenerEvent::Interrupted => {
                session.say("finishing what is in hand; Ctrl+C again ends at once");
                break Ending::Interrupted;
            }
            ListenerEvent::Closed => return Err(Error::failed("the listener ended by itself")),
        }
    };
    finish(listening, display)?;
    tell_of_waiting(args, session);
    match ending {
        Ending::Counted => Ok(CommandOutcome::Success),
        Ending::TimeRanOut => {
            session.say("time ran out");
            Ok(CommandOutcome::Negative)
        }
        Ending::Interrupted => Err(Error::interrupted()),
    }
}

/// Says how many are still to be sent on. That it can't be told is no reason to fail at the end.
fn tell_of_waiting(args: &Listen, session: &Session<'_>) {
    let urls: Vec<_> = args.forward.forward_to.iter().map(|route| route.url.clone()).collect();
    if urls.is_empty() || args.no_store || args.keeps_in_memory() {
        return;
    }
    let waiting = args.store.open(session).and_then(|mut store| store.count_pending(&urls));
    if let Ok(waiting @ 1..) = waiting {
        session.say(&format!(
            "{} still to be sent on: the next `whtool listen` with the same --forward-to does that",
            text::count(waiting, "delivery")
        ));
    }
}

/// Why the loop ended.
enum Ending {
    Counted,
    TimeRanOut,
    Interrupted,
}

/// What happens next. Output is flushed only when nothing waits to be shown, so that a burst costs few writes. `Quiet` means that
/// the deadline has passed, or that it is time to look at the registry.
fn next(
    listening: &mut dyn RunningListener,
    deadline: Option<Timestamp>,
    display: &mut Display<'_>,
    session: &Session<'_>,
) -> Result<ListenerEvent> {
    match listening.next(Some(Duration::ZERO)) {
        ListenerEvent::TimedOut => {}
        happening => return Ok(happening),
    }
    display.page.flush()?;
    let left = deadline.map(|deadline| deadline.duration_since(session.world.now()));
    Ok(match left {
        Some(left) if left.is_negative() || left.is_zero() => ListenerEvent::TimedOut,
        left => listening.next(Some(left.map_or(watch::PAUSE, SignedDuration::unsigned_abs).min(watch::PAUSE))),
    })
}

/// Lets what is in hand finish, shows it, and says how it all went.
fn finish(listening: &mut dyn RunningListener, display: &mut Display<'_>) -> Result<()> {
    listening.close();
    loop {
        match listening.next(None) {
            ListenerEvent::Received(arrived) => display.received(&arrived)?,
            ListenerEvent::Dropped(missed) => display.missed(missed)?,
            ListenerEvent::Resumed(count) => display.taken_up(count),
            ListenerEvent::Forwarded(forwarded) => display.forwarded(&forwarded)?,
            ListenerEvent::Rejected(request) => display.turned_away(&request),
            ListenerEvent::Closed => break,
            ListenerEvent::TimedOut | ListenerEvent::Interrupted => {}
        }
    }
    display.page.flush()?;
    display.summary();
    Ok(())
}

/// The default tolerance and the flag's text say the same.
const _: () = assert!(DEFAULT_TOLERANCE.as_secs() == 300);
