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
        "{advice}",
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
        "the timestamp was signed in milliseconds, but sent {sent}",
        "",
    )
    .signer_fix("sign exactly the text in the timestamp header, in seconds")
    .digest("the timestamp before the body is in milliseconds", USE_HEADER);
    SIGNED_IN_SECONDS = CauseKind::new(
        Timestamp,
        "timestamp_signed_in_seconds",
        "the timestamp was signed in seconds, but sent {sent}",
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
    OTHER_HEADER = CauseKind::new(
        Timestamp,
        "timestamp_other_header",
        "the timestamp is in the header `{name}` instead of {header}",
        "look for a proxy that renames headers",
    )
    .signer_fix("use {header}");
    TEXT_AROUND = CauseKind::new(
        Timestamp,
        "timestamp_text_around",
        "the timestamp header is `{text}`: there is more in it than the timestamp",
        "look for code that joins or quotes header values, and use the number alone",
    )
    .signer_fix("send only the number");
    UNSET = CauseKind::new(
        Timestamp,
        "timestamp_unset",
        "{text} was signed in place of the timestamp",
        "",
    )
    .signer_fix("set the timestamp before the signature is computed")
    .digest(
        "{text} was hashed in place of the timestamp",
        "read the timestamp header under its exact name: Node has header names in lower case, PHP and WSGI as \
         HTTP_X_…",
    );
    SIGNED_AS = CauseKind::new(
        Timestamp,
        "timestamp_signed_as",
        "the timestamp was signed {notation}: `{text}`",
        "",
    )
    .signer_fix("sign exactly the text in the timestamp header")
    .digest("the timestamp before the body is written {notation}: `{text}`", USE_HEADER);
    TIME_ZONE = CauseKind::new(
        Timestamp,
        "timestamp_time_zone",
        "the signed timestamp is {signed}, {shift} than the one sent: a time zone",
        "look for a proxy that changes the header",
    )
    .signer_fix("take Unix time, which has no time zone, once for both header and signature")
    .digest("the timestamp before the body is {signed}, {shift} than the header: a time zone", USE_HEADER);
    OWN_CLOCK = CauseKind::new(
        Timestamp,
        "timestamp_own_clock",
        "the signed timestamp is {signed}, {shift} than the one sent: the clock was read twice",
        "look for a proxy that changes the header",
    )
    .signer_fix("read the clock once, for both header and signature")
    .digest("the timestamp before the body is {signed}, {shift} than the header: the clock of your code", USE_HEADER);
    CLOCK_ZONE = CauseKind::new(
        Timestamp,
        "clock_time_zone",
        "the difference is about {hours}, as between time zones or before and after daylight saving",
        "compare `date -u` on both machines: one clock shows local time as UTC",
    );
    LAYOUT = CauseKind::new(
        Digest,
        "message_layout",
        "the signed message is `{layout}` instead of `{expected}`",
        "",
    )
    .signer_fix("sign `{expected}`")
    .digest("the hashed message is `{layout}` instead of `{expected}`", "hash `{expected}`");
    TEMPLATE = CauseKind::new(
        Digest,
        "template_not_filled",
        "the text `{text}` was signed as it stands: a template that was not filled in",
        "",
    )
    .signer_fix("use a string that is interpolated: backticks in JavaScript, an f-string in Python, double quotes in PHP")
    .digest("the text `{text}` was hashed as it stands: a template that was not filled in", "");
    MESSAGE_ENCODED = CauseKind::new(
        Digest,
        "message_encoded",
        "the whole message was turned into {encoding} before it was signed",
        "",
    )
    .signer_fix("sign the bytes of timestamp and body as they are")
    .digest("the whole message was turned into {encoding} before it was hashed", "hash the bytes as they are");
    OTHER_PROVIDER_RULE = CauseKind::new(
        Digest,
        "other_provider_rule",
        "signed by the rules of {provider}",
        "",
    )
    .signer_fix("sign by the rules of the provider whose header is sent")
    .digest("the digest follows the rules of {provider}", "");
}
