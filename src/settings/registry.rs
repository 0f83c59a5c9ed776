//! Endpoints registered from this machine and the signing secrets stored for them.
//!
//! The registry is one small JSON file. This module reads and changes it as a value; `World` keeps
//! the file private and syncs it (`command::shared::registry`).

use crate::model::timestamp::Timestamp;
use crate::provider;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

const SCHEMA: &str = "whtool.registry/1";
/// The same schema under the name it had before; read, and replaced on the next write.
const OLD_SCHEMA: &str = "whtool.ledger/1";

/// Contents of the registry file. Every list is ordered from oldest to newest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    schema: String,
    #[serde(default)]
    pub endpoints: Vec<RegisteredEndpoint>,
    #[serde(default)]
    pub secrets: Vec<StoredSecret>,
    /// Registrations that were sent and whose result is unknown.
    #[serde(default, alias = "unsettled")]
    pub pending: Vec<PendingRegistration>,
}

/// Endpoint that was registered with `whtool register`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredEndpoint {
    /// Id that the provider gave it.
    pub id: String,
    /// The provider's `name()`.
    pub provider: String,
    pub mode: Mode,
    /// Base URL of the API it was registered with.
    pub base: String,
    pub url: String,
    /// Event types it subscribes to.
    pub events: Vec<String>,
    /// The provider's own word.
    pub status: Option<String>,
    pub description: Option<String>,
    pub created: Timestamp,
    /// Name of its stored secret. `None`: the provider's response contained none.
    pub secret: Option<String>,
    /// Made for one run of `listen --tunnel`, and deleted at its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub temporary: bool,
}

/// Mode of an API key: test keys move no money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Test,
    Live,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// Signing secret in the registry: its bytes, or a command that prints them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredSecret {
    pub name: String,
    /// The provider's `name()`.
    pub provider: String,
    pub added: Timestamp,
    /// Time at which a newer secret replaced it for signing. It still verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

/// Source of a stored secret's bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource<'r> {
    /// The bytes themselves, from the registry file.
    Stored(Vec<u8>),
    /// Shell command that prints the secret, such as one of a keyring or a password manager.
    Command(&'r str),
}

/// Omits the secret.
impl std::fmt::Debug for StoredSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "StoredSecret({}, {}, ***)", self.provider, self.name)
    }
}

impl StoredSecret {
    /// Stores the bytes unchanged: as text if they are UTF-8, in base64 otherwise.
    pub fn new(name: &str, provider: &str, added: Timestamp, bytes: &[u8]) -> Self {
        let secret = std::str::from_utf8(bytes).ok().map(str::to_owned);
        let secret_base64 = secret.is_none().then(|| STANDARD.encode(bytes));
        let (name, provider) = (name.to_owned(), provider.to_owned());
        Self { name, provider, added, retired: None, secret, secret_base64, command: None }
    }

    /// Stores a command that prints the secret, and not the secret itself.
    pub fn from_command(name: &str, provider: &str, added: Timestamp, command: &str) -> Self {
        Self { secret: None, command: Some(command.to_owned()), ..Self::new(name, provider, added, b"") }
    }

    pub fn source(&self) -> SecretSource<'_> {
        self.command.as_deref().map_or_else(|| SecretSource::Stored(self.bytes()), SecretSource::Command)
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.secret, &self.secret_base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(text)) => STANDARD.decode(text).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }
}

/// Registration that was sent, or is being sent, and whose result is unknown: the endpoint may
/// exist, with a secret that was never received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingRegistration {
    /// Random id of this attempt.
    pub token: String,
    /// The provider's `name()`.
    pub provider: String,
    /// Base URL of the API it was sent to.
    pub base: String,
    /// URL of the endpoint to register.
    pub url: String,
    /// Time at which it was sent.
    pub at: Timestamp,
}

/// Reason why a registry file can't be used. The file is left unchanged.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RegistryError {
    #[error("the file is damaged: {0}")]
    Damaged(String),
    #[error("it was written by another version of whtool: its schema is `{0}`")]
    UnsupportedSchema(String),
}

