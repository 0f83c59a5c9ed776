//! Arguments of a call: typed, and never flags or paths of files.

use crate::model::capture_name::CaptureName;
use serde_json::{Map, Value};

pub(super) struct Arguments<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Arguments<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&'a str>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| format!("`{name}` must be a text"))
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, String> {
        self.optional_text(name)?.ok_or_else(|| format!("`{name}` is missing"))
    }

    pub(super) fn optional_integer(&self, name: &str) -> Result<Option<u64>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_u64().map(Some).ok_or_else(|| format!("`{name}` must be a whole number, 0 or more"))
    }

    pub(super) fn integer(&self, name: &str, default: u64) -> Result<u64, String> {
        Ok(self.optional_integer(name)?.unwrap_or(default))
    }

    pub(super) fn boolean(&self, name: &str) -> Result<bool, String> {
        let Some(value) = self.get(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| format!("`{name}` must be true or false"))
    }

    /// Returns a list of words that are no flags.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        let items = self.get(name).and_then(Value::as_array).filter(|items| !items.is_empty() && items.len() <= 100);
        let items = items.ok_or_else(|| format!("`{name}` must be a list of 1 to 100 texts"))?;
        let word = |item: &Value| {
            let text = item.as_str().filter(|text| !text.is_empty() && !text.starts_with('-'));
            text.map(str::to_owned).ok_or_else(|| format!("`{name}` has an item that is no reference"))
        };
        items.iter().map(word).collect()
    }

    /// Returns `--set` flags with the JSON of each value.
    pub(super) fn changes(&self, name: &str) -> Result<Vec<String>, String> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let changes = value.as_object().ok_or_else(|| format!("`{name}` must be an object"))?;
        Ok(changes.iter().map(|(path, value)| format!("--set={path}:={value}")).collect())
    }
}

/// Returns an argument that is neither a flag nor standard input.
pub(super) fn plain_word(arguments: &Arguments<'_>, name: &str) -> Result<String, String> {
    let text = arguments.text(name)?;
    if text.is_empty() || text.starts_with('-') {
        return Err(format!("`{name}` is no valid value"));
    }
    Ok(text.to_owned())
}

/// Returns the name of a capture. Paths of files are refused: commands would read them.
pub(super) fn capture(arguments: &Arguments<'_>, name: &str) -> Result<String, String> {
    let text = plain_word(arguments, name)?;
    let is_reference_like = || {
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
        text.len() <= 200 && text.chars().all(is_allowed)
    };
    match CaptureName::parse(&text) {
        CaptureName::Reference(_) if !is_reference_like() => {
            Err(format!("`{name}` must be a number, `last`, an event id or a reference"))
        }
        _ => Ok(text),
    }
}

/// Returns the flags of `events list` for the filters that are given.
pub(super) fn filters(arguments: &Arguments<'_>) -> Result<Vec<String>, String> {
    let mut flags = Vec::new();
    for name in ["provider", "type", "verdict", "since", "until", "reference", "grep"] {
        flags.extend(arguments.optional_text(name)?.map(|value| format!("--{name}={value}")));
    }
    flags.extend(arguments.boolean("failed")?.then(|| "--failed".to_owned()));
    Ok(flags)
}
