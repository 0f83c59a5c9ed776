//! Reads bodies within their limits of size, time and memory.

use super::Timeouts;
use super::body_memory::{BodyMemory, MemoryPermit, SMALL_BODY};
use crate::model::refusal::Refusal;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::error::Error as _;
use std::io;
use tokio::time::timeout;

pub(in crate::edge) struct BodyReader {
    max_body: usize,
    memory: BodyMemory,
    timeouts: Timeouts,
}

impl BodyReader {
    pub fn new(max_body: usize, timeouts: &Timeouts) -> Self {
        Self { max_body, memory: BodyMemory::new(max_body), timeouts: timeouts.clone() }
    }

    /// Reads a whole body, and reserves memory for it if it is large.
    pub async fn read(&self, body: Incoming) -> Result<(Vec<u8>, Option<MemoryPermit>), Refusal> {
        timeout(self.timeouts.body, self.read_without_deadline(body)).await.unwrap_or(Err(Refusal::BodyTimedOut))
    }

    /// A body whose announced length is too large is refused unread, before a client that sent
    /// `Expect: 100-continue` sends it.
    async fn read_without_deadline(&self, mut body: Incoming) -> Result<(Vec<u8>, Option<MemoryPermit>), Refusal> {
        let too_large = || Refusal::BodyTooLarge(self.max_body);
        let announced = body.size_hint();
        if announced.lower() > self.max_body as u64 {
            return Err(too_large());
        }
        let length = announced.exact().and_then(|length| usize::try_from(length).ok()).unwrap_or(self.max_body);
        let mut bytes = Vec::with_capacity(length.min(SMALL_BODY));
        let mut memory = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| body_refusal(&error))?;
            let Some(data) = frame.data_ref() else { continue };
            if data.len() > self.max_body - bytes.len() {
                return Err(too_large());
            }
            if memory.is_none() && bytes.len() + data.len() > SMALL_BODY {
                let reserved = timeout(self.timeouts.memory, self.memory.reserve(length)).await;
                memory = Some(reserved.ok().flatten().ok_or(Refusal::NoMemory)?);
            }
            bytes.extend_from_slice(data);
        }
        Ok((bytes, memory))
    }
}

/// Tells a body that ended early from one whose chunks are invalid.
fn body_refusal(error: &hyper::Error) -> Refusal {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    match cause {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other) => Refusal::InvalidChunks,
        _ => Refusal::BodyCutShort,
    }
}
