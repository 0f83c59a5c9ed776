//! The fix for each cause: what to do about it, in one line.
//!
//! The provider signs correctly, so a fix starts with the user's copy of the secret or the body.
//! What to change in signing code comes second, for those who sign requests themselves.

use super::cause::Cause;

impl Cause {
    /// Says in one line what to do.
    pub fn fix(&self) -> String {
        let fix = match self {
            Self::SignatureMissing { .. } => {
                "look for a proxy that drops unknown headers; if your own code sends it, sign the request"
            }
            Self::SignatureOtherHeader { header, .. } => {
                return format!("look for a proxy that renames headers; if your own code sends it, use {header}");
            }
            Self::ProviderMixedUp { payload_of, .. } => {
                return format!("send {payload_of} webhooks to the route that checks {payload_of}'s header");
            }
            Self::SignatureOfOtherProvider { own, .. } => return format!("send the signature in {own}"),
            Self::SignatureEmpty => "check the code that sets the header: the value was not there yet",
            Self::SignatureLength { digest: Some(_), .. } => "sign with HMAC-SHA256",
            Self::SignatureLength { .. } => {
                "look for a column or variable that truncates the value; a signature has 64 digits"
            }
            Self::SignatureNotHex => "write the 32 bytes of the HMAC as 64 hex digits",
            Self::SignatureBase64 => "write it as hex: digest('hex') in Node, hexdigest() in Python",
            Self::SignaturePrefix { .. } => "send only the hex digits",
            Self::TimestampMissing { header } => {
                return format!("look for a proxy that drops unknown headers; if your own code sends it, add {header}");
            }
            Self::TimestampNotANumber { .. } => "send Unix time in whole seconds, such as 1736937000",
            Self::TimestampMilliseconds => "divide by 1000: Math.floor(Date.now() / 1000) in JavaScript",
            Self::TimestampRepeated => "send the header once; look for a proxy that adds another",
            Self::TimestampTooOld { .. } => {
                "look for a queue or retry that delays events; accept older ones with --tolerance, \
                 or re-sign with `whtool replay`"
            }
            Self::TimestampInFuture { .. } => {
                "compare `date -u` on this machine and on the sender's, and correct the clock"
            }
            Self::TimestampNotSigned => "sign `<timestamp>.<body>`, not just the body",
            Self::TimestampSignedInMilliseconds | Self::TimestampSignedInSeconds => {
                "sign exactly the text in the timestamp header, in seconds"
            }
            Self::TimestampSeparator { .. } => "put a single dot between timestamp and body",
            Self::TimestampOther { .. } => {
                "look for a proxy that drops or changes the header; send the timestamp that was signed"
            }
            Self::OtherProviderRule { .. } => "sign by the rules of the provider whose header is sent",
            Self::SecretOfOtherProvider { .. } => {
                "check whether the two secrets are swapped; if your own code signs, use this provider's secret"
            }
            Self::SecretWhitespaceAdded { name } => {
                return format!("remove the whitespace from {name} (echo writes a newline, printf '%s' does not)");
            }
            Self::SecretWhitespaceLost { .. } => {
                return own_code_signs("copy the secret again", "trim the secret where it is read");
            }
            Self::SecretQuoted { name } => {
                return format!(
                    "remove the quotes from {name}: the program that reads them keeps them as part of the value"
                );
            }
            Self::SecretUsedWithQuotes { .. } => {
                return own_code_signs("copy the secret again", "remove the quotes where the secret is set");
            }
            Self::SecretPrefixDropped { .. } => {
                return own_code_signs(
                    "copy the secret again",
                    "use the whole secret as the key, including its prefix",
                );
            }
            Self::SecretPrefixLost { name, prefix } => return format!("add `{prefix}` to the start of {name}"),
            Self::SecretDecoded { name, encoding } => {
                return own_code_signs(
                    &format!("set {name} to the secret itself, not its {encoding}"),
                    "use the secret's text as the key, without decoding it",
                );
            }
            Self::SecretCutAtHash { name } => {
                return own_code_signs(
                    &format!("remove the comment from {name}"),
                    "quote the secret in the env file, where `#` starts a comment",
                );
            }
            Self::SecretCutShort { name } => {
                return own_code_signs(
                    &format!("look for an extra character at the end of {name}"),
                    "copy the whole secret",
                );
            }
            Self::SecretLine { name } => return format!("set {name} to the secret alone, without the variable's name"),
            Self::SecretUnset { .. } => {
                "set the secret in the environment of the code that signs: the variable is missing there"
            }
            Self::SecretNotConfigured { variable, .. } => {
                return format!("set {variable} to the endpoint's signing secret");
            }
            Self::ApiKeyAsSecret { .. } | Self::SecretLooksLikeApiKey { .. } => {
                "use the endpoint's signing secret; the API key is for API calls"
            }
            Self::SecretLooksWrapped { name } => return format!("set {name} to the secret alone"),
            Self::NotHmac { .. } => "use HMAC-SHA256 with the secret as the key",
            Self::BodyReserialized { .. } => {
                "verify the raw request body, before any JSON parser (express.raw() in Express, request.get_data() \
                 in Flask); if your own code signs, send exactly the bytes that were signed"
            }
            Self::BodyNewlineAdded => {
                "keep the body as it was sent: use printf '%s' instead of echo, and curl --data-binary"
            }
            Self::BodyNewlineLost => {
                return own_code_signs(
                    "keep the body as it was sent: curl -d strips newlines, --data-binary does not",
                    "use printf '%s' instead of echo",
                );
            }
            Self::BodyLineEnds { .. } => "keep the bytes: look for a file opened in text mode, or git's autocrlf",
            Self::BodyBom { .. } => "keep the bytes: look for an editor or reader that adds or removes the mark",
            Self::BodyWhitespace => {
                return own_code_signs("keep the body as it was sent", "look for a trim() before the body is signed");
            }
            Self::BodyEmptySigned => {
                "read the body before signing it: the stream was not read yet, or was already consumed"
            }
            Self::BodyEmptyHere => {
                "look for middleware that consumes the stream first, or a redirect that drops the body"
            }
            Self::BodyEncoding { .. } | Self::BodyEncoded { .. } => "handle the body as bytes, never as text",
            Self::BodyDoubleEncoded { .. } => "do not serialize text that is already JSON",
            Self::BodyNotThePayload { .. } => "sign the raw bytes of the body, not a parsed object",
            Self::BodyByteChanged { .. } | Self::BodyByteLost { .. } | Self::BodyByteAdded { .. } => {
                "do not trust it: this is not what was signed"
            }
            Self::BodyPrinted { .. } => "sign the bytes themselves, not their printed form",
            Self::BodyRewritten { .. } => "pass the body on as it was received, and verify it before any JSON parser",
            Self::BodyCut { .. } => {
                "look for a limit on the size of the body, or a column or log line that is too short"
            }
            Self::BodyGrown { .. } => "look for a logger, proxy or editor that writes into the body",
            Self::BodyValues { .. } => {
                "look for code that changes values (a mapper, masking for logs), or for tampering"
            }
            Self::BodyReplaced => "check whether both are the same event",
            Self::MessageOther { .. } => "hash only the raw body, after the timestamp if the provider signs one",
            Self::KeyAndMessageSwapped => {
                "pass the secret as the key and the message as the data: check the order of the arguments"
            }
            Self::DigestAlgorithm { .. } => "use SHA-256",
            Self::DigestEncodedTwice => "encode the digest once: hexdigest() or digest('hex'), and nothing after it",
            Self::BodyLength { .. } => "look for code that changed or truncated the body after it was sent",
            Self::BodyCompressed { .. } => {
                "verify the bytes that were signed: before compression, or after decompression"
            }
            Self::BodyReplacementCharacter => "handle the body as bytes: something decoded it as text and lost data",
            Self::Unexplained => {
                "compare your secret with the provider's dashboard; capture the request before any proxy or app"
            }
            Self::NotSearched => "save this request alone and run `whtool verify` on it, which searches longer",
        };
        fix.to_owned()
    }
}

/// Joins the fix for the receiver with the fix for those who sign requests themselves.
fn own_code_signs(receiver: &str, signer: &str) -> String {
    format!("{receiver}; if your own code signs, {signer}")
}
