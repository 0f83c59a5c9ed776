//! Accepts connections and answers their requests.

use super::super::clock;
use super::ANNOUNCED_IDLE;
use super::Timeouts;
use super::bind::Sockets;
use super::connections::ConnectionLimiter;
use super::deadline_stream::DeadlineStream;
use super::recorder::{AfterRequest, Head, MAX_HEAD, Recorder, RefusedHead};
use super::response_body::ResponseBody;
use super::text_response::refusal_response;
use crate::model::delivery::RejectedRequest;
use crate::model::refusal::Refusal;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, Version};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Pause of the accept loop after an error such as "too many open files".
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Header that tells clients how long a connection may idle.
const KEEP_ALIVE: &str = "keep-alive";

/// Answers the requests of all connections of a server.
pub(in crate::edge) trait Service: Send + Sync + 'static {
    /// Answers a request. `None`: the connection is closed without an answer.
    fn answer(
        self: &Arc<Self>,
        request: IncomingRequest<'_>,
    ) -> impl Future<Output = Option<Response<ResponseBody>>> + Send;

    /// Reports a request that was answered with a refusal.
    fn report_refused(&self, refused: RejectedRequest);

    fn timeouts(&self) -> &Timeouts;
}

/// A request whose head is complete.
pub(in crate::edge) struct IncomingRequest<'r> {
    pub head: Head,
    pub body: Incoming,
    pub peer: SocketAddr,
    /// The server's own address.
    pub local: SocketAddr,
    pub recorder: &'r Recorder,
}

/// A connection and its addresses.
struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    local: SocketAddr,
}

/// The service closes the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct CutConnection;

/// Accepts connections until `stop`, then finishes open requests.
pub(in crate::edge) async fn serve_until<S: Service>(
    mut stop: oneshot::Receiver<()>,
    sockets: Sockets,
    service: Arc<S>,
    limiter: Arc<ConnectionLimiter>,
) {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            biased;
            _ = &mut stop => break,
            () = accept_one(&sockets, &service, &limiter, &graceful) => {}
        }
    }
    drop(sockets);
    // Requests that are not complete by then are cut off; none of them was acknowledged.
    let _ = tokio::time::timeout(service.timeouts().close, graceful.shutdown()).await;
    limiter.close_all();
}

/// Accepts one connection. Errors are the machine's (no descriptors) or the client's (gone
/// already), and never a reason to stop.
async fn accept_one<S: Service>(
    sockets: &Sockets,
    service: &Arc<S>,
    limiter: &Arc<ConnectionLimiter>,
    graceful: &GracefulShutdown,
) {
    match sockets.accept().await {
        Ok((stream, peer)) => {
            let Ok(local) = stream.local_addr() else { return };
            // hyper can't serve while the clock is wrong by that much.
            if clock::check().is_err() {
                return;
            }
            let recorder = Arc::new(Recorder::new());
            let Some(slot) = limiter.acquire_slot(peer.ip()).await else { return };
            let accepted = Accepted { stream, peer, local };
            let connection = (Arc::clone(service), Arc::clone(&recorder), Arc::clone(limiter), graceful.watcher());
            limiter.spawn(peer.ip(), recorder, slot, serve(accepted, connection));
        }
        Err(error) if is_client_error(&error) => {}
        Err(_) => {
            limiter.evict_one();
            tokio::time::sleep(ACCEPT_RETRY_PAUSE).await;
        }
    }
}

fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NotConnected)
}

/// Serves a connection until it ends.
async fn serve<S: Service>(
    accepted: Accepted,
    (service, recorder, limiter, watcher): (Arc<S>, Arc<Recorder>, Arc<ConnectionLimiter>, Watcher),
) {
    let Accepted { stream, peer, local } = accepted;
    // Otherwise responses may wait for the client's ACK. It fails on a socket that is closed
    // already.
    let _ = stream.set_nodelay(true);
    let stream = DeadlineStream::new(stream, Arc::clone(&recorder), service.timeouts());
    let respond = service_fn(|request: hyper::Request<Incoming>| {
        let (recorder, service, limiter) = (Arc::clone(&recorder), Arc::clone(&service), Arc::clone(&limiter));
        async move {
            let may_stay = is_kept_open(&request);
            let (mut response, after) = match recorder.take() {
                Some(Ok(head)) => {
                    let after = head.after;
                    let body = request.into_body();
                    let request = IncomingRequest { head, body, peer, local, recorder: &recorder };
                    (service.answer(request).await.ok_or(CutConnection)?, after)
                }
                Some(Err(RefusedHead { request, refusal })) => {
                    let response = refusal_response(&refusal);
                    service.report_refused(RejectedRequest { peer, request, refusal });
                    (response, AfterRequest::Lost)
                }
                None => (refusal_response(&Refusal::NotHttp), AfterRequest::Lost),
            };
            response.body_mut().mark_answered(&recorder);
            let headers = response.headers_mut();
            if after == AfterRequest::Lost {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            } else if may_stay && !headers.contains_key(CONNECTION) && limiter.has_free_slots() {
                headers.insert(KEEP_ALIVE, keep_alive_value());
            }
            Ok::<_, CutConnection>(response)
        }
    });
    let serving = http1::Builder::new()
        .max_buf_size(2 * MAX_HEAD)
        .half_close(true)
        .writev(false)
        .serve_connection(TokioIo::new(stream), respond);
    if let Err(error) = watcher.watch(serving).await
        && error.is_parse()
    {
        // The check of heads lets nothing through that hyper refuses; if it does, hyper has
        // answered with 400.
        let request = recorder.take().and_then(Result::ok).map(|head| head.request_line()).unwrap_or_default();
        service.report_refused(RejectedRequest { peer, request, refusal: Refusal::NotHttp });
    }
}

/// Returns true if the client leaves the connection open after this request.
fn is_kept_open(request: &hyper::Request<Incoming>) -> bool {
    let has_option = |option: &str| {
        let values = request.headers().get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|other| other.trim().eq_ignore_ascii_case(option))
    };
    match request.version() {
        Version::HTTP_10 => has_option("keep-alive") && !has_option("close"),
        _ => !has_option("close"),
    }
}

fn keep_alive_value() -> HeaderValue {
    static VALUE: LazyLock<HeaderValue> = LazyLock::new(|| {
        HeaderValue::from_str(&format!("timeout={ANNOUNCED_IDLE}")).expect("digits can stand in a header")
    });
    VALUE.clone()
}
