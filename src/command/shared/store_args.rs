//! Selects the store: a file, or an inbox of a PostgreSQL database.

use crate::command::Session;
use crate::model::error::{Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::settings::option;
use crate::world::{DEFAULT_INBOX, PostgresStore, PostgresUrl, Store, StoreLocation, World};
use clap::{Args, ValueHint};
use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::str::FromStr;

/// Longest name of an inbox, in bytes.
const MAX_INBOX: usize = 63;

#[derive(Args, Clone, Default)]
pub(in crate::command) struct StoreArgs {
    /// Use this store instead of the default one: a file, postgres://…, or $VARIABLE with such a URL
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath)]
    pub store: Option<StoreName>,
    /// Inbox of a PostgreSQL store [default: default]
    #[arg(long, value_name = "NAME")]
    pub inbox: Option<InboxName>,
}

/// A store as users name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::command) enum StoreName {
    File(PathBuf),
    Url(PostgresUrl),
    /// The variable that holds the URL.
    Variable(String),
    /// Words for a server that are no URL of PostgreSQL. They may contain a password.
    OtherServer,
}

/// The parameters that begin libpq's other notation, `host=… dbname=…`.
const CONNECTION_WORDS: [&str; 8] = ["host", "hostaddr", "port", "dbname", "user", "password", "service", "sslmode"];

/// Returns true if the text was meant as the address of a server: it would be a strange name of a
/// file, and captures would silently be stored on this machine.
fn names_a_server(text: &str) -> bool {
    let text = text.trim_start_matches(|letter: char| letter.is_whitespace() || "\"'`“‘".contains(letter));
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.:".contains(&byte))
    };
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_url = text.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
        || ["postgres", "postgresql"].iter().any(|name| scheme.eq_ignore_ascii_case(name));
    let word = text.split_once('=').map_or("", |(word, _)| word.trim_end());
    is_url || CONNECTION_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

impl From<OsString> for StoreName {
    fn from(name: OsString) -> Self {
        let text = name.to_str().unwrap_or_default();
        match (PostgresUrl::new(text), text.strip_prefix('$')) {
            (Some(url), _) => Self::Url(url),
            (None, Some(variable)) if is_variable(variable) => Self::Variable(variable.to_owned()),
            _ if names_a_server(text) => Self::OtherServer,
            _ => Self::File(PathBuf::from(name)),
        }
    }
}

/// Formats it without a password.
impl Display for StoreName {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(out),
            Self::Url(url) => url.fmt(out),
            Self::Variable(name) => write!(out, "${name}"),
            Self::OtherServer => out.write_str("***"),
        }
    }
}

fn is_variable(name: &str) -> bool {
    option::is_variable_name(name)
}

impl StoreName {
    pub(in crate::command) fn locate(&self, inbox: &str, session: &Session<'_>) -> Result<StoreLocation> {
        let url = match self {
            Self::File(path) => return Ok(StoreLocation::File(path.clone())),
            Self::Url(url) => url.clone(),
            Self::OtherServer => {
                return Err(Error::usage("the store is neither a file nor a URL of PostgreSQL")
                    .because("it looks like the address of a server, in another notation")
                    .hint("write postgres://host/database, or ./NAME for a file"));
            }
            Self::Variable(name) => {
                let unusable = |why: &str| {
                    let hint = "give it the URL of the store: postgres://host/database";
                    Error::failed(format!("can't use inbox {inbox} of the store ${name}"))
                        .because(format!("{name} {why}"))
                        .hint(hint)
                };
                let text = session.world.env_var(name).ok_or_else(|| unusable("is not set"))?;
                PostgresUrl::new(&text).ok_or_else(|| unusable("holds no postgres:// URL"))?
            }
        };
        Ok(StoreLocation::Postgres(PostgresStore { url, inbox: inbox.to_owned(), group: session.world.user_at_host() }))
    }
}

/// The name of an inbox, such as `default`, `ci-1234` or `feature/refunds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::command) struct InboxName(pub String);

impl FromStr for InboxName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = !text.is_empty() && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control());
        match text.len() {
            0..=MAX_INBOX if is_name => Ok(Self(text.to_owned())),
            _ => Err(format!("an inbox has 1 to {MAX_INBOX} bytes, and no spaces")),
        }
    }
}

