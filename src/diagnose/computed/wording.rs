//! The sentences and fixes for a computed digest, addressed to the person whose code computed it.

use super::{DigestDiagnosis, SearchSize};
use crate::diagnose::cause::Cause;

impl Cause {
    /// Describes what the code did. It may contain text from the request.
    pub fn digest_sentence(&self) -> String {
        match self {
            Self::SecretOfOtherProvider { name } => format!("the key is another provider's secret: {name}"),
            Self::SecretWhitespaceAdded { name } => format!("the key is {name} without the whitespace around it"),
            Self::SecretWhitespaceLost { name, tail } => format!("the key is {name} with {tail} at the end"),
            Self::SecretQuoted { name } => format!("the key is {name} without its quotes"),
            Self::SecretUsedWithQuotes { name } => format!("the key is {name} with quotes around it"),
            Self::SecretPrefixDropped { name, prefix } => format!("the key is {name} without `{prefix}`"),
            Self::SecretPrefixLost { name, prefix } => format!("the key is {name} with `{prefix}` at the start"),
            Self::SecretDecoded { name, encoding } => format!("the key is {name} decoded from {encoding}"),
            Self::SecretCutAtHash { name } => format!("the key is the part of {name} before the `#`"),
            Self::SecretCutShort { name } => format!("the key is {name} without the last character"),
            Self::SecretLine { name } => format!("the key is the part of {name} after the `=`"),
            Self::SecretUnset { used } => format!("the key is {used}: the variable was not set"),
            Self::ApiKeyAsSecret { name } => format!("the key is the API key in {name}"),
            Self::NotHmac { what } => format!("the digest is {what}, not an HMAC"),
            Self::OtherProviderRule { provider } => format!("the digest follows the rules of {provider}"),
            Self::TimestampNotSigned => "the timestamp before the body is missing".to_owned(),
            Self::TimestampSignedInMilliseconds => "the timestamp before the body is in milliseconds".to_owned(),
            Self::TimestampSignedInSeconds => "the timestamp before the body is in seconds".to_owned(),
            Self::TimestampSeparator { separator } => {
                format!("there is {separator} between timestamp and body instead of a dot")
            }
            Self::TimestampOther { signed } => {
                format!("the timestamp before the body is {signed}, not the one in the header")
            }
            Self::BodyReserialized { signed, .. } => {
                format!("the body was re-serialized before it was hashed: the digest matches {}", signed.name)
            }
            Self::BodyNewlineAdded => "the newline at the end of the body was not hashed".to_owned(),
            Self::BodyNewlineLost => "a newline was hashed after the body".to_owned(),
            Self::BodyLineEnds { signed } => format!("the body was hashed with {signed} line endings"),
            Self::BodyBom { is_signed: true } => "a byte order mark was hashed before the body".to_owned(),
            Self::BodyBom { is_signed: false } => "the body was hashed without its byte order mark".to_owned(),
            Self::BodyWhitespace => "the body was trimmed before it was hashed".to_owned(),
            Self::BodyEmptySigned => "an empty body was hashed".to_owned(),
            Self::BodyEncoding { signed } => format!("the body was re-encoded before it was hashed: {signed}"),
            Self::BodyDoubleEncoded { signed } => format!("{signed} was hashed"),
            Self::BodyNotThePayload { signed } => format!("the text `{}` was hashed instead of the body", signed.text),
            Self::BodyPrinted { by } => {
                format!("the bytes of the body were printed and the result was hashed: {}", by.name())
            }
            Self::SignatureBase64 => "the digest is base64, but the header is hex".to_owned(),
            Self::DigestEncodedTwice => "the digest was encoded twice: hex or base64 of its hex text".to_owned(),
            Self::MessageOther { what } => format!("{what} was hashed instead of the body"),
            other => other.sentence(),
        }
    }

    /// Says what to change in the code that computed the digest.
    pub fn digest_fix(&self) -> String {
        let fix = match self {
            Self::BodyReserialized { .. } | Self::BodyNotThePayload { .. } => {
                "hash the raw request body, before any JSON parser"
            }
            Self::BodyEncoding { .. } | Self::BodyPrinted { .. } => "hash the bytes of the body, not text made of them",
            Self::BodyEmptySigned => "read the body before hashing it, and only once: the stream was already consumed",
            Self::BodyNewlineAdded | Self::BodyWhitespace => "hash the body as it was received, without trim or chomp",
            Self::BodyNewlineLost => "hash the body as it was received: use printf '%s' instead of echo",
            Self::BodyBom { .. } | Self::BodyLineEnds { .. } => "read the body as bytes, not as a text file",
            Self::SecretWhitespaceLost { .. } => "trim the secret where it is read",
            Self::SecretUsedWithQuotes { .. } => "remove the quotes where the secret is set",
            Self::SecretPrefixDropped { .. } => "use the whole secret as the key, including its prefix",
            Self::SecretDecoded { .. } => "use the secret's text as the key, without decoding it",
            Self::SecretCutAtHash { .. } => "quote the secret in the env file, where `#` starts a comment",
            Self::SecretUnset { .. } => "set the secret where your code runs, and fail if it is missing",
            Self::SecretOfOtherProvider { .. } => "use the secret of the provider that sends this webhook",
            Self::SecretCutShort { .. } => "copy the whole secret to where your code runs",
            Self::TimestampSignedInMilliseconds | Self::TimestampSignedInSeconds | Self::TimestampOther { .. } => {
                "put the text of the timestamp header before the body, not a time of your own"
            }
            Self::TimestampNotSigned => "hash `<timestamp>.<body>`, not just the body",
            other => return other.fix(),
        };
        fix.to_owned()
    }
}

impl DigestDiagnosis {
    /// Summarizes the diagnosis in a sentence; the causes of an explanation follow it.
    pub fn sentence(&self) -> String {
        match self {
            Self::Correct { secret, is_in_header: true } => {
                format!("your code computed the correct digest (with {secret}), the same as in the header")
            }
            Self::Correct { secret, is_in_header: false } => format!(
                "your code computed the correct digest for this body (with {secret}), but the header has another one"
            ),
            Self::HeaderSignature => {
                "your code computed the signature in the header, but with a secret that whtool does not have".to_owned()
            }
            Self::Explained(_) => "your code computed another digest than the signature".to_owned(),
            Self::Unknown(SearchSize { keys, prefixes, bodies, messages, is_exhausted }) => {
                let end = if *is_exhausted { "; the search stopped early" } else { "" };
                format!(
                    "no known mistake gives this digest: tried {keys} keys, {prefixes} prefixes, {bodies} bodies and \
                     {messages} other messages, as HMAC and as plain hash, up to two changes at once{end}"
                )
            }
        }
    }

    /// Says what to try next. `None`: the causes say it.
    pub fn fix(&self) -> Option<&'static str> {
        match self {
            Self::Correct { is_in_header: true, .. } => Some(
                "check the comparison: strip `sha256=` from the header, decode its hex, and compare bytes of equal length",
            ),
            Self::Correct { .. } => Some("see the causes above: your secret or body differs from the sender's"),
            Self::HeaderSignature => Some("give whtool the secret that your code uses: --secret-file FILE"),
            Self::Explained(_) => None,
            Self::Unknown(_) => {
                Some("log the key's length, and the message's length and first bytes, just before hashing")
            }
        }
    }
}
