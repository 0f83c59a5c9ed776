//! Causes in our copy of the secret: it is another one, holds more than the secret, or none.
//!
//! Causes in the key that signed are in `key`. `{part}` is what the table row found, `{rest}` the
//! further steps.

use crate::diagnose::cause::CauseGroup::Secret;
use crate::diagnose::cause::{CauseKind, cause_kinds};

/// The fix where the two kinds of credentials were confused.
const SIGNING_SECRET: &str = "use the endpoint's signing secret; the API key is for API calls";
const SECRET_ALONE: &str = "set {name} to the secret alone";
const REAL_SECRET: &str = "set {name} to the signing secret that the provider shows for this endpoint";

cause_kinds! {
    OF_OTHER_PROVIDER = CauseKind::new(
        Secret,
        "secret_of_other_provider",
        "signed with another provider's secret: {name}",
        "check whether the two secrets are swapped",
    )
    .signer_fix("use this provider's secret")
    .digest(
        "the key is another provider's secret: {name}",
        "use the secret of the provider that sends this webhook",
    );
    WHITESPACE_ADDED = CauseKind::new(
        Secret,
        "secret_whitespace_added",
        "{name} has whitespace around it that the signing key does not have{rest}",
        "remove the whitespace from {name} (echo writes a newline, printf '%s' does not)",
    )
    .digest("the key is {name} without the whitespace around it{rest}", "");
    ODD_CHARACTER = CauseKind::new(
        Secret,
        "secret_odd_character",
        "{name} has {part}, which the signing key does not have{rest}",
        "remove the character from {name}: type its place again, or save the file as UTF-8 without a mark",
    )
    .digest("the key is {name} without {part}{rest}", "");
    TYPOGRAPHIC = CauseKind::new(
        Secret,
        "secret_typographic",
        "{name} has {part}, where the signing key has a plain character{rest}",
        "copy the secret to {name} from the provider, not from a chat, a mail or a document",
    )
    .digest("the key is {name} with plain quotes and dashes{rest}", "");
    QUOTED = CauseKind::new(
        Secret,
        "secret_quoted",
        "{name} has {part} around it that the signing key does not have{rest}",
        "remove the {part} from {name}: the program that reads them keeps them as part of the value",
    )
    .digest("the key is {name} without its {part}{rest}", "");
    PRINTED = CauseKind::new(
        Secret,
        "secret_printed",
        "{name} is bytes in their printed form, {part}, and the signing key is the bytes{rest}",
        "set {name} to the secret itself: decode the bytes before they are printed",
    )
    .digest("the key is the bytes that {name} holds as {part}{rest}", "");
    PREFIX_TWICE = CauseKind::new(
        Secret,
        "secret_prefix_twice",
        "{name} starts with `{part}` twice, but the signing key only once{rest}",
        "remove one `{part}` from the start of {name}",
    )
    .digest("the key is {name} with `{part}` only once{rest}", "");
    PREFIX_DAMAGED = CauseKind::new(
        Secret,
        "secret_prefix_damaged",
        "{name} does not start with exactly `{part}`, but the signing key does{rest}",
        "write `{part}` at the start of {name}, in these letters",
    )
    .digest("the key is {name} with exactly `{part}` at the start{rest}", "");
    TWICE = CauseKind::new(
        Secret,
        "secret_twice",
        "{name} holds the secret twice{rest}",
        "set {name} to the secret once: it was pasted twice",
    );
    IN_JSON = CauseKind::new(
        Secret,
        "secret_in_json",
        "{name} is JSON, but the signing key is {part}{rest}",
        "set {name} to this value alone: parse the JSON of a secrets manager where the variable is set",
    )
    .digest("the key is {part} in the JSON of {name}{rest}", "");
    ARMOUR = CauseKind::new(
        Secret,
        "secret_armour",
        "{name} has lines of dashes around it that the signing key does not have{rest}",
        SECRET_ALONE,
    );
    IN_FILE = CauseKind::new(
        Secret,
        "secret_in_file",
        "{name} has several lines, but the signing key is {part}{rest}",
        "set {name} to this text alone",
    )
    .digest("the key is the text {part} of {name}{rest}", "");
    COMMENT = CauseKind::new(
        Secret,
        "secret_comment",
        "{name} has a comment at the end that the signing key does not have{rest}",
        "remove the comment from {name}: docker's --env-file and systemd keep it as part of the value",
    )
    .digest("the key is {name} without the comment at its end{rest}", "");
    LINE = CauseKind::new(
        Secret,
        "secret_line",
        "{name} is a whole line, but the signing key is {part}{rest}",
        "set {name} to the secret alone, without the variable's name",
    )
    .digest("the key is {part} in {name}{rest}", "");
    LABEL = CauseKind::new(
        Secret,
        "secret_label",
        "{name} has `{part}` in front of the signing key{rest}",
        SECRET_ALONE,
    )
    .digest("the key is the part of {name} after `{part}`{rest}", "");
    STRAY = CauseKind::new(
        Secret,
        "secret_stray_character",
        "{name} has {part} that the signing key does not have{rest}",
        "remove the character from {name}",
    )
    .signer_fix("look for a secret that was truncated")
    .digest("the key is {name} without {part}{rest}", "");
    LIST = CauseKind::new(
        Secret,
        "secret_list",
        "{name} holds several values, but the signing key is {part}{rest}",
        "set {name} to this value alone; in a variable, several secrets are separated by a comma and no blank",
    )
    .digest("the key is {part} in {name}{rest}", "");
    IN_BASE64 = CauseKind::new(
        Secret,
        "secret_decoded",
        "{name} holds the {part} of the signing key{rest}",
        "set {name} to the decoded text",
    )
    .signer_fix("use the secret's text as the key, without decoding it")
    .digest(
        "the key is {name} decoded from {part}{rest}",
        "use the secret as the provider shows it: set {name} to the decoded text, or do not decode it",
    );
    ENCODED = CauseKind::new(
        Secret,
        "secret_encoded",
        "{name} is in {part}, but the signing key is the decoded text{rest}",
        "set {name} to the decoded text",
    )
    .signer_fix("use the secret's text as the key, without decoding it")
    .digest(
        "the key is {name} decoded from {part}{rest}",
        "use the secret as the provider shows it: set {name} to the decoded text, or do not decode it",
    );
    IN_TEXT = CauseKind::new(
        Secret,
        "secret_in_text",
        "{name} holds more than the secret: the signing key is {part}{rest}",
        SECRET_ALONE,
    )
    .digest("the key is {part} in {name}{rest}", "");
    NOT_CONFIGURED = CauseKind::new(
        Secret,
        "secret_not_configured",
        "no {provider} secret is configured",
        "set {variable} to the endpoint's signing secret",
    );
    LOOKS_LIKE_API_KEY = CauseKind::new(
        Secret,
        "secret_looks_like_api_key",
        "{name} looks like an API key (it begins with `{part}`), not like a signing secret",
        SIGNING_SECRET,
    );
    LOOKS_WRAPPED = CauseKind::new(
        Secret,
        "secret_looks_wrapped",
        "{name} has {part} around it, as part of the secret",
        SECRET_ALONE,
    );
    HAS_ODD_CHARACTER = CauseKind::new(
        Secret,
        "secret_has_odd_character",
        "{name} has {part}",
        "copy the secret again from the provider, and save files as UTF-8 without a byte order mark",
    );
    LOOKS_UNSET = CauseKind::new(
        Secret,
        "secret_looks_unset",
        "{name} is {part}: what an unset variable turns into",
        REAL_SECRET,
    );
    LOOKS_UNRESOLVED = CauseKind::new(
        Secret,
        "secret_looks_unresolved",
        "{name} looks like {part}, not like a secret",
        REAL_SECRET,
    );
    LOOKS_LIKE_ID = CauseKind::new(
        Secret,
        "secret_looks_like_id",
        "{name} looks like an identifier (it begins with `{part}`), not like a signing secret",
        REAL_SECRET,
    );
    LOOKS_LIKE_PLACEHOLDER = CauseKind::new(
        Secret,
        "secret_looks_like_placeholder",
        "{name} looks like a placeholder or a truncated secret",
        REAL_SECRET,
    );
    LOOKS_LIKE_CONTAINER = CauseKind::new(
        Secret,
        "secret_looks_like_container",
        "{name} looks like {part}, not like a secret alone",
        SECRET_ALONE,
    );
    LOOKS_TRUNCATED = CauseKind::new(
        Secret,
        "secret_looks_truncated",
        "{name} has only {part}: it may be truncated",
        "copy the whole secret; env files and shells cut it at `$` and `#` unless it is in single quotes",
    );
}