impl StoreArgs {
    pub(in crate::command) fn location(&self, session: &Session<'_>) -> Result<StoreLocation> {
        let inbox = self.inbox.as_ref().map_or(DEFAULT_INBOX, |inbox| &inbox.0);
        let location = match &self.store {
            Some(name) => name.locate(inbox, session)?,
            None => default_store(session.world)?,
        };
        if let (StoreLocation::File(path), Some(inbox), true) = (&location, &self.inbox, self.is_inbox_typed(session)) {
            let message = format!("{} has no inbox {}", escape_unsafe(&path.display().to_string()), inbox.0);
            return Err(Error::usage(message)
                .because("a file is one inbox")
                .hint("use another file with --store, or a PostgreSQL store"));
        }
        self.warn_of_password(session);
        Ok(location)
    }

    /// Returns the variable that was named for the URL.
    pub(in crate::command) fn variable(&self) -> Option<&str> {
        if let Some(StoreName::Variable(name)) = &self.store { Some(name) } else { None }
    }

    pub(in crate::command) fn open(&self, session: &Session<'_>) -> Result<Box<dyn Store>> {
        session.world.open_store(&self.location(session)?)
    }

    /// Opens the store without creating one. `None`: there is none. One that can't be opened is an
    /// error.
    pub(in crate::command) fn open_if_exists(&self, session: &Session<'_>) -> Result<Option<Box<dyn Store>>> {
        let location = self.location(session)?;
        if session.world.store_exists(&location)? { session.world.open_store(&location).map(Some) } else { Ok(None) }
    }

    /// Returns the flags that were typed, for another whtool with the same settings.
    pub(in crate::command) fn typed_flags(&self, session: &Session<'_>) -> Vec<String> {
        let store = self.store.as_ref().filter(|_| self.is_store_typed(session)).map(|store| match store {
            StoreName::Url(url) => format!("--store={}", url.expose()),
            other => format!("--store={other}"),
        });
        let inbox = self.inbox.as_ref().filter(|_| self.is_inbox_typed(session));
        store.into_iter().chain(inbox.map(|inbox| format!("--inbox={}", inbox.0))).collect()
    }

    fn is_store_typed(&self, session: &Session<'_>) -> bool {
        let set = session.settings.text("store").map(|text| StoreName::from(OsString::from(text)));
        self.store.is_some() && self.store != set
    }

    fn is_inbox_typed(&self, session: &Session<'_>) -> bool {
        let set = session.settings.text("inbox");
        self.inbox.as_ref().is_some_and(|inbox| Some(inbox.0.as_str()) != set)
    }

    /// Warns of a password on the command line, which every user of the machine can see.
    fn warn_of_password(&self, session: &Session<'_>) {
        if let Some(StoreName::Url(url)) = &self.store
            && url.has_password()
            && self.is_store_typed(session)
        {
            session.warn_once(
                "other users of this machine can see the password in --store; use WHTOOL_STORE_URL, PGPASSWORD or PGPASSFILE",
            );
        }
    }
}

/// Returns the default store, which may not exist.
pub(in crate::command) fn default_store(world: &dyn World) -> Result<StoreLocation> {
    Ok(StoreLocation::File(world.data_dir()?.join("captures.db")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_url_a_variable_or_a_file() {
        let name = |text: &str| StoreName::from(OsString::from(text));
        assert!(matches!(name("postgres://db/shop"), StoreName::Url(_)));
        assert!(matches!(name("postgresql://db/shop"), StoreName::Url(_)));
        assert_eq!(name("$TEAM_STORE"), StoreName::Variable("TEAM_STORE".to_owned()));
        for file in [
            "captures.db",
            "./$TEAM_STORE",
            "$",
            "$team.db",
            "$A/b",
            "postgres.db",
            r"C:\captures.db",
            "C:captures.db",
            "./mysql://db/shop",
            "a=b.db",
            "hosts=1.db",
            " a.db",
        ] {
            assert_eq!(name(file), StoreName::File(PathBuf::from(file)), "{file}");
        }
        for server in [
            "mysql://db/shop",
            "POSTGRES://ana:hunter2@db/shop",
            "Postgres:/db/shop",
            "postgresql:db",
            "jdbc:postgresql://db/shop",
            " postgres://db/shop",
            "'postgres://db/shop'",
            "\"postgres://db/shop\"",
            "host=db dbname=shop",
            "dbname = shop",
        ] {
            assert_eq!(name(server), StoreName::OtherServer, "{server}");
        }
        assert_eq!(name("postgres://ana:hunter2@db/shop").to_string(), "postgres://ana:***@db/shop");
    }

    #[test]
    fn an_inbox_has_a_short_name_without_spaces() {
        for good in ["default", "ci-1234", "feature/refunds", "日本", &"x".repeat(63)] {
            assert!(good.parse::<InboxName>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "a\n", "\0", &"x".repeat(64)] {
            assert!(bad.parse::<InboxName>().is_err(), "{bad:?}");
        }
    }
}
