//! Settlements: what was debited and not paid out yet, in one batch. <https://docs.pay.plexos.io/pages/api/settlements/process>

use super::payments::{self, Status as Paid};
use super::{Amount, Answer, Book, CURRENCIES, one, tell};
use crate::emulator::agenda::Task;
use crate::emulator::call::{Call, Refusal};
use crate::emulator::desk::Desk;
use crate::emulator::shelf::Item;
use crate::model::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A settlement, with the fields of <https://docs.pay.plexos.io/pages/api/settlements/list>.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::emulator) struct Settlement {
    id: String,
    merchant_id: String,
    amount: Amount,
    fee_total: Amount,
    net_amount: Amount,
    currency: String,
    amount_formatted: String,
    net_amount_formatted: String,
    status: String,
    period_start: String,
    period_end: String,
    payout_ref: Option<String>,
    item_count: usize,
    created_at: String,
    processed_at: Option<String>,
    completed_at: Option<String>,
}

impl Item for Settlement {
    fn id(&self) -> &str {
        &self.id
    }
}

/// How long a settlement takes, in seconds of the emulator's clock.
const TAKES: f64 = 5.0;

/// Starts a settlement of all debited payments in a currency, which are settled when it is done. 204: there are none.
pub(super) fn process(book: &mut Book, desk: &mut Desk<'_>, call: &Call) -> Answer {
    let currency = call.one_of("currency", CURRENCIES)?;
    if book.settlements.iter().any(|other| other.status == "PROCESSING" && other.currency == currency) {
        return Err(Refusal::conflict("A settlement in this currency is being processed"));
    }
    let due: Vec<_> = debited(book, &currency).collect();
    let Some(first) = due.first() else { return Ok((204, Value::Null)) };
    let (amount, fee): (i64, i64) =
        (due.iter().map(|one| one.amount.0).sum(), due.iter().map(|one| one.fee_amount.0).sum());
    let formatted = |minor: i64| Money { minor: minor.into(), currency: currency.clone() }.to_string();
    let formatted = |minor| formatted(minor).split(" (").next().unwrap_or_default().to_owned();
    let (id, time) = (desk.chance.id("se_"), desk.time());
    let settlement = Settlement {
        id: id.clone(),
        merchant_id: "me_emulated".to_owned(),
        amount: Amount(amount),
        fee_total: Amount(fee),
        net_amount: Amount(amount - fee),
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
    book.batches.insert(id.clone(), batch);
    book.settlements.add(settlement);
    desk.later(TAKES, Task::Settlement(id.clone()));
    Ok((200, one(&book.settlements, &id, "Settlement")?))
}

fn debited<'b>(book: &'b Book, currency: &str) -> impl Iterator<Item = &'b payments::Payment> {
    book.payments.iter().filter(move |payment| payment.status == Paid::Debited && payment.currency == currency)
}

/// All, or those of one status.
pub(super) fn list(book: &Book, call: &Call) -> Result<Value, Refusal> {
    let wanted = call.query("status");
    book.settlements.page(call, |settlement| wanted.is_none_or(|status| json!(settlement.status) == status))
}

/// The settlement is done: what was debited when it began is settled.
pub(super) fn complete(book: &mut Book, desk: &mut Desk<'_>, id: &str) {
    for payment in book.batches.remove(id).unwrap_or_default() {
        if book.payments.get(&payment).is_some_and(|payment| payment.status == Paid::Debited) {
            payments::set(book, desk, &payment, Paid::Settled);
        }
    }
    let time = desk.time();
    let payout = desk.chance.digits("payoutRef", 8);
    let Some(settlement) = book.settlements.get_mut(id) else { return };
    settlement.status = "COMPLETED".to_owned();
    settlement.payout_ref = Some(payout);
    settlement.completed_at = Some(time);
    let settlement = settlement.clone();
    tell(book, desk, "settlement.completed", &settlement);
}
