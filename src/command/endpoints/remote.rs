//! What the provider is asked about endpoints. Only creating one is documented, so every one of these calls may not be there.

use super::{RemoteArgs, format_local_time};
use crate::command::Session;
use crate::command::register::{by_hand, wanted};
use crate::command::shared::api::{ApiClient, ConfirmArgs, Confirmation};
use crate::command::shared::registry;
use crate::model::error::{CommandOutcome, Error, Result};
use crate::model::sanitize::{escape_unsafe, truncate};
use crate::provider::api::{self, ResponseError};
use crate::provider::endpoints::{CallSupport, EndpointCall, EndpointFields, EndpointRequest, More, RemoteEndpoint};
use clap::{ArgGroup, Args};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::Write;
use wanted::UrlPolicy;

/// Change an endpoint at the provider, if it has such a call
#[derive(Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
pub(super) struct Update {
    /// Its id, such as we_abc123
    #[arg(value_name = "ENDPOINT")]
    id: String,
    /// Another URL
    #[arg(long, value_name = "URL", group = "change")]
    url: Option<String>,
    /// Other events: names, globs such as payment.*, or all
    #[arg(long, value_name = "LIST", value_delimiter = ',', group = "change")]
    events: Option<Vec<String>>,
    /// Another label
    #[arg(long, value_name = "TEXT", group = "change")]
    description: Option<String>,
    /// Let it be delivered to again
    #[arg(long, group = "change")]
    enable: bool,
    /// Let it be delivered to no more
    #[arg(long, conflicts_with = "enable", group = "change")]
    disable: bool,
    /// Take http and private addresses, too, for tests
    #[arg(long)]
    allow_http: bool,
    #[command(flatten)]
    consent: ConfirmArgs,
    #[command(flatten)]
    common: RemoteArgs,
}

/// Delete an endpoint at the provider, if it has such a call; its secret is kept as retired
#[derive(Args)]
pub(super) struct Delete {
    /// Its id, such as we_abc123
    #[arg(value_name = "ENDPOINT")]
    id: String,
    #[command(flatten)]
    consent: ConfirmArgs,
    #[command(flatten)]
    common: RemoteArgs,
}

/// The provider's list, page after page.
pub(super) fn list(args: &RemoteArgs, session: &Session<'_>) -> Result<CommandOutcome> {
    let access = ApiClient::new(args.provider, &args.api, session)?;
    let mut output = session.world.stdout();
    let (mut after, mut count, mut seen) = (None, 0, HashSet::new());
    loop {
        let what = "the provider's endpoints can't be listed";
        let body = send_and_parse(&access, &EndpointRequest::List { after: after.take() }, what, session)?;
        let page = RemoteEndpoint::parse_page(&body.unwrap_or_else(|| json!([])));
        let (page, more) = page.map_err(|unfit| unfit.to_error(args.provider, what))?;
        for told in &page {
            write_one(told, args, session, &mut *output)?;
        }
        count += page.len();
        let last = page.last().map(|told| told.id.clone());
        if more == More::None {
            break;
        }
        if !seen.insert(last.clone()) {
            let error = Error::failed("the provider's endpoints can't be listed to their end");
            return Err(error.because("its pages go in a circle: one ends like one before it"));
        }
        after = last;
    }
    output.flush()?;
    if count == 0 {
        session.say(&format!("{} knows no endpoint", args.provider.title()));
    }
    Ok(CommandOutcome::Success)
}

/// One endpoint as the provider has it.
pub(super) fn show(id: &str, args: &RemoteArgs, session: &Session<'_>) -> Result<CommandOutcome> {
    let access = ApiClient::new(args.provider, &args.api, session)?;
    let what = format!("{id} can't be shown");
    let body = send_and_parse(&access, &EndpointRequest::Get(id.to_owned()), &what, session)?;
    let told = body.ok_or(ResponseError::Empty).and_then(|body| RemoteEndpoint::parse(&body));
    let told = told.map_err(|unfit| unfit.to_error(args.provider, &what))?;
    let mut output = session.world.stdout();
    write_one(&told, args, session, &mut *output)?;
    output.flush()?;
    Ok(CommandOutcome::Success)
}

/// Changes an endpoint, there and in the registry.
pub(super) fn update(args: &Update, session: &Session<'_>) -> Result<CommandOutcome> {
    let provider = args.common.provider;
    let allowed = if args.allow_http { UrlPolicy::Any } else { UrlPolicy::PublicHttps };
    let status = match (args.enable, args.disable) {
        (true, _) => Some("ACTIVE"),
        (_, true) => Some("DISABLED"),
        _ => None,
    };
    let change = EndpointFields {
        url: args.url.as_deref().map(|text| wanted::check_url(text, allowed).map(String::from)).transpose()?,
        events: args.events.as_deref().map(|words| wanted::select_events(provider, words)).transpose()?,
        description: args.description.clone(),
        status,
    };
    let what = format!("{} was not changed", args.id);
    send_change(
        &EndpointRequest::Update(args.id.clone(), change.clone()),
        &what,
        args.consent.confirmation(),
        &args.common,
        session,
    )?;
    registry::update(session, |registry| {
        for endpoint in registry.endpoints.iter_mut().filter(|endpoint| endpoint.id == args.id) {
            endpoint.url = change.url.clone().unwrap_or_else(|| endpoint.url.clone());
            endpoint.events = change.events.clone().unwrap_or_else(|| endpoint.events.clone());
            endpoint.description = change.description.clone().or_else(|| endpoint.description.clone());
            endpoint.status = change.status.map(str::to_owned).or_else(|| endpoint.status.clone());
        }
        Ok(())
    })?;
    session.say(&format!("changed {}", escape_unsafe(&args.id)));
    Ok(CommandOutcome::Success)
}

