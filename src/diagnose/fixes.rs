//! The fix for each cause: what to do about it, in one line.

use super::cause::Cause;

impl Cause {
    /// Says in one line what to do.
    pub fn fix(&self) -> String {
        match self {
            Self::SignatureMissing { .. } => "send it signed; if the provider did, look for a proxy that drops unknown headers".to_owned(),
            Self::SignatureOtherHeader { header, .. } => format!("send it as {header}; a proxy may rename headers"),
            Self::ProviderMixedUp { payload_of, .. } => format!("point {payload_of} at the route that checks its own header"),
            Self::SignatureOfOtherProvider { own, .. } => format!("send it as {own}"),
            Self::SignatureEmpty => "look at the code that sets the header: its value was not there yet".to_owned(),
            Self::SignatureLength { digest: Some(_), .. } => "sign with HMAC-SHA256".to_owned(),
            Self::SignatureLength { .. } => "send all 64 digits: look for a column or variable that cuts the value".to_owned(),
            Self::SignatureNotHex => "write the 32 bytes of the HMAC as 64 hex digits".to_owned(),
            Self::SignatureBase64 => "write it as hex: digest('hex') in Node, hexdigest() in Python".to_owned(),
            Self::SignaturePrefix { .. } => "send the hex digits alone".to_owned(),
            Self::TimestampMissing { header } => format!("send {header}; look for a proxy that drops unknown headers"),
            Self::TimestampNotANumber { .. } => "send Unix time in whole seconds, such as 1736937000".to_owned(),
            Self::TimestampMilliseconds => "divide by 1000: Math.floor(Date.now() / 1000) in JavaScript".to_owned(),
            Self::TimestampRepeated => "send it once; look for a proxy that adds a second one".to_owned(),
            Self::TimestampTooOld { .. } => {
                "sign anew (whtool replay), or allow the age with --tolerance; a queue or a late retry may hold events back".to_owned()
            }
            Self::TimestampInFuture { .. } => "compare `date -u` here and at the sender, and set the clocks".to_owned(),
            Self::TimestampNotSigned => "sign `<timestamp>.<body>`, not the body alone".to_owned(),
            Self::TimestampSignedInMilliseconds | Self::TimestampSignedInSeconds => {
                "sign the very text that the timestamp header carries, in seconds".to_owned()
            }
            Self::TimestampSeparator { .. } => "put one full stop between timestamp and body".to_owned(),
            Self::TimestampOther { .. } => "send the timestamp that was signed, unchanged".to_owned(),
            Self::OtherProviderRule { .. } => "sign by the rule of the provider whose header is sent".to_owned(),
            Self::SecretOfOtherProvider { .. } => "sign with this provider's own secret; if the variables here are swapped, exchange them".to_owned(),
            Self::SecretWhitespaceAdded { name } => format!("remove the white space from {name}; printf '%s' writes no newline, echo does"),
            Self::SecretWhitespaceLost { .. } => "trim the secret where it is read for signing".to_owned(),
            Self::SecretQuoted { name } => format!("remove the quotes from {name}: what reads the file or variable keeps them as part of the value"),
            Self::SecretUsedWithQuotes { .. } => "remove the quotes where the secret is set for signing".to_owned(),
            Self::SecretPrefixDropped { .. } => "use the whole secret as the key, prefix included".to_owned(),
            Self::SecretPrefixLost { name, prefix } => format!("put `{prefix}` back in front of {name}"),
            Self::SecretDecoded { .. } => "use the secret's text as the key, without decoding it".to_owned(),
            Self::SecretCutAtHash { .. } => "put the secret in quotes in the env file: `#` begins a comment there".to_owned(),
            Self::SecretCutShort { .. } => "copy the whole secret to where the signing runs".to_owned(),
            Self::SecretLine { name } => format!("set {name} to the secret alone, without the variable's name"),
            Self::SecretUnset { .. } => "set the secret where the signing runs: the variable is not there".to_owned(),
            Self::SecretNotConfigured { variable, .. } => format!("set {variable} to the endpoint's signing secret"),
            Self::ApiKeyAsSecret { .. } | Self::SecretLooksLikeApiKey { .. } => {
                "use the endpoint's signing secret; the API key is for calls to the API".to_owned()
            }
            Self::SecretLooksWrapped { name } => format!("set {name} to the bare secret"),
            Self::NotHmac { .. } => "use HMAC-SHA256 with the secret as its key".to_owned(),
            Self::BodyReserialized { .. } => {
                "send the very bytes that were signed (data=, not json=, in Python); in a handler, verify them before any JSON parser: \
                 express.raw({type: '*/*'}), request.get_data()"
                    .to_owned()
            }
            Self::BodyNewlineAdded => "send the bytes that were signed: printf '%s' instead of echo, --data-binary instead of an editor's file".to_owned(),
            Self::BodyNewlineLost => "sign with printf '%s' instead of echo; send with curl --data-binary, since -d strips line breaks from a file".to_owned(),
            Self::BodyLineEnds { .. } => "keep the bytes: look for a text-mode file or git's autocrlf".to_owned(),
            Self::BodyBom { .. } => "keep the bytes: look for an editor or reader that adds or drops the mark".to_owned(),
            Self::BodyWhitespace => "keep the bytes: look for a trim() on the body".to_owned(),
            Self::BodyEmptySigned => "read the body before signing: the stream was not read yet, or already read".to_owned(),
            Self::BodyEmptyHere => "look for middleware that has read the stream before, or a redirect that dropped the body".to_owned(),
            Self::BodyEncoding { .. } => "handle the body as bytes, never as text".to_owned(),
            Self::BodyDoubleEncoded { .. } => "do not serialize a text that is JSON already".to_owned(),
            Self::BodyNotThePayload { .. } => "sign the raw bytes of the request, not a parsed object".to_owned(),
            Self::BodyByteChanged { .. } | Self::BodyByteLost { .. } | Self::BodyByteAdded { .. } => {
                "do not trust it: it is not what was signed".to_owned()
            }
            Self::BodyPrinted { .. } => "sign the bytes themselves, not a print of them".to_owned(),
            Self::BodyRewritten { .. } => "hand the bytes on as they came; verify them before any JSON parser".to_owned(),
            Self::BodyEncoded { .. } => "handle the body as bytes, never as text".to_owned(),
            Self::BodyCut { .. } => "look for a limit on the size of bodies, or a column or log line that is too short".to_owned(),
            Self::BodyGrown { .. } => "look for what writes into the body: a logger, a proxy, an editor".to_owned(),
            Self::BodyValues { .. } => "look for what changes values on the way: a mapper, a mask for logs, somebody".to_owned(),
            Self::BodyReplaced => "look whether it is the same event at all".to_owned(),
            Self::MessageOther { .. } => "hash the raw body, after the timestamp where there is one, and nothing else".to_owned(),
            Self::KeyAndMessageSwapped => "give the secret as the key and the message as the data; look at the order of the arguments".to_owned(),
            Self::DigestAlgorithm { .. } => "use SHA-256".to_owned(),
            Self::DigestEncodedTwice => "encode the bytes of the digest once: hexdigest(), or digest('hex'), and nothing after it".to_owned(),
            Self::BodyLength { .. } => "look for what rewrote or cut the body after it was sent".to_owned(),
            Self::BodyCompressed { .. } => "verify the bytes as they were signed: before compression, or after undoing it".to_owned(),
            Self::BodyReplacementCharacter => "handle the body as bytes: something decoded it as text and lost bytes".to_owned(),
            Self::Unexplained => "compare the secret with the dashboard's; if the request passed a proxy or an app, capture it before that".to_owned(),
            Self::NotSearched => "save this request alone and give it to `whtool verify`, which takes more time for it".to_owned(),
        }
    }
}
