//! The ledger: the endpoints that were registered from this machine, and the signing secrets that it keeps.
//!
//! One small JSON file. It is read and changed here as a value; that it is private, and on disk before anything is said, is
//! `World::update_private`'s part.

use crate::model::timestamp::Timestamp;
use crate::provider;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

const SCHEMA: &str = "whtool.ledger/1";

/// All that the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    schema: String,
    /// What was registered, the oldest first.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// The secrets, the oldest first.
    #[serde(default)]
    pub secrets: Vec<Held>,
    /// Registrations of which nobody knows how they ended.
    #[serde(default)]
    pub unsettled: Vec<Unsettled>,
}

/// An endpoint that was registered from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// The provider's id for it.
    pub id: String,
    /// The provider's name.
    pub provider: String,
    /// Whether it is about real money.
    pub mode: Mode,
    /// The API's base URL.
    pub base: String,
    /// Where deliveries go.
    pub url: String,
    /// The types of events.
    pub events: Vec<String>,
    /// The provider's word for its state.
    pub status: Option<String>,
    /// The label.
    pub description: Option<String>,
    /// When it was registered.
    pub created: Timestamp,
    /// The name of its secret. `None`: the provider's answer held none.
    pub secret: Option<String>,
}

/// Which of a provider's two worlds a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// No money moves.
    Test,
    /// Real money.
    Live,
}

impl Mode {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// A signing secret that is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// What it is called here.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// When it was put here.
    pub added: Timestamp,
    /// Since when a newer one stands in for it. It still verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

/// Where a secret comes from when it is needed.
#[derive(Clone, PartialEq, Eq)]
pub enum Source<'l> {
    /// It stands in the ledger: these bytes.
    Kept(Vec<u8>),
    /// This command of the user's prints it, such as one of a keyring or a password manager.
    Command(&'l str),
}

/// A secret does not print.
impl std::fmt::Debug for Held {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Held({}, {}, ***)", self.provider, self.name)
    }
}

impl Held {
    /// Takes a secret's bytes as they are.
    pub fn new(name: &str, provider: &str, added: Timestamp, bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).ok().map(str::to_owned);
        let other = text.is_none().then(|| STANDARD.encode(bytes));
        let (name, provider) = (name.to_owned(), provider.to_owned());
        Self { name, provider, added, retired: None, secret: text, secret_base64: other, command: None }
    }

    /// One that stays where it is: a command prints it.
    pub fn elsewhere(name: &str, provider: &str, added: Timestamp, command: &str) -> Self {
        Self { secret: None, command: Some(command.to_owned()), ..Self::new(name, provider, added, b"") }
    }

    /// Where its bytes come from.
    pub fn source(&self) -> Source<'_> {
        self.command.as_deref().map_or_else(|| Source::Kept(self.bytes()), Source::Command)
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.secret, &self.secret_base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(text)) => STANDARD.decode(text).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }
}

/// A registration that was sent, or is being sent, and whose end is not known: the endpoint may be there, with a secret that
/// nobody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsettled {
    /// Tells it from others.
    pub token: String,
    /// The provider's name.
    pub provider: String,
    /// The API's base URL.
    pub base: String,
    /// Where deliveries should go.
    pub url: String,
    /// When it was sent.
    pub at: Timestamp,
}

/// The file can't be used, and is left as it is.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unreadable {
    /// It is no ledger.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// Its schema is not ours.
    #[error("it was written by another whtool: its schema is `{0}`")]
    Foreign(String),
}

impl Ledger {
    /// Reads the file; there may be none yet.
    pub fn read(bytes: Option<&[u8]>) -> Result<Self, Unreadable> {
        let Some(bytes) = bytes else { return Ok(Self { schema: SCHEMA.to_owned(), ..Self::default() }) };
        let ledger: Self = serde_json::from_slice(bytes).map_err(|error| Unreadable::Damaged(error.to_string()))?;
        if ledger.schema != SCHEMA {
            return Err(Unreadable::Foreign(ledger.schema));
        }
        Ok(ledger)
    }

