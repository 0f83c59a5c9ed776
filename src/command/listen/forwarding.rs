//! The flags of `listen` that concern forwarding.

use crate::command::shared::group_args::GroupArgs;
use crate::command::shared::{secrets, target};
use crate::command::{Session, parse_duration};
use crate::model::address::{Reach, local_address};
use crate::model::error::{Error, Result};
use crate::model::exchange::OutgoingRequest;
use crate::model::hop_mark::HopMark;
use crate::model::timestamp::SignedDuration;
use crate::webhook::forward::{self, RequestChanges};
use crate::webhook::route::{Route, RouteList};
use crate::world::{AckMode, CertificateCheck, ForwardOptions, StoreLocation};
use clap::Args;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use url::Url;

/// Forwarding verified deliveries to your app
#[derive(Args)]
#[command(next_help_heading = "Forwarding")]
pub(super) struct ForwardArgs {
    /// Forward verified deliveries to your app; 'payment.*,refund.failed=URL' forwards only matching
    /// types. A URL without a path gets the path of the request. May be repeated
    #[arg(short, long, value_name = "URL")]
    forward_to: Vec<RouteList>,
    /// Return the app's response to the provider instead of 200
    #[arg(long, conflicts_with_all = ["ordered", "in_flight"])]
    passthrough: bool,
    /// Forward deliveries about the same payment one at a time
    #[arg(long)]
    ordered: bool,
    /// Re-sign deliveries with the local test secret
    #[arg(long)]
    pub resign: bool,
    /// Retry up to N times while the app is down or answers 5xx
    #[arg(long, value_name = "N", default_value_t = 10)]
    retry: u32,
    /// Pause before the first retry; doubles with each retry
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    retry_pause: SignedDuration,
    /// Age of a delivery after which it is not forwarded any more
    #[arg(long, value_name = "DURATION", default_value = "3d", value_parser = parse_duration)]
    give_up_after: SignedDuration,
    /// Timeout of one request to the app
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    forward_timeout: SignedDuration,
    /// Set a header, replacing any with the same name. May be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Do not verify TLS certificates
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    pub group: GroupArgs,
    /// Maximum number of deliveries forwarded at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// Skip the confirmation before forwarding to another machine, and before --register or --answer
    /// with a live key
    #[arg(long)]
    pub yes: bool,
}

/// Returns true if a connection to the target arrives at a listener that is bound to this address.
fn is_received_by(listener: IpAddr, target: IpAddr, session: &Session<'_>) -> bool {
    let target = local_address(target).unwrap_or(target);
    if listener.is_unspecified() {
        target.is_loopback() || session.world.is_own_address(target)
    } else {
        target.to_canonical() == listener.to_canonical()
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| "expected 'Name: value'".to_owned())?;
    crate::model::message::Headers::new()
        .push(name.trim(), value.trim().as_bytes())
        .map_err(|error| error.to_string())?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl ForwardArgs {
    /// Returns a flag that has no effect without `--forward-to`. clap's `requires` can't check
    /// this, since the URL may come from a settings file.
    fn flag_without_effect(&self) -> Option<&'static str> {
        let flags = [
            ("--passthrough", self.passthrough),
            ("--ordered", self.ordered),
            ("--resign", self.resign),
            ("--header", !self.header.is_empty()),
            ("--insecure", self.insecure),
            ("--group", self.group.group.is_some()),
        ];
        flags.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }

    /// Converts the flags for the listener, and asks for confirmation if deliveries leave this
    /// machine. `None`: nothing is forwarded.
    pub(super) fn options(
        &self,
        store: Option<&StoreLocation>,
        session: &Session<'_>,
    ) -> Result<Option<ForwardOptions>> {
        if self.forward_to.is_empty() {
            return self.flag_without_effect().map_or(Ok(None), |flag| {
                Err(Error::usage(format!("{flag} has no effect without --forward-to")).hint("add --forward-to URL"))
            });
        }
        let question = |host: &str| format!("{host} is another machine, and would receive genuinely signed events");
        let routes = self.routes();
        let routes = routes
            .iter()
            .map(|route| Ok((route.url.clone(), target::confirm_reach(&route.url, self.yes, question, session)?)));
        let reaches = routes.collect::<Result<HashMap<Url, Reach>>>()?;
        let resign = if self.resign { Some(secrets::local_test_keys(session)?) } else { None };
        let hop_mark = match store {
            // What one member has forwarded comes back to all of them.
            Some(StoreLocation::Postgres(store)) => HopMark::of_group(&store.inbox, &store.group),
            _ => {
                let mut random = [0; 8];
                session.world.fill_random(&mut random);
                HopMark::from_random(random)
            }
        };
        let changes = RequestChanges { headers: self.header.clone(), resign, hop_mark: Some(hop_mark.clone()) };
        let routes = self.routes();
        Ok(Some(ForwardOptions {
            urls: routes.iter().map(|route| route.url.clone()).collect(),
            route: Arc::new(move |event_type| {
                routes.iter().filter(|route| route.matches(event_type)).map(|route| route.url.clone()).collect()
            }),
            prepare: Arc::new(move |request, base, now| {
                let request = forward::build_request(request, base, &changes, now)?;
                // The queue has no other URL. If it had, nothing was agreed to about it.
                let reach = reaches.get(base).copied().unwrap_or(Reach::ThisMachine);
                Ok(OutgoingRequest { number: 0, url: base.clone(), reach, request })
            }),
            hop_mark,
            ack_mode: if self.passthrough { AckMode::Passthrough } else { AckMode::Immediate },
            ordered: self.ordered,
            retries: self.retry,
            first_pause: self.retry_pause.unsigned_abs(),
            give_up_after: self.give_up_after.unsigned_abs(),
            timeout: self.forward_timeout.unsigned_abs(),
            certificates: if self.insecure { CertificateCheck::Skip } else { CertificateCheck::Verify },
            max_in_flight: usize::from(self.in_flight),
        }))
    }

    /// Refuses a URL that leads back to the listener, by any name of its address.
    pub(super) fn refuse_own_address(&self, listener: &[SocketAddr], session: &Session<'_>) -> Result<()> {
        let is_own = |url: &Url| {
            let port = url.port_or_known_default();
            let mut listener = listener.iter().filter(|address| Some(address.port()) == port).map(SocketAddr::ip);
            let targets = target::addresses(url, session);
            listener.any(|listener| targets.iter().any(|target| is_received_by(listener, *target, session)))
        };
        match self.routes().iter().find(|route| is_own(&route.url)) {
            Some(route) => {
                Err(Error::usage(format!("--forward-to {} is the address of the listener itself", route.url))
                    .because("each delivery would come back to it, again and again")
                    .hint("forward to the port of your app, such as http://localhost:3000"))
            }
            None => Ok(()),
        }
    }

    /// Returns the number of URLs that events of this type are forwarded to.
    pub(super) fn route_count(&self, event_type: Option<&str>) -> usize {
        self.routes().iter().filter(|route| route.matches(event_type)).count()
    }

    /// Returns the routes of all `--forward-to`.
    pub(super) fn routes(&self) -> Vec<Route> {
        self.forward_to.iter().flat_map(|list| list.0.iter().cloned()).collect()
    }
}
