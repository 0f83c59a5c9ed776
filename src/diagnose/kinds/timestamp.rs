//! Causes in the timestamp header, and in what was signed of it.

use crate::diagnose::cause::CauseGroup::{Digest, Timestamp};
use crate::diagnose::cause::{CauseKind, cause_kinds};

/// The fix in code that put a time of its own before the body.
const USE_HEADER: &str = "put the text of the timestamp header before the body, not a time of your own";

cause_kinds! {
    MISSING = CauseKind::new(
        Timestamp,
        "timestamp_missing",
        "the {header} header is missing",
        "look for a proxy that drops unknown headers",
    )
    .signer_fix("add {header}");
    NOT_A_NUMBER = CauseKind::new(
        Timestamp,
        "timestamp_not_a_number",
        "the timestamp `{text}` is not a whole number of seconds",
        "look for code that formats the header",
    )
    .signer_fix("send Unix time in whole seconds, such as 1736937000");
    MILLISECONDS = CauseKind::new(
        Timestamp,
        "timestamp_milliseconds",
        "the timestamp is in milliseconds instead of seconds",
        "",
    )
    .signer_fix("divide by 1000: Math.floor(Date.now() / 1000) in JavaScript");
    REPEATED = CauseKind::new(
        Timestamp,
        "timestamp_repeated",
        "there are several timestamp headers with different values",
        "look for a proxy that adds another",
    )
    .signer_fix("send the header once");
    TOO_OLD = CauseKind::new(
        Timestamp,
        "timestamp_too_old",
        "the signature is correct, but was made {age} ago",
        "look for a queue or retry that delays events; accept older ones with --tolerance, or re-sign with \
         `whtool replay`",
    );
    IN_FUTURE = CauseKind::new(
        Timestamp,
        "timestamp_in_future",
        "the signature is correct, but its timestamp is {ahead} ahead of the clock",
        "compare `date -u` on this machine and on the sender's, and correct the clock",
    );
    NOT_SIGNED = CauseKind::new(
        Timestamp,
        "timestamp_not_signed",
        "the body was signed without the timestamp",
        "",
    )
    .signer_fix("sign `<timestamp>.<body>`, not just the body")
    .digest("the timestamp before the body is missing", "hash `<timestamp>.<body>`, not just the body");
    SIGNED_IN_MILLISECONDS = CauseKind::new(
        Timestamp,
        "timestamp_signed_in_milliseconds",
        "the timestamp was signed in milliseconds, but sent in seconds",
        "",
    )
    .signer_fix("sign exactly the text in the timestamp header, in seconds")
    .digest("the timestamp before the body is in milliseconds", USE_HEADER);
    SIGNED_IN_SECONDS = CauseKind::new(
        Timestamp,
        "timestamp_signed_in_seconds",
        "the timestamp was signed in seconds, but sent in milliseconds",
        "",
    )
    .signer_fix("sign exactly the text in the timestamp header, in seconds")
    .digest("the timestamp before the body is in seconds", USE_HEADER);
    SEPARATOR = CauseKind::new(
        Timestamp,
        "timestamp_separator",
        "timestamp and body were signed with {separator} between them instead of a dot",
        "",
    )
    .signer_fix("put a single dot between timestamp and body")
    .digest("there is {separator} between timestamp and body instead of a dot", "");
    OTHER = CauseKind::new(
        Timestamp,
        "timestamp_other",
        "the signed timestamp is {signed}",
        "look for a proxy that drops or changes the header",
    )
    .signer_fix("send the timestamp that was signed")
    .digest("the timestamp before the body is {signed}, not the one in the header", USE_HEADER);
    OTHER_PROVIDER_RULE = CauseKind::new(
        Digest,
        "other_provider_rule",
        "signed by the rules of {provider}",
        "",
    )
    .signer_fix("sign by the rules of the provider whose header is sent")
    .digest("the digest follows the rules of {provider}", "");
}
