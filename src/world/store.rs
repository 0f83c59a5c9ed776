//! What the store of received deliveries can be asked.

use crate::model::error::Result;
use crate::model::stored::{
    AmountTotal, Attempt, CaptureId, DeliverySummary, HourlyCount, PrunePlan, Query, ReferenceMatch, StoreHealth,
    StoredDelivery, Undelivered,
};
use crate::model::timestamp::Timestamp;
use url::Url;

/// The store of received deliveries. Several processes may have it open at once.
pub trait Store {
    /// Those that match, the newest last.
    fn list(&mut self, query: &Query) -> Result<Vec<DeliverySummary>>;
    /// A delivery with its bytes and attempts. `None`: there is none of this id.
    fn load(&mut self, id: CaptureId) -> Result<Option<StoredDelivery>>;
    /// Hands out those that match one after the other, the newest last, in memory that does not grow with their number. What
    /// arrives meanwhile is left out.
    fn for_each(&mut self, query: &Query, each: &mut dyn FnMut(StoredDelivery) -> Result<()>) -> Result<()>;
    /// How many match, by provider, type, verdict and hour, the oldest hour first.
    fn count_by_hour(&mut self, query: &Query) -> Result<Vec<HourlyCount>>;
    /// What the verified events that match add up to, by provider, type and currency.
    fn sum_amounts(&mut self, query: &Query) -> Result<Vec<AmountTotal>>;
    /// What `prune` would remove.
    fn plan_prune(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<PrunePlan>;
    /// Removes what arrived before this moment, says how many those were, and gives the file's free pages back. A listener
    /// goes on recording meanwhile.
    fn prune(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<u64>;
    /// Adds an attempt to a delivery; a good one ends what was still to be forwarded to the same URL.
    fn add_attempt(&mut self, id: CaptureId, attempt: &Attempt) -> Result<()>;
    /// How many deliveries wait to be sent on to these URLs.
    fn count_pending(&mut self, urls: &[Url]) -> Result<u64>;
    /// The deliveries whose event id, reference or subject this is, the oldest first. The first question takes a look at all
    /// deliveries, those that follow do not.
    fn find_by_reference(&mut self, reference: &str) -> Result<Vec<ReferenceMatch>>;
    /// Up to `most` of those that arrived since, the oldest first, and the place to go on after; the first place is 0.
    fn list_after(&mut self, since: Option<Timestamp>, after: i64, most: u32) -> Result<(Vec<DeliverySummary>, i64)>;
    /// Looks whether all of it can be read, and says how large it is.
    fn check_health(&mut self) -> Result<StoreHealth>;
    /// Provider, key and id of the latest verified events, the newest last.
    fn recent_event_keys(&mut self, most: u64) -> Result<Vec<(String, String, CaptureId)>>;
}
