//! Purchases: data, airtime and bills, paid from the wallet. <https://docs.plustiveimpact.com/api/purchases>,
//! <https://docs.plustiveimpact.com/bill-payments>

use super::{Book, catalogue, end};
use crate::emulator::Variant;
use crate::emulator::agenda::Task;
use crate::emulator::call::{Call, Refusal};
use crate::emulator::desk::Desk;
use crate::emulator::plexos::Destiny;
use crate::emulator::shelf::Item;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Service {
    Data,
    Airtime,
    Electricity,
    #[serde(rename = "CableTv")]
    Cable,
    Education,
    Broadband,
}

impl Service {
    /// By the word in the path.
    pub fn named(word: &str) -> Option<Self> {
        Some(match word {
            "data" => Self::Data,
            "airtime" => Self::Airtime,
            "electricity" => Self::Electricity,
            "cabletv" => Self::Cable,
            "education" => Self::Education,
            "broadband" => Self::Broadband,
            _ => return None,
        })
    }

    /// Whether it is paid for a customer's account rather than for a phone.
    pub fn is_bill(self) -> bool {
        !matches!(self, Self::Data | Self::Airtime)
    }

    /// Whether a token or a PIN is what is bought.
    pub fn has_token(self) -> bool {
        matches!(self, Self::Electricity | Self::Education)
    }

    /// The field that says for whom.
    fn account(self) -> &'static str {
        match self {
            Self::Data | Self::Airtime => "phone",
            Self::Electricity => "meterNumber",
            Self::Cable => "smartcard",
            Self::Broadband => "accountNumber",
            Self::Education => "phoneNumber",
        }
    }
}

/// The state of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    Processing,
    Success,
    Failed,
    Refunded,
}

impl Status {
    /// As it is written: the guide says `Pending` for `Processing` (contradiction U7).
    pub fn word(self, variant: Variant) -> &'static str {
        match (self, variant) {
            (Self::Processing, Variant::Reference) => "Processing",
            (Self::Processing, Variant::Guide) => "Pending",
            (Self::Success, _) => "Success",
            (Self::Failed, _) => "Failed",
            (Self::Refunded, _) => "Refunded",
        }
    }

    /// Whether the wallet has paid.
    pub fn keeps_money(self) -> bool {
        matches!(self, Self::Processing | Self::Success)
    }
}

/// A purchase.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Purchase {
    pub reference: String,
    pub client_reference: String,
    pub service: Service,
    pub status: Status,
    pub network: Option<String>,
    pub plan: Option<String>,
    /// The phone, or the meter, card or account that a bill is for.
    pub phone: String,
    /// In kobo.
    pub price_charged: i64,
    pub provider_reference: Option<String>,
    pub token: Option<String>,
    pub created_on: String,
    pub completed_on: Option<String>,
    /// What was asked for.
    asked: Map<String, Value>,
}

impl Item for Purchase {
    fn id(&self) -> &str {
        &self.reference
    }
}

impl Purchase {
    /// The example of <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>.
    pub fn published() -> Self {
        Self {
            reference: "PLS-7XKQR4N".to_owned(),
            client_reference: "ord_20260616_001".to_owned(),
            service: Service::Data,
            status: Status::Success,
            network: Some("MTN".to_owned()),
            plan: Some("1.0GB".to_owned()),
            phone: "08030000000".to_owned(),
            price_charged: 27_000,
            provider_reference: Some("118682181".to_owned()),
            token: None,
            created_on: "2026-06-16T09:14:21.000Z".to_owned(),
            completed_on: Some("2026-06-16T09:14:33.000Z".to_owned()),
            asked: Map::new(),
        }
    }
}

/// The word that integrators saw with a `clientReference` that was used for something else.
pub(super) const CONFLICT: &str = "idempotency_conflict";

/// How long a purchase takes, in seconds of the emulator's clock: mostly seconds, a few up to a minute.
/// <https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>
const TAKES: (f64, f64) = (3.0, 12.0);

/// The pause before a purchase that is to be taken back is.
const REVERSAL: f64 = 600.0;

/// The least that electricity is bought for, in kobo, and the most that anything is here.
const LEAST: i64 = 10_000;
const MOST: i64 = 100_000_000;

/// Buys; a `clientReference` that was used before gives the purchase of then.
pub(super) fn buy(book: &mut Book, desk: &mut Desk<'_>, call: &Call, service: Service) -> Result<Value, Refusal> {
    let client = call.text("clientReference")?;
    if let Some(before) = book.clients.get(&client).and_then(|reference| book.purchases.get(reference)) {
        if before.service != service || before.asked != call.body {
            let message = "clientReference was used with other parameters.";
            return Err(Refusal { field: Some("clientReference".to_owned()), ..Refusal::new(409, CONFLICT, message) });
        }
        return Ok(receipt(before, book.balance, desk.settings.variant, Replay::Again));
    }
    let order = order(call, service)?;
    if order.price > book.balance {
        return Err(Refusal::new(400, "insufficient_balance", "Insufficient wallet balance."));
    }
    let purchase = Purchase {
        reference: desk.chance.reference(),
        client_reference: client.clone(),
        service,
        status: Status::Processing,
        network: order.network,
        plan: order.plan,
        phone: order.account,
        price_charged: order.price,
        provider_reference: None,
        token: None,
        created_on: desk.time(),
        completed_on: None,
        asked: call.body.clone(),
    };
    book.balance -= order.price;
    book.clients.insert(client, purchase.reference.clone());
    let (least, most) = TAKES;
    let pause = least + (most - least) * desk.chance.share("purchase");
    desk.later(pause, Task::Purchase(purchase.reference.clone()));
    let answer = receipt(&purchase, book.balance, desk.settings.variant, Replay::First);
    book.purchases.add(purchase);
    Ok(answer)
}

