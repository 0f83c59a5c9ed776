//! One connection: its requests become deliveries, are judged and handed over, and only then answered.
//!
//! An outsider learns nothing but the status: every refusal of a signature reads the same.

use super::super::recorder::{Head, Recorder, Sequel as After};
use super::super::store::Append;
use super::Deadlines;
use super::keeping::{Keeping, Reply};
use super::room::{Held, Room, SMALL};
use super::socket::Socket;
use crate::delivery::TurnedAway;
use crate::delivery::{Delivery, Received};
use crate::kept::{Attempt, Forwarded, Sequel};
use crate::message::Request;
use crate::timestamp::Timestamp;
use crate::world::{Acknowledge, Arrived, Happening, Judge, Listen};
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
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use url::Url;

/// How many may wait to be shown before large ones are passed over.
const FEW: usize = 8;

/// What all connections share.
pub(super) struct Desk {
    max_body: usize,
    acknowledge: Acknowledge,
    judge: Judge,
    news: mpsc::Sender<News>,
    /// Where deliveries are kept. `None`: nowhere.
    keeping: Option<Keeping>,
    /// How many kept deliveries the consumer was too slow for.
    missed: AtomicU64,
    room: Room,
    /// Large bodies are judged one at a time, so that small ones need not wait for a thread.
    large: Mutex<()>,
    /// How long clients may take.
    pub deadlines: Deadlines,
}

/// What has happened, and the room that is held until it is taken.
pub(in crate::edge) struct News {
    /// What has happened.
    pub happening: Happening,
    /// Given back when this is dropped.
    _room: Option<Held>,
}

impl News {
    /// What has happened, without any room.
    pub fn of(happening: Happening) -> Self {
        Self::holding(happening, None)
    }

    fn holding(happening: Happening, room: Option<Held>) -> Self {
        Self { happening, _room: room }
    }
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
    pub fn new(
        options: &Listen,
        judge: Judge,
        deadlines: Deadlines,
        news: mpsc::Sender<News>,
        keeping: Option<Keeping>,
    ) -> Self {
        let (max_body, acknowledge) = (options.max_body, options.acknowledge);
        let (room, large, missed) = (Room::for_bodies_of(max_body), Mutex::new(()), AtomicU64::new(0));
        Self { max_body, acknowledge, judge, news, keeping, missed, room, large, deadlines }
    }

    /// Answers one request, after its delivery was kept or handed over.
    async fn answer(&self, head: Head, body: Incoming, peer: SocketAddr, recorder: &Recorder) -> Reply {
        if head.method != "POST" {
            return Reply::of(self.turn_away(&head, peer, StatusCode::METHOD_NOT_ALLOWED));
        }
        let (body, room) = match self.read_in_time(body).await {
            Ok(read) => read,
            Err(cause) => return Reply::of(self.turn_away(&head, peer, cause.status())),
        };
        recorder.in_hand();
        let Head { method, target, headers, sequel: _ } = head;
        let request = Request { method, target, headers, body };
        let received = Arc::new(self.judged(request, peer, room.is_some()).await);
        let status = self.status_of(&received);
        let Some(keeping) = &self.keeping else {
            let arrived = Arrived { received, id: None, answered: status.as_u16(), trouble: None };
            let handed_over = self.hand_over(News::holding(Happening::Received(arrived), room)).await;
            return Reply::of(handed_over.map_or_else(|busy| busy, |()| status));
        };
        let routes =
            if status.is_success() && received.verdict.is_verified() { keeping.routes(&received) } else { Vec::new() };
        let (reply, attempt, routes) =
            keeping.pass_through(&received, routes).await.unwrap_or_else(|routes| (Reply::of(status), None, routes));
        let (arrived, kept) = self.keep(keeping, received, &reply, attempt.clone(), routes).await;
        if let (Some(id), Some(attempt)) = (arrived.id.clone(), attempt) {
            let sequel = if (200..300).contains(&attempt.status()) { Sequel::Taken } else { Sequel::GivenUp };
            let forwarded = Happening::Forwarded(Forwarded { id, attempt, tries: 1, sequel });
            self.show(arrived, room).await;
            let _ = self.news.try_send(News::of(forwarded));
        } else {
            self.show(arrived, room).await;
        }
        if kept { reply } else { Reply::of(StatusCode::SERVICE_UNAVAILABLE) }
    }

