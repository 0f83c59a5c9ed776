//! Ctrl+C, SIGTERM and SIGHUP: the first signal is reported to every subscriber, a second Ctrl+C or
//! SIGTERM ends the process. On Windows, Ctrl+Break, a shutdown and a console window that is closed
//! take the places of the last two.
//!
//! A service manager may send SIGHUP together with SIGTERM, so SIGHUP is never the second one. It is
//! left alone where it is ignored, as under `nohup`, and on systems that do not tell.
//!
//! One thread handles signals for the whole process. A handler cannot be removed once it is
//! installed, so without a subscriber the first signal ends the process, too.

use super::keys;
use super::runtime::block_on;
use crate::model::error::{Error, Result};
use crate::world::InterruptWaiter;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

const EXIT_INTERRUPTED: i32 = 130;

/// True once SIGTERM or SIGHUP was the first signal.
static WAS_TERMINATED: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopSignal {
    CtrlC,
    Terminate,
    HangUp,
}

/// Returns true if another program, rather than Ctrl+C, asked the process to stop.
pub(super) fn was_terminated() -> bool {
    WAS_TERMINATED.load(Ordering::Relaxed)
}

/// The interrupts of this process, once somebody has subscribed to them.
static SIGNALS: Mutex<Option<watch::Sender<u32>>> = Mutex::new(None);

/// Reports an interrupt as Ctrl+C does. Without a subscriber, nothing happens.
pub(super) fn interrupt() {
    if let Some(signals) = &*SIGNALS.lock().unwrap_or_else(PoisonError::into_inner) {
        signals.send_modify(|count| *count += 1);
    }
}

/// Receives the interrupts that happen after it was created.
#[derive(Debug)]
pub(super) struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// Subscribes to the signals of this process.
    pub fn of_process() -> Result<Self> {
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

/// Waits for an interrupt outside of async code.
pub(super) struct BlockingInterrupt {
    interrupt: Interrupt,
    runtime: tokio::runtime::Runtime,
    has_come: bool,
}

impl BlockingInterrupt {
    pub fn new(interrupt: Interrupt) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| Error::failed("can't handle Ctrl+C").because(error))?;
        Ok(Self { interrupt, runtime, has_come: false })
    }
}

impl InterruptWaiter for BlockingInterrupt {
    fn wait(&mut self, timeout: Duration) -> bool {
        if !self.has_come {
            let wait = async { tokio::time::timeout(timeout, self.interrupt.wait()).await.is_ok() };
            self.has_come = block_on(&self.runtime, wait);
        }
        self.has_come
    }
}

fn start_thread(sender: watch::Sender<u32>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = block_on(&runtime, async { Signals::new() })?;
    let watch = async move {
        while let Some(signal) = signals.next().await {
            let is_first = *sender.borrow() == 0;
            if sender.receiver_count() == 0 || (!is_first && signal != StopSignal::HangUp) {
                keys::restore_mode();
                std::process::exit(EXIT_INTERRUPTED);
            }
            if !is_first {
                continue;
            }
            WAS_TERMINATED.store(signal != StopSignal::CtrlC, Ordering::Relaxed);
            sender.send_modify(|count| *count += 1);
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || block_on(&runtime, watch))?;
    Ok(())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None`: it is ignored, or perhaps is.
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hang_up = (!is_hang_up_ignored()).then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hang_up })
    }

    async fn next(&mut self) -> Option<StopSignal> {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            signal = self.interrupt.recv() => signal.map(|()| StopSignal::CtrlC),
            signal = self.terminate.recv() => signal.map(|()| StopSignal::Terminate),
            signal = hang_up => signal.map(|()| StopSignal::HangUp),
        }
    }
}

/// Returns true if this process inherited SIGHUP as ignored, or if the system does not tell.
#[cfg(unix)]
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, the lowest bit.
    mask.is_none_or(|mask| mask & 1 == 1)
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    terminate: tokio::signal::windows::CtrlBreak,
    shutdown: tokio::signal::windows::CtrlShutdown,
    /// The console window was closed. Windows ends the process after five seconds.
    close: tokio::signal::windows::CtrlClose,
}

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self { interrupt: ctrl_c()?, terminate: ctrl_break()?, shutdown: ctrl_shutdown()?, close: ctrl_close()? })
    }

    async fn next(&mut self) -> Option<StopSignal> {
        tokio::select! {
            signal = self.interrupt.recv() => signal.map(|()| StopSignal::CtrlC),
            signal = self.terminate.recv() => signal.map(|()| StopSignal::Terminate),
            signal = self.shutdown.recv() => signal.map(|()| StopSignal::Terminate),
            signal = self.close.recv() => signal.map(|()| StopSignal::HangUp),
        }
    }
}
