//! The HTTP server for clients on this machine, such as the emulator's.
//!
//! It is the server of `edge/http` with a check of names and origins before the handler: every web
//! page that is open in a browser can reach it.

#[cfg(test)]
mod tests;

use super::clock;
use super::http::Timeouts;
use super::http::bind::Sockets;
use super::http::body::BodyReader;
use super::http::body_memory::MemoryPermit;
use super::http::connections::ConnectionLimiter;
use super::http::response_body::ResponseBody;
use super::http::serve::{IncomingRequest, Service, serve_until};
use super::http::text_response::{refusal_response, text_response};
use super::runtime::block_on;
use crate::model::bind::SecondAddress;
use crate::model::delivery::RejectedRequest;
use crate::model::error::{Error, Result};
use crate::model::local_access::AllowedHosts;
use crate::model::message::{Headers, Request};
use crate::model::refusal::Refusal;
use crate::world::{HandlerReply, RefusalHandler, RequestHandler, RunningServer, ServeOptions};
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Most calls of the handler at once; the others wait.
const MAX_HANDLER_THREADS: usize = 8;

/// Time that the handler gets to end when the server stops.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// A running server. Dropping it stops it.
pub(super) struct Server {
    address: SocketAddr,
    second_address: SecondAddress,
    stop: Option<oneshot::Sender<()>>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

struct LocalService {
    /// `None`: the handler checks hosts and origins.
    allowed_hosts: Option<AllowedHosts>,
    bodies: BodyReader,
    handler: RequestHandler,
    refused: RefusalHandler,
    timeouts: Timeouts,
}

pub(super) fn start(options: &ServeOptions, handler: RequestHandler, refused: RefusalHandler) -> Result<Server> {
    clock::check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(MAX_HANDLER_THREADS)
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Error::failed("can't start threads").because(error))?;
    let sockets = block_on(&runtime, async { Sockets::bind(&options.addresses) })?;
    let (address, second_address) = (sockets.address, sockets.second_address);
    let timeouts = Timeouts::default();
    let (allowed_hosts, bodies) =
        (options.allowed_hosts.as_deref().map(AllowedHosts::new), BodyReader::new(options.max_body, &timeouts));
    let service = Arc::new(LocalService { allowed_hosts, bodies, handler, refused, timeouts });
    let (stop, stopped) = oneshot::channel();
    runtime.spawn(serve_until(stopped, sockets, service, Arc::new(ConnectionLimiter::for_this_process())));
    Ok(Server { address, second_address, stop: Some(stop), runtime: Some(runtime) })
}

impl RunningServer for Server {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn second_address(&self) -> SecondAddress {
        self.second_address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails if the server has ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.runtime.take().map(|runtime| runtime.shutdown_timeout(SHUTDOWN));
    }
}

impl LocalService {
    /// Reads the request, unless it is refused.
    async fn read(
        &self,
        incoming: IncomingRequest<'_>,
    ) -> std::result::Result<(Request, Option<MemoryPermit>), Box<RejectedRequest>> {
        let IncomingRequest { head, body, peer, local, recorder } = incoming;
        let reject = |refusal: Refusal| Box::new(RejectedRequest { peer, request: head.request_line(), refusal });
        if let Some(hosts) = &self.allowed_hosts {
            hosts.check(&head.target, &head.headers, local.ip()).map_err(reject)?;
        }
        let (body, memory) = self.bodies.read(body).await.map_err(reject)?;
        recorder.request_complete();
        Ok((Request { method: head.method, target: head.target, headers: head.headers, body }, memory))
    }

    /// Calls the handler on a thread of its own. `None`: it panicked.
    async fn handle(&self, request: Request) -> Option<HandlerReply> {
        let handler = Arc::clone(&self.handler);
        tokio::task::spawn_blocking(move || handler(request, clock::now())).await.ok()
    }
}

impl Service for LocalService {
    async fn answer(self: &Arc<Self>, incoming: IncomingRequest<'_>) -> Option<Response<ResponseBody>> {
        let (request, _memory) = match self.read(incoming).await {
            Ok(read) => read,
            Err(rejected) => {
                let response = refusal_response(&rejected.refusal);
                self.report_refused(*rejected);
                return Some(response);
            }
        };
        let Some(reply) = self.handle(request).await else {
            return Some(text_response(StatusCode::INTERNAL_SERVER_ERROR, "error"));
        };
        match reply {
            HandlerReply::Whole(reply) => {
                tokio::time::sleep(reply.delay).await;
                (!reply.is_cut).then(|| response(reply.status, &reply.headers, ResponseBody::from(reply.body)))
            }
            HandlerReply::Stream { headers, parts } => Some(response(200, &headers, ResponseBody::stream(parts))),
        }
    }

    fn report_refused(&self, refused: RejectedRequest) {
        (self.refused)(refused);
    }

    fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }
}

fn response(status: u16, headers: &Headers, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers.iter() {
        // `Headers` accepts more control characters in values than hyper does.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
            && name != CONTENT_LENGTH
        {
            response.headers_mut().append(name, value);
        }
    }
    response
}
