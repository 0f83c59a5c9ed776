//! The provider's record of a capture's payment or purchase: one GET when somebody asks for it.

use super::pages;
use super::reply::{self, Failure};
use super::routes::RouteMatch;
use super::server::{Call, UiServer};
use super::work::sentence;
use crate::command::shared::api::{ApiArgs, ApiClient};
use crate::model::stored::{CaptureId, DeliverySummary};
use crate::model::timestamp::SignedDuration;
use crate::provider::{self, api::parse_response};
use crate::world::HandlerReply;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Longest time until the provider answers.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(15);

/// Most records that are remembered.
const MAX_RECORDS: usize = 100;

/// The records that were asked for: JSON, or the reason why there is none.
#[derive(Default)]
pub(super) struct RecordLog(Mutex<BTreeMap<CaptureId, Result<String, String>>>);

impl RecordLog {
    pub(super) fn of_capture(&self, id: CaptureId) -> Option<Result<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn add(&self, id: CaptureId, record: Result<String, String>) {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= MAX_RECORDS {
            records.pop_first();
        }
        records.insert(id, record);
    }
}

/// Returns the reason why the record of a capture can't be looked up. `None`: it can.
pub(super) fn obstacle(server: &UiServer<'_>, summary: &DeliverySummary) -> Option<String> {
    let Some(provider) = summary.provider.as_deref().and_then(provider::by_name) else {
        return Some("The provider is unknown.".to_owned());
    };
    if summary.is_test {
        return Some("It was signed with the local test secret: no provider knows about it.".to_owned());
    }
    let reference = provider.lookup_reference(summary.event_id.as_deref(), summary.subject.as_deref());
    if reference.and_then(|reference| provider.lookup_call(reference)).is_none() {
        return Some(format!("{} has no record of this kind of event.", provider.title()));
    }
    let arguments = ApiArgs::with_timeout(TIMEOUT);
    ApiClient::new(provider, &arguments, &server.session.muted()).err().map(|error| sentence(&error))
}

/// Asks the provider, and shows the capture again.
pub(super) fn look_up(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let stored = pages::load_whole(call, matched.parts.first().map(String::as_str).unwrap_or_default())?;
    let summary = &stored.summary;
    if let Some(obstacle) = obstacle(call.server, summary) {
        return Err(Failure::new(409, obstacle));
    }
    let record = ask(call, summary).map_err(|error| sentence(&error));
    call.server.records.add(summary.id, record);
    call.server.hub.touch(summary.id);
    Ok(reply::see_other(&format!("/events/{}?record=1", summary.id)).into())
}

fn ask(call: &Call<'_>, summary: &DeliverySummary) -> crate::model::error::Result<String> {
    use crate::model::error::Error;
    let session = call.server.session.muted();
    let unknown = || Error::failed("no record of this kind of event");
    let provider = summary.provider.as_deref().and_then(provider::by_name).ok_or_else(unknown)?;
    let reference = provider.lookup_reference(summary.event_id.as_deref(), summary.subject.as_deref());
    let lookup = reference.and_then(|reference| provider.lookup_call(reference)).ok_or_else(unknown)?;
    let client = ApiClient::new(provider, &ApiArgs::with_timeout(TIMEOUT), &session)?;
    let what = format!("can't look up {} at {}", reference.unwrap_or_default(), provider.title());
    let sent = client.send(&lookup, &session)?;
    let answer = sent.answer.map_err(|failure| client.connection_error(&failure, &what))?;
    let record = parse_response(provider, &answer, session.world.now());
    let record = record.map_err(|error| error.to_error(provider, &what))?;
    Ok(record.to_string())
}
