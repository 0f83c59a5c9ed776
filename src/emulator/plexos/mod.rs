//! Plexos Pay: routes, keys, idempotency and errors.

mod catalogue;
mod checkout;
mod objects;
mod payments;
mod refunds;
mod settlements;
mod state;
mod webhooks;

pub(super) use state::PlexosState;

use super::api::{CallResult, EmulatedApi};
use super::call::{CallError, IncomingCall};
use super::collection::{Identified, page};
use super::context::Context;
use super::settings::Settings;
use super::timers::TimedTask;
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::Key;
use crate::provider::SignatureForm;
use serde_json::{Value, json};
use state::{IdempotentResponse, find};

impl EmulatedApi for PlexosState {
    fn name(&self) -> &'static str {
        "plexos"
    }

    fn key(&self) -> &'static str {
        "sk_test_emulated_by_whtool"
    }

    /// `/v1` is for an app in which only the host can be set.
    fn path_prefixes(&self) -> &'static [&'static [&'static str]] {
        &[&["plexos", "v1"], &["v1"]]
    }

    /// <https://docs.pay.plexos.io/api-reference/introduction>
    fn handle(&mut self, context: &mut Context<'_>, call: &IncomingCall) -> CallResult {
        if call.key.as_deref() != Some(self.key()) {
            return Err(CallError::new(401, "UNAUTHORIZED", "Invalid API key"));
        }
        let path: Vec<_> = call.path.iter().map(String::as_str).collect();
        let answer = match (call.method.as_str(), path.as_slice()) {
            ("POST", ["payments"]) => return create_once(self, context, call, payments::create),
            ("POST", ["refunds"]) => return create_once(self, context, call, refunds::create),
            ("GET", ["payments"]) => self.payments.page(call, |_| true),
            ("GET", ["payments", id]) => payments::get(self, context, id),
            ("POST", ["payments", id, "confirm"]) => payments::confirm(self, context, id),
            ("POST", ["payments", id, "cancel"]) => payments::cancel(self, context, id),
            ("GET", ["refunds"]) => refunds::list(self, call),
            ("GET", ["refunds", id]) => find(&self.refunds, id, "Refund"),
            ("POST", ["checkout", "sessions"]) => checkout::create(self, context, call),
            ("GET", ["checkout", "sessions"]) => checkout::list(self, call),
            ("GET", ["checkout", "sessions", id]) => find(&self.sessions, id, "Checkout session"),
            ("POST", ["checkout", "sessions", id, "expire"]) => checkout::expire(self, context, id),
            ("POST", ["settlements", "process"]) => return settlements::process(self, context, call),
            ("GET", ["settlements"]) => settlements::list(self, call),
            ("GET", ["settlements", id]) => find(&self.settlements, id, "Settlement"),
            ("GET", ["transactions"]) => transactions(self, call),
            ("POST", ["webhooks"]) => webhooks::create(self, context, call),
            (_, ["webhooks", ..]) => return webhooks::undocumented(self, context, call),
            (_, ["customers" | "products", ..]) => catalogue::answer(self, context, call),
            (_, ["payments"] | ["refunds"] | ["payments", _] | ["payments", _, "confirm" | "cancel"]) => {
                Err(CallError::method_not_allowed())
            }
            (_, ["refunds" | "settlements", _] | ["checkout", "sessions", ..] | ["settlements" | "transactions"]) => {
                Err(CallError::method_not_allowed())
            }
            _ => Err(CallError::not_found("Resource")),
        };
        answer.map(|body| (200, body))
    }

    fn error(&self, error: &CallError) -> (&'static str, Value) {
        ("application/json", error.to_json())
    }

    fn run_task(&mut self, context: &mut Context<'_>, task: &TimedTask) {
        match task {
            TimedTask::Payment(id) => payments::advance(self, context, id),
            TimedTask::PaymentExpiry(id) => payments::expire(self, context, id),
            TimedTask::Refund(id) => refunds::advance(self, context, id),
            TimedTask::SessionExpiry(id) => checkout::expire_open(self, context, id),
            TimedTask::Settlement(id) => settlements::complete(self, context, id),
            TimedTask::Deliver(_) | TimedTask::Purchase(_) | TimedTask::Reversal(_) => {}
        }
    }

    fn force_status(&mut self, context: &mut Context<'_>, id: &str, status: &str) -> Option<Result<Value, CallError>> {
        if self.payments.get(id).is_some() {
            return Some(payments::force_status(self, context, id, status));
        }
        if self.refunds.get(id).is_some() {
            return Some(refunds::force_status(self, context, id, status));
        }
        self.sessions.get(id).is_some().then(|| checkout::force_status(self, context, id, status))
    }

    fn signing(&self, _: &Settings, endpoint: Option<&str>) -> Option<(Key, SignatureForm)> {
        let endpoint = self.endpoints.get(endpoint?)?;
        let secret = Secret::new(self.name(), SecretOrigin::LocalTest, endpoint.secret.as_str());
        Some((Key::new(secret), SignatureForm::Reference))
    }

    fn summary(&self) -> Value {
        json!({
            "webhooks": self.endpoints.iter().map(Identified::id).collect::<Vec<_>>(), "payments": self.payments.len(),
            "refunds": self.refunds.len(), "checkoutSessions": self.sessions.len(),
            "settlements": self.settlements.len(),
        })
    }
}

