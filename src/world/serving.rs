//! Options and answers of HTTP servers for clients on this machine.

use crate::model::bind::{BindAddresses, SecondAddress};
use crate::model::delivery::RejectedRequest;
use crate::model::exchange::ServerReply;
use crate::model::message::{Headers, Request};
use crate::model::timestamp::Timestamp;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Options of an HTTP server for clients on this machine.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    pub addresses: BindAddresses,
    /// Names under which it may be addressed besides those of this machine. `None`: the handler
    /// checks hosts and origins itself.
    pub allowed_hosts: Option<Vec<String>>,
    /// Largest body accepted, in bytes.
    pub max_body: usize,
}

/// Gets the requests that were refused before the handler. Called on several threads.
pub type RefusalHandler = Arc<dyn Fn(RejectedRequest) + Send + Sync>;

/// Answers a request that arrived at the given time. Called on several threads.
pub type RequestHandler = Arc<dyn Fn(Request, Timestamp) -> HandlerReply + Send + Sync>;

/// The answer of a handler.
#[derive(Debug)]
pub enum HandlerReply {
    Whole(ServerReply),
    /// A body whose parts are sent as they come. The client's connection takes no thread.
    Stream {
        /// Headers other than those of the body's length.
        headers: Headers,
        parts: ReplyStream,
    },
}

impl From<ServerReply> for HandlerReply {
    fn from(reply: ServerReply) -> Self {
        Self::Whole(reply)
    }
}

/// The parts of a streamed body. It ends when the writer is dropped.
#[derive(Debug)]
pub struct ReplyStream(mpsc::Receiver<Vec<u8>>);

/// Writes the parts of a streamed body.
#[derive(Debug)]
pub struct ReplyWriter(mpsc::Sender<Vec<u8>>);

/// Makes a stream that holds up to `capacity` parts which the client has not taken yet.
pub fn reply_stream(capacity: usize) -> (ReplyWriter, ReplyStream) {
    let (sender, receiver) = mpsc::channel(capacity);
    (ReplyWriter(sender), ReplyStream(receiver))
}

impl ReplyStream {
    /// Polls for the next part. `None`: the stream has ended.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        self.0.poll_recv(context)
    }
}

impl ReplyWriter {
    /// Returns true if a part can be written now.
    pub fn has_room(&self) -> bool {
        self.0.capacity() > 0
    }

    /// Returns true if the client is gone.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Writes a part. Returns false if there is no room or no client.
    pub fn write(&self, part: Vec<u8>) -> bool {
        self.0.try_send(part).is_ok()
    }
}

/// A running server. Dropping it stops it.
pub trait RunningServer {
    /// Returns the address on which it accepts connections.
    fn address(&self) -> SocketAddr;
    /// Returns whether it accepts connections on its second address, too.
    fn second_address(&self) -> SecondAddress;
}
