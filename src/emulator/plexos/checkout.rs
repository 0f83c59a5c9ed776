//! Checkout sessions. Only a part of the page about their creation was visible; the name
//! `expiresIn` is guessed. <https://docs.pay.plexos.io/pages/api/checkout/get>

use super::objects::{CURRENCIES, Centavos, CheckoutSession, MAX_AMOUNT, PaymentStatus, SessionStatus};
use super::payments::{self, PaymentDetails};
use super::state::{PlexosState, find, send_event};
use crate::emulator::call::{CallError, IncomingCall};
use crate::emulator::context::{Context, format_time};
use crate::emulator::timers::TimedTask;
use serde_json::{Value, json};

/// Operator and phone of the payment for a session that is completed on demand.
const CHECKOUT_PAYER: (&str, &str) = ("MOCK", "+2389001234");

/// Creates a session for an amount or for items.
pub(super) fn create(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    call: &IncomingCall,
) -> Result<Value, CallError> {
    let currency = if call.has("currency") { call.one_of("currency", CURRENCIES)? } else { "CVE".to_owned() };
    let items = items(state, context, call, &currency)?;
    let amount = match (call.has("amount"), items.is_empty()) {
        (true, true) => call.integer("amount", 1, MAX_AMOUNT)?,
        (false, false) => items.iter().map(|item| item_total(item).unwrap_or(0)).sum(),
        _ => return Err(CallError::invalid("amount", "give either amount or items")),
    };
    let minutes = if call.has("expiresIn") { call.integer("expiresIn", 5, 1_440)? } else { 30 };
    let life = 60.0 * f64::from(i32::try_from(minutes).unwrap_or(30));
    let (id, time) = (context.rng.id("cs_"), context.timestamp());
    let session = CheckoutSession {
        url: format!("https://pay.plexospay.com/{id}"),
        id: id.clone(),
        amount: Centavos(amount),
        currency,
        status: SessionStatus::Open,
        return_url: call.optional_text("returnUrl")?,
        completion_url: call.optional_text("completionUrl")?,
        customer_id: call.optional_text("customerId")?,
        payment_intent_id: None,
        items,
        metadata: call.metadata()?,
        expires_at: format_time(context.time_after(life)),
        created_at: time.clone(),
        updated_at: time,
    };
    state.sessions.add(session);
    context.schedule(life, TimedTask::SessionExpiry(id.clone()));
    find(&state.sessions, &id, "Checkout session")
}

/// Reads the items; name and price default to those of the product.
fn items(
    state: &PlexosState,
    context: &mut Context<'_>,
    call: &IncomingCall,
    currency: &str,
) -> Result<Vec<Value>, CallError> {
    let wrong = || CallError::invalid("items", "items must be a list of {productId or name and unitPrice, quantity}");
    let given = match call.body.get("items") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(wrong()),
    };
    let item = |item: &Value| {
        let product = item.get("productId").and_then(Value::as_str);
        let known = product.and_then(|id| state.products.get(id)).map(|product| &product.0);
        let quantity =
            item.get("quantity").map_or(Some(1), Value::as_i64).filter(|quantity| (1..=10_000).contains(quantity));
        let price = item.get("unitPrice").and_then(Value::as_i64);
        let price = price
            .or_else(|| known?.get("price")?.as_str()?.parse().ok())
            .filter(|price| (1..=MAX_AMOUNT).contains(price));
        let text = |name| item.get(name).filter(|value| value.is_string()).or_else(|| known?.get(name));
        Some(json!({
            "id": context.rng.id("ci_"), "productId": product, "name": text("name")?, "description": text("description"),
            "quantity": quantity?, "unitPrice": Centavos(price?), "currency": currency,
        }))
    };
    given.iter().map(item).collect::<Option<_>>().ok_or_else(wrong)
}

fn item_total(item: &Value) -> Option<i64> {
    let price: i64 = item.get("unitPrice")?.as_str()?.parse().ok()?;
    price.checked_mul(item.get("quantity")?.as_i64()?)
}

/// Lists all sessions, or those with one status.
/// <https://docs.pay.plexos.io/pages/api/checkout/list>
pub(super) fn list(state: &PlexosState, call: &IncomingCall) -> Result<Value, CallError> {
    let status = call.query("status");
    state.sessions.page(call, |session| status.is_none_or(|status| json!(session.status) == status))
}

/// Expires a session on request. <https://docs.pay.plexos.io/pages/api/checkout/expire>
pub(super) fn expire(state: &mut PlexosState, context: &mut Context<'_>, id: &str) -> Result<Value, CallError> {
    let session = state.sessions.get(id).ok_or_else(|| CallError::not_found("Checkout session"))?;
    if session.status != SessionStatus::Open {
        return Err(CallError::conflict("Checkout session is not open"));
    }
    expire_open(state, context, id);
    find(&state.sessions, id, "Checkout session")
}

/// Expires a session if it is still open.
pub(super) fn expire_open(state: &mut PlexosState, context: &mut Context<'_>, id: &str) {
    close(state, context, id, SessionStatus::Expired, None, "checkout.expired");
}

fn close(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    id: &str,
    status: SessionStatus,
    payment: Option<String>,
    event: &str,
) {
    let time = context.timestamp();
    let Some(session) = state.sessions.get_mut(id).filter(|session| session.status == SessionStatus::Open) else {
        return;
    };
    session.status = status;
    session.updated_at = time;
    session.payment_intent_id = payment;
    let session = session.clone();
    send_event(state, context, event, &session);
}

/// Completes or expires a session. A completed one gets a payment.
pub(super) fn force_status(
    state: &mut PlexosState,
    context: &mut Context<'_>,
    id: &str,
    status: &str,
) -> Result<Value, CallError> {
    let session = state.sessions.get(id).ok_or_else(|| CallError::not_found("Checkout session"))?;
    if session.status != SessionStatus::Open {
        return Err(CallError::conflict("Checkout session is not open"));
    }
    match status {
        "EXPIRED" => expire_open(state, context, id),
        "COMPLETED" => {
            let (amount, currency) = (session.amount, session.currency.clone());
            let details = PaymentDetails { customer_id: session.customer_id.clone(), ..PaymentDetails::default() };
            let payment = payments::add(state, context, amount, &currency, CHECKOUT_PAYER, details);
            payments::set_status(state, context, &payment, PaymentStatus::Debited);
            close(state, context, id, SessionStatus::Completed, Some(payment), "checkout.completed");
        }
        _ => return Err(CallError::invalid("status", "an open checkout session becomes COMPLETED or EXPIRED")),
    }
    find(&state.sessions, id, "Checkout session")
}
