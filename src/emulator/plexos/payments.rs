//! Payments. <https://docs.pay.plexos.io/pages/api/payments/reference>

use super::{Amount, Book, CURRENCIES, Destiny, MOST, contradicts, one, tell};
use crate::emulator::agenda::Task;
use crate::emulator::call::{Call, Refusal};
use crate::emulator::desk::{Desk, written};
use crate::emulator::shelf::Item;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The status of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in crate::emulator) enum Status {
    Created,
    OperatorPending,
    UserConfirming,
    Debited,
    Settled,
    Failed,
    Expired,
    Refunded,
    PartiallyRefunded,
    Cancelled,
}

impl Status {
    /// Whether the customer's money may still be taken.
    fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::OperatorPending | Self::UserConfirming)
    }

    /// The event that tells of it, if there is one (contradiction P1).
    fn event(self) -> Option<&'static str> {
        Some(match self {
            Self::Created => "payment.created",
            Self::Debited => "payment.debited",
            Self::Settled => "payment.settled",
            Self::Failed => "payment.failed",
            Self::Expired => "payment.expired",
            Self::Cancelled => "payment.cancelled",
            Self::OperatorPending | Self::UserConfirming | Self::Refunded | Self::PartiallyRefunded => return None,
        })
    }
}

/// A payment, with the fields of <https://docs.pay.plexos.io/pages/api/payments/cancel>.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::emulator) struct Payment {
    pub id: String,
    external_id: Option<String>,
    pub amount: Amount,
    pub currency: String,
    pub fee_amount: Amount,
    pub net_amount: Amount,
    pub operator: String,
    pub operator_phone: String,
    operator_tx_id: Option<String>,
    pub status: Status,
    failure_code: Option<String>,
    failure_message: Option<String>,
    pub description: Option<String>,
    statement_descriptor: Option<String>,
    customer_id: Option<String>,
    metadata: Map<String, Value>,
    expires_at: Option<String>,
    pub created_at: String,
    updated_at: String,
}

impl Item for Payment {
    fn id(&self) -> &str {
        &self.id
    }
}

const OPERATORS: &[&str] = &["CVMOVEL", "UNITEL_TMAIS", "MOCK"];

/// The pauses, in seconds of the emulator's clock, after which a payment by a real operator goes on by itself.
const STEP: f64 = 4.0;

/// A new payment. With the operator MOCK it waits to be confirmed; with another one the customer is played.
pub(super) fn create(book: &mut Book, desk: &mut Desk<'_>, call: &Call) -> Result<Value, Refusal> {
    let operator = call.one_of("operator", OPERATORS)?;
    let usual = if operator == "UNITEL_TMAIS" { "AOA" } else { "CVE" };
    let currency = if call.has("currency") { call.one_of("currency", CURRENCIES)? } else { usual.to_owned() };
    if operator != "MOCK" && currency != usual {
        return Err(Refusal::invalid("currency", format!("{operator} takes {usual}")));
    }
    let details = Details {
        external_id: call.optional("externalId")?,
        description: call.optional("description")?,
        statement_descriptor: call.optional("statementDescriptor")?,
        customer_id: call.optional("customerId")?,
        metadata: call.metadata()?,
    };
    let amount = Amount(call.number("amount", 1, MOST)?);
    let id = add(book, desk, amount, &currency, (&operator, &phone(call)?), details);
    if operator != "MOCK" {
        desk.later(STEP, Task::Payment(id.clone()));
    }
    one(&book.payments, &id, "Payment")
}

/// What a merchant may say about a payment.
#[derive(Default)]
pub(super) struct Details {
    pub external_id: Option<String>,
    pub description: Option<String>,
    pub statement_descriptor: Option<String>,
    pub customer_id: Option<String>,
    pub metadata: Map<String, Value>,
}

/// Puts a new payment down, tells of it, and gives its id back. The fee is the 2 % of the published example.
pub(super) fn add(
    book: &mut Book,
    desk: &mut Desk<'_>,
    amount: Amount,
    currency: &str,
    (operator, phone): (&str, &str),
    details: Details,
) -> String {
    let (id, time, fee) = (desk.chance.id("pi_"), desk.time(), amount.0 * 2 / 100);
    let life = desk.settings.payment_life.as_secs_f64();
    let payment = Payment {
        id: id.clone(),
        external_id: details.external_id,
        amount,
        currency: currency.to_owned(),
        fee_amount: Amount(fee),
        net_amount: Amount(amount.0 - fee),
        operator: operator.to_owned(),
        operator_phone: phone.to_owned(),
        operator_tx_id: None,
        status: Status::Created,
        failure_code: None,
        failure_message: None,
        description: details.description,
        statement_descriptor: details.statement_descriptor,
        customer_id: details.customer_id,
        metadata: details.metadata,
        expires_at: Some(written(desk.after(life))),
        created_at: time.clone(),
        updated_at: time,
    };
    tell(book, desk, "payment.created", &payment);
    book.payments.add(payment);
    desk.later(life, Task::PaymentExpiry(id.clone()));
    id
}

