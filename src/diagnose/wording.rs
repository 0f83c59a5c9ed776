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
            Self::SignatureMissing { header } | Self::TimestampMissing { header } => {
                format!("the {header} header is missing")
            }
            Self::SignatureOtherHeader { name, header } => {
                format!("the signature is in the header `{name}` instead of {header}")
            }
            Self::ProviderMixedUp { header_of, payload_of } => {
                format!("the signature header is {header_of}'s, but the payload looks like {payload_of}'s")
            }
            Self::SignatureOfOtherProvider { signer, header, .. } => {
                format!("{header} contains a correct {signer} signature")
            }
            Self::SignatureEmpty => "the signature header is empty".to_owned(),
            Self::SignatureLength { digits, digest: None } => {
                format!("the signature has {digits} hex digits instead of 64")
            }
            Self::SignatureLength { digits, digest: Some(digest) } => {
                format!("the signature has {digits} hex digits instead of 64, the length of {digest}")
            }
            Self::SignatureNotHex => "the signature is not hex".to_owned(),
            Self::SignatureBase64 => "the signature is base64 instead of hex".to_owned(),
            Self::SignaturePrefix { prefix } => {
                format!("the signature starts with `{prefix}`, which this provider does not use")
            }
            Self::TimestampNotANumber { text } => format!("the timestamp `{text}` is not a whole number of seconds"),
            Self::TimestampMilliseconds => "the timestamp is in milliseconds instead of seconds".to_owned(),
            Self::TimestampRepeated => "there are several timestamp headers with different values".to_owned(),
            Self::TimestampTooOld { age } => format!("the signature is correct, but was made {age} ago"),
            Self::TimestampInFuture { ahead } => {
                format!("the signature is correct, but its timestamp is {ahead} ahead of the clock")
            }
            Self::TimestampNotSigned => "the body was signed without the timestamp".to_owned(),
            Self::TimestampSignedInMilliseconds => {
                "the timestamp was signed in milliseconds, but sent in seconds".to_owned()
            }
            Self::TimestampSignedInSeconds => {
                "the timestamp was signed in seconds, but sent in milliseconds".to_owned()
            }
            Self::TimestampSeparator { separator } => {
                format!("timestamp and body were signed with {separator} between them instead of a dot")
            }
            Self::TimestampOther { signed } => format!("the signed timestamp is {signed}"),
            Self::OtherProviderRule { provider } => format!("signed by the rules of {provider}"),
            Self::SecretOfOtherProvider { name } => format!("signed with another provider's secret: {name}"),
            Self::SecretWhitespaceAdded { name } => {
                format!("{name} has whitespace around it that the signing key does not have")
            }
            Self::SecretWhitespaceLost { name, tail } => format!("the signing key is {name} with {tail} at the end"),
            Self::SecretQuoted { name } => format!("{name} has quotes around it that the signing key does not have"),
            Self::SecretUsedWithQuotes { name } => format!("the signing key is {name} with quotes around it"),
            Self::SecretPrefixDropped { name, prefix } => format!("the signing key is {name} without `{prefix}`"),
            Self::SecretPrefixLost { name, prefix } => {
                format!("{name} does not start with `{prefix}`, but the signing key does")
            }
            Self::SecretDecoded { name, encoding } => format!("the signing key is {name} decoded from {encoding}"),
            Self::SecretCutAtHash { name } => format!("the signing key is the part of {name} before the `#`"),
            Self::SecretCutShort { name } => format!("the signing key is {name} without the last character"),
            Self::SecretLine { name } => {
                format!("{name} is a whole line of an env file, but the signing key is the part after the `=`")
            }
            Self::SecretUnset { used } => format!("the signing key is {used}: no secret was set"),
            Self::SecretNotConfigured { provider, .. } => format!("no {provider} secret is configured"),
            Self::ApiKeyAsSecret { name } => format!("signed with the API key in {name}"),
            Self::SecretLooksLikeApiKey { name } => format!("{name} looks like an API key, not like a signing secret"),
            Self::SecretLooksWrapped { name } => format!("{name} has whitespace or quotes around it"),
            Self::NotHmac { what } => format!("the signature is {what}, not an HMAC"),
            Self::BodyReserialized { signed, here } => {
                let here = here.map(|here| format!(", but this body looks like {}", here.name));
                format!("the body was re-serialized: the signature matches {}{}", signed.name, here.unwrap_or_default())
            }
            Self::BodyNewlineAdded => "the body ends with a newline that was not signed".to_owned(),
            Self::BodyNewlineLost => "the signed body ends with a newline that is missing here".to_owned(),
            Self::BodyLineEnds { signed } => format!("the line endings were changed: the signed body has {signed}"),
            Self::BodyBom { is_signed: true } => {
                "the signed body starts with a byte order mark that is missing here".to_owned()
            }
            Self::BodyBom { is_signed: false } => {
                "the body starts with a byte order mark that was not signed".to_owned()
            }
            Self::BodyWhitespace => "the body has whitespace around it that was not signed".to_owned(),
            Self::BodyEmptySigned => "an empty body was signed".to_owned(),
            Self::BodyEmptyHere => "the body is empty here".to_owned(),
            Self::BodyEncoding { signed } => format!("the text was re-encoded: the signed body is {signed}"),
            Self::BodyDoubleEncoded { signed } => format!("JSON in a JSON string: the signed body is {signed}"),
            Self::BodyNotThePayload { signed } => {
                format!("the text `{}` was signed instead of the payload", signed.text)
            }
            Self::BodyByteChanged { offset, signed, here } => {
                let (signed, here) = (format_byte(*signed), format_byte(*here));
                format!("one byte was changed: at offset {offset} the signed body has {signed}, this one {here}")
            }
            Self::BodyByteLost { offset, signed } => {
                format!("one byte is missing: the signed body has {} at offset {offset}", format_byte(*signed))
            }
            Self::BodyByteAdded { offset, here } => {
                format!("one byte was added: {} at offset {offset} was not signed", format_byte(*here))
            }
            Self::BodyPrinted { by } => {
                format!("the bytes of the body were printed and the result was signed: {}", by.name())
            }
            Self::BodyRewritten { by } => {
                let by = by.map_or("the output of an unknown serializer", |serializer| serializer.name);
                format!("the body was re-serialized: it looks like {by}")
            }
            Self::BodyEncoded { here } => format!("the text was re-encoded: here the body is {here}"),
            Self::BodyCut { lost } => format!("the body was truncated: {} lost at the end", count_bytes(*lost)),
            Self::BodyGrown { added } => format!("{} added at the end of the body", count_bytes(*added)),
            Self::BodyValues { count: 1, paths } => format!("a value in the body was changed: {}", paths.join(", ")),
            Self::BodyValues { count, paths } => {
                let rest = if *count > paths.len() { ", …" } else { "" };
                format!("{count} values in the body were changed: {}{rest}", paths.join(", "))
            }
            Self::BodyReplaced => "the two bodies have nothing in common that whtool recognizes".to_owned(),
            Self::MessageOther { what } => format!("{what} was signed instead of the body"),
            Self::KeyAndMessageSwapped => "key and message were swapped".to_owned(),
            Self::DigestAlgorithm { name } => format!("made with {name} instead of SHA-256"),
            Self::DigestEncodedTwice => "the digest was encoded twice: its hex text was encoded again".to_owned(),
            Self::BodyLength { announced, here } => {
                format!("the body has {here} bytes, but Content-Length is {announced}")
            }
            Self::BodyCompressed { encoding } => format!("the body is compressed (Content-Encoding: {encoding})"),
            Self::BodyReplacementCharacter => {
                "the body contains U+FFFD, which replaces bytes that could not be decoded".to_owned()
            }
            Self::Unexplained => {
                "signed with another secret or over another body: no known mistake explains the signature".to_owned()
            }
            Self::NotSearched => {
                "no single change explains it; the search for pairs stopped early (large body or many failures)"
                    .to_owned()
            }
        }
    }
}

