//! The work that waits for the writer's thread: its queue, and the batches that are committed together.

use crate::edge::store::{Insertion, NewDelivery, WriteResult};
use rusqlite::Connection;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Most jobs in the queue; beyond that, senders wait for their responses.
pub(super) const QUEUE: usize = 1024;
/// Most jobs in one commit.
const MAX_BATCH: usize = 512;
/// Most bytes of bodies in one commit, so that the log stays short.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// Most bytes of unverified bodies in one commit. Verified deliveries wait for that commit, and
/// anybody can send the others.
const MAX_UNVERIFIED_BATCH_BYTES: usize = 512 << 10;
/// Pause before another look at the queue while jobs gather.
const GATHERING_PAUSE: Duration = Duration::from_micros(60);
/// Most pauses of one commit.
const MAX_PAUSES: usize = 10;

/// One unit of work, with the channel for its result.
pub(super) enum WriteJob {
    Insert(NewDelivery, oneshot::Sender<WriteResult<Insertion>>),
    /// Any other work within the transaction. `None`: it was tried, and its commit failed.
    Task(Option<WriteTask>, oneshot::Sender<WriteResult<()>>),
}

pub(super) type WriteTask = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;

/// Result of a job whose batch was committed or refused.
pub(super) enum JobResult {
    Inserted(Insertion),
    Refused(String),
    TaskDone(WriteResult<()>),
}

/// Jobs that were taken from the queue, and are not in a batch yet.
#[derive(Default)]
pub(super) struct WaitingJobs {
    verified: VecDeque<WriteJob>,
    /// They are committed after the others, and few at once.
    unverified: VecDeque<WriteJob>,
}

impl WaitingJobs {
    /// Takes what is in the queue, and calls `wait` while there is nothing to do; then also waits, for a
    /// short time, until there are as many jobs as expected. Returns false once the queue is closed and
    /// empty.
    pub(super) fn take_from(
        &mut self,
        queue: &mut mpsc::Receiver<WriteJob>,
        expected: usize,
        wait: impl FnOnce(&mut mpsc::Receiver<WriteJob>) -> Option<WriteJob>,
    ) -> bool {
        if self.is_empty() {
            let Some(first) = wait(queue) else { return false };
            self.push(first);
            let mut pauses = 0;
            while queue.len() + 1 < expected && pauses < MAX_PAUSES {
                thread::sleep(GATHERING_PAUSE);
                pauses += 1;
            }
        }
        while self.verified.len() < MAX_BATCH
            && self.unverified.len() < QUEUE
            && let Ok(job) = queue.try_recv()
        {
            self.push(job);
        }
        true
    }

    fn is_empty(&self) -> bool {
        self.verified.is_empty() && self.unverified.is_empty()
    }

    fn push(&mut self, job: WriteJob) {
        if job.is_unverified() { self.unverified.push_back(job) } else { self.verified.push_back(job) }
    }

    /// Returns the jobs of the next commit: at least one unverified delivery, if there is any.
    pub(super) fn next_batch(&mut self) -> Vec<WriteJob> {
        let mut batch = Vec::new();
        take_jobs(&mut self.verified, MAX_BATCH_BYTES, &mut batch);
        take_jobs(&mut self.unverified, MAX_UNVERIFIED_BATCH_BYTES, &mut batch);
        batch
    }
}

/// Moves jobs to a batch until their bodies take this many bytes.
fn take_jobs(jobs: &mut VecDeque<WriteJob>, max_bytes: usize, batch: &mut Vec<WriteJob>) {
    let (mut bytes, end) = (0, batch.len() + MAX_BATCH);
    while batch.len() < end
        && bytes < max_bytes
        && let Some(job) = jobs.pop_front()
    {
        bytes += job.bytes();
        batch.push(job);
    }
}

impl WriteJob {
    fn is_unverified(&self) -> bool {
        matches!(self, Self::Insert(delivery, _) if !delivery.received.verdict.is_verified())
    }

    /// Returns the size of the body to write.
    fn bytes(&self) -> usize {
        match self {
            Self::Insert(delivery, _) => delivery.received.delivery.request.body.len(),
            Self::Task(..) => 0,
        }
    }

    /// Sends the result. It is dropped if the client has disconnected.
    pub(super) fn finish(self, result: JobResult) {
        match (self, result) {
            (Self::Insert(delivery, done), JobResult::Inserted(recorded)) => {
                drop(done.send(Ok(recorded)));
                // A recorded delivery is forwarded even if the client has disconnected.
                if !delivery.forwards.is_empty() {
                    delivery.wake.notify_one();
                }
            }
            (Self::Task(_, done), JobResult::TaskDone(result)) => drop(done.send(result)),
            (job, JobResult::Refused(message)) => job.refuse(&message),
            (job, _) => job.refuse("the store mixed up its results"),
        }
    }

    fn refuse(self, message: &str) {
        match self {
            Self::Insert(_, done) => drop(done.send(Err(message.to_owned()))),
            Self::Task(_, done) => drop(done.send(Err(message.to_owned()))),
        }
    }
}

/// Waits for a job, at most this long.
pub(super) fn recv_timeout(queue: &mut mpsc::Receiver<WriteJob>, timeout: Duration) -> Poll<Option<WriteJob>> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let end = Instant::now() + timeout;
    loop {
        if let Poll::Ready(job) = queue.poll_recv(&mut Context::from_waker(&waker)) {
            return Poll::Ready(job);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Poll::Pending;
        }
        thread::park_timeout(left);
    }
}
