//! `--forward-to`: the flags, as the listener takes them.

use crate::command::shared::secrets;
use crate::command::{Session, confirm, span};
use crate::model::address::is_loopback;
use crate::model::error::{Error, Result};
use crate::model::timestamp::SignedDuration;
use crate::webhook::forward::{self, Changes, Route};
use crate::world::{AckMode, CertificateCheck, ForwardOptions};
use clap::Args;
use std::sync::Arc;

/// Sending verified deliveries on to your app
#[derive(Args)]
#[command(next_help_heading = "Forwarding")]
pub(super) struct ForwardArgs {
    /// Send verified deliveries on to your app, some types only with 'payment.*=URL'; the same path is appended when URL has none
    #[arg(long, value_name = "URL")]
    pub forward_to: Vec<Route>,
    /// Answer the provider with the app's own status and body
    #[arg(long, conflicts_with_all = ["ordered", "in_flight"])]
    passthrough: bool,
    /// Send deliveries about the same payment or reference one at a time
    #[arg(long)]
    ordered: bool,
    /// Sign anew with the local test secret
    #[arg(long)]
    resign: bool,
    /// Try again so often when the app is down or answers 5xx
    #[arg(long, value_name = "N", default_value_t = 10)]
    retry: u32,
    /// The first pause before trying again; every further one is twice as long
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = span)]
    retry_pause: SignedDuration,
    /// How long the app may take
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = span)]
    forward_timeout: SignedDuration,
    /// Set a header, in place of those of the same name
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Accept any certificate of the app, such as a self-signed one
    #[arg(long)]
    insecure: bool,
    /// How many may be on their way at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// Send on to an address that is not this machine without asking
    #[arg(long)]
    yes: bool,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| "write 'Name: value'".to_owned())?;
    crate::model::message::Headers::new()
        .push(name.trim(), value.trim().as_bytes())
        .map_err(|error| error.to_string())?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl ForwardArgs {
    /// A flag that says nothing without a URL. The URL may also come from a settings file, which clap's `requires` does not count.
    fn pointless(&self) -> Option<&'static str> {
        let flags = [
            ("--passthrough", self.passthrough),
            ("--ordered", self.ordered),
            ("--resign", self.resign),
            ("--header", !self.header.is_empty()),
            ("--insecure", self.insecure),
        ];
        flags.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }

    /// As the listener takes them. `None`: nothing is sent on.
    pub(super) fn forward(&self, session: &Session<'_>) -> Result<Option<ForwardOptions>> {
        if self.forward_to.is_empty() {
            return self.pointless().map_or(Ok(None), |flag| {
                Err(Error::usage(format!("{flag} is about sending on, and nothing says where to"))
                    .hint("add --forward-to URL"))
            });
        }
        for route in self.forward_to.iter().filter(|route| !is_loopback(&route.url)) {
            let host = route.url.host_str().unwrap_or_default();
            if !self.yes {
                confirm(
                    session,
                    &format!("{host} is not this machine, and what is sent on there is really signed"),
                    host,
                )?;
            }
        }
        let resign = if self.resign { Some(secrets::local_test_keys(session)?) } else { None };
        let changes = Changes { set: self.header.clone(), resign };
        let routes = self.forward_to.clone();
        Ok(Some(ForwardOptions {
            urls: self.forward_to.iter().map(|route| route.url.clone()).collect(),
            route: Arc::new(move |received| {
                let kind = received.event.kind.as_deref();
                routes.iter().filter(|route| route.takes(kind)).map(|route| route.url.clone()).collect()
            }),
            prepare: Arc::new(move |request, base, now| {
                let url = forward::target(base, request);
                let request = forward::outgoing(request, &url, &changes, now)?;
                Ok((url, request))
            }),
            ack_mode: if self.passthrough { AckMode::Passthrough } else { AckMode::Immediate },
            ordered: self.ordered,
            retries: self.retry,
            first_pause: self.retry_pause.unsigned_abs(),
            timeout: self.forward_timeout.unsigned_abs(),
            certificates: if self.insecure { CertificateCheck::Skip } else { CertificateCheck::Verify },
            max_in_flight: usize::from(self.in_flight),
        }))
    }

    /// Where deliveries go, for the person.
    pub(super) fn spoken(&self) -> String {
        self.forward_to.iter().map(|route| route.url.to_string()).collect::<Vec<_>>().join(", ")
    }
}