    /// Records a delivery. It is acknowledged only when it is on disk; otherwise the sender is asked to come again.
    async fn keep(
        &self,
        keeping: &Keeping,
        received: Arc<Received>,
        reply: &Reply,
        attempt: Option<Attempt>,
        routes: Vec<Url>,
    ) -> (Arrived, bool) {
        let answered = reply.status.as_u16();
        let forwards: Vec<_> = routes.into_iter().map(String::from).collect();
        if keeping.writer.forgets() && forwards.is_empty() {
            return (Arrived { received, id: None, answered, trouble: None }, true);
        }
        let wake = Arc::clone(&keeping.wake);
        let append = Append { received: Arc::clone(&received), answered, forwards, attempt, wake };
        // However long it takes: to give up waiting would be to deny what may be recorded after all.
        match keeping.writer.append(append).await {
            Ok(id) => (Arrived { received, id: Some(id), answered, trouble: None }, true),
            Err(reason) => {
                let answered = StatusCode::SERVICE_UNAVAILABLE.as_u16();
                (Arrived { received, id: None, answered, trouble: Some(reason) }, false)
            }
        }
    }

    /// Gives a kept delivery to the consumer. It is safe already, so a consumer that stands still (a terminal that was stopped)
    /// costs one sender a short wait, and is passed over after that until it goes on.
    async fn show(&self, arrived: Arrived, room: Option<Held>) {
        let missed = self.missed.swap(0, Ordering::Relaxed);
        if missed > 0 && self.news.try_send(News::of(Happening::Missed(missed))).is_err() {
            self.missed.fetch_add(missed + 1, Ordering::Relaxed);
            return;
        }
        if room.is_some() && self.news.max_capacity() - self.news.capacity() > FEW {
            // A large body must not hold its room for a consumer that stands still.
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let news = News::holding(Happening::Received(arrived), room);
        if let Err(TrySendError::Full(news)) = self.news.try_send(news) {
            let sending = self.news.send(news);
            if missed > 0 || timeout(self.deadlines.show, sending).await.is_err() {
                self.missed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Says at the end how many kept deliveries were never shown.
    pub async fn tell_of_missed(&self) {
        let missed = self.missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            // Nobody asks any more when this fails.
            let _ = self.news.send(News::of(Happening::Missed(missed))).await;
        }
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
        let _ = self.news.try_send(News::of(Happening::TurnedAway(turned_away)));
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
    let (reply, sequel) = match recorder.take() {
        Some(head) => {
            let sequel = head.sequel;
            (desk.answer(head, body, peer, recorder).await, sequel)
        }
        None => (Reply::of(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE), After::Lost),
    };
    recorder.answered();
    response(reply, sequel)
}

fn response(reply: Reply, sequel: After) -> Response<Full<Bytes>> {
    let status = reply.status;
    let (text, keeps) = match status {
        StatusCode::OK => ("ok\n", true),
        StatusCode::UNAUTHORIZED => ("refused\n", true),
        StatusCode::METHOD_NOT_ALLOWED => ("only POST is received here\n", true),
        StatusCode::SERVICE_UNAVAILABLE => ("busy\n", true),
        StatusCode::PAYLOAD_TOO_LARGE => ("too large\n", false),
        StatusCode::REQUEST_TIMEOUT => ("too slow\n", false),
        StatusCode::BAD_GATEWAY => ("the app gave no answer\n", true),
        _ => ("bad request\n", reply.body.is_some()),
    };
    let mut response = Response::new(Full::new(reply.body.unwrap_or(Bytes::from_static(text.as_bytes()))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if !keeps || sequel == After::Lost {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
        StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("1"))),
        _ => {}
    }
    response
}
