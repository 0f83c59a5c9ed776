//! Payments. <https://docs.pay.plexos.io/pages/api/payments/reference>

use super::objects::{CURRENCIES, Centavos, MAX_AMOUNT, Payment, PaymentStatus};
use super::state::{PlexosState, find, send_event};
use crate::emulator::call::{CallError, IncomingCall};
use crate::emulator::context::{Context, format_time};
use crate::emulator::faults::{FaultKind, FaultStage};
use crate::emulator::outcome::SimulatedOutcome;
use crate::emulator::timers::TimedTask;
use serde_json::{Map, Value, json};

const OPERATORS: &[&str] = &["CVMOVEL", "UNITEL_TMAIS", "MOCK"];

/// Pause between the steps of a payment by a real operator, in seconds of the emulator's clock.
const STEP_SECONDS: f64 = 4.0;

/// Creates a payment. With the operator MOCK it waits for `confirm`; with another one the
/// customer's confirmation is simulated.
pub(super) fn create(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    call: &IncomingCall,
) -> Result<Value, CallError> {
    let operator = call.one_of("operator", OPERATORS)?;
    let usual = if operator == "UNITEL_TMAIS" { "AOA" } else { "CVE" };
    let currency = if call.has("currency") { call.one_of("currency", CURRENCIES)? } else { usual.to_owned() };
    if operator != "MOCK" && currency != usual {
        return Err(CallError::invalid("currency", format!("{operator} takes {usual}")));
    }
    let details = PaymentDetails {
        external_id: call.optional_text("externalId")?,
        description: call.optional_text("description")?,
        statement_descriptor: call.optional_text("statementDescriptor")?,
        customer_id: call.optional_text("customerId")?,
        metadata: call.metadata()?,
    };
    let amount = Centavos(call.integer("amount", 1, MAX_AMOUNT)?);
    let id = add(state, context, amount, &currency, (&operator, &phone(call)?), details);
    if operator != "MOCK" {
        context.schedule(STEP_SECONDS, TimedTask::Payment(id.clone()));
    }
    find(&state.payments, &id, "Payment")
}

/// Optional fields of a payment.
#[derive(Default)]
pub(super) struct PaymentDetails {
    pub external_id: Option<String>,
    pub description: Option<String>,
    pub statement_descriptor: Option<String>,
    pub customer_id: Option<String>,
    pub metadata: Map<String, Value>,
}

/// Adds a payment, sends its event, and returns its id. The fee is the 2 % of the published
/// example.
pub(super) fn add(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    amount: Centavos,
    currency: &str,
    (operator, phone): (&str, &str),
    details: PaymentDetails,
) -> String {
    let (id, time, fee) = (context.rng.id("pi_"), context.timestamp(), amount.0 * 2 / 100);
    let life = context.settings.payment_life.as_secs_f64();
    let payment = Payment {
        id: id.clone(),
        external_id: details.external_id,
        amount,
        currency: currency.to_owned(),
        fee_amount: Centavos(fee),
        net_amount: Centavos(amount.0 - fee),
        operator: operator.to_owned(),
        operator_phone: phone.to_owned(),
        operator_tx_id: None,
        status: PaymentStatus::Created,
        failure_code: None,
        failure_message: None,
        description: details.description,
        statement_descriptor: details.statement_descriptor,
        customer_id: details.customer_id,
        metadata: details.metadata,
        expires_at: Some(format_time(context.time_after(life))),
        created_at: time.clone(),
        updated_at: time,
    };
    send_event(state, context, "payment.created", &payment);
    state.payments.add(payment);
    context.schedule(life, TimedTask::PaymentExpiry(id.clone()));
    id
}

/// Reads a phone number in E.164.
fn phone(call: &IncomingCall) -> Result<String, CallError> {
    let phone = call.required_text("operatorPhone")?;
    let digits = phone.strip_prefix('+').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    if digits.is_none_or(|digits| !(7..=15).contains(&digits.len())) {
        return Err(CallError::invalid("operatorPhone", "operatorPhone must be in E.164, as in +2389001234"));
    }
    Ok(phone)
}

/// Looks a payment up. A fault may make the answer contradict the webhook.
pub(super) fn get(state: &PlexosState, context: &mut Context<'_>, id: &str) -> Result<Value, CallError> {
    let mut found = find(&state.payments, id, "Payment")?;
    let is_open = state.payments.get(id).is_none_or(|payment| payment.status.is_open());
    if !is_open && is_contradicted(context, id) {
        let other = if found["status"] == "FAILED" { "DEBITED" } else { "FAILED" };
        found["status"] = json!(other);
    }
    Ok(found)
}