    /// The file's text.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("a ledger is plain data");
        text.push(b'\n');
        text
    }

    /// The secrets of providers that this whtool knows, the newest first, so that signing takes the newest.
    pub fn known(&self) -> impl Iterator<Item = (&'static str, &Held)> {
        let current = self.secrets.iter().rev().filter(|held| held.retired.is_none());
        let retired = self.secrets.iter().rev().filter(|held| held.retired.is_some());
        current.chain(retired).filter_map(|held| Some((provider::named(&held.provider)?.name(), held)))
    }

    /// A name for a new secret that no other has: `wanted` itself, or with a number behind it.
    pub fn free_name(&self, wanted: &str) -> String {
        let is_taken = |name: &str| self.secrets.iter().any(|held| held.name == name);
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default()
    }

    /// The endpoints with this URL at this API.
    pub fn with_url<'a>(
        &'a self,
        provider: &'a str,
        base: &'a str,
        url: &'a str,
    ) -> impl Iterator<Item = &'a Endpoint> {
        self.endpoints.iter().filter(move |one| one.provider == provider && one.base == base && one.url == url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_736_937_000).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again_byte_for_byte_secrets_that_are_no_text_too() {
        let mut ledger = Ledger::read(None).unwrap();
        ledger.secrets.push(Held::new("one", "plexos", now(), b"whsec_1 "));
        ledger.secrets.push(Held::new("two", "plustive", now(), b"\xff\0\n"));
        ledger.secrets.push(Held::elsewhere("three", "plustive", now(), "pass show x"));
        ledger.endpoints.push(Endpoint {
            id: "we_1".to_owned(),
            provider: "plexos".to_owned(),
            mode: Mode::Test,
            base: "https://api.plexospay.com/".to_owned(),
            url: "https://a.example/".to_owned(),
            events: vec!["payment.debited".to_owned()],
            status: None,
            description: None,
            created: now(),
            secret: Some("one".to_owned()),
        });
        let again = Ledger::read(Some(&ledger.to_bytes())).unwrap();
        assert_eq!(again, ledger);
        let sources: Vec<_> = again.known().map(|(_, held)| held.source()).collect();
        assert!(
            sources
                == [
                    Source::Command("pass show x"),
                    Source::Kept(b"\xff\0\n".to_vec()),
                    Source::Kept(b"whsec_1 ".to_vec())
                ]
        );
    }

    #[test]
    fn retired_secrets_come_last_and_still_verify() {
        let mut ledger = Ledger::read(None).unwrap();
        for name in ["old", "new"] {
            ledger.secrets.push(Held::new(name, "plexos", now(), name.as_bytes()));
        }
        ledger.secrets[1].retired = Some(now());
        let names: Vec<_> = ledger.known().map(|(_, held)| held.name.as_str()).collect();
        assert_eq!(names, ["old", "new"]);
    }

    #[test]
    fn a_damaged_or_foreign_file_is_refused() {
        assert!(matches!(Ledger::read(Some(b"{")), Err(Unreadable::Damaged(_))));
        assert!(matches!(Ledger::read(Some(b"")), Err(Unreadable::Damaged(_))));
        let newer = br#"{"schema":"whtool.ledger/2"}"#;
        assert_eq!(Ledger::read(Some(newer)), Err(Unreadable::Foreign("whtool.ledger/2".to_owned())));
    }

    #[test]
    fn a_secret_does_not_print_and_names_do_not_clash() {
        let mut ledger = Ledger::read(None).unwrap();
        ledger.secrets.push(Held::new("we_1", "plexos", now(), b"whsec_private"));
        assert!(!format!("{ledger:?}").contains("private"));
        assert_eq!((ledger.free_name("we_1"), ledger.free_name("we_2")), ("we_1-2".to_owned(), "we_2".to_owned()));
    }
}
