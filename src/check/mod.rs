//! Checking a handler: what a webhook handler must take, refuse and survive, and what its answers say about it.
//!
//! `probes` is the table of what is tried; `draft` makes the requests; `footing` finds out how the handler takes a good event
//! at all; `conduct` plays the provider through a `Target`, which sends, and judges each answer; `rewriter` names what wrote a
//! body anew; `cause` says what is wrong and `framework` how it is mended there. Sending is the command's, showing is `render`'s.

pub mod cause;
mod conduct;
mod draft;
mod footing;
pub mod framework;
mod judge;
mod probe;
mod probes;
mod reply;
pub mod report;
mod rewriter;
mod selection;

pub use cause::Cause;
pub use conduct::{Plan, Target, run};
pub use probe::{Grade, Group, Probe};
pub use probes::probes;
pub use reply::{Exchange, Reply};
pub use report::{Outcome, Report};
pub use selection::Selection;

#[cfg(test)]
mod tests;
