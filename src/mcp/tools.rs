//! The tools: one row each, with its arguments and the command line that it stands for.
//!
//! Arguments are typed words, never flags, paths or shell commands: a value that begins with `-`, or
//! the name of a file, is refused, and every URL is left to the command, which sends signed events
//! to other machines only after a confirmation that nobody can give here.

use super::arguments::{Arguments, capture, filters, plain_word};
use super::facts::facts;
use super::parameter::{Parameter, ParameterKind, framework_names, optional, property, required};
use crate::diagnose::frameworks::{self, Framework};
use crate::provider;
use serde_json::{Map, Value, json};

/// Permissions of the server besides reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Send signed events to apps on this machine.
    pub send: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolCall {
    /// Run whtool with these words and this standard input.
    Command { words: Vec<String>, input: Vec<u8>, output: OutputKind },
    /// Wait until an event arrives that `events list` with these filters shows.
    WaitForEvent { filters: Vec<String>, seconds: u64 },
    /// The answer is known already.
    Known(Value),
    /// Answer with what is documented, and with what `learn` prints, if anything was captured.
    ProviderFacts { documented: Value, learn: Vec<String> },
}

/// Form of a command's standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// One JSON record per line.
    Records,
    /// Text, shown from this byte on.
    Text { offset: usize },
}

/// The reason why a call is not made.
#[derive(Debug, PartialEq, Eq)]
pub enum CallRefusal {
    UnknownTool,
    /// A sentence about the arguments.
    Arguments(String),
}

/// Longest wait for an event, in seconds.
const MAX_WAIT: u64 = 60;
/// Most events listed at once.
const MAX_LIMIT: u64 = 200;
const DEFAULT_LIMIT: u64 = 20;

