//! `whtool listen`: receives, verifies, stores, acknowledges and shows webhooks.
//!
//! The HTTP server is in `edge/listener`. `display` shows deliveries, `demo` sends some.

mod answers;
mod app_status;
mod demo;
mod display;
mod exec;
mod forwarding;
mod goal;
mod keys;
mod output;
mod secret_reload;
mod state;
mod tunnel;
mod tunnel_endpoint;

use super::{Session, TextList, Verbosity, parse_duration};
use crate::command::shared::captures::StoreArgs;
use crate::command::shared::secrets::{self, SecretArgs, TestSecret};
use crate::model::bind::BindHost;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::signature::DEFAULT_TOLERANCE;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::render::text;
use crate::webhook::expectation::ExpectedEvent;
use crate::world::{self, AckPolicy, ListenerEvent, RunningListener, StoreLocation, VerifyFn};
use answers::AnswerScript;
use clap::Args;
use display::{Display, NewEvent};
use exec::{Commands, ExecArgs};
use forwarding::ForwardArgs;
use goal::{Goal, WantedEvents};
use keys::KeyReader;
use output::OutputLoss;
use secret_reload::SecretReloader;
use std::time::Duration;
use tunnel::{TunnelArgs, TunnelEvent, TunnelLink};
use tunnel_endpoint::TunnelEndpoint;

/// Receive webhooks on this machine: verify, store, acknowledge and show every delivery
///
/// Listens on any path. Verified deliveries are answered with 200 once they are stored; everything
/// else gets 401 without an explanation. The reason is shown here.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool listen --demo
  whtool listen --port 3000 --type 'payment.*'
  whtool listen --json --count 1 --timeout 30s > delivery.json
  whtool listen --expect 'payment.debited,data.amount=10000' --timeout 1m
  whtool listen --forward-to http://localhost:3000/webhooks
  PLEXOS_WEBHOOK_SECRET=whsec_… whtool listen --compact")]
pub(super) struct Listen {
    /// Port to listen on; 0 picks a free one
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = super::parse_port)]
    port: u16,
    /// Address to bind to, such as 0.0.0.0 or `[::]:3000`; localhost is 127.0.0.1 and, if possible, ::1
    #[arg(long, value_name = "ADDRESS", default_value = "localhost")]
    bind: BindHost,
    /// Maximum size of a body, such as 500kB or 20MiB
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = parse_size)]
    max_body: usize,
    /// Maximum space in the store for requests that were not verified; the oldest go first
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = parse_size)]
    refused_limit: usize,
    /// Maximum age of a signed timestamp, past or future
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "5m")]
    tolerance: SignedDuration,
    /// Answer 200 to every request, but still report verification results
    #[arg(long)]
    observe: bool,
    /// Answer verified events with these statuses, in order; the last one repeats. Events that are
    /// refused are stored, but not forwarded
    #[arg(long, value_name = "STATUS,…", conflicts_with_all = ["observe", "passthrough"])]
    answer: Option<AnswerScript>,
    /// Send valid and invalid sample deliveries to this listener
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    display: DisplayArgs,
    /// Exit after N different verified events: with status 0, or 1 if the app has not accepted them
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,
    /// Exit, as with --count, after an event TYPE or TYPE,PATH=VALUE,…. May be repeated: the events
    /// must come in this order; others may come in between
    #[arg(long, value_name = "EVENT", conflicts_with = "count")]
    expect: Vec<ExpectedEvent>,
    /// Exit with status 1 after this time
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<SignedDuration>,
    #[command(flatten)]
    store: StoreArgs,
    /// Do not store deliveries, only show them
    #[arg(long, conflicts_with = "store")]
    no_store: bool,
    #[command(flatten)]
    forward: ForwardArgs,
    #[command(flatten)]
    exec: ExecArgs,
    #[command(flatten)]
    tunnel: TunnelArgs,
    #[command(flatten)]
    secrets: SecretArgs,
}

#[derive(Args, Clone)]
struct DisplayArgs {
    /// Print one line per event, without the payload
    #[arg(long, conflicts_with = "json")]
    compact: bool,
    /// Show and count only events of these types, such as 'payment.*,refund.failed'. May be repeated
    #[arg(short = 't', long = "type", alias = "events", value_name = "GLOB")]
    events: Vec<TextList>,
    /// Print one JSON record per line; the first reports the URL once the listener is ready
    #[arg(long)]
    json: bool,
}

const DEFAULT_PORT: u16 = 4848;

