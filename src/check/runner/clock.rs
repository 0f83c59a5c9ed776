//! Finds out whether a handler rejects every event since its clock or its time zone is wrong, or
//! since it expects the timestamp in another form.
//!
//! Correctly signed events with timestamps in past and future show what the handler takes for the
//! current time: the middle between the oldest and the newest timestamp that it accepts.

use super::refusal::ProvedMistake;
use super::state::ProbeRunner;
use crate::check::refusal::ResponseWords;
use crate::check::types::ProbeExchange;
use crate::diagnose::Cause;
use crate::diagnose::oracle::{TimeForm, clock_cause, clock_offsets, time_forms};
use crate::model::error::Result;

/// Step between offsets of time zones, in seconds.
const ZONE_STEP: i64 = 30 * 60;
/// The tolerance that is assumed if a handler accepts every timestamp in the future.
const USUAL_TOLERANCE: i64 = 300;

/// Number of attempts to send a timestamp in another form. A handler may accept it for 300 ms.
const FORM_ATTEMPTS: usize = 3;

impl ProbeRunner<'_> {
    /// Sends events with timestamps in other forms, which are one mistake or, with another one,
    /// `mistakes`. `None`: they do not explain the rejection.
    pub fn find_time_form(&mut self, mistakes: usize, refusal: &ResponseWords) -> Result<Option<ProvedMistake>> {
        let forms = time_forms(self.plan.provider, self.client.now());
        for (at, _) in forms.iter().enumerate().filter(|(_, form)| form.causes.len() == mistakes) {
            let Some((exchange, causes)) = self.try_time_form(at, false, refusal)? else { continue };
            let words = ResponseWords::of(&exchange.response);
            // A forged event must be rejected whenever it arrives.
            let forged = self.try_time_form(at, true, refusal)?.map(|(forged, _)| forged.response);
            if forged.is_none_or(|forged| !forged.is_success() && ResponseWords::of(&forged) != words) {
                let is_accepted = exchange.response.is_success();
                return Ok(Some(ProvedMistake { causes, exchange, is_accepted }));
            }
        }
        Ok(None)
    }

    /// Sends events with this form of timestamp until one gets another response than a correct
    /// event. `None`: none did.
    fn try_time_form(
        &mut self,
        at: usize,
        is_forged: bool,
        refusal: &ResponseWords,
    ) -> Result<Option<(ProbeExchange, Vec<Cause>)>> {
        for _ in 0..FORM_ATTEMPTS {
            let mut builder = self.request_builder();
            let Some(form) = time_forms(builder.provider, builder.now).into_iter().nth(at) else { break };
            let TimeForm { header, prefix, causes } = form;
            let draft = builder.event_signed_with_prefix(&prefix).with_header(builder.timestamp_header(), header);
            let draft = if is_forged { draft.with_other_digit(builder.signature_header()) } else { draft };
            let exchange = self.send_one(draft)?;
            if ResponseWords::of(&exchange.response) != *refusal {
                return Ok(Some((exchange, causes)));
            }
        }
        Ok(None)
    }

    /// Sends correct events with other timestamps. `None`: the clock does not explain the
    /// rejection.
    pub fn find_clock(&mut self, refusal: &ResponseWords) -> Result<Option<ProvedMistake>> {
        for offset in clock_offsets() {
            if ResponseWords::of(&self.send_aged_event(-offset)?.response) == *refusal {
                continue;
            }
            if let Some(exchange) = self.confirm_offset(offset, refusal)? {
                let (offset, is_exact) = self.measure_offset(offset, refusal)?;
                let is_accepted = exchange.response.is_success();
                return Ok(Some(ProvedMistake { causes: vec![clock_cause(offset, is_exact)], exchange, is_accepted }));
            }
        }
        Ok(None)
    }

    /// Checks that a correct event with this timestamp gets another response than a forged one.
    fn confirm_offset(&mut self, offset: i64, refusal: &ResponseWords) -> Result<Option<ProbeExchange>> {
        let name = self.plan.provider.signature_header();
        let mut builder = self.request_builder();
        let body = builder.signed_event().body;
        let draft = builder.sign_body_at(&builder.timestamp_in(offset), body);
        let forged = draft.clone().with_other_digit(name);
        let forged = ResponseWords::of(&self.send_one(forged)?.response);
        let exchange = self.send_one(draft)?;
        let words = ResponseWords::of(&exchange.response);
        Ok((words != *refusal && words != forged).then_some(exchange))
    }

    /// Returns the seconds by which the clock is ahead, given a timestamp that is accepted; and
    /// whether both ends of the tolerance were found.
    fn measure_offset(&mut self, accepted: i64, refusal: &ResponseWords) -> Result<(i64, bool)> {
        let (sign, distance) = (accepted.signum(), accepted.abs());
        let mut is_accepted = |distance: i64| -> Result<bool> {
            let exchange = self.send_aged_event(-sign * distance)?;
            Ok(ResponseWords::of(&exchange.response) != *refusal)
        };
        let near = bisect(distance, (distance - ZONE_STEP).max(0), &mut is_accepted)?;
        if is_accepted(distance + ZONE_STEP)? {
            return Ok((sign * (near + USUAL_TOLERANCE), false));
        }
        let far = bisect(distance, distance + ZONE_STEP, &mut is_accepted)?;
        Ok((sign * i64::midpoint(near, far), true))
    }
}

/// Returns the last value from `accepted` towards `rejected` that is accepted.
fn bisect(mut accepted: i64, mut rejected: i64, is_accepted: &mut dyn FnMut(i64) -> Result<bool>) -> Result<i64> {
    while (rejected - accepted).abs() > 1 {
        let middle = i64::midpoint(accepted, rejected);
        if is_accepted(middle)? {
            accepted = middle;
        } else {
            rejected = middle;
        }
    }
    Ok(accepted)
}
