//! `listen --answer`: a script of statuses for verified events, to see how a provider retries.

use crate::command::shared::secrets::Secrets;
use crate::command::shared::{registry, target};
use crate::command::{Session, confirm};
use crate::model::error::Result;
use crate::model::sanitize::escape_unsafe;
use crate::model::secret_text::trim_invisible;
use crate::provider::{self, Provider};
use crate::settings::registry::Mode;
use crate::webhook::route;
use std::str::FromStr;
use url::Url;

/// Statuses for verified events, in order; the last one is for all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AnswerScript(pub(super) Vec<u16>);

impl FromStr for AnswerScript {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let status = |text: &str| text.parse::<u16>().ok().filter(|status| (200..600).contains(status));
        let statuses: Option<Vec<u16>> = route::list_elements(text).map(status).collect();
        let statuses = statuses.filter(|statuses| !statuses.is_empty());
        statuses.map(Self).ok_or_else(|| "expected statuses from 200 to 599, such as 503,503,200".to_owned())
    }
}

impl AnswerScript {
    /// Asks before real events may be refused: there is a live API key, or an endpoint that was
    /// registered with one.
    pub(super) fn confirm(&self, secrets: &Secrets, yes: bool, session: &Session<'_>) -> Result<()> {
        let refuses = self.0.iter().any(|status| !(200..300).contains(status));
        if !refuses || yes {
            return Ok(());
        }
        let live =
            |provider: &&dyn Provider| live_access(*provider, secrets, session).map(|what| (provider.title(), what));
        match provider::ALL.iter().find_map(live) {
            Some((title, what)) => {
                let question = format!(
                    "--answer with {what} of {title}: it retries real events that are refused, and may disable the \
                     endpoint"
                );
                confirm(session, &question, "live")
            }
            None => Ok(()),
        }
    }

    /// Describes the script: `503, 503, then 200`.
    pub(super) fn words(&self) -> String {
        let mut words: Vec<_> = self.0.iter().map(u16::to_string).collect();
        let last = words.pop().unwrap_or_default();
        if words.is_empty() { last } else { format!("{}, then {last}", words.join(", ")) }
    }
}

/// Names what connects this machine with real events of a provider. `None`: nothing is known to.
fn live_access(provider: &dyn Provider, secrets: &Secrets, session: &Session<'_>) -> Option<String> {
    let api = provider.api();
    let is_emulated = |base: &str| Url::parse(base).is_ok_and(|base| target::is_this_machine(&base, session));
    let is_api_emulated = session.world.env_var(api.base_variable).is_some_and(|base| is_emulated(&base));
    if !is_api_emulated
        && secrets.bytes().any(|bytes| trim_invisible(bytes).starts_with(api.live_key_prefix.as_bytes()))
    {
        return Some("a live key".to_owned());
    }
    // A registry that can't be read was reported when the secrets were loaded.
    let registry = registry::read(session).unwrap_or_default();
    let mut live = registry.endpoints.iter().filter(|endpoint| {
        endpoint.provider == provider.name() && endpoint.mode == Mode::Live && !is_emulated(&endpoint.base)
    });
    live.next().map(|endpoint| format!("the live endpoint {}", escape_unsafe(&endpoint.id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_a_list_of_statuses() {
        assert_eq!("503, 503,200".parse(), Ok(AnswerScript(vec![503, 503, 200])));
        assert_eq!("503, 503,200".parse::<AnswerScript>().unwrap().words(), "503, 503, then 200");
        assert_eq!("429".parse::<AnswerScript>().unwrap().words(), "429");
        for text in ["", ",", "100", "600", "ok", "503;200", "-200"] {
            assert!(text.parse::<AnswerScript>().is_err(), "{text}");
        }
    }
}
