//! Purchases: data, airtime and bills, paid from the wallet.
//! <https://docs.plustiveimpact.com/api/purchases>, <https://docs.plustiveimpact.com/bill-payments>

use super::catalogue;
use super::objects::{Purchase, PurchaseStatus, Service};
use super::state::{PlustiveState, set_status};
use crate::emulator::call::{CallError, IncomingCall};
use crate::emulator::context::Context;
use crate::emulator::outcome::SimulatedOutcome;
use crate::emulator::settings::Variant;
use crate::emulator::timers::TimedTask;
use serde_json::{Value, json};

/// Code for a `clientReference` that was used for another purchase, as integrators report it.
pub(super) const CONFLICT_CODE: &str = "idempotency_conflict";

/// Shortest and longest duration of a purchase, in seconds of the emulator's clock. Documented:
/// mostly seconds, some up to a minute.
/// <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>
const DURATION_SECONDS: (f64, f64) = (3.0, 12.0);

/// Pause before a reversal, in seconds of the emulator's clock.
const REVERSAL_SECONDS: f64 = 600.0;

/// Smallest electricity purchase, in kobo.
const MIN_ELECTRICITY_KOBO: i64 = 10_000;
/// Largest amount that the emulator accepts, in kobo.
const MAX_KOBO: i64 = 100_000_000;

/// Buys. A repeated `clientReference` returns the first purchase.
pub(super) fn buy(
    state: &mut PlustiveState,
    context: &mut Context<'_>,
    call: &IncomingCall,
    service: Service,
) -> Result<Value, CallError> {
    let client = call.required_text("clientReference")?;
    if let Some(before) = state.client_references.get(&client).and_then(|reference| state.purchases.get(reference)) {
        if before.service != service || before.request != call.body {
            let message = "clientReference was used with other parameters.";
            return Err(CallError {
                field: Some("clientReference".to_owned()),
                ..CallError::new(409, CONFLICT_CODE, message)
            });
        }
        return Ok(purchase_response(before, state.balance, context.settings.variant, Repeat::Again));
    }
    let order = order(call, service)?;
    if order.price > state.balance {
        return Err(CallError::new(400, "insufficient_balance", "Insufficient wallet balance."));
    }
    let purchase = Purchase {
        reference: context.rng.reference(),
        client_reference: client.clone(),
        service,
        status: PurchaseStatus::Processing,
        network: order.network,
        plan: order.plan,
        phone: order.account,
        price_charged: order.price,
        provider_reference: None,
        token: None,
        created_on: context.timestamp(),
        completed_on: None,
        request: call.body.clone(),
    };
    state.balance -= order.price;
    state.client_references.insert(client, purchase.reference.clone());
    let (least, most) = DURATION_SECONDS;
    let pause = least + (most - least) * context.rng.fraction("purchase");
    context.schedule(pause, TimedTask::Purchase(purchase.reference.clone()));
    let answer = purchase_response(&purchase, state.balance, context.settings.variant, Repeat::First);
    state.purchases.add(purchase);
    Ok(answer)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    First,
    Again,
}

/// <https://docs.plustiveimpact.com/api/schemas/purchaseresponse>
fn purchase_response(purchase: &Purchase, balance: i64, variant: Variant, repeat: Repeat) -> Value {
    json!({
        "reference": purchase.reference, "status": purchase.status.name(variant),
        "providerReference": purchase.provider_reference, "priceCharged": purchase.price_charged, "balance": balance,
        "token": purchase.token, "idempotentReplay": repeat == Repeat::Again,
    })
}

struct PurchaseOrder {
    network: Option<String>,
    plan: Option<String>,
    account: String,
    /// In kobo.
    price: i64,
}

/// Parses an order with the reference's field names (contradictions U11 to U14).
fn order(call: &IncomingCall, service: Service) -> Result<PurchaseOrder, CallError> {
    let account = account(call, service)?;
    Ok(match service {
        Service::Airtime => {
            let network = catalogue::network(&uuid(call, "networkId")?);
            // Whole naira: https://docs.plustiveimpact.com/api/schemas/buyairtimerequest
            let price = 100 * call.integer("amount", 1, MAX_KOBO / 100)?;
            PurchaseOrder { network: Some(network.to_owned()), plan: None, account, price }
        }
        Service::Data => {
            let plan = catalogue::data_plan(&uuid(call, "planId")?);
            PurchaseOrder {
                network: Some(plan.network.to_owned()),
                plan: Some(plan.name.to_owned()),
                account,
                price: plan.price,
            }
        }
        Service::Electricity => {
            uuid(call, "planId")?;
            let face = call.integer("amountKobo", MIN_ELECTRICITY_KOBO, MAX_KOBO)?;
            // The charge is the face amount plus a markup, here of 1 %.
            PurchaseOrder { network: None, plan: Some("Electricity".to_owned()), account, price: face + face / 100 }
        }
        Service::Cable | Service::Education | Service::Broadband => {
            let product = catalogue::product(service, &uuid(call, "planId")?);
            PurchaseOrder { network: None, plan: Some(product.name.to_owned()), account, price: product.price }
        }
    })
}

/// Reads the phone (11 digits) or the number of a meter, card or account.
fn account(call: &IncomingCall, service: Service) -> Result<String, CallError> {
    let field = service.account_field();
    if service == Service::Education {
        return Ok(call.optional_text(field)?.unwrap_or_default());
    }
    let account = call.required_text(field)?;
    let is_number = account.bytes().all(|byte| byte.is_ascii_digit());
    match service {
        _ if !is_number => Err(CallError::invalid(field, format!("{field} must be digits."))),
        Service::Data | Service::Airtime if account.len() != 11 => {
            Err(CallError::invalid(field, format!("{field} must be 11 digits.")))
        }
        _ => Ok(account),
    }
}

fn uuid(call: &IncomingCall, field: &str) -> Result<String, CallError> {
    let text = call.required_text(field)?;
    let lengths = text.split('-').map(str::len);
    let is_uuid = lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if is_uuid { Ok(text.to_lowercase()) } else { Err(CallError::invalid(field, format!("{field} must be a uuid."))) }
}

/// Checks that an account exists. <https://docs.plustiveimpact.com/bill-payments>
pub(super) fn verify(call: &IncomingCall, service: Service) -> Result<Value, CallError> {
    let account = account(call, service)?;
    Ok(match SimulatedOutcome::from_number(&account) {
        SimulatedOutcome::Failure => json!({"customerName": null, "status": "invalid"}),
        SimulatedOutcome::Pending => json!({"customerName": null, "status": "unknown"}),
        SimulatedOutcome::Success | SimulatedOutcome::Reversal => {
            json!({"customerName": "ADA EMULATED", "status": "valid"})
        }
    })
}

/// Finishes a purchase with the outcome that its number asks for.
pub(super) fn advance(state: &mut PlustiveState, context: &mut Context<'_>, reference: &str) {
    let open = state.purchases.get(reference).filter(|purchase| purchase.status == PurchaseStatus::Processing);
    let Some(outcome) = open.map(|purchase| SimulatedOutcome::from_number(&purchase.phone)) else { return };
    match outcome {
        SimulatedOutcome::Pending => {}
        SimulatedOutcome::Failure => set_status(state, context, reference, PurchaseStatus::Failed),
        SimulatedOutcome::Success => set_status(state, context, reference, PurchaseStatus::Success),
        SimulatedOutcome::Reversal => {
            set_status(state, context, reference, PurchaseStatus::Success);
            context.schedule(REVERSAL_SECONDS, TimedTask::Reversal(reference.to_owned()));
        }
    }
}
