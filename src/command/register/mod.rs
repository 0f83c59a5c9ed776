//! `whtool register`: creates a webhook endpoint at the provider and stores its secret, which is
//! shown only once.
//!
//! A pending registration is in the registry from before the call until its result is known, and a
//! response is on disk before it is parsed, so that a crash at any moment loses no secret silently.

mod env_file;
mod save;

use crate::command::shared::api::{ApiArgs, ApiClient, ConfirmArgs, Confirmation};
use crate::command::shared::endpoints::{
    UrlPolicy, check_url, format_local_time, no_endpoint_api, record, select_events,
};
use crate::command::shared::registry;
use crate::command::{Session, TextList, join_lists, provider_parser};
use crate::model::error::{CommandOutcome, Error, Kind, Result};
use crate::model::exchange::{Answer, SendFailure};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::escape_unsafe;
use crate::provider::Provider;
use crate::provider::api::{self, ApiCall, ResponseError};
use crate::provider::endpoints::{EndpointFields, EndpointRequest};
use crate::render::json::line;
use crate::render::text::count;
use crate::settings::registry::{PendingRegistration, RegisteredEndpoint};
use crate::world::FileVisibility;
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Create a webhook endpoint at the provider and store its signing secret
#[derive(Args)]
#[command(after_help = "\
Examples:
  whtool register --url https://shop.example.com/webhooks/plexos
  whtool register --url https://shop.example.com/hooks --events 'payment.*'
  whtool register --url https://shop.example.com/hooks --env-file .env
  whtool register --url http://127.0.0.1:4848/ --allow-http  # at the emulator

The provider shows the secret only once. It is stored before anything is printed; listen, verify, sign and replay use it
from then on.")]
pub(super) struct Register {
    /// URL that the provider sends events to
    #[arg(long, value_name = "URL")]
    url: String,
    /// Events to receive: names, globs such as payment.*, or all; separated by commas
    #[arg(long, value_name = "LIST", default_value = "all")]
    events: Vec<TextList>,
    /// Label shown in the dashboard
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Provider to register with
    #[arg(long, value_name = "PROVIDER", value_parser = provider_parser(), default_value = "plexos")]
    provider: &'static dyn Provider,
    /// Register even if this URL is already in the registry
    #[arg(long)]
    again: bool,
    /// Accept http URLs and private addresses, for tests
    #[arg(long)]
    allow_http: bool,
    #[command(flatten)]
    confirm: ConfirmArgs,
    /// Also print the secret
    #[arg(long)]
    print_secret: bool,
    /// Write the secret to this .env file as PLEXOS_WEBHOOK_SECRET=…; other lines stay unchanged
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Print one JSON record
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    api: ApiArgs,
}

pub(super) struct NewEndpoint<'a> {
    pub client: ApiClient,
    pub url: &'a str,
    pub policy: UrlPolicy,
    /// Patterns of event types.
    pub events: Vec<String>,
    pub description: Option<&'a str>,
    /// Register even if the URL is already in the registry.
    pub again: bool,
    /// Deleted when the listener ends.
    pub is_temporary: bool,
    pub confirmation: Confirmation,
}

/// Endpoint to register, checked.
struct Registration {
    client: ApiClient,
    call: ApiCall,
    fields: EndpointFields,
    url: String,
    is_temporary: bool,
}

pub(super) fn run(args: &Register, session: &Session<'_>) -> Result<CommandOutcome> {
    if args.provider.endpoint_call(&EndpointRequest::Create(EndpointFields::default())).is_none() {
        return Err(no_endpoint_api(args.provider));
    }
    let policy = if args.allow_http { UrlPolicy::Any } else { UrlPolicy::PublicHttps };
    // What is wrong with the arguments is reported before a missing key.
    check_url(&args.url, policy)?;
    select_events(args.provider, &join_lists(&args.events))?;
    let new = NewEndpoint {
        client: ApiClient::new(args.provider, &args.api, session)?,
        url: &args.url,
        policy,
        events: join_lists(&args.events),
        description: args.description.as_deref(),
        again: args.again,
        is_temporary: false,
        confirmation: args.confirm.confirmation(),
    };
    let (endpoint, secret) = register(new, session)?;
    print_result(args, &endpoint, &secret, session)?;
    Ok(CommandOutcome::Success)
}

