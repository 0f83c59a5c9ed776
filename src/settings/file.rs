//! Parses settings files: TOML with known keys, refused if it contains anything that looks like a
//! secret.

use super::option::{self, ProjectRule, Setting, ValueShape};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Owner of a settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileScope {
    /// Part of a repository, so anyone may have written it.
    Project,
    User,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSetting {
    pub setting: &'static Setting,
    pub values: Vec<String>,
    /// Line number, from 1.
    pub line: usize,
}

/// Reason why a settings file can't be used. Lines count from 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    #[error("line {line}: {what}")]
    Syntax { line: usize, what: String },
    #[error("line {line} contains what looks like a secret ({prefix}…)")]
    Secret { line: usize, prefix: &'static str },
    #[error("line {line}: unknown setting `{key}`")]
    UnknownKey {
        line: usize,
        key: String,
        /// Known setting with the most similar name.
        nearest: Option<&'static str>,
    },
    #[error("line {line}: `{key}` must be {expected}")]
    WrongType { line: usize, key: &'static str, expected: &'static str },
    #[error("line {line}: `{key}`: a project file may {}", .rule.rule())]
    NotForProjects { line: usize, key: &'static str, rule: ProjectRule },
}

impl SettingsError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Secret { .. } => Some(
                "remove it, and replace the secret if others saw the file; name a variable instead: secret-env = [\"SHOP_WEBHOOK_SECRET\"]"
                    .to_owned(),
            ),
            Self::UnknownKey { nearest: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::UnknownKey { .. } => Some("`whtool config show` lists the settings".to_owned()),
            Self::NotForProjects { key, .. } => Some(format!(
                "use --{key}, {}, or your user file (see `whtool config path`)",
                option::by_key(key).map(Setting::variable).unwrap_or_default()
            )),
            Self::Syntax { .. } | Self::WrongType { .. } => None,
        }
    }
}

/// Prefixes of API keys and signing secrets.
const SECRET_PREFIXES: [&str; 5] = ["whsec_", "sk_live_", "sk_test_", "pk_live_", "pk_test_"];

/// Parses a file into settings, each of which may be invalid. A file that is not TOML, or contains
/// a secret, is refused as a whole.
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
        expected: if setting.is_list() { "a text or a list of texts" } else { "a text or a number" },
    })?;
    if scope == FileScope::Project && !values.iter().all(|value| setting.project_rule.allows(value)) {
        return Err(SettingsError::NotForProjects { line, key: setting.key, rule: setting.project_rule });
    }
    Ok(FileSetting { setting, values, line })
}

/// Searches the whole text, including comments and keys: a file may be committed or shared.
fn refuse_secrets(text: &str) -> Result<(), SettingsError> {
    for (index, line) in text.lines().enumerate() {
        for prefix in SECRET_PREFIXES {
            let is_secret =
                |(at, _): (usize, &str)| line[at + prefix.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
            if line.match_indices(prefix).any(is_secret) {
                return Err(SettingsError::Secret { line: index + 1, prefix });
            }
        }
    }
    Ok(())
}

fn unknown_key(key: &str, line: usize) -> SettingsError {
    let similarity = |setting: &Setting| (strsim::jaro_winkler(key, setting.key), setting.key);
    let nearest = option::ALL.iter().map(similarity).max_by(|(one, _), (other, _)| one.total_cmp(other));
    let nearest = nearest.filter(|(similarity, _)| *similarity > 0.75).map(|(_, key)| key);
    SettingsError::UnknownKey { line, key: key.to_owned(), nearest }
}

/// Converts a value to texts. `None`: it has the wrong type.
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

    /// Parses all settings, or returns the first error.
    fn parse(text: &str, scope: FileScope) -> Result<Vec<FileSetting>, SettingsError> {
        super::parse(text, scope)?.into_iter().collect()
    }

    #[test]
    fn an_error_in_one_line_leaves_the_others() {
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
        let mut sets = texts(parse(text, FileScope::Project));
        sets.sort_by_key(|(_, _, line)| *line);
        let expected = [
            ("port", list(&["3000"]), 2),
            ("events", list(&["payment.*", "refund.*"]), 4),
            ("forward-to", list(&["localhost:1"]), 5),
        ];
        assert_eq!(sets, expected);
        assert_eq!(texts(parse("", FileScope::Project)), []);
    }

    #[test]
    fn an_unknown_key_suggests_the_nearest_one() {
        let error = parse("\nforward_to = 'x'", FileScope::User).unwrap_err();
        assert_eq!(error.to_string(), "line 2: unknown setting `forward_to`");
        assert_eq!(error.hint().unwrap(), "did you mean `forward-to`?");
        let error = parse("[listen]\nport = 1", FileScope::User).unwrap_err();
        assert!(matches!(error, SettingsError::UnknownKey { nearest: None, .. }), "{error:?}");
    }

    #[test]
    fn anything_that_looks_like_a_secret_is_refused_and_not_repeated() {
        for text in
            ["to = 'whsec_abc'", "# sk_live_abc", "x = ['pk_live_0']", "whsec_abc = 1", "port = 1 # sk_test_abc"]
        {
            for scope in [FileScope::Project, FileScope::User] {
                let error = parse(text, scope).unwrap_err();
                assert!(matches!(error, SettingsError::Secret { line: 1, .. }), "{text}: {error:?}");
                assert!(!error.to_string().contains("abc"), "{error}");
            }
        }
        assert!(parse("# never a whsec_… here", FileScope::Project).is_ok());
    }

    #[test]
    fn wrong_types_and_syntax_errors_are_reported_with_their_line() {
        let error = |text| parse(text, FileScope::User).unwrap_err().to_string();
        assert_eq!(error("port = true"), "line 1: `port` must be a text or a number");
        assert_eq!(error("\nport = [1]"), "line 2: `port` must be a text or a number");
        assert_eq!(error("events = [1]"), "line 1: `events` must be a text or a list of texts");
        assert!(error("port = 1\nport = 2").starts_with("line 2: duplicate key"), "{}", error("port = 1\nport = 2"));
        assert!(error("\n\nport =").starts_with("line 3: "), "{}", error("\n\nport ="));
    }

    #[test]
    fn a_user_file_may_set_what_a_project_file_may_not() {
        let text = "bind = '0.0.0.0'\n";
        assert!(parse(text, FileScope::User).is_ok());
        let error = parse(text, FileScope::Project).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1: `bind`: a project file may only bind to this machine: localhost, 127.0.0.1 or ::1"
        );
        assert!(error.hint().unwrap().contains("WHTOOL_BIND"));
    }
}
