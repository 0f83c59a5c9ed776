//! Serves metrics and `/healthz` while the watch runs.

use super::Watch;
use crate::command::Session;
use crate::command::shared::addresses::report_addresses;
use crate::model::bind;
use crate::model::error::Result;
use crate::model::exchange::ServerReply;
use crate::model::message::Request;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::reconcile::watch::{WatchCounts, WatchGauges};
use crate::render;
use crate::world::{RequestHandler, RunningServer, ServeOptions};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Port of the server unless the address has one: that of Prometheus exporters of OpenTelemetry.
const DEFAULT_PORT: u16 = 9464;

/// Time that a round may take beyond its turn before it is overdue.
const GRACE: SignedDuration = SignedDuration::from_mins(1);

/// Facts that the server shows.
pub(super) struct MonitorPage {
    pub counts: WatchCounts,
    pub gauges: WatchGauges,
    pub last_success: Option<Timestamp>,
    /// Why the last round was not complete.
    pub failure: Option<String>,
    started: Timestamp,
    every: SignedDuration,
}

impl MonitorPage {
    pub(super) fn new(args: &Watch, session: &Session<'_>) -> Self {
        Self {
            counts: WatchCounts::default(),
            gauges: WatchGauges::default(),
            last_success: None,
            failure: None,
            started: session.world.now(),
            every: args.every,
        }
    }

    fn answer(&self, request: &Request, now: Timestamp) -> ServerReply {
        let path = request.target.split('?').next().unwrap_or_default();
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return text(405, "only GET and HEAD\n".to_owned());
        }
        match path {
            "/metrics" => {
                let page = render::watch::metrics(&self.counts, &self.gauges, self.last_success, now);
                let mut reply = ServerReply::new(200);
                // Fails only for bytes that are not in these texts.
                let _ = reply.headers.push("Content-Type", b"text/plain; version=0.0.4; charset=utf-8");
                reply.body = page.into_bytes();
                reply
            }
            "/healthz" => {
                let allowed = self.every.saturating_mul(2).saturating_add(GRACE);
                let is_overdue = now.duration_since(self.last_success.unwrap_or(self.started)) > allowed;
                if self.failure.is_none() && !is_overdue {
                    return text(200, "ok\n".to_owned());
                }
                text(503, render::watch::unhealthy(self.failure.as_deref(), self.last_success, now))
            }
            _ => text(404, "see /metrics and /healthz\n".to_owned()),
        }
    }
}

fn text(status: u16, body: String) -> ServerReply {
    let mut reply = ServerReply::new(status);
    let _ = reply.headers.push("Content-Type", b"text/plain; charset=utf-8");
    reply.body = body.into_bytes();
    reply
}

pub(super) type SharedPage = Arc<Mutex<MonitorPage>>;

/// Ignores poisoning: a request that panicked must not stop the watch.
pub(super) fn lock(page: &SharedPage) -> MutexGuard<'_, MonitorPage> {
    page.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the server. `None`: no metrics are wanted.
pub(super) fn serve(args: &Watch, page: &SharedPage, session: &Session<'_>) -> Result<Option<Box<dyn RunningServer>>> {
    let Some(address) = args.reports.metrics else { return Ok(None) };
    let options = ServeOptions {
        addresses: address.with_port(DEFAULT_PORT),
        allowed_hosts: Some(args.reports.allow_host.clone()),
        max_body: 0,
    };
    let page = Arc::clone(page);
    let handler: RequestHandler =
        Arc::new(move |request: Request, now: Timestamp| lock(&page).answer(&request, now).into());
    let server = session.world.serve(&options, handler, Arc::new(|_refused| ()))?;
    session.info(&format!("metrics at {}/metrics", bind::url(server.address())));
    report_addresses(server.address(), server.second_address(), session);
    Ok(Some(server))
}
