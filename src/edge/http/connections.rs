//! Limits how many connections the listener holds open.
//!
//! A tunnel exposes the listener to the internet, so a client must not be able to occupy every
//! slot. When all slots are taken, `evict_one` closes the connection that is least likely to belong
//! to an honest sender. The limits are below the process's descriptor limit, so accepting does not
//! fail. Behind a tunnel every client has a loopback address, which therefore has no limit of its
//! own. Deadlines for reading and writing are in `deadline_stream`.

use super::recorder::{Idle, Recorder};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Most connections at once, whatever the descriptor limit.
const MAX_CONNECTIONS: u64 = 4096;

/// Descriptors reserved for everything but connections. Under a low limit, connections get half of
/// those above `BASE_DESCRIPTORS` if that is more than the rest.
const RESERVED_DESCRIPTORS: u64 = 64;

/// Descriptors that a listener with a store holds without any connection.
const BASE_DESCRIPTORS: u64 = 21;

/// The descriptor limit that the process asks for.
const WANTED_DESCRIPTORS: u64 = 8192;

/// Time during which a connection that was answered is not evicted, and during which a new one may
/// be about to send its request.
const GRACE: Duration = Duration::from_millis(250);

/// Age below which a connection is never evicted for another one.
const MIN_AGE: Duration = Duration::from_millis(20);

/// Wait for a free slot before the next eviction.
const EVICTION_PAUSE: Duration = Duration::from_millis(10);

pub(in crate::edge) struct ConnectionLimiter {
    slots: Arc<Semaphore>,
    max_per_client: usize,
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    next_number: u64,
    /// By number, which is the order of arrival.
    open: BTreeMap<u64, Connection>,
    per_client: HashMap<ClientPrefix, usize>,
}

struct Connection {
    client: ClientPrefix,
    recorder: Arc<Recorder>,
    task: AbortHandle,
}

/// The addresses that belong to one client: an IPv4 address, or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ClientPrefix(IpAddr);

/// Removes its connection from the limiter when dropped.
struct ConnectionGuard {
    number: u64,
    limiter: Arc<ConnectionLimiter>,
    _slot: OwnedSemaphorePermit,
}

impl ConnectionLimiter {
    /// Makes as many slots as the process's descriptor limit allows, after raising it.
    pub fn for_this_process() -> Self {
        let limit = raise_descriptor_limit();
        let few = limit.saturating_sub(BASE_DESCRIPTORS) / 2;
        let max = limit.saturating_sub(RESERVED_DESCRIPTORS).max(few).clamp(2, MAX_CONNECTIONS);
        Self::new(usize::try_from(max).unwrap_or(2))
    }

