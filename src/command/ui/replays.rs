//! Sends captures and samples to the apps that were named at the start, and remembers what became
//! of it. `command::replay` decides what is sent, and sends it.

use super::pages;
use super::parameters::Parameters;
use super::reply::{self, Failure};
use super::routes::RouteMatch;
use super::server::Call;
use crate::command::replay::{self, SingleReplay, SingleSource};
use crate::model::address::Reach;
use crate::model::mask::{Audience, Reveal, mask_secrets};
use crate::model::stored::{Attempt, CaptureId, StoredDelivery};
use crate::render::masked_edit;
use crate::render::page::{Replay, ReplayMode};
use crate::world::HandlerReply;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use url::Url;

/// Most replays of one capture, and most captures, that are remembered.
const MAX_REPLAYS: usize = 50;
const MAX_CAPTURES: usize = 1000;

/// Most requests that wait for an app at once, so that pages are still answered.
const MAX_SENDING: usize = 4;

/// The replays that this server sent.
#[derive(Default)]
pub(super) struct ReplayLog(Mutex<LogState>);

#[derive(Default)]
struct LogState {
    /// Oldest first. The attempts are in the store, too.
    replays: BTreeMap<CaptureId, Vec<Replay>>,
    sending: usize,
}

/// A place among the requests that wait for an app.
struct Sending<'l>(&'l ReplayLog);

impl ReplayLog {
    /// Returns the replays of a capture, oldest first.
    pub(super) fn of_capture(&self, id: CaptureId) -> Vec<Replay> {
        self.state().replays.get(&id).cloned().unwrap_or_default()
    }

    fn start_sending(&self) -> Result<Sending<'_>, Failure> {
        let mut state = self.state();
        if state.sending >= MAX_SENDING {
            return Err(Failure::new(503, "too many requests wait for an app"));
        }
        state.sending += 1;
        Ok(Sending(self))
    }

    fn add(&self, id: CaptureId, replay: Replay) {
        let mut state = self.state();
        if state.replays.len() >= MAX_CAPTURES && !state.replays.contains_key(&id) {
            state.replays.pop_first();
        }
        let replays = state.replays.entry(id).or_default();
        if replays.len() >= MAX_REPLAYS {
            replays.remove(0);
        }
        replays.push(replay);
    }

    fn state(&self) -> MutexGuard<'_, LogState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.0.state().sending -= 1;
    }
}

/// Sends a capture to an app, and shows it with the app's answer.
pub(super) fn replay(call: &mut Call<'_>, matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let form = Parameters::read(&call.request.body);
    let stored = pages::load_whole(call, matched.parts.first().map(String::as_str).unwrap_or_default())?;
    let mode = form.get("mode").and_then(ReplayMode::from_code);
    let mode = mode.ok_or_else(|| Failure::bad_request("`mode` must be resigned, exact or edited"))?;
    let body = match mode {
        ReplayMode::Resigned | ReplayMode::Exact => None,
        ReplayMode::Edited => Some(edited_body(&form, &stored, call.server.session.reveal)?),
    };
    let (id, started) = (stored.summary.id, call.at);
    let source = SingleSource::Capture { id, body, is_exact: mode == ReplayMode::Exact };
    let (attempt, url) = send(call, &form, source)?;
    call.server.replays.add(id, Replay { mode, url, started, attempt: Some(attempt) });
    call.server.hub.touch(id);
    Ok(reply::see_other(&format!("/events/{id}")).into())
}

/// Returns the body that was typed. Forms send each line end as CRLF, whatever the text had.
fn edited_body(form: &Parameters, stored: &StoredDelivery, reveal: Reveal) -> Result<Vec<u8>, Failure> {
    let body = form.get("body").ok_or_else(|| Failure::bad_request("`body` is missing"))?;
    let has_crlf = stored.request.body.windows(2).any(|pair| pair == b"\r\n");
    let body = if has_crlf { body.to_owned() } else { body.replace("\r\n", "\n") };
    if reveal == Reveal::Everything {
        return Ok(body.into_bytes());
    }
    // The page shows secrets masked; they are sent as captured.
    let restored = masked_edit::restore(&body, &stored.request.body, Audience::Team);
    restored.map(String::into_bytes).map_err(|why| Failure::new(422, why))
}

/// Sends a sample to an app.
pub(super) fn sample(call: &mut Call<'_>, _matched: &RouteMatch) -> Result<HandlerReply, Failure> {
    let form = Parameters::read(&call.request.body);
    let name = form.get("name").ok_or_else(|| Failure::bad_request("`name` is missing"))?.to_owned();
    let (attempt, url) = send(call, &form, SingleSource::Sample(name.clone()))?;
    match attempt.outcome {
        Ok(_) => Ok(reply::see_other("/").into()),
        Err(why) => Err(Failure::new(502, format!("{url} did not answer to {name}: {}", mask_secrets(&why)))),
    }
}

/// Sends a request to the app that the form names, and waits for the answer.
fn send(call: &mut Call<'_>, form: &Parameters, source: SingleSource) -> Result<(Attempt, String), Failure> {
    let server = call.server;
    let (to, reach) = target(server.options.targets.as_slice(), form)?;
    let _sending = server.replays.start_sending()?;
    let session = server.session.muted();
    let single = SingleReplay { source, to, reach, store: server.options.store, secrets: server.options.secret_args };
    let attempt = replay::send_single(&single, &session)?;
    Ok((attempt, mask_secrets(to.as_str())))
}

/// Returns the app that `to` names by its position.
pub(super) fn target<'t>(targets: &'t [(Url, Reach)], form: &Parameters) -> Result<(&'t Url, Reach), Failure> {
    if targets.is_empty() {
        return Err(Failure {
            hint: Some("start `whtool ui` with --to URL".to_owned()),
            ..Failure::new(409, "no app was named at the start")
        });
    }
    let position = form.integer("to")?.and_then(|position| usize::try_from(position).ok());
    let target = position.and_then(|position| targets.get(position));
    target.map(|(url, reach)| (url, *reach)).ok_or_else(|| Failure::bad_request("`to` names none of the apps"))
}
