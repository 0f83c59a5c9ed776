//! A single request that another command sends as `replay` does: the same signatures, the same
//! refusals, and the attempt is stored with its capture.

use super::Replay;
use super::plan::ReplayPlan;
use super::source::{ReplaySource, is_verified};
use crate::command::shared::secrets::{SecretArgs, Secrets};
use crate::command::shared::store_args::StoreArgs;
use crate::command::{Session, samples};
use crate::model::address::Reach;
use crate::model::error::{Error, Result};
use crate::model::exchange::{self, NextRequest, OutgoingRequest, SentRequest};
use crate::model::stored::{Attempt, CaptureId, StoredDelivery};
use crate::model::timestamp::{SignedDuration, Timestamp};
use clap::{Args, Command, FromArgMatches};
use url::Url;

/// Longest time until the answer.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(15);

/// The request to send.
pub(in crate::command) enum SingleSource {
    Capture {
        id: CaptureId,
        /// Another body.
        body: Option<Vec<u8>>,
        /// True: the same headers, body and signature.
        is_exact: bool,
    },
    /// A sample with this name.
    Sample(String),
}

pub(in crate::command) struct SingleReplay<'a> {
    pub source: SingleSource,
    pub to: &'a Url,
    pub reach: Reach,
    pub store: &'a StoreArgs,
    pub secrets: &'a SecretArgs,
}

/// Returns true if a capture may be signed again: it was verified, or is with the secrets of today.
pub(in crate::command) fn can_resign(stored: &StoredDelivery, secrets: &Secrets, now: Timestamp) -> bool {
    stored.summary.verdict.is_authentic() || is_verified(&stored.request, secrets, now)
}

/// Sends the request and waits for the answer.
pub(in crate::command) fn send_single(single: &SingleReplay<'_>, session: &Session<'_>) -> Result<Attempt> {
    let (source, body, is_exact) = match &single.source {
        SingleSource::Capture { id, body, is_exact } => (ReplaySource::Capture(*id), body.clone(), *is_exact),
        SingleSource::Sample(name) => {
            let (provider, sample) = samples::find(name)?;
            (ReplaySource::Sample(provider, Box::new(sample)), None, false)
        }
    };
    let args = Replay {
        to: single.to.clone(),
        exact: is_exact,
        request_timeout: TIMEOUT,
        store: single.store.clone(),
        secrets: single.secrets.clone(),
        ..default_args()?
    };
    let plan = ReplayPlan::single(&args, source, body, session)?;
    let request = plan.request(0)?;
    let url = exchange::address(&args.to, &request.target);
    let outgoing = OutgoingRequest { number: 0, url: args.to.clone(), reach: single.reach, request };
    let (mut outgoing, mut answered) = (Some(outgoing), None);
    let mut next = || NextRequest::from(outgoing.take());
    session.world.send(&args.send_options(), &mut next, &mut |sent| answered = Some(sent))?;
    // Without a result it was interrupted.
    let sent: SentRequest = answered.ok_or_else(Error::interrupted)?;
    plan.record_attempt(&sent)?;
    let outcome = sent.answer.map_err(|failure| failure.to_string());
    Ok(Attempt { at: session.world.now(), url, took: sent.took, outcome })
}

/// Returns the arguments of `whtool replay` without any flag.
fn default_args() -> Result<Replay> {
    let matches = Replay::augment_args(Command::new("replay")).try_get_matches_from(["replay"]);
    matches.and_then(|matches| Replay::from_arg_matches(&matches)).map_err(|error| Error::usage(error.to_string()))
}