/// Executes a call once for each `Idempotency-Key`, and then repeats its answer. The answer to
/// another body under the same key is not documented; 409 is a guess.
fn create_once(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    call: &IncomingCall,
    create: impl Fn(&mut PlexosState, &mut Context<'_>, &IncomingCall) -> Result<Value, CallError>,
) -> CallResult {
    let Some(key) = &call.idempotency_key else { return Ok((200, create(state, context, call)?)) };
    let key = format!("{} {key}", call.path.join("/"));
    let request = Value::Object(call.body.clone());
    match state.idempotent_responses.get(&key) {
        Some(first) if first.request == request => return Ok((200, first.answer.clone())),
        Some(_) => return Err(CallError::conflict("Idempotency-Key was used with another body")),
        None => {}
    }
    let answer = create(state, context, call)?;
    state.idempotent_responses.insert(key, IdempotentResponse { request, answer: answer.clone() });
    Ok((200, answer))
}

/// Lists payments and refunds together. <https://docs.pay.plexos.io/pages/api/transactions/list>
/// (the values of `type` are not published)
fn transactions(state: &PlexosState, call: &IncomingCall) -> Result<Value, CallError> {
    let payments = state.payments.iter().map(|payment| (payment.created_at.as_str(), payment.id(), json!({
        "id": payment.id, "type": "payment", "amount": payment.amount, "currency": payment.currency, "status": payment.status,
        "operator": payment.operator, "operatorPhone": payment.operator_phone, "description": payment.description,
        "createdAt": payment.created_at,
    })));
    let refunds = state.refunds.iter().map(|refund| {
        let payment = state.payments.get(&refund.payment_intent_id);
        (refund.created_at.as_str(), refund.id(), json!({
            "id": refund.id, "type": "refund", "amount": refund.amount, "currency": refund.currency, "status": refund.status,
            "operator": payment.map(|payment| &payment.operator),
            "operatorPhone": payment.map(|payment| &payment.operator_phone),
            "description": refund.reason, "createdAt": refund.created_at,
        }))
    });
    let mut all: Vec<_> = payments.chain(refunds).collect();
    all.sort_by(|(one, ..), (other, ..)| other.cmp(one));
    let status = call.query("status");
    let matches = |item: &Value| status.is_none_or(|status| item["status"] == status);
    page(all.into_iter().filter(|(.., item)| matches(item)).map(|(_, id, item)| (id, item)), call)
}
