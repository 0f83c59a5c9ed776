//! `listen --ui`: the page of `whtool ui` in the process of the listener, on a port of its own.

use super::{Listen, Session};
use crate::command::shared::secrets::Secrets;
use crate::command::shared::target;
use crate::command::ui::{self, UiOptions, UiServer};
use crate::model::address::Reach;
use crate::model::bind;
use crate::model::error::{Error, Result};
use crate::world::RunningServer;
use std::net::SocketAddr;
use url::Url;

/// Opens the socket of the page and prints its link. `None`: no page is wanted.
pub(super) fn start<'s>(
    args: &'s Listen,
    listener: SocketAddr,
    secrets: &Secrets,
    session: &'s Session<'s>,
) -> Result<Option<(UiServer<'s>, Box<dyn RunningServer>)>> {
    let Some(port) = args.ui else { return Ok(None) };
    if args.stores_in_memory() {
        return Err(Error::usage("the page reads a store on disk").hint("add --store FILE"));
    }
    let listener = bind::url(listener);
    let targets = targets(args, &listener, session)?;
    let options = |port| UiOptions {
        port,
        store: &args.store,
        secret_args: &args.secrets,
        secrets: secrets.clone(),
        targets: targets.clone(),
        listener: Some(listener.clone()),
    };
    let started = match UiServer::start(options(port), session) {
        // Several listeners can each have a page.
        Err(error) if port == ui::DEFAULT_PORT => UiServer::start(options(0), session).map_err(|_| error)?,
        started => started?,
    };
    session.info(&format!("page on {}", session.err.strong(started.0.url())));
    started.0.print_link();
    Ok(Some(started))
}

/// Returns the apps that the page may send events to: those of `--forward-to`, which were confirmed,
/// and the listener itself.
fn targets(args: &Listen, listener: &str, session: &Session<'_>) -> Result<Vec<(Url, Reach)>> {
    let mut targets: Vec<_> = args.forward.routes().into_iter().map(|route| route.url).collect();
    targets.dedup();
    targets.push(target::parse(listener).map_err(Error::usage)?);
    Ok(targets.into_iter().map(|url| (url.clone(), target::reach(&url, session))).collect())
}