/// Applies a `contradict` fault to a lookup.
fn is_contradicted(context: &mut Context<'_>, id: &str) -> bool {
    let path = format!("/v1/payments/{id}");
    let triggered = context.trigger_faults(FaultStage::Lookup, "plexos", "GET", &path);
    triggered.iter().any(|rule| rule.kind == FaultKind::Contradict)
}

/// Confirms a payment as the customer would; only for the operator MOCK.
pub(super) fn confirm(state: &mut PlexosState, context: &mut Context<'_>, id: &str) -> Result<Value, CallError> {
    let payment = state.payments.get(id).ok_or_else(|| CallError::not_found("Payment"))?;
    if payment.operator != "MOCK" {
        return Err(CallError::conflict("Only payments with the operator MOCK can be confirmed"));
    }
    if !payment.status.is_open() {
        return Err(wrong_status(payment));
    }
    let status = if SimulatedOutcome::from_number(&payment.operator_phone) == SimulatedOutcome::Failure {
        PaymentStatus::Failed
    } else {
        PaymentStatus::Debited
    };
    set_status(state, context, id, status);
    find(&state.payments, id, "Payment")
}

pub(super) fn cancel(state: &mut PlexosState, context: &mut Context<'_>, id: &str) -> Result<Value, CallError> {
    let payment = state.payments.get(id).ok_or_else(|| CallError::not_found("Payment"))?;
    if !payment.status.is_open() {
        return Err(wrong_status(payment));
    }
    set_status(state, context, id, PaymentStatus::Cancelled);
    find(&state.payments, id, "Payment")
}

fn wrong_status(payment: &Payment) -> CallError {
    CallError::conflict(format!("Payment is {}", json!(payment.status).as_str().unwrap_or_default()))
}

/// Changes the status and sends its event.
pub(super) fn set_status(state: &mut PlexosState, context: &mut Context<'_>, id: &str, status: PaymentStatus) {
    let time = context.timestamp();
    let Some(payment) = state.payments.get_mut(id).filter(|payment| payment.status != status) else { return };
    payment.status = status;
    payment.updated_at = time;
    if status == PaymentStatus::Failed {
        payment.failure_code = Some("EMULATED_FAILURE".to_owned());
        payment.failure_message = Some("The emulator made this payment fail".to_owned());
    }
    if status == PaymentStatus::Debited && payment.operator_tx_id.is_none() {
        payment.operator_tx_id = Some(context.rng.digits("operatorTxId", 10));
    }
    if !status.is_open() {
        payment.expires_at = None;
    }
    let payment = payment.clone();
    if let Some(event) = status.event() {
        send_event(state, context, event, &payment);
    }
}

/// Moves a payment by a real operator to its next status.
pub(super) fn advance(state: &mut PlexosState, context: &mut Context<'_>, id: &str) {
    let Some(payment) = state.payments.get(id) else { return };
    let next = match (payment.status, SimulatedOutcome::from_number(&payment.operator_phone)) {
        (PaymentStatus::Created, _) => PaymentStatus::OperatorPending,
        (PaymentStatus::OperatorPending, _) => PaymentStatus::UserConfirming,
        (PaymentStatus::UserConfirming, SimulatedOutcome::Failure) => PaymentStatus::Failed,
        (PaymentStatus::UserConfirming, SimulatedOutcome::Success | SimulatedOutcome::Reversal) => {
            PaymentStatus::Debited
        }
        _ => return,
    };
    set_status(state, context, id, next);
    if next.is_open() {
        context.schedule(STEP_SECONDS, TimedTask::Payment(id.to_owned()));
    }
}

/// Expires a payment that is still open.
pub(super) fn expire(state: &mut PlexosState, context: &mut Context<'_>, id: &str) {
    if state.payments.get(id).is_some_and(|payment| payment.status.is_open()) {
        set_status(state, context, id, PaymentStatus::Expired);
    }
}

pub(super) fn force_status(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    id: &str,
    status: &str,
) -> Result<Value, CallError> {
    let status = serde_json::from_value(json!(status))
        .map_err(|_| CallError::invalid("status", format!("a payment has no status {status}")))?;
    set_status(state, context, id, status);
    find(&state.payments, id, "Payment")
}