/// Parses a size in bytes, with an optional decimal or binary unit.
fn parse_size(text: &str) -> Result<usize, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit.trim_start() {
        "" | "B" => Some(1),
        "kB" | "KB" => Some(1_000),
        "MB" => Some(1_000_000),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let size = number.parse::<usize>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    size.ok_or_else(|| "expected a size such as 500kB or 20MiB".to_owned())
}

impl Listen {
    /// The deliveries of a demo stay out of the store that `events` and `reconcile` read.
    fn stores_in_memory(&self) -> bool {
        self.demo && self.store.store.is_none()
    }
}

pub(super) fn run(args: &Listen, session: &Session<'_>) -> Result<CommandOutcome> {
    let secrets = secrets::load(&args.secrets, TestSecret::Create, session)?;
    if let Some(script) = &args.answer {
        script.confirm(&secrets, args.forward.yes, session)?;
    }
    let endpoint = args.tunnel.endpoint(args.forward.yes, session)?;
    let mut reloader = SecretReloader::new(&secrets, &args.secrets, args.tolerance, session);
    let is_on_disk = !args.no_store && !args.stores_in_memory();
    let loss = if is_on_disk { OutputLoss::Tolerated } else { OutputLoss::Error };
    let mut display = Display::new(&args.display, secrets.clone(), loss, session);
    if is_on_disk {
        // Before the listener opens the store: SQLite keeps the descriptor of a connection that is
        // closed while another one is open.
        display.load_seen_events(args.store.open(session)?.as_mut())?;
    }
    let mut listener = start(args, (reloader.verify_fn(), reloader.sources()), session)?;
    let mut goal = Goal::new(WantedEvents::new(args.count, &args.expect), args.timeout.is_some());
    if args.no_store {
        session.info("not storing deliveries (--no-store)");
    } else if args.stores_in_memory() {
        session.info("demo: deliveries are stored in memory (--store FILE stores them on disk)");
    } else if session.verbosity == Verbosity::Verbose {
        let limit = text::byte_size(args.refused_limit as u64);
        session.info(&format!("requests that are not verified may take {limit} of the store"));
    }
    let addresses = (listener.address(), listener.second_address());
    let keys = KeyReader::start(args, session);
    display.show_ready(addresses, args.forward.routes(), keys.is_some())?;
    if let Some(script) = &args.answer {
        session.info(&format!("answering verified events with {} (--answer)", script.words()));
    }
    display.keeps_records = args.exec.is_given();
    let address = listener.address();
    let plan = args.tunnel.plan(address.port(), session)?;
    std::thread::scope(|scope| {
        if args.demo {
            let deliveries = demo::deliveries(&secrets, session)?;
            display.hint_after(deliveries.len() as u64, demo::hint(address, session));
            scope.spawn(move || demo::send(deliveries, address, session));
        }
        let tunnel = plan.map(|plan| {
            let (link, supervisor) = args.tunnel.supervisor(plan, address.port(), &args.secrets, session);
            scope.spawn(move || supervisor.run());
            (link, endpoint)
        });
        let commands = args.exec.commands(&args.secrets, session).map(|(commands, workers)| {
            workers.into_iter().for_each(|worker| drop(scope.spawn(move || worker.run())));
            commands
        });
        let helpers = Helpers { tunnel, commands, keys };
        receive_until_done(args, listener.as_mut(), (&mut display, &mut goal), &mut reloader, helpers, session)
    })
}

/// Starts the listener. If the default port is taken, a demo uses another one.
fn start(
    args: &Listen,
    (verify, secret_sources): (VerifyFn, Vec<world::SecretSource>),
    session: &Session<'_>,
) -> Result<Box<dyn RunningListener>> {
    let ack_policy = if args.observe { AckPolicy::All } else { AckPolicy::Verified };
    let forward = args.forward.options(session)?;
    let store = match (args.no_store, &forward) {
        (false, _) if args.stores_in_memory() => Some(StoreLocation::Memory),
        (false, _) => Some(StoreLocation::File(args.store.path(session)?)),
        (true, Some(_)) => Some(StoreLocation::Memory),
        (true, None) => None,
    };
    let listen = |port| {
        let addresses = args.bind.with_port(port);
        args.forward.refuse_own_address(&addresses.all(), session)?;
        let options = world::ListenOptions {
            addresses,
            max_body: args.max_body,
            ack_policy,
            answers: args.answer.as_ref().map(|script| script.0.clone()).unwrap_or_default(),
            store: store.clone(),
            refused_limit: args.refused_limit as u64,
            forward: forward.clone(),
            secret_sources: secret_sources.clone(),
        };
        session.world.listen(&options, verify.clone())
    };
    match listen(args.port) {
        Err(error) if args.demo && args.port == DEFAULT_PORT => listen(0).map_err(|_| error),
        started => started,
    }
}

