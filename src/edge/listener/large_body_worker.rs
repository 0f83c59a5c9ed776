//! Verifies large bodies on one thread of their own, in order of arrival, so that small ones do not
//! wait for them.
//!
//! It is a single thread rather than any of a pool: allocators keep what each thread has used, and
//! parsing a body of a megabyte takes many times its size.

use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::timestamp::Timestamp;
use crate::world::VerifyFn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// Most bodies in the queue; further ones wait for a place in it.
const QUEUE: usize = 16;

pub(super) struct LargeBodyWorker {
    verify: VerifyFn,
    /// The thread's queue; it starts with the first body. `None`: the system refused the thread.
    queue: OnceLock<Option<mpsc::Sender<Job>>>,
}

struct Job {
    delivery: Delivery,
    now: Timestamp,
    done: oneshot::Sender<AnalyzedDelivery>,
}

impl LargeBodyWorker {
    pub fn new(verify: VerifyFn) -> Self {
        Self { verify, queue: OnceLock::new() }
    }

    /// Verifies a delivery on the worker thread.
    ///
    /// # Panics
    /// If verifying panics, which ends this connection and nothing else.
    pub async fn verify(&self, delivery: Delivery, now: Timestamp) -> AnalyzedDelivery {
        let Some(queue) = self.queue.get_or_init(|| self.start()) else { return (self.verify)(delivery, now) };
        let (done, outcome) = oneshot::channel();
        // A job that is not taken is dropped, and its `done` with it.
        let _ = queue.send(Job { delivery, now, done }).await;
        outcome.await.expect("verifying panicked, and the panic was printed")
    }

    fn start(&self) -> Option<mpsc::Sender<Job>> {
        let (queue, mut jobs) = mpsc::channel::<Job>(QUEUE);
        let verify = self.verify.clone();
        let work = move || {
            while let Some(Job { delivery, now, done }) = jobs.blocking_recv() {
                // A dropped `done` makes the waiting task panic, too.
                if let Ok(received) = catch_unwind(AssertUnwindSafe(|| verify(delivery, now))) {
                    // Fails when the connection is gone.
                    let _ = done.send(received);
                }
            }
        };
        thread::Builder::new().name("large bodies".to_owned()).spawn(work).ok().map(|_| queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Event;
    use crate::model::message::Request;
    use crate::model::verdict::Verdict;
    use std::sync::Arc;

    fn delivery(body: &[u8]) -> Delivery {
        Delivery { request: Request::post("/", body.to_vec()), peer: None, arrived: None }
    }

    #[tokio::test]
    async fn a_panic_over_one_body_does_not_affect_the_next() {
        let verify: VerifyFn = Arc::new(|delivery, _| {
            assert!(delivery.request.body != b"bad", "this panic is part of a test");
            AnalyzedDelivery { delivery, provider: None, verdict: Verdict::Unsigned, event: Event::default() }
        });
        let worker = Arc::new(LargeBodyWorker::new(verify));
        let verify = |body: &'static [u8]| {
            let worker = Arc::clone(&worker);
            tokio::spawn(
                async move { worker.verify(delivery(body), Timestamp::UNIX_EPOCH).await.delivery.request.body },
            )
        };
        assert_eq!(verify(b"good").await.unwrap(), b"good");
        assert!(verify(b"bad").await.unwrap_err().is_panic());
        assert_eq!(verify(b"good").await.unwrap(), b"good");
    }
}
