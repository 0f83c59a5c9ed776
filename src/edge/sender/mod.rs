//! Sends requests, several at once, at a given pace, and tells how each fared.
//!
//! One thread does it all: `next` and `done` are called on it between the events of the network. `clients` knows how a
//! URL is reached; to this machine `pool` sends, with the bytes of `head` by way of `socket`, and elsewhere `exchange`;
//! `answer` is what these share. This file keeps the places filled.

mod answer;
pub(super) mod clients;
mod exchange;
mod head;
mod pace;
mod pool;
mod socket;
#[cfg(test)]
mod tests;

use super::signals::Interrupt;
use crate::model::error::{Error, Result};
use crate::model::exchange::{NextRequest, SentRequest};
use crate::world::{SendOptions, SendStatus};
use clients::{Clients, Terms};
use pace::Pace;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Sends what `next` hands out, each request asked for only when there is a place for it.
pub(super) fn send(
    options: &SendOptions,
    interrupt: Interrupt,
    next: &mut dyn FnMut() -> NextRequest,
    done: &mut dyn FnMut(SentRequest),
) -> Result<SendStatus> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::failed("can't send").because(error))?;
    let end = runtime.block_on(send_all(options, interrupt, next, done));
    // A name that is still being looked up must not hold the program up.
    runtime.shutdown_background();
    end
}

async fn send_all(
    options: &SendOptions,
    mut interrupt: Interrupt,
    next: &mut dyn FnMut() -> NextRequest,
    done: &mut dyn FnMut(SentRequest),
) -> Result<SendStatus> {
    let clients = Clients::default();
    let mut pace = Pace::new(options.per_second, Instant::now());
    let mut under_way = JoinSet::new();
    let terms = Terms { limit: options.timeout, certificates: options.certificates, most_of_body: options.max_body };
    let mut has_more = true;
    let mut pause = None;
    while has_more || !under_way.is_empty() {
        let has_place = has_more && under_way.len() < options.concurrency.max(1);
        tokio::select! {
            biased;
            () = interrupt.wait() => return Ok(SendStatus::Interrupted),
            Some(sent) = under_way.join_next() => {
                done(sent.expect("an exchange is not aborted, and does not panic")?);
                (has_more, pause) = (true, None);
            }
            () = sleep_until_due(pause.max(pace.due())), if has_place => {
                pause = None;
                match next() {
                    NextRequest::Send(outgoing) => {
                        pace.started(Instant::now());
                        let clients = clients.clone();
                        under_way.spawn(async move { clients.exchange(outgoing, terms).await });
                    }
                    NextRequest::Wait(span) => pause = Instant::now().checked_add(span),
                    NextRequest::Nothing => has_more = false,
                    NextRequest::Stop => return Ok(SendStatus::Complete),
                }
            }
        }
    }
    Ok(SendStatus::Complete)
}

/// `None` is due already; no timer is set for it.
async fn sleep_until_due(due: Option<Instant>) {
    if let Some(due) = due {
        sleep_until(due).await;
    }
}
