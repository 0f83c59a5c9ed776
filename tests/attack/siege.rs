//! Runs an attack next to honest senders, and checks the listener afterwards.

use super::target::{Client, Footprint, PATIENCE, Target, is_optimized, signed};
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pause between two requests of an honest sender.
const PAUSE: Duration = Duration::from_millis(4);

/// Most memory that a listener may use under any attack, in KiB.
const MAX_MEMORY: u64 = 200 * 1024;
const MAX_THREADS: u64 = 12;

/// A running attack.
pub struct Siege {
    pub target: Target,
    before: Option<Footprint>,
    honest: Vec<HonestSender>,
}

/// Sends signed requests, one after another, and measures the time to each answer.
struct HonestSender {
    stop: Sender<()>,
    log: Arc<ResponseLog>,
    sending: JoinHandle<()>,
}

#[derive(Default)]
struct ResponseLog {
    times: Mutex<ResponseTimes>,
    changed: Condvar,
}

#[derive(Default)]
struct ResponseTimes {
    times: Vec<Duration>,
    /// Number of requests that were sent again, because their connection ended without an answer.
    resent: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionUse {
    NewForEach,
    KeepAlive,
}

impl Siege {
    /// Attacks a listener with default options.
    pub fn run(name: &str, attack: impl FnOnce(&Siege)) {
        Self::against(name, Target::start(&[]), attack);
    }

    /// Attacks this listener, and then checks what must hold after any attack.
    pub fn against(name: &str, target: Target, attack: impl FnOnce(&Siege)) {
        let honest = [ConnectionUse::NewForEach, ConnectionUse::KeepAlive]
            .map(|connection_use| HonestSender::start(target.address(), connection_use))
            .into();
        let siege = Self { before: target.footprint(), target, honest };
        siege.wait_for_honest(5);
        attack(&siege);
        siege.wait_for_honest(5);
        siege.end(name);
    }

    /// Waits until each honest sender got this many further answers.
    pub fn wait_for_honest(&self, times: usize) {
        self.honest.iter().for_each(|honest| honest.log.wait_for(times));
    }

    fn end(self, name: &str) {
        let after = self.target.footprint();
        let mut all = ResponseTimes::default();
        for honest in self.honest {
            let ResponseTimes { times, resent } = honest.end();
            all.times.extend(times);
            all.resent += resent;
        }
        all.times.sort();
        let (_, stderr) = self.target.end();
        let (count, resent) = (all.times.len(), all.resent);
        let (p99, longest) = (all.times[(count - 1) * 99 / 100], all.times[count - 1]);
        println!("{name}: {count} served, {resent} sent again, 99 % in {p99:?}, longest {longest:?}");
        let limit = Duration::from_millis(if is_optimized() { 250 } else { 3000 });
        assert!(p99 < limit, "honest senders wait too long in {name}: {p99:?}");
        // Providers retry, but not more than one request in a hundred may need it.
        assert!(resent * 100 <= count, "{name}: {resent} of {count}: {stderr}");
        if let (Some(before), Some(after)) = (self.before, after) {
            println!("{name}: before {before:?}, after {after:?}");
            assert!(after.peak < MAX_MEMORY, "{name}: {after:?}");
            assert!(after.threads <= MAX_THREADS, "{name}: {after:?}");
        }
    }
}

impl HonestSender {
    fn start(address: SocketAddr, connection_use: ConnectionUse) -> Self {
        let (stop, stopped) = channel::<()>();
        let log = Arc::new(ResponseLog::default());
        let sender_log = Arc::clone(&log);
        let sending = std::thread::spawn(move || {
            let mut open = None;
            while stopped.recv_timeout(PAUSE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                sender_log.add(|times| times.deliver(address, connection_use, &mut open));
            }
        });
        Self { stop, log, sending }
    }

    fn end(self) -> ResponseTimes {
        drop(self.stop);
        self.sending.join().expect("an honest sender was served to the end");
        std::mem::take(&mut self.log.times.lock().unwrap())
    }
}

impl ResponseLog {
    fn add(&self, deliver: impl FnOnce(&mut ResponseTimes)) {
        let mut new = ResponseTimes::default();
        deliver(&mut new);
        let mut all = self.times.lock().unwrap();
        all.times.append(&mut new.times);
        all.resent += new.resent;
        self.changed.notify_all();
    }

    fn wait_for(&self, times: usize) {
        let all = self.times.lock().unwrap();
        let goal = all.times.len() + times;
        let (_all, waited) = self.changed.wait_timeout_while(all, PATIENCE, |all| all.times.len() < goal).unwrap();
        assert!(!waited.timed_out(), "honest senders are not served");
    }
}

impl ResponseTimes {
    /// Sends a signed request until it is answered.
    fn deliver(&mut self, address: SocketAddr, connection_use: ConnectionUse, open: &mut Option<Client>) {
        let started = Instant::now();
        loop {
            let mut client = open.take().unwrap_or_else(|| Client::of(address));
            if let (Ok(()), Some(answer)) = (client.try_send(signed()), client.try_answer()) {
                assert_eq!(answer.status, 200, "{}", answer.head);
                self.times.push(started.elapsed());
                *open = (connection_use == ConnectionUse::KeepAlive).then_some(client);
                return;
            }
            self.resent += 1;
            assert!(self.resent < 100 && started.elapsed() < PATIENCE, "an honest sender is not served");
        }
    }
}
