//! Plustive: routes, keys and errors.

mod catalogue;
mod objects;
mod purchases;
mod state;

#[cfg(test)]
pub(super) use state::INITIAL_BALANCE;
pub(super) use state::PlustiveState;

use super::api::{CallResult, EmulatedApi};
use super::call::{CallError, IncomingCall};
use super::context::Context;
use super::faults::{FaultKind, FaultStage};
use super::settings::{Settings, Variant};
use super::timers::TimedTask;
use crate::model::signature::Key;
use crate::provider::SignatureForm;
use objects::{PurchaseStatus, Service};
use serde_json::{Value, json};
use state::set_status;

impl EmulatedApi for PlustiveState {
    fn name(&self) -> &'static str {
        "plustive"
    }

    /// Plustive documents no other prefix than `pk_live_`.
    fn key(&self) -> &'static str {
        "pk_live_emulated_by_whtool"
    }

    /// The documentation writes both forms (contradiction U9); `/api/v1` is for an app in which
    /// only the host can be set.
    fn path_prefixes(&self) -> &'static [&'static [&'static str]] {
        &[&["plustive", "api", "v1"], &["plustive", "v1"], &["api", "v1"]]
    }

    fn handle(&mut self, context: &mut Context<'_>, call: &IncomingCall) -> CallResult {
        if call.key.as_deref() != Some(self.key()) {
            return Err(CallError::new(401, "Unauthorized", "Invalid API key."));
        }
        answer(self, context, call).map(|body| (200, body))
    }

    /// <https://docs.plustiveimpact.com/authentication>. The place of `idempotency_conflict` is not
    /// documented; `errors[].code` is a guess.
    fn error(&self, error: &CallError) -> (&'static str, Value) {
        let (title, section) = match error.status {
            401 => ("Unauthorized", "https://www.rfc-editor.org/rfc/rfc7235#section-3.1"),
            400 => ("Bad Request", "https://www.rfc-editor.org/rfc/rfc7231#section-6.5.1"),
            404 => ("Not Found", "https://www.rfc-editor.org/rfc/rfc7231#section-6.5.4"),
            405 => ("Method Not Allowed", "https://www.rfc-editor.org/rfc/rfc7231#section-6.5.5"),
            409 => ("Conflict", "https://www.rfc-editor.org/rfc/rfc7231#section-6.5.8"),
            429 => ("Too Many Requests", "https://www.rfc-editor.org/rfc/rfc6585#section-4"),
            _ => ("Internal Server Error", "https://www.rfc-editor.org/rfc/rfc7231#section-6.6.1"),
        };
        let name = error.field.as_deref().unwrap_or("generalErrors");
        let mut reason = json!({"name": name, "reason": error.message});
        if error.code == purchases::CONFLICT_CODE {
            reason["code"] = json!(error.code);
        }
        let body = json!({"type": section, "title": title, "status": error.status, "detail": error.message, "errors": [reason]});
        ("application/problem+json", body)
    }

    fn run_task(&mut self, context: &mut Context<'_>, task: &TimedTask) {
        match task {
            TimedTask::Purchase(reference) => purchases::advance(self, context, reference),
            TimedTask::Reversal(reference) => set_status(self, context, reference, PurchaseStatus::Refunded),
            _ => {}
        }
    }

    fn force_status(
        &mut self,
        context: &mut Context<'_>,
        reference: &str,
        status: &str,
    ) -> Option<Result<Value, CallError>> {
        let reference = self.find(reference)?.reference.clone();
        let status = match status {
            "Pending" => Ok(PurchaseStatus::Processing),
            other => serde_json::from_value(json!(other)),
        };
        let Ok(status) = status else {
            return Some(Err(CallError::invalid("status", "status is Processing, Success, Failed or Refunded")));
        };
        set_status(self, context, &reference, status);
        self.purchases.get(&reference).map(|purchase| Ok(json!(purchase)))
    }

    fn signing(&self, settings: &Settings, _: Option<&str>) -> Option<(Key, SignatureForm)> {
        let form = match settings.variant {
            Variant::Reference => SignatureForm::Reference,
            Variant::Guide => SignatureForm::BareHex,
        };
        Some((settings.plustive_key.clone(), form))
    }

    fn summary(&self) -> Value {
        json!({"balance": self.balance, "transactions": self.purchases.len()})
    }
}

/// Answers a call that has the right key.
fn answer(state: &mut PlustiveState, context: &mut Context<'_>, call: &IncomingCall) -> Result<Value, CallError> {
    let path: Vec<_> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["balance"]) => Ok(json!({"balance": state.balance, "currency": "NGN"})),
        ("GET", ["transactions", reference]) => lookup(state, context, reference),
        ("GET", ["data", "plans"]) => Ok(catalogue::data_plans()),
        ("GET", [service, "products"]) => {
            let service = Service::from_path(service).filter(|service| service.is_bill());
            service.map(catalogue::products).ok_or_else(|| CallError::not_found("Resource"))
        }
        ("POST", [service]) => match Service::from_path(service) {
            Some(service) => purchases::buy(state, context, call, service),
            None => Err(CallError::not_found("Resource")),
        },
        ("POST", [service, "verify"]) => match Service::from_path(service).filter(|service| service.is_bill()) {
            Some(service) => purchases::verify(call, service),
            None => Err(CallError::not_found("Resource")),
        },
        (_, ["balance"] | ["transactions", _] | ["data", "plans"] | [_, "verify" | "products"]) => {
            Err(CallError::method_not_allowed())
        }
        (_, [service]) if Service::from_path(service).is_some() => Err(CallError::method_not_allowed()),
        _ => Err(CallError::not_found("Resource")),
    }
}

/// Looks a purchase up. <https://docs.plustiveimpact.com/api/schemas/transactionresponse>; the
/// guide shows three of its fields (contradiction U8).
fn lookup(state: &PlustiveState, context: &mut Context<'_>, reference: &str) -> Result<Value, CallError> {
    let purchase = state.find(reference).ok_or_else(|| CallError::not_found("Transaction"))?;
    let mut purchase = purchase.clone();
    let path = format!("/v1/transactions/{reference}");
    let contradicts = |context: &mut Context<'_>| {
        let triggered = context.trigger_faults(FaultStage::Lookup, "plustive", "GET", &path);
        triggered.iter().any(|rule| rule.kind == FaultKind::Contradict)
    };
    if purchase.status != PurchaseStatus::Processing && contradicts(context) {
        purchase.status =
            if purchase.status == PurchaseStatus::Success { PurchaseStatus::Failed } else { PurchaseStatus::Success };
    }
    let status = purchase.status.name(context.settings.variant);
    Ok(match context.settings.variant {
        Variant::Guide => {
            json!({"reference": purchase.reference, "status": status, "amount": purchase.price_charged, "token": purchase.token})
        }
        Variant::Reference => json!({
            "reference": purchase.reference, "clientReference": purchase.client_reference,
            "service": purchase.service, "status": status, "network": purchase.network, "plan": purchase.plan,
            "mobileNumber": purchase.phone, "priceCharged": purchase.price_charged,
            "providerReference": purchase.provider_reference, "createdOn": purchase.created_on,
            "completedOn": purchase.completed_on, "token": purchase.token,
        }),
    })
}
