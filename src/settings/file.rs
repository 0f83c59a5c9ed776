//! Reading a settings file: TOML of known keys, and nothing in it that looks like a secret.

use super::option::{self, ProjectRule, Setting, ValueShape};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileScope {
    /// It came with a repository: a stranger may have written it.
    Project,
    /// The user's own.
    User,
}

/// A setting that a file makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSetting {
    /// Which.
    pub setting: &'static Setting,
    /// Its values, as texts.
    pub values: Vec<String>,
    /// The line, from 1.
    pub line: usize,
}

/// Why a settings file can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// It is not TOML.
    #[error("line {line}: {what}")]
    Syntax {
        /// From 1.
        line: usize,
        /// In the parser's words.
        what: String,
    },
    /// It holds what looks like a secret.
    #[error("line {line} holds what looks like a secret ({start}…)")]
    Secret {
        /// From 1.
        line: usize,
        /// How the text begins.
        start: &'static str,
    },
    /// There is no such setting.
    #[error("line {line}: there is no setting `{key}`")]
    UnknownKey {
        /// From 1.
        line: usize,
        /// As it was written.
        key: String,
        /// The setting that is called most like it.
        nearest: Option<&'static str>,
    },
    /// The value is of another kind.
    #[error("line {line}: `{key}` must be {wanted}")]
    WrongType {
        /// From 1.
        line: usize,
        /// The setting.
        key: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// A project file may not say that.
    #[error("line {line}: `{key}`: a project file may {}", .rule.rule())]
    NotForProjects {
        /// From 1.
        line: usize,
        /// The setting.
        key: &'static str,
        /// What it may say.
        rule: ProjectRule,
    },
}

impl SettingsError {
    /// What to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Secret { .. } => Some(
                "take it out, and make a new one at the provider if others saw the file; name a variable instead: secret-env = [\"SHOP_WEBHOOK_SECRET\"]"
                    .to_owned(),
            ),
            Self::UnknownKey { nearest: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::UnknownKey { .. } => Some("`whtool config show` lists the settings".to_owned()),
            Self::NotForProjects { key, .. } => Some(format!(
                "set it yourself: --{key}, {}, or the file that `whtool config path` names",
                option::by_key(key).map(Setting::variable).unwrap_or_default()
            )),
            Self::Syntax { .. } | Self::WrongType { .. } => None,
        }
    }
}

/// What API keys and signing secrets of the providers begin with.
const SECRETS: [&str; 5] = ["whsec_", "sk_live_", "sk_test_", "pk_live_", "pk_test_"];

/// Reads a file: each of its settings, or what is wrong with it. Where the file is no TOML, or holds a secret, nothing of it is read.
pub fn parse(text: &str, scope: FileScope) -> Result<Vec<Result<FileSetting, SettingsError>>, SettingsError> {
    refuse_secrets(text)?;
    let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| SettingsError::Syntax {
        line: line(error.span().map_or(0, |span| span.start)),
        what: error.message().lines().next().unwrap_or_default().to_owned(),
    })?;
    let entries = table.get_ref().iter();
    Ok(entries.map(|(key, value)| parse_entry(key.get_ref(), value, line(key.span().start), scope)).collect())
}

fn parse_entry(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    line: usize,
    scope: FileScope,
) -> Result<FileSetting, SettingsError> {
    let setting = option::by_key(key).ok_or_else(|| unknown_key(key, line))?;
    let values = values(setting, value).ok_or(SettingsError::WrongType {
        line,
        key: setting.key,
        wanted: if setting.is_list() { "a text or a list of texts" } else { "a text or a number" },
    })?;
    if scope == FileScope::Project && !values.iter().all(|value| setting.project_rule.allows(value)) {
        return Err(SettingsError::NotForProjects { line, key: setting.key, rule: setting.project_rule });
    }
    Ok(FileSetting { setting, values, line })
}

