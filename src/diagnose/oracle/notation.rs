//! Notations in which a handler may expect the signature.

use super::kinds;
use crate::diagnose::cause::{Cause, CauseKind};
use crate::provider::{Provider, SignatureForm};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A digest whose hex and base64 have letters of both cases.
const SAMPLE: [u8; 32] = [0xab; 32];

/// A way to write a digest into the signature header.
pub(super) struct Notation {
    /// A noun phrase for the sentence of the cause.
    pub form: &'static str,
    write: fn(&str, &[u8], &str) -> String,
    kind: &'static CauseKind,
    /// Combined with other mistakes.
    pub is_common: bool,
}

impl Notation {
    /// Writes a digest. The timestamp is part of some notations.
    pub(super) fn write(&self, digest: &[u8], timestamp: &str) -> String {
        (self.write)(&hex::encode(digest), digest, timestamp)
    }

    pub(super) fn cause(&self) -> Cause {
        Cause::new(self.kind).with("form", self.form)
    }

    /// Returns true if the provider documents this notation.
    pub(super) fn is_documented(&self, provider: &dyn Provider) -> bool {
        let header = provider.signature_header();
        [SignatureForm::Reference, SignatureForm::BareHex].into_iter().any(|form| {
            let headers = provider.signature_headers(&SAMPLE, "0", form);
            headers.iter().any(|(name, value)| *name == header && *value == self.write(&SAMPLE, "0"))
        })
    }
}

const fn notation(
    form: &'static str,
    kind: &'static CauseKind,
    is_common: bool,
    write: fn(&str, &[u8], &str) -> String,
) -> Notation {
    Notation { form, write, kind, is_common }
}

/// All notations, the likeliest first.
pub(super) static NOTATIONS: [Notation; 19] = [
    notation("`sha256=` and hex", &kinds::EXPECTED_OTHER_FORM, true, |hex, _, _| format!("sha256={hex}")),
    notation("hex", &kinds::EXPECTED_OTHER_FORM, true, |hex, _, _| hex.to_owned()),
    notation("base64", &kinds::EXPECTED_BASE64, true, |_, digest, _| STANDARD.encode(digest)),
    notation("upper-case hex", &kinds::EXPECTED_UPPER_CASE, true, |hex, _, _| hex.to_uppercase()),
    notation("`sha256=` and upper-case hex", &kinds::EXPECTED_UPPER_CASE, false, |hex, _, _| {
        format!("sha256={}", hex.to_uppercase())
    }),
    notation("`sha256=` and base64", &kinds::EXPECTED_BASE64, false, |_, digest, _| {
        format!("sha256={}", STANDARD.encode(digest))
    }),
    notation("base64 without padding", &kinds::EXPECTED_BASE64, false, |_, digest, _| STANDARD_NO_PAD.encode(digest)),
    notation("URL-safe base64", &kinds::EXPECTED_BASE64, false, |_, digest, _| URL_SAFE_NO_PAD.encode(digest)),
    notation("base64 of the hex text", &kinds::EXPECTED_TWICE, false, |hex, _, _| STANDARD.encode(hex)),
    notation("hex of the hex text", &kinds::EXPECTED_TWICE, false, |hex, _, _| hex::encode(hex)),
    notation("hex of the base64 text", &kinds::EXPECTED_TWICE, false, |_, digest, _| {
        hex::encode(STANDARD.encode(digest))
    }),
    notation("`v1=` and hex", &kinds::EXPECTED_OTHER_FORM, false, |hex, _, _| format!("v1={hex}")),
    notation("`v0=` and hex", &kinds::EXPECTED_OTHER_FORM, false, |hex, _, _| format!("v0={hex}")),
    notation("`t=<timestamp>,v1=` and hex", &kinds::EXPECTED_OTHER_FORM, false, |hex, _, time| {
        format!("t={time},v1={hex}")
    }),
    notation("`v1,` and base64", &kinds::EXPECTED_BASE64, false, |_, digest, _| {
        format!("v1,{}", STANDARD.encode(digest))
    }),
    notation("`sha1=` and hex", &kinds::EXPECTED_OTHER_FORM, false, |hex, _, _| format!("sha1={hex}")),
    notation("`sha512=` and hex", &kinds::EXPECTED_OTHER_FORM, false, |hex, _, _| format!("sha512={hex}")),
    notation("hex in quotes", &kinds::EXPECTED_OTHER_FORM, false, |hex, _, _| format!("\"{hex}\"")),
    notation("Python's b'…' around hex", &kinds::EXPECTED_OTHER_FORM, false, |hex, _, _| format!("b'{hex}'")),
];

/// Returns the notation of this form.
pub(super) fn by_form(form: &str) -> &'static Notation {
    NOTATIONS.iter().find(|notation| notation.form == form).expect("the table has this notation")
}