impl Registry {
    /// Parses the file's bytes. `None`, for no file, is an empty registry.
    pub fn parse(bytes: Option<&[u8]>) -> Result<Self, RegistryError> {
        let Some(bytes) = bytes else { return Ok(Self { schema: SCHEMA.to_owned(), ..Self::default() }) };
        let registry: Self =
            serde_json::from_slice(bytes).map_err(|error| RegistryError::Damaged(error.to_string()))?;
        match &*registry.schema {
            SCHEMA => Ok(registry),
            OLD_SCHEMA => Ok(Self { schema: SCHEMA.to_owned(), ..registry }),
            _ => Err(RegistryError::UnsupportedSchema(registry.schema)),
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("a registry is plain data");
        text.push(b'\n');
        text
    }

    /// Lists the secrets of supported providers in the order in which they are tried: newest first,
    /// so that signing uses the newest, and retired ones last.
    pub fn signing_secrets(&self) -> impl Iterator<Item = (&'static str, &StoredSecret)> {
        let current = self.secrets.iter().rev().filter(|stored| stored.retired.is_none());
        let retired = self.secrets.iter().rev().filter(|stored| stored.retired.is_some());
        current.chain(retired).filter_map(|stored| Some((provider::by_name(&stored.provider)?.name(), stored)))
    }

    /// Returns `wanted`, with a number appended if a secret already has that name.
    pub fn unused_name(&self, wanted: &str) -> String {
        let is_taken = |name: &str| self.secrets.iter().any(|stored| stored.name == name);
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default()
    }

    /// Finds an endpoint with this URL that was registered with this API.
    pub fn find_by_url(&self, provider: &str, base: &str, url: &str) -> Option<&RegisteredEndpoint> {
        self.endpoints.iter().find(|one| one.provider == provider && one.base == base && one.url == url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_736_937_000).unwrap()
    }

    #[test]
    fn secrets_survive_a_round_trip_byte_for_byte_even_if_they_are_not_text() {
        let mut registry = Registry::parse(None).unwrap();
        registry.secrets.push(StoredSecret::new("one", "plexos", now(), b"whsec_1 "));
        registry.secrets.push(StoredSecret::new("two", "plustive", now(), b"\xff\0\n"));
        registry.secrets.push(StoredSecret::from_command("three", "plustive", now(), "pass show x"));
        registry.endpoints.push(RegisteredEndpoint {
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
            temporary: false,
        });
        let parsed = Registry::parse(Some(&registry.to_bytes())).unwrap();
        assert_eq!(parsed, registry);
        let sources: Vec<_> = parsed.signing_secrets().map(|(_, stored)| stored.source()).collect();
        assert!(
            sources
                == [
                    SecretSource::Command("pass show x"),
                    SecretSource::Stored(b"\xff\0\n".to_vec()),
                    SecretSource::Stored(b"whsec_1 ".to_vec())
                ]
        );
    }

    #[test]
    fn retired_secrets_come_last_and_still_verify() {
        let mut registry = Registry::parse(None).unwrap();
        for name in ["old", "new"] {
            registry.secrets.push(StoredSecret::new(name, "plexos", now(), name.as_bytes()));
        }
        registry.secrets[1].retired = Some(now());
        let names: Vec<_> = registry.signing_secrets().map(|(_, stored)| stored.name.as_str()).collect();
        assert_eq!(names, ["old", "new"]);
    }

    #[test]
    fn a_damaged_file_or_an_unsupported_schema_is_refused() {
        assert!(matches!(Registry::parse(Some(b"{")), Err(RegistryError::Damaged(_))));
        assert!(matches!(Registry::parse(Some(b"")), Err(RegistryError::Damaged(_))));
        let newer = br#"{"schema":"whtool.registry/2"}"#;
        assert_eq!(Registry::parse(Some(newer)), Err(RegistryError::UnsupportedSchema("whtool.registry/2".to_owned())));
    }

    #[test]
    fn secrets_are_not_printed_and_names_are_unique() {
        let mut registry = Registry::parse(None).unwrap();
        registry.secrets.push(StoredSecret::new("we_1", "plexos", now(), b"whsec_private"));
        assert!(!format!("{registry:?}").contains("private"));
        assert_eq!(
            (registry.unused_name("we_1"), registry.unused_name("we_2")),
            ("we_1-2".to_owned(), "we_2".to_owned())
        );
    }

    #[test]
    fn a_file_with_the_old_schema_is_read_and_written_with_the_new_one() {
        let old = br#"{"schema":"whtool.ledger/1",
            "secrets":[{"name":"we_1","provider":"plexos","added":"2025-01-15T10:30:00Z","secret":"whsec_1"}],
            "unsettled":[{"token":"t","provider":"plexos","base":"b","url":"u","at":"2025-01-15T10:30:00Z"}]}"#;
        let registry = Registry::parse(Some(old)).unwrap();
        assert!(registry.secrets[0].source() == SecretSource::Stored(b"whsec_1".to_vec()));
        assert_eq!(registry.pending[0].url, "u");
        let written = String::from_utf8(registry.to_bytes()).unwrap();
        assert!(written.contains("\"whtool.registry/1\"") && !written.contains("ledger"), "{written}");
        assert_eq!(Registry::parse(Some(written.as_bytes())), Ok(registry));
    }

