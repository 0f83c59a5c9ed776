//! Causes in the signature header.

use crate::diagnose::cause::CauseGroup::{Signature, Unknown};
use crate::diagnose::cause::{CauseKind, cause_kinds};

cause_kinds! {
    MISSING = CauseKind::new(
        Signature,
        "signature_missing",
        "the {header} header is missing",
        "look for a proxy that drops unknown headers",
    )
    .signer_fix("sign the request");
    OTHER_HEADER = CauseKind::new(
        Signature,
        "signature_other_header",
        "the signature is in the header `{name}` instead of {header}",
        "look for a proxy that renames headers",
    )
    .signer_fix("use {header}");
    PROVIDER_MIXED_UP = CauseKind::new(
        Signature,
        "provider_mixed_up",
        "the signature header is {header_of}'s, but the payload looks like {payload_of}'s",
        "send {payload_of} webhooks to the route that checks {payload_of}'s header",
    );
    OF_OTHER_PROVIDER = CauseKind::new(
        Signature,
        "signature_of_other_provider",
        "{header} contains a correct {signer} signature",
        "send the signature in {own}",
    );
    RENAMED_HEADER = CauseKind::new(
        Signature,
        "header_renamed",
        "{header} arrived as `{name}`: {by}",
        "read the header under this name, or configure the server to keep the name",
    );
    TEXT_AROUND = CauseKind::new(
        Signature,
        "signature_text_around",
        "the header is `{text}`: there is more in it than the signature",
        "look for code that joins or quotes header values, and compare the signature alone",
    )
    .signer_fix("send only the signature");
    CUT = CauseKind::new(
        Signature,
        "signature_cut",
        "the signature is cut: it has {digits} of {length} hex digits",
        "look for a column, variable or log that truncates the value",
    )
    .digest("the digest is cut: it has {digits} of {length} hex digits", "use the whole digest");
    START_LOST = CauseKind::new(
        Signature,
        "signature_start_lost",
        "the start of the signature is missing: it has {digits} of {length} hex digits",
        "look for code that cuts a prefix off the value",
    )
    .digest("the start of the digest is missing: it has {digits} of {length} hex digits", "use the whole digest");
    ZEROS_LOST = CauseKind::new(
        Signature,
        "signature_zeros_lost",
        "the leading zeros of the signature are missing: it has {digits} of {length} hex digits",
        "",
    )
    .signer_fix("pad the hex number with zeros, for example by a format such as %064x")
    .digest("the leading zeros of the digest are missing: it has {digits} of {length} hex digits", "");
    UNPADDED = CauseKind::new(
        Signature,
        "signature_zeros_lost",
        "bytes below 16 were written with one hex digit: the signature has {digits} of {length} digits",
        "",
    )
    .signer_fix("write each byte with two digits: %02x instead of %x")
    .digest("bytes below 16 were written with one hex digit: the digest has {digits} of {length} digits", "");
    DIGITS_CHANGED = CauseKind::new(
        Signature,
        "signature_digits_changed",
        "digits of the signature are missing, added or changed: it has {digits} of {length}, and differs at digit {place}",
        "copy the header again; look for code that changes it",
    )
    .digest(
        "digits of the digest are missing, added or changed: it has {digits} of {length}, and differs at digit {place}",
        "copy the digest again",
    );
    EMPTY = CauseKind::new(
        Signature,
        "signature_empty",
        "the signature header is empty",
        "look for a proxy or logger that removes its value",
    )
    .signer_fix("check the code that sets the header: the value was not there yet");
    LENGTH = CauseKind::new(
        Signature,
        "signature_length",
        "the signature has {digits} hex digits instead of 64{digest}",
        "look for a column or variable that truncates the value; a signature has 64 digits",
    );
    NOT_HEX = CauseKind::new(
        Signature,
        "signature_not_hex",
        "the signature is not hex",
        "look for code that changes the header",
    )
    .signer_fix("write the 32 bytes of the HMAC as 64 hex digits");
    BASE64 = CauseKind::new(
        Signature,
        "signature_base64",
        "the signature is base64 instead of hex",
        "",
    )
    .signer_fix("write it as hex: digest('hex') in Node, hexdigest() in Python")
    .digest("the digest is base64, but the header is hex", "");
    PREFIX = CauseKind::new(
        Signature,
        "signature_prefix",
        "the signature starts with `{prefix}`, which this provider does not use",
        "",
    )
    .signer_fix("send only the hex digits");
    UNEXPLAINED = CauseKind::new(
        Unknown,
        "unexplained",
        "signed with another secret or over another body: no known mistake explains the signature",
        "compare your secret with the provider's dashboard; capture the request before any proxy or app",
    );
    STILL_UNEXPLAINED = CauseKind::new(
        Unknown,
        "unexplained",
        "apart from this, no configured secret gives this signature, and no known mistake explains it",
        "compare your secret with the provider's dashboard; capture the request before any proxy or app",
    );
    OF_OTHER_SERVICE = CauseKind::new(
        Signature,
        "webhook_of_other_service",
        "this looks like a webhook of {service}: it has the header {header}",
        "send it to the handler for {service}; whtool verifies Plexos Pay and Plustive webhooks",
    );
    NOT_SEARCHED = CauseKind::new(
        Unknown,
        "not_searched",
        "no single change explains it; the search for pairs stopped early (large body or many failures)",
        "save this request alone and run `whtool verify` on it, which searches longer",
    );
}
