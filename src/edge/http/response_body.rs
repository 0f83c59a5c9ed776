//! Bodies of responses: whole, or a stream whose parts are sent as they come.

use super::recorder::Recorder;
use crate::world::ReplyStream;
use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

pub(in crate::edge) enum ResponseBody {
    Whole(Full<Bytes>),
    Stream(StreamBody),
}

/// A stream of parts. The request counts as being answered until it is dropped, so that its
/// connection is neither idle nor evicted.
pub(in crate::edge) struct StreamBody {
    parts: ReplyStream,
    recorder: Option<Arc<Recorder>>,
}

impl ResponseBody {
    pub fn stream(parts: ReplyStream) -> Self {
        Self::Stream(StreamBody { parts, recorder: None })
    }

    /// Marks the request as answered: now, or at the end of the stream.
    pub fn mark_answered(&mut self, recorder: &Arc<Recorder>) {
        match self {
            Self::Whole(_) => recorder.answered(),
            Self::Stream(stream) => stream.recorder = Some(Arc::clone(recorder)),
        }
    }
}

impl<T: Into<Bytes>> From<T> for ResponseBody {
    fn from(body: T) -> Self {
        Self::Whole(Full::new(body.into()))
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.recorder.iter().for_each(|recorder| recorder.answered());
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx),
            Self::Stream(stream) => {
                stream.parts.poll_next(cx).map(|part| part.map(|part| Ok(Frame::data(Bytes::from(part)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
