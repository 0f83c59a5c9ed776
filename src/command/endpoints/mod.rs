//! `whtool endpoints`: what was registered from here, and what the provider says of it.
//!
//! The registry's own are in this file; what asks the provider is in `remote`.

mod remote;

use crate::command::shared::api::ApiArgs;
use crate::command::shared::captures::StoreArgs;
use crate::command::shared::registry;
use crate::command::{Session, provider_values};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::message::Request;
use crate::model::sanitize::{escape_unsafe, truncate};
use crate::model::secret::SecretOrigin;
use crate::model::stored::{DeliverySummary, Query};
use crate::model::verdict::VerdictCode;
use crate::provider::Provider;
use crate::render::json;
use crate::settings::registry::{RegisteredEndpoint, Registry};
use crate::world::Store;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;

/// What this machine registered: list, show, update and delete where the provider allows it
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  whtool endpoints
  whtool endpoints list --json
  whtool endpoints show we_abc123
  whtool endpoints --remote            # what the provider says, if it answers
  whtool endpoints update we_abc123 --events 'payment.*'
  whtool endpoints delete we_abc123
  whtool endpoints forget we_abc123    # in the registry only

An endpoint is proved once a delivery that its own secret verifies has come. Plexos Pay documents only how endpoints are
created: the other calls are tried, and where they are not there you are sent to the dashboard.")]
pub(super) struct Endpoints {
    #[command(subcommand)]
    command: Option<EndpointsCommand>,
    #[command(flatten)]
    list: List,
}

#[derive(Subcommand)]
enum EndpointsCommand {
    List(Box<List>),
    Show(Box<Show>),
    Update(Box<remote::Update>),
    Delete(Box<remote::Delete>),
    Forget(Forget),
}

/// List the endpoints that were registered from here
#[derive(Args)]
struct List {
    /// Ask the provider instead of the registry
    #[arg(long)]
    remote: bool,
    #[command(flatten)]
    common: RemoteArgs,
}

/// Show one endpoint
#[derive(Args)]
struct Show {
    /// Its id, such as we_abc123
    #[arg(value_name = "ENDPOINT")]
    id: String,
    /// Ask the provider instead of the registry
    #[arg(long)]
    remote: bool,
    #[command(flatten)]
    common: RemoteArgs,
}

/// Forget an endpoint: the registry's entry goes, the provider's and the secret stay
#[derive(Args)]
struct Forget {
    /// Its id, such as we_abc123; or the URL of a registration of which nobody knows how it ended
    #[arg(value_name = "ENDPOINT")]
    id: String,
}

/// Flags of every one of them.
#[derive(Args, Clone)]
struct RemoteArgs {
    /// Whose API is asked
    #[arg(long, value_name = "NAME", value_parser = provider_values(), default_value = "plexos")]
    provider: &'static dyn Provider,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Lists, shows, changes.
pub(super) fn run(args: &Endpoints, session: &Session<'_>) -> Result<CommandOutcome> {
    match &args.command {
        None => list(&args.list, session),
        Some(EndpointsCommand::List(args)) => list(args, session),
        Some(EndpointsCommand::Show(args)) => show(args, session),
        Some(EndpointsCommand::Update(args)) => remote::update(args, session),
        Some(EndpointsCommand::Delete(args)) => remote::delete(args, session),
        Some(EndpointsCommand::Forget(args)) => forget(args, session),
    }
}

fn list(args: &List, session: &Session<'_>) -> Result<CommandOutcome> {
    if args.remote {
        return remote::list(&args.common, session);
    }
    let registry = registry::read(session)?;
    if registry.endpoints.is_empty() {
        session.say("no endpoint was registered from here; `whtool register --url URL` does it");
    }
    let mut store = open_existing_store(&args.common.store, session)?;
    let mut output = session.world.stdout();
    for endpoint in &registry.endpoints {
        let proof = find_proof(endpoint, store.as_deref_mut())?;
        if args.common.json {
            output.write_all(&json::line(&record(endpoint, proof.as_ref())))?;
        } else {
            writeln!(output, "{}", session.fitted(&line(endpoint, proof.as_ref(), session)))?;
        }
    }
    output.flush()?;
    warn_about_pending(&registry, session);
    Ok(CommandOutcome::Success)
}

fn show(args: &Show, session: &Session<'_>) -> Result<CommandOutcome> {
    if args.remote {
        return remote::show(&args.id, &args.common, session);
    }
    let registry = registry::read(session)?;
    let endpoint = find(&registry, &args.id)?;
    let mut store = open_existing_store(&args.common.store, session)?;
    let proof = find_proof(endpoint, store.as_deref_mut())?;
    let mut output = session.world.stdout();
    if args.common.json {
        output.write_all(&json::line(&record(endpoint, proof.as_ref())))?;
    } else {
        write!(output, "{}", session.fitted(&details(endpoint, proof.as_ref(), session)))?;
    }
    output.flush()?;
    Ok(CommandOutcome::Success)
}

fn forget(args: &Forget, session: &Session<'_>) -> Result<CommandOutcome> {
    let pending = registry::update(session, |registry| {
        let before = registry.pending.len();
        registry.pending.retain(|one| one.url != args.id);
        let pending = before - registry.pending.len();
        if pending == 0 {
            let id = find(registry, &args.id)?.id.clone();
            registry.endpoints.retain(|one| one.id != id);
        }
        Ok(pending)
    })?;
    let name = escape_unsafe(&args.id);
    session.say(&match pending {
        0 => format!("forgot {name}: the provider still sends to it, and its secret is still kept"),
        _ => format!("forgot that nobody knows how the registration of {name} ended"),
    });
    Ok(CommandOutcome::Success)
}

/// The endpoint of this id in the registry.
fn find<'l>(registry: &'l Registry, id: &str) -> Result<&'l RegisteredEndpoint> {
    let found = registry.endpoints.iter().find(|endpoint| endpoint.id == id);
    found.ok_or_else(|| {
        Error::failed(format!("no endpoint `{id}` was registered from here"))
            .hint("`whtool endpoints` lists them; --remote asks the provider")
    })
}

