//! Ctrl+C and SIGTERM: the first is told to whoever listens for it, the second ends the process at once.
//!
//! One thread watches for the whole process, because a handler, once installed, takes the place of the signal's own effect
//! for ever: when nobody listens for it, the first signal ends the process too.

use crate::model::error::{Error, Result};
use std::io;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// The exit status of a process that was interrupted.
const INTERRUPTED: i32 = 130;

/// Hears of the interrupts that come from now on.
#[derive(Debug)]
pub(super) struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// Listens for the process's own signals.
    pub fn of_process() -> Result<Self> {
        static SIGNALS: Mutex<Option<watch::Sender<u32>>> = Mutex::new(None);
        let mut signals = SIGNALS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signals) = &*signals {
            return Ok(Self(signals.subscribe()));
        }
        let told = watch::Sender::new(0);
        let interrupt = Self(told.subscribe());
        watch_process(told.clone()).map_err(|error| Error::failed("can't watch for Ctrl+C").because(error))?;
        *signals = Some(told);
        Ok(interrupt)
    }

    /// Listens for interrupts that somebody else makes.
    #[cfg(test)]
    pub fn of(signals: &watch::Sender<u32>) -> Self {
        Self(signals.subscribe())
    }

    /// Whether there was an interrupt that was not told yet.
    pub fn take(&mut self) -> bool {
        let is_new = self.0.has_changed().unwrap_or(false);
        if is_new {
            self.0.mark_unchanged();
        }
        is_new
    }

    /// Waits for the next interrupt.
    pub async fn told(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Starts the thread that tells of the first signal and ends the process at the second, or at the first that nobody
/// listens for.
fn watch_process(told: watch::Sender<u32>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let watch = async move {
        while signals.next().await.is_some() {
            if told.receiver_count() == 0 || *told.borrow() > 0 {
                std::process::exit(INTERRUPTED);
            }
            told.send_modify(|count| *count += 1);
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(watch))?;
    Ok(())
}

/// What asks a process to end.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Option<()> {
        tokio::select! {
            told = self.interrupt.recv() => told,
            told = self.terminate.recv() => told,
        }
    }
}

/// What asks a process to end.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }
}