    #[test]
    fn an_endpoint_is_found_only_by_its_own_provider_api_and_url() {
        let mut registry = Registry::parse(None).unwrap();
        for (provider, base) in [("plexos", "https://api.plexospay.com/"), ("plexos", "http://127.0.0.1:4850/")] {
            registry.endpoints.push(RegisteredEndpoint {
                id: format!("we_{}", registry.endpoints.len()),
                provider: provider.to_owned(),
                mode: Mode::Live,
                base: base.to_owned(),
                url: "https://a.example/".to_owned(),
                events: Vec::new(),
                status: None,
                description: None,
                created: now(),
                secret: None,
                temporary: false,
            });
        }
        let find = |provider, base, url| registry.find_by_url(provider, base, url).map(|endpoint| endpoint.id.as_str());
        assert_eq!(find("plexos", "http://127.0.0.1:4850/", "https://a.example/"), Some("we_1"));
        assert_eq!(find("plexos", "https://api.plexospay.com/", "https://a.example/"), Some("we_0"));
        assert_eq!(find("plustive", "https://api.plexospay.com/", "https://a.example/"), None);
        assert_eq!(find("plexos", "https://api.plexospay.com", "https://a.example/"), None);
        assert_eq!(find("plexos", "https://api.plexospay.com/", "https://a.example/b"), None);
        assert_eq!([Mode::Test, Mode::Live].map(Mode::name), ["test", "live"]);
    }

    #[test]
    fn the_newest_secret_signs_and_secrets_of_unknown_providers_are_left_out() {
        let mut registry = Registry::parse(None).unwrap();
        for (name, provider) in [("a", "plexos"), ("b", "stripe"), ("c", "plustive"), ("d", "plexos")] {
            registry.secrets.push(StoredSecret::new(name, provider, now(), b"x"));
        }
        let names: Vec<_> =
            registry.signing_secrets().map(|(provider, stored)| format!("{provider} {}", stored.name)).collect();
        assert_eq!(names, ["plexos d", "plustive c", "plexos a"]);
    }

    #[test]
    fn a_name_that_is_taken_gets_the_first_free_number() {
        let mut registry = Registry::parse(None).unwrap();
        for name in ["plexos", "plexos-2", "plexos-4"] {
            registry.secrets.push(StoredSecret::new(name, "plexos", now(), b"x"));
        }
        assert_eq!(registry.unused_name("plexos"), "plexos-3");
        assert_eq!(registry.unused_name("plexos-2"), "plexos-2-2");
    }
}
