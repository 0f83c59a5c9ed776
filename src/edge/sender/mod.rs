//! Sends requests, several at once and at a limited rate, and reports each answer.
//!
//! A single thread does it all: it calls `next` and `done` between network events. `client` picks
//! the way to a URL: `pool` for plain HTTP to this machine, with `wire_format` and `raw_stream`, or
//! `via_reqwest` for everything else. This file keeps as many requests running as are allowed.

mod answer;
pub(super) mod client;
pub(super) mod failure;
pub(super) mod options;
mod pool;
mod rate_limit;
mod raw_stream;
#[cfg(test)]
mod tests;
mod tls_probe;
mod via_reqwest;
mod wire_format;

use super::clock;
use super::runtime::block_on;
use super::signals::Interrupt;
use crate::model::error::{Error, Result};
use crate::model::exchange::{NextRequest, OutgoingRequest, SentRequest};
use crate::world::{SendOptions, SendStatus};
use client::HttpClient;
use options::ExchangeOptions;
use rate_limit::RateLimit;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Sends the requests that `next` returns. It is called only when another request may start.
pub(super) fn send(
    options: &SendOptions,
    interrupt: Interrupt,
    next: &mut dyn FnMut() -> NextRequest,
    done: &mut dyn FnMut(SentRequest),
) -> Result<SendStatus> {
    clock::check()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::failed("can't send requests").because(error))?;
    let status = block_on(&runtime, send_all(options, interrupt, next, done));
    // Does not wait for a DNS lookup that is still running.
    runtime.shutdown_background();
    status
}

/// Sends one request and waits for its result. Signals are not looked at.
pub(super) fn send_one(options: &SendOptions, outgoing: OutgoingRequest) -> Result<SentRequest> {
    clock::check()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::failed("can't send a request").because(error))?;
    let options = ExchangeOptions::from(options);
    let sent = block_on(&runtime, async { HttpClient::default().exchange(outgoing, options).await });
    runtime.shutdown_background();
    sent
}

async fn send_all(
    options: &SendOptions,
    mut interrupt: Interrupt,
    next: &mut dyn FnMut() -> NextRequest,
    done: &mut dyn FnMut(SentRequest),
) -> Result<SendStatus> {
    let client = HttpClient::default();
    let mut rate_limit = RateLimit::new(options.per_second, Instant::now());
    let mut running = JoinSet::new();
    let exchange_options = ExchangeOptions::from(options);
    let mut has_more = true;
    let mut wait_until = None;
    while has_more || !running.is_empty() {
        let may_start = has_more && running.len() < options.concurrency.max(1);
        tokio::select! {
            biased;
            () = interrupt.wait() => return Ok(SendStatus::Interrupted),
            Some(sent) = running.join_next() => {
                done(sent.expect("an exchange is not aborted, and does not panic")?);
                (has_more, wait_until) = (true, None);
            }
            () = sleep_until_due(wait_until.max(rate_limit.next_start())), if may_start => {
                wait_until = None;
                match next() {
                    NextRequest::Send(outgoing) => {
                        rate_limit.record_start(Instant::now());
                        let client = client.clone();
                        running.spawn(async move { client.exchange(*outgoing, exchange_options).await });
                    }
                    NextRequest::Wait(time) => wait_until = Instant::now().checked_add(time),
                    NextRequest::Nothing => has_more = false,
                    NextRequest::Stop => return Ok(SendStatus::Complete),
                }
            }
        }
    }
    Ok(SendStatus::Complete)
}

/// Sleeps until then. `None` returns at once and sets no timer.
async fn sleep_until_due(due: Option<Instant>) {
    if let Some(due) = due {
        sleep_until(due).await;
    }
}
