//! Reads secrets again before a delivery is refused.
//!
//! A refusal waits for a read that started after its request arrived, so a secret that was stored
//! before the request is known. Refusals share these reads: each source is read by one task, which
//! starts at most one read per `pause`. A flood of refused requests therefore costs no more reads
//! than the pause allows. At most `MAX_WAITING` refusals wait, and none longer than `MAX_WAIT`.

use crate::world::SecretSource;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

/// Most refusals that wait at once. Each occupies a connection that is not evicted.
const MAX_WAITING: usize = 512;
/// Longest wait of a refusal. Providers wait for 5 s and more.
const MAX_WAIT: Duration = Duration::from_secs(4);

pub(super) struct SecretRefresher {
    sources: Vec<RefreshedSource>,
    waiting: Semaphore,
}

struct RefreshedSource {
    is_used: Arc<dyn Fn() -> bool + Send + Sync>,
    wanted: Arc<Notify>,
    /// Number of reads that were started.
    started: Arc<AtomicU64>,
    /// Number of reads that are done.
    done: watch::Receiver<u64>,
    changes: Arc<AtomicU64>,
}

impl SecretRefresher {
    /// Starts a task for each source in the current runtime.
    pub fn start(sources: &[SecretSource], runtime: &Handle) -> Self {
        let sources = sources.iter().map(|source| RefreshedSource::start(source.clone(), runtime)).collect();
        Self { sources, waiting: Semaphore::new(MAX_WAITING) }
    }

    pub fn sources(&self) -> usize {
        self.sources.len()
    }

    /// Returns a mark of the secrets in use, for `refresh`.
    pub fn mark(&self) -> Vec<u64> {
        self.sources.iter().map(|source| source.changes.load(Ordering::SeqCst)).collect()
    }

    /// Reads a source again. Returns true if its secrets have changed since the mark was taken.
    pub async fn refresh(&self, source: usize, mark: &[u64]) -> bool {
        let (Some(source), Some(mark)) = (self.sources.get(source), mark.get(source)) else { return false };
        if !(source.is_used)() {
            return false;
        }
        let Ok(_place) = self.waiting.try_acquire() else { return false };
        let wanted = source.started.load(Ordering::SeqCst) + 1;
        source.wanted.notify_one();
        let mut done = source.done.clone();
        let read = done.wait_for(|done| *done >= wanted);
        let _ = tokio::time::timeout(MAX_WAIT, read).await;
        source.changes.load(Ordering::SeqCst) != *mark
    }
}

impl RefreshedSource {
    fn start(source: SecretSource, runtime: &Handle) -> Self {
        let (sender, done) = watch::channel(0);
        let (wanted, started) = (Arc::new(Notify::new()), Arc::new(AtomicU64::new(0)));
        let (is_used, changes) = (Arc::clone(&source.is_used), Arc::clone(&source.changes));
        runtime.spawn(read_when_wanted(source, Arc::clone(&wanted), Arc::clone(&started), sender));
        Self { is_used, wanted, started, done, changes }
    }
}

/// Reads a source whenever it is wanted, and ends with the listener.
async fn read_when_wanted(
    source: SecretSource,
    wanted: Arc<Notify>,
    started: Arc<AtomicU64>,
    done: watch::Sender<u64>,
) {
    let mut next = Instant::now();
    loop {
        tokio::select! {
            () = wanted.notified() => {}
            () = done.closed() => return,
        }
        tokio::time::sleep_until(next).await;
        next = Instant::now() + source.pause;
        let number = started.fetch_add(1, Ordering::SeqCst) + 1;
        let reload = Arc::clone(&source.reload);
        // Fails if it panics, and the secrets stay as they are.
        let _ = tokio::task::spawn_blocking(move || reload()).await;
        done.send_replace(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    }

    #[test]
    fn a_flood_of_refusals_shares_few_reads() {
        let runtime = runtime();
        let reads = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&reads);
        let reload = Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let source = SecretSource {
            is_used: Arc::new(|| true),
            reload,
            changes: Arc::default(),
            pause: Duration::from_millis(200),
        };
        let refresher = Arc::new(SecretRefresher::start(&[source], runtime.handle()));
        let started = Instant::now();
        runtime.block_on(async {
            let refusals = (0..400).map(|_| {
                let refresher = Arc::clone(&refresher);
                tokio::spawn(async move { refresher.refresh(0, &refresher.mark()).await })
            });
            for refusal in refusals.collect::<Vec<_>>() {
                assert!(!refusal.await.unwrap());
            }
        });
        let allowed = started.elapsed().as_millis() / 200 + 1;
        let reads = u128::from(reads.load(Ordering::SeqCst));
        assert!((1..=allowed).contains(&reads), "{reads} reads, {allowed} allowed");
    }

    /// A read that is under way may have missed the secret.
    #[test]
    fn a_refusal_waits_for_a_read_that_starts_after_it() {
        let runtime = runtime();
        let (secret, changes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (in_read, reading) = std::sync::mpsc::channel();
        let (go_on, continued) = std::sync::mpsc::channel::<()>();
        let continued = Mutex::new(continued);
        let (read_secret, changed) = (Arc::clone(&secret), Arc::clone(&changes));
        let reload = Arc::new(move || {
            let found = read_secret.load(Ordering::SeqCst);
            in_read.send(()).unwrap();
            let _ = continued.lock().unwrap().recv();
            changed.store(found, Ordering::SeqCst);
        });
        let source = SecretSource { is_used: Arc::new(|| true), reload, changes, pause: Duration::ZERO };
        let refresher = Arc::new(SecretRefresher::start(&[source], runtime.handle()));
        let refresh = || {
            let (refresher, mark) = (Arc::clone(&refresher), refresher.mark());
            runtime.spawn(async move { refresher.refresh(0, &mark).await })
        };
        let first = refresh();
        reading.recv().unwrap();
        secret.store(1, Ordering::SeqCst);
        let second = refresh();
        go_on.send(()).unwrap();
        assert!(!runtime.block_on(first).unwrap());
        drop(go_on);
        assert!(runtime.block_on(second).unwrap());
    }
}
