//! Causes in the body.

use crate::diagnose::cause::CauseGroup::Body;
use crate::diagnose::cause::{CauseKind, cause_kinds};

/// The fix where text was made of the bytes.
const AS_BYTES: &str = "handle the body as bytes, never as text";
/// The fix for code that hashed text made of the bytes.
const HASH_BYTES: &str = "hash the bytes of the body, not text made of them";
/// The fix for a change that only tampering explains.
const DO_NOT_TRUST: &str = "do not trust it: this is not what was signed";
/// The fix for code that hashed the output of a parser.
const HASH_RAW: &str = "hash the raw request body, before any JSON parser";

cause_kinds! {
    RESERIALIZED = CauseKind::new(
        Body,
        "body_reserialized",
        "the body was re-serialized: the signature matches {signed}{here}",
        "verify the raw request body, before any JSON parser (express.raw() in Express, request.get_data() in Flask)",
    )
    .signer_fix("send exactly the bytes that were signed")
    .digest("the body was re-serialized before it was hashed: the digest matches {signed}", HASH_RAW);
    NEWLINE_ADDED = CauseKind::new(
        Body,
        "body_newline_added",
        "the body ends with a newline that was not signed",
        "keep the body as it was sent: use printf '%s' instead of echo, and curl --data-binary",
    )
    .digest(
        "the newline at the end of the body was not hashed",
        "hash the body as it was received, without trim or chomp",
    );
    NEWLINE_LOST = CauseKind::new(
        Body,
        "body_newline_lost",
        "the signed body ends with a newline that is missing here",
        "keep the body as it was sent: curl -d strips newlines, --data-binary does not",
    )
    .signer_fix("use printf '%s' instead of echo")
    .digest(
        "a newline was hashed after the body",
        "hash the body as it was received: use printf '%s' instead of echo",
    );
    LINE_ENDS = CauseKind::new(
        Body,
        "body_line_ends",
        "the line endings were changed: the signed body has {signed}",
        "keep the bytes: look for a file opened in text mode, or git's autocrlf",
    )
    .digest("the body was hashed with {signed} line endings", "read the body as bytes, not as a text file");
    BOM_LOST = CauseKind::new(
        Body,
        "body_bom",
        "the signed body starts with a byte order mark that is missing here",
        "keep the bytes: look for an editor or reader that adds or removes the mark",
    )
    .digest("a byte order mark was hashed before the body", "read the body as bytes, not as a text file");
    BOM_ADDED = CauseKind::new(
        Body,
        "body_bom",
        "the body starts with a byte order mark that was not signed",
        "keep the bytes: look for an editor or reader that adds or removes the mark",
    )
    .digest("the body was hashed without its byte order mark", "read the body as bytes, not as a text file");
    WHITESPACE = CauseKind::new(
        Body,
        "body_whitespace",
        "the body has whitespace around it that was not signed",
        "keep the body as it was sent",
    )
    .signer_fix("look for a trim() before the body is signed")
    .digest("the body was trimmed before it was hashed", "hash the body as it was received, without trim or chomp");
    EMPTY_SIGNED = CauseKind::new(
        Body,
        "body_empty_signed",
        "an empty body was signed",
        "",
    )
    .signer_fix("read the body before signing it: the stream was not read yet, or was already consumed")
    .digest(
        "an empty body was hashed",
        "read the body before hashing it, and only once: the stream was already consumed",
    );
    EMPTY_HERE = CauseKind::new(
        Body,
        "body_empty_here",
        "the body is empty here",
        "look for middleware that consumes the stream first, or a redirect that drops the body",
    );
    ENCODING = CauseKind::new(
        Body,
        "body_encoding",
        "the text was re-encoded: the signed body is {signed}",
        AS_BYTES,
    )
    .digest("the body was re-encoded before it was hashed: {signed}", HASH_BYTES);
    DOUBLE_ENCODED = CauseKind::new(
        Body,
        "body_double_encoded",
        "JSON in a JSON string: the signed body is {signed}",
        "do not serialize text that is already JSON",
    )
    .digest("{signed} was hashed", "");
    NOT_THE_PAYLOAD = CauseKind::new(
        Body,
        "body_not_the_payload",
        "the text `{text}` was signed instead of the payload",
        "",
    )
    .signer_fix("sign the raw bytes of the body, not a parsed object")
    .digest("the text `{text}` was hashed instead of the body", HASH_RAW);
    BYTE_CHANGED = CauseKind::new(
        Body,
        "body_byte_changed",
        "one byte was changed: at offset {offset} the signed body has {signed}, this one {here}",
        DO_NOT_TRUST,
    );
    BYTE_LOST = CauseKind::new(
        Body,
        "body_byte_lost",
        "one byte is missing: the signed body has {signed} at offset {offset}",
        DO_NOT_TRUST,
    );
    BYTE_ADDED = CauseKind::new(
        Body,
        "body_byte_added",
        "one byte was added: {here} at offset {offset} was not signed",
        DO_NOT_TRUST,
    );
    PRINTED = CauseKind::new(
        Body,
        "body_printed",
        "the bytes of the body were printed and the result was signed: {by}",
        "",
    )
    .signer_fix("sign the bytes themselves, not their printed form")
    .digest("the bytes of the body were printed and the result was hashed: {by}", HASH_BYTES);
    REWRITTEN = CauseKind::new(
        Body,
        "body_rewritten",
        "the body was re-serialized: it looks like {by}",
        "pass the body on as it was received, and verify it before any JSON parser",
    );
    ENCODED = CauseKind::new(
        Body,
        "body_encoded",
        "the text was re-encoded: here the body is {here}",
        AS_BYTES,
    );
    CUT = CauseKind::new(
        Body,
        "body_cut",
        "the body was truncated: {lost} lost at the end",
        "look for a limit on the size of the body, or a column or log line that is too short",
    );
    GROWN = CauseKind::new(
        Body,
        "body_grown",
        "{added} added at the end of the body",
        "look for a logger, proxy or editor that writes into the body",
    );
    VALUES = CauseKind::new(
        Body,
        "body_values",
        "{changed}: {paths}",
        "look for code that changes values (a mapper, masking for logs), or for tampering",
    );
    REPLACED = CauseKind::new(
        Body,
        "body_replaced",
        "the two bodies have nothing in common that whtool recognizes",
        "check whether both are the same event",
    );
    LENGTH = CauseKind::new(
        Body,
        "body_length",
        "the body has {here} bytes, but Content-Length is {announced}",
        "look for code that changed or truncated the body after it was sent",
    );
    COMPRESSED = CauseKind::new(
        Body,
        "body_compressed",
        "the body is compressed (Content-Encoding: {encoding})",
        "verify the bytes that were signed: before compression, or after decompression",
    );
    REPLACEMENT_CHARACTER = CauseKind::new(
        Body,
        "body_replacement_character",
        "the body contains U+FFFD, which replaces bytes that could not be decoded",
        "handle the body as bytes: something decoded it as text and lost data",
    );
}
