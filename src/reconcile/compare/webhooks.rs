//! Reads the captured webhooks about a record: what they report, and whether the app took it.
//!
//! Only verified webhooks count as evidence; anyone may have sent the others.

use super::{Class, Comparer, MissedOutcome, Webhooks};
use crate::model::stored::{AppState, CaptureId, DeliverySummary};
use crate::model::verdict::VerdictCode;
use crate::provider::record::{AmountKind, ExpectedEvent, RecordState, RecordStatus};

/// The captured webhooks, as evidence of a recorded outcome.
pub(super) struct Delivered {
    /// The answer to each webhook of the outcome, oldest first. An error describes one that is not
    /// 2xx.
    pub(super) reporting: Vec<Result<(), String>>,
    /// The newest verified webhook that has the outcome and the amount of the record.
    exact: Option<CaptureId>,
    /// Type and verdict of the newest webhook that was refused but claims the outcome.
    refused: Option<(String, VerdictCode)>,
    /// The status in the newest verified webhook.
    last_status: Option<String>,
}

impl Delivered {
    /// Describes the last answer to the webhooks that report the outcome, if none was accepted.
    pub(super) fn app_fault(&self) -> Option<&str> {
        let faults: Option<Vec<&str>> =
            self.reporting.iter().map(|answer| answer.as_ref().err().map(String::as_str)).collect();
        faults?.last().copied()
    }

    pub(super) fn missed(&self) -> MissedOutcome {
        self.exact.map_or(MissedOutcome::Uncaptured, MissedOutcome::Captured)
    }
}

/// Describes the answer to a delivery that was not accepted: that of the app, or whtool's own if
/// nothing was forwarded.
fn check_answer(delivery: &DeliverySummary) -> Result<(), String> {
    if delivery.answer.is_success() && !delivery.app.is_failure() {
        return Ok(());
    }
    Err(match delivery.app {
        AppState::NoAnswer => "the app did not answer".to_owned(),
        AppState::Answered(status) => format!("the app answered {status}"),
        AppState::NotAsked => format!("whtool answered {}", delivery.answer.code()),
    })
}

impl Comparer<'_> {
    /// Compares the contents of verified webhooks with the record, and collects what they report.
    pub(super) fn read_webhooks(&mut self, webhooks: &Webhooks) -> Delivered {
        let deliveries = webhooks.deliveries.iter().map(|found| &found.summary);
        let (verified, refused): (Vec<_>, Vec<_>) = deliveries.partition(|delivery| delivery.verdict.is_verified());
        for delivery in &verified {
            self.compare_webhook_status(delivery);
            self.compare_amount("webhook", delivery.money.as_ref());
        }
        let reports = |delivery: &&&DeliverySummary| self.reports_outcome(delivery);
        let refused = refused.iter().rfind(reports);
        Delivered {
            reporting: verified.iter().filter(reports).map(|delivery| check_answer(delivery)).collect(),
            exact: verified.iter().rfind(|delivery| self.is_exact(delivery)).map(|delivery| delivery.id),
            refused: refused.map(|last| (last.kind.clone().unwrap_or("a webhook".to_owned()), last.verdict)),
            last_status: verified.iter().rev().find_map(|delivery| delivery.status.clone()),
        }
    }

    fn status_of(&self, delivery: &DeliverySummary) -> RecordStatus {
        delivery.status.as_deref().map_or(RecordStatus::UNKNOWN, |status| self.provider.parse_status(status))
    }

    /// Reports a webhook whose outcome can't lead to the recorded one.
    fn compare_webhook_status(&mut self, delivery: &DeliverySummary) {
        let (webhook, current) = (self.status_of(delivery), self.record.parsed_status);
        if !webhook.state.is_final() || current.state == RecordState::Unknown {
            return;
        }
        let is_ahead = webhook.state == current.state && webhook.rank > current.rank;
        if is_ahead || (webhook.state != current.state && !webhook.state.can_become(current.state)) {
            let status = delivery.status.as_deref().unwrap_or_default();
            let reason = format!("a webhook says {status}, the record says {}", self.record.status);
            self.add(Class::StatusDiffers, reason);
        }
    }

    /// Returns true if a webhook reports the recorded outcome. If that outcome has no event of its
    /// own, the success before it counts.
    fn reports_outcome(&self, delivery: &DeliverySummary) -> bool {
        let (webhook, current) = (self.status_of(delivery).state, self.record.parsed_status.state);
        let is_indirect = self.record.expected_event == ExpectedEvent::OtherObject;
        webhook == current || (is_indirect && webhook.is_final() && webhook.can_become(current))
    }

    /// Returns true if a webhook has outcome and amount of the record, so that it may be sent again.
    fn is_exact(&self, delivery: &DeliverySummary) -> bool {
        let is_same_amount = match (&delivery.money, &self.record.money) {
            (Some(money), Some(recorded)) if self.record.amount == AmountKind::Same => {
                money.minor == recorded.minor
                    && (money.currency.is_empty() || money.currency.eq_ignore_ascii_case(&recorded.currency))
            }
            _ => true,
        };
        self.status_of(delivery).state == self.record.parsed_status.state && is_same_amount
    }

    /// Reports a recorded outcome that no webhook reported, or that the app did not accept. Nothing
    /// else says what the app has taken.
    pub(super) fn judge_by_captures(&mut self, delivered: &Delivered) {
        if !delivered.reporting.is_empty() {
            if delivered.app_fault().is_some() {
                self.assessment.missed = Some(delivered.missed());
            }
            return self.explain(delivered);
        }
        if self.assessment.has(Class::StatusDiffers) {
            return;
        }
        if delivered.refused.is_some() {
            self.assessment.missed = Some(MissedOutcome::Uncaptured);
            return self.explain(delivered);
        }
        let last = delivered.last_status.as_ref();
        let last = last.map(|status| format!("; the last webhook says {status}")).unwrap_or_default();
        let reason = match self.record.expected_event {
            ExpectedEvent::MaybeSent(_) => return,
            ExpectedEvent::Sent(kind) => format!("no {kind} was captured{last}"),
            ExpectedEvent::OtherObject => format!("no webhook reports the outcome{last}"),
        };
        self.assessment.missed = Some(MissedOutcome::Uncaptured);
        self.add(Class::NeverDelivered, reason);
    }

    /// Reports what the captures show about an outcome that the app may have missed.
    pub(super) fn explain(&mut self, delivered: &Delivered) {
        if let Some(fault) = delivered.app_fault() {
            self.add(Class::AppDidNotTake, fault.to_owned());
        } else if let (true, Some((kind, verdict))) = (delivered.reporting.is_empty(), &delivered.refused) {
            self.add(Class::DeliveredRefused, format!("{kind} arrived but was refused: {verdict}"));
        }
    }
}
