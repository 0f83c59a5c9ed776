//! Judging: at once for small bodies, and for large ones in a line, on a thread of its own, so that small ones need not wait for them.
//!
//! It is one thread, and not whichever a pool has to spare: allocators keep for each thread what it has used, and a parsed body of a
//! megabyte takes many.

use crate::model::delivery::{AnalyzedDelivery, Delivery};
use crate::model::timestamp::Timestamp;
use crate::world::VerifyFn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// How many large ones may wait in the line; beyond it they wait for a place there.
const LINE: usize = 16;

/// Judges deliveries.
pub(super) struct Judging {
    verify: VerifyFn,
    /// Where large ones wait; there when the first one comes. `None`: the system gives no thread.
    line: OnceLock<Option<mpsc::Sender<Order>>>,
}

struct Order {
    delivery: Delivery,
    now: Timestamp,
    judged: oneshot::Sender<AnalyzedDelivery>,
}

impl Judging {
    /// Judges by `judge`.
    pub fn by(verify: VerifyFn) -> Self {
        Self { verify, line: OnceLock::new() }
    }

    /// Judges a small one.
    pub fn small(&self, delivery: Delivery, now: Timestamp) -> AnalyzedDelivery {
        (self.verify)(delivery, now)
    }

    /// Judges a large one, when its turn comes.
    ///
    /// # Panics
    /// Where judging it does: that ends its connection, and nothing else.
    pub async fn large(&self, delivery: Delivery, now: Timestamp) -> AnalyzedDelivery {
        let Some(line) = self.line.get_or_init(|| self.start()) else { return self.small(delivery, now) };
        let (judged, outcome) = oneshot::channel();
        // What is not taken is dropped, and its `judged` with it.
        let _ = line.send(Order { delivery, now, judged }).await;
        outcome.await.expect("judging panicked, and said why")
    }

    fn start(&self) -> Option<mpsc::Sender<Order>> {
        let (line, mut orders) = mpsc::channel::<Order>(LINE);
        let verify = self.verify.clone();
        let work = move || {
            while let Some(Order { delivery, now, judged }) = orders.blocking_recv() {
                // Who waits for it panics too, when `judged` is dropped.
                if let Ok(received) = catch_unwind(AssertUnwindSafe(|| verify(delivery, now))) {
                    // Nobody waits any more when this fails.
                    let _ = judged.send(received);
                }
            }
        };
        thread::Builder::new().name("judging".to_owned()).spawn(work).ok().map(|_| line)
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
    async fn one_that_panics_takes_nobody_with_it() {
        let verify: VerifyFn = Arc::new(|delivery, _| {
            assert!(delivery.request.body != b"bad", "as the test wants it");
            AnalyzedDelivery { delivery, provider: None, verdict: Verdict::Unsigned, event: Event::default() }
        });
        let judging = Arc::new(Judging::by(verify));
        let judged = |body: &'static [u8]| {
            let judging = Arc::clone(&judging);
            tokio::spawn(
                async move { judging.large(delivery(body), Timestamp::UNIX_EPOCH).await.delivery.request.body },
            )
        };
        assert_eq!(judged(b"good").await.unwrap(), b"good");
        assert!(judged(b"bad").await.unwrap_err().is_panic());
        assert_eq!(judged(b"good").await.unwrap(), b"good");
    }
}
