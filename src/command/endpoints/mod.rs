//! `whtool endpoints`: endpoints that were registered with `whtool register`.
//!
//! This module works on the registry; `remote` calls the provider's API.

pub(super) mod remote;

use crate::command::shared::api::ApiArgs;
use crate::command::shared::endpoints::{find_proof, format_local_time, record};
use crate::command::shared::registry;
use crate::command::shared::store_args::StoreArgs;
use crate::command::{Session, provider_parser};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::{escape_unsafe, truncate};
use crate::model::stored::DeliverySummary;
use crate::provider::Provider;
use crate::render::json;
use crate::settings::registry::{RegisteredEndpoint, Registry};
use clap::{Args, Subcommand};
use std::io::Write;

/// Manage webhook endpoints that were registered on this machine
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  whtool endpoints
  whtool endpoints list --json
  whtool endpoints show we_abc123
  whtool endpoints --remote            # ask the provider
  whtool endpoints update we_abc123 --events 'payment.*'
  whtool endpoints delete we_abc123
  whtool endpoints forget we_abc123    # remove it from the registry only

An endpoint counts as proved once a delivery has arrived that was verified with its secret. Plexos Pay documents only
the call that creates endpoints; whtool tries the others, and refers you to the dashboard if they do not exist.")]
pub(super) struct Endpoints {
    #[command(subcommand)]
    command: Option<EndpointsCommand>,
    #[command(flatten)]
    list: ListEndpoints,
}

#[derive(Subcommand)]
enum EndpointsCommand {
    List(Box<ListEndpoints>),
    Show(Box<ShowEndpoint>),
    Update(Box<remote::UpdateEndpoint>),
    Delete(Box<remote::DeleteEndpoint>),
    Forget(ForgetEndpoint),
}

/// List the endpoints that were registered on this machine
#[derive(Args)]
struct ListEndpoints {
    /// Ask the provider instead of the registry
    #[arg(long)]
    remote: bool,
    #[command(flatten)]
    common: RemoteArgs,
}

/// Show one endpoint
#[derive(Args)]
struct ShowEndpoint {
    /// Id of the endpoint, such as we_abc123
    #[arg(value_name = "ENDPOINT")]
    id: String,
    /// Ask the provider instead of the registry
    #[arg(long)]
    remote: bool,
    #[command(flatten)]
    common: RemoteArgs,
}

/// Remove an endpoint from the registry; the provider and the stored secret are not changed
#[derive(Args)]
struct ForgetEndpoint {
    /// Id of the endpoint, such as we_abc123, or the URL of a registration whose result is unknown
    #[arg(value_name = "ENDPOINT")]
    id: String,
}

/// Flags shared by the subcommands that can ask the provider.
#[derive(Args, Clone)]
struct RemoteArgs {
    /// Provider to query
    #[arg(long, value_name = "PROVIDER", value_parser = provider_parser(), default_value = "plexos")]
    provider: &'static dyn Provider,
    /// Print one JSON record per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    store: StoreArgs,
}

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

fn list(args: &ListEndpoints, session: &Session<'_>) -> Result<CommandOutcome> {
    if args.remote {
        return remote::list(&args.common, session);
    }
    let registry = registry::read(session)?;
    if registry.endpoints.is_empty() {
        session.info("no endpoints registered on this machine; `whtool register --url URL` registers one");
    }
    let mut store = args.common.store.open_if_exists(session)?;
    let mut output = session.world.stdout();
    for endpoint in &registry.endpoints {
        let proof = find_proof(endpoint, store.as_deref_mut())?;
        if args.common.json {
            output.write_all(&json::line(&record(endpoint, proof.as_ref())))?;
        } else {
            writeln!(output, "{}", session.wrap(&line(endpoint, proof.as_ref(), session)))?;
        }
    }
    output.flush()?;
    warn_about_pending(&registry, session);
    Ok(CommandOutcome::Success)
}

fn show(args: &ShowEndpoint, session: &Session<'_>) -> Result<CommandOutcome> {
    if args.remote {
        return remote::show(&args.id, &args.common, session);
    }
    let registry = registry::read(session)?;
    let endpoint = find(&registry, &args.id)?;
    let mut store = args.common.store.open_if_exists(session)?;
    let proof = find_proof(endpoint, store.as_deref_mut())?;
    let mut output = session.world.stdout();
    if args.common.json {
        output.write_all(&json::line(&record(endpoint, proof.as_ref())))?;
    } else {
        write!(output, "{}", session.wrap(&details(endpoint, proof.as_ref(), session)))?;
    }
    output.flush()?;
    Ok(CommandOutcome::Success)
}

