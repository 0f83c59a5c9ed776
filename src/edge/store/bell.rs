//! Tells the writer's thread when to commit: not at the first order, which would have it commit that one alone, but when whoever orders
//! has done what else is at hand. So what comes together is committed together, however many or few come.
//!
//! A commit costs as much as some twenty events do otherwise, and on a single core a thread that is woken runs at once, before the
//! orders behind the first are given.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Wakes the writer's thread; when it is dropped too, for there are no orders any more then.
pub(super) struct Bell {
    cord: Arc<Cord>,
    ringer: AbortHandle,
    thread: Thread,
}

/// What is pulled for the bell to ring.
#[derive(Default)]
pub(super) struct Cord {
    /// Whether it was pulled since the bell was rung.
    is_pulled: AtomicBool,
    pulled: Notify,
}

impl Cord {
    /// There are orders.
    pub fn pull(&self) {
        if !self.is_pulled.swap(true, Ordering::AcqRel) {
            self.pulled.notify_one();
        }
    }

    /// Has the bell ring anew for what is ordered already, to be called by the thread that it wakes.
    pub fn pull_anew(&self) {
        // What rang meanwhile is forgotten, or this would be woken before those are heard who have just been told.
        std::thread::park_timeout(Duration::ZERO);
        self.pull();
    }
}

impl Bell {
    /// Wakes this thread when the cord is pulled, by a task of the runtime that this is called in.
    pub fn of(thread: Thread, cord: Arc<Cord>) -> Self {
        let ringer = tokio::spawn(ring(Arc::clone(&cord), thread.clone())).abort_handle();
        Self { cord, ringer, thread }
    }

    /// An order was given.
    pub fn pull(&self) {
        self.cord.pull();
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ringer.abort();
        self.thread.unpark();
    }
}

async fn ring(cord: Arc<Cord>, thread: Thread) {
    loop {
        cord.pulled.notified().await;
        // Comes back when all tasks that were ready have had their turn, and the sockets were looked at.
        tokio::task::yield_now().await;
        // Orders that are given from here on ring again.
        cord.is_pulled.swap(false, Ordering::AcqRel);
        thread.unpark();
    }
}
