//! Reading a store in the order in which its deliveries became visible.

use super::stored::DeliverySummary;

/// A place in that order; the default is its start. Only the store that returned it can read its
/// text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreCursor(pub String);

/// Deliveries, and the place to continue from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryPage {
    pub deliveries: Vec<DeliverySummary>,
    pub cursor: StoreCursor,
}
