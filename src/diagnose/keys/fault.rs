//! What is visibly wrong with a secret, without any request: a likely cause when nothing is
//! proved, and a reason to warn where a secret is read.

use super::parts::{Part, Step, find_parts};
use super::text::is_printable;
use crate::diagnose::cause::{Cause, CauseKind};
use crate::diagnose::kinds::secret as kinds;
use crate::model::secret::{SHORT_SECRET_BYTES, looks_like_placeholder};
use crate::model::secret_text::{OddKind, decode_text, find_odd_character, trim_invisible};
use crate::provider::{self, Provider};
use FaultSeverity::{Suspicious, Unusable};

/// A fault that a secret shows.
pub(crate) struct SecretFault {
    pub cause: Cause,
    pub severity: FaultSeverity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultSeverity {
    /// No provider signs with such a secret.
    Unusable,
    /// It may be a secret all the same.
    Suspicious,
}

/// Finds the first fault that a secret of this provider shows. `name` is the subject of the
/// sentence: a variable, a file, or "the secret". `None`: it may well be a secret.
pub(crate) fn find_fault(secret: &[u8], name: &str, provider: &dyn Provider) -> Option<SecretFault> {
    let (kind, severity, part) =
        FAULTS.iter().find_map(|(kind, severity, find)| Some((*kind, *severity, find(secret, provider)?)))?;
    Some(SecretFault { cause: Cause::new(kind).with("name", name.to_owned()).with("part", part), severity })
}

/// Describes in a phrase where in a text its secret probably is. `None`: nothing in it looks like
/// one.
pub(crate) fn find_secret_in_text(text: &[u8], provider: &dyn Provider) -> Option<String> {
    let prefix = provider.secret_prefix();
    let parts = find_parts(text, prefix);
    let is_word = |part: &Part| part.bytes.iter().all(u8::is_ascii_graphic);
    let has_name = |part: &&Part| part.steps.iter().any(|step| step.detail.to_ascii_lowercase().contains("secret"));
    let is_prefixed = |part: &&Part| !prefix.is_empty() && part.bytes.starts_with(prefix.as_bytes());
    let words = || parts.iter().filter(|part| is_word(part));
    let found = words().find(is_prefixed).or_else(|| words().find(has_name))?;
    Some(found.steps.iter().map(|step| step.phrase.as_str()).collect::<Vec<_>>().join(", "))
}

type FindFault = fn(&[u8], &dyn Provider) -> Option<String>;

/// The faults with what finds them and returns the `{part}` of their words, most exact first.
static FAULTS: &[(&CauseKind, FaultSeverity, FindFault)] = &[
    (&kinds::LOOKS_LIKE_API_KEY, Unusable, prefix_of_api_key),
    (&kinds::LOOKS_UNSET, Unusable, unset_word),
    (&kinds::LOOKS_UNRESOLVED, Unusable, reference),
    (&kinds::LOOKS_LIKE_ID, Unusable, prefix_of_id),
    (&kinds::LOOKS_LIKE_CONTAINER, Unusable, container),
    (&kinds::LOOKS_LIKE_PLACEHOLDER, Suspicious, placeholder),
    (&kinds::LOOKS_WRAPPED, Unusable, wrapping),
    (&kinds::HAS_ODD_CHARACTER, Unusable, odd_character),
    (&kinds::HAS_ODD_CHARACTER, Suspicious, odd_byte),
    (&kinds::LOOKS_TRUNCATED, Suspicious, short_length),
];

/// Returns the prefix of an API key of any provider.
fn prefix_of_api_key(secret: &[u8], _: &dyn Provider) -> Option<String> {
    let prefixes = provider::ALL.iter().flat_map(|each| [Some(each.api().live_key_prefix), each.api().test_key_prefix]);
    let start = trim_invisible(secret);
    prefixes.flatten().find(|prefix| start.starts_with(prefix.as_bytes())).map(str::to_owned)
}

fn prefix_of_id(secret: &[u8], own: &dyn Provider) -> Option<String> {
    let text = std::str::from_utf8(trim_invisible(secret)).ok().filter(|text| own.owns_reference(text))?;
    text.find(['_', '-']).map(|at| text[..=at].to_owned())
}

/// What languages print for a value that is not there.
const UNSET: &[&str] = &[
    "",
    "\"\"",
    "''",
    "undefined",
    "null",
    "none",
    "nil",
    "nan",
    "<nil>",
    "false",
    "true",
    "0",
    "{}",
    "[]",
    "()",
    "[object object]",
    "[object promise]",
    "<no value>",
    "(null)",
    "<null>",
    "optional.empty",
    "system.object",
];

fn unset_word(secret: &[u8], own: &dyn Provider) -> Option<String> {
    let text = std::str::from_utf8(secret).ok()?.trim();
    let bare = text.strip_prefix(own.secret_prefix()).unwrap_or(text);
    let is_unset = |text: &str| UNSET.iter().any(|word| text.eq_ignore_ascii_case(word));
    if text.is_empty() {
        Some("empty".to_owned())
    } else if bare.is_empty() {
        Some(format!("only the prefix `{text}`"))
    } else {
        (is_unset(text) || is_unset(bare)).then(|| format!("`{text}`"))
    }
}

/// Starts of code that reads a variable.
const CODE: &[&str] = &[
    "process.env",
    "import.meta.env",
    "os.environ",
    "os.getenv",
    "Deno.env",
    "Bun.env",
    "getenv(",
    "env(",
    "ENV[",
    "ENV.fetch",
    "System.getenv",
    "Environment.GetEnvironmentVariable",
    "std::env",
    "$env:",
    "$_ENV",
    "$_SERVER",
    "config(",
    "secrets.",
];
/// Starts of references to a secret store.
const STORES: &[&str] = &[
    "op://",
    "vault:",
    "arn:aws:",
    "projects/",
    "@Microsoft.KeyVault",
    "secretsmanager:",
    "ssm:",
    "ssm://",
    "sm://",
    "gcpsm:",
    "doppler://",
    "infisical://",
    "ref+",
    "akv://",
    "bws://",
    "!vault",
    "ENC[",
];
/// Marks of templates and variables, with their ends.
const TEMPLATES: &[(&str, &str)] =
    &[("${", "}"), ("{{", "}}"), ("<%", "%>"), ("#{", "}"), ("$(", ")"), ("[[", "]]"), ("%(", ")s")];

/// Recognizes what stands for a secret and was not replaced by it. The text itself is not returned.
fn reference(secret: &[u8], own: &dyn Provider) -> Option<String> {
    let text = std::str::from_utf8(secret).ok()?.trim().trim_matches(['"', '\'']);
    let is_name = |name: &str| {
        let is_word = |each: char| each.is_ascii_uppercase() || each.is_ascii_digit() || each == '_';
        name == own.secret_variable() || (name.contains('_') && name.len() > 4 && name.chars().all(is_word))
    };
    let percent = text.strip_prefix('%').and_then(|rest| rest.strip_suffix('%'));
    let underscores = text.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    let dollar = text.strip_prefix('$');
    let starts = |list: &'static [&'static str]| list.iter().find(|start| text.starts_with(**start));
    let template =
        TEMPLATES.iter().find(|(start, end)| text.split_once(start).is_some_and(|(_, rest)| rest.contains(end)));
    if let Some(start) = starts(CODE) {
        Some(format!("code that reads a variable (`{start}…`)"))
    } else if let Some(start) = starts(STORES) {
        Some(format!("a reference to a secret store (`{start}…`)"))
    } else if let Some((start, end)) = template {
        Some(format!("a template (`{start}…{end}`)"))
    } else if [percent, underscores, dollar, Some(text)].into_iter().flatten().any(is_name) {
        Some("the name of a variable".to_owned())
    } else if text.starts_with("http://") || text.starts_with("https://") {
        Some("a URL".to_owned())
    } else if ["/", "./", "../", "~/", "file:", "C:\\"].iter().any(|start| text.starts_with(start)) {
        Some("the path of a file".to_owned())
    } else {
        None
    }
}

