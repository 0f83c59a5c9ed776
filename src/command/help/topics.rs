//! What belongs to no single command: exit statuses, variables, formats, providers. Shown by `whtool help`, and as man pages.

use crate::provider;
use crate::settings::option::{self, Setting};
use serde_json::Value;

/// A topic of `whtool help`.
pub(crate) struct Topic {
    /// The word for it.
    pub name: &'static str,
    /// What it is about, in one line.
    pub about: &'static str,
    /// Its text.
    pub parts: fn() -> Vec<Part>,
}

/// A piece of a topic's text.
pub(crate) enum Part {
    /// A paragraph.
    Text(String),
    /// A list under a heading: terms and what they mean.
    Terms(String, Vec<(String, String)>),
}

/// Every topic.
pub(crate) const TOPICS: [Topic; 4] = [
    Topic { name: "exit-codes", about: "What the exit status of every command means", parts: exit_codes },
    Topic { name: "environment", about: "The variables that whtool reads, and its files", parts: environment },
    Topic { name: "formats", about: "What whtool reads and writes", parts: formats },
    Topic { name: "providers", about: "How the providers sign, and what they send", parts: providers },
];

fn text(said: &str) -> Part {
    Part::Text(said.to_owned())
}

fn terms(heading: &str, list: &[(&str, &str)]) -> Part {
    let owned = list.iter().map(|(term, meaning)| ((*term).to_owned(), (*meaning).to_owned()));
    Part::Terms(heading.to_owned(), owned.collect())
}

fn exit_codes() -> Vec<Part> {
    let statuses = [
        ("0", "done, and the answer is good; also when the reader of a pipe went away"),
        ("1", "done, and the answer is no: a signature is invalid, bodies differ, a target refused, time ran out"),
        (
            "2",
            "the command line makes no sense, or names what whtool does not have: a sample, an event, a probe, a column",
        ),
        (
            "3",
            "could not do it: network, file, settings, store; also when a file, capture, secret or endpoint is not there",
        ),
        ("4", "credentials are missing, or were refused"),
        ("130", "interrupted by Ctrl+C or SIGTERM"),
    ];
    vec![
        terms("Exit status", &statuses),
        text(
            "A wrong signature is an answer, not an error: `whtool verify` says why on standard output and ends with 1.",
        ),
    ]
}

fn environment() -> Vec<Part> {
    let of_provider = |provider: &&dyn provider::Provider| {
        let (title, api) = (provider.title(), provider.api());
        [
            (
                provider.secret_variable().to_owned(),
                format!("the signing secret of {title}'s webhooks; a comma separates several"),
            ),
            (provider.key_variable().to_owned(), format!("the API key of {title}")),
            (api.base_variable.to_owned(), format!("another base URL than {}, as for an emulator", api.base)),
        ]
    };
    let setting = |setting: &Setting| (setting.variable(), format!("`{}`: {}", setting.key, setting.meaning));
    vec![
        Part::Terms("Providers".to_owned(), provider::ALL.iter().flat_map(of_provider).collect()),
        terms(
            "whtool",
            &[
                ("WHTOOL_HOME", "one folder for all of whtool's files, in place of the platform's own"),
                ("NO_COLOR", "no colours when set (https://no-color.org)"),
                ("CLICOLOR_FORCE", "colours also where no terminal is, unless 0"),
                ("VISUAL, EDITOR", "the editor of `replay --edit`"),
            ],
        ),
        Part::Terms("Settings, also in files".to_owned(), option::ALL.iter().map(setting).collect()),
        text(
            "A flag comes before a variable, that before whtool.toml in the working folder or above it in the repository,\n\
             that before your own config.toml: see `whtool config show --origin` and `whtool config path`.",
        ),
        text(
            "Nothing of a variable's text is trimmed: blanks that should not be there are named as a cause, not hidden.",
        ),
    ]
}

fn formats() -> Vec<Part> {
    let read = [
        ("raw HTTP", "requests one after the other, also as `curl -v` shows them"),
        ("JSON lines", "what `listen --json` and `events export` write, one object a line"),
        ("HAR", "HTTP archives 1.2, of browsers and proxies"),
        ("body and headers", "`verify --body FILE --header 'NAME: VALUE'`"),
    ];
    vec![
        terms("Read by verify", &read),
        text("With `--json` a command prints one JSON object a line. Its `schema` names its shape and version:"),
        Part::Terms("Written with --json".to_owned(), records()),
        text(
            "A body is `body` when it is valid UTF-8, and base64 in `bodyBase64` otherwise: it is byte for byte what came, unmasked.\n\
             Fields may be added to a version; one that changes or goes away makes a new version.",
        ),
    ]
}

/// The published schema of every record.
const SCHEMA: &str = include_str!("../../../docs/whtool.schema.json");

/// Every record's name, and what it tells.
fn records() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    let record = |definition: &Value| {
        let name = definition.pointer("/properties/schema/const")?.as_str()?;
        Some((name.to_owned(), definition.get("description")?.as_str()?.to_owned()))
    };
    let definitions = document.get("$defs").and_then(Value::as_object);
    definitions.into_iter().flatten().filter_map(|(_, definition)| record(definition)).collect()
}

fn providers() -> Vec<Part> {
    let mut parts = Vec::new();
    for provider in provider::ALL {
        let signed = match provider.timestamp_header() {
            Some(header) => format!("{}BODY, hex HMAC-SHA256; TIME in {header}", provider.signed_prefix("TIME")),
            None => "BODY, hex HMAC-SHA256; no time is signed".to_owned(),
        };
        let known = [
            ("signature", provider.signature_header().to_owned()),
            ("signed", signed),
            ("secret", provider.secret_variable().to_owned()),
            ("API key", provider.key_variable().to_owned()),
        ];
        let known = known.into_iter().map(|(term, meaning)| (term.to_owned(), meaning));
        parts.push(Part::Terms(format!("{} ({})", provider.title(), provider.name()), known.collect()));
        let types = provider.event_types().iter().map(|kind| (kind.name.to_owned(), kind.meaning.to_owned()));
        parts.push(Part::Terms(format!("Events of {}", provider.title()), types.collect()));
    }
    parts
}
