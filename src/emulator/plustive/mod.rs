//! Plustive: routes, keys, errors, and the webhook of a purchase that ended.

mod catalogue;
mod purchases;

use super::Variant;
use super::agenda::Task;
use super::call::{Call, Refusal};
use super::desk::Desk;
use super::faults::{Kind, Stage};
use super::post::{self, Letter};
use super::shelf::Shelf;
use purchases::{Purchase, Service, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The API key that is taken. Plustive knows no other prefix.
pub const KEY: &str = "pk_live_emulated_by_whtool";

/// All that Plustive knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Book {
    /// The wallet, in kobo.
    balance: i64,
    purchases: Shelf<Purchase>,
    /// From `clientReference` to `reference`.
    clients: HashMap<String, String>,
}

impl Book {
    /// A full wallet, and the purchase of the guide's example, so that what the pages show can be looked up.
    pub fn new(balance: i64) -> Self {
        let mut book = Self { balance, purchases: Shelf::default(), clients: HashMap::new() };
        let example = Purchase::published();
        book.clients.insert(example.client_reference.clone(), example.reference.clone());
        book.purchases.add(example);
        book
    }

    /// How many purchases there are.
    pub fn len(&self) -> usize {
        self.purchases.len()
    }

    /// The wallet, in kobo.
    pub fn balance(&self) -> i64 {
        self.balance
    }

    /// By `reference` or `clientReference`.
    fn find(&self, reference: &str) -> Option<&Purchase> {
        let reference = self.clients.get(reference).map_or(reference, String::as_str);
        self.purchases.get(reference)
    }
}

/// Answers a call below the version.
pub(super) fn answer(book: &mut Book, desk: &mut Desk<'_>, call: &Call) -> Result<Value, Refusal> {
    if call.key.as_deref() != Some(KEY) {
        return Err(Refusal::new(401, "Unauthorized", "Invalid API key."));
    }
    let path: Vec<_> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["balance"]) => Ok(json!({"balance": book.balance, "currency": "NGN"})),
        ("GET", ["transactions", reference]) => lookup(book, desk, reference),
        ("GET", ["data", "plans"]) => Ok(catalogue::data_plans()),
        ("GET", [service, "products"]) => {
            let service = Service::named(service).filter(|service| service.is_bill());
            service.map(catalogue::products).ok_or_else(|| Refusal::not_found("Resource"))
        }
        ("POST", [service]) => match Service::named(service) {
            Some(service) => purchases::buy(book, desk, call, service),
            None => Err(Refusal::not_found("Resource")),
        },
        ("POST", [service, "verify"]) => match Service::named(service).filter(|service| service.is_bill()) {
            Some(service) => purchases::verify(call, service),
            None => Err(Refusal::not_found("Resource")),
        },
        (_, ["balance"] | ["transactions", _] | ["data", "plans"] | [_, "verify" | "products"]) => {
            Err(Refusal::method())
        }
        (_, [service]) if Service::named(service).is_some() => Err(Refusal::method()),
        _ => Err(Refusal::not_found("Resource")),
    }
}

/// The shape of an error. <https://docs.plustiveimpact.com/authentication>; where the word `idempotency_conflict` stands is not
/// known, and here it is `errors[].code`.
pub(super) fn error(refusal: &Refusal) -> Value {
    let (title, section) = match refusal.status {
        401 => ("Unauthorized", "https://www.rfc-editor.org/rfc/rfc7235#section-3.1"),
        400 => ("Bad Request", "https://www.rfc-editor.org/rfc/rfc7231#section-6.5.1"),
        404 => ("Not Found", "https://www.rfc-editor.org/rfc/rfc7231#section-6.5.4"),
        405 => ("Method Not Allowed", "https://www.rfc-editor.org/rfc/rfc7231#section-6.5.5"),
        409 => ("Conflict", "https://www.rfc-editor.org/rfc/rfc7231#section-6.5.8"),
        429 => ("Too Many Requests", "https://www.rfc-editor.org/rfc/rfc6585#section-4"),
        _ => ("Internal Server Error", "https://www.rfc-editor.org/rfc/rfc7231#section-6.6.1"),
    };
    let name = refusal.field.as_deref().unwrap_or("generalErrors");
    let mut reason = json!({"name": name, "reason": refusal.message});
    if refusal.code == purchases::CONFLICT {
        reason["code"] = json!(refusal.code);
    }
    json!({"type": section, "title": title, "status": refusal.status, "detail": refusal.message, "errors": [reason]})
}