    /// Makes this many slots; one client may use an eighth of them.
    pub fn new(max: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(max)), max_per_client: (max / 8).max(1), connections: Mutex::default() }
    }

    /// Waits for a slot, and evicts connections while there is none. `None`: the client has used up
    /// its share, and all of its connections are busy.
    pub async fn acquire_slot(&self, address: IpAddr) -> Option<OwnedSemaphorePermit> {
        let client = ClientPrefix::new(address);
        if !address.to_canonical().is_loopback() && self.connections().count(client) >= self.max_per_client {
            let is_same_client = |connection: &Connection| connection.client == client;
            if !self.connections().evict_one(Duration::ZERO, is_same_client) {
                return None;
            }
        }
        let slots = Arc::clone(&self.slots);
        if let Ok(slot) = slots.clone().try_acquire_owned() {
            return Some(slot);
        }
        loop {
            self.evict_one();
            // If no connection could be evicted just now, one may be a moment later.
            match timeout(EVICTION_PAUSE, slots.clone().acquire_owned()).await {
                Ok(slot) => return slot.ok(),
                Err(_) => continue,
            }
        }
    }

    /// Starts to serve a connection that has its slot.
    pub fn spawn(
        self: &Arc<Self>,
        address: IpAddr,
        recorder: Arc<Recorder>,
        slot: OwnedSemaphorePermit,
        serving: impl Future<Output = ()> + Send + 'static,
    ) {
        let client = ClientPrefix::new(address);
        // Locked until the connection is listed, so that it can't be removed before it is there.
        let mut connections = self.connections();
        let number = connections.next_number;
        connections.next_number += 1;
        let guard = ConnectionGuard { number, limiter: Arc::clone(self), _slot: slot };
        let task = tokio::spawn(async move {
            let _guard = guard;
            serving.await;
        });
        *connections.per_client.entry(client).or_default() += 1;
        connections.open.insert(number, Connection { client, recorder, task: task.abort_handle() });
    }

    /// Closes the connection that is least likely to belong to an honest sender, if one may be
    /// closed.
    pub fn evict_one(&self) {
        self.connections().evict_one(MIN_AGE, |_| true);
    }

    /// Returns false if a further connection would evict another one.
    pub fn has_free_slots(&self) -> bool {
        self.slots.available_permits() > 0
    }

    pub fn close_all(&self) {
        self.connections().open.values().for_each(|connection| connection.task.abort());
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    fn count(&self, client: ClientPrefix) -> usize {
        self.per_client.get(&client).copied().unwrap_or_default()
    }

    /// Closes one of the matching connections. Returns `false` if all of them are busy or too new.
    fn evict_one(&mut self, min_age: Duration, matches: impl Fn(&Connection) -> bool) -> bool {
        let matching = self.open.iter().filter(|(_, connection)| matches(connection));
        let idle = matching.map(|(&number, connection)| (number, connection.recorder.idle()));
        let evicted = eviction_candidate(idle, min_age, Instant::now()).and_then(|number| self.remove(number));
        evicted.iter().for_each(|connection| connection.task.abort());
        evicted.is_some()
    }

    fn remove(&mut self, number: u64) -> Option<Connection> {
        let connection = self.open.remove(&number)?;
        if let Some(count) = self.per_client.get_mut(&connection.client) {
            *count -= 1;
            if *count == 0 {
                self.per_client.remove(&connection.client);
            }
        }
        Some(connection)
    }
}

/// Picks the connection to evict: (1) one without an answered request, older than 250 ms, oldest
/// first; (2) if fewer than half are new, the longest idle; (3) otherwise the oldest new one that
/// is older than `min_age`. Rule 2 keeps an attacker who holds answered connections from evicting
/// every newcomer.
///
/// `connections` are in the order of arrival. Those without an `Idle` have a complete request and
/// are never picked.
fn eviction_candidate(
    connections: impl Iterator<Item = (u64, Option<Idle>)>,
    min_age: Duration,
    now: Instant,
) -> Option<u64> {
    let (mut all, mut new) = (0, 0);
    let (mut oldest_new, mut longest_idle) = (None, None);
    for (number, idle) in connections {
        all += 1;
        let Some(idle) = idle else { continue };
        let age = now.saturating_duration_since(idle.since);
        match (idle.was_answered, age < GRACE) {
            (false, false) => return Some(number),
            (false, true) => {
                new += 1;
                oldest_new = oldest_new.or((age >= min_age).then_some(number));
            }
            (true, false) if longest_idle.is_none_or(|(since, _)| idle.since < since) => {
                longest_idle = Some((idle.since, number));
            }
            (true, _) => {}
        }
    }
    let longest_idle = longest_idle.map(|(_, number)| number);
    if new * 2 < all { longest_idle.or(oldest_new) } else { oldest_new.or(longest_idle) }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.limiter.connections().remove(self.number);
    }
}

impl ClientPrefix {
    fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = u128::from(address) >> 64 << 64;
                Self(IpAddr::V6(Ipv6Addr::from(prefix)))
            }
            address => Self(address),
        }
    }
}

/// Raises the process's descriptor limit as far as it is of use, and returns it.
#[cfg(unix)]
fn raise_descriptor_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let (now, max) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    let wanted = WANTED_DESCRIPTORS.min(max);
    if now >= wanted {
        return now;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        Ok(()) => wanted,
        Err(_) => now,
    }
}