/// The store of captures, if there is one: looking must not make it.
pub(super) fn open_existing_store(args: &StoreArgs, session: &Session<'_>) -> Result<Option<Box<dyn Store>>> {
    let path = args.path(session)?;
    if session.world.file_exists(&path) { args.open(session).map(Some) } else { Ok(None) }
}

/// The latest delivery that this endpoint's own secret verified, and that whtool did not send itself.
pub(super) fn find_proof(
    endpoint: &RegisteredEndpoint,
    store: Option<&mut (dyn Store + '_)>,
) -> Result<Option<DeliverySummary>> {
    let (Some(store), Some(name)) = (store, &endpoint.secret) else { return Ok(None) };
    let query = Query {
        secret: Some(SecretOrigin::Stored(name.clone()).to_string()),
        verdict: Some(VerdictCode::Verified),
        limit: Some(MAX_DELIVERIES_CHECKED),
        ..Query::default()
    };
    for entry in store.list(&query)?.into_iter().rev() {
        if store.load(&entry.id)?.is_some_and(|kept| !is_from_whtool(&kept.request)) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// How many deliveries are looked at for one that whtool did not send itself.
const MAX_DELIVERIES_CHECKED: u64 = 200;

/// Whether whtool made this delivery, by `replay`, `check` or a demonstration: it has the secret, so that proves nothing.
fn is_from_whtool(request: &Request) -> bool {
    request.headers.get("user-agent").is_some_and(|agent| agent.starts_with(b"whtool/"))
}

/// An endpoint as one JSON record.
pub(super) fn record(endpoint: &RegisteredEndpoint, proof: Option<&DeliverySummary>) -> Value {
    json!({
        "schema": "whtool.endpoint/1", "id": endpoint.id, "provider": endpoint.provider, "mode": endpoint.mode.name(),
        "api": endpoint.base, "url": endpoint.url, "events": endpoint.events, "status": endpoint.status,
        "description": endpoint.description, "created": endpoint.created.to_string(), "secret": endpoint.secret,
        "proved": proof.is_some(),
        "lastVerified": proof.map(|entry| json!({"at": entry.arrived.to_string(), "delivery": entry.id})),
    })
}

fn line(endpoint: &RegisteredEndpoint, proof: Option<&DeliverySummary>, session: &Session<'_>) -> String {
    let out = session.out;
    let profile = format!("{:<8} {}", endpoint.provider, endpoint.mode.name());
    let events = match endpoint.events.len() {
        1 => escape_unsafe(&endpoint.events[0]).into_owned(),
        many => format!("{many} events"),
    };
    let created = format_local_time(endpoint.created, session);
    let (id, url) = (truncate(&endpoint.id, 40), truncate(&endpoint.url, 100));
    format!(
        "{}  {}  {url}  {events}  {}  {}",
        out.name(&profile),
        out.strong(&id),
        out.faint(&created),
        describe_proof(proof, session)
    )
}

fn details(endpoint: &RegisteredEndpoint, proof: Option<&DeliverySummary>, session: &Session<'_>) -> String {
    let events: Vec<_> = endpoint.events.iter().map(|event| escape_unsafe(event)).collect();
    let secret = match &endpoint.secret {
        Some(name) => format!("kept as {}", escape_unsafe(name)),
        None => "not known: the provider's answer stored none".to_owned(),
    };
    let rows = [
        ("provider", format!("{} {}, {}", endpoint.provider, endpoint.mode.name(), escape_unsafe(&endpoint.base))),
        ("url", escape_unsafe(&endpoint.url).into_owned()),
        ("events", events.join(", ")),
        ("status", endpoint.status.as_deref().map(|status| escape_unsafe(status).into_owned()).unwrap_or_default()),
        ("label", endpoint.description.as_deref().map(|text| truncate(text, 200)).unwrap_or_default()),
        ("created", format_local_time(endpoint.created, session)),
        ("secret", secret),
        ("deliveries", describe_proof(proof, session)),
    ];
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    let lines: String = rows.map(|(name, value)| format!("  {:<12}{value}\n", name)).collect();
    format!("{}\n{lines}", session.out.strong(&escape_unsafe(&endpoint.id)))
}

fn describe_proof(proof: Option<&DeliverySummary>, session: &Session<'_>) -> String {
    match proof {
        Some(entry) => {
            let (at, id) = (format_local_time(entry.arrived, session), &entry.id);
            session.out.good(&format!("proved, last by {id} at {at}"))
        }
        None => session.out.faint("not proved yet"),
    }
}

pub(super) fn format_local_time(time: crate::model::timestamp::Timestamp, session: &Session<'_>) -> String {
    time.to_zoned(session.world.time_zone()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn warn_about_pending(registry: &Registry, session: &Session<'_>) {
    let mut told = Vec::new();
    for one in registry.pending.iter().rev() {
        if told.contains(&&one.url) {
            continue;
        }
        told.push(&one.url);
        let (url, at, base) = (escape_unsafe(&one.url), format_local_time(one.at, session), escape_unsafe(&one.base));
        session
            .warn(&format!("nobody knows how the registration of {url} at {base} ended ({at}): look in the dashboard"));
        session.say(&format!("  then `whtool endpoints forget {url}`, or register it --again"));
    }
}