/// Formats a byte as its character, if it has one, and its number.
fn format_byte(byte: u8) -> String {
    if byte.is_ascii_graphic() { format!("`{}` (0x{byte:02x})", char::from(byte)) } else { format!("0x{byte:02x}") }
}

fn count_bytes(count: usize) -> String {
    if count == 1 { "1 byte was".to_owned() } else { format!("{count} bytes were") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_shown_as_character_and_number() {
        assert_eq!((format_byte(b'7'), format_byte(b'\n')), ("`7` (0x37)".to_owned(), "0x0a".to_owned()));
    }

    #[test]
    fn a_change_of_the_body_is_told_with_its_bytes_and_counts() {
        let paths = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        for (cause, code, sentence) in [
            (
                Cause::BodyByteChanged { offset: 7, signed: b'1', here: b'9' },
                "body_byte_changed",
                "one byte was changed: at offset 7 the signed body has `1` (0x31), this one `9` (0x39)",
            ),
            (
                Cause::BodyByteLost { offset: 0, signed: b' ' },
                "body_byte_lost",
                "one byte is missing: the signed body has 0x20 at offset 0",
            ),
            (
                Cause::BodyByteAdded { offset: 3, here: b'\n' },
                "body_byte_added",
                "one byte was added: 0x0a at offset 3 was not signed",
            ),
            (Cause::BodyCut { lost: 1 }, "body_cut", "the body was truncated: 1 byte was lost at the end"),
            (Cause::BodyCut { lost: 2 }, "body_cut", "the body was truncated: 2 bytes were lost at the end"),
            (Cause::BodyGrown { added: 3 }, "body_grown", "3 bytes were added at the end of the body"),
            (
                Cause::BodyValues { count: 1, paths: paths(&["data.amount"]) },
                "body_values",
                "a value in the body was changed: data.amount",
            ),
            (
                Cause::BodyValues { count: 2, paths: paths(&["a", "b"]) },
                "body_values",
                "2 values in the body were changed: a, b",
            ),
            (
                Cause::BodyValues { count: 9, paths: paths(&["a", "b"]) },
                "body_values",
                "9 values in the body were changed: a, b, …",
            ),
            (
                Cause::BodyLength { announced: "100".parse().unwrap(), here: 99 },
                "body_length",
                "the body has 99 bytes, but Content-Length is 100",
            ),
        ] {
            assert_eq!((cause.code(), cause.sentence().as_str()), (code, sentence));
            assert_eq!(cause.group(), CauseGroup::Body);
        }
    }
}