/// Names what the secret stands in, if that can be recognized without a signature.
fn container(secret: &[u8], own: &dyn Provider) -> Option<String> {
    let parts = find_parts(secret, own.secret_prefix());
    let is_kind = |kind: &CauseKind| parts.iter().find(|part| part.steps.len() == 1 && part.steps[0].kind == kind);
    if secret.starts_with(b"{") || secret.starts_with(b"[") {
        return is_kind(&kinds::IN_JSON).map(|_| "JSON".to_owned());
    }
    if let Some(part) = is_kind(&kinds::PREFIX_TWICE) {
        return Some(format!("a secret with `{}` twice", part.steps[0].detail));
    }
    // A base64 text ends with `=`; what is printed as a name here is the name of a variable.
    let line = is_kind(&kinds::LINE).map(|part| part.steps[0].detail.clone());
    let named = line.filter(|detail| detail.starts_with("the value of"));
    [
        is_kind(&kinds::ARMOUR).map(|_| "a block between lines of dashes".to_owned()),
        is_kind(&kinds::PRINTED).map(|part| part.steps[0].detail.clone()),
        secret.trim_ascii().contains(&b'\n').then(|| "a text of several lines".to_owned()),
        is_kind(&kinds::COMMENT).map(|_| "a secret with a comment".to_owned()),
        named.map(|_| "a line of an env file".to_owned()),
        is_kind(&kinds::LABEL).map(|part| format!("a secret after `{}`", part.steps[0].detail)),
        is_kind(&kinds::TWICE).map(|_| "a secret that was pasted twice".to_owned()),
        encoded_secret(secret, own),
    ]
    .into_iter()
    .flatten()
    .next()
}