/// The lookup. <https://docs.plustiveimpact.com/api/schemas/transactionresponse>; the guide shows three fields of it
/// (contradiction U8).
fn lookup(book: &Book, desk: &mut Desk<'_>, reference: &str) -> Result<Value, Refusal> {
    let purchase = book.find(reference).ok_or_else(|| Refusal::not_found("Transaction"))?;
    let mut purchase = purchase.clone();
    let path = format!("/v1/transactions/{reference}");
    if purchase.status != Status::Processing
        && desk
            .faults
            .strike(Stage::Lookup, "plustive", "GET", &path, desk.chance)
            .iter()
            .any(|f| f.kind == Kind::Contradict)
    {
        purchase.status = if purchase.status == Status::Success { Status::Failed } else { Status::Success };
    }
    let status = purchase.status.word(desk.settings.variant);
    Ok(match desk.settings.variant {
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

/// Lets a purchase end, and tells of it.
fn end(book: &mut Book, desk: &mut Desk<'_>, reference: &str, status: Status) {
    let time = desk.time();
    let Some(purchase) = book.purchases.get_mut(reference).filter(|purchase| purchase.status != status) else { return };
    let (had, gives) = (purchase.status.keeps_money(), status.keeps_money());
    book.balance += match (had, gives) {
        (true, false) => purchase.price_charged,
        (false, true) => -purchase.price_charged,
        _ => 0,
    };
    purchase.status = status;
    purchase.completed_on = (status != Status::Processing).then_some(time);
    if status == Status::Success && purchase.provider_reference.is_none() {
        purchase.provider_reference = Some(desk.chance.digits("providerReference", 9));
        purchase.token = purchase.service.has_token().then(|| desk.chance.digits("token", 20));
    }
    let purchase = purchase.clone();
    if let (Some(url), true) = (desk.settings.plustive_url.clone(), status != Status::Processing) {
        let (event, body) = event(&purchase, desk.settings.variant);
        let letter = Letter {
            provider: "plustive",
            event: event.to_owned(),
            id: purchase.reference,
            url,
            endpoint: None,
            body: body.to_string(),
        };
        post::dispatch(desk, letter);
    }
}

/// Type and payload of the webhook: <https://docs.plustiveimpact.com/webhooks>, or
/// <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>. What the reference would send for `Refunded` is guessed:
/// the state is the guide's (contradiction U10).
fn event(purchase: &Purchase, variant: Variant) -> (&'static str, Value) {
    let status = purchase.status.word(variant);
    // Both examples show whole seconds.
    let time = purchase.completed_on.as_deref().and_then(|time| Some(format!("{}Z", time.split_once('.')?.0)));
    match variant {
        Variant::Reference => {
            let event = if purchase.status == Status::Success { "transaction.success" } else { "transaction.failed" };
            let body = json!({
                "event": event, "reference": purchase.reference, "clientReference": purchase.client_reference,
                "status": status, "service": purchase.service, "amount": purchase.price_charged,
                "mobileNumber": purchase.phone, "providerReference": purchase.provider_reference, "completedAt": time,
            });
            (event, body)
        }
        Variant::Guide => {
            let mut body = json!({
                "event": "transaction.completed", "reference": purchase.reference,
                "clientReference": purchase.client_reference, "status": status, "amount": purchase.price_charged,
                "type": purchase.service, "phone": purchase.phone, "timestamp": time,
            });
            if let Some(network) = &purchase.network {
                body["network"] = json!(network.to_lowercase());
            }
            if let (Some(token), Status::Success) = (&purchase.token, purchase.status) {
                body["token"] = json!(token);
            }
            ("transaction.completed", body)
        }
    }
}

/// Lets a task of this provider happen.
pub(super) fn happen(book: &mut Book, desk: &mut Desk<'_>, task: &Task) {
    match task {
        Task::Purchase(reference) => purchases::proceed(book, desk, reference),
        Task::Reversal(reference) => end(book, desk, reference, Status::Refunded),
        _ => {}
    }
}

/// Sets the status of a purchase at once, for the control endpoint. `None`: there is no such purchase.
pub(super) fn force(
    book: &mut Book,
    desk: &mut Desk<'_>,
    reference: &str,
    status: &str,
) -> Option<Result<Value, Refusal>> {
    let reference = book.find(reference)?.reference.clone();
    let status = match status {
        "Pending" => Ok(Status::Processing),
        other => serde_json::from_value(json!(other)),
    };
    let Ok(status) = status else {
        return Some(Err(Refusal::invalid("status", "status is Processing, Success, Failed or Refunded")));
    };
    end(book, desk, &reference, status);
    book.purchases.get(&reference).map(|purchase| Ok(json!(purchase)))
}
