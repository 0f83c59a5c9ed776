//! `listen --exec`: runs a command of the user's for each verified event.
//!
//! Commands run on their own threads, so receiving never waits for them. They end with the listener.

use crate::command::{Session, parse_duration};
use crate::model::timestamp::SignedDuration;
use crate::world::{ProcessOptions, RunningProcess};
use clap::Args;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Running a command for each event
#[derive(Args)]
#[command(next_help_heading = "Command")]
pub(super) struct ExecArgs {
    /// Run this shell command for each verified event, with its JSON record on standard input; not
    /// for duplicates, nor with API keys or signing secrets in its environment
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// Time limit of one command
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    exec_timeout: SignedDuration,
}

/// Most commands that run at once.
pub(super) const MAX_RUNNING: usize = 4;
/// Most events that wait for their command.
const MAX_QUEUED: usize = 1000;
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// An event for the command.
struct QueuedCommand {
    /// Name of its delivery.
    name: String,
    record: Vec<u8>,
}

/// The end of a command.
pub(super) struct FinishedCommand {
    /// Name of the delivery that it ran for.
    pub name: String,
    pub took: Duration,
    /// The reason why it failed.
    pub outcome: Result<(), String>,
    /// The end of its output. Untrusted text.
    pub output: Vec<u8>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<QueuedCommand>,
    running: usize,
    is_stopped: bool,
}

#[derive(Default)]
struct SharedQueue {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// The commands of a listener. Dropping it ends them.
pub(super) struct Commands {
    shared: Arc<SharedQueue>,
    finished: Receiver<FinishedCommand>,
}

/// Runs one command after the other, on a thread of its own.
pub(super) struct Worker<'s> {
    command: String,
    timeout: Duration,
    hidden_variables: Vec<String>,
    session: &'s Session<'s>,
    shared: Arc<SharedQueue>,
    finished: Sender<FinishedCommand>,
}

impl ExecArgs {
    pub(super) fn is_given(&self) -> bool {
        self.exec.is_some()
    }

    /// Returns the queue and the workers, which the caller runs on threads. `None`: there is no
    /// command.
    pub(super) fn commands<'s>(
        &self,
        hidden_variables: &[String],
        session: &'s Session<'s>,
    ) -> Option<(Commands, Vec<Worker<'s>>)> {
        let command = self.exec.as_ref()?;
        let (sender, finished) = channel();
        let shared = Arc::new(SharedQueue::default());
        let worker = || Worker {
            command: command.clone(),
            timeout: self.exec_timeout.unsigned_abs(),
            hidden_variables: hidden_variables.to_vec(),
            session,
            shared: Arc::clone(&shared),
            finished: sender.clone(),
        };
        let workers = (0..MAX_RUNNING).map(|_| worker()).collect();
        Some((Commands { shared: Arc::clone(&shared), finished }, workers))
    }
}

impl SharedQueue {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, at most for the time between two looks at a process.
    fn wait<'q>(&self, queue: MutexGuard<'q, Queue>) -> MutexGuard<'q, Queue> {
        self.changed.wait_timeout(queue, POLL_INTERVAL).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Commands {
    /// Queues an event. Returns false if too many wait already.
    pub(super) fn add(&self, name: &str, record: Vec<u8>) -> bool {
        let mut queue = self.shared.lock();
        if queue.jobs.len() >= MAX_QUEUED {
            return false;
        }
        queue.jobs.push_back(QueuedCommand { name: name.to_owned(), record });
        self.shared.changed.notify_one();
        true
    }

    pub(super) fn next_finished(&self) -> Option<FinishedCommand> {
        self.finished.try_recv().ok()
    }

    /// Returns the number of commands that run or wait.
    pub(super) fn open(&self) -> usize {
        let queue = self.shared.lock();
        queue.jobs.len() + queue.running
    }

    /// Waits for the end of a command. `None`: all have ended, or were stopped.
    pub(super) fn wait(&self) -> Option<FinishedCommand> {
        loop {
            // Read before the results: a command is not open any more once its result is there.
            let is_open = self.open() > 0 && !self.shared.lock().is_stopped;
            match self.finished.recv_timeout(if is_open { POLL_INTERVAL } else { Duration::ZERO }) {
                Ok(finished) => return Some(finished),
                Err(_) if is_open => {}
                Err(_) => return None,
            }
        }
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.shared.lock().is_stopped = true;
        self.shared.changed.notify_all();
    }
}

impl Worker<'_> {
    pub(super) fn run(self) {
        while let Some(job) = self.next_job() {
            let finished = self.run_command(job);
            // Sent first: a command that is not open has its result sent.
            let _ = self.finished.send(finished);
            self.shared.lock().running -= 1;
        }
    }

    /// Waits for a job. `None`: the listener stops.
    fn next_job(&self) -> Option<QueuedCommand> {
        let mut queue = self.shared.lock();
        loop {
            if queue.is_stopped {
                return None;
            }
            if let Some(job) = queue.jobs.pop_front() {
                queue.running += 1;
                return Some(job);
            }
            queue = self.shared.wait(queue);
        }
    }

    fn run_command(&self, QueuedCommand { name, record }: QueuedCommand) -> FinishedCommand {
        let started = self.session.world.now();
        let took = || self.session.world.now().duration_since(started).unsigned_abs();
        let options = ProcessOptions {
            command: self.command.clone(),
            variables: Vec::new(),
            hidden_variables: self.hidden_variables.clone(),
            input: record,
            address: None,
            startup_timeout: Duration::ZERO,
            is_guarded: false,
        };
        let mut process = match self.session.world.start_process(&options, &mut || ()) {
            Ok(process) => process,
            Err(error) => {
                return FinishedCommand { name, took: took(), outcome: Err(error.to_string()), output: Vec::new() };
            }
        };
        let outcome = self.wait_for_end(process.as_mut(), &took);
        FinishedCommand { name, took: took(), outcome, output: process.output() }
    }

    fn wait_for_end(&self, process: &mut dyn RunningProcess, took: &dyn Fn() -> Duration) -> Result<(), String> {
        loop {
            match process.exit_status() {
                Some(status) if status.ends_with(" 0") => return Ok(()),
                Some(status) => return Err(status),
                None if took() > self.timeout => return Err(format!("timed out after {} s", self.timeout.as_secs())),
                None => {}
            }
            let mut queue = self.shared.lock();
            queue.is_stopped |= process.is_interrupted();
            if queue.is_stopped {
                return Err("stopped with the listener".to_owned());
            }
            drop(self.shared.wait(queue));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::option::by_key;

    #[test]
    fn a_settings_file_names_neither_a_command_nor_answers() {
        assert!(by_key("exec").is_none() && by_key("answer").is_none() && by_key("port").is_some());
    }
}
