//! Who may be connected at once: a cap for all, a smaller one for each address, and who has to go when one is reached.
//!
//! The caps lie below the process's limit of descriptors, so that accepting does not fail. Behind a tunnel everybody
//! comes from a loopback address, so loopback has no cap of its own.

use super::super::recorder::{Acquaintance, Recorder};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// The most connections at once, whatever the descriptor limit.
const MOST: u64 = 4096;

/// Descriptors that are kept for everything but connections, unless a quarter of them all is more than is left.
const RESERVED: u64 = 64;

/// The descriptor limit that is asked for.
const DESCRIPTORS: u64 = 8192;

/// A connection that was served once is left alone for so long, even if room is needed; and one that came less long ago may be
/// about to send its request.
const GRACE: Duration = Duration::from_millis(250);

/// A connection that came less long ago is not sent away for another.
const FRESH: Duration = Duration::from_millis(20);

/// How long to wait for a place before somebody else is sent away.
const RETRY: Duration = Duration::from_millis(10);

/// Everybody who is connected.
pub(super) struct Crowd {
    places: Arc<Semaphore>,
    most_of_a_household: usize,
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    next: u64,
    /// In the order they came.
    present: BTreeMap<u64, Member>,
    households: HashMap<Household, usize>,
}

struct Member {
    household: Household,
    recorder: Arc<Recorder>,
    task: AbortHandle,
}

/// Addresses that are surely one client's: an IPv4 address, or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Household(IpAddr);

/// Gives up a place when dropped.
struct Seat {
    number: u64,
    crowd: Arc<Crowd>,
    _place: OwnedSemaphorePermit,
}

impl Crowd {
    /// As large a crowd as the process's descriptor limit allows, which is raised first.
    pub fn for_this_process() -> Self {
        let limit = raised_descriptor_limit();
        let most = MOST.min(limit.saturating_sub(RESERVED).max(limit / 4)).max(4);
        Self::of(usize::try_from(most).unwrap_or(4))
    }

    /// A crowd of so many, an eighth of them from one address.
    pub fn of(most: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(most)),
            most_of_a_household: (most / 8).max(1),
            members: Mutex::default(),
        }
    }

    /// A place for one from this address, for which somebody else may have to go, or which may take a while to become
    /// free. `None`: the address has more than its share, all of it in use.
    pub async fn place_for(&self, address: IpAddr) -> Option<OwnedSemaphorePermit> {
        let household = Household::of(address);
        if !address.to_canonical().is_loopback() && self.members().count(household) >= self.most_of_a_household {
            let is_mate = |member: &Member| member.household == household;
            if !self.members().dismiss_one(Duration::ZERO, is_mate) {
                return None;
            }
        }
        let places = Arc::clone(&self.places);
        if let Ok(place) = places.clone().try_acquire_owned() {
            return Some(place);
        }
        loop {
            self.make_room();
            // Who could not be sent away just now may be a moment later.
            match timeout(RETRY, places.clone().acquire_owned()).await {
                Ok(place) => return place.ok(),
                Err(_) => continue,
            }
        }
    }

    /// Starts to serve a connection that has its place.
    pub fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        recorder: Arc<Recorder>,
        place: OwnedSemaphorePermit,
        serving: impl Future<Output = ()> + Send + 'static,
    ) {
        let household = Household::of(address);
        // Held until the member is in the list, so that it can't leave before it is there.
        let mut members = self.members();
        let number = members.next;
        members.next += 1;
        let seat = Seat { number, crowd: Arc::clone(self), _place: place };
        let task = tokio::spawn(async move {
            let _seat = seat;
            serving.await;
        });
        *members.households.entry(household).or_default() += 1;
        members.present.insert(number, Member { household, recorder, task: task.abort_handle() });
    }

    /// Sends somebody away, if anybody may go.
    pub fn make_room(&self) {
        self.members().dismiss_one(FRESH, |_| true);
    }

    /// Sends everybody away.
    pub fn dismiss(&self) {
        self.members().present.values().for_each(|member| member.task.abort());
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    fn count(&self, household: Household) -> usize {
        self.households.get(&household).copied().unwrap_or_default()
    }

    /// Sends somebody away who came longer ago than `fresh`. `false`: all of them are fresh or have a request in hand.
    fn dismiss_one(&mut self, fresh: Duration, may_go: impl Fn(&Member) -> bool) -> bool {
        let leaving = self.most_dispensable(fresh, may_go).and_then(|number| self.leave(number));
        leaving.iter().for_each(|member| member.task.abort());
        leaving.is_some()
    }

    /// The oldest connection that was never answered and has no complete request, or else the one that has idled longest. While
    /// newcomers are few it is the other way round for them: who fills the place with connections that were answered once can't
    /// have each newcomer sent away by the next.
    fn most_dispensable(&self, fresh: Duration, may_go: impl Fn(&Member) -> bool) -> Option<u64> {
        let (mut all, mut newcomers) = (0, 0);
        let (mut newcomer, mut idlest) = (None, None);
        for (&number, member) in self.present.iter().filter(|(_, member)| may_go(member)) {
            all += 1;
            let Some(rest) = member.recorder.rest() else { continue };
            let rested = rest.since.elapsed();
            match (rest.acquaintance, rested < GRACE) {
                (Acquaintance::Stranger, false) => return Some(number),
                (Acquaintance::Stranger, true) => {
                    newcomers += 1;
                    newcomer = newcomer.or((rested >= fresh).then_some(number));
                }
                (Acquaintance::Known, false) if idlest.is_none_or(|(since, _)| rest.since < since) => {
                    idlest = Some((rest.since, number));
                }
                (Acquaintance::Known, _) => {}
            }
        }
        let idlest = idlest.map(|(_, number)| number);
        if newcomers * 2 < all { idlest.or(newcomer) } else { newcomer.or(idlest) }
    }

    fn leave(&mut self, number: u64) -> Option<Member> {
        let member = self.present.remove(&number)?;
        if let Some(count) = self.households.get_mut(&member.household) {
            *count -= 1;
            if *count == 0 {
                self.households.remove(&member.household);
            }
        }
        Some(member)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crowd.members().leave(self.number);
    }
}

