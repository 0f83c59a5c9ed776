//! `whtool ui`: deliveries in a web browser, and the same records for programs over HTTP.
//!
//! `server` owns the socket and the threads that answer, `access` decides who may call, `routes` has
//! the table of routes. `pages` and `overview` collect the values that `render::page` formats,
//! `files` sends captures in other formats, `explanations` remembers causes. `replays` sends events to
//! apps, `record` asks the provider, and `work` runs what takes longer, in `jobs`. `api` writes the
//! records, `openapi` describes them, and `stream` sends those that arrive. The server is separate from the listener's,
//! so that no tunnel reaches it.

mod access;
mod api;
mod explanations;
mod files;
mod frame;
mod jobs;
mod known_secrets;
mod openapi;
mod overview;
mod pages;
mod parameters;
mod record;
mod replays;
mod reply;
mod routes;
mod server;
mod stream;
mod work;

use super::Session;
use crate::command::shared::secrets::{self, SecretArgs, TestSecret};
use crate::command::shared::store_args::StoreArgs;
use crate::command::shared::target;
use crate::model::address::Reach;
use crate::model::error::{CommandOutcome, Error, Result};
use clap::Args;
use serde_json::json;
pub(in crate::command) use server::{UiOptions, UiServer};
use std::io::Write;
use std::time::Duration;
use url::Url;

/// Browse deliveries in a web browser: search, see causes, compare, replay
///
/// Prints a link that can be opened once. The page is for this machine alone; bodies and headers are
/// shown as text, with secrets masked unless --reveal is given. The records of `events --json` are
/// at /api/v1: docs/api.md describes it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool ui
  whtool ui --open --to http://localhost:3000/webhooks
  whtool ui --json --port 0 > ui.json")]
pub(super) struct Ui {
    /// Port to listen on; 0 picks a free one
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = super::parse_port)]
    port: u16,
    /// Open the page in a browser
    #[arg(long)]
    open: bool,
    /// URL of an app that the page may send events to. May be repeated
    #[arg(long = "to", alias = "forward-to", value_name = "URL", value_parser = target::parse)]
    targets: Vec<Url>,
    /// Skip the confirmation before events may be sent to another machine
    #[arg(long)]
    yes: bool,
    /// Print one JSON record with the URL, the link and the token of the API
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    secrets: SecretArgs,
}

pub(in crate::command) const DEFAULT_PORT: u16 = 4849;

/// Time between two looks at the keyboard.
const KEY_INTERVAL: Duration = Duration::from_millis(50);

/// Longest wait between two looks for Ctrl+C.
const WAIT: Duration = Duration::from_secs(3600);

/// Serves the page until it is interrupted.
pub(super) fn run(args: &Ui, session: &Session<'_>) -> Result<CommandOutcome> {
    let mut interrupt = session.world.interrupt_waiter()?;
    let options = UiOptions {
        port: args.port,
        store: &args.store,
        secret_args: &args.secrets,
        secrets: secrets::load(&args.secrets, TestSecret::IfPresent, session)?,
        targets: confirm_targets(&args.targets, args.yes, session)?,
        listener: None,
    };
    let (server, socket) = UiServer::start(options, session)?;
    let mut keys = if args.json { None } else { session.world.keys() };
    announce(args, &server, keys.is_some(), session)?;
    std::thread::scope(|scope| {
        let _running = server.run(socket, scope);
        while !interrupt.wait(if keys.is_some() { KEY_INTERVAL } else { WAIT }) {
            match keys.as_mut().and_then(|keys| keys.next()) {
                Some('o') => server.open_page(),
                Some('u') => server.print_link(),
                Some('q') => session.world.interrupt(),
                _ => {}
            }
        }
    });
    if session.world.was_terminated() { Ok(CommandOutcome::Success) } else { Err(Error::interrupted()) }
}

/// Asks before signed events may go to other machines.
fn confirm_targets(urls: &[Url], yes: bool, session: &Session<'_>) -> Result<Vec<(Url, Reach)>> {
    let question =
        |host: &str| format!("{host} is not this machine; the page could send it events with valid signatures");
    urls.iter().map(|url| Ok((url.clone(), target::confirm_reach(url, yes, question, session)?))).collect()
}

/// Prints where the page is, and opens it.
fn announce(args: &Ui, server: &UiServer<'_>, has_keys: bool, session: &Session<'_>) -> Result<()> {
    if args.json {
        let link = server.new_link();
        let record = json!({
            "schema": "whtool.ui/1", "url": server.url(), "link": link, "token": server.token(),
        });
        let mut output = session.world.stdout();
        writeln!(output, "{record}")?;
        output.flush()?;
    } else {
        let keys = if has_keys { "; o opens it, u prints a new link" } else { "" };
        session.info(&format!("page on {} (Ctrl+C to stop{keys})", session.err.strong(server.url())));
        server.print_link();
    }
    if args.open {
        server.open_page();
    }
    Ok(())
}
