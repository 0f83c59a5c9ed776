//! Topics that concern several commands: exit statuses, variables, formats, providers. `whtool
//! help` and the manual pages show them.

use crate::provider;
use crate::settings::option::{self, Setting};
use serde_json::Value;

pub(crate) struct HelpTopic {
    pub name: &'static str,
    /// Description in one line.
    pub about: &'static str,
    pub parts: fn() -> Vec<TopicPart>,
}

pub(crate) enum TopicPart {
    Text(String),
    /// A heading, and a list of terms with their descriptions.
    Terms(String, Vec<(String, String)>),
}

pub(crate) const TOPICS: [HelpTopic; 4] = [
    HelpTopic { name: "exit-codes", about: "Exit statuses of all commands", parts: exit_codes },
    HelpTopic { name: "environment", about: "Environment variables and settings files", parts: environment },
    HelpTopic { name: "formats", about: "Formats that whtool reads and writes", parts: formats },
    HelpTopic { name: "providers", about: "How the providers sign, and which events they send", parts: providers },
];

fn text(paragraph: &str) -> TopicPart {
    TopicPart::Text(paragraph.to_owned())
}

fn terms(heading: &str, terms: &[(&str, &str)]) -> TopicPart {
    let owned = terms.iter().map(|(term, description)| ((*term).to_owned(), (*description).to_owned()));
    TopicPart::Terms(heading.to_owned(), owned.collect())
}

fn exit_codes() -> Vec<TopicPart> {
    let statuses = [
        ("0", "success; also if a pipe is closed early, for example by `head`"),
        ("1", "negative result: invalid signature, differences found, handler failed, timeout"),
        ("2", "usage error: invalid flag or argument, or an unknown sample, event type, probe or column"),
        ("3", "failed: network, file, settings or store error, or a missing file, capture, secret or endpoint"),
        ("4", "credentials missing or refused"),
        ("130", "interrupted by Ctrl+C, or by SIGTERM before the end; `listen` and `emulate` end with 0 after SIGTERM"),
    ];
    vec![
        terms("Exit status", &statuses),
        text(
            "An invalid signature is a result, not an error: `whtool verify` explains it on standard output and exits with status 1.",
        ),
    ]
}

fn environment() -> Vec<TopicPart> {
    let provider_variables = |provider: &&dyn provider::Provider| {
        let (title, api) = (provider.title(), provider.api());
        [
            (provider.secret_variable().to_owned(), format!("signing secrets of {title}, separated by commas")),
            (provider.key_variable().to_owned(), format!("API key of {title}")),
            (
                api.base_variable.to_owned(),
                format!("base URL of the API instead of {}, such as that of the emulator", api.base),
            ),
        ]
    };
    let setting = |setting: &Setting| (setting.variable(), format!("`{}`: {}", setting.key, setting.meaning));
    vec![
        TopicPart::Terms("Providers".to_owned(), provider::ALL.iter().flat_map(provider_variables).collect()),
        terms(
            "whtool",
            &[
                ("WHTOOL_HOME", "directory for all files of whtool, instead of the platform's directories"),
                (option::STORE_URL_VARIABLE, "postgres:// URL of the store; takes precedence over WHTOOL_STORE"),
                ("PGPASSWORD, PGPASSFILE", "password of a PostgreSQL store, as for libpq, with its other variables"),
                ("NO_COLOR", "disable colors if set (https://no-color.org)"),
                ("FORCE_COLOR, CLICOLOR_FORCE", "use colors even without a terminal, unless 0"),
                ("CLICOLOR", "use no colors if 0"),
                ("VISUAL, EDITOR", "editor of `replay --edit`"),
            ],
        ),
        TopicPart::Terms("Settings (also in settings files)".to_owned(), option::ALL.iter().map(setting).collect()),
        text(
            "Precedence: flag, environment variable, whtool.toml in the working directory or above it in the\n\
             repository, your own config.toml. See `whtool config show --origin` and `whtool config path`.",
        ),
        text("Values are not trimmed: `whtool verify` reports whitespace around a secret as a cause."),
    ]
}

fn formats() -> Vec<TopicPart> {
    let read = [
        ("raw HTTP", "one or more requests, with or without the answers"),
        ("JSON", "a request as an object, at any depth: HAR, AWS Lambda, webhook.site, ngrok, Postman, …"),
        ("JSON lines", "`listen --json`, `events export`, and logs with one object per line"),
        ("commands", "curl, wget and PowerShell: `Copy as cURL` in a browser"),
        ("curl traces", "`curl --trace`; `curl -v` does not show the body"),
        ("packets", "pcap and pcapng, `tcpdump -X` and `-A`, ngrep, hex dumps"),
        ("proxies", "mitmproxy, Burp Suite, Fiddler, Charles; also CSV, gzip and ZIP"),
        ("header lines", "header lines, an empty line and the body; `.http` and `.rest` files"),
        ("logs", "text with the payload in it; add the headers with --header if they are missing"),
        ("body and headers", "`verify --body FILE --header 'NAME: VALUE'`"),
    ];
    vec![
        terms("Read by verify and replay", &read),
        text("With `--json`, a command prints one JSON record per line. `schema` is its type and version:"),
        TopicPart::Terms("Written with --json".to_owned(), records()),
        text(
            "A body is in `body` if it is valid UTF-8, and in `bodyBase64` otherwise. It is complete and unmasked.\n\
             Fields may be added within a version. If a field is changed or removed, the version increases.",
        ),
    ]
}

/// JSON schema of all records.
pub(in crate::command) const SCHEMA: &str = include_str!("../../../docs/whtool.schema.json");

/// Returns the name and description of each record in the schema.
fn records() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    let record = |definition: &Value| {
        let name = definition.pointer("/properties/schema/const")?.as_str()?;
        Some((name.to_owned(), definition.get("description")?.as_str()?.to_owned()))
    };
    let definitions = document.get("$defs").and_then(Value::as_object);
    definitions.into_iter().flatten().filter_map(|(_, definition)| record(definition)).collect()
}

fn providers() -> Vec<TopicPart> {
    let mut parts = Vec::new();
    for provider in provider::ALL {
        let prefix = provider.signed_prefix("TIME");
        let signed = match provider.timestamp_header() {
            Some(header) => format!("HMAC-SHA256 of {prefix}BODY in hex; TIME is the value of {header}"),
            None => "HMAC-SHA256 of BODY in hex; no timestamp is signed".to_owned(),
        };
        let facts = [
            ("signature", provider.signature_header().to_owned()),
            ("signed", signed),
            ("secret", provider.secret_variable().to_owned()),
            ("API key", provider.key_variable().to_owned()),
        ];
        let facts = facts.map(|(term, description)| (term.to_owned(), description));
        parts.push(TopicPart::Terms(format!("{} ({})", provider.title(), provider.name()), facts.into()));
        let types = provider.event_types().iter().map(|kind| (kind.name.to_owned(), kind.meaning.to_owned()));
        parts.push(TopicPart::Terms(format!("Events of {}", provider.title()), types.collect()));
    }
    parts
}
