//! Causes: why a request did not verify, each with a stable code, a sentence and a fix.
//!
//! The same causes appear in `listen`, `verify` and JSON. Finding them is the business of the other files here.

/// How sure a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// With this change undone the given signature matches, or the header itself shows it.
    Proved,
    /// A guess from circumstances.
    Likely,
}

impl Proof {
    /// The word for it, in text and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Likely => "likely",
        }
    }
}

/// A cause and how sure it is. Several proved findings together are one explanation: all of them had to be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What happened.
    pub cause: Cause,
    /// How sure that is.
    pub proof: Proof,
}

/// Why a request did not verify. Texts in it may be strangers'.
#[expect(missing_docs, reason = "each variant's comment and its sentence in `wording` say what its fields hold")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No signature anywhere.
    SignatureMissing { header: &'static str },
    /// A signature stands in a header of another name.
    SignatureOtherHeader { name: String, header: &'static str },
    /// The header is one provider's, the payload another's.
    ProviderMixedUp { header_of: &'static str, payload_of: &'static str },
    /// The signature in this provider's header is wholly another's.
    SignatureOfOtherProvider { signer: &'static str, header: &'static str, own: &'static str },
    /// The header has no value.
    SignatureEmpty,
    /// Hex of a wrong length; `digest` is the algorithm whose length it is.
    SignatureLength { digits: usize, digest: Option<&'static str> },
    /// Not hex.
    SignatureNotHex,
    /// Base64 instead of hex.
    SignatureBase64,
    /// A scheme prefix that the provider does not write.
    SignaturePrefix { prefix: String },
    /// No timestamp header.
    TimestampMissing { header: &'static str },
    /// Not a whole number of seconds.
    TimestampNotANumber { text: String },
    /// Milliseconds in the header.
    TimestampMilliseconds,
    /// Several that differ.
    TimestampRepeated,
    /// Right, and older than the tolerance.
    TimestampTooOld { age: String },
    /// Right, and ahead of the clock here.
    TimestampInFuture { ahead: String },
    /// The body alone was signed.
    TimestampNotSigned,
    /// Milliseconds were signed, seconds sent.
    TimestampSignedInMilliseconds,
    /// Seconds were signed, milliseconds sent.
    TimestampSignedInSeconds,
    /// Something else than a full stop between timestamp and body.
    TimestampSeparator { separator: &'static str },
    /// Another moment was signed.
    TimestampOther { signed: String },
    /// Signed as another provider signs.
    OtherProviderRule { provider: &'static str },
    /// Signed with another provider's secret.
    SecretOfOtherProvider { name: String },
    /// The secret has white space at its ends that was not used in signing.
    SecretWhitespaceAdded { name: String },
    /// The secret was used with a line break or blank after it.
    SecretWhitespaceLost { name: String, tail: &'static str },
    /// The secret is in quotes here, and was used without.
    SecretQuoted { name: String },
    /// The secret was used with quotes around it.
    SecretUsedWithQuotes { name: String },
    /// The secret was used without its prefix.
    SecretPrefixDropped { name: String, prefix: &'static str },
    /// The secret lacks its prefix here.
    SecretPrefixLost { name: String, prefix: &'static str },
    /// The secret was decoded before use.
    SecretDecoded { name: String, encoding: &'static str },
    /// The secret is cut off at a `#` where it was used.
    SecretCutAtHash { name: String },
    /// The last character of the secret was lost where it was used.
    SecretCutShort { name: String },
    /// The secret is a whole line, `NAME=secret`.
    SecretLine { name: String },
    /// Signed with no secret at all, or with the name of nothing.
    SecretUnset { used: &'static str },
    /// No secret of the provider is configured.
    SecretNotConfigured { provider: &'static str, variable: &'static str },
    /// An API key was used for signing.
    ApiKeyAsSecret { name: String },
    /// What is configured as the secret looks like an API key.
    SecretLooksLikeApiKey { name: String },
    /// What is configured as the secret has blanks or quotes around it.
    SecretLooksWrapped { name: String },
    /// A plain hash of the body, or of secret and body in a row.
    NotHmac { what: &'static str },
    /// The same JSON, written by another program.
    BodyReserialized { signed: &'static str, here: Option<&'static str> },
    /// A line break at the end was not signed.
    BodyNewlineAdded,
    /// The signed body ends in a line break.
    BodyNewlineLost,
    /// LF and CRLF were exchanged.
    BodyLineEnds { signed: &'static str },
    /// A byte order mark came or went.
    BodyBom { signed: &'static str },
    /// Blanks at the ends came or went.
    BodyWhitespace,
    /// The empty body was signed.
    BodyEmptySigned,
    /// The body is empty here.
    BodyEmptyHere,
    /// The text was taken for another encoding and written again.
    BodyEncoding { signed: &'static str },
    /// The JSON was put into a JSON string.
    BodyDoubleEncoded { signed: &'static str },
    /// Not the payload, but the word for an object was signed.
    BodyNotThePayload { signed: &'static str },
    /// A single byte was changed.
    BodyByteChanged { offset: usize, signed: u8, here: u8 },
    /// A single byte was lost.
    BodyByteLost { offset: usize, signed: u8 },
    /// A single byte was put in.
    BodyByteAdded { offset: usize, here: u8 },
    /// Not the body, but a language's print of its bytes.
    BodyPrinted { by: &'static str },
    /// The good body is known, and this one is what a serializer makes of it.
    BodyRewritten { by: &'static str },
    /// The good body is known, and this is its text in another encoding.
    BodyEncoded { here: &'static str },
    /// The good body is known, and its end is missing here.
    BodyCut { lost: usize },
    /// The good body is known, and something follows it here.
    BodyGrown { added: usize },
    /// The good body is known, and these values differ; at most a few paths are named.
    BodyValues { count: usize, paths: Vec<String> },
    /// The good body is known, and this one has little in common with it.
    BodyReplaced,
    /// Something else was hashed in place of the body, and of what stands before it.
    MessageOther { what: String },
    /// The message was the key, and the key the message.
    KeyAndMessageSwapped,
    /// Another hash than SHA-256.
    DigestAlgorithm { name: &'static str },
    /// Hex of hex, or base64 of hex.
    DigestEncodedTwice,
    /// The body is not as long as its head says.
    BodyLength { announced: String, here: usize },
    /// The body was compressed on the way.
    BodyCompressed { encoding: String },
    /// The body has the mark of bytes that could not be decoded.
    BodyReplacementCharacter,
    /// Nothing that whtool knows explains it.
    Unexplained,
    /// The search was cut short.
    NotSearched,
}
