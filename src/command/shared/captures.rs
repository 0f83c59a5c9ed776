//! The store as commands use it: where it is, which deliveries are meant. And files that hold deliveries.

use crate::capture::{self, CaptureFormat};
use crate::command::{Session, span};
use crate::json;
use crate::model::error::{Error, Result};
use crate::model::sanitize::escape_unsafe;
use crate::model::stored::{DeliverySummary, Id, Query};
use crate::model::timestamp::{self, SignedDuration, Timestamp};
use crate::model::verdict::VerdictCode;
use crate::provider::{self, Provider};
use crate::world::{Store, World};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;
use wildmatch::WildMatch;

/// Where the store is.
#[derive(Args, Clone)]
pub(in crate::command) struct StoreArgs {
    /// Another store than the one in whtool's data folder
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
}

impl StoreArgs {
    /// The store's file.
    pub(in crate::command) fn path(&self, session: &Session<'_>) -> Result<PathBuf> {
        match &self.store {
            Some(path) => Ok(path.clone()),
            None => default_store(session.world),
        }
    }

    /// Opens it.
    pub(in crate::command) fn open(&self, session: &Session<'_>) -> Result<Box<dyn Store>> {
        session.world.open_store(&self.path(session)?)
    }
}

/// The store in whtool's data folder; it may not exist yet.
pub(in crate::command) fn default_store(world: &dyn World) -> Result<PathBuf> {
    Ok(world.data_dir()?.join("captures.db"))
}

/// How a file that begins so holds captured requests. `None`: it holds none, but a payload, say.
pub(in crate::command) fn form_of(start: &[u8]) -> Option<CaptureFormat> {
    let is_record = || json::top_level_keys(start).iter().any(|key| key == "request" || key == "schema");
    capture::detect_format(start).filter(|form| *form != CaptureFormat::Lines || is_record())
}

/// Which deliveries are meant; all that is given must hold.
#[derive(Args, Clone, Default)]
pub(in crate::command) struct Filters {
    /// Only this provider's
    // `events` calls the flag `--provider`; where that is the provider to sign for, it is `--from-provider`.
    #[arg(
        id = "from_provider",
        long = "from-provider",
        value_name = "NAME",
        value_parser = crate::command::provider_values(),
        help_heading = "Which"
    )]
    pub provider: Option<&'static dyn Provider>,
    /// Only events of these types: 'payment.*'
    #[arg(long = "type", value_name = "GLOB", help_heading = "Which")]
    pub kinds: Vec<String>,
    /// Only with this verdict: verified, unsigned, malformed, mismatch, too_old, in_future, no_secret
    #[arg(long, value_name = "CODE", value_parser = verdict_codes(), help_heading = "Which")]
    pub verdict: Option<VerdictCode>,
    /// Only what arrived since: 2h, 30m, or a time
    #[arg(long, value_name = "WHEN", value_parser = when, help_heading = "Which")]
    pub since: Option<When>,
    /// Only what arrived before: 2h (ago), or a time
    #[arg(long, value_name = "WHEN", value_parser = when, help_heading = "Which")]
    pub until: Option<When>,
    /// Only about this event id, payment, reference or clientReference
    #[arg(long, value_name = "TEXT", help_heading = "Which")]
    pub reference: Option<String>,
    /// Only what was refused, or what the app did not answer with 2xx
    #[arg(long, help_heading = "Which")]
    pub failed: bool,
    /// Only with this text in the body
    #[arg(long, value_name = "TEXT", help_heading = "Which")]
    pub grep: Option<String>,
    /// At most so many, the newest; 0: all
    #[arg(long, value_name = "N", help_heading = "Which")]
    pub limit: Option<u64>,
}

fn verdict_codes() -> impl TypedValueParser<Value = VerdictCode> {
    PossibleValuesParser::new(VerdictCode::ALL.map(VerdictCode::as_str))
        .map(|code| VerdictCode::from_code(&code).expect("it is one of the possible values"))
}

/// A moment, or a span before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum When {
    Ago(SignedDuration),
    At(Timestamp),
}

impl When {
    /// The moment, as of now.
    pub(in crate::command) fn moment(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(span) => now.checked_sub(span).unwrap_or(Timestamp::MIN),
        }
    }
}

/// A moment for flags: a span before now, RFC 3339, or Unix seconds from the year 2001 on.
pub(in crate::command) fn when(text: &str) -> Result<When, String> {
    match (text.parse::<u64>(), timestamp::parse(text)) {
        (Ok(0..1_000_000_000), _) => Err("a bare number has no unit: write 2h, 30m, 45s or 7d, or a time".to_owned()),
        (Err(_), Err(_)) => span(text).map(When::Ago).map_err(|error| format!("{error}, or a time")),
        (_, Ok(moment)) => Ok(When::At(moment)),
        (_, Err(error)) => Err(error.to_string()),
    }
}

/// Warns where no documented event type matches.
pub(in crate::command) fn warn_of_unknown_type(glob: &str, session: &Session<'_>) {
    let matcher = WildMatch::new(glob);
    let mut known = provider::ALL.iter().flat_map(|provider| provider.event_types());
    if !known.any(|known| matcher.matches(known.name)) {
        session.warn(&format!("no documented event type matches `{}`", escape_unsafe(glob)));
    }
}

impl Filters {
    /// Whether anything is asked for at all.
    pub(in crate::command) fn is_empty(&self) -> bool {
        self.query(Timestamp::UNIX_EPOCH) == Query::default()
    }

    /// Warns of a type that no provider documents: mostly it is mistyped.
    pub(in crate::command) fn warn_of_unknown_types(&self, session: &Session<'_>) {
        self.kinds.iter().for_each(|glob| warn_of_unknown_type(glob, session));
    }

    /// As the store takes it.
    pub(in crate::command) fn query(&self, now: Timestamp) -> Query {
        Query {
            provider: self.provider.map(|provider| provider.name().to_owned()),
            kinds: self.kinds.clone(),
            verdict: self.verdict,
            secret: None,
            since: self.since.map(|when| when.moment(now)),
            until: self.until.map(|when| when.moment(now)),
            reference: self.reference.clone(),
            failed: self.failed,
            grep: self.grep.clone(),
            limit: self.limit.filter(|&limit| limit > 0),
        }
    }
}

/// The delivery of this id, of this beginning of one, or the `last`.
pub(in crate::command) fn find(store: &mut dyn Store, name: &str) -> Result<Id> {
    if name == "last" {
        let latest = store.list(&Query { limit: Some(1), ..Query::default() })?;
        return latest.into_iter().next().map(|entry: DeliverySummary| entry.id).ok_or_else(|| {
            Error::failed("there is no delivery in the store").hint("`whtool listen` keeps what it receives")
        });
    }
    let ids = store.beginning_with(name)?;
    match ids.as_slice() {
        [id] => Ok(id.clone()),
        [] => {
            Err(Error::failed(format!("there is no delivery `{name}` in the store")).hint("`whtool events` lists them"))
        }
        several => Err(Error::failed(format!("several deliveries begin with `{name}`"))
            .because(several.join(", "))
            .hint("give more letters")),
    }
}