/// Also in comments and keys: what is in a file gets around.
fn refuse_secrets(text: &str) -> Result<(), SettingsError> {
    for (index, line) in text.lines().enumerate() {
        for start in SECRETS {
            let begins =
                |(at, _): (usize, &str)| line[at + start.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
            if line.match_indices(start).any(begins) {
                return Err(SettingsError::Secret { line: index + 1, start });
            }
        }
    }
    Ok(())
}

fn unknown_key(key: &str, line: usize) -> SettingsError {
    let likeness = |setting: &Setting| (strsim::jaro_winkler(key, setting.key), setting.key);
    let nearest = option::ALL.iter().map(likeness).max_by(|(one, _), (other, _)| one.total_cmp(other));
    let nearest = nearest.filter(|(likeness, _)| *likeness > 0.75).map(|(_, key)| key);
    SettingsError::UnknownKey { line, key: key.to_owned(), nearest }
}

/// The values as texts. `None`: they are of another kind.
fn values(setting: &Setting, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 && setting.shape == ValueShape::One => {
            Some(number.as_str().replace('_', ""))
        }
        _ => None,
    };
    match value.get_ref() {
        DeValue::Array(list) if setting.is_list() => list.iter().map(|value| one(value.get_ref())).collect(),
        value => one(value).map(|value| vec![value]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of it, or the first thing that is wrong.
    fn read(text: &str, scope: FileScope) -> Result<Vec<FileSetting>, SettingsError> {
        super::parse(text, scope)?.into_iter().collect()
    }

    #[test]
    fn what_is_wrong_in_one_line_leaves_the_others() {
        let sets = super::parse("prot = 1\nport = 2\nevents = [3]", FileScope::User).unwrap();
        assert_eq!(sets.iter().filter(|set| set.is_err()).count(), 2);
        assert!(sets.iter().flatten().all(|set| set.setting.key == "port" && set.values == ["2"]));
    }

    fn texts(sets: Result<Vec<FileSetting>, SettingsError>) -> Vec<(&'static str, Vec<String>, usize)> {
        sets.unwrap().into_iter().map(|set| (set.setting.key, set.values, set.line)).collect()
    }

    #[test]
    fn texts_numbers_and_lists_are_read_with_their_lines() {
        let text = "# shop\nport = 3_000\n\nevents = [\"payment.*\", 'refund.*']\nforward-to = 'localhost:1'\n";
        let list = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut sets = texts(read(text, FileScope::Project));
        sets.sort_by_key(|(_, _, line)| *line);
        let expected = [
            ("port", list(&["3000"]), 2),
            ("events", list(&["payment.*", "refund.*"]), 4),
            ("forward-to", list(&["localhost:1"]), 5),
        ];
        assert_eq!(sets, expected);
        assert_eq!(texts(read("", FileScope::Project)), []);
    }

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        let error = read("\nforward_to = 'x'", FileScope::User).unwrap_err();
        assert_eq!(error.to_string(), "line 2: there is no setting `forward_to`");
        assert_eq!(error.hint().unwrap(), "did you mean `forward-to`?");
        let error = read("[listen]\nport = 1", FileScope::User).unwrap_err();
        assert!(matches!(error, SettingsError::UnknownKey { nearest: None, .. }), "{error:?}");
    }

    #[test]
    fn what_looks_like_a_secret_is_refused_wherever_it_stands_and_not_repeated() {
        for text in
            ["to = 'whsec_abc'", "# sk_live_abc", "x = ['pk_live_0']", "whsec_abc = 1", "port = 1 # sk_test_abc"]
        {
            for scope in [FileScope::Project, FileScope::User] {
                let error = read(text, scope).unwrap_err();
                assert!(matches!(error, SettingsError::Secret { line: 1, .. }), "{text}: {error:?}");
                assert!(!error.to_string().contains("abc"), "{error}");
            }
        }
        assert!(read("# never a whsec_… here", FileScope::Project).is_ok());
    }

    #[test]
    fn a_wrong_kind_of_value_and_no_toml_are_said_with_their_line() {
        let error = |text| read(text, FileScope::User).unwrap_err().to_string();
        assert_eq!(error("port = true"), "line 1: `port` must be a text or a number");
        assert_eq!(error("\nport = [1]"), "line 2: `port` must be a text or a number");
        assert_eq!(error("events = [1]"), "line 1: `events` must be a text or a list of texts");
        assert!(error("port = 1\nport = 2").starts_with("line 2: duplicate key"), "{}", error("port = 1\nport = 2"));
        assert!(error("\n\nport =").starts_with("line 3: "), "{}", error("\n\nport ="));
    }

    #[test]
    fn the_user_may_say_what_a_project_may_not() {
        let text = "bind = '0.0.0.0'\n";
        assert!(read(text, FileScope::User).is_ok());
        let error = read(text, FileScope::Project).unwrap_err();
        assert_eq!(error.to_string(), "line 1: `bind`: a project file may only bind to this machine: 127.0.0.1 or ::1");
        assert!(error.hint().unwrap().contains("WHTOOL_BIND"));
    }
}
