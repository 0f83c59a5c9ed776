//! One connection: its requests become deliveries, are judged and handed over, and only then answered.
//!
//! An outsider learns nothing but the status: every refusal of a signature reads the same.

use super::super::recorder::{Head, Recorder, Sequel as After};
use super::super::store::{Append, Recorded};
use super::Deadlines;
use super::judging::Judging;
use super::keeping::{Keeping, Reply};
use super::response::response;
use super::room::{Held, Room, SMALL};
use super::socket::Socket;
use super::teller::{News, Teller};
use crate::model::delivery::RejectedRequest;
use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::message::Request;
use crate::model::stored::{Forwarded, Sequel};
use crate::model::timestamp::Timestamp;
use crate::world::{AckPolicy, AnsweredDelivery, ForwardOptions, ListenOptions, ListenerEvent, VerifyFn};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

/// What all connections share.
pub(super) struct Desk {
    max_body: usize,
    ack_policy: AckPolicy,
    judging: Judging,
    /// The way to the consumer.
    pub teller: Arc<Teller>,
    /// Where deliveries are kept. `None`: nowhere.
    keeping: Option<Keeping>,
    room: Room,
    /// How long clients may take.
    pub deadlines: Deadlines,
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
    /// Answers as `options` say, and tells `teller`.
    pub fn new(
        options: &ListenOptions,
        verify: VerifyFn,
        deadlines: Deadlines,
        teller: Arc<Teller>,
        keeping: Option<Keeping>,
    ) -> Self {
        let (max_body, ack_policy) = (options.max_body, options.ack_policy);
        let (room, judging) = (Room::for_bodies_of(max_body), Judging::by(verify));
        Self { max_body, ack_policy, judging, teller, keeping, room, deadlines }
    }

    /// Answers one request, after its delivery was kept or handed over.
    async fn answer(self: &Arc<Self>, head: Head, body: Incoming, peer: SocketAddr, recorder: &Recorder) -> Reply {
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
        let received = Arc::new(self.judged(request, peer, room.as_ref()).await);
        let status = self.status_of(&received);
        let Some(keeping) = &self.keeping else {
            let arrived = AnsweredDelivery { received, id: None, status: status.as_u16(), store_error: None };
            let news = News::holding(ListenerEvent::Received(arrived), room);
            let is_taken = self.teller.hand_over(news, self.deadlines.handover).await;
            return Reply::of(if is_taken { status } else { StatusCode::SERVICE_UNAVAILABLE });
        };
        let mut routes =
            if status.is_success() && received.verdict.is_verified() { keeping.routes(&received) } else { Vec::new() };
        if let Some((forward, url)) = keeping.spokesman(&mut routes) {
            // On its own feet: what the app has answered is recorded also when the provider has gone.
            let passing = Arc::clone(self).pass_through(received, room, (forward, url), routes);
            return tokio::spawn(passing).await.unwrap_or_else(|_| Reply::of(StatusCode::BAD_GATEWAY));
        }
        let kept = self.keep(keeping, &received, status.as_u16(), routes).await;
        let status = if kept.is_ok() { status } else { StatusCode::SERVICE_UNAVAILABLE };
        self.teller.show(arrived(received, kept, status), room).await;
        Reply::of(status)
    }

    /// Keeps a delivery, asks the app, records what it answered, and only then gives that to the provider.
    async fn pass_through(
        self: Arc<Self>,
        received: Arc<AnalyzedDelivery>,
        room: Option<Held>,
        (forward, url): (ForwardOptions, Url),
        others: Vec<Url>,
    ) -> Reply {
        let Some(keeping) = &self.keeping else { return Reply::of(StatusCode::SERVICE_UNAVAILABLE) };
        let kept = self.keep(keeping, &received, NOT_YET, others).await;
        let recorded = match kept {
            Ok(recorded) => recorded,
            Err(reason) => {
                let reply = Reply::of(StatusCode::SERVICE_UNAVAILABLE);
                self.teller.show(arrived(received, Err(reason), reply.status), room).await;
                return reply;
            }
        };
        let (reply, attempt) = keeping.ask(&received, &forward, &url).await;
        if let Some(recorded) = recorded.as_ref().filter(|_| !keeping.writer.forgets()) {
            keeping.answered(recorded, &reply, &attempt).await;
        }
        let id = recorded.as_ref().map(|recorded| recorded.id.clone());
        self.teller.show(arrived(received, Ok(recorded), reply.status), room).await;
        if let Some(id) = id {
            let sequel = if (200..300).contains(&attempt.status()) { Sequel::Taken } else { Sequel::GivenUp };
            self.teller.forwarded(Forwarded { id, attempt, tries: 1, sequel }).await;
        }
        reply
    }

