//! Refunds. The documentation mentions their creation without a page for it: path and body are
//! guessed. <https://docs.pay.plexos.io/pages/api/refunds/get>

use super::objects::{Centavos, MAX_AMOUNT, PaymentStatus, Refund, RefundStatus};
use super::payments;
use super::state::{PlexosState, find, send_event};
use crate::emulator::call::{CallError, IncomingCall};
use crate::emulator::context::Context;
use crate::emulator::timers::TimedTask;
use serde_json::{Value, json};

/// Pause before each step, in seconds of the emulator's clock.
const STEP_SECONDS: f64 = 3.0;

/// A refund with this reason fails.
const FAILING_REASON: &str = "fail";

/// Creates a refund; without an amount, of all that is left of the payment.
pub(super) fn create(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    call: &IncomingCall,
) -> Result<Value, CallError> {
    let payment_id = call.required_text("paymentIntentId")?;
    let payment = state.payments.get(&payment_id).ok_or_else(|| CallError::not_found("Payment"))?;
    if !matches!(payment.status, PaymentStatus::Debited | PaymentStatus::Settled | PaymentStatus::PartiallyRefunded) {
        return Err(CallError::conflict("Only a payment that was debited can be refunded"));
    }
    let left = payment.amount.0 - refunded_total(state, &payment_id, |status| status != RefundStatus::Failed);
    let amount = if call.has("amount") { call.integer("amount", 1, MAX_AMOUNT)? } else { left };
    if amount > left || left == 0 {
        return Err(CallError::conflict(format!("Only {left} of the payment are left")));
    }
    let time = context.timestamp();
    let refund = Refund {
        id: context.rng.id("re_"),
        payment_intent_id: payment_id,
        amount: Centavos(amount),
        currency: payment.currency.clone(),
        status: RefundStatus::Pending,
        reason: call.optional_text("reason")?,
        failure_code: None,
        failure_message: None,
        operator_refund_id: None,
        metadata: call.metadata()?,
        created_at: time.clone(),
        updated_at: time,
    };
    send_event(state, context, "refund.created", &refund);
    context.schedule(STEP_SECONDS, TimedTask::Refund(refund.id.clone()));
    let answer = json!(refund);
    state.refunds.add(refund);
    Ok(answer)
}

/// Sum of the refunds of a payment.
fn refunded_total(state: &PlexosState, payment: &str, counts: impl Fn(RefundStatus) -> bool) -> i64 {
    let refunds = state.refunds.iter().filter(|refund| refund.payment_intent_id == payment && counts(refund.status));
    refunds.map(|refund| refund.amount.0).sum()
}

/// Lists all refunds, or those of one payment. <https://docs.pay.plexos.io/pages/api/refunds/list>
pub(super) fn list(state: &PlexosState, call: &IncomingCall) -> Result<Value, CallError> {
    let payment = call.query("payment_intent_id");
    state.refunds.page(call, |refund| payment.is_none_or(|payment| payment == refund.payment_intent_id))
}

/// Moves a refund to its next status.
pub(super) fn advance(state: &mut PlexosState, context: &mut Context<'_>, id: &str) {
    let Some(refund) = state.refunds.get(id) else { return };
    let next = match refund.status {
        RefundStatus::Pending => RefundStatus::Processing,
        RefundStatus::Processing if refund.reason.as_deref() == Some(FAILING_REASON) => RefundStatus::Failed,
        RefundStatus::Processing => RefundStatus::Succeeded,
        RefundStatus::Succeeded | RefundStatus::Failed => return,
    };
    set_status(state, context, id, next);
    if next == RefundStatus::Processing {
        context.schedule(STEP_SECONDS, TimedTask::Refund(id.to_owned()));
    }
}

/// Changes the status, sends its event, and updates the payment.
fn set_status(state: &mut PlexosState, context: &mut Context<'_>, id: &str, status: RefundStatus) {
    let time = context.timestamp();
    let Some(refund) = state.refunds.get_mut(id).filter(|refund| refund.status != status) else { return };
    refund.status = status;
    refund.updated_at = time;
    match status {
        RefundStatus::Failed => {
            refund.failure_code = Some("EMULATED_FAILURE".to_owned());
            refund.failure_message = Some("The emulator made this refund fail".to_owned());
        }
        RefundStatus::Succeeded => refund.operator_refund_id = Some(context.rng.digits("operatorRefundId", 10)),
        RefundStatus::Pending | RefundStatus::Processing => {}
    }
    let refund = refund.clone();
    match status {
        RefundStatus::Succeeded => {
            send_event(state, context, "refund.succeeded", &refund);
            let back = refunded_total(state, &refund.payment_intent_id, |status| status == RefundStatus::Succeeded);
            let whole = state.payments.get(&refund.payment_intent_id).map_or(0, |payment| payment.amount.0);
            let paid = if back >= whole { PaymentStatus::Refunded } else { PaymentStatus::PartiallyRefunded };
            payments::set_status(state, context, &refund.payment_intent_id, paid);
        }
        RefundStatus::Failed => send_event(state, context, "refund.failed", &refund),
        RefundStatus::Pending | RefundStatus::Processing => {}
    }
}

pub(super) fn force_status(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    id: &str,
    status: &str,
) -> Result<Value, CallError> {
    let status = serde_json::from_value(json!(status))
        .map_err(|_| CallError::invalid("status", format!("a refund has no status {status}")))?;
    set_status(state, context, id, status);
    find(&state.refunds, id, "Refund")
}
