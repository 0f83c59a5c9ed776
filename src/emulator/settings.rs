//! How the emulator behaves.

use crate::model::signature::Key;
use crate::model::timestamp::SignedDuration;
use url::Url;

/// Which of Plustive's two published forms is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// <https://docs.plustiveimpact.com/webhooks>
    #[default]
    Reference,
    /// <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>
    Guide,
}

/// How the emulator behaves.
#[derive(Clone)]
pub struct Settings {
    /// How much faster than the real one the emulator's clock runs; more than 0.
    pub speed: f64,
    /// Which form of Plustive's is spoken.
    pub variant: Variant,
    /// Where Plustive's webhooks go. `None`: nowhere.
    pub plustive_url: Option<Url>,
    /// What Plustive's webhooks are signed with.
    pub plustive_key: Key,
    /// How long a payment waits to be confirmed, on the emulator's clock.
    pub payment_life: SignedDuration,
    /// Whether Plexos' webhook endpoints can be listed, shown, changed and deleted.
    pub undocumented_webhook_calls: bool,
    /// Whether webhooks go to other machines, too.
    pub audience: Audience,
}

/// Where webhooks may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// This machine.
    ThisMachine,
    /// Anybody.
    Everyone,
}
