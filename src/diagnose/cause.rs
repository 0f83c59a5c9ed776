//! The causes of a failed verification, each with a stable code, a sentence and a fix.
//!
//! The sentences are in `wording`, the fixes in `fixes`. Text and JSON use the same causes.

use crate::json::{Language, Serializer};

/// The certainty of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// The signature matches once this change is undone, or the header itself shows it.
    Proved,
    /// A guess from the request or the configuration.
    Likely,
}

impl Confidence {
    pub fn code(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Likely => "likely",
        }
    }
}

/// A cause and how sure it is. All proved findings together are one explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub cause: Cause,
    pub confidence: Confidence,
}

impl Finding {
    pub fn proved(cause: Cause) -> Self {
        Self { cause, confidence: Confidence::Proved }
    }

    /// Returns true if this proves a change of the body.
    pub fn proves_body_change(&self) -> bool {
        self.confidence == Confidence::Proved && self.cause.group() == CauseGroup::Body
    }
}

/// The part of a request or of signing that a cause is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseGroup {
    Signature,
    Timestamp,
    Secret,
    Body,
    /// The algorithm, or what was given to it.
    Digest,
    /// Nothing explains the failure.
    Unknown,
}

/// A cause of a failed verification. Its texts may come from the request: sanitize them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    SignatureMissing {
        header: &'static str,
    },
    SignatureOtherHeader {
        name: String,
        header: &'static str,
    },
    /// The header is one provider's, the payload another's.
    ProviderMixedUp {
        header_of: &'static str,
        payload_of: &'static str,
    },
    /// The signature in this provider's header follows another's rule and uses its secret.
    SignatureOfOtherProvider {
        signer: &'static str,
        header: &'static str,
        own: &'static str,
    },
    SignatureEmpty,
    /// `digest` is the algorithm whose digests have this length.
    SignatureLength {
        digits: usize,
        digest: Option<&'static str>,
    },
    SignatureNotHex,
    SignatureBase64,
    /// A scheme such as `v1=` that the provider does not use.
    SignaturePrefix {
        prefix: String,
    },
    TimestampMissing {
        header: &'static str,
    },
    TimestampNotANumber {
        text: String,
    },
    TimestampMilliseconds,
    TimestampRepeated,
    TimestampTooOld {
        age: String,
    },
    TimestampInFuture {
        ahead: String,
    },
    /// The body alone was signed.
    TimestampNotSigned,
    /// Milliseconds were signed, seconds sent.
    TimestampSignedInMilliseconds,
    /// Seconds were signed, milliseconds sent.
    TimestampSignedInSeconds,
    /// The signed text has something else than a full stop between timestamp and body.
    TimestampSeparator {
        separator: &'static str,
    },
    /// The signed timestamp is not the one that was sent.
    TimestampOther {
        signed: String,
    },
    OtherProviderRule {
        provider: &'static str,
    },
    SecretOfOtherProvider {
        name: String,
    },
    /// Our copy of the secret has whitespace around it that was not used in signing.
    SecretWhitespaceAdded {
        name: String,
    },
    /// The signing key had whitespace after it.
    SecretWhitespaceLost {
        name: String,
        tail: &'static str,
    },
    /// Our copy of the secret is in quotes that were not used in signing.
    SecretQuoted {
        name: String,
    },
    /// The signing key had quotes around it.
    SecretUsedWithQuotes {
        name: String,
    },
    /// The signing key lacked the prefix.
    SecretPrefixDropped {
        name: String,
        prefix: &'static str,
    },
    /// Our copy of the secret lacks the prefix.
    SecretPrefixLost {
        name: String,
        prefix: &'static str,
    },
    /// The signing key was decoded from the text of the secret.
    SecretDecoded {
        name: String,
        encoding: &'static str,
    },
    /// The signing key ended before a `#`.
    SecretCutAtHash {
        name: String,
    },
    /// The signing key lacked the last character.
    SecretCutShort {
        name: String,
    },
    /// Our copy of the secret is a whole line: `NAME=secret`.
    SecretLine {
        name: String,
    },
    /// The signing key was empty, or what an unset variable turns into.
    SecretUnset {
        used: &'static str,
    },
    SecretNotConfigured {
        provider: &'static str,
        variable: &'static str,
    },
    ApiKeyAsSecret {
        name: String,
    },
    SecretLooksLikeApiKey {
        name: String,
    },
    /// The secret has blanks or quotes around it.
    SecretLooksWrapped {
        name: String,
    },
    /// A plain hash of the body, or of secret and body in a row.
    NotHmac {
        what: &'static str,
    },
    /// The signature is for the same JSON as another serializer writes it.
    BodyReserialized {
        signed: &'static Serializer,
        here: Option<&'static Serializer>,
    },
    BodyNewlineAdded,
    BodyNewlineLost,
    /// LF became CRLF, or the reverse.
    BodyLineEnds {
        signed: &'static str,
    },
    BodyBom {
        is_signed: bool,
    },
    BodyWhitespace,
    BodyEmptySigned,
    BodyEmptyHere,
    /// The signature is for the same text in another encoding.
    BodyEncoding {
        signed: &'static str,
    },
    /// JSON was put into a JSON string.
    BodyDoubleEncoded {
        signed: &'static str,
    },
    /// A constant such as `[object Object]` was signed instead of the payload.
    BodyNotThePayload {
        signed: &'static ConstantBody,
    },
    BodyByteChanged {
        offset: usize,
        signed: u8,
        here: u8,
    },
    BodyByteLost {
        offset: usize,
        signed: u8,
    },
    BodyByteAdded {
        offset: usize,
        here: u8,
    },
    /// A language's print of the bytes was signed.
    BodyPrinted {
        by: PrintedBytes,
    },
    /// Compared with a good copy: this is what a serializer writes for it. `None`: an unknown one.
    BodyRewritten {
        by: Option<&'static Serializer>,
    },
    /// Compared with a good copy: the same text in another encoding.
    BodyEncoded {
        here: &'static str,
    },
    /// Compared with a good copy: its end is missing here.
    BodyCut {
        lost: usize,
    },
    /// Compared with a good copy: something follows it here.
    BodyGrown {
        added: usize,
    },
    /// Compared with a good copy: some values differ. At most a few `paths` are listed.
    BodyValues {
        count: usize,
        paths: Vec<String>,
    },
    /// Compared with a good copy: little is the same.
    BodyReplaced,
    /// Something else was hashed in place of prefix and body.
    MessageOther {
        what: String,
    },
    KeyAndMessageSwapped,
    /// The digest was made with another hash than SHA-256.
    DigestAlgorithm {
        name: &'static str,
    },
    /// Hex of hex, or base64 of hex.
    DigestEncodedTwice,
    /// The body is not as long as Content-Length announced.
    BodyLength {
        announced: String,
        here: usize,
    },
    BodyCompressed {
        encoding: String,
    },
    /// The body contains U+FFFD, which stands for bytes that could not be decoded.
    BodyReplacementCharacter,
    Unexplained,
    /// The search ended before all candidates were tried.
    NotSearched,
}