/// Whether a purchase is answered for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replay {
    First,
    Again,
}

/// <https://docs.plustiveimpact.com/api/schemas/purchaseresponse>
fn receipt(purchase: &Purchase, balance: i64, variant: Variant, replay: Replay) -> Value {
    json!({
        "reference": purchase.reference, "status": purchase.status.word(variant),
        "providerReference": purchase.provider_reference, "priceCharged": purchase.price_charged, "balance": balance,
        "token": purchase.token, "idempotentReplay": replay == Replay::Again,
    })
}

/// What was ordered.
struct Order {
    network: Option<String>,
    plan: Option<String>,
    account: String,
    /// In kobo.
    price: i64,
}

/// Reads an order. Field names are the reference's (contradictions U11 to U14).
fn order(call: &Call, service: Service) -> Result<Order, Refusal> {
    let account = account(call, service)?;
    Ok(match service {
        Service::Airtime => {
            let network = catalogue::network(&uuid(call, "networkId")?);
            // Whole naira: https://docs.plustiveimpact.com/api/schemas/buyairtimerequest
            let price = 100 * call.number("amount", 1, MOST / 100)?;
            Order { network: Some(network.to_owned()), plan: None, account, price }
        }
        Service::Data => {
            let plan = catalogue::plan_of(&uuid(call, "planId")?);
            Order {
                network: Some(plan.network.to_owned()),
                plan: Some(plan.name.to_owned()),
                account,
                price: plan.price,
            }
        }
        Service::Electricity => {
            uuid(call, "planId")?;
            let face = call.number("amountKobo", LEAST, MOST)?;
            // The charge is the face amount plus a markup, here of 1 %.
            Order { network: None, plan: Some("Electricity".to_owned()), account, price: face + face / 100 }
        }
        Service::Cable | Service::Education | Service::Broadband => {
            let product = catalogue::product(service, &uuid(call, "planId")?);
            Order { network: None, plan: Some(product.name.to_owned()), account, price: product.price }
        }
    })
}

/// For whom: a phone of 11 digits, or the number of a meter, card or account.
fn account(call: &Call, service: Service) -> Result<String, Refusal> {
    let field = service.account();
    if service == Service::Education {
        return Ok(call.optional(field)?.unwrap_or_default());
    }
    let account = call.text(field)?;
    let is_number = account.bytes().all(|byte| byte.is_ascii_digit());
    match service {
        _ if !is_number => Err(Refusal::invalid(field, format!("{field} must be digits."))),
        Service::Data | Service::Airtime if account.len() != 11 => {
            Err(Refusal::invalid(field, format!("{field} must be 11 digits.")))
        }
        _ => Ok(account),
    }
}

fn uuid(call: &Call, field: &str) -> Result<String, Refusal> {
    let text = call.text(field)?;
    let lengths = text.split('-').map(str::len);
    let is_uuid = lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if is_uuid { Ok(text.to_lowercase()) } else { Err(Refusal::invalid(field, format!("{field} must be a uuid."))) }
}

/// Asks whether an account exists. <https://docs.plustiveimpact.com/bill-payments>
pub(super) fn verify(call: &Call, service: Service) -> Result<Value, Refusal> {
    let account = account(call, service)?;
    Ok(match Destiny::of(&account) {
        Destiny::Failure => json!({"customerName": null, "status": "invalid"}),
        Destiny::Silence => json!({"customerName": null, "status": "unknown"}),
        Destiny::Success | Destiny::Reversal => json!({"customerName": "ADA EMULATED", "status": "valid"}),
    })
}

/// A purchase ends by itself, in the way that its number says.
pub(super) fn proceed(book: &mut Book, desk: &mut Desk<'_>, reference: &str) {
    let open = book.purchases.get(reference).filter(|purchase| purchase.status == Status::Processing);
    let Some(destiny) = open.map(|purchase| Destiny::of(&purchase.phone)) else { return };
    match destiny {
        Destiny::Silence => {}
        Destiny::Failure => end(book, desk, reference, Status::Failed),
        Destiny::Success => end(book, desk, reference, Status::Success),
        Destiny::Reversal => {
            end(book, desk, reference, Status::Success);
            desk.later(REVERSAL, Task::Reversal(reference.to_owned()));
        }
    }
}