impl Household {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = u128::from(address) >> 64 << 64;
                Self(IpAddr::V6(Ipv6Addr::from(prefix)))
            }
            address => Self(address),
        }
    }
}

/// How many descriptors the process may have, after asking for as many as are of use.
#[cfg(unix)]
fn raised_descriptor_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let (now, most) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    let wanted = DESCRIPTORS.min(most);
    if now >= wanted {
        return now;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        Ok(()) => wanted,
        Err(_) => now,
    }
}

/// Sockets are not counted among descriptors here.
#[cfg(not(unix))]
fn raised_descriptor_limit() -> u64 {
    DESCRIPTORS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn household(text: &str) -> Household {
        Household::of(text.parse().unwrap())
    }

    #[test]
    fn an_ipv6_network_is_one_household_and_a_mapped_address_is_ipv4() {
        assert_eq!(household("2001:db8:1:2:aaaa::1"), household("2001:db8:1:2:bbbb::2"));
        assert_ne!(household("2001:db8:1:2::1"), household("2001:db8:1:3::1"));
        assert_eq!(household("::ffff:192.0.2.1"), household("192.0.2.1"));
        assert_ne!(household("192.0.2.1"), household("192.0.2.2"));
    }

    #[tokio::test]
    async fn an_address_with_more_than_its_share_loses_its_oldest_stranger() {
        let crowd = Arc::new(Crowd::of(16));
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for expected in [1, 2, 2, 2] {
            let place = crowd.place_for(address).await.unwrap();
            crowd.enter(address, Arc::new(Recorder::new()), place, std::future::pending());
            assert_eq!(crowd.members().count(Household::of(address)), expected);
        }
        let numbers: Vec<u64> = crowd.members().present.keys().copied().collect();
        assert_eq!(numbers, [2, 3]);
    }

    #[tokio::test]
    async fn an_address_whose_share_is_in_use_gets_no_more() {
        let crowd = Arc::new(Crowd::of(8));
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let busy = Arc::new(Recorder::new());
        busy.in_hand();
        let place = crowd.place_for(address).await.unwrap();
        crowd.enter(address, busy, place, std::future::pending());
        assert!(crowd.place_for(address).await.is_none());
        assert!(crowd.place_for("192.0.2.2".parse().unwrap()).await.is_some());
        assert!(crowd.place_for("127.0.0.1".parse().unwrap()).await.is_some());
    }

    #[cfg(unix)]
    #[test]
    fn the_descriptor_limit_is_never_lowered() {
        let before = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        assert!(raised_descriptor_limit() >= before.unwrap_or(u64::MAX).min(DESCRIPTORS));
    }
}
