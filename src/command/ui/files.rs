//! A capture in the formats of `events show` and `events export`, as text to copy or as a file.

use super::pages;
use super::reply::{self, Failure};
use super::routes::RouteMatch;
use super::server::Call;
use crate::command::shared::stored_capture::{support_bundle, target_url};
use crate::command::shared::target::{self, DEFAULT_TARGET};
use crate::model::stored::StoredDelivery;
use crate::render;
use crate::world::HandlerReply;

fn load(call: &mut Call<'_>, matched: &RouteMatch) -> Result<StoredDelivery, Failure> {
    pages::load_whole(call, matched.parts.first().map(String::as_str).unwrap_or_default())
}

/// Sends the body as it arrived.
pub(super) fn body(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let stored = load(call, matched)?;
    Ok(reply::download(&format!("whtool-{}.body", stored.summary.id), stored.request.body).into())
}

pub(super) fn har(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let stored = load(call, matched)?;
    let archive = [render::har::start(), render::har::entry(&stored), render::har::end().to_vec()].concat();
    Ok(reply::download(&format!("whtool-{}.har", stored.summary.id), archive).into())
}

/// Sends a file for the provider's support, without secrets.
pub(super) fn bundle(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let stored = load(call, matched)?;
    let secrets = call.server.secrets();
    let (received, findings) = call.server.explanations.verify_and_diagnose(&stored, &secrets);
    let bundle = support_bundle(&stored, (&received, &findings), &secrets, call.at);
    Ok(reply::download(&format!("whtool-{}-bundle.json", stored.summary.id), bundle.text).into())
}

/// Shows a curl command that sends the same headers and bytes to the first app.
pub(super) fn curl(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let stored = load(call, matched)?;
    let default = target::parse(DEFAULT_TARGET).map_err(Failure::bad_request)?;
    let to = call.server.options.targets.first().map_or(&default, |(url, _)| url);
    let command = render::request::curl(&stored.request, &target_url(to, &stored.request));
    Ok(reply::with_body(200, reply::TEXT, command).into())
}
