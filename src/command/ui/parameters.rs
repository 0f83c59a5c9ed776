//! Parameters of query strings and forms, and the filters among them.

use super::reply::Failure;
use crate::command::join_lists;
use crate::command::shared::captures::{Filters, rename_provider_flag};
use clap::{ArgAction, Args, Command, FromArgMatches};
use url::form_urlencoded;

/// Most filters and most types in one request: a query of the store has limits.
const MAX_FILTERS: usize = 100;

/// Names and values of a query string or a form, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn read(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// Returns the last value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().filter(|(known, _)| *known == name).map(|(_, value)| value).last()
    }

    /// Returns a whole number. Another value is a bad request.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Failure> {
        let number = |text: &str| text.parse().ok().filter(|number| *number >= 0);
        let bad = || Failure::bad_request(format!("`{name}` must be a whole number"));
        let value = self.get(name).map(|text| number(text).ok_or_else(bad));
        value.transpose()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Reads filters with the parser of the command line, so that names, values and errors are those of
/// `events`. A flag is given by an empty value, `1` or `true`.
pub(super) fn read_filters<'p>(parameters: impl Iterator<Item = (&'p str, &'p str)>) -> Result<Filters, String> {
    let command = filter_command();
    let mut words = Vec::new();
    for (name, value) in parameters {
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(name));
        let arg = arg.ok_or_else(|| format!("there is no parameter `{name}`"))?;
        match (arg.get_action(), value) {
            (ArgAction::SetTrue, "" | "1" | "true") => words.push(format!("--{name}")),
            (ArgAction::SetTrue, "0" | "false") => {}
            (ArgAction::SetTrue, _) => return Err(format!("`{name}` must be true or false")),
            _ => words.push(format!("--{name}={value}")),
        }
    }
    if words.len() > MAX_FILTERS {
        return Err(format!("there are more than {MAX_FILTERS} filters"));
    }
    let matches = command.try_get_matches_from(words).map_err(|error| first_line(&error))?;
    let filters = Filters::from_arg_matches(&matches).map_err(|error| first_line(&error))?;
    if join_lists(&filters.kinds).len() > MAX_FILTERS {
        return Err(format!("there are more than {MAX_FILTERS} types"));
    }
    Ok(filters)
}

/// Returns a command whose flags are the filters.
pub(super) fn filter_command() -> Command {
    let command = Command::new("events").no_binary_name(true).disable_help_flag(true).args_override_self(true);
    Filters::augment_args(command).mut_arg("from_provider", rename_provider_flag)
}

/// Returns what is wrong, without the usage of a command line.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    // `invalid value 'x' for '--since <TIME>': …` is about a parameter here.
    line.replacen("'--", "'", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Filters, String> {
        read_filters(Parameters::read(text.as_bytes()).iter())
    }

    #[test]
    fn filters_have_the_names_and_values_of_the_flags() {
        let filters = read("type=payment.*&type=refund.failed&provider=plexos&failed&grep=a+b%26&limit=7").unwrap();
        assert_eq!((filters.failed, filters.grep.as_deref(), filters.limit), (true, Some("a b&"), Some(7)));
        assert_eq!((filters.kinds.len(), filters.provider.map(|provider| provider.name())), (2, Some("plexos")));
        assert!(!read("failed=false").unwrap().failed);
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn an_unknown_name_or_value_is_an_error_that_names_it() {
        for (text, expected) in [
            ("x=1", "there is no parameter `x`"),
            ("from-provider=plexos", "there is no parameter `from-provider`"),
            ("failed=maybe", "`failed` must be true or false"),
            ("since=30", "invalid value '30' for 'since <TIME>'"),
            ("provider=x", "invalid value 'x' for 'provider <PROVIDER>'"),
            ("verdict=good", "invalid value 'good' for 'verdict <VERDICT>'"),
            ("limit=-1", "invalid value '-1' for 'limit <N>'"),
        ] {
            let error = read(text).map(|_| ()).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_value_is_never_taken_for_a_flag() {
        let filters = read("grep=--failed&reference=-n5").unwrap();
        assert_eq!((filters.grep.as_deref(), filters.reference.as_deref()), (Some("--failed"), Some("-n5")));
        assert!(!filters.failed && filters.limit.is_none());
    }
}