/// Sockets do not count as descriptors on Windows.
#[cfg(not(unix))]
fn raise_descriptor_limit() -> u64 {
    WANTED_DESCRIPTORS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> ClientPrefix {
        ClientPrefix::new(text.parse().unwrap())
    }

    #[test]
    fn an_ipv6_64_is_one_client_and_a_mapped_address_is_ipv4() {
        assert_eq!(client("2001:db8:1:2:aaaa::1"), client("2001:db8:1:2:bbbb::2"));
        assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
    }

    const NEW: bool = false;
    const ANSWERED: bool = true;

    /// Picks among connections that are given as whether they had an answer, and for how many
    /// milliseconds they have been idle.
    fn evicted(connections: &[(bool, u64)]) -> Option<u64> {
        let now = Instant::now() + Duration::from_secs(60);
        let idle = connections.iter().map(|&(was_answered, age)| {
            Some(Idle { was_answered, since: now.checked_sub(Duration::from_millis(age)).unwrap() })
        });
        eviction_candidate((0..).zip(idle), MIN_AGE, now)
    }

    #[test]
    fn a_connection_that_sent_nothing_for_250_ms_is_evicted_before_all_others() {
        assert_eq!(evicted(&[(ANSWERED, 5000), (NEW, 249), (NEW, 250), (NEW, 251)]), Some(2));
    }

    #[test]
    fn the_longest_idle_is_evicted_while_fewer_than_half_are_new() {
        assert_eq!(evicted(&[(ANSWERED, 300), (ANSWERED, 900), (NEW, 100)]), Some(1));
        assert_eq!(evicted(&[(ANSWERED, 300), (ANSWERED, 900), (NEW, 100), (NEW, 90)]), Some(2));
    }

    #[test]
    fn answered_connections_that_are_not_idle_for_long_are_not_evicted() {
        assert_eq!(evicted(&[(ANSWERED, 249), (ANSWERED, 100), (NEW, 100)]), Some(2));
        assert_eq!(evicted(&[(ANSWERED, 249), (ANSWERED, 100)]), None);
    }

    #[test]
    fn the_newest_connections_and_busy_ones_are_never_evicted() {
        assert_eq!(evicted(&[(NEW, 19), (NEW, 5)]), None);
        assert_eq!(eviction_candidate([(0, None), (1, None)].into_iter(), MIN_AGE, Instant::now()), None);
    }

    #[tokio::test]
    async fn a_client_over_its_share_loses_its_oldest_connection_without_an_answer() {
        let limiter = Arc::new(ConnectionLimiter::new(16));
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for expected in [1, 2, 2, 2] {
            let slot = limiter.acquire_slot(address).await.unwrap();
            limiter.spawn(address, Arc::new(Recorder::new()), slot, std::future::pending());
            assert_eq!(limiter.connections().count(ClientPrefix::new(address)), expected);
        }
        let numbers: Vec<u64> = limiter.connections().open.keys().copied().collect();
        assert_eq!(numbers, [2, 3]);
    }

    #[tokio::test]
    async fn a_client_whose_share_is_busy_gets_no_more() {
        let limiter = Arc::new(ConnectionLimiter::new(8));
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let busy = Arc::new(Recorder::new());
        busy.request_complete();
        let slot = limiter.acquire_slot(address).await.unwrap();
        limiter.spawn(address, busy, slot, std::future::pending());
        assert!(limiter.acquire_slot(address).await.is_none());
        assert!(limiter.acquire_slot("192.0.2.2".parse().unwrap()).await.is_some());
        assert!(limiter.acquire_slot("127.0.0.1".parse().unwrap()).await.is_some());
    }

    #[cfg(unix)]
    #[test]
    fn the_descriptor_limit_is_never_lowered() {
        let before = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        assert!(raise_descriptor_limit() >= before.unwrap_or(u64::MAX).min(WANTED_DESCRIPTORS));
    }
}