/// Deletes an endpoint, there and in the registry. What is still under way was signed with its secret, so that stays.
pub(super) fn delete(args: &Delete, session: &Session<'_>) -> Result<CommandOutcome> {
    let what = format!("{} was not deleted", args.id);
    send_change(&EndpointRequest::Delete(args.id.clone()), &what, args.consent.confirmation(), &args.common, session)?;
    let now = session.world.now();
    registry::update(session, |registry| {
        let gone: Vec<_> = registry.endpoints.iter().filter(|one| one.id == args.id).cloned().collect();
        registry.endpoints.retain(|one| one.id != args.id);
        let names: Vec<_> = gone.iter().filter_map(|endpoint| endpoint.secret.as_deref()).collect();
        for stored in registry.secrets.iter_mut().filter(|stored| names.contains(&stored.name.as_str())) {
            stored.retired.get_or_insert(now);
        }
        Ok(())
    })?;
    session.say(&format!("deleted {}; its secret is kept, as retired", escape_unsafe(&args.id)));
    Ok(CommandOutcome::Success)
}

fn send_change(
    asked: &EndpointRequest,
    what: &str,
    agreed: Confirmation,
    args: &RemoteArgs,
    session: &Session<'_>,
) -> Result<()> {
    let access = ApiClient::new(args.provider, &args.api, session)?;
    let EndpointCall { call, .. } = args.provider.endpoint_call(asked).ok_or_else(|| by_hand(args.provider))?;
    access.confirm_live_key(&call, "change an endpoint", agreed, session)?;
    send_and_parse(&access, asked, what, session).map(drop)
}

/// Asks; where the provider documents no such call, 404 and 405 say that there is none. `None`: a good answer without a body.
fn send_and_parse(
    access: &ApiClient,
    asked: &EndpointRequest,
    what: &str,
    session: &Session<'_>,
) -> Result<Option<Value>> {
    let provider = access.provider;
    let EndpointCall { call, support: standing } = provider.endpoint_call(asked).ok_or_else(|| by_hand(provider))?;
    let answer = access.send(&call, session)?.answer.map_err(|failure| access.connection_error(&failure, what))?;
    match api::parse_response(provider, &answer, session.world.now()) {
        Ok(body) => Ok(Some(body)),
        Err(ResponseError::Empty) => Ok(None),
        Err(ResponseError::Rejected { status: status @ (404 | 405 | 501), .. })
            if standing == CallSupport::Undocumented =>
        {
            Err(undocumented(access, asked, status, what))
        }
        Err(unfit) => Err(unfit.to_error(provider, what)),
    }
}

fn undocumented(access: &ApiClient, asked: &EndpointRequest, status: u16, what: &str) -> Error {
    let (title, dashboard) = (access.provider.title(), access.provider.api().dashboard);
    let or_gone = match asked {
        EndpointRequest::Get(_) | EndpointRequest::Update(..) | EndpointRequest::Delete(_) if status == 404 => {
            ", or no such endpoint"
        }
        _ => "",
    };
    Error::failed(what)
        .because(format!("{title} answered {status}: it documents no such call, and has none{or_gone}"))
        .hint(format!("use {dashboard}; `whtool endpoints forget` changes the registry only"))
}

fn write_one(
    told: &RemoteEndpoint,
    args: &RemoteArgs,
    session: &Session<'_>,
    output: &mut dyn Write,
) -> std::io::Result<()> {
    if args.json {
        output.write_all(&crate::render::json::line(&record(told, args)))
    } else {
        writeln!(output, "{}", session.fitted(&line(told, session)))
    }
}

fn record(told: &RemoteEndpoint, args: &RemoteArgs) -> Value {
    json!({
        "schema": "whtool.remote_endpoint/1", "id": told.id, "provider": args.provider.name(), "url": told.url,
        "events": told.events, "status": told.status, "description": told.description, "created": told.created,
    })
}

fn line(told: &RemoteEndpoint, session: &Session<'_>) -> String {
    let field = |text: &Option<String>| truncate(text.as_deref().unwrap_or("-"), 100);
    let created = match told.created.as_deref().map(str::parse) {
        Some(Ok(time)) => format_local_time(time, session),
        _ => field(&told.created),
    };
    let id = session.out.strong(&truncate(&told.id, 40));
    format!(
        "{id}  {}  {}  {} events  {}",
        field(&told.url),
        field(&told.status),
        told.events.len(),
        session.out.faint(&created)
    )
}
