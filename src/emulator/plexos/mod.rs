//! Plexos Pay: routes, keys, idempotency, errors, and which endpoints hear of an event.

mod catalogue;
mod checkout;
mod payments;
mod refunds;
mod settlements;
mod webhooks;

use super::agenda::Task;
use super::call::{Call, Refusal};
use super::desk::Desk;
use super::faults::{Kind, Stage};
use super::post::{self, Letter};
use super::shelf::{Item, Shelf, page};
use catalogue::Thing;
use checkout::Session;
use payments::Payment;
use refunds::Refund;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use settlements::Settlement;
use std::collections::BTreeMap;
use webhooks::Endpoint;

/// The API key that is taken.
pub const KEY: &str = "sk_test_emulated_by_whtool";

/// All that Plexos knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Book {
    pub endpoints: Shelf<Endpoint>,
    pub payments: Shelf<Payment>,
    pub refunds: Shelf<Refund>,
    pub sessions: Shelf<Session>,
    pub settlements: Shelf<Settlement>,
    pub customers: Shelf<Thing>,
    pub products: Shelf<Thing>,
    /// The payments that a settlement under way settles.
    pub batches: BTreeMap<String, Vec<String>>,
    answered: BTreeMap<String, Answered>,
}

/// What was answered to a call with an `Idempotency-Key`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Answered {
    body: Value,
    answer: Value,
}

/// An amount in centavos: a string in JSON (contradiction P4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Amount(pub i64);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// The largest amount. <https://docs.pay.plexos.io/pages/api/payments/create>
const MOST: i64 = 100_000_000;

const CURRENCIES: &[&str] = &["CVE", "AOA"];

/// Status and body of an answer. `Null`: an empty body.
pub(super) type Answer = Result<(u16, Value), Refusal>;

/// Answers a call below `/v1`. <https://docs.pay.plexos.io/api-reference/introduction>
pub(super) fn answer(book: &mut Book, desk: &mut Desk<'_>, call: &Call) -> Answer {
    if call.key.as_deref() != Some(KEY) {
        return Err(Refusal::new(401, "UNAUTHORIZED", "Invalid API key"));
    }
    let path: Vec<_> = call.path.iter().map(String::as_str).collect();
    let answer = match (call.method.as_str(), path.as_slice()) {
        ("POST", ["payments"]) => return once(book, desk, call, payments::create),
        ("POST", ["refunds"]) => return once(book, desk, call, refunds::create),
        ("GET", ["payments"]) => book.payments.page(call, |_| true),
        ("GET", ["payments", id]) => payments::get(book, desk, id),
        ("POST", ["payments", id, "confirm"]) => payments::confirm(book, desk, id),
        ("POST", ["payments", id, "cancel"]) => payments::cancel(book, desk, id),
        ("GET", ["refunds"]) => refunds::list(book, call),
        ("GET", ["refunds", id]) => one(&book.refunds, id, "Refund"),
        ("POST", ["checkout", "sessions"]) => checkout::create(book, desk, call),
        ("GET", ["checkout", "sessions"]) => checkout::list(book, call),
        ("GET", ["checkout", "sessions", id]) => one(&book.sessions, id, "Checkout session"),
        ("POST", ["checkout", "sessions", id, "expire"]) => checkout::expire(book, desk, id),
        ("POST", ["settlements", "process"]) => return settlements::process(book, desk, call),
        ("GET", ["settlements"]) => settlements::list(book, call),
        ("GET", ["settlements", id]) => one(&book.settlements, id, "Settlement"),
        ("GET", ["transactions"]) => transactions(book, call),
        ("POST", ["webhooks"]) => webhooks::create(book, desk, call),
        (_, ["webhooks", ..]) => return webhooks::undocumented(book, desk, call),
        (_, ["customers" | "products", ..]) => catalogue::answer(book, desk, call),
        (_, ["payments"] | ["refunds"] | ["payments", _] | ["payments", _, "confirm" | "cancel"]) => {
            Err(Refusal::method())
        }
        (_, ["refunds" | "settlements", _] | ["checkout", "sessions", ..] | ["settlements" | "transactions"]) => {
            Err(Refusal::method())
        }
        _ => Err(Refusal::not_found("Resource")),
    };
    answer.map(|body| (200, body))
}

/// The shape of an error. <https://docs.pay.plexos.io/api-reference/introduction>
pub(super) fn error(refusal: &Refusal) -> Value {
    json!({"error": {"message": refusal.message, "code": refusal.code}})
}

