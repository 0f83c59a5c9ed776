//! The interface that each emulated provider implements in its own folder.

use super::call::{CallError, IncomingCall};
use super::context::Context;
use super::settings::Settings;
use super::timers::TimedTask;
use crate::model::signature::Key;
use crate::provider::SignatureForm;
use serde_json::Value;

/// Status and body of an answer; `Null` is an empty body.
pub(super) type CallResult = Result<(u16, Value), CallError>;

/// A provider's API, with its state.
pub(super) trait EmulatedApi {
    fn name(&self) -> &'static str;

    /// The only API key that is accepted.
    fn key(&self) -> &'static str;

    /// Paths below which calls belong to this provider. No prefix may begin another provider's.
    fn path_prefixes(&self) -> &'static [&'static [&'static str]];

    /// Answers a call; its path starts after the prefix.
    fn handle(&mut self, context: &mut Context<'_>, call: &IncomingCall) -> CallResult;

    /// Media type and body of an error.
    fn error(&self, error: &CallError) -> (&'static str, Value);

    /// Runs a task of this provider; ignores others.
    fn run_task(&mut self, context: &mut Context<'_>, task: &TimedTask);

    /// Sets the status of an object for the control endpoint. `None`: this provider has no such
    /// object.
    fn force_status(&mut self, context: &mut Context<'_>, id: &str, status: &str) -> Option<Result<Value, CallError>>;

    /// Key and header form for a delivery to an endpoint. `None`: the endpoint was deleted.
    fn signing(&self, settings: &Settings, endpoint: Option<&str>) -> Option<(Key, SignatureForm)>;

    /// Counts for `/_emulator/state`.
    fn summary(&self) -> Value;
}
