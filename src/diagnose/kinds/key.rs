//! Causes in the key that signed: code, shells or env files changed the secret before.
//!
//! Causes in our copy of it are in `secret`. `{part}` is what the table row made of it. Without a
//! fix for the receiver, no provider signs like this.

use crate::diagnose::cause::CauseGroup::Secret;
use crate::diagnose::cause::{CauseKind, cause_kinds};

/// The fix where a longer secret was expected.
const COPY_AGAIN: &str = "copy the secret again";
/// The fix for code that transforms its secret.
const USE_UNCHANGED: &str = "use the secret's text unchanged as the key";

cause_kinds! {
    WHITESPACE_LOST = CauseKind::new(
        Secret,
        "secret_whitespace_lost",
        "the signing key is {name} with {part} at the end",
        COPY_AGAIN,
    )
    .signer_fix("trim the secret where it is read")
    .digest("the key is {name} with {part} at the end", "");
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
        "the signing key is {name} without `{part}`",
        COPY_AGAIN,
    )
    .signer_fix("use the whole secret as the key, including its prefix")
    .digest("the key is {name} without `{part}`", "");
    PREFIX_LOST = CauseKind::new(
        Secret,
        "secret_prefix_lost",
        "{name} does not start with `{part}`, but the signing key does",
        "add `{part}` to the start of {name}",
    )
    .digest("the key is {name} with `{part}` at the start", "");
    DECODED = CauseKind::new(
        Secret,
        "secret_decoded",
        "the signing key is {name} decoded from {part}",
        COPY_AGAIN,
    )
    .signer_fix("use the secret's text as the key, without decoding it")
    .digest("the key is {name} decoded from {part}", "");
    CUT_AT_HASH = CauseKind::new(
        Secret,
        "secret_cut_at_hash",
        "the signing key is the part of {name} before the `#`",
        "remove the rest from {name}, if it is a comment",
    )
    .signer_fix("put the secret in single quotes in the env file, where `#` starts a comment")
    .digest("the key is the part of {name} before the `#`", "");
    CUT_AT = CauseKind::new(
        Secret,
        "secret_cut_at",
        "the signing key is the part of {name} before the first {part}",
        "remove the rest from {name}, if it is not part of the secret",
    )
    .signer_fix("look where the secret is set and split: put it in single quotes, and split a line only once")
    .digest("the key is the part of {name} before the first {part}", "");
    CUT_SHORT = CauseKind::new(
        Secret,
        "secret_cut_short",
        "the signing key is {name} without the last character",
        "look for an extra character at the end of {name}",
    )
    .signer_fix("copy the whole secret")
    .digest("the key is {name} without the last character", "copy the whole secret to where your code runs");
    FIRST_CHARACTERS = CauseKind::new(
        Secret,
        "secret_truncated",
        "the signing key is the first {part} bytes of {name}",
        "remove the rest from {name}, if it is not part of the secret",
    )
    .signer_fix("look for a column, a field or a buffer that truncates the secret")
    .digest("the key is the first {part} bytes of {name}", "");
    LAST_CHARACTERS = CauseKind::new(
        Secret,
        "secret_start_lost",
        "the signing key is {name} without its first {part}",
        "remove them from {name}, if they are not part of the secret",
    )
    .signer_fix("copy the whole secret")
    .digest("the key is {name} without its first {part}", "");
    EXPANDED = CauseKind::new(
        Secret,
        "secret_expanded",
        "the signing key is {name} without each `$` and the name after it",
        "",
    )
    .signer_fix(
        "keep `$name` from being replaced: single quotes in a shell, `\\$` for dotenv-expand, `$$` for docker compose",
    )
    .digest("the key is {name} without each `$` and the name after it", "");
    DOLLAR_DOUBLED = CauseKind::new(
        Secret,
        "secret_dollar_doubled",
        "{name} has `$$` where the signing key has `$`",
        "write a single `$` in {name}: only docker compose needs two",
    )
    .digest("the key is {name} with `$` in place of `$$`", "");
    FORM_DECODED = CauseKind::new(
        Secret,
        "secret_form_decoded",
        "{name} has a blank where the signing key has `+`",
        "copy the secret again: it was decoded as a form or a URL, where `+` stands for a blank",
    )
    .digest("the key is {name} with `+` in place of blanks", "");
    PADDING_LOST = CauseKind::new(
        Secret,
        "secret_padding_lost",
        "{name} lacks the `{part}` at the end of the signing key",
        "add `{part}` to the end of {name}: a line was split at each `=`",
    )
    .digest("the key is {name} with `{part}` at the end", "");
    CHARACTERS_LOST = CauseKind::new(
        Secret,
        "secret_characters_lost",
        "the signing key is {name} without each {part}",
        COPY_AGAIN,
    )
    .signer_fix("put the secret in single quotes where it is set: a shell or an env file removed characters")
    .digest("the key is {name} without each {part}", "");
    CHANGED = CauseKind::new(
        Secret,
        "secret_changed",
        "the signing key is {name} with {part}",
        COPY_AGAIN,
    )
    .signer_fix(USE_UNCHANGED)
    .digest("the key is {name} with {part}", "");
    CASE = CauseKind::new(
        Secret,
        "secret_case",
        "the signing key is {name} in {part}",
        COPY_AGAIN,
    )
    .signer_fix(USE_UNCHANGED)
    .digest("the key is {name} in {part}", "");
    USED_ENCODED = CauseKind::new(
        Secret,
        "secret_used_encoded",
        "the signing key is {name} encoded as {part}",
        "set {name} to the secret as the provider shows it, not decoded",
    )
    .signer_fix("use the secret's text as the key, without encoding it")
    .digest("the key is {name} encoded as {part}", "");
    HASHED = CauseKind::new(
        Secret,
        "secret_hashed",
        "the signing key is the {part} of {name}",
        "",
    )
    .signer_fix("use the secret itself as the key, not its hash")
    .digest("the key is the {part} of {name}", "");
    USED_IN_UTF16 = CauseKind::new(
        Secret,
        "secret_used_in_utf16",
        "the signing key is {name} in UTF-16 ({part})",
        "",
    )
    .signer_fix("use the UTF-8 bytes of the secret, and save its file as UTF-8")
    .digest("the key is {name} in UTF-16 ({part})", "");
    PADDED = CauseKind::new(
        Secret,
        "secret_padded",
        "the signing key is {name} followed by {part}",
        "",
    )
    .signer_fix("use the secret as the key without padding it, and trim it after a column of fixed length")
    .digest("the key is {name} followed by {part}", "");
    USED_IN_CONTAINER = CauseKind::new(
        Secret,
        "secret_used_in_container",
        "the signing key is {part} with {name} in it",
        "",
    )
    .signer_fix("parse it, and use the secret alone as the key")
    .digest("the key is {part} with {name} in it", "");
    WRAPPED = CauseKind::new(
        Secret,
        "secret_wrapped",
        "the signing key has {part}, which {name} does not have",
        COPY_AGAIN,
    )
    .signer_fix("use the secret alone as the key: look at how it is set and read")
    .digest("the key is {name} with {part}", "");
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
    API_KEY = CauseKind::new(
        Secret,
        "api_key_as_secret",
        "signed with the API key in {name}",
        "",
    )
    .signer_fix("use the endpoint's signing secret; the API key is for API calls")
    .digest("the key is the API key in {name}", "");
}