struct Tool {
    name: &'static str,
    description: &'static str,
    /// True: it changes nothing, here or elsewhere.
    is_read_only: bool,
    parameters: &'static [Parameter],
    prepare: fn(&Arguments<'_>) -> Result<ToolCall, String>,
}

const CAPTURE: &str =
    "A stored delivery: its number, `last`, `last~1`, an event id (evt_…) or a reference (pi_…, PLS-…)";
const PROVIDER: Parameter = optional("provider", ParameterKind::Provider, "Only this provider");
const TYPE: Parameter = optional("type", ParameterKind::Text, "Event type or glob, such as payment.*");
const VERDICT: Parameter = optional("verdict", ParameterKind::Text, "Verdict, such as verified or mismatch");
const HANDLER: Parameter =
    required("url", ParameterKind::Text, "URL of the handler on this machine, such as http://127.0.0.1:3000/webhooks");

const TOOLS: &[Tool] = &[
    Tool {
        name: "list_events",
        description: "List received webhooks, newest last, with their verdicts and the app's answers",
        is_read_only: true,
        parameters: &[
            PROVIDER,
            TYPE,
            VERDICT,
            optional("since", ParameterKind::Text, "Only since this time: 2h (ago), today, a date, RFC 3339"),
            optional("until", ParameterKind::Text, "Only before this time"),
            optional("reference", ParameterKind::Text, "Only with this event id, payment or reference"),
            optional("grep", ParameterKind::Text, "Only with this text in the body"),
            optional("failed", ParameterKind::Boolean, "Only refused ones, or not answered with 2xx by the app"),
            optional("limit", ParameterKind::Integer, "Most events to list, up to 200 [default: 20]"),
        ],
        prepare: |arguments| {
            let mut words = vec!["events".to_owned(), "list".to_owned()];
            words.extend(filters(arguments)?);
            let limit = arguments.integer("limit", DEFAULT_LIMIT)?.clamp(1, MAX_LIMIT);
            words.push(format!("--limit={limit}"));
            records(words)
        },
    },
    Tool {
        name: "show_event",
        description: "Show one received webhook: request, body, verdict, attempts to forward it",
        is_read_only: true,
        parameters: &[
            required("capture", ParameterKind::Text, CAPTURE),
            optional("body_offset", ParameterKind::Integer, "Show only the body, from this byte on"),
        ],
        prepare: |arguments| {
            let capture = capture(arguments, "capture")?;
            let words = |flag: &str| vec!["events".to_owned(), "show".to_owned(), flag.to_owned(), capture.clone()];
            match arguments.optional_integer("body_offset")? {
                None => records_only(words("--as=json")),
                Some(offset) => {
                    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                    let output = OutputKind::Text { offset };
                    Ok(ToolCall::Command { words: words("--body"), input: Vec::new(), output })
                }
            }
        },
    },
    Tool {
        name: "wait_for_event",
        description: "Wait until a webhook arrives, for at most 60 seconds; a listener must be running (whtool listen)",
        is_read_only: true,
        parameters: &[
            PROVIDER,
            TYPE,
            VERDICT,
            optional("reference", ParameterKind::Text, "Only with this event id, payment or reference"),
            optional("seconds", ParameterKind::Integer, "Time to wait, up to 60 [default: 30]"),
        ],
        prepare: |arguments| {
            let seconds = arguments.integer("seconds", 30)?.clamp(1, MAX_WAIT);
            Ok(ToolCall::WaitForEvent { filters: filters(arguments)?, seconds })
        },
    },
    Tool {
        name: "explain",
        description: "Name the cause of a failed signature, and the fix, for a stored delivery or a captured request",
        is_read_only: true,
        parameters: &[
            optional("capture", ParameterKind::Text, CAPTURE),
            optional(
                "request",
                ParameterKind::Text,
                "A captured request in any format: raw HTTP, HAR, curl, JSON, a log",
            ),
        ],
        prepare: |arguments| match (arguments.optional_text("capture")?, arguments.optional_text("request")?) {
            (Some(_), None) => {
                let capture = capture(arguments, "capture")?;
                records(vec!["verify".to_owned(), "--any-age".to_owned(), capture])
            }
            (None, Some(request)) => with_input(&["verify", "--any-age", "-"], request),
            _ => Err("give either `capture` or `request`".to_owned()),
        },
    },
    Tool {
        name: "compare",
        description: "Show the differences between two stored deliveries",
        is_read_only: true,
        parameters: &[
            required("first", ParameterKind::Text, CAPTURE),
            required("second", ParameterKind::Text, CAPTURE),
        ],
        prepare: |arguments| {
            let captures = [capture(arguments, "first")?, capture(arguments, "second")?];
            records(["events".to_owned(), "diff".to_owned()].into_iter().chain(captures).collect())
        },
    },
    Tool {
        name: "computed_digest",
        description: "Explain the digest that your own code computed for a stored delivery: which mistake gives it",
        is_read_only: true,
        parameters: &[
            required("capture", ParameterKind::Text, CAPTURE),
            required("digest", ParameterKind::Text, "Digest in hex or base64"),
        ],
        prepare: |arguments| {
            let digest = arguments.text("digest")?;
            let capture = capture(arguments, "capture")?;
            records(vec!["verify".to_owned(), "--any-age".to_owned(), format!("--computed={digest}"), capture])
        },
    },
    Tool {
        name: "framework_lines",
        description: "Show handler code that verifies the raw body, for a web framework",
        is_read_only: true,
        parameters: &[required("framework", ParameterKind::Framework, "Framework of the handler")],
        prepare: |arguments| {
            let framework = frameworks::find(arguments.text("framework")?);
            let Some(Framework { name, title, text, .. }) = framework else {
                return Err(format!("`framework` must be one of {}", framework_names().join(", ")));
            };
            Ok(ToolCall::Known(json!({"name": name, "title": title, "text": text})))
        },
    },
    Tool {
        name: "provider_facts",
        description: "What the providers document, contradict and leave open, with the pages, and what was really seen",
        is_read_only: true,
        parameters: &[PROVIDER],
        prepare: |arguments| {
            let only = arguments.optional_text("provider")?;
            let chosen = provider::ALL.iter().filter(|provider| only.is_none_or(|name| name == provider.name()));
            let documented = chosen.map(|provider| facts(*provider)).collect::<Vec<_>>().into();
            let mut learn = vec!["learn".to_owned(), "--json".to_owned()];
            learn.extend(only.map(|name| format!("--provider={name}")));
            Ok(ToolCall::ProviderFacts { documented, learn })
        },
    },
    Tool {
        name: "samples",
        description: "List the sample events, or show the payload of one",
        is_read_only: true,
        parameters: &[optional("name", ParameterKind::Text, "Sample, such as payment.debited")],
        prepare: |arguments| match arguments.optional_text("name")? {
            None => records(vec!["samples".to_owned(), "list".to_owned()]),
            Some(_) => {
                let name = plain_word(arguments, "name")?;
                records_only(vec!["samples".to_owned(), "show".to_owned(), name])
            }
        },
    },
    Tool {
        name: "sign",
        description: "Sign a payload with the configured secret: returns the request with its signature headers",
        is_read_only: true,
        parameters: &[
            required("payload", ParameterKind::Text, "Body, byte for byte"),
            optional("provider", ParameterKind::Provider, "Provider to sign for (default: detected from the payload)"),
        ],
        prepare: |arguments| {
            let mut words = vec!["sign", "--as=json"];
            let provider = arguments.optional_text("provider")?.map(|name| format!("--provider={name}"));
            words.extend(provider.as_deref());
            words.push("-");
            let words = words.into_iter().map(str::to_owned).collect();
            let input = arguments.text("payload")?.as_bytes().to_vec();
            Ok(ToolCall::Command { words, input, output: OutputKind::Records })
        },
    },
    Tool {
        name: "check_handler",
        description: "Test a webhook handler on this machine with correct, forged, stale and repeated events; names the \
                      root cause of each failure",
        is_read_only: false,
        parameters: &[
            HANDLER,
            optional(
                "provider",
                ParameterKind::Provider,
                "Provider whose events are sent (default: detected from the URL)",
            ),
            optional("only", ParameterKind::Text, "Run only probes with this id, prefix or glob"),
        ],
        prepare: |arguments| {
            let mut words = vec!["check".to_owned(), plain_word(arguments, "url")?];
            words.extend(arguments.optional_text("provider")?.map(|name| format!("--provider={name}")));
            words.extend(arguments.optional_text("only")?.map(|only| format!("--only={only}")));
            records(words)
        },
    },
    Tool {
        name: "reconcile",
        description: "Compare payments or purchases with the provider's records and the received webhooks; sends GET only",
        is_read_only: true,
        parameters: &[
            required(
                "references",
                ParameterKind::Texts,
                "References: pi_…, re_…, cs_…, PLS-…, or your own at Plustive",
            ),
            PROVIDER,
        ],
        prepare: |arguments| {
            let mut words = vec!["reconcile".to_owned()];
            words.extend(arguments.optional_text("provider")?.map(|name| format!("--provider={name}")));
            words.extend(arguments.texts("references")?);
            records(words)
        },
    },
    Tool {
        name: "doctor",
        description: "Check the set-up: secrets, endpoints, store and recent deliveries",
        is_read_only: true,
        parameters: &[],
        prepare: |_| records(vec!["doctor".to_owned(), "--offline".to_owned()]),
    },
    Tool {
        name: "send_event",
        description: "Send a signed sample event to an app on this machine",
        is_read_only: false,
        parameters: &[
            required("sample", ParameterKind::Text, "Sample, such as payment.debited"),
            optional("to", ParameterKind::Text, "URL of the app on this machine [default: the listener]"),
            optional("set", ParameterKind::Changes, "New values by path, such as {\"data.amount\": 5000}"),
        ],
        prepare: |arguments| {
            let mut words = vec!["replay".to_owned(), plain_word(arguments, "sample")?];
            words.extend(arguments.optional_text("to")?.map(|url| format!("--to={url}")));
            words.extend(arguments.changes("set")?);
            records(words)
        },
    },
    Tool {
        name: "replay",
        description: "Send a stored delivery to an app on this machine again, re-signed or exactly as received",
        is_read_only: false,
        parameters: &[
            required("capture", ParameterKind::Text, CAPTURE),
            optional("to", ParameterKind::Text, "URL of the app on this machine [default: the listener]"),
            optional("exact", ParameterKind::Boolean, "Same headers, body and signature"),
        ],
        prepare: |arguments| {
            let mut words = vec!["replay".to_owned(), capture(arguments, "capture")?];
            words.extend(arguments.optional_text("to")?.map(|url| format!("--to={url}")));
            words.extend(arguments.boolean("exact")?.then(|| "--exact".to_owned()));
            records(words)
        },
    },
];

/// Tools that need `--allow send`.
const SENDING: [&str; 2] = ["send_event", "replay"];

fn available(permissions: Permissions) -> impl Iterator<Item = &'static Tool> {
    TOOLS.iter().filter(move |tool| permissions.send || !SENDING.contains(&tool.name))
}

