//! Causes that only a handler can have.

use crate::diagnose::cause::{CauseGroup, CauseKind, cause_kinds};

/// The fix for a comparison of texts.
const COMPARE_BYTES: &str =
    "decode the hex of the header, after an optional `sha256=`, and compare the 32 bytes in constant time";
/// The fix for a clock or time zone that is wrong.
const COMPARE_UNIX_TIME: &str = "compare Unix time with Unix time: time.time() in Python, time() in PHP, \
     Date.now() / 1000 in JavaScript, and no local time that is read as UTC (utcnow().timestamp(), mktime); check the \
     clock with `date -u`";

cause_kinds! {
    OTHER_HEADER = CauseKind::new(
        CauseGroup::Signature,
        "signature_read_elsewhere",
        "the signature is read from the header {name} instead of {header}",
        "read the signature from {header}",
    );
    OTHER_TIME_HEADER = CauseKind::new(
        CauseGroup::Timestamp,
        "timestamp_read_elsewhere",
        "the timestamp is read from the header {name} instead of {header}",
        "read the timestamp from {header}",
    );
    EXPECTED_BASE64 = CauseKind::new(
        CauseGroup::Signature,
        "expects_base64",
        "the signature is compared with {form}, but the header contains hex",
        "use digest('hex') in Node, hexdigest() in Python, and no raw output in PHP's hash_hmac",
    );
    EXPECTED_UPPER_CASE = CauseKind::new(
        CauseGroup::Signature,
        "expects_upper_case",
        "the signature is compared with upper-case hex, but the header is in lower case",
        COMPARE_BYTES,
    );
    EXPECTED_OTHER_FORM = CauseKind::new(
        CauseGroup::Signature,
        "expects_other_form",
        "the signature is compared with {form}, but the header contains hex alone",
        COMPARE_BYTES,
    );
    EXPECTED_TWICE = CauseKind::new(
        CauseGroup::Signature,
        "expects_double_encoding",
        "the signature is compared with {form}: the digest is encoded twice",
        "encode the digest once: hexdigest() or digest('hex'), and nothing after it",
    );
    CLOCK_AHEAD = CauseKind::new(
        CauseGroup::Timestamp,
        "clock_ahead",
        "the clock that the timestamp is compared with is {offset} ahead",
        COMPARE_UNIX_TIME,
    );
    CLOCK_BEHIND = CauseKind::new(
        CauseGroup::Timestamp,
        "clock_behind",
        "the clock that the timestamp is compared with is {offset} behind",
        COMPARE_UNIX_TIME,
    );
    EXPECTED_MILLISECONDS = CauseKind::new(
        CauseGroup::Timestamp,
        "expects_milliseconds",
        "the timestamp is compared with milliseconds, but the header contains seconds",
        "compare seconds with seconds: Math.abs(Date.now() / 1000 - timestamp) <= 300 in JavaScript",
    );
    EXPECTED_DATE = CauseKind::new(
        CauseGroup::Timestamp,
        "expects_date",
        "the timestamp is read as a date, but the header contains Unix seconds",
        "read it as a number of seconds: new Date(timestamp * 1000) in JavaScript, fromtimestamp(int(timestamp)) in \
         Python",
    );
    RULES_OF_SERVICE = CauseKind::new(
        CauseGroup::Digest,
        "rules_of_other_service",
        "the signature is verified by the rules of {service}: {rule}",
        "verify by the rules of {provider}: HMAC-SHA256 of {message} with the whole secret as the key, in hex",
    );
    OTHER_SECRET = CauseKind::new(
        CauseGroup::Secret,
        "secret_other",
        "the key is another configured secret: {name}",
        "use the same secret for the handler and for check; the provider's dashboard shows the right one",
    );
}
