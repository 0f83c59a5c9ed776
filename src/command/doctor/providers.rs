//! Checks each provider's API for which a key is set: that it answers, accepts the key, and agrees
//! about the time.

use super::{DoctorFinding, Severity};
use crate::command::Session;
use crate::command::shared::api::{ApiArgs, ApiClient};
use crate::model::error::Result;
use crate::model::exchange::Answer;
use crate::model::signature::DEFAULT_TOLERANCE;
use crate::model::timestamp::{self, SignedDuration, Timestamp};
use crate::provider::api::{self, ApiCall};
use crate::provider::{self, Provider};

const API: &str = "API";

const TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
/// Largest clock difference that is fine. The `Date` header has whole seconds, and the answer takes
/// some time.
const MAX_CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_secs(30);

pub(super) fn check(session: &Session<'_>) -> Vec<DoctorFinding> {
    let has_key = |provider: &&&'static dyn Provider| session.world.env_var(provider.key_variable()).is_some();
    let check_provider = |provider: &&'static dyn Provider| {
        check_provider(*provider, session)
            .unwrap_or_else(|error| vec![DoctorFinding::from_error(API, provider.title(), &error)])
    };
    provider::ALL.iter().filter(has_key).flat_map(check_provider).collect()
}

fn check_provider(provider: &'static dyn Provider, session: &Session<'_>) -> Result<Vec<DoctorFinding>> {
    let client = ApiClient::new(provider, &ApiArgs::with_timeout(TIMEOUT), session)?;
    let sent = client.send(&ApiCall::get(provider.api().probe_path), session)?;
    let now = session.world.now();
    let host = client.base.host_str().unwrap_or_default();
    Ok(match sent.answer {
        Err(failure) => {
            let message = format!("can't reach {host}: {failure}");
            let clock = DoctorFinding::new(API, Severity::Note, clock_subject(provider), "not checked: no answer");
            vec![DoctorFinding::new(API, Severity::Note, provider.title(), message), clock]
        }
        Ok(answer) => vec![check_answer(provider, host, &answer, now), check_clock(provider, &answer, now)],
    })
}

fn check_answer(provider: &dyn Provider, host: &str, answer: &Answer, now: Timestamp) -> DoctorFinding {
    let finding = |severity, message: String| DoctorFinding::new(API, severity, provider.title(), message);
    match answer.status.0 {
        200..300 => match api::parse_response(provider, answer, now) {
            Ok(_) => finding(Severity::Ok, format!("{host} accepts the key")),
            Err(error) => {
                let cause = error.to_error(provider, "").cause().unwrap_or_default();
                let variable = provider.api().base_variable;
                finding(Severity::Problem, format!("{host} answered, but not like {}: {cause}", provider.title()))
                    .hint(format!("check {variable}"))
            }
        },
        status @ (401 | 403) => {
            finding(Severity::Problem, format!("{host} rejected the key ({status})")).hint(provider.status_hint(status))
        }
        status => finding(Severity::Note, format!("{host} answered {status}: the key could not be checked")),
    }
}

fn clock_subject(provider: &dyn Provider) -> String {
    format!("clock of {}", provider.title())
}

/// Compares the clock with the `Date` header of an answer.
fn check_clock(provider: &dyn Provider, answer: &Answer, now: Timestamp) -> DoctorFinding {
    let finding = |severity, message: String| DoctorFinding::new(API, severity, clock_subject(provider), message);
    let date = answer.headers.get("date").and_then(|value| std::str::from_utf8(value).ok());
    let theirs = date.and_then(|text| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok());
    let Some(theirs) = theirs else {
        return finding(Severity::Note, "not checked: the answer has no valid Date header".to_owned());
    };
    let off = now.duration_since(theirs);
    let direction = if off.is_negative() { "behind" } else { "ahead" };
    let difference = timestamp::format_duration(off.abs());
    if off.abs() <= MAX_CLOCK_DIFFERENCE {
        return finding(Severity::Ok, "agrees within 30 s".to_owned());
    }
    let severity = if off.abs() > DEFAULT_TOLERANCE / 2 { Severity::Problem } else { Severity::Note };
    finding(
        severity,
        format!("this machine's clock is {difference} {direction}; signed timestamps may be off by at most 5 minutes"),
    )
    .hint("synchronize the clock: timedatectl set-ntp true")
}
