//! One connection: its requests become deliveries, are judged and handed over, and only then answered.
//!
//! An outsider learns nothing but the status: every refusal of a signature reads the same.

use super::super::recorder::{Head, Recorder, Sequel};
use super::Deadlines;
use super::room::{Held, Room, SMALL};
use super::socket::Socket;
use crate::delivery::TurnedAway;
use crate::delivery::{Delivery, Received};
use crate::message::Request;
use crate::timestamp::Timestamp;
use crate::world::{Acknowledge, Happening, Judge, Listen};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// What all connections share.
pub(super) struct Desk {
    max_body: usize,
    acknowledge: Acknowledge,
    judge: Judge,
    news: mpsc::Sender<News>,
    room: Room,
    /// Large bodies are judged one at a time, so that small ones need not wait for a thread.
    large: Mutex<()>,
    /// How long clients may take.
    pub deadlines: Deadlines,
}

/// What has happened, and the room that is held until it is taken.
pub(super) struct News {
    /// What has happened.
    pub happening: Happening,
    /// Given back when this is dropped.
    _room: Option<Held>,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoBody {
    TooLarge,
    TooSlow,
    CutShort,
    NoRoom,
}

impl NoBody {
    fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::CutShort => StatusCode::BAD_REQUEST,
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Desk {
    /// Answers as `options` say, and tells `news`.
    pub fn new(options: &Listen, judge: Judge, deadlines: Deadlines, news: mpsc::Sender<News>) -> Self {
        let Listen { max_body, acknowledge, .. } = *options;
        let room = Room::for_bodies_of(max_body);
        Self { max_body, acknowledge, judge, news, room, large: Mutex::new(()), deadlines }
    }

    /// Answers one request with a status, after its delivery was handed over.
    async fn answer(&self, head: Head, body: Incoming, peer: SocketAddr, recorder: &Recorder) -> StatusCode {
        if head.method != "POST" {
            return self.turn_away(&head, peer, StatusCode::METHOD_NOT_ALLOWED);
        }
        let (body, room) = match self.read_in_time(body).await {
            Ok(read) => read,
            Err(cause) => return self.turn_away(&head, peer, cause.status()),
        };
        recorder.in_hand();
        let Head { method, target, headers, sequel: _ } = head;
        let request = Request { method, target, headers, body };
        let received = self.judged(request, peer, room.is_some()).await;
        let status = self.status_of(&received);
        let happening = Happening::Received(Box::new(received), status.as_u16());
        self.hand_over(News { happening, _room: room }).await.map_or_else(|busy| busy, |()| status)
    }

    async fn judged(&self, request: Request, peer: SocketAddr, is_large: bool) -> Received {
        let now = Timestamp::now();
        let delivery = Delivery { request, peer: Some(peer), arrived: Some(now) };
        if !is_large {
            return (self.judge)(delivery, now);
        }
        let _turn = self.large.lock().await;
        let judge = Arc::clone(&self.judge);
        let judging = tokio::task::spawn_blocking(move || judge(delivery, now));
        judging.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
    }

    fn status_of(&self, received: &Received) -> StatusCode {
        match self.acknowledge {
            Acknowledge::Everything => StatusCode::OK,
            Acknowledge::Verified if received.verdict.is_verified() => StatusCode::OK,
            Acknowledge::Verified => StatusCode::UNAUTHORIZED,
        }
    }

    /// Gives a delivery to the consumer, waiting for it for a while when it is behind.
    async fn hand_over(&self, news: News) -> Result<(), StatusCode> {
        match self.news.try_send(news) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(StatusCode::SERVICE_UNAVAILABLE),
            Err(TrySendError::Full(news)) => match timeout(self.deadlines.handover, self.news.send(news)).await {
                Ok(Ok(())) => Ok(()),
                _ => Err(StatusCode::SERVICE_UNAVAILABLE),
            },
        }
    }

    fn turn_away(&self, head: &Head, peer: SocketAddr, status: StatusCode) -> StatusCode {
        self.tell_of(TurnedAway { peer, request: format!("{} {}", head.method, head.target), status: status.as_u16() });
        status
    }

