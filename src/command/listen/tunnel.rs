//! `listen --tunnel`: runs the user's tunnel program, proves that its URL leads here, and tells when
//! the link is lost.
//!
//! A supervisor runs on its own thread, since a check of the URL may take seconds. It sends a GET
//! with a random path to the URL; the tunnel is up when that request arrives at this listener.

mod supervisor;

use super::tunnel_endpoint::TunnelEndpoint;
use crate::command::Session;
use crate::command::shared::api::Confirmation;
use crate::command::shared::endpoints::UrlPolicy;
use crate::command::shared::target;
use crate::model::delivery::RejectedRequest;
use crate::model::error::{Error, Result};
use crate::tunnel::{PROGRAMS, TunnelChoice, TunnelPlan, UrlLife, UrlPattern, UrlSource};
use clap::Args;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use url::Url;

/// A public URL for the listener
#[derive(Args)]
#[command(next_help_heading = "Tunnel")]
pub(super) struct TunnelArgs {
    /// Give the listener a public URL with this program: cloudflared, ngrok, tailscale, zrok,
    /// localhost.run, pinggy, serveo, or ssh:HOST with --public-url. Without a value, with the first
    /// one that is installed
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, default_missing_value = "auto")]
    tunnel: Option<TunnelChoice>,
    /// Run this shell command as the tunnel; {port} is replaced by the listener's port
    #[arg(long, value_name = "COMMAND", conflicts_with = "tunnel")]
    tunnel_command: Option<String>,
    /// Regular expression that finds the URL in the output of --tunnel-command
    #[arg(long, value_name = "REGEX", requires = "tunnel_command")]
    tunnel_url: Option<UrlPattern>,
    /// Public URL of the tunnel, if it is known before
    #[arg(long, value_name = "URL", value_parser = target::parse, conflicts_with = "tunnel_url")]
    public_url: Option<Url>,
    /// Register the URL with Plexos Pay while the tunnel is up, with this path, and delete the
    /// endpoint at the end
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "/")]
    register: Option<String>,
    /// Accept http URLs and private addresses as the public URL, for tests
    #[arg(long)]
    allow_http: bool,
}

#[derive(Debug)]
pub(super) enum TunnelEvent {
    /// The program was started for the first time.
    Started,
    /// The URL leads here.
    Up(Url),
    /// It did, and no longer does.
    Lost(String),
    /// It never did.
    Failed(Error),
    /// The listener stops, and the program with it.
    Ended,
}

/// A tunnel whose supervisor runs.
pub(super) struct TunnelLink {
    pub name: String,
    pub url_life: UrlLife,
    /// The URL is registered with the provider that has an API for it.
    pub is_registered: bool,
    events: Receiver<TunnelEvent>,
    check: Arc<Check>,
    /// Dropped to stop the supervisor.
    _stop: Sender<Infallible>,
}

/// The request that proves that a URL leads to this listener.
struct Check {
    path: String,
    has_arrived: AtomicBool,
}

pub(super) struct Supervisor<'s> {
    plan: TunnelPlan,
    allow_http: bool,
    /// Variables that the program does not inherit.
    hidden_variables: Vec<String>,
    /// Port of the listener itself, whose own URL proves nothing.
    port: u16,
    session: &'s Session<'s>,
    events: Sender<TunnelEvent>,
    stop: Receiver<Infallible>,
    check: Arc<Check>,
}

