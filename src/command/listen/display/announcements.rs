//! Messages about the listener itself: its addresses, secrets and tunnel.

use super::Display;
use crate::command::join_lists;
use crate::command::listen::tunnel::{self, TunnelEvent, TunnelLink};
use crate::command::shared::addresses::report_addresses;
use crate::command::shared::captures::warn_if_unknown_type;
use crate::command::shared::secrets::Secrets;
use crate::model::bind::{self, SecondAddress};
use crate::model::error::Result;
use crate::model::mask::mask_secrets;
use crate::model::sanitize;
use crate::provider;
use crate::provider::endpoints::{EndpointFields, EndpointRequest};
use crate::render;
use crate::webhook::route::Route;
use crate::world::Stream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;
use std::io::Write as _;
use std::net::SocketAddr;
use url::Url;

impl Display<'_> {
    /// Reports that the listener accepts connections.
    pub(in crate::command::listen) fn show_ready(
        &mut self,
        (address, second): (SocketAddr, SecondAddress),
        routes: Vec<Route>,
        has_keys: bool,
    ) -> Result<()> {
        let url = bind::url(address);
        if self.args.json {
            self.output.write_record(&render::json::ready(&url))?;
        }
        let shown = self.session.err.strong(&url);
        let keys = if has_keys { "; press ? for keys" } else { "" };
        self.session.info(&format!("listening on {shown} (any path; Ctrl+C to stop{keys})"));
        report_addresses(address, second, self.session);
        let routed = routes.iter().flat_map(|route| route.types.iter().cloned());
        let globs = join_lists(&self.args.events).into_iter().chain(routed);
        globs.for_each(|glob| warn_if_unknown_type(&glob, self.session));
        let urls: Vec<_> = routes.iter().map(|route| mask_secrets(route.url.as_str())).collect();
        if !urls.is_empty() {
            self.session.info(&format!("forwarding verified deliveries to {}", urls.join(", ")));
        }
        let apps: HashSet<_> = routes.iter().map(|route| route.url.origin()).collect();
        self.apps.has_several = apps.len() > 1;
        self.routes = routes;
        self.print_secrets("secrets");
        self.print_secret_for_app();
        self.output.flush()
    }

    /// Shows a change of the tunnel's state.
    pub(in crate::command::listen) fn show_tunnel(&mut self, tunnel: &TunnelLink, event: &TunnelEvent) -> Result<()> {
        let name = &tunnel.name;
        let (state, url, why, text) = match event {
            TunnelEvent::Started => ("starting", None, None, Some(format!("starting {name}; waiting for its URL"))),
            TunnelEvent::Up(url) => {
                let shown = self.session.err.strong(tunnel::shown(url));
                let life = tunnel.url_life.words();
                ("up", Some(url), None, Some(format!("{shown} leads here, through {name}{life}")))
            }
            TunnelEvent::Lost(why) => {
                let text = format!("tunnel lost: {why}; trying to get it back");
                ("lost", None, Some(why.as_str()), Some(self.session.err.bad(&sanitize::escape_unsafe(&text))))
            }
            TunnelEvent::Failed(error) => ("ended", None, Some(error.message.as_str()), None),
            TunnelEvent::Ended => ("ended", None, None, None),
        };
        if self.args.json {
            let since = self.session.world.now();
            self.output.write_record(&render::json::tunnel(state, name, url.map(tunnel::shown), why, since))?;
        }
        if let Some(text) = text {
            self.session.info(&text);
        }
        if let TunnelEvent::Up(url) = event {
            self.say_where_to_enter(url, tunnel.is_registered);
        }
        self.output.flush()
    }

    /// Says how providers get to know the URL, once for each.
    fn say_where_to_enter(&mut self, url: &Url, is_registered: bool) {
        if self.tunnel_url.replace(url.clone()).as_ref() == Some(url) {
            return;
        }
        let program = self.session.world.invocation();
        for provider in provider::ALL {
            let (title, shown) = (provider.title(), tunnel::shown(url));
            let has_api = provider.endpoint_call(&EndpointRequest::Create(EndpointFields::default())).is_some();
            if has_api && is_registered {
                continue;
            }
            let advice = if has_api {
                format!("{title}: run `{program} register --url {shown}`")
            } else {
                let name = provider.name();
                let copied = if self.copy_to_clipboard(shown) {
                    " (copied to the clipboard, if your terminal allows it)"
                } else {
                    ""
                };
                format!(
                    "{title}: enter the URL{copied} at {}, then run `{program} secret add {name}`",
                    provider.api().dashboard
                )
            };
            self.session.info(&advice);
        }
    }

    /// Asks the terminal to copy a text (OSC 52). Returns false if there is no terminal, or one that
    /// would print the request.
    fn copy_to_clipboard(&self, text: &str) -> bool {
        let kind = self.session.world.env_var("TERM");
        let is_able = self.session.world.is_terminal(Stream::Error)
            && kind.is_some_and(|kind| !["dumb", "linux"].contains(&kind.as_str()));
        let request = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
        is_able && self.session.world.stderr().write_all(request.as_bytes()).is_ok()
    }

    pub(in crate::command::listen) fn update_secrets(&mut self, secrets: Secrets) {
        self.secrets = secrets;
        self.print_secrets("secrets reloaded");
    }

    fn print_secrets(&self, label: &str) {
        let names = self.secrets.keys.iter().map(|key| format!("{} ({})", key.secret.origin, key.secret.provider));
        self.session.info(&format!("{label}: {}", sanitize::escape_unsafe(&names.collect::<Vec<_>>().join(", "))));
    }

    /// Says how to give a local test secret to the app, for providers that have no other.
    fn print_secret_for_app(&self) {
        let has_other = |provider: &str| {
            self.secrets.keys.iter().any(|key| key.secret.provider == provider && !key.secret.is_local_test())
        };
        for provider in provider::ALL.iter().filter(|provider| !has_other(provider.name())) {
            let (variable, name) = (provider.secret_variable(), provider.name());
            let program = self.session.world.invocation();
            let command = format!("{program} secret show {name}-test");
            let line = self.session.world.shell().set_variable_to_output(variable, &command);
            self.session.info(&format!("for your app: {line}"));
        }
    }
}
