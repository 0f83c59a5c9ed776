//! What the store of received deliveries can be asked.

use crate::model::error::Result;
use crate::model::stored::{Attempt, Count, Entry, Health, Id, Kept, Prunable, Query, Sum, Told, Undelivered};
use crate::model::timestamp::Timestamp;
use url::Url;

/// The store of received deliveries. Several processes may have it open at once.
pub trait Store {
    /// Those that match, the newest last.
    fn list(&mut self, query: &Query) -> Result<Vec<Entry>>;
    /// Up to three ids that begin like this, the oldest first.
    fn beginning_with(&mut self, prefix: &str) -> Result<Vec<Id>>;
    /// A delivery with its bytes and attempts. `None`: there is none of this id.
    fn whole(&mut self, id: &str) -> Result<Option<Kept>>;
    /// Hands out those that match one after the other, the newest last, in memory that does not grow with their number. What
    /// arrives meanwhile is left out.
    fn visit(&mut self, query: &Query, each: &mut dyn FnMut(Kept) -> Result<()>) -> Result<()>;
    /// How many match, by provider, type, verdict and hour, the oldest hour first.
    fn counts(&mut self, query: &Query) -> Result<Vec<Count>>;
    /// What the verified events that match add up to, by provider, type and currency.
    fn sums(&mut self, query: &Query) -> Result<Vec<Sum>>;
    /// What `prune` would remove.
    fn prunable(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<Prunable>;
    /// Removes what arrived before this moment, says how many those were, and gives the file's free pages back. A listener
    /// goes on recording meanwhile.
    fn prune(&mut self, before: Timestamp, undelivered: Undelivered) -> Result<u64>;
    /// Adds an attempt to a delivery; a good one ends what was still to be forwarded to the same URL.
    fn add_attempt(&mut self, id: &str, attempt: &Attempt) -> Result<()>;
    /// How many deliveries wait to be sent on to these URLs.
    fn waiting(&mut self, urls: &[Url]) -> Result<u64>;
    /// The deliveries whose event id, reference or subject this is, the oldest first. The first question takes a look at all
    /// deliveries, those that follow do not.
    fn about(&mut self, reference: &str) -> Result<Vec<Told>>;
    /// Up to `most` of those that arrived since, the oldest first, and the place to go on after; the first place is 0.
    fn page(&mut self, since: Option<Timestamp>, after: i64, most: u32) -> Result<(Vec<Entry>, i64)>;
    /// Looks whether all of it can be read, and says how large it is.
    fn health(&mut self) -> Result<Health>;
    /// Provider, key and id of the latest verified events, the newest last.
    fn recent_keys(&mut self, most: u64) -> Result<Vec<(String, String, Id)>>;
}
