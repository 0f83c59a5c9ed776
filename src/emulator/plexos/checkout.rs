//! Checkout sessions. Of their creation's page only a part was visible; the name `expiresIn` is guessed.
//! <https://docs.pay.plexos.io/pages/api/checkout/get>

use super::payments::{self, Details, Status as Paid};
use super::{Amount, Book, CURRENCIES, MOST, one, tell};
use crate::emulator::agenda::Task;
use crate::emulator::call::{Call, Refusal};
use crate::emulator::desk::{Desk, written};
use crate::emulator::shelf::Item;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The status of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in crate::emulator) enum Status {
    Open,
    Completed,
    Expired,
}

/// A checkout session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::emulator) struct Session {
    id: String,
    url: String,
    amount: Amount,
    currency: String,
    status: Status,
    return_url: Option<String>,
    completion_url: Option<String>,
    customer_id: Option<String>,
    payment_intent_id: Option<String>,
    items: Vec<Value>,
    metadata: Map<String, Value>,
    expires_at: String,
    created_at: String,
    updated_at: String,
}

impl Item for Session {
    fn id(&self) -> &str {
        &self.id
    }
}

/// The customer that pays a session that is completed.
const PAYER: (&str, &str) = ("MOCK", "+2389001234");

/// A new session for an amount or for items.
pub(super) fn create(book: &mut Book, desk: &mut Desk<'_>, call: &Call) -> Result<Value, Refusal> {
    let currency = if call.has("currency") { call.one_of("currency", CURRENCIES)? } else { "CVE".to_owned() };
    let items = items(book, desk, call, &currency)?;
    let amount = match (call.has("amount"), items.is_empty()) {
        (true, true) => call.number("amount", 1, MOST)?,
        (false, false) => items.iter().map(|item| worth(item).unwrap_or(0)).sum(),
        _ => return Err(Refusal::invalid("amount", "give either amount or items")),
    };
    let minutes = if call.has("expiresIn") { call.number("expiresIn", 5, 1_440)? } else { 30 };
    let life = 60.0 * f64::from(i32::try_from(minutes).unwrap_or(30));
    let (id, time) = (desk.chance.id("cs_"), desk.time());
    let session = Session {
        url: format!("https://pay.plexospay.com/{id}"),
        id: id.clone(),
        amount: Amount(amount),
        currency,
        status: Status::Open,
        return_url: call.optional("returnUrl")?,
        completion_url: call.optional("completionUrl")?,
        customer_id: call.optional("customerId")?,
        payment_intent_id: None,
        items,
        metadata: call.metadata()?,
        expires_at: written(desk.after(life)),
        created_at: time.clone(),
        updated_at: time,
    };
    book.sessions.add(session);
    desk.later(life, Task::SessionExpiry(id.clone()));
    one(&book.sessions, &id, "Checkout session")
}

/// The items as the session has them; a product's name and price are looked up.
fn items(book: &Book, desk: &mut Desk<'_>, call: &Call, currency: &str) -> Result<Vec<Value>, Refusal> {
    let wrong = || Refusal::invalid("items", "items must be a list of {productId or name and unitPrice, quantity}");
    let given = match call.body.get("items") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(wrong()),
    };
    let item = |item: &Value| {
        let product = item.get("productId").and_then(Value::as_str);
        let known = product.and_then(|id| book.products.get(id)).map(|product| &product.0);
        let quantity =
            item.get("quantity").map_or(Some(1), Value::as_i64).filter(|quantity| (1..=10_000).contains(quantity));
        let price = item.get("unitPrice").and_then(Value::as_i64);
        let price =
            price.or_else(|| known?.get("price")?.as_str()?.parse().ok()).filter(|price| (1..=MOST).contains(price));
        let text = |name| item.get(name).filter(|value| value.is_string()).or_else(|| known?.get(name));
        Some(json!({
            "id": desk.chance.id("ci_"), "productId": product, "name": text("name")?, "description": text("description"),
            "quantity": quantity?, "unitPrice": Amount(price?), "currency": currency,
        }))
    };
    given.iter().map(item).collect::<Option<_>>().ok_or_else(wrong)
}

/// Price times quantity.
fn worth(item: &Value) -> Option<i64> {
    let price: i64 = item.get("unitPrice")?.as_str()?.parse().ok()?;
    price.checked_mul(item.get("quantity")?.as_i64()?)
}

/// All, or those of one status. <https://docs.pay.plexos.io/pages/api/checkout/list>
pub(super) fn list(book: &Book, call: &Call) -> Result<Value, Refusal> {
    let wanted = call.query("status");
    book.sessions.page(call, |session| wanted.is_none_or(|status| json!(session.status) == status))
}

/// Lets a session run out. <https://docs.pay.plexos.io/pages/api/checkout/expire>
pub(super) fn expire(book: &mut Book, desk: &mut Desk<'_>, id: &str) -> Result<Value, Refusal> {
    let session = book.sessions.get(id).ok_or_else(|| Refusal::not_found("Checkout session"))?;
    if session.status != Status::Open {
        return Err(Refusal::conflict("Checkout session is not open"));
    }
    run_out(book, desk, id);
    one(&book.sessions, id, "Checkout session")
}

/// The session's time is over.
pub(super) fn run_out(book: &mut Book, desk: &mut Desk<'_>, id: &str) {
    end(book, desk, id, Status::Expired, None, "checkout.expired");
}

fn end(book: &mut Book, desk: &mut Desk<'_>, id: &str, status: Status, payment: Option<String>, event: &str) {
    let time = desk.time();
    let Some(session) = book.sessions.get_mut(id).filter(|session| session.status == Status::Open) else { return };
    session.status = status;
    session.updated_at = time;
    session.payment_intent_id = payment;
    let session = session.clone();
    tell(book, desk, event, &session);
}

/// A session that is completed was paid by a customer: there is a payment then.
pub(super) fn force(book: &mut Book, desk: &mut Desk<'_>, id: &str, status: &str) -> Result<Value, Refusal> {
    let session = book.sessions.get(id).ok_or_else(|| Refusal::not_found("Checkout session"))?;
    if session.status != Status::Open {
        return Err(Refusal::conflict("Checkout session is not open"));
    }
    match status {
        "EXPIRED" => run_out(book, desk, id),
        "COMPLETED" => {
            let (amount, currency) = (session.amount, session.currency.clone());
            let details = Details { customer_id: session.customer_id.clone(), ..Details::default() };
            let payment = payments::add(book, desk, amount, &currency, PAYER, details);
            payments::set(book, desk, &payment, Paid::Debited);
            end(book, desk, id, Status::Completed, Some(payment), "checkout.completed");
        }
        _ => return Err(Refusal::invalid("status", "an open checkout session becomes COMPLETED or EXPIRED")),
    }
    one(&book.sessions, id, "Checkout session")
}
