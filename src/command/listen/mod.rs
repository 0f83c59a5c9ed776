//! `whtool listen`: receives, verifies, stores, acknowledges and shows webhooks.
//!
//! The HTTP server is in `edge/listener`. `receive` is the main loop, `display` shows deliveries,
//! `demo` sends some.

mod answers;
mod app_status;
mod demo;
mod display;
mod exec;
mod forwarding;
mod goal;
mod keys;
mod receive;
mod secret_reload;
mod state;
mod tunnel;
mod tunnel_endpoint;
mod with_page;

use super::{Session, TextList, Verbosity, parse_duration};
use crate::command::shared::live_output::OutputLoss;
use crate::command::shared::secrets::{self, SecretArgs, TestSecret};
use crate::command::shared::store_args::StoreArgs;
use crate::model::bind::BindHost;
use crate::model::error::{CommandOutcome, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::signature::DEFAULT_TOLERANCE;
use crate::model::timestamp::SignedDuration;
use crate::render::text;
use crate::webhook::expectation::ExpectedEvent;
use crate::world::{self, AckPolicy, RunningListener, StoreLocation, VerifyFn};
use answers::AnswerScript;
use clap::Args;
use display::Display;
use exec::ExecArgs;
use forwarding::ForwardArgs;
use goal::{Goal, WantedEvents};
use keys::KeyReader;
use receive::{Helpers, receive_until_done};
use secret_reload::SecretReloader;
use tunnel::TunnelArgs;

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
  whtool listen --ui --forward-to 3000
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
    /// Serve the page of `whtool ui` on this port of its own [default: 4849]
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "4849", conflicts_with = "no_store", value_parser = super::parse_port)]
    ui: Option<u16>,
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
    /// Returns the variables that commands do not inherit. `PGPASSWORD` is among them: it opens a
    /// team's store.
    fn hidden_variables(&self) -> Vec<String> {
        let all = self.secrets.variables().into_iter().chain(self.store.variable()).chain(["PGPASSWORD"]);
        all.map(str::to_owned).collect()
    }

    /// Returns the place of the store, with the forwarding group.
    fn location(&self, session: &Session<'_>) -> Result<StoreLocation> {
        self.forward.group.location(&self.store, session)
    }

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
        display.load_seen_events(session.world.open_store(&args.location(session)?)?.as_mut())?;
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
    if is_on_disk
        && let StoreLocation::Postgres(store) = args.location(session)?
        && !args.forward.routes().is_empty()
    {
        session.info(&format!("member of the forwarding group {}", escape_unsafe(&store.group)));
    }
    if let Some(script) = &args.answer {
        session.info(&format!("answering verified events with {} (--answer)", script.words()));
    }
    display.keeps_records = args.exec.is_given();
    let address = listener.address();
    let plan = args.tunnel.plan(address.port(), session)?;
    let page = with_page::start(args, address, &secrets, session)?;
    let (page, socket) = page.unzip();
    std::thread::scope(|scope| {
        let _running = page.as_ref().zip(socket).map(|(page, socket)| page.run(socket, scope));
        if args.demo {
            let deliveries = demo::deliveries(&secrets, session)?;
            display.hint_after(deliveries.len() as u64, demo::hint(address, session));
            scope.spawn(move || demo::send(deliveries, address, session));
        }
        let tunnel = plan.map(|plan| {
            let (link, supervisor) = args.tunnel.supervisor(plan, address.port(), args.hidden_variables(), session);
            scope.spawn(move || supervisor.run());
            (link, endpoint)
        });
        let commands = args.exec.commands(&args.hidden_variables(), session).map(|(commands, workers)| {
            workers.into_iter().for_each(|worker| drop(scope.spawn(move || worker.run())));
            commands
        });
        let helpers = Helpers { tunnel, commands, keys, page: page.as_ref() };
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
    let location = match args.no_store || args.stores_in_memory() {
        true => None,
        false => Some(args.location(session)?),
    };
    let forward = args.forward.options(location.as_ref(), session)?;
    let store = match (args.no_store, &forward) {
        (true, None) => None,
        _ => Some(location.unwrap_or(StoreLocation::Memory)),
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