/// A text that buggy code signs in place of the payload.
#[derive(Debug, PartialEq, Eq)]
pub struct ConstantBody {
    pub text: &'static str,
    /// The language whose programs sign it. `None`: several do.
    pub language: Option<Language>,
}

/// A way to print bytes as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintedBytes {
    /// `b'…'`
    Python,
    /// `{"type":"Buffer","data":[…]}`
    Node,
    /// `[123 34 …]`
    Go,
}

impl PrintedBytes {
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "Python's b'…'",
            Self::Node => "JSON.stringify of a Buffer",
            Self::Go => "Go's %v of a byte slice",
        }
    }
}

impl Cause {
    /// Returns the language of the code that mishandled the body, if the cause shows it.
    ///
    /// The received body was written on the receiving side, so its serializer comes first.
    pub fn language(&self) -> Option<Language> {
        match self {
            Self::BodyReserialized { signed, here } => here.unwrap_or(signed).language,
            Self::BodyRewritten { by } => by.and_then(|serializer| serializer.language),
            Self::BodyNotThePayload { signed } => signed.language,
            Self::BodyPrinted { by: PrintedBytes::Python } => Some(Language::Python),
            Self::BodyPrinted { by: PrintedBytes::Node } => Some(Language::JavaScript),
            Self::BodyPrinted { by: PrintedBytes::Go } => Some(Language::Go),
            _ => None,
        }
    }
}