/// What runs beside the listener: programs, and the keyboard.
struct Helpers<'s> {
    /// With the endpoint that is registered for its URL.
    tunnel: Option<(TunnelLink, Option<TunnelEndpoint<'s>>)>,
    commands: Option<Commands>,
    keys: Option<KeyReader<'s>>,
}

fn receive_until_done(
    args: &Listen,
    listener: &mut dyn RunningListener,
    (display, goal): (&mut Display<'_>, &mut Goal),
    reloader: &mut SecretReloader,
    Helpers { mut tunnel, commands, mut keys }: Helpers<'_>,
    session: &Session<'_>,
) -> Result<CommandOutcome> {
    if let Some((link, _)) = &tunnel {
        display.show_tunnel(link, &TunnelEvent::Started)?;
    }
    // A deadline beyond the largest timestamp is no deadline.
    let deadline = args.timeout.and_then(|span| session.world.now().checked_add(span).ok());
    let stop_reason = loop {
        if goal.is_reached() {
            break StopReason::CountReached;
        }
        let now = session.world.now();
        if deadline.is_some_and(|deadline| now >= deadline) {
            break StopReason::TimedOut;
        }
        if let Some((link, endpoint)) = &mut tunnel
            && let Some(event) = link.next_event()
        {
            display.show_tunnel(link, &event)?;
            match (event, endpoint) {
                (TunnelEvent::Failed(error), _) => break StopReason::Failed(error),
                (TunnelEvent::Up(url), Some(endpoint)) => {
                    if let Err(error) = endpoint.register(&url) {
                        break StopReason::Failed(error);
                    }
                }
                _ => {}
            }
        }
        while let Some(finished) = commands.as_ref().and_then(Commands::next_finished) {
            finished.outcome.is_err().then(|| goal.add_failed_command());
            display.show_command(&finished)?;
        }
        display.output.flush_if_due(now)?;
        if let Some(secrets) = reloader.reload_if_due(now, session) {
            display.update_secrets(secrets);
        }
        if let Some(keys) = &mut keys {
            keys.handle_next(args, listener, display, session)?;
        }
        let interval = if keys.is_some() { keys::INTERVAL } else { secret_reload::INTERVAL };
        match next(listener, (deadline, interval), display, session)? {
            ListenerEvent::Received(delivery) => {
                if let Some(event) = display.add_delivery(&delivery)? {
                    goal.add(&delivery.received, (&event.name, delivery.id), &args.forward);
                    run_for(event, commands.as_ref(), session);
                }
            }
            ListenerEvent::Dropped(dropped) => display.add_dropped(dropped)?,
            ListenerEvent::Resumed(count) => display.show_resumed(count),
            ListenerEvent::Forwarded(forwarded) => {
                goal.add_forwarded(&forwarded);
                display.show_forwarded(&forwarded)?;
            }
            ListenerEvent::Rejected(request) if tunnel.as_ref().is_some_and(|(link, _)| link.takes(&request)) => {}
            ListenerEvent::Rejected(request) => display.add_rejected(&request),
            ListenerEvent::TimedOut => {}
            ListenerEvent::Interrupted => {
                session.info("stopping: finishing open requests (Ctrl+C again to quit now)");
                break StopReason::Interrupted;
            }
            ListenerEvent::Closed => return Err(Error::failed("the listener stopped unexpectedly")),
        }
    };
    drop(keys);
    if let Some((link, endpoint)) = &mut tunnel {
        if let Some(endpoint) = endpoint {
            endpoint.remove();
        }
        display.show_tunnel(link, &TunnelEvent::Ended)?;
    }
    finish(listener, (display, goal), commands.as_ref(), session)?;
    if let Some(commands) = &commands {
        if matches!(stop_reason, StopReason::CountReached) {
            while let Some(finished) = commands.wait() {
                finished.outcome.is_err().then(|| goal.add_failed_command());
                display.show_command(&finished)?;
            }
        }
        if let open @ 1.. = commands.open() {
            let open = text::count(open as u64, "event");
            session.warn(&format!("--exec: the commands for {open} were stopped or not started"));
        }
    }
    report_queued(args, session);
    display.show_expectations(&goal.expectations())?;
    let result = goal.result();
    if let Some((text, _)) = &result {
        session.info(text);
    }
    match stop_reason {
        StopReason::CountReached => Ok(result.map_or(CommandOutcome::Success, |(_, outcome)| outcome)),
        StopReason::TimedOut => {
            session.info(&format!("timed out after {:#}", args.timeout.unwrap_or_default()));
            Ok(CommandOutcome::Negative)
        }
        // A service is stopped like this; a goal that was not reached is no success.
        StopReason::Interrupted if session.world.was_terminated() => {
            Ok(result.map_or(CommandOutcome::Success, |(_, outcome)| outcome))
        }
        StopReason::Interrupted => Err(Error::interrupted()),
        StopReason::Failed(error) => Err(error),
    }
}

/// Reports how many deliveries are still queued. An error of the store is ignored.
fn report_queued(args: &Listen, session: &Session<'_>) {
    let urls: Vec<_> = args.forward.routes().into_iter().map(|route| route.url).collect();
    if urls.is_empty() || args.no_store || args.stores_in_memory() {
        return;
    }
    let queued = args.store.open(session).and_then(|mut store| store.count_pending(&urls));
    if let Ok(queued @ 1..) = queued {
        session.info(&format!(
            "{} still queued; the next `whtool listen` with the same --forward-to forwards them",
            text::count(queued, "delivery")
        ));
    }
}

/// Runs the command of `--exec` for an event that has not had it.
fn run_for(event: NewEvent, commands: Option<&Commands>, session: &Session<'_>) {
    let (Some(commands), Some(record)) = (commands, event.record) else { return };
    if !commands.add(&event.name, record) {
        session.warn(&format!("--exec: not run for {}: too many events wait for it", event.name));
    }
}

enum StopReason {
    CountReached,
    TimedOut,
    Interrupted,
    /// The tunnel did not come up.
    Failed(Error),
}

/// Waits for the next event. Output is flushed only when no event is queued, so a burst costs few
/// writes. `TimedOut` means that the deadline has passed, or that it is time for another look at the
/// registry and the keyboard.
fn next(
    listener: &mut dyn RunningListener,
    (deadline, interval): (Option<Timestamp>, Duration),
    display: &mut Display<'_>,
    session: &Session<'_>,
) -> Result<ListenerEvent> {
    match listener.next(Some(Duration::ZERO)) {
        ListenerEvent::TimedOut => {}
        happening => return Ok(happening),
    }
    display.output.flush()?;
    let left = deadline.map(|deadline| deadline.duration_since(session.world.now()));
    Ok(match left {
        Some(left) if left.is_negative() || left.is_zero() => ListenerEvent::TimedOut,
        left => listener.next(Some(left.map_or(interval, SignedDuration::unsigned_abs).min(interval))),
    })
}

/// Closes the listener, shows what is still open, and prints the summary.
fn finish(
    listener: &mut dyn RunningListener,
    (display, goal): (&mut Display<'_>, &mut Goal),
    commands: Option<&Commands>,
    session: &Session<'_>,
) -> Result<()> {
    listener.close();
    loop {
        match listener.next(None) {
            ListenerEvent::Received(delivery) => {
                if let Some(event) = display.add_delivery(&delivery)? {
                    run_for(event, commands, session);
                }
            }
            ListenerEvent::Dropped(dropped) => display.add_dropped(dropped)?,
            ListenerEvent::Resumed(count) => display.show_resumed(count),
            ListenerEvent::Forwarded(forwarded) => {
                goal.add_forwarded(&forwarded);
                display.show_forwarded(&forwarded)?;
            }
            ListenerEvent::Rejected(request) => display.add_rejected(&request),
            ListenerEvent::Closed => break,
            ListenerEvent::TimedOut | ListenerEvent::Interrupted => {}
        }
    }
    display.output.flush()?;
    display.print_summary();
    Ok(())
}

/// The flag's default must equal the default tolerance.
const _: () = assert!(DEFAULT_TOLERANCE.as_secs() == 300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_may_have_a_decimal_or_binary_unit() {
        let sizes = [("1048576", 1 << 20), ("500kB", 500_000), ("20MiB", 20 << 20), ("2 MB", 2_000_000), ("0B", 0)];
        for (text, size) in sizes {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5MiB", "1M", "99999999999GiB", "18446744073709551616"] {
            assert_eq!(parse_size(text), Err("expected a size such as 500kB or 20MiB".to_owned()), "{text}");
        }
    }
}
