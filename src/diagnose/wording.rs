//! The code and the sentence of each cause. What to do about it is in `fixes`.

use super::cause::{Cause, CauseGroup};

impl Cause {
    /// Returns the code of this cause in JSON, which never changes.
    pub fn code(&self) -> &'static str {
        self.group_and_code().1
    }

    pub(crate) fn group(&self) -> CauseGroup {
        self.group_and_code().0
    }

    fn group_and_code(&self) -> (CauseGroup, &'static str) {
        use CauseGroup::{Body, Digest, Secret, Signature, Timestamp, Unknown};
        match self {
            Self::SignatureMissing { .. } => (Signature, "signature_missing"),
            Self::SignatureOtherHeader { .. } => (Signature, "signature_other_header"),
            Self::ProviderMixedUp { .. } => (Signature, "provider_mixed_up"),
            Self::SignatureOfOtherProvider { .. } => (Signature, "signature_of_other_provider"),
            Self::SignatureEmpty => (Signature, "signature_empty"),
            Self::SignatureLength { .. } => (Signature, "signature_length"),
            Self::SignatureNotHex => (Signature, "signature_not_hex"),
            Self::SignatureBase64 => (Signature, "signature_base64"),
            Self::SignaturePrefix { .. } => (Signature, "signature_prefix"),
            Self::TimestampMissing { .. } => (Timestamp, "timestamp_missing"),
            Self::TimestampNotANumber { .. } => (Timestamp, "timestamp_not_a_number"),
            Self::TimestampMilliseconds => (Timestamp, "timestamp_milliseconds"),
            Self::TimestampRepeated => (Timestamp, "timestamp_repeated"),
            Self::TimestampTooOld { .. } => (Timestamp, "timestamp_too_old"),
            Self::TimestampInFuture { .. } => (Timestamp, "timestamp_in_future"),
            Self::TimestampNotSigned => (Timestamp, "timestamp_not_signed"),
            Self::TimestampSignedInMilliseconds => (Timestamp, "timestamp_signed_in_milliseconds"),
            Self::TimestampSignedInSeconds => (Timestamp, "timestamp_signed_in_seconds"),
            Self::TimestampSeparator { .. } => (Timestamp, "timestamp_separator"),
            Self::TimestampOther { .. } => (Timestamp, "timestamp_other"),
            Self::OtherProviderRule { .. } => (Digest, "other_provider_rule"),
            Self::SecretOfOtherProvider { .. } => (Secret, "secret_of_other_provider"),
            Self::SecretWhitespaceAdded { .. } => (Secret, "secret_whitespace_added"),
            Self::SecretWhitespaceLost { .. } => (Secret, "secret_whitespace_lost"),
            Self::SecretQuoted { .. } => (Secret, "secret_quoted"),
            Self::SecretUsedWithQuotes { .. } => (Secret, "secret_used_with_quotes"),
            Self::SecretPrefixDropped { .. } => (Secret, "secret_prefix_dropped"),
            Self::SecretPrefixLost { .. } => (Secret, "secret_prefix_lost"),
            Self::SecretDecoded { .. } => (Secret, "secret_decoded"),
            Self::SecretCutAtHash { .. } => (Secret, "secret_cut_at_hash"),
            Self::SecretCutShort { .. } => (Secret, "secret_cut_short"),
            Self::SecretLine { .. } => (Secret, "secret_line"),
            Self::SecretUnset { .. } => (Secret, "secret_unset"),
            Self::SecretNotConfigured { .. } => (Secret, "secret_not_configured"),
            Self::ApiKeyAsSecret { .. } => (Secret, "api_key_as_secret"),
            Self::SecretLooksLikeApiKey { .. } => (Secret, "secret_looks_like_api_key"),
            Self::SecretLooksWrapped { .. } => (Secret, "secret_looks_wrapped"),
            Self::NotHmac { .. } => (Digest, "not_hmac"),
            Self::BodyReserialized { .. } => (Body, "body_reserialized"),
            Self::BodyNewlineAdded => (Body, "body_newline_added"),
            Self::BodyNewlineLost => (Body, "body_newline_lost"),
            Self::BodyLineEnds { .. } => (Body, "body_line_ends"),
            Self::BodyBom { .. } => (Body, "body_bom"),
            Self::BodyWhitespace => (Body, "body_whitespace"),
            Self::BodyEmptySigned => (Body, "body_empty_signed"),
            Self::BodyEmptyHere => (Body, "body_empty_here"),
            Self::BodyEncoding { .. } => (Body, "body_encoding"),
            Self::BodyDoubleEncoded { .. } => (Body, "body_double_encoded"),
            Self::BodyNotThePayload { .. } => (Body, "body_not_the_payload"),
            Self::BodyByteChanged { .. } => (Body, "body_byte_changed"),
            Self::BodyByteLost { .. } => (Body, "body_byte_lost"),
            Self::BodyByteAdded { .. } => (Body, "body_byte_added"),
            Self::BodyPrinted { .. } => (Body, "body_printed"),
            Self::BodyRewritten { .. } => (Body, "body_rewritten"),
            Self::BodyEncoded { .. } => (Body, "body_encoded"),
            Self::BodyCut { .. } => (Body, "body_cut"),
            Self::BodyGrown { .. } => (Body, "body_grown"),
            Self::BodyValues { .. } => (Body, "body_values"),
            Self::BodyReplaced => (Body, "body_replaced"),
            Self::MessageOther { .. } => (Digest, "message_other"),
            Self::KeyAndMessageSwapped => (Digest, "key_and_message_swapped"),
            Self::DigestAlgorithm { .. } => (Digest, "digest_algorithm"),
            Self::DigestEncodedTwice => (Digest, "digest_encoded_twice"),
            Self::BodyLength { .. } => (Body, "body_length"),
            Self::BodyCompressed { .. } => (Body, "body_compressed"),
            Self::BodyReplacementCharacter => (Body, "body_replacement_character"),
            Self::Unexplained => (Unknown, "unexplained"),
            Self::NotSearched => (Unknown, "not_searched"),
        }
    }

    /// Describes in a sentence what happened. It may contain text from the request.
    pub fn sentence(&self) -> String {
        match self {
            Self::SignatureMissing { header } => format!("there is no {header} header"),
            Self::SignatureOtherHeader { name, header } => format!("the signature stands in `{name}`, not in {header}"),
            Self::ProviderMixedUp { header_of, payload_of } => {
                format!("the signature header is {header_of}'s, and the payload looks like {payload_of}'s")
            }
            Self::SignatureOfOtherProvider { signer, header, .. } => {
                format!("{header} carries a right signature of {signer}")
            }
            Self::SignatureEmpty => "the signature header is empty".to_owned(),
            Self::SignatureLength { digits, digest: None } => {
                format!("the signature has {digits} hex digits instead of 64")
            }
            Self::SignatureLength { digits, digest: Some(digest) } => {
                format!("the signature has {digits} hex digits instead of 64: the length of {digest}")
            }
            Self::SignatureNotHex => "the signature is not hex".to_owned(),
            Self::SignatureBase64 => "the signature is written in base64 instead of hex".to_owned(),
            Self::SignaturePrefix { prefix } => {
                format!("the signature has `{prefix}` before it, which the provider does not write")
            }
            Self::TimestampMissing { header } => format!("there is no {header} header"),
            Self::TimestampNotANumber { text } => format!("the timestamp `{text}` is not a whole number of seconds"),
            Self::TimestampMilliseconds => "the timestamp is in milliseconds instead of seconds".to_owned(),
            Self::TimestampRepeated => "there are several timestamp headers, and they differ".to_owned(),
            Self::TimestampTooOld { age } => format!("the signature is right, but was made {age} ago"),
            Self::TimestampInFuture { ahead } => {
                format!("the signature is right, but its time is {ahead} ahead of the clock")
            }
            Self::TimestampNotSigned => "the body was signed without the timestamp before it".to_owned(),
            Self::TimestampSignedInMilliseconds => {
                "the timestamp was signed in milliseconds and sent in seconds".to_owned()
            }
            Self::TimestampSignedInSeconds => "the timestamp was signed in seconds and sent in milliseconds".to_owned(),
            Self::TimestampSeparator { separator } => {
                format!("timestamp and body were signed with {separator} between them instead of a full stop")
            }
            Self::TimestampOther { signed } => format!("the signature was made for the timestamp {signed}"),
            Self::OtherProviderRule { provider } => format!("it was signed by {provider}'s rule"),
            Self::SecretOfOtherProvider { name } => format!("it was signed with another provider's secret: {name}"),
            Self::SecretWhitespaceAdded { name } => {
                format!("{name} has white space around it that was not used in signing")
            }
            Self::SecretWhitespaceLost { name, tail } => {
                format!("it was signed with {name} and {tail} after it")
            }
            Self::SecretQuoted { name } => format!("{name} is in quotes, and was used in signing without them"),
            Self::SecretUsedWithQuotes { name } => format!("it was signed with quotes around {name}"),
            Self::SecretPrefixDropped { name, prefix } => format!("it was signed with {name} without its `{prefix}`"),
            Self::SecretPrefixLost { name, prefix } => {
                format!("{name} lacks the `{prefix}` that the secret used in signing has")
            }
            Self::SecretDecoded { name, encoding } => format!("it was signed with {name} decoded from {encoding}"),
            Self::SecretCutAtHash { name } => format!("it was signed with {name} cut off at its `#`"),
            Self::SecretCutShort { name } => format!("it was signed with {name} without its last character"),
            Self::SecretLine { name } => {
                format!("{name} holds a whole line of an env file: it was signed with what follows the `=`")
            }
            Self::SecretUnset { used } => format!("it was signed with {used} as the secret"),
            Self::SecretNotConfigured { provider, .. } => {
                format!("no secret of {provider} is configured here")
            }
            Self::ApiKeyAsSecret { name } => format!("it was signed with the API key of {name}"),
            Self::SecretLooksLikeApiKey { name } => format!("{name} looks like an API key, not like a signing secret"),
            Self::SecretLooksWrapped { name } => format!("{name} has blanks, a line break or quotes around it"),
            Self::NotHmac { what } => format!("the signature is {what}, not an HMAC"),
            Self::BodyReserialized { signed, here: None } => {
                format!("the signature is for the same JSON in another spelling ({signed})")
            }
            Self::BodyReserialized { signed, here: Some(here) } => {
                format!(
                    "the signature is for the same JSON in another spelling ({signed}); here it is spelled otherwise ({here})"
                )
            }
            Self::BodyNewlineAdded => "the body has a line break at its end that was not signed".to_owned(),
            Self::BodyNewlineLost => "the signed body ends in a line break that is missing here".to_owned(),
            Self::BodyLineEnds { signed } => format!("line ends were changed: the signed body has {signed}"),
            Self::BodyBom { signed } => format!("the signed body was {signed} a byte order mark"),
            Self::BodyWhitespace => "white space at the ends of the body was changed after signing".to_owned(),
            Self::BodyEmptySigned => "the empty body was signed".to_owned(),
            Self::BodyEmptyHere => "the body is empty here".to_owned(),
            Self::BodyEncoding { signed } => {
                format!("the text was written in another encoding: the signed body is {signed}")
            }
            Self::BodyDoubleEncoded { signed } => format!("JSON in a JSON string: the signed body is {signed}"),
            Self::BodyNotThePayload { signed } => format!("not the payload but the text `{signed}` was signed"),
            Self::BodyByteChanged { offset, signed, here } => {
                format!(
                    "one byte was changed: at offset {offset} the signed body has {}, this one {}",
                    byte(*signed),
                    byte(*here)
                )
            }
            Self::BodyByteLost { offset, signed } => {
                format!("one byte was lost: the signed body has {} at offset {offset}", byte(*signed))
            }
            Self::BodyByteAdded { offset, here } => {
                format!("one byte was added: {} at offset {offset} is not in the signed body", byte(*here))
            }
            Self::BodyPrinted { by } => format!("not the body but a print of its bytes was signed: {by}"),
            Self::BodyRewritten { by } => format!("the body was parsed and written again by {by}"),
            Self::BodyEncoded { here } => format!("the text is in another encoding here: {here}"),
            Self::BodyCut { lost } => format!("the body was cut off: {} missing at its end", bytes(*lost)),
            Self::BodyGrown { added } => format!("{} added behind the body", bytes(*added)),
            Self::BodyValues { count, paths } => {
                format!("values in the body were changed ({count}): {}", paths.join(", "))
            }
            Self::BodyReplaced => "the body is another one".to_owned(),
            Self::MessageOther { what } => format!("not the body was signed, but {what}"),
            Self::KeyAndMessageSwapped => "key and message were exchanged".to_owned(),
            Self::DigestAlgorithm { name } => format!("it was made with {name} instead of SHA-256"),
            Self::DigestEncodedTwice => "the digest was encoded twice: its hex text was encoded once more".to_owned(),
            Self::BodyLength { announced, here } => {
                format!("the body has {here} bytes, and its head announced {announced}")
            }
            Self::BodyCompressed { encoding } => format!("the body is marked as compressed ({encoding})"),
            Self::BodyReplacementCharacter => {
                "the body has U+FFFD in it, the mark of bytes that could not be decoded".to_owned()
            }
            Self::Unexplained => "nothing explains it: signed with another secret, or over another body".to_owned(),
            Self::NotSearched => {
                "no single change explains it; more was not tried, for the size of the body or the number of failures"
                    .to_owned()
            }
        }
    }
}

/// Formats a byte as its character, if it has one, and its number.
fn byte(byte: u8) -> String {
    if byte.is_ascii_graphic() { format!("`{}` (0x{byte:02x})", char::from(byte)) } else { format!("0x{byte:02x}") }
}

fn bytes(count: usize) -> String {
    if count == 1 { "1 byte is".to_owned() } else { format!("{count} bytes are") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_shown_as_character_and_number() {
        assert_eq!((byte(b'7'), byte(b'\n')), ("`7` (0x37)".to_owned(), "0x0a".to_owned()));
    }
}
