//! Settings of the emulator.

use crate::model::address::Reach;
use crate::model::signature::Key;
use crate::model::timestamp::SignedDuration;
use url::Url;

/// The two forms that Plustive publishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// <https://docs.plustiveimpact.com/webhooks>
    #[default]
    Reference,
    /// <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>
    Guide,
}

#[derive(Clone)]
pub struct Settings {
    /// Speed of the emulator's clock relative to the real one; more than 0.
    pub speed: f64,
    pub variant: Variant,
    /// Target of Plustive's webhooks. `None`: none are sent.
    pub plustive_url: Option<Url>,
    pub plustive_key: Key,
    /// Time until an unconfirmed payment expires, on the emulator's clock.
    pub payment_life: SignedDuration,
    /// Answer calls that list, show, change and delete Plexos' webhook endpoints.
    pub undocumented_webhook_calls: bool,
    /// Machines that webhooks may be sent to.
    pub reach: Reach,
}
