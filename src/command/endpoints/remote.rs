//! Endpoints at the provider. Only creating one is documented, so none of these calls is certain to
//! exist.

use super::RemoteArgs;
use crate::command::shared::api::{ApiClient, ConfirmArgs, Confirmation};
use crate::command::shared::endpoints::{UrlPolicy, check_url, format_local_time, no_endpoint_api, select_events};
use crate::command::shared::registry;
use crate::command::{Session, TextList, join_lists};
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::mask::mask_secrets;
use crate::model::sanitize::{escape_unsafe, truncate};
use crate::provider::api::{self, ResponseError};
use crate::provider::endpoints::{
    CallSupport, EndpointCall, EndpointFields, EndpointPage, EndpointRequest, RemoteEndpoint,
};
use crate::render::json;
use crate::render::text::count;
use clap::{ArgGroup, Args};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::Write;

/// Change an endpoint at the provider, if its API supports that
#[derive(Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
pub(super) struct UpdateEndpoint {
    /// Id of the endpoint, such as we_abc123
    #[arg(value_name = "ENDPOINT")]
    id: String,
    /// New URL
    #[arg(long, value_name = "URL", group = "change")]
    url: Option<String>,
    /// New events: names, globs such as payment.*, or all
    #[arg(long, value_name = "LIST", group = "change")]
    events: Option<Vec<TextList>>,
    /// New label shown in the dashboard
    #[arg(long, value_name = "TEXT", group = "change")]
    description: Option<String>,
    /// Enable the endpoint
    #[arg(long, group = "change")]
    enable: bool,
    /// Disable the endpoint
    #[arg(long, conflicts_with = "enable", group = "change")]
    disable: bool,
    /// Accept http URLs and private addresses, for tests
    #[arg(long)]
    allow_http: bool,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    common: RemoteArgs,
}

/// Delete an endpoint at the provider, if its API supports that; its stored secret is retired
#[derive(Args)]
pub(super) struct DeleteEndpoint {
    /// Id of the endpoint, such as we_abc123
    #[arg(value_name = "ENDPOINT")]
    id: String,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    common: RemoteArgs,
}

/// Prints the provider's list, page by page.
pub(super) fn list(args: &RemoteArgs, session: &Session<'_>) -> Result<CommandOutcome> {
    let message = "can't list the provider's endpoints";
    let client = ApiClient::new(args.provider, &args.api, session)?;
    let mut output = session.world.stdout();
    let (mut after, mut count, mut seen) = (None, 0, HashSet::new());
    loop {
        let body = send_and_parse(&client, &EndpointRequest::List { after: after.take() }, message, session)?;
        let page = EndpointPage::parse(&body.unwrap_or_else(|| json!([])));
        let page = page.map_err(|error| error.to_error(args.provider, message))?;
        for endpoint in &page.endpoints {
            print(endpoint, args, session, &mut *output)?;
        }
        count += page.endpoints.len();
        if !page.has_more {
            break;
        }
        let last = page.endpoints.last().map(|endpoint| endpoint.id.clone());
        if !seen.insert(last.clone()) {
            return Err(Error::failed(message).because("the provider's pages repeat: two end with the same endpoint"));
        }
        after = last;
    }
    output.flush()?;
    if count == 0 {
        session.info(&format!("{} has no endpoints", args.provider.title()));
    }
    Ok(CommandOutcome::Success)
}

