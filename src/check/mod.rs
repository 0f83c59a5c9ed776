//! Checks a webhook handler: which requests it must accept, reject and survive, and what is wrong
//! if it does not.
//!
//! `probes` is the table of tests, which are built from `probe` and `request_builder`. `runner`
//! sends them through a `HandlerClient` and grades the responses (`grading`). The report names
//! causes (`cause`, `cause_text`), among them the serializer that changed the body
//! (`body_transform`), and fixes for the handler's framework (`framework`).

mod baseline;
mod body_transform;
mod cause;
mod cause_text;
pub mod framework;
mod grading;
mod plan;
mod probe;
mod probes;
mod refusal;
mod report;
mod request_builder;
mod runner;
mod types;

pub use cause::ProbeCause;
pub use plan::{CheckPlan, ProbeSelection};
pub use probe::Probe;
pub use probes::probes;
pub use report::{CheckReport, ProbeResult, Problem};
pub use runner::run;
pub use types::{HandlerClient, HandlerResponse, ProbeExchange, ProbeGrade, ProbeGroup};

#[cfg(test)]
pub mod tests;