/// Recognizes a secret that is encoded once more by the prefix that appears in it.
fn encoded_secret(secret: &[u8], own: &dyn Provider) -> Option<String> {
    let prefix = own.secret_prefix().as_bytes();
    let parts = find_parts(secret, own.secret_prefix());
    let is_secret = |bytes: &[u8]| !prefix.is_empty() && bytes.starts_with(prefix) && is_printable(bytes);
    let is_encoding = |step: &Step| [&kinds::ENCODED, &kinds::IN_BASE64].contains(&step.kind);
    let encoded = parts.iter().find(|part| is_encoding(&part.steps[0]) && is_secret(&part.bytes))?;
    (!secret.starts_with(prefix)).then(|| format!("a secret in {}", encoded.steps[0].detail))
}

fn placeholder(secret: &[u8], _: &dyn Provider) -> Option<String> {
    let text = String::from_utf8_lossy(secret);
    let is_cut = text.trim_end().ends_with('…');
    (is_cut || (secret.is_ascii() && looks_like_placeholder(secret))).then(String::new)
}

fn wrapping(secret: &[u8], _: &dyn Provider) -> Option<String> {
    let trimmed = secret.trim_ascii();
    if trimmed.len() < secret.len() {
        return Some("whitespace".to_owned());
    }
    let quotes = b"\"'`";
    let has_quote = |byte: Option<&u8>| byte.is_some_and(|byte| quotes.contains(byte));
    (secret.len() > 1 && (has_quote(secret.first()) || has_quote(secret.last()))).then(|| "quotes".to_owned())
}

fn odd_character(secret: &[u8], _: &dyn Provider) -> Option<String> {
    if let Some((_, encoding)) = decode_text(secret) {
        return Some(format!("the bytes of {}", encoding.name()));
    }
    find_odd_character(secret).filter(|odd| matches!(odd.character, OddKind::Character(_))).map(|odd| odd.to_string())
}

/// Finds a byte that is no text. A secret may have been chosen like this.
fn odd_byte(secret: &[u8], _: &dyn Provider) -> Option<String> {
    find_odd_character(secret).map(|odd| odd.to_string())
}

fn short_length(secret: &[u8], _: &dyn Provider) -> Option<String> {
    let bytes = secret.len();
    (bytes < SHORT_SECRET_BYTES).then(|| if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") })
}