fn forget(args: &ForgetEndpoint, session: &Session<'_>) -> Result<CommandOutcome> {
    let was_pending = registry::update(session, |registry| {
        let before = registry.pending.len();
        registry.pending.retain(|pending| pending.url != args.id);
        let was_pending = registry.pending.len() < before;
        if !was_pending {
            let id = find(registry, &args.id)?.id.clone();
            registry.endpoints.retain(|endpoint| endpoint.id != id);
        }
        Ok(was_pending)
    })?;
    let name = escape_unsafe(&args.id);
    session.info(&if was_pending {
        format!("removed the unfinished registration of {name} from the registry")
    } else {
        format!("removed {name} from the registry; the provider still sends to it, and its secret is still stored")
    });
    Ok(CommandOutcome::Success)
}

fn find<'r>(registry: &'r Registry, id: &str) -> Result<&'r RegisteredEndpoint> {
    let found = registry.endpoints.iter().find(|endpoint| endpoint.id == id);
    found.ok_or_else(|| {
        Error::failed(format!("no endpoint `{id}` was registered on this machine"))
            .hint("list them with `whtool endpoints`, or ask the provider with --remote")
    })
}

fn line(endpoint: &RegisteredEndpoint, proof: Option<&DeliverySummary>, session: &Session<'_>) -> String {
    let out = session.out;
    let provider = format!("{:<8} {}", endpoint.provider, endpoint.mode.name());
    let events = match endpoint.events.len() {
        1 => escape_unsafe(&endpoint.events[0]).into_owned(),
        number => format!("{number} events"),
    };
    let created = format_local_time(endpoint.created, session);
    let (id, url) = (truncate(&endpoint.id, 40), truncate(&mask_secrets(&endpoint.url), 100));
    format!(
        "{}  {}  {url}  {events}  {}  {}",
        out.name(&provider),
        out.strong(&id),
        out.faint(&created),
        describe_proof(proof, session)
    )
}

fn details(endpoint: &RegisteredEndpoint, proof: Option<&DeliverySummary>, session: &Session<'_>) -> String {
    let events: Vec<_> = endpoint.events.iter().map(|event| escape_unsafe(event)).collect();
    let secret = match &endpoint.secret {
        Some(name) => format!("stored as {}", escape_unsafe(name)),
        None => "unknown: the provider's response contained none".to_owned(),
    };
    let rows = [
        ("provider", format!("{} {}, {}", endpoint.provider, endpoint.mode.name(), escape_unsafe(&endpoint.base))),
        ("url", escape_unsafe(&mask_secrets(&endpoint.url)).into_owned()),
        ("events", events.join(", ")),
        ("status", endpoint.status.as_deref().map(|status| escape_unsafe(status).into_owned()).unwrap_or_default()),
        ("label", endpoint.description.as_deref().map(|text| truncate(text, 200)).unwrap_or_default()),
        ("created", format_local_time(endpoint.created, session)),
        ("secret", secret),
        ("deliveries", describe_proof(proof, session)),
    ];
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    let lines: String = rows.map(|(name, value)| format!("  {name:<12}{value}\n")).collect();
    format!("{}\n{lines}", session.out.strong(&escape_unsafe(&endpoint.id)))
}

fn describe_proof(proof: Option<&DeliverySummary>, session: &Session<'_>) -> String {
    match proof {
        Some(summary) => {
            let (time, id) = (format_local_time(summary.arrived, session), &summary.id);
            session.out.good(&format!("proved by delivery {id} at {time}"))
        }
        None => session.out.faint("not proved yet"),
    }
}

fn warn_about_pending(registry: &Registry, session: &Session<'_>) {
    let mut reported = Vec::new();
    for pending in registry.pending.iter().rev() {
        if reported.contains(&&pending.url) {
            continue;
        }
        reported.push(&pending.url);
        let [url, base] = [&pending.url, &pending.base].map(|url| escape_unsafe(&mask_secrets(url)).into_owned());
        let time = format_local_time(pending.at, session);
        session.warn(&format!("the result of registering {url} at {base} is unknown ({time}): check the dashboard"));
        session.info(&format!("  then run `whtool endpoints forget {url}`, or register it with --again"));
    }
}
