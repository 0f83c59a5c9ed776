//! Causes in what was hashed, and how.

use crate::diagnose::cause::CauseGroup::Digest;
use crate::diagnose::cause::{CauseKind, cause_kinds};

cause_kinds! {
    NOT_HMAC = CauseKind::new(
        Digest,
        "not_hmac",
        "the signature is {what} instead of an HMAC of the message",
        "",
    )
    .signer_fix("use HMAC-SHA256 with the secret as the key")
    .digest("the digest is {what} instead of an HMAC of the message", "");
    MESSAGE_OTHER = CauseKind::new(
        Digest,
        "message_other",
        "{what} was signed instead of the body",
        "",
    )
    .signer_fix("hash only the raw body, after the timestamp if the provider signs one")
    .digest("{what} was hashed instead of the body", "");
    SWAPPED = CauseKind::new(
        Digest,
        "key_and_message_swapped",
        "key and message were swapped",
        "",
    )
    .signer_fix("pass the secret as the key and the message as the data: check the order of the arguments");
    ALGORITHM = CauseKind::new(
        Digest,
        "digest_algorithm",
        "made with {name} instead of SHA-256",
        "",
    )
    .signer_fix("use SHA-256");
    ENCODED_TWICE = CauseKind::new(
        Digest,
        "digest_encoded_twice",
        "the signature was encoded twice: its hex text was encoded again",
        "",
    )
    .signer_fix("encode the digest once: hexdigest() or digest('hex'), and nothing after it")
    .digest("the digest was encoded twice: hex or base64 of its hex text", "");
}
