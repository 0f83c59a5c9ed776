//! Causes in the body.

use crate::diagnose::cause::CauseGroup::Body;
use crate::diagnose::cause::{CauseKind, cause_kinds};

/// The fix where text was made of the bytes.
const AS_BYTES: &str = "handle the body as bytes, never as text";
/// The fix for code that hashed text made of the bytes.
const HASH_BYTES: &str = "hash the bytes of the body, not text made of them";
/// The fix for code that hashed something else than the body.
const HASH_RECEIVED: &str = "hash the raw request body, as it was received";
/// The fix for a change that only tampering explains.
const DO_NOT_TRUST: &str = "do not trust it: this is not what was signed";
/// The fix for a change of punctuation.
const KEEP_TEXT: &str = "look for an editor, proxy, or copy and paste that changes text";
/// The fix for code that hashed the output of a parser.
const HASH_RAW: &str = "hash the raw request body, before any JSON parser";

cause_kinds! {
    RESERIALIZED = CauseKind::new(
        Body,
        "body_reserialized",
        "the body was re-serialized: the signature matches {what}{here}",
        "verify the raw request body, before any JSON parser (express.raw() in Express, request.get_data() in Flask)",
    )
    .signer_fix("send exactly the bytes that were signed")
    .digest("the body was re-serialized before it was hashed: the digest matches {what}", HASH_RAW);
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
        "the line endings were changed: the signed body has {what}",
        "keep the bytes: look for a file opened in text mode, or git's autocrlf",
    )
    .digest("the body was hashed with {what} line endings", "read the body as bytes, not as a text file");
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
        "the text was re-encoded: the signed body is {what}",
        AS_BYTES,
    )
    .digest("the body was re-encoded before it was hashed: {what}", HASH_BYTES);
    DOUBLE_ENCODED = CauseKind::new(
        Body,
        "body_double_encoded",
        "JSON in a JSON string: the signed body is {what}",
        "do not serialize text that is already JSON",
    )
    .digest("{what} was hashed", "");
    NOT_THE_PAYLOAD = CauseKind::new(
        Body,
        "body_not_the_payload",
        "the text `{what}` was signed instead of the payload",
        "",
    )
    .signer_fix("sign the raw bytes of the body, not a parsed object")
    .digest("the text `{what}` was hashed instead of the body", HASH_RAW);
    BYTE_CHANGED = CauseKind::new(
        Body,
        "body_byte_changed",
        "one byte was changed: at offset {offset} the signed body has {signed}, this one {here}{place}",
        DO_NOT_TRUST,
    );
    BYTE_LOST = CauseKind::new(
        Body,
        "body_byte_lost",
        "one byte is missing: the signed body has {signed} at offset {offset}{place}",
        DO_NOT_TRUST,
    );
    BYTE_ADDED = CauseKind::new(
        Body,
        "body_byte_added",
        "one byte was added: {here} at offset {offset} was not signed{place}",
        DO_NOT_TRUST,
    );
    MARK_CHANGED = CauseKind::new(
        Body,
        "body_byte_changed",
        "a byte that is no letter or digit of a value was changed: at offset {offset} the signed body has {signed}, this \
         one {here}{place}",
        KEEP_TEXT,
    );
    MARK_LOST = CauseKind::new(
        Body,
        "body_byte_lost",
        "a byte that is no letter or digit of a value is missing: the signed body has {signed} at offset {offset}{place}",
        KEEP_TEXT,
    );
    MARK_ADDED = CauseKind::new(
        Body,
        "body_byte_added",
        "a byte that is no letter or digit of a value was added: {here} at offset {offset} was not signed{place}",
        KEEP_TEXT,
    );
    ZERO_LOST = CauseKind::new(
        Body,
        "body_number",
        "a number was formatted again: the signed one has another {signed} at its end{place}",
        "verify the raw request body, before any JSON parser",
    )
    .signer_fix("send exactly the bytes that were signed");
    LAST_BYTE_LOST = CauseKind::new(
        Body,
        "body_cut",
        "the last byte of the signed body, {signed}, is missing here",
        "look for a Content-Length counted in characters instead of bytes, or a slice that ends one byte too early",
    );
    SPACE_CHANGED = CauseKind::new(
        Body,
        "body_spaces",
        "{what} at offset {offset}{place}",
        "keep the body as it was sent: look for an editor, terminal or formatter that changes whitespace",
    );
    CASE_CHANGED = CauseKind::new(
        Body,
        "body_case",
        "the case of a letter was changed: the signed body has {signed} at offset {offset}, this one {here}{place}",
        "look for code that changes upper and lower case; if there is none, do not trust it",
    );
    PRINTED = CauseKind::new(
        Body,
        "body_printed",
        "the bytes of the body were printed and the result was signed: {what}",
        "",
    )
    .signer_fix("sign the bytes themselves, not their printed form")
    .digest("the bytes of the body were printed and the result was hashed: {what}", HASH_BYTES);
    REWRITTEN = CauseKind::new(
        Body,
        "body_rewritten",
        "the body was re-serialized: it looks like {what}",
        "pass the body on as it was received, and verify it before any JSON parser",
    );
    ENCODED = CauseKind::new(
        Body,
        "body_encoded",
        "the text was re-encoded: here the body is {what}",
        AS_BYTES,
    );
    CUT = CauseKind::new(
        Body,
        "body_cut",
        "the body was truncated: {lost} lost at the end",
        "look for a limit on the size of the body, or a column or log line that is too short",
    );
    BRACKETS_LOST = CauseKind::new(
        Body,
        "body_cut",
        "the body was truncated: the brackets that close the signed body are missing here",
        "look for a limit on the size of the body, a Content-Length counted in characters, or a slice",
    )
    .digest("the body was hashed with closing brackets that it does not have", HASH_RECEIVED);
    ENDS_EARLY = CauseKind::new(
        Body,
        "body_incomplete",
        "the body ends inside a JSON value: its end seems to be missing",
        "look for a limit on the size of the body, a Content-Length counted in characters, or a log line that is cut",
    );
    GROWN = CauseKind::new(
        Body,
        "body_grown",
        "{added} added at the end of the body{shown}",
        "look for a logger, proxy or editor that writes into the body",
    );
    VALUES = CauseKind::new(
        Body,
        "body_values",
        "{changed}: {paths}",
        "look for code that changes values (a mapper, masking for logs), or for tampering",
    );
    DIFFERS = CauseKind::new(
        Body,
        "body_differs",
        "the two bodies differ in a way that whtool does not recognize",
        "log the body at each step between the two, and compare the first difference below",
    );
    SURROUNDED = CauseKind::new(
        Body,
        "body_surrounded",
        "this body is the other one with {what}",
        "verify only the body, without what a log, queue or proxy puts around it",
    );
    INSIDE = CauseKind::new(
        Body,
        "body_inside",
        "this body is only a part of the other one, which has {what}",
        "pass on the whole body, as it was received",
    );
    CHANGED_HERE = CauseKind::new(
        Body,
        "body_changed_here",
        "compared with the capture, this is {what}",
        "pass the body on as it was received, and verify it before anything else reads it",
    );
    WRAPPED = CauseKind::new(
        Body,
        "body_wrapped",
        "the signed body is inside this one: {what}",
        "{fix}",
    )
    .digest("what is inside the body was hashed: {what}", HASH_RECEIVED);
    TRANSFORMED = CauseKind::new(
        Body,
        "body_transformed",
        "the signature is for {what}",
        "",
    )
    .signer_fix("sign the bytes that are sent: {fix}")
    .digest("{what} was hashed instead of the body itself", "{fix}");
    FORM_DECODED = CauseKind::new(
        Body,
        "body_form_decoded",
        "form decoding changed the body: the signature is for {what}",
        "verify the raw request body, before a form parser turns each `+` into a blank",
    );
    SPACES = CauseKind::new(
        Body,
        "body_spaces",
        "whitespace differs: the signature is for {what}",
        "keep the body as it was sent: {fix}",
    )
    .digest("whitespace differs: {what} was hashed", "hash the body as it was received: {fix}");
    NUL_ADDED = CauseKind::new(
        Body,
        "body_nul_added",
        "the body ends with NULs that were not signed",
        "keep only as many bytes as were received: look for a C string or a buffer of fixed size",
    )
    .digest("the NULs at the end of the body were not hashed", HASH_RECEIVED);
    TYPOGRAPHY = CauseKind::new(
        Body,
        "body_typography",
        "quotes or blanks of the body were replaced by typographic ones",
        "copy the body from a file, not from a chat, mail or word processor",
    );
    TERMINAL_CODES = CauseKind::new(
        Body,
        "body_terminal_codes",
        "the body contains color codes of a terminal that were not signed",
        "save the body without colors: jq -M, or a file instead of the screen",
    );
    BUFFER = CauseKind::new(
        Body,
        "body_buffer",
        "a buffer of fixed size was signed: {what}",
        "",
    )
    .signer_fix("sign exactly the bytes that are sent: read the whole body, and no more than its length")
    .digest("a buffer of fixed size was hashed: {what}", "hash exactly the bytes of the body: read all of it, and no more");
    NEWLINES_STRIPPED = CauseKind::new(
        Body,
        "body_newlines_lost",
        "the newlines inside the signed body are missing here",
        "send a file with curl --data-binary @file: -d strips newlines",
    )
    .digest("the body was hashed with newlines inside that it does not have", HASH_RECEIVED);
    VALUE_PRINTED = CauseKind::new(
        Body,
        "body_printed",
        "the parsed body was printed, not serialized, and the result was signed: {what}",
        "",
    )
    .signer_fix("sign the bytes that are sent, not a printed object")
    .digest("the parsed body was printed and the result was hashed: {what}", HASH_RAW);
    MODEL = CauseKind::new(
        Body,
        "body_model",
        "a typed model changed the body: the signature is for {what}",
        "verify the raw request body, before it is parsed into a model",
    )
    .signer_fix("send exactly the bytes that were signed")
    .digest("a typed model changed the body before it was hashed: {what}", HASH_RAW);
    PART = CauseKind::new(
        Body,
        "body_part",
        "only a part of the body was signed: {what}",
        "",
    )
    .signer_fix("sign the whole body, as it is sent")
    .digest("only a part of the body was hashed: {what}", "hash the whole raw body");
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
    NOT_IN_CAPTURE = CauseKind::new(
        Body,
        "body_not_in_capture",
        "the file does not have the bytes that were sent: {reason}",
        "save the request in a form that keeps every byte: `whtool listen`, `curl --trace`, `tcpdump -w`, or the raw body \
         of your handler",
    );
    REPLACEMENT_CHARACTER = CauseKind::new(
        Body,
        "body_replacement_character",
        "the body contains U+FFFD, which replaces bytes that could not be decoded",
        "handle the body as bytes: something decoded it as text and lost data",
    );
}