/// A phone number in E.164.
fn phone(call: &Call) -> Result<String, Refusal> {
    let phone = call.text("operatorPhone")?;
    let digits = phone.strip_prefix('+').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    if digits.is_none_or(|digits| !(7..=15).contains(&digits.len())) {
        return Err(Refusal::invalid("operatorPhone", "operatorPhone must be in E.164, as in +2389001234"));
    }
    Ok(phone)
}

/// A look-up, which a fault may make contradict what the webhook said.
pub(super) fn get(book: &Book, desk: &mut Desk<'_>, id: &str) -> Result<Value, Refusal> {
    let mut found = one(&book.payments, id, "Payment")?;
    let is_open = book.payments.get(id).is_none_or(|payment| payment.status.is_open());
    if !is_open && contradicts(desk, &format!("/v1/payments/{id}")) {
        let other = if found["status"] == "FAILED" { "DEBITED" } else { "FAILED" };
        found["status"] = json!(other);
    }
    Ok(found)
}

/// Plays the customer's confirmation: in the sandbox only, and there with the operator MOCK.
pub(super) fn confirm(book: &mut Book, desk: &mut Desk<'_>, id: &str) -> Result<Value, Refusal> {
    let payment = book.payments.get(id).ok_or_else(|| Refusal::not_found("Payment"))?;
    if payment.operator != "MOCK" {
        return Err(Refusal::conflict("Only payments with the operator MOCK can be confirmed"));
    }
    if !payment.status.is_open() {
        return Err(wrong_state(payment));
    }
    let end = if Destiny::of(&payment.operator_phone) == Destiny::Failure { Status::Failed } else { Status::Debited };
    set(book, desk, id, end);
    one(&book.payments, id, "Payment")
}

/// Cancels what is still open.
pub(super) fn cancel(book: &mut Book, desk: &mut Desk<'_>, id: &str) -> Result<Value, Refusal> {
    let payment = book.payments.get(id).ok_or_else(|| Refusal::not_found("Payment"))?;
    if !payment.status.is_open() {
        return Err(wrong_state(payment));
    }
    set(book, desk, id, Status::Cancelled);
    one(&book.payments, id, "Payment")
}

fn wrong_state(payment: &Payment) -> Refusal {
    Refusal::conflict(format!("Payment is {}", json!(payment.status).as_str().unwrap_or_default()))
}

/// Gives a payment a status, and tells of it.
pub(super) fn set(book: &mut Book, desk: &mut Desk<'_>, id: &str, status: Status) {
    let time = desk.time();
    let Some(payment) = book.payments.get_mut(id).filter(|payment| payment.status != status) else { return };
    payment.status = status;
    payment.updated_at = time;
    if status == Status::Failed {
        payment.failure_code = Some("EMULATED_FAILURE".to_owned());
        payment.failure_message = Some("The emulator let this payment fail".to_owned());
    }
    if status == Status::Debited && payment.operator_tx_id.is_none() {
        payment.operator_tx_id = Some(desk.chance.digits("operatorTxId", 10));
    }
    if !status.is_open() {
        payment.expires_at = None;
    }
    let payment = payment.clone();
    if let Some(event) = status.event() {
        tell(book, desk, event, &payment);
    }
}

/// The next step of a payment by a real operator.
pub(super) fn proceed(book: &mut Book, desk: &mut Desk<'_>, id: &str) {
    let Some(payment) = book.payments.get(id) else { return };
    let next = match (payment.status, Destiny::of(&payment.operator_phone)) {
        (Status::Created, _) => Status::OperatorPending,
        (Status::OperatorPending, _) => Status::UserConfirming,
        (Status::UserConfirming, Destiny::Failure) => Status::Failed,
        (Status::UserConfirming, Destiny::Success | Destiny::Reversal) => Status::Debited,
        _ => return,
    };
    set(book, desk, id, next);
    if next.is_open() {
        desk.later(STEP, Task::Payment(id.to_owned()));
    }
}

/// The time to confirm is over.
pub(super) fn run_out(book: &mut Book, desk: &mut Desk<'_>, id: &str) {
    if book.payments.get(id).is_some_and(|payment| payment.status.is_open()) {
        set(book, desk, id, Status::Expired);
    }
}

/// Any status at once.
pub(super) fn force(book: &mut Book, desk: &mut Desk<'_>, id: &str, status: &str) -> Result<Value, Refusal> {
    let status = serde_json::from_value(json!(status))
        .map_err(|_| Refusal::invalid("status", format!("a payment is never {status}")))?;
    set(book, desk, id, status);
    one(&book.payments, id, "Payment")
}
