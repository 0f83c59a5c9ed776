//! Reconciling: what an order, the captured webhooks and the provider's own record say together.
//!
//! `order` reads the lists that people have, `class` names what can come out, `judge` decides it, `totals` counts and adds up,
//! and `schedule` says what is asked when. Nothing here sends, reads a clock or opens a file.

pub mod class;
pub mod columns;
pub mod judge;
pub mod order;
pub mod schedule;
pub mod totals;

pub use class::Class;
pub use judge::{Asked, Judgement, Webhooks, judge};
pub use order::{BadLine, Order, Orders};
pub use totals::Totals;
