//! Limits the memory that large bodies take together, from their first bytes until the consumer has
//! taken the delivery.
//!
//! Webhooks are small, and small bodies are not counted: the connection limit and the event queue
//! bound them. A large body reserves its memory before most of it is read, and its sender waits for
//! that, so a thousand of them take no more memory than a few.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Largest body that reserves nothing, in bytes.
pub(super) const SMALL_BODY: usize = 16 * 1024;

/// Memory for all large bodies together, in bytes, unless two of the largest need more.
const BUDGET: usize = 32 << 20;

/// The unit of reservations, in bytes.
const BLOCK: usize = 16 * 1024;

pub(in crate::edge) struct BodyMemory(Arc<Semaphore>);

/// Memory reserved for one body; dropping it releases the memory.
pub(in crate::edge) type MemoryPermit = OwnedSemaphorePermit;

impl BodyMemory {
    /// Makes a budget that fits at least two bodies of `max_body` bytes.
    pub fn new(max_body: usize) -> Self {
        let blocks = BUDGET.max(max_body.saturating_mul(2)) / BLOCK;
        Self(Arc::new(Semaphore::new(blocks.min(u32::MAX as usize).min(Semaphore::MAX_PERMITS))))
    }

    /// Waits until this many bytes can be reserved. `None`: they never can.
    pub async fn reserve(&self, bytes: usize) -> Option<MemoryPermit> {
        let blocks = u32::try_from(bytes.div_ceil(BLOCK)).unwrap_or(u32::MAX);
        Arc::clone(&self.0).acquire_many_owned(blocks).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_bodies_of_the_largest_size_fit_again_and_again() {
        for max_body in [0, 1, 1 << 20, 1 << 30] {
            let memory = BodyMemory::new(max_body);
            for _ in 0..3 {
                let permits = (memory.reserve(max_body).await, memory.reserve(max_body).await);
                assert!(permits.0.is_some() && permits.1.is_some());
            }
        }
    }
}
