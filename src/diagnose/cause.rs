//! A cause of a failed verification: a row of a table, and the values that this request puts into
//! its words.
//!
//! A `CauseKind` holds the code, the sentences and the fixes of one cause. Those of the tables of
//! candidates stand next to the candidates, the others in `kinds`.

use crate::json::Language;
use std::borrow::Cow;

/// The certainty of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// The given signature matches once this change is undone.
    Proved,
    /// The request itself shows it. It need not be the only fault.
    Visible,
    /// A guess from the request or the configuration.
    Likely,
}

impl Confidence {
    pub fn code(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Visible => "visible",
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

    pub(crate) fn visible(cause: Cause) -> Self {
        Self { cause, confidence: Confidence::Visible }
    }

    pub(crate) fn likely(cause: Cause) -> Self {
        Self { cause, confidence: Confidence::Likely }
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

/// One known mistake: its code, and its words for a request and for a computed digest.
///
/// Texts contain `{name}` where a value of the cause belongs.
#[derive(Debug, PartialEq, Eq)]
pub struct CauseKind {
    pub group: CauseGroup,
    /// The code in JSON, which never changes.
    pub code: &'static str,
    /// Describes in a sentence what happened to the request.
    pub sentence: &'static str,
    /// Says what the receiver does: the provider is right, our secret or body is wrong. Empty: only
    /// the user's own code can have signed like this.
    pub fix: &'static str,
    /// Says what to change in code that signs. Empty: nothing.
    pub signer_fix: &'static str,
    /// Describes what the user's code did to get the digest. Empty: `sentence` fits.
    pub digest_sentence: &'static str,
    /// Says what to change in the code that computed the digest. Empty: another fix fits.
    pub digest_fix: &'static str,
}

impl CauseKind {
    pub(crate) const fn new(group: CauseGroup, code: &'static str, sentence: &'static str, fix: &'static str) -> Self {
        Self { group, code, sentence, fix, signer_fix: "", digest_sentence: "", digest_fix: "" }
    }

    /// Sets what to change in code that signs.
    pub(crate) const fn signer_fix(self, signer_fix: &'static str) -> Self {
        Self { signer_fix, ..self }
    }

    /// Sets the sentence and the fix for a computed digest.
    pub(crate) const fn digest(self, digest_sentence: &'static str, digest_fix: &'static str) -> Self {
        Self { digest_sentence, digest_fix, ..self }
    }
}

/// A cause of a failed verification. Its values may come from the request: sanitize its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    kind: &'static CauseKind,
    values: Vec<(&'static str, Cow<'static, str>)>,
    language: Option<Language>,
}

impl Cause {
    pub(crate) fn new(kind: &'static CauseKind) -> Self {
        Self { kind, values: Vec::new(), language: None }
    }

    /// Adds the value that stands for `{name}` in the texts.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    /// Sets the language of the code that mishandled the body.
    pub(crate) fn in_language(mut self, language: Option<Language>) -> Self {
        self.language = language;
        self
    }

    /// Joins a cause with one that came after it, where a single one is shown.
    pub(crate) fn followed_by(mut self, next: Self) -> Self {
        let what = match next.value("what") {
            "" => next.sentence(),
            what => what.to_owned(),
        };
        let what = format!("{}, then {what}", self.value("what"));
        self.values.retain(|(name, _)| *name != "what");
        self.with("what", what)
    }

    /// Returns the value of this name, or an empty text.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn is(&self, kind: &CauseKind) -> bool {
        self.kind.code == kind.code
    }

    pub fn code(&self) -> &'static str {
        self.kind.code
    }

    pub(crate) fn group(&self) -> CauseGroup {
        self.kind.group
    }

    /// Returns the language of the code that mishandled the body, if the cause shows it.
    pub fn language(&self) -> Option<Language> {
        self.language
    }

    /// Describes in a sentence what happened. It may contain text from the request.
    pub fn sentence(&self) -> String {
        self.fill(self.kind.sentence)
    }

    /// Says in one line what to do: first on the receiving side, then in code that signs.
    pub fn fix(&self) -> String {
        let CauseKind { fix, signer_fix, .. } = self.kind;
        let (fix, signer_fix) = (self.fill(fix), self.fill(signer_fix));
        match (fix.is_empty(), signer_fix.is_empty()) {
            (_, true) => fix,
            (true, _) => format!("the provider does not sign like this; if your own code signs, {signer_fix}"),
            _ => format!("{fix}; if your own code signs, {signer_fix}"),
        }
    }

    /// Describes what the user's code did. It may contain text from the request.
    pub fn digest_sentence(&self) -> String {
        self.fill(first_text([self.kind.digest_sentence, self.kind.sentence]))
    }

    /// Says what to change in the code that computed the digest.
    pub fn digest_fix(&self) -> String {
        self.fill(first_text([self.kind.digest_fix, self.kind.signer_fix, self.kind.fix]))
    }

    /// Replaces each `{name}` by the value of this name.
    fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let value = after.split_once('}').and_then(|(name, tail)| {
                let (_, value) = self.values.iter().find(|(known, _)| *known == name)?;
                Some((value, tail))
            });
            text.push_str(before);
            rest = match value {
                Some((value, tail)) => {
                    text.push_str(value);
                    tail
                }
                None => {
                    text.push('{');
                    after
                }
            };
        }
        text.push_str(rest);
        text
    }
}

fn first_text<const N: usize>(texts: [&'static str; N]) -> &'static str {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

/// Declares causes as statics, and the list `ALL` of them.
macro_rules! cause_kinds {
    ($($name:ident = $kind:expr;)*) => {
        $(pub(in crate::diagnose) static $name: CauseKind = $kind;)*
        pub(in crate::diagnose) static ALL: &[&CauseKind] = &[$(&$name),*];
    };
}
pub(super) use cause_kinds;

#[cfg(test)]
mod tests {
    use super::*;

    static KIND: CauseKind = CauseKind::new(CauseGroup::Secret, "code", "the key is {name}, not {}", "set {name}");
    static SIGNER_ONLY: CauseKind = CauseKind::new(CauseGroup::Digest, "code", "a", "").signer_fix("use {name}");

    #[test]
    fn values_are_put_into_the_texts_and_other_braces_stay() {
        let cause = Cause::new(&KIND).with("name", "A{name}");
        assert_eq!(cause.sentence(), "the key is A{name}, not {}");
        assert_eq!((cause.digest_sentence(), cause.digest_fix()), (cause.sentence(), cause.fix()));
    }

    #[test]
    fn the_fix_for_the_receiver_comes_before_the_fix_for_those_who_sign() {
        let cause = Cause::new(&SIGNER_ONLY).with("name", "HMAC");
        assert_eq!(cause.fix(), "the provider does not sign like this; if your own code signs, use HMAC");
        assert_eq!(cause.digest_fix(), "use HMAC");
    }
}
