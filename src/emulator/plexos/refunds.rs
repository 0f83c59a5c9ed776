//! Refunds. Their creation is spoken of, and its page was not found: path and body are guessed.
//! <https://docs.pay.plexos.io/pages/api/refunds/get>

use super::payments::{self, Status as Paid};
use super::{Amount, Book, MOST, one, tell};
use crate::emulator::agenda::Task;
use crate::emulator::call::{Call, Refusal};
use crate::emulator::desk::Desk;
use crate::emulator::shelf::Item;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The status of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in crate::emulator) enum Status {
    Pending,
    Processing,
    Succeeded,
    Failed,
}

/// A refund.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::emulator) struct Refund {
    pub id: String,
    pub payment_intent_id: String,
    pub amount: Amount,
    pub currency: String,
    pub status: Status,
    pub reason: Option<String>,
    failure_code: Option<String>,
    failure_message: Option<String>,
    operator_refund_id: Option<String>,
    metadata: Map<String, Value>,
    pub created_at: String,
    updated_at: String,
}

impl Item for Refund {
    fn id(&self) -> &str {
        &self.id
    }
}

/// The pause before each step, in seconds of the emulator's clock.
const STEP: f64 = 3.0;

/// A reason that lets a refund fail.
const FAILS: &str = "fail";

/// A new refund, of all that is left of a payment unless an amount is given.
pub(super) fn create(book: &mut Book, desk: &mut Desk<'_>, call: &Call) -> Result<Value, Refusal> {
    let of = call.text("paymentIntentId")?;
    let payment = book.payments.get(&of).ok_or_else(|| Refusal::not_found("Payment"))?;
    if !matches!(payment.status, Paid::Debited | Paid::Settled | Paid::PartiallyRefunded) {
        return Err(Refusal::conflict("Only a payment that was debited can be refunded"));
    }
    let left = payment.amount.0 - given_back(book, &of, |status| status != Status::Failed);
    let amount = if call.has("amount") { call.number("amount", 1, MOST)? } else { left };
    if amount > left || left == 0 {
        return Err(Refusal::conflict(format!("Only {left} of the payment are left")));
    }
    let time = desk.time();
    let refund = Refund {
        id: desk.chance.id("re_"),
        payment_intent_id: of,
        amount: Amount(amount),
        currency: payment.currency.clone(),
        status: Status::Pending,
        reason: call.optional("reason")?,
        failure_code: None,
        failure_message: None,
        operator_refund_id: None,
        metadata: call.metadata()?,
        created_at: time.clone(),
        updated_at: time,
    };
    tell(book, desk, "refund.created", &refund);
    desk.later(STEP, Task::Refund(refund.id.clone()));
    let answer = json!(refund);
    book.refunds.add(refund);
    Ok(answer)
}

/// What refunds of a payment add up to.
fn given_back(book: &Book, payment: &str, counts: impl Fn(Status) -> bool) -> i64 {
    let refunds = book.refunds.iter().filter(|refund| refund.payment_intent_id == payment && counts(refund.status));
    refunds.map(|refund| refund.amount.0).sum()
}

/// All, or those of one payment. <https://docs.pay.plexos.io/pages/api/refunds/list>
pub(super) fn list(book: &Book, call: &Call) -> Result<Value, Refusal> {
    let of = call.query("payment_intent_id");
    book.refunds.page(call, |refund| of.is_none_or(|of| of == refund.payment_intent_id))
}

/// The next step of a refund.
pub(super) fn proceed(book: &mut Book, desk: &mut Desk<'_>, id: &str) {
    let Some(refund) = book.refunds.get(id) else { return };
    let next = match refund.status {
        Status::Pending => Status::Processing,
        Status::Processing if refund.reason.as_deref() == Some(FAILS) => Status::Failed,
        Status::Processing => Status::Succeeded,
        Status::Succeeded | Status::Failed => return,
    };
    set(book, desk, id, next);
    if next == Status::Processing {
        desk.later(STEP, Task::Refund(id.to_owned()));
    }
}

/// Gives a refund a status, tells of it, and of what it makes of the payment.
fn set(book: &mut Book, desk: &mut Desk<'_>, id: &str, status: Status) {
    let time = desk.time();
    let Some(refund) = book.refunds.get_mut(id).filter(|refund| refund.status != status) else { return };
    refund.status = status;
    refund.updated_at = time;
    match status {
        Status::Failed => {
            refund.failure_code = Some("EMULATED_FAILURE".to_owned());
            refund.failure_message = Some("The emulator let this refund fail".to_owned());
        }
        Status::Succeeded => refund.operator_refund_id = Some(desk.chance.digits("operatorRefundId", 10)),
        Status::Pending | Status::Processing => {}
    }
    let refund = refund.clone();
    match status {
        Status::Succeeded => {
            tell(book, desk, "refund.succeeded", &refund);
            let back = given_back(book, &refund.payment_intent_id, |status| status == Status::Succeeded);
            let whole = book.payments.get(&refund.payment_intent_id).map_or(0, |payment| payment.amount.0);
            let paid = if back >= whole { Paid::Refunded } else { Paid::PartiallyRefunded };
            payments::set(book, desk, &refund.payment_intent_id, paid);
        }
        Status::Failed => tell(book, desk, "refund.failed", &refund),
        Status::Pending | Status::Processing => {}
    }
}

/// Any status at once.
pub(super) fn force(book: &mut Book, desk: &mut Desk<'_>, id: &str, status: &str) -> Result<Value, Refusal> {
    let status = serde_json::from_value(json!(status))
        .map_err(|_| Refusal::invalid("status", format!("a refund is never {status}")))?;
    set(book, desk, id, status);
    one(&book.refunds, id, "Refund")
}