/// A call that is carried out once for each `Idempotency-Key`. What another body under the same key is answered is not
/// documented; 409 would fit.
fn once(
    book: &mut Book,
    desk: &mut Desk<'_>,
    call: &Call,
    create: impl Fn(&mut Book, &mut Desk<'_>, &Call) -> Result<Value, Refusal>,
) -> Answer {
    let Some(key) = &call.idempotency_key else { return Ok((200, create(book, desk, call)?)) };
    let key = format!("{} {key}", call.path.join("/"));
    let body = Value::Object(call.body.clone());
    match book.answered.get(&key) {
        Some(before) if before.body == body => return Ok((200, before.answer.clone())),
        Some(_) => return Err(Refusal::conflict("Idempotency-Key was used with another body")),
        None => {}
    }
    let answer = create(book, desk, call)?;
    book.answered.insert(key, Answered { body, answer: answer.clone() });
    Ok((200, answer))
}

fn one<T: Item + Serialize>(shelf: &Shelf<T>, id: &str, what: &str) -> Result<Value, Refusal> {
    shelf.get(id).map(|item| json!(item)).ok_or_else(|| Refusal::not_found(what))
}

/// Payments and refunds in one list. <https://docs.pay.plexos.io/pages/api/transactions/list> (the values of `type` are not
/// published)
fn transactions(book: &Book, call: &Call) -> Result<Value, Refusal> {
    let payments = book.payments.iter().map(|payment| (payment.created_at.as_str(), payment.id(), json!({
        "id": payment.id, "type": "payment", "amount": payment.amount, "currency": payment.currency, "status": payment.status,
        "operator": payment.operator, "operatorPhone": payment.operator_phone, "description": payment.description,
        "createdAt": payment.created_at,
    })));
    let refunds = book.refunds.iter().map(|refund| {
        let of = book.payments.get(&refund.payment_intent_id);
        (refund.created_at.as_str(), refund.id(), json!({
            "id": refund.id, "type": "refund", "amount": refund.amount, "currency": refund.currency, "status": refund.status,
            "operator": of.map(|payment| &payment.operator), "operatorPhone": of.map(|payment| &payment.operator_phone),
            "description": refund.reason, "createdAt": refund.created_at,
        }))
    });
    let mut all: Vec<_> = payments.chain(refunds).collect();
    all.sort_by(|(one, ..), (other, ..)| other.cmp(one));
    let wanted = call.query("status");
    let wanted = |item: &Value| wanted.is_none_or(|status| item["status"] == status);
    page(all.into_iter().filter(|(.., item)| wanted(item)).map(|(_, id, item)| (id, item)), call)
}

/// Tells every active endpoint that asked for it of an event. <https://docs.pay.plexos.io/pages/webhooks>
fn tell(book: &Book, desk: &mut Desk<'_>, kind: &str, data: &impl Serialize) {
    let id = desk.chance.id("evt_");
    let body = json!({"id": id, "type": kind, "data": data, "createdAt": desk.time()}).to_string();
    for endpoint in book.endpoints.iter().filter(|endpoint| endpoint.hears(kind)) {
        let Ok(url) = endpoint.url.parse() else { continue };
        let letter = Letter {
            provider: "plexos",
            event: kind.to_owned(),
            id: id.clone(),
            url,
            endpoint: Some(endpoint.id.clone()),
            body: body.clone(),
        };
        post::dispatch(desk, letter);
    }
}

/// Whether a look-up is to tell another end than the webhook did.
fn contradicts(desk: &mut Desk<'_>, path: &str) -> bool {
    let struck = desk.faults.strike(Stage::Lookup, "plexos", "GET", path, desk.chance);
    struck.iter().any(|fault| fault.kind == Kind::Contradict)
}

/// Lets a task of this provider happen.
pub(super) fn happen(book: &mut Book, desk: &mut Desk<'_>, task: &Task) {
    match task {
        Task::Payment(id) => payments::proceed(book, desk, id),
        Task::PaymentExpiry(id) => payments::run_out(book, desk, id),
        Task::Refund(id) => refunds::proceed(book, desk, id),
        Task::SessionExpiry(id) => checkout::run_out(book, desk, id),
        Task::Settlement(id) => settlements::complete(book, desk, id),
        Task::Deliver(_) | Task::Purchase(_) | Task::Reversal(_) => {}
    }
}

/// Sets the status of an object at once, for the control endpoint. `None`: there is no such object.
pub(super) fn force(book: &mut Book, desk: &mut Desk<'_>, id: &str, status: &str) -> Option<Result<Value, Refusal>> {
    if book.payments.get(id).is_some() {
        return Some(payments::force(book, desk, id, status));
    }
    if book.refunds.get(id).is_some() {
        return Some(refunds::force(book, desk, id, status));
    }
    book.sessions.get(id).is_some().then(|| checkout::force(book, desk, id, status))
}

/// What happens to a payment by the end of the customer's number, as `docs/emulator.md` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destiny {
    Success,
    Failure,
    /// It stays open.
    Silence,
    /// It succeeds, and is taken back.
    Reversal,
}

impl Destiny {
    /// Read from the last three digits.
    pub fn of(number: &str) -> Self {
        match number.get(number.len().saturating_sub(3)..) {
            Some("404") => Self::Failure,
            Some("408") => Self::Silence,
            Some("410") => Self::Reversal,
            _ => Self::Success,
        }
    }
}
