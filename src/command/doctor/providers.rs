//! The providers' APIs, where a key is set: do they answer, is the key taken, do the clocks agree.

use super::{Finding, Grade};
use crate::command::Session;
use crate::command::shared::api::{ApiArgs, ApiClient};
use crate::model::error::Result;
use crate::model::exchange::Answer;
use crate::model::signature::DEFAULT_TOLERANCE;
use crate::model::timestamp::{self, SignedDuration, Timestamp};
use crate::provider::api::{self, ApiCall};
use crate::provider::{self, Provider};

const API: &str = "API";

/// How long a provider may take.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// A clock that is off by more than this should be set; a header tells whole seconds, and the answer takes its time.
const OFF: SignedDuration = SignedDuration::from_secs(30);

/// Asks every provider of which a key is set.
pub(super) fn look(session: &Session<'_>) -> Vec<Finding> {
    let has_key = |provider: &&&'static dyn Provider| session.world.env_var(provider.key_variable()).is_some();
    let look_at = |provider: &&'static dyn Provider| {
        look_at(*provider, session).unwrap_or_else(|error| vec![Finding::of_error(API, provider.title(), &error)])
    };
    provider::ALL.iter().filter(has_key).flat_map(look_at).collect()
}

fn look_at(provider: &'static dyn Provider, session: &Session<'_>) -> Result<Vec<Finding>> {
    let access = ApiClient::new(provider, &ApiArgs::with_timeout(PATIENCE), session)?;
    let sent = access.send(&ApiCall::get(provider.api().probe_path), session)?;
    let now = session.world.now();
    let host = access.base.host_str().unwrap_or_default();
    Ok(match sent.answer {
        Err(failure) => {
            let what = format!("{host} was not reached: {failure}");
            let unknown = Finding::new(API, Grade::Note, clock_of(provider), "not compared: there was no answer");
            vec![Finding::new(API, Grade::Note, provider.title(), what), unknown]
        }
        Ok(answer) => vec![of_answer(provider, host, &answer, now), of_clock(provider, &answer, now)],
    })
}

fn of_answer(provider: &dyn Provider, host: &str, answer: &Answer, now: Timestamp) -> Finding {
    let finding = |grade, what: String| Finding::new(API, grade, provider.title(), what);
    match answer.status.0 {
        200..300 => match api::parse_response(provider, answer, now) {
            Ok(_) => finding(Grade::Good, format!("{host} takes the key")),
            Err(unfit) => {
                let why = unfit.to_error(provider, "").cause().unwrap_or_default();
                let variable = provider.api().base_variable;
                finding(Grade::Bad, format!("{host} answers, but not like {}: {why}", provider.title()))
                    .hint(format!("is {variable} right?"))
            }
        },
        status @ (401 | 403) => {
            finding(Grade::Bad, format!("{host} refuses the key ({status})")).hint(provider.status_hint(status))
        }
        status => finding(Grade::Note, format!("{host} answers {status}: whether it takes the key is not known")),
    }
}

fn clock_of(provider: &dyn Provider) -> String {
    format!("clock of {}", provider.title())
}

/// The clocks, by the answer's `Date`.
fn of_clock(provider: &dyn Provider, answer: &Answer, now: Timestamp) -> Finding {
    let finding = |grade, what: String| Finding::new(API, grade, clock_of(provider), what);
    let date = answer.headers.get("date").and_then(|value| std::str::from_utf8(value).ok());
    let theirs = date.and_then(|text| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok());
    let Some(theirs) = theirs else { return finding(Grade::Note, "not compared: the answer tells no time".to_owned()) };
    let off = now.duration_since(theirs);
    let how = if off.is_negative() { "behind" } else { "ahead" };
    let spoken = timestamp::format_duration(off.abs());
    if off.abs() <= OFF {
        return finding(Grade::Good, "agrees within half a minute".to_owned());
    }
    let grade = if off.abs() > DEFAULT_TOLERANCE / 2 { Grade::Bad } else { Grade::Note };
    finding(grade, format!("this machine's clock is {spoken} {how}: signed times are held to 5 minutes"))
        .hint("set the clock by the network: timedatectl set-ntp true")
}