/// Describes the available tools for `tools/list`.
pub fn list(permissions: Permissions) -> Vec<Value> {
    available(permissions).map(describe).collect()
}

fn describe(tool: &Tool) -> Value {
    let properties: Map<_, _> =
        tool.parameters.iter().map(|parameter| (parameter.name.to_owned(), property(parameter))).collect();
    let required: Vec<_> =
        tool.parameters.iter().filter(|parameter| parameter.is_required).map(|parameter| parameter.name).collect();
    json!({
        "name": tool.name,
        "description": tool.description,
        "inputSchema": {"type": "object", "properties": properties, "required": required, "additionalProperties": false},
        "annotations": {
            "readOnlyHint": tool.is_read_only,
            "destructiveHint": !tool.is_read_only,
            "openWorldHint": tool.name == "reconcile",
        },
    })
}

/// Turns a call into what has to be run.
pub fn prepare(name: &str, arguments: &Value, permissions: Permissions) -> Result<ToolCall, CallRefusal> {
    if let Some(sending) = SENDING.into_iter().find(|sending| *sending == name)
        && !permissions.send
    {
        let why = format!("`{sending}` is not allowed: start the server with `whtool mcp --allow send`");
        return Err(CallRefusal::Arguments(why));
    }
    let tool = available(permissions).find(|tool| tool.name == name).ok_or(CallRefusal::UnknownTool)?;
    let empty = Map::new();
    let values = match arguments {
        Value::Null => &empty,
        Value::Object(values) => values,
        _ => return Err(CallRefusal::Arguments("the arguments must be an object".to_owned())),
    };
    let known = |name: &&String| tool.parameters.iter().any(|parameter| parameter.name == name.as_str());
    if let Some(unknown) = values.keys().find(|name| !known(name)) {
        let names: Vec<_> = tool.parameters.iter().map(|parameter| parameter.name).collect();
        let why = format!("no argument `{}`; arguments: {}", super::shorten(unknown), names.join(", "));
        return Err(CallRefusal::Arguments(why));
    }
    (tool.prepare)(&Arguments(values)).map_err(CallRefusal::Arguments)
}

/// Runs a command with `--json`.
fn records(mut words: Vec<String>) -> Result<ToolCall, String> {
    words.push("--json".to_owned());
    records_only(words)
}

/// Runs a command that prints JSON anyway.
fn records_only(words: Vec<String>) -> Result<ToolCall, String> {
    Ok(ToolCall::Command { words, input: Vec::new(), output: OutputKind::Records })
}

fn with_input(words: &[&str], input: &str) -> Result<ToolCall, String> {
    let words = words.iter().copied().chain(["--json"]).map(str::to_owned).collect();
    Ok(ToolCall::Command { words, input: input.as_bytes().to_vec(), output: OutputKind::Records })
}
