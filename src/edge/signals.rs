//! Ctrl+C and SIGTERM: the first signal is reported to every subscriber, the second ends the
//! process.
//!
//! One thread handles signals for the whole process. A handler cannot be removed once it is
//! installed, so without a subscriber the first signal ends the process, too.

use crate::model::error::{Error, Result};
use std::io;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

const EXIT_INTERRUPTED: i32 = 130;

/// Receives the interrupts that happen after it was created.
#[derive(Debug)]
pub(super) struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// Subscribes to the signals of this process.
    pub fn of_process() -> Result<Self> {
        static SIGNALS: Mutex<Option<watch::Sender<u32>>> = Mutex::new(None);
        let mut signals = SIGNALS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signals) = &*signals {
            return Ok(Self(signals.subscribe()));
        }
        let sender = watch::Sender::new(0);
        let interrupt = Self(sender.subscribe());
        start_thread(sender.clone()).map_err(|error| Error::failed("can't handle Ctrl+C").because(error))?;
        *signals = Some(sender);
        Ok(interrupt)
    }

    #[cfg(test)]
    pub fn from_sender(signals: &watch::Sender<u32>) -> Self {
        Self(signals.subscribe())
    }

    /// Returns true once after each interrupt.
    pub fn take(&mut self) -> bool {
        let is_new = self.0.has_changed().unwrap_or(false);
        if is_new {
            self.0.mark_unchanged();
        }
        is_new
    }

    /// Waits for the next interrupt.
    pub async fn wait(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

fn start_thread(sender: watch::Sender<u32>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let watch = async move {
        while signals.next().await.is_some() {
            if sender.receiver_count() == 0 || *sender.borrow() > 0 {
                std::process::exit(EXIT_INTERRUPTED);
            }
            sender.send_modify(|count| *count += 1);
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(watch))?;
    Ok(())
}

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
            signal = self.interrupt.recv() => signal,
            signal = self.terminate.recv() => signal,
        }
    }
}

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
