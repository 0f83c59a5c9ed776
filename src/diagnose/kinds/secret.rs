//! Causes in the secret.

use crate::diagnose::cause::CauseGroup::Secret;
use crate::diagnose::cause::{CauseKind, cause_kinds};

/// The fix where a longer secret was expected.
const COPY_AGAIN: &str = "copy the secret again";
/// The fix where the two kinds of credentials were confused.
const SIGNING_SECRET: &str = "use the endpoint's signing secret; the API key is for API calls";

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
        "{name} has whitespace around it that the signing key does not have",
        "remove the whitespace from {name} (echo writes a newline, printf '%s' does not)",
    )
    .digest("the key is {name} without the whitespace around it", "");
    WHITESPACE_LOST = CauseKind::new(
        Secret,
        "secret_whitespace_lost",
        "the signing key is {name} with {tail} at the end",
        COPY_AGAIN,
    )
    .signer_fix("trim the secret where it is read")
    .digest("the key is {name} with {tail} at the end", "");
    QUOTED = CauseKind::new(
        Secret,
        "secret_quoted",
        "{name} has quotes around it that the signing key does not have",
        "remove the quotes from {name}: the program that reads them keeps them as part of the value",
    )
    .digest("the key is {name} without its quotes", "");
    USED_WITH_QUOTES = CauseKind::new(
        Secret,
        "secret_used_with_quotes",
        "the signing key is {name} with quotes around it",
        COPY_AGAIN,
    )
    .signer_fix("remove the quotes where the secret is set")
    .digest("the key is {name} with quotes around it", "");
    PREFIX_DROPPED = CauseKind::new(
        Secret,
        "secret_prefix_dropped",
        "the signing key is {name} without `{prefix}`",
        COPY_AGAIN,
    )
    .signer_fix("use the whole secret as the key, including its prefix")
    .digest("the key is {name} without `{prefix}`", "");
    PREFIX_LOST = CauseKind::new(
        Secret,
        "secret_prefix_lost",
        "{name} does not start with `{prefix}`, but the signing key does",
        "add `{prefix}` to the start of {name}",
    )
    .digest("the key is {name} with `{prefix}` at the start", "");
    DECODED = CauseKind::new(
        Secret,
        "secret_decoded",
        "the signing key is {name} decoded from {encoding}",
        "set {name} to the secret itself, not its {encoding}",
    )
    .signer_fix("use the secret's text as the key, without decoding it")
    .digest("the key is {name} decoded from {encoding}", "");
    CUT_AT_HASH = CauseKind::new(
        Secret,
        "secret_cut_at_hash",
        "the signing key is the part of {name} before the `#`",
        "remove the comment from {name}",
    )
    .signer_fix("quote the secret in the env file, where `#` starts a comment")
    .digest("the key is the part of {name} before the `#`", "");
    CUT_SHORT = CauseKind::new(
        Secret,
        "secret_cut_short",
        "the signing key is {name} without the last character",
        "look for an extra character at the end of {name}",
    )
    .signer_fix("copy the whole secret")
    .digest("the key is {name} without the last character", "copy the whole secret to where your code runs");
    LINE = CauseKind::new(
        Secret,
        "secret_line",
        "{name} is a whole line of an env file, but the signing key is the part after the `=`",
        "set {name} to the secret alone, without the variable's name",
    )
    .digest("the key is the part of {name} after the `=`", "");
    UNSET = CauseKind::new(
        Secret,
        "secret_unset",
        "the signing key is {used}: no secret was set",
        "",
    )
    .signer_fix("set the secret in the environment of the code that signs: the variable is missing there")
    .digest(
        "the key is {used}: the variable was not set",
        "set the secret where your code runs, and fail if it is missing",
    );
    NOT_CONFIGURED = CauseKind::new(
        Secret,
        "secret_not_configured",
        "no {provider} secret is configured",
        "set {variable} to the endpoint's signing secret",
    );
    API_KEY = CauseKind::new(
        Secret,
        "api_key_as_secret",
        "signed with the API key in {name}",
        "",
    )
    .signer_fix(SIGNING_SECRET)
    .digest("the key is the API key in {name}", "");
    LOOKS_LIKE_API_KEY = CauseKind::new(
        Secret,
        "secret_looks_like_api_key",
        "{name} looks like an API key, not like a signing secret",
        SIGNING_SECRET,
    );
    LOOKS_WRAPPED = CauseKind::new(
        Secret,
        "secret_looks_wrapped",
        "{name} has whitespace or quotes around it",
        "set {name} to the secret alone",
    );
}
