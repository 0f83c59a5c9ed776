//! A siege: an attack, with honest senders around it and questions after it.

use super::target::{Client, Footprint, PATIENCE, Target, is_optimized, signed};
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two requests of an honest sender.
const PAUSE: Duration = Duration::from_millis(4);

/// What a listener may take at most, in KiB, whatever is done to it.
const MOST_MEMORY: u64 = 200 * 1024;
const MOST_THREADS: u64 = 12;

/// An attack that is going on.
pub struct Siege {
    pub target: Target,
    before: Option<Footprint>,
    honest: Vec<Honest>,
}

/// Somebody who sends signed requests, one after another, and times the answers.
struct Honest {
    stop: Sender<()>,
    diary: Arc<Diary>,
    sending: JoinHandle<()>,
}

#[derive(Default)]
struct Diary {
    waits: Mutex<Waits>,
    written: Condvar,
}

/// How an honest sender fared.
#[derive(Default)]
struct Waits {
    times: Vec<Duration>,
    /// How often a connection ended without an answer, and the request had to be sent again.
    lost: usize,
}

/// Whether an honest sender keeps its connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Anew,
    Kept,
}

impl Siege {
    /// Attacks a usual listener.
    pub fn of(name: &str, attack: impl FnOnce(&Siege)) {
        Self::against(name, Target::start(&[]), attack);
    }

    /// Attacks this listener, and then asks what must hold after any attack.
    pub fn against(name: &str, target: Target, attack: impl FnOnce(&Siege)) {
        let honest = [Manner::Anew, Manner::Kept].map(|manner| Honest::start(target.address(), manner)).into();
        let siege = Self { before: target.footprint(), target, honest };
        siege.see_honest_served(5);
        attack(&siege);
        siege.see_honest_served(5);
        siege.end(name);
    }

    /// Waits until each honest sender was answered so many times more.
    pub fn see_honest_served(&self, times: usize) {
        self.honest.iter().for_each(|honest| honest.diary.wait_for(times));
    }

    fn end(self, name: &str) {
        let after = self.target.footprint();
        let mut waits = Waits::default();
        for honest in self.honest {
            let Waits { times, lost } = honest.end();
            waits.times.extend(times);
            waits.lost += lost;
        }
        waits.times.sort();
        let (_, said) = self.target.end();
        let (count, lost) = (waits.times.len(), waits.lost);
        let (nearly_all, longest) = (waits.times[(count - 1) * 99 / 100], waits.times[count - 1]);
        println!("{name}: {count} served, {lost} sent again, 99 % in {nearly_all:?}, longest {longest:?}");
        let most = Duration::from_millis(if is_optimized() { 250 } else { 3000 });
        assert!(nearly_all < most, "honest senders wait too long in {name}: {nearly_all:?}");
        // A webhook sender comes again; it must not have to more than once in a hundred times.
        assert!(lost * 100 <= count, "{name}: {lost} of {count}: {said}");
        if let (Some(before), Some(after)) = (self.before, after) {
            println!("{name}: before {before:?}, after {after:?}");
            assert!(after.peak < MOST_MEMORY, "{name}: {after:?}");
            assert!(after.threads <= MOST_THREADS, "{name}: {after:?}");
        }
    }
}

impl Honest {
    fn start(address: SocketAddr, manner: Manner) -> Self {
        let (stop, stopped) = channel::<()>();
        let diary = Arc::new(Diary::default());
        let pages = Arc::clone(&diary);
        let sending = std::thread::spawn(move || {
            let mut kept = None;
            while stopped.recv_timeout(PAUSE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                pages.write(|waits| waits.deliver(address, manner, &mut kept));
            }
        });
        Self { stop, diary, sending }
    }

    fn end(self) -> Waits {
        drop(self.stop);
        self.sending.join().expect("an honest sender was served to the end");
        std::mem::take(&mut self.diary.waits.lock().unwrap())
    }
}

impl Diary {
    fn write(&self, deliver: impl FnOnce(&mut Waits)) {
        let mut waits = Waits::default();
        deliver(&mut waits);
        let mut all = self.waits.lock().unwrap();
        all.times.append(&mut waits.times);
        all.lost += waits.lost;
        self.written.notify_all();
    }

    fn wait_for(&self, times: usize) {
        let waits = self.waits.lock().unwrap();
        let goal = waits.times.len() + times;
        let (_waits, ended) =
            self.written.wait_timeout_while(waits, PATIENCE, |waits| waits.times.len() < goal).unwrap();
        assert!(!ended.timed_out(), "honest senders are not served");
    }
}

impl Waits {
    /// Sends a signed request until it is answered.
    fn deliver(&mut self, address: SocketAddr, manner: Manner, kept: &mut Option<Client>) {
        let started = Instant::now();
        loop {
            let mut client = kept.take().unwrap_or_else(|| Client::of(address));
            if let (Ok(()), Some(answer)) = (client.try_send(signed()), client.try_answer()) {
                assert_eq!(answer.status, 200, "{}", answer.head);
                self.times.push(started.elapsed());
                *kept = (manner == Manner::Kept).then_some(client);
                return;
            }
            self.lost += 1;
            assert!(self.lost < 100 && started.elapsed() < PATIENCE, "an honest sender is not served");
        }
    }
}
