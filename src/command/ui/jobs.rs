//! Work that takes longer than a page may: one thread for each kind, which does one at a time.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// One kind of work: what it is asked for, how far it is, and its result.
pub(super) struct JobSlot<Request, Progress, Done> {
    state: Mutex<JobState<Request, Progress, Done>>,
    changed: Condvar,
}

struct JobState<Request, Progress, Done> {
    queued: Option<Request>,
    shown: JobView<Progress, Done>,
    is_running: bool,
    /// True if the work was asked to end.
    is_canceled: bool,
    is_stopped: bool,
}

/// The state that a page shows.
pub(super) enum JobView<Progress, Done> {
    Idle,
    Running(Progress),
    Done(Arc<Done>),
    Failed(String),
}

impl<Progress: Clone, Done> Clone for JobView<Progress, Done> {
    fn clone(&self) -> Self {
        match self {
            Self::Idle => Self::Idle,
            Self::Running(progress) => Self::Running(progress.clone()),
            Self::Done(done) => Self::Done(Arc::clone(done)),
            Self::Failed(why) => Self::Failed(why.clone()),
        }
    }
}

impl<Request, Progress, Done> Default for JobSlot<Request, Progress, Done> {
    fn default() -> Self {
        let state =
            JobState { queued: None, shown: JobView::Idle, is_running: false, is_canceled: false, is_stopped: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<Request, Progress: Clone, Done> JobSlot<Request, Progress, Done> {
    /// Asks for work. Returns false if there is some already.
    pub(super) fn start(&self, request: Request, progress: Progress) -> bool {
        let mut state = self.state();
        if state.is_running || state.is_stopped {
            return false;
        }
        state.queued = Some(request);
        (state.is_running, state.is_canceled) = (true, false);
        state.shown = JobView::Running(progress);
        self.changed.notify_all();
        true
    }

    pub(super) fn view(&self) -> JobView<Progress, Done> {
        self.state().shown.clone()
    }

    pub(super) fn update(&self, progress: Progress) {
        self.state().shown = JobView::Running(progress);
    }

    /// Asks the work to end early.
    pub(super) fn cancel(&self) {
        self.state().is_canceled = true;
    }

    pub(super) fn is_canceled(&self) -> bool {
        self.state().is_canceled
    }

    /// Ends the work and its thread.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        (state.is_stopped, state.is_canceled) = (true, true);
        self.changed.notify_all();
    }

    /// Does what is asked for until `stop`. `changed` is called after each result.
    pub(super) fn run(&self, work: impl Fn(Request) -> Result<Done, String>, changed: impl Fn()) {
        while let Some(request) = self.next() {
            let result = work(request);
            let mut state = self.state();
            state.is_running = false;
            state.shown = match result {
                Ok(done) => JobView::Done(Arc::new(done)),
                Err(why) => JobView::Failed(why),
            };
            drop(state);
            changed();
        }
    }

    /// Waits for a request. `None`: the server stops.
    fn next(&self) -> Option<Request> {
        let mut state = self.state();
        loop {
            if state.is_stopped {
                return None;
            }
            if let Some(request) = state.queued.take() {
                return Some(request);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, JobState<Request, Progress, Done>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_of_work_runs_at_a_time_and_its_result_stays() {
        let slot: JobSlot<u32, u32, u32> = JobSlot::default();
        std::thread::scope(|scope| {
            let (finished, is_finished) = std::sync::mpsc::channel();
            scope.spawn(|| {
                let work = |number| {
                    slot.update(number);
                    if number == 1 { Err("no".to_owned()) } else { Ok(number) }
                };
                slot.run(work, || finished.send(()).unwrap());
                drop(finished);
            });
            assert!(slot.start(1, 0));
            is_finished.recv().unwrap();
            assert!(matches!(slot.view(), JobView::Failed(why) if why == "no"));
            assert!(slot.start(2, 0));
            is_finished.recv().unwrap();
            assert!(matches!(slot.view(), JobView::Done(done) if *done == 2));
            slot.stop();
            assert!(!slot.start(3, 0));
        });
    }
}