/// Registers an endpoint and stores its secret, which is returned, too.
pub(super) fn register(new: NewEndpoint<'_>, session: &Session<'_>) -> Result<(RegisteredEndpoint, String)> {
    let confirmation = new.confirmation;
    let registration = check(new, session)?;
    let Registration { client, call, url, .. } = &registration;
    client.confirm_live_key(call, "register an endpoint", confirmation, session)?;
    let pending = add_pending(&registration, session)?;
    let sent = match client.send(call, session) {
        Ok(sent) => sent,
        Err(error) => {
            if error.kind == Kind::Interrupted {
                save::remove_reserved(&pending.token, session);
                session.print_error(&save::unknown_result(client, url, "it was interrupted"));
            } else {
                save::remove_pending(&pending, session)?;
            }
            return Err(error);
        }
    };
    match sent.answer {
        Ok(answer) => handle_response(&registration, &pending, &answer, session),
        Err(SendFailure::Cut { cause, start }) => handle_cut_response(&registration, &pending, &start, &cause, session),
        Err(failure) if failure.is_unsent() => {
            save::remove_pending(&pending, session)?;
            Err(client.connection_error(&failure, "nothing was registered"))
        }
        Err(failure) => {
            save::remove_reserved(&pending.token, session);
            Err(save::unknown_result(client, url, &failure.to_string()))
        }
    }
}

/// Checks everything that can be checked before anything is sent.
fn check(new: NewEndpoint<'_>, session: &Session<'_>) -> Result<Registration> {
    let provider = new.client.provider;
    let url = check_url(new.url, new.policy)?;
    let events = select_events(provider, &new.events)?;
    if !new.again {
        refuse_duplicate(&new.client, url.as_str(), session)?;
    }
    let fields = EndpointFields {
        url: Some(url.to_string()),
        events: Some(events),
        description: new.description.map(str::to_owned),
        status: None,
    };
    let create = EndpointRequest::Create(fields.clone());
    let call = provider.endpoint_call(&create).ok_or_else(|| no_endpoint_api(provider))?.call;
    Ok(Registration { client: new.client, call, fields, url: url.into(), is_temporary: new.is_temporary })
}

/// Refuses a URL that is registered already: the provider would send every event twice, signed with
/// two secrets.
fn refuse_duplicate(client: &ApiClient, url: &str, session: &Session<'_>) -> Result<()> {
    let (registry, provider, base) = (registry::read(session)?, client.provider.name(), client.base.as_str());
    if let Some(endpoint) = registry.find_by_url(provider, base, url) {
        return Err(Error::usage(format!("{url} is already registered as {}", endpoint.id))
            .because("with a second endpoint for the same URL, every event is sent twice")
            .hint(format!("see `whtool endpoints show {}`, or use --again to register it anyway", endpoint.id)));
    }
    let is_same =
        |pending: &&PendingRegistration| pending.provider == provider && pending.base == base && pending.url == url;
    if let Some(pending) = registry.pending.iter().find(is_same) {
        let time = format_local_time(pending.at, session);
        return Err(Error::usage(format!("the result of the last registration of {url} is unknown"))
            .because(format!("it was sent at {time}, and no secret was received: the endpoint may exist"))
            .hint(format!(
                "check {}; then use --again, or `whtool endpoints forget {url}`",
                client.provider.api().dashboard
            )));
    }
    Ok(())
}

/// Records the registration before it is sent.
fn add_pending(registration: &Registration, session: &Session<'_>) -> Result<PendingRegistration> {
    let mut token = [0; 8];
    session.world.fill_random(&mut token);
    let pending = PendingRegistration {
        token: hex::encode(token),
        provider: registration.client.provider.name().to_owned(),
        base: registration.client.base.to_string(),
        url: registration.url.clone(),
        at: session.world.now(),
    };
    save::reserve_response(&pending.token, session)?;
    let added = registry::update(session, |registry| {
        registry.pending.push(pending.clone());
        Ok(())
    });
    if let Err(error) = added {
        save::remove_reserved(&pending.token, session);
        return Err(error);
    }
    Ok(pending)
}

