//! Settlements: all debited payments that were not paid out yet, in one batch.
//! <https://docs.pay.plexos.io/pages/api/settlements/process>

use super::objects::{CURRENCIES, Centavos, Payment, PaymentStatus, Settlement};
use super::payments;
use super::state::{PlexosState, find, send_event};
use crate::emulator::api::CallResult;
use crate::emulator::call::{CallError, IncomingCall};
use crate::emulator::context::Context;
use crate::emulator::timers::TimedTask;
use crate::model::money::Money;
use serde_json::{Value, json};

/// Duration of a settlement, in seconds of the emulator's clock.
const DURATION_SECONDS: f64 = 5.0;

/// Starts a settlement of all debited payments in a currency. 204: there are none.
pub(super) fn process(state: &mut PlexosState, context: &mut Context<'_>, call: &IncomingCall) -> CallResult {
    let currency = call.one_of("currency", CURRENCIES)?;
    if state.settlements.iter().any(|other| other.status == "PROCESSING" && other.currency == currency) {
        return Err(CallError::conflict("A settlement in this currency is being processed"));
    }
    let due: Vec<_> = debited(state, &currency).collect();
    let Some(first) = due.first() else { return Ok((204, Value::Null)) };
    let (amount, fee): (i64, i64) =
        (due.iter().map(|one| one.amount.0).sum(), due.iter().map(|one| one.fee_amount.0).sum());
    let formatted = |minor: i64| Money { minor: minor.into(), currency: currency.clone() }.to_string();
    let formatted = |minor| formatted(minor).split(" (").next().unwrap_or_default().to_owned();
    let (id, time) = (context.rng.id("se_"), context.timestamp());
    let settlement = Settlement {
        id: id.clone(),
        merchant_id: "me_emulated".to_owned(),
        amount: Centavos(amount),
        fee_total: Centavos(fee),
        net_amount: Centavos(amount - fee),
        amount_formatted: formatted(amount),
        net_amount_formatted: formatted(amount - fee),
        status: "PROCESSING".to_owned(),
        period_start: first.created_at.clone(),
        period_end: time.clone(),
        payout_ref: None,
        item_count: due.len(),
        created_at: time.clone(),
        processed_at: Some(time),
        completed_at: None,
        currency,
    };
    let batch = due.iter().map(|payment| payment.id.clone()).collect();
    state.batches.insert(id.clone(), batch);
    state.settlements.add(settlement);
    context.schedule(DURATION_SECONDS, TimedTask::Settlement(id.clone()));
    Ok((200, find(&state.settlements, &id, "Settlement")?))
}

fn debited<'s>(state: &'s PlexosState, currency: &str) -> impl Iterator<Item = &'s Payment> {
    state
        .payments
        .iter()
        .filter(move |payment| payment.status == PaymentStatus::Debited && payment.currency == currency)
}

/// Lists all settlements, or those with one status.
pub(super) fn list(state: &PlexosState, call: &IncomingCall) -> Result<Value, CallError> {
    let status = call.query("status");
    state.settlements.page(call, |settlement| status.is_none_or(|status| json!(settlement.status) == status))
}

/// Completes a settlement, and settles the payments of its batch.
pub(super) fn complete(state: &mut PlexosState, context: &mut Context<'_>, id: &str) {
    for payment in state.batches.remove(id).unwrap_or_default() {
        if state.payments.get(&payment).is_some_and(|payment| payment.status == PaymentStatus::Debited) {
            payments::set_status(state, context, &payment, PaymentStatus::Settled);
        }
    }
    let time = context.timestamp();
    let payout = context.rng.digits("payoutRef", 8);
    let Some(settlement) = state.settlements.get_mut(id) else { return };
    settlement.status = "COMPLETED".to_owned();
    settlement.payout_ref = Some(payout);
    settlement.completed_at = Some(time);
    let settlement = settlement.clone();
    send_event(state, context, "settlement.completed", &settlement);
}