/// Prints one endpoint of the provider.
pub(super) fn show(id: &str, args: &RemoteArgs, session: &Session<'_>) -> Result<CommandOutcome> {
    let message = format!("can't show {id}");
    let client = ApiClient::new(args.provider, &args.api, session)?;
    let body = send_and_parse(&client, &EndpointRequest::Get(id.to_owned()), &message, session)?;
    let endpoint = body.ok_or(ResponseError::Empty).and_then(|body| RemoteEndpoint::parse(&body));
    let endpoint = endpoint.map_err(|error| error.to_error(args.provider, &message))?;
    let mut output = session.world.stdout();
    print(&endpoint, args, session, &mut *output)?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

/// Changes an endpoint at the provider, then in the registry.
pub(super) fn update(args: &UpdateEndpoint, session: &Session<'_>) -> Result<CommandOutcome> {
    let provider = args.common.provider;
    let policy = if args.allow_http { UrlPolicy::Any } else { UrlPolicy::PublicHttps };
    let status = match (args.enable, args.disable) {
        (true, _) => Some("ACTIVE"),
        (_, true) => Some("DISABLED"),
        _ => None,
    };
    let fields = EndpointFields {
        url: args.url.as_deref().map(|text| check_url(text, policy).map(String::from)).transpose()?,
        events: args.events.as_deref().map(|patterns| select_events(provider, &join_lists(patterns))).transpose()?,
        description: args.description.clone(),
        status,
    };
    let message = format!("{} was not changed", args.id);
    let request = EndpointRequest::Update(args.id.clone(), fields.clone());
    let client = ApiClient::new(provider, &args.common.api, session)?;
    send_change(&client, &request, &message, args.confirm.confirmation(), session)?;
    registry::update(session, |registry| {
        for endpoint in registry.endpoints.iter_mut().filter(|endpoint| endpoint.id == args.id) {
            endpoint.url = fields.url.clone().unwrap_or_else(|| endpoint.url.clone());
            endpoint.events = fields.events.clone().unwrap_or_else(|| endpoint.events.clone());
            endpoint.description = fields.description.clone().or_else(|| endpoint.description.clone());
            endpoint.status = fields.status.map(str::to_owned).or_else(|| endpoint.status.clone());
        }
        Ok(())
    })?;
    session.info(&format!("changed {}", escape_unsafe(&args.id)));
    Ok(CommandOutcome::Success)
}

/// Deletes an endpoint at the provider, then in the registry. Its secret is kept, because
/// deliveries that are under way were signed with it.
pub(super) fn delete(args: &DeleteEndpoint, session: &Session<'_>) -> Result<CommandOutcome> {
    let client = ApiClient::new(args.common.provider, &args.common.api, session)?;
    delete_endpoint(&client, &args.id, args.confirm.confirmation(), session)?;
    session.info(&format!("deleted {}; its stored secret is retired", escape_unsafe(&args.id)));
    Ok(CommandOutcome::Success)
}

/// Deletes an endpoint at the provider, then in the registry, and retires its secret.
pub(in crate::command) fn delete_endpoint(
    client: &ApiClient,
    id: &str,
    confirmation: Confirmation,
    session: &Session<'_>,
) -> Result<()> {
    let message = format!("{id} was not deleted");
    send_change(client, &EndpointRequest::Delete(id.to_owned()), &message, confirmation, session)?;
    let now = session.world.now();
    registry::update(session, |registry| {
        let (deleted, kept): (Vec<_>, _) =
            std::mem::take(&mut registry.endpoints).into_iter().partition(|endpoint| endpoint.id == id);
        registry.endpoints = kept;
        let names: Vec<_> = deleted.iter().filter_map(|endpoint| endpoint.secret.as_deref()).collect();
        for stored in registry.secrets.iter_mut().filter(|stored| names.contains(&stored.name.as_str())) {
            stored.retired.get_or_insert(now);
        }
        Ok(())
    })
}

fn send_change(
    client: &ApiClient,
    request: &EndpointRequest,
    message: &str,
    confirmation: Confirmation,
    session: &Session<'_>,
) -> Result<()> {
    let EndpointCall { call, .. } =
        client.provider.endpoint_call(request).ok_or_else(|| no_endpoint_api(client.provider))?;
    client.confirm_live_key(&call, "change an endpoint", confirmation, session)?;
    send_and_parse(client, request, message, session).map(drop)
}

/// Sends a request and parses the response. `None`: a 2xx response without a body. If the provider
/// does not document the call, 404 and 405 mean that it does not exist.
fn send_and_parse(
    client: &ApiClient,
    request: &EndpointRequest,
    message: &str,
    session: &Session<'_>,
) -> Result<Option<Value>> {
    let provider = client.provider;
    let EndpointCall { call, support } = provider.endpoint_call(request).ok_or_else(|| no_endpoint_api(provider))?;
    let answer = client.send(&call, session)?.answer.map_err(|failure| client.connection_error(&failure, message))?;
    match api::parse_response(provider, &answer, session.world.now()) {
        Ok(body) => Ok(Some(body)),
        Err(ResponseError::Empty) => Ok(None),
        Err(ResponseError::Rejected { status: status @ (404 | 405 | 501), .. })
            if support == CallSupport::Undocumented =>
        {
            Err(unsupported_call(client, request, status, message))
        }
        Err(error) => Err(error.to_error(provider, message)),
    }
}

fn unsupported_call(client: &ApiClient, request: &EndpointRequest, status: u16, message: &str) -> Error {
    let (title, dashboard) = (client.provider.title(), client.provider.api().dashboard);
    let or_endpoint = match request {
        EndpointRequest::Get(_) | EndpointRequest::Update(..) | EndpointRequest::Delete(_) if status == 404 => {
            " or the endpoint"
        }
        _ => "",
    };
    Error::failed(message)
        .because(format!("{title} answered {status}: this undocumented call{or_endpoint} does not exist"))
        .hint(format!("use {dashboard}; `whtool endpoints forget` changes only the registry"))
}

fn print(
    endpoint: &RemoteEndpoint,
    args: &RemoteArgs,
    session: &Session<'_>,
    output: &mut dyn Write,
) -> std::io::Result<()> {
    if args.json {
        output.write_all(&json::line(&record(endpoint, args)))
    } else {
        writeln!(output, "{}", session.wrap(&line(endpoint, session)))
    }
}

fn record(endpoint: &RemoteEndpoint, args: &RemoteArgs) -> Value {
    json!({
        "schema": "whtool.remote_endpoint/1", "id": endpoint.id, "provider": args.provider.name(), "url": endpoint.url,
        "events": endpoint.events, "status": endpoint.status, "description": endpoint.description,
        "created": endpoint.created,
    })
}

fn line(endpoint: &RemoteEndpoint, session: &Session<'_>) -> String {
    let field = |text: &Option<String>| truncate(&mask_secrets(text.as_deref().unwrap_or("-")), 100);
    let created = match endpoint.created.as_deref().map(str::parse) {
        Some(Ok(time)) => format_local_time(time, session),
        _ => field(&endpoint.created),
    };
    let id = session.out.strong(&truncate(&endpoint.id, 40));
    let (url, status) = (field(&endpoint.url), field(&endpoint.status));
    let events = count(endpoint.events.len() as u64, "event");
    format!("{id}  {url}  {status}  {events}  {}", session.out.faint(&created))
}