/// Saves the endpoint and secret of a response, and ends the pending registration.
fn handle_response(
    registration: &Registration,
    pending: &PendingRegistration,
    answer: &Answer,
    session: &Session<'_>,
) -> Result<(RegisteredEndpoint, String)> {
    let provider = registration.client.provider;
    let parse = || api::parse_response(provider, answer, session.world.now()).err().unwrap_or(ResponseError::Empty);
    match answer.status.0 {
        500.. | 408 => {
            save::remove_reserved(&pending.token, session);
            let why = parse().to_error(provider, "").cause().unwrap_or_default();
            Err(save::unknown_result(&registration.client, &registration.url, &why))
        }
        // Nothing was created, and the response contains nothing to keep.
        300.. => {
            save::remove_pending(pending, session)?;
            Err(parse().to_error(provider, "nothing was registered"))
        }
        _ => save::save_response(registration, pending, answer, session),
    }
}

/// Handles a response that was cut off: it may be complete enough, or contain the secret.
fn handle_cut_response(
    registration: &Registration,
    pending: &PendingRegistration,
    start: &Answer,
    cause: &str,
    session: &Session<'_>,
) -> Result<(RegisteredEndpoint, String)> {
    if !start.status.is_success() || start.body.is_empty() {
        save::remove_reserved(&pending.token, session);
        let why = format!("the response was cut off: {cause}");
        return Err(save::unknown_result(&registration.client, &registration.url, &why));
    }
    save::save_response(registration, pending, &Answer { is_whole: true, ..start.clone() }, session)
}

fn print_result(args: &Register, endpoint: &RegisteredEndpoint, secret: &str, session: &Session<'_>) -> Result<()> {
    let file = registry::path(session)?;
    let name = endpoint.secret.as_deref().unwrap_or_default();
    let mut output = session.world.stdout();
    if args.json {
        let mut record = record(endpoint, None);
        record["secretFile"] = json!(file.display().to_string());
        if args.print_secret {
            record["signingSecret"] = json!(secret);
        }
        output.write_all(&line(&record))?;
    } else {
        let (id, name) = (escape_unsafe(&endpoint.id), escape_unsafe(name));
        let text = format!("{id}  secret stored as {name} in {}", file.display());
        writeln!(output, "{}", session.wrap(&text))?;
        if args.print_secret {
            writeln!(output, "{}", escape_unsafe(secret))?;
        }
    }
    output.flush()?;
    drop(output);
    let (url, mode) = (mask_secrets(&endpoint.url), endpoint.mode.name());
    let url = escape_unsafe(&url);
    let events = count(endpoint.events.len() as u64, "event type");
    session.info(&format!("registered {url} for {events} ({mode} mode); `whtool listen` now verifies its deliveries"));
    if let Some(path) = &args.env_file {
        write_env_file(path, args.provider, secret, session)?;
    }
    Ok(())
}

fn write_env_file(path: &Path, provider: &dyn Provider, secret: &str, session: &Session<'_>) -> Result<()> {
    let variable = provider.secret_variable();
    let note = format!("replaced {}", session.world.now().strftime("%Y-%m-%d"));
    let written = session
        .world
        .update_file(path, &mut |old| Ok(env_file::set_variable(&old.unwrap_or_default(), variable, secret, &note)));
    let visibility = written.map_err(|error| {
        error.hint(format!("the secret is stored: print it with `whtool secret show --reveal` and set {variable}"))
    })?;
    session.info(&format!("wrote {variable} to {}", path.display()));
    if visibility == FileVisibility::Shared {
        session.warn(&format!("other users can read {}: chmod 600 {}", path.display(), path.display()));
    }
    Ok(())
}