impl TunnelArgs {
    /// Prepares to register the URL with the provider. `None`: it is not asked for.
    pub(super) fn endpoint<'s>(&self, yes: bool, session: &'s Session<'s>) -> Result<Option<TunnelEndpoint<'s>>> {
        let has_tunnel = self.tunnel.is_some() || self.tunnel_command.is_some();
        let flags = [("--public-url", self.public_url.is_some()), ("--register", self.register.is_some())];
        if let Some((flag, _)) = flags.iter().find(|(_, is_given)| *is_given && !has_tunnel) {
            return Err(Error::usage(format!("{flag} has no effect without a tunnel"))
                .hint("add --tunnel PROGRAM or --tunnel-command COMMAND"));
        }
        let policy = if self.allow_http { UrlPolicy::Any } else { UrlPolicy::PublicHttps };
        let confirmation = if yes { Confirmation::Given } else { Confirmation::Needed };
        self.register.as_ref().map(|path| TunnelEndpoint::new(path, policy, confirmation, session)).transpose()
    }

    /// Plans the tunnel to the listener's port. `None`: none is asked for.
    pub(super) fn plan(&self, port: u16, session: &Session<'_>) -> Result<Option<TunnelPlan>> {
        let public = || self.public_url.clone();
        if let Some(command) = &self.tunnel_command {
            let url = match (public(), &self.tunnel_url) {
                (Some(url), _) => UrlSource::Known(url),
                (None, Some(pattern)) => UrlSource::Matching(pattern.clone()),
                (None, None) => UrlSource::Printed(&[]),
            };
            return Ok(Some(TunnelPlan::of_command(command, port, url)));
        }
        let program = match &self.tunnel {
            None => return Ok(None),
            Some(TunnelChoice::Ssh(target)) => {
                let url = public().ok_or_else(|| {
                    Error::usage("ssh prints no URL").hint("add --public-url with the URL of the web server there")
                })?;
                return Ok(Some(TunnelPlan::through_ssh(target, port, url)));
            }
            Some(TunnelChoice::Program(program)) => program,
            Some(TunnelChoice::FirstInstalled) => {
                let mut defaults = PROGRAMS.iter().filter(|program| program.is_default());
                let names: Vec<_> = defaults.clone().map(|program| program.name).collect();
                defaults.find(|program| session.world.has_program(program.executable)).ok_or_else(|| {
                    Error::failed("no tunnel program is installed")
                        .because(format!("looked for {}", names.join(", ")))
                        .hint(format!("install cloudflared: {}", PROGRAMS[0].install))
                })?
            }
        };
        if !session.world.has_program(program.executable) {
            return Err(Error::failed(format!("{} is not installed", program.name))
                .because(format!("there is no program `{}` in PATH", program.executable))
                .hint(format!("install it: {}", program.install)));
        }
        Ok(Some(TunnelPlan::of_program(program, port, public())))
    }

    /// Connects a plan to a supervisor, which the caller runs on a thread.
    pub(super) fn supervisor<'s>(
        &self,
        plan: TunnelPlan,
        port: u16,
        hidden_variables: Vec<String>,
        session: &'s Session<'s>,
    ) -> (TunnelLink, Supervisor<'s>) {
        let mut random = [0; 12];
        session.world.fill_random(&mut random);
        let check = Arc::new(Check {
            path: format!("/whtool-check-{}", hex::encode(random)),
            has_arrived: AtomicBool::new(false),
        });
        let (events, link_events) = channel();
        let (stop_sender, stop) = channel();
        let link = TunnelLink {
            name: plan.name.clone(),
            url_life: plan.url_life,
            is_registered: self.register.is_some(),
            events: link_events,
            check: Arc::clone(&check),
            _stop: stop_sender,
        };
        let allow_http = self.allow_http;
        (link, Supervisor { plan, allow_http, hidden_variables, port, session, events, stop, check })
    }
}

impl TunnelLink {
    /// Returns true, and lets the supervisor know, if this is the request of a check.
    pub(super) fn takes(&self, rejected: &RejectedRequest) -> bool {
        let is_check = rejected.request.contains(&self.check.path);
        self.check.has_arrived.fetch_or(is_check, Ordering::SeqCst);
        is_check
    }

    pub(super) fn next_event(&self) -> Option<TunnelEvent> {
        self.events.try_recv().ok()
    }
}

pub(super) fn shown(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}
