//! The sentences and fixes for a computed digest, addressed to the person whose code computed it.

use super::{DigestDiagnosis, SearchSize};
use crate::diagnose::cause::Cause;

impl Cause {
    /// Describes what the code did. It may contain text from the request.
    pub fn digest_sentence(&self) -> String {
        match self {
            Self::SecretOfOtherProvider { name } => format!("its key is another provider's secret: {name}"),
            Self::SecretWhitespaceAdded { name } => format!("its key is {name} without the white space around it"),
            Self::SecretWhitespaceLost { name, tail } => format!("its key is {name} with {tail} after it"),
            Self::SecretQuoted { name } => format!("its key is {name} without its quotes"),
            Self::SecretUsedWithQuotes { name } => format!("its key is {name} with quotes around it"),
            Self::SecretPrefixDropped { name, prefix } => format!("its key is {name} without its `{prefix}`"),
            Self::SecretPrefixLost { name, prefix } => format!("its key is {name} with `{prefix}` before it"),
            Self::SecretDecoded { name, encoding } => format!("its key is {name} decoded from {encoding}"),
            Self::SecretCutAtHash { name } => format!("its key is {name} cut off at its `#`"),
            Self::SecretCutShort { name } => format!("its key is {name} without its last character"),
            Self::SecretLine { name } => format!("its key is what follows the `=` in {name}"),
            Self::SecretUnset { used } => format!("its key is {used}: the variable was not set"),
            Self::ApiKeyAsSecret { name } => format!("its key is the API key of {name}"),
            Self::NotHmac { what } => format!("it is {what}, not an HMAC"),
            Self::OtherProviderRule { provider } => format!("it was made by {provider}'s rule"),
            Self::TimestampNotSigned => "it was made without the timestamp before the body".to_owned(),
            Self::TimestampSignedInMilliseconds => "it has the timestamp in milliseconds before the body".to_owned(),
            Self::TimestampSignedInSeconds => "it has the timestamp in seconds before the body".to_owned(),
            Self::TimestampSeparator { separator } => {
                format!("it has {separator} between timestamp and body instead of a full stop")
            }
            Self::TimestampOther { signed } => {
                format!("it has the time {signed} before the body, not that of the header")
            }
            Self::BodyReserialized { signed, .. } => {
                format!("the body was parsed and written again before it was hashed ({signed})")
            }
            Self::BodyNewlineAdded => "the body's last line break was not hashed".to_owned(),
            Self::BodyNewlineLost => "a line break was hashed after the body".to_owned(),
            Self::BodyLineEnds { signed } => format!("the body was hashed with {signed} as its line ends"),
            Self::BodyBom { signed } => format!("the body was hashed {signed} a byte order mark"),
            Self::BodyWhitespace => "the body was trimmed before it was hashed".to_owned(),
            Self::BodyEmptySigned => "an empty body was hashed".to_owned(),
            Self::BodyEncoding { signed } => format!("the body was hashed in another encoding: {signed}"),
            Self::BodyDoubleEncoded { signed } => format!("what was hashed is {signed}"),
            Self::BodyNotThePayload { signed } => format!("not the body but the text `{signed}` was hashed"),
            Self::BodyPrinted { by } => format!("not the body but a print of its bytes was hashed: {by}"),
            Self::SignatureBase64 => "it is written in base64, and the header in hex".to_owned(),
            Self::DigestEncodedTwice => "it was encoded twice: hex of the hex text, or base64 of it".to_owned(),
            Self::MessageOther { what } => format!("not the body was hashed, but {what}"),
            other => other.sentence(),
        }
    }

    /// Says what to change in the code that computed the digest.
    pub fn digest_fix(&self) -> String {
        match self {
            Self::BodyReserialized { .. } | Self::BodyNotThePayload { .. } => {
                "hash the raw bytes of the request, before any JSON parser".to_owned()
            }
            Self::BodyEncoding { .. } | Self::BodyPrinted { .. } => {
                "hash the bytes of the body themselves, never a text made of them".to_owned()
            }
            Self::BodyEmptySigned => {
                "read the body before hashing, and only once: something else had read the stream".to_owned()
            }
            Self::BodyNewlineAdded | Self::BodyWhitespace => "hash the body as it came: no trim, no chomp".to_owned(),
            Self::BodyNewlineLost => {
                "hash the body as it came: printf '%s' instead of echo, and nothing after it".to_owned()
            }
            Self::BodyBom { .. } | Self::BodyLineEnds { .. } => "read the body as bytes, not as a text file".to_owned(),
            Self::SecretWhitespaceLost { .. } => "trim the secret where it is read".to_owned(),
            Self::SecretUsedWithQuotes { .. } => "remove the quotes where the secret is set".to_owned(),
            Self::SecretUnset { .. } => "set the secret where your code runs, and fail when it is not there".to_owned(),
            Self::SecretOfOtherProvider { .. } => "use the secret of the provider that sends this webhook".to_owned(),
            Self::SecretCutShort { .. } => "copy the whole secret to where your code runs".to_owned(),
            Self::TimestampSignedInMilliseconds | Self::TimestampSignedInSeconds | Self::TimestampOther { .. } => {
                "put the very text of the timestamp header before the body, not a time of your own".to_owned()
            }
            Self::TimestampNotSigned => "hash `<timestamp>.<body>`, not the body alone".to_owned(),
            other => other.fix(),
        }
    }
}

impl DigestDiagnosis {
    /// Summarizes the diagnosis in a sentence; the causes of an explanation follow it.
    pub fn sentence(&self) -> String {
        match self {
            Self::Correct { secret, is_in_header: true } => {
                format!(
                    "your code computed the right digest (with {secret}), and the header carries the same: look at the comparison"
                )
            }
            Self::Correct { secret, is_in_header: false } => format!(
                "your code computed the right digest for this body with {secret}; the header's signature was made otherwise"
            ),
            Self::HeaderSignature => {
                "your code computed the signature that the header carries; it is whtool that knows another secret"
                    .to_owned()
            }
            Self::Explained(_) => "your code computed something else than the signature:".to_owned(),
            Self::Unknown(SearchSize { keys, prefixes, bodies, messages, is_exhausted }) => {
                let end = if *is_exhausted { ", as far as the time allowed" } else { "" };
                format!(
                    "nothing that was tried gives your code's digest: {keys} keys, {prefixes} ways to write what stands before the \
                     body, {bodies} bodies and {messages} other messages, two at a time, as HMAC and as plain hash{end}"
                )
            }
        }
    }

    /// Says what to try next. `None`: the causes say it.
    pub fn fix(&self) -> Option<&'static str> {
        match self {
            Self::Correct { is_in_header: true, .. } => Some(
                "strip `sha256=` and decode the hex of the header before comparing, and compare bytes of equal length",
            ),
            Self::Correct { .. } => Some("see the causes above: secret or body differ from those of the sender"),
            Self::HeaderSignature => Some("give whtool the secret that your code uses: --secret-file FILE"),
            Self::Explained(_) => None,
            Self::Unknown(_) => {
                Some("log the key's length and the message's length and first bytes, just before the hash")
            }
        }
    }
}
