//! `listen --answer`: a script of statuses for verified events, to see how a provider retries.

use crate::command::shared::target;
use crate::command::{Session, confirm};
use crate::model::error::Result;
use crate::model::secret::{Secret, SecretOrigin};
use crate::provider;
use crate::webhook::route;
use std::str::FromStr;
use url::Url;

/// Statuses for verified events, in order; the last one is for all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AnswerScript(pub(super) Vec<u16>);

impl FromStr for AnswerScript {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let status = |text: &str| text.parse().ok().filter(|status| (200..600).contains(status));
        let statuses: Option<Vec<u16>> = route::list_elements(text).map(status).collect();
        let statuses = statuses.filter(|statuses| !statuses.is_empty());
        statuses.map(Self).ok_or_else(|| "expected statuses from 200 to 599, such as 503,503,200".to_owned())
    }
}

impl AnswerScript {
    /// Asks before real events may be refused: a live API key is set.
    pub(super) fn confirm(&self, yes: bool, session: &Session<'_>) -> Result<()> {
        let refuses = self.0.iter().any(|status| !(200..300).contains(status));
        let is_live = |provider: &&&dyn provider::Provider| {
            let (api, variable) = (provider.api(), provider.key_variable());
            let base = session.world.env_var(api.base_variable).and_then(|text| Url::parse(&text).ok());
            let key = session.world.env_var(variable).map(|key| {
                let origin = SecretOrigin::Environment { variable: variable.to_owned(), position: 0 };
                Secret::new(provider.name(), origin, key.trim())
            });
            key.is_some_and(|key| api.is_live(&key))
                && !base.is_some_and(|base| target::is_this_machine(&base, session))
        };
        match provider::ALL.iter().find(is_live).filter(|_| refuses && !yes) {
            Some(provider) => {
                let title = provider.title();
                let question = format!(
                    "--answer with a live key of {title}: it retries real events that are refused, and may disable \
                     the endpoint"
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