    /// Records a delivery, unless nothing is to be kept. It is acknowledged only when it is on disk; an error says why it is not.
    async fn keep(
        &self,
        keeping: &Keeping,
        received: &Arc<AnalyzedDelivery>,
        answered: u16,
        routes: Vec<Url>,
    ) -> Result<Option<Recorded>, String> {
        let forwards: Vec<_> = routes.into_iter().map(String::from).collect();
        if keeping.writer.forgets() && forwards.is_empty() {
            return Ok(None);
        }
        let (received, wake) = (Arc::clone(received), Arc::clone(&keeping.wake));
        // However long it takes: to give up waiting would be to deny what may be recorded after all.
        keeping.writer.append(Append { received, answered, forwards, wake }).await.map(Some)
    }

    /// Large ones, for which there is `room`, one after the other, beside all else.
    async fn judged(&self, request: Request, peer: SocketAddr, room: Option<&Held>) -> AnalyzedDelivery {
        let now = Timestamp::now();
        let delivery = Delivery { request, peer: Some(peer), arrived: Some(now) };
        match room {
            None => self.judging.small(delivery, now),
            Some(_) => self.judging.large(delivery, now).await,
        }
    }

    fn status_of(&self, received: &AnalyzedDelivery) -> StatusCode {
        match self.ack_policy {
            AckPolicy::All => StatusCode::OK,
            AckPolicy::Verified if received.verdict.is_verified() => StatusCode::OK,
            AckPolicy::Verified => StatusCode::UNAUTHORIZED,
        }
    }

    fn turn_away(&self, head: &Head, peer: SocketAddr, status: StatusCode) -> StatusCode {
        self.teller.turned_away(RejectedRequest {
            peer,
            request: format!("{} {}", head.method, head.target),
            status: status.as_u16(),
        });
        status
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

/// What a delivery is answered in the store while the app is asked.
const NOT_YET: u16 = 0;

/// What the consumer hears of a delivery.
fn arrived(
    received: Arc<AnalyzedDelivery>,
    kept: Result<Option<Recorded>, String>,
    status: StatusCode,
) -> AnsweredDelivery {
    let (id, store_error) = match kept {
        Ok(recorded) => (recorded.map(|recorded| recorded.id), None),
        Err(reason) => (None, Some(reason)),
    };
    AnsweredDelivery { received, id, status: status.as_u16(), store_error }
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
    let socket = Socket::new(stream, Arc::clone(&recorder), &desk.deadlines);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (recorder, desk) = (Arc::clone(&recorder), Arc::clone(&desk));
        async move { Ok::<_, Infallible>(respond(&recorder, &desk, request.into_body(), peer).await) }
    });
    let serving = http1::Builder::new()
        .max_buf_size(super::super::recorder::MAX_HEAD)
        .half_close(true)
        .writev(false)
        .serve_connection(TokioIo::new(socket), service);
    if let Err(error) = watcher.watch(serving).await
        && let Some(status) = refused_by_hyper(&error)
    {
        desk.teller.turned_away(RejectedRequest { peer, request: recorder.refused_line(), status: status.as_u16() });
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

async fn respond(recorder: &Recorder, desk: &Arc<Desk>, body: Incoming, peer: SocketAddr) -> Response<Full<Bytes>> {
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