    /// Tells of a request that was turned away, unless the consumer is behind: strangers must not block anything.
    fn tell_of(&self, turned_away: TurnedAway) {
        let _ = self.news.try_send(News { happening: Happening::TurnedAway(turned_away), _room: None });
    }

    async fn read_in_time(&self, body: Incoming) -> Result<(Vec<u8>, Option<Held>), NoBody> {
        let reading = self.read_body(body);
        timeout(self.deadlines.body, reading).await.unwrap_or(Err(NoBody::TooSlow))
    }

    /// Reads a whole body, and holds room for it when it is large. One that is too large by its own account is not even asked for
    /// (`Expect: 100-continue`).
    async fn read_body(&self, mut body: Incoming) -> Result<(Vec<u8>, Option<Held>), NoBody> {
        let announced = body.size_hint();
        if announced.lower() > self.max_body as u64 {
            return Err(NoBody::TooLarge);
        }
        let whole = announced.exact().and_then(|length| usize::try_from(length).ok()).unwrap_or(self.max_body);
        let mut bytes = Vec::with_capacity(whole.min(SMALL));
        let mut room = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| NoBody::CutShort)?;
            let Some(data) = frame.data_ref() else { continue };
            if data.len() > self.max_body - bytes.len() {
                return Err(NoBody::TooLarge);
            }
            if room.is_none() && bytes.len() + data.len() > SMALL {
                let found = timeout(self.deadlines.room, self.room.held_for(whole)).await;
                room = Some(found.ok().flatten().ok_or(NoBody::NoRoom)?);
            }
            bytes.extend_from_slice(data);
        }
        Ok((bytes, room))
    }
}

/// Serves a connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    recorder: Arc<Recorder>,
    desk: Arc<Desk>,
    watcher: Watcher,
) {
    // Without it answers may wait for the client's acknowledgement; a socket that refuses it is as good as gone.
    let _ = stream.set_nodelay(true);
    let socket = Socket::new(stream, Arc::clone(&recorder), desk.deadlines.write);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (recorder, desk) = (Arc::clone(&recorder), Arc::clone(&desk));
        async move { Ok::<_, Infallible>(respond(&recorder, &desk, request.into_body(), peer).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(desk.deadlines.head)
        .max_buf_size(super::super::recorder::MAX_HEAD)
        .half_close(true)
        .serve_connection(TokioIo::new(socket), service);
    if let Err(error) = watcher.watch(serving).await
        && let Some(status) = refused_by_hyper(&error)
    {
        desk.tell_of(TurnedAway { peer, request: recorder.refused_line(), status: status.as_u16() });
    }
}

/// What hyper answered before it gave a connection up. `None`: nothing, the connection just ended.
fn refused_by_hyper(error: &hyper::Error) -> Option<StatusCode> {
    match error {
        error if error.is_parse_too_large() => Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        error if error.is_parse() => Some(StatusCode::BAD_REQUEST),
        _ => None,
    }
}

async fn respond(recorder: &Recorder, desk: &Desk, body: Incoming, peer: SocketAddr) -> Response<Full<Bytes>> {
    let (status, sequel) = match recorder.take() {
        Some(head) => {
            let sequel = head.sequel;
            (desk.answer(head, body, peer, recorder).await, sequel)
        }
        None => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, Sequel::Lost),
    };
    recorder.answered();
    response(status, sequel)
}

fn response(status: StatusCode, sequel: Sequel) -> Response<Full<Bytes>> {
    let (text, keeps) = match status {
        StatusCode::OK => ("ok\n", true),
        StatusCode::UNAUTHORIZED => ("refused\n", true),
        StatusCode::METHOD_NOT_ALLOWED => ("only POST is received here\n", true),
        StatusCode::SERVICE_UNAVAILABLE => ("busy\n", true),
        _ => ("bad request\n", false),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if !keeps || sequel == Sequel::Lost {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
        StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("1"))),
        _ => {}
    }
    response
}
